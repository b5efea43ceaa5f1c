// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/rivo/uniseg"
)

// tooWide reports whether some column has no room beside the keys.
func (g *grid) tooWide(widths []int, width int) bool {
	keys, rest := 0, 0
	for i, c := range g.columns {
		switch {
		case widths[i] == 0:
		case c.key:
			keys += gridGap + widths[i]
		default:
			rest = max(rest, gridGap+widths[i])
		}
	}
	return width > 0 && keys+rest > width
}

// fewestCells is how much room a value gets on the narrowest of screens.
const fewestCells = 20

// writeRecords writes the rows one below the other, each cell on a line of its own behind
// its title: where a screen is too narrow for a table.
func (g *grid) writeRecords(b *strings.Builder, width int) {
	widths := g.widths()
	titles := 0
	for i, c := range g.columns {
		if widths[i] > 0 {
			titles = max(titles, uniseg.StringWidth(c.title))
		}
	}
	indent := gridGap + titles
	if titles > 0 {
		indent += gridGap
	}
	room := max(width-indent, fewestCells)
	for n, row := range g.rows {
		if n > 0 {
			b.WriteByte('\n')
		}
		for i, cell := range row {
			if cell == "" {
				continue
			}
			if g.columns[i].key {
				cell = clipped(cell, min(room, longestKey))
			}
			title := strings.Repeat(" ", gridGap) + g.columns[i].title
			for _, line := range wrapped(cell, room) {
				b.WriteString(title + strings.Repeat(" ", indent-uniseg.StringWidth(title)) + line + "\n")
				title = ""
			}
		}
	}
}

// wrapped cuts a text at blanks into lines of so many cells. A word that is longer stays
// whole, for it may be there to be copied.
func wrapped(text string, room int) []string {
	var lines []string
	for uniseg.StringWidth(text) > room {
		at := -1
		for i, r := range text {
			if r != ' ' {
				continue
			}
			if at >= 0 && uniseg.StringWidth(text[:i]) > room {
				break
			}
			at = i
			if uniseg.StringWidth(text[:i]) > room { // one long word
				break
			}
		}
		if at < 0 {
			break
		}
		lines = append(lines, text[:at])
		text = text[at+1:]
	}
	return append(lines, text)
}
