// SPDX-License-Identifier: Apache-2.0

package browsertest

import (
	"bytes"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A page that does wrong is found out, and one that does not is not.
func TestProblems(t *testing.T) {
	Require(t)
	b, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	const policy = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'">`
	tests := map[string]struct {
		html string
		want string // "": no problem
	}{
		"good":       {`<p>text</p><script>console.log('fine'); document.body.append(matchMedia('(prefers-color-scheme: dark)').matches)</script>`, ""},
		"exception":  {`<script>throw new Error('it broke')</script>`, "it broke"},
		"console":    {`<script>console.error('it told', 7)</script>`, "it told 7"},
		"image":      {`<img src="https://example.com/a.png">`, "request: https://example.com/a.png"},
		"file":       {`<img src="file:///etc/hostname">`, "request: file:///etc/hostname"},
		"fetch":      {`<script>fetch('http://192.0.2.1/').catch(() => {})</script>`, "request: http://192.0.2.1/"},
		"style":      {`<link rel="stylesheet" href="//example.com/a.css">`, "request: file://example.com/a.css"},
		"its policy": {policy + `<script>document.title = 'x'</script>`, "Content Security Policy"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "page.html")
			if err := os.WriteFile(file, []byte("<!DOCTYPE html><title>t</title><body>"+tt.html), 0o600); err != nil {
				t.Fatal(err)
			}
			p, err := b.Open(file, View{Width: 300, Height: 200, Dark: true})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			if err := p.Settle(); err != nil {
				t.Fatal(err)
			}
			got := strings.Join(p.Problems(), "\n")
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("problems %q, want %q", got, tt.want)
			}
			if name == "good" {
				look(t, p)
			}
		})
	}
}

func look(t *testing.T, p *Page) {
	t.Helper()
	text, err := Eval[string](p, `document.body.innerText`)
	if err != nil || !strings.Contains(text, "true") {
		t.Errorf("the page is not dark: %q, %v", text, err)
	}
	shot, err := p.Screenshot(false)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	if got := img.Bounds().Size(); got.X != 300 || got.Y != 200 {
		t.Errorf("the screenshot is %v", got)
	}
}

// fakeTB is a test under test: it keeps how it was skipped or failed.
type fakeTB struct {
	*testing.T
	skipped, failed string
}

func (f *fakeTB) Skipf(format string, args ...any) {
	f.skipped = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (f *fakeTB) Fatalf(format string, args ...any) {
	f.failed = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestRequire(t *testing.T) {
	for ci, fails := range map[string]bool{"": false, "false": false, "true": true} {
		t.Run("CI="+ci, func(t *testing.T) {
			t.Setenv("SHARDLIFT_CHROMIUM", "/nonexistent/chromium")
			t.Setenv("CI", ci)
			tb := &fakeTB{T: t}
			done := make(chan struct{})
			go func() {
				defer close(done)
				Require(tb)
			}()
			<-done
			said, silent := tb.skipped, tb.failed
			if fails {
				said, silent = silent, said
			}
			if !strings.Contains(said, "apt-get install chromium") || silent != "" {
				t.Errorf("skipped with %q, failed with %q", tb.skipped, tb.failed)
			}
		})
	}
}
