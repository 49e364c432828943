package coinspaid_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"checkout/merchant"
	"checkout/money"
)

type currency struct {
	ID        int
	Type      string
	Currency  string
	Precision int
}

// currencies lists currencies by code, and wants no code or id twice.
func (h *house) currencies(key merchant.Key, body string) map[string]currency {
	h.Helper()
	a := h.call(key, "currencies/list", body)
	var got struct{ Data []currency }
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != http.StatusOK {
		h.Fatalf("%s: %d %s", body, a.status, a.body)
	}
	byCode, ids := map[string]currency{}, map[int]bool{}
	for _, c := range got.Data {
		if byCode[c.Currency].ID != 0 || ids[c.ID] {
			h.Errorf("%+v stands twice", c)
		}
		byCode[c.Currency], ids[c.ID] = c, true
	}
	return byCode
}

// TestCurrenciesAsDocumented: the items are the contract's, byte for byte, but for the fee, which is none here.
func TestCurrenciesAsDocumented(t *testing.T) {
	h := openHouse(t)
	a := h.call(h.live, "currencies/list", `null`)
	documented := strings.ReplaceAll(mustRead(t, "testdata/contract/currencies_list.json"), `"deposit_fee_percent":"0.008000"`, `"deposit_fee_percent":"0.000000"`)
	for _, code := range []string{"BTC", "EUR"} {
		from := strings.LastIndex(documented[:strings.Index(documented, `"currency":"`+code)], "{")
		item := documented[from : from+strings.Index(documented[from:], "}")+1]
		if !strings.Contains(a.body, item) {
			t.Errorf("no %s in %s", item, a.body)
		}
	}
	if !strings.HasPrefix(a.body, `{"data":[{`) || !strings.HasSuffix(a.body, `}]}`) {
		t.Error(a.body)
	}
}

// TestVisible: every currency is on one of the two lists.
func TestVisible(t *testing.T) {
	h := openHouse(t)
	for _, key := range []merchant.Key{h.live, h.test} {
		on := h.currencies(key, `{}`)
		for _, body := range []string{`null`, `[]`, `{"visible":true}`, `{"visible":1}`, `{"visible":"1"}`, `{"visible":"true"}`, `{"visible":null}`, `{"visible":""}`} {
			if got := h.currencies(key, body); len(got) != len(on) {
				t.Errorf("%s lists %d, want %d", body, len(got), len(on))
			}
		}
		for _, body := range []string{`{"visible":false}`, `{"visible":0}`, `{"visible":"0"}`, `{"visible":"false"}`} {
			off := h.currencies(key, body)
			if want := 2 + len(money.Fiats()); len(on)+len(off) != want {
				t.Errorf("%s lists %d, and %d are enabled: want %d in all", body, len(off), len(on), want)
			}
			for code, c := range off {
				if other, both := on[code]; both || (c.Type != "fiat" && c.Type != "crypto") || other.ID == c.ID {
					t.Errorf("%+v is on both lists", c)
				}
			}
		}
	}
	if on := h.currencies(h.live, `null`); on["BTC"].ID != 1 || on["EUR"].ID != 3 || on["LTCT"].ID != 0 || on["EUR"].Precision != 8 || len(on) != 4 {
		t.Errorf("live: %v", on)
	}
	if on := h.currencies(h.test, `null`); on["LTCT"].ID != 18 || on["BTC"].ID != 1 || len(on) != 5 {
		t.Errorf("test: %v", on)
	}
}

// TestVisibleByPrice: a fiat currency is enabled while a coin of the merchant has a price in it.
func TestVisibleByPrice(t *testing.T) {
	h := openHouse(t)
	_, poor, _ := h.addMerchant("K2", "0", "x", "y") // takes nothing live
	if on := h.currencies(poor, `null`); len(on) != 0 {
		t.Errorf("%v", on)
	}
	h.clock.pass(time.Hour)
	if on := h.currencies(h.live, `null`); len(on) != 1 || on["BTC"].ID != 1 {
		t.Errorf("without prices: %v", on)
	}
}
