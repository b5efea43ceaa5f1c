// SPDX-License-Identifier: Apache-2.0

// Package lineprotocol writes and reads InfluxDB line protocol.
//
//	measurement,tag=value field=1.5,other=2i 1600000000000000000
//
// # Writing
//
// An Encoder turns batches of rows into lines. Series keys are written as they are
// stored, byte for byte: they are escaped already, and escaping them again would make
// other series of them. Field keys and strings are stored raw and escaped here. What
// line protocol cannot carry is never written and never dropped quietly: it comes back
// as a Refusal.
//
// # Reading
//
// A Scanner finds the points of a text that comes in pieces, as many lines as each has.
// It looks no further into a line than it must to find its end and its parts; what is
// left to say is the server's. CheckKey, ParseFields and ParseTime judge the parts as
// a 1.x server does. Where the scanner is stricter than a server, so that damage stays
// with the line that has it, docs/formats.md says so.
package lineprotocol
