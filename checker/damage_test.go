// SPDX-License-Identifier: Apache-2.0

package checker_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shardlift/shardlift/checker"
	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
)

// The column that is damaged, of every kind one, and its neighbours on both sides.
const (
	target = "m,t=2#!~#f"
	before = "m,t=1#!~#f"
	behind = "m,t=3#!~#f"
	other  = "z,t=1#!~#f"
)

// site is a volume with a file of each kind that a check looks at.
type site struct {
	t     *testing.T
	kind  point.Kind
	shard *shardtest.Shard
	v     *shardtest.Volume
	file  []byte
	l     *shardtest.Layout
	k     shardtest.KeyPlace   // of the target
	b     shardtest.BlockPlace // its first block
	wal   *shardtest.WAL
}

const begin = 1600000000e9

func newSite(t *testing.T, kind point.Kind) *site {
	t.Helper()
	s := &site{t: t, kind: kind, v: shardtest.NewVolume(t, t.TempDir()), wal: &shardtest.WAL{}}
	s.shard = s.v.Shard("db", "rp", 7)
	f := shardtest.TSM{PerBlock: 4}
	for _, key := range []string{before, target, behind, other} {
		f.Add(key, shardtest.Sample(kind, begin, 10))
	}
	s.file = f.Bytes()
	var err error
	if s.l, err = shardtest.LayoutOf(s.file); err != nil {
		t.Fatal(err)
	}
	s.k, _ = s.l.Key(target)
	s.b = s.k.Blocks[0]
	s.shard.TSM(1, 1, &f)
	var sound shardtest.TSM
	sound.Add(before, shardtest.Sample(kind, begin+1e15, 10))
	s.shard.TSM(2, 1, &sound)
	s.wal.Write(shardtest.Column{Key: before, Run: shardtest.Sample(kind, begin+2e15, 3)})
	s.wal.DeleteRange(begin, begin+5, behind)
	s.wal.Write(shardtest.Column{Key: other, Run: shardtest.Sample(kind, begin+2e15, 3)})
	s.shard.WAL(1, s.wal)
	s.shard.Fields(
		shardtest.MeasurementFields{Name: "m", Fields: []shardtest.Field{{Name: "f", Kind: kind}}},
		shardtest.MeasurementFields{Name: "z", Fields: []shardtest.Field{{Name: "f", Kind: kind}}},
	)
	s.v.WriteMeta(s.v.Meta())
	return s
}

const (
	tsmName   = "000000001-000000001.tsm"
	stoneName = "000000001-000000001.tombstone"
)

// tsm writes another file in place of the first one.
func (s *site) tsm(b []byte) string { return s.shard.DataFile(tsmName, b) }

// patched writes the first file with other bytes in it.
func (s *site) patched(at int64, with ...byte) string {
	return s.tsm(shardtest.Patch(s.file, at, with))
}

// resealed is patched, with the checksum of the damaged block put right.
func (s *site) resealed(at int64, with ...byte) string {
	return s.tsm(shardtest.Reseal(shardtest.Patch(s.file, at, with), s.b))
}

// rebuilt writes the first file with another first block of the target, its checksum right.
func (s *site) rebuilt(body []byte, span point.TimeRange) string {
	f := shardtest.TSM{PerBlock: 4}
	for _, k := range s.l.Keys {
		for i, b := range k.Blocks {
			old := slices.Concat(b.Type.Of(s.file), b.TimesLength.Of(s.file), b.Times.Of(s.file), b.Values.Of(s.file))
			r := point.TimeRange{Min: b.Min, Max: b.Max}
			if k.Key == target && i == 0 {
				old, r = body, span
			}
			f.AddRaw(k.Key, shardtest.RawBlock{Kind: k.Kind, Min: r.Min, Max: r.Max, Body: old})
		}
	}
	return s.tsm(f.Bytes())
}

func (s *site) span() point.TimeRange { return point.TimeRange{Min: s.b.Min, Max: s.b.Max} }

// body is a block body of so many times and values, the last bytes cut off.
func (s *site) body(times, values, cut int) []byte {
	section := shardtest.AppendTimes(nil, shardtest.Every(begin, 10e9, times), shardtest.Auto)
	v := shardtest.AppendValues(nil, shardtest.Sample(s.kind, begin, values), shardtest.Encoding{})
	return slices.Concat([]byte{byte(s.kind)}, binary.AppendUvarint(nil, uint64(len(section))), section, v[:len(v)-min(cut, len(v))])
}

func be64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }

