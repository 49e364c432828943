package checkout

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"checkout/invoice"
	"checkout/merchant"
	"checkout/web/browsertest"
	"checkout/web/embed"
)

// Who may frame a page is the merchant's list, to the letter, and nobody's when it is empty (acceptance 60).
func TestFrameAncestors(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewWaiting)
	for _, list := range [][]string{nil, {"https://shop.example"}, {"https://shop.example:8443", "http://localhost:3000"}} {
		s.look = merchant.Look{Origins: list}
		w := s.ask("GET", "/i/"+string(inv.ID)+"?embed=1&origin=https://evil.example", "")
		want := "frame-ancestors 'none';"
		if len(list) > 0 {
			want = "frame-ancestors " + strings.Join(list, " ") + ";"
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, want) {
			t.Errorf("%v: %s", list, csp)
		}
		if got := w.Header().Get("X-Frame-Options"); (got == "DENY") != (len(list) == 0) {
			t.Errorf("%v: X-Frame-Options %q", list, got)
		}
		if w := s.ask("GET", "/i/0000000000000000000000000X", ""); !strings.Contains(w.Header().Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%v: a page of nobody may be framed", list)
		}
	}
}

// Messages go to one origin: the one that is asked for if the merchant lists it, else the only one listed, else none.
func TestParentOrigin(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewWaiting)
	for _, c := range []struct {
		list  []string
		query string
		want  string
	}{
		{nil, "origin=https://shop.example", ""},
		{[]string{"https://shop.example"}, "origin=https://shop.example", "https://shop.example"},
		{[]string{"https://shop.example"}, "", "https://shop.example"},
		{[]string{"https://shop.example"}, "origin=https://shop.example.evil", ""},
		{[]string{"https://shop.example"}, "origin=null", "https://shop.example"}, // no origin at all
		{[]string{"https://a.example", "https://b.example"}, "", ""},
		{[]string{"https://a.example", "https://b.example"}, "origin=https://b.example", "https://b.example"},
		{[]string{"https://*.shop.example"}, "origin=https://x.shop.example", "https://x.shop.example"},
		{[]string{"https://*.shop.example"}, "", ""},
		{[]string{"https://shop.example"}, `origin=https://shop.example"%3e%3cscript%3e`, "https://shop.example"},
	} {
		s.look = merchant.Look{Origins: c.list}
		body := s.ask("GET", "/i/"+string(inv.ID)+"?embed=1&channel=0123456789abcdef&"+c.query, "").Body.String()
		if !strings.Contains(body, `data-parent-origin="`+c.want+`" data-channel="0123456789abcdef"`) || strings.Contains(body, "<script>") {
			t.Errorf("%v, %s: want %q in %.900s", c.list, c.query, c.want, body)
		}
	}
	s.look = merchant.Look{Origins: []string{"https://shop.example"}}
	body := s.ask("GET", "/i/"+string(inv.ID)+`?embed=1&channel="onload=alert(1)`, "").Body.String()
	if !strings.Contains(body, `data-channel=""`) {
		t.Error("a channel that is none is passed on")
	}
	if body := s.ask("GET", "/i/"+string(inv.ID)+"?channel=0123456789abcdef", "").Body.String(); strings.Contains(body, "data-parent-origin") {
		t.Error("a page that stands alone talks to parents")
	}
}

// parent serves a shop's page under a name of its own; {pay} stands for the address of the payment pages.
func parentPage(t *testing.T, host, pay, body string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self' 'unsafe-inline' "+pay+"; style-src 'self'; frame-src *; img-src data:")
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		_, _ = fmt.Fprint(w, `<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="data:,"><script>window.got=[];window.told=[];window.forged=0
			addEventListener('message', e => got.push([e.origin, e.data]))
			for (const name of ['pay:status', 'pay:close']) addEventListener(name, e => told.push([name, e.detail]))</script>`+
			strings.ReplaceAll(body, "{pay}", pay)+`<script src="`+pay+embed.Path+`" integrity="`+embed.Integrity()+`" crossorigin="anonymous"></script></html>`)
	}))
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "127.0.0.1", host, 1)
}

