// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/shardlift/shardlift/filter"
	"github.com/shardlift/shardlift/meta"
	"github.com/shardlift/shardlift/volume"
)

// metastoreOutcome is how inspect --metastore ended: what --json prints.
type metastoreOutcome struct {
	head
	Metastores []metastoreReport `json:"metastores"`
	Notes      []string          `json:"notes,omitempty"`

	found []volume.Metastore
	err   error
}

// metastore shows what metastores have.
func (i *inspectCmd) metastore(ctx context.Context, c console, sel *filter.Selection) error {
	found, err := volume.Metastores(ctx, i.request(&i.selectionFlags))
	if errors.Is(err, volume.ErrRequest) {
		return usagef("%w", err)
	}
	o := metastoresOutcome(ctx, found, sel, err)
	return o.end(o.tell(c, i, sel))
}

// metastoresOutcome puts together what is to be told. Where nothing could be read the
// command has failed, otherwise what could not be read is a fault.
func metastoresOutcome(ctx context.Context, found []volume.Metastore, sel *filter.Selection, err error) *metastoreOutcome {
	o := &metastoreOutcome{head: newHead("inspect"), Metastores: []metastoreReport{}, found: found}
	if err == nil && !slices.ContainsFunc(found, func(m volume.Metastore) bool { return m.Data != nil }) {
		err = found[0].Err
		if errors.Is(err, volume.ErrNoMetastore) {
			err = fmt.Errorf("open source %s: %w", found[0].Source, err)
		}
	}
	faults := false
	for j := range found {
		m := &found[j]
		if errors.Is(m.Err, volume.ErrNoMetastore) {
			o.Notes = append(o.Notes, m.Source+": "+m.Err.Error())
			continue
		}
		faults = faults || m.Err != nil
		o.Metastores = append(o.Metastores, newMetastoreReport(m, sel))
		if m.Data != nil {
			o.noteUnselected(m, sel)
		}
	}
	o.err = o.settle(ctx, faults, err, errors.New("interrupted"))
	return o
}

// noteUnselected says so where nothing was chosen.
func (o *metastoreOutcome) noteUnselected(m *volume.Metastore, sel *filter.Selection) {
	var names []string
	for i := range m.Data.Databases {
		name := m.Data.Databases[i].Name
		if sel.Database(name) {
			return
		}
		names = append(names, fmt.Sprintf("%q", name))
	}
	if len(names) > 0 {
		o.Notes = append(o.Notes, m.Path+": no database was selected; there are "+nameList(names))
	}
}

// tell prints the outcome: what was asked for on stdout, all else on stderr.
func (o *metastoreOutcome) tell(c console, i *inspectCmd, sel *filter.Selection) error {
	if o.err != nil {
		c.report(o.err, o.Hint)
	}
	switch {
	case i.Format == jsonFormat:
		return writeJSON(c.out, o)
	case o.err == nil:
		return o.print(c, i, sel)
	}
	return nil
}

// print writes what was asked for, and tells what must not go unseen.
func (o *metastoreOutcome) print(c console, i *inspectCmd, sel *filter.Selection) error {
	err := c.print(func(p *paper) {
		if i.Format == influxqlFormat {
			p.influxql(o.found, sel)
			return
		}
		for j := range o.Metastores {
			p.metastore(&o.Metastores[j])
		}
	})
	if err != nil {
		return err
	}
	if !i.Quiet {
		row := rower(c)
		for _, n := range o.Notes {
			row("note", "%s", n)
		}
	}
	for j := range o.Metastores {
		if m := &o.Metastores[j]; m.Error != "" {
			c.say("fault: %s", oneLine(m.Error))
		}
	}
	return nil
}

// influxql writes the statements that make it all again. What one metastore has that another
// before it had, too, is made once; a server would refuse a second one.
func (p *paper) influxql(found []volume.Metastore, sel *filter.Selection) {
	line := func(text string) {
		if p.terminal() {
			text = oneLine(text) // for the eye; in a file names must be what they are
		}
		p.write(text + "\n")
	}
	made := map[string]string{}
	for j := range found {
		m := &found[j]
		if m.Data == nil {
			continue
		}
		line("-- shardlift " + version + ", from " + meta.OneLine(m.Path))
		for _, l := range meta.Script(m.Data, sel.Database) {
			before, again := made[l.Object]
			switch {
			case l.Comment:
				line("-- " + l.Text)
			case !again:
				made[l.Object] = l.Text
				line(l.Text + ";")
			case before != l.Text:
				line("-- is made above with other settings: " + l.Text)
			}
		}
	}
}
