package checkout

import (
	"os"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"checkout/web/browsertest"
	"checkout/web/texts"
)

// kinds are the pages that differ in their parts: a tag, two tabs and wallets, one code, wallets in the browser.
var kinds = []struct{ asset, due, tag string }{{"xrp", "25.5", "1234567"}, {"usdt-ethereum", "25.5", ""}, {"usdt-tron", "25.5", ""}, {"usdc-bsc", "12345.67", ""}}

// No kind of page is wider than the smallest phone in any language, and nothing on it is too small to hit.
func TestAssetPagesFitEveryLanguage(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	s.face.Base = "https://pay.example.com"
	at, _, _ := s.serve(t)
	for _, kind := range kinds {
		inv := s.invoiceFor(t, kind.asset, kind.due, kind.tag)
		for _, l := range texts.All() {
			b.Do(t, chromedp.EmulateViewport(320, 740), chromedp.Navigate("about:blank"), chromedp.Navigate(at+"/i/"+string(inv.ID)+"?lang="+l.Tag+"#qr"))
			if got := browsertest.JS[int64](t, b, `document.documentElement.scrollWidth`); got > 320 {
				t.Errorf("%s, %s: %d px on a screen of 320", kind.asset, l.Tag, got)
			}
			bad := browsertest.JS[[]string](t, b, `[...document.querySelectorAll("main button, main .btn, main .link, main .tabs a")].filter(e => e.getClientRects().length && (e.getBoundingClientRect().height < (e.closest(".tabs") ? 38 : 44) || e.scrollWidth > e.clientWidth + 1)).map(e => e.outerHTML)`)
			if len(bad) > 0 {
				t.Errorf("%s, %s: too small or clipped: %q", kind.asset, l.Tag, bad)
			}
		}
	}
	b.Quiet(t)
}

// No kind of page breaks a rule of WCAG 2.2 AA that a machine can check, with wallets in the browser and without.
func TestAssetPagesAreAccessible(t *testing.T) {
	axe, err := os.ReadFile("testdata/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	b, s := browsertest.Open(t), openShop(t)
	s.face.Base = "https://pay.example.com"
	at, _, _ := s.serve(t)
	b.Before(t, mockWallets)
	for _, kind := range kinds {
		inv := s.invoiceFor(t, kind.asset, kind.due, kind.tag)
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{360, 1280} {
				b.Do(t, chromedp.EmulateViewport(width, 740), chromedp.Navigate("about:blank"), chromedp.Navigate(at+"/i/"+string(inv.ID)+"?theme="+scheme+"#qr"))
				time.Sleep(100 * time.Millisecond)
				browsertest.JS[bool](t, b, `document.querySelector("#device").open = true`)
				b.Do(t, chromedp.Evaluate[chromedp.Void](string(axe)))
				bad := browsertest.JS[[]string](t, b, `axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r => r.violations.map(v => v.id + ": " + v.nodes.map(n => n.target + " " + n.failureSummary).join("; ")))`)
				if len(bad) > 0 {
					t.Errorf("%s, %s, %d px: %q", kind.asset, scheme, width, bad)
				}
			}
		}
	}
}
