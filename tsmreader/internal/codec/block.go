// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"encoding/binary"

	"github.com/shardlift/shardlift/point"
)

// Split cuts a block, from its type byte on, into its kind and its two sections.
// Both sections alias block.
func Split(block []byte) (kind point.Kind, times, values []byte, err error) {
	if len(block) == 0 {
		return 0, nil, nil, ErrShort
	}
	kind = point.Kind(block[0])
	if !kind.Valid() {
		return kind, nil, nil, ErrKind
	}
	times, values, err = cut(block[1:])
	return kind, times, values, err
}

// cut takes a uvarint length and that many bytes off b.
func cut(b []byte) (field, rest []byte, err error) {
	n, w := binary.Uvarint(b)
	if w <= 0 || n > uint64(len(b)-w) { //nolint:gosec // w <= len(b) here
		return nil, nil, ErrShort
	}
	b = b[w:]
	return b[:n:n], b[n:], nil
}
