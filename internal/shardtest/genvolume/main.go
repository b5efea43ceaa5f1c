// SPDX-License-Identifier: Apache-2.0

// Genvolume writes volumes for benchmarks:
//
//	genvolume devops -hosts 100 -hours 6 DIR
//	genvolume many -series 200000 DIR
//	genvolume shards -shards 1000 -series 1000 -fields 10 [-distinct] DIR
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/shardlift/shardlift/internal/shardtest"
)

const usage = "usage: genvolume devops|many|shards [flags] DIR"

func main() {
	if err := run(os.Args[1:]); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(2)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	flags := flag.NewFlagSet("genvolume "+args[0], flag.ContinueOnError)
	shards := flags.Int("shards", 1, "how many such `shards`, of different days")
	seed := flags.Uint64("seed", 123, "the same `seed` gives the same bytes")
	var write func(dir string) (shardtest.Totals, error)
	switch args[0] {
	case "devops":
		hosts := flags.Int("hosts", 100, "how many `hosts`, nine series each")
		hours := flags.Float64("hours", 6, "how many `hours` in a shard")
		step := flags.Duration("step", 10*time.Second, "`time` between points")
		write = func(dir string) (shardtest.Totals, error) {
			return shardtest.Devops{
				Hosts: *hosts, Duration: time.Duration(*hours * float64(time.Hour)), Step: *step, Shards: *shards, Seed: *seed,
			}.Write(dir)
		}
	case "many":
		series := flags.Int("series", 200_000, "how many `series`")
		fields := flags.Int("fields", 2, "how many `fields` in a series")
		files := flags.Int("files", 7, "over how many TSM `files` the points are spread")
		points := flags.Int("points", 10, "how many `points` in a series")
		write = func(dir string) (shardtest.Totals, error) {
			return shardtest.ManyColumns{
				Series: *series, Fields: *fields, Files: *files, Points: *points, Shards: *shards, Seed: *seed,
			}.Write(dir)
		}
	case "shards":
		series := flags.Int("series", 1000, "how many `series` in a shard")
		fields := flags.Int("fields", 2, "how many `fields` in a series")
		points := flags.Int("points", 3, "how many `points` in a series of a shard")
		measurements := flags.Int("measurements", 1, "of how many `measurements` the series are")
		holes := flags.Int("holes", 0, "how many `days`, evenly spread, have no shard; fewer than shards")
		distinct := flags.Bool("distinct", false, "no shard has a series of another one")
		write = func(dir string) (shardtest.Totals, error) {
			return shardtest.DailyShards{
				Shards: *shards, Series: *series, Fields: *fields, Points: *points, Measurements: *measurements,
				Holes: *holes, Distinct: *distinct, Seed: *seed,
			}.Write(dir)
		}
	default:
		return errors.New(usage)
	}
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New(usage)
	}
	t, err := write(flags.Arg(0))
	if err != nil {
		return err
	}
	fmt.Printf("%d shards, %d series, %d columns, %d points, %d values, %d bytes of TSM\n",
		t.Shards, t.Series, t.Columns, t.Points, t.Values, t.Bytes)
	return nil
}
