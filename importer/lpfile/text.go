// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"sync/atomic"
)

// ErrChanged says that an input is not the one that it was.
var ErrChanged = errors.New("the input has changed")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum is a CRC-32C of the text of an input in [From,To).
type sum struct {
	From int64  `json:"from,omitempty"`
	To   int64  `json:"to,omitempty"`
	CRC  uint32 `json:"crc,omitempty"`
}

// headSum is how much of each piece of a plain file goes into its sum.
const headSum = 4 << 10

// text is the text of an open input. A plain file is read as it is; anything else goes
// through a decoder that reads ahead.
type text struct {
	in    *input
	file  *os.File // of a plain file
	ahead *ahead   // of anything else
	read  *atomic.Int64

	pos   int64 // of the text that was given out
	sum   sum   // of a stream all of that, of a plain file some of the last piece
	again []byte
}

// openFile opens a regular file, which must be as it was found.
func (in *input) openFile() (*os.File, error) {
	f, err := os.Open(in.path)
	if err != nil {
		return nil, fmt.Errorf("open input: %w", err)
	}
	if err := in.unchanged(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// unchanged compares size and time of an open file with those that it was found with.
func (in *input) unchanged(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("read %s: %w", in.path, err)
	}
	if info.Size() != in.size || !info.ModTime().Equal(in.mtime) {
		return fmt.Errorf("%w: %s was written to while it was being read", ErrChanged, in.path)
	}
	return nil
}

// open opens the input's text. Read counts the bytes of the input as it lies there.
func (in *input) open(stdin io.Reader, read *atomic.Int64) (*text, error) {
	t := &text{in: in, read: read}
	if in.once {
		t.ahead = in.stream(stdin, read)
		return t, nil
	}
	f, err := in.openFile()
	if err != nil {
		return nil, err
	}
	var first [8]byte
	n, err := f.ReadAt(first[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(fmt.Errorf("read %s: %w", in.path, err), f.Close())
	}
	code, err := sniff(first[:n])
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s %w", in.path, err), f.Close())
	}
	if code == plain && in.listed == nil {
		t.file = f
		return t, nil
	}
	src := &rawFile{in: in, f: f, read: read}
	if in.listed != nil {
		src.hash = sha256.New()
	}
	d := newDecoder(in.path, src)
	t.ahead = readAhead(d, func() {
		d.close()
		_ = f.Close() // was only read
	})
	return t, nil
}

// stream reads ahead from what can be read but once.
func (in *input) stream(stdin io.Reader, read *atomic.Int64) *ahead {
	src := &onceReader{in: in, r: stdin, read: read}
	d := newDecoder(in.path, src)
	return readAhead(d, func() {
		d.close()
		src.close()
	})
}

// onceReader opens a pipe at its first Read, which may wait for a writer.
type onceReader struct {
	in   *input
	r    io.Reader
	file *os.File
	read *atomic.Int64
}

func (o *onceReader) Read(p []byte) (int, error) {
	if !o.in.stdin && o.file == nil {
		f, err := os.Open(o.in.path)
		if err != nil {
			return 0, err
		}
		o.file, o.r = f, f
	}
	n, err := o.r.Read(p)
	o.read.Add(int64(n))
	return n, err
}

func (o *onceReader) close() {
	if o.file != nil {
		_ = o.file.Close() // was only read
	}
}

// rawFile reads a regular file and looks at its end whether it is still the same.
type rawFile struct {
	in   *input
	f    *os.File
	hash hash.Hash // where a manifest has its sum
	read *atomic.Int64
}

func (r *rawFile) Read(p []byte) (int, error) {
	n, err := r.f.Read(p)
	r.read.Add(int64(n))
	if r.hash != nil {
		_, _ = r.hash.Write(p[:n]) // never fails
	}
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	if err := r.in.unchanged(r.f); err != nil {
		return n, err
	}
	if r.hash != nil && hex.EncodeToString(r.hash.Sum(nil)) != r.in.listed.sha256 {
		return n, fmt.Errorf("%w: the SHA-256 of %s is not the one in the manifest any more", ErrChanged, r.in.path)
	}
	return n, io.EOF
}

// Read gives text.
func (t *text) Read(p []byte) (int, error) {
	if len(t.again) > 0 { // is in the sum already
		n := copy(p, t.again)
		t.again = t.again[n:]
		return n, nil
	}
	if t.ahead != nil {
		n, err := t.ahead.Read(p)
		t.sum.CRC = crc32.Update(t.sum.CRC, castagnoli, p[:n])
		t.pos += int64(n)
		t.sum.To = t.pos
		return n, err
	}
	n, err := t.file.Read(p)
	t.read.Add(int64(n))
	if n > 0 {
		head := min(n, headSum)
		t.sum = sum{From: t.pos, To: t.pos + int64(head), CRC: crc32.Checksum(p[:head], castagnoli)}
		t.pos += int64(n)
	}
	if errors.Is(err, io.EOF) {
		if t.pos != t.in.size {
			return n, fmt.Errorf("%w: %s had %d bytes, and ends at byte %d", ErrChanged, t.in.path, t.in.size, t.pos)
		}
		if err := t.in.unchanged(t.file); err != nil {
			return n, err
		}
	} else if err != nil {
		err = fmt.Errorf("read %s at byte %d: %w", t.in.path, t.pos, err)
	}
	return n, err
}

// use sets how long reading may wait.
func (t *text) use(ctx context.Context) {
	if t.ahead != nil {
		t.ahead.ctx = ctx
	}
}

// skipMark passes over a byte order mark at the start, and gives its length.
func (t *text) skipMark() int64 {
	var b [len(byteOrderMark)]byte
	n, _ := io.ReadFull(t, b[:]) // an error comes again
	if string(b[:n]) == byteOrderMark {
		return int64(n)
	}
	t.again = append(b[:n:n], t.again...)
	return 0
}

// skip goes to an offset of the text, which must have the sum that it had before.
func (t *text) skip(ctx context.Context, offset int64, was sum) error {
	if was.From < 0 || was.To < was.From || offset < 0 {
		return errMark
	}
	if t.ahead == nil {
		return t.seek(offset, was)
	}
	t.use(ctx)
	if n, err := io.Copy(io.Discard, io.LimitReader(t, offset)); err != nil {
		return err
	} else if n != offset {
		return t.changed(n)
	}
	if was.To < offset {
		return errMark
	}
	// The run before had read a little more than it made batches of: that has to be
	// the same too, and is then read again.
	again, err := io.ReadAll(io.LimitReader(t, was.To-offset))
	if err != nil {
		return err
	}
	if t.pos != was.To {
		return t.changed(t.pos)
	}
	t.again = again
	return t.agrees(was)
}

func (t *text) agrees(was sum) error {
	if was.To == t.pos && was.CRC != t.sum.CRC {
		return fmt.Errorf("%w: the first %d bytes of text of %s are not those of the run that is to be carried on", ErrChanged, t.pos, t.in.path)
	}
	return nil
}

func (t *text) changed(n int64) error {
	return fmt.Errorf("%w: %s has %d bytes of text only; the run that is to be carried on had read more", ErrChanged, t.in.path, n)
}

// seek goes to an offset of a plain file.
func (t *text) seek(offset int64, was sum) error {
	if was.To > t.in.size || offset > t.in.size {
		return t.changed(t.in.size)
	}
	b := make([]byte, min(was.To-was.From, headSum))
	if _, err := t.file.ReadAt(b, was.From); err != nil {
		return fmt.Errorf("read %s: %w", t.in.path, err)
	}
	if crc32.Checksum(b, castagnoli) != was.CRC {
		return fmt.Errorf("%w: the text of %s at byte %d is not that of the run that is to be carried on", ErrChanged, t.in.path, was.From)
	}
	if _, err := t.file.Seek(offset, io.SeekStart); err != nil {
		return fmt.Errorf("read %s: %w", t.in.path, err)
	}
	t.pos, t.sum = offset, was
	t.read.Add(offset)
	return nil
}

// close ends reading.
func (t *text) close() error {
	if t.ahead != nil {
		t.ahead.close(!t.in.once)
		return nil
	}
	return t.file.Close()
}
