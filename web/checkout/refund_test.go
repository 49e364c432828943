package checkout

import (
	"strings"
	"testing"
)

// The form stands where money may have to go back; what is no address is said at the field, which keeps what was typed.
func TestItem30RefundForm(t *testing.T) {
	s := openShop(t)
	const theirs = "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3" // BIP 173
	for _, v := range views() {
		inv := s.invoiceIn(t, v)
		body := s.ask("GET", "/i/"+string(inv.ID), "").Body.String()
		_, some := inv.Refundable()
		if got := strings.Contains(body, `data-testid="refund"`); got != (v.refundable() && some) {
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
