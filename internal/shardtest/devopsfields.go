// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/shardlift/shardlift/point"
)

// devopsMeasurement is one measurement of every host.
type devopsMeasurement struct {
	name   string
	tags   []func(*rand.Rand) string // beside those of the host
	fields []devopsField             // ascending
}

// stream numbers the walk behind a field; fields that tell the same story share one.
func (m *devopsMeasurement) stream(f *devopsField) uint64 {
	walk := f.walk
	if walk == "" {
		walk = f.Name
	}
	n := uint64(14695981039346656037)
	for _, c := range []byte(m.name + " " + walk) {
		n = (n ^ uint64(c)) * 1099511628211
	}
	return n
}

// devopsField is a field whose values are steps of a walk: after a start each adds a normally
// distributed number and stays between two bounds.
type devopsField struct {
	Name            string
	walk            string  // name of the walk if it is another field's too
	start, spread   float64 // start plus a random share of spread
	mean, deviation float64 // of a step
	lowest, highest float64 // where they differ

	ofMemory bool // all of the above are shares of the host's memory

	// What is stored of a whole number of the walk; by default that number.
	integer func(whole, memory int64) int64
	float   func(whole, memory int64) float64
}

func (f *devopsField) kind() point.Kind {
	if f.float != nil {
		return point.Float
	}
	return point.Integer
}

// run makes the values at times for a host with so many bytes of memory.
func (f *devopsField) run(times []int64, memory int64, source *rand.Rand) Run {
	r := Run{Times: times, Kind: f.kind()}
	scale := 1.0
	if f.ofMemory {
		scale = float64(memory)
	}
	at := f.start + f.spread*source.Float64()
	for range times {
		whole := int64(at * scale)
		switch {
		case f.float != nil:
			r.Floats = append(r.Floats, f.float(whole, memory))
		case f.integer != nil:
			r.Ints = append(r.Ints, f.integer(whole, memory))
		default:
			r.Ints = append(r.Ints, whole)
		}
		at += f.mean + f.deviation*source.NormFloat64()
		if f.lowest < f.highest {
			at = min(max(at, f.lowest), f.highest)
		}
	}
	return r
}

// devopsMemories are the sizes of the hosts' memories.
var devopsMemories = []int64{8 << 30, 12 << 30, 16 << 30}

const (
	diskTotal   = 1 << 40
	inodesTotal = diskTotal / 4096
)

// counters are fields that grow by about mean from 0 on, until they reach highest.
func counters(mean, highest float64, names string) []devopsField {
	var all []devopsField
	for name := range strings.FieldsSeq(names) {
		all = append(all, devopsField{Name: name, mean: mean, deviation: 1, highest: highest})
	}
	return all
}

// from gives fields the same start.
func from(start float64, fields []devopsField) []devopsField {
	for i := range fields {
		fields[i].start = start
	}
	return fields
}

// usages are percentages that wander.
func usages(names string) []devopsField {
	var all []devopsField
	for name := range strings.FieldsSeq(names) {
		all = append(all, devopsField{Name: name, spread: 100, deviation: 1, highest: 100})
	}
	return all
}

func constant(name string, value float64) devopsField { return devopsField{Name: name, start: value} }

// memory is a part of the host's memory that wanders.
func memory(name, walk string) devopsField {
	return devopsField{Name: name, walk: walk, spread: 1, deviation: 1. / 64, highest: 1, ofMemory: true}
}

// rest is what a part of the memory leaves.
func rest(f devopsField) devopsField {
	f.integer = func(whole, memory int64) int64 { return memory - whole }
	return f
}

func percent(f devopsField) devopsField {
	integer := f.integer
	f.float = func(whole, memory int64) float64 {
		if integer != nil {
			whole = integer(whole, memory)
		}
		return 100 * float64(whole) / float64(memory)
	}
	return f
}

// disk is told by the free bytes of the disk.
func disk(name string, integer func(free, _ int64) int64) devopsField {
	return devopsField{
		Name: name, walk: "free", start: diskTotal / 2, mean: 50, deviation: 1, highest: diskTotal, integer: integer,
	}
}