// found is what a damage has to be found as.
type found struct {
	file   string
	part   string
	offset int64
	key    string
	lost   bool
	values int64 // that are known to be lost
	text   string
}

// tsmDamages are of TSM files, for every kind of values.
var tsmDamages = map[string]func(s *site) found{
	"empty file": func(s *site) found { return found{s.tsm(nil), "footer", 0, "", true, 0, "empty"} },
	"header magic": func(s *site) found {
		return found{s.patched(1, 0), "header", 0, "", false, 0, "magic number"}
	},
	"header version": func(s *site) found {
		return found{s.patched(4, 9), "header", 0, "", false, 0, "version 9"}
	},
	"footer": func(s *site) found {
		return found{s.patched(s.l.Footer.Offset, be64(1<<40)...), "footer", s.l.Footer.Offset, "", false, 0, "found by its content"}
	},
	"footer cut": func(s *site) found {
		return found{s.tsm(s.file[:s.l.Footer.Offset+3]), "footer", s.l.Footer.Offset - 5, "", false, 0, "footer is missing or damaged"}
	},
	"padded": func(s *site) found {
		return found{s.tsm(append(slices.Clone(s.file), make([]byte, 512)...)), "footer", s.l.Footer.End(), "", false, 0, "behind its footer"}
	},
	"index key length": func(s *site) found {
		return found{s.patched(s.k.KeyLength.Offset, 0, 3), "index", s.k.Offset, target, false, 0, "mended"}
	},
	"index key order": func(s *site) found {
		return found{s.patched(s.k.Name.Offset, 'a'), "index", s.k.Offset, "a" + target[1:], true, 0, "ascending order"}
	},
	"duplicate key": func(s *site) found {
		return found{s.patched(s.k.Name.Offset+4, '1'), "index", s.k.Offset, before, true, 0, "twice"}
	},
	"index count": func(s *site) found {
		return found{s.patched(s.k.Count.Offset, 0, 2), "index", s.k.Offset, target, false, 0, "mended"}
	},
	"entry min": func(s *site) found {
		return found{s.patched(s.b.Entry.Offset, be64(uint64(s.b.Min-5))...), "index", s.b.Offset, target, false, 0, "other times"}
	},
	"entry max": func(s *site) found {
		return found{s.patched(s.b.Entry.Offset+8, be64(uint64(s.b.Max+5))...), "index", s.b.Offset, target, false, 0, "other times"}
	},
	"entry offset": func(s *site) found {
		return found{s.patched(s.b.Entry.Offset+16, be64(uint64(s.b.Offset+1))...), "index", s.b.Entry.Offset, target, false, 0, "mended"}
	},
	"entry outside": func(s *site) found {
		return found{s.patched(s.b.Entry.Offset+16, be64(1<<40)...), "index", s.b.Entry.Offset, target, false, 0, "mended"}
	},
	"entry size": func(s *site) found {
		return found{s.patched(s.b.Entry.Offset+24, 0, 0, 0, 7), "index", s.b.Entry.Offset, target, false, 0, "mended"}
	},
	"index type": func(s *site) found {
		return found{s.patched(s.k.Type.Offset, byte(s.kind+1)%5), "index", -1, target, false, 0, "another type"}
	},
	"index type unknown": func(s *site) found {
		return found{s.patched(s.k.Type.Offset, 99), "index", s.k.Offset, target, false, 0, "unknown block type"}
	},
	"record overwritten": func(s *site) found {
		return found{s.patched(s.k.Offset, make([]byte, s.k.Size)...), "index", s.k.Offset, "", true, 0, "cannot be read here"}
	},
	"unreferenced bytes": func(s *site) found {
		return found{s.patched(s.k.Offset, make([]byte, s.k.Size)...), "block", s.b.Offset, "", true, 0, "named by no index entry"}
	},
	"checksum": func(s *site) found {
		return found{s.tsm(shardtest.Flip(s.file, 8*s.b.Checksum.Offset)), "block", s.b.Offset, target, true, 0, "checksum"}
	},
	"block": func(s *site) found {
		return found{s.tsm(shardtest.Flip(s.file, 8*s.b.End()-1)), "block", s.b.Offset, target, true, 0, "checksum"}
	},
	"block type": func(s *site) found {
		return found{s.resealed(s.b.Type.Offset, byte(s.kind+1)%5), "block", s.b.Offset, target, true, 0, "type differs"}
	},
	"block type unknown": func(s *site) found {
		return found{s.resealed(s.b.Type.Offset, 99), "block", s.b.Offset, target, true, 0, "unknown value type"}
	},
	"times longer than the block": func(s *site) found {
		return found{s.resealed(s.b.TimesLength.Offset, 0x7f), "block", s.b.Offset, target, true, 0, "ends too early"}
	},
	"times of unknown encoding": func(s *site) found {
		return found{s.resealed(s.b.Times.Offset, 0xf0), "block", s.b.Offset, target, true, 0, "unknown encoding"}
	},
	"values cut": func(s *site) found {
		return found{s.rebuilt(s.body(4, 4, 2), s.span()), "block", s.b.Offset, target, true, 4, ""}
	},
	"fewer values": func(s *site) found {
		return found{s.rebuilt(s.body(4, 3, 0), s.span()), "block", s.b.Offset, target, true, 4, ""}
	},
	"more values": func(s *site) found {
		return found{s.rebuilt(s.body(4, 5, 0), s.span()), "block", s.b.Offset, target, true, 4, "differ in number"}
	},
	"no values": func(s *site) found {
		return found{s.rebuilt([]byte{byte(s.kind), 0}, s.span()), "block", s.b.Offset, target, true, 0, "holds no points"}
	},
	"unsorted times": func(s *site) found {
		run := shardtest.Sample(s.kind, begin, 4)
		run.Times[1], run.Times[2] = run.Times[2], run.Times[1]
		return found{s.rebuilt(shardtest.AppendBlock(nil, run, shardtest.Encoding{}), s.span()), "block", s.b.Offset, target, false, 0, "do not ascend"}
	},
	"a time twice": func(s *site) found {
		run := shardtest.Sample(s.kind, begin, 4)
		run.Times[2] = run.Times[1]
		return found{s.rebuilt(shardtest.AppendBlock(nil, run, shardtest.Encoding{}), s.span()), "block", s.b.Offset, target, false, 0, "do not ascend"}
	},
	"times of another time": func(s *site) found {
		return found{s.rebuilt(shardtest.AppendBlock(nil, shardtest.Sample(s.kind, begin-1e15, 4), shardtest.Encoding{}), s.span()), "index", s.b.Offset, target, false, 0, "other times"}
	},
	"block reaches into the next": func(s *site) found {
		next := s.k.Blocks[1].Offset
		return found{s.rebuilt(shardtest.AppendBlock(nil, shardtest.Sample(s.kind, begin+30e9, 4), shardtest.Encoding{}), s.span()), "index", next, target, true, 0, "reaches into this one"}
	},
	"type conflict between files": func(s *site) found {
		var f shardtest.TSM
		f.Add(target, shardtest.Sample((s.kind+1)%5, begin+5e15, 3))
		return found{s.shard.TSM(3, 1, &f), "block", 5, target, true, 0, "a query does not see these values"}
	},
	"not listed in fields.idx": func(s *site) found {
		s.shard.Fields(shardtest.MeasurementFields{Name: "m", Fields: []shardtest.Field{{Name: "f", Kind: s.kind}}})
		return found{s.shard.DataDir() + "/" + tsmName, "index", -1, other, false, 0, "not listed in fields.idx"}
	},
	"fields.idx cut to its magic": func(s *site) found {
		s.shard.Fields()
		return found{s.shard.DataDir() + "/fields.idx", "fields.idx", 0, "", false, 0, "lists no field"}
	},
	"another type in fields.idx": func(s *site) found {
		s.shard.Fields(
			shardtest.MeasurementFields{Name: "m", Fields: []shardtest.Field{{Name: "f", Kind: s.kind}}},
			shardtest.MeasurementFields{Name: "z", Fields: []shardtest.Field{{Name: "f", Kind: (s.kind + 1) % 5}}},
		)
		return found{s.shard.DataDir() + "/" + tsmName, "index", -1, other, false, 0, "another type than fields.idx"}
	},
	"key without field": func(s *site) found {
		var f shardtest.TSM
		f.Add("nofield", shardtest.Sample(s.kind, begin, 3))
		return found{s.shard.TSM(3, 1, &f), "index", -1, "nofield", true, 0, "no field part"}
	},
}

