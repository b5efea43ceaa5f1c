// SPDX-License-Identifier: Apache-2.0

package target_test

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tinylib/msgp/msgp"

	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/target"
)

// rowTaker writes what comes.
type rowTaker struct {
	got []string
	err error // to be given at a row
}

func (r *rowTaker) Begin(name string, tags map[string]string) error {
	r.got = append(r.got, fmt.Sprintf("%s %v", name, tags))
	return nil
}

func (r *rowTaker) Row(at int64, values []target.Value) error {
	line := fmt.Sprint(at)
	for _, v := range values {
		switch {
		case !v.Known:
			line += " none"
		case v.Kind == point.Float:
			line += fmt.Sprintf(" float %x", v.Bits)
		case v.Kind == point.String:
			line += fmt.Sprintf(" string %q", v.Text)
		default:
			line += fmt.Sprintf(" %s %d", v.Kind, v.Bits)
		}
	}
	r.got = append(r.got, line)
	return r.err
}

var allKinds = []point.Kind{point.Float, point.Integer, point.String, point.Boolean}

const allValues = `SELECT "f"::float, "i"::integer, "s"::string, "b"::boolean FROM "m" GROUP BY *`

// Each value comes as it was written, bit by bit.
func TestRows(t *testing.T) {
	s := influxdtest.Start(t, influxdtest.Options{Auth: true})
	s.Exec(`CREATE DATABASE "db"`)
	s.Write("db", "", "m,h=a f=-0,i=9223372036854775807i,s=\"\xff\n\",b=true 1\nm,h=a f=0.1 2\nm,h=b i=-1i,b=false "+fmt.Sprint(int64(math.MinInt64+2))+"\nm f=5e-324 3\n")
	tg := open(t, target.Config{URLs: []string{s.URL}, Username: influxdtest.User, Password: influxdtest.Password})
	var got rowTaker
	if err := tg.Rows(t.Context(), "db", allValues, allKinds, &got); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"m map[h:]", fmt.Sprintf("3 float %x none none none", math.Float64bits(5e-324)),
		"m map[h:a]", fmt.Sprintf("1 float %x integer %d string %q boolean 1", math.Float64bits(math.Copysign(0, -1)), math.MaxInt64, "\xff\n"),
		fmt.Sprintf("2 float %x none none none", math.Float64bits(0.1)),
		"m map[h:b]", fmt.Sprintf("%d none integer %d none boolean 0", math.MinInt64+2, uint64(math.MaxUint64)),
	}
	if d := cmp.Diff(want, got.got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	many := strings.Repeat("x", 1)
	for i := range 12000 {
		many += fmt.Sprintf("\nn f=%d %d", i, i)
	}
	s.Write("db", "", many[2:])
	got = rowTaker{}
	if err := tg.Rows(t.Context(), "db", `SELECT "f"::float FROM "n" GROUP BY *`, allKinds[:1], &got); err != nil || len(got.got) != 12000+3 {
		t.Errorf("%d rows and series, %v", len(got.got), err)
	}
	got = rowTaker{}
	if err := tg.Rows(t.Context(), "db", `SELECT "f"::float FROM "none" GROUP BY *`, allKinds[:1], &got); err != nil || len(got.got) != 0 {
		t.Errorf("%v, %v", got.got, err)
	}
	stop := errors.New("enough")
	if err := tg.Rows(t.Context(), "db", allValues, allKinds, &rowTaker{err: stop}); err != stop { //nolint:errorlint // as it is
		t.Errorf("%v", err)
	}
	err := tg.Rows(t.Context(), "nodb", allValues, allKinds, &got)
	wantError(t, err, outcome{Class: target.Fatal, Status: 200, Dropped: -1}, "database not found")
	err = tg.Rows(t.Context(), "db", `SELECT`, allKinds, &got)
	wantError(t, err, outcome{Class: target.Fatal, Status: 200, Dropped: -1}, "error parsing query")
	err = tg.Rows(t.Context(), "db", allValues, allKinds[:2], &got)
	wantError(t, err, outcome{Class: target.Temporary, Dropped: -1}, "4 columns for 2")
	other := open(t, target.Config{URLs: []string{s.URL}, Username: influxdtest.User, Password: "wrong secret"})
	err = other.Rows(t.Context(), "db", allValues, allKinds, &got)
	wantError(t, err, outcome{Class: target.Fatal, Status: 401, Dropped: -1}, "authorization failed")
	if strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

// packed makes an answer: a series with one row, and whether more follow.
func packed(rows int, more bool) []byte {
	b := msgp.AppendMapHeader(nil, 1)
	b = msgp.AppendArrayHeader(msgp.AppendString(b, "results"), 1)
	b = msgp.AppendMapHeader(b, 2)
	b = msgp.AppendArrayHeader(msgp.AppendString(b, "series"), 1)
	b = msgp.AppendMapHeader(b, 3)
	b = msgp.AppendString(msgp.AppendString(b, "name"), "m")
	b = msgp.AppendArrayHeader(msgp.AppendString(b, "columns"), 2)
	b = msgp.AppendString(msgp.AppendString(b, "time"), "f")
	b = msgp.AppendArrayHeader(msgp.AppendString(b, "values"), uint32(rows))
	for i := range rows {
		b = msgp.AppendFloat64(msgp.AppendInt64(msgp.AppendArrayHeader(b, 2), int64(i)), 1.5)
	}
	return msgp.AppendBool(msgp.AppendString(b, "partial"), more)
}

// What is no whole answer is an error, never a short one.
func TestRowsBroken(t *testing.T) {
	whole := packed(3, false)
	body := func(b []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-msgpack")
			_, _ = w.Write(b)
		}
	}
	page := func(status int, kind, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(text))
		}
	}
	failed := msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "error"), "engine: cursor failed")
	temporary := outcome{Class: target.Temporary, Dropped: -1}
	cases := map[string]struct {
		answer http.HandlerFunc
		want   outcome
		says   string
	}{
		"nothing":        {body(nil), outcome{Class: target.Fatal, Status: 200, Dropped: -1}, "no results"},
		"other object":   {body([]byte{0x81, 0xa1, 'x', 0x01}), outcome{Class: target.Fatal, Status: 200, Dropped: -1}, "no results"},
		"not the last":   {body(packed(3, true)), temporary, "broke off"},
		"then an error":  {body(append(packed(3, true), failed...)), outcome{Class: target.Fatal, Status: 200, Dropped: -1}, "cursor failed"},
		"huge list":      {body([]byte{0x81, 0xa7, 'r', 'e', 's', 'u', 'l', 't', 's', 0xdd, 0xff, 0xff, 0xff, 0xff}), temporary, "broke off"},
		"huge text":      {body([]byte{0x81, 0xa5, 'e', 'r', 'r', 'o', 'r', 0xdb, 0xff, 0xff, 0xff, 0xff}), temporary, "broke off"},
		"page":           {page(200, "text/html", "<p>Welcome</p>"), outcome{Class: target.Temporary, Status: 200, Dropped: -1}, "Welcome"},
		"gateway":        {page(504, "text/html", "too slow"), outcome{Class: target.Overloaded, Status: 504, Dropped: -1}, "too slow"},
		"not found":      {page(404, "text/plain", "nothing here"), outcome{Class: target.Fatal, Status: 404, Dropped: -1}, "nothing here"},
		"says no":        {page(403, "application/json", `{"error":"error authorizing query: no"}`), outcome{Class: target.Fatal, Status: 403, Dropped: -1}, "authorizing"},
		"overloaded":     {page(503, "application/json", `{"error":"max-concurrent-queries limit exceeded"}`), outcome{Class: target.Overloaded, Status: 200, Dropped: -1}, "max-concurrent"},
		"server trouble": {page(500, "application/json", `{"error":"broken inside"}`), outcome{Class: target.Temporary, Status: 500, Dropped: -1}, "broken inside"},
		"hangs": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/x-msgpack")
			_, _ = w.Write(packed(1, true))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, outcome{Class: target.Overloaded, Dropped: -1}, "no answer in time"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cfg := target.Config{URLs: []string{serve(t, c.answer)}}
			if name == "hangs" { // the others come, however slowly
				cfg.Timeout = 300 * time.Millisecond
			}
			tg := open(t, cfg)
			err := tg.Rows(t.Context(), "db", "SELECT", allKinds[:1], &rowTaker{})
			wantError(t, err, c.want, c.says)
		})
	}
	for cut := 1; cut < len(whole); cut++ {
		tg := open(t, target.Config{URLs: []string{serve(t, body(whole[:cut]))}})
		if err := tg.Rows(t.Context(), "db", "SELECT", allKinds[:1], &rowTaker{}); err == nil {
			t.Errorf("%d of %d bytes are an answer", cut, len(whole))
		}
	}
	tg := open(t, target.Config{URLs: []string{serve(t, body(whole))}})
	var got rowTaker
	if err := tg.Rows(t.Context(), "db", "SELECT", allKinds[:1], &got); err != nil || len(got.got) != 4 {
		t.Errorf("%v, %v", got.got, err)
	}
}

