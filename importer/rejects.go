// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/shardlift/shardlift/internal/atomicfile"
)

// rejectsState is what a checkpoint keeps of the rejects file.
type rejectsState struct {
	Run   string `json:"run"`   // stands in the header of what the run wrote; "" if it has not begun to
	Bytes int64  `json:"bytes"` // where the file ended
}

// RejectsHeader begins what a run adds to a rejects file; the number of the run follows.
// Names in the context lines behind it stand there exactly.
const RejectsHeader = "# shardlift rejects, run "

// rejects is the file of refused points. It is line protocol that can be imported again:
// each point behind a comment with its place and reason. Runs add to a file and never
// replace one, for it may hold the only copy of what it names.
type rejects struct {
	path  string
	state rejectsState
	file  *os.File
	buf   bytes.Buffer
	wrote bool   // to the file, since it was saved
	place *Place // that the last context lines named
	err   error  // of the first write that failed: what is counted may not be in the file
}

// open opens the file, and takes back what an earlier start of this run wrote behind
// its last checkpoint: those points come again. The state is to be saved before anything
// is written, so that there is a checkpoint that knows where the run's part begins.
func (r *rejects) open() (err error) {
	if r.file != nil {
		return nil
	}
	f, err := os.OpenFile(r.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the rejects file: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("open the rejects file: %w", err)
	}
	if info.Mode().IsRegular() {
		if err := atomicfile.LockFile(f); err != nil {
			return fmt.Errorf("open the rejects file: %w", err)
		}
		if err := r.takeBack(f, info.Size()); err != nil {
			return err
		}
		if info, err = f.Stat(); err != nil {
			return fmt.Errorf("open the rejects file: %w", err)
		}
		r.state.Bytes = info.Size()
	}
	r.file = f
	if r.state.Run == "" {
		r.state.Run = newRunID()
	}
	r.place = nil
	return nil
}

// takeBack cuts the file where the checkpoint says that it ended, unless another run
// has added to it since, or the file is another one.
func (r *rejects) takeBack(f *os.File, size int64) error {
	if r.state.Run == "" {
		return endLine(f, size)
	}
	own, err := r.ownsEnd(f, size)
	switch {
	case err != nil:
		return fmt.Errorf("read the rejects file: %w", err)
	case !own:
		return endLine(f, size)
	case size < r.state.Bytes:
		return fmt.Errorf("open the rejects file: %s is shorter than when the run stopped (%d bytes, it was %d)", r.path, size, r.state.Bytes)
	}
	if err := f.Truncate(r.state.Bytes); err != nil {
		return fmt.Errorf("cut the rejects file: %w", err)
	}
	return nil
}

// ownsEnd reports whether all is the run's that stands behind the place where the
// checkpoint says that the file ended: its own header is the last one before that place,
// or stands right there, perhaps torn, and no other run's comes behind it.
func (r *rejects) ownsEnd(f *os.File, size int64) (bool, error) {
	own, header := RejectsHeader+r.state.Run+"\n", []byte(RejectsHeader)
	mine, start := false, true
	text := bufio.NewReaderSize(io.NewSectionReader(f, 0, size), 64<<10)
	for at := int64(0); ; {
		line, err := text.ReadSlice('\n') // of a long line a part
		switch {
		case !start:
		case at == r.state.Bytes && len(line) > 0 && strings.HasPrefix(own, string(line)):
			mine = true
		case bytes.HasPrefix(line, header):
			mine = string(line) == own
			if !mine && at >= r.state.Bytes {
				return false, nil
			}
		}
		at += int64(len(line))
		start = err == nil
		switch {
		case errors.Is(err, io.EOF):
			return mine, nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return false, err
		}
	}
}

// endLine makes sure that what is added starts on a line of its own.
func endLine(f *os.File, size int64) error {
	if size == 0 {
		return nil
	}
	var last [1]byte
	if _, err := f.ReadAt(last[:], size-1); err != nil {
		return fmt.Errorf("read the rejects file: %w", err)
	}
	if last[0] == '\n' {
		return nil
	}
	if _, err := f.WriteString("\n"); err != nil {
		return fmt.Errorf("write the rejects file: %w", err)
	}
	return nil
}

func newRunID() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// add takes refused points; save brings them to the disk.
func (r *rejects) add(list []Reject) error {
	if len(list) == 0 {
		return nil
	}
	if r.err != nil {
		return r.err
	}
	if err := r.open(); err != nil {
		return err
	}
	if r.place == nil {
		fmt.Fprintf(&r.buf, "%s%s\n# DML\n", RejectsHeader, r.state.Run)
	}
	for i := range list {
		x := &list[i]
		if r.place == nil || *r.place != x.Place {
			r.place = &x.Place
			fmt.Fprintf(&r.buf, "# CONTEXT-DATABASE:%s\n# CONTEXT-RETENTION-POLICY:%s\n", oneLine(x.Place.Database), oneLine(x.Place.Policy))
		}
		fmt.Fprintf(&r.buf, "# %s: %s\n", oneLine(x.Origin()), oneLine(x.Reason))
		r.buf.Write(bytes.TrimRight(x.Text, "\n"))
		r.buf.WriteByte('\n')
		if r.buf.Len() > 1<<20 {
			if err := r.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *rejects) flush() error {
	if r.file == nil || r.buf.Len() == 0 || r.err != nil {
		return r.err
	}
	if _, err := r.file.Write(r.buf.Bytes()); err != nil {
		r.err = fmt.Errorf("write the rejects file: %w", err)
	}
	r.buf.Reset()
	r.wrote = true
	return r.err
}

// save brings everything to the disk and notes where the file ends.
func (r *rejects) save() error {
	if err := r.flush(); err != nil || !r.wrote {
		return err
	}
	info, err := r.file.Stat()
	if err != nil {
		r.err = fmt.Errorf("write the rejects file: %w", err)
		return r.err
	}
	if !info.Mode().IsRegular() {
		return nil
	}
	if err := r.file.Sync(); err != nil {
		r.err = fmt.Errorf("sync the rejects file: %w", err)
		return r.err
	}
	r.state.Bytes, r.wrote = info.Size(), false
	return nil
}

// close saves and closes the file.
func (r *rejects) close() error {
	if r.file == nil {
		return nil
	}
	err := errors.Join(r.save(), r.file.Close())
	r.file = nil
	return err
}

// Origin says where the point stood: "file:line", or the name of the input alone.
func (x *Reject) Origin() string {
	if x.Line > 0 {
		return fmt.Sprintf("%s:%d", x.Input, x.Line)
	}
	return x.Input
}

var lineEnds = strings.NewReplacer("\n", " ", "\r", " ")

// oneLine makes a text fit a comment line. It keeps bytes that are no UTF-8: names may hold
// them.
func oneLine(s string) string { return lineEnds.Replace(s) }
