// SPDX-License-Identifier: Apache-2.0

// Package meta reads the metastore of a server: its databases, retention policies,
// shard groups, continuous queries, users and subscriptions; and says them again as
// InfluxQL.
//
// A metastore is one protobuf message. It is found in three wrappings, told apart by
// their first bytes, never by the name of the file:
//
//	meta.db     the message alone, which begins with field 1 as a number
//	*.meta      of a portable backup: a message whose field 1 holds the message
//	meta.NN     of a legacy backup: u64be 0x59590101, u64be length, the message,
//	            and behind it a second length with data of no use here
//
// There is no checksum. What stands against damage: every length is checked, and the
// six fields that each server writes at the top level must be there, three of them at
// its end, so that a message that was cut between two fields does not pass.
//
// Password hashes are dropped while decoding.
package meta
