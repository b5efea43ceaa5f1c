// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"fmt"
	"strings"

	"github.com/shardlift/shardlift/point"
)

// Op is one thing that was done to a shard.
type Op struct {
	Name    string          // of the method
	Writes  []Write         // Write
	Match   Match           // Delete
	Window  point.TimeRange // Delete
	From    int             // Compact: the first and last generation
	To      int
	Crashed bool // Flush and Compact: before their inputs were removed
}

// Write is what one request writes to a series.
type Write struct {
	Series string // escaped
	Field  string // plain
	Run
}

// String tells one operation on one line.
func (op Op) String() string {
	crashed := ""
	if op.Crashed {
		crashed = " and crash"
	}
	switch op.Name {
	case "Write":
		var b strings.Builder
		b.WriteString("write")
		for _, w := range op.Writes {
			fmt.Fprintf(&b, " [%q %q", w.Series, w.Field)
			for i, t := range w.Times {
				fmt.Fprintf(&b, " %d=%v", t, w.At(i))
			}
			b.WriteString("]")
		}
		return b.String()
	case "Delete":
		return fmt.Sprintf("delete from %q where %q, %d to %d", op.Match.Measurement, op.Match.Tag, op.Window.Min, op.Window.Max)
	case "Compact":
		return fmt.Sprintf("compact generations %d to %d%s", op.From, op.To, crashed)
	default:
		return strings.ToLower(op.Name) + crashed
	}
}

// String tells the whole history, one operation a line.
func (h *History) String() string {
	var b strings.Builder
	for i, op := range h.Ops {
		fmt.Fprintf(&b, "%3d %v\n", i, op)
	}
	return b.String()
}
