// SPDX-License-Identifier: Apache-2.0

// Shardlift recovers InfluxDB 1.x time series from disks: see README.md and
// docs/cli.md, or run it with --help.
//
// Each command is one struct of cli with a Run method. Only this package talks to the
// terminal, handles signals and ends the process.
package main
