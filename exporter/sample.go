// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
)

// What is enough of a unit.
const (
	sampleText = 192 << 10 // bytes of text; then no further series is begun
	sampleRows = 256       // rows of a batch that has many more
	sampleWarm = 32 << 10  // bytes of text before these, so that compression has run in
	sampleMost = 64 << 10  // rows of a series that are read
)

// sampler renders units of which a part is enough.
type sampler struct {
	meter     *meter
	enc       lineprotocol.Encoder
	text      []byte
	cursor    *tsmreader.Cursor
	columns   []tsmreader.ColumnInfo
	stretches []tsmreader.Stretch
	batch     point.Batch
	cut       point.Batch
	found     Measured
}

// measure samples the unit of t.
func (s *sampler) measure(ctx context.Context, u *Unit, t measureTask) (Measured, error) {
	s.found = Measured{}
	if u.Share > 0 {
		s.cursor = t.sec.Cursor(t.rng, s.cursor)
		if s.cursor.Next(ctx) {
			s.stretches = s.cursor.Stretches(s.stretches[:0])
			t.rng.Window = choose(s.stretches, u.Share, u.At)
		}
	}
	s.cursor = t.sec.Cursor(t.rng, s.cursor)
	s.meter.start()
	weight := 0.0
	for s.found.Bytes < sampleText && s.cursor.Next(ctx) {
		s.found.Cost.Text += s.meter.lap()
		s.columns = s.cursor.Columns(s.columns[:0])
		share, err := s.series(u.At)
		if err != nil {
			return s.found, err
		}
		weight += float64(Weigh(s.columns)) * share
		s.meter.lap()
	}
	for _, f := range s.cursor.Faults() {
		s.found.Faults = append(s.found.Faults, t.run.fault(&f))
	}
	m := s.meter.stop()
	s.found.GzipBytes, s.found.ZstdBytes = m.GzipBytes, m.ZstdBytes
	s.found.Cost.Gzip, s.found.Cost.Zstd = m.Cost.Gzip, m.Cost.Zstd
	s.found.Weight = int64(math.Round(weight))
	return s.found, s.cursor.Err()
}

// series renders rows of the series at hand and says what share of its weight they are.
func (s *sampler) series(at float64) (share float64, err error) {
	key := s.cursor.Series()
	if lineprotocol.CheckSeries(key) != nil {
		return 1, nil // nothing is written of it
	}
	s.meter.lap()
	s.enc.Series(key)
	cost := s.meter.lap()
	reading := s.meter.lap()
	read, rendered, last := 0, 0, int64(0)
	for read <= sampleMost && s.cursor.Read(&s.batch) {
		reading += s.meter.lap()
		n := len(s.batch.Times)
		last = s.batch.Times[n-1]
		took, more, err := s.rows(at)
		if err != nil {
			return 0, err
		}
		read, rendered, cost = read+n, rendered+took, cost+more
		s.meter.lap()
	}
	if read == 0 {
		return 1, nil
	}
	share = float64(rendered) / float64(read)
	s.found.Cost.Text += cost + time.Duration(float64(reading)*share)
	if read > sampleMost {
		share *= s.before(last)
	}
	s.found.Series++
	return share, nil
}

// before gives what share of the series' time lies before t.
func (s *sampler) before(t int64) float64 {
	all := point.NoTime
	for i := range s.columns {
		all = all.Union(s.columns[i].Range)
	}
	if all.Empty() || all.Min == all.Max {
		return 1
	}
	return min(1, (float64(t)-float64(all.Min))/(float64(all.Max)-float64(all.Min)))
}

// rows renders the batch, or, of a long one, a run of its rows that begins at a fraction of
// it, and what stands before them to bring the compressors to where they would be.
func (s *sampler) rows(at float64) (rendered int, cost time.Duration, err error) {
	n := len(s.batch.Times)
	if n <= sampleRows+sampleRows/4 {
		cost, err = s.render(0, n, textPiece*n, true)
		return n, cost, err
	}
	spare := n - sampleRows
	from := int(math.Mod(at*7, 1) * float64(spare)) // another place than where the stretch begins
	if _, err := s.render(0, from, sampleWarm, false); err != nil {
		return 0, 0, err
	}
	cost, err = s.render(from, from+sampleRows, textPiece*n, true)
	return sampleRows, cost, err
}

// render renders rows until there are so many bytes of text, and compresses them. It gives
// the time of the rendering.
func (s *sampler) render(row, end, most int, count bool) (cost time.Duration, err error) {
	s.cut = s.batch
	s.cut.Times = s.batch.Times[:end]
	for done := 0; row < end && done < most; {
		s.meter.lap()
		s.text, row = s.enc.Append(s.text[:0], &s.cut, row, min(textPiece, most-done))
		cost += s.meter.lap()
		points, values := s.enc.Counts()
		if count {
			s.found.Points += points
			s.found.Values += values
			s.found.Bytes += int64(len(s.text))
		}
		done += len(s.text)
		if err := s.meter.compress(s.text, count); err != nil {
			return cost, err
		}
	}
	if row > 0 {
		err = s.meter.flush(count)
	}
	return cost, err
}

// choose gives the window of whole stretches that begins at the fraction at of all, and
// takes at least the share of them.
func choose(all []tsmreader.Stretch, share, at float64) point.TimeRange {
	slices.SortStableFunc(all, func(a, b tsmreader.Stretch) int { return cmp.Compare(a.Range.Min, b.Range.Min) })
	sum := int64(0)
	for _, s := range all {
		sum += s.Bytes
	}
	want, skip := int64(math.Ceil(share*float64(sum))), int64(at*float64(sum))
	r, got := point.NoTime, int64(0)
	for _, s := range all {
		if skip -= s.Bytes; skip >= 0 {
			continue
		}
		r = r.Union(s.Range)
		if got += s.Bytes; got >= want {
			break
		}
	}
	if r.Empty() {
		return point.TimeRange{}
	}
	return r
}
