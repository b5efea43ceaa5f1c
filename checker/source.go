// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/meta"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
	"github.com/shardlift/shardlift/volume"
)

// SourceOptions say what of sources to check, and how.
type SourceOptions struct {
	Catalog *volume.Catalog
	// Selection takes shards, and of them the blocks of series and fields, and those with
	// times in the window. Indexes, tombstones, the WAL and fields.idx are always read
	// whole, and so are metastores.
	Selection *filter.Selection

	Checksums bool // verify checksums and types of blocks, and do not decode them
	Subset    tsmreader.Subset
	Salvage   bool // look at WAL entries behind a damaged one too

	Workers  int       // 0: one for each processor
	Memory   int64     // bytes that a shard's WAL and tombstones may take at a time; 0: 16 MiB
	Progress *Progress // may be nil
}

// SourceCounts say what was read. All copies of a shard count.
type SourceCounts struct {
	Shards  int64 `json:"shards"`
	Copies  int64 `json:"copies"`  // of shards: replicas are checked one by one
	Files   int64 `json:"files"`   // TSM files, tombstones and segments
	Bytes   int64 `json:"bytes"`   // of the files
	Series  int64 `json:"series"`  // in each copy anew
	Columns int64 `json:"columns"` // likewise

	Blocks        int64 `json:"blocks"`
	BlocksSkipped int64 `json:"blocksSkipped"` // that were not to be read
	BlockBytes    int64 `json:"blockBytes"`    // of those that were
	Values        int64 `json:"values"`        // that were decoded

	WALEntries int64 `json:"walEntries"`
	WALValues  int64 `json:"walValues"`
	WALDeletes int64 `json:"walDeletes"` // key by key
	Tombstones int64 `json:"tombstones"` // likewise
}

func (c *SourceCounts) add(o *SourceCounts) {
	c.Copies += o.Copies
	c.Files += o.Files
	c.Bytes += o.Bytes
	c.Series += o.Series
	c.Columns += o.Columns
	c.Blocks += o.Blocks
	c.BlocksSkipped += o.BlocksSkipped
	c.BlockBytes += o.BlockBytes
	c.Values += o.Values
	c.WALEntries += o.WALEntries
	c.WALValues += o.WALValues
	c.WALDeletes += o.WALDeletes
	c.Tombstones += o.Tombstones
}

// SourceReport is what a check of sources found.
type SourceReport struct {
	SourceCounts
	Found   `json:"-"`
	LeftOut []exporter.LeftOut `json:"-"`
	Notes   []string           `json:"-"`
	Seconds float64            `json:"seconds"`
}

// taskWeight is about how many bytes of blocks a worker takes at a time; readBuffer is how
// much of a file it reads at once.
const (
	taskWeight = 2 << 20
	readBuffer = 256 << 10
)

// Sources checks the selected shards of the catalog. What is wrong is in the report and no
// error; that comes only when ctx ends.
func Sources(ctx context.Context, opts SourceOptions) (*SourceReport, error) {
	if opts.Workers <= 0 {
		opts.Workers = runtime.GOMAXPROCS(0)
	}
	if opts.Progress == nil {
		opts.Progress = &Progress{}
	}
	began := time.Now()
	r := &sourceRun{
		opts: opts, check: tsmreader.CheckOptions{Checksums: opts.Checksums, Subset: opts.Subset},
		work: make(chan *task), done: make(chan *task, 4*opts.Workers),
	}
	faults, left := exporter.OfCatalog(opts.Catalog, opts.Selection)
	r.report.note(faults...)
	r.report.LeftOut = append([]exporter.LeftOut{}, left...)
	r.report.Notes = exporter.NotesOf(opts.Catalog, opts.Selection)
	shards := exporter.Selected(opts.Catalog, opts.Selection)
	r.expect(shards)
	if err := r.pipeline(ctx, shards); err != nil {
		return nil, err
	}
	if err := r.some(ctx); err != nil {
		return nil, err
	}
	r.report.settle()
	r.report.Seconds = time.Since(began).Seconds()
	return &r.report, nil
}

// sourceRun is one check. The producer opens shards and cuts them into tasks, workers do
// them, and what they found is collected in the order of the tasks.
type sourceRun struct {
	opts   SourceOptions
	check  tsmreader.CheckOptions // of the next copy
	work   chan *task             // for the workers
	done   chan *task             // the same, in order
	report SourceReport

	passedOver *volume.Shard // the first of which blocks were left out
	odd        oddCopies
}

// expect counts what there is to read, for the progress.
func (r *sourceRun) expect(shards []*volume.Shard) {
	r.report.Shards = int64(len(shards))
	for _, sh := range shards {
		for _, src := range exporter.Sources(sh) {
			r.opts.Progress.Shards.Add(1)
			r.opts.Progress.TotalBytes.Add(tsmreader.SizeOf([]tsmreader.Source{src}))
		}
	}
}

