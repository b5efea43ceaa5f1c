// SPDX-License-Identifier: Apache-2.0

package tsmreader

import (
	"bytes"
	"fmt"
	"io"

	"github.com/shardlift/shardlift/tsmreader/internal/tsmfile"
	"github.com/shardlift/shardlift/tsmreader/internal/walfile"
)

// Limits are what a cursor holds at a time; zero fields are left as they are.
type Limits struct{ Chains, Values, Entries, Cells, Rows, FewRows int }

// Lower makes cursors of s hold less, so that small shards reach every path.
func (s *Shard) Lower(l Limits) {
	set := func(to *int, v int) {
		if v != 0 {
			*to = v
		}
	}
	set(&s.limits.chains, l.Chains)
	set(&s.limits.values, l.Values)
	set(&s.limits.entries, l.Entries)
	set(&s.limits.cells, l.Cells)
	set(&s.limits.rows, l.Rows)
	set(&s.limits.fewRows, l.FewRows)
}

// Held is the most values that a slot of c ever held.
func (c *Cursor) Held() int {
	n := cap(c.scratch.times)
	for _, s := range c.slots {
		n = max(n, cap(s.times))
	}
	for i := range c.chains {
		if s := c.chains[i].slot; s != nil {
			n = max(n, cap(s.times))
		}
	}
	return n
}

// Memory is a replica of a shard that lies in memory; a nil file is none.
type Memory struct {
	TSM        []io.ReaderAt // in order; the name of the first is 1.tsm
	Sizes      []int64
	Tombstones [][]byte // of the TSM files, as far as they have one
	WAL        [][]byte // _00001.wal and so on
	Fields     []byte   // fields.idx
}

// Bytes gives a replica of whole files.
func Bytes(files ...[]byte) Memory {
	var m Memory
	for _, b := range files {
		m.TSM = append(m.TSM, bytes.NewReader(b))
		m.Sizes = append(m.Sizes, int64(len(b)))
	}
	return m
}

// OpenMemory is Open for replicas in memory.
func OpenMemory(opts Options, replicas ...Memory) *Shard {
	s := &Shard{opts: opts.withDefaults(), limits: defaultLimits}
	for _, m := range replicas {
		r := &replica{}
		for i, file := range m.TSM {
			f, faults := tsmfile.New(fmt.Sprintf("%d.tsm", i+1), file, m.Sizes[i])
			s.faults = append(s.faults, faults...)
			sf := &shardFile{File: f, size: m.Sizes[i]}
			if i < len(m.Tombstones) && m.Tombstones[i] != nil {
				b := m.Tombstones[i]
				sf.stone = stoneFile{path: fmt.Sprintf("%d.tombstone", i+1), size: int64(len(b)), r: bytes.NewReader(b)}
			}
			r.files = append(r.files, sf)
		}
		for i, b := range m.WAL {
			r.segments = append(r.segments, walfile.Segment{Path: fmt.Sprintf("_%05d.wal", i+1), R: bytes.NewReader(b), Size: int64(len(b))})
		}
		if m.Fields != nil {
			set := fieldSet{}
			if err := set.decode(m.Fields); err == nil && s.fields == nil {
				s.fields = set
			} else if err == nil {
				s.fields.add(set)
			}
		}
		s.replicas = append(s.replicas, r)
	}
	return s
}
