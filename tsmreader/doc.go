// SPDX-License-Identifier: Apache-2.0

// Package tsmreader reads one shard as batches of rows: every generation of its
// TSM files, their tombstones and its WAL segments, of one replica or of several,
// merged so that each point comes once with the value a query would show.
package tsmreader
