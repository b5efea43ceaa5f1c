// SPDX-License-Identifier: Apache-2.0

package target

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// API is a way to write.
type API string

// The APIs. Auto asks the server.
const (
	Auto API = "auto"
	V1   API = "v1" // /write
	V2   API = "v2" // /api/v2/write
)

// Encoding says whether request bodies are compressed.
type Encoding string

// The encodings. EncodeAuto compresses where the way to the node is slower than gzip.
const (
	EncodeAuto Encoding = "auto"
	EncodeGzip Encoding = "on"
	EncodeNone Encoding = "off"
)

// Config says where the target is and how to talk to it.
type Config struct {
	URLs []string // of the nodes of one cluster; http or https, a path prefix is kept

	// Credentials: name and password, or a token (2.x, or "user:password"), or a JWT.
	Username, Password, Token, JWT string

	CACert, ClientCert, ClientKey string // PEM files
	InsecureSkipVerify            bool

	API         API
	Consistency string            // any, one, quorum, all or ""
	Org         string            // of 2.x
	Buckets     map[string]string // "database/policy" to a bucket; otherwise that is its name

	Encoding  Encoding
	Timeout   time.Duration // of one request; 0 is 60 s
	UserAgent string
}

// Target is a cluster. It may be used from any number of goroutines.
type Target struct{}

// Open checks the configuration and reads its files. It does not talk to anyone.
func Open(cfg Config) (*Target, error) { return nil, errors.New("not built yet") }

// Node is what one node said of itself.
type Node struct {
	URL     string // without credentials
	Version string // "unknown" is possible
	Build   string // "OSS", "ENT", or ""
	Err     error  // why it did not answer
}

// Check asks every node who it is, and settles the API where that is Auto. The error is
// that no node answered, or that credentials were refused.
func (t *Target) Check(ctx context.Context) ([]Node, error) { return nil, nil }

// API gives the way to write; never Auto after Check.
func (t *Target) API() API { return V1 }

// Series is one series of a query's answer. Numbers are json.Number.
type Series struct {
	Name    string
	Tags    map[string]string
	Columns []string
	Values  [][]any
}

// Query runs one statement and gives its answer, times in nanoseconds. An error of the
// statement, which comes with status 200, is an *Error with class Fatal.
func (t *Target) Query(ctx context.Context, database, statement string) ([]Series, error) {
	return nil, nil
}

// Each runs one query and hands out its answer in chunks as it arrives.
func (t *Target) Each(ctx context.Context, database, statement string, out func(Series) error) error {
	return nil
}

// Write sends lines of points to one node: one attempt. Empty lines test credentials and
// place. Errors are *Error.
func (t *Target) Write(ctx context.Context, database, policy string, lines []byte) error {
	return nil
}

// Stats is what went over the wire.
type Stats struct {
	Requests  int64
	BodyBytes int64 // as sent, after compression
	TextBytes int64 // before
}

// Stats counts since Open.
func (t *Target) Stats() Stats { return Stats{} }

// Close ends idle connections.
func (t *Target) Close() error { return nil }

var _ json.Number // of Series
