// SPDX-License-Identifier: Apache-2.0

// Bench measures whole runs of shardlift: wall time, processor time and peak memory, next
// to a reference in the same run.
//
//	bench -bin bin/shardlift -dir bench-volume [-volume DIR] [-runs 5] [-quick] [-only export|import|inspect|verify|against]
//
// The reference of export is pgzip at level 1, four blocks of 1 MiB in flight, over the
// very text that the export writes, from memory: what compressing alone costs. That of
// import into a server that discards is `zcat FILE | wc -l`; that of import and replay into
// a real influxd is a bare loop that posts the very requests that an import makes, from
// memory, over as many connections.
//
// It is its own discarding server and its own bare loop:
//
//	bench -discard [-record FILE]                    prints its URL, serves until its input ends
//	bench -bare FILE -url URL -connections N         posts what was recorded, prints seconds
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"
)

type config struct {
	bin    string
	dir    string
	volume string
	runs   int
	quick  bool
	only   string
}

func main() {
	var c config
	flag.StringVar(&c.bin, "bin", "bin/shardlift", "the `binary` to measure")
	flag.StringVar(&c.dir, "dir", "bench-volume", "`directory` for the volumes that are made, kept for the next time")
	flag.StringVar(&c.volume, "volume", os.Getenv("BENCH_VOLUME"), "measure the volume in `DIR` only")
	flag.IntVar(&c.runs, "runs", 5, "`runs` of each; the median counts")
	flag.BoolVar(&c.quick, "quick", false, "the main workload only")
	flag.StringVar(&c.only, "only", "", "measure only `export, import, inspect, verify or against`")
	discarding := flag.Bool("discard", false, "internal: be a server that discards")
	record := flag.String("record", "", "internal: where it records, `FILE`")
	bareRecord := flag.String("bare", "", "internal: post the requests recorded in `FILE` and print the seconds")
	url := flag.String("url", "", "internal: where to")
	connections := flag.Int("connections", 4, "internal: over how many connections")
	reference := flag.String("reference", "", "internal: compress `FILE` from memory and print the seconds")
	flag.Parse()
	err := error(nil)
	switch {
	case *reference != "":
		err = compressFile(*reference)
	case *discarding:
		err = discard(*record)
	case *bareRecord != "":
		err = bare(*bareRecord, *url, *connections)
	default:
		err = c.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (c *config) run() error {
	if _, err := os.Stat(c.bin); err != nil {
		return fmt.Errorf("%w; run make build first", err)
	}
	fmt.Printf("%s, %d processors, %s; median of %d runs\n\n", cpuModel(), runtime.NumCPU(), runtime.Version(), c.runs)
	if c.volume != "" {
		return c.both("the given volume", c.volume)
	}
	devops, err := c.generate("devops-1", "devops", "-hosts", "100", "-hours", "6")
	if err != nil {
		return err
	}
	if err := c.both("devops: 100 hosts, 6 h at 10 s", devops); err != nil || c.quick || c.only == "import" || c.only == "verify" || c.only == "against" {
		return err
	}
	if c.only == "inspect" {
		return c.manyShards()
	}
	if err := c.growth(); err != nil {
		return err
	}
	if err := c.manyColumns(); err != nil || c.only == "export" {
		return err
	}
	return c.manyShards()
}

// both measures one volume out and in, checks of it and what is told of it.
func (c *config) both(title, volume string) error {
	for _, part := range []struct {
		name    string
		measure func(title, volume string) error
	}{{"export", c.workload}, {"verify", c.verify}, {"inspect", c.inspect}, {"import", c.imports}, {"against", c.against}} {
		if c.only != "" && c.only != part.name {
			continue
		}
		if err := part.measure(title, volume); err != nil {
			return err
		}
	}
	return nil
}

// workload prints the figures of one volume next to the reference.
func (c *config) workload(title, volume string) error {
	text := filepath.Join(os.TempDir(), fmt.Sprintf("shardlift-bench-%d.lp", os.Getpid()))
	defer os.Remove(text) //nolint:errcheck // scratch
	if _, err := c.export(volume, "--out", text); err != nil {
		return err
	}
	size, err := fileSize(text)
	if err != nil {
		return err
	}
	t := newTable(title)
	var refs []float64
	var gz, plain []sample
	// In turn, so that a machine whose speed drifts drifts for both.
	for range c.runs {
		ref, err := c.reference(text)
		if err != nil {
			return err
		}
		refs = append(refs, ref)
		s, err := c.export(volume, "--compress", "--out", os.DevNull)
		if err != nil {
			return err
		}
		gz = append(gz, s)
		if s, err = c.export(volume, "--out", os.DevNull); err != nil {
			return err
		}
		plain = append(plain, s)
	}
	ref := median(refs)
	t.reference(ref, size)
	t.row("export --compress", gz, ref)
	t.row("export", plain, ref)
	for _, more := range []struct {
		name string
		args []string
	}{
		{"export --compress=zstd", []string{"--compress=zstd"}},
		{"export --compress --workers 1", []string{"--compress", "--workers", "1"}},
		{"export --one-field-per-line", []string{"--one-field-per-line"}},
	} {
		ss, err := c.several(volume, append(more.args, "--out", os.DevNull)...)
		if err != nil {
			return err
		}
		t.row(more.name, ss, ref)
	}
	if err := t.flush(); err != nil {
		return err
	}
	return c.fileSizes(volume)
}

// fileSizes prints how large the compressed exports are.
func (c *config) fileSizes(volume string) error {
	for _, form := range []string{"gzip", "zstd"} {
		name := filepath.Join(os.TempDir(), fmt.Sprintf("shardlift-bench-%d.%s", os.Getpid(), form))
		_, err := c.export(volume, "--compress="+form, "--out", name)
		size, serr := fileSize(name)
		if err := errors.Join(err, serr, os.Remove(name)); err != nil {
			return err
		}
		fmt.Printf("%s file: %.1f MB\n", form, float64(size)/1e6)
	}
	fmt.Println()
	return nil
}

// growth shows that time grows with the size, and memory does not.
func (c *config) growth() error {
	t := newTable("growth: the same shard 1, 4 and 16 times, gzip")
	for _, n := range []string{"1", "4", "10", "16"} {
		dir, err := c.generate("devops-"+n, "devops", "-hosts", "100", "-hours", "6", "-shards", n)
		if err != nil {
			return err
		}
		ss, err := c.several(dir, "--compress", "--out", os.DevNull)
		if err != nil {
			return err
		}
		t.row(n+" shards", ss, 0)
	}
	return t.flush()
}

func (c *config) manyColumns() error {
	t := newTable("many columns: series of two fields, ten points in seven overlapping files, gzip")
	for _, series := range []string{"50000", "200000", "400000", "800000"} {
		dir, err := c.generate("many-"+series, "many", "-series", series)
		if err != nil {
			return err
		}
		ss, err := c.several(dir, "--compress", "--out", os.DevNull)
		if err != nil {
			return err
		}
		s := medianSample(ss)
		n := 0.0
		if _, err := fmt.Sscan(series, &n); err != nil {
			return err
		}
		t.rowWith(series+" series", ss, fmt.Sprintf("%.0f columns/s", 2*n/s.wall))
	}
	return t.flush()
}

type table struct {
	w *tabwriter.Writer
}

func newTable(title string) *table {
	return newTableOf(title, "", "wall s", "cpu s", "peak MiB", "points/s", "text MB/s", "of reference")
}

func newTableOf(title string, columns ...string) *table {
	fmt.Println(title)
	t := &table{tabwriter.NewWriter(os.Stdout, 2, 0, 2, ' ', tabwriter.AlignRight)}
	t.cells(columns...)
	return t
}

func (t *table) cells(cells ...string) { _, _ = fmt.Fprintln(t.w, strings.Join(cells, "\t")+"\t") } // flush has the error

func (t *table) reference(wall float64, size int64) {
	t.cells("pgzip level 1 alone", fmt.Sprintf("%.2f", wall), "", "", "", fmt.Sprintf("%.0f", float64(size)/1e6/wall), "1.00")
}

func (t *table) row(name string, ss []sample, ref float64) {
	last := ""
	if ref > 0 {
		last = fmt.Sprintf("%.2f", medianSample(ss).wall/ref)
	}
	t.rowWith(name, ss, last)
}

func (t *table) rowWith(name string, ss []sample, last string) {
	s := medianSample(ss)
	peak := int64(0)
	for _, x := range ss {
		peak = max(peak, x.peak)
	}
	t.cells(name, fmt.Sprintf("%.2f", s.wall), fmt.Sprintf("%.2f", s.cpu), fmt.Sprintf("%.0f", float64(peak)/(1<<20)),
		fmt.Sprintf("%.0f", float64(s.points)/s.wall), fmt.Sprintf("%.0f", float64(s.bytes)/1e6/s.wall), last)
}

func (t *table) flush() error {
	err := t.w.Flush()
	fmt.Println()
	return err
}
