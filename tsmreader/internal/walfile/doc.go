// SPDX-License-Identifier: Apache-2.0

// Package walfile reads write-ahead log segments.
//
//	entry:         type u8 | length u32be | snappy block
//	1 write:       { value type u8 | key length u16be | key | count u32be | count × (time i64be, value) }
//	2 delete:      keys joined by LF
//	3 delete range: min i64be | max i64be | { key length u32be | key }
//
// Nothing has a checksum. A segment ends at its first bad entry, as it does for the
// engine; what lies behind is reported and can be taken with Options.Salvage.
// Layout: docs/formats.md, "Write-ahead log".
package walfile
