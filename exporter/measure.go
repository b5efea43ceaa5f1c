// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
	"github.com/shardlift/shardlift/volume"
)

// Unit is what Measure reads of a shard: all of it, or a sample of some series.
type Unit struct {
	Shard *volume.Shard
	// From and To are composite keys as in tsmreader.Range; both empty: all of the shard. Of
	// series in a range so much is read as tells what they are like: of many not all, and of
	// long ones some rows. It may end early where the WAL is not in memory.
	From, To string
	// Share other than 0 is about how much to read of the first series in the range, and At
	// where that begins, both as fractions of it.
	Share, At float64
	// Row is where among the rows of a batch to begin, of which not all are rendered, as a
	// fraction.
	Row float64
}

func (u *Unit) whole() bool { return u.From == "" && u.To == "" }

// Measured is what an export makes of a Unit.
type Measured struct {
	Totals                      // of plain text
	GzipBytes, ZstdBytes int64  // at the levels that an export has if none is asked for
	Weight               int64  // of what it was made of; of a whole shard it is not counted
	Cost                 Cost   // processor time
	Note                 string // why there is nothing, where that is no fault
	// Span is that of the points.
	Span point.TimeRange
	// Faults are those that came up, and where the Unit is all of a shard, those of its
	// files and its WAL.
	Faults []Fault
}

// Cost is the processor time of reading and rendering, and of compressing the text.
type Cost struct{ Text, Gzip, Zstd time.Duration }

func (c *Cost) add(o Cost) {
	c.Text += o.Text
	c.Gzip += o.Gzip
	c.Zstd += o.Zstd
}

// logValue is what a value of the WAL counts beside bytes of blocks: it becomes text as some
// bytes of a block do.
const logValue = 4

// Weigh gives the weight of columns: about the bytes of blocks that stand for what an export
// writes of them. Values of the WAL that may stand in blocks, too, mostly do, for a server
// flushes all that it has; they count with those.
func Weigh(columns []tsmreader.ColumnInfo) int64 {
	n := int64(0)
	for i := range columns {
		if c := &columns[i]; !c.Hidden {
			n += c.Bytes + int64(c.Fresh)*logValue
		}
	}
	return n
}

// memberUnits is how many samples are compressed one behind the other. Alone each would be too
// short to compress as the long members of an export do; and the sizes must not depend on the
// number of workers.
const memberUnits = 8

