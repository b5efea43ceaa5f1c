// SPDX-License-Identifier: Apache-2.0

package preflight

// Made is what a statement makes. Policy is empty where CREATE DATABASE names none, which
// leaves it to the server.
type Made struct{ Database, Policy string }

// Makes gives the databases and policies that a text of statements makes, in order. It is an
// error where the text is no DDL.
func Makes(text string) ([]Made, error) {
	list, err := parse(text)
	if err != nil {
		return nil, err
	}
	var out []Made
	for i := range list {
		if s := &list[i]; s.class == createDatabase || s.class == createPolicy {
			m := Made{Database: s.database}
			if s.named {
				m.Policy = s.policy
			}
			out = append(out, m)
		}
	}
	return out, nil
}
