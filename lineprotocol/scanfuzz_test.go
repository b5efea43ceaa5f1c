// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import (
	"bytes"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// FuzzScan scans any text: the tokens are those of the model and lie side by side,
// the parsers take what they are given, and good points can be cut apart again.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		"# DML\nm,t=a f=1,s=\"x\ny\" 1600000000000000000\n\nm f=2",
		"m f=\"\nm\\ x,t=\\=,u=a\\\nb f=t,g=1i,h=\"\\\"\\\\\" -5 \n,\n=\n\\", `m\\ x="a` + "\n" + `" f=1`, "m f=1 10\r\n \t\r\n\x00#\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 4<<10 {
			return
		}
		got := scanAll(string(text))
		if d := cmp.Diff(modelScan(string(text)), got, anyReason); d != "" {
			t.Fatalf("%q (-model +got):\n%s", text, d)
		}
		if d := cmp.Diff(got, scanFrom(NewScanner(iotest.OneByteReader(bytes.NewReader(text)))), sameReason); d != "" {
			t.Fatalf("%q byte by byte (-want +got):\n%s", text, d)
		}
		end := int64(0)
		var good []byte
		var ends []int
		for _, k := range got {
			if between := string(text[end:k.Offset]); strings.Trim(between, " \t\x00\r\n") != "" {
				t.Fatalf("%q is left out of %q", between, text)
			}
			if string(text[k.Offset:k.Offset+int64(len(k.Text))]) != k.Text || k.Line != int64(1+bytes.Count(text[:k.Offset], lineFeed)) {
				t.Fatalf("%+v does not stand there", k)
			}
			if (k.Kind == BadToken) != (k.Err != nil) {
				t.Fatalf("%+v", k)
			}
			end = k.End
			if k.Kind == PointToken {
				good = append(append(good, k.Text...), '\n')
				ends = append(ends, len(good))
				checkParts(t, k)
			}
		}
		if strings.Trim(string(text[end:]), " \t\x00\r\n") != "" {
			t.Fatalf("%q is left out of %q", text[end:], text)
		}
		if d := cmp.Diff(ends, AppendEnds(nil, good)); d != "" {
			t.Fatalf("ends in %q (-want +got):\n%s", good, d)
		}
	})
}

// checkParts lets the parsers judge the parts of a point; what they say goes together.
func checkParts(t *testing.T, k found) {
	t.Helper()
	_ = CheckKey([]byte(k.Key))
	if k.Time != "" {
		_, _ = ParseTime([]byte(k.Time), 1)
	}
	fields, err := ParseFields(nil, []byte(k.Fields))
	if strings.Contains(k.Text, "\n") && err != nil {
		t.Fatalf("%q spans lines and does not parse: %v", k.Text, err)
	}
	size := 0
	for _, f := range fields {
		size += len(f.Key) + len(f.Value) + 2
		if UnescapeField(f.Key) == "" && len(f.Key) > 0 {
			t.Fatalf("%q is nothing", f.Key)
		}
	}
	if err == nil && size != len(k.Fields)+1 {
		t.Fatalf("%q has fields of %d bytes", k.Fields, size)
	}
}
