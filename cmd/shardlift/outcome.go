// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/shardlift/shardlift/exporter"
)

// outcome is how an export ended: what --json prints.
type outcome struct {
	head
	Output string `json:"output"` // file, directory, or "stdout"
	// Manifest is set where there is one.
	Manifest string `json:"manifest,omitempty"`

	Compression exporter.Compression `json:"compression"`
	*exporter.Summary

	err error
}

// outcome puts together what is to be told. sum is nil where err is not.
func (j *exportJob) outcome(ctx context.Context, sum *exporter.Summary, err error) *outcome {
	o := &outcome{head: newHead("export"), Output: j.output, Compression: j.options.Format.Compression, Summary: sum}
	o.err = o.settle(ctx, err == nil && len(sum.Faults) > 0, err, j.interrupted())
	switch dir := j.options.Output.Dir; {
	case errors.Is(o.err, exporter.ErrOther) && (strings.HasPrefix(j.cmd.Start, "now") || strings.HasPrefix(j.cmd.End, "now")):
		o.Hint = "a time that counts from now is another one in each run; give a fixed one to carry on"
	case o.err == nil && dir != "":
		o.Manifest = filepath.Join(dir, exporter.ManifestName)
	}
	return o
}

// interrupted says what is left of an export that a signal ended.
func (j *exportJob) interrupted() error {
	switch {
	case j.options.Output.Dir != "":
		return errInterrupted
	case j.toStdout():
		return errors.New("interrupted; what was written is not whole")
	}
	return errors.New("interrupted; nothing was written, run the same command again")
}

// tell prints the outcome: as JSON, or as a table, or with --quiet only what must not go
// unseen.
func (o *outcome) tell(j *exportJob) error {
	c := j.console
	if j.cmd.JSON {
		to := c.out
		if j.toStdout() {
			to = c.err
		} else if o.err != nil {
			c.report(o.err, o.Hint)
		}
		return writeJSON(to, o)
	}
	switch {
	case o.err != nil:
		c.report(o.err, o.Hint)
	case j.cmd.Quiet:
		o.faults(c)
	default:
		o.table(c)
		o.faults(c)
	}
	return nil
}
