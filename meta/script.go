// SPDX-License-Identifier: Apache-2.0

package meta

import (
	"fmt"
	"regexp"
	"strings"
)

// Line is a line of a script.
type Line struct {
	// Text is a statement without a semicolon, or a comment without its dashes. It has no
	// line breaks.
	Text    string
	Comment bool
	// Object is what the statement makes: two statements with the same one make the same
	// thing, perhaps with other settings. Comments have none.
	Object string
}

// Script gives the statements that make on an empty server what the metastore has: databases
// with their policies, subscriptions and continuous queries, of the databases that take lets
// through. What cannot be said, and what a server would refuse, is a comment, and so are
// users and their grants, since no metastore tells a password.
func Script(d *Data, take func(database string) bool) []Line {
	var s script
	for i := range d.Databases {
		if db := &d.Databases[i]; take(db.Name) {
			s.database(db)
		}
	}
	for i := range d.Databases {
		if db := &d.Databases[i]; take(db.Name) {
			s.subscriptions(db)
		}
	}
	for i := range d.Databases {
		if db := &d.Databases[i]; take(db.Name) {
			s.queries(db)
		}
	}
	s.users(d.Users, take)
	return s.lines
}

// script collects lines.
type script struct{ lines []Line }

func (s *script) statement(text string) {
	s.lines = append(s.lines, Line{Text: text, Object: objectOf(text)})
}

func (s *script) comment(format string, args ...any) {
	s.lines = append(s.lines, Line{Text: OneLine(fmt.Sprintf(format, args...)), Comment: true})
}

func (s *script) database(db *Database) {
	ddl := CreateDatabase(db)
	for _, note := range ddl.Notes {
		s.comment("%s", note)
	}
	for _, statement := range ddl.Statements {
		s.statement(statement)
	}
}

func (s *script) subscriptions(db *Database) {
	for i := range db.Policies {
		policy := &db.Policies[i]
		for j := range policy.Subscriptions {
			sub := &policy.Subscriptions[j]
			switch {
			case !Sayable(db.Name) || !Sayable(policy.Name) || !Sayable(sub.Name):
				s.comment("InfluxQL cannot say the names of subscription %q on %q.%q", sub.Name, db.Name, policy.Name)
			case len(sub.Destinations) == 0:
				s.comment("subscription %s on %s.%s has no destination", QuoteIdent(sub.Name), QuoteIdent(db.Name), QuoteIdent(policy.Name))
			default:
				s.statement(CreateSubscription(db.Name, policy.Name, sub))
			}
		}
	}
}

func (s *script) queries(db *Database) {
	for i := range db.ContinuousQueries {
		q := &db.ContinuousQueries[i]
		if text := strings.TrimSpace(OneLine(q.Query)); isContinuousQuery(text) {
			s.statement(text)
			continue
		}
		s.comment("continuous query %s on %s is not run as it stands: %s", QuoteIdent(q.Name), QuoteIdent(db.Name), OneLine(q.Query))
	}
}

func (s *script) users(users []User, take func(database string) bool) {
	if len(users) == 0 {
		return
	}
	s.comment("users: no metastore tells a password; put one in each gap and take the dashes off")
	for i := range users {
		u := &users[i]
		if !Sayable(u.Name) {
			s.comment("InfluxQL cannot say the user name %q", u.Name)
			continue
		}
		s.comment("%s;", CreateUser(u))
		granted := User{Name: u.Name}
		for _, p := range u.Privileges {
			if take(p.Database) {
				granted.Privileges = append(granted.Privileges, p)
			}
		}
		for _, grant := range Grants(&granted) {
			s.comment("%s;", grant)
		}
	}
}

var createQuery = regexp.MustCompile(`(?is)^create\s+continuous\s+query\s.*\send$`)

// isContinuousQuery reports whether a stored text is one statement that makes a continuous
// query and nothing else. It rather says no: the text comes off a disk, and will be run.
func isContinuousQuery(text string) bool {
	return createQuery.MatchString(text) && oneStatement(text)
}

// oneStatement reports whether text ends no statement, begins no comment that would take the
// next one in, and closes its quotes. What is within quotes does nothing. Behind a slash outside
// of quotes nothing is taken for quoted: a regular expression may have quotes of its own.
func oneStatement(text string) bool {
	var open byte
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case open != 0 && c == '\\':
			i++
		case open != 0 && c == open:
			open = 0
		case open != 0:
		case c == '"' || c == '\'':
			open = c
		case c == ';', strings.HasPrefix(text[i:], "--"), c == '/' && endOrComment.MatchString(text[i:]):
			return false
		}
	}
	return open == 0
}

// endOrComment matches what ends a statement, and what begins a comment.
var endOrComment = regexp.MustCompile(`;|--|/\*`)

const identifier = `(?:"(?:[^"\\]|\\.)*"|\w+)`

// head matches the part of a statement that names what it makes.
var head = regexp.MustCompile(`(?is)^create\s+(?:database|retention\s+policy|subscription|continuous\s+query)\s+` +
	identifier + `(?:\s+on\s+` + identifier + `(?:\.` + identifier + `)?)?`)

func objectOf(statement string) string { return head.FindString(statement) }
