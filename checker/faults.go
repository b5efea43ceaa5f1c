// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"slices"

	"github.com/shardlift/shardlift/exporter"
)

// maxFaults is how many faults are kept, so that a disk that is all broken does not take
// all memory; the others are counted.
const maxFaults = 100_000

// Found are faults.
type Found struct {
	Faults []exporter.Fault `json:"faults"`               // sorted
	More   int64            `json:"moreFaults,omitempty"` // that are not listed
	Lost   int64            `json:"lost"`                 // that lost something, of all
}

func (f *Found) note(faults ...exporter.Fault) {
	f.Lost += int64(exporter.CountLost(faults))
	room := min(len(faults), maxFaults-len(f.Faults))
	f.Faults = append(f.Faults, faults[:room]...)
	f.More += int64(len(faults) - room)
}

// Count is how many faults there are.
func (f *Found) Count() int64 { return int64(len(f.Faults)) + f.More }

// Join adds the faults of o.
func (f *Found) Join(o *Found) {
	lost := f.Lost + o.Lost
	f.note(o.Faults...)
	f.More += o.More
	f.Lost = lost
}

// settle sorts the faults and drops those that say the same, as those of a whole
// measurement do when several runs of series come upon them.
func (f *Found) settle() {
	exporter.SortFaults(f.Faults)
	f.Faults = slices.CompactFunc(f.Faults, func(a, b exporter.Fault) bool {
		if a == b && b.Lost {
			f.Lost--
		}
		return a == b
	})
	if f.Faults == nil {
		f.Faults = []exporter.Fault{}
	}
}
