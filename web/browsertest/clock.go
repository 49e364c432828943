package browsertest

import (
	_ "embed"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

//go:embed clock.js
var clockScript string

// Clock is time that passes only when a test says so, for a page and for the server behind it: an hour of polling takes
// a moment, and no test waits.
type Clock struct {
	b     *Browser
	start time.Time
	skew  time.Duration // of the clock of the reader's machine

	mu     sync.Mutex
	passed time.Duration
}

// Clock stops the time of the pages this browser opens from now on. The reader's clock is wrong by skew.
func (b *Browser) Clock(start time.Time, skew time.Duration) *Clock {
	return &Clock{b: b, start: start, skew: skew}
}

// Now is the server's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.start.Add(c.passed)
}

// Open loads a page at this time.
func (c *Clock) Open(t *testing.T, url string) {
	t.Helper()
	c.set(t)
	c.b.Do(t, chromedp.Navigate("about:blank"), chromedp.Navigate(url))
	if !c.b.scriptless {
		c.Pass(t, 0) // what a page does at once
	}
}

// set makes the documents that come start with the time that is. A browser has one clock.
func (c *Clock) set(t *testing.T) {
	t.Helper()
	if c.b.clock != "" {
		if _, err := chromedp.Call(c.b.ctx, page.RemoveScriptToEvaluateOnNewDocument, page.RemoveScriptToEvaluateOnNewDocumentParams{Identifier: c.b.clock}); err != nil {
			t.Fatal(err)
		}
	}
	source := fmt.Sprintf("%s(%d, %d, %d)", clockScript, c.start.UnixMilli(), c.Now().Sub(c.start).Milliseconds(), c.skew.Milliseconds())
	added, err := chromedp.Call(c.b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: source})
	if err != nil {
		t.Fatal(err)
	}
	c.b.clock = added.Identifier
}

// Pass lets time pass. What is due on the way happens, and what it asks the server is answered, one after the other.
func (c *Clock) Pass(t *testing.T, d time.Duration) { t.Helper(); c.pass(t, d, true) }

// PassUnanswered is Pass with a server that keeps its answers back.
func (c *Clock) PassUnanswered(t *testing.T, d time.Duration) { t.Helper(); c.pass(t, d, false) }

func (c *Clock) pass(t *testing.T, d time.Duration, answered bool) {
	t.Helper()
	end := c.Now().Add(d)
	JS[bool](t, c.b, fmt.Sprintf("__pass(%d, %v)", d.Milliseconds(), answered))
	c.reach(end.Sub(c.start))
}

// Sleep lets time pass in which the reader's machine does nothing.
func (c *Clock) Sleep(t *testing.T, d time.Duration) {
	t.Helper()
	JS[bool](t, c.b, fmt.Sprintf("__sleep(%d)", d.Milliseconds()))
	c.reach(c.Now().Add(d).Sub(c.start))
}

func (c *Clock) reach(passed time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passed = max(c.passed, passed)
}

// Serve puts a server under the clock: a page's requests say what time it is, and so do the answers.
func (c *Clock) Serve(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ms, err := strconv.ParseInt(r.Header.Get("Test-Clock"), 10, 64); err == nil {
			c.reach(time.Duration(ms) * time.Millisecond)
		}
		h.ServeHTTP(&dated{ResponseWriter: w, now: c.Now}, r)
	})
}

// dated writes the clock's time into the header of every answer.
type dated struct {
	http.ResponseWriter
	now func() time.Time
}

func (w *dated) WriteHeader(status int) {
	w.Header().Set("Date", w.now().UTC().Format(http.TimeFormat))
	w.ResponseWriter.WriteHeader(status)
}
