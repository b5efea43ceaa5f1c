// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io/fs"
	"os"
	"regexp"

	"github.com/shardlift/shardlift/exporter"
)

// kongWords are what kong says of values that are missing or wrong, and what we say.
var kongWords = []struct {
	kong *regexp.Regexp
	ours string
}{
	{regexp.MustCompile(`expected \w+ value but got "EOL" \(<EOL>\)$|missing value, expecting "<arg>.*"$`), `its value is missing`},
	{regexp.MustCompile(`expected \w+ value but got (".*") \([a-z]+ flag\); perhaps try (.*)\?$`), `its value is missing (if it is $1, write $2)`},
	{regexp.MustCompile(`expected an? \w+ but got ".*" \((?:\[\]|map\[string\])interface \{\}\)$`), oneValue},
	{regexp.MustCompile(`expected a valid \d+ bit int but got`), `not a whole number:`},
	{regexp.MustCompile(`expected a valid \d+ bit uint but got`), `not a whole number, from 0 on:`},
	{regexp.MustCompile(`expected a float but got (".*") \(string\)`), `not a number: $1`},
	{regexp.MustCompile(`expected duration but got (".*"): time: .*?( \(from envar .*\))?$`), `not a length of time: $1 (write it as 90s or 10m)$2`},
}

// usageText says in our words what kong found wrong with a command line. What it does not know
// stays as it is.
func usageText(text string) string {
	for _, w := range kongWords {
		text = w.kong.ReplaceAllString(text, w.ours)
	}
	return text
}

// apart finds a value of --compress that stands apart, and so was taken for a source.
func (e *exportCmd) apart() error {
	for _, source := range e.Sources {
		switch c := exporter.Compression(source); c {
		case exporter.None, exporter.Gzip, exporter.Zstd:
			if _, err := os.Lstat(source); e.Compress != "" && errors.Is(err, fs.ErrNotExist) {
				return usagef("--compress has its value behind an equals sign: --compress=%s", c)
			}
		}
	}
	return nil
}
