// SPDX-License-Identifier: Apache-2.0

package tsmreader_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader"
)

// Everything that may lie in a shard's directories beside its files.
func TestLeftOut(t *testing.T) {
	s := shardOf(t)
	var f, stale shardtest.TSM
	f.Add("m#!~#f", ints(1, 10))
	stale.Add("m#!~#f", ints(100, 10, 20))
	s.TSM(1, 1, &f)
	want := map[string]tsmreader.Why{}
	for name, why := range map[string]tsmreader.Why{
		"000000002-000000001.tsm.tmp": tsmreader.Unfinished, "000000002-000000001.idx.tmp": tsmreader.Unfinished,
		"000000001-000000001.tombstone.tmp": tsmreader.Unfinished, "tombstone12345": tsmreader.Unfinished, "fields.idx.tmp": tsmreader.Unfinished,
		"000000002-000000001.tsm.bad": tsmreader.SetAside, "000000002-000000001.tombstone": tsmreader.Orphaned,
		"2.tsm": tsmreader.Foreign, "a-b.tsm": tsmreader.Foreign, "000000002-99999999999.tsm": tsmreader.Foreign, "1-1.x.tsm": tsmreader.Foreign,
		"000000001-000000001.TSM": tsmreader.Foreign, "notes.txt": tsmreader.Foreign, "tombstone": tsmreader.Foreign,
	} {
		s.DataFile(name, stale.Bytes())
		want[name] = why
	}
	for _, name := range []string{"do_not_compact", "digest.tsd", "fields.idxl"} {
		s.DataFile(name, nil) // known, and of no use to a reader
	}
	for name, why := range map[string]tsmreader.Why{"7.tmp": tsmreader.Unfinished, "000000003-000000001.tsm": tsmreader.Foreign, "old": tsmreader.Foreign, "index": ""} {
		dir := filepath.Join(s.DataDir(), name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, "000000009-000000001.tsm"), stale.Bytes())
		if why != "" {
			want[name] = why
		}
	}
	for link, to := range map[string]string{"000000005-000000001.tsm": "nowhere", "000000006-000000001.tsm": "."} {
		if err := os.Symlink(to, filepath.Join(s.DataDir(), link)); err != nil {
			t.Fatal(err)
		}
		want[link] = tsmreader.Foreign
	}
	for name, why := range map[string]tsmreader.Why{"1.wal": tsmreader.Foreign, "_x.wal": tsmreader.Foreign, "_-1.wal": tsmreader.Foreign, "_00001.wal.tmp": tsmreader.Unfinished} {
		s.WALFile(name, []byte("no segment"))
		want[name] = why
	}
	s.WALFile("_00009.wal", nil)

	shard := open(t, tsmreader.Options{}, source(s))
	defer closeShard(t, shard)
	got := map[string]tsmreader.Why{}
	for _, l := range shard.LeftOut() {
		got[filepath.Base(l.Path)] = l.Why
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
	r := read(t, shard, 1)
	r.want(t, contents(col("m", 1, 10)))
	r.sound(t)
}

// A TSM file may be a link, as in trees put together from copies.
func TestLinkedFile(t *testing.T) {
	s := shardOf(t)
	var f shardtest.TSM
	f.Add("m#!~#f", ints(1, 10))
	path := filepath.Join(t.TempDir(), "elsewhere")
	writeFile(t, path, f.Bytes())
	if err := os.Symlink(path, filepath.Join(s.DataDir(), shardtest.TSMName(1, 1))); err != nil {
		t.Fatal(err)
	}
	shard := open(t, tsmreader.Options{}, source(s))
	defer closeShard(t, shard)
	read(t, shard, 1).want(t, contents(col("m", 1, 10)))
	if files := shard.Files(); len(files) != 1 || files[0].Size != int64(len(f.Bytes())) {
		t.Errorf("files %+v", files)
	}
}

func TestOpenNothing(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing")
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "file"), nil)
	cases := map[string]struct {
		src  tsmreader.Source
		want error // nil: an empty shard
	}{
		"no directories":      {tsmreader.Source{DataDir: missing, WALDir: missing}, tsmreader.ErrGone},
		"no names":            {tsmreader.Source{}, tsmreader.ErrGone},
		"empty data":          {tsmreader.Source{DataDir: empty, WALDir: missing}, nil},
		"empty wal":           {tsmreader.Source{WALDir: empty}, nil},
		"missing file":        {tsmreader.Source{TSMFile: missing + ".tsm"}, fs.ErrNotExist},
		"data is a file":      {tsmreader.Source{DataDir: filepath.Join(dir, "file")}, syscall.ENOTDIR},
		"wal is a file":       {tsmreader.Source{WALDir: filepath.Join(dir, "file")}, syscall.ENOTDIR},
		"directory as a file": {tsmreader.Source{TSMFile: empty}, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s, err := tsmreader.Open(t.Context(), []tsmreader.Source{c.src}, tsmreader.Options{})
			if !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Fatalf("err %v, want %v", err, c.want)
			}
			if err != nil {
				return
			}
			got := read(t, s, 1)
			got.want(t, shardtest.Contents{})
			if s.Bytes() != 0 || !s.Range().Empty() || (name == "directory as a file") != (len(got.lost()) > 0) {
				t.Errorf("%d bytes, range %v, faults:\n%s", s.Bytes(), s.Range(), faultText(got.faults))
			}
			closeShard(t, s)
		})
	}
}

