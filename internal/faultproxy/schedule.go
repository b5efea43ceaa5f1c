// SPDX-License-Identifier: Apache-2.0

package faultproxy

import "math/rand/v2"

// Request is what a Schedule decides on.
type Request struct {
	N            int // counts all requests of the proxy, from 0
	Write        int // counts those that write points, from 0; -1 for others
	Method, Path string
	Length       int64  // of the body as announced; -1 if it was not
	Encoding     string // of the body: "gzip", or ""
}

// Schedule says what happens to a request. It is asked for one at a time.
type Schedule func(Request) Fault

// All gives every request of points the same fault.
func All(f Fault) Schedule {
	return func(r Request) Fault {
		if r.Write < 0 {
			return Fault{}
		}
		return f
	}
}

// Writes gives the requests of points these faults, one each, and passes on the rest. What
// other requests came before does not matter.
func Writes(faults ...Fault) Schedule {
	return func(r Request) Fault {
		if r.Write < 0 || len(faults) == 0 {
			return Fault{}
		}
		f := faults[0]
		faults = faults[1:]
		return f
	}
}

// Random gives a share of the requests of points, from 0 to 1, one of the faults. The
// same seed gives the n-th write the same fault.
func Random(seed uint64, share float64, faults ...Fault) Schedule {
	return func(r Request) Fault {
		if r.Write < 0 || len(faults) == 0 {
			return Fault{}
		}
		rng := rand.New(rand.NewPCG(seed, uint64(r.Write)))
		if rng.Float64() >= share {
			return Fault{}
		}
		return faults[rng.IntN(len(faults))]
	}
}
