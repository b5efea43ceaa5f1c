// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/target"
)

// crowdedServer takes no query for more series than that; each column has them all.
type crowdedServer struct {
	*valueServer
	series, mostSeries int
}

func (c *crowdedServer) refusal(statement string) error {
	if n := c.series * strings.Count(statement, "::"); n > c.mostSeries {
		c.asked++
		return &target.Error{Message: fmt.Sprintf("max-select-series limit exceeded: (%d/%d)", n, c.mostSeries), Class: target.Fatal}
	}
	return nil
}

func (c *crowdedServer) Each(ctx context.Context, db, statement string, out func(target.Series) error) error {
	if err := c.refusal(statement); err != nil {
		return err
	}
	return c.valueServer.Each(ctx, db, statement, out)
}

func (c *crowdedServer) Rows(ctx context.Context, db, statement string, kinds []point.Kind, out target.RowSink) error {
	if err := c.refusal(statement); err != nil {
		return err
	}
	return c.valueServer.Rows(ctx, db, statement, kinds, out)
}

// A server that does not take so many series at a time is not asked again and again for
// shorter times, which have as many: neither where two fields are too much, nor one.
func TestTooManySeries(t *testing.T) {
	for most, want := range map[int]struct{ asked, uncounted, compared int64 }{
		9: {asked: 100, uncounted: 600}, 10: {asked: 10, compared: 600}, 20: {asked: 5, compared: 600},
	} {
		all := ""
		for i := range 300 {
			all += fmt.Sprintf("m,i=%d f=1,g=2 %d\n", i%10, int64(i/10)*DefaultBucket)
		}
		server := &crowdedServer{serverOf(t, all), 10, most}
		c := NewCounter(nil).WithDigests()
		if err := c.Add("db", "rp", []byte(all)); err != nil {
			t.Fatal(err)
		}
		again := func(_ context.Context, _, _, _ string, _ point.TimeRange, add func([]byte) error) error {
			return add([]byte(all))
		}
		r, err := Compare(t.Context(), NewPaced(server, 0), c, Options{Exact: true, Extra: true, MaxDifferences: 10, Reread: again})
		if err != nil {
			t.Fatal(err)
		}
		if int64(server.asked) > want.asked || r.Uncounted != want.uncounted || r.ValuesCompared != want.compared || !r.Equal() || r.Proven() != (want.uncounted == 0) {
			t.Errorf("at most %d series: asked %d times, %d not counted, %d compared, %d unproven", most, server.asked, r.Uncounted, r.ValuesCompared, r.Unproven)
		}
	}
}
