// SPDX-License-Identifier: Apache-2.0

// Package sample makes up reports of volumes for the page: what three years of daily shards
// look like on a bad day, and what nobody should have on a disk. The same call gives the
// same report.
package sample
