// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/internal/influxdtest/testvolume"
	"github.com/shardlift/shardlift/internal/shardtest"
)

// fence matches a block of a document: its language, its indentation and its text.
var fence = regexp.MustCompile("(?ms)^( *)```([a-z]+)\n(.*?)^ *```$")

// blocks gives the blocks of a language in a document, without their indentation.
func blocks(t *testing.T, doc, language string) []string {
	t.Helper()
	text, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
		if m[2] == language {
			out = append(out, strings.ReplaceAll("\n"+m[3], "\n"+m[1], "\n")[1:])
		}
	}
	if len(out) == 0 {
		t.Fatalf("%s has no block of %s", doc, language)
	}
	return out
}

// stubs stand for programs that a test cannot run.
var stubs = map[string]string{
	"sudo":  `exec "$@"`,
	"mount": `test -d "$4"`,
	"ssh":   `exec sh -c "$2"`,
}

// docHome makes a place where the paths of the documents exist, and gives it with the
// environment to run in.
func docHome(t *testing.T) (dir string, env []string) {
	t.Helper()
	dir = t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	demo := testvolume.Open(t, "demo").Dir
	for _, at := range []string{"mnt/snapshot", "mnt/node1", "mnt/node2"} {
		must(os.CopyFS(filepath.Join(dir, at), os.DirFS(demo)))
	}
	// The default source has the databases of README and of the guide, and no metastore.
	home := filepath.Join(dir, "home", ".influxdb")
	volumeKinds["guide"](shardtest.NewVolume(t, home))
	must(os.Remove(filepath.Join(home, "meta", "meta.db")))
	must(os.CopyFS(filepath.Join(home, "data"), os.DirFS(filepath.Join(demo, "data"))))
	const tsm = "000000001-000000001.tsm"
	data, err := os.ReadFile(filepath.Join(demo, "data", "telegraf", "two_weeks", "1", tsm))
	must(err)
	must(os.WriteFile(filepath.Join(dir, tsm), data, 0o600))
	bin := filepath.Join(dir, "bin")
	for _, d := range []string{bin, filepath.Join(dir, "backup")} {
		must(os.Mkdir(d, 0o755))
	}
	for name, text := range stubs {
		must(os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755))
	}
	self, err := os.Executable()
	must(err)
	must(os.WriteFile(filepath.Join(bin, "shardlift"), []byte("#!/bin/sh\n"+asCommand+"=1 exec '"+self+"' \"$@\"\n"), 0o755))
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "SHARDLIFT_") && !strings.HasPrefix(v, "INFLUX_") && !strings.HasPrefix(v, "XDG_") {
			env = append(env, v)
		}
	}
	return dir, append(env, "HOME="+filepath.Join(dir, "home"), "PATH="+bin+":"+os.Getenv("PATH"))
}

// needsServer matches blocks that write to a server.
var needsServer = regexp.MustCompile(`shardlift (import|replay)|--against|replay\.json`)

// Every command of the documents runs as it is written there, but for where /mnt, /backup
// and the server are, and takes something.
func TestDocumentedCommands(t *testing.T) {
	packaged, _ := condition("packaged")
	withServer, _ := condition("influxd")
	for _, doc := range []string{"../../README.md", "../../docs/cli.md", "../../docs/recovery.md"} {
		t.Run(filepath.Base(doc), func(t *testing.T) {
			dir, env := docHome(t)
			at := defaultURL
			if withServer {
				at = influxdtest.Start(t, influxdtest.Options{}).URL
				if !strings.HasSuffix(doc, "recovery.md") { // which names it always, or nobody
					env = append(env, "SHARDLIFT_URL="+at)
				}
			}
			here := strings.NewReplacer("/mnt/", dir+"/mnt/", "/backup/", dir+"/backup/", defaultURL, at)
			if strings.HasSuffix(doc, "cli.md") {
				config := here.Replace(blocks(t, doc, "yaml")[0])
				if err := os.WriteFile(filepath.Join(dir, "nightly.yaml"), []byte(config), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			before, err := shardtest.Fingerprint(filepath.Join(dir, "mnt"))
			if err != nil {
				t.Fatal(err)
			}
			for _, block := range blocks(t, doc, "sh") {
				if packaged && !strings.Contains(block, "/mnt/") && !strings.Contains(block, ".tsm") {
					t.Logf("not run, for there is data in the packages' directory: %s", block)
					continue
				}
				if !withServer && needsServer.MatchString(block) {
					t.Logf("not run, for there is no influxd: %s", block)
					continue
				}
				cmd := exec.CommandContext(t.Context(), "sh", "-e", "-c", here.Replace(block))
				cmd.Dir, cmd.Env = dir, env
				out, err := cmd.CombinedOutput()
				if err != nil || strings.Contains(string(out), "nothing was selected") || strings.Contains(string(out), "shardlift: ") {
					t.Errorf("%s\n%v\n%s", block, err, out)
				}
			}
			after, err := shardtest.Fingerprint(filepath.Join(dir, "mnt"))
			if err != nil {
				t.Fatal(err)
			}
			for path, print := range before {
				if after[path] != print {
					t.Errorf("%s has changed", path)
				}
			}
			if len(after) != len(before) {
				t.Errorf("the sources have %d files, and had %d", len(after), len(before))
			}
		})
	}
}

// The demonstration shows what came out.
func TestDemo(t *testing.T) {
	dir, env := docHome(t)
	cmd := exec.CommandContext(t.Context(), "sh", "../../scripts/demo.sh", filepath.Join(dir, "bin", "shardlift"))
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"demo.lp.gz\n", "points       8,112\n", "# CONTEXT-DATABASE:telegraf\n", "\ncpu_hourly,host=", "\n8112 points, one line each."} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is missing in:\n%s", want, out)
		}
	}
}

