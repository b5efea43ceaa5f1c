// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/shardlift/shardlift/filter"
)

// What handing out pieces costs beside writing the same text to a file that takes
// everything.
func BenchmarkRead(b *testing.B) {
	dir := devops(b, 100, 2)
	report := func(b *testing.B, s *Summary) {
		b.SetBytes(s.Bytes)
		b.ReportMetric(float64(s.Points)*float64(b.N)/b.Elapsed().Seconds(), "points/s")
	}
	b.Run("to a file", func(b *testing.B) {
		o := options(b, filter.Spec{}, dir)
		o.Format.Bare, o.Output.File = true, os.DevNull
		var s *Summary
		for b.Loop() {
			var err error
			if s, err = Run(b.Context(), o); err != nil {
				b.Fatal(err)
			}
		}
		report(b, s)
	})
	for _, series := range []bool{false, true} {
		b.Run(fmt.Sprintf("in pieces,series=%v", series), func(b *testing.B) {
			o := options(b, filter.Spec{}, dir)
			o.PieceSeries = series
			var s *Summary
			for b.Loop() {
				var err error
				s, err = Stream(b.Context(), o, nil, func(_ context.Context, p *Piece) error { p.Release(); return nil })
				if err != nil {
					b.Fatal(err)
				}
			}
			report(b, s)
		})
	}
}
