package coinspaid

import (
	"context"
	"net/http"
	"strings"

	"checkout/chain"
	"checkout/merchant"
	"checkout/money"
)

// code is a currency of the dialect's own table (section 3.4).
type code struct {
	ID      int
	Minimum string // smallest deposit, in whole units
}

// codes are the crypto codes of this dialect with their minima. LTCT is the played coin of test keys.
var codes = map[string]code{
	"BTC": {1, "0.00010000"}, "USDTE": {2, "5.00000000"}, "LTC": {4, "0.01000000"}, "BCH": {5, "0.00100000"},
	"ADA": {6, "2.00000000"}, "ETH": {7, "0.01000000"}, "DOGE": {8, "1.00000000"}, "XRP": {9, "0.00100000"},
	"USDTT": {10, "2.00000000"}, "USDTB": {11, "5.00000000"}, "USDC": {12, "5.00000000"}, "DAI": {13, "5.00000000"},
	"BNB": {14, "0.01000000"}, "BNB-BSC": {15, "0.01000000"}, "TRX": {16, "10.00000000"}, "EURS": {17, "0.01000000"},
	"LTCT": {18, "0.01000000"},
}

// named are coins this dialect calls otherwise than everybody else, by code and network.
var named = map[string]string{
	"USDT@ethereum": "USDTE", "USDT@tron": "USDTT", "USDT@bsc": "USDTB", "USDC@ethereum": "USDC", "DAI@ethereum": "DAI", "BNB@bsc": "BNB-BSC",
}

// codeOf is the code of an asset in this dialect (section 3.4). Where its table has no name for a coin on a network, the network
// is said behind the coin's own: "USDT-POLYGON".
func codeOf(a chain.Asset) string {
	code := a.Currency.Code
	if name, ok := named[code+"@"+strings.TrimSuffix(a.Network, "-dev")]; ok {
		return name
	}
	if a.ID == strings.ToLower(code) {
		return code
	}
	return code + "-" + strings.ToUpper(a.Network)
}

// codeIn is codeOf for what a record names; c is its currency, should the asset be none any more.
func codeIn(r *chain.Registry, asset string, c money.Currency) string {
	if a, ok := r.Asset(asset); ok {
		return codeOf(a)
	}
	return c.Code
}

// priceCode is the code of what something is priced in: of a coin, that of its first asset.
func priceCode(r *chain.Registry, c money.Currency) string {
	for _, a := range r.Assets() {
		if a.Currency == c {
			return codeOf(a)
		}
	}
	return c.Code
}

// fiatID numbers fiat currencies from 100 by the letters of their codes, so that no list of them has to be kept for ever.
// EUR has the id its documentation shows.
func fiatID(code string) int {
	if code == "EUR" {
		return 3
	}
	n := 0
	for _, letter := range []byte(code) {
		n = 26*n + int(letter-'A')
	}
	return 100 + n
}

type currencyItem struct {
	ID                   int    `json:"id"`
	Type                 string `json:"type"`
	Currency             string `json:"currency"`
	MinimumAmount        string `json:"minimum_amount"`
	DepositFeePercent    string `json:"deposit_fee_percent"`
	WithdrawalFeePercent string `json:"withdrawal_fee_percent"`
	Precision            int    `json:"precision"`
}

// handleCurrencyList serves currencies/list: "visible — true (default) = enabled currencies, false = disabled ones".
// Money goes straight to the merchant's own wallet, so there are no fees.
func (f *Face) handleCurrencyList(w http.ResponseWriter, r *http.Request) {
	c, err := f.open(r)
	if err != nil {
		f.writeError(w, r, err)
		return
	}
	visible := c.in.flag("visible", false, true)
	if err := c.in.err(); err != nil {
		f.writeError(w, r, err)
		return
	}
	list, err := f.currencies(r.Context(), c.Tenant, visible)
	if err != nil {
		f.writeError(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, data{list})
}

func (f *Face) currencies(ctx context.Context, t merchant.Tenant, visible bool) ([]currencyItem, error) {
	list := []currencyItem{}
	var enabled []chain.Asset
	for _, a := range f.Registry.Assets() {
		if !f.serves(t, a) { // of another environment: it is neither enabled nor disabled here
			continue
		}
		on, err := f.enabled(ctx, t, a)
		if err != nil {
			return nil, err
		}
		if on {
			enabled = append(enabled, a)
		}
		if c, known := codes[codeOf(a)]; known && on == visible {
			list = append(list, currencyItem{c.ID, "crypto", codeOf(a), c.Minimum, "0.000000", "0.000000", int(a.Currency.Scale)})
		}
	}
	for _, fiat := range money.Fiats() {
		if f.priced(enabled, fiat) == visible {
			list = append(list, currencyItem{fiatID(fiat.Code), "fiat", fiat.Code, "0.00000000", "0.000000", "0.000000", 8})
		}
	}
	return list, nil
}

// coin finds the coin of a code, if the merchant takes it: also while its node is down, for then it is not the code that
// is wrong.
func (f *Face) coin(ctx context.Context, t merchant.Tenant, code string) (chain.Asset, bool, error) {
	for _, a := range f.Registry.Assets() {
		if codeOf(a) != code || !f.serves(t, a) {
			continue
		}
		if on, err := f.Offers.Offers(ctx, t, a); err != nil || on {
			return a, on, err
		}
	}
	return chain.Asset{}, false, nil
}

// enabled says whether an invoice could be paid in a coin now, prices apart: what invoice.Service.Methods asks.
func (f *Face) enabled(ctx context.Context, t merchant.Tenant, a chain.Asset) (bool, error) {
	if !f.serves(t, a) || (f.Health != nil && !f.Health.Usable(a.Network)) {
		return false, nil
	}
	return f.Offers.Offers(ctx, t, a)
}

// serves says whether a coin is one of the merchant's environment.
func (f *Face) serves(t merchant.Tenant, a chain.Asset) bool {
	n, ok := f.Registry.Network(a.Network)
	return ok && n.Serves(t.Env())
}

// priced says whether an invoice in a fiat currency could be paid with one of the coins right now.
func (f *Face) priced(coins []chain.Asset, fiat money.Currency) bool {
	for _, a := range coins {
		if _, err := f.Rates.Price(a.Currency, fiat); err == nil {
			return true
		}
	}
	return false
}
