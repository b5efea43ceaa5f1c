// SPDX-License-Identifier: Apache-2.0

package filter_test

import (
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/point"
)

// A narrowed selection takes what both take.
func TestNarrow(t *testing.T) {
	specs := map[string]filter.Spec{
		"all":   {},
		"some":  {Databases: []string{"a*"}, Policies: []string{"/x/"}, Measurements: []string{"m*"}, ExcludeMeasurements: []string{"mx"}, Start: "10", End: "20"},
		"names": {Databases: []string{"_internal"}, Measurements: []string{"m", "n"}, Tags: []string{"t=1"}},
	}
	narrowings := []filter.Narrowing{
		{Measurement: "m", Window: point.AllTime},
		{Measurement: "mx", Window: point.TimeRange{Min: 15, Max: 30}},
		{Databases: []string{"ab", "c"}, Policies: []string{"x", "y"}, Measurement: "n", Window: point.TimeRange{Min: 0, Max: 15}},
		{Databases: []string{"_internal"}, Policies: []string{"q*"}, Measurement: "m*", Window: point.AllTime},
	}
	in := func(list []string, name string) bool { return len(list) == 0 || slices.Contains(list, name) }
	for name, spec := range specs {
		wide, err := filter.New(spec, time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range narrowings {
			s := wide.Narrow(n)
			for _, db := range []string{"a", "ab", "c", "_internal"} {
				if got, want := s.Database(db), wide.Database(db) && in(n.Databases, db); got != want {
					t.Errorf("%s, %+v: database %s: %v", name, n, db, got)
				}
			}
			for _, policy := range []string{"x", "y", "q*", "qq"} {
				if got, want := s.Policy(policy), wide.Policy(policy) && in(n.Policies, policy); got != want {
					t.Errorf("%s, %+v: policy %s: %v", name, n, policy, got)
				}
			}
			for _, m := range []string{"m", "mx", "n", "m*", "other"} {
				key := []byte(m + ",t=1")
				if got, want := s.Series(key), wide.Series(key) && m == n.Measurement; got != want {
					t.Errorf("%s, %+v: measurement %s: %v", name, n, m, got)
				}
				if got, want := wide.Measurement(m), wide.Series(key); got != want {
					t.Errorf("%s: measurement %s: %v", name, m, got)
				}
			}
			for _, at := range []int64{-1, 5, 10, 15, 16, 20, 25} {
				if got, want := s.Window().Contains(at), wide.Window().Contains(at) && n.Window.Contains(at); got != want {
					t.Errorf("%s, %+v: time %d: %v", name, n, at, got)
				}
			}
		}
	}
}

// What is said of tags can be said elsewhere.
func TestTagRules(t *testing.T) {
	s, err := filter.New(filter.Spec{Tags: []string{"k=a.b", "k=x*", "k!=/y|z/", `l\=m=`, "k!=b[!c]"}}, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	rules := s.TagRules()
	if len(rules) != 2 || rules[0].Key != "k" || rules[1].Key != "l=m" || len(rules[0].Want) != 2 || len(rules[0].Not) != 2 {
		t.Fatalf("%+v", rules)
	}
	for _, value := range []string{"", "a.b", "a-b", "x", "xy", "x\nz", "ax", "bd", "bc", "abd"} {
		for _, r := range rules {
			for _, p := range append(r.Want, r.Not...) {
				if got := regexp.MustCompile(p.Expr()).MatchString(value); got != p.MatchString(value) {
					t.Errorf("%s of %s matches %q: %v", p.Expr(), fmt.Sprint(&p), value, got)
				}
			}
		}
	}
}
