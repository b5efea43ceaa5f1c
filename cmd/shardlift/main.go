// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// version is set by the linker, see the Makefile.
var version = "dev"

func main() { os.Exit(realMain()) }

// patience is how long an interrupted command may take to clean up. One that waits for a
// pipe, or for a disk that does not answer, would never come to it.
const patience = 3 * time.Second

// realMain runs the command line of this process and gives its exit code.
func realMain() int {
	// A reader that goes away is an error like any other, not a silent end.
	signal.Ignore(syscall.SIGPIPE)
	dropEmptyVariables()
	c := console{out: os.Stdout, err: os.Stderr}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	unhook := context.AfterFunc(ctx, func() {
		stop() // a second signal ends the process at once
		time.Sleep(patience)
		c.say("shardlift: %v", errInterrupted)
		os.Exit(exitInterrupted)
	})
	defer stop()
	defer unhook()
	return run(ctx, os.Args[1:], c)
}

// dropEmptyVariables makes an empty variable one that is not set: where environments are
// filled from templates there is often no other way to say so.
func dropEmptyVariables() {
	for _, v := range os.Environ() {
		if name, empty := strings.CutSuffix(v, "="); empty && strings.HasPrefix(name, envPrefix+"_") {
			_ = os.Unsetenv(name) // a name that came from the environment is a good one
		}
	}
}

// envPrefix begins the names of our variables.
const envPrefix = "SHARDLIFT"

// console is what a command talks to.
type console struct{ out, err io.Writer }

// say writes a line to stderr. There is nobody to tell if that fails.
func (c console) say(format string, args ...any) {
	_, _ = fmt.Fprintf(c.err, format+"\n", args...)
}

// Exit codes; they are part of the interface.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitFaults      = 3
	exitInterrupted = 130
)

// run parses args, runs the command they name and gives the exit code.
func run(ctx context.Context, args []string, c console) int {
	code, ended := 0, false
	parser, err := newParser(c, func(n int) { code, ended = n, true })
	if err != nil {
		c.say("shardlift: %v", err) // a mistake in the struct tags
		return exitFailed
	}
	ours, err := fromLegacy(args)
	if err != nil {
		return c.usage(err, commandNamed(parser, args))
	}
	args = ours
	parsed, err := parser.Parse(args)
	if ended { // --help or --version
		return code
	}
	if pe, ok := errors.AsType[printError](err); ok { // help and version
		return c.finish(ctx, pe)
	}
	if err != nil {
		return c.usage(err, commandOf(err))
	}
	if err := refuseEmpty(parsed); err != nil {
		return c.usage(err, parsed.Selected())
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	err = parsed.Run(c)
	if ue, ok := errors.AsType[*usageError](err); ok {
		return c.usage(ue, parsed.Selected())
	}
	return c.finish(ctx, err)
}

// newParser builds the parser. exit is told when help or version was printed.
func newParser(c console, exit func(int)) (*kong.Kong, error) {
	parser, err := kong.New(&cli{},
		kong.Name("shardlift"),
		kong.Description(about),
		kong.Writers(c.out, c.err),
		kong.Exit(exit),
		kong.DefaultEnvars(envPrefix),
		kong.ValueFormatter(func(v *kong.Value) string { return v.Help }), // about tells the rule of the environment
		kong.Help(printHelp),
		kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: helpWidth, FlagsLast: true, NoExpandSubcommands: true}),
		kong.UsageOnError(),
		kong.KindMapper(reflect.String, kong.MapperFunc(exactText)),
	)
	if err != nil {
		return nil, err
	}
	for _, node := range parser.Model.Children {
		if node.Name == "verify" && len(node.Positional) == 1 {
			node.Positional[0].Help = verifyPaths
		}
	}
	return parser, nil
}

// helpWidth keeps help readable on wide terminals.
const helpWidth = 100

// commandNamed gives the command that stands first, or nil.
func commandNamed(parser *kong.Kong, args []string) *kong.Node {
	for _, node := range parser.Model.Children {
		if len(args) > 0 && node.Name == args[0] {
			return node
		}
	}
	return nil
}

// commandOf gives the command that was being parsed, or nil.
func commandOf(err error) *kong.Node {
	if pe, ok := errors.AsType[*kong.ParseError](err); ok && pe.Context != nil {
		return pe.Context.Selected()
	}
	return nil
}
