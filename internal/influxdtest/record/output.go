// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/internal/lpjudge"
)

func writeWant(dir string, want []lpjudge.Value) error {
	var b bytes.Buffer
	zw, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	if err := errors.Join(lpjudge.WriteNormal(zw, want), zw.Close()); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "want.lp.gz"), b.Bytes(), 0o644)
}

// writeMeta writes want-meta.json: statement to the rows of its answer, each row a map
// from column to value, as the server gave them.
func writeMeta(dir string, s *influxdtest.Server) error {
	meta := map[string][]map[string]any{}
	ask := func(statement string) {
		rows := influxdtest.Rows(s.Query("", statement))
		if strings.HasPrefix(statement, "SHOW GRANTS") { // the server lists them in any order
			slices.SortFunc(rows, func(a, b map[string]any) int {
				return strings.Compare(fmt.Sprint(a["database"]), fmt.Sprint(b["database"]))
			})
		}
		meta[statement] = rows
	}
	for _, statement := range []string{"SHOW DATABASES", "SHOW CONTINUOUS QUERIES", "SHOW SUBSCRIPTIONS", "SHOW SHARDS", "SHOW SHARD GROUPS", "SHOW USERS"} {
		ask(statement)
	}
	for _, row := range meta["SHOW DATABASES"] {
		ask("SHOW RETENTION POLICIES ON " + influxdtest.Ident(fmt.Sprint(row["name"])))
	}
	for _, row := range meta["SHOW USERS"] {
		ask("SHOW GRANTS FOR " + influxdtest.Ident(fmt.Sprint(row["user"])))
	}
	b, err := json.MarshalIndent(meta, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "want-meta.json"), append(b, '\n'), 0o644)
}

// archive packs the directory volume as volume.tar.gz and removes it.
func archive(volume string) (err error) {
	f, err := os.Create(volume + ".tar.gz")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	zw := gzip.NewWriter(f)
	tw := tar.NewWriter(zw)
	if err := tw.AddFS(os.DirFS(volume)); err != nil {
		return err
	}
	if err := errors.Join(tw.Close(), zw.Close()); err != nil {
		return err
	}
	return os.RemoveAll(volume)
}
