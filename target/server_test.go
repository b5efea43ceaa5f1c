// SPDX-License-Identifier: Apache-2.0

package target_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/target"
)

func open(t testing.TB, cfg target.Config) *target.Target {
	t.Helper()
	tg, err := target.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tg.Close(); err != nil {
			t.Error(err)
		}
	})
	return tg
}

// outcome is what a caller acts on.
type outcome struct {
	Class   target.Class
	Status  int
	Partial bool
	Dropped int
	Poison  bool
}

// errorOf takes an error for what a Target promises.
func errorOf(t *testing.T, err error) (outcome, string) {
	t.Helper()
	e, ok := errors.AsType[*target.Error](err)
	if !ok {
		t.Fatalf("got %v, which is no *Error", err)
	}
	return outcome{e.Class, e.Status, e.Partial, e.Dropped, e.Poison}, e.Error()
}

func wantError(t *testing.T, err error, want outcome, says string) {
	t.Helper()
	got, text := errorOf(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: %s", text, diff)
	}
	if !strings.Contains(text, says) {
		t.Errorf("says %q, want %q", text, says)
	}
}

func TestWriteAndQuery(t *testing.T) {
	s := influxdtest.Start(t, influxdtest.Options{})
	for _, encoding := range []target.Encoding{target.EncodeNone, target.EncodeGzip} {
		t.Run(string(encoding), func(t *testing.T) {
			tg := open(t, target.Config{URLs: []string{s.URL + "/"}, Encoding: encoding})
			nodes, err := tg.Check(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			want := []target.Node{{URL: s.URL, Version: nodes[0].Version, Build: "OSS"}}
			if diff := cmp.Diff(want, nodes); diff != "" || nodes[0].Version == "" || tg.API() != target.V1 {
				t.Errorf("API %s, %s", tg.API(), diff)
			}
			db := `a:b "` + string(encoding) + `" ü&=`
			if _, err := tg.Query(t.Context(), "", "CREATE DATABASE "+influxdtest.Ident(db)); err != nil {
				t.Fatal(err)
			}
			lines := "m,h=a f=1,i=9007199254740993i 10\nm,h=b s=\"x\ny\" 20\n" + strings.Repeat("n f=1 1\n", 1000)
			if err := tg.Write(t.Context(), db, "autogen", []byte(lines)); err != nil {
				t.Fatal(err)
			}
			if err := tg.Write(t.Context(), db, "", nil); err != nil {
				t.Errorf("empty: %v", err)
			}
			stats := tg.Stats()
			packed := stats.BodyBytes < stats.TextBytes
			if stats.Requests != 2 || stats.TextBytes != int64(len(lines)) || packed != (encoding == target.EncodeGzip) {
				t.Errorf("stats %+v, text has %d bytes", stats, len(lines))
			}
			var theirs []target.Series
			for _, row := range s.Query(db, "SELECT * FROM m GROUP BY h") {
				theirs = append(theirs, target.Series(row))
			}
			ours, err := tg.Query(t.Context(), db, "SELECT * FROM m GROUP BY h")
			if diff := cmp.Diff(theirs, ours); err != nil || diff != "" || len(ours) != 2 {
				t.Errorf("query: %v %s", err, diff)
			}
			var each []target.Series
			err = tg.Each(t.Context(), db, "SELECT * FROM m GROUP BY h", func(s target.Series) error {
				each = append(each, s)
				return nil
			})
			if diff := cmp.Diff(theirs, each); err != nil || diff != "" {
				t.Errorf("each: %v %s", err, diff)
			}
		})
	}
}

func TestServerRefuses(t *testing.T) {
	s := influxdtest.Start(t, influxdtest.Options{MaxBody: 1 << 20})
	s.Exec(`CREATE DATABASE db`, `CREATE RETENTION POLICY short ON db DURATION 1h REPLICATION 1`)
	s.Write("db", "", "m f=1 1\n")
	manyTags := "m"
	for i := range 100 {
		manyTags += fmt.Sprintf(",t%03d=v", i)
	}
	tests := map[string]struct {
		db, policy, lines string
		want              outcome
		says              string
	}{
		"no line parsed":     {"db", "", "m f= 1\n", outcome{target.Refused, 400, false, -1, false}, "unable to parse 'm f= 1': missing field value"},
		"some not parsed":    {"db", "", "m f= 1\nm f=2 2\n", outcome{target.Refused, 400, true, 0, false}, "dropped=0"},
		"type conflict":      {"db", "", "m f=1i 3\nm f=2 4\n", outcome{target.Refused, 400, true, 1, false}, "field type conflict"},
		"control characters": {"db", "", "m f=\x01 1\nm f=2 2\n", outcome{target.Refused, 400, true, 0, false}, "unable to parse 'm f=\x01 1'"},
		"conflict with such": {"db", "", "a\x02 f=1i 1\na\x02 f=1 2\n", outcome{target.Refused, 400, true, 1, false}, "field type conflict"},
		"too old":            {"db", "short", "m f=1 1\nm f=1 2\n", outcome{target.Refused, 400, true, 2, false}, "beyond retention policy"},
		"no database":        {"nope", "", "m f=1 1\n", outcome{target.Fatal, 404, false, -1, false}, `database not found: "nope"`},
		"no database, empty": {"nope", "", "", outcome{target.Fatal, 404, false, -1, false}, "database not found"},
		"no name":            {"", "", "m f=1 1\n", outcome{target.Fatal, 400, false, -1, false}, "database is required"},
		"no policy":          {"db", "nope", "m f=1 1\n", outcome{target.Fatal, 500, false, -1, false}, "retention policy not found: nope"},
		"a line it dies of":  {"db", "", manyTags + " f=1 1\n", outcome{target.Temporary, 500, false, -1, true}, "Internal Server Error"},
		"too large":          {"db", "", strings.Repeat("m f=1 1\n", 200_000), outcome{target.TooLarge, 413, false, -1, false}, "Too Large"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tg := open(t, target.Config{URLs: []string{s.URL}, Encoding: target.EncodeNone})
			wantError(t, tg.Write(t.Context(), tt.db, tt.policy, []byte(tt.lines)), tt.want, tt.says)
		})
	}
	tg := open(t, target.Config{URLs: []string{s.URL}})
	for statement, want := range map[string]struct {
		db, says string
	}{
		"SELECT * FROM m":       {"nope", ": database not found: nope"},
		"SELECT FROM":           {"db", "error parsing query"},
		`CREATE DATABASE ""`:    {"", "invalid name"},
		`DROP SHARD "x"`:        {"", "error parsing query"},
		"SELECT * FROM no.no.m": {"db", "not found"},
	} {
		_, err := tg.Query(t.Context(), want.db, statement)
		wantError(t, err, outcome{target.Fatal, 200, false, -1, false}, want.says)
		err = tg.Each(t.Context(), want.db, statement, func(target.Series) error { return nil })
		wantError(t, err, outcome{target.Fatal, 200, false, -1, false}, want.says)
	}
}

