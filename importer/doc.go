// SPDX-License-Identifier: Apache-2.0

// Package importer replays points into a target and loses none of them.
//
// A Feed hands out batches: whole lines of points that belong to one place. Run sends
// them over several connections at a time, as many as the target bears, and makes each
// one end in one of two ways: the target acknowledged it, or the points that the target
// refused stand in the rejects file and all others were acknowledged. How far that has
// come, counted from the start without a gap, is the checkpoint.
//
// What is uncertain is sent again: a point that is written twice is the same point.
package importer
