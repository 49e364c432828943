package checkout

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"checkout/invoice"
	"checkout/web/browsertest"
)

// visit is one request the server saw.
type visit struct {
	at        time.Time
	path      string
	condition string
	status    int
	cookie    string
}

// serve serves the shop to a browser at the real time, and notes what is asked.
func (s *shop) serve(t *testing.T) (url string, visits func(path string) []visit, fail func(bool)) {
	t.Helper()
	s.now = time.Time{}
	var mu sync.Mutex
	var seen []visit
	broken := false
	h := s.handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		at, stop := len(seen), broken && strings.HasSuffix(r.URL.Path, "/status")
		seen = append(seen, visit{at: time.Now(), path: r.URL.Path, condition: r.Header.Get("If-None-Match"), cookie: r.Header.Get("Cookie")})
		mu.Unlock()
		if stop {
			http.Error(w, "broken", http.StatusInternalServerError)
			return
		}
		watched := &watchedWriter{ResponseWriter: w}
		h.ServeHTTP(watched, r)
		mu.Lock()
		seen[at].status = watched.status
		mu.Unlock()
	}))
	t.Cleanup(server.Close)
	visits = func(path string) []visit {
		mu.Lock()
		defer mu.Unlock()
		var list []visit
		for _, v := range seen {
			if strings.HasSuffix(v.path, path) {
				list = append(list, v)
			}
		}
		return list
	}
	return server.URL, visits, func(yes bool) { mu.Lock(); broken = yes; mu.Unlock() }
}

type watchedWriter struct {
	http.ResponseWriter
	status int
}

