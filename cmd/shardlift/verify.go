// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
)

// verifyCmd looks for damage in volumes and exports.
type verifyCmd struct {
	sourceFlags    `group:"Sources:"`
	selectionFlags `group:"Selection (PATTERN is a name, a glob, or /regexp/; repeat a flag for more):"`
	checkFlags     `group:"Checking:"`
	readFlags      `group:"Reading:"`
	JSON           bool `name:"json" help:"The summary as one JSON object on stdout"`
	Quiet          bool `help:"No progress and no summary; faults are told always"`
}

// Help is what --help says beyond the flags.
func (*verifyCmd) Help() string { return checkHelp }

// Run verifies.
func (v *verifyCmd) Run(ctx context.Context, c console) error {
	in, err := sortInputs(ctx, &v.sourceFlags, &v.selectionFlags)
	if err != nil {
		return err
	}
	run := &checkRun{
		checkFlags: &v.checkFlags, read: &v.readFlags, selection: &v.selectionFlags,
		console: c, inputs: in, json: v.JSON, quiet: v.Quiet,
	}
	return run.run(ctx)
}
