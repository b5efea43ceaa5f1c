// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/shardlift/shardlift/point"
)

// internalDatabase is where a server keeps its own monitoring data.
const internalDatabase = "_internal"

// Spec is a selection as the flags hold it: text, not yet checked. An empty list
// or text lets everything through.
type Spec struct {
	Databases           []string // patterns of --database
	Policies            []string // patterns of --retention: names of retention policies
	Shards              []string // patterns of --shard; a plain one is a decimal id
	Measurements        []string // patterns of --measurement
	ExcludeMeasurements []string // patterns of --exclude-measurement; they win over Measurements
	Tags                []string // --tag: key=pattern or key!=pattern
	Fields              []string // patterns of --field
	Start, End          string   // see ParseTime; both ends belong to the window
	IncludeInternal     bool     // take _internal also where no pattern names it exactly
}

// Selection says what to take. It is immutable: any number of goroutines may ask.
type Selection struct {
	databases, policies   []Pattern
	shardIDs              []uint64
	shards                []Pattern // globs and regular expressions only
	measurements, exclude []Pattern
	tags                  []tagClause
	fields                []Pattern
	window                point.TimeRange
	includeInternal       bool
}

// New checks and compiles a Spec; now is what relative times count from. Errors
// name the flag and its text.
func New(spec Spec, now time.Time) (*Selection, error) {
	s := &Selection{window: point.AllTime, includeInternal: spec.IncludeInternal}
	for _, list := range []struct {
		flag   string
		values []string
		into   *[]Pattern
	}{
		{"database", spec.Databases, &s.databases},
		{"retention", spec.Policies, &s.policies},
		{"measurement", spec.Measurements, &s.measurements},
		{"exclude-measurement", spec.ExcludeMeasurements, &s.exclude},
		{"field", spec.Fields, &s.fields},
	} {
		for _, text := range list.values {
			p, err := ParsePattern(text)
			if err != nil {
				return nil, flagError(list.flag, text, err)
			}
			*list.into = append(*list.into, p)
		}
	}
	if err := s.parseShards(spec.Shards); err != nil {
		return nil, err
	}
	var err error
	if s.tags, err = parseTags(spec.Tags); err != nil {
		return nil, err
	}
	if err := s.parseWindow(spec.Start, spec.End, now); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Selection) parseShards(values []string) error {
	for _, text := range values {
		p, err := ParsePattern(text)
		if err != nil {
			return flagError("shard", text, err)
		}
		name, ok := p.Literal()
		if !ok {
			s.shards = append(s.shards, p)
			continue
		}
		id, err := strconv.ParseUint(name, 10, 64)
		if err != nil {
			return flagError("shard", text, errors.New("not a shard id"))
		}
		s.shardIDs = append(s.shardIDs, id)
	}
	return nil
}

func (s *Selection) parseWindow(start, end string, now time.Time) error {
	var err error
	if start != "" {
		if s.window.Min, err = ParseTime(start, now); err != nil {
			return flagError("start", start, err)
		}
	}
	if end != "" {
		if s.window.Max, err = ParseTime(end, now); err != nil {
			return flagError("end", end, err)
		}
	}
	if s.window.Empty() {
		return fmt.Errorf("--start %s lies after --end %s", point.FormatTime(s.window.Min), point.FormatTime(s.window.Max))
	}
	return nil
}

func flagError(flag, text string, err error) error {
	return fmt.Errorf("--%s %q: %w", flag, text, err)
}

// Database reports whether to take the database. _internal stays out unless it was
// asked for: by IncludeInternal, or by a pattern that is its plain name.
func (s *Selection) Database(name string) bool {
	hidden := name == internalDatabase && !s.includeInternal
	if len(s.databases) == 0 {
		return !hidden
	}
	for i := range s.databases {
		p := &s.databases[i]
		if p.MatchString(name) && (!hidden || p.re == nil) {
			return true
		}
	}
	return false
}

// Policy reports whether to take the retention policy of that name.
func (s *Selection) Policy(name string) bool {
	return len(s.policies) == 0 ||
		slices.ContainsFunc(s.policies, func(p Pattern) bool { return p.MatchString(name) })
}

// Shard reports whether to take the shard.
func (s *Selection) Shard(id uint64) bool {
	if len(s.shardIDs) == 0 && len(s.shards) == 0 || slices.Contains(s.shardIDs, id) {
		return true
	}
	var buf [20]byte
	return anyMatch(s.shards, strconv.AppendUint(buf[:0], id, 10))
}

// Takes reports whether a shard of that database and policy is to be taken, as far as that
// depends on the names.
func (s *Selection) Takes(database, policy string, id uint64) bool {
	return s.Database(database) && s.Policy(policy) && s.Shard(id)
}

// Series reports whether to take the series, by measurement and tags. Key is the
// stored, escaped series key; it is neither kept nor changed.
//
// Patterns that are plain names cost no allocation, but for keys with a backslash.
func (s *Selection) Series(key []byte) bool {
	if !s.HasSeriesFilter() {
		return true
	}
	name, tags := point.SplitSeries(key)
	if bytes.IndexByte(name, '\\') >= 0 {
		name = []byte(point.UnescapeMeasurement(name))
	}
	if len(s.measurements) > 0 && !anyMatch(s.measurements, name) || anyMatch(s.exclude, name) {
		return false
	}
	for i := range s.tags {
		if !s.tags[i].match(tags) {
			return false
		}
	}
	return true
}

// Field reports whether to take the field; name is the unescaped field key.
func (s *Selection) Field(name []byte) bool {
	return len(s.fields) == 0 || anyMatch(s.fields, name)
}

// Window gives the times to take, both ends included; point.AllTime if none was set.
func (s *Selection) Window() point.TimeRange { return s.window }

// HasSeriesFilter reports whether Series can say no.
func (s *Selection) HasSeriesFilter() bool {
	return len(s.measurements)+len(s.exclude)+len(s.tags) > 0
}

// HasFieldFilter reports whether Field can say no.
func (s *Selection) HasFieldFilter() bool { return len(s.fields) > 0 }

// Everything reports whether nothing was left out by choice. That _internal stays
// out unless asked for does not count.
func (s *Selection) Everything() bool {
	return len(s.databases)+len(s.policies)+len(s.shardIDs)+len(s.shards) == 0 &&
		!s.HasSeriesFilter() && !s.HasFieldFilter() && s.window == point.AllTime
}
