package coinspaid_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"checkout/api/coinspaid"
	"checkout/deposit"
	"checkout/fault"
	"checkout/ident"
	"checkout/merchant"
	"checkout/store"
)

// The vectors of section 7.1. T1's secret is a published example, of no use elsewhere.
const (
	t1Secret    = "ObPvxgtazKCkQ7ifz3qzocbv9TVXeB1LUIbCsYk2WUt5agvyt1n1MhQnnCBlcwhY"
	t1Data      = "eyJjbGllbnRfaWQiOjExLCJjdXJyZW5jeSI6IkJUQyIsImZvcmVpZ25faWQiOjExMX0="
	t1Signature = "fbd85d7769b05ee170486e1b294047707ad1c7cb55c3be2b1516339e8cdf900d76657074d7105797f0361d28b768ad01b62d44a48b52b8d2581bf5e63f72ca3a"
	t2Data      = "eyJjbGllbnRfaWQiOjcsImN1cnJlbmN5IjoiQlRDIiwiZm9yZWlnbl9pZCI6InVzZXI+Pn44OD8iLCJhbW91bnQiOiIwLjUiLCJjb252ZXJ0X3RvIjoiRVVSIiwiaXNfaWZyYW1lIjp0cnVlLCJ1cmxfYmFjayI6Imh0dHBzOi8vc2hvcC5leGFtcGxlL2JhY2s/eD1+In0="
	t2URLData   = "eyJjbGllbnRfaWQiOjcsImN1cnJlbmN5IjoiQlRDIiwiZm9yZWlnbl9pZCI6InVzZXI-Pn44OD8iLCJhbW91bnQiOiIwLjUiLCJjb252ZXJ0X3RvIjoiRVVSIiwiaXNfaWZyYW1lIjp0cnVlLCJ1cmxfYmFjayI6Imh0dHBzOi8vc2hvcC5leGFtcGxlL2JhY2s_eD1-In0"
	t2Signature = "727e9d383187c13e65eb0264b928ed611e4d22fe59cc956eeee49846d62251abe315a16263ecf068931c77718f4f9d27dec3a735c2e9e3ad2338f2a93ddfdd42"
	t2Base64MAC = "f4bf206c5d7b97625f8c9e69d8be35cc52928b68b35d19729546c90645caa1eec363405e195d148b6d5d17bf4af85a352cdb248b487aef4d6aec8d3409ec56da"
)

// numbered gives a merchant the number of a vector, and its live key the secret.
func (h *house) numbered(number int64, secret string) merchant.Key {
	h.Helper()
	_, live, _ := h.addMerchant("K-"+secret[:4], "0", secret, "another test secret")
	raw := h.raw()
	_, err := raw.ExecContext(h.Context(), "UPDATE merchants SET number = $1 WHERE id = $2", number, live.Merchant)
	h.must(err)
	account := h.bitcoin
	account.ID, account.Merchant, account.Identity = ident.New(h.random), live.Merchant, account.Identity+secret[:4]
	h.must(store.Wallets{DB: h.db}.Insert(h.Context(), account))
	_, err = raw.ExecContext(h.Context(), "UPDATE wallets SET next_index = $1 WHERE id = $2", 1000*number, account.ID) // the key is another one's as well
	h.must(err)
	return live
}

// Every spelling of a link the contract tolerates opens it.
func TestVisit(t *testing.T) {
	h := openHouse(t)
	h.follow()
	h.numbered(11, t1Secret)
	h.numbered(7, liveSecret)
	open := func(data, signature string) deposit.Visit {
		t.Helper()
		v, err := h.face.Visit(t.Context(), data, signature)
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		return v
	}
	t1 := open(t1Data, t1Signature)
	if a := t1.Address; a.Label != "111" || a.Asset != "btc" || a.ConvertTo != "" || a.Origin != "coinspaid" || t1.Amount != "" || t1.Bare || t1.Back != "" {
		t.Errorf("T1: %+v", t1)
	}
	t2 := open(t2Data, t2Signature)
	if a := t2.Address; a.Label != "user>>~88?" || a.ConvertTo != "EUR" || t2.Amount != "0.50000000" || !t2.Bare || t2.Back != "https://shop.example/back?x=~" {
		t.Errorf("T2: %+v", t2)
	}
	for name, data := range map[string]string{
		"of URLs, without padding": t2URLData, "without padding": strings.TrimRight(t2Data, "="), "a blank for a plus": strings.ReplaceAll(t2Data, "+", " "),
		"both alphabets at once": strings.Replace(t2Data, "+", "-", 1), "of URLs, padded": t2URLData + "=",
	} {
		if v := open(data, t2Signature); v.Address.Text != t2.Address.Text || v.Address.ID != t2.Address.ID {
			t.Errorf("%s: another address", name)
		}
	}
	if n := h.rows("deposit_addresses"); n != 2 {
		t.Errorf("%d addresses for two customers", n)
	}
}

