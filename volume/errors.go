// SPDX-License-Identifier: Apache-2.0

package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Errors of Open that a caller may want to explain further.
var (
	// ErrNothing: there is nothing of a server under the path.
	ErrNothing = errors.New("no InfluxDB 1.x data found")
	// ErrNames: neither the path nor the request names database and policy.
	ErrNames = errors.New("the path does not show which database and retention policy it belongs to")
	// ErrRequest: the request contradicts itself.
	ErrRequest = errors.New("sources do not fit together")
)

// AmbiguousError says that a path has more than one volume below it; Request.All
// takes them all.
type AmbiguousError struct {
	Path  string
	Found []string
}

// Error lists what was found.
func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%d volumes below %s: %s", len(e.Found), e.Path, strings.Join(e.Found, ", "))
}

// MetaError says that a metastore could not be read.
type MetaError struct {
	Path string
	Err  error // with the path
}

// Error gives path and reason.
func (e *MetaError) Error() string { return e.Err.Error() }

// Unwrap gives the reason.
func (e *MetaError) Unwrap() error { return e.Err }

// bare takes operation and path off an error of package os.
func bare(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
