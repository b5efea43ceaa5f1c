// SPDX-License-Identifier: Apache-2.0

package tsmreader_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
)

// failer is what testing.T and rapid.T have in common.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// result is all that a shard gave.
type result struct {
	contents shardtest.Contents
	split    map[string]string // composite key to its series
	faults   []tsmreader.Fault
	order    []string // series in the order they came, those without rows too
	rows     int      // of all batches
	widest   int      // rows of the longest batch
	sections int
	ranges   int
}

// lost gives the faults that say that data are missing.
func (r *result) lost() []tsmreader.Fault {
	var out []tsmreader.Fault
	for _, f := range r.faults {
		if f.Lost {
			out = append(out, f)
		}
	}
	return out
}

func open(t failer, opts tsmreader.Options, sources ...tsmreader.Source) *tsmreader.Shard {
	t.Helper()
	s, err := tsmreader.Open(context.Background(), sources, opts)
	if err != nil {
		t.Fatalf("open shard: %v", err)
	}
	return s
}

func closeShard(t failer, s *tsmreader.Shard) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("close shard: %v", err)
	}
}

func source(s *shardtest.Shard) tsmreader.Source {
	return tsmreader.Source{DataDir: s.DataDir(), WALDir: s.WALDir()}
}

// readAll opens, reads and closes.
func readAll(t failer, opts tsmreader.Options, sources ...tsmreader.Source) *result {
	t.Helper()
	s := open(t, opts, sources...)
	defer closeShard(t, s)
	return read(t, s, math.MaxInt64)
}

// read takes every section of s, cut into ranges of about weight bytes, and checks what
// holds for every shard: series ascend and come once, columns ascend, times ascend, so
// each value comes once.
func read(t failer, s *tsmreader.Shard, weight int64) *result {
	t.Helper()
	r := &result{contents: shardtest.Contents{}, split: map[string]string{}}
	r.faults = append(r.faults, s.Faults()...)
	var c *tsmreader.Cursor
	for from := ""; ; {
		sec, err := s.Section(from)
		if err != nil {
			t.Fatalf("load section %q: %v", from, err)
		}
		r.sections++
		r.faults = append(r.faults, sec.Faults()...)
		for _, rng := range sec.Ranges(weight) {
			r.ranges++
			c = sec.Cursor(rng, c)
			r.drain(t, c)
		}
		next, ok := sec.Next()
		if !ok {
			checkToo(t, s, weight, r)
			return r
		}
		if next <= from {
			t.Fatalf("section %q is followed by %q", from, next)
		}
		from = next
	}
}

// drain reads all that a cursor gives.
func (r *result) drain(t failer, c *tsmreader.Cursor) {
	t.Helper()
	var b point.Batch
	for c.Next(context.Background()) {
		series := string(c.Series())
		if n := len(r.order); n > 0 && series+point.KeySeparator <= r.order[n-1]+point.KeySeparator {
			t.Errorf("series %q comes after %q", series, r.order[n-1])
		}
		r.order = append(r.order, series)
		last, started := int64(0), false
		for c.Read(&b) {
			if len(b.Times) == 0 || len(b.Columns) == 0 {
				t.Fatalf("batch of %d rows and %d columns", len(b.Times), len(b.Columns))
			}
			if started && b.Times[0] <= last {
				t.Errorf("series %q: batch starts at %d, the one before ended at %d", series, b.Times[0], last)
			}
			last, started = b.Times[len(b.Times)-1], true
			r.add(t, series, &b)
		}
		if c.Read(&b) {
			t.Errorf("series %q goes on behind its end", series)
		}
	}
	if c.Next(context.Background()) {
		t.Errorf("range goes on behind its end")
	}
	if err := c.Err(); err != nil {
		t.Errorf("cursor: %v", err)
	}
	r.faults = append(r.faults, c.Faults()...)
}

func (r *result) add(t failer, series string, b *point.Batch) {
	t.Helper()
	r.rows += len(b.Times)
	r.widest = max(r.widest, len(b.Times))
	has := make([]bool, len(b.Times))
	for i := range b.Columns {
		col := &b.Columns[i]
		if i > 0 && string(b.Columns[i-1].Field) >= string(col.Field) {
			t.Errorf("series %q: field %q comes after %q", series, col.Field, b.Columns[i-1].Field)
		}
		key := shardtest.Key(series, string(col.Field))
		if r.contents[key] == nil {
			r.contents[key] = map[int64]shardtest.Value{}
		}
		r.split[key] = series
		run := shardtest.Run{Times: b.Times, Kind: col.Kind, Floats: col.Floats, Ints: col.Ints, Bools: col.Bools, Strings: col.Strings}
		for row, at := range b.Times {
			if row > 0 && at <= b.Times[row-1] {
				t.Errorf("series %q: time %d after %d", series, at, b.Times[row-1])
			}
			if !col.Has(row) {
				continue
			}
			has[row] = true
			r.contents[key][at] = run.At(row)
		}
		if len(r.contents[key]) == 0 {
			t.Errorf("series %q: batch has a column %q without a value", series, col.Field)
		}
	}
	for row, ok := range has {
		if !ok {
			t.Errorf("series %q: row at %d has no value", series, b.Times[row])
		}
	}
}

// want fails the test unless r holds just these values.
func (r *result) want(t failer, want shardtest.Contents) {
	t.Helper()
	if diff := cmp.Diff(want, r.contents); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

// sound fails the test if r has faults.
func (r *result) sound(t failer) {
	t.Helper()
	if len(r.faults) > 0 {
		t.Errorf("faults:\n%s", faultText(r.faults))
	}
}

func faultText(faults []tsmreader.Fault) string {
	var b strings.Builder
	for i := range faults {
		fmt.Fprintf(&b, "%v (lost %v, %d bytes, %d to %d)\n", &faults[i], faults[i].Lost, faults[i].Size, faults[i].Range.Min, faults[i].Range.Max)
	}
	return b.String()
}

// shardOf makes a volume with one shard.
func shardOf(t *testing.T) *shardtest.Shard {
	t.Helper()
	return shardtest.NewVolume(t, t.TempDir()).Shard("db", "autogen", 1)
}

// contents makes a model of columns.
func contents(columns ...shardtest.Column) shardtest.Contents {
	c := shardtest.Contents{}
	c.Set(columns...)
	return c
}

func vectorPath(parts ...string) string {
	return filepath.Join(append([]string{"..", "testdata", "vectors"}, parts...)...)
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
