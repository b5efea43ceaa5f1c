// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Fingerprint tells everything about the files and directories below dir, by path: type and
// permissions, size, modification time and content. A source must have the same before and
// after it was read.
func Fingerprint(dir string) (map[string]string, error) {
	prints := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		print := fmt.Sprintf("%s %d %s", st.Mode(), st.Size(), st.ModTime().Format(time.RFC3339Nano))
		if st.Mode().IsRegular() {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			print += fmt.Sprintf(" %x", sha256.Sum256(b))
		}
		prints[path] = print
		return nil
	})
	return prints, err
}
