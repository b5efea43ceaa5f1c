// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// frameKinds gives one frame of each kind, and how many points it holds.
func frameKinds(t *testing.T) (names []string, all map[string][]byte, points map[string]int64) {
	t.Helper()
	text := lines(12)
	n := audit(t, []byte(text)).Points
	all = map[string][]byte{
		"with a checksum": zstded(t, []byte(text)),
		"without one":     zstded(t, []byte(text), zstd.WithEncoderCRC(false)),
		"single segment":  zstded(t, []byte(text), zstd.WithSingleSegment(true)),
		"repeated":        zstded(t, []byte(strings.Repeat("\n", 1<<10))),
		"small":           zstded(t, []byte("m f=1 1\n")),
		"empty":           zstded(t, nil, zstd.WithZeroFrames(true)),
		"to be skipped":   []byte("\x5f" + skippedMagic + "\x05\x00\x00\x00" + zstdMagic + "x"),
		"skipped, empty":  []byte("\x50" + skippedMagic + "\x00\x00\x00\x00"),
	}
	points = map[string]int64{"with a checksum": n, "without one": n, "single segment": n, "small": 1}
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, all, points
}

// What stands behind whole frames is junk there, however short it is; what a frame may begin with
// is one that is cut off.
func TestBehindFrames(t *testing.T) {
	names, kinds, points := frameKinds(t)
	for _, first := range names {
		for _, second := range names {
			whole := append(slices.Clip(kinds[first]), kinds[second]...)
			for behind, want := range map[string]string{
				"": "", "\n": "trailing junk", "ab": "trailing junk", "\x00\x00\x00": "trailing junk", zstdMagic[:2] + "x": "trailing junk", "\x5a\x2a\x2a": "trailing junk",
				"junk": "trailing junk", zstdMagic[:1]: "cut off", zstdMagic[:3]: "cut off", "\x5a": "cut off", "\x5a" + skippedMagic[:2]: "cut off",
				zstdMagic: "cut off", "\x5a" + skippedMagic + "\x07\x00": "cut off", "\x5a" + skippedMagic + "\x07\x00\x00\x00": "cut off",
			} {
				got := audit(t, append(slices.Clip(whole), behind...))
				if got.Points != points[first]+points[second] {
					t.Errorf("%s, %s, %q: %d points", first, second, behind, got.Points)
				}
				checkEnd(t, fmt.Sprintf("%s, %s, %q", first, second, behind), got, want, len(whole))
			}
		}
	}
}

// A stream that ends within a frame is cut off, wherever that is.
func TestCutFrames(t *testing.T) {
	names, kinds, _ := frameKinds(t)
	before := kinds["small"]
	for _, name := range names {
		whole := append(slices.Clip(before), kinds[name]...)
		for n := len(before) + 1; n < len(whole); n++ {
			checkEnd(t, fmt.Sprintf("%s, %d of %d bytes", name, n, len(whole)), audit(t, whole[:n]), "cut off", -1)
		}
	}
}

// checkEnd compares what is said of the end of a stream.
func checkEnd(t *testing.T, name string, got *Audit, want string, at int) {
	t.Helper()
	var faults []AuditFault
	for _, f := range got.Faults {
		if f.Part == "stream" {
			faults = append(faults, f)
		}
	}
	switch {
	case want == "" && len(faults) == 0:
	case len(faults) != 1 || want == "" || !strings.Contains(faults[0].Reason, want) || want == "trailing junk" && faults[0].Offset != int64(at):
		t.Errorf("%s: %+v, want %q", name, faults, want)
	}
}
