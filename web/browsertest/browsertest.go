// Package browsertest drives a real browser for tests.
package browsertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Browser is one tab of a real browser, with what went wrong in it.
type Browser struct {
	ctx        context.Context
	clock      page.ScriptIdentifier // of the script that stops the time; empty: it runs
	scriptless bool
	mu         sync.Mutex
	said       []string // errors in the console, exceptions, broken content policies
}

// Open starts a browser, with more options than those of all tests if any are given. Without one installed the test is
// skipped, or fails if CHECKOUT_REQUIRE names "browser".
func Open(t *testing.T, more ...chromedp.ExecAllocatorOption) *Browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		if strings.Contains(os.Getenv("CHECKOUT_REQUIRE"), "browser") {
			t.Fatal("no chromium found, and CHECKOUT_REQUIRE asks for a browser")
		}
		t.Skip("no chromium found: install it to test the script and the pages in a browser")
	}
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	options := append([]chromedp.ExecAllocatorOption{chromedp.ExecPath(path)}, more...)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses to run as root with one
	}
	ctx, cancel := chromedp.NewContext(context.Background(), chromedp.WithAllocatorOptions(options...))
	t.Cleanup(cancel)
	b := &Browser{ctx: ctx}
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, log.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	err := chromedp.Listen(ctx, func(ev any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch ev := ev.(type) {
		case *log.EventEntryAdded:
			b.said = append(b.said, fmt.Sprint(ev.Entry.Level, ": ", ev.Entry.Text, " ", ev.Entry.URL))
		case *runtime.EventExceptionThrown:
			b.said = append(b.said, ev.ExceptionDetails.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Do runs steps.
func (b *Browser) Do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// JS evaluates an expression, a promise's value included.
func JS[T any](t *testing.T, b *Browser, expression string) T {
	t.Helper()
	v, err := evaluate[T](b, expression)
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

func evaluate[T any](b *Browser, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// Becomes waits until an expression is true; while a page makes way for another it is not.
func (b *Browser) Becomes(t *testing.T, within time.Duration, expression string) {
	t.Helper()
	for end := time.Now().Add(within); ; time.Sleep(50 * time.Millisecond) {
		yes, err := evaluate[bool](b, expression)
		if err == nil && yes {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s (%v); the page says %s", within, expression, err, JS[string](t, b, `document.title + " | " + document.querySelector("main")?.innerText`))
		}
	}
}

// Before runs a script in every new document before its own.
func (b *Browser) Before(t *testing.T, source string) {
	t.Helper()
	if _, err := chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: source}); err != nil {
		t.Fatal(err)
	}
}

// Quiet wants nothing wrong in the console: no error, no exception, no broken content policy.
func (b *Browser) Quiet(t *testing.T) {
	t.Helper()
	if said := b.Heard(); len(said) > 0 {
		t.Errorf("the console says %q", said)
	}
}

// Heard is what went wrong in the console since it was asked last.
func (b *Browser) Heard() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	said := b.said
	b.said = nil
	return said
}

// Forget drops what the console said.
func (b *Browser) Forget() { b.Heard() }

// Context is the tab's, for calls of chromedp itself.
func (b *Browser) Context() context.Context { return b.ctx }
