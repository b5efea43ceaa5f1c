// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"github.com/shardlift/shardlift/internal/jsonbytes"
	"github.com/shardlift/shardlift/point"
)

// Report is what a comparison found. Compared and the lists go by cells: one field of one
// measurement in one time bucket, as far as its values are of one kind. A list holds the
// first Options.MostListed; the sums hold all.
type Report struct {
	Compared int64 `json:"compared"` // cells that the target was asked for
	Values   int64 `json:"values"`   // sent in them
	Repeats  int64 `json:"repeats"`  // values that came again in the input, where it was read again

	// Missing is where the target has fewer values than were sent.
	Missing       []Difference `json:"missing,omitempty"`
	MissingCells  int64        `json:"missingCells"`
	MissingValues int64        `json:"missingValues"` // at least
	// Expired says, by place, how many of them the policy of the target does not keep.
	Expired       []Expired `json:"expired,omitempty"`
	ExpiredValues int64     `json:"expiredValues"` // of MissingValues, at least
	// More is where the target has more: data of its own. Where Extra was asked for it also
	// lists fields and measurements of which the input has nothing.
	More       []Difference `json:"more,omitempty"`
	MoreCells  int64        `json:"moreCells"`
	MoreValues int64        `json:"moreValues"`
	// Uncertain is where the target has fewer than were sent, and perhaps no fewer than
	// differ.
	Uncertain       []Difference `json:"uncertain,omitempty"`
	UncertainCells  int64        `json:"uncertainCells"`
	UncertainValues int64        `json:"uncertainValues"` // that may be missing, at the most
	// Unasked is what no query can ask for, or was not counted; by measurement or field.
	Unasked       []Difference `json:"unasked,omitempty"`
	UnaskedValues int64        `json:"unaskedValues"`
	// Uncounted is how many of them the target did not count, or the counter had no room for:
	// another server, or less at a time, could tell.
	Uncounted int64 `json:"uncounted"`

	// Unsearched is, with Extra, what only the target has and no query can ask for. Whether
	// it has values of it in the window is not known.
	Unsearched      []Unsearched `json:"unsearched,omitempty"`
	UnsearchedNames int64        `json:"unsearchedNames"`

	Extra bool `json:"extra"` // what the target has beyond was looked for
	Exact bool `json:"exact"` // values were compared
	// Differing is where, with Exact, the target has as many values, but not the same.
	Differing      []Difference `json:"differing,omitempty"`
	DifferingCells int64        `json:"differingCells"`
	// Types lists, with Exact, fields that have another numeric type on the target.
	Types      []TypeDifference `json:"types,omitempty"`
	TypeFields int64            `json:"typeFields"`
	// Mixed lists, with Exact, fields that have several numeric types on the target: which of
	// them a number has there is not known, and was not compared.
	Mixed       []TypeDifference `json:"mixed,omitempty"`
	MixedFields int64            `json:"mixedFields"`
	// Unproven is how many values, with Exact, were only counted.
	Unproven int64 `json:"unproven"`
	// Points is what became of the search for single values; nil where there was none.
	Points  *Points `json:"points,omitempty"`
	Queries int64   `json:"queries"` // that were sent
	// ValuesCompared is how many values, with Exact, were compared one by one.
	ValuesCompared int64 `json:"valuesCompared"`
}

// Proven reports whether all that was sent was found.
func (r *Report) Proven() bool { return r.Equal() && r.UnaskedValues == 0 && r.Unproven == 0 }

// Equal reports whether nothing of what was sent is missing, uncertain or different. That
// the target has more does not count.
func (r *Report) Equal() bool {
	return r.MissingCells == 0 && r.UncertainCells == 0 && r.DifferingCells == 0 && r.TypeFields == 0 && !r.Points.bad()
}

// Unsearched is a measurement, or a field of one, that the target lists.
type Unsearched struct {
	Database    string `json:"database"`
	Policy      string `json:"policy"`
	Measurement string `json:"measurement"`
	Field       string `json:"field,omitempty"` // "" is all of them
	Reason      string `json:"reason"`
}

