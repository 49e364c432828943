package checkout

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"checkout/invoice"
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

// On a coin with a tag it is the address that is compared; case counts only where it means something; and what was said of one
// address is not said of the next.
func TestBrowserComparesWhatIsShown(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	at, _, _ := s.serve(t)
	const same, other = "It is the same address.", "This is another address. Do not send."
	answer := func(typed string) string {
		return browsertest.JS[string](t, b, `(() => {
			const box = document.querySelector("[data-compare]"), field = box.querySelector("input")
			box.open = true
			field.value = "`+typed+`"
			field.dispatchEvent(new Event("input", {bubbles: true}))
			return box.querySelector("output").textContent })()`)
	}
	swapped := "0x7e5F4552091A69125d5DfCb7b8C2659029395Bdf" // one letter in the other case: no checksum fits
	for _, v := range []struct{ asset, tag, typed, want string }{
		{"xrp", "1234567", xrpAddress, same}, {"xrp", "1234567", "1234567", other}, {"xrp", "1234567", strings.ToLower(xrpAddress), other}, {"xrp", "", xrpAddress, same},
		{"usdt-ethereum", "", evmAddress, same}, {"usdt-ethereum", "", strings.ToLower(evmAddress), same}, {"usdt-ethereum", "", strings.ToUpper(evmAddress), same},
		{"usdt-ethereum", "", "0x" + strings.ToUpper(evmAddress[2:]), same}, {"usdt-ethereum", "", swapped, other}, {"usdt-ethereum", "", evmAddress[:41] + "e", other},
		{"usdt-tron", "", strings.ToLower(tronAddress), other},
	} {
		b.Do(t, chromedp.Navigate("about:blank"), chromedp.Navigate(at+"/i/"+string(s.invoiceFor(t, v.asset, "25.5", v.tag).ID)))
		if got := answer(v.typed); got != v.want {
			t.Errorf("%s, %q: %q", v.asset, v.typed, got)
		}
	}
	inv := s.invoiceFor(t, "eth", "1", "")
	b.Do(t, chromedp.Navigate("about:blank"), chromedp.Navigate(at+"/i/"+string(inv.ID)))
	if got := answer(evmAddress); got != same {
		t.Fatalf("says %q", got)
	}
	s.mustChange(t, inv, func(inv *invoice.Invoice) { inv.Addresses[0].Text = "0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF" })
	b.Becomes(t, 6*time.Second, `document.querySelector("[data-testid=address]").textContent.includes("2B5A")`)
	if got := browsertest.JS[string](t, b, `document.querySelector("[data-compare] output").textContent`); got != other {
		t.Errorf("of another address it says %q", got)
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
