// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/importer/lpfile"
	"github.com/shardlift/shardlift/point"
)

// A source is what a delivery reads from. It is opened when it is made.
type source interface {
	// identity describes what is read and what is taken of it.
	identity() map[string]any
	// survey tells what is known before all is read; with deep set, the times of all places.
	survey(ctx context.Context, deep bool) (*survey, error)
	// feed begins to read, behind a mark of an earlier run or, with nil, at the start.
	feed(ctx context.Context, from json.RawMessage) (importer.Feed, error)
	// again opens the same once more, to be read from its start. p counts, and may be nil.
	again(ctx context.Context, p *importer.Progress) (source, error)
	// part opens what the place of the target has of one measurement in a span of time, or
	// more than that. What it gives is as it was, in the same order.
	part(ctx context.Context, place importer.Place, measurement string, span point.TimeRange) (source, error)
	// chosen gives what is taken; nil is everything.
	chosen() *filter.Selection
	// tell adds what was found while reading.
	tell(o *deliveryOutcome)
	close() error
}

// survey is what is known of a source before it is read.
type survey struct {
	statements []string
	places     []lpfile.Place
	complete   bool // places has all of them, with their times
	once       bool // there is input that can only be read once
	notes      []string
}

// readAll reads a source from its start to its end, and closes it.
func readAll(ctx context.Context, from source, each func(*importer.Batch, *importer.Item) error) (err error) {
	defer func() { err = errors.Join(err, from.close()) }()
	if _, err := from.survey(ctx, false); err != nil { // as the first time: it takes the statements
		return err
	}
	feed, err := from.feed(ctx, nil)
	if err != nil {
		return err
	}
	return eachBatch(ctx, feed, each)
}

// eachBatch hands out what a feed gives, up to its end. The batch is used again.
func eachBatch(ctx context.Context, feed importer.Feed, each func(*importer.Batch, *importer.Item) error) error {
	for b := new(importer.Batch); ; {
		b.Reset()
		item, err := feed.Next(ctx, b)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := each(b, &item); err != nil {
			return err
		}
	}
}
