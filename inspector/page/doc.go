// SPDX-License-Identifier: Apache-2.0

// Package page writes an inspector.Report as one HTML page that needs no network: text,
// figures and tables, with charts drawn by Apache ECharts, whose script is in the page.
//
// What the page shows comes from disks that nobody vouches for. Names go into it in two ways
// only, through html/template and as JSON with <, > and & escaped; its script makes text
// nodes of them, never HTML; and its Content-Security-Policy lets no script run but the three
// whose hashes it names, and nothing be loaded at all.
package page
