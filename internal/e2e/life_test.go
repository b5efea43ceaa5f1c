// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"time"

	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/internal/lpjudge"
)

// life is what happens to one database of a server.
type life struct {
	db     string
	rng    *rand.Rand
	server *influxdtest.Server
	schema
	policies []string
	unit     time.Duration // of the shards
	fickle   bool          // writes fields with other types, too
	// overlapping is set when shard groups may overlap. A server then finds no shard for
	// some points of a request, drops them, and blames the retention policy.
	overlapping bool
	written     []lpjudge.Value // with hidden points, as far as they are known
	unknown     bool            // they are not
	said        []string        // every request
}

// monday is the start of a shard, whatever its duration: 2020-09-14T00:00:00Z.
const monday = 1600041600_000000000

func newLife(s *influxdtest.Server, number int, rng *rand.Rand, oneLine bool) *life {
	l := &life{db: fmt.Sprintf("h%02d", number), rng: rng, server: s, schema: newSchema(rng, oneLine)}
	if rng.IntN(4) == 0 {
		l.db += pick(rng, []string{" blank ", ":colon", ".dots", `"q"`, "größe", "'"})
	}
	l.unit = pick(rng, []time.Duration{time.Hour, 24 * time.Hour, 7 * 24 * time.Hour})
	l.fickle = !l.hidden && rng.IntN(10) == 0 // whether a hidden point was refused nobody could say
	l.policies = some(rng, []string{"autogen", "r p", `"x"`, "ü.1"}, 2)
	return l
}

func (l *life) ident() string { return influxdtest.Ident(l.db) }

// create makes the database.
func (l *life) create() error {
	if err := l.exec("CREATE DATABASE " + l.ident()); err != nil {
		return err
	}
	for _, rp := range l.policies {
		if err := l.policy(rp); err != nil {
			return err
		}
	}
	return nil
}

// policy gives a policy its shard duration.
func (l *life) policy(rp string) error {
	verb, duration := "CREATE", fmt.Sprintf("DURATION INF REPLICATION 1 SHARD DURATION %dh", int(l.unit.Hours()))
	if rp == "autogen" {
		verb = "ALTER"
	}
	return l.exec(fmt.Sprintf("%s RETENTION POLICY %s ON %s %s", verb, influxdtest.Ident(rp), l.ident(), duration))
}

// exec runs a statement in the database. That there is nothing to delete is no error, nor
// that a tag has the name of a field, which a DELETE cannot tell apart.
func (l *life) exec(statement string) error {
	l.said = append(l.said, statement)
	err := l.server.TryExecIn(l.db, statement)
	if err != nil && !strings.Contains(err.Error(), "not found") && !strings.Contains(err.Error(), "fields not supported") && !l.cut(err) {
		return fmt.Errorf("%s: %s: %w", l.db, statement, err)
	}
	return nil
}

// cut reports whether the error is that of a tsi1 index whose manifest was cut short when
// the server was killed. The server does not open such a shard any more; what is in its TSM
// and WAL is as good as ever, and there again when the index is made anew.
func (l *life) cut(err error) bool {
	is := strings.Contains(err.Error(), "unexpected end of JSON input")
	l.unknown = l.unknown || is
	return is
}

// step does one thing at random.
func (l *life) step() error {
	switch n := l.rng.IntN(100); {
	case n < 55:
		return l.write(l.batch())
	case n < 70:
		return l.write(l.run())
	case n < 90:
		if s := l.deletion(); s != "" {
			return l.exec(s)
		}
		return nil
	default:
		return l.upheaval(n)
	}
}

// write sends lines to one of the policies.
func (l *life) write(text string) error {
	rp := pick(l.rng, l.policies)
	l.said = append(l.said, rp+": "+text)
	err := l.server.TryWrite(l.db, rp, text)
	if err != nil && (l.fickle && strings.Contains(err.Error(), "field type conflict") ||
		l.overlapping && strings.Contains(err.Error(), "points beyond retention policy")) {
		return nil
	}
	if err != nil && !l.cut(err) {
		return fmt.Errorf("%s: write: %w\n%.500s", l.db, err, text)
	}
	if l.hidden {
		values, _, err := lpjudge.Read(strings.NewReader(text), lpjudge.Options{DB: l.db, RP: rp})
		if err != nil {
			return err
		}
		l.written = append(l.written, values...)
	}
	return nil
}

