// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/shardlift/shardlift/point"
)

// ManyColumns is a volume of many series with a few points each, spread over TSM files
// that overlap: point i of every series lies in file i modulo Files.
//
// The same settings give the same bytes.
type ManyColumns struct {
	Series int
	Fields int // of a series, floats and integers in turn; 0 means 2
	Files  int // 0 means 7
	Points int // of a series; 0 means 10
	Shards int // 0 means 1; each is a day after the one before
	Seed   uint64
}

// Write makes the volume below dir: database many, policy autogen, shards 1 and up.
// It needs memory for the index of one file.
func (m ManyColumns) Write(dir string) (Totals, error) {
	defaults := func(v *int, usual int) {
		if *v == 0 {
			*v = usual
		}
	}
	defaults(&m.Fields, 2)
	defaults(&m.Files, 7)
	defaults(&m.Points, 10)
	defaults(&m.Shards, 1)
	if m.Series < 1 || m.Fields < 1 || m.Files < 1 || m.Points < 1 || m.Shards < 1 {
		return Totals{}, fmt.Errorf("write many columns: %+v", m)
	}
	var failed firstError
	v := NewVolume(&failed, dir)
	fields := MeasurementFields{Name: "sensor"}
	for i := range m.Fields {
		fields.Fields = append(fields.Fields, Field{fieldName(i), fieldKind(i)})
	}
	var totals Totals
	for i := range m.Shards {
		s := v.Shard("many", "autogen", uint64(i+1))
		s.Start = devopsStart + int64(i)*dayNano
		s.End = s.Start + dayNano
		s.Fields(fields)
		for file := range m.Files {
			if failed.err != nil {
				break
			}
			if err := m.writeFile(s, file, &totals); err != nil {
				return totals, fmt.Errorf("write many columns, shard %d: %w", s.ID, err)
			}
		}
		totals.add(Totals{Shards: 1, Series: m.Series, Columns: m.Series * m.Fields, Points: int64(m.Series) * int64(m.Points)})
	}
	totals.Values = totals.Points * int64(m.Fields)
	meta := v.Meta()
	meta.Databases[0].Policies[0].GroupDuration = dayNano
	v.WriteMeta(meta)
	return totals, failed.err
}

func (m ManyColumns) writeFile(s *Shard, number int, totals *Totals) error {
	file, err := createTSM(s, number+1, 1)
	if err != nil {
		return err
	}
	for series := range m.Series {
		for field := range m.Fields {
			key := fmt.Sprintf("sensor,device=d%08d,line=%d,site=site-%02d", series, series%10, series/1000%100)
			if err := file.Write([]byte(Key(key, fieldName(field))), m.run(s, series, field, number)); err != nil {
				return errors.Join(err, file.finish(&totals.Bytes))
			}
		}
	}
	return file.finish(&totals.Bytes)
}

// run makes the points of a column that lie in one file.
func (m ManyColumns) run(s *Shard, series, field, file int) Run {
	source := rand.New(rand.NewPCG(m.Seed^s.ID<<32, uint64(series)<<16|uint64(field)))
	step := (s.End - s.Start) / int64(m.Points)
	r := Run{Kind: fieldKind(field)}
	level := 20 + 10*source.Float64()
	for i := range m.Points {
		level += source.NormFloat64()
		if i%m.Files != file {
			continue
		}
		r.Times = append(r.Times, s.Start+int64(i)*step)
		if r.Kind == point.Float {
			r.Floats = append(r.Floats, math.Round(level*100)/100)
		} else {
			r.Ints = append(r.Ints, int64(level*1000))
		}
	}
	return r
}

func fieldName(i int) string { return fmt.Sprintf("f%03d", i) }

func fieldKind(i int) point.Kind {
	if i%2 == 0 {
		return point.Float
	}
	return point.Integer
}
