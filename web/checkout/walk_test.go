package checkout

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"checkout/invoice"
	"checkout/money"
	"checkout/web/browsertest"
)

// findings are what is wrong with pages, by the item it breaks: pages are opened once for many items.
type findings map[string][]string

func (f findings) add(item string, format string, values ...any) {
	f[item] = append(f[item], fmt.Sprintf(format, values...))
}

func (f findings) list(item, where string, wrong []string) {
	for _, each := range wrong {
		f.add(item, "%s: %s", where, each)
	}
}

// report fails each item by itself.
func (f findings) report(t *testing.T, items ...string) {
	t.Helper()
	for _, item := range items {
		t.Run(item, func(t *testing.T) {
			slices.Sort(f[item])
			for _, wrong := range slices.Compact(f[item]) {
				t.Error(wrong)
			}
		})
	}
	for item := range f {
		if !slices.Contains(items, item) {
			t.Errorf("found, and of no item: %s", item)
		}
	}
}

// probe runs one of the questions of testdata/probe.js.
func probe(t *testing.T, b *browsertest.Browser, question string) []string {
	t.Helper()
	return browsertest.JS[[]string](t, b, "probe."+question+"()")
}

func mustRead(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// axe says which rules of WCAG 2.2 AA a page breaks.
func axe(t *testing.T, b *browsertest.Browser) []string {
	t.Helper()
	return browsertest.JS[[]string](t, b, `axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })
		.then((r) => r.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.target + " " + n.failureSummary).join("; ")))`)
}

// keepsNothing makes pages note whatever they try to keep in the browser.
const keepsNothing = `(() => {
	window.__kept = []
	const note = (what, of) => { const real = of[what]; of[what] = function (...a) { __kept.push(what); return real.apply(this, a) } }
	note("setItem", Storage.prototype); note("open", IDBFactory.prototype)
	if (window.CacheStorage) note("open", CacheStorage.prototype)
	const cookie = Object.getOwnPropertyDescriptor(Document.prototype, "cookie")
	Object.defineProperty(document, "cookie", { get: () => cookie.get.call(document), set: (v) => { __kept.push("cookie"); cookie.set.call(document, v) } })
})()`

// spacing is what readers may set without losing anything (WCAG 1.4.12).
const spacing = `(() => { const s = new CSSStyleSheet()
	s.replaceSync("* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important } p { margin-block-end: 2em !important }")
	document.adoptedStyleSheets = [s]; return true })()`

// TestEveryViewInABrowser opens every view in light and dark, in both directions of writing, on phones and desks, and looks
// at it in every way that needs no change of state.
func TestEveryViewInABrowser(t *testing.T) {
	b := browsertest.Open(t)
	b.Before(t, keepsNothing)
	rules, probes := mustRead(t, "testdata/axe.min.js"), mustRead(t, "testdata/probe.js")
	found, signs := findings{}, map[string]View{}
	for _, v := range views() {
		s := openShop(t)
		at, _, _ := s.serve(t)
		inv := s.invoiceIn(t, v)
		screen := func(width, height int64, scale float64) {
			b.Do(t, chromedp.EmulateViewport(width, height, chromedp.EmulateScale(scale)))
		}
		// Without motion, so that a colour is what it is at once.
		prefers := func(more ...string) { b.Prefers(t, append(more, "prefers-reduced-motion", "reduce")...) }
		open := func(lang string) {
			b.Do(t, chromedp.Navigate("about:blank"), chromedp.Navigate(at+"/i/"+string(inv.ID)+"?lang="+lang+"#qr"),
				chromedp.Evaluate[chromedp.Void](rules), chromedp.Evaluate[chromedp.Void](probes))
		}
		where := func(what string) string { return string(v) + ", " + what }

		screen(360, 740, 1)
		prefers("prefers-color-scheme", "light")
		open("en")
		found.list("item 79: reduced motion", where("moves"), probe(t, b, "moving"))
		found.list("item 73: axe", where("light, 360 px"), axe(t, b))
		if got := shows(t, b); got != v {
			found.add("item 26: every view has its heading", "%s shows %s", v, got)
		}
		if got := probe(t, b, "headings"); len(got) != 1 || got[0] != headings[v] {
			found.add("item 26: every view has its heading", "%s: %q, want %q", v, got, headings[v])
		} else if strings.Contains(got[0], "Checkout") {
			found.add("item 38: the vendor is silent", "%s: %q", v, got)
		}
		if got := probe(t, b, "support"); len(got) != 1 || !strings.HasPrefix(got[0], "mailto:support@acme.example?") || !strings.Contains(got[0], url.PathEscape(inv.ID.Short())) {
			found.add("item 37: help in every view", "%s: %q", v, got)
		}
		found.list("item 80: pictures have names or are hidden", where("all"), probe(t, b, "pictures"))
		if named := browsertest.JS[bool](t, b, `[...document.querySelectorAll("#qr svg[role=img]")].some((e) => e.getAttribute("aria-label").length > 10)`); named != payable(v) {
			found.add("item 80: pictures have names or are hidden", "%s: the code has a name: %v", v, named)
		}
		found.list("item 90: no address leaves the page", where("links"), probe(t, b, "leaks"))
		for _, width := range []int64{320, 360, 768, 1280} {
			screen(width, 740, 1)
			found.list("item 76: reflow", where(fmt.Sprint(width, " px")), probe(t, b, "fit"))
			found.list("item 77: targets", where(fmt.Sprint(width, " px")), probe(t, b, "targets"))
		}
		screen(320, 200, 4)
		found.list("item 76: reflow", where("1280 px at 400 %"), probe(t, b, "fit"))
		browsertest.JS[bool](t, b, spacing)
		for _, width := range []int64{320, 1280} {
			screen(width, 740, 1)
			found.list("item 78: text spacing", where(fmt.Sprint(width, " px")), probe(t, b, "fit"))
		}
		browsertest.JS[bool](t, b, `document.adoptedStyleSheets = []; true`)

		prefers("forced-colors", "active")
		sign := browsertest.JS[string](t, b, `document.querySelector(".status > .i")?.innerHTML + document.querySelector("h1").innerText`)
		if other, taken := signs[sign]; taken {
			found.add("item 82: states without colour", "%s looks like %s", v, other)
		}
		signs[sign] = v
		if v != ViewChoose && len(b.Picture(t, ".status > .i", 0).Pixels()) < 2 {
			found.add("item 82: states without colour", "%s: the sign cannot be seen", v)
		}

		screen(1280, 740, 1)
		prefers("prefers-color-scheme", "dark")
		browsertest.JS[bool](t, b, `document.querySelectorAll("details:not(.langs)").forEach((d) => { d.open = true }); true`) // an open menu covers what is below it
		b.Drawn(t)
		found.list("item 73: axe", where("dark, all unfolded, 1280 px"), axe(t, b))
		prefers("prefers-color-scheme", "light")
		open("ar")
		found.list("item 73: axe", where("right to left, light, 1280 px"), axe(t, b))
		screen(360, 740, 1)
		prefers("prefers-color-scheme", "dark")
		b.Drawn(t)
		found.list("item 73: axe", where("right to left, dark, 360 px"), axe(t, b))
		found.list("item 76: reflow", where("right to left, 360 px"), probe(t, b, "fit"))
		found.list("item 91: nothing is kept", where("at rest"), browsertest.JS[[]string](t, b, `__kept`))
		found.list("item 89: the console is silent", where("loading"), b.Heard())
	}
	found.report(t, "item 26: every view has its heading", "item 37: help in every view", "item 38: the vendor is silent", "item 73: axe", "item 76: reflow", "item 77: targets",
		"item 78: text spacing", "item 79: reduced motion", "item 80: pictures have names or are hidden", "item 82: states without colour",
		"item 89: the console is silent", "item 90: no address leaves the page", "item 91: nothing is kept")
}

// What moves without a wish moves: the walk's look for it sees something.
func TestItem79MotionIsThereOtherwise(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	at, _, _ := s.serve(t)
	b.Do(t, chromedp.Navigate(at+"/i/"+string(s.invoiceIn(t, ViewWaiting).ID)), chromedp.Evaluate[chromedp.Void](mustRead(t, "testdata/probe.js")))
	if len(probe(t, b, "moving")) == 0 {
		t.Error("nothing moves on a page that waits")
	}
	b.Prefers(t, "prefers-reduced-motion", "reduce")
	if got := probe(t, b, "moving"); len(got) > 0 {
		t.Errorf("moves for who wants no motion: %q", got)
	}
}

// TestWalkOfOtherPages looks at pages no view of the walk has: links into wallets, a tag, an exchange, a search that finds nothing.
func TestWalkOfOtherPages(t *testing.T) {
	b := browsertest.Open(t)
	rules, probes := mustRead(t, "testdata/axe.min.js"), mustRead(t, "testdata/probe.js")
	b.Prefers(t, "prefers-reduced-motion", "reduce", "prefers-color-scheme", "light")
	for name, page := range map[string]struct {
		make func(s *shop) *invoice.Invoice
		tail string
		sign string // is on the page
	}{
		"a token": {func(s *shop) *invoice.Invoice { return s.invoiceFor(t, "usdt-ethereum", "25.5", "") }, "", `a[href^="https://link.metamask.io/"]`},
		"a tag":   {func(s *shop) *invoice.Invoice { return s.invoiceFor(t, "xrp", "25.5", "1234567") }, "", "[data-testid=tag]"},
		"Solana":  {func(s *shop) *invoice.Invoice { return s.invoiceFor(t, "sol", "25.5", "") }, "", `a[href^="https://"]`},
		"exchange": {func(s *shop) *invoice.Invoice {
			inv := s.invoiceFor(t, "usdt-ethereum", "25.5", "")
			inv.FromExchange = true
			return inv
		}, "", "[data-testid=arrives]"},
		"no coin": {func(s *shop) *invoice.Invoice {
			s.face.Estimate = func(coin money.Currency, _ money.Amount, _ int) (money.Amount, error) {
				return amount(t, coin, "1"), nil
			}
			inv := s.invoiceIn(t, ViewChoose)
			for _, a := range mustRegistry(t).Assets() {
				if n, _ := mustRegistry(t).Network(a.Network); a.ID != "btc" && !n.Played {
					inv.Methods = append(inv.Methods, invoice.NewMethod(a, n, invoice.TermsOrder))
				}
			}
			return inv
		}, "?find=nothing+of+this", "[data-testid=search-none]"},
	} {
		s := openShop(t)
		at, _, _ := s.serve(t)
		inv := page.make(s)
		b.Do(t, chromedp.EmulateViewport(360, 740), chromedp.Navigate("about:blank"), chromedp.Navigate(at+"/i/"+string(inv.ID)+page.tail+"#qr"),
			chromedp.Evaluate[chromedp.Void](rules), chromedp.Evaluate[chromedp.Void](probes))
		if !browsertest.JS[bool](t, b, "!!document.querySelector(`"+page.sign+"`)") {
			t.Errorf("%s: not the page that was meant", name)
		}
		wrong := append(axe(t, b), probe(t, b, "leaks")...)
		wrong = append(wrong, probe(t, b, "pictures")...)
		for _, width := range []int64{320, 360, 1280} {
			b.Do(t, chromedp.EmulateViewport(width, 740))
			browsertest.JS[bool](t, b, `document.querySelectorAll("details:not(.langs)").forEach((d) => { d.open = true }); true`)
			wrong = append(append(wrong, probe(t, b, "fit")...), probe(t, b, "targets")...)
		}
		if got := browsertest.JS[[]string](t, b, `[...document.querySelectorAll("[data-wallet][href^='https:']")].filter((a) => a.rel !== "noopener noreferrer nofollow").map((a) => a.outerHTML)`); len(got) > 0 {
			wrong = append(wrong, got...)
		}
		for _, each := range wrong {
			t.Errorf("%s: %s", name, each)
		}
	}
	b.Quiet(t)
}
