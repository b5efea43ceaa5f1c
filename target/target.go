// SPDX-License-Identifier: Apache-2.0

package target

import (
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
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
	Timeout   time.Duration // of one request, or of one chunk of an answer to Each; 0 is 60 s
	UserAgent string
}

// Target is a cluster. It may be used from any number of goroutines.
type Target struct {
	cfg    Config
	client *http.Client // for all but queries
	api    apiValue
	stats  counters

	mu    sync.Mutex
	nodes []*node // the slice is fixed
	turn  int     // of the node that is looked at first
}

// Node is what one node said of itself.
type Node struct {
	URL     string // without credentials
	Version string // "unknown" is possible
	Build   string // "OSS", "ENT", or ""
	Err     error  // why it did not answer
}

// API gives the way to write; never Auto after Check.
func (t *Target) API() API { return t.api.Load() }

// apiValue is an API that several goroutines use.
type apiValue struct{ v atomic.Pointer[API] }

func (a *apiValue) Load() API     { return *a.v.Load() }
func (a *apiValue) Store(api API) { a.v.Store(&api) }

// Close ends idle connections.
func (t *Target) Close() error {
	t.client.CloseIdleConnections()
	var errs []error
	for _, n := range t.nodes {
		errs = append(errs, n.querier.Close())
	}
	return errors.Join(errs...)
}
