// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/shardlift/shardlift/internal/influxdtest"
)

// hardNames are escaped as in a line. A backslash cannot stand at the end.
var hardNames = struct{ measurements, tagKeys, tagValues, fields []string }{
	measurements: []string{
		`m\,comma`, `m\ blank\ `, `m=equals`, `m\=escaped`, `"quoted"`, `m'single`, `m\"q`, `m\x`, `C:\dir\file`, `m#`, `größe☃`, `m:colon.dot/slash`,
		`\ \,`, "m\\\nlf", "m\ttab", `autogen`, `SELECT`, `m\\two`, `{}[]();*?`, `m!~#`, `true`, `1`, `1i`, `-`,
	},
	tagKeys:   []string{`k\,comma`, `k\ blank`, `k\=equals`, `"k"`, `k\x`, `ключ`, "k\\\nlf", `k#`, `#k`, `K`, `\,`, `f`},
	tagValues: []string{`v\,comma`, `\ v\ blank\ `, `\=v\=`, `"v"`, `C:\dir\x`, `значение\ 𝄞`, "v\\\nlf", `#v`, `a\\b`, "tab\tx", `\,\ \=`, `f\=1`},
	fields:    []string{`f\,comma`, `f\ blank`, `f\=equals`, `"f"`, `f\"q`, `f\x`, `größe`, "f\\\nlf", `#f`, `f`, `F`, `a\\b`, "tab\tx", `true`, `1`, `t`, `::float`},
}

// hardStrings are the plain values of string fields.
func hardStrings() []string {
	var all [256]byte
	for i := range all {
		all[i] = byte(i)
	}
	return []string{
		"", " ", "\n", "\n\n\n", `"`, `""`, `\`, `\\`, `\"`, `"\`, `a\nb`, "tab\tcr\rcrlf\r\n", "trailing backslash\\", "trailing line feed\n",
		"first\n# looks like a comment\nlast", "x\n# DML\n# CONTEXT-DATABASE:elsewhere\n# CONTEXT-RETENTION-POLICY:none\ny", "# DDL\nDROP DATABASE \"x\"\n",
		"cpu,host=a f=1 10\ncpu,host=a f=2 20", `x" 1`, "x\" 1\ncpu f=\"y", "a,b=c d", `quote " comma , blank   equals = backslash \ done`, "größe ☃ 𝄞 \u2028 \ufeff",
		"\xff\xfe\xc3", string(all[:]), strings.Repeat(`\"`+"\n#", 500), "\r", "\x00", "#",
	}
}

// quote writes a string value as line protocol.
func quote(s string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"` }

// namePoints puts each hard name and each string into a point.
func namePoints() string {
	var p points
	names := hardNames
	for i, m := range names.measurements {
		p.add(monday+int64(i), "%s f=%d", m, i)
		p.add(monday+int64(i), "%s,t=%s %s=%d.5", m, names.tagValues[i%len(names.tagValues)], names.fields[i%len(names.fields)], i)
	}
	for i, k := range names.tagKeys {
		p.add(monday+int64(i), "tags,%s=%s f=%d", k, names.tagValues[i], i)
		p.add(monday, "tags,%s=x,zz=%s f=%d", k, names.tagValues[i], i)
	}
	for i, f := range names.fields {
		p.add(monday, "fields,i=%d %s=%d", i, f, i)
		p.add(monday, "fields,i=all %s=%d", f, i)
	}
	for i, s := range hardStrings() {
		p.add(monday+int64(i), "strings s=%s", quote(s))
		p.add(monday+int64(i), "strings,t=b a=1,s=%s,z=%s", quote(s), quote(s))
	}
	return p.String()
}

// recordNames spreads them over databases and policies with hard names.
func recordNames(r *rig) {
	id := influxdtest.Ident
	text := namePoints()
	for i, db := range []string{"a:b", "dots.and blanks.db", `quo"ted`, "größe ☃", " blank before", "a", "_series"} {
		r.Exec("CREATE DATABASE " + id(db))
		for j, rp := range []string{"autogen", "r:p q", `"policy"`, "ü.1"}[:1+3*((i+1)%2)] {
			if rp != "autogen" {
				r.Exec("CREATE RETENTION POLICY " + id(rp) + " ON " + id(db) + " DURATION INF REPLICATION 1")
			}
			var p points
			p.add(monday, "m,db=%d f=%d", i, j)
			r.Write(db, rp, p.take())
			if j == 0 && i < 2 {
				r.Write(db, rp, text)
			}
		}
		if i != 1 { // its points stay in the WAL
			r.Flush(db)
		}
	}
}
