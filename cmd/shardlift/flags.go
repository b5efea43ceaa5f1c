// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/dustin/go-humanize"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/lineprotocol"
)

const oneValue = "takes one value, and no list"

// exactText takes the text of a flag or an argument as it is. Kong hands it on as JSON, in which
// each byte that is no UTF-8 becomes U+FFFD; but names of files and databases have such bytes.
func exactText(ctx *kong.DecodeContext, target reflect.Value) error {
	t, err := ctx.Scan.PopValue("string")
	if err != nil {
		return err
	}
	text, ok := t.Value.(string)
	if !ok { // of a configuration file
		return errors.New(oneValue)
	}
	target.SetString(text)
	return nil
}

// compressFlag is --compress, which stands alone for gzip or has a value behind "=". It
// never takes the next argument.
type compressFlag exporter.Compression

// IsBool keeps kong from asking for a value.
func (compressFlag) IsBool() bool { return true }

// Decode takes a name, or what Go's flag package takes for a boolean.
func (f *compressFlag) Decode(ctx *kong.DecodeContext) error {
	if ctx.Scan.Peek().Type != kong.FlagValueToken {
		*f = compressFlag(exporter.Gzip)
		return nil
	}
	text := fmt.Sprint(ctx.Scan.Pop().Value) // YAML has a boolean of its own
	switch c := exporter.Compression(text); c {
	case exporter.None, exporter.Gzip, exporter.Zstd:
		*f = compressFlag(c)
		return nil
	}
	on, err := strconv.ParseBool(text)
	if err != nil {
		return fmt.Errorf("unknown compression %q (gzip, zstd, none)", text)
	}
	*f = compressFlag(exporter.None)
	if on {
		*f = compressFlag(exporter.Gzip)
	}
	return nil
}

// splitFlag is --split; empty is what suits the output.
type splitFlag exporter.Split

// UnmarshalText takes a name.
func (f *splitFlag) UnmarshalText(text []byte) error {
	*f = splitFlag(text)
	return oneOf("split", string(text), string(exporter.SplitNone), string(exporter.SplitDatabase), string(exporter.SplitShard))
}

// unsignedFlag is --unsigned.
type unsignedFlag lineprotocol.UnsignedAs

// unsignedNames are the values of --unsigned, in the order of lineprotocol's constants.
var unsignedNames = []string{"keep", "integer", "float"}

// UnmarshalText takes a name.
func (f *unsignedFlag) UnmarshalText(text []byte) error {
	*f = unsignedFlag(slices.Index(unsignedNames, string(text)))
	return oneOf("form", string(text), unsignedNames...)
}

func oneOf(what, text string, names ...string) error {
	if slices.Contains(names, text) {
		return nil
	}
	return fmt.Errorf("unknown %s %q (%s)", what, text, strings.Join(names, ", "))
}

// sizeFlag is a number of bytes, such as 64MiB.
type sizeFlag int64

// maxSize is far above any machine's memory, and far below where sums wrap.
const maxSize = 1 << 50

// UnmarshalText takes a number with or without a unit.
func (f *sizeFlag) UnmarshalText(text []byte) error {
	n, err := humanize.ParseBytes(string(text))
	if err != nil || n > maxSize {
		return fmt.Errorf("not a size: %q (write it as 64MiB)", text)
	}
	*f = sizeFlag(n)
	return nil
}

// given gives the value of a flag where there is one: a number that stands for none would
// be taken for it by those who mean the number.
func given[T any](flag *T, otherwise T) T {
	if flag == nil {
		return otherwise
	}
	return *flag
}

// isRate reports whether a number is so many a second: NaN is none.
func isRate(n float64) bool { return n >= 0 }
