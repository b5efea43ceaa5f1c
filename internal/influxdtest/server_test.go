// SPDX-License-Identifier: Apache-2.0

package influxdtest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// count asks how many values of m.f there are.
func count(t *testing.T, s *Server, db string) string {
	t.Helper()
	series := s.Query(db, `SELECT count(f) FROM m`)
	if len(series) == 0 {
		return "0"
	}
	return fmt.Sprint(series[0].Values[0][1])
}

func glob(t *testing.T, elem ...string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestServerLife(t *testing.T) {
	for _, index := range []string{"inmem", "tsi1"} {
		t.Run(index, func(t *testing.T) {
			s := Start(t, Options{Index: index})
			s.Exec(`CREATE DATABASE "db"`)
			s.Write("db", "", "m,host=a f=1 10\nm,host=a f=2 20\n")
			shard := s.Shards("db")[0]
			if got := len(glob(t, s.ShardDir(shard), "*.tsm")); got != 0 {
				t.Fatalf("%d TSM files before any flush, want none", got)
			}
			s.Flush("db")
			s.Flush("db") // an empty cache makes no file
			s.Write("db", "", "m,host=b f=3 10\n")
			if got := len(glob(t, s.ShardDir(shard), "*.tsm")); got != 1 {
				t.Errorf("%d TSM files, want 1", got)
			}
			url := s.URL
			s.Kill()
			s.Restart()
			if s.URL != url {
				t.Errorf("URL is %s after the restart, was %s", s.URL, url)
			}
			if got := count(t, s, "db"); got != "3" {
				t.Errorf("%s values after kill and restart, want 3", got)
			}
			s.Stop()
			if s.Running() {
				t.Error("running after Stop")
			}
		})
	}
}

func TestCopyIsAServer(t *testing.T) {
	s := Start(t, Options{})
	s.Exec(`CREATE DATABASE "db"`)
	s.Write("db", "", "m f=1 10\n")
	s.Flush("db")
	s.Write("db", "", "m f=2 20\n")

	dst := filepath.Join(t.TempDir(), "copy")
	s.Copy(dst)
	s.Write("db", "", "m f=3 30\n")

	other := Start(t, Options{Dir: dst})
	if got := count(t, other, "db"); got != "2" {
		t.Errorf("copy has %s values, want the 2 of its moment", got)
	}
	if got := count(t, s, "db"); got != "3" {
		t.Errorf("original has %s values, want 3: it must go on after the copy", got)
	}
}

// A database may be called _series, and a policy index.
func TestCopyBare(t *testing.T) {
	s := Start(t, Options{Index: "tsi1"})
	s.Exec(`CREATE DATABASE "_series" WITH NAME "index"`)
	s.Write("_series", "", "m f=1 10\n")
	dst := filepath.Join(t.TempDir(), "bare")
	s.CopyBare(dst)
	if got := glob(t, dst, "data/_series/index/*/fields.idx"); len(got) != 1 {
		t.Errorf("fields.idx: %v", got)
	}
	for _, pattern := range []string{"data/_series/_series", "data/_series/index/*/index"} {
		if got := glob(t, s.Dir, pattern); len(got) != 1 {
			t.Errorf("%s in the server: %v", pattern, got)
		}
		if got := glob(t, dst, pattern); len(got) != 0 {
			t.Errorf("%s in the bare copy: %v", pattern, got)
		}
	}
}

// A copy taken while the server writes, snapshots and compacts must open, and must
// hold at least what was acknowledged before it was begun.
func TestCopyUnderWrites(t *testing.T) {
	s := Start(t, Options{SnapshotMemory: 1, CompactCold: time.Second})
	s.Exec(`CREATE DATABASE "db"`)
	acknowledged := make(chan int, 1000)
	stop := make(chan struct{})
	go func() {
		defer close(acknowledged)
		for i := 0; ; i++ {
			if s.TryWrite("db", "", fmt.Sprintf("m f=%d %d\n", i, i)) != nil {
				return
			}
			select {
			case acknowledged <- i:
			case <-stop:
				return
			}
		}
	}()
	last := 0
	for i := range 400 {
		last = <-acknowledged
		if i%40 == 20 {
			s.Flush("db")
		}
	}
	dst := filepath.Join(t.TempDir(), "copy")
	s.Copy(dst)
	close(stop)

	other := Start(t, Options{Dir: dst})
	var got int
	if _, err := fmt.Sscan(count(t, other, "db"), &got); err != nil || got < last+1 {
		t.Errorf("copy has %d values (%v), %d were acknowledged before", got, err, last+1)
	}
}

// The ports of a server that is down are nobody else's.
func TestPortsAreHeld(t *testing.T) {
	s := Start(t, Options{})
	s.Stop()
	for _, addr := range []string{s.httpAddr, s.rpcAddr} {
		if held, err := net.ListenPacket("udp", addr); err == nil {
			_ = held.Close()
			t.Errorf("another server could have %s", addr)
		}
	}
	s.Restart()
	s.freePorts()
	for _, addr := range []string{s.httpAddr, s.rpcAddr} {
		held, err := net.ListenPacket("udp", addr)
		if err != nil {
			t.Errorf("%s is held after the end: %v", addr, err)
			continue
		}
		_ = held.Close()
	}
}

func TestAuth(t *testing.T) {
	s := Start(t, Options{Auth: true})
	s.Exec(`CREATE DATABASE "db"`)
	s.Write("db", "", "m f=1 10\n")
	s.opts.Auth = false // do not log in
	if err := s.TryWrite("db", "", "m f=1 10\n"); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("write without login: %v, want status 401", err)
	}
}

func TestImport(t *testing.T) {
	s := Start(t, Options{})
	path := filepath.Join(t.TempDir(), "in.lp")
	text := "# DDL\nCREATE DATABASE db\n# DML\n# CONTEXT-DATABASE:db\n# CONTEXT-RETENTION-POLICY:autogen\nm f=1 10\nm f=2 20\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	s.Import(path, false)
	if got := count(t, s, "db"); got != "2" {
		t.Errorf("%s values, want 2", got)
	}
}

func TestTryErrors(t *testing.T) {
	s := Start(t, Options{})
	s.Exec(`CREATE DATABASE "db"`)
	s.Write("db", "", "m f=1 10\n")
	tests := map[string]struct {
		err  error
		want string
	}{
		"no database":   {s.TryWrite("nope", "", "m f=1 1\n"), "database not found"},
		"type conflict": {s.TryWrite("db", "", "m f=1i 11\n"), "field type conflict"},
		"bad statement": {s.TryExec("CREATE NONSENSE"), "error parsing query"},
		"failed statement": {
			s.TryExec(`ALTER RETENTION POLICY "x" ON "nope" DEFAULT`),
			"database not found",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.err == nil || !strings.Contains(tt.err.Error(), tt.want) {
				t.Errorf("got %v, want %q", tt.err, tt.want)
			}
		})
	}
}
