// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shardlift/shardlift/internal/influxdtest"
)

// crowded are points of so many series a day, at first, and one later.
func crowded(days, many, hosts, fields int) string {
	var text strings.Builder
	for d := range days {
		for h := range hosts {
			if d >= many && h > 0 {
				break
			}
			fmt.Fprintf(&text, "m,h=%d f0=0", h)
			for f := 1; f < fields; f++ {
				fmt.Fprintf(&text, ",f%d=%d", f, f)
			}
			fmt.Fprintf(&text, " %d\n", int64(d)*day+int64(h))
		}
	}
	return text.String()
}

// What a server's limits leave is found once, not for each field and day; and where they
// do not hold everywhere, larger queries come back.
func TestLimitsAreRemembered(t *testing.T) {
	const days, hosts, fields = 60, 20, 12
	for name, c := range map[string]struct {
		limit, most string
		many        int // days with all hosts
		queries     int64
		uncounted   int64
	}{
		"series fit":             {"series", "20", days, 3, 0},
		"series on no day":       {"series", "19", days, days*fields + 20, days * hosts * fields},
		"series on half of them": {"series", "19", days / 2, 500, days / 2 * hosts * fields},
		"buckets":                {"buckets", "2", days, 45, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := influxdtest.Start(t, influxdtest.Options{Set: map[string]string{"coordinator.max-select-" + c.limit: c.most}})
			s.Exec(`CREATE DATABASE "db" WITH DURATION INF SHARD DURATION 1d NAME "rp"`)
			text := crowded(days, c.many, hosts, fields)
			s.Write("db", "rp", text)
			for _, exact := range []bool{false, true} {
				counter := NewCounter(nil).WithDigests()
				if err := counter.Add("db", "rp", []byte(text)); err != nil {
					t.Fatal(err)
				}
				r, err := Compare(t.Context(), NewPaced(open(t, s), 0), counter, Options{Exact: exact, Extra: true, MaxDifferences: 5, Reread: from(text)})
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("exact %v: %d queries, %d uncounted", exact, r.Queries, r.Uncounted)
				if !r.Equal() || r.Uncounted != c.uncounted || r.MoreCells != 0 || exact && r.ValuesCompared != r.Values {
					t.Errorf("exact %v: %+v", exact, r)
				}
				if r.Queries > c.queries {
					t.Errorf("exact %v: %d queries", exact, r.Queries)
				}
			}
		})
	}
}
