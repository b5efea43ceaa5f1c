// SPDX-License-Identifier: Apache-2.0

// Package atomicfile writes outputs that are whole or absent.
//
// A file grows under a temporary name in the directory of its target, fixed by
// the target's name (see TempPath), and takes its real name only when all of it
// is on the disk:
//
//	f, err := atomicfile.Create(path, atomicfile.Options{})
//	if err != nil {
//		return err
//	}
//	defer f.Abort() // does nothing after Commit
//	… write …
//	return f.Commit()
//
// The temporary file is locked while it is written, so that two processes never
// write one output. The kernel drops the lock of a killed process, and the next
// run replaces what it left: leftovers never pile up.
//
// A target that is no regular file (a device, a pipe, /dev/stdout) is written
// directly: there is nothing to rename.
package atomicfile
