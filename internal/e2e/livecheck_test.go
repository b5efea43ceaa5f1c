// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/shardlift/shardlift/internal/lpjudge"
)

// liveCheck looks into one export of a working server.
type liveCheck struct {
	ints     map[int64]string // of append
	texts    map[int64]string
	versions map[int64]string // of overwrite
	series   map[string]bool  // of gone
	slide    map[int64]bool   // time behind monday
	errors   []string
}

func newLiveCheck(values []lpjudge.Value) *liveCheck {
	c := &liveCheck{
		ints: map[int64]string{}, texts: map[int64]string{}, versions: map[int64]string{},
		series: map[string]bool{}, slide: map[int64]bool{},
	}
	seen := map[lpjudge.Value]bool{}
	for _, v := range values {
		at := v
		at.Val, at.Type = "", 0
		if seen[at] {
			c.fail("%s comes twice", v)
		}
		seen[at] = true
		if v.DB == "live" {
			c.add(v)
		}
	}
	return c
}

// add sorts a value in.
func (c *liveCheck) add(v lpjudge.Value) {
	name, _, _ := strings.Cut(v.Series, ",")
	switch name + " " + v.Field {
	case "append i":
		c.ints[v.Time] = v.Val
	case "append s":
		c.texts[v.Time] = v.Val
	case "overwrite v":
		c.versions[v.Time] = v.Val
	case "gone v", "gone w":
		c.series[v.Series] = true
	case "slide v":
		c.slide[v.Time-monday] = true
	default:
		c.fail("%s was never written", v)
	}
}

func (c *liveCheck) fail(format string, args ...any) {
	c.errors = append(c.errors, fmt.Sprintf(format, args...))
}

// appended looks for a point that was never changed.
func (c *liveCheck) appended(at int64) {
	if want := strconv.FormatInt(at, 10); c.ints[at] != want || c.texts[at] != want {
		c.fail("append at %d is %q and %q", at, c.ints[at], c.texts[at])
	}
}

// overwritten wants no older value than was acknowledged.
func (c *liveCheck) overwritten(at int64, version int) {
	got, err := strconv.ParseFloat(c.versions[at], 64)
	if err != nil || got < float64(version) {
		c.fail("overwrite at %d is %q, and was %d already", at, c.versions[at], version)
	}
}

// gone wants nothing of a deleted series.
func (c *liveCheck) gone(n string) {
	if c.series["gone,n="+n] {
		c.fail("gone,n=%s was deleted", n)
	}
}

// slidden wants nothing before from, and all points from since to to: what lies between
// may or may not have been deleted when it was read.
func (c *liveCheck) slidden(from, since, to int64) {
	for at := range c.slide {
		if at < from {
			c.fail("slide at %d was deleted", at)
		}
	}
	for at := since; at <= to; at += int64(time.Second) / 2 {
		if !c.slide[at] {
			c.fail("slide at %d is missing", at)
		}
	}
}
