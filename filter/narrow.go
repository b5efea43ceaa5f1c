// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"regexp"

	"github.com/shardlift/shardlift/point"
)

// Narrowing says what to take of what a selection takes.
type Narrowing struct {
	Databases, Policies []string // names; none: all
	Measurement         string
	Window              point.TimeRange
}

// Narrow gives a selection that takes what both take.
func (s *Selection) Narrow(n Narrowing) *Selection {
	out := *s
	out.window = s.window.Intersect(n.Window)
	out.databases = literals(n.Databases, s.databases, s.Database)
	out.policies = literals(n.Policies, s.policies, s.Policy)
	if s.Measurement(n.Measurement) {
		out.measurements = literals([]string{n.Measurement}, nil, nil)
	} else {
		out.exclude = literals([]string{n.Measurement}, nil, nil)
		out.measurements = out.exclude
	}
	return &out
}

// literals gives patterns for those names that were taken before. Without names nothing
// changes; where none is left, what is given takes nothing but the empty name.
func literals(names []string, before []Pattern, taken func(string) bool) []Pattern {
	if len(names) == 0 {
		return before
	}
	out := []Pattern{}
	for _, name := range names {
		if taken == nil || taken(name) {
			out = append(out, Pattern{text: Quote(name), literal: name})
		}
	}
	if len(out) == 0 {
		out = append(out, Pattern{})
	}
	return out
}

// Measurement reports whether Series can be true of a series of that measurement.
func (s *Selection) Measurement(name string) bool {
	return (len(s.measurements) == 0 || anyMatch(s.measurements, []byte(name))) && !anyMatch(s.exclude, []byte(name))
}

// TagRule is what a selection says of one tag: its value, which is empty where a series
// does not have the tag, must match one of Want, if there are any, and none of Not.
type TagRule struct {
	Key       string
	Want, Not []Pattern
}

// TagRules gives what is said of tags, by key. All of them must agree.
func (s *Selection) TagRules() []TagRule {
	var out []TagRule
	for _, c := range s.tags {
		out = append(out, TagRule{c.key, c.want, c.not})
	}
	return out
}

// Expr gives a regular expression that finds something in the names that the pattern
// matches, and in no others.
func (p *Pattern) Expr() string {
	if p.re == nil {
		return `\A` + regexp.QuoteMeta(p.literal) + `\z`
	}
	return p.re.String()
}
