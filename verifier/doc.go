// SPDX-License-Identifier: Apache-2.0

// Package verifier proves that what was sent to a target is there, or finds what is not.
//
// A Counter counts the values of a stream of points by place, measurement, field, kind
// of value and time bucket. Compare asks the target for the same counts, and goes down to
// single values where it has to.
//
//	points ──Add──▶ Counter ──Compare──▶ SELECT count(...)         counts
//	rejects ──Exclude──▶ ┘      │   └──▶ SELECT ... GROUP BY *     sums of hashes (Exact)
//	                            └── input again ◀──▶ the same      single values ──▶ Report
//
// # What a count proves
//
// Where the target has fewer values than were sent, values are missing. Where it has as
// many or more, nothing was found to be missing: values that it had of its own, in the
// same bucket and field, can hide as many missing ones; so can those of another place
// that is the same one on the target, such as a policy once named and once left out as
// the default. Differences in values do not show at all. Only times between the first and
// the last of the input are counted, or those of the selection, and only series that the
// selection takes, so that what the target has beside hides little.
//
// Points that come twice are stored once. The counter knows which values may repeat: a
// value is new for certain if its time is later than all times of its series before it.
// Where that matters the input is read again and distinct values are counted; see
// Options.Reread.
//
// # What the target has beside
//
// With Options.Extra the counts cover every bucket of the window, of every field and
// measurement that the target lists. Long stretches without input are asked for as a whole
// first, and cut where there is something.
//
// # What a policy does not keep
//
// Where values are missing the target is asked for its policies, once a database, and those
// of cells that are older than the policy's duration are counted apart. They are missing all
// the same: a target drops them as they are written, or later with their whole shard, and
// does not tell which of its points it had once.
//
// # Exact
//
// The counter adds up, cell by cell, a hash of each value with its series, field and time.
// A sum does not depend on the order, so the target's values are summed up as they come,
// in stretches of about a million, and nothing but the sums is held. Hashes have 64 bits
// and a seed that is new in each run: a difference goes unseen once in 2^64. Values have
// one form whatever they are cast to (see form); what types a field has is compared apart.
// Where a field has several numeric types on the target, a number is not told from the same
// one of another type.
//
// # Single values
//
// Cells that differ are looked into, in time order, until enough is listed: the input is
// read again and the places of its values go into a table of hashes, the target's values
// are held against it, and what is left over is read once more for its text. A table has
// 2 million values at the most; what has more is cut by time, and at last by hash.
//
// # How a server is asked
//
// One query at a time, no more a second than allowed, each for no more than some ten
// million values to count or one million to give. What a server is too slow for is asked in
// parts, if it answers the least of them; else it is down, and the comparison ends. Numbers, strings and booleans are asked
// for apart, with casts. A field that has one type in this shard and another in that would
// otherwise be counted in one of them only; numbers of all kinds count together, whatever
// the cast. The first and the last bucket of all time are asked for by themselves, since a
// server loses their borders when it groups by time.
//
// Some names have no form in a query, or a server that stores them does not find them
// again; these are listed as unasked.
package verifier
