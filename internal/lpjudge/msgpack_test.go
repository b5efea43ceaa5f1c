// SPDX-License-Identifier: Apache-2.0

package lpjudge

import (
	"bufio"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func unpack(s string) (any, error) {
	u := unpacker{bufio.NewReader(strings.NewReader(s))}
	return u.value()
}

func TestUnpack(t *testing.T) {
	for name, tt := range map[string]struct {
		in   string
		want any
	}{
		"small":          {"\x7f", int64(127)},
		"negative small": {"\xe0", int64(-32)},
		"nil":            {"\xc0", nil},
		"false":          {"\xc2", false},
		"true":           {"\xc3", true},
		"uint8":          {"\xcc\xff", uint64(255)},
		"uint64":         {"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", uint64(math.MaxUint64)},
		"int8":           {"\xd0\x80", int64(-128)},
		"int16":          {"\xd1\x80\x00", int64(-32768)},
		"int32":          {"\xd2\xff\xff\xff\xfe", int64(-2)},
		"int64":          {"\xd3\x80\x00\x00\x00\x00\x00\x00\x00", int64(math.MinInt64)},
		"float32":        {"\xca\x3f\xc0\x00\x00", 1.5},
		"float64":        {"\xcb\xbf\xf8\x00\x00\x00\x00\x00\x00", -1.5},
		"text":           {"\xa2h\xff", "h\xff"},
		"text 8":         {"\xd9\x01x", "x"},
		"text 16":        {"\xda\x00\x01x", "x"},
		"binary":         {"\xc4\x01x", "x"},
		"list":           {"\x92\x01\xa1a", []any{int64(1), "a"}},
		"list 16":        {"\xdc\x00\x01\x01", []any{int64(1)}},
		"map":            {"\x81\xa1a\x91\xc0", map[string]any{"a": []any{nil}}},
		"map 16":         {"\xde\x00\x01\xa1a\x01", map[string]any{"a": int64(1)}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := unpack(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUnpackRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"cut text":     "\xa3ab",
		"cut list":     "\x92\x01",
		"cut number":   "\xcb\x00",
		"cut length":   "\xdb\x00",
		"huge":         "\xdb\xff\xff\xff\xff",
		"extension":    "\xc7\x01\x05x",
		"key is a nil": "\x81\xc0\x01",
	} {
		t.Run(name, func(t *testing.T) {
			if v, err := unpack(in); err == nil || errors.Is(err, io.EOF) {
				t.Errorf("got %v, %v", v, err)
			}
		})
	}
	if _, err := unpack(""); !errors.Is(err, io.EOF) {
		t.Errorf("end: %v, want io.EOF", err)
	}
}
