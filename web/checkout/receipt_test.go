package checkout

import (
	"regexp"
	"slices"
	"strings"
	"testing"

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

// On paper of any width the receipt fits, black on white whatever the screen's theme, with the whole transaction id and the
// time in UTC; A4 takes one sheet.
func TestItem109Printed(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	url, _, _ := s.serve(t)
	inv := s.invoiceIn(t, ViewPaid)
	b.Do(t, chromedp.EmulateViewport(360, 740), chromedp.Navigate(url+"/i/"+string(inv.ID)+"?lang=en&theme=dark"))
	b.Do(t, chromedp.Navigate(browsertest.JS[string](t, b, `document.querySelector("[data-testid=receipt]").href`)))
	if !browsertest.JS[bool](t, b, `document.documentElement.scrollWidth <= 360 && !document.querySelector("[data-print]").hidden && document.documentElement.dataset.theme === "dark"`) {
		t.Error("on the screen:", text(t, b, "body"))
	}
	yes := true
	pdf, err := chromedp.Call(b.Context(), page.PrintToPDF, page.PrintToPDFParams{PaperWidth: 8.27, PaperHeight: 11.69, PrintBackground: &yes})
	if err != nil {
		t.Fatal(err)
	}
	if pages := regexp.MustCompile(`/Type\s*/Page\b`).FindAll(pdf.Data, -1); len(pages) != 1 {
		t.Errorf("%d sheets of A4", len(pages))
	}
	b.Prints(t, "prefers-color-scheme", "dark")
	for paper, width := range map[string]int64{"A4": 718, "80 mm": 226} { // less 10 mm on both sides, at 96 dpi
		b.Do(t, chromedp.EmulateViewport(width, 1100))
		if got := browsertest.JS[int64](t, b, `document.documentElement.scrollWidth`); got > width {
			t.Errorf("%s: %d px on %d", paper, got, width)
		}
		said := text(t, b, ".receipt")
		if !strings.Contains(said, testTx) || !regexp.MustCompile(`\d\d:\d\d UTC \(`).MatchString(said) || strings.Contains(said, "Print") {
			t.Errorf("%s says %s", paper, said)
		}
		dark, white := 0, 0
		for pixel, n := range b.Picture(t, "body", 0).Pixels() {
			if max(pixel.R, pixel.G, pixel.B)-min(pixel.R, pixel.G, pixel.B) > 8 {
				t.Errorf("%s: %d pixels are %v", paper, n, pixel)
			}
			switch pixel.R {
			case 0:
				dark += n
			case 255:
				white += n
			}
		}
		if dark == 0 || white < 10*dark {
			t.Errorf("%s: %d pixels are black, %d white", paper, dark, white)
		}
	}
	b.Quiet(t)
}
