// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"fmt"
	"regexp/syntax"
	"strings"

	"github.com/shardlift/shardlift/filter"
)

// tagConditions gives what a selection says of tags as conditions of a query, each behind
// an AND. A series without a tag has its empty value, in a query as in a selection.
func tagConditions(s *filter.Selection) (string, error) {
	if s == nil {
		return "", nil
	}
	var b strings.Builder
	for _, rule := range s.TagRules() {
		if !speakable(rule.Key) {
			return "", fmt.Errorf("tag %q: %s", rule.Key, noForm)
		}
		for i := range rule.Want {
			b.WriteString([]string{" AND (", " OR "}[min(i, 1)])
			if err := appendCondition(&b, rule.Key, "=", &rule.Want[i]); err != nil {
				return "", err
			}
		}
		if len(rule.Want) > 0 {
			b.WriteByte(')')
		}
		for i := range rule.Not {
			b.WriteString(" AND ")
			if err := appendCondition(&b, rule.Key, "!", &rule.Not[i]); err != nil {
				return "", err
			}
		}
	}
	return b.String(), nil
}

var literal = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`)

// appendCondition appends a condition on one tag; how is "=" or "!".
func appendCondition(b *strings.Builder, key, how string, p *filter.Pattern) error {
	appendIdent(b, key)
	b.WriteString("::tag ")
	if name, ok := p.Literal(); ok && speakable(name) {
		b.WriteString(map[string]string{"=": "= '", "!": "!= '"}[how])
		_, _ = literal.WriteString(b, name)
		b.WriteByte('\'')
		return nil
	}
	expr, err := expression(p.Expr())
	if err != nil {
		return fmt.Errorf("tag %q, pattern %q: %w", key, p.String(), err)
	}
	b.WriteString(how + "~ /" + expr + "/")
	return nil
}

// awkward are the characters that a query's reader takes for something else in a regular
// expression, in forms that mean the same.
var awkward = strings.NewReplacer(`\\`, `\x5c`, `/`, `\x2f`, "\n", `\x0a`, "\r", `\x0d`, "\x00", `\x00`)

// expression writes a regular expression so that it can stand between slashes.
func expression(text string) (string, error) {
	re, err := syntax.Parse(text, syntax.Perl) // without \Q, in which nothing is escaped
	if err != nil {
		return "", err
	}
	out := awkward.Replace(re.String())
	if !speakable(out) {
		return "", fmt.Errorf("%s", noForm)
	}
	return out, nil
}
