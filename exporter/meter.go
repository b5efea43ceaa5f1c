// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"fmt"
	"io"
	"time"
)

// meter is a compressor that only measures: the text goes through those of an export, which
// write to nowhere. A member has several units; what each adds is flushed and counted.
type meter struct {
	forms []form
	last  time.Duration // processor time of the last lap
	text  time.Duration // that was not spent in here
	warm  bool
}

// form is one way to compress.
type form struct {
	comp  flusher
	out   counter
	bytes int64
	cost  time.Duration
}

type flusher interface {
	compressor
	Flush() error
}

// counter counts what is written to it.
type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

func newMeter(compress bool) (*meter, error) {
	m := &meter{}
	if !compress {
		return m, nil
	}
	for _, c := range []Compression{Gzip, Zstd} {
		comp, err := newCompressor(Options{Format: Format{Compression: c}}.withDefaults().Format)
		if err != nil {
			return nil, err
		}
		f, ok := comp.(flusher)
		if !ok {
			return nil, fmt.Errorf("%s cannot be measured", c)
		}
		m.forms = append(m.forms, form{comp: f})
	}
	return m, nil
}

// begin starts another member.
func (m *meter) begin() {
	for i := range m.forms {
		m.forms[i].comp.Reset(&m.forms[i].out)
	}
}

// start begins a unit.
func (m *meter) start() {
	m.text = 0
	m.forget()
	m.lap()
}

// forget drops what was counted of the unit, but for the time of the text.
func (m *meter) forget() {
	for i := range m.forms {
		m.forms[i].bytes, m.forms[i].cost = 0, 0
	}
}

// lap gives the processor time since the last lap.
func (m *meter) lap() time.Duration {
	now := processorTime()
	d := now - m.last
	m.last = now
	return d
}

// stop gives what the unit came to.
func (m *meter) stop() Measured {
	m.text += m.lap()
	r := Measured{Cost: Cost{Text: m.text}}
	if len(m.forms) > 0 {
		r.GzipBytes, r.Cost.Gzip = m.forms[0].bytes, m.forms[0].cost
		r.ZstdBytes, r.Cost.Zstd = m.forms[1].bytes, m.forms[1].cost
	}
	return r
}

// each does something with every form, and counts what comes of it if count is set.
func (m *meter) each(count bool, do func(f flusher) error) error {
	for i := range m.forms {
		f := &m.forms[i]
		from := f.out.n
		m.lap()
		if err := do(f.comp); err != nil {
			return err
		}
		if d := m.lap(); count {
			f.cost += d
			f.bytes += f.out.n - from
		}
	}
	m.lap()
	return nil
}

// compress takes text. The first does it twice: what memory that is new to the process
// costs is no property of the text.
func (m *meter) compress(p []byte, count bool) error {
	write := func(f flusher) error {
		_, err := f.Write(p)
		return err
	}
	if !m.warm {
		m.warm = true
		if err := m.each(false, write); err != nil {
			return err
		}
		m.begin()
	}
	return m.each(count, write)
}

// flush writes out what the compressors hold.
func (m *meter) flush(count bool) error { return m.each(count, flusher.Flush) }

// Reset does nothing: a member has several units.
func (m *meter) Reset(io.Writer) {}

// Write compresses a piece of text in all forms.
func (m *meter) Write(p []byte) (int, error) {
	m.text += m.lap()
	return len(p), m.compress(p, true)
}

// Close ends a unit.
func (m *meter) Close() error {
	m.text += m.lap()
	return m.flush(true)
}
