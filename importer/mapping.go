// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Mapping renames databases and retention policies on their way to the target. Its zero
// value changes nothing.
type Mapping struct {
	databases map[string]string
	policies  map[Place]string // Database is the old one, or "" for any
	used      *sync.Map        // the keys of both that were asked for
}

// NewMapping reads renamings: "old=new" for databases; "old=new" or "database/old=new",
// with the database's old name, for policies.
func NewMapping(databases, policies []string) (*Mapping, error) {
	m := &Mapping{databases: map[string]string{}, policies: map[Place]string{}, used: new(sync.Map)}
	for _, text := range databases {
		old, name, err := cutMapping("map-database", text)
		if err != nil {
			return nil, err
		}
		if prev, ok := m.databases[old]; ok && prev != name {
			return nil, fmt.Errorf("--map-database: %q is renamed twice", old)
		}
		m.databases[old] = name
	}
	for _, text := range policies {
		old, name, err := cutMapping("map-retention", text)
		if err != nil {
			return nil, err
		}
		p := Place{Policy: old}
		if db, policy, ok := strings.Cut(old, "/"); ok {
			p = Place{Database: db, Policy: policy}
		}
		if prev, ok := m.policies[p]; ok && prev != name {
			return nil, fmt.Errorf("--map-retention: %q is renamed twice", old)
		}
		m.policies[p] = name
	}
	return m, nil
}

func cutMapping(flag, text string) (old, name string, err error) {
	old, name, ok := strings.Cut(text, "=")
	if !ok || old == "" || name == "" {
		return "", "", fmt.Errorf("--%s %q: write it as OLD=NEW", flag, text)
	}
	return old, name, nil
}

// Database gives the new name of a database.
func (m *Mapping) Database(old string) string {
	if m != nil {
		if name, ok := m.databases[old]; ok {
			m.used.Store(old, true)
			return name
		}
	}
	return old
}

// Unused gives the renamings, as flags, whose old name has not come by: most likely it is
// misspelt.
func (m *Mapping) Unused() []string {
	if m == nil {
		return nil
	}
	var list []string
	for old, name := range m.databases {
		if _, ok := m.used.Load(old); !ok {
			list = append(list, "--map-database "+old+"="+name)
		}
	}
	for old, name := range m.policies {
		if _, ok := m.used.Load(old); !ok {
			list = append(list, "--map-retention "+strings.TrimPrefix(old.Database+"/", "/")+old.Policy+"="+name)
		}
	}
	slices.Sort(list)
	return list
}

// Place gives the new names of a database and its policy.
func (m *Mapping) Place(old Place) Place {
	if m == nil {
		return old
	}
	to := Place{Database: m.Database(old.Database), Policy: old.Policy}
	for _, key := range []Place{old, {Policy: old.Policy}} {
		if name, ok := m.policies[key]; ok {
			m.used.Store(key, true)
			to.Policy = name
			break
		}
	}
	return to
}

// Describe lists the renamings in a fixed order, so that one can tell whether two runs
// were asked for the same. A nil mapping has none.
func (m *Mapping) Describe() []string {
	if m == nil {
		return nil
	}
	var list []string
	for old, name := range m.databases {
		list = append(list, fmt.Sprintf("database %q=%q", old, name))
	}
	for old, name := range m.policies {
		list = append(list, fmt.Sprintf("policy %q/%q=%q", old.Database, old.Policy, name))
	}
	slices.Sort(list)
	return list
}
