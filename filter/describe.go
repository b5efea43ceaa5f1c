// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"math"
	"slices"
	"strconv"

	"github.com/shardlift/shardlift/point"
)

// Description is a selection for the manifest and for telling whether two runs
// asked for the same. Lists are sorted and hold no text twice; times are absolute.
type Description struct {
	Databases           []string `json:"databases,omitempty"`
	Policies            []string `json:"policies,omitempty"`
	Shards              []string `json:"shards,omitempty"`
	Measurements        []string `json:"measurements,omitempty"`
	ExcludeMeasurements []string `json:"excludeMeasurements,omitempty"`
	Tags                []string `json:"tags,omitempty"` // key=pattern, key!=pattern
	Fields              []string `json:"fields,omitempty"`
	Start               string   `json:"start,omitempty"` // RFC 3339, UTC; empty: no bound
	End                 string   `json:"end,omitempty"`
	IncludeInternal     bool     `json:"includeInternal,omitempty"`
}

// Describe gives the selection in its canonical form. New on the same words gives
// an equal Selection, and flags that differ in order only are described alike.
func (s *Selection) Describe() Description {
	d := Description{
		Databases:           texts(s.databases),
		Policies:            texts(s.policies),
		Shards:              texts(s.shards),
		Measurements:        texts(s.measurements),
		ExcludeMeasurements: texts(s.exclude),
		Fields:              texts(s.fields),
		IncludeInternal:     s.includeInternal,
	}
	var ids []string
	for _, id := range sortedUnique(slices.Clone(s.shardIDs)) {
		ids = append(ids, strconv.FormatUint(id, 10))
	}
	d.Shards = append(ids, d.Shards...)
	for i := range s.tags {
		d.Tags = append(d.Tags, s.tags[i].texts()...)
	}
	d.Tags = sortedUnique(d.Tags)
	if s.window.Min != math.MinInt64 {
		d.Start = point.FormatTime(s.window.Min)
	}
	if s.window.Max != math.MaxInt64 {
		d.End = point.FormatTime(s.window.Max)
	}
	return d
}

func texts(patterns []Pattern) []string {
	var out []string
	for i := range patterns {
		out = append(out, patterns[i].text)
	}
	return sortedUnique(out)
}

func sortedUnique[T string | uint64](list []T) []T {
	slices.Sort(list)
	return slices.Compact(list)
}
