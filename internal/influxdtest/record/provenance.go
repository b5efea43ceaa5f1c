// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/shardlift/shardlift/internal/influxdtest"
)

const provenanceHead = `# Where these volumes come from

Recorded on %s with %s by

    sh testdata/record.sh

which starts that server on loopback, writes over HTTP, copies its data, wal and meta directories while it
runs (the process stands still meanwhile, so that the copy holds one moment, as a disk snapshot does), and asks it for
everything it holds. Then another server is started on the copy, and must answer the same.

Each directory holds

- ` + "`volume/`" + ` with data, wal and meta as copied, or ` + "`volume.tar.gz`" + ` where database names have characters that not every
  file system or module archive can hold. The ` + "`_series`" + ` and ` + "`index`" + ` directories are left out: they are large, preallocated, and no
  reader of the data needs them.
- ` + "`want.lp.gz`" + `, every value that the server answered, in the normal form of internal/lpjudge: database, policy, series, field,
  type, value and time between tabs, sorted.
- ` + "`want-meta.json`" + `, what it answered to SHOW DATABASES, RETENTION POLICIES, SHARDS, USERS and so on.

The points are the same whenever this is recorded. Modification times, the layout of the WAL and password salts are not.
Unsigned integers are missing: a stock 1.x server does not parse them, so nothing can write them over HTTP. They are
covered by the vectors beside this directory. ` + "`SHA256SUMS`" + ` lists every file (` + "`sha256sum -c SHA256SUMS`" + ` checks them).

`

// writeProvenance writes PROVENANCE.md and SHA256SUMS for the volumes in dir.
func writeProvenance(dir string) error {
	server, err := serverVersion()
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, provenanceHead, time.Now().UTC().Format(time.DateOnly), server)
	b.WriteString("| volume | index | what is in it |\n|---|---|---|\n")
	for _, rec := range recordings {
		index := rec.opts.Index
		if index == "" {
			index = "inmem"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", rec.name, index, rec.about)
	}
	if err := os.WriteFile(filepath.Join(dir, "PROVENANCE.md"), []byte(b.String()), 0o644); err != nil {
		return err
	}
	return writeSums(dir)
}

// serverVersion is what influxd says of itself, and its Debian package where it has one.
func serverVersion() (string, error) {
	influxd, _, err := influxdtest.Find()
	if err != nil {
		return "", err
	}
	out, err := exec.Command(influxd, "version").Output()
	if err != nil {
		return "", fmt.Errorf("ask influxd for its version: %w", err)
	}
	version := strings.TrimSpace(string(out))
	if deb, err := exec.Command("dpkg-query", "-W", "-f", "${Version} ${Architecture}", "influxdb").Output(); err == nil {
		version += ", Debian package influxdb " + string(deb)
	}
	return version, nil
}

func writeSums(dir string) error {
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "SHA256SUMS" {
			return err
		}
		sum, err := hashFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%x  %s\n", sum, filepath.ToSlash(rel))
		return nil
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "SHA256SUMS"), []byte(b.String()), 0o644)
}

func hashFile(path string) (sum []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}
