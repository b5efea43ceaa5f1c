// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/shardlift/shardlift/importer"
)

// devops makes an export like that of the TSBS devops set: 20 series of a thousand
// points each, ten fields and 424 bytes a line.
func devops() []byte {
	var b bytes.Buffer
	b.WriteString("# SHARDLIFT EXPORT: x - y\n# DDL\nCREATE DATABASE telegraf\n# DML\n# CONTEXT-DATABASE:telegraf\n# CONTEXT-RETENTION-POLICY:autogen\n")
	for s := range 20 {
		key := fmt.Sprintf("cpu,arch=x64,datacenter=eu-west-1b,hostname=host_%d,os=Ubuntu16.10,rack=67,region=eu-west-1,service=7,service_environment=production,service_version=0,team=NYC", s)
		for p := range 1000 {
			fmt.Fprintf(&b, "%s usage_guest=%d,usage_guest_nice=38.2431,usage_idle=%d.25,usage_iowait=1%d,usage_irq=63.1,usage_nice=6.5,usage_softirq=44,usage_steal=80i,usage_system=58.1317,usage_user=49.08 %d\n",
				key, p%90, p%97, p%9, 1556668800000000000+int64(p)*1e10)
		}
	}
	return b.Bytes()
}

func gzipped(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(text)
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func BenchmarkNext(b *testing.B) {
	text := devops()
	dir := b.TempDir()
	for name, content := range map[string][]byte{"plain": text, "gzip": gzipped(b, text)} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			var batch importer.Batch
			for b.Loop() {
				r, err := Open(b.Context(), Config{Inputs: []string{path}})
				if err != nil {
					b.Fatal(err)
				}
				for err == nil {
					_, err = r.Next(b.Context(), &batch)
				}
				if !errors.Is(err, io.EOF) || r.Close() != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
