package checkout

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"checkout/merchant"
	"checkout/web/browsertest"
	"checkout/web/embed"
)

// foreign serves one page under a name of its own, which makes another origin of it.
func foreign(t *testing.T, host, policy, html string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if policy != "" {
			w.Header().Set("Content-Security-Policy", policy)
		}
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		_, _ = fmt.Fprint(w, `<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="data:,">`+html+`</html>`)
	}))
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "127.0.0.1", host, 1)
}

// parentPage serves a shop's page with the loader, which keeps what it hears; {pay} stands for the address of the payment pages.
func parentPage(t *testing.T, host, pay, body string) string {
	t.Helper()
	return foreign(t, host, "default-src 'none'; script-src 'self' 'unsafe-inline' "+pay+"; style-src 'self'; frame-src *; img-src data:",
		`<script>window.got=[];window.told=[]
			addEventListener('message', e => got.push([e.origin, e.data]))
			for (const name of ['pay:status', 'pay:close']) addEventListener(name, e => told.push([name, e.detail]))</script>`+
			strings.ReplaceAll(body, "{pay}", pay)+`<script src="`+pay+embed.Path+`" integrity="`+embed.Integrity()+`" crossorigin="anonymous"></script>`)
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

// heard waits until the shop's page was told something.
func heard(t *testing.T, b *browsertest.Browser, expression string) {
	t.Helper()
	b.Becomes(t, 2*fiveSeconds, `told.some(([n, d]) => `+expression+`)`)
}

// inline is a shop's page with a payment page in it.
func inline(t *testing.T, b *browsertest.Browser, s *shop, v View, more string) (pay, parent, id string) {
	t.Helper()
	pay = s.serveEmbed(t)
	id = string(s.invoiceIn(t, v).ID)
	parent = parentPage(t, "localhost", pay, `<div id="here" data-pay-inline="`+id+`"></div>`+more)
	s.lists(parent)
	b.Do(t, chromedp.EmulateViewport(480, 900), chromedp.Navigate(parent))
	heard(t, b, `d.status === "`+string(v)+`"`)
	return pay, parent, id
}

// Who is listed gets the page and its news, who is not gets neither.
func TestFraming(t *testing.T) {
	b := browsertest.Open(t, browsertest.Frames)
	s := openShop(t)
	pay, parent, id := inline(t, b, s, ViewWaiting, "")
	t.Run("item 61: the listed parent shows it", func(t *testing.T) {
		b.FrameBecomes(t, fiveSeconds, pay, `document.querySelector("main").dataset.state === "waiting"`)
	})
	t.Run("item 62: what is said names no money", func(t *testing.T) {
		b.Becomes(t, fiveSeconds, `["pay:ready", "pay:method", "pay:status", "pay:resize"].every((type) => got.some(([o, m]) => m.type === type && o === "`+pay+`"))`)
		if got := browsertest.JS[string](t, b, `JSON.stringify(got)`); strings.Contains(got, testAddress) || strings.Contains(got, "0.00044") || !strings.Contains(got, `"pay:method","id":"`+id) {
			t.Errorf("messages: %s", got)
		}
		if got := browsertest.JS[string](t, b, `JSON.stringify(told)`); got != `[["pay:status",{"status":"waiting","final":false,"rev":17}]]` {
			t.Errorf("the shop heard %s", got)
		}
	})
	t.Run("item 71: paid, and the shop's page stays where it is until somebody leaves it", func(t *testing.T) {
		inv, err := s.Find(t.Context(), s.invoiceIn(t, ViewWaiting).ID)
		if err != nil {
			t.Fatal(err)
		}
		inv.SuccessURL = parent + "/thanks"
		s.mu.Lock()
		s.invoices[inv.ID] = inv
		s.mu.Unlock()
		s.becomeState(t, inv, ViewPaid)
		browsertest.InFrame[bool](t, b, pay, `dispatchEvent(new Event("focus"))`) // it asks at once
		heard(t, b, `d.status === "paid" && d.final`)
		b.Drawn(t)
		if got := browsertest.JS[string](t, b, `location.href`); got != parent+"/" {
			t.Errorf("the shop's page went to %s by itself", got)
		}
		b.ClickInFrame(t, "#here iframe", pay, "[data-return]")
		b.Becomes(t, fiveSeconds, `location.pathname === "/thanks" && location.search === "?invoice=`+id+`"`)
		b.Forget() // the shop of the test has no such page
	})
	t.Run("item 61: a foreign parent shows nothing", func(t *testing.T) {
		stranger := parentPage(t, "localhost", pay, `<div id="here" data-pay-inline="`+id+`"></div>`)
		b.Do(t, chromedp.Navigate(stranger))
		b.FrameBecomes(t, fiveSeconds, "chrome-error://", `document.body !== null && !document.querySelector("main")`)
		if got := browsertest.JS[int](t, b, `got.length`); got != 0 {
			t.Errorf("a stranger got %d messages", got)
		}
		if blocked := strings.Join(b.Heard(), " "); !strings.Contains(blocked, "frame-ancestors") {
			t.Errorf("the browser says %q", blocked)
		}
	})
}

// Every message names the origin it is for, on both sides.
func TestItem62NoMessageForEverybody(t *testing.T) {
	b := browsertest.Open(t, browsertest.Frames)
	b.Before(t, `if (window !== top) {
		const real = window.parent, sent = []
		Object.defineProperty(window, "parent", { value: { postMessage(message, to) { sent.push(to); document.documentElement.dataset.sent = sent; real.postMessage(message, to) } } })
	}`)
	s := openShop(t)
	pay, parent, id := inline(t, b, s, ViewWaiting, "")
	b.FrameBecomes(t, fiveSeconds, pay, `document.documentElement.dataset.sent.split(",").length >= 4`)
	for _, to := range strings.Split(browsertest.InFrame[string](t, b, pay, `document.documentElement.dataset.sent`), ",") {
		if to != parent {
			t.Errorf("the page speaks to %q", to)
		}
	}
	to := browsertest.JS[[]string](t, b, `(() => {
		const sent = [], entry = PayEmbed.inline("`+id+`", document.querySelector("#here"))
		Object.defineProperty(HTMLIFrameElement.prototype, "contentWindow", { get: () => ({ postMessage: (m, to) => sent.push(to) }) })
		entry.send("theme", { mode: "dark" }); entry.send("close_request")
		return sent })()`)
	if len(to) != 2 || to[0] != pay || to[1] != pay {
		t.Errorf("the loader speaks to %q", to)
	}
}

// Neither side believes who is not the other: not another page, not another window, not another channel, and not an origin
// that begins like the right one.
func TestForgedMessages(t *testing.T) {
	b := browsertest.Open(t, browsertest.Frames)
	s := openShop(t)
	evil := foreign(t, "127.0.0.1", "", `<body><script>onmessage = (e) => {
		top.postMessage(e.data.forged, "*")
		for (let i = 0; i < top.frames.length; i++) if (top.frames[i] !== window) top.frames[i].postMessage(e.data.order, "*")
		e.source.postMessage({ done: true }, "*") }</script>`)
	pay, parent, id := inline(t, b, s, ViewWaiting, `<iframe id="evil" src="`+evil+`"></iframe>`)
	said := func() string {
		t.Helper()
		return browsertest.JS[string](t, b, `JSON.stringify(told)`)
	}
	before := said()
	browsertest.JS[bool](t, b, `(() => {
		window.frame = document.querySelector("#here iframe")
		window.channel = new URL(frame.src).searchParams.get("channel")
		window.forged = { v: 1, type: "pay:status", id: "`+id+`", channel, status: "paid", final: true, rev: 99 }
		window.order = { v: 1, type: "pay:close_request", id: "`+id+`", channel }
		return true })()`)
	quiet := func(t *testing.T, what string) {
		t.Helper()
		b.Drawn(t)
		if got := said(); got != before {
			t.Errorf("%s: the shop heard %s", what, got)
		}
		if got := browsertest.JS[int](t, b, `got.filter(([o, m]) => o === "`+pay+`" && m.type === "pay:close").length`); got != 0 {
			t.Errorf("%s: the page obeyed", what)
		}
	}
	t.Run("item 63: another origin and another window", func(t *testing.T) {
		browsertest.JS[bool](t, b, `document.querySelector("#evil").contentWindow.postMessage({ forged, order }, "*"); true`)
		b.Becomes(t, fiveSeconds, `got.some(([o, m]) => m && m.done)`)
		quiet(t, "a foreign frame speaks")
	})
	t.Run("item 63: rubbish, and the wrong channel", func(t *testing.T) {
		browsertest.JS[bool](t, b, `(() => {
			postMessage(forged, "*")
			for (const m of [null, 5, "x", {}, { v: 2 }, { v: 1, type: {} }, { v: 1, type: "pay:close" }, "x".repeat(1e6)]) postMessage(m, "*")
			for (const m of [null, 5, "x", {}, { ...order, channel: "wrong" }, { ...order, id: "other" }, { ...order, v: 2 }]) frame.contentWindow.postMessage(m, "*")
			return true })()`)
		quiet(t, "rubbish")
	})
	// What arrives as from the right window, but not from the right origin. The last one is right, and shows that the
	// others were refused for their origin.
	arrives := func(base string) []string {
		return []string{strings.TrimSuffix(base, base[len(base)-1:]), base + "0", base + ".evil.example", strings.ToUpper(base), "https" + strings.TrimPrefix(base, "http"), "null", "", base}
	}
	t.Run("item 63: the right origin in the wrong window", func(t *testing.T) {
		browsertest.JS[bool](t, b, `dispatchEvent(new MessageEvent("message", { data: forged, origin: "`+pay+`", source: window }))`)
		browsertest.InFrame[bool](t, b, pay, `dispatchEvent(new MessageEvent("message", { data: `+browsertest.JS[string](t, b, `JSON.stringify(order)`)+`, origin: "`+parent+`", source: window }))`)
		quiet(t, "another window")
	})
	t.Run("item 64: origins that look like the page's", func(t *testing.T) {
		for _, origin := range arrives(pay) {
			browsertest.JS[bool](t, b, `dispatchEvent(new MessageEvent("message", { data: forged, origin: "`+origin+`", source: frame.contentWindow }))`)
			if got := said() != before; got != (origin == pay) {
				t.Errorf("%q is believed: %v", origin, got)
			}
		}
	})
	t.Run("item 64: origins that look like the shop's", func(t *testing.T) {
		channel := browsertest.JS[string](t, b, `channel`)
		for _, origin := range arrives(parent) {
			browsertest.InFrame[bool](t, b, pay, `dispatchEvent(new MessageEvent("message", { data: { v: 1, type: "pay:theme", id: "`+id+`", channel: "`+channel+`", mode: "dark" }, origin: "`+origin+`", source: parent }))`)
			if got := browsertest.InFrame[bool](t, b, pay, `document.documentElement.dataset.theme === "dark"`); got != (origin == parent) {
				t.Errorf("%q is obeyed: %v", origin, got)
			}
		}
	})
	t.Run("item 63: the right parent is heard", func(t *testing.T) {
		browsertest.JS[bool](t, b, `frame.contentWindow.postMessage(order, "`+pay+`"); true`)
		heard(t, b, `n === "pay:close" && d.reason === "user"`)
	})
	b.Quiet(t)
}

// The frame is as high as what is in it, in every state and at every width a phone has.
func TestItem65NoScrollBarInTheFrame(t *testing.T) {
	b := browsertest.Open(t, browsertest.Frames)
	s := openShop(t)
	pay, _, _ := inline(t, b, s, ViewWaiting, "")
	for _, v := range views() {
		inv := s.invoiceIn(t, v)
		browsertest.JS[bool](t, b, `told = []; PayEmbed.inline("`+string(inv.ID)+`", document.querySelector("#here")); true`)
		heard(t, b, `d.status === "`+string(v)+`"`)
		for _, width := range []int64{320, 480} {
			b.Do(t, chromedp.EmulateViewport(width, 900))
			b.FrameBecomes(t, 2*fiveSeconds, pay+"/i/"+string(inv.ID), `(() => { const e = document.scrollingElement, high = document.body.getBoundingClientRect().height
				return e.scrollHeight <= innerHeight && e.scrollWidth <= innerWidth && Math.abs(Math.max(high, 320) - innerHeight) <= 1 })()`)
		}
	}
	b.FrameBecomes(t, fiveSeconds, pay, `document.querySelectorAll("details").forEach((d) => { d.open = true }) || true`)
	b.FrameBecomes(t, fiveSeconds, pay, `document.scrollingElement.scrollHeight <= innerHeight`)
	b.Quiet(t)
}

// Copying works in a frame of another origin, whether its parent lets it write to the clipboard or not.
func TestItem66CopiesInAFrame(t *testing.T) {
	b := browsertest.Open(t, browsertest.Frames)
	s := openShop(t)
	pay := s.serveEmbed(t)
	id := string(s.invoiceIn(t, ViewWaiting).ID)
	for _, allow := range []string{`allow="clipboard-write"`, ""} {
		parent := foreign(t, "localhost", "", `<body><textarea></textarea><iframe width="480" height="1100" src="`+pay+"/i/"+id+`?embed=1" `+allow+`></iframe>`)
		s.lists(parent)
		b.Do(t, chromedp.EmulateViewport(600, 1300), chromedp.Navigate(parent))
		b.FrameBecomes(t, fiveSeconds, pay, `document.querySelector("[data-copy]")?.hidden === false`)
		if may := browsertest.InFrame[bool](t, b, pay, `document.featurePolicy.allowsFeature("clipboard-write")`); may != (allow != "") {
			t.Fatalf("%q: the frame may write to the clipboard: %v", allow, may)
		}
		for button, want := range map[string]string{"copy-amount": "0.00044007", "copy-address": testAddress} {
			b.ClickInFrame(t, "iframe", pay, "[data-testid="+button+"]")
			b.FrameBecomes(t, fiveSeconds, pay, `document.querySelector("[data-testid=`+button+`]").innerText === "Copied"`)
			browsertest.JS[bool](t, b, `document.querySelector("textarea").value = ""; document.querySelector("textarea").focus(); true`)
			b.Paste(t)
			if got := browsertest.JS[string](t, b, `document.querySelector("textarea").value`); got != want {
				t.Errorf("%q: %s copies %q, want %q", allow, button, got, want)
			}
		}
	}
	b.Forget() // the browser notes what the parent did not allow
}

// A browser that lets nobody keep anything: touching its storage would throw, and nothing does.
func TestItem67WithoutStorage(t *testing.T) {
	profile := t.TempDir()
	settings, err := json.Marshal(map[string]any{"profile": map[string]any{"cookie_controls_mode": 1, "default_content_setting_values": map[string]int{"cookies": 2}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(profile, "Default"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(profile, "Default", "Preferences"), settings, 0o600); err != nil {
		t.Fatal(err)
	}
	b := browsertest.Open(t, browsertest.Frames, chromedp.UserDataDir(profile))
	s := openShop(t)
	pay, _, _ := inline(t, b, s, ViewWaiting, "")
	if got := browsertest.InFrame[string](t, b, pay, `(() => { try { localStorage; return "works" } catch (e) { return e.name } })()`); got != "SecurityError" {
		t.Fatalf("storage: %s", got)
	}
	b.ClickInFrame(t, "#here iframe", pay, "[data-testid=copy-address]")
	b.FrameBecomes(t, fiveSeconds, pay, `document.querySelector("[data-testid=copy-address]").innerText === "Copied"`)
	s.becomeState(t, s.invoices[s.invoiceIn(t, ViewWaiting).ID], ViewDetected)
	browsertest.InFrame[bool](t, b, pay, `dispatchEvent(new Event("focus"))`) // it asks at once
	heard(t, b, `d.status === "detected"`)
	b.Quiet(t)
}

// The dialog holds the focus, goes with Esc wherever the focus is, gives it back, and its frame has a name.
func TestItem68Dialog(t *testing.T) {
	b := browsertest.Open(t, browsertest.Frames)
	s := openShop(t)
	pay := s.serveEmbed(t)
	inv := s.invoiceIn(t, ViewWaiting)
	parent := parentPage(t, "localhost", pay, `<main><a href="#x">Before</a> <button type="button" id="buy" data-pay-invoice="`+string(inv.ID)+`">Pay with crypto</button> <input aria-label="After"></main>`)
	s.lists(parent)
	b.Do(t, chromedp.EmulateViewport(1000, 800), chromedp.Navigate(parent))
	open := func() {
		t.Helper()
		browsertest.JS[bool](t, b, `got = []; document.querySelector("#buy").focus(); document.querySelector("#buy").click(); true`)
		b.Becomes(t, fiveSeconds, `!!document.querySelector("dialog[open] iframe") && got.some(([o, m]) => m.type === "pay:ready")`)
	}
	closed := func() {
		t.Helper()
		b.Becomes(t, fiveSeconds, `!document.querySelector("dialog") && document.activeElement.id === "buy" && told.some(([n, d]) => n === "pay:close" && d.reason === "user")`)
	}
	open()
	if !browsertest.JS[bool](t, b, `document.querySelector("dialog iframe").title === "Payment" && document.querySelector("dialog").matches(":modal")`) {
		t.Error("the dialog is not modal, or its frame has no name")
	}
	if box := browsertest.JS[string](t, b, `(() => { const r = document.querySelector("dialog").getBoundingClientRect(); return [r.width, r.height].join() })()`); box != "480,736" {
		t.Errorf("the dialog is %s", box)
	}
	for range 30 {
		b.Do(t, chromedp.KeyEvent(kb.Tab))
		if at := browsertest.JS[string](t, b, `document.activeElement.closest("dialog, body:not(:focus-within)") || document.activeElement === document.body ? "" : document.activeElement.outerHTML`); at != "" {
			t.Fatalf("Tab leads out of the dialog to %s", at)
		}
	}
	b.Do(t, chromedp.KeyEvent(kb.Escape))
	closed()
	open()
	b.ClickInFrame(t, "dialog iframe", pay, "h1")
	b.Do(t, chromedp.KeyEvent(kb.Escape))
	closed()

	// While the shop still makes the invoice the button says so.
	browsertest.JS[bool](t, b, `window.late = new Promise(r => { window.done = r }); PayEmbed.open(late, { button: document.querySelector("#buy") }); true`)
	if got := browsertest.JS[string](t, b, `document.querySelector("#buy").textContent + document.querySelector("#buy").disabled`); got != "Preparing payment…true" {
		t.Errorf("the button says %q", got)
	}
	browsertest.JS[bool](t, b, `done("`+string(inv.ID)+`"); true`)
	b.Becomes(t, fiveSeconds, `!!document.querySelector("dialog[open]") && document.querySelector("#buy").textContent === "Pay with crypto"`)
	b.Do(t, chromedp.EmulateViewport(400, 700))
	b.Becomes(t, fiveSeconds, `(() => { const r = document.querySelector("dialog").getBoundingClientRect(); return r.width === 400 && r.height === 700 })()`)
	b.Quiet(t)
}

// A frame by hand, small, without the loader and without any script: a coin is chosen, and there is all it takes to pay.
func TestItem72RawFrame(t *testing.T) {
	b := browsertest.Open(t, browsertest.Frames)
	s := openShop(t)
	pay := s.serveEmbed(t)
	s.chooses(t)
	id := string(s.invoiceIn(t, ViewChoose).ID)
	parent := foreign(t, "localhost", "", `<body style="margin:0"><iframe style="border:0" width="320" height="560" title="Payment" src="`+pay+"/i/"+id+`?embed=1"></iframe>`)
	s.lists(parent)
	b.Scripts(t, false)
	b.Do(t, chromedp.EmulateViewport(320, 560), chromedp.Navigate(parent))
	b.FrameBecomes(t, fiveSeconds, pay, `document.querySelector("main").dataset.state === "choose" && document.scrollingElement.scrollWidth <= 320`)
	b.ClickInFrame(t, "iframe", pay, `input[value=btc]`)
	b.ClickInFrame(t, "iframe", pay, `[data-testid=continue]`)
	b.FrameBecomes(t, fiveSeconds, pay, `document.querySelector("main")?.dataset.state === "waiting" && document.scrollingElement.scrollWidth <= 320`)
	b.ClickInFrame(t, "iframe", pay, `[data-testid=show-qr]`)
	b.FrameBecomes(t, fiveSeconds, pay, `(() => { const seen = (what) => document.querySelector(what)?.checkVisibility() === true
		return location.search.includes("embed=1") && seen("[data-testid=amount]") && seen("[data-testid=address]") && seen("#qr .qr") && seen("[data-testid=full-page]") })()`)
	b.Quiet(t)
}
