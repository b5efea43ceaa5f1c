// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"bytes"
	"encoding/hex"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/point"
)

// tsmVector is the JSON beside a recorded TSM file.
type tsmVector struct {
	IndexOffset int64 `json:"index_offset"`
	Size        int64
	Keys        []struct {
		KeyHex     string `json:"key_hex"`
		Type       string
		Timestamps []string
		Values     []string
		ValueBits  []string `json:"value_bits"`
		Blocks     []struct {
			Min, Max     string
			Offset, Size int64
			CRC          string
			Count        int
		}
	}
}

func readTSMVector(t *testing.T, name string) tsmVector {
	t.Helper()
	var v tsmVector
	readJSON(t, "tsm/"+name+".tsm.json", &v)
	return v
}

// Files without tombstones, whose JSON lists the values as stored.
var wholeTSMVectors = []string{
	"000000001-000000001", "000000002-000000001", "000000003-000000002",
	"000000004-000000001", "000000005-000000001", "000000006-000000001",
}

func TestTSMVectors(t *testing.T) {
	for _, name := range wholeTSMVectors {
		var built TSM
		var streamed bytes.Buffer
		w := NewTSMWriter(&streamed)
		for _, k := range readTSMVector(t, name).Keys {
			key, err := hex.DecodeString(k.KeyHex)
			if err != nil {
				t.Fatal(err)
			}
			run, from := typedRun(t, k.Type, k.Timestamps, k.Values, k.ValueBits), 0
			for _, b := range k.Blocks {
				block := run.Slice(from, from+b.Count)
				from += b.Count
				built.AddBlock(string(key), block, Encoding{})
				if err := w.Write(key, block); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		want := readVector(t, "tsm/"+name+".tsm")
		if diff := cmp.Diff(hex.Dump(want), hex.Dump(built.Bytes())); diff != "" {
			t.Errorf("%s built (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(hex.Dump(want), hex.Dump(streamed.Bytes())); diff != "" {
			t.Errorf("%s streamed (-want +got):\n%s", name, diff)
		}
	}
}

func TestLayoutOfVectors(t *testing.T) {
	for _, name := range wholeTSMVectors {
		file := readVector(t, "tsm/"+name+".tsm")
		l, err := LayoutOf(file)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		v := readTSMVector(t, name)
		if l.Index.Offset != v.IndexOffset || l.Footer.End() != v.Size || len(l.Keys) != len(v.Keys) {
			t.Errorf("%s: layout %+v", name, l)
			continue
		}
		for i, k := range l.Keys {
			want := v.Keys[i]
			if hexOf([]byte(k.Key)) != want.KeyHex || k.Kind.String() != want.Type || len(k.Blocks) != len(want.Blocks) {
				t.Errorf("%s: key %d is %+v", name, i, k)
				continue
			}
			for j, b := range k.Blocks {
				w := want.Blocks[j]
				if b.Offset != w.Offset || b.Size != w.Size || b.Points != w.Count || hexOf(b.Checksum.Of(file)) != w.CRC ||
					strconv.FormatInt(b.Min, 10) != w.Min || strconv.FormatInt(b.Max, 10) != w.Max {
					t.Errorf("%s: block %d of key %d is %+v, want %+v", name, j, i, b, w)
				}
			}
		}
	}
}

// Every byte of a file belongs to exactly one part of its layout.
func TestLayoutTilesFile(t *testing.T) {
	f := TSM{PerBlock: 3, Shuffle: 7}
	f.Add("m#!~#f", Floats(Every(0, 10, 10), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10))
	f.Add("m#!~#s", Strings([]int64{1, 2, 4, 9}, "a", "", "b", "c"))
	f.Add("k#!~#i", Ints([]int64{1, 2, 4, 9, math.MaxInt64}, 1, -1, 1, 7, 9))
	file := f.Bytes()
	l, err := LayoutOf(file)
	if err != nil {
		t.Fatal(err)
	}
	spans := []Span{l.Header}
	points := 0
	for _, b := range l.InFileOrder() {
		spans = append(spans, b.Checksum, b.Type, b.TimesLength, b.Times, b.Values)
		points += b.Points
	}
	for _, k := range l.Keys {
		spans = append(spans, k.KeyLength, k.Name, k.Type, k.Count)
		for _, b := range k.Blocks {
			spans = append(spans, b.Entry)
		}
	}
	spans = append(spans, l.Footer)
	var at int64
	for _, s := range spans {
		if s.Offset != at || s.Size <= 0 {
			t.Fatalf("span %+v, want one from %d on; layout %+v", s, at, l)
		}
		at = s.End()
	}
	if at != int64(len(file)) || points != 19 {
		t.Errorf("spans end at %d of %d, %d points", at, len(file), points)
	}
	if b, ok := l.BlockAt(l.Keys[1].Blocks[2].Values.Offset); !ok || b.Key != "m#!~#f" || b.Min != 60 || b.Max != 80 {
		t.Errorf("block there is %+v, %v", b, ok)
	}
	if k, ok := l.Key("m#!~#s"); !ok || k.Kind != point.String || len(k.Blocks) != 2 {
		t.Errorf("key there is %+v, %v", k, ok)
	}
}

func TestOddTSMFiles(t *testing.T) {
	three := Floats([]int64{30, 10, 20}, 3, 1, 2)
	layout := func(f *TSM) *Layout {
		t.Helper()
		l, err := LayoutOf(f.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		return l
	}

	unsorted := &TSM{}
	unsorted.AddBlock("m#!~#f", three, Encoding{Times: Raw})
	if b := layout(unsorted).Keys[0].Blocks[0]; b.Min != 10 || b.Max != 30 || b.Points != 3 {
		t.Errorf("unsorted block is %+v", b)
	}

	huge := &TSM{PerBlock: 5000}
	huge.Add("m#!~#f", Floats(Every(0, 1, 5000), make([]float64, 5000)...))
	if b := layout(huge).Keys[0].Blocks; len(b) != 1 || b[0].Points != 5000 {
		t.Errorf("huge block is %+v", b)
	}

	shuffled := &TSM{PerBlock: 1, Shuffle: 1}
	for _, key := range []string{"c#!~#f", "a#!~#f", "b#!~#f"} {
		shuffled.Add(key, Ints(Every(0, 1, 4), 1, 2, 3, 4))
	}
	var index, inFile []int64
	for _, k := range layout(shuffled).Keys {
		for _, b := range k.Blocks {
			index = append(index, b.Offset)
		}
	}
	for _, b := range layout(shuffled).InFileOrder() {
		inFile = append(inFile, b.Offset)
	}
	if len(index) != 12 || cmp.Equal(index, inFile) {
		t.Errorf("blocks lie in index order: %v", index)
	}

	disorder := &TSM{AsAdded: true}
	disorder.Add("b#!~#f", three)
	disorder.Add("a#!~#f", three)
	if k := layout(disorder).Keys; len(k) != 2 || k[0].Key != "b#!~#f" {
		t.Errorf("keys are %+v", k)
	}
}

func TestTombstoneVectors(t *testing.T) {
	entries := func(name string) []Tombstone {
		t.Helper()
		var v struct {
			Entries []struct{ Key, Min, Max string }
		}
		readJSON(t, "tombstone/"+name+".tombstone.json", &v)
		var out []Tombstone
		for _, e := range v.Entries {
			ends := parseAll(t, []string{e.Min, e.Max}, func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) })
			out = append(out, Tombstone{e.Key, ends[0], ends[1]})
		}
		return out
	}
	multi := entries("v4-multi")
	cases := map[string][]byte{
		"v1":       TombstoneV1(entries("v1")[0].Key, entries("v1")[1].Key),
		"v2":       TombstoneV2(entries("v2")...),
		"v3":       TombstoneV3(entries("v3")...),
		"v4":       TombstoneV4(entries("v4")),
		"v4-multi": TombstoneV4(multi[:2], multi[2:4], multi[4:]),
	}
	for name, got := range cases {
		if want := readVector(t, "tombstone/"+name+".tombstone"); !bytes.Equal(got, want) {
			t.Errorf("%s:\n got %x\nwant %x", name, got, want)
		}
	}
	if got := AppendTombstoneMember(nil, entries("v4")...); !bytes.Equal(got, cases["v4"]) {
		t.Errorf("first member: %x", got)
	}
}

type walVector struct {
	Entries []struct {
		Type       string
		Offset     int64
		Body       string   `json:"decompressed_hex"`
		DeleteKeys []string `json:"delete_keys"`
		Min, Max   string
		Writes     []struct {
			Key        string
			Type       string
			Timestamps []string
			Values     []string
			ValueBits  []string `json:"value_bits"`
		}
	}
	ValidBytes int64 `json:"valid_bytes"`
}

func TestWALVectors(t *testing.T) {
	torn := map[string]bool{"_00003": true, "_00004": true, "_00005": true}
	for _, name := range []string{"_00001", "_00002", "_00003", "_00004", "_00005", "_00006"} {
		var v walVector
		readJSON(t, "wal/"+name+".wal.json", &v)
		want := readVector(t, "wal/"+name+".wal")
		var w WAL
		for _, e := range v.Entries {
			switch e.Type {
			case "write":
				var columns []Column
				for _, c := range e.Writes {
					columns = append(columns, Column{c.Key, typedRun(t, c.Type, c.Timestamps, c.Values, c.ValueBits)})
				}
				slices.SortFunc(columns, func(a, b Column) int { // as stored, not as listed
					return strings.Index(e.Body, hexOf([]byte(a.Key))) - strings.Index(e.Body, hexOf([]byte(b.Key)))
				})
				w.Write(columns...)
			case "delete":
				w.Delete(e.DeleteKeys...)
			case "delete_range":
				ends := parseAll(t, []string{e.Min, e.Max}, func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) })
				w.DeleteRange(ends[0], ends[1], e.DeleteKeys...)
			default:
				t.Fatalf("%s: entry type %q", name, e.Type)
			}
		}
		if got := w.Bytes(); !bytes.Equal(got, want[:v.ValidBytes]) {
			t.Errorf("%s:\n got %x\nwant %x", name, got, want[:v.ValidBytes])
		}
		for i, s := range w.Entries() {
			if s.Offset != v.Entries[i].Offset {
				t.Errorf("%s: entry %d at %d, want %d", name, i, s.Offset, v.Entries[i].Offset)
			}
		}
		if torn[name] == (v.ValidBytes == int64(len(want))) {
			t.Errorf("%s: %d valid bytes of %d", name, v.ValidBytes, len(want))
		}
		w.Tail(want[v.ValidBytes:])
		if !bytes.Equal(w.Bytes(), want) {
			t.Errorf("%s: with its tail %x", name, w.Bytes())
		}
		w.Truncate()
		if got := int64(len(w.Bytes())); got != v.ValidBytes {
			t.Errorf("%s: truncated to %d, want %d", name, got, v.ValidBytes)
		}
	}
}

