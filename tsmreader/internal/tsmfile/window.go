// SPDX-License-Identifier: Apache-2.0

package tsmfile

import (
	"errors"
	"io"
)

// errEnd says that the bytes asked for reach behind the region.
var errEnd = errors.New("reaches behind the end")

// window reads a region of a file through a buffer, forwards mostly.
type window struct {
	r     io.ReaderAt
	limit int64 // end of the region
	buf   []byte
	off   int64 // of buf[0]
	n     int   // valid bytes of buf
	ahead int   // bytes to read at a time: more as long as reading goes on forwards

	bad int64 // where reading failed, which is not tried again
	err error // and why; nil: it did not
}

// firstRead is how much is read at a new place, where nobody knows how far it will go on.
const firstRead = 8 << 10

// reset makes w read another region, through the buffer it has if that fits.
func (w *window) reset(r io.ReaderAt, limit int64, size int) {
	w.r, w.limit, w.off, w.n, w.ahead, w.bad, w.err = r, limit, 0, 0, 0, 0, nil
	if len(w.buf) < size || len(w.buf) > 2*size {
		w.buf = make([]byte, size)
	}
}

// at gives the n bytes at pos. They are valid until the next call. Where reading
// ahead fails, it reads just what was asked for, so that one bad sector costs no more.
func (w *window) at(pos int64, n int) ([]byte, error) {
	if i := pos - w.off; i >= 0 && i+int64(n) <= int64(w.n) {
		return w.buf[i : i+int64(n) : i+int64(n)], nil
	}
	if pos < 0 || n < 0 || pos > w.limit || int64(n) > w.limit-pos {
		return nil, errEnd
	}
	if w.err != nil && pos <= w.bad && w.bad < pos+int64(n) {
		return nil, w.err
	}
	if n > len(w.buf) {
		w.buf = make([]byte, max(n, min(2*n, 1<<21)))
	}
	if past := pos - w.off - int64(w.n); w.n > 0 && pos > w.off && past <= int64(w.ahead) {
		w.ahead = min(2*w.ahead, len(w.buf))
	} else {
		w.ahead = min(firstRead, len(w.buf))
	}
	want := int(min(int64(max(n, w.ahead)), w.limit-pos))
	w.off, w.n = pos, 0
	got, err := readFull(w.r, w.buf[:want], pos)
	if got < n && want > n {
		got, err = readFull(w.r, w.buf[:n], pos)
	}
	if got < n {
		w.bad, w.err = pos+int64(got), err
		return nil, err
	}
	w.n = got
	return w.buf[:n:n], nil
}

// readFull reads until buf is full, or says why not; a file that became shorter
// than it was is io.ErrUnexpectedEOF.
func readFull(r io.ReaderAt, buf []byte, off int64) (int, error) {
	n := 0
	for n < len(buf) {
		m, err := r.ReadAt(buf[n:], off+int64(n))
		n += m
		if n == len(buf) {
			return n, nil
		}
		if errors.Is(err, io.EOF) || err == nil && m == 0 {
			return n, io.ErrUnexpectedEOF
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
