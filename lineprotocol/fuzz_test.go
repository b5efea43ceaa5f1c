// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"github.com/shardlift/shardlift/internal/lpjudge"
	"github.com/shardlift/shardlift/point"
)

// FuzzLines writes values of every kind, each twice, under any series and field that
// pass the checks: a parser that shares no code with the encoder reads them back.
func FuzzLines(f *testing.F) {
	f.Add([]byte(`m,t=a`), []byte("f"), []byte("text"), uint64(0x3ff8000000000000), int64(-1), int64(1600000000e9))
	f.Add([]byte(`m\ x\,y,t\=1=a\,b\ c`), []byte("a,b=c d\"e"), []byte("a\"b\\\n# x"), uint64(1), int64(math.MinInt64), int64(-5))
	f.Add([]byte(`größe,ort=日本`), []byte(`a\b`), []byte{0, 0xff}, math.Float64bits(-1.2345678901234567e-06), int64(math.MaxInt64), point.MaxTime-1)
	f.Add([]byte("m,t=a\\\nb"), []byte("a\\\\,b"), []byte{}, uint64(1)<<63, int64(0), point.MinTime)
	f.Fuzz(func(t *testing.T, series, field, text []byte, bits uint64, n, at int64) {
		if CheckSeries(series) != nil || at == math.MaxInt64 {
			return
		}
		names := [point.NumKinds][]byte{}
		for k := range names {
			names[k] = append([]byte{byte('a' + k)}, field...)
		}
		float := math.Float64frombits(bits)
		b := &point.Batch{Times: []int64{at, at + 1}, Columns: []point.Column{
			{Kind: point.Float, Floats: []float64{float, float}},
			{Kind: point.Integer, Ints: []int64{n, n}},
			{Kind: point.Boolean, Bools: []bool{n&1 == 0, n&1 == 0}},
			{Kind: point.String, Strings: [][]byte{text, text}},
			{Kind: point.Unsigned, Ints: []int64{n, n}},
		}}
		for i := range b.Columns {
			b.Columns[i].Field = names[i]
		}
		var e Encoder
		out := whole(&e, string(series), b, 1<<20)
		refused := e.Refusals()
		got, _, err := lpjudge.Read(bytes.NewReader([]byte(out)), lpjudge.Options{DB: "d", RP: "r"})
		if err != nil {
			t.Fatalf("%v in %q", err, out)
		}
		have := map[string]string{}
		for _, v := range got {
			have[fmt.Sprintf("%s@%d", v.Field, v.Time)] = v.Val
		}
		for i := range b.Times {
			for c := range b.Columns {
				col := &b.Columns[c]
				key := fmt.Sprintf("%s@%d", col.Field, b.Times[i])
				switch val, ok := have[key]; {
				case ok && val != valueText(col, i):
					t.Errorf("%q is %q, want %q, in %q", key, val, valueText(col, i), out)
				case !ok && !isRefused(refused, col.Field):
					t.Errorf("%q is neither written nor refused: %q", key, out)
				}
				delete(have, key)
			}
		}
		if len(have) > 0 {
			t.Errorf("%v comes from nowhere: %q", have, out)
		}
	})
}

func isRefused(refused []Refusal, field []byte) bool {
	for _, r := range refused {
		if len(r.Field) == 0 || bytes.Equal(r.Field, field) {
			return true
		}
	}
	return false
}
