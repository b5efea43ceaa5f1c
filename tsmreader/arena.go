// SPDX-License-Identifier: Apache-2.0

package tsmreader

// arena holds copies of strings for as long as a batch lives.
type arena struct {
	chunk []byte
	used  int
}

const arenaChunk = 64 << 10

// reset makes room anew. The last chunk is used again: what was copied before is gone.
func (a *arena) reset() { a.used = 0 }

// copy gives a copy of b that lives until reset.
func (a *arena) copy(b []byte) []byte {
	if a.used+len(b) > len(a.chunk) {
		a.chunk = make([]byte, max(arenaChunk, len(b)))
		a.used = 0
	}
	out := a.chunk[a.used : a.used+len(b) : a.used+len(b)]
	a.used += len(b)
	copy(out, b)
	return out
}
