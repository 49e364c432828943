package checkout

import (
	"strings"
	"testing"
	"time"

	"checkout/ident"
	"checkout/invoice"
	"checkout/rate"
)

// afterSwitch gives the shop an invoice of which a part came in bitcoin, before the customer chose the other coin.
func (s *shop) afterSwitch(t *testing.T, v View) *invoice.Invoice {
	t.Helper()
	inv, now := s.invoiceIn(t, v), s.clock()
	_, err := s.change(inv.ID, func(inv *invoice.Invoice) error {
		registry := mustRegistry(t)
		ltct, _ := registry.Asset("ltct")
		q := invoice.Quote{Asset: "ltct", Quote: rate.Quote{ID: "OTHER", Rate: mustRate(t, ltct.Currency), At: now, Until: now.Add(20 * time.Minute)}}
		q.Due = amount(t, ltct.Currency, "0.27641")
		inv.Quotes, inv.Asset = append(inv.Quotes, q), "ltct"
		inv.Addresses = append(inv.Addresses, invoice.Address{Asset: "ltct", Network: "rehearsal", Text: "tltc1qother", AssignedAt: now})
		inv.Restore()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	changed, err := s.Find(t.Context(), inv.ID)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

// What came in one coin is never said to be of another one that is chosen now.
func TestReceivedInAnotherCoin(t *testing.T) {
	s := openShop(t)
	part := s.afterSwitch(t, ViewUnderpaid)
	body := s.ask("GET", "/i/"+string(part.ID)+"?lang=en", "").Body.String()
	for _, want := range []string{"17.38 USD received — ", " LTCT still missing", "Send the rest in the coin chosen now", "Received <b>17.38</b>", "of 25.5 USD"} {
		if !strings.Contains(body, want) {
			t.Errorf("underpaid does not say %q", want)
		}
	}
	for _, never := range []string{"0 LTCT received", "to the same address", "at your original price"} {
		if strings.Contains(body, never) {
			t.Errorf("underpaid says %q", never)
		}
	}
	seen := s.afterSwitch(t, ViewDetected)
	if body := s.ask("GET", "/i/"+string(seen.ID)+"?lang=en", "").Body.String(); strings.Contains(body, "0 LTCT") || !strings.Contains(body, "0.00044007 <small>BTC") && !strings.Contains(body, `<data value="0.00044007">0.00044007</data> <small>BTC</small>`) {
		t.Error("detected does not name the coin that came")
	}
	paid := s.afterSwitch(t, ViewPaid)
	receipt := s.ask("GET", "/i/"+string(paid.ID)+"/receipt?lang=en", "").Body.String()
	for _, want := range []string{"Bitcoin (BTC)", testAddress, "1 BTC = 57,945.47 USD", "0.00044007 BTC"} {
		if !strings.Contains(strings.ReplaceAll(receipt, "</bdi>", ""), want) {
			t.Errorf("the receipt does not say %q", want)
		}
	}
	if strings.Contains(receipt, "LTCT") || strings.Contains(receipt, "tltc1qother") {
		t.Error("the receipt names a coin nothing came in")
	}
}

// "Pay again" is part of where the reader is: the code's files, its tabs, the languages and the reload keep to it.
func TestPayAgainIsKept(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewFailed)
	_, err := s.change(inv.ID, func(inv *invoice.Invoice) error {
		inv.Outcome.State = invoice.Awaiting
		inv.Restore()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	at := "/i/" + string(inv.ID)
	body := s.ask("GET", at+"?m=btc", "").Body.String()
	for _, want := range []string{
		`data-state="waiting"`, at + "/qr.svg?kind=uri&amp;m=btc", at + "/qr.png?kind=uri&amp;m=btc", at + "?m=btc&amp;qr=address#qr", at + "?lang=de&amp;m=btc", at + "?m=btc&amp;r=0",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q", want)
		}
	}
	if w := s.ask("GET", at+"/qr.svg?kind=uri&m=btc", ""); w.Code != 200 {
		t.Errorf("the code alone: %d", w.Code)
	}
}

// Several refunds are added up, and nothing is said to be sent before it is.
func TestSeveralRefunds(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewRefunded)
	_, err := s.change(inv.ID, func(inv *invoice.Invoice) error {
		second := inv.Refunds[0]
		second.ID, second.Payment, second.Amount = ident.ID("SECOND"), "ANOTHER", amount(t, second.Amount.Currency(), "0.00003")
		inv.Refunds = append([]invoice.Refund{second}, inv.Refunds...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if body := s.ask("GET", "/i/"+string(inv.ID)+"?lang=en", "").Body.String(); !strings.Contains(body, "Refunded: 0.00013 BTC") {
		t.Error("the heading names one of two refunds")
	}
	if body := s.ask("GET", "/i/"+string(s.invoiceIn(t, ViewRefundPending).ID)+"?lang=en", "").Body.String(); strings.Contains(body, "Sent to") {
		t.Error("sent before it is")
	}
}

// The answer to a form stays as it is: a page without script does not load itself again and wipe it.
func TestAnswersDoNotReload(t *testing.T) {
	s := openShop(t)
	for _, row := range []struct {
		view         View
		action, form string
	}{{ViewUnderpaid, "/refund-address", "address=nonsense"}, {ViewWaiting, "/hint", "tx=" + testTx}, {ViewWaiting, "/hint", "tx=nonsense"}} {
		inv := s.invoiceIn(t, row.view)
		if body := s.ask("POST", "/i/"+string(inv.ID)+row.action, row.form).Body.String(); strings.Contains(body, `http-equiv="refresh"`) {
			t.Errorf("%s %s: reloads", row.action, row.form)
		}
	}
}
