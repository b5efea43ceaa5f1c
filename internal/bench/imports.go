// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/shardlift/shardlift/internal/influxdtest"
)

// imports prints what import and replay of a volume cost: into a server that discards,
// and into a real one next to a bare loop.
func (c *config) imports(title, volume string) error {
	dir, err := os.MkdirTemp("", "shardlift-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // scratch
	in := inputs{volume: volume, plain: filepath.Join(dir, "export.lp"), gzip: filepath.Join(dir, "export.lp.gz"), record: filepath.Join(dir, "record")}
	if _, err := c.export(volume, "--out", in.plain); err != nil {
		return err
	}
	if _, err := c.export(volume, "--compress", "--out", in.gzip); err != nil {
		return err
	}
	if err := c.intoNothing(title, in); err != nil {
		return err
	}
	return c.intoServer(title, in)
}

// inputs are a volume and its exports, and the requests that an import of it makes.
type inputs struct{ volume, plain, gzip, record string }

// intoNothing measures the client alone.
func (c *config) intoNothing(title string, in inputs) error {
	url, stop, err := startDiscard("")
	if err != nil {
		return err
	}
	defer stop() //nolint:errcheck // nothing is kept
	t := newTable(title + ": into a server that discards")
	work := []struct {
		name string
		args []string
		ss   []sample
	}{
		{name: "import", args: []string{"import", in.plain}},
		{name: "import of gzip", args: []string{"import", in.gzip}},
		{name: "import --compress-requests on", args: []string{"import", in.plain, "--compress-requests", "on"}},
		{name: "replay", args: []string{"replay", in.volume}},
	}
	var zcat []float64
	for range c.runs { // in turn, so that a machine whose speed drifts drifts for all
		s, err := timed("sh", "-c", `zcat "$1" | wc -l >&2`, "sh", in.gzip)
		if err != nil {
			return err
		}
		zcat = append(zcat, s)
		for i := range work {
			s, err := c.measure(append(work[i].args, "--url", url, "--ddl", "skip")...)
			if err != nil {
				return err
			}
			work[i].ss = append(work[i].ss, s)
		}
	}
	ref := median(zcat)
	t.cells("zcat | wc -l", fmt.Sprintf("%.2f", ref), "", "", "", "", "1.00")
	for _, w := range work {
		t.row(w.name, w.ss, ref)
	}
	return t.flush()
}

// intoServer measures next to a bare loop, into a new server each time.
func (c *config) intoServer(title string, in inputs) error {
	if err := c.record(in); err != nil {
		return err
	}
	const connections = "4"
	t := newTable(title + ": into influxd, over " + connections + " connections")
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var refs []float64
	work := []struct {
		name string
		args []string
		ss   []sample
	}{
		{name: "import", args: []string{"import", in.plain, "--concurrency", connections}},
		{name: "import of gzip", args: []string{"import", in.gzip, "--concurrency", connections}},
		{name: "import, default concurrency", args: []string{"import", in.plain}},
		{name: "replay", args: []string{"replay", in.volume, "--concurrency", connections}},
	}
	for range c.runs {
		err := withServer(func(url string) error {
			// The import makes the database; the loop has to be given one.
			if _, err := c.measure("import", in.plain, "--url", url, "--end", "1970-01-01"); err != nil {
				return err
			}
			out, err := exec.CommandContext(context.Background(), self, "-bare", in.record, "-url", url, "-connections", connections).Output()
			if err != nil {
				return fmt.Errorf("bare loop: %w", err)
			}
			s, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
			refs = append(refs, s)
			return err
		})
		if err != nil {
			return err
		}
		for i := range work {
			err := withServer(func(url string) error {
				s, err := c.measure(append(work[i].args, "--url", url)...)
				work[i].ss = append(work[i].ss, s)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	ref := median(refs)
	t.cells("bare loop", fmt.Sprintf("%.2f", ref), "", "", "", "", "1.00")
	for _, w := range work {
		t.row(w.name, w.ss, ref)
	}
	return t.flush()
}

// record keeps the very requests that an import makes, in order.
func (c *config) record(in inputs) error {
	url, stop, err := startDiscard(in.record)
	if err != nil {
		return err
	}
	_, err = c.measure("import", in.plain, "--url", url, "--ddl", "skip", "--concurrency", "1", "--compress-requests", "off")
	return errors.Join(err, stop())
}

// startDiscard runs a discarding server as a process of its own.
func startDiscard(record string) (url string, stop func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.CommandContext(context.Background(), self, "-discard", "-record", record)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() error { return errors.Join(in.Close(), cmd.Wait()) }
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return "", nil, errors.Join(err, stop())
	}
	return strings.TrimSpace(line), stop, nil
}

// timed runs a program and gives the seconds it took.
func timed(program string, args ...string) (float64, error) {
	cmd := exec.CommandContext(context.Background(), program, args...)
	cmd.Stderr = io.Discard
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("%s: %w", program, err)
	}
	return time.Since(began).Seconds(), nil
}

// scope is what a server needs of a test.
type scope struct{ cleanups []func() }

// withServer runs a new server for the time of a call. What others have yet to bring to the
// disk goes there first: the server waits for its disk with every request.
func withServer(call func(url string) error) (err error) {
	syscall.Sync()
	s := &scope{}
	defer func() {
		for _, f := range slices.Backward(s.cleanups) {
			f()
		}
		switch r := recover().(type) {
		case nil:
		case fatal:
			err = r
		default:
			panic(r)
		}
	}()
	return call(influxdtest.Start(s, influxdtest.Options{}).URL)
}

type fatal struct{ error }

func (s *scope) Helper()                           {}
func (s *scope) Cleanup(f func())                  { s.cleanups = append(s.cleanups, f) }
func (s *scope) Logf(format string, args ...any)   { fmt.Fprintf(os.Stderr, format+"\n", args...) }
func (s *scope) Fatalf(format string, args ...any) { panic(fatal{fmt.Errorf(format, args...)}) }

func (s *scope) TempDir() string {
	dir, err := os.MkdirTemp("", "shardlift-bench-")
	if err != nil {
		s.Fatalf("%v", err)
	}
	s.Cleanup(func() { _ = os.RemoveAll(dir) }) // scratch
	return dir
}
