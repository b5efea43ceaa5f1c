// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"time"

	"golang.org/x/sys/unix"
)

// processorTime gives the time that this thread has had of a processor.
func processorTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
