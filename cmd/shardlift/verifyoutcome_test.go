// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"

	"github.com/shardlift/shardlift/verifier"
)

// What a server did not count is not there for all that is known.
func TestUncountedIsNoProof(t *testing.T) {
	v := &verifyOutcome{Report: &verifier.Report{Values: 7, UnaskedValues: 5, Uncounted: 2}, extraCounts: true}
	if v.equal() {
		t.Error("equal, with values that were not counted")
	}
	if got, want := v.sum(), "shardlift: verified 7 values: 0 missing, 0 may be, 0 extra, 2 could not be counted, 3 could not be asked for"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	v.UnaskedValues, v.Uncounted = 3, 0 // of names that no query can have
	if got, want := v.sum(), "shardlift: verified 7 values: 0 missing, 0 may be, 0 extra, 3 could not be asked for"; v.equal() || got != want {
		t.Errorf("equal: %v; %q, want %q", v.equal(), got, want)
	}
	v.UnaskedValues = 0
	if !v.equal() {
		t.Error("nothing is left open, and yet not equal")
	}
	v.UnsearchedNames = 1
	if got, want := v.sum(), "shardlift: verified 7 values: 0 missing, 0 may be, 0 extra, 1 name of the target not searched"; v.equal() || got != want {
		t.Errorf("equal: %v; %q, want %q", v.equal(), got, want)
	}
	if v.extraCounts = false; !v.equal() {
		t.Error("what is allowed need not be searched for")
	}
}

// A note says where types were not compared, and only there.
func TestMixedNote(t *testing.T) {
	field := verifier.TypeDifference{Database: "d", Policy: "p", Measurement: "m", Field: "f", Source: []string{"integer"}, Target: []string{"float", "integer"}}
	const one = `"d"."p": "m" field "f" is float and integer on the target, so that a number of one type is not told from the same one of the other there`
	for fields, want := range map[int64]string{0: "", 1: one, 2: one + "; the same goes for 1 other field", 1001: one + "; the same goes for 1,000 other fields"} {
		v := &verifyOutcome{Report: &verifier.Report{MixedFields: fields}}
		if fields > 0 {
			v.Mixed = []verifier.TypeDifference{field}
		}
		if got := v.mixed(); got != want || !v.equal() {
			t.Errorf("%d fields: %q, want %q; equal: %v", fields, got, want, v.equal())
		}
	}
}

func TestDescribeExpired(t *testing.T) {
	for want, x := range map[string]verifier.Expired{
		`"d"."p" keeps 14d: 1,234 of the missing values are older`: {Values: 1234, InExpiredShards: 1234},
		`"d"."p" keeps 14d: at least 12 of the missing values are older; 2 of them of shards that are not yet expired as a whole: ` +
			`a server drops such values only when they are written`: {Values: 12, InExpiredShards: 10, AtLeast: true},
		`"d"."p" keeps 14d: some of the missing values may be older`: {AtLeast: true},
	} {
		x.Database, x.Policy, x.Duration = "d", "p", 14*24*time.Hour
		if got := describeExpired(x); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
