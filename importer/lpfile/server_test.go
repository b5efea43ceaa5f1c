// SPDX-License-Identifier: Apache-2.0

package lpfile_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/importer/lpfile"
	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/volume"
)

// feed hands every batch of cfg to each.
func feed(t *testing.T, cfg lpfile.Config, each func(*importer.Batch, importer.Item)) *lpfile.Survey {
	t.Helper()
	r, err := lpfile.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close() //nolint:errcheck // was only read
	survey, err := r.Survey(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	var b importer.Batch
	for {
		item, err := r.Next(context.Background(), &b)
		if errors.Is(err, io.EOF) {
			return survey
		}
		if err != nil {
			t.Fatal(err)
		}
		each(&b, item)
	}
}

// A server stores what the batches say, and refuses what the reader calls no point.
func TestAgainstServer(t *testing.T) {
	server := influxdtest.Start(t, influxdtest.Options{})
	for _, db := range []string{"a:b", "a"} {
		server.Exec("CREATE DATABASE " + influxdtest.Ident(db))
	}
	text := "# DML\n# CONTEXT-DATABASE:a:b\n# CONTEXT-RETENTION-POLICY:autogen\n"
	want := map[string]string{}
	for i := range 600 { // E5
		value := fmt.Sprintf("line0\n# hash line\n\n# CONTEXT-DATABASE:a\n\\%d", i)
		want[fmt.Sprint(int64(i)*1e9)] = value
		text += fmt.Sprintf("m s=\"%s\" %d\n", strings.ReplaceAll(value, `\`, `\\`), i)
	}
	for _, line := range []string{
		`m,t f=1 1`, `m,t= f=1 1`, `m f= 1`, `m f 1`, `m f=1,=2 1`, `m f=1 1 1`, `m f=tRUE 1`, `m f=1.2.3 1`, `m f="x 1`, `,t=a f=1 1`,
		`m f=9223372036854775808i 1`, `m f=1e999 1`, `m f=1 x`, `m f=1 9223372036854775807`, "m f=1 1\r", `m`, `m,t=a`, `m f=1, 1`, `m,t=a,t=b f=1 1`,
	} {
		text += line + "\n"
	}
	good := []string{
		`n f=1 1`, ` n i=1i 2 `, `n,t=a\ b\,c\=d s="x\"y" 3`, `n,t=a b=t,c=FALSE,h=1e5 4`, `n\,x f=.5 5`, `n f\ g=1 6`, `n,b=2,a=1 f=1 7`, `n s="" 8`, `n f=1`,
	}
	text += strings.Join(good, "\n") // E1: without a line feed at the end

	path := filepath.Join(t.TempDir(), "a.lp")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	points, rejects := 0, 0
	cfg := lpfile.Config{Inputs: []string{path}, Precision: "s", Now: 9e9, Check: true, BatchPoints: 50}
	feed(t, cfg, func(b *importer.Batch, item importer.Item) {
		points += b.Points
		if err := server.TryWrite(b.Place.Database, b.Place.Policy, string(b.Text)); err != nil {
			t.Errorf("%q: %v", b.Text, err)
		}
		for _, rej := range item.Rejects {
			rejects++
			late := strings.Contains(rej.Reason, "64 bits of nanoseconds") // in the server's unit it would not be
			if err := server.TryWrite("a", "", string(rej.Text)); err == nil && !late {
				t.Errorf("the server takes %q; %s", rej.Text, rej.Reason)
			}
		}
	})
	if points != 600+len(good) || rejects != 19 {
		t.Errorf("%d points, %d rejects", points, rejects)
	}
	got := map[string]string{}
	for _, s := range server.Query("a:b", "SELECT s FROM m") {
		for _, v := range s.Values {
			got[fmt.Sprint(v[0])] = fmt.Sprint(v[1])
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if s := server.Query("a", "SELECT * FROM /.*/"); len(s) > 0 {
		t.Errorf("points went to a: %v", s)
	}
}

// What export writes is read, verified and surveyed.
func TestExports(t *testing.T) {
	dir := t.TempDir()
	d := shardtest.Devops{Hosts: 3, Duration: time.Hour, Step: 10 * time.Second, Shards: 3, Seed: 1}
	if _, err := d.Write(dir); err != nil {
		t.Fatal(err)
	}
	cat, err := volume.Open(t.Context(), volume.Request{Paths: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	sel, err := filter.New(filter.Spec{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for name, format := range map[string]exporter.Format{
		"gzip by shard":        {Compression: exporter.Gzip, Level: 1, Split: exporter.SplitShard},
		"zstd by database":     {Compression: exporter.Zstd, Level: 1, Split: exporter.SplitDatabase},
		"plain":                {Split: exporter.SplitDatabase},
		"one field":            {Split: exporter.SplitDatabase, OneField: true},
		"points only by shard": {Compression: exporter.Gzip, Level: 1, Split: exporter.SplitShard, Bare: true},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			sum, err := exporter.Run(t.Context(), exporter.Options{Catalog: cat, Selection: sel, Version: "test", Format: format, Output: exporter.Output{Dir: out}})
			if err != nil {
				t.Fatal(err)
			}
			var points, lines, fields int64
			survey := feed(t, lpfile.Config{Inputs: []string{out}, Check: true}, func(b *importer.Batch, item importer.Item) {
				points += int64(b.Points)
				lines += int64(len(item.Statements) + len(item.Rejects)) // the survey had the statements
				for _, s := range b.Stretches {
					if s.Field != 0 {
						fields++
					}
				}
			})
			if lines != 0 || !survey.Complete || survey.Stdin || len(survey.Notes) > 0 || len(survey.Places) == 0 {
				t.Errorf("%d lines are no points; %+v", lines, survey)
			}
			want, known := sum.Points, sum.Points
			if format.OneField { // the manifest counts points, not lines
				want, known = sum.Values, -1
			}
			if survey.Points != known {
				t.Errorf("surveyed %d points, want %d", survey.Points, known)
			}
			if points != want || points == 0 || format.OneField != (fields > 0) {
				t.Errorf("%d points, want %d; %d stretches of one field", points, want, fields)
			}
		})
	}
}
