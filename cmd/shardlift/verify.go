// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"github.com/alecthomas/kong"
)

// verifyCmd looks for damage in volumes and exports, or compares them with a server.
type verifyCmd struct {
	sourceFlags    `group:"Sources:"`
	selectionFlags `group:"Selection (PATTERN is a name, a glob, or /regexp/; repeat a flag for more):"`
	checkFlags     `group:"Checking:"`
	againstFlags   `group:"Comparing with a server:"`
	readFlags      `group:"Reading:"`
	JSON           bool `name:"json" help:"The summary as one JSON object on stdout"`
	Quiet          bool `help:"No progress and no summary; faults and differences are told always"`
}

// verifyPaths says what verify takes, which is more than the other commands do that read
// volumes.
const verifyPaths = "Source: volume, mount point of one, data directory, directory of a database, retention policy or shard, or TSM file. " +
	"Or export: directory with a manifest, file of line protocol, or - for stdin. Default: /var/lib/influxdb, then ~/.influxdb"

// Help is what --help says beyond the flags.
func (*verifyCmd) Help() string { return checkHelp + "\n\n" + againstHelp }

// AfterApply refuses what makes no sense, as soon as the command line is read.
func (v *verifyCmd) AfterApply(parsed *kong.Context) error { return v.refuseAlone(parsed) }

// Run verifies.
func (v *verifyCmd) Run(ctx context.Context, c console) error {
	in, err := sortInputs(ctx, &v.sourceFlags, &v.selectionFlags)
	if err != nil {
		return err
	}
	if len(v.Against) > 0 {
		if v.checkFlags != (checkFlags{}) {
			return usagef("--checksums, --subset and --seed look for damage, and do not go with --against")
		}
		run := &againstRun{
			againstFlags: &v.againstFlags, read: &v.readFlags, selection: &v.selectionFlags,
			console: c, inputs: in, json: v.JSON, quiet: v.Quiet,
		}
		return run.run(ctx)
	}
	run := &checkRun{
		checkFlags: &v.checkFlags, read: &v.readFlags, selection: &v.selectionFlags,
		console: c, inputs: in, json: v.JSON, quiet: v.Quiet,
	}
	return run.run(ctx)
}
