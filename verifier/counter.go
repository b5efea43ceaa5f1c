// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"github.com/shardlift/shardlift/point"
)

// DefaultBucket is the width of time buckets where none is given.
const DefaultBucket = int64(24 * time.Hour)

const (
	mostUnits    = 2 << 20 // 32 MiB of cells, columns and measurements
	mostExcluded = 1 << 19 // excluded points whose hashes are kept
)

// Counter counts the values of a stream of points: for each place, measurement, field,
// kind of value (number, string, boolean) and time bucket, those that were sent, and how
// many of them may repeat others.
//
// Its memory is limited, whatever comes: 32 MiB for counts, 24 MiB for what tells
// repeated points, and about 16 MiB for excluded ones. Where counts would need more, the
// measurements with the most of them get buckets twice as wide. Where that does not help,
// which takes some hundred thousand fields or measurements, values of further ones are
// not counted, and the report says so.
//
// A Counter belongs to one goroutine.
type Counter struct {
	bucket func(database, policy string) int64
	seed   maphash.Seed
	places map[[2]string]*place
	seen   *seen

	in, out walker // of Add and Exclude
	line    uint64 // number of lines that were walked over

	// The stretch of points of one series at hand.
	series uint64
	latest *lately
	column int32 // of points with one field
	single *lately

	units, mostUnits int
	full             bool  // what is not known yet is not counted
	uncounted        int64 // values
	values           int64 // counted

	digests bool // of values are kept

	excluded map[uint64]struct{} // lines; not all, where a measurement forgot some
}

// NewCounter gives an empty Counter. Bucket gives the width of a place's buckets in
// nanoseconds, best the shard duration of its policy; zero, or no function, is
// DefaultBucket. They start at multiples of it since 1970, as GROUP BY time() has it.
func NewCounter(bucket func(database, policy string) (widthNano int64)) *Counter {
	c := &Counter{
		bucket:    bucket,
		seed:      maphash.MakeSeed(),
		places:    map[[2]string]*place{},
		seen:      newSeen(seenSlots),
		mostUnits: mostUnits,
		excluded:  map[uint64]struct{}{},
	}
	c.in = walker{c: c, make: true}
	c.out = walker{c: c}
	return c
}

// WithDigests makes a Counter that also keeps what Options.Exact needs: for each cell the
// sum of a hash of each of its values, with the series and the time. It costs half as much
// room again. It has to be called before anything is counted.
func (c *Counter) WithDigests() *Counter {
	c.digests, c.in.keep, c.out.keep = true, true, true
	return c
}

// Expect makes a place known of which there may be no points.
func (c *Counter) Expect(database, policy string) { c.place(database, policy) }

// Values is how many values were counted: those of points that came twice as often as
// they came, without the excluded ones.
func (c *Counter) Values() int64 { return c.values }

// Add counts lines: whole points that were checked, with times in nanoseconds, as an
// import sends them. An empty policy is the default one of the database. Lines are not
// kept. An error means that they were not checked; what stands before is counted.
func (c *Counter) Add(database, policy string, lines []byte) error {
	w := &c.in
	w.enter(c.place(database, policy))
	for n := 1; len(lines) > 0; n++ {
		rest, err := w.next(lines)
		if err != nil {
			return fmt.Errorf("count point %d of %s: %w", n, placeName(database, policy), err)
		}
		lines = rest
		if w.m == nil {
			continue
		}
		if err := c.count(w); err != nil {
			return fmt.Errorf("count point %d of %s: %w", n, placeName(database, policy), err)
		}
	}
	return nil
}

// count counts the walker's line.
func (c *Counter) count(w *walker) error {
	w.p.span.Min, w.p.span.Max = min(w.p.span.Min, w.time), max(w.p.span.Max, w.time)
	slot := w.m.locate(w.time)
	var loose int64
	if c.mayRepeat(w) {
		loose = 1
	}
	for n, i := range w.hits {
		col := &w.m.columns[i]
		if int(slot) >= len(col.cells) {
			c.reach(col, slot)
		}
		col.cells[slot].sent++
		col.cells[slot].loose += loose
		if c.digests {
			hash, err := w.digest(n, col)
			if err != nil {
				return err
			}
			col.sums[slot] += hash
			if col.class == number {
				col.kinds[numberKind(w.values[n])]++
			}
		}
	}
	c.values += int64(len(w.hits))
	switch {
	case c.units <= c.mostUnits:
	case c.full:
		c.widen(w.m)
	default:
		c.shrink()
	}
	return nil
}

