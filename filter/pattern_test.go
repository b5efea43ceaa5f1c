// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPatternMatch(t *testing.T) {
	tests := map[string]struct {
		pattern string
		yes, no []string
	}{
		"plain name":              {`cpu`, []string{"cpu"}, []string{"", "CPU", "cpu2", "xcpu"}},
		"not a regexp":            {`c.u+`, []string{"c.u+"}, []string{"cpu", "c.uu"}},
		"star":                    {`cpu*`, []string{"cpu", "cpu load", "cpu\nx", "cpu/0"}, []string{"cp", "xcpu"}},
		"star alone":              {`*`, []string{"", "x", "\xff\xfe"}, nil},
		"star in the middle":      {`a*b*c`, []string{"abc", "aXbYc", "abbcc"}, []string{"ab", "acb", "abcd"}},
		"question mark":           {`m?`, []string{"m1", "mé", "m\n", "m\xff"}, []string{"m", "m12"}},
		"class":                   {`h[a-c1]`, []string{"ha", "hc", "h1"}, []string{"h", "hd", "h-", "haa"}},
		"class turned round":      {`h[!a-c]`, []string{"hd", "h]", "h\n"}, []string{"ha", "h"}},
		"class turned round, ^":   {`h[^a]`, []string{"hb"}, []string{"ha"}},
		"class with bracket":      {`[]x]`, []string{"]", "x"}, []string{"y"}},
		"class with quoted":       {`[\]\-a]`, []string{"]", "-", "a"}, []string{`\`, "b"}},
		"class with dash at end":  {`[a-]`, []string{"a", "-"}, []string{"b"}},
		"class with caret inside": {`[a^]`, []string{"a", "^"}, []string{"b"}},
		"no posix class":          {`[[:x:]`, []string{"[", ":", "x"}, []string{"y"}},
		"class with wide range":   {`[а-я]*`, []string{"город"}, []string{"city"}},
		"quoted star":             {`a\*`, []string{"a*"}, []string{"a", "ab", `a\*`}},
		"quoted backslash":        {`c:\\tmp`, []string{`c:\tmp`}, []string{`c:\\tmp`}},
		"quoted slash":            {`\/cpu/`, []string{"/cpu/"}, []string{"cpu"}},
		"slash inside":            {`a/b`, []string{"a/b"}, []string{"ab"}},
		"broken utf-8, plain":     {"a\xff", []string{"a\xff"}, []string{"a", "a\xfe"}},
		"regexp":                  {`/^cpu[0-9]$/`, []string{"cpu0"}, []string{"cpu", "xcpu0", "cpu01"}},
		"regexp anywhere":         {`/pu/`, []string{"cpu", "pulse"}, []string{"p u"}},
		"regexp with slash":       {`/a\/b/`, []string{"xa/b"}, []string{"ab"}},
		"regexp of one slash":     {`/\//`, []string{"a/b"}, []string{"ab"}},
		"regexp, no case":         {`/(?i)^CPU$/`, []string{"cpu"}, []string{"cpux"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := ParsePattern(tt.pattern)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range tt.yes {
				if !p.MatchString(s) || !p.Match([]byte(s)) {
					t.Errorf("%q does not match %q", tt.pattern, s)
				}
			}
			for _, s := range tt.no {
				if p.MatchString(s) || p.Match([]byte(s)) {
					t.Errorf("%q matches %q", tt.pattern, s)
				}
			}
			if p.String() != tt.pattern {
				t.Errorf("String() = %q, want %q", p.String(), tt.pattern)
			}
		})
	}
}

func TestParsePatternErrors(t *testing.T) {
	tests := map[string]struct{ pattern, want string }{
		"empty":               {``, "empty pattern"},
		"open regexp":         {`/cpu`, `without closing "/"`},
		"lone slash":          {`/`, `without closing "/"`},
		"empty regexp":        {`//`, "empty regular expression"},
		"bad regexp":          {`/(/`, "missing closing )"},
		"backslash at end":    {`a\`, "backslash at the end"},
		"open class":          {`a[b`, `"[" without "]"`},
		"empty class":         {`a[]`, `"[" without "]"`},
		"open class, negated": {`[!`, `"[" without "]"`},
		"backslash in class":  {`[a\`, "backslash at the end"},
		"open range":          {`[a-`, `"[" without "]"`},
		"range upside down":   {`[z-a]`, "invalid character class range"},
		"broken utf-8, glob":  {"\xff*", "invalid UTF-8"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := ParsePattern(tt.pattern)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("ParsePattern(%q) = %v, %v, want an error with %q", tt.pattern, p.text, err, tt.want)
			}
		})
	}
}

func TestQuoteSaysEveryName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := string(rapid.SliceOfN(rapid.SampledFrom([]byte("a*?[]!^-\\/ \n\xff\xc3\xa9")), 1, 12).Draw(t, "name"))
		p, err := ParsePattern(Quote(name))
		if err != nil {
			t.Fatalf("ParsePattern(%q): %v", Quote(name), err)
		}
		if got, ok := p.Literal(); !ok || got != name {
			t.Fatalf("Quote(%q) = %q, which is %q, literal %t", name, Quote(name), got, ok)
		}
	})
}

// globModel is the obvious recursive matcher for stars, question marks and quotes.
func globModel(glob, name string) bool {
	switch {
	case glob == "":
		return name == ""
	case glob[0] == '*':
		return globModel(glob[1:], name) || name != "" && globModel(glob, name[1:])
	case name == "":
		return false
	case glob[0] == '?':
		return globModel(glob[1:], name[1:])
	case glob[0] == '\\':
		return glob[1] == name[0] && globModel(glob[2:], name[1:])
	default:
		return glob[0] == name[0] && globModel(glob[1:], name[1:])
	}
}

func TestGlobAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		glob := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", ".", "*", "?", `\*`, `\?`, `\a`}), 1, 7).Draw(t, "glob"), "")
		name := string(rapid.SliceOfN(rapid.SampledFrom([]byte("aab.*?")), 0, 8).Draw(t, "name"))
		p, err := ParsePattern(glob)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := p.MatchString(name), globModel(glob, name); got != want {
			t.Fatalf("%q on %q: %t, want %t", glob, name, got, want)
		}
	})
}

func FuzzParsePattern(f *testing.F) {
	for _, s := range []string{"cpu", "c*", "h[!a-c]?", `a\*`, "/^x$/", "//", "[", "[]]", "[a-", `\`, "\xff*", "[[:alpha:]]", `[\d]`} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		p, err := ParsePattern(text)
		if err != nil {
			return
		}
		if p.String() != text {
			t.Errorf("String() = %q, want %q", p.String(), text)
		}
		if p.Match([]byte(name)) != p.MatchString(name) {
			t.Errorf("%q: Match and MatchString differ on %q", text, name)
		}
		if literal, ok := p.Literal(); ok && (literal == "" || !p.MatchString(literal) || p.MatchString(literal+"x")) {
			t.Errorf("%q: literal %q is not what matches", text, literal)
		}
	})
}
