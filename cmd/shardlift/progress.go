// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/shardlift/shardlift/exporter"
)

// Times between two signs of progress. A bar moves, lines pile up in a log.
const (
	barInterval  = 200 * time.Millisecond
	lineInterval = 5 * time.Second
)

// barWidth is what a bar takes with all that stands around it; narrower terminals get lines.
const barWidth = 78

// showProgress shows p on w until the returned function is called, which waits until
// w is not used any more.
func showProgress(w io.Writer, p *exporter.Progress) (stop func()) {
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width >= barWidth {
			return watch(newBar(w), p, barInterval)
		}
	}
	return watch(&lines{w: w}, p, lineInterval)
}

// A display shows one state of the progress after the other.
type display interface {
	show(s state)
	finish()
}

// state is the progress at one time.
type state struct {
	shards, allShards int64
	bytes, allBytes   int64
	points            int64
	rate              float64       // points a second, since the start
	left              time.Duration // negative: not known
}

// watch shows the progress at every interval.
func watch(d display, p *exporter.Progress, interval time.Duration) (stop func()) {
	began := time.Now()
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		defer d.finish()
		t := time.NewTicker(interval)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				d.show(stateOf(p, time.Since(began)))
			case <-done:
				return
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(done)
		<-over
	})
}

// stateOf reads p, elapsed after the start.
func stateOf(p *exporter.Progress, elapsed time.Duration) state {
	s := state{
		shards: p.ShardsDone.Load(), allShards: p.Shards.Load(),
		bytes: p.DoneBytes.Load(), allBytes: p.TotalBytes.Load(),
		points: p.Points.Load(), left: -1,
	}
	// A file may have grown since it was counted.
	s.allBytes = max(s.allBytes, s.bytes)
	if elapsed > 0 {
		s.rate = float64(s.points) / elapsed.Seconds()
	}
	if s.bytes > 0 {
		s.left = time.Duration(float64(elapsed) * float64(s.allBytes-s.bytes) / float64(s.bytes))
	}
	return s
}

// lines is a display that writes a plain line each time.
type lines struct{ w io.Writer }

func (l *lines) show(s state) {
	percent := int64(0)
	if s.allBytes > 0 {
		percent = int64(100 * float64(s.bytes) / float64(s.allBytes))
	}
	left := ""
	if s.left >= 0 {
		left = ", about " + s.left.Round(time.Second).String() + " left"
	}
	_, _ = fmt.Fprintf(l.w, "shardlift: %d %% of %s, shard %d of %d, %s points, %s points/s%s\n", percent,
		humanize.Bytes(uint64(max(s.allBytes, 0))), s.shards, s.allShards,
		humanize.Comma(s.points), humanize.Comma(int64(s.rate)), left)
}

func (*lines) finish() {}

// bar is a display on a terminal.
type bar struct{ *progressbar.ProgressBar }

func newBar(w io.Writer) bar {
	return bar{progressbar.NewOptions64(1,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetWidth(12),
		progressbar.OptionShowBytes(true),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionClearOnFinish(),
	)}
}

func (b bar) show(s state) {
	points, unit := humanize.ComputeSI(s.rate)
	b.ChangeMax64(max(s.allBytes, 1))
	b.Describe(fmt.Sprintf("shard %d/%d %.3g%s pt/s", s.shards, s.allShards, points, unit))
	_ = b.Set64(min(s.bytes, max(s.allBytes, 1)-1)) // finish clears the bar when all is done; until then it stays
}

func (b bar) finish() { _ = b.Clear() }
