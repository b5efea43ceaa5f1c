// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"time"

	"github.com/shardlift/shardlift/point"
)

// A Sender takes lines of points for one place: *target.Target. One call is one attempt;
// errors that say what to do are *target.Error.
type Sender interface {
	Write(ctx context.Context, database, policy string, lines []byte) error
}

// A Guard prepares the target and knows what it would refuse.
type Guard interface {
	// Statements runs DDL that stood in the input, when all points before it are done.
	Statements(ctx context.Context, statements []string) error
	// Place is asked once for each place, before its first batch is sent, and again behind
	// Statements. Its error ends the run.
	Place(ctx context.Context, p Place) (Limits, error)
}

// Limits is what a place does not take.
type Limits struct {
	// Oldest is the first time that the policy keeps now; what is older would be
	// dropped. math.MinInt64 where it keeps everything.
	Oldest int64
	// Policy says what the limit comes from, for people: "keeps 14d".
	Policy string
	// Shard is the time that a shard covers; 0 where that is not known or does not count.
	Shard time.Duration
}

// Options say how to write.
type Options struct {
	Sender Sender
	Guard  Guard

	// Home gives places that are one on the target the same name, so that the order of their
	// points is kept: buckets that several are written to. nil: each is its own.
	Home func(Place) Place

	Concurrency    int           // fixed number of connections; 0 adapts it, up to MaxConcurrency
	MaxConcurrency int           // 0: 8
	PointsPerSec   float64       // 0: no limit
	BytesPerSec    float64       // of text; 0: no limit
	RetryFor       time.Duration // how long nothing may get through before the run gives up; 0: 10 min

	RejectsPath string // where refused points go; made when the first one comes
	MaxRejects  int64  // more end the run; negative: no limit
	Force       bool   // send points that the policy does not keep

	// CheckpointPath is the state's file; "" keeps none. Identity says what is replayed
	// and how: a run only carries on from a checkpoint with the same.
	CheckpointPath string
	Identity       json.RawMessage
	Resume         *Checkpoint // what LoadCheckpoint gave; nil starts anew

	Version  string    // of the tool
	Progress *Progress // may be nil
}

// Progress counts while a run goes on; any goroutine may read it.
type Progress struct {
	Read, Total atomic.Int64 // bytes of the inputs as they lie there; Total is 0 where it is not known
	Points      atomic.Int64 // read by the feed
	Stored      atomic.Int64 // points acknowledged
	Rejected    atomic.Int64
	Retries     atomic.Int64
	InFlight    atomic.Int64 // requests on their way
	Allowed     atomic.Int64 // requests that may be on their way at a time
	Waiting     atomic.Int64 // requests that wait to be sent again
}

// Summary is what a run did, from its first start on, over all that carried it on.
type Summary struct {
	Points   int64 `json:"points"`   // given by the inputs
	Stored   int64 `json:"stored"`   // acknowledged by the target
	Rejected int64 `json:"rejected"` // stand in the rejects file
	Retries  int64 `json:"retries"`  // requests sent again
	Requests int64 `json:"requests"`
	Bytes    int64 `json:"bytes"` // of text sent and acknowledged

	Span    point.TimeRange `json:"-"`
	Latency Latency         `json:"latency"`
	Seconds float64         `json:"seconds"`

	RejectsPath string           `json:"rejects,omitempty"` // where there are any
	Reasons     []Reason         `json:"reasons,omitempty"` // of rejects, the most frequent first
	Places      map[string]int64 `json:"places,omitempty"`  // points stored, by "database.policy"
	Resumed     bool             `json:"resumed,omitempty"` // carried on from a checkpoint
}

// Reason is why points were refused, and how many.
type Reason struct {
	Reason string `json:"reason"`
	Points int64  `json:"points"`
	First  string `json:"first"` // place of the first one: "file:line"
}

// Latency is how long acknowledged requests took, in seconds.
type Latency struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}
