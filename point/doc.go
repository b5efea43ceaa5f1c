// SPDX-License-Identifier: Apache-2.0

// Package point holds the vocabulary that every other package speaks: value
// kinds, series and column keys, time ranges, and batches of decoded rows.
//
// Times are Unix nanoseconds. Windows include both of their ends.
// It imports the standard library only.
package point
