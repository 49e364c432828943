package checkout

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"checkout/invoice"
	"checkout/merchant"
	"checkout/web/brand"
	"checkout/web/browsertest"
)

// chooses makes the shop take a choice of bitcoin, as the engine does.
func (s *shop) chooses(t *testing.T) {
	t.Helper()
	model := *s.invoiceIn(t, ViewWaiting)
	s.choose = func(inv *invoice.Invoice, asset string, _ *string) error {
		inv.Asset, inv.Quotes, inv.Addresses, inv.Outcome = asset, model.Quotes, model.Addresses, model.Outcome
		return nil
	}
}

// tab presses Tab and says what has the focus: its test id, its id, or its text.
func tab(t *testing.T, b *browsertest.Browser) string {
	t.Helper()
	b.Do(t, chromedp.KeyEvent(kb.Tab))
	return browsertest.JS[string](t, b, `(() => { const e = document.activeElement
		return e === document.body ? "" : e.dataset.testid || e.id || (e.getAttribute("name") ? e.name + "=" + e.value : "") || e.innerText.trim() || e.tagName })()`)
}

// tabTo presses Tab until something has the focus. Every stop on the way must be seen.
func tabTo(t *testing.T, b *browsertest.Browser, want string) {
	t.Helper()
	var stops []string
	for range 40 {
		at := tab(t, b)
		if stops = append(stops, at); at == "" {
			continue
		}
		focusSeen(t, b, at)
		if at == want {
			return
		}
	}
	t.Fatalf("the keyboard does not reach %q, but %q", want, stops)
}

// focusSeen wants the focus to be visible, and what has it not to be covered.
func focusSeen(t *testing.T, b *browsertest.Browser, at string) {
	t.Helper()
	const element = `document.activeElement`
	b.Drawn(t)
	if covered := browsertest.JS[bool](t, b, `(() => { const e = `+element+`, r = e.getBoundingClientRect()
		const x = Math.min(Math.max(r.x + r.width / 2, 1), innerWidth - 1), y = r.y + r.height / 2, top = document.elementFromPoint(x, y)
		return r.top < 0 || r.bottom > innerHeight + 0.5 || !top || !(e.contains(top) || top.contains(e)) })()`); covered {
		t.Errorf("%s has the focus and is covered, or out of sight", at)
	}
	browsertest.JS[bool](t, b, element+`.dataset.focused = ""; true`)
	with := b.Picture(t, "[data-focused]", 8)
	browsertest.JS[bool](t, b, `document.adoptedStyleSheets = [(() => { const s = new CSSStyleSheet(); s.replaceSync("*:focus-visible { outline: none !important }"); return s })()]; true`)
	b.Drawn(t)
	without := b.Picture(t, "[data-focused]", 8)
	browsertest.JS[bool](t, b, `document.adoptedStyleSheets = []; delete `+element+`.dataset.focused; true`)
	if n := with.Differs(without); n < 100 {
		t.Errorf("%s has the focus, and %d pixels show it", at, n)
	}
}

// From the choice of a coin to the receipt with the keyboard alone.
func TestItem74Keyboard(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	at, _, _ := s.serve(t)
	s.chooses(t)
	inv := s.invoiceIn(t, ViewChoose)
	b.Prefers(t, "prefers-reduced-motion", "reduce")
	b.Do(t, chromedp.EmulateViewport(1000, 700), chromedp.Navigate(at+"/i/"+string(inv.ID)))
	if got := tab(t, b); got != "Skip to payment" {
		t.Errorf("first is %q", got)
	}
	focusSeen(t, b, "the link over the header")
	b.Do(t, chromedp.KeyEvent(kb.Enter))
	tabTo(t, b, "method=btc")
	b.Do(t, chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.ArrowUp))
	tabTo(t, b, "continue")
	b.Do(t, chromedp.KeyEvent(kb.Enter))
	b.Becomes(t, fiveSeconds, `document.querySelector("main")?.dataset.state === "waiting"`)

	browsertest.JS[bool](t, b, `Object.defineProperty(navigator, "clipboard", { value: { writeText: async (t) => { window.__copied = t } } }); true`)
	tabTo(t, b, "copy-amount")
	b.Do(t, chromedp.KeyEvent(kb.Enter))
	b.Becomes(t, fiveSeconds, `window.__copied === "0.00044007"`)
	tabTo(t, b, "copy-address")
	b.Do(t, chromedp.KeyEvent(" "))
	b.Becomes(t, fiveSeconds, `window.__copied === "`+testAddress+`"`)
	tabTo(t, b, "enlarge")
	b.Do(t, chromedp.KeyEvent(kb.Enter))
	b.Becomes(t, fiveSeconds, `document.querySelector("#zoom").open`)
	b.Do(t, chromedp.KeyEvent(kb.Escape))
	b.Becomes(t, fiveSeconds, `!document.querySelector("#zoom").open && document.activeElement.dataset.testid === "enlarge"`)
	tabTo(t, b, "Pay on this device")
	b.Do(t, chromedp.KeyEvent(kb.Enter))
	tabTo(t, b, "open-in-wallet")
	tabTo(t, b, "support")

	s.becomeState(t, inv, ViewPaid)
	b.Becomes(t, 2*fiveSeconds, `document.querySelector("main").dataset.state === "paid"`)
	b.Do(t, chromedp.KeyEvent(kb.Home))
	browsertest.JS[bool](t, b, `document.activeElement.blur(); getSelection().collapse(document.body, 0); true`)
	tabTo(t, b, "return")
	tabTo(t, b, "receipt")
	b.Do(t, chromedp.KeyEvent(kb.Enter))
	b.Becomes(t, fiveSeconds, `document.querySelector("main")?.dataset.state === "receipt"`)
	b.Quiet(t)
}

