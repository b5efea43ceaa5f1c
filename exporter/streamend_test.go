// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/internal/jsonbytes"
	"github.com/shardlift/shardlift/internal/shardtest"
)

// A position holds as long as the files up to its shard are what they were, wherever they
// lie.
func TestChangedSource(t *testing.T) {
	dir := devops(t, 1, 3)
	o := options(t, filter.Spec{}, dir)
	whole := readStream(t, o, "")
	var ofSecond string
	for i, place := range whole.places {
		if strings.HasSuffix(place, " 2") {
			ofSecond = whole.positions[i]
		}
	}
	moved := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	goOn := func(o Options, mark string) error {
		var at Position
		if err := jsonbytes.Unmarshal([]byte(mark), &at); err != nil {
			t.Fatal(err)
		}
		_, err := Stream(t.Context(), o, &at, func(_ context.Context, p *Piece) error { p.Release(); return nil })
		return err
	}
	o = options(t, filter.Spec{}, moved)
	if err := goOn(o, ofSecond); err != nil {
		t.Errorf("moved: %v", err)
	}
	shard := func(id string) string { return filepath.Join(moved, "data", "telegraf", "autogen", id) }
	extra := filepath.Join(shard("3"), "000000099-000000001.tsm")
	if err := os.WriteFile(extra, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := goOn(o, ofSecond); err != nil {
		t.Errorf("a shard behind the position changed: %v", err)
	}
	for name, change := range map[string]func() error{
		"a file came":     func() error { return os.WriteFile(filepath.Join(shard("2"), "000000099-000000001.tsm"), nil, 0o600) },
		"a shard is gone": func() error { return os.RemoveAll(shard("1")) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		err := goOn(options(t, filter.Spec{}, moved), ofSecond)
		if !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), `shard 2 of "telegraf"."autogen"`) {
			t.Errorf("%s: %v, want ErrChanged", name, err)
		}
	}
	if err := goOn(o, `{"index":7,"shard":"shard 8"}`); !errors.Is(err, ErrChanged) {
		t.Errorf("a shard that is not there: %v", err)
	}
	if err := goOn(o, `{"index":-1}`); !errors.Is(err, ErrChanged) {
		t.Errorf("a negative shard: %v", err)
	}
}

// However a stream ends, it leaves no goroutine, and no file of the source open.
func TestStreamThatIsCalledOff(t *testing.T) {
	vol := devops(t, 20, 3)
	before := runtime.NumGoroutine()
	stop := errors.New("enough")
	for n := range 20 {
		o := options(t, filter.Spec{}, vol)
		o.Workers = 1 + n%3
		ctx, cancel := context.WithCancelCause(t.Context())
		left := n
		_, err := Stream(ctx, o, nil, func(ctx context.Context, p *Piece) error {
			p.Release()
			if left--; left >= 0 {
				return nil
			}
			if n%2 == 0 {
				return stop
			}
			cancel(stop)
			<-ctx.Done()
			return context.Cause(ctx)
		})
		cancel(nil)
		if !errors.Is(err, stop) {
			t.Fatalf("err = %v", err)
		}
	}
	for deadline := time.Now().Add(5 * time.Minute); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, there were %d", runtime.NumGoroutine(), before)
		}
	}
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		if target, err := os.Readlink(l); err == nil && strings.HasPrefix(target, vol) {
			t.Errorf("%s is still open", target)
		}
	}
}

// Pieces that are kept are not written over, and reading waits for the receiver.
func TestStreamWaits(t *testing.T) {
	o := options(t, filter.Spec{}, devops(t, 40, 1))
	want, _ := bare(t, o)
	o.Workers, o.Progress = 2, &Progress{}
	var kept []*Piece
	ahead := int64(0)
	_, err := Stream(t.Context(), o, nil, func(_ context.Context, p *Piece) error {
		kept = append(kept, p)
		sent := int64(0)
		for _, k := range kept {
			sent += int64(len(k.Text))
		}
		ahead = max(ahead, o.Progress.TextBytes.Load()-sent)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, p := range kept {
		text.Write(p.Text)
		p.Release()
		p.Release() // harmless
	}
	if text.String() != want {
		t.Error("what was kept is not the text")
	}
	if most := int64(2*o.Workers+1) * (chunksAhead + 1) * chunkSize; ahead > most {
		t.Errorf("reading was %d bytes ahead, want %d at the most", ahead, most)
	}
}

// Names that no header can say are no hindrance here.
func TestStreamOfNamesWithLineBreaks(t *testing.T) {
	v := shardtest.NewVolume(t, t.TempDir())
	var file shardtest.TSM
	file.Add("m#!~#f", shardtest.Ints([]int64{1}, 1))
	v.Shard("d\nb", "r\rp", 1).TSM(1, 1, &file)
	got := readStream(t, options(t, filter.Spec{}, v.Dir), "")
	if d := cmp.Diff([]string{`"d\nb" "r\rp" 1`}, got.places); d != "" || got.text != "m f=1i 1\n" || len(got.sum.Faults) > 0 {
		t.Errorf("text %q, faults %v, places %s", got.text, got.sum.Faults, d)
	}
}
