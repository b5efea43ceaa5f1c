// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/shardlift/shardlift/checker"
	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/internal/lpjudge"
)

// perServer is how many histories share a server: it holds every file open.
const perServer = 30

// Databases that lived through anything are exported from a copy of their server's
// directories as the server shows them.
func TestRandomHistories(t *testing.T) {
	influxdtest.Require(t)
	seed, count := random(t, 300)
	for first := 0; first < count; first += perServer {
		t.Run(fmt.Sprintf("seed %d", seed+uint64(first)), func(t *testing.T) {
			t.Parallel()
			w := newWave(t, seed+uint64(first), min(perServer, count-first), false)
			w.live()
			w.compare()
			w.compareTorn()
		})
	}
}

// wave is a server and the databases that live on it.
type wave struct {
	t       *testing.T
	rng     *rand.Rand
	server  *influxdtest.Server
	dir     string // of the copies
	lives   []*life
	crashed bool // in the middle of a write
}

func newWave(t *testing.T, seed uint64, lives int, oneLine bool) *wave {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	opts := influxdtest.Options{
		Index:          pick(rng, []string{"inmem", "inmem", "tsi1"}), // tsi1 is slow to make shards
		SnapshotMemory: pick(rng, []int64{0, 10 << 10, 100 << 10}),
		SnapshotCold:   pick(rng, []time.Duration{0, 0, time.Second}),
		CompactCold:    pick(rng, []time.Duration{0, time.Second}),
	}
	w := &wave{t: t, rng: rng, dir: t.TempDir(), server: influxdtest.Start(t, opts)}
	t.Cleanup(w.keep)
	for i := range lives {
		w.lives = append(w.lives, newLife(w.server, i, rand.New(rand.NewPCG(seed, uint64(2+i))), oneLine))
	}
	w.each(func(l *life) error { return l.create() })
	return w
}

// keep saves what a failure came from.
func (w *wave) keep() {
	if !w.t.Failed() {
		return
	}
	dir := w.t.ArtifactDir()
	for _, part := range []string{"copy", "torn"} {
		if _, err := os.Stat(filepath.Join(w.dir, part)); err == nil {
			if err := influxdtest.CopyDir(filepath.Join(dir, part), filepath.Join(w.dir, part)); err != nil {
				w.t.Log(err)
			}
		}
	}
	for i, l := range w.lives {
		said := strings.Join(l.said, "\n")
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("h%02d.txt", i)), []byte(said), 0o644); err != nil {
			w.t.Log(err)
		}
	}
}

// each does something to every life, a few at a time.
func (w *wave) each(do func(*life) error) {
	w.t.Helper()
	var g errgroup.Group
	g.SetLimit(4)
	for _, l := range w.lives {
		g.Go(func() error { return do(l) })
	}
	if err := g.Wait(); err != nil {
		w.t.Fatalf("%v\n%s", err, w.server.LogTail())
	}
}

// live lets all lives take some steps, several times, with an event of the server after
// each time.
func (w *wave) live() {
	w.t.Helper()
	for range 2 + w.rng.IntN(3) {
		w.each(func(l *life) error {
			for range 2 + l.rng.IntN(8) {
				if err := l.step(); err != nil {
					return err
				}
			}
			return nil
		})
		switch w.rng.IntN(6) {
		case 0:
			w.server.Restart()
		case 1:
			w.server.Kill()
			w.server.Restart()
		case 2:
			w.crash()
			w.server.Restart()
		case 3:
			w.each((*life).flush)
		case 4:
			time.Sleep(1100 * time.Millisecond) // caches are looked at once a second
		default:
		}
	}
	if w.rng.IntN(3) == 0 {
		w.crash()
		w.crashed = true
	}
}

// crash kills the server while it takes points.
func (w *wave) crash() {
	var g sync.WaitGroup
	for _, l := range w.lives[:min(4, len(w.lives))] {
		lines := l.batch() // the server may have taken it or not
		if l.hidden {
			continue
		}
		l.said = append(l.said, "until the server is killed: "+lines)
		g.Go(func() {
			for w.server.TryWrite(l.db, "", lines) == nil {
			}
		})
	}
	time.Sleep(time.Duration(w.rng.IntN(50)) * time.Millisecond)
	w.server.Kill()
	g.Wait()
}

// compare exports a copy of the server's directories and compares it with the server. It
// gives the copy and what was exported.
func (w *wave) compare() (dir string, got []lpjudge.Value) {
	w.t.Helper()
	dir = filepath.Join(w.dir, "copy")
	w.server.CopyBare(dir)
	got, sum := exported(w.t, dir, compressed(pick(w.rng, compressions)), workers(1+w.rng.IntN(3)))
	broken := w.faults(sum, nil)
	if w.crashed {
		w.server.Restart()
	}
	for _, l := range w.lives {
		if l.unknown {
			broken = append(broken, l.db) // until the index is made anew, see compareTorn
		}
	}
	w.agree(w.server, dir, got, broken)
	dbs := byDB(got)
	for _, l := range w.lives {
		if l.unknown {
			continue
		}
		compare(w.t, l.db+", what no server shows", last(l.written), slices.DeleteFunc(dbs[l.db], shown))
	}
	return dir, got
}

