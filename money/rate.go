package money

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// Rounding says in which direction a conversion rounds to the smallest unit.
type Rounding uint8

// What a customer owes rounds up; what a merchant is credited, and every fee, rounds down.
const (
	RoundDown Rounding = iota
	RoundUp
)

// ErrRate is said of a rate that is not a positive number.
var ErrRate = errors.New("money: not a positive rate")

// Rate is an exact price: how many whole units of To one whole unit of From is worth ("50000" for BTC in EUR).
type Rate struct {
	From, To Currency
	value    *big.Rat
}

// NewRate makes a rate of a positive value, which is copied.
func NewRate(from, to Currency, value *big.Rat) (Rate, error) {
	if value == nil || value.Sign() <= 0 {
		return Rate{}, fmt.Errorf("%s/%s: %w", from.Code, to.Code, ErrRate)
	}
	return Rate{From: from, To: to, value: new(big.Rat).Set(value)}, nil
}

// ParseRate reads a plain decimal, the form price feeds and the rates file give.
func ParseRate(from, to Currency, text string) (Rate, error) {
	if !CheckGrammar(text) {
		return Rate{}, fmt.Errorf("%s/%s %q: %w", from.Code, to.Code, clip(text), ErrRate)
	}
	value, _ := new(big.Rat).SetString(text)
	return NewRate(from, to, value)
}

// ParseRatio reads what Ratio wrote: "50000" or "100001/2". It is for the store.
func ParseRatio(from, to Currency, text string) (Rate, error) {
	num, den, _ := strings.Cut(text, "/")
	if len(text) > 400 || !digits(num) || !digits(den) || num == "" {
		return Rate{}, fmt.Errorf("%s/%s %q: %w", from.Code, to.Code, clip(text), ErrRate)
	}
	value, ok := new(big.Rat).SetString(text)
	if !ok {
		return Rate{}, fmt.Errorf("%s/%s %q: %w", from.Code, to.Code, clip(text), ErrRate)
	}
	return NewRate(from, to, value)
}

// One is the rate of a currency in itself.
func One(cur Currency) Rate { return Rate{From: cur, To: cur, value: big.NewRat(1, 1)} }

func clip(s string) string { return s[:min(len(s), 40)] }

// IsZero says whether there is no rate.
func (r Rate) IsZero() bool { return r.value == nil }

// Rat is a copy of the exact value.
func (r Rate) Rat() *big.Rat {
	if r.value == nil {
		return new(big.Rat)
	}
	return new(big.Rat).Set(r.value)
}

// Ratio is the exact value as text for the store, "50000" or "100001/2".
func (r Rate) Ratio() string { return r.Rat().RatString() }

// Decimal is the value with the given decimals, cut towards zero.
func (r Rate) Decimal(scale int) string {
	v := r.Rat()
	units := new(big.Int).Mul(v.Num(), pow10(scale))
	return Decimal(units.Quo(units, v.Denom()), scale)
}

// Invert is the same price seen from the other side, exactly.
func (r Rate) Invert() Rate {
	return Rate{From: r.To, To: r.From, value: new(big.Rat).Inv(r.value)}
}

// Through chains two prices: BTC in EUR through EUR in USD is BTC in USD.
func (r Rate) Through(next Rate) (Rate, error) {
	if r.To != next.From {
		return Rate{}, fmt.Errorf("%s/%s through %s/%s: %w", r.From, r.To, next.From, next.To, ErrMismatch)
	}
	return Rate{From: r.From, To: next.To, value: new(big.Rat).Mul(r.value, next.value)}, nil
}

// Exact is the value of an amount at this rate in smallest units of To, unrounded, so that values of several
// payments can be summed before anything is rounded.
func (r Rate) Exact(a Amount) (*big.Rat, error) {
	if a.cur != r.From {
		return nil, fmt.Errorf("%s at %s/%s: %w", a.cur.Code, r.From, r.To, ErrMismatch)
	}
	v := new(big.Rat).SetFrac(a.num(), pow10(int(r.From.Scale)))
	v.Mul(v, r.value)
	return v.Mul(v, new(big.Rat).SetInt(pow10(int(r.To.Scale)))), nil
}

// Convert is the value of an amount at this rate, rounded to the smallest unit of To.
func (r Rate) Convert(a Amount, rounding Rounding) (Amount, error) {
	exact, err := r.Exact(a)
	if err != nil {
		return Amount{}, err
	}
	return Round(r.To, exact, rounding), nil
}

// Round makes an amount of an exact number of smallest units.
func Round(cur Currency, units *big.Rat, rounding Rounding) Amount {
	whole, rest := new(big.Int).QuoRem(units.Num(), units.Denom(), new(big.Int))
	switch {
	case rounding == RoundUp && rest.Sign() > 0:
		whole.Add(whole, big.NewInt(1))
	case rounding == RoundDown && rest.Sign() < 0:
		whole.Sub(whole, big.NewInt(1))
	}
	return Amount{cur: cur, units: whole}
}
