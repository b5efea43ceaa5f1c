// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/importer/lpfile"
	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/target"
	"github.com/shardlift/shardlift/verifier"
)

// verify holds what was sent, from the source read again or as it passed by, against what
// the target has.
func (d *delivery) verify(ctx context.Context, from source, t *target.Target, o *deliveryOutcome) error {
	c := d.comparing
	if c == nil {
		c = d.newComparing(from, t)
	}
	counter := d.passing
	if counter == nil {
		d.notes.add("reading everything again to compare it with what the target has")
		var err error
		if counter, err = c.count(ctx, d.flags.VerifyExact); err != nil {
			return fmt.Errorf("verify: %w", err)
		}
		d.noteGrown(o, c.points)
	} else {
		c.from = nil // it can be read only once
	}
	if o.Rejected > 0 {
		if err := d.exclude(ctx, counter, c.place); err != nil {
			return fmt.Errorf("verify: %w", err)
		}
	}
	d.notes.add("asking the target how many values it has")
	report, err := c.compare(ctx, counter, verifier.Options{Selection: from.chosen(), Exact: d.flags.VerifyExact, MaxDifferences: defaultDifferences})
	if err != nil {
		return fmt.Errorf("verify: %w", err) // half a comparison would look like a good one
	}
	o.Verify = &verifyOutcome{Report: report}
	if text := o.Verify.mixed(); text != "" {
		d.notes.add(text)
		o.Notes = append(o.Notes, text)
	}
	return nil
}

// newComparing gives what asks the target. Points without a policy and those of the default
// one are of one place: counted apart, the ones would pass for the others.
func (d *delivery) newComparing(from source, t *target.Target) *comparing {
	return &comparing{from: from, asks: verifier.NewPaced(t, d.flags.QueryRate), watch: d.watch, names: map[string]string{}}
}

// placing names a place as the target has it.
type placing func(context.Context, importer.Place) (importer.Place, error)

// noteGrown says that a source has more points than were sent, as one has that a server
// writes to: they are looked for in the target, too.
func (d *delivery) noteGrown(o *deliveryOutcome, now int64) {
	if more := now - o.Stored - o.Rejected; more > 0 && d.command == "replay" {
		text := fmt.Sprintf("the source has %s more than were sent, so it is being written to; they count as missing, and another run brings them", points(more))
		d.notes.add(text)
		o.Notes = append(o.Notes, text)
	}
}

// countPassing makes a feed that counts what it hands out, for input that cannot be
// read again.
func (d *delivery) countPassing(feed importer.Feed, from source, t *target.Target) (importer.Feed, error) {
	if d.options.Resume != nil {
		return nil, usagef("--verify: this run carries on another one, and the first part of its input, which cannot be read again, was not counted; leave --verify out, or begin anew with --restart")
	}
	d.passing = verifier.NewCounter(nil)
	if d.flags.VerifyExact {
		d.passing.WithDigests()
	}
	d.comparing = d.newComparing(from, t)
	return &countingFeed{Feed: feed, counter: d.passing, place: d.comparing.place}, nil
}

type countingFeed struct {
	importer.Feed
	counter *verifier.Counter
	place   placing
}

func (f *countingFeed) Next(ctx context.Context, b *importer.Batch) (importer.Item, error) {
	item, err := f.Feed.Next(ctx, b)
	if err == nil && b.Points > 0 {
		place, err := f.place(ctx, b.Place)
		if err == nil {
			err = f.counter.Add(place.Database, place.Policy, b.Text)
		}
		if err != nil {
			return item, fmt.Errorf("verify: %w", err)
		}
	}
	return item, err
}

// exclude takes back what the target refused, as the rejects file has it. A replay that was
// carried on may have had some points refused twice; they were counted once.
func (d *delivery) exclude(ctx context.Context, counter *verifier.Counter, place placing) error {
	text, err := d.ownRejects()
	if err != nil {
		return err
	}
	r, err := lpfile.Open(ctx, lpfile.Config{Inputs: []string{"-"}, Stdin: bytes.NewReader(text), Now: time.Now().UnixNano(), Check: true})
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // memory
	seen := map[string]bool{}
	return eachBatch(ctx, r, func(b *importer.Batch, _ *importer.Item) error {
		text := b.Text
		if d.command == "replay" {
			text = firsts(seen, b)
		}
		at, err := place(ctx, b.Place)
		if err != nil {
			return err
		}
		return counter.Exclude(at.Database, at.Policy, text)
	})
}

// firsts gives the points of a batch that were not seen before.
func firsts(seen map[string]bool, b *importer.Batch) []byte {
	var out []byte
	from := 0
	for _, end := range lineprotocol.AppendEnds(nil, b.Text) {
		line := b.Text[from:end]
		from = end
		if key := b.Place.String() + "\n" + string(line); !seen[key] {
			seen[key] = true
			out = append(out, line...)
		}
	}
	return out
}

// ownRejects gives what this run added to the rejects file.
func (d *delivery) ownRejects() ([]byte, error) {
	f, err := os.Open(d.options.RejectsPath)
	if err != nil {
		return nil, fmt.Errorf("read the rejects file: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read from
	run := ""
	if d.options.Resume != nil {
		run = d.options.Resume.Rejects.Run
	}
	sections := map[string][]byte{}
	name := ""
	for r := bufio.NewReader(f); ; {
		line, err := r.ReadBytes('\n')
		if id, ok := bytes.CutPrefix(line, []byte(importer.RejectsHeader)); ok {
			name = string(bytes.TrimSpace(id))
		}
		sections[name] = append(sections[name], line...)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read the rejects file: %w", err)
		}
	}
	if run == "" {
		run = name // the last one
	}
	return sections[run], nil
}
