package checkout

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"checkout/web/browsertest"
)

// The address of a wallet is compared on the customer's device: an exchanged one is told, and nothing is sent anywhere.
func TestBrowserComparesAddresses(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	url, visits, _ := s.serve(t)
	inv := s.invoiceIn(t, ViewWaiting)
	b.Do(t, chromedp.Navigate(url+"/i/"+string(inv.ID)))
	before := len(visits(""))
	says := func(typed string) string {
		return browsertest.JS[string](t, b, `(() => {
			const box = document.querySelector("[data-compare]"), field = box.querySelector("input")
			box.open = true
			field.value = "`+typed+`"
			field.dispatchEvent(new Event("input", {bubbles: true}))
			return box.querySelector("output").textContent })()`)
	}
	for typed, want := range map[string]string{
		testAddress: "It is the same address.", " bc1q w508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4 ": "It is the same address.", strings.ToUpper(testAddress): "It is the same address.", "": "",
		testAddress[:41] + "5": "This is another address. Do not send.", testAddress + "x": "This is another address. Do not send.", "bc1q": "This is another address. Do not send.",
	} {
		if got := says(typed); got != want {
			t.Errorf("%q: %q", typed, got)
		}
	}
	for _, v := range visits("")[before:] {
		if strings.Contains(v.path, "bc1") {
			t.Errorf("the address was sent: %s", v.path)
		}
	}
	b.Quiet(t)
}

// The page can be taken to a phone: a code of its own address, not of anything a visitor sent.
func TestContinueOnPhone(t *testing.T) {
	s := openShop(t)
	s.face.Base = "https://pay.example.com"
	inv := s.invoiceIn(t, ViewWaiting)
	body := s.ask("GET", "/i/"+string(inv.ID)+"?lang=en&theme=dark", "").Body.String()
	if !strings.Contains(body, `data-qr-content="https://pay.example.com/i/`+string(inv.ID)+`"`) {
		t.Errorf("no code of the page in %s", body)
	}
	if body := s.ask("GET", "/i/"+string(s.invoiceIn(t, ViewPaid).ID), "").Body.String(); strings.Contains(body, `data-testid="help"`) {
		t.Error("a page that is over still helps to pay")
	}
}
