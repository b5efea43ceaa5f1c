// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/shardlift/shardlift/internal/influxdtest"
)

// recordGenerations makes six files of one shard and a WAL.
func recordGenerations(r *rig) {
	const db = "gen"
	r.Exec(`CREATE DATABASE "gen"`)
	for generation := range 6 {
		r.Write(db, "", generationPoints(generation))
		r.Flush(db)
		if generation%2 == 1 {
			r.Restart() // the next generation's number makes a leap
		}
	}
	r.Write(db, "", generationPoints(6))
}

// generationPoints is what one generation holds; the last one stays in the WAL.
func generationPoints(generation int) string {
	var p points
	at := func(i int) int64 { return monday + day + int64(i)*10*second }
	switch generation {
	case 0:
		for i := range 100 {
			p.add(at(i), `m,host=a f=%d,i=%di,b=t,s="first %d"`, i, i, i)
			p.add(at(i), "m,host=b f=%d.5", i)
		}
		for i := range 2500 {
			p.add(at(2*i), "wide,host=a f=%d,i=%di", i, i)
		}
	case 1: // overwrites the second half, and puts a new field at old times
		for i := 50; i < 150; i++ {
			p.add(at(i), "m,host=a f=%d", 1000+i)
		}
		for i := range 50 {
			p.add(at(i), "m,host=a g=%di", i)
		}
		for i := range 2500 { // between the points of the first, and every tenth over one of them
			p.add(at(2*i+1), "wide,host=a f=-%d", i)
			if i%10 == 0 {
				p.add(at(2*i), "wide,host=a i=-%di", i)
			}
		}
	case 2: // late points, a new series
		for i := -50; i < 0; i++ {
			p.add(at(i), "m,host=a f=%d,s=\"late\"", i)
		}
		for i := 25; i < 31; i++ {
			p.add(at(i), "m,host=b f=-%d", i)
		}
		for i := range 20 {
			p.add(at(3*i), "m,host=d,extra=tag f=%d", i)
		}
	case 3: // backwards, with repeats in one request: the last one counts
		for i := 120; i > 80; i-- {
			p.add(at(i), "m,host=b f=%d,n=%di", i, i)
			p.add(at(i), "m,host=b f=%d", 2*i)
		}
		p.add(at(81), "m,host=b n=-1i")
	case 4:
		for i := 0; i < 100; i += 10 {
			p.add(at(i), `m,host=a s="second %d",b=f`, i)
		}
		for i := 990; i < 1010; i++ { // across the border of two blocks
			p.add(at(2*i), "wide,host=a f=%d.25", i)
		}
	case 5:
		p.add(at(0), `m,host=a f=-0,i=9i,b=f,s="",g=77i`)
		p.add(at(5000), "wide,host=a f=1")
	case 6:
		for i := 10; i >= 0; i-- {
			p.add(at(i), "m,host=a f=%d.75", i)
			p.add(at(5), "m,host=a f=%d", i)
		}
		p.add(at(-60), "m,host=a late=t")
		p.add(at(400), "m,host=e f=1")
	}
	return p.String()
}

// recordCompacted lets the server compact five generations into one.
func recordCompacted(r *rig) {
	const db = "compacted"
	r.Exec(`CREATE DATABASE "compacted"`)
	for generation := range 5 {
		r.Write(db, "", generationPoints(generation))
		r.Flush(db)
	}
	dir := r.ShardDir(r.Shards(db)[0])
	r.Restart(func(o *influxdtest.Options) { o.CompactCold = time.Second })
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		all, _ := filepath.Glob(filepath.Join(dir, "*.tsm"))
		compacted, _ := filepath.Glob(filepath.Join(dir, "*-000000002.tsm"))
		if len(all) == 1 && len(compacted) == 1 {
			break
		}
		if time.Now().After(deadline) {
			r.tb.Fatalf("no full compaction within a minute: %v", all)
		}
	}
	r.Restart(func(o *influxdtest.Options) { o.CompactCold = 0 })
	r.Write(db, "", generationPoints(5))
	r.Flush(db)
	r.Write(db, "", fmt.Sprintf("wide,host=a f=123,new=\"field\" %d\n", monday+day))
	r.Flush(db)
	r.Write(db, "", generationPoints(6))
}

// deletePoints writes three measurements for hosts a to f in two shards; add is put
// on every value, so that the generations can be told apart.
func deletePoints(add int) string {
	var p points
	for i := range 60 {
		at := monday + int64(i)*day/4 // 15 days: the third shard stays without deletes
		for h, host := range "abcdef" {
			region := []string{"eu", "us"}[h%2]
			p.add(at, `cpu,host=%c,region=%s user=%d,idle=%di`, host, region, i*10+h+add, i+add)
			p.add(at, "mem,host=%c used=%di,free=%d.5", host, i+add, i+add)
			p.add(at, `log,host=%c text="line %d",ok=%t`, host, i+add, i%2 == 0)
		}
		p.add(at, "net rx=%di", i+add)
	}
	return p.String()
}

