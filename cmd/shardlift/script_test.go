// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/internal/influxdtest/testvolume"
)

// asCommand makes the test binary be shardlift, for tests that start it as a process
// of its own.
const asCommand = "TEST_BINARY_IS_SHARDLIFT"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Exit(realMain())
	}
	testscript.Main(m, map[string]func(){"shardlift": main})
}

// TestScripts runs the scripts, in which shardlift is the real main. Beside what
// testscript has, they know
//
//	exits CODE PROGRAM ARG...   run a program that must end with this code and leave the sources as they are
//	interrupt WHEN WANT PROGRAM ARG...
//	                            interrupt a program when it says WHEN; it must say WANT at its end
//	volume NAME DIR             copy a recorded volume
//	mkvolume KIND DIR           write a volume, see volumeKinds
//	damage DIR                  flip a bit in the first block of the first TSM file below DIR
//	judge OUT NAME [FLAG...]    compare an export with what the server of the recorded volume answered
//	same DIR DIR                compare two directories, file by file
//	influxd [auth]              start a server; INFLUX_URL, INFLUX_HOST and INFLUX_PORT say where
//	stop                        end it
//	query DATABASE STATEMENT... ask it
//	write DATABASE POLICY FILE  write to it
//	answers NAME [FLAG...]      compare it with a recorded volume; as=OLD=NEW renames a database
//	nowhere VARIABLE            set a variable to a URL at which nobody listens
//
// Where there is no influxd the condition [influxd] is false, but with CI=true.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Setup:               setUp,
		Cmds:                scriptCommands,
		Condition:           condition,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_GOLDEN") != "",
	})
}

// setUp gives a script a home and nothing of the environment of whoever runs the tests
// that shardlift would look at.
func setUp(env *testscript.Env) error {
	vars := env.Vars[:0]
	for _, v := range env.Vars {
		if !strings.HasPrefix(v, "SHARDLIFT_") && !strings.HasPrefix(v, "INFLUX_") && !strings.HasPrefix(v, "XDG_") && !strings.HasPrefix(v, "COLUMNS=") {
			vars = append(vars, v)
		}
	}
	env.Vars = vars
	root, err := filepath.Abs("../..")
	if err != nil {
		return err
	}
	env.Setenv("REPO", root)
	env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
	env.Setenv("TZ", "America/New_York") // which must not matter
	env.Values[sourcesKey{}] = &sources{prints: map[string]map[string]string{}}
	return os.Mkdir(filepath.Join(env.WorkDir, "home"), 0o755)
}

// condition knows [influxd], and [packaged]: this machine has data where the packages keep it, which
// would be the default source.
func condition(name string) (bool, error) {
	switch name {
	case "packaged":
	case "influxd":
		_, _, err := influxdtest.Find()
		return err == nil || os.Getenv("CI") == "true", nil
	default:
		return false, os.ErrInvalid
	}
	entries, err := os.ReadDir("/var/lib/influxdb")
	return err == nil && len(entries) > 0 || os.IsPermission(err), nil
}

// scriptTB lets recorded volumes be opened from a script.
type scriptTB struct{ ts *testscript.TestScript }

func (scriptTB) Helper()                              {}
func (tb scriptTB) Fatalf(format string, args ...any) { tb.ts.Fatalf(format, args...) }

func (tb scriptTB) TempDir() string {
	dir, err := os.MkdirTemp(tb.ts.Getenv("TMPDIR"), "")
	tb.ts.Check(err)
	return dir
}

var _ testvolume.TB = scriptTB{}
