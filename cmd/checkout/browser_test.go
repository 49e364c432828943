package main

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"checkout/chain/chaintest"
	"checkout/web/browsertest"
)

// TestBrowserPays is a customer in a real browser with a real wallet: the form, the code on the screen, the payment, the
// thank-you, with and without script.
func TestBrowserPays(t *testing.T) {
	b := browsertest.Open(t)
	node := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{})
	in := open(t, "", node.URL(), "CHECKOUT_CONFIRMATIONS=BTC=2")
	in.serve()
	in.ready("BTC")

	c := in.create("browser", map[string]any{"sender_currency": nil})
	b.Do(t, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(in.base+c.path()))
	browsertest.JS[bool](t, b, `document.querySelector("input[name=method][value=btc]").click(); window.__stay = true`)
	b.Do(t, chromedp.Click(`[data-testid=continue]`))
	b.Becomes(t, 10*time.Second, `document.querySelector("main")?.dataset.state === "waiting"`)
	s := in.view(c, "waiting")
	shown := browsertest.JS[string](t, b, `document.querySelector("main").dataset.paymentUri`)
	if read := browsertest.ReadCode(t, b.Shoot(t)); read != s.PaymentURI || shown != s.PaymentURI {
		t.Errorf("the code on the screen says %q, the page %q, the status %q", read, shown, s.PaymentURI)
	}
	browsertest.JS[bool](t, b, `window.__stay = true`)
	node.Pay(s.Address, due)
	b.Becomes(t, 10*time.Second, `document.querySelector("main").dataset.state === "detected"`)
	node.Generate(1)
	b.Becomes(t, 10*time.Second, `document.querySelector("main").dataset.state === "confirming" && document.querySelector("progress").max === 2`)
	node.Generate(1)
	b.Becomes(t, 10*time.Second, `document.querySelector("main").dataset.state === "paid"`)
	if !browsertest.JS[bool](t, b, `window.__stay === true && document.cookie === "" && !performance.getEntriesByType("resource").some(e => !e.name.startsWith(location.origin))`) {
		t.Error("the page was loaded again, set a cookie, or asked another host")
	}
	b.Quiet(t)

	dark := in.create("browser-dark", nil)
	b.Do(t, chromedp.EmulateViewport(360, 740), chromedp.Navigate(in.base+dark.path()+"?theme=dark#qr"))
	if read := browsertest.ReadCode(t, b.Shoot(t)); !strings.HasPrefix(read, "bitcoin:"+*dark.Address+"?amount=") {
		t.Errorf("on a dark phone the code says %q", read)
	}
	if wide := browsertest.JS[float64](t, b, `document.documentElement.scrollWidth`); wide > 360 {
		t.Errorf("the page is %v px wide on a phone of 360", wide)
	}
	b.Quiet(t)

	in.withoutScript(t, b, node)
	reports := in.logs.String()
	if strings.Contains(reports, "csp") {
		t.Errorf("the content policy was broken:\n%s", reports)
	}
}

// withoutScript pays in a browser that runs no script.
func (in *installation) withoutScript(t *testing.T, b *browsertest.Browser, node *chaintest.BitcoinNode) {
	c := in.create("no-script", map[string]any{"sender_currency": nil})
	if _, err := chromedp.Call(b.Context(), emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	b.Do(t, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(in.base+c.path()), chromedp.Click(`input[name=method][value=btc]`), chromedp.Click(`[data-testid=continue]`))
	s := in.view(c, "waiting")
	b.Do(t, chromedp.WaitVisible(`[data-qr-content]`))
	if read := browsertest.ReadCode(t, b.Shoot(t)); read != s.PaymentURI {
		t.Errorf("without script the code says %q, want %q", read, s.PaymentURI)
	}
	node.Pay(s.Address, due)
	in.view(c, "detected")
	node.Generate(2)
	in.view(c, "paid")
	b.Do(t, chromedp.Reload(), chromedp.WaitVisible(`main[data-state=paid]`))
}