// link signs a text as a shop does.
func link(secret, text string) (data, signature string) {
	return base64.StdEncoding.EncodeToString([]byte(text)), sign(secret, text)
}

// A link and addresses/take ask for the same address (checklist 52); types are read as PHP writes them; test keys open links, too.
func TestVisitIsTaken(t *testing.T) {
	h := openHouse(t)
	h.follow()
	h.number(7)
	api := h.take(`{"currency":"BTC","foreign_id":9007199254740993,"convert_to":"EUR"}`)
	for name, text := range map[string]string{
		"plain": `{"client_id":7,"currency":"BTC","foreign_id":"9007199254740993","convert_to":"EUR"}`,
		"php":   `{"client_id":"7","currency":"BTC","foreign_id":9007199254740993,"convert_to":"EUR","is_iframe":"0","url_back":"https:\/\/shop.example\/","amount":"0.00000001","unknown":[1]}`,
		"inner": ` {"additional_parameters":{"client_id":7},"currency":"BTC","foreign_id":9007199254740993,"convert_to":"EUR","amount":1.5e-3,"url_back":null,"is_iframe":""} `,
	} {
		data, signature := link(liveSecret, text)
		v, err := h.face.Visit(t.Context(), data, signature)
		if err != nil || v.Address.Text != api.Address || v.Address.Number != api.ID || v.Bare {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
	data, signature := link(testSecret, `{"client_id":7,"currency":"LTCT","foreign_id":1,"is_iframe":1,"amount":25}`)
	v, err := h.face.Visit(t.Context(), data, signature)
	if err != nil || v.Address.Env != "test" || !v.Bare || v.Amount != "25.00000000" {
		t.Errorf("by a test key: %+v, %v", v, err)
	}
}

// number gives the house's merchant a number.
func (h *house) number(n int64) {
	h.Helper()
	raw := h.raw()
	_, err := raw.ExecContext(h.Context(), "UPDATE merchants SET number = $1 WHERE id = $2", n, h.merchant.ID)
	h.must(err)
}

// What is not signed by the merchant it names is 403, what cannot be read is 400; neither leaves anything behind.
func TestVisitRefuses(t *testing.T) {
	h := openHouse(t)
	h.follow()
	h.number(7)
	good := `{"client_id":7,"currency":"BTC","foreign_id":"1"}`
	data, signature := link(liveSecret, good)
	flipped := "0" + signature[1:]
	if signature[0] == '0' {
		flipped = "1" + signature[1:]
	}
	for name, c := range map[string]struct {
		data, signature string
		want            error
	}{
		"the MAC over the base64":       {t2Data, t2Base64MAC, coinspaid.ErrLinkSignature},
		"another byte of the signature": {data, flipped, coinspaid.ErrLinkSignature},
		"upper case":                    {data, strings.ToUpper(signature), coinspaid.ErrLinkSignature},
		"no signature":                  {data, "", coinspaid.ErrLinkSignature},
		"another secret":                {data, sign("guessed", good), coinspaid.ErrLinkSignature},
		"no data":                       {"", signature, coinspaid.ErrLinkData},
		"not base64":                    {"%%%", signature, coinspaid.ErrLinkData},
		"one letter":                    {"e", signature, coinspaid.ErrLinkData},
	} {
		if _, err := h.face.Visit(t.Context(), c.data, c.signature); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for text, want := range map[string]error{
		`{"client_id":8,"currency":"BTC","foreign_id":"1"}`:                                             coinspaid.ErrLinkSignature, // nobody
		`{"client_id":2147483648,"currency":"BTC","foreign_id":"1"}`:                                    coinspaid.ErrLinkData,
		`{"client_id":"007","currency":"BTC","foreign_id":"1"}`:                                         coinspaid.ErrLinkData,
		`{"client_id":-7,"currency":"BTC","foreign_id":"1"}`:                                            coinspaid.ErrLinkData,
		`{"client_id":true,"currency":"BTC","foreign_id":"1"}`:                                          coinspaid.ErrLinkData,
		`{"currency":"BTC","foreign_id":"1"}`:                                                           coinspaid.ErrLinkData,
		`{"client_id":7,"currency":"BTC"}`:                                                              coinspaid.ErrLinkData,
		`{"client_id":7,"foreign_id":"1"}`:                                                              coinspaid.ErrLinkData,
		`{"client_id":7,"currency":"DOGE","foreign_id":"1"}`:                                            coinspaid.ErrLinkData,
		`{"client_id":7,"currency":"BTC","foreign_id":"1","convert_to":"BTC"}`:                          coinspaid.ErrLinkData,
		`{"client_id":7,"currency":"BTC","foreign_id":"1","amount":"0"}`:                                coinspaid.ErrLinkData,
		`{"client_id":7,"currency":"BTC","foreign_id":"1","amount":"1000000000"}`:                       coinspaid.ErrLinkData,
		`{"client_id":7,"currency":"BTC","foreign_id":"1","amount":"-1"}`:                               coinspaid.ErrLinkData,
		`{"client_id":7,"currency":"BTC","foreign_id":"1","amount":"1e-3"}`:                             coinspaid.ErrLinkData,
		`{"client_id":7,"currency":"BTC","foreign_id":"1","url_back":"javascript:alert(1)"}`:            coinspaid.ErrLinkData,
		`{"client_id":7,"currency":"BTC","foreign_id":"1","url_back":"//evil.test"}`:                    coinspaid.ErrLinkData,
		`{"client_id":7,"currency":"BTC","foreign_id":"1","url_back":"https://shop.example@evil.test"}`: coinspaid.ErrLinkData,
		`{"client_id":7,"currency":"BTC","foreign_id":"1","is_iframe":"maybe"}`:                         coinspaid.ErrLinkData,
		`{"client_id":7,"client_id":8,"currency":"BTC","foreign_id":"1"}`:                               coinspaid.ErrLinkData,
		`{"client_id":7,"currency":"BTC","foreign_id":"1"}}`:                                            coinspaid.ErrLinkData,
		`[7]`: coinspaid.ErrLinkData, `null`: coinspaid.ErrLinkData, `{x`: coinspaid.ErrLinkData, "\xff": coinspaid.ErrLinkData,
	} {
		data, signature := link(liveSecret, text)
		if _, err := h.face.Visit(t.Context(), data, signature); !errors.Is(err, want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if n := h.rows("deposit_addresses"); n != 0 {
		t.Errorf("%d addresses were given away", n)
	}
	if fault.Of(coinspaid.ErrLinkSignature).Kind != fault.Forbidden || fault.Of(coinspaid.ErrLinkData).Kind != fault.Invalid {
		t.Error("the wrong answer")
	}
}

// A suspended merchant's links are closed; after a rotation links signed before stay open as long as the old secret does.
func TestVisitKeys(t *testing.T) {
	h := openHouse(t)
	h.follow()
	h.number(7)
	data, signature := link(liveSecret, `{"client_id":7,"currency":"BTC","foreign_id":"1"}`)
	_, err := store.Merchants{DB: h.db}.Rotate(t.Context(), h.live.Public, func(k merchant.Key) merchant.Key { return k.Rotate(h.random, h.clock.Now()) })
	h.must(err)
	if _, err := h.face.Visit(t.Context(), data, signature); err != nil {
		t.Errorf("signed before the rotation: %v", err)
	}
	h.clock.pass(merchant.RotationOverlap)
	if _, err := h.face.Visit(t.Context(), data, signature); !errors.Is(err, coinspaid.ErrLinkSignature) {
		t.Errorf("after the overlap: %v", err)
	}
	data, signature = link(testSecret, `{"client_id":7,"currency":"LTCT","foreign_id":"1"}`)
	raw := h.raw()
	_, err = raw.ExecContext(t.Context(), "UPDATE merchants SET suspended = TRUE")
	h.must(err)
	if _, err := h.face.Visit(t.Context(), data, signature); !errors.Is(err, coinspaid.ErrLinkSignature) {
		t.Errorf("of a suspended merchant: %v", err)
	}
}

func FuzzVisit(f *testing.F) {
	h := openHouse(f)
	h.follow()
	h.number(7)
	f.Add(t2Data, t2Signature)
	f.Add(t1Data, t1Signature)
	f.Add("e30", "")
	f.Fuzz(func(t *testing.T, data, signature string) {
		if v, err := h.face.Visit(t.Context(), data, signature); err == nil && (v.Address == nil || data != t2Data) {
			text, _ := base64.RawURLEncoding.DecodeString(strings.TrimRight(strings.NewReplacer("+", "-", "/", "_", " ", "-").Replace(data), "="))
			if sign(liveSecret, string(text)) != signature && sign(testSecret, string(text)) != signature {
				t.Errorf("%q, %q is opened", data, signature)
			}
		}
	})
}
