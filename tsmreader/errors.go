// SPDX-License-Identifier: Apache-2.0

package tsmreader

import (
	"errors"

	"github.com/shardlift/shardlift/tsmreader/internal/fault"
)

// Fault is something unreadable, or not to be trusted, that was passed over: file,
// offset, part, key and times where they are known, and the reason.
type Fault = fault.Fault

// Part names the piece of a shard that a fault concerns.
type Part = fault.Part

// ErrCorrupt is what every Fault is, to errors.Is.
var ErrCorrupt = fault.ErrCorrupt

// ErrUnsettled says that the files of a shard changed each time they were opened.
var ErrUnsettled = errors.New("files of the shard kept changing while they were opened")

// ErrGone says that nothing of the shard is left: it was dropped after it was listed.
var ErrGone = errors.New("shard is gone: it was dropped after it was listed")

// What is lost with directories and files that cannot be read.
var (
	errNoData  = errors.New("its TSM files and tombstones are not taken, only what the WAL holds")
	errNoFile  = errors.New("its values are not taken")
	errNoStone = errors.New("its deletes are not taken, so that deleted values may be back")
	errNoWAL   = errors.New("what only the WAL holds is not taken, so that values may be missing, or older than they should be")
	// Deletes in a WAL are about what earlier segments wrote; TSM files have tombstones.
	errNoSegment = errors.New("its writes and deletes are not taken, so that values may be missing, older than they should be, or back though deleted")
)

// Reasons of faults that concern whole columns.
var (
	errNoSeparator = errors.New("key has no field part: it cannot be told what its values are")
	errIndexTimes  = errors.New("index gives other times than the block holds; those of the block are taken")
	errIndexType   = errors.New("index gives another type than the block holds; that of the block is taken")
	errConflict    = errors.New("type differs from the column's in this shard: a query does not see these values")
	errUnlisted    = errors.New("field is not listed in fields.idx: the key may be damaged, or fields.idx; its values are taken")
	errListsNone   = errors.New("lists no field, though there are values: it is cut off; types are taken from the data alone")
	errListedKind  = errors.New("has another type than fields.idx says; its values are taken")
	errLate        = errors.New("index gave wrong times and the block comes too late to be merged")
	errFieldsIndex = errors.New("does not parse; types are taken from the data alone")
)
