// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/shardlift/shardlift/meta"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/volume"
)

// file is one output and what goes into it.
type file struct {
	name      string   // in the directory; "" for a stream or a single file
	databases []string // whose DDL it has
	shards    []*volume.Shard
}

// plan lays the selected shards out into files, in the order of the catalog.
type plan struct {
	opts     Options
	files    []*file
	policies map[string][]string // of each database, all that the sources show
	faults   []Fault
}

func newPlan(opts Options) *plan {
	p := &plan{opts: opts, policies: map[string][]string{}}
	sel := opts.Selection
	byName := map[string]*file{}
	p.collectPolicies()
	put := func(name, db string) *file {
		f := byName[name]
		if f == nil {
			f = &file{name: name}
			byName[name] = f
			p.files = append(p.files, f)
		}
		if !slices.Contains(f.databases, db) {
			f.databases = append(f.databases, db)
		}
		return f
	}
	for _, sh := range Selected(opts.Catalog, sel) {
		if !opts.Format.Bare && !opts.stream && (!oneLine(sh.Database) || !oneLine(sh.Policy)) {
			p.faults = append(p.faults, Fault{
				Database: sh.Database, Policy: sh.Policy, Shard: sh.ID, Offset: -1, Part: "key", Lost: true,
				File:   sh.Replicas[0].Path(),
				Reason: "the name of the database or policy holds a line break, which no header can say; take the shard with --lponly",
			})
			continue
		}
		f := put(p.nameOf(sh.Database, sh.Policy, sh.ID), sh.Database)
		f.shards = append(f.shards, sh)
	}
	if (!opts.Format.Bare || opts.stream) && opts.Format.Split != SplitShard && len(sel.Describe().Shards) == 0 {
		// Databases without a shard still belong to a migration.
		for _, db := range p.listed() {
			put(p.nameOf(db, "", 0), db)
		}
	}
	if len(p.files) == 0 && opts.Output.Dir == "" {
		p.files = []*file{{}} // an export of nothing is an empty file, not a missing one
	}
	for _, f := range p.files {
		slices.Sort(f.databases)
	}
	return p
}

// listed gives the selected databases of the metastores, sorted.
func (p *plan) listed() []string {
	var out []string
	for _, v := range p.opts.Catalog.Volumes {
		if v.Meta == nil {
			continue
		}
		for i := range v.Meta.Databases {
			if db := v.Meta.Databases[i].Name; p.opts.Selection.Database(db) && !slices.Contains(out, db) {
				out = append(out, db)
			}
		}
	}
	slices.Sort(out)
	return out
}

// collectPolicies lists the policies of every database, as metastores and shards
// show them: the DDL of a database must be the same in each of its files.
func (p *plan) collectPolicies() {
	add := func(db, policy string) {
		if p.opts.Selection.Policy(policy) && !slices.Contains(p.policies[db], policy) {
			p.policies[db] = append(p.policies[db], policy)
		}
	}
	for _, v := range p.opts.Catalog.Volumes {
		if v.Meta == nil {
			continue
		}
		for i := range v.Meta.Databases {
			db := &v.Meta.Databases[i]
			for j := range db.Policies {
				add(db.Name, db.Policies[j].Name)
			}
		}
	}
	for _, sh := range p.opts.Catalog.Shards {
		add(sh.Database, sh.Policy)
	}
	for _, names := range p.policies {
		slices.Sort(names)
	}
}

func oneLine(s string) bool { return !strings.ContainsAny(s, "\n\r") }

// nameOf gives the file that a shard goes into.
func (p *plan) nameOf(db, policy string, id uint64) string {
	if p.opts.Output.Dir == "" {
		return ""
	}
	name := "export"
	switch p.opts.Format.Split {
	case SplitDatabase:
		name = safeName(db, ".")
	case SplitShard:
		name = fmt.Sprintf("%s.%s.%d", safeName(db, ""), safeName(policy, ""), id)
	case SplitNone:
	}
	switch p.opts.Format.Compression {
	case Gzip:
		return name + ".lp.gz"
	case Zstd:
		return name + ".lp.zst"
	default:
		return name + ".lp"
	}
}

// maxSafeName leaves room for policy, id and endings in the 255 bytes of a file name.
const maxSafeName = 100

// safeName makes a file name of any database or policy name: what is not a letter, a
// digit, "-", "_" or in also becomes %XX. It never starts with a dot, and names that
// are too long end in a checksum.
func safeName(name, also string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_',
			i > 0 && strings.IndexByte(also, c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	s := b.String()
	if len(s) > maxSafeName {
		h := fnv.New64a()
		_, _ = h.Write([]byte(name)) // never fails
		s = fmt.Sprintf("%s-%016x", s[:maxSafeName-17], h.Sum64())
	}
	return s
}

// header gives what stands before the points of a file.
func (p *plan) header(f *file) []byte {
	if p.opts.Format.Bare {
		return nil
	}
	var b strings.Builder
	w := p.opts.Selection.Window()
	w.Min, w.Max = max(w.Min, point.MinTime), min(w.Max, point.MaxTime)
	fmt.Fprintf(&b, "# SHARDLIFT EXPORT: %s - %s\n# DDL\n", point.FormatTime(w.Min), point.FormatTime(w.Max))
	for _, name := range f.databases {
		ddl, queries := p.ddl(name)
		for _, n := range ddl.Notes {
			fmt.Fprintf(&b, "# NOTE: %s\n", n)
		}
		for _, s := range ddl.Statements {
			fmt.Fprintf(&b, "%s\n", s)
		}
		for _, q := range queries {
			fmt.Fprintf(&b, "# %s\n", q)
		}
	}
	b.WriteString("# DML\n")
	return []byte(b.String())
}

// ddl gives what makes a database, and its continuous queries, each in a line with words
// about it.
func (p *plan) ddl(name string) (ddl meta.DDL, queries []string) {
	db := p.opts.Catalog.Database(name)
	if db == nil {
		return meta.CreateUnknownDatabase(name, p.policies[name]...), nil
	}
	for _, q := range db.ContinuousQueries {
		queries = append(queries, "CONTINUOUS QUERY, to be made again after the import: "+meta.OneLine(q.Query))
	}
	return meta.CreateDatabase(db, p.policies[name]...), queries
}

// context gives the lines that say where the points behind them belong.
func (p *plan) context(db, policy string) []byte {
	if p.opts.Format.Bare {
		return nil
	}
	return fmt.Appendf(nil, "# CONTEXT-DATABASE:%s\n# CONTEXT-RETENTION-POLICY:%s\n", db, policy)
}
