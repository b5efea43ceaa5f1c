// SPDX-License-Identifier: Apache-2.0

package main

import "fmt"

// inspect measures what inspect takes for one volume, with little and with all of it read.
func (c *config) inspect(title, volume string) error {
	t := newInspectTable(title)
	for _, row := range []struct {
		name string
		args []string
	}{
		{"inspect", nil},
		{"inspect --workers 1", []string{"--workers", "1"}},
		{"inspect --deep", []string{"--deep"}},
	} {
		if err := c.inspectRow(t, row.name, append([]string{"inspect", volume}, row.args...)...); err != nil {
			return err
		}
	}
	return t.flush()
}

// manyShards measures inspect on a thousand shards with ten million columns: of few series in
// all shards, of series that are in one shard each, and as many series as columns.
func (c *config) manyShards() error {
	t := newInspectTable("1,000 shards with 10,000 columns each")
	for _, v := range []struct {
		dir, name string
		args      []string
	}{
		{"shards-same", "1,000 series in all of them", []string{"-series", "1000", "-fields", "10"}},
		{"shards-distinct", "1,000,000 series", []string{"-series", "1000", "-fields", "10", "-distinct"}},
		{"shards-series", "10,000,000 series", []string{"-series", "10000", "-fields", "1", "-distinct"}},
	} {
		dir, err := c.generate(v.dir, append([]string{"shards", "-shards", "1000"}, v.args...)...)
		if err != nil {
			return err
		}
		if err := c.inspectRow(t, v.name, "inspect", dir); err != nil {
			return err
		}
	}
	return t.flush()
}

func newInspectTable(title string) *table {
	return newTableOf(title+": inspect", "", "wall s", "cpu s", "peak MiB")
}

func (c *config) inspectRow(t *table, name string, args ...string) error {
	s, err := c.repeated(args...)
	if err != nil {
		return err
	}
	t.cells(name, fmt.Sprintf("%.3f", s.wall), fmt.Sprintf("%.3f", s.cpu), fmt.Sprintf("%.0f", float64(s.peak)/(1<<20)))
	return nil
}
