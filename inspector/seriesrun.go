// SPDX-License-Identifier: Apache-2.0

package inspector

import (
	"bytes"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
)

// measurementRun is what a walker found of one measurement, in a range of a shard, since it
// told the tally last.
type measurementRun struct {
	policy, shard int // of the tally; among the policy's shards
	number        int // of the shard, among all
	name          []byte

	span    point.TimeRange
	columns int64
	bytes   int64
	weight  int64
	series  []uint64 // hashes
	fields  []fieldRun
	tags    []tagRun
	byField map[string]int
	byTag   map[string]int
	held    int // hashes and fields in it
	picks   picks
	piece   piece
}

type fieldRun struct {
	name  string
	kinds [point.NumKinds]struct {
		columns int64
		span    point.TimeRange
	}
}

type tagRun struct {
	key    string
	last   uint64   // hash of the value that came last: neighbours mostly have the same
	values []uint64 // hashes
}

// piece is a run of series that will be a pick.
type piece struct {
	from, to []byte
	weight   int64
}

// mostHeld is how much a run holds before it is told to the tally.
const mostHeld = 4096

// About how much a stretch of a long series weighs, in bytes of blocks, how many blocks it
// has at most, since they may be small and become much text all the same, and how much a
// piece of short series weighs.
const (
	unitWeight  = 8 << 10
	unitBlocks  = 256
	pieceWeight = 64 << 10
	mostParts   = 1 << 16 // of one series
)

func (r *measurementRun) begin(name []byte) {
	r.name = append(r.name[:0], name...)
	r.fields, r.tags = r.fields[:0], r.tags[:0]
	clear(r.byField)
	clear(r.byTag)
	r.piece.weight = 0
	r.clear()
}

// clear forgets what the tally was told, but for the names.
func (r *measurementRun) clear() {
	r.span, r.columns, r.bytes, r.weight = point.NoTime, 0, 0, 0
	r.series, r.held = r.series[:0], 0
	if len(r.fields)+len(r.tags) > 4*mostHeld { // a measurement where each series has others
		r.fields, r.tags = nil, nil
		clear(r.byField)
		clear(r.byTag)
	}
	for i := range r.fields {
		r.fields[i] = fieldRun{name: r.fields[i].name}
	}
	for i := range r.tags {
		r.tags[i].values, r.tags[i].last = r.tags[i].values[:0], 0
	}
	r.picks.reset()
}

// add takes in a series.
func (r *measurementRun) add(series, tags []byte, columns []tsmreader.ColumnInfo) {
	r.series = append(r.series, xxhash.Sum64(series))
	r.held++
	at := 0
	for i := range columns {
		c := &columns[i]
		if c.Range.Empty() {
			continue
		}
		if !c.Hidden {
			r.columns++
			r.bytes += c.Bytes
			r.span = r.span.Union(c.Range)
		}
		at = r.field(c.Field, at)
		k := &r.fields[at].kinds[c.Kind]
		if k.columns == 0 {
			k.span = point.NoTime
		}
		k.columns++
		k.span = k.span.Union(c.Range)
		at++
	}
	for i := 0; ; i++ {
		key, value, rest, ok := point.NextTag(tags)
		if !ok {
			break
		}
		tags = rest
		t := &r.tags[r.tag(key, i)]
		if h := xxhash.Sum64(value); h != t.last || len(t.values) == 0 {
			t.last = h
			t.values = append(t.values, h)
			r.held++
		}
	}
	r.weigh(series, columns)
}

// field gives the place of a field, which is likely to be at hint.
func (r *measurementRun) field(name []byte, hint int) int {
	if hint < len(r.fields) && r.fields[hint].name == string(name) {
		return hint
	}
	i, ok := r.byField[string(name)]
	if !ok {
		i = len(r.fields)
		r.fields = append(r.fields, fieldRun{name: string(name)})
		if r.byField == nil {
			r.byField = map[string]int{}
		}
		r.byField[r.fields[i].name] = i
		r.held++
	}
	return i
}

// tag gives the place of a tag key, which is likely to be at hint.
func (r *measurementRun) tag(key []byte, hint int) int {
	if hint < len(r.tags) && r.tags[hint].key == string(key) {
		return hint
	}
	i, ok := r.byTag[string(key)]
	if !ok {
		i = len(r.tags)
		if i < cap(r.tags) { // with the memory of an old one
			r.tags = r.tags[:i+1]
			r.tags[i] = tagRun{key: string(key), values: r.tags[i].values[:0]}
		} else {
			r.tags = append(r.tags, tagRun{key: string(key)})
		}
		if r.byTag == nil {
			r.byTag = map[string]int{}
		}
		r.byTag[r.tags[i].key] = i
		r.held++
	}
	return i
}

// weigh makes picks of the series: of a long one stretches, of short ones some together.
func (r *measurementRun) weigh(series []byte, columns []tsmreader.ColumnInfo) {
	weight, blocks := exporter.Weigh(columns), int64(0)
	for i := range columns {
		blocks += int64(columns[i].Blocks)
	}
	r.weight += weight
	if i := bytes.Index(series, []byte(point.KeySeparator)); i >= 0 {
		series = series[:i] // by which the columns of series are sorted that hold the separator
	}
	parts := min(max(weight/unitWeight, blocks/unitBlocks), mostParts)
	if parts < 2 {
		r.extendPiece(series, weight)
		return
	}
	r.closePiece()
	seed := r.seed(series)
	for i := range parts {
		h := mix(seed + uint64(i))
		p := pick{rank: rank(h, weight/parts), weight: weight / parts, shard: r.number, share: 1 / float64(parts)}
		if r.picks.wants(p.rank) {
			p.from, p.to = keyRange(series, series)
			p.at = (float64(i) + float64(mix(h)>>40)/(1<<24)) / float64(parts)
			r.picks.add(p, mostPicks)
		}
	}
}

// extendPiece adds a short series to those before it.
func (r *measurementRun) extendPiece(series []byte, weight int64) {
	p := &r.piece
	if p.weight == 0 {
		p.from = append(p.from[:0], series...)
	}
	p.to = append(p.to[:0], series...)
	if p.weight += weight; p.weight >= pieceWeight {
		r.closePiece()
	}
}

// closePiece makes a pick of the series that were put together.
func (r *measurementRun) closePiece() {
	c := &r.piece
	if c.weight == 0 {
		return
	}
	h := mix(r.seed(c.from))
	p := pick{rank: rank(h, c.weight), weight: c.weight, shard: r.number, at: float64(mix(h)>>40) / (1 << 24)}
	if r.picks.wants(p.rank) {
		p.from, p.to = keyRange(c.from, c.to)
		r.picks.add(p, mostPicks)
	}
	c.weight = 0
}

func (r *measurementRun) seed(series []byte) uint64 {
	return mix(xxhash.Sum64(series) + uint64(r.number)*0x9E3779B97F4A7C15) //nolint:gosec // a hash
}

// mix spreads the bits of a hash.
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xBF58476D1CE4E5B9
	h = (h ^ h>>27) * 0x94D049BB133111EB
	return h ^ h>>31
}

// keyRange gives the composite keys from those of one series to behind those of another.
func keyRange(first, last []byte) (from, to string) {
	var b strings.Builder
	b.Write(last)
	b.WriteString(point.KeySeparator[:len(point.KeySeparator)-1])
	b.WriteByte(point.KeySeparator[len(point.KeySeparator)-1] + 1)
	return string(first) + point.KeySeparator, b.String()
}
