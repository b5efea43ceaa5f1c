// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/internal/influxdtest/testvolume"
	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
)

// The DDL is that of an export's header, and the windows have all points.
func TestSurveyOfRecordedVolumes(t *testing.T) {
	for _, name := range testvolume.Names(t) {
		t.Run(name, func(t *testing.T) {
			o := options(t, filter.Spec{IncludeInternal: true}, testvolume.Open(t, name).Dir)
			out, sum := text(t, o)
			header, _, _ := strings.Cut(out, "# DML\n")
			for _, deep := range []bool{false, true} {
				got, err := Survey(t.Context(), o, deep)
				if err != nil {
					t.Fatal(err)
				}
				var statements []string
				for line := range strings.Lines(header) {
					if line = strings.TrimSuffix(line, "\n"); !strings.HasPrefix(line, "#") {
						statements = append(statements, line)
						continue
					}
					line = strings.TrimPrefix(strings.TrimPrefix(line, "# "), "NOTE: ")
					if !strings.HasPrefix(line, "SHARDLIFT") && line != "DDL" && !strings.Contains("\n"+strings.Join(got.Notes, "\n")+"\n", "\n"+line+"\n") {
						t.Errorf("no note says %q", line)
					}
				}
				if d := cmp.Diff(statements, got.Statements); d != "" {
					t.Errorf("statements (-export +survey):\n%s", d)
				}
				checkSpans(t, o, got, deep)
				shards := 0
				for _, p := range got.Places {
					shards += p.Shards
				}
				if shards != len(got.Shards) || int64(shards) < sum.Shards || got.Fingerprint == "" && shards > 0 {
					t.Errorf("%d shards in places, %d in all, %d were exported; fingerprint %q", shards, len(got.Shards), sum.Shards, got.Fingerprint)
				}
			}
		})
	}
}

// checkSpans compares what is said of times with the points.
func checkSpans(t *testing.T, o Options, got *Outline, deep bool) {
	t.Helper()
	spans := map[place]point.TimeRange{}
	whole := readStream(t, o, "")
	for i, at := range whole.places {
		for _, p := range got.Places {
			if here := (place{p.Database, p.Policy}); strings.HasPrefix(at, fmt.Sprintf("%q %q ", p.Database, p.Policy)) {
				span, ok := spans[here]
				if !ok {
					span = point.NoTime
				}
				for _, l := range points(t, []byte(whole.text[whole.ends[i]-pieceLen(whole.ends, i):whole.ends[i]])) {
					span = span.Union(point.TimeRange{Min: timeOf(t, l), Max: timeOf(t, l)})
				}
				spans[here] = span
			}
		}
	}
	for _, p := range got.Places {
		span, ok := spans[place{p.Database, p.Policy}]
		if ok && p.Known && !p.Span.Covers(span) {
			t.Errorf("%+v has points over %v", p, span)
		}
		if deep && !p.Known {
			t.Errorf("%+v is not known after a deep survey", p)
		}
	}
}

// What is known of times without reading comes from the metastore, and else from the files.
func TestSurveySpans(t *testing.T) {
	v := shardtest.NewVolume(t, t.TempDir())
	for id := range uint64(2) {
		s := v.Shard("db", "rp", id+1)
		s.Start, s.End = int64(id)*100, int64(id+1)*100
		var file shardtest.TSM
		file.Add("m#!~#f", shardtest.Ints([]int64{s.Start + 10, s.Start + 20}, 1, 2))
		s.TSM(1, 1, &file)
		var w shardtest.WAL
		w.Write(shardtest.Column{Key: "m#!~#f", Run: shardtest.Ints([]int64{s.Start + 30}, 1)})
		s.WAL(1, &w)
	}
	v.WriteMeta(v.Meta())
	first, last := int64(15), int64(115)
	window := filter.Spec{Start: "15", End: "115"}
	for name, c := range map[string]struct {
		deep, meta bool
		want       PlaceOutline
	}{
		"metastore":            {false, true, PlaceOutline{Span: point.TimeRange{Min: first, Max: last}, Known: true}},
		"deep":                 {true, true, PlaceOutline{Span: point.TimeRange{Min: first, Max: last}, Known: true}},
		"no metastore":         {false, false, PlaceOutline{Span: point.NoTime}},
		"no metastore, deeply": {true, false, PlaceOutline{Span: point.TimeRange{Min: first, Max: last}, Known: true}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := v.Dir
			if !c.meta {
				dir = t.TempDir()
				for _, part := range []string{"data", "wal"} {
					if err := os.CopyFS(filepath.Join(dir, part), os.DirFS(filepath.Join(v.Dir, part))); err != nil {
						t.Fatal(err)
					}
				}
			}
			got, err := Survey(t.Context(), options(t, window, dir), c.deep)
			if err != nil {
				t.Fatal(err)
			}
			c.want.Database, c.want.Policy, c.want.Shards, c.want.Bytes = "db", "rp", 2, got.Bytes
			if d := cmp.Diff([]PlaceOutline{c.want}, got.Places); d != "" {
				t.Errorf("places (-want +got):\n%s", d)
			}
			for i, s := range got.Shards {
				want, group := point.AllTime, GroupID{}
				if c.meta {
					want, group = point.TimeRange{Min: int64(i) * 100, Max: int64(i+1)*100 - 1}, GroupID{1, uint64(i + 1)}
				}
				if s.Window != want || s.Group != group {
					t.Errorf("shard %d: window %v, group %v, want %v and %v", s.ID, s.Window, s.Group, want, group)
				}
			}
		})
	}
	all, err := Survey(t.Context(), options(t, filter.Spec{}, v.Dir), true)
	if err != nil {
		t.Fatal(err)
	}
	if want := (point.TimeRange{Min: 10, Max: 130}); all.Places[0].Span != want {
		t.Errorf("all of it is %v, want %v", all.Places[0].Span, want)
	}
}
