// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// found is a Token with its slices as texts.
type found struct {
	Kind              TokenKind
	Text              string
	Line, Offset, End int64
	Key, Fields, Time string
	Err               error
}

func copyToken(t *Token) found {
	return found{t.Kind, string(t.Text), t.Line, t.Offset, t.End, string(t.Key), string(t.Fields), string(t.Time), t.Err}
}

func scanAll(text string) []found {
	var all []found
	s := NewScanner(strings.NewReader(text))
	for s.Next() {
		all = append(all, copyToken(s.Token()))
	}
	return all
}

func TestScan(t *testing.T) {
	got := scanAll("# c\nm,t=a f=1 10\n\nm s=\"a\nb\" 5\nx f=\"\ny f=2\\\nz f=3")
	want := []found{
		{Kind: CommentToken, Text: "# c", Line: 1, Offset: 0, End: 4},
		{Kind: PointToken, Text: "m,t=a f=1 10", Line: 2, Offset: 4, End: 17, Key: "m,t=a", Fields: "f=1", Time: "10"},
		{Kind: PointToken, Text: "m s=\"a\nb\" 5", Line: 4, Offset: 18, End: 30, Key: "m", Fields: "s=\"a\nb\"", Time: "5"},
		{Kind: BadToken, Text: `x f="`, Line: 6, Offset: 30, End: 36, Err: errQuotes},
		{Kind: BadToken, Text: `y f=2\`, Line: 7, Offset: 36, End: 43, Err: errTimeDigits},
		{Kind: PointToken, Text: "z f=3", Line: 8, Offset: 43, End: 48, Key: "z", Fields: "f=3"},
	}
	if d := cmp.Diff(want, got, cmp.Comparer(errors.Is), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
