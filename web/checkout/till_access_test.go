package checkout

import (
	"net/url"
	"testing"

	"github.com/chromedp/chromedp"

	"checkout/invoice"
	"checkout/payterm"
	"checkout/web/browsertest"
)

// accessible wants what is in the browser to pass axe, light and dark, and to fit 320 px.
func accessible(t *testing.T, b *browsertest.Browser, name string) {
	t.Helper()
	b.Do(t, chromedp.EmulateViewport(320, 640), chromedp.Evaluate[chromedp.Void](mustRead(t, "testdata/axe.min.js")))
	for _, theme := range []string{"light", "dark"} {
		browsertest.JS[bool](t, b, `document.documentElement.dataset.theme = "`+theme+`"; true`)
		b.Drawn(t)
		if found := axe(t, b); len(found) > 0 {
			t.Errorf("%s, %s: %q", name, theme, found)
		}
	}
	if wide := browsertest.JS[int](t, b, `document.documentElement.scrollWidth`); wide > 320 {
		t.Errorf("%s: %d px wide on 320", name, wide)
	}
	if small := browsertest.JS[[]string](t, b, `[...document.querySelectorAll("main button, main summary, main input:not([type=hidden]), .till-top summary")]
		.filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 44).map((e) => e.outerHTML.slice(0, 80))`); len(small) > 0 {
		t.Errorf("%s: too small to hit: %q", name, small)
	}
	b.Quiet(t)
}

// The pages of a till that answer forms, and a sale on its way, pass as well; in both directions of writing.
func TestTillStepsAccess(t *testing.T) {
	m, b := openMarket(t), browsertest.Open(t)
	x := m.terminal(func(x *payterm.Terminal) { x.PIN, x.Tips, x.Min = "4711", []int{5, 10, 15, 20}, eur(100) })
	b.Prefers(t, "prefers-reduced-motion", "reduce") // colours on their way are no colours
	for _, lang := range []string{"en", "ar"} {
		query, name := "?lang="+lang, func(what string) string { return what + " in " + lang }
		b.Do(t, chromedp.Navigate(m.at(x)+query), chromedp.Click(".menu summary"))
		accessible(t, b, name("open menu"))
		b.Do(t, chromedp.Click(".menu summary"))
		keys(t, b, "9", "9", "9", "9", "9", "9", "9", "9", "9")
		accessible(t, b, name("nine digits"))
		b.Do(t, chromedp.Click("#charge"))
		b.Becomes(t, fiveSeconds, `!!document.querySelector("[data-testid=tips]")`)
		accessible(t, b, name("tips"))
		b.Do(t, chromedp.Click("[data-testid=tip-back]"))
		b.Becomes(t, fiveSeconds, `!!document.querySelector("#pad")`)
		keys(t, b, "5", "0")
		b.Do(t, chromedp.Click("#charge"))
		b.Becomes(t, fiveSeconds, `!!document.querySelector("#pad-error")`) // less than is taken
		b.Forget()                                                          // what is refused is an error to the console
		accessible(t, b, name("refused"))

		_, to, _ := m.post(t, "/t/"+x.Token+"/charge", url.Values{"amount": {"12.50"}, "tip": {"1"}, "note": {"Table 4"}})
		inv, err := m.invoices.Choose(t.Context(), m.newest().ID, invoice.Choice{Asset: "ltct"})
		if err != nil {
			t.Fatal(err)
		}
		b.Do(t, chromedp.Navigate(m.url+to+query), chromedp.Click("#own summary"))
		accessible(t, b, name("waiting"))
		m.settle(inv)
		b.Do(t, chromedp.Navigate(m.url+to+query))
		b.Becomes(t, fiveSeconds, `!!document.querySelector(".is-paid #stay:not([hidden])")`)
		accessible(t, b, name("paid"))
		b.Do(t, chromedp.Navigate(m.at(x)+"/history"+query), chromedp.SendKeys("#pin", "4711"), chromedp.Click("[data-testid=pin-show]"))
		b.Becomes(t, fiveSeconds, `!!document.querySelector("[data-testid=sold] li")`)
		accessible(t, b, name("sales"))
	}
}
