// SPDX-License-Identifier: Apache-2.0

// Package exporter turns the shards of a catalog into line protocol: plain or
// compressed, to one file, to a directory with a manifest, or to a stream.
package exporter
