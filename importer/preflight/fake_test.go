// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/target"
)

// fake is a target that no machine here has: a cluster, another version, one that fails.
type fake struct {
	answers map[string][]target.Series // to statements; others are taken without an answer
	errs    map[string][]error         // to statements and to "write db rp", one call each
	calls   []string
}

func (f *fake) Query(_ context.Context, _, statement string) ([]target.Series, error) {
	if err := f.call(statement); err != nil {
		return nil, err
	}
	return f.answers[statement], nil
}

func (f *fake) Write(_ context.Context, database, policy string, lines []byte) error {
	if len(lines) > 0 {
		return errors.New("points were written")
	}
	return f.call("write " + database + " " + policy)
}

func (f *fake) call(what string) error {
	f.calls = append(f.calls, what)
	if errs := f.errs[what]; len(errs) > 0 {
		f.errs[what] = errs[1:]
		return errs[0]
	}
	return nil
}

func inAnswer(text string) error {
	return &target.Error{Node: "n", Status: http.StatusOK, Message: text}
}

var temporary = &target.Error{Node: "n", Status: http.StatusServiceUnavailable, Message: "busy", Class: target.Overloaded}

// shows makes an answer to SHOW RETENTION POLICIES.
func shows(rows ...[]any) []target.Series {
	return []target.Series{{
		Columns: []string{"name", "duration", "shardGroupDuration", "replicaN", "futureWriteLimit", "pastWriteLimit", "default"},
		Values:  rows,
	}}
}

func TestReplicationOfClusters(t *testing.T) {
	nodes := func(name string, column string, n int) []target.Series {
		s := target.Series{Name: name, Columns: []string{"id", column}}
		for range n {
			s.Values = append(s.Values, []any{json.Number("1"), "host:8088"})
		}
		return []target.Series{s, {Name: "meta_nodes", Columns: s.Columns, Values: [][]any{{json.Number("9"), "m:8091"}}}}
	}
	tests := map[string]struct {
		servers []target.Series
		err     error
		asks    int // by option
		want    string
	}{
		"enough":        {servers: nodes("data_nodes", "tcp_addr", 3), want: "3"},
		"too few":       {servers: nodes("data_nodes", "tcp_addr", 2), want: "2"},
		"very old":      {servers: nodes("", "cluster_addr", 2), want: "2"},
		"by option":     {servers: nodes("data_nodes", "tcp_addr", 4), asks: 5, want: "4"},
		"one is enough": {servers: nodes("data_nodes", "tcp_addr", 4), asks: 1, want: "1"},
		"not known":     {err: &target.Error{Status: http.StatusBadRequest, Message: "error parsing query: found SERVERS"}, want: "3"},
		"answers oddly": {want: "3"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			made := `CREATE DATABASE "d" WITH REPLICATION ` + tt.want + ` NAME "p"`
			f := &fake{
				answers: map[string][]target.Series{
					"SHOW SERVERS":                   tt.servers,
					`SHOW RETENTION POLICIES ON "d"`: shows([]any{"p", "0s", "168h0m0s", json.Number(tt.want), "0s", "0s", true}),
				},
				errs: map[string][]error{
					"SHOW SERVERS":                   {tt.err},
					`SHOW RETENTION POLICIES ON "d"`: {inAnswer("database not found: d")},
				},
			}
			c := New(f, target.V1, Options{Replication: tt.asks})
			if err := c.Statements(t.Context(), []string{"CREATE DATABASE d WITH REPLICATION 3 NAME p"}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{made}, c.Report().Run); diff != "" {
				t.Error(diff)
			}
			capped := strings.Contains(strings.Join(c.Report().Notes, "\n"), "data nodes")
			if want := tt.servers != nil && tt.asks != 1 && tt.want != "3"; capped != want {
				t.Errorf("notes %q", c.Report().Notes)
			}
		})
	}
}

// A cluster may take a moment to show what it made, and may make something else.
func TestConfirm(t *testing.T) {
	const show = `SHOW RETENTION POLICIES ON "d"`
	missing := inAnswer("database not found: d")
	f := &fake{
		answers: map[string][]target.Series{show: shows([]any{"p", "48h0m0s", "24h0m0s", json.Number("1"), "0s", "0s", true})},
		errs:    map[string][]error{show: {missing, missing}},
	}
	c := New(f, target.V1, Options{})
	if err := c.Statements(t.Context(), []string{"CREATE DATABASE d WITH DURATION 1d NAME p"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Difference{{"d", "p", "duration", "1d", "2d"}}, c.Report().Differences); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Object{{"d", ""}, {"d", "p"}}, c.Report().Made); diff != "" {
		t.Error(diff)
	}
}

