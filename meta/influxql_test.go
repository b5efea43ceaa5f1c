// SPDX-License-Identifier: Apache-2.0

package meta

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestQuote(t *testing.T) {
	tests := map[string]struct{ in, ident, str string }{
		"plain":           {`db`, `"db"`, `'db'`},
		"empty":           {``, `""`, `''`},
		"blank and dots":  {`a b.c:d`, `"a b.c:d"`, `'a b.c:d'`},
		"quotes":          {`it's "x"`, `"it's \"x\""`, `'it\'s "x"'`},
		"backslash":       {`a\nb\`, `"a\\nb\\"`, `'a\\nb\\'`},
		"line feed":       {"a\nb", `"a\nb"`, `'a\nb'`},
		"carriage return": {"a\rb\x00", `"a\rb\0"`, `'a\rb\0'`}, // refused by servers
		"not ascii":       {"é日", `"é日"`, `'é日'`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := QuoteIdent(tt.in); got != tt.ident {
				t.Errorf("identifier %s, want %s", got, tt.ident)
			}
			if got := QuoteString(tt.in); got != tt.str {
				t.Errorf("string %s, want %s", got, tt.str)
			}
		})
	}
}

func TestSayable(t *testing.T) {
	for _, name := range []string{"x", " ", "a\nb", `"\`, "é", "\ufffd", "\t"} {
		if !Sayable(name) {
			t.Errorf("%q is not sayable", name)
		}
	}
	for _, name := range []string{"", "a\rb", "a\x00", "\xff", "a\xc3"} {
		if Sayable(name) {
			t.Errorf("%q is sayable", name)
		}
	}
}

func TestOneLine(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"one line":   {`SELECT 'a\nb' FROM "x\n"`, `SELECT 'a\nb' FROM "x\n"`},
		"line feeds": {"a\nb\n\nc\n", "a b  c "},
		"windows":    {"a\r\nb", "a b"},
		"old mac":    {"a\rb\n\rc", "a b  c"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := OneLine(tt.in); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestFormatDuration(t *testing.T) {
	tests := map[time.Duration]string{
		0: "INF", 1: "1ns", 1000: "1u", 1001: "1001ns", 5 * time.Millisecond: "5ms", time.Second: "1s",
		90 * time.Second: "90s", 2 * time.Minute: "2m", 90 * time.Minute: "90m", time.Hour: "1h", 25 * time.Hour: "25h",
		day: "1d", 7 * day: "7d", 30 * day: "30d", 36 * time.Hour: "36h", time.Hour + 1: "3600000000001ns",
		106751 * day: "106751d", math.MaxInt64: "9223372036854775807ns",
	}
	for d, want := range tests {
		if got := FormatDuration(d); got != want {
			t.Errorf("FormatDuration(%d) = %s, want %s", d, got, want)
		}
	}
}

func TestFormatDurationIsExact(t *testing.T) {
	// What is not a day or more is also what the standard library reads.
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom([]time.Duration{1, time.Microsecond, time.Millisecond, time.Second, time.Minute, time.Hour}).Draw(t, "unit")
		d := unit * time.Duration(rapid.Int64Range(1, 2_500_000).Draw(t, "n"))
		s := FormatDuration(d)
		if days, ok := strings.CutSuffix(s, "d"); ok {
			if got, err := time.ParseDuration(days + "h"); err != nil || got*24 != d {
				t.Fatalf("%v is written %s", d, s)
			}
			return
		}
		s = strings.TrimSuffix(s, "u")
		if s != FormatDuration(d) {
			s += "us"
		}
		if got, err := time.ParseDuration(s); err != nil || got != d {
			t.Fatalf("%v is written %s", d, s)
		}
	})
}

func TestUserStatements(t *testing.T) {
	d := mustRead(t, "server.db")
	var got []string
	for i := range d.Users {
		got = append(got, CreateUser(&d.Users[i]))
		got = append(got, Grants(&d.Users[i])...)
	}
	odd := User{Name: "o", Privileges: []Privilege{{"d", NoAccess}, {"d", WriteAccess}, {"d", 9}}}
	got = append(got, Grants(&odd)...)
	want := []string{
		`CREATE USER "adm" WITH PASSWORD <password> WITH ALL PRIVILEGES`,
		`CREATE USER "bo\"b" WITH PASSWORD <password>`,
		`GRANT READ ON "plain" TO "bo\"b"`,
		`GRANT ALL ON "met:rics \"1\" é" TO "bo\"b"`,
		`GRANT WRITE ON "d" TO "o"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCreateSubscription(t *testing.T) {
	tests := map[string]struct {
		s    Subscription
		want string
	}{
		"any":     {Subscription{"s", "ANY", []string{"udp://h:1"}}, `CREATE SUBSCRIPTION "s" ON "d b"."rp" DESTINATIONS ANY 'udp://h:1'`},
		"all":     {Subscription{`"`, "ALL", []string{"http://a:1", "x'y"}}, `CREATE SUBSCRIPTION "\"" ON "d b"."rp" DESTINATIONS ALL 'http://a:1', 'x\'y'`},
		"damaged": {Subscription{"s", "ANY 'x'; DROP\n", []string{"y"}}, `CREATE SUBSCRIPTION "s" ON "d b"."rp" DESTINATIONS ALL 'y'`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := CreateSubscription("d b", "rp", &tt.s); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}