// otherDamages are of everything else.
var otherDamages = map[string]func(s *site) found{
	"tombstone v1 without field": func(s *site) found {
		return found{s.shard.DataFile(stoneName, shardtest.TombstoneV1(before, "bare")), "tombstone", int64(len(before) + 1), "bare", true, 0, "no field part"}
	},
	"tombstone v2 cut": func(s *site) found {
		b := shardtest.TombstoneV2(shardtest.WholeColumn(before), shardtest.WholeColumn(target))
		return found{s.shard.DataFile(stoneName, b[:len(b)-3]), "tombstone", int64(4 + 20 + len(before)), "", true, 0, "ends inside an entry"}
	},
	"tombstone v3 cut": func(s *site) found {
		b := shardtest.TombstoneV3(shardtest.WholeColumn(before), shardtest.WholeColumn(target))
		return found{s.shard.DataFile(stoneName, b[:len(b)-12]), "tombstone", 4, "", true, 0, "are cut"}
	},
	"tombstone v3 trailer": func(s *site) found {
		b := shardtest.TombstoneV3(shardtest.WholeColumn(before))
		return found{s.shard.DataFile(stoneName, shardtest.Flip(b, 8*int64(len(b)-8))), "tombstone", 4, "", true, 0, "damaged and left out"}
	},
	"tombstone v4 cut": func(s *site) found {
		one := shardtest.TombstoneV4([]shardtest.Tombstone{shardtest.WholeColumn(before)})
		b := shardtest.AppendTombstoneMember(slices.Clone(one), shardtest.WholeColumn(target))
		return found{s.shard.DataFile(stoneName, b[:len(b)-4]), "tombstone", int64(len(one)), "", true, 0, "are cut"}
	},
	"tombstone v4 trailer": func(s *site) found {
		one := shardtest.TombstoneV4([]shardtest.Tombstone{shardtest.WholeColumn(before)})
		b := shardtest.AppendTombstoneMember(slices.Clone(one), shardtest.WholeColumn(target))
		return found{s.shard.DataFile(stoneName, shardtest.Flip(b, 8*int64(len(one)-3))), "tombstone", 4, "", true, 0, "damaged and left out"}
	},
	"tombstone header": func(s *site) found {
		b := shardtest.TombstoneV4([]shardtest.Tombstone{shardtest.WholeColumn(before)})
		return found{s.shard.DataFile(stoneName, shardtest.Patch(b, 0, []byte{9})), "tombstone", 0, "", false, 0, "version header"}
	},
	"tombstone window": func(s *site) found {
		return found{s.shard.DataFile(stoneName, shardtest.TombstoneV2(shardtest.Tombstone{Key: before, Min: 5, Max: 4})), "tombstone", 4, before, false, 0, "deletes nothing"}
	},
	"WAL entry flipped": func(s *site) found {
		b, e := s.wal.Bytes(), s.wal.Entries()[1]
		return found{s.shard.WALFile("_00001.wal", shardtest.Patch(b, e.Offset+5, []byte{0xff, 0xff, 0xff})), "wal", e.Offset, "", true, 0, "could be salvaged"}
	},
	"WAL torn": func(s *site) found {
		b, e := s.wal.Bytes(), s.wal.Entries()[2]
		return found{s.shard.WALFile("_00001.wal", b[:len(b)-2]), "wal", e.Offset, "", true, 0, "torn"}
	},
	"WAL with a tail of zeros": func(s *site) found {
		b := s.wal.Bytes()
		return found{s.shard.WALFile("_00001.wal", append(b, make([]byte, 100)...)), "wal", int64(len(s.wal.Bytes())), "", true, 0, "torn"}
	},
	"WAL entry of an unknown type": func(s *site) found {
		e := s.wal.Entries()[1]
		return found{s.shard.WALFile("_00001.wal", shardtest.Patch(s.wal.Bytes(), e.Offset, []byte{9})), "wal", e.Offset, "", true, 0, "unknown entry type 9"}
	},
	"WAL key without field": func(s *site) found {
		s.wal.Write(shardtest.Column{Key: "bare", Run: shardtest.Sample(s.kind, begin, 1)})
		return found{s.shard.WAL(1, s.wal), "wal", -1, "bare", true, 0, "no field part"}
	},
	"type conflict in the WAL": func(s *site) found {
		s.wal.Write(shardtest.Column{Key: other, Run: shardtest.Sample(point.String, begin+3e15, 1)})
		return found{s.shard.WAL(1, s.wal), "wal", s.wal.Entries()[3].Offset, other, true, 0, "a query does not see"}
	},
	"fields.idx": func(s *site) found {
		return found{s.shard.DataFile("fields.idx", []byte("none")), "fields.idx", 0, "", false, 0, "magic number"}
	},
	"fields.idx cut": func(s *site) found {
		b := shardtest.FieldsIndex(shardtest.MeasurementFields{Name: "m", Fields: []shardtest.Field{{Name: "f", Kind: s.kind}}})
		return found{s.shard.DataFile("fields.idx", b[:len(b)-1]), "fields.idx", 0, "", false, 0, "not a valid message"}
	},
	"meta.db": func(s *site) found {
		path := filepath.Join(s.v.MetaDir(), "meta.db")
		writeFile(s.t, path, s.v.Meta().Bytes()[:30])
		return found{path, "metastore", 6, "", false, 0, "runs past the end"}
	},
	"meta.db empty": func(s *site) found {
		path := filepath.Join(s.v.MetaDir(), "meta.db")
		writeFile(s.t, path, nil)
		return found{path, "metastore", 0, "", false, 0, "empty"}
	},
}