func TestFieldsVectors(t *testing.T) {
	got := FieldsIndex(
		MeasurementFields{"cpu", []Field{{"f", point.Float}, {"i", point.Integer}, {"s", point.String}, {"b", point.Boolean}, {"u", point.Unsigned}}},
		MeasurementFields{"my meas,x", []Field{{"field key", point.Integer}}},
	)
	if want := readVector(t, "fields/fields.idx"); !bytes.Equal(got, want) {
		t.Errorf("\n got %x\nwant %x", got, want)
	}
	logged := map[string]struct{ got, want string }{
		"add":    {hexOf(AppendFieldsLog(nil, FieldChange{Measurement: "cpu", Field: Field{"f", point.Float}})), "0e000000000000000a0c0a0363707512050a01661001"},
		"drop":   {hexOf(AppendFieldsLog(nil, FieldChange{Measurement: "cpu", Drop: true})), "09000000000000000a070a036370751801"},
		"defect": {hexOf(AppendFieldsLog(nil)), "0000000000000000"},
	}
	for name, c := range logged {
		if c.got != c.want {
			t.Errorf("%s: got %s, want %s", name, c.got, c.want)
		}
	}
}

func TestMetaVector(t *testing.T) {
	want := readVector(t, "meta/meta.db")
	hashes := regexp.MustCompile(`\$2a\$10\$[./A-Za-z0-9]{53}`).FindAllString(string(want), -1)
	if len(hashes) != 2 {
		t.Fatalf("hashes %q", hashes)
	}
	const day = int64(24 * 3600 * 1e9)
	m := Meta{
		Index: 42, ClusterID: 7077078217013379101,
		Databases: []MetaDatabase{{
			Name: "telegraf", DefaultPolicy: "autogen",
			Policies: []MetaPolicy{
				{
					Name: "autogen", GroupDuration: 7 * day, Replicas: 1,
					Groups: []MetaGroup{
						{ID: 1, Start: 1599436800000000000, End: 1600041600000000000, Shards: []MetaShard{{ID: 1}}},
						{ID: 2, Start: 1600041600000000000, End: 1600646400000000000, Deleted: 1700000000000000005, Shards: []MetaShard{{ID: 2}}},
					},
					Subscriptions: []MetaSubscription{{Name: "sub0", Mode: "ANY", Destinations: []string{"udp://h:9090"}}},
				},
				{
					Name: "two days", Duration: 2 * day, GroupDuration: day, Replicas: 1,
					Groups: []MetaGroup{{
						ID: 3, End: day, Truncated: day / 2,
						Shards: []MetaShard{{ID: 3, Owners: []uint64{4, 5}}, {ID: 4, Owners: []uint64{6}}},
					}},
				},
			},
			Queries: []MetaQuery{{"cq", "CREATE CONTINUOUS QUERY cq ON telegraf BEGIN SELECT mean(f) INTO avg FROM cpu GROUP BY time(1h) END"}},
		}},
		Users: []MetaUser{
			{Name: "admin", Hash: hashes[0], Admin: true},
			{Name: "bob", Hash: hashes[1], Privileges: []MetaPrivilege{{"telegraf", 1}}},
		},
	}
	if diff := cmp.Diff(hex.Dump(want), hex.Dump(m.Bytes())); diff != "" {
		t.Errorf("meta.db (-want +got):\n%s", diff)
	}
}

