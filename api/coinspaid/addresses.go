package coinspaid

import (
	"context"
	"net/http"
	"slices"

	"checkout/api"
	"checkout/chain"
	"checkout/deposit"
	"checkout/merchant"
	"checkout/money"
)

// Deposits gives permanent addresses.
type Deposits interface {
	Take(ctx context.Context, t merchant.Tenant, k deposit.Take) (*deposit.Address, error)
}

// addressAnswer is the answer of addresses/take.
type addressAnswer struct {
	ID               int64   `json:"id"`
	Currency         string  `json:"currency"`
	ConvertTo        string  `json:"convert_to,omitempty"`
	Address          string  `json:"address"`
	Tag              *string `json:"tag"`
	ForeignID        string  `json:"foreign_id"`
	EndUserReference string  `json:"end_user_reference,omitempty"`
}

// handleAddressTake serves addresses/take (section 4.5): "the same (merchant, currency, convert_to, foreign_id) returns the
// same id and address, still 201".
func (f *Face) handleAddressTake(w http.ResponseWriter, r *http.Request) {
	c, err := f.open(r)
	if err != nil {
		f.writeError(w, r, err)
		return
	}
	k, err := f.customer(r.Context(), c.Tenant, c.in)
	k.EndUserReference, k.Payer = c.in.text("end_user_reference", 255, false, false), c.in.sender()
	if err == nil {
		err = c.in.err()
	}
	if err != nil {
		f.writeError(w, r, err)
		return
	}
	a, err := f.Deposits.Take(r.Context(), c.Tenant, k)
	if err != nil {
		f.writeError(w, r, err)
		return
	}
	answer := addressAnswer{ID: a.Number, Currency: codeIn(f.Registry, a.Asset, a.Currency), ConvertTo: a.ConvertTo, Address: a.Shown(), Tag: given(a.Tag), ForeignID: a.Label}
	if k.EndUserReference != "" {
		answer.EndUserReference = a.EndUserReference
	}
	writeJSON(w, http.StatusCreated, data{answer})
}

// customer reads whose address is asked for: the same of addresses/take and of a terminal link.
func (f *Face) customer(ctx context.Context, t merchant.Tenant, in *fields) (deposit.Take, error) {
	k := deposit.Take{Origin: merchant.DialectCoinsPaid, Label: in.id("foreign_id", 255, true)}
	asset, err := f.required(ctx, t, in, "currency")
	if err != nil {
		return k, err
	}
	k.Asset, k.Minimum = asset.ID, minimum(asset)
	if v, ok := in.get("convert_to"); ok {
		known := false
		if v.Kind == api.String && v.Text != codeOf(asset) {
			known = f.knows(v.Text)
		}
		if !known {
			in.selected("convert_to")
		}
		k.ConvertTo = v.Text
	}
	return k, nil
}

// knows says whether a code names a fiat currency or a coin of this installation.
func (f *Face) knows(code string) bool {
	if _, fiat := money.FiatByCode(code); fiat {
		return true
	}
	return slices.ContainsFunc(f.Registry.Assets(), func(a chain.Asset) bool { return codeOf(a) == code })
}

// required reads the code of a coin the merchant takes.
func (f *Face) required(ctx context.Context, t merchant.Tenant, in *fields, name string) (chain.Asset, error) {
	v, ok := in.get(name)
	if !ok {
		in.required(name)
		return chain.Asset{}, nil
	}
	if v.Kind == api.String {
		a, on, err := f.coin(ctx, t, v.Text)
		if err != nil || on {
			return a, err
		}
	}
	in.selected(name)
	return chain.Asset{}, nil
}

// minimum is the smallest deposit of the dialect's table (section 3.4); nothing for a coin that is not in it.
func minimum(a chain.Asset) money.Amount {
	c, known := codes[codeOf(a)]
	if !known {
		return money.Amount{}
	}
	least, err := money.Parse(a.Currency, money.TrimZeros(c.Minimum))
	if err != nil { // the table has no more decimals than its coins: a test holds that
		return money.Amount{}
	}
	return least
}
