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
)

// Times between two signs of progress. A bar moves, lines pile up in a log.
const (
	barInterval  = 200 * time.Millisecond
	lineInterval = 5 * time.Second
)

// barWidth is what a bar takes with all that stands around it; narrower terminals get lines.
const barWidth = 78

// state is the progress at one time.
type state struct {
	bytes, allBytes int64         // read; allBytes is 0 where it is not known
	left            time.Duration // negative: not known
	counts          bool          // nothing is read, text says it all
	text            string        // all else, for a line
	brief           string        // the same for a bar
}

// A gauge gives the state some time after the start.
type gauge func(elapsed time.Duration) state

// showProgress shows the progress on w until the returned function is called, which waits
// until w is not used any more.
func showProgress(w io.Writer, read gauge) (stop func()) {
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width >= barWidth {
			return watch(newBar(w), read, barInterval)
		}
	}
	return watch(&lines{w: w}, read, lineInterval)
}

// progress shows the progress, if it is wanted, until the returned function is called.
func (c console) progress(wanted bool, read gauge) (stop func()) {
	if !wanted {
		return func() {}
	}
	return showProgress(c.err, read)
}

// A display shows one state of the progress after the other.
type display interface {
	show(s state)
	finish()
}

// watch shows the progress at every interval.
func watch(d display, read gauge, interval time.Duration) (stop func()) {
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
				d.show(read(time.Since(began)))
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

// timeLeft is how long the rest takes if it goes on as it did.
func timeLeft(elapsed time.Duration, done, all int64) time.Duration {
	if done <= 0 || all <= 0 {
		return -1
	}
	return time.Duration(float64(elapsed) * float64(max(all-done, 0)) / float64(done))
}

// perSecond gives a rate.
func perSecond(n int64, elapsed time.Duration) float64 {
	if elapsed <= 0 {
		return 0
	}
	return float64(n) / elapsed.Seconds()
}

// lines is a display that writes a plain line each time.
type lines struct{ w io.Writer }

func (l *lines) show(s state) {
	amount := sizeText(s.bytes) + " read"
	if s.allBytes > 0 {
		amount = fmt.Sprintf("%d %% of %s", int64(100*float64(s.bytes)/float64(s.allBytes)), sizeText(s.allBytes))
	}
	left := ""
	if s.left >= 0 {
		left = ", about " + s.left.Round(time.Second).String() + " left"
	}
	if s.counts {
		_, _ = fmt.Fprintf(l.w, "shardlift: %s%s\n", s.text, left)
		return
	}
	_, _ = fmt.Fprintf(l.w, "shardlift: %s, %s%s\n", amount, s.text, left)
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
	b.Describe(s.brief)
	if s.allBytes <= 0 {
		if !s.counts {
			b.Describe(sizeText(s.bytes) + " " + s.brief)
		}
		b.ChangeMax64(-1)
		_ = b.Set64(s.bytes)
		return
	}
	b.ChangeMax64(s.allBytes)
	_ = b.Set64(min(s.bytes, s.allBytes-1)) // finish clears the bar when all is done; until then it stays
}

func (b bar) finish() { _ = b.Clear() }

// short writes a number in a few letters.
func short(n float64) string {
	value, unit := humanize.ComputeSI(n)
	return fmt.Sprintf("%.3g%s", value, unit)
}
