package coinspaid_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"checkout/api/coinspaid"
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

// TestVisible: every currency of the environment is on one of the two lists.
func TestVisible(t *testing.T) {
	h := openHouse(t)
	for coins, key := range map[int]merchant.Key{1: h.live, 2: h.test} { // a live key never hears of the played coin
		on := h.currencies(key, `{}`)
		for _, body := range []string{`null`, `[]`, `{"visible":true}`, `{"visible":1}`, `{"visible":"1"}`, `{"visible":"true"}`, `{"visible":null}`, `{"visible":""}`} {
			if got := h.currencies(key, body); len(got) != len(on) {
				t.Errorf("%s lists %d, want %d", body, len(got), len(on))
			}
		}
		for _, body := range []string{`{"visible":false}`, `{"visible":0}`, `{"visible":"0"}`, `{"visible":"false"}`} {
			off := h.currencies(key, body)
			if want := coins + len(money.Fiats()); len(on)+len(off) != want {
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

// down are networks whose node cannot be relied on.
type down map[string]bool

func (d down) Usable(network string) bool { return !d[network] }

// TestNodeDown: a coin nobody could pay with now is disabled, and what only it could pay with it; its code stays a good one.
func TestNodeDown(t *testing.T) {
	h := openHouse(t)
	health := down{"bitcoin-regtest": true}
	deps := h.deps()
	deps.Health, h.invoices.Health = health, health
	h.face = coinspaid.New(deps)
	const list, create = "/api/v2/currencies/list", "/api/v2/invoices/create"
	for _, x := range []struct {
		name, path, body string
		key              merchant.Key
	}{
		{"currencies_list_node_down", list, `null`, h.live},
		{"currencies_list_node_down_test_key", list, `null`, h.test},
		{"create_node_down", create, order(nil), h.live},
		{"create_node_down_price", create, order(map[string]any{"currency": "BTC", "amount": "0.01", "sender_currency": nil}), h.live},
		{"create_node_down_other_coin", create, order(map[string]any{"timer": true, "sender_currency": "BTC"}), h.test},
	} {
		t.Run(x.name, func(t *testing.T) { h.in(t).golden(x.name, newRequest(x.key, http.MethodPost, x.path, x.body), x.body) })
	}
	if off := h.currencies(h.live, `{"visible":false}`); off["BTC"].ID != 1 || off["EUR"].ID != 3 || off["LTCT"].ID != 0 {
		t.Errorf("disabled: %v", off)
	}
	health["bitcoin-regtest"] = false
	if on := h.currencies(h.live, `null`); on["BTC"].ID != 1 || on["EUR"].ID != 3 {
		t.Errorf("the node is back: %v", on)
	}
}
