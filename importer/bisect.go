// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/target"
)

// refused finds out which points of a set the target refused; all others are
// acknowledged afterwards.
//
// A server tells the first reason it met, and drops that it counts in one shard, so
// that its answer proves little: only that all points are refused where it counts as
// many, and nothing of the others. What proves that a point was stored is a request
// with it that was acknowledged. So the set is halved until each part is acknowledged
// or is one point. The words of the answer only help to guess the refused ones, which
// are then sent apart: mostly they are refused as a whole, and the rest is taken as a
// whole.
func (d *delivery) refused(ctx context.Context, set []int32, te *target.Error) error {
	if len(set) == 1 {
		d.reject(set[0], reasonOf(te))
		return nil
	}
	if d.rejectAll(set, te) {
		return nil
	}
	suspects, others := d.suspect(set, te)
	if len(suspects) == 0 || len(others) == 0 {
		return d.halves(ctx, set)
	}
	err := d.attempt(ctx, d.lines(suspects), len(suspects))
	again, ok := errors.AsType[*target.Error](err)
	switch {
	case ok && again.Class == target.Refused && (len(suspects) == 1 || d.rejectAll(suspects, again)):
		if len(suspects) == 1 {
			d.reject(suspects[0], reasonOf(again))
		}
		return d.send(ctx, others)
	case err == nil || ok && (again.Class == target.Refused || again.Class == target.TooLarge) || errors.Is(err, errCut) || errors.Is(err, errPutOff):
		// Some of them may have been taken, out of turn: all go again, in order.
		return d.halves(ctx, set)
	default:
		return err
	}
}

// rejectAll takes all points of the set as refused if the answer says that they are.
func (d *delivery) rejectAll(set []int32, te *target.Error) bool {
	if reasons := unparsed(te.Message); len(reasons) > 0 {
		if te.Partial {
			return false
		}
		for _, i := range set { // nothing was parsed, so each has its reason, or another form of it
			if _, ok := reasons[string(trimmed(d.point(i)))]; !ok {
				return false
			}
		}
		for _, i := range set {
			d.reject(i, reasons[string(trimmed(d.point(i)))])
		}
		return true
	}
	if te.Dropped != len(set) {
		return false
	}
	if c, ok := conflictOf(te.Message); ok { // the others may be refused for another one
		for _, i := range set {
			if !c.has(d.point(i)) {
				return false
			}
		}
	}
	for _, i := range set {
		d.reject(i, reasonOf(te))
	}
	return true
}

// suspect parts a set by what the answer seems to blame.
func (d *delivery) suspect(set []int32, te *target.Error) (suspects, others []int32) {
	part := func(blamed func(line []byte) bool) ([]int32, []int32) {
		for _, i := range set {
			if blamed(d.point(i)) {
				suspects = append(suspects, i)
			} else {
				others = append(others, i)
			}
		}
		return suspects, others
	}
	if reasons := unparsed(te.Message); len(reasons) > 0 {
		return part(func(line []byte) bool { _, ok := reasons[string(trimmed(line))]; return ok })
	}
	if c, ok := conflictOf(te.Message); ok {
		return part(c.has)
	}
	if strings.Contains(te.Message, "retention policy") {
		oldest := d.run.oldest(d.batch.Place, time.Now())
		return part(func(line []byte) bool { return timeOf(line) < oldest })
	}
	return nil, nil
}

// trimmed is a point's line as servers repeat it.
func trimmed(line []byte) []byte { return bytes.TrimRight(line, "\n") }

// timeOf gives the time at the end of a line of a batch.
func timeOf(line []byte) int64 {
	line = bytes.TrimRight(line, " \t\r\n")
	t, err := lineprotocol.ParseTime(line[bytes.LastIndexByte(line, ' ')+1:], 1)
	if err != nil {
		return 0
	}
	return t
}

// unparsed takes the lines and their reasons out of "unable to parse 'line': reason",
// one after the other, each on a line of its own.
func unparsed(message string) map[string]string {
	const head = "unable to parse '"
	message = strings.TrimPrefix(message, "partial write: ")
	if !strings.HasPrefix(message, head) {
		return nil
	}
	out := map[string]string{}
	for part := range strings.SplitSeq("\n"+message, "\n"+head) {
		// The last "': " ends the line, for reasons hold none; a line may.
		if i := strings.LastIndex(part, "': "); i >= 0 {
			out[part[:i]] = "unable to parse: " + strings.TrimSpace(dropped.ReplaceAllString(part[i+3:], ""))
		}
	}
	return out
}

// fieldConflict is what a server says of a field that has another type already.
type fieldConflict struct{ measurement, field string }

var conflictText = regexp.MustCompile(`(?s)input field "(.*)" on measurement "(.*)" is type `)

func conflictOf(message string) (fieldConflict, bool) {
	m := conflictText.FindStringSubmatch(message)
	if m == nil {
		return fieldConflict{}, false
	}
	return fieldConflict{measurement: m[2], field: m[1]}, true
}

// has guesses whether a line has the field, by its looks.
func (c fieldConflict) has(line []byte) bool {
	return bytes.Contains(line, []byte(c.field+"=")) && bytes.HasPrefix(line, []byte(c.measurement))
}

var dropped = regexp.MustCompile(` dropped=\d+.*`)

// reasonOf gives the server's reason for one point.
func reasonOf(te *target.Error) string {
	m := strings.TrimSpace(strings.TrimPrefix(te.Message, "partial write: "))
	if reasons := unparsed(m); len(reasons) == 1 {
		for _, r := range reasons {
			return r
		}
	}
	return dropped.ReplaceAllString(m, "")
}