// recordDeletes interleaves writes, flushes and deletes of every kind.
func recordDeletes(r *rig) {
	const db = "del"
	r.Exec(`CREATE DATABASE "del"`)
	at := func(days int64) int64 { return monday + days*day }

	r.Write(db, "", deletePoints(0))
	r.delete(db, // in the cache
		fmt.Sprintf(`DELETE FROM "cpu" WHERE "host" = 'a' AND time >= %d AND time <= %d`, at(1), at(2)),
		`DROP SERIES FROM "cpu" WHERE "host" = 'b'`,
		`DROP MEASUREMENT "log"`)
	r.Write(db, "", fmt.Sprintf("cpu,host=b,region=us user=5 %d\nlog,host=a text=\"again\" %d\n", at(1), at(3)))
	r.Flush(db)

	r.Write(db, "", deletePoints(10_000))
	r.Flush(db)
	r.delete(db, // on TSM files
		fmt.Sprintf(`DELETE FROM "cpu" WHERE time >= %d AND time < %d`, at(4), at(5)),
		fmt.Sprintf(`DELETE FROM "cpu" WHERE "region" = 'us' AND time > %d`, at(9)),
		`DROP SERIES FROM "cpu" WHERE "host" = 'c'`,
		`DROP MEASUREMENT "mem"`,
		fmt.Sprintf(`DELETE WHERE time <= %d`, at(0)),
		`DELETE FROM "net"`)
	r.Write(db, "", fmt.Sprintf( // after the deletes, in part at the same times; used was an integer
		"cpu,host=c,region=eu user=7 %d\ncpu,host=a,region=eu user=8,idle=8i %d\nmem,host=a used=\"text now\" %d\nnet rx=1i %d\nnet rx=2i %d\n",
		at(2), at(4), at(0), at(0), at(10)))
	r.Flush(db)

	r.Write(db, "", fmt.Sprintf("cpu,host=c,region=eu user=9,idle=9i %d\ncpu,host=d,region=us user=9 %d\ndisk,host=a free=1i,total=9i %d\n", at(3), at(3), at(3)))
	r.delete(db, // of what lies in files and cache at once
		fmt.Sprintf(`DELETE FROM "cpu" WHERE "host" = 'c' AND time >= %d AND time <= %d`, at(2), at(3)),
		`DROP SERIES FROM "cpu" WHERE "host" = 'd'`,
		`DELETE FROM "disk"`)
	r.Write(db, "", fmt.Sprintf("cpu,host=c,region=eu user=10 %d\ndisk,host=a free=2i %d\ncpu,host=d,region=us idle=4i %d\n", at(3), at(4), at(12)))
}

// recordWALOnly never flushes.
func recordWALOnly(r *rig) {
	const db = "walonly"
	r.Exec(`CREATE DATABASE "walonly"`)
	at := func(hours int64) int64 { return monday + hours*3600*second }
	var p points
	for i := range int64(200) {
		for _, host := range "abc" {
			p.add(at(i), `m,host=%c f=%d.5,i=%di,b=%t,s="v %d"`, host, i, i, i%3 == 0, i)
		}
		p.add(at(i), "other,host=a f=%d", i)
		p.add(at(i), "third f=%d", i)
	}
	r.Write(db, "", p.take())
	for i := int64(50); i >= 40; i-- {
		p.add(at(i), "m,host=a f=%d,new=%di", 1000+i, i)
		p.add(at(i), "m,host=a f=%d", 2000+i)
	}
	r.Write(db, "", p.take())
	r.delete(db,
		fmt.Sprintf(`DELETE FROM "m" WHERE time >= %d AND time <= %d`, at(45), at(60)),
		`DROP SERIES FROM "m" WHERE "host" = 'b'`,
		`DROP MEASUREMENT "other"`,
		fmt.Sprintf(`DELETE WHERE time < %d`, at(3)))
	r.Write(db, "", fmt.Sprintf("m,host=b f=1 %d\nm,host=a f=3,i=3i %d\nother,host=a f=\"a string now\" %d\nm,host=c f=0 %d\n", at(5), at(50), at(5), at(0)))
	r.delete(db, fmt.Sprintf(`DELETE FROM "m" WHERE "host" = 'a' AND time = %d`, at(50)), `DELETE FROM "third"`)
	r.Write(db, "", fmt.Sprintf("m,host=a b=f %d\n", at(50)))
}

// recordBackupCrash kills the server in the middle of a backup, and tries again until
// the backup's directory is left behind.
func recordBackupCrash(r *rig) {
	const db = "crash"
	r.Exec(`CREATE DATABASE "crash"`)
	for generation := range 3 {
		r.Write(db, "", generationPoints(generation))
		r.Flush(db)
	}
	r.Write(db, "", fmt.Sprintf("other,host=a f=1 %d\nother,host=a f=2 %d\n", monday+week, monday+week+1))
	r.killInBackup(db, "*.tmp/*.tsm", func() {
		r.delete(db, fmt.Sprintf(`DELETE FROM "wide" WHERE time >= %d AND time < %d`, monday, monday+day+1000*second))
	})
}

// recordFlushCrash kills the server while it writes its cache to a TSM file.
func recordFlushCrash(r *rig) {
	const db = "crash"
	r.Exec(`CREATE DATABASE "crash"`)
	r.Write(db, "", generationPoints(0))
	r.Flush(db)
	r.killInBackup(db, "*.tsm.tmp", func() { // a backup begins with a flush
		for generation := 1; generation < 7; generation++ {
			r.Write(db, "", generationPoints(generation))
		}
	})
}

// killInBackup kills the server when a backup of its first shard has made a file of
// the given form, and copies what is left. Each try begins with prepare, which must
// lead to the same points however often it is done.
func (r *rig) killInBackup(db, form string, prepare func()) {
	shard := r.Shards(db)[0]
	pattern := filepath.Join(r.ShardDir(shard), form)
	for range 300 {
		prepare()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = r.Backup(shard.ID) // which the kill cuts off
		}()
		awaitFile(pattern, ended)
		r.Kill()
		<-ended
		if left, _ := filepath.Glob(pattern); len(left) > 0 {
			break
		}
		r.Restart()
	}
	r.snapshot()
	r.Restart()
}

// awaitFile returns when the pattern finds something, or at the end.
func awaitFile(pattern string, ended <-chan struct{}) {
	for {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return
		}
		select {
		case <-ended:
			return
		default:
		}
	}
}
