// SPDX-License-Identifier: Apache-2.0

// Package inspector says what sources hold and how sound they are, reading as little as it
// can: directories, the metastore, the indexes of TSM files, tombstones and the WAL. Blocks
// are read of a small sample only, which tells how large an export would be and how long it
// would take; or all of them, with Options.Deep, for exact numbers of points.
package inspector
