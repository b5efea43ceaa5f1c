// SPDX-License-Identifier: Apache-2.0

package page

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/shardlift/shardlift/inspector"
)

// payload is what the page's script is given: a report as tables. Three years of shards are
// thousands of rows, so rows are arrays, names that many rows share are the places of their
// rows in another table, and what can be told from other cells is left out.
type payload struct {
	FaultCount   int64 `json:"faultCount"` // of which Faults may list a part
	Policies     table `json:"policies"`
	Shards       table `json:"shards"`
	Gaps         table `json:"gaps"`
	Missing      table `json:"missing"`
	Measurements table `json:"measurements"`
	Fields       table `json:"fields"`
	Tags         table `json:"tags"`
	Conflicts    table `json:"conflicts"`
	Faults       table `json:"faults"`
	LeftOut      table `json:"leftOut"`
	// DataDirs are where shards mostly lie; shards' replicas name them by place.
	DataDirs []string `json:"dataDirs"`
}

// table has one array for each row; cells at its end that are zero, "" or null are cut off, but the first.
type table struct {
	Columns []string `json:"columns"`
	Rows    [][]any  `json:"rows"`
}

func columns(names string) table {
	return table{Columns: strings.Fields(names), Rows: [][]any{}}
}

func (t *table) add(cells ...any) {
	t.Rows = append(t.Rows, nil)
	t.set(len(t.Rows)-1, cells)
}

// set replaces a row. All text goes through shown.
func (t *table) set(row int, cells []any) {
	for i := range cells {
		cells[i] = legible(cells[i])
	}
	for len(cells) > 1 && blank(cells[len(cells)-1]) {
		cells = cells[:len(cells)-1]
	}
	t.Rows[row] = cells
}

func blank(cell any) bool {
	switch c := cell.(type) {
	case int64:
		return c == 0
	case int:
		return c == 0
	case string:
		return c == ""
	case instant:
		return !c.set
	}
	return false
}

// number is an Amount: a JSON number, or, where it is an estimate, that in quotes behind a ~.
type number inspector.Amount

// MarshalJSON gives the number or its estimate.
func (n number) MarshalJSON() ([]byte, error) {
	if n.Exact {
		return strconv.AppendInt(nil, n.N, 10), nil
	}
	return json.Marshal("~" + strconv.FormatInt(n.N, 10))
}

// id gives a shard's number as a cell: JavaScript holds no integers beyond 2^53.
func id(n uint64) any {
	if n < 1<<53 {
		return int64(n)
	}
	return strconv.FormatUint(n, 10)
}

func ids(list []uint64) []any {
	out := make([]any, len(list))
	for i, n := range list {
		out[i] = id(n)
	}
	return out
}

// legible gives a cell as it can be shown.
func legible(cell any) any {
	switch c := cell.(type) {
	case string:
		return shown(c)
	case []string:
		out := make([]string, len(c))
		for i, s := range c {
			out[i] = shown(s)
		}
		return out
	case []any:
		for i := range c {
			c[i] = legible(c[i])
		}
	}
	return cell
}

// statColumns are the cells that stats gives. What is mostly zero comes last.
const statColumns = " start end series columns points values bytes tsmFiles tsmBytes generations blocks" +
	" overlapping faults lost walSegments walBytes walValues tombstones deletes"

func (c *clock) stats(s *inspector.Stats) []any {
	return []any{
		c.instant(s.Start), c.instant(s.End), number(s.Series), s.Columns, number(s.Points), number(s.Values), s.Bytes,
		s.TSMFiles, s.TSMBytes, s.Generations, s.Blocks, s.Overlapping, s.Faults, s.Lost,
		s.WALSegments, s.WALBytes, s.WALValues, s.Tombstones, s.Deletes,
	}
}
