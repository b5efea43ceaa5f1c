// SPDX-License-Identifier: Apache-2.0

package tsmreader

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
)

func decodeFields(t *testing.T, b []byte) fieldSet {
	t.Helper()
	s := fieldSet{}
	if err := s.decode(b); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFieldsVector(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "testdata", "vectors", "fields", "fields.idx"))
	if err != nil {
		t.Fatal(err)
	}
	want := fieldSet{
		"cpu":       {"f": point.Float, "i": point.Integer, "s": point.String, "b": point.Boolean, "u": point.Unsigned},
		"my meas,x": {"field key": point.Integer},
	}
	if diff := cmp.Diff(want, decodeFields(t, b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFieldsFiles(t *testing.T) {
	idx := shardtest.FieldsIndex(shardtest.MeasurementFields{Name: "m", Fields: []shardtest.Field{{Name: "f", Kind: point.Float}}})
	add := shardtest.AppendFieldsLog(nil, shardtest.FieldChange{Measurement: "n", Field: shardtest.Field{Name: "g", Kind: point.String}})
	drop := shardtest.AppendFieldsLog(nil, shardtest.FieldChange{Measurement: "m", Drop: true})
	f := fieldSet{"m": {"f": point.Float}}
	both := fieldSet{"m": {"f": point.Float}, "n": {"g": point.String}}
	cases := map[string]struct {
		idx, log []byte // nil: not there
		want     fieldSet
		faults   int
	}{
		"neither":             {nil, nil, nil, 0},
		"log alone":           {nil, add, nil, 0},
		"no log":              {idx, nil, f, 0},
		"empty log":           {idx, []byte{}, f, 0},
		"magic alone":         {[]byte{0, 6, 1, 3}, nil, fieldSet{}, 0},
		"field added":         {idx, add, both, 0},
		"measurement dropped": {idx, append(slices.Clip(add), drop...), fieldSet{"n": {"g": point.String}}, 0},
		"empty record":        {idx, append(shardtest.AppendFieldsLog(nil), add...), both, 0},
		"record cut":          {idx, append(slices.Clip(add), drop[:len(drop)-1]...), both, 0},
		"length cut":          {idx, append(slices.Clip(add), 1, 2, 3), both, 0},
		"record of 2^64":      {idx, append(slices.Clip(add), "\xff\xff\xff\xff\xff\xff\xff\xffxx"...), both, 0},
		"record is garbage":   {idx, append([]byte{2, 0, 0, 0, 0, 0, 0, 0}, 0xff, 0xff), nil, 1},
		"empty":               {[]byte{}, nil, nil, 1},
		"bad magic":           {[]byte{0, 6, 1, 4, 10}, nil, nil, 1},
		"cut":                 {idx[:len(idx)-1], nil, nil, 1},
		"unknown type":        {[]byte("\x00\x06\x01\x03\x0a\x0a\x0a\x01m\x12\x05\x0a\x01f\x10\x07"), nil, nil, 1},
		"unknown fields":      {append(slices.Clip(idx), 0x18, 1, 0x25, 1, 2, 3, 4), nil, f, 0},
		"length of 2^63":      {append(slices.Clip(idx), "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"...), nil, nil, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, b := range map[string][]byte{"fields.idx": c.idx, "fields.idxl": c.log} {
				if b == nil {
					continue
				}
				if err := os.WriteFile(filepath.Join(dir, file), b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, faults := readFields(dir)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(faults) != c.faults || c.faults > 0 && (faults[0].Lost || !strings.HasPrefix(faults[0].File, dir)) {
				t.Errorf("faults %v", faults)
			}
		})
	}
}

// The names under which the engine's index knows measurements.
func TestFieldsOf(t *testing.T) {
	s := fieldSet{"plain": {}, "a=b": {}, `c"d`: {}, "my meas,x": {}, `aa\\,b`: {}, `only\"raw`: {}, `ba\ck`: {}}
	cases := map[string]bool{
		"plain": true, `a\=b`: true, `c\"d`: true, `my\ meas\,x`: true, `aa\\\,b`: true, `only\"raw`: true, `ba\ck`: true,
		"other": false, `pl\ain`: false, "a b": false,
	}
	for name, want := range cases {
		if got := s.of([]byte(name)) != nil; got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// Replicas list together; the one named later is right where they differ.
func TestFieldsAdd(t *testing.T) {
	s := fieldSet{"m": {"f": point.Float, "g": point.Float}}
	s.add(fieldSet{"m": {"g": point.Integer}, "n": {"h": point.String}})
	s.add(nil)
	want := fieldSet{"m": {"f": point.Float, "g": point.Integer}, "n": {"h": point.String}}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzFields(f *testing.F) {
	idx := shardtest.FieldsIndex(
		shardtest.MeasurementFields{Name: "m", Fields: []shardtest.Field{{Name: "f", Kind: point.Float}, {Name: "u", Kind: point.Unsigned}}},
		shardtest.MeasurementFields{Name: "", Fields: []shardtest.Field{{Name: "", Kind: point.Boolean}}})
	f.Add(idx, shardtest.AppendFieldsLog(nil, shardtest.FieldChange{Measurement: "n", Field: shardtest.Field{Name: "g", Kind: point.String}}))
	f.Add(idx, shardtest.AppendFieldsLog(nil, shardtest.FieldChange{Measurement: "m", Drop: true}))
	f.Fuzz(func(t *testing.T, idx, log []byte) {
		s := fieldSet{}
		if s.decode(idx) != nil || s.decodeLog(log) != nil {
			return
		}
		// What was read and is written again reads the same.
		var list []shardtest.MeasurementFields
		for name, fields := range s {
			m := shardtest.MeasurementFields{Name: name}
			for field, kind := range maps.All(fields) {
				m.Fields = append(m.Fields, shardtest.Field{Name: field, Kind: kind})
			}
			list = append(list, m)
		}
		again := fieldSet{}
		if err := again.decode(shardtest.FieldsIndex(list...)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, again); diff != "" {
			t.Errorf("(-first +again):\n%s", diff)
		}
	})
}
