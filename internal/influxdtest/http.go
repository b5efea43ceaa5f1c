// SPDX-License-Identifier: Apache-2.0

package influxdtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Series is one series of a query's answer, as the server put it. Numbers are
// json.Number and times are nanoseconds.
type Series struct {
	Name    string            `json:"name"`
	Tags    map[string]string `json:"tags"`
	Columns []string          `json:"columns"`
	Values  [][]any           `json:"values"`
}

// Rows gives the rows of an answer as maps by column, with the name of their series, where it
// has one, as "series".
func Rows(answer []Series) []map[string]any {
	rows := []map[string]any{}
	for _, s := range answer {
		for _, values := range s.Values {
			row := map[string]any{}
			for i, column := range s.Columns {
				row[column] = values[i]
			}
			if s.Name != "" {
				row["series"] = s.Name
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// Write writes line protocol with times in nanoseconds. An empty rp is the
// database's default policy.
func (s *Server) Write(db, rp, lp string) {
	s.tb.Helper()
	if err := s.TryWrite(db, rp, lp); err != nil {
		s.tb.Fatalf("write to %q.%q: %v", db, rp, err)
	}
}

// TryWrite is Write for points that the server may refuse: its error holds the
// status and what the server said.
func (s *Server) TryWrite(db, rp, lp string) error {
	status, body, err := s.post("/write", url.Values{"db": {db}, "rp": {rp}, "precision": {"n"}}, []byte(lp))
	if err != nil {
		return err
	}
	if status != http.StatusNoContent {
		return fmt.Errorf("status %d: %s", status, bytes.TrimSpace(body))
	}
	return nil
}

// Exec runs statements whose answers do not matter, one request each.
func (s *Server) Exec(statements ...string) {
	s.tb.Helper()
	for _, q := range statements {
		if err := s.TryExec(q); err != nil {
			s.tb.Fatalf("%s: %v", q, err)
		}
	}
}

// TryExec is Exec for one statement that the server may refuse.
func (s *Server) TryExec(statement string) error { return s.TryExecIn("", statement) }

// TryExecIn is TryExec in database db.
func (s *Server) TryExecIn(db, statement string) error {
	_, err := s.TryQuery(db, statement)
	return err
}

// dropping reports whether err is one of those of a server in the middle of a drop. While
// any shard is being dropped it refuses every statement that asks all shards. And a drop
// removes a directory that the server may still be writing a file into; it then leaves the
// metastore as it was, and the same statement once more finishes the drop.
func dropping(statement string, err error) bool {
	said := err.Error()
	return strings.Contains(said, "engine is closed") ||
		strings.HasPrefix(statement, "DROP ") && strings.Contains(said, "directory not empty")
}

// Query runs one statement in database db and gives the series of its answer.
func (s *Server) Query(db, q string) []Series {
	s.tb.Helper()
	series, err := s.TryQuery(db, q)
	if err != nil {
		s.tb.Fatalf("%s: %v", q, err)
	}
	return series
}

// TryQuery is Query for a statement that the server may refuse. A refusal that only says
// that the server is busy with a drop is waited out.
func (s *Server) TryQuery(db, q string) ([]Series, error) {
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		series, err := s.ask(db, q)
		if err == nil || !dropping(q, err) || time.Since(began) > busyTimeout {
			return series, err
		}
	}
}

// ask runs a statement once.
func (s *Server) ask(db, q string) ([]Series, error) {
	status, body, err := s.post("/query", url.Values{"db": {db}, "q": {q}, "epoch": {"ns"}}, nil)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Error   string
		Results []struct {
			Error  string
			Series []Series
		}
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&answer); err != nil {
		return nil, fmt.Errorf("status %d, answer %q: %w", status, body, err)
	}
	if answer.Error != "" {
		return nil, fmt.Errorf("status %d: %s", status, answer.Error)
	}
	var series []Series
	for _, r := range answer.Results {
		if r.Error != "" {
			return nil, fmt.Errorf("status %d: %s", status, r.Error)
		}
		series = append(series, r.Series...)
	}
	return series, nil
}

// post sends one request and reads the whole answer.
func (s *Server) post(path string, params url.Values, body []byte) (status int, answer []byte, err error) {
	target := s.URL + path + "?" + params.Encode()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if s.opts.Auth {
		req.SetBasicAuth(User, Password)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// Ident quotes a database, policy, measurement, tag or field name for InfluxQL.
func Ident(name string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(name) + `"`
}
