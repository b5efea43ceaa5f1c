// SPDX-License-Identifier: Apache-2.0

package influxdtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Copy copies data, wal and meta into the directory dst, which is made, as a disk
// snapshot would: a running server stands still meanwhile, so the copy holds one
// moment. Modification times are kept and holes stay holes.
func (s *Server) Copy(dst string) {
	s.tb.Helper()
	s.copyTree(dst, func(string) bool { return false })
}

// CopyBare is Copy without the series file and the index directories, which no
// reader of the data needs and which are large.
func (s *Server) CopyBare(dst string) {
	s.tb.Helper()
	s.copyTree(dst, isIndex)
}

// isIndex knows data/<db>/_series and data/<db>/<rp>/<id>/index. Databases and policies
// may have these names too.
func isIndex(rel string) bool {
	parts := strings.Split(filepath.ToSlash(rel), "/")
	return parts[0] == "data" && (len(parts) == 3 && parts[2] == "_series" || len(parts) == 5 && parts[4] == "index")
}

func (s *Server) copyTree(dst string, leaveOut func(rel string) bool) {
	s.tb.Helper()
	if s.proc != nil {
		if err := s.proc.freeze(); err != nil {
			s.tb.Fatalf("freeze influxd: %v", err)
		}
		defer s.proc.thaw()
	}
	for _, name := range []string{"data", "wal", "meta"} {
		skip := func(rel string) bool { return leaveOut(filepath.Join(name, rel)) }
		if err := copyDir(filepath.Join(dst, name), filepath.Join(s.Dir, name), skip); err != nil {
			s.tb.Fatalf("copy %s: %v", name, err)
		}
	}
}

// freeze returns once every thread of the process stands still.
func (p *process) freeze() error {
	if freeze == nil {
		return errors.New("not on this platform; stop the server first")
	}
	if err := p.cmd.Process.Signal(freeze); err != nil {
		return err
	}
	for deadline := time.Now().Add(stopTimeout); !p.frozen(); {
		if time.Now().After(deadline) {
			p.thaw()
			return fmt.Errorf("still running after %s", stopTimeout)
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

func (p *process) thaw() { _ = p.cmd.Process.Signal(thaw) }

// frozen looks at the state letter of each thread. Where the system does not show
// them it trusts that the signal has arrived after a while.
func (p *process) frozen() bool {
	stats, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "task/*/stat"))
	if len(stats) == 0 {
		time.Sleep(50 * time.Millisecond)
		return true
	}
	for _, name := range stats {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // the thread has just ended
		}
		state := b[bytes.LastIndexByte(b, ')')+1:]
		if !bytes.HasPrefix(state, []byte(" T")) {
			return false
		}
	}
	return true
}

// CopyDir copies the tree src to dst, which is made. Modification times are kept, and
// runs of zeros become holes.
func CopyDir(dst, src string) error {
	return copyDir(dst, src, func(string) bool { return false })
}

func copyDir(dst, src string, leaveOut func(rel string) bool) error {
	return filepath.WalkDir(src, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(src, path)
		if err != nil {
			return err
		}
		if d.IsDir() && leaveOut(rel) {
			return filepath.SkipDir
		}
		to := filepath.Join(dst, rel)
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		return copyFile(to, path)
	})
}

func copyFile(dst, src string) (err error) {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // only read from
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close(), os.Chtimes(dst, info.ModTime(), info.ModTime())) }()
	if err := copySparse(out, in); err != nil {
		return err
	}
	return out.Truncate(info.Size())
}

// copySparse writes only the pieces that are not all zeros.
func copySparse(out *os.File, in io.Reader) error {
	var buf [64 << 10]byte
	var zeros [64 << 10]byte
	for at := int64(0); ; {
		n, err := io.ReadFull(in, buf[:])
		if !bytes.Equal(buf[:n], zeros[:n]) {
			if _, err := out.WriteAt(buf[:n], at); err != nil {
				return err
			}
		}
		at += int64(n)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		}
	}
}
