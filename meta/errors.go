// SPDX-License-Identifier: Apache-2.0

package meta

import (
	"errors"
	"fmt"
)

// ErrCorrupt is what every *CorruptError is, for errors.Is.
var ErrCorrupt = errors.New("corrupt metastore")

// CorruptError says where a metastore could not be understood.
type CorruptError struct {
	Offset int    // first byte of the damaged part, from the start of the input
	What   string // what it is: "shard group, field 2"
	Err    error
}

// Error gives place and reason.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s at byte %d: %v", e.What, e.Offset, e.Err)
}

// Unwrap gives the reason.
func (e *CorruptError) Unwrap() error { return e.Err }

// Is makes every CorruptError an ErrCorrupt.
func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt }

func corrupt(offset int, what string, err error) error {
	return &CorruptError{Offset: offset, What: what, Err: err}
}

var (
	errEmpty   = errors.New("empty")
	errShort   = errors.New("runs past the end")
	errMissing = errors.New("missing")
)
