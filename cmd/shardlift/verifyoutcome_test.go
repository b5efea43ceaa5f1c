// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/shardlift/shardlift/verifier"
)

// What a server did not count is not there for all that is known.
func TestUncountedIsNoProof(t *testing.T) {
	v := &verifyOutcome{Report: &verifier.Report{Values: 7, UnaskedValues: 5, Uncounted: 2}, extraCounts: true}
	if v.equal() {
		t.Error("equal, with values that were not counted")
	}
	if got, want := v.sum(), "shardlift: verified 7 values: 0 missing, 0 may be, 0 extra, 2 could not be counted"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	v.Uncounted = 0 // what is left has no form in a query
	if !v.equal() {
		t.Error("names that no query can have make a difference")
	}
}