// digest gives the hash of the n-th value of the walker's line.
func (w *walker) digest(n int, col *column) (uint64, error) {
	f, err := w.form(n)
	if err != nil {
		return 0, err
	}
	return valueHash(keyHash(w.canon, col, w.time), f.hash(w.c.seed)), nil
}

// reach makes a column's cells long enough for a slot.
func (c *Counter) reach(col *column, slot int32) {
	before := len(col.cells)
	col.cells = reach(col.cells, slot)
	if c.digests {
		col.sums = reach(col.sums, slot)
	}
	c.units += c.unitsOf(len(col.cells) - before)
}

// unitsOf gives the room of some cells.
func (c *Counter) unitsOf(cells int) int {
	if c.digests {
		return 2 * cells // a little less
	}
	return cells
}

// mayRepeat reports whether the walker's line may write values that came before, and
// remembers the line.
func (c *Counter) mayRepeat(w *walker) bool {
	if c.latest == nil || c.series != w.series {
		c.seen.reserve(2)
		c.series, c.latest, c.single = w.series, c.seen.at(w.series), nil
	}
	if len(w.hits) != 1 {
		old := c.latest.any
		c.latest.any = max(old, w.time)
		c.latest.multi = max(c.latest.multi, w.time)
		return w.time <= old
	}
	if c.single == nil || c.column != w.hits[0] {
		c.seen.reserve(2)
		c.latest = c.seen.at(w.series)
		c.column = w.hits[0]
		c.single = c.seen.at(w.series ^ w.m.columns[c.column].hash)
	}
	old := max(c.latest.multi, c.single.any)
	c.latest.any = max(c.latest.any, w.time)
	c.single.any = max(c.single.any, w.time)
	return w.time <= old
}

// mix spreads bits over the word; no two inputs give the same.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (c *Counter) place(database, policy string) *place {
	key := [2]string{database, policy}
	p := c.places[key]
	if p == nil {
		p = &place{database: database, policy: policy, width: DefaultBucket, span: point.NoTime, measurements: map[string]*measurement{}}
		p.hash = maphash.Comparable(c.seed, key)
		if c.bucket != nil {
			if width := c.bucket(database, policy); width > 0 {
				p.width = width
			}
		}
		c.places[key] = p
	}
	return p
}

// addMeasurement makes one, or gives nil where there is no room.
func (c *Counter) addMeasurement(p *place, raw []byte) *measurement {
	if c.full {
		return nil
	}
	m := &measurement{raw: string(raw), width: p.width, span: point.NoTime}
	p.measurements[m.raw] = m
	c.units += measurementUnits + len(raw)/bytesPerUnit
	return m
}

// addColumn makes one, or gives -1 where there is no room.
func (c *Counter) addColumn(m *measurement, raw []byte, class class) int32 {
	if c.full {
		c.uncounted++
		return -1
	}
	i, fresh := m.addColumn(c.seed, raw, class)
	if fresh {
		c.units += columnUnits + len(raw)/bytesPerUnit
	}
	return i
}

// shrink widens the buckets of the measurements that have the most of them, until a
// quarter of the room is free.
func (c *Counter) shrink() {
	for c.units > c.mostUnits/4*3 {
		var all []*measurement
		total := 0
		for _, p := range c.places {
			for _, m := range p.measurements {
				if len(m.buckets) > 1 {
					all = append(all, m)
					total += m.cells()
				}
			}
		}
		widened := false
		for _, m := range all {
			if m.cells() >= total/len(all) && c.widen(m) {
				widened = true
			}
		}
		if !widened {
			c.full = c.units > c.mostUnits
			return
		}
	}
}

func (c *Counter) widen(m *measurement) bool {
	before := m.cells()
	ok := m.widen()
	c.units += c.unitsOf(m.cells() - before)
	return ok
}

func placeName(database, policy string) string {
	if policy == "" {
		return database
	}
	return database + "." + policy
}

// sortedPlaces are all places, by name.
func (c *Counter) sortedPlaces() []*place {
	out := make([]*place, 0, len(c.places))
	for _, p := range c.places {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b *place) int {
		if n := strings.Compare(a.database, b.database); n != 0 {
			return n
		}
		return strings.Compare(a.policy, b.policy)
	})
	return out
}
