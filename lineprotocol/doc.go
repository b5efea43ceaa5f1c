// SPDX-License-Identifier: Apache-2.0

// Package lineprotocol writes batches of rows as InfluxDB line protocol.
//
//	measurement,tag=value field=1.5,other=2i 1600000000000000000
//
// Series keys are written as they are stored, byte for byte: they are escaped
// already, and escaping them again would make other series of them. Field keys and
// strings are stored raw and escaped here. What line protocol cannot carry is never
// written and never dropped quietly: it comes back as a Refusal.
package lineprotocol
