// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"sync"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/importer/preflight"
	"github.com/shardlift/shardlift/target"
)

// notes tells what people should know as soon as it is known, but not across a progress
// bar.
type notes struct {
	console console
	quiet   bool

	mu   sync.Mutex
	held bool
	kept []string
}

func (n *notes) add(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.quiet:
	case n.held:
		n.kept = append(n.kept, text)
	default:
		n.console.say("note: %s", oneLine(text))
	}
}

// watch shows the progress, if it is wanted, until the returned function is called. Notes
// wait for that.
func (n *notes) watch(wanted bool, read gauge) (stop func()) {
	if !wanted {
		return func() {}
	}
	n.hold()
	over := showProgress(n.console.err, read)
	return func() {
		over()
		n.release()
	}
}

// nodes gives who was found there, and notes those that are left out; err is set where no
// node can be used.
func (n *notes) nodes(found []target.Node, err error) (out []nodeOutcome) {
	for _, f := range found {
		node := nodeOutcome{URL: f.URL, Version: f.Version, Build: f.Build}
		if f.Err != nil {
			node.Error = f.Err.Error()
			if err == nil {
				n.add(fmt.Sprintf("a node does not answer and is left out until it does: %v", f.Err))
			}
		}
		out = append(out, node)
	}
	return out
}

// unused warns of renamings that renamed nothing: what they are for may be about to go
// where it must not, or not be compared.
func (n *notes) unused(m *importer.Mapping) {
	for _, flag := range m.Unused() {
		n.console.say("warning: %s: nothing in the source has that old name", oneLine(flag))
	}
}

// hold keeps notes until release.
func (n *notes) hold() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.held = true
}

func (n *notes) release() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, text := range n.kept {
		n.console.say("note: %s", oneLine(text))
	}
	n.held, n.kept = false, nil
}

// ddlReport gives what became of databases and policies, or nil where there were none.
func ddlReport(guard *preflight.Checker) *preflight.Report {
	r := guard.Report()
	if len(r.Made)+len(r.There)+len(r.Differences)+len(r.Run)+len(r.Printed)+len(r.Skipped)+len(r.Notes) == 0 {
		return nil
	}
	return &r
}
