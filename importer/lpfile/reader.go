// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/shardlift/shardlift/importer"
)

var errNotBuilt = errors.New("not built yet")

// Reader is the feed. It belongs to one goroutine.
type Reader struct {
	cfg Config
}

// Open finds the inputs and looks at the heads of regular files. Errors: a file that is
// missing or of no use, a directory without any, an unfinished or damaged export, Stdin
// twice, and points of which nobody says where they belong.
func Open(ctx context.Context, cfg Config) (*Reader, error) { return &Reader{cfg: cfg}, nil }

// Identity says what is replayed: the inputs as they are now, and all of Config that
// changes the points. As JSON it is the same bytes for the same.
func (r *Reader) Identity() any { return nil }

// Resume goes on behind a batch, whose Mark it takes as JSON. It is called before the
// first Next.
func (r *Reader) Resume(mark json.RawMessage) error { return errNotBuilt }

// Next fills b with the points that follow. The error is io.EOF at the end. After any
// error there is no more.
func (r *Reader) Next(ctx context.Context, b *importer.Batch) (importer.Item, error) {
	return importer.Item{}, errNotBuilt
}

// Skipped counts what was left out so far, since the very start for a run that was
// carried on.
func (r *Reader) Skipped() Skipped { return Skipped{} }

// Close ends reading. A read of Stdin that waits for more is left behind; it ends with
// what it waits for.
func (r *Reader) Close() error { return nil }
