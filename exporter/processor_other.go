// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package exporter

import "time"

var processStart = time.Now()

// processorTime stands in for the time that this thread has had of a processor, where there
// is no portable way to ask for it: it is right while nobody else wants the processor.
func processorTime() time.Duration { return time.Since(processStart) }
