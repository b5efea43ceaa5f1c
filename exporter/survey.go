// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"context"
	"fmt"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
	"github.com/shardlift/shardlift/volume"
)

// Outline is what is known of a stream before it is read.
type Outline struct {
	// Statements are the DDL of all selected databases, in order, as an export has them,
	// and with the sources' names.
	Statements []string
	// Notes are what the statements do not say, a line each.
	Notes []string

	Places []PlaceOutline // in the order of the stream
	Shards []ShardOutline // likewise
	Bytes  int64          // of the files to read

	// Fingerprint changes with the names, sizes and times of modification of any of the
	// files. A Position has one of its own, of what lies before it.
	Fingerprint string
}

// PlaceOutline is what is known of a policy whose shards are selected.
type PlaceOutline struct {
	Database, Policy string
	// Span is a window that has all points; without a deep survey they may be far inside
	// it. Known says that it is known; it is empty where there are none.
	Span   point.TimeRange
	Known  bool
	Shards int
	Bytes  int64
}

// ShardOutline is what is known of a shard.
type ShardOutline struct {
	Database, Policy string
	ID               uint64
	Span             point.TimeRange // as that of PlaceOutline
	Known            bool
	Bytes            int64

	// Window is what the metastores let the shard hold, whatever is selected: all of time
	// where none lists it. Group tells its shard group; 0: not known. Two shards whose
	// windows share no time never hold the same point, nor do two of the same group.
	Window point.TimeRange
	Group  GroupID
}

// GroupID tells shard groups of all clusters apart. Its zero value is no group.
type GroupID struct{ Cluster, Group uint64 }

// Survey looks at what Stream would read with the same options. Deep, it opens all shards
// for the times that their indexes and WAL give, which costs a fraction of reading them;
// what cannot be opened then has no span.
func Survey(ctx context.Context, opts Options, deep bool) (*Outline, error) {
	opts = forStream(opts).withDefaults()
	p := newPlan(opts)
	o := &Outline{}
	for _, name := range p.files[0].databases {
		ddl, queries := p.ddl(name)
		o.Statements = append(o.Statements, ddl.Statements...)
		o.Notes = append(append(o.Notes, ddl.Notes...), queries...)
	}
	for _, sh := range p.files[0].shards {
		s := p.outline(sh)
		if deep {
			var err error
			if s.Span, s.Known, err = spanOf(ctx, &opts, sh); err != nil {
				return nil, err
			}
		}
		files := filesOf(sh)
		s.Bytes = sizeOf(files)
		o.Fingerprint = fingerprint(o.Fingerprint, sh, files)
		o.add(s)
	}
	return o, nil
}

// add puts a shard to its place.
func (o *Outline) add(s ShardOutline) {
	o.Shards = append(o.Shards, s)
	o.Bytes += s.Bytes
	if n := len(o.Places); n == 0 || o.Places[n-1].Database != s.Database || o.Places[n-1].Policy != s.Policy {
		o.Places = append(o.Places, PlaceOutline{Database: s.Database, Policy: s.Policy, Span: point.NoTime, Known: true})
	}
	p := &o.Places[len(o.Places)-1]
	p.Span = p.Span.Union(s.Span)
	p.Known = p.Known && s.Known
	p.Shards++
	p.Bytes += s.Bytes
}

// outline gives what the metastores say of a shard. Each replica goes by the metastore
// beside it.
func (p *plan) outline(sh *volume.Shard) ShardOutline {
	s := ShardOutline{Database: sh.Database, Policy: sh.Policy, ID: sh.ID, Span: point.NoTime, Window: point.NoTime}
	for i, r := range sh.Replicas {
		ref, ok := r.Volume.Lists(sh)
		if !ok || ref.Group == nil || r.TSMFile != "" {
			s.Window, s.Group = point.AllTime, GroupID{}
			return s
		}
		s.Window = s.Window.Union(ref.Group.Range())
		id := GroupID{Cluster: r.Volume.Meta.ClusterID, Group: ref.Group.ID}
		if i > 0 && s.Group != id {
			id = GroupID{}
		}
		s.Group = id
	}
	s.Span, s.Known = clip(s.Window, p.opts.Selection.Window()), true
	return s
}

// clip gives what both windows have.
func clip(a, b point.TimeRange) point.TimeRange {
	r := a.Intersect(b).Intersect(point.TimeRange{Min: point.MinTime, Max: point.MaxTime})
	if r.Empty() {
		return point.NoTime
	}
	return r
}

// spanOf opens a shard for the window of its times, which is not known where it cannot
// be opened: Stream tells that as a fault.
func spanOf(ctx context.Context, opts *Options, sh *volume.Shard) (span point.TimeRange, known bool, err error) {
	open, err := tsmreader.Open(ctx, Sources(sh), tsmreader.Options{Memory: opts.Memory, Salvage: opts.Salvage, Parallel: opts.Workers})
	if err != nil {
		return point.NoTime, false, context.Cause(ctx)
	}
	defer func() {
		if cerr := open.Close(); err == nil && cerr != nil {
			err = fmt.Errorf("survey shard %d: %w", sh.ID, cerr)
		}
	}()
	span = open.Range()
	for from, more := "", true; more; {
		sec, err := open.Section(from)
		if err != nil || ctx.Err() != nil {
			return point.NoTime, false, context.Cause(ctx)
		}
		span = span.Union(sec.LogRange())
		from, more = sec.Next()
	}
	return clip(span, opts.Selection.Window()), true, nil
}