func TestDamage(t *testing.T) {
	data := []byte{0, 1, 2, 3}
	cases := map[string]struct{ got, want []byte }{
		"flip first bit": {Flip(data, 0), []byte{0x80, 1, 2, 3}},
		"flip last bit":  {Flip(data, 31), []byte{0, 1, 2, 2}},
		"chop":           {Chop(data, 3), []byte{0, 1, 2}},
		"patch":          {Patch(data, 1, []byte{9, 8}), []byte{0, 9, 8, 3}},
		"patch beyond":   {Patch(data, 3, []byte{9, 8}), []byte{0, 1, 2, 9, 8}},
		"cut":            {Cut(data, Span{1, 2}), []byte{0, 3}},
	}
	for name, c := range cases {
		if !bytes.Equal(c.got, c.want) {
			t.Errorf("%s: got %x, want %x", name, c.got, c.want)
		}
	}
	if !bytes.Equal(data, []byte{0, 1, 2, 3}) {
		t.Errorf("the original became %x", data)
	}
}

func TestReseal(t *testing.T) {
	var f TSM
	f.Add("m#!~#f", Floats([]int64{1}, 2))
	file := f.Bytes()
	l, err := LayoutOf(file)
	if err != nil {
		t.Fatal(err)
	}
	b := l.Keys[0].Blocks[0]
	damaged := Flip(file, b.Values.Offset*8+3)
	sealed := Reseal(damaged, b)
	if bytes.Equal(b.Checksum.Of(sealed), b.Checksum.Of(damaged)) || !bytes.Equal(Reseal(file, b), file) {
		t.Errorf("checksum %x of %x", b.Checksum.Of(sealed), b.Of(sealed))
	}
}

