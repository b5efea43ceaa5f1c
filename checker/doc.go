// SPDX-License-Identifier: Apache-2.0

// Package checker proves that what lies on a disk can be read: Sources looks at every
// byte of shards that means something, Exports at every line of what an export wrote.
//
// Both change nothing, go on behind whatever is wrong, and say where that is and what is
// lost. Of a source they find all that an export would report, since it is the same code
// that decides, and more: an export is silent about damage to what is deleted.
package checker
