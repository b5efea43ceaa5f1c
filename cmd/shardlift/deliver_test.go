// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/importer/preflight"
	"github.com/shardlift/shardlift/point"
)

func TestNotesOfAnOutcome(t *testing.T) {
	const unit = "all times lie in the first weeks of 1970"
	cases := map[string]struct {
		command string
		span    point.TimeRange
		again   int64 // points of the source when it is read again
		want    string
	}{
		"nanoseconds":              {"import", point.TimeRange{Min: 1_700_000_000_000_000_000, Max: 1_700_000_000_000_000_000}, 10, ""},
		"seconds":                  {"import", point.TimeRange{Min: 1_500_000_000, Max: 1_700_000_000}, 10, unit},
		"microseconds":             {"import", point.TimeRange{Min: 1_500_000_000_000_000, Max: 1_700_000_000_000_000}, 10, unit},
		"both":                     {"import", point.TimeRange{Min: 1_500_000_000, Max: 1_700_000_000_000_000_000}, 10, ""},
		"nothing":                  {"import", point.NoTime, 10, ""},
		"1970 on a volume":         {"replay", point.TimeRange{Min: 1_500_000_000, Max: 1_700_000_000}, 10, ""},
		"a volume that is written": {"replay", point.NoTime, 13, "the source has 3 points more than were sent"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d := &delivery{command: c.command, notes: &notes{quiet: true}}
			o := &deliveryOutcome{Summary: &importer.Summary{Stored: 8, Rejected: 2, Span: c.span}}
			d.noteUnit(o)
			d.noteGrown(o, c.again)
			if got := strings.Join(o.Notes, "\n"); !strings.HasPrefix(got, c.want) || (c.want == "") != (got == "") {
				t.Errorf("notes %q, want %q", got, c.want)
			}
		})
	}
}

// A volume with many databases does not fill the screen with their names.
func TestDDLRows(t *testing.T) {
	for n, want := range map[int]string{
		0:              "",
		2:              `there: database "db", database "db"`,
		thereShown + 1: "there: 13 databases and policies",
	} {
		r := &preflight.Report{There: make([]preflight.Object, n)}
		for i := range r.There {
			r.There[i].Database = "db"
		}
		got := ""
		ddlRows(func(name, format string, args ...any) { got += name + ": " + fmt.Sprintf(format, args...) }, r, false)
		if got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