// A server that answers nothing for now is met alike, however it is asked.
func TestBusyServer(t *testing.T) {
	for status, class := range map[int]target.Class{
		http.StatusTooManyRequests: target.Overloaded, http.StatusInternalServerError: target.Temporary,
		http.StatusBadGateway: target.Temporary, http.StatusServiceUnavailable: target.Overloaded,
	} {
		tg := open(t, target.Config{URLs: []string{serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("X-Influxdb-Version", "1.8.10")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"error":"busy"}`))
		})}})
		want := outcome{Class: class, Status: status, Dropped: -1}
		wantError(t, tg.Each(t.Context(), "db", "SELECT", func(target.Series) error { return nil }), want, "busy")
		wantError(t, tg.Rows(t.Context(), "db", "SELECT", allKinds[:1], &rowTaker{}), want, "busy")
	}
}

// A server that knows no MessagePack is understood, too; so is the next node where one does
// not answer.
func TestRowsJSON(t *testing.T) {
	asked := []string{}
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Accept"))
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"results":[{"series":[{"name":"m","tags":{"h":"a"},"columns":["time","f","i","s","b"],"values":[[1,-0,9223372036854775807,"x",true],[2,1152921504606847000,null,null,false]]}]}]}`))
	})
	tg := open(t, target.Config{URLs: []string{"http://127.0.0.1:1", url}})
	for range 2 {
		var got rowTaker
		if err := tg.Rows(t.Context(), "db", "SELECT", allKinds, &got); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"m map[h:a]", fmt.Sprintf("1 float %x integer %d string \"x\" boolean 1", math.Float64bits(math.Copysign(0, -1)), math.MaxInt64),
			fmt.Sprintf("2 float %x none none boolean 0", math.Float64bits(1<<60)),
		}
		if d := cmp.Diff(want, got.got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
	if len(asked) != 3 || asked[0] != "application/x-msgpack" || asked[2] != asked[1] { // and never again
		t.Errorf("asked for %q", asked)
	}
}

func BenchmarkRows(b *testing.B) {
	answer := packed(5000, false)
	url := serve(b, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-msgpack")
		_, _ = w.Write(answer)
	})
	tg := open(b, target.Config{URLs: []string{url}})
	b.SetBytes(int64(len(answer)))
	b.ReportAllocs()
	for b.Loop() {
		if err := tg.Rows(b.Context(), "db", "SELECT", allKinds[:1], nothing{}); err != nil {
			b.Fatal(err)
		}
	}
}

type nothing struct{}

func (nothing) Begin(string, map[string]string) error { return nil }
func (nothing) Row(int64, []target.Value) error       { return nil }