func (w *watchedWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// becomeState gives an invoice the facts of another view, as a commit does.
func (s *shop) becomeState(t *testing.T, inv *invoice.Invoice, v View) {
	t.Helper()
	model := s.invoiceIn(t, v)
	_, err := s.change(inv.ID, func(inv *invoice.Invoice) error {
		inv.Outcome, inv.Payments, inv.Quotes, inv.Addresses, inv.Asset = model.Outcome, model.Payments, model.Quotes, model.Addresses, model.Asset
		inv.SettledAt = model.SettledAt
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The page follows the payment without a reload, says so in title and icon, keeps the focus, and asks no more at the
// end.
func TestBrowserFollowsThePayment(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	url, visits, _ := s.serve(t)
	inv := s.invoiceIn(t, ViewWaiting)
	b.Do(t, chromedp.Navigate(url+"/i/"+string(inv.ID)))
	browsertest.JS[bool](t, b, `window.__same = true; document.querySelector("#details summary").focus(); document.querySelector("#details").open = true`)
	if got := browsertest.JS[string](t, b, `document.title`); got != "Pay 0.00044007 BTC · Acme Coffee" {
		t.Errorf("title %q", got)
	}
	browsertest.JS[bool](t, b, `window.__said = []; new MutationObserver(() => __said.push(document.querySelector("[role=status]").innerText)).observe(document.querySelector("[role=status]"), {subtree: true, childList: true, characterData: true}); true`)

	s.becomeState(t, inv, ViewDetected)
	b.Becomes(t, 6*time.Second, `document.querySelector("main").dataset.state === "detected"`)
	if !browsertest.JS[bool](t, b, `window.__same && document.activeElement.matches("#details summary") && document.querySelector("#details").open`) {
		t.Error("reloaded, or the focus or what was open is gone")
	}
	if got := browsertest.JS[string](t, b, `document.title + " " + document.querySelector("#favicon").getAttribute("href")`); !strings.HasPrefix(got, "Payment seen · Acme Coffee /a/fav-seen.") {
		t.Errorf("title and icon %q", got)
	}
	if got := browsertest.JS[int](t, b, `__said.length`); got != 1 {
		t.Errorf("%d announcements of one change", got)
	}
	if browsertest.JS[bool](t, b, `document.body.innerHTML.includes("`+testAddress+`")`) {
		t.Error("the address is still there")
	}

	s.becomeState(t, inv, ViewConfirming)
	b.Becomes(t, 6*time.Second, `document.querySelector("progress")?.max === 6 && document.querySelector("progress").value === 2`)
	if browsertest.JS[string](t, b, `document.querySelector("[role=status]").getAttribute("aria-live")`) != "off" {
		t.Error("every confirmation is read out")
	}

	s.becomeState(t, inv, ViewPaid)
	b.Becomes(t, 8*time.Second, `document.querySelector("h1").innerText === "Paid. Thank you!"`)
	if got := browsertest.JS[string](t, b, `document.title + " " + document.querySelector("#favicon").getAttribute("href")`); !strings.HasPrefix(got, "Paid ✓ · Acme Coffee /a/fav-paid.") {
		t.Errorf("title and icon %q", got)
	}
	polls := len(visits("/status"))
	time.Sleep(5 * time.Second)
	if got := len(visits("/status")); got != polls {
		t.Errorf("%d polls after the end", got-polls)
	}
	b.Quiet(t)
}

func TestBrowserPolls(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	url, visits, _ := s.serve(t)
	inv := s.invoiceIn(t, ViewWaiting)
	b.Do(t, chromedp.Navigate(url+"/i/"+string(inv.ID)))
	time.Sleep(17 * time.Second)
	polls := visits("/status")
	if len(polls) < 4 || len(polls) > 8 {
		t.Fatalf("%d polls in 17 seconds", len(polls))
	}
	different := false
	for i, v := range polls {
		if v.cookie != "" || (i > 0 && (v.status != http.StatusNotModified || v.condition != `"17"`)) {
			t.Errorf("poll %d: %+v", i+1, v)
		}
		if i == 0 {
			continue
		}
		gap := v.at.Sub(polls[i-1].at)
		if gap < 2300*time.Millisecond || gap > 4*time.Second {
			t.Errorf("%v between polls", gap)
		}
		different = different || (i > 1 && (gap-polls[i-1].at.Sub(polls[i-2].at)).Abs() > 20*time.Millisecond)
	}
	if !different {
		t.Error("no jitter")
	}
	if got := len(visits("/fragment")); got != 0 {
		t.Errorf("%d fragments for nothing", got)
	}
	if got := browsertest.JS[int](t, b, `localStorage.length + sessionStorage.length + document.cookie.length`); got != 0 {
		t.Error("something is stored in the browser")
	}
	b.Quiet(t)
}

// The clock of the reader's machine may be hours off.
func TestBrowserCountsDown(t *testing.T) {
	for name, skew := range map[string]time.Duration{"right": 0, "fast": 3 * time.Hour, "slow": -3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			b := browsertest.Open(t)
			s := openShop(t)
			url, visits, _ := s.serve(t)
			inv := s.invoiceIn(t, ViewWaiting)
			b.Before(t, fmt.Sprintf(`{ const D = Date, skew = %d; Date = class extends D { constructor(...a) { a.length ? super(...a) : super(D.now() + skew) } static now() { return D.now() + skew } } }`, skew.Milliseconds()))
			inv.Quotes[0].Until = time.Now().Add(4*time.Minute + 30*time.Second)
			b.Do(t, chromedp.Navigate(url+"/i/"+string(inv.ID)))
			right := func() {
				t.Helper()
				want := time.Until(inv.Quotes[0].Until).Seconds()
				var minutes, seconds int
				text := browsertest.JS[string](t, b, `document.querySelector("[data-left]").innerText`)
				if _, err := fmt.Sscanf(text, "%d:%d left", &minutes, &seconds); err != nil {
					t.Fatalf("%q: %v", text, err)
				}
				if off := float64(minutes*60+seconds) - want; off < -2 || off > 2 {
					t.Errorf("%q with %.0f seconds left", text, want)
				}
			}
			time.Sleep(time.Second)
			right()
			if got := browsertest.JS[string](t, b, `document.title`); got != "(5 min) Pay 0.00044007 BTC · Acme Coffee" {
				t.Errorf("title %q", got)
			}
			for len(visits("/status")) < 4 { // three of them 304
				time.Sleep(100 * time.Millisecond)
			}
			time.Sleep(300 * time.Millisecond)
			right()
			if browsertest.JS[bool](t, b, `!!document.querySelector("[data-left]").closest("[aria-live]")`) {
				t.Error("the countdown is read out")
			}
			b.Quiet(t)
		})
	}
}

// At zero the page asks; what it shows is what the server says. Two minutes before it offers more time.
func TestBrowserNeverDecides(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	url, _, _ := s.serve(t)
	inv := s.invoiceIn(t, ViewWaiting)
	inv.Quotes[0].Until = time.Now().Add(2*time.Minute + 3*time.Second)
	b.Do(t, chromedp.Navigate(url+"/i/"+string(inv.ID)))
	if got := browsertest.JS[string](t, b, `document.querySelector("main").dataset.state`); got != "waiting" {
		t.Fatal(got)
	}
	b.Becomes(t, 8*time.Second, `document.querySelector("main").dataset.state === "waiting_expiring" && !!document.querySelector("[data-testid=requote]")`)

	inv.Quotes[0].Until = time.Now().Add(3 * time.Second)
	b.Do(t, chromedp.Navigate("about:blank"), chromedp.Navigate(url+"/i/"+string(inv.ID)))
	b.Becomes(t, 6*time.Second, `document.querySelector("[data-left]").innerText === "Checking…"`)
	time.Sleep(4 * time.Second)
	if got := browsertest.JS[string](t, b, `document.querySelector("main").dataset.state + " " + document.querySelector("[data-left]").innerText`); got != "waiting_expiring Checking…" {
		t.Errorf("before the server has said anything: %s", got)
	}
	if _, err := s.change(inv.ID, func(inv *invoice.Invoice) error { inv.Lapsed = inv.Quotes[0].ID; return nil }); err != nil {
		t.Fatal(err)
	}
	b.Becomes(t, 6*time.Second, `document.querySelector("main").dataset.state === "expired" && document.querySelector("[data-testid=requote]").innerText === "Get a new price"`)
	b.Quiet(t)
}

func TestBrowserCopies(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	url, _, _ := s.serve(t)
	inv := s.invoiceIn(t, ViewWaiting)
	for name, c := range map[string]struct{ clipboard, want string }{
		"modern":   {`writeText: async (t) => { window.__copied = t }`, "Copied"},
		"old":      {`writeText: async () => { throw new DOMException("no", "NotAllowedError") }`, "Copied"},
		"selected": {`writeText: async () => { throw new DOMException("no", "NotAllowedError") }`, "Press Ctrl+C"},
	} {
		b.Do(t, chromedp.Navigate("about:blank"), chromedp.Navigate(url+"/i/"+string(inv.ID)))
		browsertest.JS[bool](t, b, `Object.defineProperty(navigator, "clipboard", {value: {`+c.clipboard+`}}); true`)
		browsertest.JS[bool](t, b, `document.execCommand = () => { window.__copied = document.activeElement.value; return `+fmt.Sprint(name != "selected")+` }; true`)
		for button, want := range map[string]string{"copy-amount": "0.00044007", "copy-address": testAddress} {
			browsertest.JS[bool](t, b, `document.querySelector("[data-testid=`+button+`]").click(); true`)
			b.Becomes(t, 2*time.Second, `document.querySelector("[data-testid=`+button+`]").innerText === "`+c.want+`"`)
			got := browsertest.JS[string](t, b, `window.__copied`)
			if name == "selected" {
				got = browsertest.JS[string](t, b, `getSelection().toString()`)
			}
			if got != want {
				t.Errorf("%s: %s: %q", name, button, got)
			}
			b.Becomes(t, 4*time.Second, `document.querySelector("[data-testid=`+button+`]").innerText.startsWith("Copy ")`)
		}
	}
	if got := browsertest.JS[string](t, b, `document.querySelector("[data-testid=address]").textContent`); got != testAddress {
		t.Errorf("the text of the address is %q", got)
	}
	b.Quiet(t)
}

// What somebody is typing is not taken from them.
func TestBrowserKeepsInput(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	url, _, _ := s.serve(t)
	inv := s.invoiceIn(t, ViewChoose)
	b.Do(t, chromedp.Navigate(url+"/i/"+string(inv.ID)))
	b.Do(t, chromedp.Focus("#email"), chromedp.SendKeys("#email", "kim@exa"))
	if _, err := s.change(inv.ID, func(inv *invoice.Invoice) error { inv.Title = "3 kg house blend"; return nil }); err != nil {
		t.Fatal(err)
	}
	b.Becomes(t, 6*time.Second, `document.querySelector("[data-testid=order]").innerText.includes("3 kg")`)
	b.Do(t, chromedp.SendKeys("#email", "mple.com"))
	if got := browsertest.JS[string](t, b, `document.activeElement.value`); got != "kim@example.com" {
		t.Errorf("the field says %q", got)
	}
	s.becomeState(t, inv, ViewWaiting)
	time.Sleep(5 * time.Second)
	if got := browsertest.JS[string](t, b, `document.querySelector("main").dataset.state + " " + document.activeElement.value`); got != "choose kim@example.com" {
		t.Errorf("while typing: %q", got)
	}
	browsertest.JS[bool](t, b, `document.activeElement.blur(); true`)
	b.Becomes(t, 2*time.Second, `document.querySelector("main").dataset.state === "waiting"`)
	b.Quiet(t)
}

func TestBrowserLosesTheServer(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	url, visits, fail := s.serve(t)
	inv := s.invoiceIn(t, ViewWaiting)
	b.Before(t, `{ const real = setTimeout; window.setTimeout = (f, ms, ...a) => real(f, ms / 20, ...a) }`) // a minute in three seconds
	b.Do(t, chromedp.Navigate(url+"/i/"+string(inv.ID)))
	for len(visits("/status")) < 2 {
		time.Sleep(20 * time.Millisecond)
	}
	fail(true)
	shown := `!document.querySelector("#offline").hidden`
	if browsertest.JS[bool](t, b, shown) {
		t.Error("said to be offline while it is not")
	}
	b.Becomes(t, 4*time.Second, shown)
	polls := visits("/status")
	var gaps []float64
	for i := len(polls) - 1; i > 0 && polls[i].status == 0; i-- {
		gaps = append([]float64{20 * polls[i].at.Sub(polls[i-1].at).Seconds()}, gaps...)
	}
	want := []float64{0, 5, 10, 20}
	for i := 1; i < len(gaps) && i < len(want); i++ {
		if gaps[i] < want[i]*0.75 || gaps[i] > want[i]*1.25+2 {
			t.Errorf("after failure %d: %.1f s, want %.0f", i, gaps[i], want[i])
		}
	}
	fail(false)
	browsertest.JS[bool](t, b, `document.querySelector("[data-retry]").click(); true`)
	b.Becomes(t, 2*time.Second, `document.querySelector("#offline").hidden`)
	b.Forget() // the failures themselves
}

func TestBrowserCodes(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	url, _, _ := s.serve(t)
	inv := s.invoiceIn(t, ViewWaiting)
	b.Do(t, chromedp.EmulateViewport(360, 740), chromedp.Navigate(url+"/i/"+string(inv.ID)))
	box := func() float64 {
		return browsertest.JS[float64](t, b, `document.querySelector(".qr svg").getBoundingClientRect().width`)
	}
	if box() != 0 {
		t.Error("the code is not folded on a phone")
	}
	browsertest.JS[bool](t, b, `document.querySelector("[data-testid=show-qr]").click(); window.__same = true`)
	b.Becomes(t, 2*time.Second, `document.querySelector(".qr svg").getBoundingClientRect().width >= 240`)
	browsertest.JS[bool](t, b, `document.querySelectorAll("[data-tab]")[0].click(); true`)
	b.Becomes(t, 3*time.Second, `document.querySelector("[data-qr-content]").dataset.qrContent === "`+testAddress+`"`)
	if !browsertest.JS[bool](t, b, `window.__same && location.search === "?qr=address"`) || box() < 240 {
		t.Error("changing the code reloads, or folds it again")
	}
	browsertest.JS[bool](t, b, `document.querySelector("[data-enlarge]").click(); true`)
	if !browsertest.JS[bool](t, b, `document.querySelector("#zoom").open && document.querySelector("#zoom svg").getBoundingClientRect().width > 280`) {
		t.Error("the code is not enlarged")
	}
	s.becomeState(t, inv, ViewDetected)
	b.Becomes(t, 6*time.Second, `document.querySelector("main").dataset.state === "detected" && !document.querySelector("#zoom").open`)
	b.Quiet(t)
}

// No view is wider than a small phone, small targets are none, and nothing breaks the page's own rules.
func TestBrowserLayout(t *testing.T) {
	b := browsertest.Open(t)
	for _, v := range views() {
		s := openShop(t)
		url, _, _ := s.serve(t)
		inv := s.invoiceIn(t, v)
		for _, width := range []int64{320, 360, 768, 1280} {
			b.Do(t, chromedp.EmulateViewport(width, 740), chromedp.Navigate("about:blank"), chromedp.Navigate(url+"/i/"+string(inv.ID)+"#qr"))
			if got := browsertest.JS[int64](t, b, `document.documentElement.scrollWidth`); got > width {
				t.Errorf("%s: %d px on a screen of %d", v, got, width)
			}
			small := browsertest.JS[[]string](t, b, `[...document.querySelectorAll("button, summary, .btn, .link, input[type=email], .tabs a, .foot a")].filter(e => e.getClientRects().length && e.getBoundingClientRect().height < (e.closest(".tabs") ? 38 : 44)).map(e => e.outerHTML)`)
			if len(small) > 0 {
				t.Errorf("%s at %d px: small targets %q", v, width, small)
			}
			clipped := browsertest.JS[[]string](t, b, `[...document.querySelectorAll("main *:not(.sr)")].filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflow !== "visible" && e.clientWidth > 1).map(e => e.outerHTML.slice(0, 200))`)
			if len(clipped) > 0 {
				t.Errorf("%s at %d px: clipped %q", v, width, clipped)
			}
		}
	}
	b.Quiet(t)
}

// A page whose coin cannot be paid with for a while says so, and shows the details again when it can.
func TestBrowserFollowsTheNode(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	url, _, _ := s.serve(t)
	inv := s.invoiceIn(t, ViewWaiting)
	down := func(yes bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.down = map[string]bool{"bitcoin": yes}
	}
	b.Do(t, chromedp.Navigate(url+"/i/"+string(inv.ID)))
	down(true)
	b.Becomes(t, 6*time.Second, `document.querySelector("main").dataset.state === "unavailable"`)
	down(false)
	b.Becomes(t, 6*time.Second, `document.querySelector("main").dataset.state === "waiting" && document.body.innerHTML.includes("`+testAddress+`")`)
	b.Quiet(t)
}

func TestBrowserWithoutScript(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	url, _, _ := s.serve(t)
	inv := s.invoiceIn(t, ViewChoose)
	s.choose = func(inv *invoice.Invoice, asset string, _ *string) error {
		model := *s.invoices[inv.ID]
		inv.Asset, inv.Version = asset, model.Version
		return nil
	}
	read := func(at string) string {
		t.Helper()
		b.Do(t, chromedp.EmulateViewport(360, 740), chromedp.Navigate("about:blank"), chromedp.Navigate(url+at))
		// Evaluation works for the protocol even where the page may run nothing.
		return browsertest.JS[string](t, b, `document.body.innerText`)
	}
	if _, err := chromedp.Call(b.Context(), emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	paying := s.invoiceIn(t, ViewWaiting)
	text := read("/i/" + string(paying.ID))
	for _, want := range []string{"UTC", "minutes from now", "Stop automatic refresh", "Check now", "Show QR code"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %q", want, text)
		}
	}
	for _, never := range []string{"Copy amount", "Copy address", "No connection", "Close", "Try again"} {
		if strings.Contains(text, never) {
			t.Errorf("%q is there, which does nothing", never)
		}
	}
	fields, _ := json.Marshal(browsertest.JS[[]string](t, b, `[...document.querySelectorAll("input[readonly]")].filter(e => e.getBoundingClientRect().width > 300).map(e => e.value)`))
	if string(fields) != `["0.00044007","`+testAddress+`"]` {
		t.Errorf("fields %s", fields)
	}
	if got := read("/i/" + string(paying.ID) + "?r=0"); !strings.Contains(got, "Start automatic refresh") {
		t.Errorf("%q", got)
	}
	if got := browsertest.JS[int64](t, b, `document.documentElement.scrollWidth`); got > 360 {
		t.Errorf("%d px wide", got)
	}
	if got := read("/i/" + string(inv.ID)); strings.Contains(got, "automatic refresh") || !strings.Contains(got, "Continue") {
		t.Errorf("the form page: %q", got)
	}
	b.Quiet(t)
}

// No view breaks a rule of WCAG 2.2 AA that a machine can check, in light and dark, on a phone and a desk.
func TestBrowserAccessibility(t *testing.T) {
	axe, err := os.ReadFile("testdata/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	b := browsertest.Open(t)
	for _, v := range views() {
		s := openShop(t)
		url, _, _ := s.serve(t)
		inv := s.invoiceIn(t, v)
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{360, 1280} {
				b.Do(t, chromedp.EmulateViewport(width, 740), chromedp.Navigate("about:blank"), chromedp.Navigate(url+"/i/"+string(inv.ID)+"?theme="+scheme+"#qr"))
				b.Do(t, chromedp.Evaluate[chromedp.Void](string(axe)))
				bad := browsertest.JS[[]string](t, b, `axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r => r.violations.map(v => v.id + ": " + v.nodes.map(n => n.target + " " + n.failureSummary).join("; ")))`)
				if len(bad) > 0 {
					t.Errorf("%s, %s, %d px: %q", v, scheme, width, bad)
				}
			}
		}
	}
}
