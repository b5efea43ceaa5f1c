// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"
	"syscall"
	"testing"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/internal/atomicfile"
	"github.com/shardlift/shardlift/volume"
)

func TestHint(t *testing.T) {
	out := func(err error) error { return outputError{fmt.Errorf("create output: %w", err)} }
	in := func(err error) error { return fmt.Errorf("open source: %w", err) }
	cases := map[string]struct {
		err  error
		want string // how the hint begins
	}{
		"several volumes":       {in(&volume.AmbiguousError{}), "name one of them"},
		"no names":              {in(volume.ErrNames), "name them with --database"},
		"nothing there":         {in(volume.ErrNothing), sourceHint},
		"no such source":        {in(fs.ErrNotExist), sourceHint},
		"source is closed":      {in(fs.ErrPermission), permissionHint},
		"nothing can be read":   {in(errors.Join(volume.ErrNothing, fs.ErrPermission)), permissionHint},
		"output is closed":      {out(fs.ErrPermission), "name a place that"},
		"output is read only":   {out(syscall.EROFS), "name a place that"},
		"no directory":          {out(fs.ErrNotExist), "the directory of the output must exist"},
		"disk is full":          {out(syscall.ENOSPC), "make room"},
		"head":                  {out(syscall.EPIPE), "whoever reads"},
		"quota is used up":      {out(syscall.EDQUOT), "make room"},
		"head of a report":      {printError{syscall.EPIPE}, "whoever reads"},
		"report, disk is full":  {printError{syscall.ENOSPC}, "make room where stdout goes"},
		"report, disk is bad":   {printError{syscall.EIO}, ""},
		"below a source":        {out(exporter.ErrBelow), "name a place outside"},
		"strict":                {out(exporter.ErrFault), "without --strict"},
		"somebody else's":       {out(atomicfile.ErrLocked), "another export"},
		"nothing can be done":   {in(errors.New("strange")), ""},
		"disk that gives error": {out(syscall.EIO), ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := hint(c.err); !strings.HasPrefix(got, c.want) || (c.want == "") != (got == "") {
				t.Errorf("hint %q, want %q", got, c.want)
			}
		})
	}
}

// No name on a disk can begin a new line of ours, or speak to the terminal.
func TestOneLine(t *testing.T) {
	cases := map[string]string{
		"plain":                "plain",
		"größe 温度":             "größe 温度",
		"a\nfault: b\r\tc":     `a\x0afault: b\x0d\x09c`,
		"\x1b[2J\x7f\u009b":    `\x1b[2J\x7f\x9b`,
		"a\xffb\uFFFD":         "a\\xffb\uFFFD",
		"a\u202eb\u2066\u2028": `a\u202eb\u2066\u2028`,
	}
	for text, want := range cases {
		if got := oneLine(text); got != want {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
}

// What is told to be run names the same file or pattern when it is put into a shell.
func TestShellWord(t *testing.T) {
	cases := map[string]string{
		"":                  "''",
		"/mnt/a-1.lp":       "/mnt/a-1.lp",
		"a b":               "'a b'",
		`it's a\nb`:         `'it'\''s a\nb'`,
		"größe":             "'größe'",
		"a\nb\t\\n'c'":      `$'a\x0ab\x09\\n\'c\''`,
		"caf\xe9f":          `$'caf\xe9f'`,
		"ü\u0085\u202e\x1b": `$'ü\xc2\x85\xe2\x80\xae\x1b'`,
	}
	for text, want := range cases {
		if got := shellWord(text); got != want {
			t.Errorf("%q gives %s, want %s", text, got, want)
		}
	}
}

func TestFitWorkers(t *testing.T) {
	gz, best := exporter.Format{Compression: exporter.Gzip}, exporter.Format{Compression: exporter.Zstd, Level: 19}
	cases := map[string]struct {
		budget int64
		format exporter.Format
		most   int // workers, on a machine with more processors than that
	}{
		"least":          {minMemory, gz, 1},
		"default":        {defaultMemory, gz, 5},
		"default, best":  {defaultMemory, best, 1},
		"plenty":         {1 << 30, gz, 108},
		"plenty, best":   {1 << 30, best, 18},
		"no end of room": {maxSize, gz, math.MaxInt},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for _, processors := range []int{1, 2, 64, 1000} {
				want := min(c.most, processors)
				if got := fitWorkers(c.budget, c.format, processors); got != want {
					t.Errorf("%d processors: %d workers, want %d", processors, got, want)
				}
			}
		})
	}
}