// batch is a few points anywhere.
func (l *life) batch() string {
	var b strings.Builder
	for range 1 + l.rng.IntN(10) {
		fields := some(l.rng, l.fields, len(l.fields))
		if l.fickle && l.rng.IntN(4) == 0 {
			fields[0].kind = "fibs"[l.rng.IntN(4)]
		}
		b.WriteString(l.point(l.rng, pick(l.rng, l.series), fields, l.time()))
	}
	return b.String()
}

// time gives one of some times that come again and again, over three shards.
func (l *life) time() int64 {
	unit := int64(l.unit)
	switch n := l.rng.IntN(40); {
	case n == 0 && !l.fickle && l.rng.IntN(4) == 0:
		// Each of these makes another shard. What fickle databases hold is asked for shard
		// by shard, and the first and last shards there are cannot be asked for.
		return pick(l.rng, []int64{math.MinInt64 + 2, math.MaxInt64 - 1, -1, 0, 1})
	case n < 4:
		return monday + l.rng.Int64N(3)*unit - l.rng.Int64N(2)
	default:
		return monday + l.rng.Int64N(48)*unit/16
	}
}

// run is many points of one series, more than one block of them at times, which cover
// some of those that were written before.
func (l *life) run() string {
	s, fields := pick(l.rng, l.series), some(l.rng, l.fields, 2)
	n := 100 + l.rng.IntN(1400)
	if l.rng.IntN(3) > 0 {
		n /= 10
	}
	step := int64(l.unit) / pick(l.rng, []int64{2000, 1000, 160, 16})
	start := monday + l.rng.Int64N(32)*int64(l.unit)/16
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	if l.rng.IntN(3) == 0 {
		order = l.rng.Perm(n)
	}
	var b strings.Builder
	for _, i := range order {
		b.WriteString(l.point(l.rng, s, fields, min(start+int64(i)*step, monday+4*int64(l.unit))))
	}
	return b.String()
}

// deletion is a statement that deletes, by any of measurement, tags and time, or nothing
// where that might concern hidden points: what became of them nobody could say.
func (l *life) deletion() string {
	s := pick(l.rng, l.series)
	from := " FROM " + influxdtest.Ident(s.measurement)
	tags := l.tagCondition(s)
	kind := l.rng.IntN(12)
	if s.hidden || l.hidden && kind < 4 {
		return ""
	}
	var where []string
	if tags != "" && l.rng.IntN(2) == 0 {
		where = append(where, tags)
	}
	drop := kind == 0 || kind >= 4 && kind < 7
	if !drop && l.rng.IntN(4) > 0 {
		where = append(where, l.timeCondition())
	}
	if kind < 2 && len(where) > 0 {
		from = ""
	}
	statement := "DELETE" + from
	switch {
	case kind == 11:
		return "DROP MEASUREMENT " + influxdtest.Ident(s.measurement)
	case drop:
		statement = "DROP SERIES" + from
	}
	if len(where) > 0 {
		statement += " WHERE " + strings.Join(where, " AND ")
	}
	return statement
}

func (l *life) tagCondition(s series) string {
	for k, v := range sorted(s.tags) {
		if l.rng.IntN(2) == 0 {
			continue
		}
		switch l.rng.IntN(6) {
		case 0:
			return influxdtest.Ident(k) + " != " + literal(v)
		case 1:
			return influxdtest.Ident(k) + " = ''"
		case 2:
			return influxdtest.Ident(k) + " =~ /^" + regexp.QuoteMeta(string([]rune(v)[:1])) + "/"
		default:
			return influxdtest.Ident(k) + " = " + literal(v)
		}
	}
	return ""
}

func (l *life) timeCondition() string {
	a, b := l.time(), l.time()
	switch l.rng.IntN(6) {
	case 0:
		return fmt.Sprintf("time < %d", a)
	case 1:
		return fmt.Sprintf("time > %d", a)
	case 2:
		return fmt.Sprintf("time = %d", a)
	default:
		return fmt.Sprintf("time >= %d AND time <= %d", min(a, b), max(a, b))
	}
}

// literal quotes a string for InfluxQL.
func literal(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`).Replace(s) + "'"
}
