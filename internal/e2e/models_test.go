// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/internal/lpjudge"
	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
)

// modelled is a volume whose shards were written by the model of shardtest.
type modelled struct {
	dir       string
	dbs       []string
	histories []*shardtest.History
	want      []lpjudge.Value
}

// newModelled writes one database for each seed.
func newModelled(t *testing.T, seeds []uint64) modelled {
	t.Helper()
	m := modelled{dir: t.TempDir()}
	v := shardtest.NewVolume(t, m.dir)
	for i, seed := range seeds {
		choose := shardtest.Seeded(seed)
		h := shardtest.RandomHistory(choose, 20+choose(60), shardtest.Kinks{Crashes: choose(2) == 1})
		db := fmt.Sprintf("h%04d", seed)
		h.Save(v.Shard(db, "autogen", uint64(i+1)))
		m.dbs = append(m.dbs, db)
		m.histories = append(m.histories, h)
		m.want = append(m.want, seen(t, db, h)...)
	}
	v.WriteMeta(v.Meta())
	return m
}

// seen gives what the model says a query shows, by way of line protocol.
func seen(t *testing.T, db string, h *shardtest.History) []lpjudge.Value {
	t.Helper()
	var b strings.Builder
	for _, c := range h.Seen.Columns() {
		series, field, _ := point.SplitKey([]byte(c.Key))
		for i, at := range c.Times {
			fmt.Fprintf(&b, "%s %s=%s %d\n", series, escapeField(string(field)), fieldValue(c.At(i)), at)
		}
	}
	values, _, err := lpjudge.Read(strings.NewReader(b.String()), lpjudge.Options{DB: db, RP: "autogen"})
	if err != nil {
		t.Fatalf("the model's text: %v", err)
	}
	return values
}

// escapeField and fieldValue write what the model holds, which is plain.
func escapeField(name string) string {
	return strings.NewReplacer(`,`, `\,`, ` `, `\ `, `=`, `\=`, `"`, `\"`).Replace(name)
}

func fieldValue(v shardtest.Value) string {
	switch v.Kind {
	case point.Float:
		return strconv.FormatFloat(math.Float64frombits(v.Bits), 'g', -1, 64)
	case point.Integer:
		return strconv.FormatInt(int64(v.Bits), 10) + "i"
	case point.Boolean:
		return strconv.FormatBool(v.Bits == 1)
	default:
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v.Text) + `"`
	}
}

// Shards that the model of shardtest wrote show the same to a server and to shardlift:
// what the model says. Where a server shows something else it is asked again, see agree.
func TestModelsAgreeWithServer(t *testing.T) {
	influxdtest.Require(t)
	first, count := random(t, 60)
	var seeds []uint64
	for i := range uint64(count) {
		seeds = append(seeds, first+i)
	}
	for chunk := range slices.Chunk(seeds, 200) { // a server holds every file open
		t.Run(fmt.Sprint(chunk[0]), func(t *testing.T) { modelsAgree(t, chunk) })
	}
}

func modelsAgree(t *testing.T, seeds []uint64) {
	m := newModelled(t, seeds)
	got, sum := exported(t, m.dir)
	for _, f := range sum.Faults {
		if f.Part != "wal" { // a torn tail
			t.Errorf("fault: %s", f.String())
		}
	}
	compare(t, "shardlift and the model", m.want, got)
	served := filepath.Join(t.TempDir(), "served")
	if err := influxdtest.CopyDir(served, m.dir); err != nil {
		t.Fatal(err)
	}
	s := influxdtest.Start(t, influxdtest.Options{Dir: served})
	defer s.Kill()
	for _, db := range agree(t, s, m.dir, m.dbs, byDB(got)) {
		i := slices.Index(m.dbs, db)
		t.Errorf("seed %d:\n%s", seeds[i], m.histories[i])
	}
}

// byDB sorts values by their databases.
func byDB(values []lpjudge.Value) map[string][]lpjudge.Value {
	dbs := map[string][]lpjudge.Value{}
	for _, v := range values {
		dbs[v.DB] = append(dbs[v.DB], v)
	}
	return dbs
}
