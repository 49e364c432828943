package checkout

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"checkout/invoice"
	"checkout/web/browsertest"
)

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