func TestCancelled(t *testing.T) {
	s := shardOf(t)
	var f shardtest.TSM
	f.Add("m#!~#f", ints(1, 10))
	f.Add("n#!~#f", ints(1, 10))
	s.TSM(1, 1, &f)
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	shard := open(t, tsmreader.Options{}, source(s))
	defer closeShard(t, shard)
	sec, err := shard.Section("")
	if err != nil {
		t.Fatal(err)
	}
	c := sec.Cursor(sec.Ranges(1)[0], nil)
	if !c.Next(ctx) {
		t.Fatal("no series")
	}
	cancel(why)
	if c.Next(ctx) || !errors.Is(c.Err(), why) || c.Next(t.Context()) {
		t.Errorf("err %v", c.Err())
	}
	if _, err := tsmreader.Open(ctx, []tsmreader.Source{source(s)}, tsmreader.Options{}); !errors.Is(err, why) {
		t.Errorf("open: %v", err)
	}
}

func TestFiles(t *testing.T) {
	s := shardOf(t)
	var f shardtest.TSM
	f.Add("m#!~#f", ints(1, -5, 10))
	var w shardtest.WAL
	w.Write(col("m", 1, 999))
	paths := []string{s.TSM(1, 1, &f), s.TSM(2, 1, &f), s.Tombstone(2, 1, shardtest.TombstoneV1("x#!~#f")), s.WAL(4, &w)}
	shard := open(t, tsmreader.Options{Parallel: 3}, source(s))
	defer closeShard(t, shard)
	var got []string
	size := int64(0)
	for _, file := range shard.Files() {
		st, err := os.Stat(file.Path)
		if err != nil || st.Size() != file.Size || !st.ModTime().Equal(file.ModTime) {
			t.Errorf("file %+v, %v", file, err)
		}
		got = append(got, file.Path)
		if filepath.Ext(file.Path) != ".tombstone" {
			size += file.Size
		}
	}
	if diff := cmp.Diff(paths, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if shard.Bytes() != size || shard.Range() != (point.TimeRange{Min: -5, Max: 10}) {
		t.Errorf("%d bytes, range %v", shard.Bytes(), shard.Range())
	}
	stat, err := tsmreader.Stat([]tsmreader.Source{source(s)})
	if diff := cmp.Diff(shard.Files(), stat); diff != "" || err != nil {
		t.Errorf("Stat: %v\n%s", err, diff)
	}
}

// A server flushes, compacts and appends while the shard is opened, over and over. Each
// time everything is there that had been written before.
func TestLiveShard(t *testing.T) {
	s := shardOf(t)
	stop := make(chan struct{})
	var mu sync.Mutex
	written := shardtest.Contents{}
	var wg sync.WaitGroup
	wg.Go(func() { liveServer(s, &mu, written, stop) })
	reads := 0
	for began := time.Now(); time.Since(began) < 1500*time.Millisecond || reads < 10; {
		mu.Lock()
		before := within(written, point.TimeRange{})
		mu.Unlock()
		shard, err := tsmreader.Open(t.Context(), []tsmreader.Source{source(s)}, tsmreader.Options{Parallel: 2})
		if errors.Is(err, tsmreader.ErrUnsettled) && time.Since(began) < 5*time.Minute {
			continue // on a busy machine there is something new each time
		}
		if err != nil {
			t.Fatal(err)
		}
		reads++
		got := read(t, shard, 1)
		closeShard(t, shard)
		for key, values := range before {
			for at, v := range values {
				if got.contents[key][at] != v {
					t.Fatalf("%q at %d is %v, want %v\n%s", key, at, got.contents[key][at], v, faultText(got.faults))
				}
			}
		}
		got.sound(t)
	}
	close(stop)
	wg.Wait()
}

// appender is the path of a file that grows.
type appender string

func (a appender) append(b []byte) error {
	f, err := os.OpenFile(string(a), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

// liveServer writes into a segment, flushes it into a file, and compacts all files into
// one, in the order in which the engine does these things.
func liveServer(s *shardtest.Shard, mu *sync.Mutex, written shardtest.Contents, stop chan struct{}) {
	place := func(name string, b []byte) {
		path := s.DataFile(name+".tmp", b)
		_ = os.Rename(path, path[:len(path)-len(".tmp")])
	}
	at := int64(0)
	var old []string
	for generation := 1; ; generation++ {
		var w shardtest.WAL
		segment := appender(filepath.Join(s.WALDir(), shardtest.SegmentName(generation)))
		cached := shardtest.Contents{}
		for range 5 {
			select {
			case <-stop:
				return
			case <-time.After(200 * time.Microsecond):
			}
			at++
			c := col("m", at, at)
			from := len(w.Bytes())
			w.Write(c)
			half := (from + len(w.Bytes())) / 2
			if segment.append(w.Bytes()[from:half]) != nil || segment.append(w.Bytes()[half:]) != nil {
				return
			}
			cached.Set(c)
			mu.Lock()
			written.Set(c)
			mu.Unlock()
		}
		file := shardtest.TSM{}
		for _, c := range cached.Columns() {
			file.Add(c.Key, c.Run)
		}
		place(shardtest.TSMName(generation, 1), file.Bytes())
		old = append(old, shardtest.TSMName(generation, 1))
		_ = os.Remove(string(segment))
		if len(old) < 4 {
			continue
		}
		mu.Lock()
		all := shardtest.TSM{}
		for _, c := range written.Columns() {
			all.Add(c.Key, c.Run)
		}
		mu.Unlock()
		place(shardtest.TSMName(generation, 2), all.Bytes())
		for _, name := range old {
			_ = os.Remove(filepath.Join(s.DataDir(), name))
		}
		old = []string{shardtest.TSMName(generation, 2)}
	}
}
