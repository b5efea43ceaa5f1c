// SPDX-License-Identifier: Apache-2.0

package main

import (
	"reflect"

	"github.com/alecthomas/kong"
)

// refuseEmpty refuses arguments that are there and say nothing. They come from a variable
// that is not set, and whoever wrote it meant something else than the default: the wrong
// volume would be looked at, or no page be written.
func refuseEmpty(parsed *kong.Context) error {
	for _, p := range parsed.Path {
		switch {
		case p.Resolved: // from the environment or the file
		case p.Flag != nil && holdsEmpty(p.Flag.Target):
			return usagef("--%s is empty: is a variable not set?", p.Flag.Name)
		case p.Positional != nil && holdsEmpty(p.Positional.Target):
			return usagef("one <%s> is empty: is a variable not set?", p.Positional.Name)
		}
	}
	return nil
}

// holdsEmpty reports whether v is an empty text, or a list with one.
func holdsEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String:
		return v.Len() == 0
	case reflect.Slice:
		for i := range v.Len() {
			if holdsEmpty(v.Index(i)) {
				return true
			}
		}
	}
	return false
}
