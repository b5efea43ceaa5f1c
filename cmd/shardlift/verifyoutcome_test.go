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