// faults fails on those that are not to be expected, and gives the databases that no
// server can answer for.
//
// Segments may end in the middle of an entry where they were torn. Values that come back
// from the WAL after a delete, see agree, may be of fields that are not in fields.idx any
// more, or stand there with another type, where that was changed after the delete. A
// server does not open such a shard, or panics over it.
func (w *wave) faults(sum *exporter.Summary, torn []string) (broken []string) {
	w.t.Helper()
	for _, f := range sum.Faults {
		switch {
		case f.Part == "wal" && f.Lost && (w.crashed || slices.Contains(torn, f.File)):
		case len(torn) > 0 && strings.Contains(f.Reason, "time is outside what a server takes"): // zeros in the middle of a time
		case !f.Lost && strings.Contains(f.Reason, "not listed in fields.idx"):
		case w.isFickle(f.Database) && (strings.Contains(f.Reason, "another type than fields.idx says") || strings.Contains(f.Reason, "type differs from the column's")):
			w.t.Logf("no server can answer for this: %s", f.String())
			broken = append(broken, f.Database)
		default:
			w.t.Errorf("fault: %s", f.String())
		}
	}
	return broken
}

// agree compares each database, but for those that are broken.
func (w *wave) agree(s *influxdtest.Server, dir string, got []lpjudge.Value, broken []string) {
	w.t.Helper()
	var dbs []string
	for _, l := range w.lives {
		if !slices.Contains(broken, l.db) {
			dbs = append(dbs, l.db)
		}
	}
	visible := byDB(slices.DeleteFunc(slices.Clone(got), func(v lpjudge.Value) bool { return !shown(v) }))
	for _, db := range agree(w.t, s, dir, dbs, visible) {
		w.t.Errorf("%q, number %d, differs", db, slices.IndexFunc(w.lives, func(l *life) bool { return l.db == db }))
	}
}

// shown reports whether a server shows values of this measurement.
func shown(v lpjudge.Value) bool { return !strings.HasPrefix(v.Series, "hid") }

// last gives of several values of a place the last, of those that are not shown.
func last(written []lpjudge.Value) []lpjudge.Value {
	type place struct {
		rp, series, field string
		time              int64
	}
	latest := map[place]lpjudge.Value{}
	for _, v := range written {
		if !shown(v) {
			latest[place{v.RP, v.Series, v.Field, v.Time}] = v
		}
	}
	var all []lpjudge.Value
	for _, v := range latest {
		all = append(all, v)
	}
	return all
}

// compareTorn cuts the ends off some WAL segments of another copy, as a crash of the
// machine does, and compares it with a server that starts on that. It has to make the
// index anew.
func (w *wave) compareTorn() {
	w.t.Helper()
	dir, served := filepath.Join(w.dir, "torn"), filepath.Join(w.dir, "served")
	w.server.CopyBare(dir)
	w.server.Kill()
	segments, err := filepath.Glob(filepath.Join(dir, "wal/*/*/*/_*.wal"))
	if err != nil {
		w.t.Fatal(err)
	}
	var torn []string
	for _, name := range segments {
		if w.rng.IntN(3) == 0 {
			w.tear(name)
			torn = append(torn, name)
		}
	}
	got, sum := exported(w.t, dir)
	broken := append(w.faults(sum, torn), w.astray(dir)...)
	if err := influxdtest.CopyDir(served, dir); err != nil {
		w.t.Fatal(err)
	}
	again := influxdtest.Start(w.t, influxdtest.Options{Dir: served})
	defer again.Kill()
	w.agree(again, dir, got, broken)
}

// astray gives the databases with several types of a field, and a shard with times outside
// of its group: zeros in the middle of a time make such. They are asked for shard by shard,
// by the times of its group, and no server shows such values then.
func (w *wave) astray(dir string) (dbs []string) {
	w.t.Helper()
	cat, sel, err := everything(w.t, dir)
	if err != nil {
		w.t.Fatal(err)
	}
	report, err := checker.Sources(w.t.Context(), checker.SourceOptions{Catalog: cat, Selection: sel})
	if err != nil {
		w.t.Fatal(err)
	}
	if report.More > 0 {
		w.t.Fatalf("%d faults are not listed", report.More)
	}
	for _, f := range report.Faults {
		if strings.Contains(f.Reason, "holds times outside of its shard group") && w.isFickle(f.Database) {
			w.t.Logf("no server shows all of this when asked shard by shard: %s", f.String())
			dbs = append(dbs, f.Database)
		}
	}
	return dbs
}

func (w *wave) isFickle(db string) bool {
	return slices.ContainsFunc(w.lives, func(l *life) bool { return l.db == db && l.fickle })
}

// tear cuts a segment, or fills its end with zeros.
func (w *wave) tear(name string) {
	w.t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(b) == 0 {
		return
	}
	n := w.rng.IntN(min(len(b), 4000))
	cut := b[:len(b)-n]
	if w.rng.IntN(3) == 0 {
		clear(b[len(cut):])
		cut = b
	}
	if err := os.WriteFile(name, cut, 0o644); err != nil {
		w.t.Fatal(err)
	}
}
