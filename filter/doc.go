// SPDX-License-Identifier: Apache-2.0

// Package filter decides what to take: databases, retention policies, shards,
// measurements, tags, fields and a window of time.
//
// The text of the flags goes into a [Spec]; [New] turns it into a [Selection] once.
// Values of one flag are alternatives, different flags must all agree, and no value
// at all lets everything through.
//
// It is pure: it imports point and the standard library only.
package filter
