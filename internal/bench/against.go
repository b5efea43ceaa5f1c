// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// against measures comparisons of a volume and of its export with a real influxd that has
// all of it. Values are those compared in a second of the wall clock; both share the machine.
func (c *config) against(title, volume string) error {
	dir, err := os.MkdirTemp("", "shardlift-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // scratch
	gzip := filepath.Join(dir, "export.lp.gz")
	if _, err := c.export(volume, "--compress", "--out", gzip); err != nil {
		return err
	}
	t := newTableOf(title+": verify --against influxd", "", "wall s", "cpu s of the client", "peak MiB", "values/s")
	err = withServer(func(url string) error {
		if _, err := c.measure("import", gzip, "--url", url); err != nil {
			return err
		}
		time.Sleep(settle)
		for _, row := range []struct {
			name string
			args []string
		}{
			{"counts", []string{"verify", volume, "--against", url, "--query-rate", "0"}},
			{"--exact", []string{"verify", volume, "--against", url, "--query-rate", "0", "--exact"}},
			{"counts, of the gzip export", []string{"verify", gzip, "--against", url, "--query-rate", "0"}},
		} {
			if err := c.againstRow(t, row.name, row.args); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return t.flush()
}

// settle is how long a server gets to flush and compact what was just written.
const settle = 15 * time.Second

func (c *config) againstRow(t *table, name string, args []string) error {
	s, err := c.repeated(args...)
	if err != nil {
		return err
	}
	t.cells(name, fmt.Sprintf("%.2f", s.wall), fmt.Sprintf("%.2f", s.cpu), fmt.Sprintf("%.0f", float64(s.peak)/(1<<20)),
		fmt.Sprintf("%.0f", float64(s.values)/s.wall))
	return nil
}
