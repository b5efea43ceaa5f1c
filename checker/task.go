// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"context"
	"sync/atomic"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/tsmreader"
	"github.com/shardlift/shardlift/volume"
)

// shardCopy is one copy of a shard while it is checked.
type shardCopy struct {
	shard    *volume.Shard
	path     string
	open     *tsmreader.Shard
	check    tsmreader.CheckOptions
	refs     atomic.Int64 // the producer's, and one for each task with work in it
	progress *Progress
	read     atomic.Int64 // bytes that the progress knows
}

// release closes the copy when nobody reads it any more.
func (c *shardCopy) release() error {
	if c.refs.Add(-1) > 0 {
		return nil
	}
	c.progress.ShardsDone.Add(1)
	if c.open == nil {
		return nil
	}
	c.progress.DoneBytes.Add(max(c.size()-c.read.Load(), 0)) // indexes, the WAL, and what was left out
	return c.open.Close()
}

// size is that of all files.
func (c *shardCopy) size() int64 {
	n := int64(0)
	for _, f := range c.open.Files() {
		n += f.Size
	}
	return n
}

// counts gives what is known of a copy when it is opened.
func (c *shardCopy) counts() SourceCounts {
	return SourceCounts{Copies: 1, Files: int64(len(c.open.Files())), Bytes: c.size()}
}

func (c *shardCopy) task() *task { return &task{of: c, finished: make(chan struct{})} }

// task is a run of series to check, or something to be told in its turn.
type task struct {
	of  *shardCopy
	sec *tsmreader.Section // nil: nothing to do
	rng tsmreader.Range

	finished chan struct{} // closed when all below is there
	counts   SourceCounts
	faults   []exporter.Fault
	left     []exporter.LeftOut
	note     string
	odd      uncarried
	err      error
}

func (t *task) add(faults []tsmreader.Fault) {
	sh := t.of.shard
	for i := range faults {
		t.faults = append(t.faults, exporter.FromReader(sh.Database, sh.Policy, sh.ID, &faults[i]))
	}
}

// run checks the blocks of the task's series. The old cursor lends its buffers.
func (t *task) run(ctx context.Context, r *sourceRun, old *tsmreader.Cursor) *tsmreader.Cursor {
	defer close(t.finished)
	c := t.sec.Cursor(t.rng, old)
	var n, told tsmreader.Checked
	p := r.opts.Progress
	for c.Next(ctx) {
		t.odd.names(c)
		c.Check(&t.of.check, &n)
		p.Blocks.Add(n.Blocks - told.Blocks)
		p.Values.Add(n.Values - told.Values)
		p.DoneBytes.Add(n.Bytes - told.Bytes)
		t.of.read.Add(n.Bytes - told.Bytes)
		told = n
	}
	t.err = c.Err()
	t.add(c.Faults())
	t.odd.notNumbers, t.odd.outOfTime = n.NotNumbers, n.OutOfTime
	t.counts = SourceCounts{
		Series: n.Series, Columns: n.Columns,
		Blocks: n.Blocks, BlocksSkipped: n.Skipped, BlockBytes: n.Bytes, Values: n.Values,
	}
	return c
}
