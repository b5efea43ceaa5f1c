// SPDX-License-Identifier: Apache-2.0

package exporter

import "sync/atomic"

// Progress is what an export has done so far. It may be read at any time.
type Progress struct {
	TotalBytes  atomic.Int64 // of the files to read; grows until all shards are planned
	DoneBytes   atomic.Int64
	Shards      atomic.Int64
	ShardsDone  atomic.Int64
	Points      atomic.Int64
	Values      atomic.Int64
	TextBytes   atomic.Int64
	OutputBytes atomic.Int64
	Faults      atomic.Int64
}
