// SPDX-License-Identifier: Apache-2.0

package browsertest

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Browser is a running headless Chromium.
type Browser struct {
	ctx   context.Context // chromedp keeps the browser in it
	close func()
}

// Start starts a browser that resolves no host name. Close ends it, and so does ctx.
func Start(ctx context.Context) (*Browser, error) {
	path, err := Find()
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // root, as in a container, has none
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("no-pings", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND"),
		chromedp.WSURLReadTimeout(patience), // a busy machine starts it slowly
	)
	allocator, cancelAllocator := chromedp.NewExecAllocator(ctx, options...)
	browser, cancelBrowser := chromedp.NewContext(allocator)
	b := &Browser{ctx: browser, close: func() {
		cancelBrowser()
		cancelAllocator()
	}}
	if err := chromedp.Do(browser); err != nil {
		b.close()
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return b, nil
}

// Close ends the browser and waits for its end.
func (b *Browser) Close() { b.close() }

// View is how a page is looked at.
type View struct {
	Width, Height int64
	Dark          bool
	Print         bool    // as on paper
	Scale         float64 // pixels of the device for one of the page; 0: 1
}

// Page is a page in a tab of its own.
type Page struct {
	ctx   context.Context // chromedp keeps the tab in it
	close func()

	mu       sync.Mutex
	problems []string
}

// Open shows an HTML file and waits until it is loaded.
func (b *Browser) Open(file string, v View) (*Page, error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return nil, fmt.Errorf("open page: %w", err)
	}
	ctx, cancel := chromedp.NewContext(b.ctx)
	p := &Page{ctx: ctx, close: cancel}
	if err := p.open((&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String(), v); err != nil {
		p.close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return p, nil
}

func (p *Page) open(address string, v View) error {
	if err := chromedp.Listen(p.ctx, p.listen); err != nil {
		return err
	}
	if _, err := chromedp.Call(p.ctx, log.Enable, cdp.Empty{}); err != nil {
		return err
	}
	if _, err := chromedp.Call(p.ctx, network.Enable, network.EnableParams{}); err != nil {
		return err
	}
	scheme := "light"
	if v.Dark {
		scheme = "dark"
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme},
		{Name: "prefers-reduced-motion", Value: "reduce"}, // a page that still scrolls moves away from under a click
	}}
	if v.Print {
		media.Media = "print"
	}
	if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, media); err != nil {
		return err
	}
	return chromedp.Do(p.ctx,
		chromedp.EmulateViewport(v.Width, v.Height, chromedp.EmulateScale(max(v.Scale, 1))),
		chromedp.Navigate(address),
	)
}

// Resize gives the window another size.
func (p *Page) Resize(width, height int64) error {
	if err := chromedp.Do(p.ctx, chromedp.EmulateViewport(width, height)); err != nil {
		return fmt.Errorf("resize window: %w", err)
	}
	return p.Settle()
}

// Close closes the tab.
func (p *Page) Close() { p.close() }

// Problems lists what went wrong since the page was opened.
func (p *Page) Problems() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.problems...)
}

func (p *Page) listen(event any) {
	problem := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		problem = "exception: " + thrown(e.ExceptionDetails)
	case *runtime.EventConsoleAPICalled:
		switch e.Type {
		case runtime.ConsoleAPICalledTypeError, runtime.ConsoleAPICalledTypeWarning, runtime.ConsoleAPICalledTypeAssert:
			problem = "console: " + said(e.Args)
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			problem = "browser: " + e.Entry.Text
		}
	case *page.EventJavascriptDialogOpening:
		problem = "dialog: " + e.Message
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, "file:") || e.Type != network.ResourceTypeDocument {
			problem = "request: " + e.Request.URL
		}
	}
	if problem == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problems = append(p.problems, problem)
}

func thrown(d *runtime.ExceptionDetails) string {
	if d.Exception != nil {
		return d.Text + " " + said([]*runtime.RemoteObject{d.Exception})
	}
	return d.Text
}

func said(args []*runtime.RemoteObject) string {
	var words []string
	for _, a := range args {
		if a.Description != "" {
			words = append(words, a.Description)
		} else {
			words = append(words, strings.Trim(string(a.Value), `"`))
		}
	}
	return strings.Join(words, " ")
}
