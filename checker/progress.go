// SPDX-License-Identifier: Apache-2.0

package checker

import "sync/atomic"

// Progress is what a check has done so far. It may be read at any time.
type Progress struct {
	TotalBytes atomic.Int64 // of the files to read; of those that can be read but once not known
	DoneBytes  atomic.Int64
	Shards     atomic.Int64 // copies of shards
	ShardsDone atomic.Int64
	Files      atomic.Int64 // of exports
	FilesDone  atomic.Int64
	Blocks     atomic.Int64
	Values     atomic.Int64
	Points     atomic.Int64 // of exports
	Faults     atomic.Int64
}
