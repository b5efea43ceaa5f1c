// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/shardlift/shardlift/internal/shardtest"
)

// may is where the made volumes begin: the day of the guide's example.
var may = time.Date(2019, 5, 19, 0, 0, 0, 0, time.UTC).UnixNano()

const hour = int64(time.Hour)

// volumeKinds are the volumes that mkvolume makes.
var volumeKinds = map[string]func(v *shardtest.Volume){
	// The guide's database: points around both ends of its example's window, and others.
	"guide": func(v *shardtest.Volume) {
		day := 24 * hour
		for db, base := range map[string]float64{"myDB": 0, "other": 100} {
			put(v, db, "autogen", 1+uint64(base), "cpu,host=a#!~#usage", shardtest.Floats(
				[]int64{may - 1, may, may + hour, may + day - 1e6, may + day - 1, may + day},
				base+1, base+2, base+3, base+4, base+5, base+6))
		}
		v.WriteMeta(v.Meta())
	},
	// One policy beside another, without a metastore.
	"bare": func(v *shardtest.Volume) {
		put(v, "db", "autogen", 1, "m#!~#f", shardtest.Floats([]int64{may}, 1))
		put(v, "db", "year", 2, "m#!~#f", shardtest.Floats([]int64{may}, 2))
	},
	"empty": func(*shardtest.Volume) {},
	"unsigned": func(v *shardtest.Volume) {
		put(v, "db", "autogen", 1, "m#!~#u", shardtest.Uints([]int64{may, may + 1, may + 2}, 7, 1<<53+1, math.MaxUint64))
	},
	// Values that line protocol has no words for.
	"nan": func(v *shardtest.Volume) {
		put(v, "db", "autogen", 1, "m#!~#f", shardtest.Floats([]int64{may, may + 1, may + 2}, 1, math.Inf(1), 3))
	},
	// Names that make no safe file names.
	"oddnames": func(v *shardtest.Volume) {
		for i, db := range []string{".hidden", "a b", "a:b", "A", "a", "ü", "-x", "a%20b"} {
			put(v, db, "auto gen", uint64(i)+1, "m#!~#f", shardtest.Floats([]int64{may}, float64(i)))
		}
		v.WriteMeta(v.Meta())
	},
	// Names that are no UTF-8, and one that says how one of them is written.
	"latin1": func(v *shardtest.Volume) {
		for i, db := range []string{"caf\xe9", "caf\xe8", `caf\xe9`} {
			put(v, db, "p\xff", uint64(i)+1, "m\xe9,t=\xfc#!~#f\xe4", shardtest.Floats([]int64{may}, float64(i)))
		}
	},
	"internal": func(v *shardtest.Volume) {
		put(v, "_internal", "monitor", 1, "m#!~#f", shardtest.Floats([]int64{may}, 1))
		put(v, "db", "autogen", 2, "m#!~#f", shardtest.Floats([]int64{may}, 2))
	},
	"internal-only": func(v *shardtest.Volume) {
		put(v, "_internal", "monitor", 1, "m#!~#f", shardtest.Floats([]int64{may}, 1))
	},
	// Two replicas: each has a point of its own, they agree on one and not on another.
	"replica1": func(v *shardtest.Volume) {
		put(v, "db", "autogen", 1, "m#!~#f", shardtest.Floats([]int64{may, may + 1, may + 2}, 1, 2, 30))
	},
	"replica2": func(v *shardtest.Volume) {
		put(v, "db", "autogen", 1, "m#!~#f", shardtest.Floats([]int64{may + 1, may + 2, may + 3}, 2, 31, 4))
	},
	// A shard that cannot be taken whole: WAL with a damaged entry before a good one.
	"wal-damaged": func(v *shardtest.Volume) {
		var w shardtest.WAL
		w.Write(shardtest.Column{Key: "m#!~#f", Run: shardtest.Floats([]int64{may}, 1)})
		w.Raw(shardtest.WALWrite, []byte{0xff, 0xff, 0xff})
		w.Write(shardtest.Column{Key: "m#!~#f", Run: shardtest.Floats([]int64{may + 1}, 2)})
		v.Shard("db", "autogen", 1).WAL(1, &w)
	},
	// More faults than are printed.
	"faulty": func(v *shardtest.Volume) {
		for id := range uint64(25) {
			put(v, "db", "autogen", id+1, "m#!~#f", shardtest.Floats([]int64{may, may + 1}, 1, math.Inf(-1)))
		}
	},
	"litter": func(v *shardtest.Volume) {
		put(v, "db", "autogen", 1, "m#!~#f", shardtest.Floats([]int64{may}, 1))
		v.Shard("db", "autogen", 1).Litter()
	},
	"mount": func(v *shardtest.Volume) {
		for _, at := range []string{"influxdb", "lib/influxdb"} {
			below := shardtest.NewVolume(scriptFailer{}, filepath.Join(v.Dir, at))
			put(below, "db", "autogen", 1, "m#!~#f", shardtest.Floats([]int64{may}, 1))
		}
		for _, d := range []string{v.DataDir(), v.WALDir(), v.MetaDir()} {
			if err := os.Remove(d); err != nil {
				panic(err)
			}
		}
	},
	// Metastores that have one database in two ways, and a query that is none.
	"metastore1": func(v *shardtest.Volume) { v.WriteMeta(metastoreOf(24 * time.Hour)) },
	"metastore2": func(v *shardtest.Volume) { v.WriteMeta(metastoreOf(48 * time.Hour)) },
	// Enough for several tasks in each of several shards, so that the order of workers shows.
	"many": func(v *shardtest.Volume) { writeMany(v.Dir, 6_000, 3) },
	"wide": func(v *shardtest.Volume) { writeMany(v.Dir, 30_000, 4) },
}

// metastoreOf is a metastore with a policy of this duration.
func metastoreOf(duration time.Duration) shardtest.Meta {
	return shardtest.Meta{Databases: []shardtest.MetaDatabase{{
		Name: "db", DefaultPolicy: "p",
		Policies: []shardtest.MetaPolicy{{Name: "p", Duration: int64(duration), GroupDuration: hour, Replicas: 1}},
		Queries:  []shardtest.MetaQuery{{Name: "evil", Text: "DROP DATABASE db"}},
	}}}
}

// scriptFailer is for volumes that are made beside the one of the script.
type scriptFailer struct{}

func (scriptFailer) Helper()                           {}
func (scriptFailer) Fatalf(format string, args ...any) { panic(format) }

// put writes a column as the first TSM file of a shard.
func put(v *shardtest.Volume, db, policy string, id uint64, key string, run shardtest.Run) {
	s := v.Shard(db, policy, id)
	var f shardtest.TSM
	f.Add(key, run)
	s.TSM(1, 1, &f)
}

func writeMany(dir string, series, shards int) {
	m := shardtest.ManyColumns{Series: series, Files: 3, Points: 4, Shards: shards, Seed: 1}
	if _, err := m.Write(dir); err != nil {
		panic(err)
	}
}
