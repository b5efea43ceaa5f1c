// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/importer/lpfile"
	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/target"
	"github.com/shardlift/shardlift/verifier"
)

// What was refused is not looked for. A replay that was carried on may name a point twice
// that it counted once; in a file that is imported it may stand twice.
func TestExclude(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rejects.lp")
	text := importer.RejectsHeader + "old\n# DML\n# CONTEXT-DATABASE:d\nm f=9 9\n" +
		importer.RejectsHeader + "new\n# DML\n# CONTEXT-DATABASE:d\n# CONTEXT-RETENTION-POLICY:p\n# in:1: no\nm f=\"a\nb\" 1\n" +
		importer.RejectsHeader + "new\n# DML\n# CONTEXT-DATABASE:d\n# CONTEXT-RETENTION-POLICY:p\n# in:1: no\nm f=\"a\nb\" 1\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for command, want := range map[string]int64{"replay": 3, "import": 2} {
		counter := verifier.NewCounter(nil)
		for _, lines := range []string{"m f=\"a\nb\" 1\n", "m f=2 2\n", "m f=\"a\nc\" 1\n", "m f=9 9\n"} {
			if err := counter.Add("d", "p", []byte(lines)); err != nil {
				t.Fatal(err)
			}
		}
		d := &delivery{command: command, options: importer.Options{RejectsPath: path}}
		if err := d.exclude(t.Context(), counter, func(_ context.Context, p importer.Place) (importer.Place, error) { return p, nil }); err != nil {
			t.Fatal(err)
		}
		if counter.Values() != want {
			t.Errorf("%s: %d values are left, want %d", command, counter.Values(), want)
		}
	}
}

// What is missing of points without a policy is not made up for by those of the default one,
// which are in the same place, whether the input is read again or counted as it passes.
func TestDefaultPolicyIsOnePlace(t *testing.T) {
	s := influxdtest.Start(t, influxdtest.Options{})
	s.Exec(`CREATE DATABASE "db"`)
	s.Write("db", "", "m,h=a f=1 5\n")
	tg, err := target.Open(target.Config{URLs: []string{s.URL}})
	if err != nil {
		t.Fatal(err)
	}
	defer tg.Close() //nolint:errcheck // a test
	const text = "# DML\n# CONTEXT-DATABASE: db\nm,h=a f=1 5\n# CONTEXT-RETENTION-POLICY: autogen\nm,h=b f=1 5\n"
	path := filepath.Join(t.TempDir(), "in.lp")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, passing := range []bool{false, true} {
		from := &fileSource{watch: func(gauge) func() { return func() {} }, cfg: lpfile.Config{Inputs: []string{path}, Progress: &importer.Progress{}, Check: true}}
		if from.reader, err = lpfile.Open(t.Context(), from.cfg); err != nil {
			t.Fatal(err)
		}
		d := &delivery{command: "import", flags: &deliveryFlags{}, notes: &notes{quiet: true}}
		if passing {
			feed, err := d.countPassing(from.reader, from, tg)
			if err != nil {
				t.Fatal(err)
			}
			if err := eachBatch(t.Context(), feed, func(*importer.Batch, *importer.Item) error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
		o := &deliveryOutcome{Summary: &importer.Summary{}}
		if err := d.verify(t.Context(), from, tg, o); err != nil {
			t.Fatal(err)
		}
		if o.Verify.MissingValues != 1 || o.Verify.equal() || o.Verify.Compared != 1 {
			t.Errorf("passing %v: %d missing, %d cells compared", passing, o.Verify.MissingValues, o.Verify.Compared)
		}
		if err := from.close(); err != nil {
			t.Error(err)
		}
	}
}
