// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin || freebsd

package inspector

import (
	"math"

	"golang.org/x/sys/unix"
)

// freeBytes gives what an ordinary user may still write at path; -1: not known.
func freeBytes(path string) int64 {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return -1
	}
	// The fields have other types on each system.
	blocks, size := uint64(max(s.Bavail, 0)), uint64(s.Bsize) //nolint:gosec,unconvert // not negative
	if size != 0 && blocks > math.MaxInt64/size {
		return math.MaxInt64
	}
	return int64(blocks * size) //nolint:gosec // compared above
}
