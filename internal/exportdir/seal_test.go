// SPDX-License-Identifier: Apache-2.0

package exportdir

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestSealHolds(t *testing.T) {
	sealed := Seal([]byte(`{"a": 1, "checksum": "` + Unsealed + `"}`))
	var m struct{ Checksum string }
	if err := json.Unmarshal(sealed, &m); err != nil {
		t.Fatal(err)
	}
	if !SealHolds(sealed, m.Checksum) {
		t.Errorf("%s does not hold", sealed)
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		m.Checksum = ""
		if json.Unmarshal(changed, &m) == nil && SealHolds(changed, m.Checksum) {
			t.Errorf("%s holds", changed)
		}
	}
	if twice := append(bytes.Clone(sealed), m.Checksum...); SealHolds(twice, m.Checksum) {
		t.Errorf("%s holds", twice)
	}
}
