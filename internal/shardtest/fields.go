// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/shardlift/shardlift/point"
)

// fieldsMagic opens a fields.idx.
const fieldsMagic = "\x00\x06\x01\x03"

// fieldKinds gives the number of a kind in fields.idx.
var fieldKinds = [point.NumKinds]uint64{
	point.Float: 1, point.Integer: 2, point.String: 3, point.Boolean: 4, point.Unsigned: 9,
}

// Field is a field key, as stored, and its type.
type Field struct {
	Name string
	Kind point.Kind
}

// MeasurementFields are the fields of a measurement; its name is unescaped.
type MeasurementFields struct {
	Name   string
	Fields []Field
}

// FieldsIndex gives a fields.idx, in the order given.
func FieldsIndex(measurements ...MeasurementFields) []byte {
	file := []byte(fieldsMagic)
	for _, m := range measurements {
		body := appendProtoString(nil, 1, m.Name)
		for _, f := range m.Fields {
			body = appendProtoBytes(body, 2, encodeField(f))
		}
		file = appendProtoBytes(file, 1, body)
	}
	return file
}

// FieldChange is one line of the log that 1.12 keeps beside fields.idx.
type FieldChange struct {
	Measurement string
	Field       Field // not used by a drop
	Drop        bool  // the measurement was deleted
}

// AppendFieldsLog appends one record of a fields.idxl. Without changes it is the
// empty record that the engine writes in place of a drop.
func AppendFieldsLog(dst []byte, changes ...FieldChange) []byte {
	var set []byte
	for _, c := range changes {
		body := appendProtoString(nil, 1, c.Measurement)
		if c.Drop {
			body = appendProtoUint(body, 3, 1)
		} else {
			body = appendProtoBytes(body, 2, encodeField(c.Field))
		}
		set = appendProtoBytes(set, 1, body)
	}
	return append(binary.LittleEndian.AppendUint64(dst, uint64(len(set))), set...)
}

func encodeField(f Field) []byte {
	return appendProtoUint(appendProtoString(nil, 1, f.Name), 2, fieldKinds[f.Kind])
}

func appendProtoBytes(dst []byte, number protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(dst, number, protowire.BytesType), v)
}

func appendProtoString(dst []byte, number protowire.Number, v string) []byte {
	return protowire.AppendString(protowire.AppendTag(dst, number, protowire.BytesType), v)
}

func appendProtoUint(dst []byte, number protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(dst, number, protowire.VarintType), v)
}
