package main

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"checkout/chain/chaintest"
	"checkout/web/browsertest"
)

// TestDemo buys something in the demo's shop and pays it.
func TestDemo(t *testing.T) {
	in := &installation{t: t, dir: t.TempDir()}
	t.Cleanup(in.kill)
	in.env = append(os.Environ(), asProgram+"=1", "CHECKOUT_LISTEN=127.0.0.1:0", "CHECKOUT_INTERNAL_LISTEN=127.0.0.1:0", "CHECKOUT_JSON=true")
	in.start("demo")
	in.ready("LTCT")
	if page := in.get("/demo"); !strings.Contains(page, "House blend") {
		t.Fatalf("the shop shows %.200s", page)
	}
	c, order := in.buy(t)
	in.choose(c, "ltct")
	frame, err := http.Get(in.base + c.path())
	if err != nil {
		t.Fatal(err)
	}
	if err := frame.Body.Close(); err != nil || !strings.Contains(frame.Header.Get("Content-Security-Policy"), "frame-ancestors 'self'") || frame.Header.Get("X-Frame-Options") != "" {
		t.Errorf("the shop may not frame its checkout: %v", frame.Header)
	}
	in.act(t, order, "parts")
	in.view(c, "paid")
	chaintest.Until(t, "three verified callbacks", func() bool {
		heard := in.get(order + "/heard")
		return strings.Count(heard, "Signature verified") == 3 && strings.Contains(heard, "Paid. Send the goods.") && !strings.Contains(heard, "Signature wrong")
	})
	in.stop()
}

// buy buys something in the demo's shop; it gives the invoice and the path of the order.
func (in *installation) buy(t *testing.T) (created, string) {
	t.Helper()
	res, err := http.PostForm(in.base+"/demo/orders", url.Values{"product": {"mugs"}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	_, rest, _ := strings.Cut(string(page), `src="/i/`)
	if err != nil || res.StatusCode != http.StatusOK || len(rest) < 26 {
		t.Fatalf("buying: %d %v %s", res.StatusCode, err, page)
	}
	return created{URL: "/i/" + rest[:26], ForeignID: "demo"}, res.Request.URL.Path
}

// act presses a button beside an order.
func (in *installation) act(t *testing.T, order, action string) {
	t.Helper()
	res, err := http.PostForm(in.base+order+"/play", url.Values{"action": {action}})
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
}

// TestDemoTokens: the page of a token can be seen and played without any node, and with one of the demo's own.
func TestDemoTokens(t *testing.T) {
	t.Parallel()
	in := &installation{t: t, dir: t.TempDir()}
	t.Cleanup(in.kill)
	in.env = append(os.Environ(), asProgram+"=1", "CHECKOUT_LISTEN=127.0.0.1:0", "CHECKOUT_INTERNAL_LISTEN=127.0.0.1:0", "CHECKOUT_JSON=true")
	in.start("demo", "--evm=dev", "--anvil="+chaintest.Program(t, "anvil"))
	in.ready("ETH")
	in.ready("ETHT")
	chaintest.Until(t, "the real tokens are offered", func() bool {
		c, _ := in.buy(t)
		return strings.Contains(in.get(c.path()), "usdt-ethereum-dev")
	})
	for method, actions := range map[string][]string{
		"usdt-rehearsal-evm": {"exact", "parts", "over", "reorg"},
		"usdt-ethereum-dev":  {"exact", "parts", "over", "wrong"},
		"eth":                {"exact"},
	} {
		for _, action := range actions {
			c, order := in.buy(t)
			in.choose(c, method)
			s := in.view(c, "waiting")
			if !strings.HasPrefix(s.Address, "0x") || !strings.HasPrefix(s.PaymentURI, "ethereum:0x") {
				t.Errorf("%s: address %q, payment_uri %q", method, s.Address, s.PaymentURI)
			}
			in.act(t, order, action)
			in.view(c, map[string]string{"over": "overpaid", "wrong": "wrong_asset"}[action]+map[bool]string{true: "paid"}[action != "over" && action != "wrong"])
		}
	}
	in.stop()
}

// TestDemoForTheNetwork: a demo that listens on every address still reaches itself, for its orders and for its callbacks.
func TestDemoForTheNetwork(t *testing.T) {
	in := &installation{t: t, dir: t.TempDir()}
	t.Cleanup(in.kill)
	in.env = append(os.Environ(), asProgram+"=1", "CHECKOUT_LISTEN=0.0.0.0:0", "CHECKOUT_INTERNAL_LISTEN=127.0.0.1:0", "CHECKOUT_JSON=true")
	in.start("demo")
	in.ready("LTCT")
	res, err := http.PostForm(in.base+"/demo/orders", url.Values{"product": {"mugs"}})
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(res.Body)
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), `src="/i/`)
	if err != nil || res.StatusCode != http.StatusOK || len(rest) < 26 {
		t.Fatalf("buying: %d %v %s", res.StatusCode, err, page)
	}
	in.choose(created{URL: "/i/" + rest[:26], ForeignID: "demo"}, "ltct")
	if _, err := http.PostForm(res.Request.URL.String()+"/play", url.Values{"action": {"exact"}}); err != nil {
		t.Fatal(err)
	}
	chaintest.Until(t, "a verified callback", func() bool {
		return strings.Contains(in.get(res.Request.URL.Path+"/heard"), "Signature verified")
	})
	in.stop()
}