func TestRetries(t *testing.T) {
	const show, create = `SHOW RETENTION POLICIES ON "d"`, `CREATE DATABASE "d"`
	f := &fake{
		answers: map[string][]target.Series{show: shows([]any{"autogen", "0s", "168h0m0s", json.Number("1"), nil, nil, true})},
		errs: map[string][]error{
			show:         {temporary, inAnswer("database not found: d"), temporary},
			create:       {temporary},
			"write d ":   {temporary},
			"write d p":  {temporary, temporary},
			"write no p": {&target.Error{Status: http.StatusInternalServerError, Class: target.Temporary, Message: "retention policy not found: p"}},
		},
	}
	c := New(f, target.V1, Options{})
	if err := c.Statements(t.Context(), []string{"CREATE DATABASE d"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Place(t.Context(), importer.Place{Database: "d"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Place(t.Context(), importer.Place{Database: "d"}); err != nil {
		t.Fatal(err)
	}
	want := []string{show, show, create, create, show, show, "write d ", "write d "}
	if diff := cmp.Diff(want, f.calls); diff != "" {
		t.Error(diff)
	}
	impatient := New(f, target.V1, Options{RetryFor: -1})
	if err := impatient.touch(t.Context(), "d", "p"); !errors.Is(err, error(temporary)) {
		t.Errorf("%v", err)
	}
	if err := c.touch(t.Context(), "no", "p"); !noPolicy(err) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("enough")
	cancel(stop)
	if err := c.touch(ctx, "d", "p"); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}

func TestV2(t *testing.T) {
	f := &fake{errs: map[string][]error{
		"write d q": {&target.Error{Node: "n", Status: http.StatusNotFound, Message: `bucket "d/q" not found`}},
	}}
	c := New(f, target.V2, Options{})
	if err := c.Plan(t.Context(), []string{"CREATE DATABASE d"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Statements(t.Context(), []string{"CREATE DATABASE d", "CREATE USER u WITH PASSWORD 'x'"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`CREATE DATABASE "d"`, "CREATE USER u WITH PASSWORD <password>"}, c.Report().Skipped); diff != "" {
		t.Error(diff)
	}
	if len(c.Report().Notes) != 1 {
		t.Errorf("notes %q", c.Report().Notes)
	}
	p := importer.Place{Database: "d", Policy: "p"}
	if needed, err := c.NeedsRanges(t.Context(), []importer.Place{p}); needed || err != nil {
		t.Errorf("%v, %v", needed, err)
	}
	if err := c.Ranges(t.Context(), map[importer.Place]point.TimeRange{p: point.AllTime}); err != nil {
		t.Error(err)
	}
	if got, err := c.Place(t.Context(), p); err != nil || got.Oldest != math.MinInt64 {
		t.Errorf("%+v, %v", got, err)
	}
	_, err := c.Place(t.Context(), importer.Place{Database: "d", Policy: "q"})
	wants(t, err, `test writing to "d"."q"`, `bucket "d/q" not found`)
	if diff := cmp.Diff([]string{"write d p", "write d q"}, f.calls); diff != "" {
		t.Error(diff)
	}
	printing := New(f, target.V2, Options{Mode: Print})
	if err := printing.Statements(t.Context(), []string{"CREATE DATABASE d"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`CREATE DATABASE "d"`}, printing.Report().Printed); diff != "" {
		t.Error(diff)
	}
}

// 1.12 has limits of its own for what is written.
func TestWriteLimits(t *testing.T) {
	now := time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
	f := &fake{answers: map[string][]target.Series{
		`SHOW RETENTION POLICIES ON "d"`: shows([]any{"p", "720h0m0s", "24h0m0s", json.Number("1"), "1h0m0s", "48h0m0s", true}),
	}}
	c := New(f, target.V1, Options{Now: func() time.Time { return now }})
	p := importer.Place{Database: "d"}
	got, err := c.Place(t.Context(), p)
	want := importer.Limits{Oldest: now.Add(-48 * time.Hour).UnixNano(), Policy: `"p" takes nothing older than 2d`, Shard: 24 * time.Hour}
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	err = c.Ranges(t.Context(), map[importer.Place]point.TimeRange{p: {Min: got.Oldest - 1, Max: now.Add(2 * time.Hour).UnixNano()}})
	wants(t, err, "PAST LIMIT 0s", "takes nothing older than 2d")
	if notes := strings.Join(c.Report().Notes, "\n"); !strings.Contains(notes, "nothing further ahead than 1h") {
		t.Errorf("notes: %s", notes)
	}
}

// Targets that take writes only can be written to where nothing has to be made.
func TestNoQueries(t *testing.T) {
	none := &target.Error{Node: "n", Status: http.StatusNotFound, Message: "404 page not found"}
	f := &fake{errs: map[string][]error{
		`SHOW RETENTION POLICIES ON "d"`: {none, none},
		`SHOW RETENTION POLICIES ON "e"`: {none},
		`CREATE DATABASE "e"`:            {none},
		"write e ":                       {inAnswer("database not found")},
	}}
	c := New(f, target.V1, Options{})
	if _, err := c.Place(t.Context(), importer.Place{Database: "d"}); err != nil {
		t.Error(err)
	}
	wants(t, c.Statements(t.Context(), []string{"CREATE DATABASE e"}), "seems to take no statements", "--ddl skip")
}

func TestReadPolicies(t *testing.T) {
	columns := []string{"name", "duration", "replicaN"}
	tests := map[string]struct {
		row  []any
		want string
	}{
		"duration": {[]any{"p", "long", json.Number("1")}, "column duration"},
		"number":   {[]any{"p", "0s", "many"}, "column replicaN"},
		"name":     {[]any{nil, "0s", json.Number("1")}, "no names"},
		"short":    {[]any{}, "no names"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := readPolicies([]target.Series{{Columns: columns, Values: [][]any{tt.row}}})
			wants(t, err, tt.want)
		})
	}
}
