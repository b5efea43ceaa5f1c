// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/meta"
)

// autogen is the policy of CREATE DATABASE without NAME.
const autogen = "autogen"

// class is what is to be done with a statement.
type class int

const (
	createDatabase class = iota
	createPolicy
	createOther // users, grants, continuous queries, subscriptions: run as they stand
	ask         // SHOW: changes nothing, and nobody reads the answer
	refuse      // deletes, changes or writes
)

// statement is one statement of DDL.
type statement struct {
	raw    string // as it stands in the input
	tokens []token
	class  class

	// Of the first two classes:
	database, policy string // policy is autogen where CREATE DATABASE names none
	named            bool   // CREATE DATABASE says NAME
	explicit         bool   // there are options, so that the policy is wanted
	attributes
}

// attributes are what a statement says of a policy.
type attributes struct {
	duration     time.Duration // 0 is infinite
	hasDuration  bool
	shard        time.Duration // 0: left to the server
	replication  int           // 0: left to the server
	isDefault    bool          // says DEFAULT
	future, past time.Duration // write limits of 1.12; 0: none
}

// parse reads all statements of a text. Where it cannot, the error says why, without
// the text.
func parse(text string) ([]statement, error) {
	list, err := split(text)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if err := list[i].parse(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// parse finds out what the tokens say.
func (s *statement) parse() error {
	p := &parser{raw: s.raw, tokens: s.tokens}
	switch {
	case p.take("CREATE", "DATABASE"):
		s.class = createDatabase
		return p.createDatabase(s)
	case p.take("CREATE", "RETENTION", "POLICY"):
		s.class = createPolicy
		return p.createPolicy(s)
	case p.take("CREATE", "CONTINUOUS", "QUERY"), p.take("CREATE", "SUBSCRIPTION"),
		p.take("CREATE", "USER"), p.take("GRANT"):
		s.class = createOther
		return nil
	case p.take("SHOW"):
		s.class = ask
		return nil
	}
	for _, verb := range []string{"DROP", "DELETE", "ALTER", "KILL", "REVOKE", "SET", "SELECT", "EXPLAIN"} {
		if p.take(verb) {
			s.class = refuse
			return nil
		}
	}
	return errors.New("it is no statement that makes anything")
}

// parser walks over the tokens of one statement.
type parser struct {
	raw    string
	tokens []token
}

// take goes over the keywords if they are next.
func (p *parser) take(keywords ...string) bool {
	if len(p.tokens) < len(keywords) {
		return false
	}
	for i, k := range keywords {
		if !p.tokens[i].is(k) {
			return false
		}
	}
	p.tokens = p.tokens[len(keywords):]
	return true
}

// found says what stands where something else should.
func (p *parser) found() string {
	if len(p.tokens) == 0 {
		return "the end"
	}
	return p.tokens[0].describe(p.raw)
}

// name reads a name. A keyword is one too where nothing else can stand; it only has to
// be quoted for servers.
func (p *parser) name(what string) (string, error) {
	if len(p.tokens) == 0 || p.tokens[0].kind != ident && p.tokens[0].kind != word ||
		p.tokens[0].is("WITH") || p.tokens[0].is("ON") {
		return "", fmt.Errorf("found %s where %s has its name", p.found(), what)
	}
	name := p.tokens[0].text
	if !meta.Sayable(name) {
		return "", fmt.Errorf("%s cannot be called %q", what, name)
	}
	p.tokens = p.tokens[1:]
	return name, nil
}

func (p *parser) createDatabase(s *statement) (err error) {
	p.take("IF", "NOT", "EXISTS") // of old servers, and what it does anyway
	if s.database, err = p.name("the database"); err != nil {
		return err
	}
	s.policy = autogen
	if len(p.tokens) == 0 {
		return nil
	}
	if !p.take("WITH") || len(p.tokens) == 0 {
		return fmt.Errorf(`found %s behind the name, which has to stand in double quotes if it is part of it`, p.found())
	}
	s.explicit = true
	return p.options(s)
}

func (p *parser) createPolicy(s *statement) (err error) {
	s.explicit, s.named = true, true
	if s.policy, err = p.name("the policy"); err != nil {
		return err
	}
	if !p.take("ON") {
		return fmt.Errorf("found %s where ON should stand", p.found())
	}
	if s.database, err = p.name("the database"); err != nil {
		return err
	}
	if err := p.options(s); err != nil {
		return err
	}
	if !s.hasDuration || s.replication == 0 {
		return errors.New("DURATION and REPLICATION are needed")
	}
	return nil
}

// options reads what follows, in any order, each once.
func (p *parser) options(s *statement) (err error) {
	seen := map[string]bool{}
	for len(p.tokens) > 0 && err == nil {
		found, option := p.found(), ""
		switch {
		case p.take("DURATION"):
			option, s.hasDuration = "DURATION", true
			s.duration, err = p.duration()
		case p.take("REPLICATION"):
			option = "REPLICATION"
			s.replication, err = p.replication()
		case p.take("SHARD", "DURATION"):
			option = "SHARD DURATION"
			s.shard, err = p.duration()
		case p.take("FUTURE", "LIMIT"):
			option = "FUTURE LIMIT"
			s.future, err = p.duration()
		case p.take("PAST", "LIMIT"):
			option = "PAST LIMIT"
			s.past, err = p.duration()
		case s.class == createDatabase && p.take("NAME"):
			option, s.named = "NAME", true
			s.policy, err = p.name("the policy")
		case s.class == createPolicy && p.take("DEFAULT"):
			option, s.isDefault = "DEFAULT", true
		default:
			return fmt.Errorf("found %s where an option or the end should stand", found)
		}
		if seen[option] && err == nil {
			return fmt.Errorf("%s stands twice", option)
		}
		seen[option] = true
	}
	return err
}

func (p *parser) duration() (time.Duration, error) {
	if len(p.tokens) == 0 || p.tokens[0].kind != number && !p.tokens[0].is("INF") {
		return 0, fmt.Errorf("found %s where a duration should stand", p.found())
	}
	text := p.tokens[0].text
	p.tokens = p.tokens[1:]
	return ParseDuration(text)
}

func (p *parser) replication() (int, error) {
	if len(p.tokens) == 0 || p.tokens[0].kind != number {
		return 0, fmt.Errorf("found %s where a number of copies should stand", p.found())
	}
	n, err := strconv.ParseInt(p.tokens[0].text, 10, 32)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%s is no number of copies: 1 to 2147483647 are", p.found())
	}
	p.tokens = p.tokens[1:]
	return int(n), nil
}

// rename gives the statement with the names of the target.
func (s statement) rename(m *importer.Mapping) statement {
	to := m.Place(importer.Place{Database: s.database, Policy: s.policy})
	if to.Policy != s.policy {
		s.named, s.explicit = true, true
	}
	s.database, s.policy = to.Database, to.Policy
	return s
}
