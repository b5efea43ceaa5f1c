// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/shardlift/shardlift/point"
)

const vectorDir = "../../testdata/vectors"

// vector is one entry of the block, timestamp and simple8b files.
type vector struct {
	Name       string
	Type       string
	Encoder    string
	Timestamps []string
	Values     []string
	ValueBits  []string `json:"value_bits"`
	Hex        string
}

func readJSON(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(vectorDir, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("decode %s: %v", name, err)
	}
}

func readVector(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(vectorDir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// typedRun makes the run that a JSON file describes.
func typedRun(t *testing.T, kind string, timestamps, values, bits []string) Run {
	t.Helper()
	times := parseAll(t, timestamps, func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) })
	switch kind {
	case "float":
		return Floats(times, parseAll(t, bits, func(s string) (float64, error) {
			u, err := strconv.ParseUint(s, 16, 64)
			return math.Float64frombits(u), err
		})...)
	case "integer":
		return Ints(times, parseAll(t, values, func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) })...)
	case "unsigned":
		return Uints(times, parseAll(t, values, func(s string) (uint64, error) { return strconv.ParseUint(s, 10, 64) })...)
	case "boolean":
		return Bools(times, parseAll(t, values, strconv.ParseBool)...)
	case "string":
		return Strings(times, values...)
	}
	t.Fatalf("type %q", kind)
	return Run{}
}

func parseAll[T any](t *testing.T, texts []string, parse func(string) (T, error)) []T {
	t.Helper()
	out := make([]T, len(texts))
	for i, s := range texts {
		v, err := parse(s)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = v
	}
	return out
}

func TestBlockVectors(t *testing.T) {
	families := map[string]Family{"stream": Stream, "batch": Batch}
	for kind := point.Kind(0); kind.Valid(); kind++ {
		var vectors []vector
		readJSON(t, "block_"+kind.String()+".json", &vectors)
		for _, v := range vectors {
			run := typedRun(t, v.Type, v.Timestamps, v.Values, v.ValueBits)
			for name := range strings.SplitSeq(v.Encoder, "+") {
				family, ok := families[name]
				if !ok {
					t.Fatalf("%s: encoder %q", v.Name, name)
				}
				got := hex.EncodeToString(AppendBlock(nil, run, Encoding{Family: family}))
				if got != v.Hex {
					t.Errorf("%s, %s:\n got %s\nwant %s", v.Name, name, got, v.Hex)
				}
			}
		}
	}
}

func TestTimestampVectors(t *testing.T) {
	var vectors []vector
	readJSON(t, "timestamps.json", &vectors)
	for _, v := range vectors {
		times := parseAll(t, v.Timestamps, func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) })
		if got := hex.EncodeToString(AppendTimes(nil, times, Auto)); got != v.Hex {
			t.Errorf("%s:\n got %s\nwant %s", v.Name, got, v.Hex)
		}
	}
}

func TestSimple8bVectors(t *testing.T) {
	var vectors []struct {
		Name   string
		Values []string
		Hex    string
	}
	readJSON(t, "simple8b.json", &vectors)
	for _, v := range vectors {
		values := parseAll(t, v.Values, func(s string) (uint64, error) { return strconv.ParseUint(s, 10, 64) })
		if got := hex.EncodeToString(AppendSimple8b(nil, values)); got != v.Hex {
			t.Errorf("%s: got %s, want %s", v.Name, got, v.Hex)
		}
	}
}

// The vectors hold what the engine chooses; these are the sections it would not choose.
func TestForcedPacking(t *testing.T) {
	times, ints := []int64{100, 110, 120}, []int64{3, 4, 5}
	cases := map[string]struct{ got, want string }{
		"times raw":        {hexOf(AppendTimes(nil, times, Raw)), "00" + "0000000000000064" + "000000000000000a" + "000000000000000a"},
		"times packed":     {hexOf(AppendTimes(nil, times, Packed)), "11" + "0000000000000064" + "e000000040000001"},
		"one time as run":  {hexOf(AppendTimes(nil, times[:1], RunLength)), "2c" + "0000000000000064" + "00" + "01"},
		"no times":         {hexOf(AppendTimes(nil, nil, Auto)), ""},
		"ints raw":         {hexOf(AppendInts(nil, ints, Stream, Raw)), "00" + "0000000000000006" + "0000000000000002" + "0000000000000002"},
		"ints packed":      {hexOf(AppendInts(nil, ints, Stream, Packed)), "10" + "0000000000000006" + "e000000080000002"},
		"two ints as run":  {hexOf(AppendInts(nil, ints[:2], Batch, RunLength)), "20" + "0000000000000006" + "02" + "01"},
		"one int as run":   {hexOf(AppendInts(nil, ints[:1], Batch, RunLength)), "20" + "0000000000000006" + "00" + "00"},
		"no floats":        {hexOf(AppendFloats(nil, nil)), "107ff8000000000001"},
		"no strings":       {hexOf(AppendStrings(nil, nil)), "1000"},
		"no booleans":      {hexOf(AppendBools(nil, nil)), "1000"},
		"block of nothing": {hexOf(AppendBlock(nil, Run{Kind: point.Integer}, Encoding{})), "0100"},
	}
	for name, c := range cases {
		if c.got != c.want {
			t.Errorf("%s: got %s, want %s", name, c.got, c.want)
		}
	}
}

func TestImpossibleBlocksPanic(t *testing.T) {
	cases := map[string]func(){
		"run of unequal times":      func() { AppendTimes(nil, []int64{1, 2, 4}, RunLength) },
		"run of unequal ints":       func() { AppendInts(nil, []int64{1, 2, 4}, Stream, RunLength) },
		"packed time delta too big": func() { AppendTimes(nil, []int64{0, 1, 1<<60 + 1}, Packed) },
		"terminator as value":       func() { AppendFloats(nil, []float64{1, math.NaN()}) },
		"fewer values than times":   func() { AppendBlock(nil, Floats([]int64{1, 2}, 1), Encoding{}) },
	}
	for name, f := range cases {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }
