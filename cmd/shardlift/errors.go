// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/internal/atomicfile"
	"github.com/shardlift/shardlift/meta"
	"github.com/shardlift/shardlift/volume"
)

// usageError is a wrong command line that only the command itself could tell.
type usageError struct{ err error }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// exit ends a command that has told everything already.
type exit struct{ code int }

func (e *exit) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// usage reports a wrong command line.
func (c console) usage(err error, command *kong.Node) int {
	help := "shardlift --help"
	if command != nil {
		help = command.FullPath() + " --help"
	}
	c.say("shardlift: %s\nrun %q", oneLine(usageText(err.Error())), help)
	return exitUsage
}

// finish gives the exit code for how a command ended, and reports what it did not report.
func (c console) finish(ctx context.Context, err error) int {
	if e, ok := errors.AsType[*exit](err); ok {
		return e.code
	}
	code := exitCode(ctx, err)
	if code == exitInterrupted {
		err = errInterrupted
	}
	if code != exitDone {
		c.report(err, hint(err))
	}
	return code
}

// report tells an error in a line, and what can be done about it in another.
func (c console) report(err error, hint string) {
	c.say("shardlift: %s", oneLine(err.Error()))
	if hint != "" {
		c.say("hint: %s", hint)
	}
}

// exitCode gives the code for an error.
func exitCode(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return exitDone
	case ctx.Err() != nil:
		return exitInterrupted
	}
	return exitFailed
}

// errInterrupted is what a signal ends a command with.
var errInterrupted = errors.New("interrupted; run the same command again to carry on")

// outputError marks errors of the output side, where a hint differs.
type outputError struct{ error }

func (e outputError) Unwrap() error { return e.error }

// printError marks errors of what is printed to stdout, which no flag sends elsewhere.
type printError struct{ error }

func (e printError) Unwrap() error { return e.error }

// hint says what can be done about it.
func (e printError) hint() string {
	switch err := e.error; {
	case errors.Is(err, syscall.EPIPE):
		return readerHint
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "make room where stdout goes, or send it elsewhere, and run the same command again"
	}
	return ""
}

const readerHint = "whoever reads the output has ended, and did not want all of it"

// hint says what a user can do about an error, or "".
func hint(err error) string {
	_, output := errors.AsType[outputError](err)
	_, ambiguous := errors.AsType[*volume.AmbiguousError](err)
	if e, ok := errors.AsType[pageError](err); ok {
		return e.hint()
	}
	if e, ok := errors.AsType[printError](err); ok {
		return e.hint()
	}
	switch {
	case ambiguous:
		return "name one of them as the source, or take all of them with --all-volumes"
	case errors.Is(err, volume.ErrNames):
		return "name them with --database NAME --retention NAME"
	case errors.Is(err, fs.ErrPermission) && !output:
		return permissionHint
	case errors.Is(err, volume.ErrNoMetastore):
		return "name it: meta.db, the .meta of a backup, or a directory with one; --metadir takes it, too"
	case errors.Is(err, meta.ErrCorrupt):
		return "a backup, or another node of the cluster, has one, too; shards can be read without any"
	case errors.Is(err, volume.ErrNothing), errors.Is(err, fs.ErrNotExist) && !output:
		return sourceHint
	case errors.Is(err, exporter.ErrBelow):
		return "name a place outside of all sources with --out"
	case errors.Is(err, exporter.ErrFault):
		return "without --strict all else is exported, and all faults are listed"
	case errors.Is(err, atomicfile.ErrLocked):
		return "another export to this place is running"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return "name a place that this user may write to with --out"
	case errors.Is(err, syscall.EPIPE):
		return readerHint
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "make room, write to another disk with --out, or write less with --compress"
	case errors.Is(err, fs.ErrNotExist):
		return "the directory of the output must exist; one named with a slash at its end is made"
	}
	return ""
}

const sourceHint = "name a source: the directory that holds data and wal, a data directory, a shard, a TSM file, or a mount point; " +
	"for a metastore alone there is inspect --metastore; see --help"

const permissionHint = "run as the user that influxd runs as (sudo -u influxdb shardlift ...), or as root"

// bare takes operation and path off an error of package os, where they stand in the
// text already.
func bare(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
