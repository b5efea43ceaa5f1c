// SPDX-License-Identifier: Apache-2.0

package tsmreader

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/shardlift/shardlift/point"
	"github.com/shardlift/shardlift/tsmreader/internal/fault"
)

// fieldSet is what fields.idx says of a shard: measurement → field → kind, with
// unescaped names. It is a witness, not an authority: it has no checksum, and it may
// lag behind the data.
type fieldSet map[string]map[string]point.Kind

const fieldsMagic = 0x00060103

// maxFieldsFile bounds what is read of fields.idx and its log.
const maxFieldsFile = 256 << 20

// fieldKinds maps the type numbers of fields.idx.
var fieldKinds = map[uint64]point.Kind{1: point.Float, 2: point.Integer, 3: point.String, 4: point.Boolean, 9: point.Unsigned}

var (
	errFieldsMagic = errors.New("does not start with its magic number")
	errFieldsType  = errors.New("unknown field type")
	errWire        = errors.New("not a valid message")
	errFieldsSize  = errors.New("file is too large to be true")
	errFieldsKind  = errors.New("not a regular file")
)

// readFields reads fields.idx and fields.idxl of a shard directory. Without the
// first there is nothing to compare with, and the result is nil.
func readFields(dir string) (fieldSet, []Fault) {
	path := filepath.Join(dir, "fields.idx")
	b, err := readBounded(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	set := fieldSet{}
	if err == nil {
		err = set.decode(b)
	}
	if err != nil {
		f := fault.New(path, fault.Fields, 0, int64(len(b)), false, fmt.Errorf("%w: %w", errFieldsIndex, err))
		return nil, []Fault{f}
	}
	logPath := filepath.Join(dir, "fields.idxl")
	if b, err = readBounded(logPath); err == nil {
		err = set.decodeLog(b)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f := fault.New(logPath, fault.Fields, 0, int64(len(b)), false, fmt.Errorf("%w: %w", errFieldsIndex, err))
		return nil, []Fault{f}
	}
	return set, nil
}

func readBounded(path string) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() { // reading a pipe would wait for its writer
		return nil, errFieldsKind
	}
	if st.Size() > maxFieldsFile {
		return nil, errFieldsSize
	}
	return os.ReadFile(path)
}

// of gives the fields of a measurement, whose name is escaped; nil if it is not listed.
func (s fieldSet) of(measurement []byte) map[string]point.Kind {
	name := string(measurement)
	if !strings.Contains(name, `\`) {
		return s[name]
	}
	if fields, ok := s[indexName.Replace(name)]; ok {
		return fields
	}
	return s[point.UnescapeMeasurement(measurement)]
}

// indexName is how the engine's index unescapes a measurement when a line is written:
// of more than a measurement can have escaped.
var indexName = strings.NewReplacer(`\,`, `,`, `\"`, `"`, `\ `, ` `, `\=`, `=`)

// add takes over what o lists; where they differ o is right.
func (s fieldSet) add(o fieldSet) {
	for name, fields := range o {
		if s[name] == nil {
			s[name] = map[string]point.Kind{}
		}
		maps.Copy(s[name], fields)
	}
}

// decode reads fields.idx: magic, then repeated measurements in field 1.
func (s fieldSet) decode(b []byte) error {
	if len(b) < 4 || binary.BigEndian.Uint32(b) != fieldsMagic {
		return errFieldsMagic
	}
	return eachField(b[4:], func(num protowire.Number, v []byte, _ uint64) error {
		if num != 1 {
			return nil
		}
		var name string
		fields := map[string]point.Kind{}
		err := eachField(v, func(num protowire.Number, v []byte, _ uint64) error {
			switch num {
			case 1:
				name = string(v)
			case 2:
				field, kind, err := decodeField(v)
				if err != nil {
					return err
				}
				fields[field] = kind
			}
			return nil
		})
		if err == nil {
			s[name] = fields
		}
		return err
	})
}

func decodeField(b []byte) (name string, kind point.Kind, err error) {
	number := uint64(0)
	err = eachField(b, func(num protowire.Number, v []byte, n uint64) error {
		switch num {
		case 1:
			name = string(v)
		case 2:
			number = n
		}
		return nil
	})
	if err != nil {
		return "", 0, err
	}
	kind, ok := fieldKinds[number]
	if !ok {
		return "", 0, fmt.Errorf("%w %d", errFieldsType, number)
	}
	return name, kind, nil
}

// decodeLog applies fields.idxl, the log of changes that 1.12 keeps beside
// fields.idx. A cut last record is left out, as the engine does.
func (s fieldSet) decodeLog(b []byte) error {
	for len(b) >= 8 {
		n := binary.LittleEndian.Uint64(b)
		b = b[8:]
		if n > uint64(len(b)) {
			return nil
		}
		err := eachField(b[:n], func(num protowire.Number, v []byte, _ uint64) error {
			if num != 1 {
				return nil
			}
			return s.apply(v)
		})
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// apply applies one change: a field that was added or a measurement that was deleted.
func (s fieldSet) apply(b []byte) error {
	var measurement, field string
	var kind point.Kind
	change := uint64(0)
	err := eachField(b, func(num protowire.Number, v []byte, n uint64) (err error) {
		switch num {
		case 1:
			measurement = string(v)
		case 2:
			field, kind, err = decodeField(v)
		case 3:
			change = n
		}
		return err
	})
	if err != nil {
		return err
	}
	if change == 1 {
		delete(s, measurement)
		return nil
	}
	if s[measurement] == nil {
		s[measurement] = map[string]point.Kind{}
	}
	s[measurement][field] = kind
	return nil
}

// eachField walks the fields of a protobuf message; bytes come as v, varints as n.
func eachField(b []byte, f func(num protowire.Number, v []byte, n uint64) error) error {
	for len(b) > 0 {
		num, typ, w := protowire.ConsumeTag(b)
		if w < 0 {
			return errWire
		}
		b = b[w:]
		var v []byte
		var n uint64
		switch typ {
		case protowire.BytesType:
			v, w = protowire.ConsumeBytes(b)
		case protowire.VarintType:
			n, w = protowire.ConsumeVarint(b)
		default:
			w = protowire.ConsumeFieldValue(num, typ, b)
		}
		if w < 0 {
			return errWire
		}
		if err := f(num, v, n); err != nil {
			return err
		}
		b = b[w:]
	}
	return nil
}