func TestConsistency(t *testing.T) {
	s := influxdtest.Start(t, influxdtest.Options{})
	s.Exec(`CREATE DATABASE db`)
	tg := open(t, target.Config{URLs: []string{s.URL}, Consistency: "quorum"})
	if err := tg.Write(t.Context(), "db", "", []byte("m f=1 1\n")); err != nil {
		t.Error(err)
	}
}

// One write at a time and none waiting: others are told to come later.
func TestServerThrottles(t *testing.T) {
	s := influxdtest.Start(t, influxdtest.Options{Set: map[string]string{
		"http.max-concurrent-write-limit": "1",
		"http.max-enqueued-write-limit":   "1",
		"http.enqueued-write-timeout":     "1",
	}})
	s.Exec(`CREATE DATABASE db`)
	// A request whose body does not end keeps the only place: once the server asks for the
	// body it has it.
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // nothing was written
	if _, err := fmt.Fprint(conn, "POST /write?db=db HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, " 100 ") {
		t.Fatalf("%q, %v", line, err)
	}
	tg := open(t, target.Config{URLs: []string{s.URL}})
	err = tg.Write(t.Context(), "db", "", []byte("m f=1 1\n"))
	wantError(t, err, outcome{target.Overloaded, 503, false, -1, false}, "request throttled")
}

