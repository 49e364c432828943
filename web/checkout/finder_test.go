package checkout

import (
	"net/url"
	"strings"
	"testing"
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
