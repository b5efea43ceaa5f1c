// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/internal/influxdtest/testvolume"
)

// again gives the statements of a recorded volume's metastore.
func again(t *testing.T, name string) string {
	t.Helper()
	cmd, stderr := command(t, "inspect", testvolume.Open(t, name).Dir, "--metastore", "--format", "influxql")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	return string(out)
}

// withPasswords takes the dashes off users and grants, as the comment above them says.
func withPasswords(script string) string {
	var b strings.Builder
	for line := range strings.Lines(script) {
		if text, ok := strings.CutPrefix(line, "-- "); ok && (strings.HasPrefix(text, "CREATE USER ") || strings.HasPrefix(text, "GRANT ")) {
			line = strings.Replace(text, "<password>", "'secret'", 1)
		}
		b.WriteString(line)
	}
	return b.String()
}

// An empty server that runs the statements of a metastore answers what the one answered
// that the metastore is from.
func TestStatementsMakeTheMetastoreAgain(t *testing.T) {
	for _, name := range []string{"policies", "names", "edges"} {
		t.Run(name, func(t *testing.T) {
			s := influxdtest.Start(t, influxdtest.Options{})
			if err := s.TryExec(withPasswords(again(t, name))); err != nil {
				t.Fatal(err)
			}
			compared := 0
			for statement, want := range testvolume.Open(t, name).Meta {
				if strings.HasPrefix(statement, "SHOW SHARD") || strings.Contains(statement, "_internal") {
					continue
				}
				want = slices.DeleteFunc(want, func(row map[string]any) bool { return row["name"] == "_internal" || row["series"] == "_internal" })
				if diff := cmp.Diff(sortedRows(t, want), sortedRows(t, influxdtest.Rows(s.Query("", statement)))); diff != "" {
					t.Errorf("%s (-want +got)\n%s", statement, diff)
				}
				compared += len(want)
			}
			if compared < 4 {
				t.Errorf("only %d rows were compared", compared)
			}
		})
	}
}

func sortedRows(t *testing.T, list []map[string]any) []string {
	t.Helper()
	out := []string{}
	for _, row := range list {
		text, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(text))
	}
	slices.Sort(out)
	return out
}

// The client takes the statements as they come, with their comments.
func TestClientTakesStatements(t *testing.T) {
	s := influxdtest.Start(t, influxdtest.Options{})
	_, influx, err := influxdtest.Find()
	if err != nil || influx == "" {
		t.Fatalf("no influx client: %v", err)
	}
	at, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), influx, "-host", at.Hostname(), "-port", at.Port())
	cmd.Stdin = strings.NewReader(again(t, "policies"))
	if out, err := cmd.CombinedOutput(); err != nil || len(bytes.TrimSpace(out)) > 0 {
		t.Fatalf("%v\n%s", err, out)
	}
	var got []string
	for _, row := range influxdtest.Rows(s.Query("", "SHOW DATABASES")) {
		name, _ := row["name"].(string)
		got = append(got, name)
	}
	if diff := cmp.Diff([]string{"metrics", "events", "nothing"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
