// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import (
	"math"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// borders are integers where the number of digits or a branch changes.
func borders() []int64 {
	out := []int64{0, 1, math.MaxInt64, math.MinInt64, math.MinInt64 + 1}
	for p := int64(1); ; p *= 10 {
		out = append(out, p-1, p, p+1, -p, 1-p)
		if p > math.MaxInt64/10 {
			return out
		}
	}
}

func TestAppendInt(t *testing.T) {
	for _, n := range borders() {
		if got, want := string(AppendInt(nil, n)), strconv.FormatInt(n, 10); got != want {
			t.Errorf("AppendInt(%s) = %s", want, got)
		}
		u := uint64(n)
		if got, want := string(appendUint(nil, u)), strconv.FormatUint(u, 10); got != want {
			t.Errorf("appendUint(%s) = %s", want, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64().Draw(t, "n")
		if got, want := string(AppendInt(nil, n)), strconv.FormatInt(n, 10); got != want {
			t.Errorf("AppendInt(%s) = %s", want, got)
		}
	})
}

func TestEightDigits(t *testing.T) {
	check := func(n uint64) {
		if got, want := string(appendUint(nil, 1e8+n)), strconv.FormatUint(1e8+n, 10); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	}
	for n := uint64(0); n < 1e8; n += 997 {
		check(n)
	}
	for n := range uint64(20000) {
		check(n)
		check(n * 5000)
	}
}

// floats are the ones that recorders write, and any bits at all.
func floats() *rapid.Generator[float64] {
	return rapid.OneOf(
		rapid.Map(rapid.Uint64(), math.Float64frombits),
		rapid.Custom(func(t *rapid.T) float64 {
			n := rapid.Int64Range(-1e9, 1e9).Draw(t, "n")
			return float64(n) / math.Pow10(rapid.IntRange(0, 8).Draw(t, "decimals"))
		}),
		rapid.Float64Range(-2e-6, -1e-6), // the widest
		rapid.SampledFrom([]float64{
			0, math.Copysign(0, -1), 1, -1, 0.1, 0.3, 1.0 / 3, 1e15, 1e15 - 1, 1e21, 1e-6, 9.99e-7, 5e-324,
			math.MaxFloat64, 1 << 53, 1<<53 - 1, 999999.9999, 99.99995, 0.00005, 123456789012.3456,
		}),
	)
}

// Every finite float reads back to the same bits, whatever came before it.
func TestAppendFloatReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		decimals := rapid.IntRange(0, manyDecimals).Draw(t, "decimals")
		f := floats().Draw(t, "f")
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return
		}
		one, _ := appendFloat(nil, f, decimals)
		for _, text := range []string{string(AppendFloat(nil, f)), string(one)} {
			got, err := strconv.ParseFloat(text, 64)
			if err != nil || math.Float64bits(got) != math.Float64bits(f) {
				t.Errorf("%x written as %s reads back as %x, %v", math.Float64bits(f), text, math.Float64bits(got), err)
			}
		}
	})
}

func TestAppendFloatIsShort(t *testing.T) {
	for f, want := range map[float64]string{
		0: "0", 1: "1", -1: "-1", 58.13: "58.13", -0.5: "-0.5", 100: "100", 0.0625: "0.0625", 1e6: "1000000",
		123456789: "123456789", 1e300: "1e+300", 0.1: "0.1", 2.5e-7: "2.5e-07",
	} {
		if got := string(AppendFloat(nil, f)); got != want {
			t.Errorf("AppendFloat(%v) = %s, want %s", f, got, want)
		}
	}
	if got := string(AppendFloat(nil, math.Copysign(0, -1))); got != "-0" {
		t.Errorf("-0 is written as %s", got)
	}
}

// The clock writes what strconv would, in any order of times.
func TestClock(t *testing.T) {
	times := append(borders(), 1e9-1, 1e9, 1e9+1, 1e17-1, 1e17, 1e17+1, 1600000000000000000, 1600000000000000001,
		1600000000100000000, 1599999999999999999, 1600000001000000000, 1700000000000000000)
	var c clock
	check := func(x int64) {
		var buf [64]byte
		if got, want := string(buf[:c.put(buf[:], 0, x)]), strconv.FormatInt(x, 10); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	}
	for _, a := range times {
		for _, b := range times {
			check(a)
			check(b)
		}
	}
	rapid.Check(t, func(t *rapid.T) { check(rapid.Int64().Draw(t, "t")) })
}
