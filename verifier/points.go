// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"cmp"
	"slices"
	"strings"

	"github.com/shardlift/shardlift/internal/jsonbytes"
	"github.com/shardlift/shardlift/point"
)

// Points lists single values that differ. The sums hold what was found; with AtLeast set
// there is more than was looked into.
type Points struct {
	Missing   int64             `json:"missing"`   // values that only the input has
	Extra     int64             `json:"extra"`     // that only the target has
	Differing int64             `json:"differing"` // that differ
	AtLeast   bool              `json:"atLeast"`
	List      []PointDifference `json:"list"` // by place, measurement, series, time and field

	most int
}

// The ways in which a value differs.
const (
	Missing = "missing"
	Extra   = "extra"
	Differs = "differs"
)

// PointDifference is one value that differs. Values are as in line protocol.
type PointDifference struct {
	What             string
	Database, Policy string
	Measurement      string
	Series           string // its key as in line protocol, tags by their keys
	Field            string
	Time             int64
	Source, Target   string // "" where there is none
}

// MarshalJSON writes the time as RFC 3339 and the tags one by one.
func (d PointDifference) MarshalJSON() ([]byte, error) {
	_, tags := namesOf([]byte(d.Series))
	return jsonbytes.Marshal(struct {
		What        string            `json:"what"`
		Database    string            `json:"database"`
		Policy      string            `json:"policy"`
		Measurement string            `json:"measurement"`
		Tags        map[string]string `json:"tags"`
		Field       string            `json:"field"`
		Time        string            `json:"time"`
		Source      string            `json:"source,omitempty"`
		Target      string            `json:"target,omitempty"`
	}{
		d.What, d.Database, d.Policy, d.Measurement, tags, d.Field,
		point.FormatTime(d.Time), d.Source, d.Target,
	})
}

// room is how many more can be listed.
func (p *Points) room() int {
	if p == nil {
		return 0
	}
	return p.most - len(p.List)
}

// bad reports whether something is missing or differs.
func (p *Points) bad() bool { return p != nil && p.Missing+p.Differing > 0 }

// bound counts a cell that was not looked into.
func (p *Points) bound(sent, there int64) {
	p.AtLeast = true
	p.Missing += max(0, sent-there)
	p.Extra += max(0, there-sent)
}

// absent counts a cell of which the target has nothing, so that there is no need to look.
func (p *Points) absent(sent, repeats int64) {
	if p != nil && sent > 0 {
		p.AtLeast = p.AtLeast || repeats > 0
		p.Missing += sent - repeats
	}
}

func (p *Points) sort() {
	if p != nil {
		slices.SortStableFunc(p.List, comparePoints)
	}
}

func comparePoints(a, b PointDifference) int {
	return cmp.Or(
		strings.Compare(a.Database, b.Database), strings.Compare(a.Policy, b.Policy), strings.Compare(a.Measurement, b.Measurement),
		strings.Compare(a.Series, b.Series), cmp.Compare(a.Time, b.Time), strings.Compare(a.Field, b.Field), strings.Compare(a.What, b.What),
	)
}

var tagEscaper = strings.NewReplacer(",", `\,`, "=", `\=`, " ", `\ `)

// seriesText gives the key of a series, from names as a person would type them.
func seriesText(measurement string, tags map[string]string) string {
	keys := make([]string, 0, len(tags))
	for key, value := range tags {
		if value != "" {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var b strings.Builder
	b.WriteString(escapeMeasurement(measurement))
	for _, key := range keys {
		b.WriteString("," + tagEscaper.Replace(key) + "=" + tagEscaper.Replace(tags[key]))
	}
	return b.String()
}

// seriesOf gives the same for a key as written.
func seriesOf(key []byte) string {
	return seriesText(namesOf(key))
}

// namesOf gives the measurement and the tags of a key as a person would type them.
func namesOf(key []byte) (measurement string, tags map[string]string) {
	raw, rest := point.SplitSeries(key)
	tags = map[string]string{}
	for {
		k, value, more, ok := point.NextTag(rest)
		if !ok {
			return point.UnescapeMeasurement(raw), tags
		}
		tags[point.UnescapeTag(k)] = point.UnescapeTag(value)
		rest = more
	}
}
