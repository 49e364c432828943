// Package money holds currencies, exact amounts and exact rates.
//
// An amount is a whole number of a currency's smallest unit (cent, satoshi, wei) of any size. There is no float
// and no exponent notation anywhere: text is checked against a grammar before a number library sees it, because
// "1e999999999" parses in microseconds and then costs minutes.
package money

import "sort"

// Kind tells fiat currencies from crypto currencies.
type Kind uint8

// The kinds of a currency.
const (
	Fiat Kind = iota + 1
	Crypto
)

// Currency is a code with the number of decimals of its smallest unit. It is a comparable value; two currencies
// are the same when all three parts are.
type Currency struct {
	Code  string // "EUR", "BTC"
	Scale uint8  // decimals of the smallest unit: EUR 2, JPY 0, BTC 8, ETH 18
	Kind  Kind
}

// String is the code.
func (c Currency) String() string { return c.Code }

// IsZero says whether c is no currency at all.
func (c Currency) IsZero() bool { return c == Currency{} }

// fiatScales lists the ISO 4217 currencies an invoice may be priced in, with their minor-unit exponents
// (ISO 4217 list one). Only currencies in circulation are named.
var fiatScales = map[string]uint8{
	"AED": 2, "ARS": 2, "AUD": 2, "BGN": 2, "BHD": 3, "BRL": 2, "CAD": 2, "CHF": 2, "CLP": 0, "CNY": 2, "COP": 2,
	"CZK": 2, "DKK": 2, "EGP": 2, "EUR": 2, "GBP": 2, "GEL": 2, "HKD": 2, "HUF": 2, "IDR": 2, "ILS": 2, "INR": 2,
	"ISK": 0, "JOD": 3, "JPY": 0, "KES": 2, "KRW": 0, "KWD": 3, "KZT": 2, "MAD": 2, "MXN": 2, "MYR": 2, "NGN": 2,
	"NOK": 2, "NZD": 2, "OMR": 3, "PEN": 2, "PHP": 2, "PKR": 2, "PLN": 2, "RON": 2, "RSD": 2, "SAR": 2, "SEK": 2,
	"SGD": 2, "THB": 2, "TND": 3, "TRY": 2, "TWD": 2, "UAH": 2, "USD": 2, "UYU": 2, "VND": 0, "ZAR": 2,
}

// FiatByCode finds a fiat currency by its exact upper-case ISO 4217 code.
func FiatByCode(code string) (Currency, bool) {
	scale, ok := fiatScales[code]
	return Currency{Code: code, Scale: scale, Kind: Fiat}, ok
}

// Fiats lists every fiat currency, by code.
func Fiats() []Currency {
	list := make([]Currency, 0, len(fiatScales))
	for code, scale := range fiatScales {
		list = append(list, Currency{Code: code, Scale: scale, Kind: Fiat})
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Code < list[j].Code })
	return list
}
