// SPDX-License-Identifier: Apache-2.0

// Command record makes the volumes of testdata anew with a real influxd:
//
//	go run ./internal/influxdtest/record testdata/volumes
//
// It writes them beside the given directory and puts them in its place at the end. The
// points are always the same; file names and WAL layout may differ from one recording
// to the next.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: record DIRECTORY")
		os.Exit(2)
	}
	if err := recordAll(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

// recordAll records every volume and replaces the directory dst with them.
func recordAll(dst string) error {
	fresh := filepath.Clean(dst) + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	for _, rec := range recordings {
		fmt.Fprintln(os.Stderr, "record", rec.name)
		if err := rec.run(filepath.Join(fresh, rec.name)); err != nil {
			return fmt.Errorf("%s: %w", rec.name, err)
		}
	}
	if err := writeProvenance(fresh); err != nil {
		return err
	}
	if err := os.RemoveAll(dst); err != nil {
		return err
	}
	return os.Rename(fresh, dst)
}
