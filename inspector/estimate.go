// SPDX-License-Identifier: Apache-2.0

package inspector

import (
	"cmp"
	"context"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/shardlift/shardlift/exporter"
)

// sampleUnits is about how many pieces are read to estimate what an export comes to.
const sampleUnits = 48

// What has no more than this is read altogether.
const (
	smallWeight = 384 << 10 // bytes of blocks
	smallBlocks = 512
	smallValues = 100_000 // of the WAL
)

// stratum is a measurement of a policy, or those of a policy for which there was no room:
// what is alike as far as can be told before it is read.
type stratum struct {
	policy int
	weight int64
	picks  *picks
	found  sums
	many   bool // it is many measurements
}

// sums are what an export makes of some weight.
type sums struct {
	weight, points, values float64
	text, gzip, zstd       float64
	// Seconds of a processor.
	textTime, gzipTime, zstdTime float64
}

func (s *sums) add(m *exporter.Measured) {
	s.addScaled(sums{
		weight: float64(m.Weight), points: float64(m.Points), values: float64(m.Values),
		text: float64(m.Bytes), gzip: float64(m.GzipBytes), zstd: float64(m.ZstdBytes),
		textTime: m.Cost.Text.Seconds(), gzipTime: m.Cost.Gzip.Seconds(), zstdTime: m.Cost.Zstd.Seconds(),
	}, 1)
}

func (s *sums) addScaled(o sums, by float64) {
	s.weight += o.weight * by
	s.points += o.points * by
	s.values += o.values * by
	s.text += o.text * by
	s.gzip += o.gzip * by
	s.zstd += o.zstd * by
	s.textTime += o.textTime * by
	s.gzipTime += o.gzipTime * by
	s.zstdTime += o.zstdTime * by
}

// measure finds out how many points and values there are, and what an export would come
// to: exactly, if all is to be read or there is little, and else by a sample.
func (n *inspection) measure(ctx context.Context) error {
	all, columns, blocks, values := int64(0), int64(0), int64(0), int64(0)
	for _, s := range n.shards {
		all += s.weight
		columns += s.stats.Columns
		blocks += s.stats.Blocks
		values += s.stats.WALValues
		s.points.Exact, s.values.Exact = s.stats.Columns == 0, s.stats.Columns == 0
	}
	small := all <= smallWeight && blocks <= smallBlocks && values <= smallValues
	var total, sample sums
	var err error
	if n.opts.Deep || small {
		if total, err = n.readAll(ctx, all, small); err != nil {
			return err
		}
		sample = total
	}
	if !small {
		policies, err := n.sample(ctx, all, &sample)
		if err != nil {
			return err
		}
		guess := sums{}
		for i := range policies {
			guess.addScaled(policies[i], 1)
		}
		if !n.opts.Deep {
			n.spread(policies)
			total = guess
		} else if guess.text > 0 {
			// What was read tells how much text there is, and the sample how small it gets.
			by := total.text / guess.text
			total.gzip, total.zstd = guess.gzip*by, guess.zstd*by
			total.gzipTime, total.zstdTime = guess.gzipTime*by, guess.zstdTime*by
		}
	}
	if columns > 0 {
		n.estimate = n.newEstimate(&total, &sample, all)
	}
	return nil
}

// readAll reads all shards as an export does.
func (n *inspection) readAll(ctx context.Context, all int64, compress bool) (total sums, err error) {
	var units []exporter.Unit
	var of []*shardFacts
	for _, s := range n.shards {
		if s.opened {
			units = append(units, exporter.Unit{Shard: s.shard})
			of = append(of, s)
		}
	}
	got, err := exporter.Measure(ctx, n.export, units, compress, func(bytes int64, t exporter.Totals) {
		n.progress.Points.Add(t.Points)
		if n.opts.Deep {
			n.progress.DoneBytes.Add(bytes)
		}
	})
	if err != nil {
		return total, err
	}
	for i := range got {
		m, s := &got[i], of[i]
		total.add(m)
		s.points, s.values = Amount{m.Points, true}, Amount{m.Values, true}
		s.stats.Series.N = m.Series
		if !slices.ContainsFunc(m.Faults, refused) { // else the points are not all that there are
			s.span = m.Span
		}
		s.note = cmp.Or(s.note, m.Note)
		s.faults, s.more, s.moreLost = nil, 0, 0 // those of the walk are among these
		n.addFaults(s, m.Faults)
	}
	total.weight = float64(all)
	return total, nil
}

// refused reports whether a fault tells of values that an export cannot write.
func refused(f exporter.Fault) bool { return f.Part == "value" || f.Part == "key" }

