// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"context"
	"errors"
	"time"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/target"
)

// blame decides whether it is the points of a request that make the server answer plain
// 500s, and not the server. Cutting a batch costs little, so one answer is enough if an
// acknowledged point still gets through; a single point gets some more tries.
func (d *delivery) blame(ctx context.Context, te *target.Error, poisoned int, began time.Time, lines []byte, points int) error {
	switch {
	case points > 1 && d.run.probe(ctx):
		return errors.Join(errCut, te)
	case poisoned < poisonTries:
		return nil
	case points > 1 || d.run.succeededSince(began) || knownPoison(lines) || d.run.probe(ctx):
		return errors.Join(errCut, te)
	}
	return errors.Join(errPutOff, te)
}

// knownPoison reports whether a point has exactly 100 tags, on which the parsers of 1.7
// and before fail. It needs no other point to compare with.
func knownPoison(line []byte) bool {
	_, tags := point.SplitSeries(seriesOf(line))
	n := 0
	for more := true; more; {
		if _, _, tags, more = point.NextTag(tags); more {
			n++
		}
	}
	return n == 100
}

// poisonReason says why a point is refused that makes the server fail.
func poisonReason(line []byte, te *target.Error) string {
	if knownPoison(line) {
		return "the server fails on points with exactly 100 tags, as those before 1.8 do"
	}
	return "the server fails on this point: " + te.Message
}

// settle tries the points again that were put off. Where one still makes the server
// fail, while another point gets through, it is the point.
func (d *delivery) settle(ctx context.Context) error {
	for len(d.putOff) > 0 {
		i := d.putOff[0]
		err := d.attempt(ctx, d.point(i), 1)
		if err == nil {
			// It was the server, and the point came out of turn.
			d.putOff = d.putOff[1:]
			if err := d.send(ctx, d.after(i)); err != nil {
				return err
			}
			continue
		}
		if errors.Is(err, errPutOff) {
			if !d.run.probe(ctx) {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				continue // until the budget ends it
			}
			te, _ := errors.AsType[*target.Error](err)
			err = errors.Join(errCut, te)
		}
		if err := d.failed(ctx, []int32{i}, err); err != nil {
			return err
		}
		d.putOff = d.putOff[1:]
	}
	return nil
}

// after gives the acknowledged points behind one that are of its time, and so may have
// overwritten it: a series can be written in more than one way.
func (d *delivery) after(i int32) []int32 {
	var out []int32
	unsettled := d.unsettled()
	at := timeOf(d.point(i))
	for _, j := range d.all[i+1:] {
		if !unsettled[j] && timeOf(d.point(j)) == at {
			out = append(out, j)
		}
	}
	return out
}

// unsettled gives the points that were refused or put off.
func (d *delivery) unsettled() map[int32]bool {
	out := map[int32]bool{}
	for _, i := range d.putOff {
		out[i] = true
	}
	for _, x := range d.rejects {
		out[x.index] = true
	}
	return out
}

// seriesOf gives the series key that a line begins with.
func seriesOf(line []byte) []byte { return line[:point.IndexUnescaped(line, ' ')] }