func sorted(lists ...[]devopsField) []devopsField {
	all := slices.Concat(lists...)
	slices.SortFunc(all, func(a, b devopsField) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func randomTag(format string, lowest, highest int) func(*rand.Rand) string {
	return func(r *rand.Rand) string { return fmt.Sprintf(format, lowest+r.IntN(highest-lowest)) }
}

var randomPort = randomTag("port=%d", 1024, 20000)

var devopsMeasurements = []devopsMeasurement{
	{name: "cpu", fields: sorted(usages(
		"usage_user usage_system usage_idle usage_nice usage_iowait usage_irq usage_softirq usage_steal usage_guest usage_guest_nice"))},
	{
		name: "disk",
		tags: []func(*rand.Rand) string{
			randomTag("path=/dev/sda%d", 0, 10),
			func(r *rand.Rand) string { return "fstype=" + pick(r.IntN, []string{"ext3", "ext4", "btrfs"}) },
		},
		fields: sorted([]devopsField{
			constant("total", diskTotal),
			disk("free", nil),
			disk("used", func(free, _ int64) int64 { return diskTotal - free }),
			disk("used_percent", func(free, _ int64) int64 { return (diskTotal - free) * 100 / diskTotal }),
			constant("inodes_total", inodesTotal),
			disk("inodes_free", func(free, _ int64) int64 { return free / 4096 }),
			disk("inodes_used", func(free, _ int64) int64 { return inodesTotal - free/4096 }),
		}),
	},
	{
		name: "diskio",
		tags: []func(*rand.Rand) string{func(r *rand.Rand) string {
			return fmt.Sprintf("serial=%03d-%03d-%03d", r.IntN(1000), r.IntN(1000), r.IntN(1000))
		}},
		fields: sorted(
			counters(50, 0, "reads writes"), counters(100, 0, "read_bytes write_bytes"), counters(5, 0, "read_time write_time io_time")),
	},
	{name: "kernel", fields: sorted(
		[]devopsField{{Name: "boot_time", spread: 240}},
		counters(5, 0, "interrupts context_switches processes_forked disk_pages_in disk_pages_out"))},
	{name: "mem", fields: sorted([]devopsField{
		{Name: "total", start: 1, ofMemory: true},
		memory("used", "used"),
		rest(memory("free", "used")),
		rest(memory("available", "used")),
		memory("cached", "cached"),
		memory("buffered", "buffered"),
		percent(memory("used_percent", "used")),
		percent(rest(memory("available_percent", "used"))),
		percent(memory("buffered_percent", "buffered")),
	})},
	{
		name: "net",
		tags: []func(*rand.Rand) string{randomTag("interface=eth%d", 0, 4)},
		fields: sorted(
			counters(50, 0, "bytes_sent bytes_recv packets_sent packets_recv"), counters(5, 0, "err_in err_out drop_in drop_out")),
	},
	{
		name: "nginx",
		tags: []func(*rand.Rand) string{randomPort, randomTag("server=nginx_%d", 0, 100000)},
		fields: sorted(
			counters(5, 0, "accepts handled requests"), counters(5, 100, "active reading waiting writing")),
	},
	{name: "postgresl", fields: sorted(
		counters(1024, 0, "temp_bytes"),
		counters(5, 1000, `numbackends xact_commit xact_rollback blks_read blks_hit tup_returned tup_fetched tup_inserted
			tup_updated tup_deleted conflicts temp_files deadlocks blk_read_time blk_write_time`))},
	{
		name: "redis",
		tags: []func(*rand.Rand) string{randomPort, randomTag("server=redis_%d", 0, 100000)},
		fields: sorted(
			[]devopsField{{Name: "uptime_in_seconds", mean: 10}},
			counters(5, 0, "total_connections_received"),
			counters(50, 0, "expired_keys evicted_keys keyspace_hits keyspace_misses"),
			counters(1, 0, "instantaneous_ops_per_sec instantaneous_input_kbps instantaneous_output_kbps"),
			counters(50, 10000, "connected_clients rdb_changes_since_last_save"),
			from(8<<30, counters(50, 16<<30, "used_memory used_memory_rss used_memory_peak used_memory_lua")),
			counters(5, 100, "mem_fragmentation_ratio"),
			counters(5, 1000, `sync_full sync_partial_ok sync_partial_err pubsub_channels pubsub_patterns latest_fork_usec
				connected_slaves master_repl_offset repl_backlog_active repl_backlog_size repl_backlog_histlen used_cpu_sys
				used_cpu_user used_cpu_sys_children used_cpu_user_children`)),
	},
}
