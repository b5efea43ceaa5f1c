// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime/debug"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/importer/lpfile"
)

// How the budget of --memory is spent, in bytes: what a process takes before there are
// workers, and a quarter for the WAL and the tombstones of a shard; the rest is for workers.
const (
	defaultMemory = 64 << 20
	minMemory     = 32 << 20
	baseMemory    = 12 << 20
)

// walMemory is the part of the budget for the WAL and the tombstones of a shard.
func walMemory(budget int64) int64 { return budget / 4 }

// workerMemory is what a worker takes with its buffers and its compressor, and a little
// more, in bytes; measured with an output that is slower than the workers.
func workerMemory(f exporter.Format) int64 {
	switch {
	case f.Compression == exporter.Zstd && f.Level >= 10:
		return 40 << 20
	case f.Compression == exporter.Zstd && f.Level >= 6:
		return 10 << 20
	}
	return 7 << 20
}

// fitWorkers gives the number of workers: one for each processor, but no more than
// the budget is good for.
func fitWorkers(budget int64, f exporter.Format, processors int) int {
	room := (budget - baseMemory - walMemory(budget)) / workerMemory(f)
	return int(min(max(room, 1), int64(processors)))
}

// collectAt is by how many percent the heap may grow until garbage is collected. Little
// garbage is made, so that collecting early costs nothing, and a long run takes no more
// memory than a short one.
const collectAt = 15

// uncounted is what the collector does not count, such as the program itself, in bytes.
const uncounted = 8 << 20

// tune makes the garbage collector keep to the budget.
func tune(budget int64) {
	debug.SetMemoryLimit(budget - max(uncounted, budget/8))
	debug.SetGCPercent(collectAt)
}

// importMemory is what an import may take, in bytes: 8 requests on their way and some that
// wait, each of 1 MiB with what compresses it.
const importMemory = 112 << 20

// tuneImport makes the garbage collector keep an import small. Larger batches or more
// requests at a time have their room beside it.
func tuneImport(w *writeFlags) {
	extra := int64(max(w.Concurrency, 8))*int64(w.BatchBytes) - 8*lpfile.DefaultBatchBytes
	debug.SetMemoryLimit(importMemory + 3*max(extra, 0))
}
