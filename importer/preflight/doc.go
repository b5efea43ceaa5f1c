// SPDX-License-Identifier: Apache-2.0

// Package preflight prepares a target for points, and finds out before the first of
// them is sent what would go wrong. It is the importer's Guard.
//
// # DDL
//
// CREATE DATABASE and CREATE RETENTION POLICY are taken apart, renamed by the mapping,
// compared with what the target has, and run where something is missing. What is there
// is never altered: differences are reported. Options may stand in any order; otherwise
// the grammar is InfluxQL's:
//
//	CREATE DATABASE name [WITH [DURATION d] [REPLICATION n] [SHARD DURATION d] [NAME policy]]
//	CREATE RETENTION POLICY name ON database DURATION d REPLICATION n [SHARD DURATION d] [DEFAULT]
//
// For a database that is there the first means its policy. Users, grants, continuous
// queries and subscriptions are made as their statements stand. Statements that delete,
// change or write are refused.
//
// # Order of calls
//
// Plan says what the statements would make, without making it; Ranges then checks the
// data against policies that are there and against those to come; Statements makes
// them; Place tests each place for writing. What is only planned or printed counts for
// Ranges, and not for Place. In a stream, where nothing is known in advance, Statements
// and Place alone do.
//
// Servers answer what they have like this (1.6.7): durations as 168h0m0s, infinite as
// 0s, shard durations below an hour raised to one. A user with no right to read a
// database is not shown its policies; an empty write still tells whether they exist.
package preflight
