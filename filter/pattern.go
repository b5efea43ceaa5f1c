// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Pattern matches names, in one of three ways told apart by its text:
//
//	cpu       that name
//	cpu*      a glob: * is any run of characters, ? one character, [a-z] one of
//	          a class, [!a-z] one outside it
//	/^cpu/    a regular expression (RE2), which may match anywhere in the name
//
// Outside of regular expressions a backslash takes the next character as it is, so
// that every name can be said. Patterns see names unescaped, as a person writes them.
// A Pattern may be used by many goroutines at once.
type Pattern struct {
	text    string
	literal string         // the name, where re is nil
	re      *regexp.Regexp // glob or regular expression
}

// ParsePattern reads a pattern. The empty text is an error.
func ParsePattern(s string) (Pattern, error) {
	if s == "" {
		return Pattern{}, errors.New("empty pattern")
	}
	if s[0] == '/' {
		return parseRegexp(s)
	}
	return parseGlob(s)
}

// Quote gives the pattern text that matches name only. Name must not be empty.
func Quote(name string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if c == '*' || c == '?' || c == '[' || c == '\\' || c == '/' && i == 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String()
}

// String gives the text that the pattern was parsed from.
func (p *Pattern) String() string { return p.text }

// Literal gives the only name that the pattern matches; ok is false for globs and
// regular expressions.
func (p *Pattern) Literal() (name string, ok bool) { return p.literal, p.re == nil }

// Match reports whether the pattern takes name.
func (p *Pattern) Match(name []byte) bool {
	if p.re == nil {
		return string(name) == p.literal
	}
	return p.re.Match(name)
}

// MatchString is Match for a string.
func (p *Pattern) MatchString(name string) bool {
	if p.re == nil {
		return name == p.literal
	}
	return p.re.MatchString(name)
}

func parseRegexp(s string) (Pattern, error) {
	if len(s) < 2 || s[len(s)-1] != '/' {
		return Pattern{}, errors.New(`regular expression without closing "/" (for a name that begins with a slash write "\/")`)
	}
	if s == "//" {
		return Pattern{}, errors.New("empty regular expression")
	}
	re, err := regexp.Compile(s[1 : len(s)-1])
	if err != nil {
		return Pattern{}, err
	}
	return Pattern{text: s, re: re}, nil
}

// parseGlob reads s as a literal and as a regular expression at once and keeps the
// one that is needed.
func parseGlob(s string) (Pattern, error) {
	var literal, expr strings.Builder
	isGlob := false
	for rest := s; rest != ""; {
		switch c := rest[0]; c {
		case '*', '?':
			isGlob = true
			expr.WriteByte('.')
			if c == '*' {
				expr.WriteByte('*')
			}
			rest = rest[1:]
		case '[':
			class, after, err := globClass(rest)
			if err != nil {
				return Pattern{}, err
			}
			isGlob = true
			expr.WriteString(class)
			rest = after
		default:
			char, after, err := globChar(rest)
			if err != nil {
				return Pattern{}, err
			}
			literal.WriteString(char)
			expr.WriteString(regexp.QuoteMeta(char))
			rest = after
		}
	}
	if !isGlob {
		return Pattern{text: s, literal: literal.String()}, nil
	}
	re, err := regexp.Compile(`(?s)\A` + expr.String() + `\z`)
	if err != nil {
		return Pattern{}, fmt.Errorf("glob: %w", err)
	}
	return Pattern{text: s, re: re}, nil
}

// globChar takes one character, quoted or not, off s, which must not be empty.
func globChar(s string) (char, rest string, err error) {
	if s[0] == '\\' {
		s = s[1:]
		if s == "" {
			return "", "", errors.New(`backslash at the end (for a name that ends with one write "\\")`)
		}
	}
	_, n := utf8.DecodeRuneInString(s)
	return s[:n], s[n:], nil
}

// globClass takes a class off s, which starts with "[", and gives it as a regular
// expression. A "]" right behind the opening stands for itself.
func globClass(s string) (class, rest string, err error) {
	var b strings.Builder
	b.WriteByte('[')
	s = s[1:]
	if s != "" && (s[0] == '!' || s[0] == '^') {
		b.WriteByte('^')
		s = s[1:]
	}
	for first := true; ; first = false {
		if s == "" {
			return "", "", errors.New(`"[" without "]" (for the bracket itself write "\[")`)
		}
		if s[0] == ']' && !first {
			b.WriteByte(']')
			return b.String(), s[1:], nil
		}
		var lo, hi string
		if lo, s, err = globChar(s); err != nil {
			return "", "", err
		}
		b.WriteString(quoteInClass(lo))
		if len(s) < 2 || s[0] != '-' || s[1] == ']' {
			continue
		}
		if hi, s, err = globChar(s[1:]); err != nil {
			return "", "", err
		}
		b.WriteString("-" + quoteInClass(hi))
	}
}

// quoteInClass makes one character stand for itself inside [ ].
func quoteInClass(char string) string {
	if strings.ContainsAny(char, `\]^-[:`) {
		return `\` + char
	}
	return char
}
