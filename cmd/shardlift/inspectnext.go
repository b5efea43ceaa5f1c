// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/inspector"
)

// estimate tells what an export would take.
func (p *paper) estimate(r *inspector.Report) {
	e := r.Estimate
	if e == nil {
		return
	}
	p.section("An export would take")
	g := &grid{columns: []column{{key: true}, {title: "size", right: true}, {title: "time", right: true}, {}}}
	for _, x := range []struct {
		name    string
		bytes   int64
		seconds float64
	}{{"text", e.TextBytes, e.TextSeconds}, {"gzip", e.GzipBytes, e.GzipSeconds}, {"zstd", e.ZstdBytes, e.ZstdSeconds}} {
		g.add(x.name, humanize.Bytes(uint64(max(x.bytes, 0))), took(x.seconds), fits(x.bytes, e.FreeBytes))
	}
	p.grid(g)
	if e.FreeBytes >= 0 {
		p.line("  %s are free at %s", humanize.Bytes(uint64(max(e.FreeBytes, 0))), e.FreePath)
	}
	p.line("  %s points, %s values; with %s, if the disk keeps up", orNone(amount(r.Totals.Points)), orNone(amount(r.Totals.Values)), count(e.Workers, "worker"))
	if e.SampleBytes < e.AllBytes {
		p.line("  an estimate, measured on %s of %s", humanize.Bytes(uint64(max(e.SampleBytes, 0))), humanize.Bytes(uint64(max(e.AllBytes, 0))))
	} else {
		p.line("  measured on all of it")
	}
}

// orNone is for numbers in sentences.
func orNone(text string) string {
	if text == "" {
		return "0"
	}
	return text
}

// took writes a time that was measured on a sample, with no more digits than that is good for.
func took(seconds float64) string {
	switch {
	case seconds >= 60:
		return duration(seconds, 0)
	case seconds >= 0.995:
		return fmt.Sprintf("%.2g s", seconds)
	case seconds >= 0.01:
		return fmt.Sprintf("%d ms", int64(math.Round(seconds*100))*10)
	}
	return fmt.Sprintf("%d ms", int64(math.Ceil(seconds*1000)))
}

// fits says whether there is room; a tenth more is asked for than was estimated.
func fits(bytes, free int64) string {
	switch {
	case free < 0:
		return ""
	case free-free/10 < bytes:
		return "does not fit"
	}
	return "fits"
}

// advice is something to do next: what for, and the command.
type advice struct{ what, command string }

// next tells what can be done with what was found.
func (p *paper) next(list []advice) {
	if len(list) == 0 {
		return
	}
	g := &grid{columns: []column{{}, {}}}
	for _, a := range list {
		g.add(a.what+":", a.command)
	}
	p.section("Next")
	if p.width > 0 { // below one another, to be copied
		for _, row := range g.rows {
			p.line("  %s", row[0])
			p.line("    %s", row[1])
		}
		return
	}
	p.grid(g)
}

// advise gives what to do next with a report.
func advise(c *inspectCmd, r *inspector.Report) []advice {
	var list []advice
	same := c.sameSource()
	add := func(is bool, what, command string) {
		if is {
			list = append(list, advice{what, "shardlift " + command})
		}
	}
	some := r.Totals.Shards > 0
	expired := anyShard(r, func(s *inspector.Shard) bool { return s.Expired })
	keep := ""
	if expired {
		keep = " --policy-duration INF"
	}
	e := r.Estimate
	tight := e != nil && fits(e.TextBytes, e.FreeBytes) == "does not fit"
	add(some && !tight, "write the points to a file", "export"+same)
	add(some, "write them compressed", "export"+same+" --compress")
	add(some, "write them into a server", "replay"+same+" --url http://localhost:8086"+keep)
	add(some, "read everything and check it", "verify"+c.sources())
	add(some && !r.Deep && !r.Totals.Points.Exact, "count the points exactly", "inspect"+same+" --deep")
	add(slices.ContainsFunc(r.Volumes, func(v inspector.Volume) bool { return v.Sound }),
		"see users and continuous queries", "inspect"+c.sources()+" --metastore")
	add(!c.Salvage && slices.ContainsFunc(r.Faults, func(f exporter.Fault) bool { return strings.Contains(f.Reason, "could be salvaged") }),
		"take what is behind damage in the WAL", "export"+same+" --salvage")
	add(!c.Orphans && slices.ContainsFunc(r.LeftOut, isOrphan), "look at shards that the metastore does not have", "inspect"+same+" --orphans")
	return list
}

// isOrphan reports whether --orphans takes what was left out.
func isOrphan(l exporter.LeftOut) bool {
	reason, _, _ := strings.Cut(l.Reason, ":")
	return slices.Contains([]string{"deleted", "unlisted", "elsewhere"}, reason)
}

// anyShard reports whether any shard is so.
func anyShard(r *inspector.Report, is func(s *inspector.Shard) bool) bool {
	for _, rp := range r.EachPolicy() {
		for i := range rp.Shards {
			if is(&rp.Shards[i]) {
				return true
			}
		}
	}
	return false
}

// sources gives the arguments that name the sources again, with a blank in front.
func (s *sourceFlags) sources() string {
	var b strings.Builder
	for _, path := range s.Sources {
		b.WriteString(" " + shellWord(path))
	}
	addFlags(&b, []flagValue{
		{"datadir", s.DataDir},
		{"waldir", s.WALDir},
		{"metadir", s.MetaDir},
		{"tsmfile", s.TSMFile},
	})
	if s.AllVolumes {
		b.WriteString(" --all-volumes")
	}
	if s.Orphans {
		b.WriteString(" --orphans")
	}
	return b.String()
}

// sameSource gives the arguments that name sources and selection again.
func (c *inspectCmd) sameSource() string {
	var b strings.Builder
	b.WriteString(c.sources())
	for _, list := range []struct {
		flag   string
		values []string
	}{
		{"database", c.Database},
		{"retention", c.Retention},
		{"shard", c.Shard},
		{"measurement", c.Measurement},
		{"exclude-measurement", c.ExcludeMeasurement},
		{"tag", c.Tag},
		{"field", c.Field},
	} {
		for _, v := range list.values {
			addFlags(&b, []flagValue{{list.flag, v}})
		}
	}
	addFlags(&b, []flagValue{{"start", c.Start}, {"end", c.End}})
	if c.IncludeInternal {
		b.WriteString(" --include-internal")
	}
	return b.String()
}

type flagValue struct{ flag, value string }

// addFlags appends the flags that have a value.
func addFlags(b *strings.Builder, list []flagValue) {
	for _, f := range list {
		switch {
		case f.value == "":
		case strings.HasPrefix(f.value, "-"):
			fmt.Fprintf(b, " --%s=%s", f.flag, shellWord(f.value))
		default:
			fmt.Fprintf(b, " --%s %s", f.flag, shellWord(f.value))
		}
	}
}
