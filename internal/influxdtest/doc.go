// SPDX-License-Identifier: Apache-2.0

// Package influxdtest runs a real influxd for tests: on loopback, with free
// ports, its own directories, and settings that leave nothing to the clock.
//
//	s := influxdtest.Start(t, influxdtest.Options{Index: "tsi1"})
//	s.Exec(`CREATE DATABASE "db"`)
//	s.Write("db", "", "m,host=a f=1 10\n")
//	s.Flush("db")         // the cache becomes a TSM file
//	s.Copy(dst)           // what a disk snapshot would hold
//	s.Restart()
//
// By default nothing happens by itself: the cache is written only by Flush,
// no full compaction starts, the retention service, continuous queries, shard
// precreation, subscriptions and the _internal database are off. Set turns any
// of them on.
//
// Every server is stopped by the test's Cleanup, also when the test panics, and
// by a watchdog when the test process itself dies.
package influxdtest
