// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// maxWindow is how far back a zstd stream may refer, which is memory that it takes. It
// holds what `zstd` makes without --ultra or --long.
const maxWindow = 32 << 20

// rawBuffer is how much of a file is read at a time.
const rawBuffer = 128 << 10

// coding is how an input is compressed.
type coding string

const (
	plain coding = ""
	gzipd coding = "gzip"
	zstdd coding = "zstd"
)

// zstdMagic begins a frame. One to be skipped begins with 0x50 to 0x5f, and skippedMagic.
const (
	zstdMagic    = "\x28\xb5\x2f\xfd"
	skippedFirst = 0x50
	skippedMagic = "\x2a\x4d\x18"
)

// foreign are beginnings of files that hold no line protocol, whatever follows.
var foreign = []struct{ magic, what string }{
	{"BZh", "is compressed with bzip2: unpack it, for example with `bzcat FILE | shardlift import -`"},
	{"\xfd7zXZ\x00", "is compressed with xz: unpack it, for example with `xzcat FILE | shardlift import -`"},
	{"\x04\x22\x4d\x18", "is compressed with lz4: unpack it, for example with `lz4cat FILE | shardlift import -`"},
	{"PK\x03\x04", "is a zip archive: unpack it"},
	{"\x16\xd1\x16\xd1", "is a TSM file: use `shardlift export` or `shardlift replay`"},
	{"\xff\xfe", "is UTF-16: line protocol is UTF-8"},
	{"\xfe\xff", "is UTF-16: line protocol is UTF-8"},
}

// sniff tells by the first bytes how an input is compressed.
func sniff(b []byte) (coding, error) {
	switch {
	case bytes.HasPrefix(b, []byte(gzipMagic)):
		return gzipd, nil
	case bytes.HasPrefix(b, []byte(zstdMagic)),
		len(b) >= 4 && b[0]&0xf0 == skippedFirst && string(b[1:4]) == skippedMagic:
		return zstdd, nil
	}
	for _, f := range foreign {
		if bytes.HasPrefix(b, []byte(f.magic)) {
			return plain, errors.New(f.what)
		}
	}
	return plain, nil
}

// tarMagic stands at tarMagicAt in the first header of a tar archive.
const (
	tarMagic   = "ustar"
	tarMagicAt = 257
)

// errTar is an error for an archive, whose headers would become parts of points.
func errTar(r *bufio.Reader) error {
	b, _ := r.Peek(tarMagicAt + len(tarMagic)) // an error comes again
	if len(b) < tarMagicAt+len(tarMagic) || string(b[tarMagicAt:]) != tarMagic || bytes.IndexByte(b[:tarMagicAt], 0) < 0 {
		return nil
	}
	return errors.New("is a tar archive: unpack it, and import the files (or `tar -xOf FILE NAME | shardlift import -`)")
}

// errUnpacked is an error for what is no text either when it is unpacked: each of its lines
// would be one that does not parse.
func errUnpacked(r *bufio.Reader) error {
	b, _ := r.Peek(8) // an error comes again
	coding, err := sniff(b)
	if err == nil && coding != plain {
		return fmt.Errorf("is compressed again, with %s: unpack it once", coding)
	}
	return err
}