// serveEmbed serves the shop's payment pages with the loader beside them.
func (s *shop) serveEmbed(t *testing.T) string {
	t.Helper()
	s.now = time.Time{}
	mux := http.NewServeMux()
	mux.Handle(embed.Path, embed.Handler())
	mux.Handle("/", s.handler())
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func (s *shop) lists(origins ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.look = merchant.Look{Origins: origins}
}

// In a page of another origin: the frame has the height of its content, tells what it may, and nothing else is believed by
// either side (acceptance 61 to 65, 71).
func TestBrowserEmbeddedInline(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	pay := s.serveEmbed(t)
	inv := s.invoiceIn(t, ViewWaiting)
	id := string(inv.ID)
	shopPage := parentPage(t, "localhost", pay, `<div id="here" data-pay-inline="`+id+`"></div>`)
	s.lists(shopPage)
	b.Do(t, chromedp.EmulateViewport(480, 900), chromedp.Navigate(shopPage))
	b.Becomes(t, 6*time.Second, `got.some(([o, m]) => m.type === "pay:resize" || m.type === "pay:ready")`)
	time.Sleep(500 * time.Millisecond)
	if got := browsertest.JS[string](t, b, `JSON.stringify([...new Set(got.map(([o, m]) => o + " " + Object.keys(m).sort()))])`); strings.Count(got, pay) < 3 {
		t.Errorf("messages: %s", got)
	}
	if got := browsertest.JS[string](t, b, `JSON.stringify(got)`); strings.Contains(got, testAddress) || strings.Contains(got, "0.00044") || !strings.Contains(got, `"pay:method","id":"`+id) {
		t.Errorf("messages: %s", got)
	}
	// The frame is as high as its content said, so it needs no scroll bar of its own.
	if !browsertest.JS[bool](t, b, `(() => { const h = got.filter(([o, m]) => m.height).pop()[1].height; return document.querySelector("#here iframe").clientHeight === h && h > 320 })()`) {
		t.Error("the frame is not as high as its content")
	}
	if got := browsertest.JS[string](t, b, `JSON.stringify(told)`); got != `[["pay:status",{"status":"waiting","final":false,"rev":17}]]` {
		t.Errorf("the shop heard %s", got)
	}

	// What others say: a message of this very page, one in a wrong channel, one of another frame, and rubbish.
	browsertest.JS[bool](t, b, `(() => {
		const forged = {v: 1, type: "pay:status", id: "`+id+`", channel: new URL(document.querySelector("#here iframe").src).searchParams.get("channel"), status: "paid", final: true, rev: 99}
		postMessage(forged, "*")
		for (const m of [null, 5, "x", {}, {v: 2}, {v: 1, type: {}}, {v: 1, type: "pay:close"}]) postMessage(m, "*")
		const child = document.querySelector("#here iframe").contentWindow
		for (const m of [null, 5, "x", {v: 1, type: "pay:close_request", id: "`+id+`", channel: "wrong"}, {v: 1, type: "pay:close_request", id: "other", channel: forged.channel}]) child.postMessage(m, "*")
		return true })()`)
	time.Sleep(700 * time.Millisecond)
	if got := browsertest.JS[string](t, b, `JSON.stringify(told)`); strings.Contains(got, "paid") || strings.Contains(got, "close") {
		t.Errorf("a forged message was believed: %s", got)
	}
	browsertest.JS[bool](t, b, `(() => { const f = document.querySelector("#here iframe"); f.contentWindow.postMessage({v: 1, type: "pay:close_request", id: "`+id+`", channel: new URL(f.src).searchParams.get("channel")}, "`+pay+`"); return true })()`)
	b.Becomes(t, 3*time.Second, `told.some(([n, d]) => n === "pay:close" && d.reason === "user")`)

	s.becomeState(t, inv, ViewPaid)
	b.Becomes(t, 8*time.Second, `told.some(([n, d]) => n === "pay:status" && d.status === "paid" && d.final)`)
	time.Sleep(500 * time.Millisecond)
	if got := browsertest.JS[string](t, b, `location.href`); got != shopPage+"/" {
		t.Errorf("the shop's page went to %s by itself", got)
	}
	b.Quiet(t)

	// A page that is not listed gets no frame and hears nothing.
	stranger := parentPage(t, "localhost", pay, `<div id="here" data-pay-inline="`+id+`"></div>`)
	b.Do(t, chromedp.Navigate(stranger))
	time.Sleep(1500 * time.Millisecond)
	if got := browsertest.JS[int](t, b, `got.length`); got != 0 {
		t.Errorf("a stranger got %d messages", got)
	}
}

// The dialog holds the focus, goes with Esc, gives the focus back, and its frame has a name (acceptance 68).
func TestBrowserEmbeddedDialog(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	pay := s.serveEmbed(t)
	inv := s.invoiceIn(t, ViewWaiting)
	shopPage := parentPage(t, "localhost", pay, `<main><button type="button" id="buy" data-pay-invoice="`+string(inv.ID)+`">Pay with crypto</button></main>`)
	s.lists(shopPage)
	b.Do(t, chromedp.EmulateViewport(1000, 800), chromedp.Navigate(shopPage))
	browsertest.JS[bool](t, b, `document.querySelector("#buy").focus(); document.querySelector("#buy").click(); true`)
	b.Becomes(t, 6*time.Second, `!!document.querySelector("dialog[open] iframe") && got.some(([o, m]) => m.type === "pay:ready")`)
	if !browsertest.JS[bool](t, b, `document.querySelector("dialog iframe").title === "Payment" && document.querySelector("dialog").matches(":modal") && document.activeElement.closest("dialog") !== null`) {
		t.Error("the dialog does not hold the focus, or its frame has no name")
	}
	box := browsertest.JS[string](t, b, `(() => { const r = document.querySelector("dialog").getBoundingClientRect(); return [r.width, r.height].join() })()`)
	if box != "480,736" {
		t.Errorf("the dialog is %s", box)
	}
	b.Do(t, chromedp.KeyEvent("\x1b"))
	b.Becomes(t, 3*time.Second, `!document.querySelector("dialog") && document.activeElement.id === "buy" && told.some(([n, d]) => n === "pay:close" && d.reason === "user")`)

	// While the shop still makes the invoice the button says so.
	browsertest.JS[bool](t, b, `window.late = new Promise(r => { window.done = r }); PayEmbed.open(late, { button: document.querySelector("#buy") }); true`)
	if got := browsertest.JS[string](t, b, `document.querySelector("#buy").textContent + document.querySelector("#buy").disabled`); got != "Preparing payment…true" {
		t.Errorf("the button says %q", got)
	}
	browsertest.JS[bool](t, b, `done("`+string(inv.ID)+`"); true`)
	b.Becomes(t, 6*time.Second, `!!document.querySelector("dialog[open]") && document.querySelector("#buy").textContent === "Pay with crypto"`)
	b.Do(t, chromedp.EmulateViewport(400, 700))
	b.Becomes(t, 3*time.Second, `(() => { const r = document.querySelector("dialog").getBoundingClientRect(); return r.width === 400 && r.height === 700 })()`)
	b.Quiet(t)
}

// The page in a frame is bare, leads out of it, and offers the whole page (acceptance 69, 72).
func TestEmbeddedPage(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewPaid)
	s.look = merchant.Look{Origins: []string{"https://shop.example"}}
	at := "/i/" + string(inv.ID) + "?channel=0123456789abcdef&embed=1&origin=https%3A%2F%2Fshop.example"
	body := s.ask("GET", at, "").Body.String()
	for _, want := range []string{`class="page embed"`, `data-testid="return" data-return target="_top"`, `href="/i/` + string(inv.ID) + `" target="_blank" rel="noopener" data-testid="full-page"`, `data-close`} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
	choose := s.invoiceIn(t, ViewChoose)
	s.choose = func(*invoice.Invoice, string, *string) error { return nil }
	w := s.ask("POST", "/i/"+string(choose.ID)+"/method?channel=0123456789abcdef&embed=1&origin=https%3A%2F%2Fshop.example", "method=btc")
	if got := w.Header().Get("Location"); got != "/i/"+string(choose.ID)+"?channel=0123456789abcdef&embed=1&origin=https%3A%2F%2Fshop.example" {
		t.Errorf("the form leads to %s", got)
	}
	if body := s.ask("GET", "/i/"+string(inv.ID), "").Body.String(); strings.Contains(body, "_top") || strings.Contains(body, "data-close") {
		t.Error("the page outside a frame speaks of one")
	}
}
