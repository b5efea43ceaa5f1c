// SPDX-License-Identifier: Apache-2.0

package importer_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/target"
)

// cold is a server that keeps nothing of a request for a shard whose cache another request
// is making, and says that it does, as InfluxDB 1.x.
type cold struct {
	*server
	mu     sync.Mutex
	made   map[int64]bool
	making map[int64]bool
}

func (c *cold) Write(ctx context.Context, db, rp string, lines []byte) error {
	c.mu.Lock()
	var kept []byte
	mine := map[int64]bool{}
	for line := range strings.Lines(string(lines)) {
		t, err := strconv.ParseInt(strings.TrimSpace(line[strings.LastIndex(line, " "):]), 10, 64)
		if err != nil {
			panic(err)
		}
		if n := t / shardWidth; c.made[n] || mine[n] || !c.making[n] {
			mine[n], c.making[n] = true, true
			kept = append(kept, line...)
		}
	}
	c.mu.Unlock()
	err := c.server.Write(ctx, db, rp, kept)
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := range maps.Keys(mine) {
		c.made[n] = c.made[n] || err == nil
		delete(c.making, n)
	}
	return err
}

// shardGuard only knows how wide shards are.
type shardGuard time.Duration

func (g shardGuard) Statements(context.Context, []string) error { return nil }

func (g shardGuard) Place(context.Context, importer.Place) (importer.Limits, error) {
	return importer.Limits{Shard: time.Duration(g)}, nil
}

// TestFirstInShard replays into a server of which several requests must not be the first in
// a shard at a time. With nobody to tell what a shard is, points are lost, or the test
// would say nothing.
func TestFirstInShard(t *testing.T) {
	for name, width := range map[string]time.Duration{"known": shardWidth, "not known": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(1, 1))
				s := &cold{server: newServer(1), made: map[int64]bool{}, making: map[int64]bool{}}
				s.delay = func() time.Duration { return rand.N(50 * time.Millisecond) }
				var lines []string
				for i := range 3000 {
					at := i * 2
					if i%100 > 80 { // some shards come again, out of order
						at = 2 * rnd.IntN(i)
					}
					lines = append(lines, fmt.Sprintf("%s,t=%d f=1 %d", goodLine, i, at))
				}
				f := newFeed(lines, 10)
				opts := setup(t, s)
				opts.Concurrency, opts.Guard = 6, shardGuard(width)
				sum, err := importer.Run(t.Context(), f, opts)
				if err != nil {
					t.Fatal(err)
				}
				if width > 0 {
					checkRun(t, f, s.server, opts, sum)
				} else if len(s.values) == len(lines) {
					t.Error("nothing is lost")
				}
				if s.most < 4 {
					t.Errorf("%d requests at a time at most", s.most)
				}
			})
		})
	}
}

// TestFirstInShardFails lets others go when the first request of a shard is refused.
func TestFirstInShardFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(1)
		s.answer = func(n int) error {
			if n == 1 {
				return &target.Error{Status: 401, Class: target.Fatal}
			}
			return nil
		}
		f := newFeed([]string{goodLine + ",t=1 f=1 1", goodLine + ",t=2 f=1 2", goodLine + ",t=3 f=1 3"}, 1)
		opts := setup(t, s)
		opts.Guard = shardGuard(shardWidth)
		_, err := importer.Run(t.Context(), f, opts)
		if te, ok := errors.AsType[*target.Error](err); !ok || te.Status != 401 || s.writes != 1 {
			t.Errorf("%v after %d requests", err, s.writes)
		}
		resumed(t, f, &opts)
		sum, err := importer.Run(t.Context(), f, opts)
		if err != nil {
			t.Fatal(err)
		}
		checkRun(t, f, s, opts, sum)
	})
}
