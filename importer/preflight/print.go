// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/shardlift/shardlift/meta"
)

// text gives the statement as it is to be run. Write limits stay out, as they do in
// exports: older servers refuse them, and they would refuse the points.
func (s statement) text() string {
	switch s.class {
	case createDatabase:
		out := "CREATE DATABASE " + meta.QuoteIdent(s.database)
		options := s.attributes.text()
		if s.named {
			options += " NAME " + meta.QuoteIdent(s.policy)
		}
		if options == "" {
			return out
		}
		return out + " WITH" + options
	case createPolicy:
		out := "CREATE RETENTION POLICY " + meta.QuoteIdent(s.policy) + " ON " + meta.QuoteIdent(s.database) + s.attributes.text()
		if s.isDefault {
			out += " DEFAULT"
		}
		return out
	default:
		return s.raw
	}
}

// text gives the options in the order that servers ask for.
func (a attributes) text() string {
	out := ""
	if a.hasDuration {
		out += " DURATION " + meta.FormatDuration(a.duration)
	}
	if a.replication > 0 {
		out += " REPLICATION " + strconv.Itoa(a.replication)
	}
	if a.shard > 0 {
		out += " SHARD DURATION " + meta.FormatDuration(a.shard)
	}
	return out
}

// shown gives a statement for people and files, on one line and without secrets.
func shown(raw string) string {
	tokens, err := scan(raw)
	if err != nil {
		return meta.OneLine(maskURLs(cutPassword(raw)))
	}
	for i, t := range tokens {
		if t.is("PASSWORD") {
			return meta.OneLine(maskURLs(maskPassword(raw, tokens[i:])))
		}
	}
	return meta.OneLine(maskURLs(raw))
}

const passwordMark = " <password>"

var passwordWord = regexp.MustCompile(`(?i)password`)

// cutPassword leaves out all that follows the word, since it cannot be told where a
// password ends.
func cutPassword(raw string) string {
	if at := passwordWord.FindStringIndex(raw); at != nil {
		return raw[:at[1]] + passwordMark
	}
	return raw
}

// maskPassword leaves out the text behind PASSWORD, which tokens start with, or all
// that follows if something else stands there or there is more in quotes.
func maskPassword(raw string, tokens []token) string {
	head := raw[:tokens[0].end] + passwordMark
	if len(tokens) < 2 || tokens[1].kind != quoted {
		return head
	}
	for _, t := range tokens[2:] {
		if t.kind != word {
			return head
		}
	}
	return head + raw[tokens[1].end:]
}

var (
	urlLogin = regexp.MustCompile(`://(?:\\.|[^'"\\])*@`)
	urlParam = regexp.MustCompile(`(?i)([?&](?:p|pass|password|token)=)(?:\\.|[^&'"\\\s])*`)
)

// maskURLs leaves out the logins of addresses: subscriptions can hold them.
func maskURLs(s string) string {
	return urlParam.ReplaceAllString(urlLogin.ReplaceAllString(s, "://<login>@"), "$1<secret>")
}

// secret reports whether shown leaves something out.
func secret(raw string) bool { return shown(raw) != meta.OneLine(raw) }

// excerpt is shown for errors, where a whole file may have become one statement.
func excerpt(raw string) string {
	const most = 300
	s := shown(raw)
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + " …"
}
