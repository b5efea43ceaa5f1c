// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import (
	"bytes"
	"fmt"
	"testing"
)

// scanTexts are some megabytes of lines each, as they come from exports.
func scanTexts() map[string][]byte {
	series, b, _ := devopsBatch()
	texts := map[string][]byte{}
	var e Encoder
	e.Series(series)
	numbers, _ := e.Append(nil, b, 0, 1<<20)
	var turns, words []byte // series that take turns; a string or two a line
	i := 0
	for line := range bytes.Lines(numbers) {
		i++
		turns = append(turns, bytes.Replace(line, []byte("host_17"), fmt.Appendf(nil, "host_%d", i%100), 1)...)
		words = append(words, bytes.Replace(line, []byte("usage_of_part_11="), []byte(`message="GET /index.html, 200",agent="a \"b\"",u=`), 1)...)
	}
	e.Series([]byte(`cpu\ load,path=C:\\temp,host=a`))
	escapes, _ := e.Append(nil, b, 0, 1<<20)
	for name, text := range map[string][]byte{"numbers": numbers, "turns": turns, "strings": words, "escapes": escapes} {
		texts[name] = bytes.Repeat(text, 20)
	}
	return texts
}

func BenchmarkScan(b *testing.B) {
	for name, text := range scanTexts() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			var s Scanner
			points := 0
			for b.Loop() {
				s.Reset(bytes.NewReader(text), 1, 0)
				for s.Next() {
					points++
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(points), "ns/point")
		})
	}
}

func BenchmarkAppendEnds(b *testing.B) {
	for name, text := range scanTexts() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			var ends []int
			for b.Loop() {
				ends = AppendEnds(ends[:0], text)
			}
		})
	}
}
