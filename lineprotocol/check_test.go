// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import (
	"errors"
	"testing"
)

func TestCheckSeries(t *testing.T) {
	cases := map[string]struct {
		key  string
		want error
	}{
		"plain":                        {`cpu,host=a,region=b`, nil},
		"no tags":                      {`cpu`, nil},
		"escaped separators":           {`m\ x\,y,t\=1=a\,b\ c`, nil},
		"needless backslashes":         {`a\=b,t=x\zy`, nil},
		"quotes":                       {`"m",t="a b`, ErrTag},
		"quotes without blanks":        {`"m",t="a"`, nil},
		"not ASCII":                    {`größe,ort=日本`, nil},
		"hash inside":                  {`a#b,t=#`, nil},
		"line break after a backslash": {"m,t=a\\\nb", nil},
		"two backslashes, line break":  {"m,t=a\\\\\nb", ErrNewline},
		"bare line break":              {"m,t=a\nb", ErrNewline},
		"empty":                        {``, ErrNoMeasurement},
		"no measurement":               {`,t=a`, ErrNoMeasurement},
		"comment":                      {`#m,t=a`, ErrComment},
		"tab first":                    {"\tm", ErrBlank},
		"NUL first":                    {"\x00m", ErrBlank},
		"backslash at the end":         {`m,t=a\`, ErrBackslash},
		"measurement ends in one":      {`m\`, ErrBackslash},
		"bare blank":                   {`m x,t=a`, ErrTag},
		"bare blank in a tag":          {`m,t=a b`, ErrTag},
		"bare equals in a value":       {`m,t=a=b`, ErrTag},
		"tag without a value":          {`m,t=`, ErrTag},
		"tag that stands twice":        {`m,t=a,t=b`, errTagTwice},
		"twice and out of order":       {`m,t=a,s=b,t=c`, errTagTwice},
		"tags out of order":            {`m,t=a,s=b`, nil},
		"tag without a key":            {`m,=a`, ErrTag},
		"tag without equals":           {`m,t`, ErrTag},
		"comma at the end":             {`m,`, ErrTag},
		"tag named time":               {`m,time=a`, ErrTagTime},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if err := CheckSeries([]byte(c.key)); !errors.Is(err, c.want) {
				t.Errorf("CheckSeries(%q) = %v, want %v", c.key, err, c.want)
			}
		})
	}
}

func TestCheckField(t *testing.T) {
	cases := map[string]struct {
		key, written string
		want         error
	}{
		"plain":                       {`usage`, `usage`, nil},
		"all that is escaped":         {`a,b=c d"e`, `a\,b\=c\ d\"e`, nil},
		"backslash before a letter":   {`a\b`, `a\b`, nil},
		"two backslashes":             {`a\\b`, `a\\b`, nil},
		"backslash, comma":            {`a\,b`, `a\\,b`, ErrFieldKey},
		"two backslashes, comma":      {`a\\,b`, `a\\\,b`, nil},
		"backslash at the end":        {`a\`, `a\`, ErrBackslash},
		"two backslashes at the end":  {`a\\`, `a\\`, ErrBackslash},
		"line break":                  {"a\nb", "a\nb", ErrNewline},
		"line break behind backslash": {"a\\\nb", "a\\\nb", nil},
		"empty":                       {``, ``, ErrNoField},
		"time":                        {`time`, `time`, ErrFieldTime},
		"the separator":               {`a#!~#b`, `a#!~#b`, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if err := CheckField([]byte(c.key)); !errors.Is(err, c.want) {
				t.Errorf("CheckField(%q) = %v, want %v", c.key, err, c.want)
			}
			if got := string(AppendFieldKey(nil, []byte(c.key))); got != c.written {
				t.Errorf("written as %q, want %q", got, c.written)
			}
		})
	}
}

func TestAppendString(t *testing.T) {
	for in, want := range map[string]string{
		"":               `""`,
		"plain":          `"plain"`,
		`a"b`:            `"a\"b"`,
		`a\b`:            `"a\\b"`,
		`\"`:             `"\\\""`,
		"two\nlines\n#x": "\"two\nlines\n#x\"",
		"a, b=c":         `"a, b=c"`,
		"\x00\xff":       "\"\x00\xff\"",
	} {
		if got := string(AppendString(nil, []byte(in))); got != want {
			t.Errorf("AppendString(%q) = %s, want %s", in, got, want)
		}
	}
}
