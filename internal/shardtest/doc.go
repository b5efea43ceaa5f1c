// SPDX-License-Identifier: Apache-2.0

// Package shardtest writes InfluxDB 1.x shards and volumes for tests and
// benchmarks: valid ones, odd but legal ones, and damaged ones. It is the
// opposite number of the reader and shares no code with it.
//
// From the bottom up:
//
//   - [Run] is a list of times and values of one column; [AppendBlock] and its
//     kin encode it, with the choices of either of the engine's encoders.
//   - [TSM], [TSMWriter], [WAL], [AppendTombstone], [FieldsIndex] and [Meta]
//     make whole files. [LayoutOf] tells where everything in a TSM file lies.
//   - [Volume] puts such files where a server would keep them.
//   - [Flip], [Chop] and [Patch] damage copies.
//   - [History] is a random or scripted life of one shard, applied at once to a
//     map, which is what a query shows, and to files.
//   - [Devops] and [ManyColumns] write the volumes that benchmarks read.
//
// Wrong use by a test (a run whose slices differ in length, an encoding that
// cannot hold the values) panics: a test has no better way out. Errors are
// returned for what happens outside the program, such as a full disk.
//
// Layouts are those of docs/formats.md.
package shardtest
