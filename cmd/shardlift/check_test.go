// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/checker"
	"github.com/shardlift/shardlift/internal/shardtest"
	"github.com/shardlift/shardlift/tsmreader"
)

func TestSubsetFlag(t *testing.T) {
	for text, want := range map[string]tsmreader.Subset{
		"1/1": {Part: 1, Parts: 1}, "3/10": {Part: 3, Parts: 10}, "10/10": {Part: 10, Parts: 10},
		"5%": {Share: 0.05}, "0.5%": {Share: 0.005}, "100%": {Share: 1},
	} {
		var f subsetFlag
		if err := f.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if d := cmp.Diff(want, f.Subset); d != "" || f.text != text {
			t.Errorf("%s: %s", text, d)
		}
	}
	for _, text := range []string{"", "3", "/", "0/3", "4/3", "-1/3", "1/0", "1/x", "1/2/3", "%", "0%", "-1%", "101%", "x%", "NaN%"} {
		var f subsetFlag
		if err := f.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken as %+v", text, f)
		}
	}
}

func TestCheckGauge(t *testing.T) {
	p := &checker.Progress{}
	gauge := checkGauge(p)
	shown(t, gauge(0), "0 B read, 0 B/s")
	p.TotalBytes.Store(100e6)
	p.DoneBytes.Store(25e6)
	p.Shards.Store(4)
	p.ShardsDone.Store(1)
	p.Blocks.Store(12345)
	shown(t, gauge(time.Second), "25 % of 100 MB, 25 MB/s, shard 1 of 4, 12,345 blocks, about 3s left")
	p.Shards.Store(0)
	p.Files.Store(3)
	p.FilesDone.Store(2)
	p.Points.Store(5000)
	p.Faults.Store(2)
	shown(t, gauge(time.Second), "25 % of 100 MB, 25 MB/s, file 2 of 3, 5,000 points, 2 faults, about 3s left")
	if got := gauge(time.Second).brief; got != "25MB/s 2 faults" {
		t.Errorf("brief %q", got)
	}
}

// docs/cli.md has every field of the object that verify prints, and of its parts.
func TestEveryFieldOfVerifyIsDocumented(t *testing.T) {
	dir := t.TempDir()
	source, out, bad := filepath.Join(dir, "volume"), filepath.Join(dir, "out"), filepath.Join(dir, "bad.lp")
	v := shardtest.NewVolume(t, source)
	volumeKinds["wal-damaged"](v)
	v.Shard("db", "autogen", 1).Litter()
	if err := os.WriteFile(bad, bytes.Repeat([]byte("bad\n"), 2000), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd, stderr := command(t, "export", source, "--out", out+"/", "--compress")
	_ = cmd.Run() // the exit code tells
	if code := cmd.ProcessState.ExitCode(); code != exitFaults {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	cmd, stderr = command(t, "verify", source, out, bad, "--json", "--subset", "50%", "--checksums")
	object, _ := cmd.Output() // likewise
	if code := cmd.ProcessState.ExitCode(); code != exitFaults {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	failed, stderr := command(t, "verify", filepath.Join(dir, "nowhere"), "--json")
	failure, _ := failed.Output()
	if code := failed.ProcessState.ExitCode(); code != exitFailed {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	text, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Verifying\n")
	section, _, _ = strings.Cut(section, "\n## ")
	_, faults, _ := strings.Cut(string(text), "| field of a fault | |")
	faults, _, _ = strings.Cut(faults, "\n\n")
	seen := 0
	for _, b := range [][]byte{object, failure} {
		var fields any
		if err := json.Unmarshal(b, &fields); err != nil {
			t.Fatal(err)
		}
		eachKey(fields, func(key string) {
			seen++
			if !strings.Contains(section+faults, "`"+key+"`") {
				t.Errorf("field %s is not in docs/cli.md", key)
			}
		})
	}
	if seen < 100 {
		t.Errorf("only %d fields", seen)
	}
}

// A check that is interrupted says so, as a table and as JSON.
func TestInterruptedCheck(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close() //nolint:errcheck // a pipe
	defer w.Close() //nolint:errcheck // likewise
	cmd, stderr := command(t, "verify", "-", "--json")
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout = r, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// More than a pipe holds: when it is written, somebody reads.
	if _, err := w.WriteString(strings.Repeat("m f=1 1\n", 1<<20/8)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the exit code tells
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(stderr.String(), "shardlift: interrupted; not everything was looked at") || !strings.Contains(out.String(), `"exitCode":130`) {
		t.Errorf("%s\n%s", stderr, &out)
	}
}
