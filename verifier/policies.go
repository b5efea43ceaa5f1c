// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shardlift/shardlift/internal/jsonbytes"
	"github.com/shardlift/shardlift/meta"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/target"
)

// policy is a retention policy of the target. A duration of 0 is for ever, or not known.
type policy struct {
	name            string
	isDefault       bool
	duration, shard time.Duration
}

// policies asks for those of a database.
func (q *Paced) policies(ctx context.Context, database string) (list []policy, err error) {
	ask := question{database: database}
	var b strings.Builder
	b.WriteString("SHOW RETENTION POLICIES ON ")
	appendIdent(&b, database)
	ask.statement = b.String()
	err = q.try(ctx, ask, func() { list = nil }, func() error {
		return q.t.Each(ctx, database, ask.statement, func(s target.Series) error {
			for _, row := range s.Values {
				list = append(list, policyOf(s.Columns, row))
			}
			return nil
		})
	})
	return list, err
}

// policyOf reads what it knows of a row. What a server writes in another way is not known.
func policyOf(columns []string, row []any) (p policy) {
	for i, column := range columns[:min(len(columns), len(row))] {
		said, _ := row[i].(string)
		switch column {
		case "name":
			p.name = said
		case "duration":
			p.duration, _ = time.ParseDuration(said)
		case "shardGroupDuration":
			p.shard, _ = time.ParseDuration(said)
		case "default":
			p.isDefault = row[i] == true
		}
	}
	return p
}

// DefaultPolicy gives the name of a database's default retention policy; "" where there is
// no such database, or it has none.
func (q *Paced) DefaultPolicy(ctx context.Context, database string) (string, error) {
	if database == "" || !speakable(database) {
		return "", nil
	}
	list, err := q.policies(ctx, database)
	if isAbsent(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("ask for the policies of %s: %w", database, err)
	}
	for _, p := range list {
		if p.isDefault {
			return p.name, nil
		}
	}
	return "", nil
}

// Expired says how many of the missing values of a place are older than what its policy
// keeps: a target drops such values when they are written, and those that it has with their
// whole shard.
type Expired struct {
	Database, Policy        string
	Duration, ShardDuration time.Duration // of the policy, as it is now
	Before                  time.Time     // what is older is not kept
	Values                  int64         // of the missing ones
	InExpiredShards         int64         // of them, those whose whole shard is so old
	AtLeast                 bool          // other cells with missing values reach from before to behind that time
}

// MarshalJSON writes the time as RFC 3339 and durations as InfluxQL does.
func (e Expired) MarshalJSON() ([]byte, error) {
	return jsonbytes.Marshal(struct {
		Database        string `json:"database"`
		Policy          string `json:"policy"`
		Duration        string `json:"duration"`
		ShardDuration   string `json:"shardDuration,omitempty"`
		Before          string `json:"before"`
		Values          int64  `json:"values"`
		InExpiredShards int64  `json:"inExpiredShards"`
		AtLeast         bool   `json:"atLeast"`
	}{
		e.Database, e.Policy, meta.FormatDuration(e.Duration), shardText(e.ShardDuration), point.FormatTime(e.Before.UnixNano()),
		e.Values, e.InExpiredShards, e.AtLeast,
	})
}

func shardText(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return meta.FormatDuration(d)
}

// add counts missing values of a cell.
func (e *Expired) add(span point.TimeRange, missing int64) {
	cut := e.Before.UnixNano()
	switch {
	case missing == 0 || span.Min >= cut:
	case span.Max >= cut:
		e.AtLeast = true
	default:
		e.Values += missing
		// Groups of shards are counted from the year 1.
		end := time.Unix(0, span.Max).UTC().Truncate(e.ShardDuration).Add(e.ShardDuration)
		if e.ShardDuration > 0 && end.Before(e.Before) {
			e.InExpiredShards += missing
		}
	}
}

// judge puts a cell where it belongs.
func (v *comparison) judge(f *findings, d Difference) {
	before := v.report.MissingValues
	v.report.judge(d, v.opts.MostListed)
	if f.expired != nil {
		f.expired.add(d.Span, v.report.MissingValues-before)
	}
}

// learnPolicy asks once for the policy of a place in which values are missing, and once for
// all of a database. A target that does not tell may keep everything.
func (v *comparison) learnPolicy(ctx context.Context, j *job) error {
	if j.policyKnown {
		return nil
	}
	j.policyKnown = true
	list, known := v.policies[j.p.database]
	if !known {
		var err error
		list, err = v.ask.policies(ctx, j.p.database)
		if _, said := errors.AsType[*target.Error](err); err != nil && (!said || target.Retryable(err) || ctx.Err() != nil) {
			return fmt.Errorf("ask for the policies: %w", err)
		}
		v.policies[j.p.database] = list
	}
	for _, p := range list {
		if (p.name == j.p.policy || j.p.policy == "" && p.isDefault) && p.duration > 0 {
			j.expired = &Expired{
				Database: j.p.database, Policy: p.name, Duration: p.duration, ShardDuration: p.shard, Before: v.opts.Now().Add(-p.duration),
			}
		}
	}
	return nil
}

// tellExpired puts into the report what of a place was too old.
func (v *comparison) tellExpired(j *job) {
	if e := j.expired; e != nil && (e.Values > 0 || e.AtLeast) {
		v.report.Expired = append(v.report.Expired, *e)
		v.report.ExpiredValues += e.Values
	}
}
