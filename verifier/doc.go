// SPDX-License-Identifier: Apache-2.0

// Package verifier proves that what was sent to a target is there.
//
// A Counter counts the values of a stream of points by place, measurement, field, kind
// of value and time bucket. Compare asks the target for the same counts.
//
//	points ──Add──▶ Counter ──Compare──▶ SELECT count(...) ──▶ Report
//	rejects ──Exclude──▶ ┘                  input again, if points may repeat
//
// # What a count proves
//
// Where the target has fewer values than were sent, values are missing. Where it has as
// many or more, nothing was found to be missing: values that it had of its own, in the
// same bucket and field, can hide as many missing ones; so can those of another place
// that is the same one on the target, such as a policy once named and once left out as
// the default. Differences in values do not show at all.
//
// Points that come twice are stored once. The counter knows which values may repeat: a
// value is new for certain if its time is later than all times of its series before it.
// Where the target has fewer than were sent, but perhaps no fewer than differ, the input
// is read again and distinct values are counted; see Options.Recount.
//
// # How a server is asked
//
// Numbers, strings and booleans are asked for apart, with casts. A field that has one
// type in this shard and another in that would otherwise be counted in one of them only;
// numbers of all kinds count together, whatever the cast. The first and the last bucket
// of all time are asked for by themselves, since a server loses their borders when it
// groups by time.
//
// Some names have no form in a query, or a server that stores them does not find them
// again; these are listed as unasked.
package verifier
