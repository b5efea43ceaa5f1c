// SPDX-License-Identifier: Apache-2.0

// Package tombstone reads the deletes that belong to one TSM file, in every version.
//
//	v1  text: one composite key a line, each deleted for all time
//	v2  00 00 15 02, then entries
//	v3  00 00 15 03, then one gzip stream of entries
//	v4  00 00 15 04, then gzip members of entries, one a delete
//
//	entry: key length u32be | composite key | min i64be | max i64be
//
// Entries are applied as they are stored, also those of v2, which engines from 1.7
// on misread, and those behind a missing header. A compressed member is applied only if
// its checksum holds, and one that is damaged costs just its own deletes. Layout:
// docs/formats.md.
package tombstone
