// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/internal/influxdtest/testvolume"
	"github.com/shardlift/shardlift/internal/jsonbytes"
	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/point"
)

// streamed is a stream that was read to its end.
type streamed struct {
	text      string
	ends      []int // of the pieces in text
	positions []string
	places    []string
	series    [][]SeriesRun
	sum       *Summary
}

// stream reads a stream from a position, given as JSON or "", and checks each piece.
func readStream(t testing.TB, o Options, from string) streamed {
	t.Helper()
	var s streamed
	var at *Position
	if from != "" {
		at = &Position{}
		if err := jsonbytes.Unmarshal([]byte(from), at); err != nil {
			t.Fatal(err)
		}
	}
	var text bytes.Buffer
	o.Progress = &Progress{}
	sum, err := Stream(t.Context(), o, at, func(_ context.Context, p *Piece) error {
		checkPiece(t, p)
		text.Write(p.Text)
		s.ends = append(s.ends, text.Len())
		b, err := jsonbytes.Marshal(p.Position)
		s.positions = append(s.positions, string(b))
		s.places = append(s.places, fmt.Sprintf("%q %q %d", p.Database, p.Policy, p.Shard))
		s.series = append(s.series, p.Series)
		p.Release()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s.text, s.sum = text.String(), sum
	if got := o.Progress.OutputBytes.Load(); got != int64(text.Len()) || sum.OutputBytes != got {
		t.Errorf("progress says %d bytes and the summary %d, there are %d", got, sum.OutputBytes, text.Len())
	}
	return s
}

// points cuts text into points.
func points(t testing.TB, text []byte) []string {
	t.Helper()
	var out []string
	from := 0
	for _, end := range lineprotocol.AppendEnds(nil, text) {
		out = append(out, string(text[from:end]))
		from = end
	}
	if from != len(text) {
		t.Fatalf("%q is behind the last point", text[from:])
	}
	return out
}

// timeOf gives the time of a point.
func timeOf(t testing.TB, line string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(strings.TrimSuffix(line[strings.LastIndexByte(line, ' ')+1:], "\n"), 10, 64)
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return n
}

// checkPiece compares what a piece says of its text with the text.
func checkPiece(t testing.TB, p *Piece) {
	t.Helper()
	lines := points(t, p.Text)
	span := point.NoTime
	for _, l := range lines {
		span = span.Union(point.TimeRange{Min: timeOf(t, l), Max: timeOf(t, l)})
	}
	if len(lines) == 0 || p.Points != int64(len(lines)) || p.Span != span {
		t.Errorf("a piece of %d points over %v says %d over %v", len(lines), span, p.Points, p.Span)
	}
}

// bare is the text of an export without headers.
func bare(t testing.TB, o Options) (string, *Summary) {
	t.Helper()
	o.Format.Bare = true
	return text(t, o)
}

// sameSummary compares all that does not depend on the run.
func sameSummary(t testing.TB, want, got *Summary) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.IgnoreFields(Summary{}, "Seconds"), cmp.AllowUnexported(Fault{}), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("summary (-export +stream):\n%s", d)
	}
}

// A stream is an export in pieces: the same text, faults and counts.
func TestStreamIsTheExport(t *testing.T) {
	for _, name := range testvolume.Names(t) {
		t.Run(name, func(t *testing.T) {
			o := options(t, filter.Spec{IncludeInternal: true}, testvolume.Open(t, name).Dir)
			want, sum := bare(t, o)
			for _, workers := range []int{1, 3} {
				for _, limit := range []struct{ points, bytes int }{{0, 0}, {7, 0}, {0, 100}} {
					o.Workers, o.PiecePoints, o.PieceBytes = workers, limit.points, limit.bytes
					got := readStream(t, o, "")
					if got.text != want {
						t.Errorf("%d workers, %+v: the text differs", workers, limit)
					}
					sameSummary(t, sum, got.sum)
					for i, end := range got.ends {
						if n := len(points(t, []byte(got.text[end-pieceLen(got.ends, i):end]))); limit.points > 0 && n > limit.points {
							t.Fatalf("a piece has %d points, want %d at the most", n, limit.points)
						}
					}
				}
			}
		})
	}
}

func pieceLen(ends []int, i int) int {
	if i == 0 {
		return ends[0]
	}
	return ends[i] - ends[i-1]
}

// From the position behind any piece the rest of the text follows, and before it at the
// most one series, of which a part was there.
func TestStreamGoesOn(t *testing.T) {
	for _, name := range testvolume.Names(t) {
		t.Run(name, func(t *testing.T) {
			o := options(t, filter.Spec{IncludeInternal: true}, testvolume.Open(t, name).Dir)
			o.PiecePoints = 50
			whole := readStream(t, o, "")
			step := max(1, len(whole.ends)/25)
			for i := 0; i < len(whole.ends); i += step {
				o.Workers = 1 + i%3
				got := readStream(t, o, whole.positions[i])
				goesOn(t, whole, i, got)
				again := map[string]bool{}
				if n := len(whole.text) - len(got.text); n < whole.ends[i] {
					for _, l := range points(t, []byte(whole.text[n:whole.ends[i]])) {
						again[seriesOf(l)] = true
					}
				}
				if len(again) > 1 {
					t.Errorf("behind piece %d come again: %v", i, again)
				}
			}
			if len(whole.ends) == 0 && name != "dropped" {
				t.Error("there are no pieces")
			}
		})
	}
}

// goesOn checks that got, which was read from the position behind piece i, ends whole
// and leaves nothing out.
func goesOn(t testing.TB, whole streamed, i int, got streamed) {
	t.Helper()
	if !strings.HasSuffix(whole.text, got.text) || len(got.text) < len(whole.text)-whole.ends[i] {
		t.Errorf("behind piece %d, at %s, come %d bytes, of which %d are missing", i, whole.positions[i], len(got.text), len(whole.text)-whole.ends[i])
	}
}

// seriesOf gives the series of a line, up to the first blank that is not escaped.
func seriesOf(line string) string {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case ' ':
			return line[:i]
		}
	}
	return line
}
