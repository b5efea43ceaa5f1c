// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/point"
)

// Parts of lines, good and odd. Keys and fields get some random ones too.
var (
	oddKeys = []string{
		"", ",", ",a=b", ",a=b,c=d", ",c=d,a=b", ",a=b,a=c", ",b=1,a=2,b=3", ",a", ",a=", ",=b", ",a=b,", ",,a=b", ",a==b", ",a=b=c",
		`,a\=b=c`, `,a=b\=c`, `,a=\=`, `,a=\\=b`, `,a\\=b`, `,a=b\,c`, `,a=b\ c`, `,a=b\\`, `\`, `\\`, `\ x`, `\,x`, `\\ x`, `\\,a=b`, `\\\,a=b`,
		`"`, `"x`, `,a="`, `,a="b"`, `,a="b c"`, "\t", "\r", "\x00", "é", "#", "=", "=x", "a=b", ",time=1", ",a=b,time=1", ",a\\\nb=c", "\\\n",
		",a=b\\\n", ",a=b\\\nc", ",a=\t", ",\t=a", ",a=b\r", `,a=b\`, ",_field=x", ",_measurement=x", ",a=\xff", ",a=b,a\\ =c", `,\,=x`, `,\==x`, `, a=b`, `,a= b`,
	}
	oddFields = []string{
		"", "f", "f=", "=1", "f=1", "f=1.", "f=.5", "f=-.5", "f=-", "f=.", "f=--1", "f=+1", "f=1e3", "f=1E+3", "f=1e-3", "f=01", "f=1e", "f=1e400", "f=1e-400",
		"f=-1e400", "f=1ee3", "f=1e3e3", "f=1e+", "f=1e+-3", "f=1e3.5", "f=1.1.1", "f=1-", "f=1+", "f=0x10", "f=1_000", "f=1f", "f=1i", "f=-1i", "f=-i", "f=i", "f=.i",
		"f=007i", "f=1.5i", "f=1e3i", "f=1ii", "f=1i1", "f=9223372036854775807i", "f=9223372036854775808i", "f=-9223372036854775808i", "f=-9223372036854775809i",
		"f=00000000000000000000000000001i", "f=" + strings.Repeat("9", 400), "f=" + strings.Repeat("1", 300), "f=0." + strings.Repeat("1", 300), "f=1ui", "f=1iu",
		"f=179769313486231570814527423731704356798080000000000000000000e250", "f=NaN", "f=nan", "f=inf", "f=Inf", "f=-inf", "f=-nan", "f=n", "f=N", "f=1N", "f=1n1", "f=1NaN",
		"f=t", "f=T", "f=true", "f=True", "f=TRUE", "f=f", "f=F", "f=false", "f=False", "f=FALSE", "f=tRUE", "f=yes", "f='x'", "f=tr", "f=truee", "f=t1",
		`f=""`, `f="a"`, `f="a b"`, `f="a,b=c"`, "f=\"a\nb\"", "f=\"\n\"", "f=\"\n# x\nm f=1\"", `f="a\"b"`, `f="a\\"`, `f="a\"`, `f="`, `f="a`, `f="a"b`, `f="a"b"`, `f="a"b"c"`, `f="a""b"`,
		`f="a"=1`, `f="a"=1,b`, `f="a"=1,b,c=2`, `f="a"i`, `f="a" `, "f=\"a\"\r", "f=1\r", "f=t\r", "f=1i\r", "f=1\t", `f="a"` + "\t", "f=\"\x00\"", "f=\"\xff\"", "f=\"a\\\nb\"", "f=\"a\\nb\"",
		"f=1,g=2", "f=1,f=2", "f=1,f=2i", "f=1i,f=2", "f=1,", "f=1,,g=2", ",f=1", "f=1,g", "f=1,g=", "f=1,=2", "f=1 ,g=2", "f=1, g=2", "f=1,g= 2", "f =1", "f= 1", "f=1=2", "f==1", "f=1,g==2",
		`f\=1`, `f\=g=1`, `f\\=1`, `f\\\=g=1`, `f\,g=1`, `f\ g=1`, `f\"g=1`, `f"g=1`, `"f"=1`, `f"g="a"`, `"f="a"`, `f\\g=1`, `f\g=1`, `\f=1`, `\=1`, `\==1`, `\,=1`, `a=1,\,=1`, `a=1,b\\,=1`, `a=1,b\\,c=1`,
		`f=\1`, `f=1\`, `f=1\,g=2`, `f=\"a"`, `f=t\`, `f="a"\`, `f="a"\,g=1`, `f="a"\ `, `f="a"\,g`, "f\\\ng=1", "f=\\\n1", "f=1\\\n", "f\ng=1", "time=1", "f=1,time=2", "time=1,time=2", "é=1", "\t=1", "f\t=1", "#=1", "#f=1",
		"f=1u", "f=1,g=1u", `f="a",g="b"`, `f="a",g=1i,h=t`, `f="a,g="b"`, `f="a"b,g="c"`, "_f=1", "f=\"" + strings.Repeat("x", 70000) + "\"", strings.Repeat("x", 65000) + "=1", strings.Repeat("x", 65536) + "=1",
	}
	oddTimes = []string{
		"", " ", "  ", " 10", "  10", " 10 ", " 10  ", " -10", " --10", " -", " +10", " 1.5", " 1e3", " 10i", " 0", " -0", " 007", " 10 x", " 10 11", " x", " \t10", "\t10", " 10\t", " \t", " 10\r", "\r", " \r", " 10 \r",
		" 9223372036854775806", " 9223372036854775807", " 9223372036854775808", " -9223372036854775806", " -9223372036854775807", " -9223372036854775808", " -9223372036854775809",
		" 99999999999999999999999", " -99999999999999999999", " 0000000000000000000000000000000010", " \x0010", " 1\x000", ` 10\`, ` \`, " 10\\\n", ` "`, ` a="`, ` 10 a="b"`, " 10#", " 10,", " ,", " =",
	}
)

// oddLine gives a line of a measurement of its own, most often with one odd part.
func oddLine(rng *rand.Rand, n int) string {
	key, fields, at := "", fmt.Sprintf("f=%d", n), " 10"
	switch n % 7 {
	case 0:
		key = oneOf(rng, oddKeys)
	case 1, 2:
		fields = oneOf(rng, oddFields)
	case 3:
		at = oneOf(rng, oddTimes)
	case 4:
		key = jumble(rng, `ab=,=,\\"`+" \n\t")
	case 5:
		fields = jumble(rng, `fg=,=,=,1it\\""`+" \n.-e")
	case 6:
		key, fields, at = oneOf(rng, oddKeys), oneOf(rng, oddFields), oneOf(rng, oddTimes)
	}
	return fmt.Sprintf("n%d%s %s%s", n, key, fields, at)
}

