// SPDX-License-Identifier: Apache-2.0

package inspector

import (
	"sync/atomic"
	"time"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/volume"
)

// Options say what to inspect.
type Options struct {
	Catalog   *volume.Catalog
	Selection *filter.Selection
	Deep      bool   // read all blocks, for exact numbers of points and values
	Salvage   bool   // count WAL entries behind a damaged one
	Workers   int    // 0: one for each processor
	Memory    int64  // bytes that the WAL and the tombstones of a shard may take at a time; 0: 16 MiB
	FreePath  string // a place whose free space Estimate tells; "" is the current directory
	Progress  *Progress
	Now       time.Time // for what is expired; zero: the time of the call
}

// Progress may be read while Run works.
type Progress struct {
	Shards, ShardsDone     atomic.Int64
	TotalBytes, DoneBytes  atomic.Int64 // of files, as they are passed over or read
	Columns, Points, Fault atomic.Int64
}
