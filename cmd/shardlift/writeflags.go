// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/importer/lpfile"
	"github.com/shardlift/shardlift/target"
)

// writeFlags say how hard to write.
type writeFlags struct {
	Concurrency      int           `help:"Requests at a time. Default: as many as the target bears, up to 8" placeholder:"N"`
	BatchPoints      int           `help:"Points in one request at most. Default: 10000" placeholder:"N"`
	BatchBytes       sizeFlag      `help:"Text in one request at most. Default: 1MiB" placeholder:"SIZE"`
	CompressRequests choiceFlag    `choices:"auto on off" help:"Send requests as gzip: on, off, or auto, which does where the network is the slower part. Default: auto" placeholder:"HOW"`
	PPS              float64       `name:"pps" help:"Points per second at most" placeholder:"N"`
	Bandwidth        sizeFlag      `help:"Text per second at most, such as 10MiB" placeholder:"SIZE"`
	RetryFor         time.Duration `help:"How long nothing may get through before the run gives up. Default: 10m" placeholder:"TIME"`
}

// stateFlags say where the run keeps what it must not lose.
type stateFlags struct {
	Checkpoint string `help:"File that says how far the run has come. Default: .NAME.shardlift-import beside the first input of an import, or below ~/.local/state/shardlift" placeholder:"FILE"`
	Restart    bool   `help:"Begin anew where a run did not end, instead of carrying on"`
	Rejects    string `help:"File for points that the target refused; it can be imported again. Default: NAME.rejects.lp beside the first input of an import, or shardlift-rejects.lp here" placeholder:"FILE"`
	MaxRejects *int64 `help:"Give up when more points than this are refused. Default: no limit" placeholder:"N"`
}

// otherFlags are those of import and replay that fit nowhere else.
type otherFlags struct {
	DryRun      bool    `help:"Read and check everything, show what would be sent where, and send nothing"`
	Verify      bool    `help:"Afterwards, count what the target has and compare"`
	VerifyExact bool    `help:"Afterwards, count what the target has and compare each value"`
	QueryRate   float64 `help:"Queries per second at most that --verify asks the target. Default: no limit" placeholder:"N"`
	JSON        bool    `name:"json" help:"The summary as one JSON object on stdout"`
	Quiet       bool    `help:"No progress and no summary; errors, rejects and faults are told always"`
}

// verifies reports whether what arrived is compared.
func (f *otherFlags) verifies() bool { return f.Verify || f.VerifyExact }

// Limits of the sizes of batches.
const (
	maxBatchPoints = 1_000_000
	maxBatchBytes  = 64 << 20
	minBatchBytes  = 1 << 10

	noLimit = -1 // of rejects
)

// sizes refuses what makes no sense, and fills in the sizes of batches.
func (w *writeFlags) sizes() error {
	switch {
	case w.Concurrency < 0 || w.Concurrency > 256:
		return usagef("--concurrency must lie between 1 and 256")
	case w.BatchPoints < 0 || w.BatchPoints > maxBatchPoints:
		return usagef("--batch-points must lie between 1 and %d", maxBatchPoints)
	case w.BatchBytes != 0 && (w.BatchBytes < minBatchBytes || w.BatchBytes > maxBatchBytes):
		return usagef("--batch-bytes must lie between 1KiB and 64MiB")
	case w.Bandwidth != 0 && w.Bandwidth < 1<<10:
		return usagef("--bandwidth must be 1KiB or more; it is in bytes, or with a unit as in 10MiB")
	case !isRate(w.PPS):
		return usagef("--pps must not be negative")
	case w.RetryFor < 0:
		return usagef("--retry-for must not be negative")
	}
	if w.BatchPoints == 0 {
		w.BatchPoints = lpfile.DefaultBatchPoints
	}
	if w.BatchBytes == 0 {
		w.BatchBytes = lpfile.DefaultBatchBytes
	}
	return nil
}

// encoding gives the form of request bodies.
func (w *writeFlags) encoding() target.Encoding {
	if w.CompressRequests == "" {
		return target.EncodeAuto
	}
	return target.Encoding(w.CompressRequests)
}

// limits gives the flags to an importer.
func (w *writeFlags) limits(o *importer.Options) {
	o.Concurrency = w.Concurrency
	o.PointsPerSec, o.BytesPerSec = w.PPS, float64(w.Bandwidth)
	o.RetryFor = w.RetryFor
}
