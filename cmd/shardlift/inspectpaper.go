// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"golang.org/x/term"

	"github.com/shardlift/shardlift/inspector"
)

// paper is what a report for people is written on.
type paper struct {
	w       io.Writer
	width   int // of the terminal; 0 is any
	unicode bool
	colors  bool
	begun   bool
	err     error // the first of writing
}

// print writes a report on stdout.
func (c console) print(report func(p *paper)) error {
	p := newPaper(c.out)
	b := bufio.NewWriter(c.out)
	p.w = b
	report(p)
	if err := b.Flush(); err != nil { // which remembers an earlier one, that of p
		return printError{fmt.Errorf("print the report: %w", err)}
	}
	return nil
}

// newPaper looks at where the output goes.
func newPaper(w io.Writer) *paper {
	p := &paper{w: w, unicode: hasUnicode(os.Getenv)}
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			p.width = width
			p.colors = hasColors(os.Getenv)
		}
	}
	return p
}

// terminal reports whether somebody is looking.
func (p *paper) terminal() bool { return p.width > 0 }

// hasUnicode reports whether the environment speaks UTF-8.
func hasUnicode(getenv func(string) string) bool {
	if getenv("TERM") == "dumb" {
		return false
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(getenv(name)); v != "" {
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return false
}

// hasColors reports whether a terminal is to be given colours.
func hasColors(getenv func(string) string) bool {
	term := getenv("TERM")
	return getenv("NO_COLOR") == "" && term != "" && term != "dumb"
}

// section begins a part, below an empty line.
func (p *paper) section(format string, args ...any) {
	if p.begun {
		p.write("\n")
	}
	p.begun = true
	p.line(format, args...)
}

// line writes one line, which never speaks to the terminal.
func (p *paper) line(format string, args ...any) {
	p.write(oneLine(fmt.Sprintf(format, args...)) + "\n")
}

// table writes a table as a part of its own, if it has rows.
func (p *paper) table(g *grid, title string) {
	if len(g.rows) > 0 {
		p.section("%s", title)
		p.grid(g)
	}
}

// grid writes a table.
func (p *paper) grid(g *grid) {
	if p.err == nil {
		p.err = g.write(p.w, p.width)
	}
}

func (p *paper) write(text string) {
	if p.err == nil {
		_, p.err = io.WriteString(p.w, text)
	}
}

// more says how many rows of a list are not shown, and what shows them.
func (p *paper) more(all, shown int, where string) {
	if all > shown {
		p.line("  and %s more; %s", humanize.Comma(int64(all-shown)), where)
	}
}

// num writes a number, and nothing for none.
func num[T int | int64 | uint32](n T) string {
	if n == 0 {
		return ""
	}
	return humanize.Comma(int64(n))
}

// size writes bytes, and nothing for none.
func size(n int64) string {
	if n <= 0 {
		return ""
	}
	return sizeText(n)
}

// amount writes a number, with a sign where it is an estimate, and nothing for none.
func amount(a inspector.Amount) string {
	text := num(a.Shown())
	if text != "" && !a.Exact {
		text = "~" + text
	}
	return text
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// stamp writes a time of a report to the second, in UTC.
func stamp(text string) string {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return text
	}
	return t.UTC().Format(secondLayout)
}

// date is stamp for times that mostly are midnight.
func date(text string) string { return strings.TrimSuffix(stamp(text), " 00:00:00") }
