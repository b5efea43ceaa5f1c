// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/internal/lpjudge"
	"github.com/shardlift/shardlift/tsmreader"
)

// liveFor is how long a server is exported while it works.
const liveFor = 12 * time.Second

// A server's own directory is exported again and again while it writes, overwrites,
// deletes, flushes and compacts. What was acknowledged before an export began is in it,
// what was deleted before it began is not, and nothing is a fault.
func TestLiveDirectory(t *testing.T) {
	influxdtest.Require(t)
	for _, index := range []string{"inmem", "tsi1"} {
		t.Run(index, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, index)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			g, ctx := errgroup.WithContext(ctx)
			for name, work := range map[string]func() error{
				"append": l.append, "overwrite": l.overwrite, "delete": l.delete, "slide": l.slide, "flush": l.flush, "come and go": l.comeAndGo,
			} {
				g.Go(func() error {
					for ctx.Err() == nil {
						if err := work(); err != nil {
							return fmt.Errorf("%s: %w", name, err)
						}
					}
					return nil
				})
			}
			began, exports := time.Now(), 0
			for ctx.Err() == nil && !t.Failed() && (time.Since(began) < liveFor || (exports < 5 || !l.enough()) && time.Since(began) < 2*endless) {
				if l.export(exports) {
					exports++
				}
			}
			stop()
			if err := g.Wait(); err != nil {
				t.Fatalf("%v\n%s", err, l.server.LogTail())
			}
			t.Logf("%d exports of up to %d points, %d flushes, %d deletes, %d compacted files", exports, l.points, l.flushes, len(l.deleted), len(l.compacted))
			if exports < 5 || !l.enough() {
				t.Error("too little has happened to mean anything")
			}
			got, sum := exported(t, l.server.Dir, only(t, "live"))
			noFaults(t, sum)
			compare(t, "in the end", dump(t, l.server, "live"), got)
		})
	}
}

// live is what a working server was told and has acknowledged.
type live struct {
	t      *testing.T
	server *influxdtest.Server
	points int64 // of the largest export

	compacted map[string]bool // files that were made of others

	// A delete does not reach what is being flushed at the time, which is no fault of the
	// reader's: the two take turns.
	turns sync.RWMutex

	mu       sync.Mutex
	number   int // of a request
	flushes  int
	appended []int64       // times of append
	version  map[int64]int // of overwrite, by time
	doomed   []string      // tag n of gone: to be deleted
	deleted  []string      // and those that are
	// Of slide: times before slid are deleted, those before sliding may be, and slidTo is
	// the last that was written; all behind monday.
	slid, sliding, slidTo int64
}

func newLive(t *testing.T, index string) *live {
	t.Helper()
	s := influxdtest.Start(t, influxdtest.Options{Index: index, CompactCold: time.Second})
	s.Exec(`CREATE DATABASE "live" WITH DURATION INF REPLICATION 1 SHARD DURATION 1h NAME "autogen"`)
	l := &live{t: t, server: s, version: map[int64]int{}, sliding: int64(time.Second), compacted: map[string]bool{}}
	// Of two requests that begin a shard together a server may lose one.
	if err := l.append(); err != nil {
		t.Fatal(err)
	}
	return l
}

// calm reports whether it is a time without deletes. Each delete stops the compactor,
// which looks for work once a second: without pauses it would never find any.
func calm() bool { return time.Now().UnixMilli()%4000 > 1000 }

// enough reports whether enough has happened to mean anything.
func (l *live) enough() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flushes >= 20 && len(l.deleted) >= 5 && len(l.compacted) > 0
}

// next numbers the requests.
func (l *live) next() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.number++
	return l.number
}

// append writes new points, over several shards, whose value is their time.
func (l *live) append() error {
	var b strings.Builder
	var times []int64
	n := int64(l.next())
	for i := range int64(50) {
		at := monday + (i%3)*int64(time.Hour) + n*1e6 + i
		times = append(times, at)
		fmt.Fprintf(&b, "append,k=%d i=%di,s=\"%d\" %d\n", n%7, at, at, at)
	}
	if err := l.server.TryWrite("live", "", b.String()); err != nil {
		return err
	}
	time.Sleep(time.Millisecond)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.appended = append(l.appended, times...)
	return nil
}

// overwrite gives the points of fixed times higher and higher values.
func (l *live) overwrite() error {
	version := l.next()
	var b strings.Builder
	var times []int64
	for i := range int64(40) {
		if at := monday + i*int64(time.Minute)*3; (i+int64(version))%3 > 0 {
			times = append(times, at)
			fmt.Fprintf(&b, "overwrite v=%d %d\n", version, at)
		}
	}
	if err := l.server.TryWrite("live", "", b.String()); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, at := range times {
		l.version[at] = version
	}
	return nil
}

// delete writes series in times of calm and deletes them, in one of several ways, when
// those are over.
func (l *live) delete() error {
	if calm() || len(l.doomed) == 0 {
		return l.doom()
	}
	n := l.doomed[0]
	l.doomed = l.doomed[1:]
	statement := []string{"DROP SERIES FROM gone WHERE n = '%s'", "DELETE FROM gone WHERE n = '%s'", "DELETE WHERE n = '%s' AND time > 0"}[l.next()%3]
	l.turns.RLock()
	defer l.turns.RUnlock()
	if err := l.server.TryExecIn("live", fmt.Sprintf(statement, n)); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deleted = append(l.deleted, n)
	return nil
}

