// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"slices"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/importer/preflight"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/target"
)

// nobody is a target that has nothing, to which every statement would be sent.
type nobody struct{}

func (nobody) Query(context.Context, string, string) ([]target.Series, error) {
	return nil, &target.Error{Message: "database not found", Class: target.Fatal}
}

func (nobody) Write(context.Context, string, string, []byte) error { return nil }

// rehearse reads everything and sends nothing. The target is only asked where it was
// named.
func (d *delivery) rehearse(ctx context.Context, from source, o *deliveryOutcome) error {
	d.ddl.Mode, d.ddl.Print = preflight.Print, nil
	if d.flags.verifies() {
		d.notes.add("--verify compares what was sent: in a dry run there is nothing to compare")
	}
	var there preflight.Querier = nobody{}
	api := target.V1
	if d.target.API == target.V2 {
		api = target.V2
	}
	if d.flags.hasURL() {
		t, err := d.reach(ctx, o)
		if err != nil {
			return err
		}
		defer t.Close() //nolint:errcheck // nothing was sent
		there, api = t, t.API()
	}
	guard := preflight.New(there, api, d.ddl)
	defer func() { o.DDL = ddlReport(guard) }()
	found, err := from.survey(ctx, false)
	if err != nil {
		return err
	}
	d.tellFound(found, o)
	if err := guard.Statements(ctx, found.statements); err != nil {
		return err
	}
	feed, err := from.feed(ctx, nil)
	if err != nil {
		return err
	}
	stop := d.watch(readGauge(d.options.Progress))
	r := &rehearsal{guard: guard, places: placeTally{}, sum: &importer.Summary{Span: point.NoTime}}
	err = r.read(ctx, feed)
	stop()
	o.Summary, o.DryRun = r.summary(), r.places.list()
	from.tell(o)
	d.noteUnit(o)
	if err == nil {
		d.notes.unused(d.mapping)
	}
	if err != nil || !d.flags.hasURL() {
		return err
	}
	return r.compare(ctx)
}

// rehearsal is what a dry run has read.
type rehearsal struct {
	guard   *preflight.Checker
	places  placeTally
	sum     *importer.Summary
	reasons map[string]*importer.Reason
}

func (r *rehearsal) read(ctx context.Context, feed importer.Feed) error {
	r.reasons = map[string]*importer.Reason{}
	return eachBatch(ctx, feed, func(b *importer.Batch, item *importer.Item) error {
		if err := r.guard.Statements(ctx, item.Statements); err != nil {
			return err
		}
		r.count(item, b)
		return nil
	})
}

// count adds a batch and what came with it.
func (r *rehearsal) count(item *importer.Item, b *importer.Batch) {
	for i := range item.Rejects {
		x := &item.Rejects[i]
		known := r.reasons[x.Reason]
		if known == nil {
			known = &importer.Reason{Reason: x.Reason, First: x.Origin()}
			r.reasons[x.Reason] = known
		}
		known.Points++
		r.sum.Rejected++
		r.sum.Points++
	}
	if b.Points == 0 {
		return
	}
	r.places.add(b.Place, b)
	r.sum.Points += int64(b.Points)
	r.sum.Bytes += int64(len(b.Text))
	r.sum.Span = r.sum.Span.Union(b.Span)
}

func (r *rehearsal) summary() *importer.Summary {
	for _, reason := range r.reasons {
		r.sum.Reasons = append(r.sum.Reasons, *reason)
	}
	slices.SortFunc(r.sum.Reasons, func(a, b importer.Reason) int {
		return cmp.Or(cmp.Compare(b.Points, a.Points), cmp.Compare(a.Reason, b.Reason))
	})
	return r.sum
}

// compare finds out whether the target, as it is and as the statements would make it,
// takes the points.
func (r *rehearsal) compare(ctx context.Context) error {
	ranges := map[importer.Place]point.TimeRange{}
	for place, p := range r.places {
		ranges[place] = p.span
	}
	return r.guard.Ranges(ctx, ranges)
}
