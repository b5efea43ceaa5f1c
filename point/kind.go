// SPDX-License-Identifier: Apache-2.0

package point

import "strconv"

// Kind is the type of a column's values. The numbers are those of TSM blocks.
type Kind uint8

// The five kinds that the engine stores.
const (
	Float    Kind = 0
	Integer  Kind = 1
	Boolean  Kind = 2
	String   Kind = 3
	Unsigned Kind = 4
)

// NumKinds is one more than the largest valid Kind.
const NumKinds = 5

var kindNames = [NumKinds]string{"float", "integer", "boolean", "string", "unsigned"}

// Valid reports whether k is one of the five kinds.
func (k Kind) Valid() bool { return k < NumKinds }

// String gives the word that SHOW FIELD KEYS uses, or "kind(n)".
func (k Kind) String() string {
	if k.Valid() {
		return kindNames[k]
	}
	return "kind(" + strconv.Itoa(int(k)) + ")"
}
