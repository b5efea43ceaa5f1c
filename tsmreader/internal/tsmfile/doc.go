// SPDX-License-Identifier: Apache-2.0

// Package tsmfile reads one TSM file through ReadAt: header, index, checksummed
// blocks. It never maps the file, so a failing disk is an error and not a signal.
//
//	0        header  16 D1 16 D1 01
//	5        blocks  each: CRC32 u32be, block data
//	X        index   records in ascending key order:
//	                 key length u16be, key, type u8, count u16be,
//	                 count × (min i64be, max i64be, offset i64be, size u32be)
//	size-8   footer  X u64be
//
// The index has no checksum. Opening walks it once and checks what can be checked:
// keys ascend, entries lie in the data region and tile it. Only where something is
// off, a careful second walk finds the smallest piece that is damaged, mends what
// its neighbours prove (a length, a count, an offset, a size), and reports it all.
// Memory is bounded: the index is streamed, never held. Layout: docs/formats.md.
package tsmfile
