// SPDX-License-Identifier: Apache-2.0

package jsonbytes

import (
	"encoding/json"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestEscape(t *testing.T) {
	for s, want := range map[string]string{
		"":             "",
		"telegraf":     "telegraf",
		"wörld \ufffd": "wörld \ufffd",
		`a\b\n\u0041`:  `a\b\n\u0041`,
		"a\xffb":       `a\xffb`,
		"\xe2\x82":     `\xe2\x82`,
		`a\xffb`:       `a\x5cxffb`,
		`a\xFFb\x\xf`:  `a\xFFb\x\xf`,
		"\\\xff":       `\\xff`,
		`\x5cx41`:      `\x5cx5cx41`,
	} {
		if got := Escape(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
		if got := Unescape(want); got != s {
			t.Errorf("%q comes back as %q", s, got)
		}
	}
}

// Any bytes come back, and no two are written alike.
func TestAnyBytes(t *testing.T) {
	bytes := rapid.SliceOf(rapid.SampledFrom([]byte("\\xaf05Z\xff\xc3\xa9"))) // what may stand in the way
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.OneOf(bytes, rapid.SliceOf(rapid.Byte())).Draw(t, "s"))
		e := Escape(s)
		if !utf8.ValidString(e) || Unescape(e) != s {
			t.Fatalf("%q is written as %q, and read as %q", s, e, Unescape(e))
		}
	})
}

type inner struct {
	Name  string `json:"name,omitempty"`
	quiet string
}

// shout writes itself.
type shout struct{ Text string }

func (s shout) MarshalJSON() ([]byte, error) { return Marshal(s.Text + "!") }

func (s *shout) UnmarshalJSON(b []byte) error {
	if err := Unmarshal(b, &s.Text); err != nil {
		return err
	}
	s.Text = s.Text[:len(s.Text)-1]
	return nil
}

type everything struct {
	inner
	Plain   string
	List    []string
	Empty   []string
	Array   [2]string
	Map     map[string][]string
	Any     any
	Pointer *inner
	Nil     *inner
	Structs []inner
	Itself  shout
	At      time.Time
	Raw     json.RawMessage
	Bytes   []byte
	Number  int64 `json:",omitempty"`
}

func sample(bad string) everything {
	e := everything{
		inner: inner{bad, bad}, Plain: bad, List: []string{"a", bad}, Array: [2]string{bad, "b"},
		Map: map[string][]string{bad: {"x", bad}, "y": nil}, Any: map[string]any{bad: []any{bad, 1.5, nil}},
		Pointer: &inner{bad, ""}, Structs: []inner{{}, {bad, ""}}, Itself: shout{bad},
		At: time.Unix(1, 5).UTC(), Raw: json.RawMessage(`"\\xff"`), Bytes: []byte(bad), Number: 7,
	}
	return e
}

func TestValues(t *testing.T) {
	for _, bad := range []string{"plain", "caf\xe9", `a\xe9`} {
		e := sample(bad)
		text, err := Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if !cmp.Equal(e, sample(bad), cmp.AllowUnexported(everything{}, inner{})) {
			t.Errorf("%q: was changed to %+v", bad, e)
		}
		var back everything
		if err := Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		want := sample(bad)
		want.quiet = ""
		if diff := cmp.Diff(want, back, cmp.AllowUnexported(everything{}, inner{})); diff != "" {
			t.Errorf("%q (-want +got)\n%s\n%s", bad, diff, text)
		}
		direct, err := json.Marshal(e)
		if err != nil || bad == "plain" && string(direct) != string(text) {
			t.Errorf("%s\nis not what encoding/json writes:\n%s\n%v", text, direct, err)
		}
	}
	if Escaped(nil) != nil {
		t.Error("nothing is something")
	}
	var e *everything
	if Escaped(e) != any(e) {
		t.Error("nil is something")
	}
}

func TestIsUTF8(t *testing.T) {
	for text, want := range map[string]bool{"plain": true, `a\xe9`: true, "\ufffd": true, "caf\xe9": false} {
		for _, v := range []any{
			text, []any{1, []string{"a", text}}, map[string]int{text: 1}, map[int]*inner{1: {Name: text}}, everything{inner: inner{Name: text}},
		} {
			if got := IsUTF8(v); got != want {
				t.Errorf("%+q: %t", v, got)
			}
		}
	}
	if !IsUTF8(nil) || !IsUTF8(shout{"\xff"}) || !IsUTF8([]byte("\xff")) {
		t.Error("what writes itself, or nothing, is no UTF-8")
	}
}
