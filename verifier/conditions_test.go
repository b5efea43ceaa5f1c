// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/target"
)

// seriesTaker notes which series an answer has.
type seriesTaker struct{ got []string }

func (s *seriesTaker) Begin(name string, tags map[string]string) error {
	s.got = append(s.got, seriesText(name, tags))
	return nil
}

func (*seriesTaker) Row(int64, []target.Value) error { return nil }

// A server takes the same series that a selection takes.
func TestTagConditions(t *testing.T) {
	values := []string{"", "a", "b", "ab", `back\slash`, `q'u"o`, "s/l", "line\nfeed", "cr\rx", "nul\x00x", "ä", "a.b", `tail\\x`, "[x]"}
	var lp strings.Builder
	var series []string
	for i, v := range values {
		for _, w := range []string{"", "x"} {
			key := "m"
			if v != "" {
				key += ",k\\ 1=" + strings.NewReplacer(" ", `\ `, "\n", "\\\n").Replace(v)
			}
			if w != "" {
				key += ",z=" + w
			}
			if strings.Contains(key, "\n") {
				key = strings.ReplaceAll(key, "\\\n", `\n`)
			}
			fmt.Fprintf(&lp, "%s f=%di,other=2i 5\n", key, i)
			series = append(series, key)
		}
	}
	specs := [][]string{
		nil,
		{`k 1=a`},
		{`k 1!=a`},
		{`k 1=`},
		{`k 1!=`},
		{`k 1=a`, `k 1=b`},
		{`k 1=/a/`},
		{`k 1!=/a/`},
		{`k 1=a*`, `k 1!=ab`},
		{`k 1=/^$/`},
		{`k 1=back\\slash`},
		{`k 1=/\\/`},
		{`k 1=/\\s|tail\\\\/`},
		{`k 1=q'u"o`},
		{`k 1=s\/l`},
		{`k 1=/s\/l/`},
		{`k 1=/s[/]l/`},
		{"k 1=/line\\\\nfeed/"},
		{"k 1=cr\rx"},
		{"k 1=nul\x00x"},
		{"k 1=/cr\rx|nul\x00x/"},
		{`k 1=ä`, `k 1=[ä]`},
		{`k 1=/\Qa.b\E/`},
		{`k 1=a.b`},
		{`k 1=\[x]`},
		{`k 1=[[]x?`},
		{`k 1=/(?i)A/`},
		{`k 1=a`, `z=x`},
		{`k 1=a`, `z=`},
		{`nokey=`},
		{`nokey!=`},
		{`nokey=a`},
		{`nokey!=a`},
		{`nokey=*`},
		{`other=`},
		{`other!=2`},
		{`f=a`},
		{`k 1!=a`, `k 1!=/b/`, `z!=`},
	}
	for _, index := range []string{"inmem", "tsi1"} {
		s := influxdtest.Start(t, influxdtest.Options{Index: index})
		s.Exec(`CREATE DATABASE "db"`)
		s.Write("db", "", lp.String())
		tg := open(t, s)
		for _, tags := range specs {
			sel := selection(t, filter.Spec{Tags: tags})
			conditions, err := tagConditions(sel)
			if err != nil {
				t.Errorf("%q: %v", tags, err)
				continue
			}
			want := []string{}
			for _, key := range series {
				if sel.Series([]byte(key)) {
					want = append(want, seriesOf([]byte(key)))
				}
			}
			taker := &seriesTaker{got: []string{}}
			statement := `SELECT "f"::integer FROM "m" WHERE time = 5` + conditions + " GROUP BY *"
			if err := tg.Rows(t.Context(), "db", statement, []point.Kind{point.Integer}, taker); err != nil {
				t.Errorf("%q: %s: %v", tags, statement, err)
			}
			slices.Sort(want)
			slices.Sort(taker.got)
			if d := cmp.Diff(want, taker.got); d != "" {
				t.Errorf("%s: %q: %s (-want +got):\n%s", index, tags, conditions, d)
			}
		}
	}
	for _, tags := range []string{"k=\xff", "\xff=k", "k\x00=1"} {
		if _, err := tagConditions(selection(t, filter.Spec{Tags: []string{tags}})); err == nil {
			t.Errorf("%q can be asked for", tags)
		}
	}
}