func oneOf(rng *rand.Rand, of []string) string { return of[rng.IntN(len(of))] }

func jumble(rng *rand.Rand, alphabet string) string {
	b := make([]byte, 1+rng.IntN(14))
	for i := range b {
		b[i] = alphabet[rng.IntN(len(alphabet))]
	}
	return string(b)
}

// oddLines gives each odd part once by itself, and then random lines.
func oddLines(rng *rand.Rand, count int) []string {
	var lines []string
	for _, key := range oddKeys {
		lines = append(lines, fmt.Sprintf("n%d%s f=1 10", len(lines), key))
	}
	for _, fields := range oddFields {
		lines = append(lines, fmt.Sprintf("n%d %s 10", len(lines), fields), fmt.Sprintf("n%d %s", len(lines)+1, fields))
	}
	for _, at := range oddTimes {
		lines = append(lines, fmt.Sprintf("n%d f=1%s", len(lines), at))
	}
	for len(lines) < count {
		lines = append(lines, oddLine(rng, len(lines)))
	}
	return lines
}

// verdict is what the scanner and the parsers say of a line: its fields as they would be
// stored, or why it is none.
func verdict(line string) (fields []string, err error) {
	s := lineprotocol.NewScanner(strings.NewReader(line + "\n"))
	if !s.Next() {
		return nil, errors.New("nothing found")
	}
	t := s.Token()
	if t.Kind != lineprotocol.PointToken {
		return nil, fmt.Errorf("kind %d: %w", t.Kind, t.Err)
	}
	if len(t.Text) != len(line) {
		return nil, fmt.Errorf("the point is %q", t.Text)
	}
	if err := lineprotocol.CheckKey(t.Key); err != nil {
		return nil, err
	}
	if len(t.Time) > 0 {
		if _, err := lineprotocol.ParseTime(t.Time, 1); err != nil {
			return nil, err
		}
	}
	parsed, err := lineprotocol.ParseFields(nil, t.Fields)
	for _, f := range parsed {
		switch {
		case f.Kind == point.Unsigned:
			return nil, errors.New("a server that is not built for them takes no unsigned values")
		case len(t.Key)+len(point.KeySeparator)+len(f.Key) > 65535:
			return nil, errors.New("key and field key are too long")
		case string(f.Key) != "time": // which is passed over
			fields = append(fields, fmt.Sprintf("%q %s", lineprotocol.UnescapeField(f.Key), f.Kind))
		}
	}
	slices.Sort(fields)
	return slices.Compact(fields), err
}

