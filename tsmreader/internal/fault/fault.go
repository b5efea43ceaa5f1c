// SPDX-License-Identifier: Apache-2.0

// Package fault says what could not be read: the one form in which the decoders
// of TSM files, tombstones and WAL segments report damage.
package fault

import (
	"errors"
	"fmt"
	"strings"

	"github.com/shardlift/shardlift/point"
)

// Part is the piece of a shard that is damaged.
type Part string

// The parts that faults name.
const (
	Header    Part = "header"
	Footer    Part = "footer"
	Index     Part = "index"
	Block     Part = "block"
	Tombstone Part = "tombstone"
	WAL       Part = "wal"
	Fields    Part = "fields.idx"
	Shard     Part = "shard"
)

// ErrCorrupt is what every Fault is, to errors.Is.
var ErrCorrupt = errors.New("damaged data")

// Fault is something unreadable, or not to be trusted, that was passed over.
type Fault struct {
	File   string          // path as opened
	Offset int64           // first byte of the damaged part from the start of File; -1 if unknown
	Size   int64           // bytes of File that it spans; 0 if unknown
	Part   Part            // what it is
	Key    string          // composite or series key, "" if unknown
	Range  point.TimeRange // times that may be lost; Empty if unknown
	Values int64           // how many values are concerned; 0 if unknown
	Lost   bool            // data are missing; false: doubtful, but all was taken
	Err    error           // why
}

// New gives a fault with no key and no times known.
func New(file string, part Part, offset, size int64, lost bool, err error) Fault {
	return Fault{File: file, Offset: offset, Size: size, Part: part, Range: point.NoTime, Lost: lost, Err: err}
}

// Error tells part, place and reason in one line.
func (f *Fault) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", f.File, f.Part)
	if f.Offset >= 0 {
		fmt.Fprintf(&b, " at byte %d", f.Offset)
	}
	if f.Key != "" {
		fmt.Fprintf(&b, " of %q", f.Key)
	}
	fmt.Fprintf(&b, ": %v", f.Err)
	return b.String()
}

// Unwrap gives the reason.
func (f *Fault) Unwrap() error { return f.Err }

// Is makes every fault an ErrCorrupt.
func (f *Fault) Is(target error) bool { return target == ErrCorrupt }
