// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/verifier"
)

// defaultDifferences is how many single values are listed where nothing else is said.
const defaultDifferences = 100

// comparing holds a source against a target: for import and replay with --verify, and for
// verify --against.
type comparing struct {
	from  source // nil where it cannot be read again
	asks  *verifier.Paced
	watch func(gauge) (stop func())

	names map[string]string // the default policies of databases

	read     source // by count, for what it has to tell
	points   int64  // read by count
	places   placeTally
	rejects  int64             // lines that are no points
	rejected []importer.Reject // the first of them
}

// rejectsKept is how many lines that are no points are kept for people.
const rejectsKept = 10

// count reads the whole source.
func (c *comparing) count(ctx context.Context, exact bool) (*verifier.Counter, error) {
	counter := verifier.NewCounter(nil)
	if exact {
		counter.WithDigests()
	}
	c.points, c.places = 0, placeTally{}
	progress := &importer.Progress{}
	stop := c.watch(readGauge(progress))
	defer stop()
	second, err := c.from.again(ctx, progress)
	if err != nil {
		return nil, err
	}
	c.read = second
	return counter, readAll(ctx, second, func(b *importer.Batch, item *importer.Item) error {
		c.rejects += int64(len(item.Rejects))
		for _, r := range item.Rejects[:min(len(item.Rejects), rejectsKept-len(c.rejected))] {
			r.Text = nil
			c.rejected = append(c.rejected, r)
		}
		if b.Points == 0 {
			return nil
		}
		place, err := c.place(ctx, b.Place)
		if err != nil {
			return err
		}
		c.points += int64(b.Points)
		c.places.add(place, b)
		return counter.Add(place.Database, place.Policy, b.Text)
	})
}

// place names the policy where it is the default one.
func (c *comparing) place(ctx context.Context, p importer.Place) (importer.Place, error) {
	if p.Policy != "" {
		return p, nil
	}
	name, ok := c.names[p.Database]
	if !ok {
		var err error
		if name, err = c.asks.DefaultPolicy(ctx, p.Database); err != nil {
			return p, err
		}
		c.names[p.Database] = name
	}
	p.Policy = name
	return p, nil
}

// compare asks the target.
func (c *comparing) compare(ctx context.Context, counter *verifier.Counter, opts verifier.Options) (*verifier.Report, error) {
	if c.from != nil {
		opts.Reread = c.reread
	}
	var done, all atomic.Int64
	opts.Progress = func(n, of int) {
		done.Store(int64(n))
		all.Store(int64(of))
	}
	stop := c.watch(queryGauge(&done, &all))
	defer stop()
	return verifier.Compare(ctx, c.asks, counter, opts)
}

// reread reads what the source has of a measurement.
func (c *comparing) reread(ctx context.Context, database, policy, measurement string, span point.TimeRange, add func([]byte) error) error {
	place := importer.Place{Database: database, Policy: policy}
	second, err := c.from.part(ctx, place, measurement, span)
	if err != nil {
		return err
	}
	return readAll(ctx, second, func(b *importer.Batch, _ *importer.Item) error {
		if b.Points == 0 || b.Span.Min > span.Max || b.Span.Max < span.Min {
			return nil
		}
		if at, err := c.place(ctx, b.Place); err != nil || at != place {
			return err
		}
		return add(b.Text)
	})
}

// queryGauge shows how far the target was asked.
func queryGauge(done, all *atomic.Int64) gauge {
	return func(elapsed time.Duration) state {
		n, of := done.Load(), all.Load()
		if n == 0 && of == 0 { // the first answers say how many there will be
			return state{counts: true, left: -1, text: "asking the target what fields it has, and for the first values", brief: "asking for fields"}
		}
		return state{
			counts: true, left: timeLeft(elapsed, n, of),
			text:  fmt.Sprintf("%s of %s queries answered", humanize.Comma(n), humanize.Comma(max(n, of))),
			brief: fmt.Sprintf("query %s/%s", humanize.Comma(n), humanize.Comma(max(n, of))),
		}
	}
}
