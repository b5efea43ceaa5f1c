// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"strconv"
	"strings"
)

// recordTypes goes through the types, shapes of values and shapes of time.
func recordTypes(r *rig) {
	r.Exec(`CREATE DATABASE "types"`)
	var p points
	extremes(&p)
	shapes(&p)
	r.Write("types", "", p.take())
	r.Flush("types")
	timeShapes(&p)
	p.add(monday+5, "float,case=wal f=-0,g=1e-5")
	p.add(monday+5, `string,case=wal s="only in the WAL"`)
	r.Write("types", "", p.take())
	r.FlushShard(r.Shards("types")[0].ID)
	extremes(&p) // the same again: equal values in TSM and WAL
	r.Write("types", "", p.take())
}

func extremes(p *points) {
	for i, f := range []float64{
		0, math.Copysign(0, -1), 1, -1, 0.1, 1.0 / 3, 0.1 + 0.2, math.Pi, -math.E, 1e15, 1e16, 1e17, 1e20, 1e21, 1e22, 123456789.123456789, 1e-4, 1e-5, 1e-6,
		1e-7, math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, -math.SmallestNonzeroFloat64, 2.2250738585072014e-308, 1 << 53, 1<<53 + 2,
		math.MaxInt64, math.MaxUint64, 4.35, 5e-324, 1e300, 1e-300,
	} {
		p.add(monday+int64(i), "float,case=extreme f=%s", strconv.FormatFloat(f, 'g', -1, 64))
	}
	for i, n := range []int64{0, 1, -1, math.MaxInt64, math.MinInt64, math.MinInt64 + 1, 1 << 53, 1<<53 + 1, -(1 << 53) - 1, 1 << 60, 1<<60 - 1, 99, 100, -100, 1e18} {
		p.add(monday+int64(i), "integer,case=extreme i=%di", n)
	}
	for i, b := range []string{"t", "f", "T", "FALSE", "true"} {
		p.add(monday+int64(i), "boolean,case=extreme b=%s", b)
	}
	for i, s := range []string{"", " ", "x", "héllo wörld ☃ 𝄞", strings.Repeat("abc ", 5000), strings.Repeat("\x00", 300), "\xff\xfe not UTF-8 \xc3"} {
		p.add(monday+int64(i), `string,case=extreme s="%s"`, s)
	}
	p.add(monday, `all,case=one-line f=1.5,i=1i,b=t,s="s"`)
}

// shapes gives 2500 points, three blocks, to every shape of values.
func shapes(p *points) {
	rnd := random(2)
	walk := 20.0
	counter := int64(0)
	for i := range int64(2500) {
		walk += rnd.NormFloat64() / 8
		counter += rnd.Int64N(50)
		at := monday + i*10*second
		p.add(at, "float,case=constant f=42")
		p.add(at, "float,case=walk f=%s", strconv.FormatFloat(walk, 'f', 2, 64))
		p.add(at, "integer,case=constant i=-7i")
		p.add(at, "integer,case=steady i=%di", i*1000-5)
		p.add(at, "integer,case=counter i=%di", counter)
		p.add(at, "boolean,case=square b=%t", i/100%2 == 0)
		p.add(at, `string,case=few s="state %d"`, i/50%4)
		if i < 1200 {
			p.add(at, "float,case=random f=%s", strconv.FormatFloat(math.Float64frombits(rnd.Uint64()&^(1<<62)), 'g', -1, 64))
			p.add(at, "integer,case=random i=%di", int64(rnd.Uint64()))
			p.add(at, "boolean,case=random b=%t", rnd.IntN(2) == 0)
		}
	}
}

// timeShapes gives 300 points to every shape of times, in shards of one week.
func timeShapes(p *points) {
	rnd := random(3)
	at := monday
	for i := range int64(300) {
		at += 1 + rnd.Int64N(2*second)
		p.add(at, "time,case=jitter f=%d", i)
		p.add(monday+i*second+rnd.Int64N(3)*1000, "time,case=microseconds f=%d", i)
		p.add(monday+i*i*1_000_000, "time,case=quadratic f=%d", i)
		p.add(monday+i, "time,case=nanoseconds f=%d", i)
		p.add(monday-week+i*i*week/90_000, "time,case=two-shards i=%di", i)
	}
}
