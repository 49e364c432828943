package checkout

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"checkout/invoice"
	"checkout/payterm"
	"checkout/web/browsertest"
)

// scriptless is a browser that runs no script, at a shop.
func scriptless(t *testing.T) (*browsertest.Browser, *shop, string) {
	t.Helper()
	b := browsertest.Open(t)
	s := openShop(t)
	at, _, _ := s.serve(t)
	b.Scripts(t, false)
	b.Do(t, chromedp.EmulateViewport(360, 740))
	return b, s, at
}

// becomes waits for the view a form leads to. Evaluation works for a test even where the page may run nothing.
func becomes(t *testing.T, b *browsertest.Browser, v View) {
	t.Helper()
	b.Becomes(t, fiveSeconds, `document.readyState === "complete" && document.querySelector("main")?.dataset.state === "`+string(v)+`"`)
}

// Everything can be done by forms and links.
func TestWithoutScript(t *testing.T) {
	b, s, at := scriptless(t)
	s.chooses(t)
	inv := s.invoiceIn(t, ViewChoose)
	t.Run("item 54: a coin is chosen and can be paid", func(t *testing.T) {
		b.Do(t, chromedp.Navigate(at+"/i/"+string(inv.ID)), chromedp.Click("input[value=btc]"), chromedp.Click("[data-testid=continue]"))
		becomes(t, b, ViewWaiting)
		fields, _ := json.Marshal(browsertest.JS[[]string](t, b, `[...document.querySelectorAll("input[readonly]")].filter(e => e.getBoundingClientRect().width > 300).map(e => e.value)`))
		if string(fields) != `["0.00044007","`+testAddress+`"]` {
			t.Errorf("fields %s", fields)
		}
		b.Do(t, chromedp.Click("[data-testid=show-qr]"))
		if got := code(t, b); got != testURI {
			t.Errorf("the code reads %q", got)
		}
	})
	t.Run("item 57: the other kind of code", func(t *testing.T) {
		b.Do(t, chromedp.Click("[data-tab]:not([aria-current])"))
		b.Becomes(t, fiveSeconds, `location.search === "?qr=address" && document.readyState === "complete"`)
		if got := code(t, b); got != testAddress {
			t.Errorf("reads %q", got)
		}
	})
	t.Run("item 57: another language", func(t *testing.T) {
		b.Do(t, chromedp.Click("[data-testid=languages] summary"), chromedp.Click(`[data-testid=languages] a[hreflang=de]`))
		b.Becomes(t, fiveSeconds, `document.documentElement.lang === "de" && location.search.includes("qr=address")`)
		b.Do(t, chromedp.Navigate(at+"/i/"+string(inv.ID)))
	})
	t.Run("item 56: the automatic refresh is stopped, and stays so through forms", func(t *testing.T) {
		b.Do(t, chromedp.Click("[data-testid=refresh-toggle]"))
		b.Becomes(t, fiveSeconds, `location.search === "?r=0" && document.readyState === "complete" && !document.querySelector("meta[http-equiv=refresh]")`)
		if got := text(t, b, "[data-testid=refresh-toggle]"); got != "Start automatic refresh" {
			t.Errorf("then offers %q", got)
		}
		b.Do(t, chromedp.Click("[data-testid=change]"))
		becomes(t, b, ViewChoose)
		b.Do(t, chromedp.Click("input[value=btc]"), chromedp.Click("[data-testid=continue]"))
		becomes(t, b, ViewWaiting)
		if got := browsertest.JS[string](t, b, `location.search`); !strings.Contains(got, "r=0") {
			t.Errorf("after the form: %q", got)
		}
		b.Do(t, chromedp.Click("[data-testid=check-now]"))
		b.Becomes(t, fiveSeconds, `location.search.includes("r=0") && document.readyState === "complete"`)
	})
	t.Run("item 58: nothing is there that does nothing", func(t *testing.T) {
		for _, v := range views() {
			b.Do(t, chromedp.Navigate(at+"/i/"+string(s.invoiceIn(t, v).ID)+"?r=0"))
			dead := browsertest.JS[[]string](t, b, `[...document.querySelectorAll("button, input, summary, dialog, [role=alert], [data-copy], [data-compare]")].filter((e) => e.checkVisibility() &&
				!e.matches("form button[type=submit], form input, input[readonly], summary, .error")).map((e) => e.outerHTML.slice(0, 120))`)
			if len(dead) > 0 {
				t.Errorf("%s: %q", v, dead)
			}
			for _, never := range []string{"Copy amount", "Copy address", "No connection", "Compare", "Try again"} {
				if strings.Contains(text(t, b, "body"), never) {
					t.Errorf("%s: says %q", v, never)
				}
			}
		}
	})
	t.Run("item 57: a new price", func(t *testing.T) {
		s.nodes("bitcoin", true)
		expired := s.invoiceIn(t, ViewExpired)
		model := *s.invoiceIn(t, ViewWaiting)
		s.requote = func(inv *invoice.Invoice) error {
			inv.Quotes, inv.Outcome, inv.Ended = model.Quotes, model.Outcome, nil
			return nil
		}
		b.Do(t, chromedp.Navigate(at+"/i/"+string(expired.ID)), chromedp.Click("[data-testid=requote]"))
		becomes(t, b, ViewWaiting)
	})
	t.Run("item 57: a refund address", func(t *testing.T) {
		b.Do(t, chromedp.Navigate(at+"/i/"+string(s.invoiceIn(t, ViewOverpaid).ID)))
		browsertest.JS[bool](t, b, `document.querySelector("#refund-address").value = "`+testAddress+`"; true`)
		b.Do(t, chromedp.Click("#refund button"))
		b.Becomes(t, fiveSeconds, `!!document.querySelector("[data-testid=refund-kept]")`)
	})
	b.Quiet(t)
}

