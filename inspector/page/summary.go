// SPDX-License-Identifier: Apache-2.0

package page

import (
	"path/filepath"
	"time"

	"github.com/shardlift/shardlift/inspector"
)

// tile is one figure of the totals. Exact has all digits of a Value that has not. Of a Detail of
// several parts none is broken at the end of a line.
type tile struct {
	Label, Value string
	Detail       []string
	Exact        string
}

// totals gives the figures that stand below the verdict.
func totals(r *inspector.Report) ([]tile, error) {
	s := &r.Totals
	if s.Shards == 0 {
		return nil, nil
	}
	policies := 0
	for _, d := range r.Databases {
		policies += len(d.Policies)
	}
	var c clock
	start, end := c.time(s.Start), c.time(s.End)
	if c.err != nil {
		return nil, c.err
	}
	times := tile{Label: "Times", Value: "none"}
	if !start.IsZero() && !end.IsZero() {
		times.Value, times.Detail = stretch(start, end), []string{moment(start.Truncate(time.Second)), "to " + moment(end.Truncate(time.Second))}
	}
	points, all := amount(s.Points)
	values, _ := amount(s.Values)
	series, _ := amount(s.Series)
	columns, _ := amount(inspector.Amount{N: s.Columns, Exact: true})
	files := plural(int64(s.TSMFiles), "TSM file", "TSM files")
	return []tile{
		times,
		{Label: "Databases", Value: count(int64(len(r.Databases))), Detail: []string{plural(int64(policies), "retention policy", "retention policies")}},
		{Label: "Shards", Value: count(int64(s.Shards)), Detail: []string{files}},
		{Label: "Series", Value: series, Detail: []string{columns + " columns"}},
		{Label: "Points", Value: points, Detail: []string{values + " values"}, Exact: all},
		{Label: "Size", Value: size(s.Bytes), Detail: []string{size(s.TSMBytes) + " TSM,", size(s.WALBytes) + " WAL"}, Exact: count(s.Bytes) + " B"},
		{Label: "Overlapping files", Value: count(int64(s.Overlapping)), Detail: []string{"of " + files}},
		{Label: "Deletes", Value: count(s.Deletes), Detail: []string{"in " + plural(int64(s.Tombstones), "tombstone file", "tombstone files")}},
	}, nil
}

// amount writes an amount in few digits, and in all; ~ marks an estimate.
func amount(a inspector.Amount) (brief, all string) {
	mark := ""
	if !a.Exact {
		mark = "~"
	}
	n := a.Shown()
	return mark + magnitude(n), mark + count(n)
}

// some writes an amount of things.
func some(a inspector.Amount, one, many string) string {
	if a.Exact {
		return plural(a.N, one, many)
	}
	_, all := amount(a)
	return all + " " + many
}

// source is one of the sources, and what was found of it.
type source struct {
	Path  string
	Parts []part
}

// part is one of the directories of a source. It is there if it has a path.
type part struct {
	Name, Path string
	Bad        bool
}

func sources(volumes []inspector.Volume) []source {
	list := make([]source, len(volumes))
	for i, v := range volumes {
		list[i] = source{Path: shown(v.Source), Parts: []part{
			where("data", v.DataDir, v.Source, v.DataDir == ""),
			where("WAL", v.WALDir, v.Source, v.WALDir == ""),
			where("metastore", v.Meta, v.Source, !v.Sound),
		}}
		if v.Meta != "" && !v.Sound {
			list[i].Parts[2].Path += " cannot be read"
		}
	}
	return list
}

// where names a directory below its source.
func where(name, path, source string, bad bool) part {
	if path == "" {
		return part{Name: name, Path: "none", Bad: bad}
	}
	if rel, err := filepath.Rel(source, path); err == nil && filepath.IsLocal(rel) {
		path = rel
	}
	return part{Name: name, Path: shown(path), Bad: bad}
}

// heading names the sources in few words.
func heading(volumes []inspector.Volume) string {
	switch len(volumes) {
	case 0:
		return "no source"
	case 1:
		return shown(volumes[0].Source)
	case 2:
		return shown(volumes[0].Source) + " and " + shown(volumes[1].Source)
	}
	return shown(volumes[0].Source) + " and " + count(int64(len(volumes)-1)) + " more"
}

// estimate is what an export would take.
type estimate struct {
	Rows    []estimateRow
	Points  string
	Workers string
	Sample  string
	Free    string // "": not known
}

// estimateRow is one form of an export.
type estimateRow struct {
	Form, Size, Time string
	Tight            bool // does not fit
}

func newEstimate(r *inspector.Report) *estimate {
	e := r.Estimate
	if e == nil {
		return nil
	}
	row := func(form string, bytes int64, seconds float64) estimateRow {
		return estimateRow{Form: form, Size: size(bytes), Time: span(seconds), Tight: e.FreeBytes >= 0 && bytes > e.FreeBytes}
	}
	out := &estimate{
		Rows: []estimateRow{
			row("text", e.TextBytes, e.TextSeconds),
			row("gzip", e.GzipBytes, e.GzipSeconds),
			row("zstd", e.ZstdBytes, e.ZstdSeconds),
		},
		Points:  some(r.Totals.Points, "point", "points") + ", " + some(r.Totals.Values, "value", "values"),
		Workers: plural(int64(e.Workers), "worker", "workers"),
		Sample:  "all of it",
	}
	if e.SampleBytes < e.AllBytes {
		out.Sample = "a sample of " + size(e.SampleBytes) + " of " + size(e.AllBytes)
	}
	if e.FreeBytes >= 0 {
		out.Free = size(e.FreeBytes) + " free at " + shown(e.FreePath)
	}
	return out
}
