// SPDX-License-Identifier: Apache-2.0

package influxdtest

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// User and Password are the administrator of a server started with Auth.
const (
	User     = "admin"
	Password = "influxdtest"
)

// Options are the settings of one server. The zero value is a quiet server with
// the inmem index whose cache is written to TSM only when Flush asks for it.
type Options struct {
	// Dir holds data, wal and meta; a fresh temporary directory if empty. Name a
	// copy made by Copy to see what a server makes of it. Dir belongs to the
	// server while it runs.
	Dir string
	// Index is "inmem" (the default) or "tsi1".
	Index string
	// SnapshotMemory is the cache size in bytes from which the server writes a TSM
	// file by itself, checked once a second; 0 is the server's default, 25 MiB.
	SnapshotMemory int64
	// SnapshotCold is how long a shard must be without writes before the server
	// writes its cache; 0 is a day, which is never in a test.
	SnapshotCold time.Duration
	// CompactCold is how long a shard must be without writes before it is compacted
	// fully; 0 is a day.
	CompactCold time.Duration
	// FsyncDelay is wal-fsync-delay.
	FsyncDelay time.Duration
	// MaxBody is the largest accepted write body in bytes; 0 is the server's
	// default of 25,000,000, a negative number means no limit.
	MaxBody int64
	// Auth turns authentication on and makes the administrator User with Password.
	// Write and Query then log in by themselves.
	Auth bool
	// Internal keeps the monitoring service and its database _internal.
	Internal bool
	// Set holds any other settings, "section.key" to a TOML value, e.g.
	// "http.max-concurrent-write-limit": "1" or "logging.level": `"info"`.
	// It wins over everything above. A key without a section is a top level one.
	Set map[string]string
}

const never = 24 * time.Hour

// settings gives every setting that differs from the server's defaults.
func (o Options) settings(httpAddr, rpcAddr string) map[string]string {
	m := map[string]string{
		"reporting-enabled":      "false",
		"bind-address":           strconv.Quote(rpcAddr),
		"meta.dir":               quotePath(o.Dir, "meta"),
		"meta.logging-enabled":   "false",
		"data.dir":               quotePath(o.Dir, "data"),
		"data.wal-dir":           quotePath(o.Dir, "wal"),
		"data.query-log-enabled": "false",
		"data.index-version":     strconv.Quote(orDefault(o.Index, "inmem")),
		"data.cache-snapshot-write-cold-duration": quoteDuration(orDefault(o.SnapshotCold, never)),
		"data.compact-full-write-cold-duration":   quoteDuration(orDefault(o.CompactCold, never)),
		"data.wal-fsync-delay":                    quoteDuration(o.FsyncDelay),
		"coordinator.write-timeout":               quoteDuration(busyTimeout), // it is a slow machine's, not the server's
		"retention.enabled":                       "false",
		"shard-precreation.enabled":               "false",
		"monitor.store-enabled":                   strconv.FormatBool(o.Internal),
		"subscriber.enabled":                      "false",
		"continuous_queries.enabled":              "false",
		"http.bind-address":                       strconv.Quote(httpAddr),
		"http.log-enabled":                        "false",
		"http.auth-enabled":                       strconv.FormatBool(o.Auth),
		"logging.level":                           `"warn"`,
		"logging.suppress-logo":                   "true",
	}
	if o.SnapshotMemory > 0 {
		m["data.cache-snapshot-memory-size"] = strconv.FormatInt(o.SnapshotMemory, 10)
	}
	if o.MaxBody != 0 {
		m["http.max-body-size"] = strconv.FormatInt(max(o.MaxBody, 0), 10)
	}
	maps.Copy(m, o.Set)
	return m
}

// renderTOML writes the top level keys first, then one table per section.
func renderTOML(settings map[string]string) string {
	sections := map[string][]string{}
	for name, value := range settings {
		section, key, ok := strings.Cut(name, ".")
		if !ok {
			section, key = "", name
		}
		sections[section] = append(sections[section], key+" = "+value+"\n")
	}
	var b strings.Builder
	for _, section := range slices.Sorted(maps.Keys(sections)) {
		if section != "" {
			fmt.Fprintf(&b, "[%s]\n", section)
		}
		slices.Sort(sections[section])
		b.WriteString(strings.Join(sections[section], ""))
	}
	return b.String()
}

func orDefault[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}

func quotePath(elem ...string) string { return strconv.Quote(filepath.Join(elem...)) }

func quoteDuration(d time.Duration) string { return strconv.Quote(d.String()) }
