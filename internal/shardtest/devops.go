// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Devops is a volume like those of the TSBS devops set: nine measurements about each
// host, ten tags and more on every series, 101 fields that are nearly all integers. A
// shard has five TSM files that follow each other in time, the first of which was compacted.
//
// The same settings give the same bytes.
type Devops struct {
	Hosts    int
	Duration time.Duration // of each shard
	Step     time.Duration // between points
	Shards   int           // 0 means 1; each begins a whole number of days after the one before
	Seed     uint64
}

// devopsStart is when the first shard begins: 2019-05-01T00:00:00Z.
const devopsStart = 1556668800_000000000

const dayNano = 24 * 3600 * int64(1e9)

// devopsFiles are the files of a shard: generation, sequence, and how many of a
// thousand points of every column lie in it or in one before.
var devopsFiles = []struct{ generation, sequence, until int }{
	{8, 2, 705}, {9, 1, 800}, {10, 1, 872}, {11, 1, 944}, {12, 1, 1000},
}

// Write makes the volume below dir: database telegraf, policy autogen, shards 1 and up.
// It needs memory for the keys and the indexes of one shard.
func (d Devops) Write(dir string) (Totals, error) {
	if d.Hosts < 1 || d.Step <= 0 || d.Duration < d.Step {
		return Totals{}, fmt.Errorf("write devops volume: %d hosts, %v by %v", d.Hosts, d.Duration, d.Step)
	}
	var failed firstError
	v := NewVolume(&failed, dir)
	days := (int64(d.Duration) + dayNano - 1) / dayNano
	var totals Totals
	for i := range max(d.Shards, 1) {
		s := v.Shard("telegraf", "autogen", uint64(i+1))
		s.Start = devopsStart + int64(i)*days*dayNano
		s.End = s.Start + days*dayNano
		s.Fields(devopsFields()...)
		if failed.err != nil {
			break
		}
		t, err := d.writeShard(s)
		if err != nil {
			return totals, fmt.Errorf("write devops shard %d: %w", s.ID, err)
		}
		totals.add(t)
	}
	m := v.Meta()
	m.Databases[0].Policies[0].GroupDuration = days * dayNano
	v.WriteMeta(m)
	return totals, failed.err
}

// devopsSeries is one series of a host.
type devopsSeries struct {
	key         string
	host        int
	memory      int64 // of the host, in bytes
	measurement *devopsMeasurement
}

func (d Devops) writeShard(s *Shard) (Totals, error) {
	times := Every(s.Start, int64(d.Step), int(d.Duration/d.Step))
	files := make([]*tsmOnDisk, len(devopsFiles))
	for i, f := range devopsFiles {
		file, err := createTSM(s, f.generation, f.sequence)
		if err != nil {
			return Totals{}, err
		}
		files[i] = file
	}
	files[0].Encoding.Family = Batch

	totals := Totals{Shards: 1}
	var errs []error
	for _, series := range d.series() {
		totals.Series++
		totals.Points += int64(len(times))
		for i := range series.measurement.fields {
			f := &series.measurement.fields[i]
			source := rand.New(rand.NewPCG(d.Seed^s.ID<<32^uint64(series.host), series.measurement.stream(f)))
			totals.Columns++
			totals.Values += int64(len(times))
			errs = append(errs, writeParts(files, series, f.Name, f.run(times, series.memory, source)))
		}
	}
	for _, f := range files {
		errs = append(errs, f.finish(&totals.Bytes))
	}
	return totals, errors.Join(errs...)
}

// writeParts spreads a column over the files. In each, some hosts have one point more than others,
// as when a flush falls between them.
func writeParts(files []*tsmOnDisk, series devopsSeries, field string, run Run) error {
	key := []byte(Key(series.key, field))
	from := 0
	for i, f := range devopsFiles {
		until := run.Len()
		if i < len(devopsFiles)-1 {
			until = min(until, max(from, run.Len()*f.until/1000-series.host%2))
		}
		if err := files[i].Write(key, run.Slice(from, until)); err != nil {
			return err
		}
		from = until
	}
	return nil
}

// series gives all series in the order of their composite keys.
func (d Devops) series() []devopsSeries {
	var all []devopsSeries
	for host := range d.Hosts {
		source := rand.New(rand.NewPCG(d.Seed, uint64(host)))
		common := devopsHost(host, source)
		memory := pick(source.IntN, devopsMemories)
		for i := range devopsMeasurements {
			m := &devopsMeasurements[i]
			tags := common
			for _, extra := range m.tags {
				tags = append(slices.Clip(tags), extra(source))
			}
			slices.Sort(tags)
			all = append(all, devopsSeries{m.name + "," + strings.Join(tags, ","), host, memory, m})
		}
	}
	slices.SortFunc(all, func(a, b devopsSeries) int { return strings.Compare(a.key, b.key) })
	return all
}

func devopsFields() []MeasurementFields {
	var all []MeasurementFields
	for _, m := range devopsMeasurements {
		fields := MeasurementFields{Name: m.name}
		for _, f := range m.fields {
			fields.Fields = append(fields.Fields, Field{f.Name, f.kind()})
		}
		all = append(all, fields)
	}
	return all
}

// devopsHost makes the tags that all series of a host have.
func devopsHost(host int, source *rand.Rand) []string {
	region := pick(source.IntN, devopsRegions)
	zones := region[1]
	zone := source.IntN(len(zones))
	return []string{
		"arch=" + pick(source.IntN, []string{"x64", "x86"}),
		"datacenter=" + region[0] + zones[zone:zone+1],
		fmt.Sprintf("hostname=host_%d", host),
		"os=" + pick(source.IntN, []string{"Ubuntu16.10", "Ubuntu16.04LTS", "Ubuntu15.10"}),
		fmt.Sprintf("rack=%d", source.IntN(100)),
		"region=" + region[0],
		fmt.Sprintf("service=%d", source.IntN(20)),
		"service_environment=" + pick(source.IntN, []string{"production", "staging", "test"}),
		fmt.Sprintf("service_version=%d", source.IntN(2)),
		"team=" + pick(source.IntN, []string{"SF", "NYC", "LON", "CHI"}),
	}
}

// devopsRegions are regions with the letters of their datacenters.
var devopsRegions = [][2]string{
	{"us-east-1", "abce"},
	{"us-west-1", "ab"},
	{"us-west-2", "abc"},
	{"eu-west-1", "abc"},
	{"eu-central-1", "ab"},
	{"ap-southeast-1", "ab"},
	{"ap-southeast-2", "ab"},
	{"ap-northeast-1", "ac"},
	{"sa-east-1", "abc"},
}
