package checkout

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"checkout/web/browsertest"
)

// The form stands where money may have to go back; what is no address is said at the field, which keeps what was typed
// (acceptance 30).
func TestRefundForm(t *testing.T) {
	s := openShop(t)
	const theirs = "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3" // BIP 173
	for _, v := range views() {
		inv := s.invoiceIn(t, v)
		body := s.ask("GET", "/i/"+string(inv.ID), "").Body.String()
		if got := strings.Contains(body, `data-testid="refund"`); got != (v.refundable() && inv.Refundable()) {
			t.Errorf("%s: the form is there: %v", v, got)
		}
	}
	inv := s.invoiceIn(t, ViewOverpaid)
	at := "/i/" + string(inv.ID) + "/refund-address"
	w := s.ask("POST", at+"?lang=en", `address=bc1q%22%3E%3Cscript%3E`)
	if body := w.Body.String(); w.Code != 400 || !strings.Contains(body, `value="bc1q&#34;&gt;&lt;script&gt;"`) || !strings.Contains(body, `aria-describedby="refund-help" aria-invalid="true"`) || !strings.Contains(body, "This is not a BTC address on the Bitcoin network") {
		t.Errorf("%d %s", w.Code, body)
	}
	if w := s.ask("POST", at, "address="+strings.Repeat("x", 5000)); w.Code != 400 {
		t.Errorf("a long one: %d", w.Code)
	}
	if w := s.ask("POST", at, "address="+theirs, "Sec-Fetch-Site", "cross-site"); w.Code != 403 {
		t.Errorf("from another site: %d", w.Code)
	}
	if w := s.ask("POST", at+"?lang=en", "address="+strings.ToUpper(theirs)); w.Code != 303 || w.Header().Get("Location") != "/i/"+string(inv.ID)+"?lang=en#refund" {
		t.Errorf("%d to %s", w.Code, w.Header().Get("Location"))
	}
	if body := s.ask("GET", "/i/"+string(inv.ID)+"?lang=en", "").Body.String(); !strings.Contains(body, "Acme Coffee knows where to return it to: ") || !strings.Contains(body, theirs) {
		t.Error("what was kept is not shown")
	}
}

// What somebody is typing is not lost when the payment moves on (acceptance 52).
func TestBrowserKeepsWhatIsTyped(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	url, _, _ := s.serve(t)
	inv := s.invoiceIn(t, ViewUnderpaid)
	b.Do(t, chromedp.Navigate(url+"/i/"+string(inv.ID)))
	browsertest.JS[bool](t, b, `document.querySelector("#refund").open = true; document.querySelector("#refund-address").focus(); true`)
	b.Do(t, chromedp.SendKeys("#refund-address", "bc1qhalf"))
	s.becomeState(t, inv, ViewConfirming)
	b.Becomes(t, 8*time.Second, `document.querySelector("main").dataset.rev !== "17"`)
	if got := browsertest.JS[string](t, b, `(document.querySelector("#refund-address") || {}).value + " " + (document.activeElement.id)`); got != "bc1qhalf refund-address" {
		t.Errorf("typed %q", got)
	}
	browsertest.JS[bool](t, b, `document.activeElement.blur(); true`)
	b.Becomes(t, 3*time.Second, `document.querySelector("main").dataset.state === "confirming" && !document.querySelector("#refund")`)
	b.Quiet(t)
}
