// SPDX-License-Identifier: Apache-2.0

package exportdir

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Unsealed stands in a manifest for its checksum, while that is computed.
var Unsealed = strings.Repeat("0", 2*sha256.Size)

// Seal puts the checksum of a manifest into its text, which has Unsealed as the field
// "checksum".
func Seal(b []byte) []byte {
	return bytes.Replace(b, []byte(`"checksum": "`+Unsealed+`"`), []byte(`"checksum": "`+sum(b)+`"`), 1)
}

// SealHolds reports whether the text of a manifest is what the checksum in it says.
func SealHolds(b []byte, checksum string) bool {
	if len(checksum) != len(Unsealed) || bytes.Count(b, []byte(checksum)) != 1 {
		return false
	}
	return sum(bytes.Replace(b, []byte(checksum), []byte(Unsealed), 1)) == checksum
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}
