// SPDX-License-Identifier: Apache-2.0

package preflight

import "slices"

// Object is a database, or a policy of one.
type Object struct {
	Database string `json:"database"`
	Policy   string `json:"policy,omitempty"`
}

// Difference is what the target has otherwise than the input says. It stays so.
type Difference struct {
	Database string `json:"database,omitempty"`
	Policy   string `json:"policy,omitempty"`
	What     string `json:"what"`  // duration, shard duration, replication, default policy, or a statement
	Here     string `json:"here"`  // as the input and the options say
	There    string `json:"there"` // as the target has it
}

// Report is what became of the DDL. Statements in it hold no passwords.
type Report struct {
	Made        []Object     `json:"made,omitempty"`
	There       []Object     `json:"there,omitempty"` // before
	Differences []Difference `json:"differences,omitempty"`
	Run         []string     `json:"run,omitempty"`     // all that were run
	Printed     []string     `json:"printed,omitempty"` // that would have been
	Skipped     []string     `json:"skipped,omitempty"`
	Notes       []string     `json:"notes,omitempty"` // all that Warn was called with
}

// Report tells what was done until now. It is the caller's.
func (c *Checker) Report() Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Report{
		Made:        slices.Clone(c.report.Made),
		There:       slices.Clone(c.report.There),
		Differences: slices.Clone(c.report.Differences),
		Run:         slices.Clone(c.report.Run),
		Printed:     slices.Clone(c.report.Printed),
		Skipped:     slices.Clone(c.report.Skipped),
		Notes:       slices.Clone(c.report.Notes),
	}
}

// there notes what was on the target before, once.
func (r *Report) there(objects ...Object) {
	for _, o := range objects {
		if !slices.Contains(r.There, o) && !slices.Contains(r.Made, o) {
			r.There = append(r.There, o)
		}
	}
}

// made notes what this run made, once.
func (r *Report) made(objects ...Object) {
	for _, o := range objects {
		if !slices.Contains(r.Made, o) {
			r.Made = append(r.Made, o)
		}
	}
}