func (r *Report) unsearched(u Unsearched, most int) {
	r.UnsearchedNames++
	if len(r.Unsearched) < most {
		r.Unsearched = append(r.Unsearched, u)
	}
}

// TypeDifference says what numeric types a field has in the source and on the target.
type TypeDifference struct {
	Database    string   `json:"database"`
	Policy      string   `json:"policy"`
	Measurement string   `json:"measurement"`
	Field       string   `json:"field"`
	Source      []string `json:"source"` // all types of its numbers
	Target      []string `json:"target"`
}

func (r *Report) differentTypes(d TypeDifference, most int) {
	r.TypeFields++
	if len(r.Types) < most {
		r.Types = append(r.Types, d)
	}
}

func (r *Report) mixedTypes(d TypeDifference, most int) {
	r.MixedFields++
	if len(r.Mixed) < most {
		r.Mixed = append(r.Mixed, d)
	}
}

// Difference is a cell in which the target has another number of values than were sent.
type Difference struct {
	Database    string
	Policy      string // "" is the default policy
	Measurement string // as a person would type it
	Field       string // likewise; "" in Unasked is all of them
	Kind        string // number, string or boolean
	Span        point.TimeRange
	Sent        int64 // values that differ, as far as is known; see Repeats
	There       int64
	// Repeats is how many of Sent may be repeats of others.
	Repeats int64
	Reason  string // in words, where there is something to say
}

// MarshalJSON writes times as RFC 3339.
func (d Difference) MarshalJSON() ([]byte, error) {
	doc := struct {
		Database    string `json:"database"`
		Policy      string `json:"policy"`
		Measurement string `json:"measurement"`
		Field       string `json:"field,omitempty"`
		Kind        string `json:"kind,omitempty"`
		Start       string `json:"start,omitempty"`
		End         string `json:"end,omitempty"`
		Sent        int64  `json:"sent"`
		There       int64  `json:"there"`
		Repeats     int64  `json:"repeats,omitempty"`
		Reason      string `json:"reason,omitempty"`
	}{
		Database: d.Database, Policy: d.Policy, Measurement: d.Measurement, Field: d.Field, Kind: d.Kind,
		Sent: d.Sent, There: d.There, Repeats: d.Repeats, Reason: d.Reason,
	}
	if !d.Span.Empty() {
		doc.Start, doc.End = point.FormatTime(d.Span.Min), point.FormatTime(d.Span.Max)
	}
	return jsonbytes.Marshal(doc)
}

// list keeps a difference if there is room.
func list(to *[]Difference, most int, d Difference) {
	if len(*to) < most {
		*to = append(*to, d)
	}
}

// judge puts a cell where it belongs.
func (r *Report) judge(d Difference, most int) {
	if d.Sent == 0 {
		return
	}
	r.Compared++
	r.Values += d.Sent
	switch short := d.Sent - d.There; {
	case short == 0:
	case short < 0:
		r.more(d, most)
	case short > d.Repeats:
		r.MissingCells++
		r.MissingValues += short - d.Repeats
		list(&r.Missing, most, d)
	default:
		r.UncertainCells++
		r.UncertainValues += short
		if d.Reason == "" {
			d.Reason = mayRepeat
		}
		list(&r.Uncertain, most, d)
	}
}

// more notes a cell in which the target has more.
func (r *Report) more(d Difference, most int) {
	r.MoreCells++
	r.MoreValues += d.There - d.Sent
	list(&r.More, most, d)
}

// differ notes a cell whose values differ.
func (r *Report) differ(d Difference, most int) {
	r.DifferingCells++
	list(&r.Differing, most, d)
}

// skip notes what is not asked for.
func (r *Report) skip(d Difference, most int) {
	if d.Sent > 0 {
		r.UnaskedValues += d.Sent
		if d.Reason == tooMuch || d.Reason == noRoom {
			r.Uncounted += d.Sent
		}
		list(&r.Unasked, most, d)
	}
}
