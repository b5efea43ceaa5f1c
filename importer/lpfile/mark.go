// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/shardlift/shardlift/importer"
)

// mark is where reading goes on: in front of a line of an input.
type mark struct {
	Input  int     `json:"input"`
	Line   int64   `json:"line"`
	Offset int64   `json:"offset"` // in the text
	Sum    sum     `json:"sum"`
	In     section `json:"section,omitempty"`
	Export bool    `json:"export,omitempty"`
	// Names may be no UTF-8, which JSON texts cannot hold.
	Database []byte  `json:"database,omitempty"`
	Policy   []byte  `json:"policy,omitempty"`
	Skipped  Skipped `json:"skipped"`
}

var errMark = errors.New("the checkpoint does not say where to go on")

func (m *mark) state() state {
	return state{section: m.In, export: m.Export, database: string(m.Database), policy: string(m.Policy)}
}

// markAt marks a place of the input that is read.
func (r *Reader) markAt(line, offset int64) mark {
	m := mark{
		Input: r.at, Line: line, Offset: offset, In: r.state.section, Export: r.state.export,
		Database: []byte(r.state.database), Policy: []byte(r.state.policy), Skipped: r.skipped,
	}
	if r.text != nil {
		m.Sum = r.text.sum
	}
	return m
}

// markBehind marks the place behind the token that was taken last, where an error came
// after it. A point that is not in the batch is read again: it was left out.
func (r *Reader) markBehind(b *importer.Batch) mark {
	line, offset := r.last.line, r.last.offset
	switch {
	case r.last.from >= 0:
		line += int64(bytes.Count(b.Text[r.last.from:], []byte{'\n'}))
		offset = r.last.end
	case r.last.single:
		line++
		offset = r.last.end
	}
	return r.markAt(line, offset)
}

// Resume goes on behind a batch, whose Mark it takes as JSON. It is called before the
// first Next. Whether the input is still the same is seen by that Next: ErrChanged.
func (r *Reader) Resume(text json.RawMessage) error {
	if r.text != nil || r.at > 0 || r.resume != nil {
		return errors.New("resume: reading has begun")
	}
	m := &mark{}
	if err := json.Unmarshal(text, m); err != nil {
		return fmt.Errorf("%w: %w", errMark, err)
	}
	switch {
	case m.Input < 0 || m.Input > len(r.inputs), m.Line < 1, m.Offset < 0,
		m.In != inHead && m.In != inDDL && m.In != inPoints:
		return errMark
	}
	r.at, r.resume, r.skipped = m.Input, m, m.Skipped
	for _, in := range r.inputs[:m.Input] {
		r.read.Add(in.size)
	}
	return nil
}
