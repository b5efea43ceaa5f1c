// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFromLegacy(t *testing.T) {
	cases := map[string]struct{ args, want string }{
		"export":                {"export -database myDB -compress -start 2019-05-19", "export --database=myDB --compress=true --start=2019-05-19"},
		"a name is no pattern":  {"export -database a*", `export --database=a\*`},
		"a database of import":  {"import -database a*", "import --database=a*"},
		"what is found out":     {"import -import -compressed -compress -path f", "import --path=f"},
		"directory of verify":   {"verify -dir /var/lib/influxdb --quiet", "verify /var/lib/influxdb --quiet"},
		"equals":                {"import -path=f -pps=10", "import --path=f --pps=10"},
		"booleans":              {"import -ssl -unsafeSsl=1 -compressed=false", "import --ssl=true --insecure-skip-verify=true"},
		"precision":             {"import -precision u -database d", "import --precision=us --database=d"},
		"precision of answers":  {"import -precision=rfc3339", "import --precision=ns"},
		"a value like a flag":   {"import -password -import", "import --password=-import"},
		"empty is the default":  {"import -host= -port=", "import"},
		"two dashes stay":       {"import --database a* -h -", "import --database a* -h -"},
		"nothing behind --":     {"import -- -path", "import -- -path"},
		"negative numbers stay": {"export --start -1", "export --start -1"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := fromLegacy(strings.Fields(c.args))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Fields(c.want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFromLegacyRefuses(t *testing.T) {
	for args, want := range map[string]string{
		"import -retention x": "unknown flag -retention (flags begin with two dashes; with one, export and verify take those of influx_inspect, and import those of influx)",
		"export -path x":      "unknown flag -path (flags begin with two dashes; with one, export and verify take those of influx_inspect, and import those of influx)",
		"replay -pps 1":       "unknown flag -pps (flags begin with two dashes; with one, export and verify take those of influx_inspect, and import those of influx)",
		"-path import":        "unknown flag -path (flags begin with two dashes; with one, export and verify take those of influx_inspect, and import those of influx)",
		"import -path":        "missing value for flag -path",
	} {
		t.Run(args, func(t *testing.T) {
			got, err := fromLegacy(strings.Fields(args))
			if err == nil || err.Error() != want {
				t.Errorf("%q, %v; want error %q", got, err, want)
			}
		})
	}
}
