// SPDX-License-Identifier: Apache-2.0

// Package lpfile is the importer.Feed that reads line protocol: files, directories of
// them, directories that an export made, and standard input; plain, gzip or zstd.
//
// An input has sections. In front of the first point, or behind a line "# DDL", each line
// is a statement; behind "# DML" come points. A file that begins with points has no
// sections and is read all the same. Context lines say where the points behind them
// belong:
//
//	# DDL
//	CREATE DATABASE telegraf
//	# DML
//	# CONTEXT-DATABASE:telegraf
//	# CONTEXT-RETENTION-POLICY:autogen
//	cpu,host=a usage=1 1600000000000000000
//
// In an export, which says so in its first line, a name is everything behind the first
// colon. Elsewhere blanks around it are dropped, as influx does.
//
// Nothing of an input vanishes: each line of it is in a batch, a statement, a reject, or
// counted in Skipped.
package lpfile
