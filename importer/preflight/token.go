// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// kind is what a token is.
type kind int

const (
	word   kind = iota // a bare identifier or a keyword
	ident              // in double quotes; text is without quotes and escapes
	quoted             // in single quotes; likewise
	number             // starts with a digit: 3, 14d, 1h30m
	regex              // between slashes, in a place where a value may stand
	sign               // any other character
)

// token is a piece of a statement, which it is at [start:end] of.
type token struct {
	kind       kind
	text       string
	start, end int
}

// is reports whether the token is a keyword, which may be in any case.
func (t token) is(keyword string) bool {
	return t.kind == word && strings.EqualFold(t.text, keyword)
}

var (
	errQuote   = errors.New("a quote is not closed")
	errComment = errors.New("a comment is not closed")
)

// scan cuts a text into tokens and leaves out blanks and comments.
func scan(s string) ([]token, error) {
	var out []token
	for i := 0; i < len(s); {
		switch n := skip(s[i:]); {
		case n < 0:
			return nil, errComment
		case n > 0:
			i += n
			continue
		}
		t, err := next(s[i:], valueBefore(out))
		if err != nil {
			return nil, err
		}
		t.start, t.end = i, i+t.end
		out = append(out, t)
		i = t.end
	}
	return out, nil
}

// skip gives the length of the blank or comment that s starts with; -1 for a comment
// without an end.
func skip(s string) int {
	switch {
	case strings.IndexByte(" \t\r\n", s[0]) >= 0:
		return 1
	case strings.HasPrefix(s, "--"):
		if n := strings.IndexByte(s, '\n'); n >= 0 {
			return n
		}
		return len(s)
	case strings.HasPrefix(s, "/*"):
		n := strings.Index(s[2:], "*/")
		if n < 0 {
			return -1
		}
		return n + 4
	}
	return 0
}

// next reads the token that s starts with; its end is its length.
func next(s string, divides bool) (token, error) {
	switch c := s[0]; {
	case c == '"' || c == '\'':
		text, n, err := unquote(s)
		if err != nil {
			return token{}, err
		}
		if c == '"' {
			return token{kind: ident, text: text, end: n}, nil
		}
		return token{kind: quoted, text: text, end: n}, nil
	case isDigit(c):
		n := wordLength(s)
		return token{kind: number, text: s[:n], end: n}, nil
	case isLetter(c):
		n := 1
		for n < len(s) && (isLetter(s[n]) || isDigit(s[n])) {
			n++
		}
		return token{kind: word, text: s[:n], end: n}, nil
	case c == '/' && !divides:
		if n := regexLength(s); n > 0 {
			return token{kind: regex, text: s[:n], end: n}, nil
		}
	}
	_, n := utf8.DecodeRuneInString(s)
	return token{kind: sign, text: s[:n], end: n}, nil
}

// wordLength takes letters, digits and points together, and the Greek letter of
// microseconds, so that what is wrong with a number is seen as one.
func wordLength(s string) int {
	for i := 0; i < len(s); i++ {
		_, n := utf8.DecodeRuneInString(s[i:])
		if c := s[i : i+n]; c == "µ" || c == "μ" {
			i += n - 1
		} else if s[i] != '.' && !isLetter(s[i]) && !isDigit(s[i]) {
			return i
		}
	}
	return len(s)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' }

// unquote reads a quoted text and gives its length with the quotes. As in InfluxQL it
// cannot go over a line's end.
func unquote(s string) (text string, length int, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; c {
		case s[0]:
			return b.String(), i + 1, nil
		case '\n':
			return "", 0, errQuote
		case '\\':
			i++
			if i == len(s) {
				return "", 0, errQuote
			}
			switch s[i] {
			case 'n':
				b.WriteByte('\n')
			case '\\', '"', '\'':
				b.WriteByte(s[i])
			default:
				return "", 0, errors.New(`an unknown escape: only \" \' \\ \n are`)
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, errQuote
}

// valueBefore reports whether the last token ends a value, so that a slash divides it.
func valueBefore(tokens []token) bool {
	if len(tokens) == 0 {
		return false
	}
	switch last := tokens[len(tokens)-1]; last.kind {
	case word:
		return !slices.ContainsFunc([]string{"FROM", "BY", "SELECT", "WHERE", "AND", "OR", "ON", "INTO"}, last.is)
	case ident, quoted, number, regex:
		return true
	default:
		return last.text == ")" || last.text == "*"
	}
}

// regexLength gives the length of the regular expression that s starts with, 0 if it
// has no end on its line.
func regexLength(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '\n':
			return 0
		case '/':
			return i + 1
		}
	}
	return 0
}

// split cuts a text into statements at its semicolons. Each gets its own text and the
// tokens of it, whose places count within it.
func split(s string) ([]statement, error) {
	if !utf8.ValidString(s) {
		return nil, errors.New("it is not UTF-8")
	}
	tokens, err := scan(s)
	if err != nil {
		return nil, err
	}
	var out []statement
	for len(tokens) > 0 {
		n := 0
		for n < len(tokens) && (tokens[n].kind != sign || tokens[n].text != ";") {
			n++
		}
		if n > 0 {
			start, end := tokens[0].start, tokens[n-1].end
			st := statement{raw: s[start:end]}
			for _, t := range tokens[:n] {
				t.start, t.end = t.start-start, t.end-start
				st.tokens = append(st.tokens, t)
			}
			out = append(out, st)
		}
		tokens = tokens[min(n+1, len(tokens)):]
	}
	return out, nil
}

// describe names a token for an error. Texts in single quotes may be secret.
func (t token) describe(raw string) string {
	if t.kind == quoted {
		return "a text in single quotes"
	}
	return fmt.Sprintf("%q", raw[t.start:t.end])
}
