// SPDX-License-Identifier: Apache-2.0

package target

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const (
	chunkRows = 5000
	jsonType  = "application/json"
	formType  = "application/x-www-form-urlencoded"
)

// askChunks sends a query whose answer comes in chunks, and gives the answer with its type.
// The caller closes its body. The statement goes in the request's body: with long names it
// is longer than the 4 to 8 KiB that proxies take of a URL, and their logs have those.
func (t *Target) askChunks(ctx context.Context, n *node, database, statement, accept string) (resp *http.Response, kind string, err error) {
	params := url.Values{"db": {database}, "epoch": {"ns"}, "chunked": {"true"}, "chunk_size": {strconv.Itoa(chunkRows)}}
	req, err := t.newRequest(n, http.MethodPost, n.at("/query", params), V1)
	if err != nil {
		return nil, "", &Error{Message: "make the request: " + err.Error(), Class: Fatal, Dropped: -1}
	}
	form := url.Values{"q": {statement}}.Encode()
	req.Body, req.ContentLength = io.NopCloser(strings.NewReader(form)), int64(len(form))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(form)), nil }
	req.Header.Set("Content-Type", formType)
	req.Header.Set("Accept", accept)
	if resp, err = t.client.Do(req.WithContext(ctx)); err != nil {
		return nil, "", err
	}
	kind, _, _ = strings.Cut(resp.Header.Get("Content-Type"), ";")
	return resp, kind, nil
}

// refusal says what it means that an answer holds no rows at all.
func refusal(resp *http.Response) error {
	a := answer{status: resp.StatusCode, header: resp.Header}
	var err error
	if a.body, err = io.ReadAll(io.LimitReader(resp.Body, answerBytes)); err != nil && !a.enough() {
		return brokenOff(err.Error())
	}
	return classifyAnswer(a)
}

// chunks runs a query on one node and hands out its answer in JSON, chunk by chunk.
func (t *Target) chunks(ctx context.Context, n *node, database, statement string, out func(Series) error) error {
	resp, kind, err := t.askChunks(ctx, n, database, statement, jsonType)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // only read from
	if kind != jsonType || resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests {
		return refusal(resp)
	}
	return readChunks(resp.Body, out)
}

// chunk is one of an answer's.
type chunk struct {
	Results []struct {
		Series  []Series `json:"series"`
		Error   string   `json:"error"`
		Partial bool     `json:"partial"` // more follow
	} `json:"results"`
	Error string `json:"error"`
}

// readChunks reads an answer to its end, which is where the last chunk says so: a proxy may
// end an answer between two of them, and nothing else tells.
func readChunks(r io.Reader, out func(Series) error) error {
	came, more := false, false
	for dec := newDecoder(r); ; {
		var c chunk
		err := dec.Decode(&c)
		switch {
		case errors.Is(err, io.EOF) && more:
			return brokenOff(io.ErrUnexpectedEOF.Error())
		case errors.Is(err, io.EOF) && !came:
			return brokenOff("nothing of it came")
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return broken(dec, r, err)
		case c.Error != "":
			return statementError(c.Error)
		case len(c.Results) == 0: // 2.x says {"code", "message"} where no database is mapped to a bucket
			return errNoResults
		}
		came = true
		for _, result := range c.Results {
			if result.Error != "" {
				return statementError(result.Error)
			}
			for _, s := range result.Series {
				if err := out(s); err != nil {
					return err
				}
			}
			more = result.Partial
		}
	}
}

func newDecoder(r io.Reader) *json.Decoder {
	dec := json.NewDecoder(r)
	dec.UseNumber()
	return dec
}

// broken makes an error of a chunk that could not be read: a server that fails, or a proxy,
// may have put its last words there.
func broken(dec *json.Decoder, r io.Reader, err error) error {
	if _, syntax := errors.AsType[*json.SyntaxError](err); syntax {
		words, _ := io.ReadAll(io.LimitReader(io.MultiReader(dec.Buffered(), r), answerBytes))
		if text := strings.TrimSpace(string(words)); text != "" && text[0] != '{' {
			return brokenOff(text)
		}
	}
	return brokenOff(err.Error())
}

func brokenOff(text string) error {
	return fmt.Errorf("the answer broke off: %s", shorten(text, shownPageBytes))
}
