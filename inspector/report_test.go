// SPDX-License-Identifier: Apache-2.0

package inspector

import (
	"math"
	"testing"
)

func TestShown(t *testing.T) {
	for n, want := range map[int64]int64{
		0: 0, 7: 7, 999: 999, 1000: 1000, 1004: 1000, 1005: 1010, 9994: 9990, 9995: 10_000, 99_949: 99_900, 99_950: 100_000,
		1_938_990: 1_940_000, math.MaxInt64: 9_220_000_000_000_000_000,
	} {
		if got := (Amount{N: n}).Shown(); got != want {
			t.Errorf("an estimate of %d is shown as %d, want %d", n, got, want)
		}
		if got := (Amount{n, true}).Shown(); got != n {
			t.Errorf("%d is shown as %d", n, got)
		}
	}
}