// stricter knows the lines that the scanner refuses although a server takes them in a
// request of their own: those that end with a CR, which becomes part of a value, or with
// a backslash, which in front of another line would swallow the line feed; a field
// without a name, behind a tab; and a point over several lines with bare quotes in a string or
// something behind it, which is what a torn line looks like.
func stricter(line string) bool {
	return strings.HasSuffix(line, "\r") || strings.HasSuffix(line, `\`) || strings.Contains(line, "\t=") ||
		strings.Contains(line, "\n") && looseString.MatchString(line)
}

var looseString = regexp.MustCompile(`"[^"]*"[^, ]`)

var numbered = regexp.MustCompile(`^n\d+`)

// stored gives the numbers of all series of a database, and their fields as far as the
// server shows them: it loses sight of measurements with two backslashes before a comma or
// a blank.
func stored(s *influxdtest.Server, db string) map[string][]string {
	all := map[string][]string{}
	for _, series := range s.Query(db, "SHOW SERIES") {
		for _, v := range series.Values {
			all[numbered.FindString(v[0].(string))] = nil
		}
	}
	for _, series := range s.Query(db, "SHOW FIELD KEYS") {
		n := numbered.FindString(series.Name)
		for _, v := range series.Values {
			all[n] = append(all[n], fmt.Sprintf("%q %v", v[0], v[1]))
		}
		slices.Sort(all[n])
	}
	return all
}

// What a server takes and what it refuses, in a request for each line, is what the parsers
// say; and of all lines in one request it finds those that the scanner finds.
func TestScannerAgreesWithServer(t *testing.T) {
	seed, _ := random(t, 0)
	s := influxdtest.Start(t, influxdtest.Options{})
	s.Exec(`CREATE DATABASE "one"`, `CREATE DATABASE "all"`)
	want := map[string][]string{}
	var body []byte
	var inBody []string
	bad := 0
	for i, line := range oddLines(rand.New(rand.NewPCG(seed, 1)), 1500) {
		refused := s.TryWrite("one", "", line+"\n")
		fields, err := verdict(line)
		switch {
		case refused != nil && strings.Contains(refused.Error(), "field type conflict"):
			continue // parsed, and two values of one field are of different types
		case (err == nil) == (refused == nil):
		case err != nil && stricter(line):
			continue
		default:
			t.Errorf("line %d, %.200q: the server says %v, the parsers %v", i, line, refused, err)
			continue
		}
		if err == nil {
			want[numbered.FindString(line)] = fields
		} else if strings.ContainsAny(line, "\"\\\n") || !strings.Contains(refused.Error(), "unable to parse") {
			continue // its end is a matter of opinion, or it is a good point that is not stored
		} else {
			bad++
		}
		body = append(append(body, line...), '\n')
		inBody = append(inBody, line)
	}
	compareFields(t, "one by one", want, stored(s, "one"))

	refused := s.TryWrite("all", "", string(body))
	if refused == nil || strings.Count(refused.Error(), "unable to parse '") != bad {
		t.Errorf("of %d lines %d are bad; the server says %v", len(inBody), bad, refused)
	}
	compareFields(t, "all at once", want, stored(s, "all"))
	var found []string
	for scan := lineprotocol.NewScanner(bytes.NewReader(body)); scan.Next(); {
		found = append(found, string(scan.Token().Text))
	}
	if d := cmp.Diff(inBody, found); d != "" {
		t.Errorf("the scanner finds (-want +got):\n%s", d)
	}
}

// compareFields leaves aside what is not in want: what the scanner refuses on purpose,
// and what else a refused line holds.
func compareFields(t *testing.T, how string, want, got map[string][]string) {
	t.Helper()
	for n, fields := range want {
		have, ok := got[n]
		if !ok {
			t.Errorf("%s: the server has no %s", how, n)
		} else if d := cmp.Diff(fields, have); d != "" && have != nil {
			t.Errorf("%s, %s (-want +got):\n%s", how, n, d)
		}
	}
}
