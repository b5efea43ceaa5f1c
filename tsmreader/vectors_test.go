// SPDX-License-Identifier: Apache-2.0

package tsmreader_test

import (
	"encoding/hex"
	"encoding/json"
	"maps"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
)

// jsonColumn is a column as the recorded vectors list it.
type jsonColumn struct {
	Key        string
	KeyHex     string `json:"key_hex"`
	Type       string
	Timestamps []string
	Values     []string
	ValueBits  []string `json:"value_bits"`
}

func kindOf(t *testing.T, name string) point.Kind {
	t.Helper()
	for k := range point.Kind(point.NumKinds) {
		if k.String() == name {
			return k
		}
	}
	t.Fatalf("type %q", name)
	return 0
}

// model gives the values of columns. Of equal times the last one stays.
func model(t *testing.T, columns []jsonColumn) shardtest.Contents {
	t.Helper()
	out := shardtest.Contents{}
	for _, c := range columns {
		key := c.Key
		if c.KeyHex != "" {
			b, err := hex.DecodeString(c.KeyHex)
			if err != nil {
				t.Fatal(err)
			}
			key = string(b)
		}
		kind := kindOf(t, c.Type)
		if len(c.Timestamps) > 0 {
			out[key] = map[int64]shardtest.Value{}
		}
		for i, text := range c.Timestamps {
			at, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			out[key][at] = jsonValue(t, kind, c, i)
		}
	}
	return out
}

func jsonValue(t *testing.T, kind point.Kind, c jsonColumn, i int) shardtest.Value {
	t.Helper()
	v := shardtest.Value{Kind: kind}
	var err error
	switch kind {
	case point.Float:
		v.Bits, err = strconv.ParseUint(c.ValueBits[i], 16, 64)
	case point.Integer:
		var n int64
		n, err = strconv.ParseInt(c.Values[i], 10, 64)
		v.Bits = uint64(n)
	case point.Unsigned:
		v.Bits, err = strconv.ParseUint(c.Values[i], 10, 64)
	case point.Boolean:
		var yes bool
		if yes, err = strconv.ParseBool(c.Values[i]); yes {
			v.Bits = 1
		}
	case point.String:
		v.Text = c.Values[i]
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func readJSON(t *testing.T, into any, parts ...string) {
	t.Helper()
	if err := json.Unmarshal(readFile(t, vectorPath(parts...)), into); err != nil {
		t.Fatalf("decode %v: %v", parts, err)
	}
}

func TestTSMVectors(t *testing.T) {
	files, err := filepath.Glob(vectorPath("tsm", "*.tsm"))
	if err != nil || len(files) != 7 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			var v struct{ Keys []jsonColumn }
			readJSON(t, &v, "tsm", filepath.Base(path)+".json")
			got := readAll(t, tsmreader.Options{}, tsmreader.Source{TSMFile: path})
			got.want(t, model(t, v.Keys))
			got.sound(t)
		})
	}
}

