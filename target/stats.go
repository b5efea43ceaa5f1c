// SPDX-License-Identifier: Apache-2.0

package target

import "sync/atomic"

// Stats is what went over the wire.
type Stats struct {
	Requests  int64 // writes
	BodyBytes int64 // as sent, after compression
	TextBytes int64 // before
}

// counters are Stats while they grow.
type counters struct{ requests, bodyBytes, textBytes atomic.Int64 }

// Stats counts since Open.
func (t *Target) Stats() Stats {
	return Stats{
		Requests:  t.stats.requests.Load(),
		BodyBytes: t.stats.bodyBytes.Load(),
		TextBytes: t.stats.textBytes.Load(),
	}
}
