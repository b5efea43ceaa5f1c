// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/shardlift/shardlift/internal/influxdtest"
)

// upheaval is what happens seldom: whole shards, policies and databases go, caches are
// written, policies change.
func (l *life) upheaval(n int) error {
	if l.hidden && n < 94 {
		return nil // what became of hidden points nobody could say
	}
	switch n {
	case 90:
		rp := pick(l.rng, l.policies)
		if rp == "autogen" {
			return nil
		}
		if err := l.exec(fmt.Sprintf("DROP RETENTION POLICY %s ON %s", influxdtest.Ident(rp), l.ident())); err != nil {
			return err
		}
		return l.policy(rp)
	case 91:
		if err := l.exec("DROP DATABASE " + l.ident()); err != nil {
			return err
		}
		return l.create()
	case 92:
		return l.dropShard()
	case 93:
		if l.fickle { // the judge tells types apart by shards, which may overlap from then on
			return nil
		}
		l.overlapping = true
		rp := influxdtest.Ident(pick(l.rng, l.policies))
		return l.exec(fmt.Sprintf("ALTER RETENTION POLICY %s ON %s SHARD DURATION %dh", rp, l.ident(), 1+l.rng.IntN(200)))
	default:
		return l.flush()
	}
}

// shards lists the ids of the database's shards.
func (l *life) shards() ([]string, error) {
	table, err := l.server.TryQuery("", "SHOW SHARDS")
	var ids []string
	for _, series := range table {
		if series.Name != l.db {
			continue
		}
		for _, row := range series.Values {
			ids = append(ids, fmt.Sprint(row[0]))
		}
	}
	return ids, err
}

func (l *life) dropShard() error {
	ids, err := l.shards()
	if err != nil || len(ids) == 0 {
		return err
	}
	return l.exec("DROP SHARD " + pick(l.rng, ids))
}

// flush has the server write the caches of some shards. One that is just being written
// refuses, and is left alone.
func (l *life) flush() error {
	ids, err := l.shards()
	if err != nil {
		return err
	}
	for _, id := range ids {
		if l.rng.IntN(3) == 0 {
			continue
		}
		var n uint64
		if _, err := fmt.Sscan(id, &n); err != nil {
			return err
		}
		if err := l.server.Backup(n); err != nil && !strings.Contains(err.Error(), "closed the connection") {
			return err
		}
		l.said = append(l.said, "flush shard "+id)
	}
	return nil
}

// sorted walks a map in the order of its keys.
func sorted(m map[string]string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}