// The page looks again by itself as long as something may happen, and only then.
func TestItem55Reload(t *testing.T) {
	b, s, at := scriptless(t)
	for _, v := range views() {
		inv := s.invoiceIn(t, v)
		for query, still := range map[string]bool{"": false, "?r=0": true} {
			b.Do(t, chromedp.Navigate(at+"/i/"+string(inv.ID)+query))
			got := browsertest.JS[string](t, b, `document.querySelector("meta[http-equiv=refresh]")?.content ?? ""`)
			want := ""
			if !v.Final() && v != ViewChoose && !still {
				want = "30;url=/i/" + string(inv.ID) + "?r=30#status"
			}
			if got != want {
				t.Errorf("%s%s: %q, want %q", v, query, got, want)
			}
		}
	}
	// And the browser does it: thirty seconds that pass at once.
	s.nodes("bitcoin", true)
	inv := s.invoiceIn(t, ViewWaiting)
	b.Do(t, chromedp.Navigate(at+"/i/"+string(inv.ID)))
	s.becomeState(t, inv, ViewPaid)
	budget := 50e3 // ms: the reload, and what it loads
	if _, err := chromedp.Call(b.Context(), emulation.SetVirtualTimePolicy, emulation.SetVirtualTimePolicyParams{Policy: emulation.VirtualTimePolicyPauseIfNetworkFetchesPending, Budget: &budget}); err != nil {
		t.Fatal(err)
	}
	b.Becomes(t, fiveSeconds, `location.search === "?r=30" && document.querySelector("main")?.dataset.state === "paid"`)
	b.Quiet(t)
}

// A phone shows all of it without script too.
func TestWithoutScriptFits(t *testing.T) {
	b, s, at := scriptless(t)
	b.Do(t, chromedp.Navigate(at+"/i/"+string(s.invoiceIn(t, ViewWaiting).ID)))
	for _, want := range []string{"UTC", "minutes from now", "Stop automatic refresh", "Check now", "Show QR code"} {
		if !strings.Contains(text(t, b, "body"), want) {
			t.Errorf("no %q", want)
		}
	}
	if got := browsertest.JS[int64](t, b, `document.documentElement.scrollWidth`); got > 360 {
		t.Errorf("%d px wide", got)
	}
	b.Do(t, chromedp.Navigate(at+"/i/"+string(s.invoiceIn(t, ViewChoose).ID)))
	if got := text(t, b, "body"); strings.Contains(got, "automatic refresh") || !strings.Contains(got, "Continue") {
		t.Errorf("the form page: %q", got)
	}
	b.Quiet(t)
}

// A whole sale at the till by forms and links: the sum, the tip, a coin, the code, and "Paid" after the page renewed itself.
func TestItem57Till(t *testing.T) {
	m, b := openMarket(t), browsertest.Open(t)
	x := m.terminal(func(x *payterm.Terminal) { x.Tips = []int{10} })
	b.Scripts(t, false)
	b.Do(t, chromedp.EmulateViewport(360, 740), chromedp.Navigate(m.at(x)))
	if keypad := browsertest.JS[bool](t, b, `document.querySelector(".keys").offsetParent !== null`); keypad {
		t.Error("keys are shown that do nothing")
	}
	b.Do(t, chromedp.SendKeys("[data-testid=entry]", "12.50"), chromedp.Click("#charge"), chromedp.Click("[data-testid=tip-10]"), chromedp.Click("[data-testid=coin-ltct]"))
	b.Do(t, chromedp.WaitVisible("[data-testid=qr]"))
	inv := m.newest()
	if inv.Price.String() != "13.75" || inv.Asset != "ltct" {
		t.Errorf("made %s in %q", inv.Price, inv.Asset)
	}
	if got, want := browsertest.ReadCode(t, b.Shoot(t)), mustAddress(t, inv); !strings.Contains(got, want) {
		t.Errorf("the code reads %q, the address is %s", got, want)
	}
	m.settle(inv)
	b.Becomes(t, 40*time.Second, `!!document.querySelector("#live.is-paid h1")`)
	b.Do(t, chromedp.Click("[data-testid=new-sale]"), chromedp.WaitVisible("[data-testid=entry]"))
}