// All files of the directory together are a shard, too: later generations win.
func TestTSMVectorsTogether(t *testing.T) {
	want := shardtest.Contents{}
	files, err := filepath.Glob(vectorPath("tsm", "*.tsm.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		var v struct{ Keys []jsonColumn }
		readJSON(t, &v, "tsm", filepath.Base(path))
		for key, values := range model(t, v.Keys) {
			for at, value := range values {
				if want[key] == nil {
					want[key] = map[int64]shardtest.Value{}
				}
				want[key][at] = value
			}
		}
	}
	readAll(t, tsmreader.Options{}, tsmreader.Source{DataDir: vectorPath("tsm")}).want(t, want)
}

func TestShardVectors(t *testing.T) {
	leftOut := map[string]map[string]tsmreader.Why{
		"shard-clean": {},
		"shard-crash": {
			"000000001-000000001.tombstone.tmp": tsmreader.Unfinished,
			"000000003-000000001.tsm.tmp":       tsmreader.Unfinished,
			"000000007-000000001.tsm.bad":       tsmreader.SetAside,
			"000000900-000000001.tombstone":     tsmreader.Orphaned,
			"1.tmp":                             tsmreader.Unfinished,
			"fields.idx.tmp":                    tsmreader.Unfinished,
		},
	}
	for name, wantLeftOut := range leftOut {
		t.Run(name, func(t *testing.T) {
			var v struct{ Keys []jsonColumn }
			readJSON(t, &v, name, "expected.json")
			s := open(t, tsmreader.Options{}, tsmreader.Source{
				DataDir: vectorPath(name, "data", "case", "autogen", "6"),
				WALDir:  vectorPath(name, "wal", "case", "autogen", "6"),
			})
			defer closeShard(t, s)
			for _, weight := range []int64{1, 1 << 40} {
				got := read(t, s, weight)
				got.want(t, model(t, v.Keys))
				if n := got.contents.Values(); n != 41 {
					t.Errorf("%d values, want 41", n)
				}
				wantFaults := 0
				if name == "shard-crash" {
					wantFaults = 1 // the torn tail
				}
				if len(got.faults) != wantFaults {
					t.Errorf("faults:\n%s", faultText(got.faults))
				}
			}
			gotLeftOut := map[string]tsmreader.Why{}
			for _, l := range s.LeftOut() {
				gotLeftOut[filepath.Base(l.Path)] = l.Why
			}
			if diff := cmp.Diff(wantLeftOut, gotLeftOut); diff != "" {
				t.Errorf("left out (-want +got):\n%s", diff)
			}
		})
	}
}

// Every tombstone vector beside a file that holds a value at each of its borders and
// next to them.
func TestTombstoneVectors(t *testing.T) {
	for _, name := range []string{"v1", "v2", "v3", "v4", "v4-multi"} {
		t.Run(name, func(t *testing.T) {
			var v struct {
				Entries []struct{ KeyHex, Min, Max string }
			}
			readJSON(t, &v, "tombstone", name+".tombstone.json")
			var raw struct {
				Entries []struct {
					KeyHex string `json:"key_hex"`
				}
			}
			readJSON(t, &raw, "tombstone", name+".tombstone.json")
			times := []int64{-5, 0, 14, 15, 16, 25, 26, 27, 29, 30, 31, 1 << 60}
			var file shardtest.TSM
			keys := map[string]bool{"untouched#!~#f": true}
			want := shardtest.Contents{}
			for _, e := range raw.Entries {
				key, err := hex.DecodeString(e.KeyHex)
				if err != nil {
					t.Fatal(err)
				}
				keys[string(key)] = true
			}
			for key := range keys {
				run := shardtest.Ints(times, times...)
				file.Add(key, run)
				want.Set(shardtest.Column{Key: key, Run: run})
			}
			for i, e := range v.Entries {
				key, _ := hex.DecodeString(raw.Entries[i].KeyHex)
				lo, err1 := strconv.ParseInt(e.Min, 10, 64)
				hi, err2 := strconv.ParseInt(e.Max, 10, 64)
				if err1 != nil || err2 != nil {
					t.Fatal(err1, err2)
				}
				want.Delete(string(key), point.TimeRange{Min: lo, Max: hi})
			}
			s := shardOf(t)
			s.TSM(1, 1, &file)
			s.Tombstone(1, 1, readFile(t, vectorPath("tombstone", name+".tombstone")))
			got := readAll(t, tsmreader.Options{}, source(s))
			got.want(t, want)
			got.sound(t)
			if len(want) == len(keys) && name != "v3" && name != "v4-multi" {
				t.Error("nothing was deleted")
			}
		})
	}
}

func TestWALVectors(t *testing.T) {
	type write struct {
		Type   string
		Writes []jsonColumn
	}
	faults := map[string]int{"_00003": 1, "_00004": 1, "_00005": 1}
	for _, name := range []string{"_00001", "_00002", "_00003", "_00004", "_00005", "_00006"} {
		t.Run(name, func(t *testing.T) {
			want := shardtest.Contents{}
			var v struct {
				Entries    []write
				ValidBytes int64 `json:"valid_bytes"`
			}
			readJSON(t, &v, "wal", name+".wal.json")
			if name == "_00002" {
				var cache []jsonColumn
				readJSON(t, &cache, "wal", name+".expected_cache.json")
				want = model(t, cache)
			} else {
				for _, e := range v.Entries {
					maps.Copy(want, model(t, e.Writes))
				}
			}
			s := shardOf(t)
			path := s.WALFile(name+".wal", readFile(t, vectorPath("wal", name+".wal")))
			got := readAll(t, tsmreader.Options{}, source(s))
			got.want(t, want)
			if len(got.faults) != faults[name] {
				t.Errorf("faults:\n%s", faultText(got.faults))
			}
			for _, f := range got.faults {
				if f.File != path || f.Offset != v.ValidBytes || f.Part != "wal" || !f.Lost {
					t.Errorf("fault %+v, want one at %d", f, v.ValidBytes)
				}
			}
		})
	}
}
