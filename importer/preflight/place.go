// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/meta"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/target"
)

// Place checks that a place is there and that the credentials can write to it, and says
// what its policy keeps. Its errors say what to do.
func (c *Checker) Place(ctx context.Context, p importer.Place) (importer.Limits, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	pol, err := c.resolve(ctx, p, false)
	if err == nil {
		err = c.writable(ctx, p, pol)
	}
	if err != nil {
		return importer.Limits{}, err
	}
	return c.limits(pol), nil
}

// NeedsRanges tells whether the policy of one of the places, which is there or planned,
// does not keep everything, so that Ranges needs to know the times of the data. Missing
// places are errors that say what to do.
func (c *Checker) NeedsRanges(ctx context.Context, places []importer.Place) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	needed := false
	var problems []error
	for _, p := range places {
		pol, err := c.resolve(ctx, p, true)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		limited := c.limits(pol).Oldest != math.MinInt64 || pol.future > 0
		needed = needed || limited && !c.opts.Force
	}
	return needed, errors.Join(problems...)
}

// Ranges checks all places before the first write: they are there or planned, the
// credentials can write to those that are there, and their policies keep the times of the
// data; those are not looked at where the window is empty. With Options.Force data that
// is too old is no error. One error tells of all places.
func (c *Checker) Ranges(ctx context.Context, ranges map[importer.Place]point.TimeRange) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var problems []error
	for _, p := range slices.SortedFunc(maps.Keys(ranges), comparePlaces) {
		pol, err := c.resolve(ctx, p, true)
		if err == nil && !pol.planned {
			err = c.writable(ctx, p, pol)
		}
		if err == nil {
			err = c.fits(p, pol, ranges[p])
		}
		if err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

func comparePlaces(a, b importer.Place) int {
	return cmp.Or(cmp.Compare(a.Database, b.Database), cmp.Compare(a.Policy, b.Policy))
}

// resolve finds the policy of a place, also among those that are only planned if they are
// to count. It is nameless where only an empty write can tell whether it is there.
func (c *Checker) resolve(ctx context.Context, p importer.Place, planned bool) (policy, error) {
	if p.Database == "" {
		return policy{}, errors.New("there are points that belong to no database: name it with --database")
	}
	if c.api == target.V2 {
		return policy{}, nil
	}
	if !meta.Sayable(p.Database) || p.Policy != "" && !meta.Sayable(p.Policy) {
		return policy{}, fmt.Errorf("InfluxQL cannot say the name of %s: rename it with --map-database or --map-retention", quotePlace(p))
	}
	db, err := c.load(ctx, p.Database)
	if err != nil {
		return policy{}, err
	}
	pol, ok := db.policy(p.Policy)
	if !db.there || db.planned && !planned || db.visible && (!ok || pol.planned && !planned) {
		// It may have come since, made by this run or by people who were told to.
		if db, err = c.reload(ctx, p.Database); err != nil {
			return policy{}, err
		}
		pol, ok = db.policy(p.Policy)
	}
	switch {
	case !db.there || db.planned && !planned:
		return policy{}, c.missingDatabase(ctx, p)
	case !db.visible:
		return policy{}, nil
	case !ok || pol.planned && !planned:
		return policy{}, c.missingPolicy(ctx, db, p)
	}
	return pol, nil
}

// writable sends an empty write to a place, once.
func (c *Checker) writable(ctx context.Context, p importer.Place, pol policy) error {
	if c.touched[p] {
		return nil
	}
	err := c.touch(ctx, p.Database, p.Policy)
	switch {
	case err == nil:
		if pol.name == "" && c.api != target.V2 {
			c.note("the user may not see the policies of database %s: what they keep could not be checked", meta.QuoteIdent(p.Database))
		}
		c.touched[p] = true
		return nil
	case c.api == target.V2:
		return writeError(p, err, "")
	case noDatabase(err):
		return c.missingDatabase(ctx, p)
	case noPolicy(err):
		return c.missingPolicy(ctx, &database{name: p.Database, there: true}, p)
	case hasStatus(err, http.StatusUnauthorized):
		return writeError(p, err, "check --username and --password-file, or the token")
	case forbidden(err):
		return writeError(p, err, "let an administrator run GRANT WRITE ON "+meta.QuoteIdent(p.Database)+" TO that user, or log in as another one")
	}
	return writeError(p, err, "")
}

// limits says what a policy keeps at this moment.
func (c *Checker) limits(p policy) importer.Limits {
	out := importer.Limits{Oldest: math.MinInt64, Shard: p.shard}
	keeps := p.duration
	if p.past > 0 && (keeps == 0 || p.past < keeps) {
		keeps = p.past
	}
	if keeps == 0 {
		return out
	}
	now := c.opts.Now().UnixNano()
	if out.Oldest = now - int64(keeps); out.Oldest > now { // went round
		out.Oldest = math.MinInt64
	}
	out.Policy = meta.QuoteIdent(p.name) + " keeps " + meta.FormatDuration(p.duration)
	if keeps != p.duration {
		out.Policy = meta.QuoteIdent(p.name) + " takes nothing older than " + meta.FormatDuration(p.past)
	}
	return out
}

// fits checks the times of the data of one place.
func (c *Checker) fits(p importer.Place, pol policy, data point.TimeRange) error {
	if data.Empty() {
		return nil
	}
	now := c.opts.Now()
	if pol.future > 0 && data.Max > now.Add(pol.future).UnixNano() {
		c.note("%s: there are points up to %s, and the policy takes nothing further ahead than %s: they will be rejected",
			quotePlace(p), point.FormatTime(data.Max), meta.FormatDuration(pol.future))
	}
	limits := c.limits(pol)
	if data.Min >= limits.Oldest {
		return nil
	}
	if c.opts.Force {
		c.note("%s: there are points from %s on, and policy %s: what is older than %s will be rejected",
			quotePlace(p), point.FormatTime(data.Min), limits.Policy, point.FormatTime(limits.Oldest))
		return nil
	}
	return tooOld(p, pol, data, limits, now)
}

// quotePlace gives a place for people.
func quotePlace(p importer.Place) string {
	if p.Policy == "" {
		return "database " + meta.QuoteIdent(p.Database)
	}
	return meta.QuoteIdent(p.Database) + "." + meta.QuoteIdent(p.Policy)
}
