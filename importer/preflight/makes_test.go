// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMakes(t *testing.T) {
	for text, want := range map[string][]Made{
		``:               nil,
		`SHOW DATABASES`: nil,
		`CREATE USER u WITH PASSWORD 'x'; DROP DATABASE d`: nil,
		`CREATE DATABASE d`: {{"d", ""}},
		`CREATE DATABASE "d 1" WITH DURATION 14d NAME "p"; CREATE RETENTION POLICY "q" ON "d 1" DURATION INF REPLICATION 1`: {{"d 1", "p"}, {"d 1", "q"}},
	} {
		got, err := Makes(text)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", text, err, d)
		}
	}
	for _, text := range []string{`CREATE`, `cpu f=1`, `CREATE DATABASE "d`} {
		if got, err := Makes(text); err == nil {
			t.Errorf("%s: %v", text, got)
		}
	}
}
