// SPDX-License-Identifier: Apache-2.0

package inspector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
	"github.com/shardlift/shardlift/volume"
)

// shardFacts is what the walk finds of one shard.
type shardFacts struct {
	shard  *volume.Shard
	policy int // of the tally
	local  int // among the policy's shards

	mu       sync.Mutex
	opened   bool
	stats    Stats           // sizes and counts; no times, points or values
	span     point.TimeRange // of what is selected
	extent   point.TimeRange // of all there is
	weight   int64
	blocks   int64 // bytes of them that are not deleted
	fresh    int64 // values of the WAL that are surely in no file
	overlap  []bool
	faults   []exporter.Fault
	more     int // further faults, only counted, and how many of them lost something
	moreLost int
	leftOut  []exporter.LeftOut
	note     string

	points, values Amount

	// What report finds out.
	group             span // a metastore's, or a guess
	grouped           bool
	unlisted, expired bool
}

// How many faults are listed: of all shards together, and of one.
const (
	listedFaults = 20_000
	mostFaults   = 2000
	leastFaults  = 20
)

// heldFaults is how many faults of a range wait to be booked.
const heldFaults = 1000

// walkWeight is about how many bytes of blocks a walker passes over in one go.
const walkWeight = 4 << 20

// walkAll looks at every shard.
func (n *inspection) walkAll(ctx context.Context) error {
	g, each := errgroup.WithContext(ctx)
	for _, s := range n.shards {
		if err := n.slots.Acquire(each, 1); err != nil {
			break // the group has the reason, or ctx
		}
		g.Go(func() error {
			defer n.slots.Release(1)
			return n.walk(each, s)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// walk looks at one shard. What keeps it from being opened is a fault like any other.
func (n *inspection) walk(ctx context.Context, s *shardFacts) (err error) {
	open, err := tsmreader.Open(ctx, exporter.Sources(s.shard), n.reader)
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, tsmreader.ErrGone) {
			s.note = fmt.Sprintf("shard %d of %s.%s was dropped while it was inspected", s.shard.ID, s.shard.Database, s.shard.Policy)
		} else {
			s.faults = []exporter.Fault{exporter.Unopened(s.shard, err)}
		}
		n.passed(s)
		return nil
	}
	defer func() { err = errors.Join(err, open.Close()) }()
	s.opened = true
	s.extent = open.Range()
	s.takeFiles(open)
	n.takeFaults(s, open.Faults())
	logged := point.NoTime
	for from, more := "", true; more; {
		sec, err := open.Section(from)
		if err != nil {
			return err
		}
		n.takeFaults(s, sec.Faults())
		logged = logged.Union(sec.LogRange())
		s.stats.Deletes += sec.Deletes()
		if err := n.walkSection(ctx, s, sec); err != nil {
			return err
		}
		from, more = sec.Next()
	}
	s.extent = s.extent.Union(logged)
	for _, o := range s.overlap {
		if o {
			s.stats.Overlapping++
		}
	}
	group, _, _ := n.group(s.shard)
	n.addFaults(s, exporter.OutOfGroup(s.shard, group, open, logged, s.shard.Replicas[0].WALDir))
	n.passed(s)
	return nil
}

// passed tells the progress.
func (n *inspection) passed(s *shardFacts) {
	n.progress.ShardsDone.Add(1)
	if !n.opts.Deep {
		n.progress.DoneBytes.Add(s.stats.Bytes)
	}
	n.progress.Columns.Add(s.stats.Columns)
	n.progress.Fault.Add(int64(len(s.faults) + s.more))
}

// takeFiles counts the files of a shard.
func (s *shardFacts) takeFiles(open *tsmreader.Shard) {
	t := &s.stats
	for _, f := range open.Files() {
		t.Bytes += f.Size
	}
	type generation struct {
		replica int
		number  uint64
	}
	generations := map[generation]bool{}
	files := open.TSMFiles()
	for _, f := range files {
		t.TSMFiles++
		t.TSMBytes += f.Bytes
		if f.Tombstones {
			t.Tombstones++
		}
		if f.Named {
			generations[generation{f.Replica, f.Generation}] = true
		} else {
			t.Generations++
		}
	}
	t.Generations += len(generations)
	t.WALSegments, t.WALBytes = open.Segments()
	s.overlap = make([]bool, len(files))
	for _, l := range open.LeftOut() {
		s.leftOut = append(s.leftOut, exporter.LeftOut{Path: l.Path, Reason: string(l.Why)})
	}
}

// walkSection looks at the ranges of a section, with the help of walkers that have nothing
// else to do.
func (n *inspection) walkSection(ctx context.Context, s *shardFacts, sec *tsmreader.Section) error {
	g, ctx := errgroup.WithContext(ctx)
	ranges := sec.Ranges(walkWeight)
	for i, rng := range ranges {
		if i < len(ranges)-1 && n.slots.TryAcquire(1) {
			g.Go(func() error {
				defer n.slots.Release(1)
				return n.walkRange(ctx, s, sec, rng)
			})
			continue
		}
		if err := n.walkRange(ctx, s, sec, rng); err != nil {
			return errors.Join(err, g.Wait())
		}
	}
	return g.Wait()
}

// walkRange looks at the columns of a range.
func (n *inspection) walkRange(ctx context.Context, s *shardFacts, sec *tsmreader.Section, rng tsmreader.Range) error {
	w := n.walker()
	defer n.giveBack(w)
	w.cursor = sec.Cursor(rng, w.cursor)
	w.run.policy, w.run.shard, w.run.number = s.policy, s.local, n.number[s]
	w.stats, w.span, w.blocks, w.fresh = Stats{}, point.NoTime, 0, 0
	begun := false
	for w.cursor.Next(ctx) {
		w.columns = w.cursor.Columns(w.columns[:0])
		if len(w.cursor.Faults()) >= heldFaults {
			s.mu.Lock()
			n.takeFaults(s, w.cursor.TakeFaults())
			s.mu.Unlock()
		}
		if !w.count() {
			continue
		}
		series := w.cursor.Series()
		name, tags := point.SplitSeries(series)
		if !begun || string(name) != string(w.run.name) {
			if begun {
				w.tell(n.tally)
			}
			w.run.begin(name)
			begun = true
		}
		w.run.add(series, tags, w.columns)
		if w.run.held >= mostHeld {
			n.tally.add(&w.run)
			w.weight += w.run.weight
			w.run.clear()
		}
	}
	if begun {
		w.tell(n.tally)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &s.stats
	t.Series.N += w.stats.Series.N
	t.Columns += w.stats.Columns
	t.Blocks += w.stats.Blocks
	t.WALValues += w.stats.WALValues
	s.span = s.span.Union(w.span)
	s.weight += w.weight
	s.blocks += w.blocks
	s.fresh += w.fresh
	w.cursor.Overlapping(s.overlap)
	n.takeFaults(s, w.cursor.Faults())
	return w.cursor.Err()
}

// walker walks ranges, one after the other.
type walker struct {
	cursor  *tsmreader.Cursor
	columns []tsmreader.ColumnInfo
	run     measurementRun
	stats   Stats
	span    point.TimeRange
	weight  int64
	blocks  int64
	fresh   int64
}

// tell hands the measurement at hand to the tally.
func (w *walker) tell(t *tally) {
	w.run.closePiece()
	t.add(&w.run)
	w.weight += w.run.weight
	w.run.clear()
}

// count adds the columns of a series to those of the shard; false: a query would show
// nothing of it.
func (w *walker) count() bool {
	alive := false
	for i := range w.columns {
		c := &w.columns[i]
		w.stats.Blocks += int64(c.Blocks)
		if c.Hidden {
			continue
		}
		w.stats.WALValues += int64(c.Values)
		w.fresh += int64(c.Fresh)
		w.blocks += c.Bytes
		if !c.Range.Empty() {
			w.stats.Columns++
			w.span = w.span.Union(c.Range)
			alive = true
		}
	}
	if alive {
		w.stats.Series.N++
	}
	return alive
}

// walker gives a walker, with the buffers of one that is done.
func (n *inspection) walker() *walker {
	n.mu.Lock()
	defer n.mu.Unlock()
	if k := len(n.walkers); k > 0 {
		w := n.walkers[k-1]
		n.walkers = n.walkers[:k-1]
		w.weight = 0
		return w
	}
	return &walker{}
}

func (n *inspection) giveBack(w *walker) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.walkers = append(n.walkers, w)
}

// addFaults books faults of a shard: those that say the same once, and no more than a report
// can list. The others are counted.
func (n *inspection) addFaults(s *shardFacts, faults []exporter.Fault) {
	if len(faults) == 0 {
		return
	}
	s.faults = append(s.faults, faults...)
	exporter.SortFaults(s.faults)
	s.faults = slices.Compact(s.faults)
	most := min(max(listedFaults/len(n.shards), leastFaults), mostFaults)
	if len(s.faults) <= most {
		return
	}
	s.more += len(s.faults) - most
	s.moreLost += exporter.CountLost(s.faults[most:])
	s.faults = slices.Clone(s.faults[:most])
}

// takeFaults books faults of the reader.
func (n *inspection) takeFaults(s *shardFacts, faults []tsmreader.Fault) {
	var out []exporter.Fault
	for i := range faults {
		out = append(out, exporter.FromReader(s.shard.Database, s.shard.Policy, s.shard.ID, &faults[i]))
	}
	n.addFaults(s, out)
}
