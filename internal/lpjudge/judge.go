// SPDX-License-Identifier: Apache-2.0

package lpjudge

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Options say how text is read.
type Options struct {
	// DB and RP are the context of points that come before any context line.
	DB, RP string
	// CountPoints counts distinct points, which takes some 20 bytes a point.
	CountPoints bool
}

// Report is what was seen beside the values.
type Report struct {
	Lines  int      // points as written: one line each, whatever its strings hold
	Values int      // values on those lines
	DDL    []string // statements between # DDL and # DML

	// Points counts the distinct points, Split those of them that came on more than
	// one line. Both stay 0 without CountPoints.
	Points, Split int
	// NoNewline is set when a file's last line has no line feed: influx -import
	// loses that line.
	NoNewline bool
}

// Judge reads line protocol, from any number of files, and hands out its values.
type Judge struct {
	opts   Options
	out    func(Value)
	report Report
	parser pointParser
	point  point
	seed   maphash.Seed
	seen   map[uint64]bool // point to whether it came on more than one line
}

// New makes a judge that hands every value to out.
func New(opts Options, out func(Value)) *Judge {
	return &Judge{opts: opts, out: out, seed: maphash.MakeSeed(), seen: map[uint64]bool{}}
}

// Report tells what has been read so far.
func (j *Judge) Report() Report { return j.report }

// ReadPath reads a file, or all *.lp, *.lp.gz and *.lp.zst files below a directory in
// name order.
func (j *Judge) ReadPath(path string) error {
	return filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() || (name != path && !isExport(name)) {
			return nil
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // only read from
		if err := j.Read(f); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		return nil
	})
}

func isExport(name string) bool {
	for _, suffix := range []string{".lp", ".lp.gz", ".lp.zst"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// Read reads one stream, plain or compressed with gzip or zstd, which it tells by the
// first bytes. The first thing wrong ends it with an error that names the line.
func (j *Judge) Read(r io.Reader) error {
	r, done, err := decompress(r)
	if err != nil {
		return err
	}
	defer done()
	lines := newLineReader(r)
	at := scope{db: j.opts.DB, rp: j.opts.RP}
	for {
		line, err := lines.read(at.inDDL)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = j.line(line, &at)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", lines.number, err)
		}
		j.report.NoNewline = j.report.NoNewline || lines.noNewline
	}
}

func decompress(r io.Reader) (plain io.Reader, done func(), err error) {
	br := bufio.NewReader(r)
	head, _ := br.Peek(4)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		gz, err := gzip.NewReader(br)
		return gz, func() {}, err
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		zr, err := zstd.NewReader(br)
		if err != nil {
			return nil, nil, err
		}
		return zr, zr.Close, nil
	}
	return br, func() {}, nil
}

// scope is where the next points go.
type scope struct {
	db, rp string
	inDDL  bool
}

func (j *Judge) line(line []byte, at *scope) error {
	switch {
	case len(line) == 0:
		return nil
	case line[0] == '#':
		at.header(string(line))
		return nil
	case at.inDDL:
		j.report.DDL = append(j.report.DDL, string(line))
		return nil
	}
	if err := j.parser.parse(line, &j.point); err != nil {
		return fmt.Errorf("%w in %q", err, clip(line))
	}
	j.report.Lines++
	j.report.Values += len(j.point.fields)
	if j.opts.CountPoints {
		j.countPoint(at)
	}
	for _, f := range j.point.fields {
		j.out(Value{at.db, at.rp, j.point.series, f.key, f.typ, f.val, j.point.time})
	}
	return nil
}

// header takes what a comment line says. A name is all that follows the first colon.
func (c *scope) header(line string) {
	name, value, _ := strings.Cut(line, ":")
	switch name {
	case "# CONTEXT-DATABASE":
		c.db = value
	case "# CONTEXT-RETENTION-POLICY":
		c.rp = value
	case "# DDL":
		c.inDDL = true
	case "# DML":
		c.inDDL = false
	}
}

func (j *Judge) countPoint(at *scope) {
	key := maphash.Comparable(j.seed, place{db: at.db, rp: at.rp, series: j.point.series, time: j.point.time})
	split, known := j.seen[key]
	switch {
	case !known:
		j.report.Points++
		j.seen[key] = false
	case !split:
		j.report.Split++
		j.seen[key] = true
	}
}

// ReadPath gives all values of a file or directory, see Judge.ReadPath.
func ReadPath(path string, opts Options) ([]Value, Report, error) {
	var values []Value
	j := New(opts, func(v Value) { values = append(values, v) })
	err := j.ReadPath(path)
	return values, j.Report(), err
}

// Read gives all values of a stream, see Judge.Read.
func Read(r io.Reader, opts Options) ([]Value, Report, error) {
	var values []Value
	j := New(opts, func(v Value) { values = append(values, v) })
	err := j.Read(r)
	return values, j.Report(), err
}
