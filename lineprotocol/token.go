// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import "errors"

// MaxPoint is how many bytes a point may have, so that a lone quote does not make the
// scanner hold the rest of a file.
const MaxPoint = 16 << 20

// TokenKind says what a Token is.
type TokenKind uint8

// The kinds.
const (
	PointToken   TokenKind = iota + 1
	CommentToken           // a line that starts with #, perhaps behind blanks
	BadToken               // a line that is none of them
	LineToken              // what NextLine gives
)

// Why a line is no point.
var (
	ErrCarriageReturn = errors.New("the line ends with CR LF, and a server does not take the CR: remove it, as tr -d '\\r' does")
	ErrTooLong        = errors.New("the line or point is longer than 16 MiB")
)

// Token is a part of the text. Its slices alias the scanner's buffer.
type Token struct {
	Kind TokenKind
	// Text is a point, comment or line without its line feed. Of what is longer than
	// MaxPoint it is the beginning.
	Text   []byte
	Line   int64 // number of its first physical line, from 1
	Offset int64 // of its first byte
	End    int64 // offset behind its line feed, or the end of the input

	// Of a point: its series key as written, its field section, and the digits of its
	// time, or none.
	Key, Fields, Time []byte

	Err error // why a BadToken is one
}
