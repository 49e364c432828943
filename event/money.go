package event

import "checkout/money"

// Money is an amount in a record.
type Money struct {
	Currency string `json:"currency"`
	Scale    uint8  `json:"scale"`
	Crypto   bool   `json:"crypto,omitempty"`
	Minor    string `json:"minor"`
}

// RecordMoney writes an amount down.
func RecordMoney(a money.Amount) Money {
	c := a.Currency()
	return Money{Currency: c.Code, Scale: c.Scale, Crypto: c.Kind == money.Crypto, Minor: a.Minor()}
}

// Amount is the exact amount again.
func (m Money) Amount() (money.Amount, error) {
	kind := money.Fiat
	if m.Crypto {
		kind = money.Crypto
	}
	return money.ParseMinor(money.Currency{Code: m.Currency, Scale: m.Scale, Kind: kind}, m.Minor)
}
