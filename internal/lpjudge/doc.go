// SPDX-License-Identifier: Apache-2.0

// Package lpjudge judges exports: it reads line protocol, and asks a live server,
// and brings both to one normal form that can be compared value by value. It
// shares no code with the rest of the project, so that the two cannot be wrong
// together.
//
// A Judge reads text strictly. What a 1.x server would refuse or repair, such as
// blanks in odd places, carriage returns or a field named twice, is an error.
//
//	want, err := lpjudge.Dump(ctx, lpjudge.Server{URL: url}, "db")
//	got, report, err := lpjudge.ReadPath("out/", lpjudge.Options{})
//	lines := lpjudge.Diff(want, got, 20) // nil where they are equal
//
// # Normal form
//
// A file of values, such as testdata/volumes/*/want.lp.gz, has one value a line and
// seven columns between tabs, sorted as bytes:
//
//	database policy series field type value time
//
// type is one of f i u b s (float, integer, unsigned, boolean, string), time is in
// nanoseconds. Backslash, tab, line feed and carriage return are written as \\ \t \n
// \r, other control characters and bytes that are not UTF-8 as \xNN. In the series,
// which is measurement,key=value,... with the keys in order, a backslash also stands
// before a comma or an equals sign that belongs to a name.
package lpjudge
