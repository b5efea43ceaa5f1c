// SPDX-License-Identifier: Apache-2.0

package meta

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"

	"google.golang.org/protobuf/encoding/protowire"
)

// maxSize is far beyond any real metastore: room for a million shard groups. Decoded
// data can be twenty times as large as its bytes when those are made to be.
const maxSize = 64 << 20

// legacyMagic begins the metastore of a legacy backup.
const legacyMagic = 0x59590101

// Read opens the metastore at path, read-only, in any of its wrappings. What cannot
// be understood is a *CorruptError.
func Read(path string) (*Data, error) {
	b, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("read metastore: %w", err)
	}
	data, err := Decode(b)
	if err != nil {
		return nil, fmt.Errorf("read metastore %s: %w", path, err)
	}
	return data, nil
}

func readFile(path string) (b []byte, err error) {
	// Looked at before it is opened: opening a pipe would wait for its writer.
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	b, err = io.ReadAll(io.LimitReader(f, maxSize+1))
	if err == nil && len(b) > maxSize {
		return nil, fmt.Errorf("%s is larger than %d MiB", path, maxSize>>20)
	}
	return b, err
}

// Decode reads a metastore in any of its wrappings. The result does not alias b.
// Every error is a *CorruptError.
func Decode(b []byte) (*Data, error) {
	m, err := unwrap(b)
	if err != nil {
		return nil, err
	}
	d := new(Data)
	if err := d.decode(m); err != nil {
		return nil, err
	}
	return d, nil
}

// unwrap finds the Data message in b.
func unwrap(b []byte) (message, error) {
	whole := message{name: "metastore", bytes: b}
	if len(b) == 0 {
		return message{}, corrupt(0, whole.name, errEmpty)
	}
	if len(b) >= 8 && binary.BigEndian.Uint64(b) == legacyMagic {
		return unwrapLegacy(b)
	}
	first, _, err := whole.next(0)
	if err != nil {
		return message{}, corrupt(0, whole.name, err)
	}
	if first.num == 1 && first.typ == protowire.BytesType {
		return message{name: whole.name, bytes: first.bytes, off: first.off}, nil
	}
	return whole, nil
}

func unwrapLegacy(b []byte) (message, error) {
	const name = "legacy metastore header"
	if len(b) < 16 {
		return message{}, corrupt(8, name, errShort)
	}
	size := binary.BigEndian.Uint64(b[8:])
	if rest := b[16:]; size > uint64(len(rest)) {
		return message{}, corrupt(8, name, fmt.Errorf("length %d %w", size, errShort))
	}
	return message{name: "metastore", bytes: b[16:][:size], off: 16}, nil
}
