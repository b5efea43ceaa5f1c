// SPDX-License-Identifier: Apache-2.0

package page

import (
	"bufio"
	"bytes"
	_ "embed" // the template
	"encoding/json"
	"fmt"
	"html/template"
	"io"

	"github.com/shardlift/shardlift/inspector"
)

// Options say what a page tells of its own making.
type Options struct {
	Generated string // when, as it is to be shown; "" leaves it out
	Version   string // of the program; "" leaves it out
}

//go:embed assets/page.html.tmpl
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// content is what the template is given.
type content struct {
	Options
	Title    string
	Heading  string
	Policy   string // Content-Security-Policy
	Style    template.CSS
	Theme    template.JS
	Library  template.JS
	Script   template.JS
	Data     template.JS
	Verdict  verdict
	Tiles    []tile
	Sources  []source
	Notes    []string
	Estimate *estimate
	Charts   bool // there is something to draw
	Selected bool
	Exact    bool // nothing is an estimate
	Licences licences
}

// Write writes r as an HTML page. The same report and options give the same bytes. A report
// with a time that is not RFC 3339 is an error, and nothing is written.
func Write(w io.Writer, r *inspector.Report, o Options) error {
	c, err := newContent(r, o)
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(w, 1<<16)
	if err := pageTemplate.Execute(b, c); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

func newContent(r *inspector.Report, o Options) (*content, error) {
	p, err := newPayload(r)
	if err != nil {
		return nil, err
	}
	data, err := encode(p)
	if err != nil {
		return nil, err
	}
	a, err := loadAssets()
	if err != nil {
		return nil, err
	}
	tiles, err := totals(r)
	if err != nil {
		return nil, err
	}
	heading := heading(r.Volumes)
	notes := make([]string, len(r.Notes))
	for i, n := range r.Notes {
		notes[i] = shown(n)
	}
	return &content{
		Options: o, Title: "shardlift inspect: " + heading, Heading: heading,
		Policy: a.policy, Style: a.style, Theme: a.theme, Library: a.library, Script: a.script, Licences: a.licences,
		Data: data, Verdict: judge(r), Tiles: tiles, Sources: sources(r.Volumes), Notes: notes,
		Estimate: newEstimate(r), Charts: r.Totals.Shards > 0 || len(r.Missing) > 0,
		Selected: r.Selected, Exact: r.Totals.Points.Exact && r.Totals.Series.Exact,
	}, nil
}

// encode gives p as JSON that may stand in a script element: encoding/json escapes <, >, &
// and the line separators of JavaScript.
func encode(p *payload) (template.JS, error) {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(p); err != nil {
		return "", fmt.Errorf("encode the report for the page: %w", err)
	}
	return template.JS(bytes.TrimSpace(b.Bytes())), nil
}
