// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shardlift/shardlift/meta"
	"github.com/shardlift/shardlift/target"
)

// database is what is known of one on the target.
type database struct {
	name    string
	there   bool // it exists, or is to be made (planned)
	planned bool
	made    bool // by this run
	visible bool // its policies could be read, so policies has them all
	claimed bool // a statement said which policy is the default one
	list    []policy
}

// policy is one as the target has it, or as it is to be made.
type policy struct {
	name            string
	duration, shard time.Duration // duration 0 is infinite
	replication     int
	isDefault       bool
	future, past    time.Duration // write limits of 1.12; 0: none
	planned, made   bool
}

// policy finds one by its name, "" being the default one.
func (db *database) policy(name string) (policy, bool) {
	for _, p := range db.list {
		if p.name == name || name == "" && p.isDefault {
			return p, true
		}
	}
	return policy{}, false
}

func (db *database) hasDefault() bool {
	_, ok := db.policy("")
	return ok
}

// load gives what is known of a database, and asks the target if that is not known yet.
func (c *Checker) load(ctx context.Context, name string) (*database, error) {
	if db, ok := c.databases[name]; ok {
		return db, nil
	}
	return c.reload(ctx, name)
}

// reload asks the target. What is planned and still not there stays so.
func (c *Checker) reload(ctx context.Context, name string) (*database, error) {
	db, err := c.fetch(ctx, name)
	if err != nil {
		return nil, err
	}
	db.made = slices.Contains(c.report.Made, Object{Database: name})
	db.claimed = c.claimed[name]
	for i := range db.list {
		db.list[i].made = slices.Contains(c.report.Made, Object{Database: name, Policy: db.list[i].name})
	}
	if old := c.databases[name]; old != nil {
		db.claimed = old.claimed
		if !db.there && old.planned {
			db.there, db.planned, db.visible = true, true, true
		}
		for _, p := range old.list {
			if p.planned && !slices.ContainsFunc(db.list, func(q policy) bool { return q.name == p.name }) {
				db.list = append(db.list, p)
			}
		}
	}
	c.databases[name] = db
	return db, nil
}

// fetch asks the target for a database.
func (c *Checker) fetch(ctx context.Context, name string) (*database, error) {
	series, err := c.query(ctx, "SHOW RETENTION POLICIES ON "+meta.QuoteIdent(name))
	switch {
	case err == nil:
		list, err := readPolicies(series)
		if err != nil {
			return nil, fmt.Errorf("read policies of database %s: %w", meta.QuoteIdent(name), err)
		}
		return &database{name: name, there: true, visible: true, list: list}, nil
	case noDatabase(err):
		return &database{name: name}, nil
	case forbidden(err) || noQueries(err):
		return c.fetchBlind(ctx, name)
	}
	return nil, fmt.Errorf("ask for the policies of database %s: %w", meta.QuoteIdent(name), err)
}

// fetchBlind finds out by an empty write whether a database is there.
func (c *Checker) fetchBlind(ctx context.Context, name string) (*database, error) {
	err := c.touch(ctx, name, "")
	switch {
	case err == nil || forbidden(err) || noPolicy(err):
		return &database{name: name, there: true}, nil
	case noDatabase(err):
		return &database{name: name}, nil
	}
	return nil, fmt.Errorf("test writing to database %s: %w", meta.QuoteIdent(name), err)
}

// readPolicies reads an answer to SHOW RETENTION POLICIES. Columns that are not known
// are passed over.
func readPolicies(series []target.Series) ([]policy, error) {
	var list []policy
	for _, s := range series {
		for _, row := range s.Values {
			p, err := readPolicy(s.Columns, row)
			if err != nil {
				return nil, err
			}
			list = append(list, p)
		}
	}
	return list, nil
}

func readPolicy(columns []string, row []any) (p policy, err error) {
	var problems []error
	for i, name := range columns[:min(len(columns), len(row))] {
		text := fmt.Sprint(row[i])
		var to *time.Duration
		switch name {
		case "name":
			p.name, _ = row[i].(string)
		case "duration":
			to = &p.duration
		case "shardGroupDuration":
			to = &p.shard
		case "futureWriteLimit":
			to = &p.future
		case "pastWriteLimit":
			to = &p.past
		case "replicaN":
			if p.replication, err = readCount(row[i]); err != nil {
				problems = append(problems, err)
			}
		case "default":
			p.isDefault, _ = row[i].(bool)
		}
		if to != nil && row[i] != nil {
			if *to, err = time.ParseDuration(text); err != nil {
				problems = append(problems, fmt.Errorf("column %s: %w", name, err))
			}
		}
	}
	if p.name == "" {
		problems = append(problems, errors.New("the answer has no names"))
	}
	return p, errors.Join(problems...)
}

func readCount(v any) (int, error) {
	switch n := v.(type) {
	case json.Number:
		i, err := strconv.ParseInt(n.String(), 10, 32)
		return int(i), err
	case nil:
		return 0, nil
	}
	return 0, fmt.Errorf("column replicaN: %v is no number", v)
}

// dataNodes counts the data nodes of a cluster; 0 where the target does not tell.
// Clusters answer SHOW SERVERS with the series data_nodes, very old ones with a nameless
// one; single servers have no such statement.
func (c *Checker) dataNodes(ctx context.Context) int {
	if c.nodes >= 0 {
		return c.nodes
	}
	series, err := c.target.Query(ctx, "", "SHOW SERVERS")
	if err != nil {
		if !target.Retryable(err) && ctx.Err() == nil {
			c.nodes = 0
		}
		return 0
	}
	c.nodes = 0
	for _, s := range series {
		if s.Name == "data_nodes" || s.Name == "" && slices.Contains(s.Columns, "cluster_addr") {
			c.nodes += len(s.Values)
		}
	}
	return c.nodes
}

// databaseNames lists the databases that the user may see; nil where they cannot be told.
func (c *Checker) databaseNames(ctx context.Context) []string {
	series, err := c.target.Query(ctx, "", "SHOW DATABASES")
	if err != nil {
		return nil
	}
	var names []string
	for _, s := range series {
		for _, row := range s.Values {
			if len(row) == 0 {
				continue
			}
			if name, ok := row[0].(string); ok && name != "_internal" {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// What targets say. The words have been the same in all versions of 1.x.

func says(err error, words ...string) bool {
	e, ok := errors.AsType[*target.Error](err)
	if !ok {
		return false
	}
	text := strings.ToLower(e.Message)
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
}

func hasStatus(err error, list ...int) bool {
	e, ok := errors.AsType[*target.Error](err)
	return ok && slices.Contains(list, e.Status)
}

func noDatabase(err error) bool { return says(err, "database not found") }

func noPolicy(err error) bool { return says(err, "retention policy not found") }

func alreadyThere(err error) bool { return says(err, "already exists") }

// forbidden says that the user is known and has not the right.
func forbidden(err error) bool {
	return hasStatus(err, http.StatusForbidden) || says(err, "not authorized to", "error authorizing query")
}

// noQueries says that the target takes writes only.
func noQueries(err error) bool {
	return hasStatus(err, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented) && !noDatabase(err)
}
