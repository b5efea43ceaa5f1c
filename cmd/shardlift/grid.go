// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"math"
	"slices"
	"strings"

	"github.com/rivo/uniseg"
)

// column is a column of a grid.
type column struct {
	title string
	right bool // for numbers
	key   bool // says what a row is about
	joins bool // stays beside the one before it
}

// grid is a table for people. Columns without a value are not shown. One that is wider than
// the screen goes on below, with its key columns again; where there is not room for one
// column beside them, each row is a list.
type grid struct {
	columns []column
	rows    [][]string
}

func newGrid(parts ...[]column) *grid { return &grid{columns: slices.Concat(parts...)} }

// keys are columns that say what a row is about.
func keys(titles ...string) (list []column) {
	for _, title := range titles {
		list = append(list, column{title: title, key: true})
	}
	return list
}

func texts(titles ...string) (list []column) {
	for _, title := range titles {
		list = append(list, column{title: title})
	}
	return list
}

func numbers(titles ...string) (list []column) {
	for _, title := range titles {
		list = append(list, column{title: title, right: true})
	}
	return list
}

// Columns that several grids have.
var (
	shardColumn  = []column{{title: "shard", right: true, key: true}}
	firstAndLast = []column{{title: "first (UTC)"}, {title: "last (UTC)", joins: true}}
)

// fromUntil are the two times of a stretch whose end is exclusive.
func fromUntil(from string) []column { return []column{{title: from}, {title: "until", joins: true}} }

// add appends a row. Its cells never speak to the terminal.
func (g *grid) add(cells ...string) {
	for i := range cells {
		cells[i] = oneLine(cells[i])
	}
	g.rows = append(g.rows, cells)
}

// gridGap is what stands between two columns.
const gridGap = 2

// write prints the grid, at most so many cells wide; 0 is any width.
func (g *grid) write(w io.Writer, width int) error {
	cut := &grid{columns: g.columns, rows: g.clipped(width)}
	widths := cut.widths()
	var b strings.Builder
	if cut.tooWide(widths, width) {
		g.writeRecords(&b, width)
	} else {
		for i, part := range cut.parts(widths, width) {
			if i > 0 {
				b.WriteByte('\n')
			}
			cut.writePart(&b, part, widths)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// clipped gives the rows with long keys, which are names of any length, cut so that there
// is room for more. A width of 0 is any.
func (g *grid) clipped(width int) [][]string {
	keys := 1
	for _, c := range g.columns {
		if c.key {
			keys++
		}
	}
	most := longestKey
	if width > 0 {
		most = min(most, max(width/keys, 10))
	}
	rows := make([][]string, len(g.rows))
	for n, row := range g.rows {
		rows[n] = slices.Clone(row)
		for i := range row {
			if g.columns[i].key {
				rows[n][i] = clipped(row[i], most)
			}
		}
	}
	return rows
}

// longestKey keeps a name of thousands of cells from making each row of a file as wide.
const longestKey = 200

// clipped cuts a text to so many cells of a terminal.
func clipped(text string, most int) string {
	if uniseg.StringWidth(text) <= most {
		return text
	}
	const dots = "..."
	var b strings.Builder
	left := most - len(dots)
	for g := uniseg.NewGraphemes(text); g.Next() && left >= g.Width(); {
		b.WriteString(g.Str())
		left -= g.Width()
	}
	return b.String() + dots
}

// widths gives the width of every column, and 0 for those without a value.
func (g *grid) widths() []int {
	widths := make([]int, len(g.columns))
	for _, row := range g.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], uniseg.StringWidth(cell))
		}
	}
	for i, c := range g.columns {
		if widths[i] > 0 {
			widths[i] = max(widths[i], uniseg.StringWidth(c.title))
		}
	}
	return widths
}

// parts gives the columns that fit beside one another.
func (g *grid) parts(widths []int, width int) [][]int {
	var keys, rest []int
	room := width
	if width <= 0 {
		room = math.MaxInt
	}
	for i, c := range g.columns {
		switch {
		case widths[i] == 0:
		case c.key:
			keys = append(keys, i)
			room -= widths[i] + gridGap
		default:
			rest = append(rest, i)
		}
	}
	var out [][]int
	for len(rest) > 0 {
		n, used := 0, 0
		for n < len(rest) {
			next, wide := g.unit(rest[n:], widths, room)
			if n > 0 && used+wide > room {
				break
			}
			n, used = n+next, used+wide
		}
		out = append(out, append(slices.Clip(keys), rest[:n]...))
		rest = rest[n:]
	}
	if len(out) == 0 && len(keys) > 0 {
		out = append(out, keys)
	}
	return out
}

// unit gives how many columns stay together at the beginning of a list, if there is room for
// them, and their width.
func (g *grid) unit(list, widths []int, room int) (n, wide int) {
	for n < len(list) && (n == 0 || g.columns[list[n]].joins && wide+gridGap+widths[list[n]] <= room) {
		wide += gridGap + widths[list[n]]
		n++
	}
	return n, wide
}

func (g *grid) writePart(b *strings.Builder, part, widths []int) {
	titles := make([]string, len(g.columns))
	titled := false
	for i, c := range g.columns {
		titles[i] = c.title
		titled = titled || c.title != ""
	}
	if titled {
		g.writeRow(b, titles, part, widths)
	}
	for _, row := range g.rows {
		g.writeRow(b, row, part, widths)
	}
}

func (g *grid) writeRow(b *strings.Builder, row []string, part, widths []int) {
	var line strings.Builder
	for _, i := range part {
		cell := ""
		if i < len(row) {
			cell = row[i]
		}
		pad := strings.Repeat(" ", widths[i]-uniseg.StringWidth(cell))
		line.WriteString(strings.Repeat(" ", gridGap))
		if g.columns[i].right {
			line.WriteString(pad + cell)
		} else {
			line.WriteString(cell + pad)
		}
	}
	b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}
