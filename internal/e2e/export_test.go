// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/internal/lpjudge"
	"github.com/shardlift/shardlift/volume"
)

// setting changes the options of an export.
type setting func(*exporter.Options)

var compressions = []exporter.Compression{exporter.None, exporter.Gzip, exporter.Zstd}

func compressed(c exporter.Compression) setting {
	return func(o *exporter.Options) { o.Format.Compression = c }
}

func workers(n int) setting { return func(o *exporter.Options) { o.Workers = n } }

func oneField(o *exporter.Options) { o.Format.OneField = true }

// toFile exports the volume at path into the file out, and fails where shardlift
// cannot. It leaves faults to the caller.
func toFile(t *testing.T, path, out string, settings ...setting) *exporter.Summary {
	t.Helper()
	sum, err := run(t, path, exporter.Output{File: out}, settings...)
	if err != nil {
		t.Fatalf("export %s: %v", path, err)
	}
	return sum
}

// run opens the volume at path and exports all of it, _internal too.
func run(t *testing.T, path string, out exporter.Output, settings ...setting) (*exporter.Summary, error) {
	t.Helper()
	cat, sel, err := everything(t, path)
	if err != nil {
		return nil, err
	}
	for _, err := range cat.MetaErrors {
		t.Errorf("metastore of %s: %v", path, err)
	}
	opts := exporter.Options{Catalog: cat, Selection: sel, Output: out, Workers: 2, Version: "test"}
	for _, set := range settings {
		set(&opts)
	}
	return exporter.Run(t.Context(), opts)
}

// everything opens the volume at path and selects all of it.
func everything(t *testing.T, path string) (*volume.Catalog, *filter.Selection, error) {
	t.Helper()
	cat, err := volume.Open(t.Context(), volume.Request{Paths: []string{path}})
	if err != nil {
		return nil, nil, err
	}
	sel, err := filter.New(filter.Spec{IncludeInternal: true}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return cat, sel, nil
}

// exported exports the volume at path to a file that is read again.
func exported(t *testing.T, path string, settings ...setting) ([]lpjudge.Value, *exporter.Summary) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out.lp")
	sum := toFile(t, path, out, settings...)
	values, report := read(t, out)
	if int64(report.Lines) != sum.Points || int64(report.Values) != sum.Values {
		t.Errorf("the summary counts %d points and %d values; there are %d lines and %d values", sum.Points, sum.Values, report.Lines, report.Values)
	}
	if report.NoNewline {
		t.Error("the last line has no line feed")
	}
	return values, sum
}

// read reads a file or directory as a server would.
func read(t *testing.T, path string) ([]lpjudge.Value, lpjudge.Report) {
	t.Helper()
	values, report, err := lpjudge.ReadPath(path, lpjudge.Options{})
	if err != nil {
		t.Fatalf("the export is not line protocol: %v", err)
	}
	return values, report
}

// compare fails where got differs from want.
func compare(t *testing.T, what string, want, got []lpjudge.Value) {
	t.Helper()
	if diff := lpjudge.Diff(want, got, 20); diff != nil {
		t.Errorf("%s: %d values wanted, %d exported:\n%s", what, len(want), len(got), strings.Join(diff, "\n"))
	}
}

// noFaults fails where the export reported a fault.
func noFaults(t *testing.T, sum *exporter.Summary) {
	t.Helper()
	for _, f := range sum.Faults {
		t.Errorf("fault: %s", f.String())
	}
}
