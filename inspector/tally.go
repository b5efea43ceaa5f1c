// SPDX-License-Identifier: Apache-2.0

package inspector

import (
	"math/bits"
	"sync"

	"github.com/shardlift/shardlift/point"
)

// tally is what the walk over all shards adds up. Its memory is bounded: by the pool of
// sets, and by what may be spent on names.
type tally struct {
	mu       sync.Mutex
	pool     pool
	names    int64 // bytes that may still be spent on measurements, fields and tags
	shards   int   // of all policies
	strata   int   // measurements that are sampled by themselves
	policies []*policyTally
}

// namesMemory is what names and the numbers beside them may take, in bytes.
const namesMemory = 32 << 20

// What a name costs beside its bytes, here and in the report.
const (
	measurementCost = 640
	fieldCost       = 320
	tagCost         = 256
)

// policyTally is one retention policy.
type policyTally struct {
	database     *set // series of the database; nil where this policy is all of it
	measurements map[string]*measurement
	rest         *measurement // those for which there was no room
	hiddenFields bool         // there was no room for all fields, or tags
	weight       int64
}

// measurement is one measurement of a policy.
type measurement struct {
	name    string // as stored
	span    point.TimeRange
	shards  bitset
	series  set
	columns int64
	bytes   int64
	weight  int64
	fields  map[string]*field
	tags    map[string]*set
	picks   *picks // nil: those of the policy's rest
}

// field is one field of a measurement, by the types it has.
type field struct {
	kinds []fieldKind
}

type fieldKind struct {
	kind    point.Kind
	columns int64
	span    point.TimeRange
	shards  bitset
}

// bitset is a set of small numbers.
type bitset []uint64

func (b *bitset) add(i int) {
	for len(*b) <= i/64 {
		*b = append(*b, 0)
	}
	(*b)[i/64] |= 1 << (i % 64)
}

func (b bitset) count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// members gives the numbers in ascending order.
func (b bitset) members() []int {
	var out []int
	for i, w := range b {
		for ; w != 0; w &= w - 1 {
			out = append(out, i*64+bits.TrailingZeros64(w))
		}
	}
	return out
}

func newTally(policies, shards int) *tally {
	t := &tally{pool: newPool(), names: namesMemory, shards: shards}
	for range policies {
		t.policies = append(t.policies, &policyTally{measurements: map[string]*measurement{}})
	}
	return t
}

// spend takes so many bytes from what names may cost; false: there are not as many left.
func (t *tally) spend(n int) bool {
	if t.names < int64(n) {
		return false
	}
	t.names -= int64(n)
	return true
}

// measurement finds a measurement, or gives that of all for which there is no room.
func (t *tally) measurement(p *policyTally, name []byte) *measurement {
	if m := p.measurements[string(name)]; m != nil {
		return m
	}
	if !t.spend(measurementCost + 2*len(name) + t.shards/8) {
		if p.rest == nil {
			p.rest = newMeasurement("")
			p.rest.picks = &picks{}
		}
		return p.rest
	}
	m := newMeasurement(string(name))
	if t.strata < mostStrata {
		t.strata++
		m.picks = &picks{}
	}
	p.measurements[m.name] = m
	return m
}

func newMeasurement(name string) *measurement {
	return &measurement{name: name, span: point.NoTime, fields: map[string]*field{}, tags: map[string]*set{}}
}

// add takes over what a walker found of one measurement in a shard.
func (t *tally) add(r *measurementRun) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.policies[r.policy]
	m := t.measurement(p, r.name)
	m.shards.add(r.shard)
	m.span = m.span.Union(r.span)
	m.columns += r.columns
	m.bytes += r.bytes
	m.weight += r.weight
	p.weight += r.weight
	for _, h := range r.series {
		t.pool.add(&m.series, h)
		if p.database != nil {
			t.pool.add(p.database, h)
		}
	}
	if m.picks == nil || m == p.rest {
		t.restPicks(p).merge(&r.picks, mostPicks)
	} else {
		m.picks.merge(&r.picks, t.picksEach())
	}
	if m == p.rest {
		return
	}
	for i := range r.fields {
		t.addField(p, m, &r.fields[i], r.shard)
	}
	for i := range r.tags {
		t.addTag(p, m, &r.tags[i])
	}
}

// restPicks gives the sample of a policy's measurements that have none of their own.
func (t *tally) restPicks(p *policyTally) *picks {
	if p.rest == nil {
		p.rest = newMeasurement("")
		p.rest.picks = &picks{}
	}
	return p.rest.picks
}

func (t *tally) addField(p *policyTally, m *measurement, f *fieldRun, shard int) {
	g := m.fields[f.name]
	if g == nil {
		if !t.spend(fieldCost + 2*len(f.name) + t.shards/8) {
			p.hiddenFields = true
			return
		}
		g = &field{}
		m.fields[f.name] = g
	}
	for k := range f.kinds {
		if n := &f.kinds[k]; n.columns > 0 {
			to := g.of(point.Kind(k))
			to.columns += n.columns
			to.span = to.span.Union(n.span)
			to.shards.add(shard)
		}
	}
}

// of gives what is known of a field for a type.
func (f *field) of(kind point.Kind) *fieldKind {
	for i := range f.kinds {
		if f.kinds[i].kind == kind {
			return &f.kinds[i]
		}
	}
	f.kinds = append(f.kinds, fieldKind{kind: kind, span: point.NoTime})
	return &f.kinds[len(f.kinds)-1]
}

func (t *tally) addTag(p *policyTally, m *measurement, r *tagRun) {
	s := m.tags[r.key]
	if s == nil {
		if !t.spend(tagCost + 2*len(r.key)) {
			p.hiddenFields = true
			return
		}
		s = &set{}
		m.tags[r.key] = s
	}
	for _, h := range r.values {
		t.pool.add(s, h)
	}
}