func (r *sourceRun) pipeline(ctx context.Context, shards []*volume.Shard) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(r.work)
		defer close(r.done)
		for _, sh := range shards {
			for i, src := range exporter.Sources(sh) {
				if err := r.copy(ctx, sh, sh.Replicas[i].Path(), src); err != nil {
					return err
				}
			}
		}
		return nil
	})
	for range r.opts.Workers {
		g.Go(func() error {
			var cursor *tsmreader.Cursor
			for t := range r.work {
				cursor = t.run(ctx, r, cursor)
				if err := t.of.release(); err != nil {
					return err
				}
			}
			return nil
		})
	}
	g.Go(func() error { return r.collect(ctx) })
	return g.Wait()
}

// copy opens one copy of a shard and cuts it into tasks. What keeps it from being opened
// is a fault like any other; the next one may be sound.
func (r *sourceRun) copy(ctx context.Context, sh *volume.Shard, path string, src tsmreader.Source) (err error) {
	c := &shardCopy{shard: sh, path: path, progress: r.opts.Progress, check: r.check}
	c.refs.Add(1)
	defer func() { err = errors.Join(err, c.release()) }()
	o := exporter.ReaderOptions(&exporter.Options{
		Selection: r.opts.Selection, Memory: r.opts.Memory, Salvage: r.opts.Salvage, Workers: r.opts.Workers,
	})
	o.Buffer = readBuffer
	open, err := tsmreader.Open(ctx, []tsmreader.Source{src}, o)
	if ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), closeIf(open))
	}
	if err != nil {
		return r.emit(ctx, c.unopened(path, err))
	}
	c.open = open
	r.check.Subset.Before += open.Stretches()
	first := c.task()
	first.counts = c.counts()
	first.add(open.Faults())
	for _, l := range open.LeftOut() {
		first.left = append(first.left, exporter.LeftOut{Path: l.Path, Reason: string(l.Why)})
	}
	if err := r.emit(ctx, first); err != nil {
		return err
	}
	return r.sections(ctx, c, path, src.WALDir)
}

func closeIf(s *tsmreader.Shard) error {
	if s == nil {
		return nil
	}
	return s.Close()
}

// sections emits the ranges of every section of a copy.
func (r *sourceRun) sections(ctx context.Context, c *shardCopy, path, wal string) error {
	logged := point.NoTime
	for from, more := "", true; more; {
		sec, err := c.open.Section(from)
		if err != nil {
			return r.emit(ctx, c.unopened(path, err))
		}
		log := c.task()
		log.add(sec.Faults())
		if from == "" {
			n := sec.Counts()
			log.counts = SourceCounts{WALEntries: n.Entries, WALValues: n.Values, WALDeletes: n.Deletes, Tombstones: n.Tombstones}
		}
		if err := r.emit(ctx, log); err != nil {
			return err
		}
		logged = logged.Union(sec.LogRange())
		from, more = sec.Next()
		for _, rng := range sec.Ranges(taskWeight) {
			t := c.task()
			t.sec, t.rng = sec, rng
			if err := r.emit(ctx, t); err != nil {
				return err
			}
		}
	}
	last := c.task()
	last.faults = exporter.OutOfGroup(c.shard, groupOf(c.shard), c.open, logged, wal)
	return r.emit(ctx, last)
}

// groupOf is the shard's group, as the first of the metastores beside its copies has it.
func groupOf(sh *volume.Shard) *meta.ShardGroup {
	for _, r := range sh.Replicas {
		if ref, ok := r.Volume.Lists(sh); ok {
			return ref.Group
		}
	}
	return nil
}

// emit queues a task, and hands it to the workers if there is work in it.
func (r *sourceRun) emit(ctx context.Context, t *task) error {
	to := []chan *task{r.done}
	if t.sec == nil {
		close(t.finished)
	} else {
		t.of.refs.Add(1)
		to = append(to, r.work)
	}
	for _, ch := range to {
		select {
		case ch <- t:
		case <-ctx.Done():
			if t.sec != nil { // no worker will do it
				return errors.Join(context.Cause(ctx), t.of.release())
			}
			return context.Cause(ctx)
		}
	}
	return nil
}

// collect puts together what the tasks found, in their order.
func (r *sourceRun) collect(ctx context.Context) error {
	for {
		var t *task
		var ok bool
		select {
		case t, ok = <-r.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if !ok { // the producer may have been stopped by an error of its own
			r.carry(nil)
			return context.Cause(ctx)
		}
		select {
		case <-t.finished:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if t.err != nil {
			return t.err
		}
		r.report.add(&t.counts)
		r.carry(t)
		if t.counts.BlocksSkipped > 0 && r.passedOver == nil {
			r.passedOver = t.of.shard
		}
		r.report.note(t.faults...)
		r.report.LeftOut = append(r.report.LeftOut, t.left...)
		if t.note != "" {
			r.report.Notes = append(r.report.Notes, t.note)
		}
		r.opts.Progress.Faults.Add(int64(len(t.faults)))
	}
}

// unopened gives the task that reports a copy which could not be opened.
func (c *shardCopy) unopened(path string, err error) *task {
	t := c.task()
	sh := c.shard
	if errors.Is(err, tsmreader.ErrGone) {
		t.note = fmt.Sprintf("shard %d of %s.%s was dropped while it was checked", sh.ID, sh.Database, sh.Policy)
		return t
	}
	fault := exporter.Unopened(sh, err)
	fault.File = path // of this copy
	t.faults = []exporter.Fault{fault}
	return t
}
