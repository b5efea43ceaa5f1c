// SPDX-License-Identifier: Apache-2.0

package tombstone

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"

	"github.com/shardlift/shardlift/point"
)

var (
	errMember = errors.New("compressed deletes are damaged and left out")
	errTail   = errors.New("compressed deletes are cut; those before the cut are applied")
)

// maxTries bounds the search for a sound member behind a damaged one.
const maxTries = 1 << 10

// memberStart is how every gzip member starts: magic number and deflate.
var memberStart = []byte{0x1f, 0x8b, 0x08}

func isMember(b []byte) bool { return bytes.HasPrefix(b, memberStart) }

// members reads gzip members one behind the other from off on. Each is read twice: its
// checksum comes at its end, and deletes that it does not bear out would take away
// points that are there.
func (d *decoder) members(off int64) {
	for off < d.size {
		end, cut, err := d.check(off)
		if err == nil {
			d.apply(off)
			off = end
			continue
		}
		next := d.nextMember(off + 1)
		switch {
		case next >= 0:
			d.report(off, next-off, fmt.Errorf("%w: %w", errMember, err))
			off = next
		case cut:
			d.apply(off)
			d.report(off, d.size-off, fmt.Errorf("%w: %w", errTail, err))
			return
		default:
			d.report(off, d.size-off, fmt.Errorf("%w: %w", errMember, err))
			return
		}
	}
}

// check reads the member at off to its end, checksum and all, and gives where the next
// one starts. cut says that the file ends before the member does.
func (d *decoder) check(off int64) (end int64, cut bool, err error) {
	e := entries{add: func([]byte, point.TimeRange) {}, odd: func([]byte, bool, error) {}}
	end, err = d.member(off, &e)
	return end, errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errCut), err
}

// apply gives the deletes of the member at off, up to where it is damaged.
func (d *decoder) apply(off int64) {
	e := entries{add: d.add, odd: func(key []byte, lost bool, err error) { d.oddEntry(off, key, lost, err) }}
	_, _ = d.member(off, &e) // check gave the error
}

// member reads the entries of one member.
func (d *decoder) member(off int64, e *entries) (end int64, err error) {
	section := d.from(off)
	if err := d.open(section); err != nil {
		return 0, eof(err)
	}
	body := errReader{r: d.unzip}
	d.body.Reset(&body)
	if err := e.read(d.body); err != nil {
		if body.err != nil {
			return 0, eof(body.err)
		}
		return 0, err
	}
	at, err := section.Seek(0, io.SeekCurrent)
	return off + at - int64(d.raw.Buffered()), err
}

// open readies the decompressor for the member that section starts with.
func (d *decoder) open(section io.Reader) (err error) {
	if d.raw == nil {
		d.raw, d.body = bufio.NewReader(section), bufio.NewReader(nil)
	} else {
		d.raw.Reset(section)
	}
	if d.unzip == nil {
		d.unzip, err = gzip.NewReader(d.raw)
	} else {
		err = d.unzip.Reset(d.raw)
	}
	if err != nil {
		return err
	}
	d.unzip.Multistream(false)
	return nil
}

// errReader keeps the error of a stream, which says more than where an entry ended.
type errReader struct {
	r   io.Reader
	err error
}

func (e *errReader) Read(b []byte) (int, error) {
	n, err := e.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		e.err = err
	}
	return n, err
}

// eof names the end of the file as such.
func eof(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// nextMember finds the next place at which a sound member starts, or -1.
func (d *decoder) nextMember(from int64) int64 {
	buf := make([]byte, 64<<10)
	tries := 0
	for at := from; at+int64(len(memberStart)) <= d.size; {
		n, err := d.r.ReadAt(buf[:min(int64(len(buf)), d.size-at)], at)
		if n < len(memberStart) {
			if err == nil || errors.Is(err, io.EOF) {
				return -1
			}
			at += 4096 // unreadable: go on behind this page
			continue
		}
		i := bytes.Index(buf[:n], memberStart)
		if i < 0 {
			at += int64(n - len(memberStart) + 1)
			continue
		}
		if _, _, err := d.check(at + int64(i)); err == nil {
			return at + int64(i)
		}
		if tries++; tries == maxTries {
			return -1
		}
		at += int64(i) + 1
	}
	return -1
}
