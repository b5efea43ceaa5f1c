// SPDX-License-Identifier: Apache-2.0

package lpjudge

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

// normal reads text and gives its values in normal form.
func normal(t *testing.T, text string) []string {
	t.Helper()
	values, _, err := Read(strings.NewReader(text), Options{DB: "d", RP: "r"})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, v := range values {
		lines = append(lines, strings.TrimPrefix(v.String(), "d\tr\t"))
	}
	return lines
}

// accepted holds lines that a server takes, with their values.
var accepted = map[string]struct {
	text string
	want []string
}{
	"every type": {
		"m,h=a f=1.5,i=-2i,b=t,s=\"x\" 10\n",
		[]string{"m,h=a\tf\tf\t1.5\t10", "m,h=a\ti\ti\t-2\t10", "m,h=a\tb\tb\ttrue\t10", "m,h=a\ts\ts\tx\t10"},
	},
	"float forms": {
		"m a=1,b=1.,c=.5,d=-.5,e=1e3,f=1E+3,g=1e-3,h=01,i=0.1e1,j=1e-400,k=-0 1\n",
		[]string{
			"m\ta\tf\t1\t1", "m\tb\tf\t1\t1", "m\tc\tf\t0.5\t1", "m\td\tf\t-0.5\t1", "m\te\tf\t1000\t1", "m\tf\tf\t1000\t1",
			"m\tg\tf\t0.001\t1", "m\th\tf\t1\t1", "m\ti\tf\t1\t1", "m\tj\tf\t0\t1", "m\tk\tf\t-0\t1",
		},
	},
	"float bits": {
		"m a=0.1,b=5e-324,c=1.7976931348623157e+308,d=0.30000000000000004,e=1e+300 1\n",
		[]string{
			"m\ta\tf\t0.1\t1", "m\tb\tf\t5e-324\t1", "m\tc\tf\t1.7976931348623157e+308\t1",
			"m\td\tf\t0.30000000000000004\t1", "m\te\tf\t1e+300\t1",
		},
	},
	"integer borders": {
		"m a=9223372036854775807i,b=-9223372036854775808i,c=007i,d=9007199254740993i 1\n",
		[]string{"m\ta\ti\t9223372036854775807\t1", "m\tb\ti\t-9223372036854775808\t1", "m\tc\ti\t7\t1", "m\td\ti\t9007199254740993\t1"},
	},
	"boolean forms": {
		"m a=t,b=T,c=true,d=True,e=TRUE,f=f,g=F,h=false,i=False,j=FALSE 1\n",
		[]string{
			"m\ta\tb\ttrue\t1", "m\tb\tb\ttrue\t1", "m\tc\tb\ttrue\t1", "m\td\tb\ttrue\t1", "m\te\tb\ttrue\t1",
			"m\tf\tb\tfalse\t1", "m\tg\tb\tfalse\t1", "m\th\tb\tfalse\t1", "m\ti\tb\tfalse\t1", "m\tj\tb\tfalse\t1",
		},
	},
	"time borders": {
		"m f=1 -9223372036854775806\nm f=2 9223372036854775806\nm f=3 0\n",
		[]string{"m\tf\tf\t1\t-9223372036854775806", "m\tf\tf\t2\t9223372036854775806", "m\tf\tf\t3\t0"},
	},
	"names with blanks, commas, equals": {
		`m\ x\,y,a\ k\=\,=v\ \=\, f\ \,\==1 1` + "\n",
		[]string{`m x\,y,a k\=\,=v \=\,` + "\tf ,=\tf\t1\t1"},
	},
	"backslashes in names stay": {
		`m\x,t=a\b f\c=1 1` + "\n",
		[]string{`m\\x,t=a\\b` + "\t" + `f\\c` + "\tf\t1\t1"},
	},
	"two backslashes before a comma": {
		`m,t=a\\,b f=1 1` + "\n",
		[]string{`m,t=a\\\,b` + "\tf\tf\t1\t1"},
	},
	"measurement with escaped equals and quote": {
		`a\=b f=1 1` + "\n" + `c\"d f=2 1` + "\n",
		[]string{`a\=b` + "\tf\tf\t1\t1", `c"d` + "\tf\tf\t2\t1"},
	},
	"quotes in names": {
		`m"1,t"k=t"v f\"1=1,"g"=2 1` + "\n",
		[]string{`m"1,t"k=t"v` + "\tf\"1\tf\t1\t1", `m"1,t"k=t"v` + "\t\"g\"\tf\t2\t1"},
	},
	"line feed behind a backslash in a tag": {
		"m,t=a\\\nb f=1 1\n",
		[]string{`m,t=a\\\nb` + "\tf\tf\t1\t1"},
	},
	"tags in any order": {
		"m,z=1,a=2 f=1 1\n",
		[]string{"m,a=2,z=1\tf\tf\t1\t1"},
	},
	"hard strings": {
		`m a="",b=" ",c="x,y=z 1",d="q\"q",e="b\\",f="\n",g="\\n",h="é☃",i="a\b" 1` + "\n",
		[]string{
			"m\ta\ts\t\t1", "m\tb\ts\t \t1", "m\tc\ts\tx,y=z 1\t1", "m\td\ts\tq\"q\t1", "m\te\ts\tb\\\\\t1",
			"m\tf\ts\t\\\\n\t1", "m\tg\ts\t\\\\n\t1", "m\th\ts\té☃\t1", "m\ti\ts\ta\\\\b\t1",
		},
	},
	"string over several lines": {
		"m a=\"x\n\n# CONTEXT-DATABASE:evil\n y\",b=1 1\nm a=\"z\" 2\n",
		[]string{"m\ta\ts\tx\\n\\n# CONTEXT-DATABASE:evil\\n y\t1", "m\tb\tf\t1\t1", "m\ta\ts\tz\t2"},
	},
	"string with control bytes and bad UTF-8": {
		"m a=\"\t\r\x00\x01\x7f\xff\xc3\" 1\n",
		[]string{`m` + "\ta\ts\t" + `\t\r\x00\x01\x7f\xff\xc3` + "\t1"},
	},
	"comments and blank lines": {
		"# a\n\nm f=1 1\n#b \"\nm f=2 2\n",
		[]string{"m\tf\tf\t1\t1", "m\tf\tf\t2\t2"},
	},
	"hash inside": {
		"m#,t=# #=\"#\" 1\n",
		[]string{"m#,t=#\t#\ts\t#\t1"},
	},
}

