// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import (
	"regexp"
	"strings"
)

// modelScan finds the tokens of a text slowly, and by rules written down another way: it
// has all of the text, takes a server's line first, judges it whole, and if it is no
// good takes the physical line.
func modelScan(text string) []found {
	var all []found
	for pos := 0; pos < len(text); {
		rest := text[pos:]
		switch {
		case strings.IndexByte(" \t\x00\n", rest[0]) >= 0:
			pos++
			continue
		case rest == "\r" || strings.HasPrefix(rest, "\r\n"):
			pos++
			continue
		}
		f := found{Kind: BadToken, Line: int64(1 + strings.Count(text[:pos], "\n")), Offset: int64(pos)}
		n := physicalEnd(rest)
		if rest[0] == '#' {
			f.Kind = CommentToken
		} else if end := modelEnd(rest); end >= 0 {
			if key, fields, at, ok := modelPoint(rest[:end]); ok {
				n, f.Kind, f.Key, f.Fields, f.Time = end, PointToken, key, fields, at
			}
		}
		f.Text = rest[:n]
		pos = min(pos+n+1, len(text))
		f.End = int64(pos)
		all = append(all, f)
	}
	return all
}

func physicalEnd(s string) int {
	if n := strings.IndexByte(s, '\n'); n >= 0 {
		return n
	}
	return len(s)
}

// modelEnd gives the end of the point at the start of s as a server finds it, or -1 where
// the text ends in a string or behind a backslash.
func modelEnd(s string) int {
	inFields, inString := false, false
	equals, commas := 0, 0
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
			if i == len(s) {
				return -1
			}
			continue
		}
		if s[i] == '\n' && !inString {
			return i
		}
		if s[i] == ' ' {
			inFields = true
		}
		if inFields && !inString {
			if s[i] == '=' {
				equals++
			}
			if s[i] == ',' {
				commas++
			}
		}
		if inFields && s[i] == '"' && equals > commas {
			inString = !inString
		}
	}
	if inString {
		return -1
	}
	return len(s)
}

// modelKey gives the length of the key, or -1 where no blank ends it.
func modelKey(s string) int {
	for i := 1; i < len(s); i++ {
		if s[i] == ' ' && s[i-1] != '\\' {
			return i
		}
	}
	return -1
}

// modelFields gives the length of the field section at the start of s.
func modelFields(s string) int {
	inString, surplus := false, 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == '"' && surplus > 0:
			inString = !inString
		case inString:
		case s[i] == ' ':
			return i
		case s[i] == '=':
			surplus++
		case s[i] == ',':
			surplus--
		}
	}
	return len(s)
}

const (
	noText     = " \t\x00"
	soundField = `(?:\\.|[^\\ =,])+=(?:"(?:\\.|[^\\"])*"|[^", ][^, ]*)`
)

var (
	times       = regexp.MustCompile(`^(?:[ \t\x00]*|[ \t\x00]+(-?[0-9]+) *)$`)
	soundFields = regexp.MustCompile(`(?s)^` + soundField + `(?:,` + soundField + `)*$`)
	oddBlank    = regexp.MustCompile(`(?s)^(?:\\.|[^\\])*\\\\ `) // behind backslashes that come in pairs
)

// modelPoint takes a server's line apart and says whether it is a point, as far as the
// scanner looks.
func modelPoint(s string) (key, fields, at string, ok bool) {
	n := modelKey(s)
	if n < 0 || s[0] == ',' || strings.HasSuffix(s, "\r") {
		return "", "", "", false
	}
	key, rest := s[:n], strings.TrimLeft(s[n:], noText)
	n = modelFields(rest)
	fields = rest[:n]
	m := times.FindStringSubmatch(rest[n:])
	if m == nil || !strings.Contains(fields, "=") {
		return "", "", "", false
	}
	odd := oddBlank.MatchString(key)
	if odd || strings.Contains(s, "\n") {
		_, err := ParseFields(nil, []byte(fields))
		ok = CheckKey([]byte(key)) == nil && err == nil && (odd || soundFields.MatchString(fields))
		return key, fields, m[1], ok
	}
	return key, fields, m[1], true
}
