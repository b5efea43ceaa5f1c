// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shardlift/shardlift/internal/shardtest"
)

// Files and names may have any bytes, on the command line and in the environment.
func TestNamesOfAnyBytes(t *testing.T) {
	dir := t.TempDir()
	source := filepath.Join(dir, "volume\xff")
	volumeKinds["latin1"](shardtest.NewVolume(t, source))
	for name, c := range map[string]struct {
		args []string
		env  string
		want string // a line of it
	}{
		"a flag":           {args: []string{"--database", "caf\xe9"}, want: "m\xe9,t=\xfc f\xe4=0 "},
		"another":          {args: []string{"--database=caf\xe8"}, want: "m\xe9,t=\xfc f\xe4=1 "},
		"as it is written": {args: []string{"--database", `caf\\xe9`}, want: "m\xe9,t=\xfc f\xe4=2 "},
		"as influx's":      {args: []string{"-database", "caf\xe9"}, want: "m\xe9,t=\xfc f\xe4=0 "},
		"the environment":  {env: "caf\xe8", want: "m\xe9,t=\xfc f\xe4=1 "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SHARDLIFT_DATABASE", c.env)
			out := filepath.Join(t.TempDir(), "out\xfe.lp")
			var stdout, stderr bytes.Buffer
			args := append([]string{"export", source, "--lponly", "--json", "--out", out}, c.args...)
			if code := run(t.Context(), args, console{&stdout, &stderr}); code != exitDone {
				t.Fatalf("exit code %d: %s", code, &stderr)
			}
			text, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(text), c.want) || strings.Count(string(text), "\n") != 1 {
				t.Errorf("%q, want %q", text, c.want)
			}
			var report struct{ Output string }
			if err := json.Unmarshal(stdout.Bytes(), &report); err != nil || !strings.HasSuffix(report.Output, `out\xfe.lp`) {
				t.Errorf("output %q: %v", report.Output, err)
			}
		})
	}
}
