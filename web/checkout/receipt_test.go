package checkout

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"checkout/invoice"
	"checkout/web/browsertest"
)

// A receipt names everything somebody may ask for later, whole transaction ids and times in UTC, and is there once money was
// seen.
func TestItem109Receipt(t *testing.T) {
	s := openShop(t)
	for _, v := range views() {
		inv := s.invoiceIn(t, v)
		w := s.ask("GET", "/i/"+string(inv.ID)+"/receipt", "")
		if !receiptable(inv) {
			if w.Code != 303 || w.Header().Get("Location") != "/i/"+string(inv.ID) {
				t.Errorf("%s: %d to %s, with nothing to show", v, w.Code, w.Header().Get("Location"))
			}
			continue
		}
		body := w.Body.String()
		final := inv.Outcome.State == invoice.Settled
		if w.Code != 200 || strings.Contains(body, `data-testid="preview"`) == final {
			t.Errorf("%s: %d, final %v", v, w.Code, final)
		}
		for _, want := range []string{"Acme Coffee", inv.ID.Short(), testTx, "UTC", "This is not a tax invoice.", testAddress, "Bitcoin (BTC)", "25.50 USD", "1 BTC = "} {
			if !strings.Contains(strings.ReplaceAll(body, "</bdi>", ""), want) {
				t.Errorf("%s: no %q on the receipt", v, want)
			}
		}
	}
	if w := s.ask("GET", "/i/0000000000000000000000000X/receipt", ""); w.Code != 404 {
		t.Errorf("a receipt of nobody: %d", w.Code)
	}
}

// Money taken at two prices has no one rate: the receipt names none rather than a wrong one.
func TestReceiptOfTwoPrices(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewPaid)
	at := "/i/" + string(inv.ID) + "/receipt?lang=en"
	if !strings.Contains(s.ask("GET", at, "").Body.String(), "1 BTC = ") {
		t.Fatal("one price is not named")
	}
	_, err := s.change(inv.ID, func(inv *invoice.Invoice) error {
		second := inv.Payments[0]
		second.ID, second.Quote = "second", "another quote"
		inv.Payments = append(slices.Clone(inv.Payments), second)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if body := s.ask("GET", at, "").Body.String(); strings.Contains(body, "1 BTC = ") || strings.Count(body, testTx) != 2 {
		t.Error("two prices, and one is named for both; or a payment is missing")
	}
}

func TestBrowserReceipt(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	url, _, _ := s.serve(t)
	inv := s.invoiceIn(t, ViewPaid)
	b.Do(t, chromedp.EmulateViewport(360, 740), chromedp.Navigate(url+"/i/"+string(inv.ID)+"?lang=en"))
	b.Do(t, chromedp.Navigate(browsertest.JS[string](t, b, `document.querySelector("[data-testid=receipt]").href`)))
	if !browsertest.JS[bool](t, b, `document.documentElement.scrollWidth <= 360 && !document.querySelector("[data-print]").hidden && /UTC\s*\(/.test(document.querySelector("[data-testid=payments]").innerText)`) {
		t.Error(browsertest.JS[string](t, b, `document.documentElement.scrollWidth + " " + document.body.innerText`))
	}
	yes := true
	for name, paper := range map[string][2]float64{"A4": {8.27, 11.69}, "80 mm": {3.15, 11.69}} {
		pdf, err := chromedp.Call(b.Context(), page.PrintToPDF, page.PrintToPDFParams{PaperWidth: paper[0], PaperHeight: paper[1], PrintBackground: &yes})
		if err != nil {
			t.Fatal(err)
		}
		raw := pdf.Data
		if decoded, err := base64.StdEncoding.DecodeString(string(raw)); err == nil {
			raw = decoded
		}
		if pages := strings.Count(string(raw), "/Type /Page\n") + strings.Count(string(raw), "/Type /Page "); name == "A4" && pages > 1 {
			t.Errorf("%s: %d pages", name, pages)
		}
	}
	// On paper 80 mm wide everything fits, black on white.
	if _, err := chromedp.Call(b.Context(), emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print", Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}); err != nil {
		t.Fatal(err)
	}
	b.Do(t, chromedp.EmulateViewport(302, 1100))
	if got := browsertest.JS[string](t, b, `JSON.stringify([document.documentElement.scrollWidth <= 302, ...new Set([...document.querySelectorAll(".receipt *")].filter(e => e.innerText).map(e => getComputedStyle(e).color))])`); got != `[true,"rgb(0, 0, 0)"]` {
		t.Errorf("printed: %s", got)
	}
	b.Quiet(t)
}