var flagName = regexp.MustCompile(`--([a-z][a-z-]+)`)

// docs/cli.md has every flag, and no other.
func TestEveryFlagIsDocumented(t *testing.T) {
	parser, err := newParser(console{}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	add := func(n *kong.Node) {
		for _, f := range n.Flags {
			if !f.Hidden {
				known[f.Name] = false
			}
		}
	}
	add(parser.Model.Node)
	for _, command := range parser.Model.Children {
		add(command)
	}
	text, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range flagName.FindAllStringSubmatch(string(text), -1) {
		if _, ok := known[m[1]]; !ok {
			t.Errorf("there is no --%s", m[1])
		}
		known[m[1]] = true
	}
	for name, documented := range known {
		if !documented {
			t.Errorf("--%s is not in docs/cli.md", name)
		}
	}
}

// docs/cli.md has every field of the manifest and of the JSON summary.
func TestEveryFieldIsDocumented(t *testing.T) {
	dir := t.TempDir()
	source, out := filepath.Join(dir, "volume"), filepath.Join(dir, "out")
	v := shardtest.NewVolume(t, source)
	volumeKinds["nan"](v)
	v.Shard("db", "autogen", 1).Litter()
	cmd, stderr := command(t, "export", source, "--out", out+"/", "--json")
	summary, err := cmd.Output()
	if code := cmd.ProcessState.ExitCode(); code != exitFaults {
		t.Fatalf("exit code %d: %v\n%s", code, err, stderr)
	}
	manifest, err := os.ReadFile(filepath.Join(out, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, object := range map[string][]byte{"manifest": manifest, "summary": summary} {
		var fields any
		if err := json.Unmarshal(object, &fields); err != nil {
			t.Fatal(err)
		}
		eachKey(fields, func(key string) {
			if !strings.Contains(string(text), "`"+key+"`") {
				t.Errorf("field %s of the %s is not in docs/cli.md", key, name)
			}
		})
	}
}

// docs/cli.md has every field of what inspect --json prints.
func TestEveryFieldOfInspectIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Inspecting\n")
	section, _, _ = strings.Cut(section, "\n## ")
	report, metastore, _ := strings.Cut(section, "\n### Metastore\n")
	for _, c := range []struct {
		part string
		of   any
	}{{report, inspectOutcome{}}, {metastore, metastoreOutcome{}}} {
		seen := 0
		eachField(reflect.TypeOf(c.of), func(name string) {
			seen++
			if !strings.Contains(c.part, "`"+name+"`") {
				t.Errorf("field %s of %T is not in docs/cli.md", name, c.of)
			}
		})
		if seen < 20 {
			t.Errorf("%T has %d fields", c.of, seen)
		}
	}
}

// eachField calls f with the names that a type has in JSON, and those of all types in it. Faults and what was
// left out are documented with the manifest.
func eachField(typ reflect.Type, f func(name string)) {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || typ.PkgPath() == reflect.TypeFor[exporter.Fault]().PkgPath() {
		return
	}
	for field := range typ.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name != "":
			f(name)
		case !field.Anonymous:
			continue
		}
		eachField(field.Type, f)
	}
}

// eachKey calls f for the keys of all objects in v, but not for those of policies and
// places, which are names.
func eachKey(v any, f func(key string)) {
	switch v := v.(type) {
	case map[string]any:
		for key, child := range v {
			f(key)
			if key != "policies" && key != "places" {
				eachKey(child, f)
			}
		}
	case []any:
		for _, child := range v {
			eachKey(child, f)
		}
	}
}
