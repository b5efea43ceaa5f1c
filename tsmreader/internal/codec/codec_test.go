// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
)

func TestSplitRefuses(t *testing.T) {
	cases := map[string]struct {
		block []byte
		want  error
	}{
		"empty":                {nil, ErrShort},
		"type only":            {[]byte{0}, ErrShort},
		"type 9":               {[]byte{9, 0}, ErrKind},
		"times longer":         {[]byte{0, 5, 1}, ErrShort},
		"length of 2^63":       {append([]byte{0}, binary.AppendUvarint(nil, 1<<63)...), ErrShort},
		"length without end":   {[]byte{0, 0x80}, ErrShort},
		"length over 10 bytes": {[]byte{0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}, ErrShort},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, _, _, err := Split(c.block); !errors.Is(err, c.want) {
				t.Errorf("Split = %v, want %v", err, c.want)
			}
		})
	}
}

func TestTimesRefuse(t *testing.T) {
	first := []byte{0, 0, 0, 0, 0, 0, 0, 1}
	run := func(parts ...uint64) []byte {
		b := append([]byte{0x20}, first...)
		for _, p := range parts {
			b = binary.AppendUvarint(b, p)
		}
		return b
	}
	cases := map[string]struct {
		src  []byte
		want error
	}{
		"unknown encoding":    {[]byte{0x30, 0}, ErrEncoding},
		"exponent 13":         {append([]byte{0x1d}, first...), ErrEncoding},
		"raw with exponent":   {append([]byte{0x01}, first...), ErrEncoding},
		"raw ragged":          {[]byte{0x00, 1, 2, 3}, ErrRagged},
		"raw without a time":  {[]byte{0x00}, ErrRagged},
		"packed short":        {[]byte{0x10, 1}, ErrShort},
		"packed ragged":       {append(append([]byte{0x10}, first...), 1), ErrRagged},
		"run short":           {[]byte{0x20, 1}, ErrShort},
		"run without delta":   {run(), ErrShort},
		"run without count":   {run(1), ErrShort},
		"run of 2^40":         {run(1, 1<<40), ErrTooMany},
		"run with more bytes": {append(run(1, 2), 0), ErrTrailing},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := Times(nil, c.src); !errors.Is(err, c.want) {
				t.Errorf("Times = %v, want %v", err, c.want)
			}
		})
	}
}

// sections gives the value section of every recorded block, by kind.
func sections(t testing.TB) map[point.Kind][]struct {
	src []byte
	n   int
} {
	t.Helper()
	out := map[point.Kind][]struct {
		src []byte
		n   int
	}{}
	for k := range point.Kind(point.NumKinds) {
		for _, v := range readVectors(t, "block_"+k.String()+".json") {
			block, err := hexBytes(v.Hex)
			if err != nil {
				t.Fatal(err)
			}
			_, _, values, err := Split(block)
			if err != nil {
				t.Fatal(err)
			}
			out[k] = append(out[k], struct {
				src []byte
				n   int
			}{values, len(v.Timestamps)})
		}
	}
	return out
}

// Values that are one fewer or one more than the times are refused, for every
// recorded block: nothing may be shortened in silence.
func TestValuesMustPairUp(t *testing.T) {
	for kind, list := range sections(t) {
		for i, s := range list {
			for _, n := range []int{s.n - 1, s.n + 1} {
				if n < 0 {
					continue
				}
				if _, err := show(kind, s.src, n); err == nil {
					t.Errorf("%v block %d of %d values decodes as %d", kind, i, s.n, n)
				}
			}
		}
	}
}

// Every truncation of every recorded section is refused.
func TestTruncatedValues(t *testing.T) {
	for kind, list := range sections(t) {
		for i, s := range list {
			for cut := 0; cut < len(s.src); cut++ {
				if kind == point.Float && cut >= len(s.src)-1 {
					continue // the last byte may be padding only
				}
				if _, err := show(kind, s.src[:cut], s.n); err == nil && s.n > 0 {
					t.Errorf("%v block %d cut to %d of %d bytes decodes", kind, i, cut, len(s.src))
				}
			}
		}
	}
}

func TestNoAllocations(t *testing.T) {
	times := append([]byte{0x29, 0x16, 0x34, 0x57, 0x85, 0xd8, 0xa0, 0, 0, 1}, binary.AppendUvarint(nil, 1000)...)
	ts := make([]int64, 0, 1000)
	if n := testing.AllocsPerRun(100, func() { ts, _ = Times(ts[:0], times) }); n != 0 {
		t.Errorf("Times allocates %v times", n)
	}
	for kind, list := range sections(t) {
		s := list[len(list)-1]
		fs, is, bs, ss, buf := make([]float64, 0, s.n), make([]int64, 0, s.n), make([]bool, 0, s.n), make([][]byte, 0, s.n), make([]byte, 1<<16)
		n := testing.AllocsPerRun(100, func() {
			switch kind {
			case point.Float:
				fs, _ = Floats(fs[:0], s.src, s.n)
			case point.Integer, point.Unsigned:
				is, _ = Integers(is[:0], s.src, s.n)
			case point.Boolean:
				bs, _ = Booleans(bs[:0], s.src, s.n)
			case point.String:
				ss, buf, _ = Strings(ss[:0], buf, s.src, s.n)
			}
		})
		if n != 0 {
			t.Errorf("decoding a %v block allocates %v times", kind, n)
		}
	}
}

func TestNotNumbers(t *testing.T) {
	const quiet, signalling = 0x7ff8000000000002, 0x7ff0000000000001 // math.NaN ends a section
	for name, c := range map[string]struct {
		values []float64
		want   int
	}{
		"none":    {nil, 0},
		"numbers": {[]float64{0, math.Copysign(0, -1), 1, -1, math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, 1e300, -5e-324}, 0},
		"NaN":     {[]float64{1, math.Float64frombits(quiet), 2}, 1},
		"signs":   {[]float64{math.Inf(1), math.Inf(-1), math.Float64frombits(signalling), math.Float64frombits(signalling | 1<<63), 1}, 4},
	} {
		if got := NotNumbers(c.values); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
		for n := range len(c.values) + 1 { // each of them first, in the middle, and repeated
			values := append(slices.Clone(c.values[n:]), c.values[:n]...)
			got, finite, err := FloatsFinite(nil, shardtest.AppendFloats(nil, slices.Concat(values, values)), 2*len(values))
			if err != nil || len(got) != 2*len(values) || finite != (c.want == 0) {
				t.Errorf("%s from %d: %v, finite %v, %v", name, n, got, finite, err)
			}
		}
	}
}

func BenchmarkFloats(b *testing.B) {
	values := make([]float64, 1000)
	for i := range values {
		values[i] = math.Round(100*math.Sin(float64(i)/10)) / 8
	}
	section := shardtest.AppendFloats(nil, values)
	var dst []float64
	for b.Loop() {
		dst, _ = Floats(dst[:0], section, len(values))
	}
}
