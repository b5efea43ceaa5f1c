// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"bytes"
	"fmt"
	"strconv"
	"testing"
)

// devopsLines are lines as in an export of the devops set: ten fields, one series after
// the other, or with the series taking turns.
func devopsLines(series, rows int, turns bool) []byte {
	var b bytes.Buffer
	line := func(s, r int) {
		fmt.Fprintf(&b, "cpu,arch=x86,datacenter=us-west-2b,hostname=host_%d,os=Ubuntu16.04LTS,rack=67,region=us-west-2,service=7,service_environment=test,service_version=1,team=CHI ", s)
		for f, name := range []string{"guest", "guest_nice", "idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"} {
			if f > 0 {
				b.WriteByte(',')
			}
			b.WriteString("usage_" + name + "=" + strconv.FormatFloat(float64(s*r+f)/7, 'g', -1, 64))
		}
		fmt.Fprintf(&b, " %d\n", 1451606400000000000+int64(r)*10_000_000_000)
	}
	for i := range series * rows {
		if turns {
			line(i%series, i/series)
		} else {
			line(i/rows, i%rows)
		}
	}
	return b.Bytes()
}

func BenchmarkAdd(b *testing.B) {
	for name, turns := range map[string]bool{"series order": false, "time order": true} {
		for _, exact := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/exact=%t", name, exact), func(b *testing.B) {
				lines := devopsLines(100, 100, turns)
				c := NewCounter(nil)
				if exact {
					c.WithDigests()
				}
				b.SetBytes(int64(len(lines)))
				b.ReportAllocs()
				for b.Loop() {
					if err := c.Add("db", "rp", lines); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(c.Values()), "ns/value")
			})
		}
	}
}