func TestServerLogin(t *testing.T) {
	s := influxdtest.Start(t, influxdtest.Options{Auth: true, Set: map[string]string{"http.ping-auth-enabled": "true"}})
	s.Exec(`CREATE DATABASE db`, `CREATE USER bob WITH PASSWORD 'bobs secret'`)
	withUser := func(user, password string) string {
		return strings.Replace(s.URL, "http://", "http://"+user+":"+password+"@", 1)
	}
	tests := map[string]struct {
		cfg          target.Config
		check, write int // status; 0 for none
	}{
		"user":               {target.Config{Username: influxdtest.User, Password: influxdtest.Password}, 0, 0},
		"user in URL":        {target.Config{URLs: []string{withUser(influxdtest.User, influxdtest.Password)}}, 0, 0},
		"URL before others":  {target.Config{URLs: []string{withUser(influxdtest.User, influxdtest.Password)}, Username: "bob", Password: "wrong"}, 0, 0},
		"token":              {target.Config{Token: influxdtest.User + ":" + influxdtest.Password + "\n"}, 0, 0},
		"wrong password":     {target.Config{Username: influxdtest.User, Password: "wrong secret"}, 401, 401},
		"wrong one in URL":   {target.Config{URLs: []string{withUser("bob", "wrong%20secret")}}, 401, 401},
		"wrong token":        {target.Config{Token: "bob:wrong secret"}, 401, 401},
		"JWT is not enabled": {target.Config{JWT: "wrong.secret.token"}, 401, 401},
		"none":               {target.Config{}, 401, 401},
		"no right to write":  {target.Config{Username: "bob", Password: "bobs secret"}, 0, 403},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.cfg.URLs == nil {
				tt.cfg.URLs = []string{s.URL}
			}
			tg := open(t, tt.cfg)
			nodes, err := tg.Check(t.Context())
			wantStatus(t, "check", err, tt.check)
			if nodes[0].URL != s.URL {
				t.Errorf("URL is shown as %s", nodes[0].URL)
			}
			wantStatus(t, "write", tg.Write(t.Context(), "db", "", []byte("m f=1 1\n")), tt.write)
			_, err = tg.Query(t.Context(), "db", "SHOW MEASUREMENTS")
			wantStatus(t, "query", err, tt.write)
			err = tg.Each(t.Context(), "db", "SHOW MEASUREMENTS", func(target.Series) error { return nil })
			wantStatus(t, "each", err, tt.write)
		})
	}
}

func wantStatus(t *testing.T, what string, err error, status int) {
	t.Helper()
	if status == 0 {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		return
	}
	got, text := errorOf(t, err)
	if got.Status != status || got.Class != target.Fatal || strings.Contains(text, "secret") || !strings.Contains(text, "127.0.0.1") {
		t.Errorf("%s: %+v, %s", what, got, text)
	}
}

