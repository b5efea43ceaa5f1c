// SPDX-License-Identifier: Apache-2.0

package point

import "math/bits"

// GapWords is how many words a gap bitmap of n rows needs.
func GapWords(n int) int { return (n + 63) / 64 }

// SetGap marks row i as empty. Gaps must have GapWords words for its rows.
func SetGap(gaps []uint64, i int) { gaps[i>>6] |= 1 << (uint(i) & 63) }

// ClearGap marks row i as holding a value.
func ClearGap(gaps []uint64, i int) { gaps[i>>6] &^= 1 << (uint(i) & 63) }

// countGaps counts the marked rows among the first n.
func countGaps(gaps []uint64, n int) int {
	if gaps == nil {
		return 0
	}
	c := 0
	for i := 0; i < n>>6; i++ {
		c += bits.OnesCount64(gaps[i])
	}
	if rest := uint(n) & 63; rest != 0 {
		c += bits.OnesCount64(gaps[n>>6] & (1<<rest - 1))
	}
	return c
}
