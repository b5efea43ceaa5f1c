// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRun(t *testing.T) {
	dir := t.TempDir()
	cases := map[string]struct {
		args []string
		file string // must be there then; empty: an error
	}{
		"devops":       {[]string{"devops", "-hosts", "1", "-hours", "0.1", "-shards", "2", dir + "/d"}, "d/data/telegraf/autogen/2/000000012-000000001.tsm"},
		"many":         {[]string{"many", "-series", "3", dir + "/m"}, "m/data/many/autogen/1/000000007-000000001.tsm"},
		"nothing":      {nil, ""},
		"unknown":      {[]string{"few", dir}, ""},
		"no directory": {[]string{"many", "-series", "3"}, ""},
		"not a number": {[]string{"many", "-series", "x", dir}, ""},
		"no hosts":     {[]string{"devops", "-hosts", "0", dir}, ""},
		"no time":      {[]string{"devops", "-hours", "0", dir}, ""},
	}
	for name, c := range cases {
		err := run(c.args)
		if (err != nil) != (c.file == "") {
			t.Errorf("%s: error %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(dir, c.file)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
