// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"context"
	"errors"
	"fmt"

	"github.com/shardlift/shardlift/tsmreader"
	"github.com/shardlift/shardlift/volume"
)

// emit hands a task to the writer's queue and to the workers.
func (r *run) emit(ctx context.Context, t *task) error {
	t.chunks = make(chan chunk, chunksAhead)
	if t.run != nil {
		t.run.refs.Add(1)
	}
	for _, to := range []chan *task{r.done, r.work} {
		select {
		case to <- t:
		case <-ctx.Done():
			if t.run != nil { // no worker will do it
				return errors.Join(context.Cause(ctx), t.run.release())
			}
			return context.Cause(ctx)
		}
	}
	return nil
}

// produce cuts the shards of all files into tasks, in order.
func (r *run) produce(ctx context.Context) error {
	for _, f := range r.plan.files {
		kept, err := r.out.keep(f)
		if err != nil {
			return err
		}
		if kept {
			if err := r.mark(ctx, &task{begin: f, kept: true}); err != nil {
				return err
			}
			continue
		}
		if err := r.mark(ctx, &task{begin: f}); err != nil {
			return err
		}
		if err := r.emit(ctx, &task{prefix: r.plan.header(f)}); err != nil {
			return err
		}
		r.place = place{}
		for i, sh := range f.shards {
			if i < r.start.index {
				continue
			}
			if err := r.shard(ctx, i, sh); err != nil {
				return err
			}
		}
		if err := r.mark(ctx, &task{end: f}); err != nil {
			return err
		}
	}
	return nil
}

// mark puts a task without work into the writer's queue.
func (r *run) mark(ctx context.Context, t *task) error {
	t.chunks = make(chan chunk)
	close(t.chunks)
	select {
	case r.done <- t:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// shard opens a shard and cuts it into tasks. What keeps it from being opened is a
// fault like any other; the next shard may be sound.
func (r *run) shard(ctx context.Context, index int, sh *volume.Shard) (err error) {
	s := &shardRun{shard: sh, index: index}
	s.refs.Add(1)
	defer func() { err = errors.Join(err, s.release()) }()
	open, err := tsmreader.Open(ctx, Sources(sh), ReaderOptions(&r.opts))
	if r.opts.stream {
		var files []tsmreader.File
		if open != nil {
			files = open.Files()
		} else {
			files = filesOf(sh)
		}
		r.start.sources = fingerprint(r.start.sources, sh, files)
		s.sources, s.name = r.start.sources, nameOf(sh)
	}
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return r.mark(ctx, unopenedTask(s, err))
	}
	s.open = open
	first := &task{run: s, opened: open}
	for _, f := range open.Faults() {
		first.faults = append(first.faults, s.fault(&f))
	}
	if err := r.mark(ctx, first); err != nil {
		return err
	}
	from := ""
	if index == r.start.index {
		from = r.start.from
	}
	return r.sections(ctx, s, from)
}

// unopenedTask gives the task that reports a shard which could not be opened.
func unopenedTask(s *shardRun, err error) *task {
	t := &task{run: s}
	if errors.Is(err, tsmreader.ErrGone) {
		t.note = fmt.Sprintf("shard %d of %s.%s was dropped while the export ran", s.shard.ID, s.shard.Database, s.shard.Policy)
		return t
	}
	t.faults = []Fault{Unopened(s.shard, err)}
	return t
}

// sections emits the ranges of every section of an open shard, from a key on.
func (r *run) sections(ctx context.Context, s *shardRun, from string) error {
	for more := true; more; {
		sec, err := s.open.Section(from)
		if err != nil {
			return r.mark(ctx, unopenedTask(s, err))
		}
		if len(sec.Faults()) > 0 {
			t := &task{run: s}
			for _, f := range sec.Faults() {
				t.faults = append(t.faults, s.fault(&f))
			}
			if err := r.mark(ctx, t); err != nil {
				return err
			}
		}
		from, more = sec.Next()
		ranges := sec.Ranges(rangeWeight(r.opts.Format.Compression))
		for _, rng := range ranges {
			t := &task{run: s, sec: sec, rng: rng, weight: s.open.Bytes() / int64(len(ranges))}
			if here := (place{s.shard.Database, s.shard.Policy}); r.place != here {
				t.prefix = r.plan.context(here.database, here.policy)
				r.place = here
			}
			if err := r.emit(ctx, t); err != nil {
				return err
			}
		}
	}
	return nil
}
