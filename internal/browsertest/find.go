// SPDX-License-Identifier: Apache-2.0

package browsertest

import (
	"errors"
	"os"
	"os/exec"
)

var errNone = errors.New("no Chromium on this machine: run `make deps`, or `apt-get install chromium`, or name one in SHARDLIFT_CHROMIUM")

// Find gives the path of a browser: the one that SHARDLIFT_CHROMIUM names, or else what PATH
// has. None is an error that says how to get one.
func Find() (string, error) {
	names := []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless_shell"}
	if name := os.Getenv("SHARDLIFT_CHROMIUM"); name != "" {
		names = []string{name}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errNone
}

// TB is the part of testing.TB that Require needs.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
}

// Require skips the test where there is no browser, saying how to install one; with CI=true
// in the environment it fails instead.
func Require(tb TB) {
	tb.Helper()
	_, err := Find()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		tb.Fatalf("%v", err)
	default:
		tb.Skipf("SKIPPED: %v", err)
	}
}
