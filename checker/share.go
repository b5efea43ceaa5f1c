// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"context"

	"github.com/shardlift/shardlift/volume"
)

// some reads a block of a volume that is so small that its share has none.
func (r *sourceRun) some(ctx context.Context) error {
	if r.report.Blocks > 0 || r.passedOver == nil || r.opts.Subset.Share == 0 {
		return nil
	}
	again := &sourceRun{opts: r.opts, check: r.check, work: make(chan *task), done: make(chan *task, 4*r.opts.Workers)}
	again.opts.Progress = &Progress{}
	again.check.Some = true
	if err := again.pipeline(ctx, []*volume.Shard{r.passedOver}); err != nil {
		return err
	}
	n := &again.report
	r.report.Blocks += n.Blocks
	r.report.BlocksSkipped -= n.Blocks
	r.report.BlockBytes += n.BlockBytes
	r.report.Values += n.Values
	r.opts.Progress.Blocks.Add(n.Blocks)
	r.opts.Progress.Values.Add(n.Values)
	r.report.note(n.Faults...) // those that are there already go again
	return nil
}
