// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/shardlift/shardlift/internal/jsonbytes"
	"github.com/shardlift/shardlift/point"
)

// count adds a finished entry to the state: its rejects go to the file first. With an
// error nothing is counted.
func (r *run) count(e *entry) error {
	mark, err := jsonbytes.Marshal(e.mark)
	if err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	list := append(slices.Clone(e.item.Rejects), e.rejects...)
	if len(list) > 0 && !r.begun {
		if err := r.begin(); err != nil {
			return err
		}
	}
	if err := r.rejects.add(list); err != nil {
		return err
	}
	s := &r.state.Done
	refused := int64(len(e.rejects))
	s.Points += e.points + int64(len(e.item.Rejects))
	s.Stored += e.points - refused
	s.Rejected += int64(len(list))
	s.Bytes += e.bytes
	if e.points > refused {
		if s.Places == nil {
			s.Places = map[string]int64{}
		}
		s.Places[e.place.String()] += e.points - refused
	}
	span := point.TimeRange{Min: r.state.Span[0], Max: r.state.Span[1]}.Union(e.span)
	r.state.Span = [2]int64{span.Min, span.Max}
	for i := range list {
		r.reason(&list[i])
	}
	r.progress.Stored.Add(e.points - refused)
	r.progress.Rejected.Add(int64(len(list)))
	if e.mark != nil {
		r.state.Mark, r.dirty = mark, true
	}
	return nil
}

// maxReasons bounds the reasons that are told apart; parse errors may each have one.
const maxReasons = 100

// otherReasons stands for those beyond it.
const otherReasons = "other reasons, see the rejects file"

// reason counts why a point was refused.
func (r *run) reason(x *Reject) {
	text := oneLine(x.Reason)
	known := r.reasons[text]
	if known == nil && len(r.reasons) >= maxReasons {
		text = otherReasons
		known = r.reasons[text]
	}
	if known == nil {
		known = &Reason{Reason: text, First: x.Origin()}
		r.reasons[text] = known
	}
	known.Points++
}

// summary tells what was done.
func (r *run) summary() *Summary {
	s := r.state.Done
	s.Retries, s.Requests = r.retries.Load(), r.requests.Load()
	s.Latency = r.latency.summary()
	s.Span = point.TimeRange{Min: r.state.Span[0], Max: r.state.Span[1]}
	s.Reasons = nil
	for _, reason := range r.reasons {
		s.Reasons = append(s.Reasons, *reason)
	}
	slices.SortFunc(s.Reasons, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(b.Points, a.Points), cmp.Compare(a.Reason, b.Reason))
	})
	if s.Rejected > 0 {
		s.RejectsPath = r.opts.RejectsPath
	}
	return &s
}

// refusals gives the refused points as rejects, in the order of the batch.
func (d *delivery) refusals() []Reject {
	b := d.batch
	slices.SortFunc(d.rejects, func(x, y refusal) int { return cmp.Compare(x.index, y.index) })
	out := make([]Reject, len(d.rejects))
	for i, x := range d.rejects {
		out[i] = Reject{Place: b.Place, Input: b.Input, Text: slices.Clone(d.point(x.index)), Reason: x.reason}
		if len(b.Lines) == b.Points {
			out[i].Line = b.Lines[x.index]
		}
	}
	return out
}

// begin opens the rejects file, and writes down where the run's part of it begins before
// there is one.
func (r *run) begin() error {
	if err := r.rejects.open(); err != nil {
		return err
	}
	if err := r.books(); err != nil {
		return err
	}
	r.begun = true
	return nil
}

// takeUp makes the disk what it was at the checkpoint: a reject behind that may be taken
// this time, and must not stand in the file then. A run that begins anew forgets one.
func (r *run) takeUp() error {
	if r.opts.Resume == nil {
		return r.forget()
	}
	if r.state.Rejects.Run == "" {
		return nil
	}
	if _, err := os.Stat(r.opts.RejectsPath); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return r.begin()
}
