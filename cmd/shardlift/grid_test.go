// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rivo/uniseg"
	"pgregory.net/rapid"
)

func sampleGrid() *grid {
	g := &grid{columns: []column{
		{title: "database", key: true},
		{title: "points", right: true},
		{title: "tombstones", right: true},
		{title: "first"},
		{title: "size", right: true},
	}}
	g.add("telegraf", "8,064", "", "2024-01-01", "1.2 MB")
	g.add("日本", "1", "", "", "12 B")
	return g
}

func TestGrid(t *testing.T) {
	for name, c := range map[string]struct {
		width int
		want  string
	}{
		"any width": {0, `
  database  points  first         size
  telegraf   8,064  2024-01-01  1.2 MB
  日本           1                12 B
`},
		"just as wide": {38, `
  database  points  first         size
  telegraf   8,064  2024-01-01  1.2 MB
  日本           1                12 B
`},
		"goes on below": {37, `
  database  points  first
  telegraf   8,064  2024-01-01
  日本           1

  database    size
  telegraf  1.2 MB
  日本        12 B
`},
		"one column at a time": {22, `
  database  points
  telegraf   8,064
  日本           1

  database  first
  telegraf  2024-01-01
  日本

  database    size
  telegraf  1.2 MB
  日本        12 B
`},
		"too narrow for one": {21, `
  database  telegraf
  points    8,064
  first     2024-01-01
  size      1.2 MB

  database  日本
  points    1
  size      12 B
`},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := sampleGrid().write(&b, c.width); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimPrefix(c.want, "\n"), b.String()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Names of any length and with anything in them neither break lines nor reach the terminal as
// they are, and what was there of them fits.
func TestGridNames(t *testing.T) {
	g := &grid{columns: []column{{key: true}, {key: true}, {right: true}}}
	g.add("a\x1b[31m\nb\xff", strings.Repeat("長", 100), "1")
	var b strings.Builder
	if err := g.write(&b, 60); err != nil {
		t.Fatal(err)
	}
	want := `  a\x1b[31m\x0ab\xff  ` + strings.Repeat("長", 8) + "...  1\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if n := uniseg.StringWidth(strings.TrimSpace(b.String())); n > 60 {
		t.Errorf("%d cells wide", n)
	}
}

// A name of any length leaves the rows of a file readable.
func TestGridLongName(t *testing.T) {
	for _, width := range []int{0, 1000} {
		var b strings.Builder
		g := &grid{columns: []column{{title: "measurement", key: true}, {title: "series", right: true}}}
		g.add(strings.Repeat("m", 60000), "1")
		g.add("cpu", "2")
		if err := g.write(&b, width); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := uniseg.StringWidth(strings.TrimSuffix(line, "\n")); n > longestKey+20 {
				t.Errorf("%d cells wide at a width of %d", n, width)
			}
		}
		if !strings.Contains(b.String(), "mmm...") {
			t.Errorf("no mark where the name is cut: %q", b.String())
		}
	}
}

func TestGridOfNothing(t *testing.T) {
	var b strings.Builder
	g := &grid{columns: []column{{title: "x", key: true}, {title: "y"}}}
	if err := g.write(&b, 80); err != nil || b.Len() > 0 {
		t.Errorf("%q, %v", b.String(), err)
	}
	g.add("a", "")
	if err := g.write(&b, 80); err != nil || b.String() != "  x\n  a\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
}

// Long words stay whole, all others are within the room.
func TestWrapped(t *testing.T) {
	for text, want := range map[string][]string{
		"":                      {""},
		"1, 2, 3":               {"1, 2, 3"},
		"1, 2, 3, 4":            {"1, 2,", "3, 4"},
		"not listed, expired":   {"not", "listed,", "expired"},
		"a/very/long/path":      {"a/very/long/path"},
		"a/very/long/path of x": {"a/very/long/path", "of x"},
		"a a/very/long/path":    {"a", "a/very/long/path"},
		"日本語 日本語":               {"日本語", "日本語"},
	} {
		if diff := cmp.Diff(want, wrapped(text, 7)); diff != "" {
			t.Errorf("%q (-want +got)\n%s", text, diff)
		}
	}
}

// No line of a table is wider than the screen, whatever the names.
func TestGridFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := newGrid(keys([]string{"database", "policy", "measurement", "tag key"}[:rapid.IntRange(1, 4).Draw(t, "keys")]...),
			numbers("series", "WAL segments"), firstAndLast, texts("remarks"))
		names := len(g.columns) - 5
		for range rapid.IntRange(1, 4).Draw(t, "rows") {
			row := rapid.SliceOfN(rapid.StringN(0, 60, -1), names, names).Draw(t, "names")
			g.add(append(row, "~1,234,567", "12", "2024-01-01 00:00:00", "2024-01-08 23:59:50", "not listed, expired, WAL only")...)
		}
		width := rapid.IntRange(40, 200).Draw(t, "width")
		var b strings.Builder
		if err := g.write(&b, width); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := uniseg.StringWidth(strings.TrimSuffix(line, "\n")); n > width {
				t.Fatalf("%d cells wide at a width of %d: %q", n, width, line)
			}
		}
	})
}
