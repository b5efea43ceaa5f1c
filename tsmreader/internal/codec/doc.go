// SPDX-License-Identifier: Apache-2.0

// Package codec turns the body of a TSM block into slices of times and values.
//
//	block:  kind u8 | length of times uvarint | times | values
//
// Decoders append to a slice of the caller's and never keep it or the input.
// They return bare reasons; the layer that knows file and offset adds the place.
// Every length is checked before it is used, and output is bounded by the input
// or, for run-length sections, by MaxPoints. Layouts: docs/formats.md, "Blocks".
package codec

import "errors"

// MaxPoints is the largest number of points that a block may claim. The engine
// writes 1000, at most 10000; a run-length section could claim anything in a few bytes.
const MaxPoints = 1 << 20

// Reasons why a block does not decode.
var (
	ErrShort    = errors.New("ends too early")
	ErrTrailing = errors.New("holds bytes behind its last value")
	ErrCount    = errors.New("times and values differ in number")
	ErrTooMany  = errors.New("claims more points than a block can hold")
	ErrEncoding = errors.New("unknown encoding")
	ErrKind     = errors.New("unknown value type")
	ErrRagged   = errors.New("packed words are not a multiple of 8 bytes")
	ErrSnappy   = errors.New("snappy data does not decode")
)
