// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/internal/influxdtest"
)

// What only the server has under names that no query can hold is told, once; what the input
// has, too, is told as unasked. U+FFFD may stand for something else, and is searched as it is.
func TestUnsearched(t *testing.T) {
	s := influxdtest.Start(t, influxdtest.Options{})
	s.Exec(`CREATE DATABASE "db"`)
	sent := "m f=1,g\x00=1 5\n" + "both\x00 f=1 5\n"
	s.Write("db", "autogen", sent+"m h\x00=1,f\ufffd=2 5\n"+"nul\x00 f=1 5\n"+"low\ufffd f=1 5\n"+"cr\rcr f=1 5\n")
	for name, c := range map[string]struct {
		spec          filter.Spec
		want          []string
		more, unasked int64
	}{
		"all": {filter.Spec{}, []string{"cr\rcr ", "low\ufffd ", "m f\ufffd", "m h\x00", "nul\x00 "}, 2, 2},
		// Of a measurement that has none of the fields nothing was to be searched.
		"one field": {filter.Spec{Fields: []string{"h*"}}, []string{"m h\x00"}, 0, 2},
		"some":      {filter.Spec{Measurements: []string{"m"}, Fields: []string{"f*"}}, []string{"m f\ufffd"}, 1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			c1 := NewCounter(nil)
			if err := c1.Add("db", "autogen", []byte(sent)); err != nil {
				t.Fatal(err)
			}
			r, err := Compare(t.Context(), NewPaced(open(t, s), 0), c1, Options{Extra: true, Selection: selection(t, c.spec)})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, u := range r.Unsearched {
				got = append(got, u.Measurement+" "+u.Field)
			}
			if d := cmp.Diff(c.want, got); d != "" || r.UnsearchedNames != int64(len(c.want)) || r.UnaskedValues != c.unasked || r.MoreCells != c.more {
				t.Errorf("%d names, %d unasked, %d more (-want +got):\n%s", r.UnsearchedNames, r.UnaskedValues, r.MoreCells, d)
			}
		})
	}
}
