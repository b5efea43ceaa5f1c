// SPDX-License-Identifier: Apache-2.0

package tsmreader

// limits are the sizes of what a cursor holds at a time. Tests lower them.
type limits struct {
	chains  int // that may hold decoded blocks; a series with more is merged with one slot
	values  int // of decoded blocks; a series that would hold more goes on with one slot
	entries int // of a chain
	cells   int // values of a batch
	rows    int // of a batch
	fewRows int // below that, more blocks are loaded before rows are given
}

var defaultLimits = limits{chains: 1024, values: 1 << 20, entries: 64, cells: 1 << 19, rows: 4096, fewRows: 256}
