// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// verify measures checks of a volume and of its exports, next to the export that reads the
// same files. A check of a volume reads its bytes, one of an export those of the text.
func (c *config) verify(title, volume string) error {
	dir, err := os.MkdirTemp("", "shardlift-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // scratch
	t := newTableOf(title+": verify", "", "wall s", "cpu s", "peak MiB", "MB", "MB/s of cpu")
	for _, row := range []struct {
		name string
		args []string
	}{
		{"verify", []string{"verify", volume}},
		{"verify --workers 1", []string{"verify", volume, "--workers", "1"}},
		{"verify --checksums", []string{"verify", volume, "--checksums"}},
		{"verify --checksums --workers 1", []string{"verify", volume, "--checksums", "--workers", "1"}},
		{"verify --subset 3/10", []string{"verify", volume, "--subset", "3/10"}},
		{"export, plain", []string{"export", volume, "--out", os.DevNull}},
	} {
		if err := c.verifyRow(t, row.name, row.args); err != nil {
			return err
		}
	}
	for _, form := range []string{"none", "gzip", "zstd"} {
		out := filepath.Join(dir, form) + "/"
		if _, err := c.export(volume, "--out", out, "--split", "shard", "--compress="+form); err != nil {
			return err
		}
		if err := c.verifyRow(t, "verify EXPORT, "+form, []string{"verify", out}); err != nil {
			return err
		}
	}
	return t.flush()
}

func (c *config) verifyRow(t *table, name string, args []string) error {
	s, err := c.repeated(args...)
	if err != nil {
		return err
	}
	t.cells(name, fmt.Sprintf("%.3f", s.wall), fmt.Sprintf("%.3f", s.cpu), fmt.Sprintf("%.0f", float64(s.peak)/(1<<20)),
		fmt.Sprintf("%.1f", float64(s.bytes)/1e6), fmt.Sprintf("%.0f", float64(s.bytes)/1e6/s.cpu))
	return nil
}