func writeFile(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Damage in every place that a check looks at is found, and the right place named; what
// stands there is told as lost only if it is. An export finds no more than a check does.
func TestPlantedDamage(t *testing.T) {
	for kind := range point.Kind(point.NumKinds) {
		for name, plant := range tsmDamages {
			t.Run(fmt.Sprintf("%v, %s", kind, name), func(t *testing.T) { planted(t, newSite(t, kind), plant) })
		}
	}
	for name, plant := range otherDamages {
		t.Run(name, func(t *testing.T) { planted(t, newSite(t, point.Float), plant) })
	}
}

// mayCause names what damage of one place makes doubtful elsewhere in the same file.
var mayCause = []string{
	"named by no index entry", "cannot be read here", "a query does not see", "other times", "not listed in fields.idx", "another type",
	"unknown block type", "ascending order", "twice", "do not ascend", "reaches into", "outside of its shard group",
}

func planted(t *testing.T, s *site, plant func(*site) found) {
	t.Helper()
	sound := check(t, options(t, s.v.Dir))
	if len(sound.Faults) > 0 || sound.Blocks != 13 || sound.WALEntries != 3 || sound.WALDeletes != 1 {
		t.Fatalf("before: %+v\n%s", sound.SourceCounts, list(sound.Faults))
	}
	want := plant(s)
	o := options(t, s.v.Dir)
	got := check(t, o)
	hits := 0
	for i := range got.Faults {
		f := &got.Faults[i]
		if matches(f, &want) {
			hits++
			continue
		}
		if f.File != want.file || !slices.ContainsFunc(mayCause, func(text string) bool { return strings.Contains(f.Reason, text) }) {
			t.Errorf("also reported: %s", f.String())
		}
	}
	if hits == 0 {
		t.Errorf("want %+v; reported:\n%s", want, list(got.Faults))
	}
	_, sum := export(t, o)
	atLeast(t, got, sum.Faults)
}

func matches(f *exporter.Fault, want *found) bool {
	inShard := want.part == "metastore" || f.Database == "db" && f.Policy == "rp" && f.Shard == 7
	return inShard && f.File == want.file && f.Part == want.part && f.Offset == want.offset && f.Key == want.key && f.Lost == want.lost &&
		f.Values == want.values && strings.Contains(f.Reason, want.text)
}

// What damage costs is known by its times, where a block tells or its index entry does.
func TestLostTimes(t *testing.T) {
	s := newSite(t, point.Integer)
	tsmDamages["checksum"](s)
	got := check(t, options(t, s.v.Dir))
	if len(got.Faults) != 1 || got.Faults[0].Start != "2020-09-13T12:26:40Z" || got.Faults[0].End != "2020-09-13T12:27:10Z" || got.Lost != 1 {
		t.Errorf("%s", list(got.Faults))
	}
}

// Files set aside and left over are told, and are no fault.
func TestLeftOvers(t *testing.T) {
	s := newSite(t, point.Float)
	s.shard.Litter()
	got := check(t, options(t, s.v.Dir))
	reasons := map[string]int{}
	for _, l := range got.LeftOut {
		reasons[l.Reason]++
	}
	if len(got.Faults) > 0 || reasons["set aside"] == 0 || reasons["unfinished"] == 0 || reasons["orphaned"] == 0 || reasons["foreign"] == 0 {
		t.Errorf("%v\n%s", reasons, list(got.Faults))
	}
}

// A check changes nothing that it reads.
func TestChangesNothing(t *testing.T) {
	s := newSite(t, point.String)
	tsmDamages["index key length"](s)
	state := func() string {
		var b strings.Builder
		err := filepath.WalkDir(s.v.Dir, func(path string, d os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			var text []byte
			if d.Type().IsRegular() {
				text, err = os.ReadFile(path)
			}
			fmt.Fprintf(&b, "%s %v %v %x\n", path, info.Mode(), info.ModTime(), text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	was := state()
	check(t, options(t, s.v.Dir))
	if state() != was {
		t.Error("the volume changed")
	}
}

// One bit of every byte: nothing changes in an export without a fault of a check, but for
// what no reader can tell, and that is what an export cannot tell either.
func TestFlips(t *testing.T) {
	for name, c := range map[string]struct {
		file   func(s *site) (path string, data []byte)
		silent int // flips that change an export and that nobody reports
	}{
		"TSM file":     {func(s *site) (string, []byte) { return filepath.Join(s.shard.DataDir(), tsmName), s.file }, 4},
		"tombstone v2": {func(s *site) (string, []byte) { return stone(s, shardtest.TombstoneV2) }, 26},
		"tombstone v4": {func(s *site) (string, []byte) {
			return stone(s, func(e ...shardtest.Tombstone) []byte { return shardtest.TombstoneV4(e) })
		}, 0},
		"WAL segment": {func(s *site) (string, []byte) { return filepath.Join(s.shard.WALDir(), "_00001.wal"), s.wal.Bytes() }, 80},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, point.Float)
			path, data := c.file(s)
			writeFile(t, path, data)
			text, sum := export(t, options(t, s.v.Dir))
			if len(sum.Faults) > 0 {
				t.Fatalf("before:\n%s", list(sum.Faults))
			}
			silent, unseen, reported := 0, 0, 0
			for at := range int64(len(data)) {
				bit := at*8 + (at*5+2)%8
				writeFile(t, path, shardtest.Flip(data, bit))
				o := options(t, s.v.Dir)
				changed, sum := export(t, o)
				got := check(t, o)
				atLeast(t, got, sum.Faults)
				switch {
				case len(got.Faults) > 0:
					reported++
					inFile(t, got, path)
				case changed != text:
					silent++
				}
				if changed != text && len(sum.Faults) == 0 {
					unseen++
				}
				if t.Failed() {
					t.Fatalf("bit %d of byte %d", bit%8, at)
				}
			}
			t.Logf("%d flips: %d reported; %d change an export in silence, %d of which nobody can tell", len(data), reported, unseen, silent)
			if silent != c.silent || unseen != c.silent {
				t.Errorf("%d flips of %d change an export, and neither it (%d) nor the check tells; want %d", silent, len(data), unseen, c.silent)
			}
		})
	}
}

func stone(s *site, make func(...shardtest.Tombstone) []byte) (string, []byte) {
	return filepath.Join(s.shard.DataDir(), stoneName), make(shardtest.Tombstone{Key: before, Min: begin, Max: begin + 15e9}, shardtest.Tombstone{Key: other, Min: begin + 30e9, Max: begin + 50e9})
}

// inFile fails the test unless one of the faults names the file.
func inFile(t *testing.T, got *checker.SourceReport, path string) {
	t.Helper()
	for i := range got.Faults {
		if got.Faults[i].File == path {
			return
		}
	}
	t.Errorf("no fault names %s:\n%s", path, list(got.Faults))
}

// kinds are all kinds of values.
var kinds = []point.Kind{point.Float, point.Integer, point.Boolean, point.String, point.Unsigned}

// A fields.idx that lists nothing is told once, and only where there are values: those of a
// measurement that was dropped stay in the files until the next compaction.
func TestFieldsThatListNothing(t *testing.T) {
	v := shardtest.NewVolume(t, t.TempDir())
	sh := v.Shard("db", "rp", 7)
	f := shardtest.TSM{PerBlock: 4}
	keys := []string{before, target, behind, other}
	stones := make([]shardtest.Tombstone, len(keys))
	for i, key := range keys {
		f.Add(key, shardtest.Sample(point.Float, begin, 10))
		stones[i] = shardtest.WholeColumn(key)
	}
	sh.TSM(1, 1, &f)
	path := sh.Fields()
	if got := check(t, options(t, v.Dir)); len(got.Faults) != 1 || got.Faults[0].File != path || got.Faults[0].Part != "fields.idx" || got.Lost != 0 {
		t.Errorf("%s", list(got.Faults))
	}
	sh.DataFile(stoneName, shardtest.TombstoneV4(stones))
	if got := check(t, options(t, v.Dir)); len(got.Faults) != 0 {
		t.Errorf("of a measurement that was dropped: %s", list(got.Faults))
	}
}
