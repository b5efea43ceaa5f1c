// SPDX-License-Identifier: Apache-2.0

package seal_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/shardlift/shardlift/internal/seal"
)

func TestHolds(t *testing.T) {
	sealed := seal.Put([]byte(`{"a": 1, "checksum": "` + seal.Open + `"}`))
	var m struct{ Checksum string }
	if err := json.Unmarshal(sealed, &m); err != nil {
		t.Fatal(err)
	}
	if !seal.Holds(sealed, m.Checksum) {
		t.Errorf("%s does not hold", sealed)
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		m.Checksum = ""
		if json.Unmarshal(changed, &m) == nil && seal.Holds(changed, m.Checksum) {
			t.Errorf("%s holds", changed)
		}
	}
	if twice := append(bytes.Clone(sealed), m.Checksum...); seal.Holds(twice, m.Checksum) {
		t.Errorf("%s holds", twice)
	}
}
