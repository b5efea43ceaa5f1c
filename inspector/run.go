// SPDX-License-Identifier: Apache-2.0

package inspector

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/tsmreader"
)

// Run looks at the selected shards and says what is there. What is damaged is in the
// report and no error.
func Run(ctx context.Context, opts Options) (*Report, error) {
	began := time.Now()
	n := newInspection(opts)
	if err := n.walkAll(ctx); err != nil {
		return nil, err
	}
	if err := n.measure(ctx); err != nil {
		return nil, err
	}
	r := n.report()
	r.Seconds = time.Since(began).Seconds()
	return r, nil
}

// inspection is one call of Run.
type inspection struct {
	opts     Options
	workers  int
	progress *Progress
	reader   tsmreader.Options
	export   exporter.Options

	databases []*databaseFacts
	policies  []*policyFacts // of all databases, in order
	shards    []*shardFacts  // likewise
	number    map[*shardFacts]int

	databasesByName map[string]*databaseFacts
	byName          map[[2]string]*policyFacts

	slots    *semaphore.Weighted // one for each worker
	mu       sync.Mutex
	walkers  []*walker
	tally    *tally
	estimate *Estimate

	conflictShards int // that may still be named
	notes          []string
}

func newInspection(opts Options) *inspection {
	n := &inspection{
		opts: opts, workers: opts.Workers, progress: opts.Progress, number: map[*shardFacts]int{},
		conflictShards: mostConflictShards, databasesByName: map[string]*databaseFacts{}, byName: map[[2]string]*policyFacts{},
	}
	if n.workers <= 0 {
		n.workers = runtime.GOMAXPROCS(0)
	}
	if n.opts.Memory <= 0 {
		n.opts.Memory = 16 << 20
	}
	if n.opts.Now.IsZero() {
		n.opts.Now = time.Now()
	}
	selected := exporter.Selected(opts.Catalog, opts.Selection)
	n.export = exporter.Options{
		Catalog: opts.Catalog, Selection: opts.Selection, Workers: n.workers, Memory: n.opts.Memory, Salvage: opts.Salvage,
	}
	n.reader = exporter.ReaderOptions(&n.export)
	n.reader.Exact = opts.Deep
	if len(selected) >= n.workers { // as many are open at a time
		n.reader.Parallel = 1
		n.reader.Memory = max(n.opts.Memory/int64(n.workers), 2<<20)
	}
	n.slots = semaphore.NewWeighted(int64(n.workers))
	n.plan(selected)
	n.tally = newTally(len(n.policies), len(n.shards))
	n.shareDatabases()
	if n.progress == nil {
		n.progress = &Progress{}
	} else {
		n.expect()
	}
	return n
}

// expect counts what there is to look at.
func (n *inspection) expect() {
	for _, s := range n.shards {
		n.progress.Shards.Add(1)
		n.progress.TotalBytes.Add(tsmreader.SizeOf(exporter.Sources(s.shard)))
	}
}

// shareDatabases gives the policies of a database that has shards in several of them a set
// of the database's series: a series in two policies is one.
func (n *inspection) shareDatabases() {
	for _, d := range n.databases {
		with := slices.DeleteFunc(slices.Clone(d.policies), func(p *policyFacts) bool { return len(p.shards) == 0 })
		if len(with) < 2 {
			continue
		}
		d.series = &set{}
		for _, p := range with {
			n.tally.policies[p.number].database = d.series
		}
	}
}

func (n *inspection) notef(format string, args ...any) {
	n.notes = append(n.notes, fmt.Sprintf(format, args...))
}
