// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/point"
)

// vector is one case of the recorded vectors: block data in hex and what it holds.
type vector struct {
	Name       string   `json:"name"`
	Type       string   `json:"type"`
	Timestamps []string `json:"timestamps"`
	Values     []string `json:"values"`
	ValueBits  []string `json:"value_bits"`
	Hex        string   `json:"hex"`
}

func readVectors(t testing.TB, name string) []vector {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "vectors", name))
	if err != nil {
		t.Fatal(err)
	}
	var vs []vector
	if err := json.Unmarshal(b, &vs); err != nil {
		t.Fatalf("parse %s: %v", name, err)
	}
	if len(vs) == 0 {
		t.Fatalf("%s holds no vectors", name)
	}
	return vs
}

// show gives the values of a section as the vectors write them.
func show(kind point.Kind, src []byte, n int) ([]string, error) {
	var out []string
	var err error
	switch kind {
	case point.Float:
		var fs []float64
		fs, err = Floats(nil, src, n)
		for _, f := range fs {
			out = append(out, strconv.FormatUint(math.Float64bits(f), 16))
		}
	case point.Integer:
		var is []int64
		is, err = Integers(nil, src, n)
		for _, i := range is {
			out = append(out, strconv.FormatInt(i, 10))
		}
	case point.Unsigned:
		var is []int64
		is, err = Integers(nil, src, n)
		for _, i := range is {
			out = append(out, strconv.FormatUint(uint64(i), 10))
		}
	case point.Boolean:
		var bs []bool
		bs, err = Booleans(nil, src, n)
		for _, b := range bs {
			out = append(out, strconv.FormatBool(b))
		}
	case point.String:
		var ss [][]byte
		ss, _, err = Strings(nil, nil, src, n)
		for _, s := range ss {
			out = append(out, string(s))
		}
	}
	return out, err
}

func TestBlockVectors(t *testing.T) {
	for _, kind := range []point.Kind{point.Float, point.Integer, point.Boolean, point.String, point.Unsigned} {
		for _, v := range readVectors(t, "block_"+kind.String()+".json") {
			t.Run(v.Name, func(t *testing.T) {
				block, err := hex.DecodeString(v.Hex)
				if err != nil {
					t.Fatal(err)
				}
				gotKind, times, values, err := Split(block)
				if err != nil || gotKind != kind {
					t.Fatalf("Split = %v, %v", gotKind, err)
				}
				got, err := showTimes(times)
				if err != nil {
					t.Fatalf("times: %v", err)
				}
				if d := cmp.Diff(v.Timestamps, got); d != "" {
					t.Errorf("times (-want +got):\n%s", d)
				}
				want := v.Values
				if kind == point.Float {
					want = nil
					for _, b := range v.ValueBits {
						u, err := strconv.ParseUint(b, 16, 64)
						if err != nil {
							t.Fatal(err)
						}
						want = append(want, strconv.FormatUint(u, 16))
					}
				}
				vals, err := show(kind, values, len(v.Timestamps))
				if err != nil {
					t.Fatalf("values: %v", err)
				}
				if d := cmp.Diff(want, vals); d != "" {
					t.Errorf("values (-want +got):\n%s", d)
				}
			})
		}
	}
}

func showTimes(src []byte) ([]string, error) {
	ts, err := Times(nil, src)
	var out []string
	for _, x := range ts {
		out = append(out, strconv.FormatInt(x, 10))
	}
	return out, err
}

func TestTimeVectors(t *testing.T) {
	for _, v := range readVectors(t, "timestamps.json") {
		t.Run(v.Name, func(t *testing.T) {
			src, err := hex.DecodeString(v.Hex)
			if err != nil {
				t.Fatal(err)
			}
			got, err := showTimes(src)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(v.Timestamps, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// Every selector of simple8b, read as time deltas of scale 1.
func TestSimple8bVectors(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "vectors", "simple8b.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vs []struct {
		Name   string   `json:"name"`
		Values []string `json:"values"`
		Hex    string   `json:"hex"`
		Word   string   `json:"word"`
	}
	if err := json.Unmarshal(b, &vs); err != nil {
		t.Fatal(err)
	}
	if len(vs) != 16 {
		t.Fatalf("%d selectors, want 16", len(vs))
	}
	for _, v := range vs {
		t.Run(v.Name, func(t *testing.T) {
			w, err := hex.DecodeString(v.Hex + v.Word)
			if err != nil {
				t.Fatal(err)
			}
			src := append([]byte{encPacked << 4, 0, 0, 0, 0, 0, 0, 0, 0}, w...)
			ts, err := Times(nil, src)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i := 1; i < len(ts); i++ {
				got = append(got, strconv.FormatInt(ts[i]-ts[i-1], 10))
			}
			if d := cmp.Diff(v.Values, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}
