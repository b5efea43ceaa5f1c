// SPDX-License-Identifier: Apache-2.0

package meta

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// QuoteIdent writes a name as a quoted InfluxQL identifier, on one line. Names that
// InfluxQL cannot hold (see Sayable) come out so that a server refuses them, rather
// than takes them for another name.
func QuoteIdent(name string) string {
	return `"` + identQuoter.Replace(name) + `"`
}

// QuoteString writes a text as an InfluxQL string, on one line.
func QuoteString(text string) string {
	return `'` + stringQuoter.Replace(text) + `'`
}

var (
	identQuoter  = strings.NewReplacer("\n", `\n`, `\`, `\\`, `"`, `\"`, "\r", `\r`, "\x00", `\0`)
	stringQuoter = strings.NewReplacer("\n", `\n`, `\`, `\\`, `'`, `\'`, "\r", `\r`, "\x00", `\0`)
)

// Sayable reports whether InfluxQL can hold the name: it has no way to write an
// empty name, a carriage return, a zero byte, or bytes that are not UTF-8.
func Sayable(name string) bool {
	return name != "" && !strings.ContainsAny(name, "\r\x00") && utf8.ValidString(name)
}

// OneLine gives a statement, such as the stored text of a continuous query, without
// line breaks, so that it fits a comment line. InfluxQL takes a line break for a
// blank and cannot hold one inside quotes, so the meaning stays; only a "--" comment
// would swallow what follows, and servers do not store comments.
func OneLine(statement string) string {
	return lineBreaks.Replace(statement)
}

var lineBreaks = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ")

// durationUnits are the units of InfluxQL, largest first. Weeks are left out: 14d
// says more than 2w.
var durationUnits = [...]struct {
	name string
	size time.Duration
}{
	{"d", 24 * time.Hour},
	{"h", time.Hour},
	{"m", time.Minute},
	{"s", time.Second},
	{"ms", time.Millisecond},
	{"u", time.Microsecond},
	{"ns", time.Nanosecond},
}

// FormatDuration writes a duration that is not negative as InfluxQL, exactly: in the
// largest unit that leaves no rest, and 0 as INF, which is what it means for a policy.
func FormatDuration(d time.Duration) string {
	if d == 0 {
		return "INF"
	}
	i := 0
	for d%durationUnits[i].size != 0 {
		i++
	}
	return strconv.FormatInt(int64(d/durationUnits[i].size), 10) + durationUnits[i].name
}

// CreateUser gives the statement for the user with a gap where the password belongs:
// the metastore holds none. It is for a comment; a server refuses it as it stands.
func CreateUser(u *User) string {
	s := "CREATE USER " + QuoteIdent(u.Name) + " WITH PASSWORD <password>"
	if u.Admin {
		s += " WITH ALL PRIVILEGES"
	}
	return s
}

// Grants gives one statement for each privilege of the user. That of an admin to
// everything is part of CreateUser.
func Grants(u *User) []string {
	words := map[Access]string{ReadAccess: "READ", WriteAccess: "WRITE", AllAccess: "ALL"}
	var out []string
	for _, p := range u.Privileges {
		if word, ok := words[p.Access]; ok {
			out = append(out, "GRANT "+word+" ON "+QuoteIdent(p.Database)+" TO "+QuoteIdent(u.Name))
		}
	}
	return out
}

// CreateSubscription gives the statement for a subscription of the policy of db.
func CreateSubscription(db, policy string, s *Subscription) string {
	destinations := make([]string, len(s.Destinations))
	for i, d := range s.Destinations {
		destinations[i] = QuoteString(d)
	}
	return "CREATE SUBSCRIPTION " + QuoteIdent(s.Name) + " ON " + QuoteIdent(db) + "." + QuoteIdent(policy) +
		" DESTINATIONS " + subscriptionMode(s.Mode) + " " + strings.Join(destinations, ", ")
}

// subscriptionMode keeps a damaged mode from becoming part of a statement.
func subscriptionMode(mode string) string {
	if mode == "ANY" {
		return mode
	}
	return "ALL"
}