func TestJWT(t *testing.T) {
	s := influxdtest.Start(t, influxdtest.Options{Auth: true, Set: map[string]string{"http.shared-secret": `"shared"`}})
	s.Exec(`CREATE DATABASE db`)
	tg := open(t, target.Config{URLs: []string{s.URL}, JWT: jwt("shared", influxdtest.User)})
	if _, err := tg.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := tg.Write(t.Context(), "db", "", []byte("m f=1 1\n")); err != nil {
		t.Error(err)
	}
	if series, err := tg.Query(t.Context(), "db", "SHOW MEASUREMENTS"); err != nil || len(series) != 1 {
		t.Errorf("%v, %v", series, err)
	}
	wrong := open(t, target.Config{URLs: []string{s.URL}, JWT: jwt("other", influxdtest.User)})
	_, err := wrong.Check(t.Context())
	wantStatus(t, "check", err, http.StatusUnauthorized)
}

func TestManyAtOnce(t *testing.T) {
	s := influxdtest.Start(t, influxdtest.Options{})
	s.Exec(`CREATE DATABASE db`)
	s.Write("db", "", "begun f=1 0\n") // of two requests that begin a shard together a server may lose one
	tg := open(t, target.Config{URLs: []string{s.URL}})
	var wg sync.WaitGroup
	const writers, each = 8, 20
	for w := range writers {
		wg.Go(func() {
			lines := new(bytes.Buffer)
			for i := range each {
				lines.Reset() // the memory is the caller's again
				fmt.Fprintf(lines, "m,w=%d f=%d %d\n", w, i, i)
				if err := tg.Write(t.Context(), "db", "", lines.Bytes()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	n := 0
	err := tg.Each(t.Context(), "db", "SELECT f FROM m GROUP BY w", func(s target.Series) error {
		n += len(s.Values)
		return nil
	})
	if err != nil || n != writers*each || tg.Stats().Requests != writers*each {
		t.Errorf("%d points, %+v, %v", n, tg.Stats(), err)
	}
}

// A long series comes in several pieces, and an error of the receiver ends it.
func TestChunks(t *testing.T) {
	s := influxdtest.Start(t, influxdtest.Options{})
	s.Exec(`CREATE DATABASE db`)
	lines := new(bytes.Buffer)
	const points = 20_000
	for i := range points {
		fmt.Fprintf(lines, "m f=%d %d\n", i, i)
	}
	s.Write("db", "", lines.String())
	tg := open(t, target.Config{URLs: []string{s.URL}})
	n, pieces := 0, 0
	err := tg.Each(t.Context(), "db", "SELECT f FROM m", func(s target.Series) error {
		n, pieces = n+len(s.Values), pieces+1
		return nil
	})
	if err != nil || n != points || pieces < 2 {
		t.Errorf("%d points in %d pieces, %v", n, pieces, err)
	}
	enough := errors.New("enough")
	pieces = 0
	err = tg.Each(t.Context(), "db", "SELECT f FROM m", func(target.Series) error {
		pieces++
		return enough
	})
	if !errors.Is(err, enough) || pieces != 1 {
		t.Errorf("%d pieces, %v", pieces, err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	pieces = 0
	err = tg.Each(ctx, "db", "SELECT f FROM m", func(target.Series) error {
		pieces++
		cancel(enough)
		return nil
	})
	if !errors.Is(err, enough) || target.Retryable(err) {
		t.Errorf("%d pieces, %v", pieces, err)
	}
}

// A server that limits its answers cuts them silently but for a mark.
func TestCutAnswer(t *testing.T) {
	s := influxdtest.Start(t, influxdtest.Options{Set: map[string]string{"http.max-row-limit": "2"}})
	s.Exec(`CREATE DATABASE db`)
	s.Write("db", "", "m f=1 1\nm f=1 2\nm f=1 3\n")
	tg := open(t, target.Config{URLs: []string{s.URL}})
	_, err := tg.Query(t.Context(), "db", "SELECT f FROM m")
	wantError(t, err, outcome{target.Fatal, 200, false, -1, false}, "max-row-limit")
	n := 0
	err = tg.Each(t.Context(), "db", "SELECT f FROM m", func(s target.Series) error {
		n += len(s.Values)
		return nil
	})
	if err != nil || n != 3 {
		t.Errorf("%d points, %v", n, err)
	}
}
