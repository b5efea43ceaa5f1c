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

	"github.com/dustin/go-humanize"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/importer/lpfile"
	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/target"
	"github.com/shardlift/shardlift/verifier"
)

// verifyOutcome is what the comparison with the target found.
type verifyOutcome struct{ *verifier.Report }

// equal reports whether everything that could be asked for was found.
func (v *verifyOutcome) equal() bool { return v.MissingCells == 0 && v.UncertainCells == 0 }

// verify counts what was sent, from the source read again or as it passed by, and
// compares it with what the target has.
func (d *delivery) verify(ctx context.Context, from source, t *target.Target, o *deliveryOutcome) error {
	counter, opts := d.passing, verifier.Options{}
	if counter == nil {
		d.notes.add("reading everything again to compare it with what the target has")
		counter = verifier.NewCounter(nil)
		progress := &importer.Progress{}
		stop := d.watch(readGauge(progress))
		var count int64
		err := readAgain(ctx, from, progress, func(b *importer.Batch) error {
			count += int64(b.Points)
			return counter.Add(b.Place.Database, b.Place.Policy, b.Text)
		})
		stop()
		if err != nil {
			return fmt.Errorf("verify: %w", err)
		}
		d.noteGrown(o, count)
		opts.Recount = func(ctx context.Context, database, policy, _ string, span point.TimeRange, add func([]byte) error) error {
			return readAgain(ctx, from, nil, func(b *importer.Batch) error {
				if b.Place != (importer.Place{Database: database, Policy: policy}) || b.Span.Min > span.Max || b.Span.Max < span.Min {
					return nil
				}
				return add(b.Text)
			})
		}
	}
	if o.Rejected > 0 {
		if err := d.exclude(ctx, counter); err != nil {
			return fmt.Errorf("verify: %w", err)
		}
	}
	d.notes.add("asking the target how many values it has")
	report, err := verifier.Compare(ctx, t, counter, opts)
	if err != nil {
		return fmt.Errorf("verify: %w", err) // half a comparison would look like a good one
	}
	o.Verify = &verifyOutcome{report}
	return nil
}

// noteGrown says that a source has more points than were sent, as one has that a server
// writes to: they are looked for in the target, too.
func (d *delivery) noteGrown(o *deliveryOutcome, now int64) {
	if more := now - o.Stored - o.Rejected; more > 0 && d.command == "replay" {
		text := fmt.Sprintf("the source has %s more than were sent, so it is being written to; they count as missing, and another run brings them", points(more))
		d.notes.add(text)
		o.Notes = append(o.Notes, text)
	}
}

// readAgain reads the source once more, from its start.
func readAgain(ctx context.Context, from source, p *importer.Progress, each func(b *importer.Batch) error) (err error) {
	second, err := from.again(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, second.close()) }()
	if _, err := second.survey(ctx, false); err != nil { // as the first time: it takes the statements
		return err
	}
	feed, err := second.feed(ctx, nil)
	if err != nil {
		return err
	}
	for b := new(importer.Batch); ; {
		b.Reset()
		_, err := feed.Next(ctx, b)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := each(b); err != nil {
			return err
		}
	}
}

// countPassing makes a feed that counts what it hands out, for input that cannot be
// read again.
func (d *delivery) countPassing(feed importer.Feed) (importer.Feed, error) {
	if d.options.Resume != nil {
		return nil, usagef("--verify: this run carries on another one, and the first part of its input, which cannot be read again, was not counted; leave --verify out, or begin anew with --restart")
	}
	d.passing = verifier.NewCounter(nil)
	return &countingFeed{Feed: feed, counter: d.passing}, nil
}

type countingFeed struct {
	importer.Feed
	counter *verifier.Counter
}

func (f *countingFeed) Next(ctx context.Context, b *importer.Batch) (importer.Item, error) {
	item, err := f.Feed.Next(ctx, b)
	if err == nil && b.Points > 0 {
		if err := f.counter.Add(b.Place.Database, b.Place.Policy, b.Text); err != nil {
			return item, fmt.Errorf("verify: %w", err)
		}
	}
	return item, err
}

// exclude takes back what the target refused, as the rejects file has it. A replay that was
// carried on may have had some points refused twice; they were counted once.
func (d *delivery) exclude(ctx context.Context, counter *verifier.Counter) error {
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
	for b := new(importer.Batch); ; {
		b.Reset()
		_, err := r.Next(ctx, b)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		text := b.Text
		if d.command == "replay" {
			text = firsts(seen, b)
		}
		if err := counter.Exclude(b.Place.Database, b.Place.Policy, text); err != nil {
			return err
		}
	}
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

// differencesShown is how many are printed.
const differencesShown = 10

// show tells what was found.
func (v *verifyOutcome) show(c console, quiet bool) {
	for _, list := range []struct {
		differences []verifier.Difference
		what        string
	}{{v.Missing, "missing"}, {v.Uncertain, "uncertain"}, {v.Unasked, "not asked for"}} {
		for i, x := range list.differences {
			if i == differencesShown {
				c.say("and more; --json lists them")
				break
			}
			c.say("%s: %s", list.what, oneLine(describe(x)))
		}
	}
	switch {
	case !v.equal():
		c.say("shardlift: verified %s: %s missing, %s may be", valuesText(v.Values), humanize.Comma(v.MissingValues), humanize.Comma(v.UncertainValues))
	case quiet:
	case v.UnaskedValues > 0:
		c.say("%-12s %s there, %s could not be asked for", "verified", valuesText(v.Values), humanize.Comma(v.UnaskedValues))
	default:
		c.say("%-12s %s, all are there", "verified", valuesText(v.Values))
	}
}

func valuesText(n int64) string {
	if n == 1 {
		return "1 value"
	}
	return humanize.Comma(n) + " values"
}

// describe tells a difference in a line.
func describe(x verifier.Difference) string {
	place := fmt.Sprintf("%q", x.Database)
	if x.Policy != "" {
		place += fmt.Sprintf(".%q", x.Policy)
	}
	text := fmt.Sprintf("%s: %q field %q", place, x.Measurement, x.Field)
	if x.Field == "" {
		text = fmt.Sprintf("%s: %q", place, x.Measurement)
	}
	if !x.Span.Empty() {
		text += fmt.Sprintf(", %s to %s", timeText(x.Span.Min), timeText(x.Span.Max))
	}
	text += fmt.Sprintf(": %s values sent, %s there", humanize.Comma(x.Sent), humanize.Comma(x.There))
	if x.Reason != "" {
		text += " (" + x.Reason + ")"
	}
	return text
}
