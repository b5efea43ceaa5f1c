// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"encoding/hex"
	"testing"

	"github.com/shardlift/shardlift/point"
)

func hexBytes(s string) ([]byte, error) { return hex.DecodeString(s) }

// FuzzBlock feeds whole blocks: no panic, as many values as times, and never more
// than MaxPoints or what the input can hold.
func FuzzBlock(f *testing.F) {
	for k := range point.Kind(point.NumKinds) {
		for _, v := range readVectors(f, "block_"+k.String()+".json") {
			b, err := hexBytes(v.Hex)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, block []byte) {
		kind, times, values, err := Split(block)
		if err != nil {
			return
		}
		ts, err := Times(nil, times)
		if err != nil {
			return
		}
		if len(ts) > MaxPoints+1 {
			t.Fatalf("%d times", len(ts))
		}
		vals, err := show(kind, values, len(ts))
		if err == nil && len(vals) != len(ts) {
			t.Fatalf("%d times with %d values", len(ts), len(vals))
		}
	})
}

func FuzzTimes(f *testing.F) {
	for _, v := range readVectors(f, "timestamps.json") {
		b, err := hexBytes(v.Hex)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		ts, err := Times(nil, src)
		if err == nil && len(ts) > MaxPoints+1 {
			t.Fatalf("%d times", len(ts))
		}
	})
}

func FuzzUnsnap(f *testing.F) {
	f.Add([]byte{6, 0x14, 5, 'h', 'e', 'l', 'l', 'o'})
	f.Fuzz(func(t *testing.T, src []byte) {
		out, err := Unsnap(nil, src)
		if err == nil && len(out) > maxExpansion*len(src) {
			t.Fatalf("%d bytes from %d", len(out), len(src))
		}
	})
}
