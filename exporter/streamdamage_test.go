// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/internal/jsonbytes"
	"github.com/shardlift/shardlift/internal/shardtest"
)

// sameFaults compares faults as a checkpoint can hold them.
func sameFaults(t testing.TB, what string, want, got []Fault) {
	t.Helper()
	plain := func(faults []Fault) []string {
		var out []string
		for _, f := range faults {
			f = asJSON(f)
			out = append(out, f.String())
		}
		return out
	}
	if d := cmp.Diff(plain(want), plain(got)); d != "" {
		t.Errorf("%s: faults (-want +got):\n%s", what, d)
	}
}

// everywhere goes on from positions all over the stream, and checks what comes.
func everywhere(t *testing.T, o Options, resumes int) {
	t.Helper()
	want, sum := bare(t, o)
	whole := readStream(t, o, "")
	if whole.text != want {
		t.Error("the text differs from that of the export")
	}
	sameFaults(t, "from the start", sum.Faults, whole.sum.Faults)
	for i := 0; i < len(whole.ends); i += max(1, len(whole.ends)/resumes) {
		o.Workers = 1 + i%3
		got := readStream(t, o, whole.positions[i])
		goesOn(t, whole, i, got)
		sameFaults(t, whole.positions[i], sum.Faults, got.sum.Faults)
		if d := cmp.Diff(whole.sum.LeftOut, got.sum.LeftOut); d != "" {
			t.Errorf("left out (-want +got):\n%s", d)
		}
	}
}

// Whatever a server did to a shard, and whatever befell its files, a stream gives what an
// export gives, and goes on from anywhere.
func TestStreamOfHistories(t *testing.T) {
	for seed := range uint64(14) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			dir := t.TempDir()
			v := shardtest.NewVolume(t, dir)
			for id := range uint64(2) {
				h := shardtest.RandomHistory(shardtest.Seeded(seed*2+id), 30, shardtest.AllKinks)
				h.Save(v.Shard("db", "rp", id+1))
			}
			if seed%3 > 0 {
				scratch(t, dir, rand.New(rand.NewPCG(seed, 0)))
			}
			o := options(t, filter.Spec{}, dir)
			o.PiecePoints = 1 + int(seed%4)
			if seed%2 == 0 {
				o.Memory = 2 << 10 // several sections
			}
			everywhere(t, o, 8)
		})
	}
}

// scratch flips a bit in every file.
func scratch(t *testing.T, dir string, source *rand.Rand) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || filepath.Ext(path) == ".db" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil || len(b) < 8 {
			return err
		}
		return os.WriteFile(path, shardtest.Flip(b, source.Int64N(8*int64(len(b)))), 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// damaged writes a shard of which much cannot be taken: values and a key that line protocol
// cannot carry, a damaged WAL entry, and files of other kinds.
func damaged(t testing.TB) string {
	t.Helper()
	v := shardtest.NewVolume(t, t.TempDir())
	for id := range uint64(2) {
		s := v.Shard("d\nb", "rp", id+1)
		var file shardtest.TSM
		for i := range 40 {
			values := []float64{1, 2, 3}
			if i%7 == 3 {
				values = []float64{math.Inf(-1), 2, math.Inf(1)}
			}
			file.Add(shardtest.Key(fmt.Sprintf("m,host=%02d", i), "f"), shardtest.Floats([]int64{1, 2, 3}, values...))
		}
		file.Add("n,host=\nx#!~#f", shardtest.Floats([]int64{1}, 1))
		s.TSM(1, 1, &file)
		s.Litter()
		var w shardtest.WAL
		w.Write(shardtest.Column{Key: "m,host=20#!~#f", Run: shardtest.Ints([]int64{9}, 9)}, shardtest.Column{Key: "m,host=30#!~#g", Run: shardtest.Ints([]int64{9}, 9)})
		w.Raw(shardtest.WALWrite, []byte{0xff})
		w.Write(shardtest.Column{Key: "m,host=21#!~#f", Run: shardtest.Ints([]int64{9}, 9)})
		s.WAL(1, &w)
	}
	return v.Dir
}

func TestStreamOfDamage(t *testing.T) {
	o := options(t, filter.Spec{}, damaged(t))
	for _, salvage := range []bool{false, true} {
		for _, memory := range []int64{0, 1 << 10} {
			o.Salvage, o.Memory, o.PiecePoints = salvage, memory, 2
			everywhere(t, o, 30)
		}
	}
	o.Strict = true
	if _, err := Stream(t.Context(), o, nil, func(context.Context, *Piece) error { return nil }); !errors.Is(err, ErrFault) {
		t.Errorf("strict: %v, want ErrFault", err)
	}
}

// A position holds so many faults and counts the others.
func TestPositionHoldsSoManyFaults(t *testing.T) {
	v := shardtest.NewVolume(t, t.TempDir())
	var file shardtest.TSM
	const faults = mostFound + 10
	for i := range faults {
		file.Add(shardtest.Key(fmt.Sprintf("m,host=%04d", i), "f"), shardtest.Floats([]int64{1, 2}, math.Inf(1), 2))
	}
	v.Shard("db", "rp", 1).TSM(1, 1, &file)
	file = shardtest.TSM{}
	file.Add("m#!~#f", shardtest.Floats([]int64{1}, math.Inf(1)))
	file.Add("n#!~#f", shardtest.Floats([]int64{1}, 1))
	v.Shard("db", "rp", 2).TSM(1, 1, &file)
	o := options(t, filter.Spec{}, v.Dir)
	whole := readStream(t, o, "")
	if len(whole.sum.Faults) != faults+1 || len(whole.sum.Notes) > 0 {
		t.Fatalf("%d faults, notes %q", len(whole.sum.Faults), whole.sum.Notes)
	}
	var p Position
	i := slices.IndexFunc(whole.positions, func(s string) bool { return strings.Contains(s, `"done":true`) })
	if err := jsonbytes.Unmarshal([]byte(whole.positions[i]), &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Found.Faults) != mostFound || p.Found.More != faults-mostFound {
		t.Errorf("a position with %d faults and %d more", len(p.Found.Faults), p.Found.More)
	}
	rest := readStream(t, o, whole.positions[i])
	if len(rest.sum.Faults) != mostFound+1 || len(rest.sum.Notes) != 1 || !strings.HasPrefix(rest.sum.Notes[0], "10 more faults") {
		t.Errorf("%d faults, notes %q", len(rest.sum.Faults), rest.sum.Notes)
	}
}
