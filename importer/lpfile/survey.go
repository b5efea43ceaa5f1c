// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"context"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/point"
)

// Survey is what is known of the inputs before they are replayed.
type Survey struct {
	// Statements are the DDL of the inputs, in order, with the names that stand there:
	// the mapping is not applied. Next does not hand them out again.
	Statements []string
	// Places are where points go, mapped, in the order of their first one.
	Places []Place
	// Complete says that Places has all of them, and the time range of each. It is so
	// after a deep survey, and where manifests say it, but for Stdin.
	Complete bool
	// Stdin says that there are inputs that can be read but once, of which nothing is
	// known.
	Stdin bool

	Files  int   // regular files
	Bytes  int64 // of the files as they lie there
	Points int64 // that will be replayed from the files; -1 where that is not known
	// Notes are worth telling: files of a directory that are not read.
	Notes []string
}

// Place is a place that points go to.
type Place struct {
	importer.Place
	Span   point.TimeRange // of the points; empty where it is not known
	Points int64           // -1 where it is not known
}

// Survey reads the heads of all regular files, or, if deep is set, all of them with all
// filters. What can be read only once is left alone.
func (r *Reader) Survey(ctx context.Context, deep bool) (*Survey, error) {
	return nil, errNotBuilt
}
