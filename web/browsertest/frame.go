package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Frames is an option for tests that look into frames of other origins. The origins stay apart; only their processes
// do not.
func Frames(a *chromedp.ExecAllocator) { chromedp.Flag("disable-site-isolation-trials", true)(a) }

// frame finds the frame whose address contains a text.
func (b *Browser) frame(part string) (cdp.FrameID, error) {
	tree, err := chromedp.Call(b.ctx, page.GetFrameTree, cdp.Empty{})
	if err != nil {
		return "", err
	}
	for _, child := range tree.FrameTree.ChildFrames {
		if strings.Contains(child.Frame.URL, part) {
			return child.Frame.ID, nil
		}
	}
	return "", fmt.Errorf("no frame of %s", part)
}

// InFrame evaluates an expression in the frame whose address contains a text, beside the frame's own scripts.
func InFrame[T any](t *testing.T, b *Browser, part, expression string) T {
	t.Helper()
	v, err := inFrame[T](b, part, expression)
	if err != nil {
		t.Fatalf("in the frame of %s: %s: %v", part, expression, err)
	}
	return v
}

func inFrame[T any](b *Browser, part, expression string) (v T, err error) {
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	id, err := b.frame(part)
	if err != nil {
		return v, err
	}
	world, err := chromedp.Call(ctx, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: id, WorldName: "test"})
	if err != nil {
		return v, err
	}
	yes := true
	got, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: expression, ContextID: world.ExecutionContextID, ReturnByValue: &yes, AwaitPromise: &yes})
	switch {
	case err != nil:
		return v, err
	case got.ExceptionDetails != nil:
		return v, fmt.Errorf("%s %v", got.ExceptionDetails.Text, got.ExceptionDetails.Exception)
	}
	return v, json.Unmarshal(got.Result.Value, &v)
}

// FrameBecomes waits until an expression is true in a frame.
func (b *Browser) FrameBecomes(t *testing.T, within time.Duration, part, expression string) {
	t.Helper()
	for end := time.Now().Add(within); ; time.Sleep(50 * time.Millisecond) {
		yes, err := inFrame[bool](b, part, expression)
		if err == nil && yes {
			return
		}
		if time.Now().After(end) {
			text, _ := inFrame[string](b, part, `[location.href, innerWidth, innerHeight, document.scrollingElement.scrollWidth, document.scrollingElement.scrollHeight, document.body.getBoundingClientRect().height, document.body.innerText].join(" ")`)
			t.Fatalf("not within %v in the frame of %s: %s (%v); it says %s", within, part, expression, err, text)
		}
	}
}

// ClickInFrame presses the mouse on an element of the frame that is the element selector of the page.
func (b *Browser) ClickInFrame(t *testing.T, frame, part, selector string) {
	t.Helper()
	type spot struct{ X, Y float64 }
	InFrame[bool](t, b, part, "document.querySelector(`"+selector+"`).scrollIntoView({ block: 'center' }); true")
	in := InFrame[spot](t, b, part, "(() => { const r = document.querySelector(`"+selector+"`).getBoundingClientRect(); return { X: r.x + r.width / 2, Y: r.y + r.height / 2 } })()")
	of := JS[spot](t, b, "(() => { const r = document.querySelector(`"+frame+"`).getBoundingClientRect(); return { X: r.x, Y: r.y } })()")
	b.Do(t, chromedp.MouseClickXY(of.X+in.X, of.Y+in.Y))
}

// Paste pastes what the clipboard holds where the focus is.
func (b *Browser) Paste(t *testing.T) {
	t.Helper()
	if _, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeRawKeyDown, Commands: []string{"paste"}}); err != nil {
		t.Fatal(err)
	}
}