// sample measures the pieces that were picked, and gives what that makes of each policy.
func (n *inspection) sample(ctx context.Context, all int64, found *sums) ([]sums, error) {
	strata := n.strata()
	units, of := n.choose(strata, all)
	got, err := exporter.Measure(ctx, n.export, units, true, nil)
	if err != nil {
		return nil, err
	}
	*found = sums{}
	full := map[*shardFacts]bool{} // of whose faults not all are listed
	for _, s := range n.shards {
		full[s] = s.more > 0
	}
	var mean sums
	ofPolicy := make([]sums, len(n.policies))
	for i := range got {
		st := &strata[of[i].stratum]
		found.add(&got[i])
		if got[i].Weight > 0 {
			// A piece stands for the others that it was as likely to be taken as, however much of
			// it was read: where pieces are many each counts alike, for they were chosen by
			// weight, and where all were taken each counts by its weight.
			one := sums{}
			one.add(&got[i])
			by := of[i].standsFor / one.weight
			st.found.addScaled(one, by)
			ofPolicy[st.policy].addScaled(one, by)
			mean.addScaled(one, by)
		}
		// Faults that are known would be counted twice where they are not listed.
		if len(got[i].Faults) > 0 && !n.opts.Deep {
			if s := n.factsOf(units[i]); !full[s] {
				n.addFaults(s, got[i].Faults)
			}
		}
	}
	out := make([]sums, len(n.policies))
	for _, st := range strata {
		like := st.found // a stratum that nothing was read of is taken for what is like it
		if like.weight == 0 {
			like = ofPolicy[st.policy]
		}
		if like.weight == 0 {
			like = mean
		}
		if like.weight > 0 {
			out[st.policy].addScaled(like, float64(st.weight)/like.weight)
		}
	}
	return out, nil
}

// factsOf finds the shard of a unit.
func (n *inspection) factsOf(u exporter.Unit) *shardFacts {
	i := slices.IndexFunc(n.shards, func(s *shardFacts) bool { return s.shard == u.Shard })
	return n.shards[i]
}

// strata gives all strata in an order that depends on the sources alone.
func (n *inspection) strata() []stratum {
	var out []stratum
	each := n.tally.picksEach()
	for i, p := range n.tally.policies {
		rest := int64(0)
		for _, name := range slices.Sorted(maps.Keys(p.measurements)) {
			m := p.measurements[name]
			if m.picks == nil {
				rest += m.weight
				continue
			}
			m.picks.trim(each)
			out = append(out, stratum{policy: i, weight: m.weight, picks: m.picks})
		}
		if p.rest != nil {
			p.rest.picks.trim(mostPicks)
			out = append(out, stratum{policy: i, weight: p.rest.weight + rest, picks: p.rest.picks, many: true})
		}
	}
	return out
}

// chosen is a piece that is in the sample.
type chosen struct {
	pick
	stratum   int
	row       float64
	standsFor float64 // weight
}

// choose takes of each stratum as many pieces as its part of all gives it, and gives them
// in the order of the shards, as units, too.
func (n *inspection) choose(strata []stratum, all int64) (units []exporter.Unit, list []chosen) {
	step := float64(all) / sampleUnits
	done, next := 0.0, step/2
	for i := range strata {
		done += float64(strata[i].weight)
		want := 0
		for ; next < done; next += step {
			want++
		}
		items, bound := strata[i].picks.lowest(want)
		for j, p := range items {
			// Series are mostly not alike all along: these begin everywhere.
			_, row := math.Modf(items[0].at + float64(j)/float64(len(items)))
			if p.share == 0 && (strata[i].many || float64(strata[i].weight) < step/4) {
				p.to = "" // it stands for what is like it, too
			}
			list = append(list, chosen{p, i, row, float64(p.weight) / chance(p.weight, bound)})
		}
	}
	slices.SortFunc(list, func(a, b chosen) int {
		return cmp.Or(cmp.Compare(a.shard, b.shard), cmp.Compare(a.from, b.from), cmp.Compare(a.at, b.at))
	})
	for _, c := range list {
		units = append(units, exporter.Unit{Shard: n.shards[c.shard].shard, From: c.from, To: c.to, Share: c.share, At: c.at, Row: c.row})
	}
	return units, list
}

func round(f float64) int64 { return int64(math.Round(f)) }

// newEstimate tells the sums.
func (n *inspection) newEstimate(total, sample *sums, all int64) *Estimate {
	e := &Estimate{
		TextBytes: round(total.text), GzipBytes: round(total.gzip), ZstdBytes: round(total.zstd),
		Workers: n.workers, SampleBytes: round(sample.weight), AllBytes: all,
	}
	for _, s := range n.shards {
		e.Points += s.points.N
		e.Values += s.values.N
	}
	at := float64(min(n.workers, runtime.NumCPU()))
	e.TextSeconds = total.textTime / at
	e.GzipSeconds = (total.textTime + total.gzipTime) / at
	e.ZstdSeconds = (total.textTime + total.zstdTime) / at
	e.FreePath, e.FreeBytes = freeAt(n.opts.FreePath)
	return e
}

// freeAt gives the free bytes at a path, or, where it is yet to be made, at the nearest
// directory above it.
func freeAt(path string) (string, int64) {
	abs, err := filepath.Abs(cmp.Or(path, "."))
	if err != nil {
		return path, -1
	}
	at := abs
	for _, err := os.Stat(at); err != nil && at != filepath.Dir(at); _, err = os.Stat(at) {
		at = filepath.Dir(at)
	}
	return abs, freeBytes(at)
}
