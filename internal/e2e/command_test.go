// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/shardlift/shardlift/internal/lpjudge"
)

// Exit codes of shardlift.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitFaults      = 3
	exitInterrupted = 130
)

// buildFlags are those of the command under test: it has the race detector when the
// tests have it.
var buildFlags = []string{"build"}

// command builds shardlift once.
var command = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "shardlift-e2e-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "shardlift")
	cmd := exec.Command("go", append(slices.Clone(buildFlags), "-o", path, "./cmd/shardlift")...)
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		return path, fmt.Errorf("build shardlift: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if builtIt {
		if path, _ := command(); path != "" {
			_ = os.RemoveAll(filepath.Dir(path)) // a temporary directory
		}
	}
	os.Exit(code)
}

// builtIt is set once the command was asked for.
var builtIt bool

var buildOnce sync.Once

// desk is a place to run shardlift at: a working directory and a home of its own.
type desk struct {
	t    *testing.T
	path string // of the command
	dir  string // working directory
	home string
	env  []string // beside the usual
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	buildOnce.Do(func() { builtIt = true })
	path, err := command()
	if err != nil {
		t.Fatal(err)
	}
	return &desk{t: t, path: path, dir: t.TempDir(), home: t.TempDir()}
}

// file writes a file into the working directory and gives its path.
func (d *desk) file(name, text string) string {
	d.t.Helper()
	path := filepath.Join(d.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
	return path
}

// text reads a file of the working directory; "" if it is not there.
func (d *desk) text(name string) string {
	d.t.Helper()
	b, err := os.ReadFile(filepath.Join(d.dir, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		d.t.Fatal(err)
	}
	return string(b)
}

// command makes a process that starts in the working directory, with an environment that
// names nothing of whoever runs the tests.
func (d *desk) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, d.path, args...)
	cmd.Dir = d.dir
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if !strings.HasPrefix(name, "SHARDLIFT_") && !strings.HasPrefix(name, "INFLUX_") && !strings.HasPrefix(name, "XDG_") && name != "HOME" {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(append(cmd.Env, "HOME="+d.home), d.env...)
	return cmd
}

// process is a shardlift that runs.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	out  bytes.Buffer
	err  bytes.Buffer
	done chan struct{} // closed when it has ended
}

// start runs shardlift with something on its standard input, or nothing.
func (d *desk) start(stdin io.Reader, args ...string) *process {
	d.t.Helper()
	p := &process{t: d.t, cmd: d.command(context.Background(), args...), done: make(chan struct{})}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = stdin, &p.out, &p.err
	p.cmd.WaitDelay = time.Second // for a stdin that nobody ends
	if err := p.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = p.cmd.Process.Kill() }) // it is gone, if all went well
	go func() {
		_ = p.cmd.Wait() // the state tells
		close(p.done)
	}()
	return p
}

// signal sends a signal to a process that runs.
func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Fatal(err)
	}
}

// kill ends the process as a crash does, and reports whether it was still running.
func (p *process) kill() bool {
	p.t.Helper()
	p.signal(os.Kill)
	<-p.done
	return p.cmd.ProcessState.ExitCode() < 0
}

// endless is when a run is taken for one that never ends.
const endless = 10 * time.Minute

// result is how a run ended.
type result struct {
	code     int
	out, err string
	summary  summary
}

// summary is what --json prints, as far as it is looked at here.
type summary struct {
	ExitCode int    `json:"exitCode"`
	Error    string `json:"error"`
	Points   int64  `json:"points"`
	Stored   int64  `json:"stored"`
	Rejected int64  `json:"rejected"`
	Retries  int64  `json:"retries"`
	Requests int64  `json:"requests"`
	Resumed  bool   `json:"resumed"`
}

// wait waits for the end.
func (p *process) wait() result {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(endless):
		p.signal(syscall.SIGQUIT) // for its goroutines
		<-p.done
		p.t.Fatalf("%q still runs after %v\n%s", p.cmd.Args[1:], endless, p.err.String())
	}
	r := result{code: p.cmd.ProcessState.ExitCode(), out: p.out.String(), err: p.err.String()}
	if strings.HasPrefix(r.out, "{") {
		if err := json.Unmarshal([]byte(r.out), &r.summary); err != nil {
			p.t.Errorf("--json: %v in %q", err, r.out)
		}
		if r.summary.ExitCode != r.code {
			p.t.Errorf("--json tells exit code %d, it is %d", r.summary.ExitCode, r.code)
		}
	}
	return r
}

// run runs shardlift to its end.
func (d *desk) run(args ...string) result {
	d.t.Helper()
	return d.start(nil, args...).wait()
}

// ends runs shardlift, which must end with the code.
func (d *desk) ends(code int, args ...string) result {
	d.t.Helper()
	r := d.run(args...)
	r.must(d.t, code)
	return r
}

// must fails where the run ended with another code.
func (r result) must(t *testing.T, code int) {
	t.Helper()
	if r.code != code {
		t.Fatalf("exit code %d instead of %d\nstdout: %.2000s\nstderr: %.4000s", r.code, code, r.out, r.err)
	}
}

// says fails where stderr lacks a text.
func (r result) says(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.err, text) {
			t.Errorf("stderr lacks %q: %.3000s", text, r.err)
		}
	}
}

// checkpoints lists what is left of runs that did not end, at all places where they may be.
func (d *desk) checkpoints() []string {
	d.t.Helper()
	var all []string
	for _, dir := range []string{d.dir, filepath.Join(d.home, ".local", "state", "shardlift")} {
		for _, name := range names(d.t, dir) {
			if strings.Contains(name, "shardlift-import") || dir != d.dir {
				all = append(all, name)
			}
		}
	}
	return all
}

// rejected gives the points of a rejects file, which must be line protocol that can be
// told from its comments, and fails where one has no reason. The last argument lets
// lines be that are no points.
func (d *desk) rejected(name string) []string {
	d.t.Helper()
	var points []string
	reason := ""
	for line := range strings.Lines(d.text(name)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "#"):
			reason = line
			continue
		case reason == "" || strings.HasPrefix(reason, "# CONTEXT") || strings.HasPrefix(reason, "# DML"):
			d.t.Errorf("%s: %q stands there without a reason", name, line)
		}
		points, reason = append(points, line), ""
	}
	return points
}

// monday2020 is when samples begin: the start of a shard, whatever its duration.
const monday2020 = int64(monday)

// sample makes n points of all kinds, ten minutes apart, with strings over several lines.
func sample(n int) string {
	var b strings.Builder
	for i := range n {
		text := strconv.Itoa(i)
		if i%17 == 0 {
			text = fmt.Sprintf("%d\n# DML\n\n# CONTEXT-DATABASE:other\nm f=1 1\n\\\"quoted\\\" \\\\", i)
		}
		fmt.Fprintf(&b, "m,host=h%d,region=r\\ %d f=%d.5,i=%di,b=%t,s=\"%s\" %d\n", i%7, i%3, i, i*i, i%2 == 0, text, monday2020+int64(i)*600e9)
	}
	return b.String()
}

// values reads text as a server would that gets it as a whole.
func valuesOf(t *testing.T, text, db, rp string) []lpjudge.Value {
	t.Helper()
	values, _, err := lpjudge.Read(strings.NewReader(text), lpjudge.Options{DB: db, RP: rp})
	if err != nil {
		t.Fatal(err)
	}
	return values
}