// doom writes a series that is to be deleted.
func (l *live) doom() error {
	n := fmt.Sprint(l.next())
	for i := range 4 {
		line := fmt.Sprintf("gone,n=%s v=%d,w=%d %d\n", n, i, i, monday+int64(i)*int64(time.Hour)/2)
		if err := l.server.TryWrite("live", "", line); err != nil {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	l.doomed = append(l.doomed, n)
	return nil
}

// slide writes new points at one end of a series and deletes old ones at the other.
func (l *live) slide() error {
	var b strings.Builder
	to := l.slidTo
	for range 200 {
		to += int64(time.Second) / 2
		fmt.Fprintf(&b, "slide v=t %d\n", monday+to)
	}
	if err := l.server.TryWrite("live", "", b.String()); err != nil {
		return err
	}
	l.mu.Lock()
	l.slidTo = to
	l.mu.Unlock()
	time.Sleep(10 * time.Millisecond)
	if calm() {
		return nil
	}
	l.turns.RLock()
	defer l.turns.RUnlock()
	// From now on these may be gone; when the delete is acknowledged, they are.
	from := max(int64(time.Second), to-int64(5*time.Minute))
	l.mu.Lock()
	l.sliding = from
	l.mu.Unlock()
	if err := l.server.TryExecIn("live", fmt.Sprintf("DELETE FROM slide WHERE time < %d", monday+from)); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slid = from
	return nil
}

// flush writes the cache of a shard, which makes a generation, and compacts soon.
func (l *live) flush() error {
	time.Sleep(30 * time.Millisecond)
	series, err := l.server.TryQuery("", "SHOW SHARDS")
	if err != nil {
		return err
	}
	for _, s := range series {
		for _, row := range s.Values {
			var id uint64
			if _, err := fmt.Sscan(fmt.Sprint(row[0]), &id); err != nil || s.Name != "live" {
				continue
			}
			l.turns.Lock()
			err := l.server.Backup(id)
			l.turns.Unlock()
			if err != nil && !strings.Contains(err.Error(), "closed the connection") {
				return err
			}
			l.mu.Lock()
			l.flushes++
			l.mu.Unlock()
		}
	}
	return nil
}

// comeAndGo makes another database and drops it.
func (l *live) comeAndGo() error {
	db := fmt.Sprintf("passing%d", l.next())
	if err := l.server.TryExec("CREATE DATABASE " + db); err != nil {
		return err
	}
	if err := l.server.TryWrite(db, "", fmt.Sprintf("m f=1 %d\nm f=1 %d\n", int64(monday), monday+int64(8*24*time.Hour))); err != nil {
		return err
	}
	time.Sleep(20 * time.Millisecond)
	return l.server.TryExec("DROP DATABASE " + db)
}

// export exports everything and checks it against what was acknowledged before. It is false
// where a shard never held still for as long as it takes to open it, which an export says: on
// a busy machine the server may have something new each time.
func (l *live) export(n int) bool {
	l.t.Helper()
	l.noteCompacted()
	l.mu.Lock()
	appended, deleted, slid, slidTo, version := l.appended, l.deleted, l.slid, l.slidTo, maps.Clone(l.version)
	l.mu.Unlock()
	var out bytes.Buffer
	sum, err := run(l.t, l.server.Dir, exporter.Output{Stream: &out}, func(o *exporter.Options) {
		o.Workers = 1 + n%3
		o.Format.OneField = n%4 == 3
		if n%3 == 2 {
			o.Memory = 32 << 10 // the WAL and the tombstones in many pieces
		}
	})
	if err != nil {
		l.t.Errorf("export %d: %v", n, err)
		return false
	}
	if slices.ContainsFunc(sum.Faults, func(f exporter.Fault) bool { return strings.Contains(f.Reason, tsmreader.ErrUnsettled.Error()) }) {
		return false
	}
	noFaults(l.t, sum)
	l.points = max(l.points, sum.Points)
	values, _, err := lpjudge.Read(&out, lpjudge.Options{})
	if err != nil {
		l.t.Errorf("export %d is not line protocol: %v", n, err)
		return false
	}
	c := newLiveCheck(values)
	for _, at := range appended {
		c.appended(at)
	}
	for at, v := range version {
		c.overwritten(at, v)
	}
	for _, n := range deleted {
		c.gone(n)
	}
	l.mu.Lock()
	slidSince := l.sliding
	l.mu.Unlock()
	c.slidden(slid, slidSince, slidTo)
	for i, e := range c.errors {
		if i == 10 {
			l.t.Errorf("and %d more", len(c.errors)-i)
			break
		}
		l.t.Errorf("export %d: %s", n, e)
	}
	return true
}

// noteCompacted remembers which files of the database were compacted.
func (l *live) noteCompacted() {
	l.t.Helper()
	files, err := filepath.Glob(filepath.Join(l.server.Data, "live/*/*/*.tsm"))
	if err != nil {
		l.t.Fatal(err)
	}
	for _, name := range files {
		if !strings.HasSuffix(name, "-000000001.tsm") {
			l.compacted[name] = true
		}
	}
}
