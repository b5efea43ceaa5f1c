// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/internal/influxdtest/testvolume"
	"github.com/shardlift/shardlift/internal/jsonbytes"
	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/target"
	"github.com/shardlift/shardlift/volume"
)

// replayOptions gives options for reading all of the volumes.
func replayOptions(t testing.TB, req volume.Request) exporter.Options {
	t.Helper()
	cat, err := volume.Open(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	sel, err := filter.New(filter.Spec{IncludeInternal: true}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return exporter.Options{Catalog: cat, Selection: sel, Version: "test"}
}

// bareExport is the text that an export gives without headers.
func bareExport(t testing.TB, o exporter.Options) (string, *exporter.Summary) {
	t.Helper()
	var b bytes.Buffer
	o.Format.Bare = true
	o.Output.Stream = &b
	sum, err := exporter.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), sum
}

// openFeed opens a feed that the test closes.
func openFeed(t testing.TB, o exporter.Options, m *importer.Mapping, mark string, cfg replayConfig) *replayFeed {
	t.Helper()
	f, err := newReplayFeed(t.Context(), o, m, json.RawMessage(mark), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// fed is what a feed gave until its end.
type fed struct {
	batches []importer.Batch
	marks   []string
	sum     *exporter.Summary
}

func (f *fed) text(from, to int) string {
	var b strings.Builder
	for _, x := range f.batches[from:to] {
		b.Write(x.Text)
	}
	return b.String()
}

// drain reads a feed to its end and checks every batch.
func drain(t testing.TB, f *replayFeed) fed {
	t.Helper()
	var out fed
	for {
		var b importer.Batch
		b.Reset()
		_, err := f.Next(t.Context(), &b)
		if errors.Is(err, io.EOF) {
			if b.Points > 0 {
				t.Error("there are points with io.EOF")
			}
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		checkBatch(t, f, &b)
		mark, err := jsonbytes.Marshal(b.Mark)
		if err != nil {
			t.Fatal(err)
		}
		out.batches, out.marks = append(out.batches, b), append(out.marks, string(mark))
	}
	if out.sum = f.Summary(); out.sum == nil {
		t.Fatal("there is no summary at the end")
	}
	return out
}

// checkBatch compares what a batch says of its text with the text.
func checkBatch(t testing.TB, f *replayFeed, b *importer.Batch) {
	t.Helper()
	ends := lineprotocol.AppendEnds(nil, b.Text)
	span := point.NoTime
	for _, end := range ends {
		at, err := strconv.ParseInt(string(b.Text[bytes.LastIndexByte(b.Text[:end], ' ')+1:end-1]), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		span = span.Union(point.TimeRange{Min: at, Max: at})
	}
	if len(ends) == 0 || b.Points != len(ends) || b.Span != span {
		t.Errorf("a batch of %d points over %v says %d over %v", len(ends), span, b.Points, b.Span)
	}
	if b.Points > f.config.BatchPoints || len(b.Text) > f.config.BatchBytes && b.Points > 1 {
		t.Errorf("a batch has %d points and %d bytes", b.Points, len(b.Text))
	}
	if b.Unique != (len(b.Stretches) == 0) || !strings.HasPrefix(b.Input, "shard ") || len(b.Lines) > 0 {
		t.Errorf("unique %v with %d stretches, input %q, %d lines", b.Unique, len(b.Stretches), b.Input, len(b.Lines))
	}
}

// The batches are the export, and from the mark of any of them all the rest comes.
func TestReplayFeedOfRecordedVolumes(t *testing.T) {
	for _, name := range testvolume.Names(t) {
		t.Run(name, func(t *testing.T) {
			o := replayOptions(t, volume.Request{Paths: []string{testvolume.Open(t, name).Dir}})
			want, sum := bareExport(t, o)
			cfg := replayConfig{BatchPoints: 100, BatchBytes: 64 << 10, Progress: &importer.Progress{}}
			all := drain(t, openFeed(t, o, nil, "", cfg))
			if got := all.text(0, len(all.batches)); got != want {
				t.Error("the text differs from that of the export")
			}
			if d := cmp.Diff(sum, all.sum, cmpopts.IgnoreFields(exporter.Summary{}, "Seconds"), cmpopts.IgnoreUnexported(exporter.Fault{}), cmpopts.EquateEmpty()); d != "" {
				t.Errorf("summary (-export +feed):\n%s", d)
			}
			if p := cfg.Progress; p.Points.Load() != sum.Points || p.Read.Load() != p.Total.Load() {
				t.Errorf("progress: %d points, %d of %d bytes", p.Points.Load(), p.Read.Load(), p.Total.Load())
			}
			before := 0
			for i, b := range all.batches {
				before += len(b.Text)
				if i%max(1, len(all.batches)/20) != 0 {
					continue
				}
				o.Workers, o.Progress = 1+i%3, nil
				rest := drain(t, openFeed(t, o, nil, all.marks[i], cfg))
				got := rest.text(0, len(rest.batches))
				if !strings.HasSuffix(want, got) || before+len(got) < len(want) {
					t.Errorf("behind batch %d, %s, come %d of %d bytes", i, all.marks[i], len(got), len(want)-before)
				}
			}
		})
	}
}

// With the usual limits batches are full, and end where the shard does.
func TestReplayFeedPacks(t *testing.T) {
	dir := t.TempDir()
	d := shardtest.Devops{Hosts: 10, Duration: time.Hour, Step: 10 * time.Second, Shards: 3, Seed: 1}
	if _, err := d.Write(dir); err != nil {
		t.Fatal(err)
	}
	o := replayOptions(t, volume.Request{Paths: []string{dir}})
	all := drain(t, openFeed(t, o, nil, "", replayConfig{}))
	inputs := map[string]int{}
	for i, b := range all.batches {
		inputs[b.Input]++
		if !b.Unique {
			t.Error("a batch is not unique")
		}
		if last := i+1 == len(all.batches) || all.batches[i+1].Input != b.Input; !last && len(b.Text) < 900<<10 && b.Points < 9000 {
			t.Errorf("batch %d of %s has only %d points and %d bytes", i, b.Input, b.Points, len(b.Text))
		}
	}
	var want []string
	for id := range 3 {
		want = append(want, `shard `+strconv.Itoa(id+1)+` of "telegraf"."autogen"`)
	}
	if d := cmp.Diff(want, slices.Sorted(maps.Keys(inputs))); d != "" {
		t.Errorf("inputs (-want +got):\n%s", d)
	}
}

// overlapping writes three shards of two databases that all hold the same points of two series.
func overlapping(t testing.TB, meta bool) string {
	t.Helper()
	v := shardtest.NewVolume(t, t.TempDir())
	for i, db := range []string{"a", "a", "b"} {
		var file shardtest.TSM
		for _, series := range []string{"m,host=x", "m,host=y"} {
			file.Add(shardtest.Key(series, "f"), shardtest.Ints(shardtest.Every(0, 1, 100), slices.Repeat([]int64{int64(i)}, 100)...))
		}
		s := v.Shard(db, "rp", uint64(i+1))
		s.Start, s.End = int64(i)*1000, int64(i+1)*1000
		s.TSM(1, 1, &file)
	}
	if meta {
		v.WriteMeta(v.Meta())
	}
	return v.Dir
}

// Where two shards of a place may hold the same point, batches say what they write.
func TestReplayFeedOfOverlappingShards(t *testing.T) {
	o := replayOptions(t, volume.Request{Paths: []string{overlapping(t, false)}})
	merge, err := importer.NewMapping([]string{"b=a"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		mapping *importer.Mapping
		places  []importer.Place
		unique  []bool
	}{
		"no metastore":     {nil, []importer.Place{{Database: "a", Policy: "rp"}, {Database: "a", Policy: "rp"}, {Database: "b", Policy: "rp"}}, []bool{false, false, true}},
		"mapped into one":  {merge, slices.Repeat([]importer.Place{{Database: "a", Policy: "rp"}}, 3), []bool{false, false, false}},
		"cut by batches":   {merge, slices.Repeat([]importer.Place{{Database: "a", Policy: "rp"}}, 3), []bool{false, false, false}},
		"pieces of a line": {merge, slices.Repeat([]importer.Place{{Database: "a", Policy: "rp"}}, 3), []bool{false, false, false}},
	} {
		t.Run(name, func(t *testing.T) {
			var cfg replayConfig
			switch name {
			case "cut by batches":
				cfg.BatchPoints = 30
			case "pieces of a line":
				cfg.BatchBytes = 1
			}
			all := drain(t, openFeed(t, o, c.mapping, "", cfg))
			hashes := map[string]uint64{}
			var places []importer.Place
			var unique []bool
			input := ""
			for _, b := range all.batches {
				if b.Input != input {
					places, unique, input = append(places, b.Place), append(unique, b.Unique), b.Input
				}
				if !b.Unique {
					checkStretches(t, hashes, &b)
				}
			}
			if d := cmp.Diff(c.places, places); d != "" {
				t.Errorf("places (-want +got):\n%s", d)
			}
			if d := cmp.Diff(c.unique, unique); d != "" {
				t.Errorf("unique (-want +got):\n%s", d)
			}
			if len(hashes) != 2 || hashes["m,host=x"] == hashes["m,host=y"] {
				t.Errorf("hashes %v", hashes)
			}
		})
	}
}

// checkStretches compares the stretches with the runs of series in the text.
func checkStretches(t testing.TB, hashes map[string]uint64, b *importer.Batch) {
	t.Helper()
	var want []importer.Stretch
	last := ""
	n := -1
	for line := range strings.Lines(string(b.Text)) {
		series, rest, _ := strings.Cut(line, " ")
		_, text, _ := strings.Cut(rest, " ")
		at, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if series != last {
			last = series
			n++
			want = append(want, importer.Stretch{Span: point.NoTime})
			if n < len(b.Stretches) {
				if h, ok := hashes[series]; ok && h != b.Stretches[n].Series {
					t.Errorf("%s has two hashes", series)
				}
				hashes[series] = b.Stretches[n].Series
				want[n].Series = b.Stretches[n].Series
			}
		}
		want[n].Span = want[n].Span.Union(point.TimeRange{Min: at, Max: at})
	}
	if d := cmp.Diff(want, b.Stretches); d != "" {
		t.Errorf("stretches (-want +got):\n%s", d)
	}
}

func TestSharedPlaces(t *testing.T) {
	shard := func(db string, from, to int64, group uint64) exporter.ShardOutline {
		s := exporter.ShardOutline{Database: db, Policy: "rp", Window: point.TimeRange{Min: from, Max: to}}
		if group > 0 {
			s.Group = exporter.GroupID{Cluster: 1, Group: group}
		}
		return s
	}
	unknown := exporter.ShardOutline{Database: "a", Policy: "rp", Window: point.AllTime}
	other := shard("a", 0, 9, 1)
	other.Group.Cluster = 2
	merge, err := importer.NewMapping([]string{"b=a"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		shards  []exporter.ShardOutline
		mapping *importer.Mapping
		want    bool
	}{
		"side by side":             {[]exporter.ShardOutline{shard("a", 0, 9, 1), shard("a", 10, 19, 2)}, nil, false},
		"one time in common":       {[]exporter.ShardOutline{shard("a", 0, 10, 1), shard("a", 10, 19, 2)}, nil, true},
		"one group":                {[]exporter.ShardOutline{shard("a", 0, 9, 1), shard("a", 0, 9, 1)}, nil, false},
		"one group, then another":  {[]exporter.ShardOutline{shard("a", 0, 9, 1), shard("a", 0, 9, 1), shard("a", 5, 9, 2)}, nil, true},
		"groups of two clusters":   {[]exporter.ShardOutline{shard("a", 0, 9, 1), other}, nil, true},
		"one alone, of any time":   {[]exporter.ShardOutline{unknown}, nil, false},
		"two of any time":          {[]exporter.ShardOutline{unknown, unknown}, nil, true},
		"one of any, one known":    {[]exporter.ShardOutline{shard("a", 0, 9, 1), unknown}, nil, true},
		"two databases":            {[]exporter.ShardOutline{shard("a", 0, 9, 1), shard("b", 0, 9, 2)}, nil, false},
		"two databases become one": {[]exporter.ShardOutline{shard("a", 0, 9, 1), shard("b", 0, 9, 2)}, merge, true},
		"apart in one":             {[]exporter.ShardOutline{shard("b", 0, 9, 1), shard("a", 10, 19, 2)}, merge, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := sharedPlaces(c.shards, c.mapping, func(p importer.Place) importer.Place { return p })
			if got[importer.Place{Database: "a", Policy: "rp"}] != c.want || len(got) > 1 {
				t.Errorf("shared: %v, want %v", got, c.want)
			}
		})
	}
}

// Places that are written to one bucket are one.
func TestSharedBuckets(t *testing.T) {
	shards := []exporter.ShardOutline{
		{Database: "a", Policy: "x", Window: point.AllTime, Group: exporter.GroupID{Group: 1}},
		{Database: "a", Policy: "y", Window: point.AllTime, Group: exporter.GroupID{Group: 2}},
	}
	d := &delivery{api: target.V2, target: target.Config{Buckets: map[string]string{"a/x": "all", "a/y": "all"}}}
	if d := cmp.Diff(map[importer.Place]bool{{Policy: "all"}: true}, sharedPlaces(shards, nil, d.home)); d != "" {
		t.Errorf("buckets (-want +got):\n%s", d)
	}
	d.api = target.V1
	if got := sharedPlaces(shards, nil, d.home); len(got) > 0 {
		t.Errorf("policies: %v", got)
	}
}

// What a metastore tells keeps shards apart, unless it does not count.
func TestReplayFeedKnowsGroups(t *testing.T) {
	dir := overlapping(t, true)
	for orphans, want := range map[bool]bool{false: true, true: true} {
		o := replayOptions(t, volume.Request{Paths: []string{dir}, Orphans: orphans})
		for _, b := range drain(t, openFeed(t, o, nil, "", replayConfig{})).batches {
			if b.Unique != want {
				t.Errorf("orphans %v: %s is unique: %v", orphans, b.Input, b.Unique)
			}
		}
	}
}

// Damage is in the summary as in that of an export, whichever batch reading goes on from.
func TestReplayFeedOfDamage(t *testing.T) {
	dir := t.TempDir()
	d := shardtest.Devops{Hosts: 3, Duration: time.Hour, Step: 10 * time.Second, Shards: 2, Seed: 1}
	if _, err := d.Write(dir); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "data", "*", "*", "*", "*.tsm"))
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for i, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, shardtest.Flip(b, int64(8*(100+i*len(b)/20))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := replayOptions(t, volume.Request{Paths: []string{dir}})
	text, sum := bareExport(t, o)
	if len(sum.Faults) == 0 {
		t.Fatal("nothing is damaged")
	}
	readable := cmp.Transformer("readable", func(f exporter.Fault) string { // a checkpoint is JSON
		f.Key = strings.ToValidUTF8(f.Key, "\ufffd")
		return f.String()
	})
	same := func(what string, got fed) {
		if d := cmp.Diff(sum.Faults, got.sum.Faults, readable); d != "" {
			t.Errorf("%s: faults (-export +feed):\n%s", what, d)
		}
	}
	all := drain(t, openFeed(t, o, nil, "", replayConfig{BatchPoints: 200}))
	same("from the start", all)
	if all.text(0, len(all.batches)) != text {
		t.Error("the text differs from that of the export")
	}
	for i := 0; i < len(all.marks); i += 5 {
		rest := drain(t, openFeed(t, o, nil, all.marks[i], replayConfig{BatchPoints: 200}))
		same("behind batch "+strconv.Itoa(i), rest)
		if got := rest.text(0, len(rest.batches)); !strings.HasSuffix(text, got) || len(all.text(0, i+1))+len(got) < len(text) {
			t.Errorf("behind batch %d something is missing", i)
		}
	}
	o.Strict = true
	f := openFeed(t, o, nil, "", replayConfig{})
	if err := untilError(f); !errors.Is(err, exporter.ErrFault) {
		t.Errorf("strict: %v, want ErrFault", err)
	}
	if f.Summary() != nil {
		t.Error("a feed that failed has a summary")
	}
}

// untilError reads until there is an error.
func untilError(f *replayFeed) error {
	for {
		var b importer.Batch
		if _, err := f.Next(context.Background(), &b); err != nil {
			return err
		}
	}
}

// A source that changed is not gone on with.
func TestReplayFeedOfAChangedSource(t *testing.T) {
	dir := overlapping(t, true)
	o := replayOptions(t, volume.Request{Paths: []string{dir}})
	all := drain(t, openFeed(t, o, nil, "", replayConfig{}))
	touch := func(shard string) {
		files, err := filepath.Glob(filepath.Join(dir, "data", "*", "rp", shard, "*.tsm"))
		if err != nil || len(files) != 1 {
			t.Fatal(files, err)
		}
		if err := os.Chtimes(files[0], time.Time{}, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if len(all.marks) != 3 {
		t.Fatalf("%d batches, want one of each shard", len(all.marks))
	}
	touch("3")
	if rest := drain(t, openFeed(t, o, nil, all.marks[1], replayConfig{})); rest.text(0, len(rest.batches)) != all.text(2, 3) {
		t.Error("behind the second shard comes something else than the third")
	}
	touch("1")
	for i, mark := range all.marks {
		err := untilError(openFeed(t, o, nil, mark, replayConfig{}))
		if !errors.Is(err, exporter.ErrChanged) || !strings.Contains(err.Error(), "--restart begins anew") || !strings.Contains(err.Error(), all.batches[i].Input) {
			t.Errorf("mark of %s: %v", all.batches[i].Input, err)
		}
	}
	if _, err := newReplayFeed(t.Context(), o, nil, json.RawMessage(`{"index":"x"}`), replayConfig{}); err == nil {
		t.Error("a mark that is none was taken")
	}
}

// A feed that is given up in the middle ends its goroutines and closes its files.
func TestReplayFeedThatIsGivenUp(t *testing.T) {
	dir := t.TempDir()
	d := shardtest.Devops{Hosts: 20, Duration: time.Hour, Step: 10 * time.Second, Shards: 2, Seed: 1}
	if _, err := d.Write(dir); err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	stop := errors.New("enough")
	for _, batches := range []int{0, 1, 3} {
		for _, byContext := range []bool{true, false} {
			ctx, cancel := context.WithCancelCause(t.Context())
			f, err := newReplayFeed(ctx, replayOptions(t, volume.Request{Paths: []string{dir}}), nil, nil, replayConfig{})
			if err != nil {
				t.Fatal(err)
			}
			for range batches {
				var b importer.Batch
				if _, err := f.Next(ctx, &b); err != nil {
					t.Fatal(err)
				}
			}
			if byContext {
				cancel(stop)
				var b importer.Batch
				if _, err := f.Next(ctx, &b); !errors.Is(err, stop) {
					t.Errorf("err = %v, want the cause", err)
				}
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
			cancel(nil)
		}
	}
	for deadline := time.Now().Add(5 * time.Minute); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, there were %d", runtime.NumGoroutine(), before)
		}
	}
}

// What a feed holds does not grow with the volume.
func TestReplayFeedMemory(t *testing.T) {
	dir := t.TempDir()
	d := shardtest.Devops{Hosts: 30, Duration: 3 * time.Hour, Step: 10 * time.Second, Seed: 1}
	if _, err := d.Write(dir); err != nil {
		t.Fatal(err)
	}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	o := replayOptions(t, volume.Request{Paths: []string{dir}})
	o.Workers = 2
	before := heap()
	f := openFeed(t, o, nil, "", replayConfig{})
	var b importer.Batch
	text, peak := 0, uint64(0)
	for i := 0; ; i++ {
		b.Reset()
		if _, err := f.Next(t.Context(), &b); err != nil {
			if !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			break
		}
		text += len(b.Text)
		if i%10 == 0 {
			peak = max(peak, heap())
		}
	}
	if held := int64(peak) - int64(before); held > 24<<20 || text < 100<<20 {
		t.Errorf("%d MiB are held for %d MiB of text", held>>20, text>>20)
	}
}

// recordingTarget takes lines, and ends the run after so many requests.
type recordingTarget struct {
	mu    sync.Mutex
	lines map[string]bool
	left  int
	stop  context.CancelCauseFunc
}

func (r *recordingTarget) Write(ctx context.Context, _, _ string, lines []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left--; r.left == 0 {
		r.stop(errors.New("enough"))
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	from := 0
	for _, end := range lineprotocol.AppendEnds(nil, lines) {
		r.lines[string(lines[from:end])] = true
		from = end
	}
	return nil
}

func (*recordingTarget) Statements(context.Context, []string) error { return nil }

func (*recordingTarget) Place(context.Context, importer.Place) (importer.Limits, error) {
	return importer.Limits{Oldest: math.MinInt64}, nil
}

// A replay that is stopped again and again, and carried on from its checkpoint each time,
// brings every point.
func TestReplayIsCarriedOn(t *testing.T) {
	for _, name := range []string{"demo", "names", "generations"} {
		t.Run(name, func(t *testing.T) {
			o := replayOptions(t, volume.Request{Paths: []string{testvolume.Open(t, name).Dir}})
			want, _ := bareExport(t, o)
			to := &recordingTarget{lines: map[string]bool{}}
			path := filepath.Join(t.TempDir(), "checkpoint")
			runs := 0
			for done := false; !done; runs++ {
				ctx, cancel := context.WithCancelCause(t.Context())
				to.left, to.stop = 5+5*runs, cancel // a long series must get through in one go
				saved, err := importer.LoadCheckpoint(path)
				if err != nil {
					t.Fatal(err)
				}
				var mark json.RawMessage
				if saved != nil {
					mark = saved.Mark
				}
				o.Workers, o.Progress = 1+runs%3, nil
				f, err := newReplayFeed(ctx, o, nil, mark, replayConfig{BatchPoints: 40})
				if err != nil {
					t.Fatal(err)
				}
				_, err = importer.Run(ctx, f, importer.Options{
					Sender: to, Guard: to, Concurrency: 3, CheckpointPath: path, Identity: json.RawMessage(`{}`), Resume: saved,
					RejectsPath: filepath.Join(t.TempDir(), "rejects"),
				})
				done = err == nil
				if !done && context.Cause(ctx) == nil {
					t.Fatal(err)
				}
				if err := f.Close(); err != nil {
					t.Fatal(err)
				}
				cancel(nil)
				if runs > 1000 {
					t.Fatal("there is no end")
				}
			}
			all := 0
			from := 0
			for _, end := range lineprotocol.AppendEnds(nil, []byte(want)) {
				if !to.lines[want[from:end]] {
					t.Errorf("%q is missing", want[from:end])
				}
				from = end
				all++
			}
			if runs < 2 || all == 0 {
				t.Errorf("%d runs for %d points", runs, all)
			}
		})
	}
}
