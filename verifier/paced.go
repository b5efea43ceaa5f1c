// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/time/rate"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/target"
)

// Asker answers queries: *target.Target.
type Asker interface {
	// Each runs one query and hands out its answer in chunks. Errors that say what to
	// do are *target.Error.
	Each(ctx context.Context, database, statement string, out func(target.Series) error) error
	// Rows does so row by row; kinds are the casts of the columns behind the time.
	Rows(ctx context.Context, database, statement string, kinds []point.Kind, out target.RowSink) error
}

// Paced asks a target one query after the other, no more of them a second than was
// allowed, and again where their failure may pass. It belongs to one goroutine.
type Paced struct {
	t       Asker
	limiter *rate.Limiter
	queries int64 // attempts
	slow    bool  // a query took too long, and the least of it did not
}

// NewPaced gives one for a number of queries a second; 0: no limit.
func NewPaced(t Asker, queryRate float64) *Paced {
	q := &Paced{t: t, limiter: rate.NewLimiter(rate.Inf, 1)}
	if queryRate > 0 {
		q.limiter.SetLimit(rate.Limit(queryRate))
	}
	return q
}

// Queries is how many were sent.
func (q *Paced) Queries() int64 { return q.queries }

// rows runs a query for rows of so many columns, the first of which may be a time.
func (q *Paced) rows(ctx context.Context, ask question, columns int, start func(), row func(name string, values []any) error) error {
	return q.try(ctx, ask, start, func() error {
		return q.t.Each(ctx, ask.database, ask.statement, func(s target.Series) error {
			for _, r := range s.Values {
				if len(r) != columns {
					return fmt.Errorf("an answer has %d columns for %d", len(r), columns)
				}
				if err := row(s.Name, r); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// isAbsent reports whether the target does not have the database or the policy.
func isAbsent(err error) bool {
	e, ok := errors.AsType[*target.Error](err)
	return ok && e.Class == target.Fatal &&
		(strings.Contains(e.Message, "database not found") || strings.Contains(e.Message, "retention policy not found"))
}

// whole reads a number of an answer.
func whole(v any) (int64, error) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, fmt.Errorf("read an answer: %v is no number", v)
	}
	return n.Int64()
}
