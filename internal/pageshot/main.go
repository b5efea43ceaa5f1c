// SPDX-License-Identifier: Apache-2.0

// Pageshot takes pictures of the page that `shardlift inspect --html` writes:
//
//	pageshot -html FILE -out FILE.png [-dark] [-width 1280] [-height 1000] [-full] [-script JS]
//
// Without -html the page is one of a made-up volume of three years of daily shards, or of
// another -sample. It fails where the page has an error or asks for something from outside.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/shardlift/shardlift/inspector"
	"github.com/shardlift/shardlift/inspector/page"
	"github.com/shardlift/shardlift/internal/browsertest"
	"github.com/shardlift/shardlift/internal/pageshot/sample"
)

type config struct {
	html, out, sample string
	view              browsertest.View
	full              bool
	script            string
}

func main() {
	var c config
	flag.StringVar(&c.html, "html", "", "the page, a `FILE`; a made-up one where it is left out")
	flag.StringVar(&c.sample, "sample", "years", "which made-up one: `years, ends, hostile or wide`")
	flag.StringVar(&c.out, "out", "", "the picture, a `FILE`")
	flag.BoolVar(&c.view.Dark, "dark", false, "prefer dark colours")
	flag.BoolVar(&c.view.Print, "print", false, "as on paper")
	flag.Int64Var(&c.view.Width, "width", 1280, "`pixels`")
	flag.Int64Var(&c.view.Height, "height", 1000, "`pixels`")
	flag.Float64Var(&c.view.Scale, "scale", 1, "pixels of the picture for one of the page")
	flag.BoolVar(&c.full, "full", false, "all of the page, however long")
	flag.StringVar(&c.script, "script", "", "`JavaScript` to run on the page before")
	flag.Parse()
	if err := c.run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "pageshot:", err)
		os.Exit(1)
	}
}

func (c *config) run(ctx context.Context) (err error) {
	if c.out == "" {
		return errors.New("-out says where the picture goes, and is missing")
	}
	file := c.html
	if file == "" {
		dir, err := os.MkdirTemp("", "pageshot")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		file = filepath.Join(dir, "inspect.html")
		if err := writeSample(file, c.sample); err != nil {
			return err
		}
	}
	shot, err := c.shoot(ctx, file)
	if err != nil {
		return err
	}
	small, err := repack(shot)
	if err != nil {
		return err
	}
	return os.WriteFile(c.out, small, 0o644)
}

func writeSample(file, name string) error {
	reports := map[string]func() *inspector.Report{
		"years": sample.Years, "ends": sample.Ends, "hostile": sample.Hostile,
		"wide": func() *inspector.Report { return sample.Wide(40, 365) },
	}
	report, ok := reports[name]
	if !ok {
		return fmt.Errorf("there is no sample %q", name)
	}
	var b bytes.Buffer
	if err := page.Write(&b, report(), page.Options{Generated: "2026-03-01 13:52 UTC"}); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o600)
}

func (c *config) shoot(ctx context.Context, file string) ([]byte, error) {
	browser, err := browsertest.Start(ctx)
	if err != nil {
		return nil, err
	}
	defer browser.Close()
	p, err := browser.Open(file, c.view)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	if c.script != "" {
		if _, err := browsertest.Eval[bool](p, c.script+"; true"); err != nil {
			return nil, err
		}
	}
	if err := p.Settle(); err != nil {
		return nil, err
	}
	if list := p.Problems(); len(list) > 0 {
		return nil, fmt.Errorf("the page has problems:\n%s", strings.Join(list, "\n"))
	}
	return p.Screenshot(c.full)
}

// repack compresses a PNG as far as it goes, which browsers do not.
func repack(shot []byte) ([]byte, error) {
	img, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		return nil, fmt.Errorf("read screenshot: %w", err)
	}
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(io.Writer(&b), img); err != nil {
		return nil, fmt.Errorf("write picture: %w", err)
	}
	if b.Len() >= len(shot) {
		return shot, nil
	}
	return b.Bytes(), nil
}
