// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/importer/lpfile"
	"github.com/shardlift/shardlift/importer/preflight"
	"github.com/shardlift/shardlift/meta"
	"github.com/shardlift/shardlift/point"
)

// compare gives the faults of a file that is not what the manifest says.
func compare(j *fileJob) (faults []exporter.Fault) {
	a, e := j.audit, j.entry
	report := func(part string, values int64, format string, args ...any) {
		faults = append(faults, exporter.Fault{
			File: j.path, Offset: -1, Part: part, Values: max(values, 0), Lost: values > 0, Reason: fmt.Sprintf(format, args...),
		})
	}
	if a.Bytes != e.OutputBytes {
		report("file", 0, "has %d bytes, but %d according to the manifest", a.Bytes, e.OutputBytes)
	}
	if !strings.EqualFold(a.SHA256, e.SHA256) {
		report("file", 0, "its SHA-256 is not the one in the manifest")
	}
	var other []string
	differ := func(what string, have, want any) {
		if have != want {
			other = append(other, fmt.Sprintf("%s %v instead of %v", what, have, want))
		}
	}
	start, end := a.Span.Texts()
	differ("bytes of text:", a.Text, e.Bytes)
	differ("points:", a.Points, e.Points)
	differ("values:", a.Values, e.Values)
	differ("first time:", start, e.Start)
	differ("last time:", end, e.End)
	if len(other) > 0 {
		report("counts", e.Values-a.Values, "holds something else than the manifest says: %s", strings.Join(other, ", "))
	}
	if a.NoTime > 0 {
		report("counts", 0, "%d points have no time, which no export leaves out", a.NoTime)
	}
	if why := seriesDiffer(j); why != "" {
		report("counts", 0, "%s", why)
	}
	for _, why := range placesDiffer(j) {
		report("context", 0, "%s", why)
	}
	return faults
}

// seriesDiffer compares the runs of points of one series with the number of series. A shard
// may begin with the series that the one before ended with, which then is one run; and in
// texts with a line for each value the columns count.
func seriesDiffer(j *fileJob) string {
	a, e := j.audit, j.entry
	if j.book.manifest.Options.Format.OneField {
		return ""
	}
	shards := int64(0)
	for i := range e.Shards {
		if e.Shards[i].Points > 0 {
			shards++
		}
	}
	if a.Series <= e.Series && a.Series >= e.Series-max(shards-1, 0) {
		return ""
	}
	return fmt.Sprintf("holds something else than the manifest says: series: %d instead of %d", a.Series, e.Series)
}

// placesDiffer compares what the context lines say of the points with the shards that the
// manifest lists.
func placesDiffer(j *fileJob) (out []string) {
	want := map[[2]string]*lpfile.AuditPlace{}
	for i := range j.entry.Shards {
		s := &j.entry.Shards[i]
		if s.Points == 0 {
			continue
		}
		name := [2]string{s.Database, s.Policy}
		if j.book.manifest.Options.Format.Bare {
			name = [2]string{}
		}
		p := want[name]
		if p == nil {
			p = &lpfile.AuditPlace{Database: name[0], Policy: name[1], Span: point.NoTime}
			want[name] = p
		}
		p.Points += s.Points
		p.Values += s.Values
		if r, err := point.ParseTexts(s.Start, s.End); err == nil {
			p.Span = p.Span.Union(r)
		}
	}
	for _, have := range j.audit.Places {
		name := [2]string{have.Database, have.Policy}
		w := want[name]
		delete(want, name)
		switch {
		case have.Points == 0:
		case w == nil:
			out = append(out, fmt.Sprintf("%d points stand as those of %q.%q, of which the manifest knows none here", have.Points, name[0], name[1]))
		case *w != have:
			out = append(out, fmt.Sprintf("holds %s of %q.%q, and the manifest says %s", describe(have), name[0], name[1], describe(*w)))
		}
	}
	for name, w := range want {
		out = append(out, fmt.Sprintf("holds nothing of %q.%q, and the manifest says %s", name[0], name[1], describe(*w)))
	}
	slices.Sort(out)
	return out
}

func describe(p lpfile.AuditPlace) string {
	start, end := p.Span.Texts()
	return fmt.Sprintf("%d points and %d values from %s to %s", p.Points, p.Values, start, end)
}

// statements checks the DDL of a file: whether it is any, and whether it makes what the
// manifest says.
func statements(j *fileJob) (faults []exporter.Fault) {
	made := map[preflight.Made]bool{}
	for _, s := range j.audit.Statements {
		list, err := preflight.Makes(s.Text)
		if err != nil {
			faults = append(faults, exporter.Fault{
				File: j.path, Offset: s.Offset, Line: s.Line, Part: "ddl", Reason: fmt.Sprintf("%v: %.80q", err, s.Text),
			})
		}
		for _, m := range list {
			made[m] = true
			made[preflight.Made{Database: m.Database}] = true
		}
	}
	if j.entry == nil || j.book.manifest.Options.Format.Bare {
		return faults
	}
	report := func(format string, args ...any) {
		faults = append(faults, exporter.Fault{File: j.path, Offset: -1, Part: "ddl", Reason: fmt.Sprintf(format, args...)})
	}
	for _, db := range j.entry.Databases {
		if meta.Sayable(db) && !made[preflight.Made{Database: db}] {
			report("no statement makes the database %q, which the manifest lists for this file", db)
			continue
		}
		for _, policy := range j.book.policies[db] {
			if meta.Sayable(db) && meta.Sayable(policy) && !made[preflight.Made{Database: db, Policy: policy}] {
				report("no statement makes the policy %q of %q, which the manifest lists", policy, db)
			}
		}
	}
	for m := range made {
		if m.Policy == "" && !slices.Contains(j.entry.Databases, m.Database) {
			report("a statement makes the database %q, which the manifest does not list for this file", m.Database)
		}
	}
	return faults
}

// bare takes operation and path off an error of package os.
func bare(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