// counter counts what is read through it.
type counter struct {
	r   io.Reader
	n   int64
	err error // that is not the end
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

// decoder turns an input as it lies there into text. Its errors name the input.
type decoder struct {
	name   string
	raw    counter
	buf    *bufio.Reader
	text   io.Reader // nil until the first Read
	coding coding
	zstd   *zstd.Decoder
	frames *frames // that zstd reads
	err    error   // from where on there is no more
}

func newDecoder(name string, raw io.Reader) *decoder {
	d := &decoder{name: name, raw: counter{r: raw}}
	d.buf = bufio.NewReaderSize(&d.raw, rawBuffer)
	return d
}

// foreign is an error for what is no text and no compression that is known here. What
// keeps the beginning from being read is left to Read.
func (d *decoder) foreign() error {
	b, _ := d.buf.Peek(8)
	_, err := sniff(b)
	if err == nil {
		err = errTar(d.buf)
	}
	if err != nil {
		return fmt.Errorf("%s %w", d.name, err)
	}
	return nil
}

// open looks at the first bytes.
func (d *decoder) open() error {
	b, err := d.buf.Peek(8)
	if err != nil && !errors.Is(err, io.EOF) {
		return d.damaged(err)
	}
	if d.coding, err = sniff(b); err != nil {
		return fmt.Errorf("%s %w", d.name, err)
	}
	switch d.coding {
	case gzipd:
		d.text, err = newMembers(d.buf)
	case zstdd:
		d.frames = &frames{r: d.buf}
		d.zstd, err = zstd.NewReader(d.frames, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(maxWindow))
		d.text = d.zstd
	case plain:
		d.text = d.buf
	}
	if err != nil {
		return d.damaged(err)
	}
	text := d.buf
	if d.coding != plain {
		text = bufio.NewReaderSize(d.text, 512) // larger reads pass by it
		d.text = text
		if err := errUnpacked(text); err != nil {
			return fmt.Errorf("%s is compressed, and what it holds %w", d.name, err)
		}
	}
	if err := errTar(text); err != nil {
		return fmt.Errorf("%s %w", d.name, err)
	}
	return nil
}

// Read gives text. Its errors do not count as the end: what is cut off never looks whole.
func (d *decoder) Read(p []byte) (int, error) {
	if d.err == nil && d.text == nil {
		d.err = d.open()
	}
	if d.err != nil {
		return 0, d.err
	}
	n, err := d.text.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // readers give io.EOF itself at the end, and a wrapped one would be none
		err = d.damaged(err)
	}
	d.err = err
	return n, err
}

// DamagedError says that an input cannot be read to its end, since it is not what was
// once written.
type DamagedError struct {
	text   string
	Offset int64  // in the input, about where it breaks off; -1: not known
	Reason string // without the name of the input and the place
	Junk   bool   // all in front of Offset is whole, and what follows is no part of it
}

// Error names the input and the place.
func (e *DamagedError) Error() string { return e.text }

func damagedf(format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	return &DamagedError{text: text, Offset: -1, Reason: text}
}

// damaged says where an input breaks off.
func (d *decoder) damaged(err error) error {
	at := d.raw.n - int64(d.buf.Buffered())
	if n := d.junk(); n > 0 && errors.Is(err, io.ErrUnexpectedEOF) {
		at -= int64(n)
		err = errJunk
	}
	switch {
	case errors.Is(err, ErrChanged):
		return err
	case d.coding == plain:
		return fmt.Errorf("read %s at byte %d: %w", d.name, at, err)
	case d.raw.err != nil: // of the disk, whatever the decompressor makes of it
		return fmt.Errorf("read %s at byte %d: %w", d.name, d.raw.n, d.raw.err)
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		return &DamagedError{
			text:   fmt.Sprintf("%s is cut off: its %s stream ends in the middle, at byte %d", d.name, d.coding, at),
			Offset: at, Reason: fmt.Sprintf("the %s stream ends in the middle: the file is cut off", d.coding),
		}
	case errors.Is(err, zstd.ErrMagicMismatch): // never of the first frame, by which the coding is known
		at -= int64(len(zstdMagic))
		fallthrough
	case errors.Is(err, errJunk):
		return &DamagedError{
			text:   fmt.Sprintf("%s has trailing junk: its %s stream ends at byte %d, and what follows is none", d.name, d.coding, at),
			Offset: at, Reason: fmt.Sprintf("trailing junk: the %s stream ends here, and what follows is none", d.coding), Junk: true,
		}
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return fmt.Errorf("%s at byte %d: its zstd window is too large to be read in little memory: use `zstd -dc --long=31 FILE | shardlift import -`", d.name, at)
	}
	return &DamagedError{
		text:   fmt.Sprintf("%s is damaged: %s stream at byte %d: %v", d.name, d.coding, at, err),
		Offset: at, Reason: fmt.Sprintf("the %s stream is damaged: %v", d.coding, err),
	}
}

// junk is what stands behind the last frame of zstd, where it is too short to be one.
func (d *decoder) junk() int {
	if d.frames == nil || d.raw.err != nil {
		return 0
	}
	return d.frames.junk()
}

// close gives memory back.
func (d *decoder) close() {
	if d.zstd != nil {
		d.zstd.Close()
	}
}

// withoutMark passes over a byte order mark at the start of a text, and says how many
// bytes that were.
func withoutMark(r io.Reader) (rest io.Reader, n int64) {
	b := make([]byte, len(byteOrderMark))
	got, _ := io.ReadFull(r, b) // an error comes again
	if string(b[:got]) == byteOrderMark {
		return r, int64(got)
	}
	return io.MultiReader(bytes.NewReader(b[:got]), r), 0
}

const byteOrderMark = "\xef\xbb\xbf"
