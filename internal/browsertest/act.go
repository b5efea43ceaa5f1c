// SPDX-License-Identifier: Apache-2.0

package browsertest

import (
	"context"
	"fmt"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// Eval evaluates a JavaScript expression on the page and gives what JSON can carry of it. A
// promise is waited for.
func Eval[T any](p *Page, expression string) (T, error) {
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		return v, fmt.Errorf("evaluate %q: %w", expression, err)
	}
	return v, nil
}

// Settle waits until what was asked of the page is painted.
func (p *Page) Settle() error {
	_, err := Eval[bool](p, `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))`)
	return err
}

// Hover moves the mouse to a place in the window.
func (p *Page) Hover(x, y float64) error {
	return p.mouse(input.DispatchMouseEventTypeMouseMoved, x, y, 0)
}

// Wheel turns the mouse wheel at a place in the window; up is less than zero.
func (p *Page) Wheel(x, y, delta float64) error {
	return p.mouse(input.DispatchMouseEventTypeMouseWheel, x, y, delta)
}

// Click clicks at a place in the window.
func (p *Page) Click(x, y float64) error {
	if err := p.do(chromedp.MouseClickXY(x, y)); err != nil {
		return fmt.Errorf("click: %w", err)
	}
	return p.Settle()
}

// Press presses the button that a CSS selector finds, as a click of the mouse.
func (p *Page) Press(selector string) error {
	if err := p.do(chromedp.Click(chromedp.CSS(selector))); err != nil {
		return fmt.Errorf("press %s: %w", selector, err)
	}
	return p.Settle()
}

// Type types into what a CSS selector finds.
func (p *Page) Type(selector, text string) error {
	if err := p.do(chromedp.SendKeys(chromedp.CSS(selector), text)); err != nil {
		return fmt.Errorf("type into %s: %w", selector, err)
	}
	return p.Settle()
}

// patience is how long a browser may take to start, and a page may lack what is to be pressed.
const patience = 5 * time.Minute

func (p *Page) do(action chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	return chromedp.Do(ctx, action)
}

// Screenshot gives the window as PNG, or, with full, all of the page.
func (p *Page) Screenshot(full bool) ([]byte, error) {
	action := chromedp.CaptureScreenshot()
	if full {
		action = chromedp.FullScreenshot(100)
	}
	png, err := chromedp.Run(p.ctx, action)
	if err != nil {
		return nil, fmt.Errorf("take screenshot: %w", err)
	}
	return png, nil
}

func (p *Page) mouse(kind input.DispatchMouseEventType, x, y, delta float64) error {
	// A map, for the parameters of cdproto leave out a delta of zero, which a wheel must have.
	event := map[string]any{"type": kind, "x": x, "y": y}
	if kind == input.DispatchMouseEventTypeMouseWheel {
		event["deltaX"], event["deltaY"] = 0, delta
	}
	err := chromedp.Do(p.ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		return t.Call(ctx, input.CommandDispatchMouseEvent, event, nil)
	}))
	if err != nil {
		return fmt.Errorf("move mouse: %w", err)
	}
	return p.Settle()
}
