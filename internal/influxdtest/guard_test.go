// SPDX-License-Identifier: Apache-2.0

package influxdtest

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

// fakeTB is a test under test: it keeps its cleanups, and how it was skipped or failed.
type fakeTB struct {
	*testing.T
	cleanups        []func()
	skipped, failed string
}

func (f *fakeTB) Cleanup(fn func()) { f.cleanups = append(f.cleanups, fn) }

func (f *fakeTB) Skipf(format string, args ...any) {
	f.skipped = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (f *fakeTB) Fatalf(format string, args ...any) {
	f.failed = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestRequire(t *testing.T) {
	tests := map[string]struct {
		ci, require string
		skips       bool
	}{
		"on a desk":      {skips: true},
		"in CI":          {ci: "true"},
		"asked for":      {require: "1"},
		"CI is not true": {ci: "false", skips: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SHARDLIFT_INFLUXD", "/nonexistent/influxd")
			t.Setenv("CI", tt.ci)
			t.Setenv("SHARDLIFT_REQUIRE_INFLUXD", tt.require)
			tb := &fakeTB{T: t}
			done := make(chan struct{})
			go func() {
				defer close(done)
				Require(tb)
			}()
			<-done
			said := tb.failed
			if tt.skips {
				said = tb.skipped
			}
			if !strings.Contains(said, "apt-get install influxdb") {
				t.Errorf("skipped with %q, failed with %q", tb.skipped, tb.failed)
			}
		})
	}
}

func TestCleanupStopsServer(t *testing.T) {
	Require(t)
	tb := &fakeTB{T: t}
	s := Start(tb, Options{})
	done := s.proc.done
	for _, fn := range tb.cleanups {
		fn()
	}
	select {
	case <-done:
	default:
		t.Error("influxd still runs")
	}
}

const childEnv = "INFLUXDTEST_DIES_AFTER_START"

// A test process that ends without its cleanups, as at a time limit, must not leave
// its server behind. The test runs itself as that process.
func TestWatchdog(t *testing.T) {
	if os.Getenv(childEnv) != "" {
		fmt.Println("url=" + Start(t, Options{Dir: os.Getenv(childEnv)}).URL)
		os.Exit(0)
	}
	Require(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestWatchdog$")
	cmd.Env = append(os.Environ(), childEnv+"="+t.TempDir())
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("child: %v", err)
	}
	_, url, ok := strings.Cut(strings.TrimSpace(string(out)), "url=")
	if !ok {
		t.Fatalf("child printed %q", out)
	}
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(10 * time.Millisecond) {
		resp, err := http.Get(url + "/ping")
		if err != nil {
			return // gone
		}
		_ = resp.Body.Close()
		if time.Now().After(deadline) {
			t.Fatal("influxd outlived the test process")
		}
	}
}

func TestSettings(t *testing.T) {
	o := Options{Dir: `/a "b"`, Set: map[string]string{"data.index-version": `"tsi1"`, "x": "1", "meta.retention-autocreate": "false"}}
	got := renderTOML(o.settings("h:1", "r:2"))
	for _, want := range []string{
		"index-version = \"tsi1\"\n", // Set wins
		"[meta]\ndir = \"/a \\\"b\\\"/meta\"\nlogging-enabled = false\nretention-autocreate = false\n",
		"cache-snapshot-write-cold-duration = \"24h0m0s\"\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if top, _, _ := strings.Cut(got, "["); !strings.Contains(top, "x = 1\n") || !strings.Contains(top, "bind-address = \"r:2\"\n") {
		t.Errorf("top level is %q", top)
	}
	if strings.Contains(got, "max-body-size") {
		t.Error("max-body-size is set without being asked for")
	}
}
