// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"math"
	"strings"

	"github.com/shardlift/shardlift/point"
)

// plainSeries can be written in line protocol and found by a query. The order of their
// composite keys is not that of the series keys: `!` comes before `#` and `,`.
var plainSeries = []string{
	`cpu`,
	`cpu,host=a`,
	`cpu,host=a!b`,
	`cpu,host=a,region=eu`,
	`cpu,host=b`,
	`cpu!x,host=a`,
	`cpu\ 2,host=a`,
	`my\ meas\,x,ta\,g\ k\=1=v\ a\=l\,1`,
	`m,t=back\slash`,
	`m,t=a"b,u=c#d`,
	`m,t=\x\\y`,
	`größe,城市=北京`,
	`"quoted","k"="v"`,
	`e=q,t=1`,
	`tab,t=` + "a\tb",
	`long,t=` + strings.Repeat("x", 300),
}

// oddSeries stand on disks and no query finds all of them, or no line can carry them.
var oddSeries = []string{
	`a\=b,t=1`,
	`c\"d`,
	`aa\\\,b`,
	"m,t=line\\\nfeed",
	"m,t=bare\nfeed",
	`m,t=trailing\`,
	`has#!~#separator,t=1`,
	"m,t=\xff\xfe",
}

// poolFields are field keys with their usual type. All are plain, so unescaped.
var poolFields = []Field{
	{"f", point.Float},
	{"i", point.Integer},
	{"s", point.String},
	{"b", point.Boolean},
	{"f2", point.Float},
	{"field key", point.Float},
	{"g=h", point.Integer},
	{"com,ma", point.String},
	{`qu"ote`, point.Boolean},
	{`back\slash`, point.Integer},
	{"has#!~#separator", point.Float},
	{"größe", point.String},
	{"u", point.Unsigned},
}

var oddFields = []Field{
	{"", point.Float},
	{`trailing\`, point.Integer},
	{"line\nfeed", point.String},
	{"\xff", point.Boolean},
}

// baseTime is where the histories happen: 2020-09-13T12:26:40Z.
const baseTime = 1600000000_000000000

var edgeTimes = []int64{
	point.MinTime, point.MinTime + 1, point.MaxTime - 1, point.MaxTime, -1, 0, 1, baseTime - 1, baseTime + 1,
}

var poolFloats = []float64{
	0, math.Copysign(0, -1), 1, -1, 1.5, 0.1, 1e-7, 1e21, 1e20, -123456.789, 1 << 53,
	math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, 0x1p-1022, math.Pi,
}

var poolInts = []int64{
	0, 1, -1, 7, 42, 1 << 53, -1 << 59, 1 << 59, 1<<60 - 1, 1 << 60, math.MaxInt64, math.MinInt64, math.MinInt64 + 1,
}

var poolUints = []uint64{0, 1, 1<<60 - 1, 1 << 60, math.MaxInt64, 1 << 63, math.MaxUint64}

var poolStrings = []string{
	"", "plain", `quote"d`, `back\slash`, `trailing\`, `\"`, "line\nfeed", "\n", "\n# comment\n", "# DML",
	"a\n\nb\n# CONTEXT-DATABASE:x", "tab\t", "cr\r\n", "nul\x00nul", "comma, space =", "héllo 日本 🙂",
	" 1i 5", strings.Repeat("long ", 60),
}

var oddStrings = []string{"\xff\xfe", "half \xe6\x97"}
