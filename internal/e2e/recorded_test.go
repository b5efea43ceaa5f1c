// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/internal/influxdtest/testvolume"
)

// Every recorded volume holds what the server answered, in every form of output.
func TestRecordedVolumes(t *testing.T) {
	for _, name := range testvolume.Names(t) {
		t.Run(name, func(t *testing.T) {
			v := testvolume.Open(t, name)
			for _, c := range compressions {
				for _, n := range []int{1, 3} {
					t.Run(fmt.Sprintf("%s/workers=%d", c, n), func(t *testing.T) {
						got, sum := exported(t, v.Dir, compressed(c), workers(n))
						noFaults(t, sum)
						compare(t, "export", v.Want, got)
					})
				}
			}
			t.Run("one field per line", func(t *testing.T) {
				got, sum := exported(t, v.Dir, oneField)
				noFaults(t, sum)
				compare(t, "export", v.Want, got)
				if sum.Points != sum.Values {
					t.Errorf("%d lines for %d values", sum.Points, sum.Values)
				}
			})
			for _, split := range []exporter.Split{exporter.SplitDatabase, exporter.SplitShard} {
				t.Run("split by "+string(split), func(t *testing.T) {
					dir := filepath.Join(t.TempDir(), "out")
					sum, err := run(t, v.Dir, exporter.Output{Dir: dir}, compressed(exporter.Gzip),
						func(o *exporter.Options) { o.Format.Split = split })
					if err != nil {
						t.Fatal(err)
					}
					noFaults(t, sum)
					got, _ := read(t, dir)
					compare(t, "export", v.Want, got)
				})
			}
		})
	}
}