func TestReadAccepted(t *testing.T) {
	for name, tt := range accepted {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, normal(t, tt.text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// refused holds lines that a server refuses, or reads as something else than they say.
var refused = map[string]string{
	"no fields":               "m\n",
	"no field value":          "m f= 1\n",
	"no field key":            "m =1 1\n",
	"no measurement":          ",t=a f=1 1\n",
	"no tag value":            "m,t= f=1 1\n",
	"no tag key":              "m,=a f=1 1\n",
	"tag without equals":      "m,t f=1 1\n",
	"equals in tag value":     "m,t=a=b f=1 1\n",
	"trailing backslash":      "m,t=a\\ f=1 1\n",
	"tag twice":               "m,t=a,t=b f=1 1\n",
	"plus":                    "m f=+1 1\n",
	"hex":                     "m f=0x10 1\n",
	"underscore":              "m f=1_000 1\n",
	"overflow":                "m f=1e400 1\n",
	"no exponent":             "m f=1e 1\n",
	"dot":                     "m f=. 1\n",
	"dash":                    "m f=- 1\n",
	"NaN":                     "m f=NaN 1\n",
	"inf":                     "m f=inf 1\n",
	"minus inf":               "m f=-inf 1\n",
	"integer overflow":        "m f=9223372036854775808i 1\n",
	"float as integer":        "m f=1.5i 1\n",
	"exponent in integer":     "m f=1e3i 1\n",
	"mixed case boolean":      "m f=tRUE 1\n",
	"word":                    "m f=yes 1\n",
	"unbalanced quotes":       "m f=\"a\\\" 1\n",
	"time too early":          "m f=1 -9223372036854775807\n",
	"time too late":           "m f=1 9223372036854775807\n",
	"time not a number":       "m f=1 1.5\n",
	"carriage return":         "m f=1 1\r\n",
	"text behind the time":    "m f=1 1 x\n",
	"comma behind the fields": "m f=1, 1\n",
}

// strict holds lines that a server takes but no export should hold.
var strict = map[string]string{
	"no time":                "m f=1\n",
	"two blanks":             "m  f=1 1\n",
	"two blanks before time": "m f=1  1\n",
	"blank in front":         " m f=1 1\n",
	"blank at the end":       "m f=1 1 \n",
	"field twice":            "m f=1,f=2 1\n",
	"plus in time":           "m f=1 +1\n",
	"bad unsigned":           "m f=-1u 1\n",
	"unsigned overflow":      "m f=18446744073709551616u 1\n",
	"open string":            "m f=\"abc\n",
	"open backslash":         "m f=1 1\nm,t=a\\",
}

func TestReadRefused(t *testing.T) {
	for _, table := range []map[string]string{refused, strict} {
		for name, text := range table {
			t.Run(name, func(t *testing.T) {
				values, _, err := Read(strings.NewReader(text), Options{})
				if err == nil {
					t.Fatalf("taken as %v", values)
				}
			})
		}
	}
}

func TestReadNamesTheLine(t *testing.T) {
	_, _, err := Read(strings.NewReader("# c\nm s=\"a\nb\" 1\nm f=x 1\n"), Options{})
	if err == nil || !strings.HasPrefix(err.Error(), "line 4: ") {
		t.Errorf("got %v, want line 4", err)
	}
}

func TestUnsigned(t *testing.T) {
	want := []string{"m\tu\tu\t18446744073709551615\t1"}
	if diff := cmp.Diff(want, normal(t, "m u=18446744073709551615u 1\n")); diff != "" {
		t.Error(diff)
	}
}

func TestContexts(t *testing.T) {
	text := "# DDL\nCREATE DATABASE \"a:b\"\nCREATE CONTINUOUS QUERY q ON d BEGIN SELECT \"x FROM y WHERE a = '\"' END\n# DML\n" +
		"# CONTEXT-DATABASE:a:b\n# CONTEXT-RETENTION-POLICY:r 1\nm f=1 1\n# CONTEXT-DATABASE:c\nm f=2 2\n# CONTEXT-RETENTION-POLICY:r2\nm f=3 3"
	values, report, err := Read(strings.NewReader(text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []Value{
		{"a:b", "r 1", "m", "f", Float, "1", 1},
		{"c", "r 1", "m", "f", Float, "2", 2},
		{"c", "r2", "m", "f", Float, "3", 3},
	}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Error(diff)
	}
	wantReport := Report{Lines: 3, Values: 3, NoNewline: true, DDL: []string{
		`CREATE DATABASE "a:b"`, `CREATE CONTINUOUS QUERY q ON d BEGIN SELECT "x FROM y WHERE a = '"' END`,
	}}
	if diff := cmp.Diff(wantReport, report); diff != "" {
		t.Error(diff)
	}
}

func TestCountPoints(t *testing.T) {
	text := "m f=1 1\nm,t=a f=1 1\nm g=2 1\nm h=3 1\nm f=1 2\n"
	_, report, err := Read(strings.NewReader(text), Options{CountPoints: true})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Report{Lines: 5, Values: 5, Points: 3, Split: 1}, report); diff != "" {
		t.Error(diff)
	}
}

func TestReadPathForms(t *testing.T) {
	var gz, zst bytes.Buffer
	for _, text := range []string{"m f=2 2\n", "m f=3 3\n"} { // two gzip members
		w := gzip.NewWriter(&gz)
		_, _ = w.Write([]byte(text))
		_ = w.Close()
	}
	zw, err := zstd.NewWriter(&zst)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = zw.Write([]byte("m f=4 4\n"))
	_ = zw.Close()
	dir := t.TempDir()
	for name, content := range map[string][]byte{
		"a.lp": []byte("m f=1 1\n"), "sub/b.lp.gz": gz.Bytes(), "sub/c.lp.zst": zst.Bytes(), "manifest.json": []byte("{}"),
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	values, report, err := ReadPath(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var vals []string
	for _, v := range values {
		vals = append(vals, v.Val)
	}
	if diff := cmp.Diff([]string{"1", "2", "3", "4"}, vals); diff != "" || report.Lines != 4 {
		t.Errorf("%d lines, %s", report.Lines, diff)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.lp"), gz.Bytes()[:gz.Len()-4], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ReadPath(filepath.Join(dir, "a.lp"), Options{}); err == nil {
		t.Error("a cut gzip file is taken")
	}
}
