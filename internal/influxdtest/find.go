// SPDX-License-Identifier: Apache-2.0

package influxdtest

import (
	"fmt"
	"os"
	"os/exec"
)

// TB is the part of testing.TB that a server needs. Programs that are not tests
// bring their own; Fatalf must not return.
type TB interface {
	Helper()
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
	Cleanup(f func())
	TempDir() string
}

const howToInstall = "no influxd on this machine: run `make deps`, or `apt-get install influxdb influxdb-client`, or name one in SHARDLIFT_INFLUXD"

// Find gives the paths of influxd and of the influx client. SHARDLIFT_INFLUXD and
// SHARDLIFT_INFLUX name them; otherwise PATH is searched. The client's path is
// empty where there is none; a missing server is an error that says how to get one.
func Find() (influxd, influx string, err error) {
	influxd = os.Getenv("SHARDLIFT_INFLUXD")
	if influxd == "" {
		influxd = "influxd"
	}
	if influxd, err = exec.LookPath(influxd); err != nil {
		return "", "", fmt.Errorf("%s (%w)", howToInstall, err)
	}
	influx = os.Getenv("SHARDLIFT_INFLUX")
	if influx == "" {
		influx = "influx"
	}
	if influx, err = exec.LookPath(influx); err != nil {
		influx = ""
	}
	return influxd, influx, nil
}

// Require skips the test where there is no influxd, saying how to install it.
// With CI=true or SHARDLIFT_REQUIRE_INFLUXD=1 in the environment it fails instead,
// as it does for a tb that cannot skip. Start calls it.
func Require(tb TB) {
	tb.Helper()
	if _, _, err := Find(); err != nil {
		missing(tb, err)
	}
}

func missing(tb TB, err error) {
	tb.Helper()
	skipper, ok := tb.(interface{ Skipf(string, ...any) })
	if !ok || os.Getenv("CI") == "true" || os.Getenv("SHARDLIFT_REQUIRE_INFLUXD") == "1" {
		tb.Fatalf("%v", err)
	}
	skipper.Skipf("SKIPPED: %v", err)
}
