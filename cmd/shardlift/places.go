// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"slices"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/meta"
	"github.com/shardlift/shardlift/point"
)

// placeOutcome is what was read for a place of the target.
type placeOutcome struct {
	Database string `json:"database"`
	Policy   string `json:"policy"` // "" is the default one
	Points   int64  `json:"points"`
	Bytes    int64  `json:"bytes"` // of text
	Start    string `json:"start"`
	End      string `json:"end"`

	span point.TimeRange
}

// name writes the place as InfluxQL does.
func (p *placeOutcome) name() string {
	if p.Policy == "" {
		return meta.QuoteIdent(p.Database)
	}
	return meta.QuoteIdent(p.Database) + "." + meta.QuoteIdent(p.Policy)
}

// placeTally counts what is read, by place.
type placeTally map[importer.Place]*placeOutcome

// add adds a batch that has points.
func (t placeTally) add(place importer.Place, b *importer.Batch) {
	p := t[place]
	if p == nil {
		p = &placeOutcome{Database: place.Database, Policy: place.Policy, span: point.NoTime}
		t[place] = p
	}
	p.Points += int64(b.Points)
	p.Bytes += int64(len(b.Text))
	p.span = p.span.Union(b.Span)
}

// list gives the places by name.
func (t placeTally) list() []placeOutcome {
	out := []placeOutcome{}
	for _, p := range t {
		one := *p
		one.Start, one.End = timeText(p.span.Min), timeText(p.span.Max)
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b placeOutcome) int {
		return cmp.Or(cmp.Compare(a.Database, b.Database), cmp.Compare(a.Policy, b.Policy))
	})
	return out
}
