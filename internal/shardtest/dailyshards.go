// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"errors"
	"fmt"
	"math"

	"github.com/shardlift/shardlift/point"
)

// DailyShards is a volume of many shards, one for each day, with few points in each column:
// what counts of it is how many shards, series and columns there are.
//
// The same settings give the same bytes.
type DailyShards struct {
	Shards       int
	Series       int  // of a shard
	Fields       int  // of a series, floats and integers in turn; 0 means 2
	Points       int  // of a series; 0 means 3
	Measurements int  // that the series are of, in turn; 0 means 1
	Holes        int  // so many days have no shard, evenly spread and none beside another; fewer than Shards
	Distinct     bool // no shard has a series of another one
	Seed         uint64
}

// Write makes the volume below dir: database daily, policy autogen, shards 1 and up, of the
// days from 2019-05-01 on. It needs memory for the index of one shard.
func (d DailyShards) Write(dir string) (Totals, error) {
	if d.Fields == 0 {
		d.Fields = 2
	}
	if d.Points == 0 {
		d.Points = 3
	}
	if d.Measurements == 0 {
		d.Measurements = 1
	}
	if d.Shards < 1 || d.Series < d.Measurements || d.Fields < 1 || d.Points < 1 || d.Measurements < 1 || d.Holes < 0 || d.Holes >= d.Shards {
		return Totals{}, fmt.Errorf("write daily shards: %+v", d)
	}
	var failed firstError
	v := NewVolume(&failed, dir)
	var fields []MeasurementFields
	for m := range d.Measurements {
		f := MeasurementFields{Name: d.measurement(m)}
		for i := range d.Fields {
			f.Fields = append(f.Fields, Field{fieldName(i), fieldKind(i)})
		}
		fields = append(fields, f)
	}
	var totals Totals
	for i := range d.Shards {
		s := v.Shard("daily", "autogen", uint64(i+1))
		s.Start = devopsStart + (int64(i)+d.holesBefore(i))*dayNano
		s.End = s.Start + dayNano
		s.Fields(fields...)
		if failed.err != nil {
			break
		}
		if err := d.writeShard(s, i, &totals); err != nil {
			return totals, fmt.Errorf("write daily shards, shard %d: %w", s.ID, err)
		}
	}
	totals.Values = totals.Points * int64(d.Fields)
	meta := v.Meta()
	meta.Databases[0].Policies[0].GroupDuration = dayNano
	v.WriteMeta(meta)
	return totals, failed.err
}

// holesBefore counts the days without a shard before shard i. All of them lie between the
// first shard and the last.
func (d DailyShards) holesBefore(i int) int64 {
	return int64(i) * int64(d.Holes) / int64(max(d.Shards-1, 1))
}

func (d DailyShards) measurement(i int) string { return fmt.Sprintf("m%03d", i) }

// writeShard writes the one file of a shard. The keys come in order, as measurements,
// series and fields do.
func (d DailyShards) writeShard(s *Shard, number int, totals *Totals) error {
	file, err := createTSM(s, 1, 1)
	if err != nil {
		return err
	}
	first := 0
	if d.Distinct {
		first = number * d.Series
	}
	step := (s.End - s.Start) / int64(d.Points)
	run := Run{Times: Every(s.Start, step, d.Points)}
	var key []byte
	for m := range d.Measurements {
		for i := m; i < d.Series; i += d.Measurements {
			series := first + i
			for f := range d.Fields {
				key = fmt.Appendf(key[:0], "%s,host=h%09d,rack=r%02d%s%s", d.measurement(m), series, series%40, point.KeySeparator, fieldName(f))
				d.fill(&run, uint64(series)<<20|uint64(f)<<12, f)
				if err := file.Write(key, run); err != nil {
					return errors.Join(err, file.finish(&totals.Bytes))
				}
			}
		}
	}
	totals.add(Totals{Shards: 1, Series: d.Series, Columns: d.Series * d.Fields, Points: int64(d.Series) * int64(d.Points)})
	return file.finish(&totals.Bytes)
}

// fill makes the values of a column.
func (d DailyShards) fill(r *Run, seed uint64, field int) {
	r.Kind = fieldKind(field)
	r.Floats, r.Ints = r.Floats[:0], r.Ints[:0]
	for i := range r.Times {
		x := (seed + uint64(i) + d.Seed) * 0x9E3779B97F4A7C15
		x ^= x >> 32
		if r.Kind == point.Float {
			r.Floats = append(r.Floats, math.Round(float64(x%10_000))/100)
		} else {
			r.Ints = append(r.Ints, int64(x%1_000_000))
		}
	}
}
