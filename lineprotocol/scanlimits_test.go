// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// kept is what a test of long texts remembers of a token.
type kept struct {
	Kind         TokenKind
	Start        string
	Length       int
	Line, Offset int64
	End          int64
	Err          error
}

func scanLong(r io.Reader) []kept {
	var all []kept
	s := NewScanner(r)
	for s.Next() {
		t := s.Token()
		all = append(all, kept{t.Kind, string(t.Text[:min(8, len(t.Text))]), len(t.Text), t.Line, t.Offset, t.End, t.Err})
	}
	return all
}

func TestLimits(t *testing.T) {
	const good = "m f=1 10\n"
	x := func(n int) string { return strings.Repeat("x", n) }
	longest := `m f="` + x(MaxPoint-len(`m f=""`)) + `"`
	cases := map[string]struct {
		text string
		want []kept
	}{
		"the longest point":        {longest + "\n", []kept{{PointToken, longest[:8], MaxPoint, 1, 0, MaxPoint + 1, nil}}},
		"the longest without LF":   {longest, []kept{{PointToken, longest[:8], MaxPoint, 1, 0, MaxPoint, nil}}},
		"longer":                   {longest + " \n" + good, []kept{{BadToken, longest[:8], longText, 1, 0, MaxPoint + 2, ErrTooLong}, {PointToken, good[:8], 8, 2, MaxPoint + 2, MaxPoint + 11, nil}}},
		"a longer one to its end":  {longest + " ", []kept{{BadToken, longest[:8], longText, 1, 0, MaxPoint + 1, ErrTooLong}}},
		"a longer comment":         {"#" + x(MaxPoint) + "\n" + good, []kept{{BadToken, "#xxxxxxx", longText, 1, 0, MaxPoint + 2, ErrTooLong}, {PointToken, good[:8], 8, 2, MaxPoint + 2, MaxPoint + 11, nil}}},
		"a string over many lines": {`m f="` + strings.Repeat("a\n", 1<<18) + "\"\n" + good, []kept{{PointToken, "m f=\"a\na", 1<<19 + 6, 1, 0, 1<<19 + 7, nil}, {PointToken, good[:8], 8, 1<<18 + 2, 1<<19 + 7, 1<<19 + 16, nil}}},
		"a key too long":           {x(maxKey) + " f=1\n" + x(maxKey+2) + " f=1\n", []kept{{PointToken, x(8), maxKey + 4, 1, 0, maxKey + 5, nil}, {BadToken, x(8), maxKey + 6, 2, maxKey + 5, 2*maxKey + 12, errKeyTooLong}}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := scanLong(strings.NewReader(c.text))
			if d := cmp.Diff(c.want, got, sameReason); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// A lone quote costs its line, also where nothing ever closes the string.
func TestLoneQuote(t *testing.T) {
	line := "m" + strings.Repeat(",tag_of_some_length=and_a_value", 30) + " f=1 10\n"
	lines := 2*MaxPoint/len(line) + 1
	got := scanLong(strings.NewReader("m f=\"a\n" + strings.Repeat(line, lines)))
	if len(got) != lines+1 || got[0].Kind != BadToken || !errors.Is(got[0].Err, errQuotes) {
		t.Fatalf("%d tokens, the first %+v", len(got), got[0])
	}
	for _, k := range got[1:] {
		if k.Kind != PointToken {
			t.Fatalf("%+v", k)
		}
	}
}

// Texts made so that every line begins something long that is no point after all are
// scanned in a number of steps that their length limits, and no line is left out.
func TestScanningStaysLinear(t *testing.T) {
	for name, line := range map[string]string{
		"key goes on":      "a\\\n",
		"tags go on":       "a,b=c\\\n",
		"quotes pair up":   "\" g=\"\n",
		"strings pair up":  "m f=\",g=\"\n",
		"odd key goes on":  "a\\\\ f=\"\n",
		"odd, and escapes": "\\\\ \\\n",
		"field key":        "a b\\\n",
	} {
		t.Run(name, func(t *testing.T) {
			const size = 2 << 20
			s := NewScanner(strings.NewReader(strings.Repeat(line, size/len(line))))
			end, lines := int64(0), 0
			for s.Next() {
				k := s.Token()
				if k.Offset != end {
					t.Fatalf("%d follows %d", k.Offset, end)
				}
				end = k.End
				lines += 1 + strings.Count(string(k.Text), "\n")
			}
			if lines != size/len(line) || end != int64(lines*len(line)) {
				t.Errorf("%d lines to %d", lines, end)
			}
			if most := int64(freeToil + toilRate*size + MaxPoint); s.toil.spent > most {
				t.Errorf("%d bytes walked in vain, %d at the most", s.toil.spent, most)
			}
		})
	}
}
