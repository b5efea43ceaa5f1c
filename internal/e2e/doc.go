// SPDX-License-Identifier: Apache-2.0

// Package e2e tests exports and imports from end to end. Volumes that real servers wrote,
// or that shardtest wrote as they do, go through volume, tsmreader, lineprotocol and
// exporter, and what comes out is compared value for value with what a server answers.
// Imports and replays are run as a command, into a real server, through faults and kills,
// and judged by what that server answers in the end. It holds nothing but tests.
//
// The random histories can be told how long to run and where to start:
//
//	SHARDLIFT_SEED=1234         the seed, printed by every run
//	SHARDLIFT_HISTORIES=5000    how many databases live through a history
//	SHARDLIFT_KILLS=100         how often each of the tests with kill -9 strikes
//
// A server flushes and compacts when it likes, so a seed gives the same requests again
// but not always the same files. What failed is kept with `go test -artifacts`.
package e2e
