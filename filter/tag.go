// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/shardlift/shardlift/point"
)

// tagClause is all that was said about one tag key: the value must match one of
// want, if there are any, and none of not.
type tagClause struct {
	key  string
	want []Pattern
	not  []Pattern
}

// parseTags groups the flags by key, in key order.
func parseTags(values []string) ([]tagClause, error) {
	var clauses []tagClause
	for _, text := range values {
		key, value, negated, err := parseTag(text)
		if err != nil {
			return nil, flagError("tag", text, err)
		}
		i := slices.IndexFunc(clauses, func(c tagClause) bool { return c.key == key })
		if i < 0 {
			i = len(clauses)
			clauses = append(clauses, tagClause{key: key})
		}
		if negated {
			clauses[i].not = append(clauses[i].not, value)
		} else {
			clauses[i].want = append(clauses[i].want, value)
		}
	}
	slices.SortFunc(clauses, func(a, b tagClause) int { return strings.Compare(a.key, b.key) })
	return clauses, nil
}

// parseTag reads key=pattern or key!=pattern. In the key a backslash takes the next
// character as it is. An empty value stands for the empty name: no such tag.
func parseTag(text string) (key string, value Pattern, negated bool, err error) {
	var name strings.Builder
	rest := text
	for !strings.HasPrefix(rest, "=") && !strings.HasPrefix(rest, "!=") {
		if rest == "" {
			return "", value, false, errors.New("want key=value or key!=value")
		}
		var char string
		if char, rest, err = globChar(rest); err != nil {
			return "", value, false, err
		}
		name.WriteString(char)
	}
	if name.Len() == 0 {
		return "", value, false, errors.New("no tag key before the equals sign")
	}
	rest, negated = strings.CutPrefix(rest, "!")
	rest = rest[1:] // the equals sign
	if strings.HasPrefix(rest, "~/") {
		return "", value, false, errors.New(`want key=/regexp/ (for a value that begins with "~/" write "\~/")`)
	}
	if rest != "" {
		value, err = ParsePattern(rest)
	}
	return name.String(), value, negated, err
}

// match reports whether the tags of a series satisfy the clause. A series without
// the tag has the empty value, as in InfluxQL.
func (c *tagClause) match(tags []byte) bool {
	value := c.find(tags)
	if bytes.IndexByte(value, '\\') >= 0 {
		value = []byte(point.UnescapeTag(value))
	}
	return (len(c.want) == 0 || anyMatch(c.want, value)) && !anyMatch(c.not, value)
}

// find gives the still escaped value of the clause's key; nil where there is none.
func (c *tagClause) find(tags []byte) []byte {
	for {
		key, value, rest, ok := point.NextTag(tags)
		if !ok {
			return nil
		}
		if string(key) == c.key || bytes.IndexByte(key, '\\') >= 0 && point.UnescapeTag(key) == c.key {
			return value
		}
		tags = rest
	}
}

// texts gives the clause in the form of the flag, canonical.
func (c *tagClause) texts() []string {
	key := quoteTagKey(c.key)
	var out []string
	for i := range c.want {
		out = append(out, key+"="+c.want[i].text)
	}
	for i := range c.not {
		out = append(out, key+"!="+c.not[i].text)
	}
	return out
}

func quoteTagKey(key string) string {
	return strings.NewReplacer(`\`, `\\`, `=`, `\=`, `!`, `\!`).Replace(key)
}

func anyMatch(patterns []Pattern, name []byte) bool {
	for i := range patterns {
		if patterns[i].Match(name) {
			return true
		}
	}
	return false
}
