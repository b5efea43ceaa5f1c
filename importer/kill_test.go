// SPDX-License-Identifier: Apache-2.0

package importer_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shardlift/shardlift/importer"
)

// snapshot is what a kill leaves on the disk: by name, nil for what is not there.
type snapshot map[string][]byte

func take(names ...string) snapshot {
	s := snapshot{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			panic(err)
		}
		s[name] = text
	}
	return s
}

func (s snapshot) restore(t *testing.T) {
	t.Helper()
	for name, text := range s {
		err := os.Remove(name)
		if text != nil {
			err = os.WriteFile(name, text, 0o600)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

// TestRandomKills replays random lines, with some that are none among them, and is killed
// now and then: the disk is as it was at the moment of a request, and the server holds what
// it got until later. In the end each line must be stored or stand in the rejects file, once.
func TestRandomKills(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { randomKills(t, seed) })
		})
	}
}

func randomKills(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 5))
	s := newServer(seed)
	s.faults = rnd.Float64() * 0.1
	s.delay = func() time.Duration { return rand.N(500 * time.Millisecond) }
	f := newFeed(randomLines(rnd, 200+rnd.IntN(800), []float64{0.01, 0.1, 0.5}[seed%3]), 1+rnd.IntN(100))
	f.rejects = map[int]importer.Reject{}
	for range rnd.IntN(20) {
		n := rnd.IntN(len(f.lines))
		f.rejects[n] = importer.Reject{Place: f.place(n), Input: "in", Text: fmt.Appendf(nil, "nonsense%d", n), Reason: "no point"}
	}
	opts := setup(t, s)
	opts.RetryFor = 24 * time.Hour
	opts.Concurrency = rnd.IntN(6)
	for kills := 1 + rnd.IntN(4); ; kills-- {
		ctx, cancel := context.WithCancel(t.Context())
		var left snapshot
		killAt := s.writes + 1 + rnd.IntN(150)
		endAt := killAt + rnd.IntN(10)
		s.onWrite = func(n int) {
			if kills > 0 && n >= killAt && left == nil {
				left = take(opts.CheckpointPath, opts.RejectsPath)
			}
			if kills > 0 && n >= endAt {
				cancel()
			}
		}
		resumed(t, f, &opts)
		sum, err := importer.Run(ctx, f, opts)
		cancel()
		if left != nil {
			left.restore(t)
			continue
		}
		if err != nil {
			t.Fatalf("Run: %v", err)
		}
		checkRun(t, f, s, opts, sum)
		return
	}
}
