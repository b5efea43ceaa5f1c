// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/internal/exportdir"
	"github.com/shardlift/shardlift/internal/jsonbytes"
	"github.com/shardlift/shardlift/point"
)

// book is what is known of the manifest of a directory.
type book struct {
	path     string
	manifest *exporter.Manifest // nil: it cannot be read
	files    map[string]*exporter.FileInfo
	policies map[string][]string
}

// bookOf reads the manifest of a directory, once; nil if it has none. What is wrong with it
// is reported.
func (r *exportRun) bookOf(dir string) *book {
	if b, ok := r.books[dir]; ok {
		return b
	}
	b := r.readBook(dir)
	r.books[dir] = b
	return b
}

func (r *exportRun) readBook(dir string) *book {
	for _, name := range []string{exporter.ManifestName, exporter.UnfinishedName} {
		path := filepath.Join(dir, name)
		text, err := exportdir.ReadManifest(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		b := &book{path: path, files: map[string]*exporter.FileInfo{}}
		if err == nil {
			b.manifest, err = exporter.ParseManifest(text)
		}
		if err != nil {
			b.manifest = nil
			r.wrong(b, true, "cannot be read: %v", bare(err))
			return b
		}
		if name == exporter.UnfinishedName {
			r.wrong(b, true, "the export has not ended; run the same export again to carry on")
		}
		r.checkText(b, text)
		r.checkNames(b)
		r.checkSums(b)
		r.exportsOwn(b)
		return b
	}
	return nil
}

// wrong reports a manifest.
func (r *exportRun) wrong(b *book, lost bool, format string, args ...any) {
	r.report.note(exporter.Fault{File: b.path, Offset: -1, Part: "manifest", Lost: lost, Reason: fmt.Sprintf(format, args...)})
	r.opts.Progress.Faults.Add(1)
}

// checkText looks at the manifest as a text. One without a checksum may have one whose name
// was damaged, which then is a field that nobody knows.
func (r *exportRun) checkText(b *book, text []byte) {
	switch holds, sealed := exporter.ChecksumHolds(text, b.manifest); {
	case holds:
	case sealed:
		r.wrong(b, false, "its own checksum does not hold: it was changed after the export")
	case len(unknownFields(text)) > 0:
		r.wrong(b, false, "has no checksum, and fields that are not known: %s", strings.Join(unknownFields(text), ", "))
	default:
		r.report.Notes = append(r.report.Notes, b.path+" has no checksum of its own; an early version wrote it")
	}
	policies, err := jsonbytes.Marshal(b.manifest.Options.Policies)
	if err == nil {
		err = jsonbytes.Unmarshal(policies, &b.policies)
	}
	if err != nil {
		r.wrong(b, false, "does not list policies by database")
	}
}

// unknownFields gives the fields of a manifest that this version does not know, quoted.
func unknownFields(text []byte) (out []string) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return nil // it was parsed before
	}
	known := map[string]bool{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[exporter.Manifest]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		known[name] = true
	}
	for name := range all {
		if !known[name] {
			out = append(out, fmt.Sprintf("%q", name))
		}
	}
	slices.Sort(out)
	return out
}

// checkNames takes the files whose names lead nowhere else.
func (r *exportRun) checkNames(b *book) {
	for i := range b.manifest.Files {
		f := &b.manifest.Files[i]
		switch sum, err := hex.DecodeString(f.SHA256); {
		case f.Name == "" || f.Name == "." || f.Name == ".." || strings.ContainsAny(f.Name, "/\\\x00"):
			r.wrong(b, true, "%q is no plain file name", f.Name)
			continue
		case b.files[f.Name] != nil:
			r.wrong(b, false, "lists the file %q twice", f.Name)
			continue
		case err != nil || len(sum) != 32:
			r.wrong(b, false, "has no SHA-256 of the file %q", f.Name)
		}
		b.files[f.Name] = f
	}
}

// checkSums compares the totals with what they are of.
func (r *exportRun) checkSums(b *book) {
	var all exporter.Totals
	for i := range b.manifest.Files {
		f := &b.manifest.Files[i]
		all.Shards += int64(len(f.Shards))
		all.Series += f.Series
		all.Points += f.Points
		all.Values += f.Values
		all.Bytes += f.Bytes
		points, values, span := int64(0), int64(0), point.NoTime
		for _, s := range f.Shards {
			points += s.Points
			values += s.Values
			one, err := point.ParseTexts(s.Start, s.End)
			if err != nil || s.Points > 0 == one.Empty() {
				r.wrong(b, false, "file %q: the times of shard %d of %s.%s do not fit its points", f.Name, s.ID, s.Database, s.Policy)
			}
			span = span.Union(one)
		}
		start, end := span.Texts()
		if points != f.Points || values != f.Values || start != f.Start || end != f.End {
			r.wrong(b, false, "file %q: its points, values or times are not those of its shards together", f.Name)
		}
	}
	if all != b.manifest.Totals {
		r.wrong(b, false, "its totals are not those of its files together")
	}
}

// exportsOwn tells of the faults that the export itself came upon.
func (r *exportRun) exportsOwn(b *book) {
	all, lost := 0, 0
	count := func(faults []exporter.Fault) {
		all += len(faults)
		lost += exporter.CountLost(faults)
	}
	count(b.manifest.Faults)
	for i := range b.manifest.Files {
		count(b.manifest.Files[i].Faults)
	}
	if all > 0 {
		r.report.Notes = append(r.report.Notes, fmt.Sprintf(
			"the export itself found faults in its source: %d, of which %d lost something; %s lists them", all, lost, b.path))
	}
}
