// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"context"
	"math"
	"time"

	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
)

// What is enough of a unit.
const (
	sampleText = 160 << 10 // bytes of text; then no further series is begun
	sampleRows = 256       // rows of a series' first batch, and of the others as large a part
	sampleMost = 64 << 10  // rows of a series that are read
	// Bytes of text that a compressor is given before it is measured. Members of an export
	// are much longer than a unit, and what is repeated in them was mostly seen before.
	sampleWarm = 32 << 10
	// A series of more weight than this is worth a look at the clock.
	sampleClock = 4 << 10
)

// sampler renders units of which a part is enough.
type sampler struct {
	meter     *meter
	enc       lineprotocol.Encoder
	cursor    *tsmreader.Cursor
	columns   []tsmreader.ColumnInfo
	stretches []tsmreader.Stretch
	batch     point.Batch
	cut       point.Batch

	found Measured
	dry   bool   // nothing is compressed, and nothing of it counts
	text  []byte // rendered, and not compressed yet
	warm  int64  // bytes of text that went before the measured ones
	done  int64  // bytes that were measured
}

// measure samples the unit of t. It does so twice, since an export is never as cold as a unit
// that comes from anywhere: memory that is new, and code and data that are not in the caches,
// take half as long again as reading and rendering do. The compressors see it once, for
// they would know it by heart.
func (s *sampler) measure(ctx context.Context, u *Unit, t measureTask) (Measured, error) {
	if u.Share > 0 {
		s.cursor = t.sec.Cursor(t.rng, s.cursor)
		if s.cursor.Next(ctx) {
			s.stretches = s.cursor.Stretches(s.stretches[:0])
			t.rng.Window = choose(s.stretches, u.Share, u.At)
		}
	}
	s.dry = true
	if _, err := s.pass(ctx, u, t); err != nil {
		return Measured{}, err
	}
	s.dry = false
	return s.pass(ctx, u, t)
}

// pass reads and renders the unit of t once.
func (s *sampler) pass(ctx context.Context, u *Unit, t measureTask) (Measured, error) {
	s.found, s.text, s.warm, s.done = Measured{}, s.text[:0], 0, 0
	s.cursor = t.sec.Cursor(t.rng, s.cursor)
	s.meter.start()
	weight := 0.0
	for s.found.Bytes < sampleText && s.cursor.Next(ctx) {
		s.columns = s.cursor.Columns(s.columns[:0])
		w := Weigh(s.columns)
		share, err := s.series(u.Row, w > sampleClock)
		if err != nil {
			return s.found, err
		}
		weight += float64(w) * share
	}
	if err := s.finish(); err != nil {
		return s.found, err
	}
	for _, f := range s.cursor.Faults() {
		s.found.Faults = append(s.found.Faults, t.run.fault(&f))
	}
	s.found.Weight = int64(math.Round(weight))
	return s.found, s.cursor.Err()
}

