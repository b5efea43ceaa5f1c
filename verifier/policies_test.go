// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/target"
)

// Missing values that the policy does not keep are counted, those of shards that are gone
// apart, and at the price of one query for all places of a database.
func TestExpired(t *testing.T) {
	now := time.Date(2024, 3, 15, 12, 0, 0, 0, time.UTC)
	at := func(month time.Month, day int) int64 {
		return time.Date(2024, month, day, 6, 0, 0, 0, time.UTC).UnixNano()
	}
	row := func(duration, shard string) [][]any {
		return [][]any{{"other", "1h0m0s", "1h0m0s", false}, {"rp", duration, shard, true}}
	}
	// Two weeks before is the noon of March 1st, a Friday.
	all := lines("m", "f=1", at(2, 25), 1) + lines("m", "f=1", at(2, 28), 2) + lines("m", "f=1", at(3, 1), 3) + lines("m", "f=1", at(3, 2), 4)
	early, _, _ := strings.Cut(all, lines("m", "f=1", at(3, 1), 3))
	twoWeeks := Expired{Database: "db", Policy: "rp", Duration: 14 * 24 * time.Hour, Before: now.Add(-14 * 24 * time.Hour)}
	with := func(shard time.Duration, values, gone int64, atLeast bool) []Expired {
		e := twoWeeks
		e.ShardDuration, e.Values, e.InExpiredShards, e.AtLeast = shard, values, gone, atLeast
		return []Expired{e}
	}
	const week = 7 * 24 * time.Hour
	cases := map[string]struct {
		sent   string
		policy string
		shown  [][]any
		there  bool
		errs   map[int]error
		asked  int
		want   []Expired
	}{
		"days":          {sent: all, policy: "rp", shown: row("336h0m0s", "24h0m0s"), asked: 2, want: with(24*time.Hour, 3, 3, true)},
		"weeks":         {sent: all, policy: "rp", shown: row("336h0m0s", "168h0m0s"), asked: 2, want: with(week, 3, 1, true)},
		"all older":     {sent: early, policy: "rp", shown: row("336h0m0s", "168h0m0s"), asked: 2, want: with(week, 3, 1, false)},
		"only the edge": {sent: lines("m", "f=1", at(3, 1), 3), policy: "rp", shown: row("336h0m0s", "168h0m0s"), asked: 2, want: with(week, 0, 0, true)},
		"default":       {sent: early, policy: "", shown: row("336h0m0s", "168h0m0s"), asked: 2, want: with(week, 3, 1, false)},
		"may be twice":  {sent: early + early, policy: "rp", shown: row("336h0m0s", "168h0m0s"), asked: 2, want: with(week, 3, 1, false)},
		"newer":         {sent: lines("m", "f=1", at(3, 2), 4), policy: "rp", shown: row("336h0m0s", "168h0m0s"), asked: 2},
		"for ever":      {sent: all, policy: "rp", shown: row("0s", "168h0m0s"), asked: 2},
		"no shards":     {sent: early, policy: "rp", shown: row("336h0m0s", ""), asked: 2, want: with(0, 3, 0, false)},
		"not listed":    {sent: all, policy: "rp2", shown: row("336h0m0s", "168h0m0s"), asked: 2},
		"not told":      {sent: all, policy: "rp", asked: 2, errs: map[int]error{2: &target.Error{Class: target.Fatal, Message: "no such statement"}}},
		"strange words": {sent: all, policy: "rp", shown: row("two weeks", "168h0m0s"), asked: 2},
		"nothing lost":  {sent: all, policy: "rp", shown: row("336h0m0s", "168h0m0s"), there: true, asked: 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			counter := NewCounter(nil)
			if err := counter.Add("db", c.policy, []byte(c.sent)); err != nil {
				t.Fatal(err)
			}
			server := &fakeServer{t: t, shown: c.shown, errs: c.errs, values: map[valueKey]bool{}}
			if c.there {
				for k := range serverOf(t, c.sent).values {
					server.values[k] = true
				}
			}
			r, err := Compare(t.Context(), NewPaced(server, 0), counter, Options{Now: func() time.Time { return now }})
			if err != nil || server.asked != c.asked || (r.MissingValues > 0) == c.there {
				t.Fatalf("%v, asked %d times, %d missing", err, server.asked, r.MissingValues)
			}
			if d := cmp.Diff(c.want, r.Expired); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if len(c.want) > 0 && r.ExpiredValues != c.want[0].Values {
				t.Errorf("%d in all", r.ExpiredValues)
			}
		})
	}
}

// One query tells the policies of all places of a database.
func TestPoliciesAreAskedOnce(t *testing.T) {
	counter := NewCounter(nil)
	for _, policy := range []string{"a", "b", "c"} {
		if err := counter.Add("db", policy, []byte("m f=1 5\nn f=1 5\n")); err != nil {
			t.Fatal(err)
		}
	}
	shown := [][]any{{"a", "1h0m0s", "1h0m0s", true}, {"b", "0s", "168h0m0s", false}, {"c", "24h0m0s", "1h0m0s", false}}
	server := &fakeServer{t: t, shown: shown}
	r, err := Compare(t.Context(), NewPaced(server, 0), counter, Options{Now: func() time.Time { return time.Unix(1e9, 0) }})
	if err != nil || server.asked != 7 || len(r.Expired) != 2 || r.ExpiredValues != 4 {
		t.Errorf("asked %d times: %+v, %v", server.asked, r, err)
	}
}

// As a real server has it.
func TestExpiredWithServer(t *testing.T) {
	s := influxdtest.Start(t, influxdtest.Options{})
	s.Exec(`CREATE DATABASE "db" WITH DURATION 2d SHARD DURATION 1h NAME "rp"`)
	now := time.Now().UnixNano()
	here, old := lines("m", "f=1,g=2", now, 1), lines("m", "f=1,g=2", now-10*day, 3)
	s.Write("db", "rp", here)
	counter := counterOf(t, "")
	if err := counter.Add("db", "rp", []byte(old+here)); err != nil {
		t.Fatal(err)
	}
	r, err := Compare(t.Context(), NewPaced(open(t, s), 0), counter, Options{MaxDifferences: 10, Reread: from(old + here)})
	if err != nil || r.MissingValues != 6 || r.ExpiredValues != 6 || len(r.Expired) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	e := r.Expired[0]
	if e.Policy != "rp" || e.Duration != 48*time.Hour || e.ShardDuration != time.Hour || e.InExpiredShards != 6 || e.AtLeast {
		t.Errorf("%+v", e)
	}
}

func TestExpiredJSON(t *testing.T) {
	e := Expired{Database: "d", Policy: "p", Duration: 36 * time.Hour, ShardDuration: 24 * time.Hour, Before: time.Unix(0, 5), Values: 3, InExpiredShards: 1}
	got, err := json.Marshal(e)
	want := `{"database":"d","policy":"p","duration":"36h","shardDuration":"1d","before":"1970-01-01T00:00:00.000000005Z","values":3,"inExpiredShards":1,"atLeast":false}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
}
