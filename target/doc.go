// SPDX-License-Identifier: Apache-2.0

// Package target speaks HTTP to the cluster that points are replayed into: one or more
// nodes of InfluxDB 1.x, or of anything that takes the write API of 2.x.
//
// Every call is one attempt. What its error means, and so whether to send again, is said
// by Class; the importer acts on it.
package target
