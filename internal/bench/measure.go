// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/klauspost/pgzip"
)

// sample is one run of the command.
type sample struct {
	wall, cpu     float64 // seconds
	peak          int64   // bytes of resident memory
	points, bytes int64   // as the command's own summary says
	values        int64   // that were compared
}

// export measures an export.
func (c *config) export(volume string, args ...string) (sample, error) {
	return c.measure(append([]string{"export", volume}, args...)...)
}

// measure runs a command and measures the whole process.
func (c *config) measure(args ...string) (sample, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(context.Background(), c.bin, append(args, "--json", "--quiet")...)
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return sample{}, fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	s := sample{wall: time.Since(start).Seconds()}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return s, fmt.Errorf("no resource usage on this system")
	}
	s.cpu = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	s.peak = usage.Maxrss << 10
	var summary struct {
		Points, Bytes int64
		Source        struct{ Bytes int64 }  // of a verify
		Verify        struct{ Values int64 } // and of one against a server
		Exports       []struct {
			Files []struct{ Points, Bytes int64 }
		}
	}
	if err := json.Unmarshal(out.Bytes(), &summary); err != nil {
		return s, fmt.Errorf("read summary: %w", err)
	}
	s.points, s.bytes, s.values = summary.Points, summary.Bytes+summary.Source.Bytes, summary.Verify.Values
	for _, e := range summary.Exports {
		for _, f := range e.Files {
			s.points += f.Points
			s.bytes += f.Bytes
		}
	}
	return s, nil
}

// repeated measures a command as often as is asked for: the median run, and the peak of all.
func (c *config) repeated(args ...string) (sample, error) {
	var ss []sample
	peak := int64(0)
	for range c.runs {
		s, err := c.measure(args...)
		if err != nil {
			return s, err
		}
		ss = append(ss, s)
		peak = max(peak, s.peak)
	}
	s := medianSample(ss)
	s.peak = peak
	return s, nil
}

func (c *config) several(volume string, args ...string) ([]sample, error) {
	var out []sample
	for range c.runs {
		s, err := c.export(volume, args...)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func median(v []float64) float64 {
	sort.Float64s(v)
	return v[len(v)/2]
}

// medianSample is the run with the median wall time.
func medianSample(v []sample) sample {
	sort.Slice(v, func(i, j int) bool { return v[i].wall < v[j].wall })
	return v[len(v)/2]
}

// reference runs the compression alone in a process of its own.
func (c *config) reference(text string) (float64, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	out, err := exec.CommandContext(context.Background(), self, "-reference", text).Output()
	if err != nil {
		return 0, fmt.Errorf("reference: %w", err)
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

// compressFile reads a file and prints how long compressing it takes.
func compressFile(name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	start := time.Now()
	z, err := pgzip.NewWriterLevel(io.Discard, 1)
	if err != nil {
		return err
	}
	if err := z.SetConcurrency(1<<20, 4); err != nil {
		return err
	}
	if _, err := z.Write(text); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	fmt.Println(time.Since(start).Seconds())
	return nil
}

// generate makes a volume unless it is there from before.
func (c *config) generate(name string, args ...string) (string, error) {
	dir := filepath.Join(c.dir, name)
	if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
		return dir, nil
	}
	fmt.Fprintln(os.Stderr, "making", dir)
	cmd := exec.CommandContext(context.Background(), "go", append(append([]string{"run", "./internal/shardtest/genvolume"}, args...), dir)...)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("make %s: %w", dir, err)
	}
	return dir, nil
}

func fileSize(name string) (int64, error) {
	st, err := os.Stat(name)
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

func cpuModel() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(b)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimLeft(strings.TrimSpace(name), ": \t")
		}
	}
	return "unknown processor"
}
