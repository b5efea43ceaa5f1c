// SPDX-License-Identifier: Apache-2.0

package lpjudge

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Server is a live InfluxDB 1.x.
type Server struct {
	URL            string
	User, Password string // no login if User is empty
}

// chunk is a run of rows of one series of an answer.
type chunk struct {
	tags map[string]any
	rows []any
}

// query runs one statement and hands out its answer as it arrives.
func (s Server) query(ctx context.Context, db, q string, out func(chunk) error) error {
	params := url.Values{"db": {db}, "q": {q}, "epoch": {"ns"}, "chunked": {"true"}, "chunk_size": {"10000"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/query", strings.NewReader(params.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/x-msgpack")
	// The server may have gone and come back since it was asked last: a question that met its
	// old connection is put once more. A header without a value says so and is not sent.
	req.Header["Idempotency-Key"] = nil
	if s.User != "" {
		req.SetBasicAuth(s.User, s.Password)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	if kind := resp.Header.Get("Content-Type"); kind != "application/x-msgpack" {
		return fmt.Errorf("status %d, answer is %q and not MessagePack", resp.StatusCode, kind)
	}
	u := unpacker{bufio.NewReaderSize(resp.Body, 1<<20)}
	for {
		answer, err := u.value()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = chunks(answer, out)
		}
		if err != nil {
			return fmt.Errorf("status %d, %s: %w", resp.StatusCode, q, err)
		}
	}
}

// chunks walks one answer: {results: [{series: [{name, tags, values}]}]}. A kind that
// is not what it should be reads as empty, an error member ends the walk.
func chunks(answer any, out func(chunk) error) error {
	top, _ := answer.(map[string]any)
	results, _ := top["results"].([]any)
	if err := serverError(top); err != nil {
		return err
	}
	for _, r := range results {
		result, _ := r.(map[string]any)
		if err := serverError(result); err != nil {
			return err
		}
		list, _ := result["series"].([]any)
		for _, s := range list {
			series, _ := s.(map[string]any)
			tags, _ := series["tags"].(map[string]any)
			rows, _ := series["values"].([]any)
			if err := out(chunk{tags, rows}); err != nil {
				return err
			}
		}
	}
	return nil
}

func serverError(m map[string]any) error {
	if text, ok := m["error"]; ok {
		return fmt.Errorf("server says: %v", text)
	}
	return nil
}

// strings gives the first n columns of an answer as text, row by row.
func (s Server) strings(ctx context.Context, db, q string, n int) ([][]string, error) {
	var table [][]string
	err := s.query(ctx, db, q, func(c chunk) error {
		for _, row := range c.rows {
			values, _ := row.([]any)
			if len(values) < n {
				return fmt.Errorf("row %v has fewer than %d columns", values, n)
			}
			cells := make([]string, n)
			for i := range cells {
				cells[i] = fmt.Sprint(values[i])
			}
			table = append(table, cells)
		}
		return nil
	})
	return table, err
}

// ident quotes a name for InfluxQL. A name that is not UTF-8 cannot be asked for.
func ident(name string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(name) + `"`
}