// Measure renders units as an export does and throws the text away. With compress it is
// compressed both ways, too. The sizes depend on the units alone. done, which may be nil, is
// told of each run of series that was read, from several goroutines: about how many bytes of
// files it stands for, and what came of it.
//
// Of opts count Catalog, Selection, Workers, Memory, Salvage and, of Format, OneField and
// Unsigned.
func Measure(ctx context.Context, opts Options, units []Unit, compress bool, done func(bytes int64, t Totals)) ([]Measured, error) {
	opts.Format = Format{Bare: true, OneField: opts.Format.OneField, Unsigned: opts.Format.Unsigned}
	opts.Output, opts.Progress = Output{}, nil
	m := &measuring{
		opts: opts.withDefaults(), units: units, out: make([]Measured, len(units)), done: done,
		jobs: make(chan []measureTask),
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(m.jobs)
		return m.produce(ctx)
	})
	for range m.opts.Workers {
		g.Go(func() error { return m.work(ctx, compress) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i := range m.out {
		SortFaults(m.out[i].Faults)
		m.out[i].Faults = dedupe(m.out[i].Faults)
	}
	return m.out, nil
}

// measuring is one call of Measure.
type measuring struct {
	opts  Options
	units []Unit
	jobs  chan []measureTask // each becomes one member
	done  func(bytes int64, t Totals)

	mu  sync.Mutex
	out []Measured
}

// measureTask is a range of a unit.
type measureTask struct {
	unit  int
	run   *shardRun
	sec   *tsmreader.Section
	rng   tsmreader.Range
	bytes int64 // of files that it stands for; of samples it is not counted
}

// produce opens the shards, each once if its units stand together, and cuts them into jobs.
func (m *measuring) produce(ctx context.Context) error {
	var member []measureTask
	for i := 0; i < len(m.units); {
		j := i + 1
		for j < len(m.units) && m.units[j].Shard == m.units[i].Shard {
			j++
		}
		var err error
		if member, err = m.shard(ctx, i, j, member); err != nil {
			return errors.Join(err, releaseAll(member))
		}
		i = j
	}
	return m.send(ctx, member)
}

// releaseAll gives up what no worker will do.
func releaseAll(tasks []measureTask) error {
	var errs []error
	for _, t := range tasks {
		errs = append(errs, t.run.release())
	}
	return errors.Join(errs...)
}

func (m *measuring) send(ctx context.Context, tasks []measureTask) error {
	if len(tasks) == 0 {
		return nil
	}
	select {
	case m.jobs <- tasks:
		return nil
	case <-ctx.Done():
		return errors.Join(context.Cause(ctx), releaseAll(tasks))
	}
}

// shard opens the shard of the units from i to j-1, and adds those that are not all of it to
// the member at hand.
func (m *measuring) shard(ctx context.Context, i, j int, member []measureTask) (_ []measureTask, err error) {
	s := &shardRun{shard: m.units[i].Shard}
	s.refs.Add(1)
	defer func() { err = errors.Join(err, s.release()) }()
	if s.open, err = tsmreader.Open(ctx, Sources(s.shard), ReaderOptions(&m.opts)); err != nil {
		if ctx.Err() != nil {
			return member, context.Cause(ctx)
		}
		t := unopenedTask(s, err)
		m.book(i, Measured{Faults: t.faults, Note: t.note})
		return member, nil
	}
	var sec *tsmreader.Section
	from := ""
	for ; i < j; i++ {
		u := &m.units[i]
		if u.whole() {
			if err := m.all(ctx, i, s); err != nil {
				return member, err
			}
			continue
		}
		if sec == nil || u.From < from || beyond(sec, u.From) {
			if sec, err = s.open.Section(u.From); err != nil {
				m.book(i, Measured{Faults: []Fault{Unopened(s.shard, err)}})
				continue
			}
			from = u.From
		}
		s.refs.Add(1)
		t := measureTask{unit: i, run: s, sec: sec, rng: tsmreader.Range{From: u.From, To: u.To}}
		if to, more := sec.Next(); more && (u.To == "" || u.To > to) {
			t.rng.To = to
		}
		member = append(member, t)
		if len(member) == memberUnits {
			if err := m.send(ctx, member); err != nil {
				return nil, err
			}
			member = nil
		}
	}
	return member, nil
}

// beyond reports whether a key lies behind a section.
func beyond(sec *tsmreader.Section, key string) bool {
	to, more := sec.Next()
	return more && key >= to
}

// all makes jobs of a whole shard.
func (m *measuring) all(ctx context.Context, unit int, s *shardRun) error {
	found := s.open.Faults()
	for from, more := "", true; more; {
		sec, err := s.open.Section(from)
		if err != nil {
			m.book(unit, Measured{Faults: []Fault{Unopened(s.shard, err)}})
			return nil
		}
		found = slices.Concat(found, sec.Faults())
		from, more = sec.Next()
		ranges := sec.Ranges(rangeWeight(Gzip))
		for _, rng := range ranges {
			s.refs.Add(1)
			if err := m.send(ctx, []measureTask{{unit, s, sec, rng, s.open.Bytes() / int64(len(ranges))}}); err != nil {
				return err
			}
		}
	}
	var faults []Fault
	for i := range found {
		faults = append(faults, s.fault(&found[i]))
	}
	m.book(unit, Measured{Faults: faults})
	return nil
}

// book adds to what is known of a unit.
func (m *measuring) book(unit int, r Measured) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o := &m.out[unit]
	if o.Span == (point.TimeRange{}) {
		o.Span = point.NoTime
	}
	if r.Points > 0 {
		o.Span = o.Span.Union(r.Span)
	}
	o.add(r.Totals)
	o.GzipBytes += r.GzipBytes
	o.ZstdBytes += r.ZstdBytes
	o.Weight += r.Weight
	o.Cost.add(r.Cost)
	o.Faults = append(o.Faults, r.Faults...)
	if r.Note != "" {
		o.Note = r.Note
	}
}

// work measures jobs until there are no more.
func (m *measuring) work(ctx context.Context, compress bool) error {
	runtime.LockOSThread() // processor time is that of the thread
	defer runtime.UnlockOSThread()
	meter, err := newMeter(compress)
	if err != nil {
		return err
	}
	w := &worker{
		opts: &m.opts, comp: meter, pieces: newPieces(&m.opts),
		enc:  lineprotocol.Encoder{Unsigned: m.opts.Format.Unsigned},
		text: make([]byte, 0, chunkSize),
	}
	s := sampler{meter: meter, enc: lineprotocol.Encoder{Unsigned: m.opts.Format.Unsigned}}
	for job := range m.jobs {
		meter.begin()
		for i, t := range job {
			var r Measured
			if u := &m.units[t.unit]; u.whole() {
				r, err = m.whole(ctx, w, meter, t)
			} else {
				r, err = s.measure(ctx, u, t)
			}
			if err := errors.Join(err, t.run.release()); err != nil {
				return errors.Join(err, releaseAll(job[i+1:]))
			}
			m.book(t.unit, r)
			if m.done != nil {
				m.done(t.bytes, r.Totals)
			}
		}
	}
	return nil
}

// whole renders a range of a shard that is read altogether, as a worker of an export does.
func (*measuring) whole(ctx context.Context, w *worker, meter *meter, mt measureTask) (Measured, error) {
	t := &task{run: mt.run, sec: mt.sec, rng: mt.rng, chunks: make(chan chunk)}
	meter.start()
	w.run(ctx, t)
	r := meter.stop()
	r.Totals, r.Span, r.Faults = t.totals, t.span, t.faults
	return r, t.err
}
