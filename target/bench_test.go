// SPDX-License-Identifier: Apache-2.0

package target_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/shardlift/shardlift/target"
)

// sample is a mebibyte of lines.
func sample() []byte {
	b := new(bytes.Buffer)
	for i := 0; b.Len() < 1<<20; i++ {
		fmt.Fprintf(b, "cpu,host=host_%d,region=eu-west-1 usage_user=%d.5,usage_system=%di 15145%014d\n", i%100, i%101, i%37, i)
	}
	return b.Bytes()
}

// BenchmarkWrite writes into a server that discards.
func BenchmarkWrite(b *testing.B) {
	url := serve(b, accept)
	lines := sample()
	for _, encoding := range []target.Encoding{target.EncodeNone, target.EncodeGzip} {
		b.Run("gzip="+string(encoding), func(b *testing.B) {
			tg := open(b, target.Config{URLs: []string{url}, Encoding: encoding})
			b.SetBytes(int64(len(lines)))
			b.ReportAllocs()
			for b.Loop() {
				if err := tg.Write(b.Context(), "db", "rp", lines); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
