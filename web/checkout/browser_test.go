package checkout

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"checkout/invoice"
	"checkout/web/browsertest"
)

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