func TestVolume(t *testing.T) {
	v := NewVolume(t, t.TempDir())
	s := v.Shard("db", "autogen", 12)
	s.Start, s.End = 0, 100
	var f TSM
	f.Add("m#!~#f", Floats([]int64{1}, 2))
	got := []string{
		s.TSM(3, 2, &f),
		s.Tombstone(3, 2, TombstoneV4([]Tombstone{WholeColumn("m#!~#f")})),
		s.WAL(7, &WAL{}),
		s.Fields(),
	}
	want := []string{
		filepath.Join(v.Dir, "data/db/autogen/12/000000003-000000002.tsm"),
		filepath.Join(v.Dir, "data/db/autogen/12/000000003-000000002.tombstone"),
		filepath.Join(v.Dir, "wal/db/autogen/12/_00007.wal"),
		filepath.Join(v.Dir, "data/db/autogen/12/fields.idx"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	v.Shard("db", "other", 13)
	if v.Shard("db", "autogen", 12) != s {
		t.Error("a shard asked for again is another one")
	}
	groups := func(id uint64, start, end int64) []MetaGroup {
		return []MetaGroup{{ID: id, Start: start, End: end, Shards: []MetaShard{{ID: id}}}}
	}
	wantMeta := Meta{Index: 1, ClusterID: 1, Databases: []MetaDatabase{{
		Name: "db", DefaultPolicy: "autogen",
		Policies: []MetaPolicy{
			{Name: "autogen", GroupDuration: weekNano, Replicas: 1, Groups: groups(12, 0, 100)},
			{Name: "other", GroupDuration: weekNano, Replicas: 1, Groups: groups(13, math.MinInt64, math.MaxInt64)},
		},
	}}}
	if diff := cmp.Diff(wantMeta, v.Meta()); diff != "" {
		t.Errorf("meta (-want +got):\n%s", diff)
	}
}
