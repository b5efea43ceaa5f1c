// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/shardlift/shardlift/filter"
)

// inspectFlags are the flags of influx_inspect export that are taken with one dash,
// and whether they stand alone.
var inspectFlags = map[string]bool{
	"database": false, "retention": false, "start": false, "end": false,
	"datadir": false, "waldir": false, "out": false, "tsmfile": false,
	"compress": true, "lponly": true,
}

// fromInspect rewrites flags of influx_inspect in the arguments of export. They are
// read as Go's flag package does: -name=value, or -name value but for booleans. Only
// these names with exactly one dash are touched, and nothing behind "--".
func fromInspect(args []string) ([]string, error) {
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
		alone, known := inspectFlags[name]
		if !known || !slices.Contains(out, "export") {
			// There are no words of one letter flags, which is what the parser would see.
			return nil, usagef("unknown flag -%s (flags begin with two dashes; with one, export takes those of influx_inspect)", name)
		}
		if !alone && !hasValue {
			if i++; i == len(args) {
				return nil, usagef("missing value for flag -%s", name)
			}
			value = args[i]
		}
		if on, err := strconv.ParseBool(value); alone && err == nil {
			value = strconv.FormatBool(on) // it takes more spellings than the parser does
		}
		out = append(out, rewrite(name, value, alone && !hasValue)...)
	}
	return out, nil
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

// rewrite gives one flag in our form. Empty values mean the default, as they do there.
func rewrite(name, value string, bare bool) []string {
	switch {
	case bare:
		return []string{"--" + name}
	case value == "":
		return nil
	case name == "database", name == "retention":
		value = filter.Quote(value) // a name, not a pattern
	}
	return []string{"--" + name + "=" + value}
}