// TestDemoCounter sells beside the demo's shop: by the button in a dialog, at the till with a tip, by the link. The customer
// is played on each sale's page, and the shop hears of all of them.
func TestDemoCounter(t *testing.T) {
	b := browsertest.Open(t, browsertest.Frames)
	in := &installation{t: t, dir: t.TempDir()}
	t.Cleanup(in.kill)
	in.env = append(os.Environ(), asProgram+"=1", "CHECKOUT_LISTEN=127.0.0.1:0", "CHECKOUT_INTERNAL_LISTEN=127.0.0.1:0", "CHECKOUT_JSON=true")
	in.start("demo")
	in.ready("LTCT")
	b.Do(t, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(in.base+"/demo"))
	b.Becomes(t, 10*time.Second, `!!window.PayEmbed`)
	if paint := browsertest.JS[string](t, b, `getComputedStyle(document.querySelector(".pay-btn")).backgroundColor`); paint != "rgb(107, 74, 54)" {
		t.Errorf("the button is %s: its own style was refused", paint)
	}
	b.Do(t, chromedp.SetValue(`.snippet input[name=quantity]`, "2"), chromedp.Click(`.snippet form button`))
	b.FrameBecomes(t, 10*time.Second, "/i/", `document.querySelector("main")?.dataset.state === "choose"`)
	b.Quiet(t)
	in.playSale(t, b, "By the button", "51.00 EUR")

	b.Do(t, chromedp.Navigate(in.base+"/demo"))
	till := browsertest.JS[string](t, b, `document.querySelector("a[href^='/t/']").href`)
	b.Do(t, chromedp.Navigate(till), chromedp.Click(`[data-key="5"]`), chromedp.Click(`[data-key="0"]`), chromedp.Click(`[data-key="0"]`), chromedp.Click("#charge"), chromedp.Click("[data-testid=tip-10]"))
	b.Becomes(t, 10*time.Second, `!!document.querySelector("[data-testid=sale-coins]")`)
	in.playSale(t, b, "At the till", "5.50 EUR")

	b.Do(t, chromedp.Navigate(in.base+"/demo"))
	link := browsertest.JS[string](t, b, `document.querySelector("a[href^='/l/']").href`)
	b.Do(t, chromedp.Navigate(link), chromedp.SetValue("[data-testid=offer-amount]", "3.50"), chromedp.Click("[data-testid=offer-pay]"))
	b.Becomes(t, 10*time.Second, `location.pathname.startsWith("/i/")`)
	in.playSale(t, b, "By the link", "3.50 EUR")
	b.Quiet(t)
	in.stop()
}

// playSale finds the newest sale on the shop's page and pays it there.
func (in *installation) playSale(t *testing.T, b *browsertest.Browser, by, price string) {
	t.Helper()
	b.Do(t, chromedp.Navigate(in.base+"/demo"))
	row := browsertest.JS[string](t, b, `document.querySelector("a[href^='/demo/sales/']").closest("li").innerText`)
	if !strings.Contains(row, by) || !strings.Contains(row, price) || !strings.Contains(row, "waiting") {
		t.Errorf("the newest sale is %q, want %s, %s", row, by, price)
	}
	b.Do(t, chromedp.Click(`a[href^='/demo/sales/']`))
	b.FrameBecomes(t, 10*time.Second, "/i/", `document.querySelector("main")?.dataset.state === "choose"`)
	browsertest.InFrame[bool](t, b, "/i/", `document.querySelector("input[name=method][value=ltct]").click(); document.querySelector("[data-testid=continue]").click(); true`)
	b.FrameBecomes(t, 10*time.Second, "/i/", `document.querySelector("main")?.dataset.state === "waiting"`)
	b.Do(t, chromedp.Click(`button[value=exact]`))
	b.FrameBecomes(t, 30*time.Second, "/i/", `document.querySelector("main")?.dataset.state === "paid"`)
	b.Becomes(t, 10*time.Second, `document.querySelectorAll(".heard .verified").length === 2 && document.querySelector(".heard .says").textContent === "Paid. Send the goods."`)
}