// Whatever colour a merchant likes, what the browser computes of it can be read.
func TestItem81ContrastOfBrands(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	at, _, _ := s.serve(t)
	inv := s.invoiceIn(t, ViewChoose)
	s.looks(merchant.Look{Brand: "#f7931a"})
	b.Do(t, chromedp.Navigate(at+"/i/"+string(inv.ID)))
	random := rand.New(rand.NewPCG(81, 50))
	for range 50 {
		colour := fmt.Sprintf("#%06x", random.IntN(1<<24))
		s.looks(merchant.Look{Brand: colour})
		sheet := brandSheet(t, s, inv)
		browsertest.JS[bool](t, b, `new Promise((done) => { const old = document.querySelector('link[href^="/m/"]'), next = old.cloneNode()
			next.href = "`+sheet+`"; next.onload = () => { old.remove(); done(true) }; old.after(next) })`)
		for _, theme := range []string{"light", "dark"} {
			// The button's text on the button; a link on the card; the ring of the chosen radio on what is selected.
			pairs := browsertest.JS[[][2]string](t, b, `(() => {
				document.documentElement.dataset.theme = "`+theme+`"
				const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true })
				const hex = (colour) => { paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1); return "#" + [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3).map((v) => v.toString(16).padStart(2, "0")).join("") }
				const of = (name) => hex(getComputedStyle(document.documentElement).getPropertyValue(name))
				return [[of("--pay-on-brand"), of("--pay-brand")], [of("--pay-brand"), of("--pay-surface")], [of("--pay-brand"), of("--pay-bg")], [of("--pay-on-brand"), of("--pay-brand-hover")], [of("--pay-brand"), of("--pay-brand-soft")]]
			})()`)
			for i, pair := range pairs {
				enough := 4.5
				if i == len(pairs)-1 {
					enough = 3 // a control
				}
				if got := brand.Contrast(pair[0], pair[1]); got < enough {
					t.Errorf("%s, %s: %s on %s has %.2f:1", colour, theme, pair[0], pair[1], got)
				}
			}
		}
	}
	b.Quiet(t)
}

// brandSheet is the address of the merchant's colours as the page names it.
func brandSheet(t *testing.T, s *shop, inv *invoice.Invoice) string {
	t.Helper()
	_, rest, found := strings.Cut(s.ask("GET", "/i/"+string(inv.ID), "").Body.String(), `href="/m/`)
	if !found {
		t.Fatal("the page has no sheet of its merchant")
	}
	sheet, _, _ := strings.Cut(rest, `"`)
	return "/m/" + sheet
}

// Where the reader's system has colours of its own, what is chosen and what is done can still be told from the rest.
func TestItem82ForcedColours(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	at, _, _ := s.serve(t)
	differ := func(what, one, other string) {
		t.Helper()
		browsertest.JS[bool](t, b, `document.activeElement.blur(); true`)
		if n := b.Picture(t, one, 0).Differs(b.Picture(t, other, 0)); n < 20 {
			t.Errorf("%s: %d pixels tell them apart", what, n)
		}
	}
	for _, theme := range []string{"light", "dark"} {
		b.Prefers(t, "forced-colors", "active", "prefers-color-scheme", theme)
		b.Do(t, chromedp.EmulateViewport(1000, 800), chromedp.Navigate(at+"/i/"+string(s.invoiceIn(t, ViewChoose).ID)))
		differ("the chosen coin and another, "+theme, `.radio:checked`, `.radio:not(:checked)`)
		b.Do(t, chromedp.Navigate(at+"/i/"+string(s.invoiceIn(t, ViewConfirming).ID)))
		for what, selector := range map[string]string{"the ring": ".ring svg", "the steps": ".dot"} {
			if n := len(b.Picture(t, selector, 0).Pixels()); n < 2 {
				t.Errorf("%s, %s: %d colours", what, theme, n)
			}
		}
		b.Do(t, chromedp.Navigate(at+"/i/"+string(s.invoiceIn(t, ViewUnderpaid).ID)))
		box := browsertest.JS[[2]int](t, b, `(() => { const r = document.querySelector(".meter").getBoundingClientRect(); return [Math.round(r.width), Math.round(r.height)] })()`)
		meter := b.Picture(t, ".meter", 0)
		if meter.At(box[0]/4, box[1]/2) == meter.At(box[0]*9/10, box[1]/2) {
			t.Errorf("what has come and what is missing look the same, %s", theme)
		}
	}
	b.Quiet(t)
}
