// SPDX-License-Identifier: Apache-2.0

package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"
)

// echarts.min.js is the script of the npm package, unchanged, so that whoever doubts it can
// compare; a build of only the charts that are used would be half of it, and nobody's but
// ours. It lies compressed in the program, which saves 750 kB. scripts/update-echarts.sh
// brings another version.
//
//go:embed echarts assets
var files embed.FS

// scripts are the parts of the page's own script, in order. They share one scope.
var scripts = []string{"format", "data", "states", "layout", "timeline", "timelineview", "charts", "table", "tables", "main"}

// assets are the parts of a page that are the same in all pages.
type assets struct {
	style    template.CSS
	theme    template.JS // runs before anything is painted
	library  template.JS
	script   template.JS
	policy   string
	licences licences
}

// licences are those of ECharts, which every page hands on with its script.
type licences struct {
	Version string
	Texts   []string
}

var loadAssets = sync.OnceValues(readAssets)

func readAssets() (*assets, error) {
	library, err := readLibrary()
	if err != nil {
		return nil, fmt.Errorf("unpack the script of the charts: %w", err)
	}
	own, err := readScript()
	if err != nil {
		return nil, err
	}
	style, err := files.ReadFile("assets/page.css")
	if err != nil {
		return nil, fmt.Errorf("read the page's style: %w", err)
	}
	theme, err := files.ReadFile("assets/theme.js")
	if err != nil {
		return nil, fmt.Errorf("read the page's script: %w", err)
	}
	l, err := readLicences()
	if err != nil {
		return nil, err
	}
	policy := "default-src 'none'; base-uri 'none'; form-action 'none'; style-src " + hash(style) +
		"; script-src " + hash(theme) + " " + hash(library) + " " + hash(own)
	return &assets{
		style: template.CSS(style), theme: template.JS(theme), library: template.JS(library), script: template.JS(own),
		policy: policy, licences: l,
	}, nil
}

// hash names an inline script or style in a Content-Security-Policy.
func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func readLibrary() ([]byte, error) {
	packed, err := files.ReadFile("echarts/echarts.min.js.gz")
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

func readScript() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("(() => {\n'use strict';\n")
	for _, name := range scripts {
		part, err := files.ReadFile("assets/" + name + ".js")
		if err != nil {
			return nil, fmt.Errorf("read the page's script: %w", err)
		}
		b.Write(part)
	}
	b.WriteString("})();\n")
	return b.Bytes(), nil
}

func readLicences() (licences, error) {
	var l licences
	for _, name := range []string{"VERSION", "NOTICE", "LICENSE", "LICENSE-d3", "LICENSE-zrender"} {
		text, err := files.ReadFile("echarts/" + name)
		if err != nil {
			return l, fmt.Errorf("read the licences of the charts: %w", err)
		}
		if name == "VERSION" {
			l.Version, _, _ = strings.Cut(string(text), " ")
			continue
		}
		l.Texts = append(l.Texts, strings.TrimSpace(string(text)))
	}
	return l, nil
}
