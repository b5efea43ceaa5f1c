// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/shardlift/shardlift/filter"
)

// legacyFlag is a flag of influx_inspect export or of influx that is taken with one dash.
type legacyFlag struct {
	alone bool // stands without a value
	// rewrite gives it in our form; nil is the same name. The value is "true" or "false"
	// for one that stands alone.
	rewrite func(value string) []string
}

// legacyFlags are taken by each command.
var legacyFlags = map[string]map[string]legacyFlag{
	"export": {
		"database": {rewrite: pattern("database")}, "retention": {rewrite: pattern("retention")},
		"start": {}, "end": {}, "datadir": {}, "waldir": {}, "out": {}, "tsmfile": {},
		"compress": {alone: true}, "lponly": {alone: true},
	},
	"verify": {"dir": {rewrite: func(value string) []string { return []string{value} }}},
	"import": {
		// What these say is found out.
		"import": {alone: true, rewrite: drop}, "compressed": {alone: true, rewrite: drop}, "compress": {alone: true, rewrite: drop},

		"path": {}, "pps": {}, "consistency": {}, "database": {}, "host": {}, "port": {}, "username": {}, "password": {},
		"precision": {rewrite: oldPrecision},
		"ssl":       {alone: true}, "unsafeSsl": {alone: true, rewrite: renamed("insecure-skip-verify")},
	},
}

func drop(string) []string { return nil }

// pattern makes a pattern of what is a name there.
func pattern(name string) func(string) []string {
	return func(value string) []string { return []string{"--" + name + "=" + filter.Quote(value)} }
}

func renamed(name string) func(string) []string {
	return func(value string) []string { return []string{"--" + name + "=" + value} }
}

// oldPrecision takes influx's names. rfc3339 is how answers are shown there; points then
// are in nanoseconds.
func oldPrecision(value string) []string {
	names := map[string]string{"rfc3339": "ns", "n": "ns", "u": "us", "µ": "us"}
	if name, ok := names[value]; ok {
		value = name
	}
	return []string{"--precision=" + value}
}

// fromLegacy rewrites flags of influx_inspect in the arguments of export and verify, and of
// influx in those of import. They are read as Go's flag package does: -name=value, or -name
// value but for booleans. Only these names with exactly one dash are touched, and nothing
// behind "--".
func fromLegacy(args []string) ([]string, error) {
	var out []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return append(out, args[i:]...), nil
		}
		name, value, hasValue := strings.Cut(arg, "=")
		name, oneDash := oneDashWord(name)
		if !oneDash {
			out = append(out, arg)
			continue
		}
		flag, known := legacyOf(out)[name]
		if !known {
			// There are no words of one letter flags, which is what the parser would see.
			return nil, usagef("unknown flag -%s (flags begin with two dashes; with one, export and verify take those of influx_inspect, and import those of influx)", name)
		}
		switch {
		case flag.alone && !hasValue:
			value = "true"
		case flag.alone:
			if on, err := strconv.ParseBool(value); err == nil {
				value = strconv.FormatBool(on) // it takes more spellings than the parser does
			}
		case !hasValue:
			if i++; i == len(args) {
				return nil, usagef("missing value for flag -%s", name)
			}
			value = args[i]
		}
		switch {
		case value == "": // means the default, as it does there
		case flag.rewrite == nil:
			out = append(out, "--"+name+"="+value)
		default:
			out = append(out, flag.rewrite(value)...)
		}
	}
	return out, nil
}

// legacyOf gives the flags of the command that args begin with.
func legacyOf(args []string) map[string]legacyFlag {
	i := slices.IndexFunc(args, func(arg string) bool { return legacyFlags[arg] != nil })
	if i < 0 {
		return nil
	}
	return legacyFlags[args[i]]
}

// oneDashWord gives the name of a flag of more than one letter behind a single dash.
func oneDashWord(arg string) (name string, ok bool) {
	name, ok = strings.CutPrefix(arg, "-")
	if !ok || len(name) < 2 {
		return name, false
	}
	first := name[0] | 0x20
	return name, first >= 'a' && first <= 'z'
}
