// SPDX-License-Identifier: Apache-2.0

package main

import (
	"sync"

	"github.com/shardlift/shardlift/importer/preflight"
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
