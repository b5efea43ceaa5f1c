// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import (
	"testing"

	"pgregory.net/rapid"
)

// What AppendString writes comes back, and backslashes before other bytes stay.
func TestAppendText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.StringOf(rapid.SampledFrom([]rune("\\\"a\n,= "))), rapid.String()).Draw(t, "text")
		if got := AppendText(nil, AppendString(nil, []byte(text))); string(got) != text {
			t.Fatalf("%q became %q", text, got)
		}
	})
	for written, want := range map[string]string{`"a\n\,"`: `a\n\,`, `"a\\\"b\"`: `a\"b\`, `""`: "", `"`: ""} {
		if got := AppendText([]byte("x"), []byte(written)); string(got) != "x"+want {
			t.Errorf("%s holds %q", written, got)
		}
	}
}
