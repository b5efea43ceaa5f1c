// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/shardlift/shardlift/point"
)

// devopsBatch is a thousand rows like those of a host's metrics: integers of all
// sizes, and some floats.
func devopsBatch() (series []byte, b *point.Batch, values int) {
	rng := rand.New(rand.NewPCG(1, 2))
	b = &point.Batch{}
	for i := range 1000 {
		b.Times = append(b.Times, 1556668800000000000+int64(i)*10_000_000_000)
	}
	for c := range 12 {
		col := point.Column{Field: fmt.Appendf(nil, "usage_of_part_%d", c), Kind: point.Integer}
		if c >= 10 {
			col.Kind = point.Float
		}
		v := int64(50)
		for range c {
			v *= 7
		}
		for range b.Times {
			v = max(0, v+rng.Int64N(v/8+3)-v/16-1)
			col.Ints = append(col.Ints, v)
			col.Floats = append(col.Floats, float64(v)/100)
		}
		b.Columns = append(b.Columns, col)
	}
	series = []byte("cpu,arch=x86,datacenter=eu-central-1a,hostname=host_17,os=Ubuntu16.10,rack=8,region=eu-central-1," +
		"service=4,service_environment=production,service_version=1,team=NYC")
	return series, b, len(b.Times) * len(b.Columns)
}

func BenchmarkAppend(b *testing.B) {
	series, batch, values := devopsBatch()
	var e Encoder
	e.Series(series)
	buf := make([]byte, 0, 1<<20)
	for b.Loop() {
		for row := 0; row < len(batch.Times); {
			buf, row = e.Append(buf[:0], batch, row, 64<<10)
		}
	}
	b.ReportMetric(float64(b.N)*float64(values)/b.Elapsed().Seconds(), "values/s")
	b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/float64(values), "ns/value")
}
