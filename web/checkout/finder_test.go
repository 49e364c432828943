package checkout

import (
	"net/url"
	"strings"
	"testing"

	"checkout/invoice"
)

// "I have paid" is answered in words, and changes nothing.
func TestFinder(t *testing.T) {
	s := openShop(t)
	waiting, confirming := s.invoiceIn(t, ViewWaiting), s.invoiceIn(t, ViewConfirming)
	unknown := strings.Repeat("ab", 32)
	for _, c := range []struct {
		name, at, typed string
		status          int
		says            string
	}{
		{"seen", string(confirming.ID), testTx, 200, "We see it: 0.00044007 BTC, 2 of 6 confirmations."},
		{"in capitals, from an explorer", string(confirming.ID), " https://explorer.example/tx/" + strings.ToUpper(testTx) + "?x=1 ", 200, "We see it:"},
		{"not seen", string(waiting.ID), unknown, 200, "We have not seen this transaction yet."},
		{"another order's", string(waiting.ID), testTx, 200, "This transaction did not pay this order."},
		{"no id", string(waiting.ID), "0x12", 400, "A transaction id has 64 letters and digits."},
		{"too long", string(waiting.ID), testTx + "a", 400, "A transaction id has 64"},
		{"hostile", string(waiting.ID), `"><script>alert(1)</script>`, 400, `value="&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"`},
		{"very long", string(waiting.ID), strings.Repeat("x", 20_000), 400, "A transaction id has 64"},
		{"not text", string(waiting.ID), "\xff\xfe", 400, "A transaction id has 64"},
	} {
		w := s.ask("POST", "/i/"+c.at+"/hint?lang=en", "tx="+url.QueryEscape(c.typed))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) || strings.Contains(w.Body.String(), "<script>alert") {
			t.Errorf("%s: %d, no %q", c.name, w.Code, c.says)
		}
	}
	if w := s.ask("POST", "/i/0000000000000000000000000X/hint", "tx="+testTx); w.Code != 404 {
		t.Errorf("of nobody: %d", w.Code)
	}
	if body := s.ask("GET", "/i/"+string(s.invoiceIn(t, ViewChoose).ID), "").Body.String(); strings.Contains(body, `data-testid="finder"`) {
		t.Error("before there is an address something can be found")
	}
}

// What came but is not what was asked for is explained: the wrong coin, too little, money that was there before.
func TestFinderExplains(t *testing.T) {
	s := openShop(t)
	for _, row := range []struct {
		view   View
		change func(*invoice.Payment)
		want   string
	}{
		{ViewWaiting, nil, "We have not seen this transaction yet"},
		{ViewWrongAsset, nil, "We received 0.27641 LTCT on Bitcoin, but asked for BTC on Bitcoin"},
		{ViewUnderpaid, nil, "0.0003 BTC received — 0.00014007 BTC still missing"},
		{ViewExpiredUnderpaid, func(p *invoice.Payment) { p.Standing = invoice.Unmatched }, "sent before this order was made"},
	} {
		inv := s.invoiceIn(t, row.view)
		if row.change != nil {
			row.change(&inv.Payments[0])
		}
		if body := s.ask("POST", "/i/"+string(inv.ID)+"/hint", "tx="+testTx).Body.String(); !strings.Contains(body, row.want) {
			t.Errorf("%s: does not say %q", row.view, row.want)
		}
	}
}