// series renders rows of the series at hand and says what share of its weight they are. Of
// the time that reading takes it counts as much, if clock is set.
func (s *sampler) series(from float64, clock bool) (share float64, err error) {
	key := s.cursor.Series()
	if refused := lineprotocol.CheckSeries(key); refused != nil {
		return 1, nil //nolint:nilerr // nothing is written of it, and that counts
	}
	s.enc.Series(key)
	read, rendered, last, reading, part := 0, 0, int64(0), time.Duration(0), 1.0
	for read <= sampleMost {
		if clock {
			s.meter.text += s.meter.lap()
		}
		if !s.cursor.Read(&s.batch) {
			break
		}
		if clock {
			reading += s.meter.lap()
		}
		n := len(s.batch.Times)
		last = s.batch.Times[n-1]
		if read == 0 && n > sampleRows {
			part = sampleRows / float64(n)
		}
		took, err := s.rows(part, from)
		if err != nil {
			return 0, err
		}
		read, rendered = read+n, rendered+took
	}
	if read == 0 {
		return 1, nil
	}
	share = float64(rendered) / float64(read)
	s.meter.text += time.Duration(float64(reading) * share)
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

// rows renders a part of the batch: a run of rows that goes on at the start when it comes to
// the end, so that all rows have the same chance.
func (s *sampler) rows(part, from float64) (rendered int, err error) {
	n := len(s.batch.Times)
	if part >= 1 {
		return n, s.run(0, n, true)
	}
	rendered = int(math.Ceil(part * float64(n)))
	row := min(int(from*float64(n)), n-1)
	if s.warm == 0 && len(s.text) == 0 {
		if err := s.runIn(row); err != nil {
			return 0, err
		}
	}
	if err := s.run(row, min(row+rendered, n), true); err != nil {
		return 0, err
	}
	return rendered, s.run(0, max(row+rendered-n, 0), true)
}

// runIn gives the compressors the rows before row, or at the start the last ones: the end of
// a series like this one stands there in an export.
func (s *sampler) runIn(row int) error {
	if row == 0 {
		row = len(s.batch.Times)
	}
	s.cut = s.batch
	s.cut.Times = s.batch.Times[:row]
	line, _ := s.enc.Append(s.text[:0], &s.cut, row-1, 1)
	s.enc.Counts()
	s.text = line[:0]
	if err := s.run(max(0, row-1-sampleWarm/max(len(line), 1)), row, false); err != nil {
		return err
	}
	return s.compress()
}

// run renders rows. What does not count is for the compressors only.
func (s *sampler) run(row, end int, count bool) error {
	s.cut = s.batch
	s.cut.Times = s.batch.Times[:end]
	for row < end {
		before, limit := len(s.text), textPiece
		if s.warm == 0 {
			limit = sampleWarm
		}
		s.text, row = s.enc.Append(s.text, &s.cut, row, limit)
		points, values := s.enc.Counts()
		if count {
			s.found.Points += points
			s.found.Values += values
			s.found.Bytes += int64(len(s.text) - before)
		}
		if len(s.text) >= limit {
			if err := s.compress(); err != nil {
				return err
			}
		}
	}
	return nil
}

// compress passes the text on. What the compressors made of the first of it is forgotten
// when more comes.
func (s *sampler) compress() error {
	s.meter.text += s.meter.lap()
	n := int64(len(s.text))
	if s.dry {
		s.text = s.text[:0]
		s.warm = n
		return nil
	}
	if s.warm > 0 && s.done == 0 {
		s.meter.forget()
	}
	if err := s.meter.compress(s.text, true); err != nil {
		return err
	}
	s.text = s.text[:0]
	if s.warm > 0 {
		s.done += n
		return nil
	}
	s.warm = n
	return s.meter.flush(true)
}

// finish takes down what the meter has, for all of the text.
func (s *sampler) finish() error {
	if len(s.text) > 0 {
		if err := s.compress(); err != nil {
			return err
		}
	}
	if s.dry {
		return nil
	}
	if err := s.meter.flush(true); err != nil {
		return err
	}
	m := s.meter.stop()
	measured := s.done
	if measured == 0 {
		measured = s.warm
	}
	by := float64(s.found.Bytes) / float64(max(measured, 1))
	s.found.GzipBytes, s.found.ZstdBytes = int64(float64(m.GzipBytes)*by), int64(float64(m.ZstdBytes)*by)
	s.found.Cost = Cost{
		Text: m.Cost.Text, Gzip: time.Duration(float64(m.Cost.Gzip) * by), Zstd: time.Duration(float64(m.Cost.Zstd) * by),
	}
	return nil
}

// choose puts stretches that follow each other together, until they are at least the share
// of all, and gives the window of those around the fraction at. So each has the chance that
// its size gives it.
func choose(all []tsmreader.Stretch, share, at float64) point.TimeRange {
	sum := int64(0)
	for _, s := range all {
		sum += s.Bytes
	}
	want, left := int64(share*float64(sum)), int64(at*float64(sum))
	for len(all) > 0 {
		n, got := 0, int64(0)
		for n == 0 || got < want && n < len(all) {
			got += all[n].Bytes
			n++
		}
		if left -= got; left < 0 || n == len(all) {
			return point.TimeRange{Min: all[0].Range.Min, Max: all[n-1].Range.Max}
		}
		all = all[n:]
	}
	return point.TimeRange{}
}
