package money

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// What can be wrong with an amount. Faces turn these into the words of their dialect.
var (
	ErrFormat   = errors.New("money: not a plain decimal")
	ErrTooFine  = errors.New("money: more decimals than the currency has")
	ErrMismatch = errors.New("money: currencies differ")
)

// Amount is an exact sum in one currency. The zero value is nothing of no currency. Amounts are immutable: the
// number inside is never shared.
type Amount struct {
	cur   Currency
	units *big.Int // nil is zero
}

// New makes an amount of whole smallest units. units is copied.
func New(cur Currency, units *big.Int) Amount {
	return Amount{cur: cur, units: new(big.Int).Set(units)}
}

// Units makes an amount of n smallest units.
func Units(cur Currency, n int64) Amount { return Amount{cur: cur, units: big.NewInt(n)} }

// Zero is nothing of a currency.
func Zero(cur Currency) Amount { return Amount{cur: cur} }

// CheckGrammar reports whether text is a plain decimal, (0|[1-9][0-9]{0,19})(\.[0-9]{1,18})?, the only form of a
// number that is accepted from outside.
func CheckGrammar(text string) bool {
	whole, frac, dot := strings.Cut(text, ".")
	if len(whole) < 1 || len(whole) > 20 || (whole[0] == '0' && len(whole) > 1) || !digits(whole) {
		return false
	}
	return !dot || (len(frac) >= 1 && len(frac) <= 18 && digits(frac))
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// Parse reads a plain decimal such as "0.0150" in whole units of the currency. It never rounds: more significant
// decimals than the currency has are ErrTooFine, zeros beyond them too (a dialect strips those first, see
// TrimZeros); anything but the grammar of CheckGrammar is ErrFormat.
func Parse(cur Currency, text string) (Amount, error) {
	if !CheckGrammar(text) {
		return Amount{}, ErrFormat
	}
	whole, frac, _ := strings.Cut(text, ".")
	if len(frac) > int(cur.Scale) {
		return Amount{}, ErrTooFine
	}
	units, ok := new(big.Int).SetString(whole+frac+strings.Repeat("0", int(cur.Scale)-len(frac)), 10)
	if !ok {
		return Amount{}, ErrFormat
	}
	return Amount{cur: cur, units: units}, nil
}

// TrimZeros cuts zeros at the end of a decimal's fraction, and the point if nothing is left of it: "106.7500" is
// "106.75". Other text comes back unchanged.
func TrimZeros(text string) string {
	if !strings.Contains(text, ".") {
		return text
	}
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// ParseMinor reads a count of smallest units as the store keeps it: decimal digits, a minus before them if negative.
func ParseMinor(cur Currency, text string) (Amount, error) {
	body := strings.TrimPrefix(text, "-")
	if body == "" || len(body) > 100 || !digits(body) {
		return Amount{}, fmt.Errorf("minor units of %s: %q: %w", cur.Code, text, ErrFormat)
	}
	units, _ := new(big.Int).SetString(text, 10)
	return Amount{cur: cur, units: units}, nil
}

// Currency is the currency of the amount.
func (a Amount) Currency() Currency { return a.cur }

// Units is a copy of the number of smallest units.
func (a Amount) Units() *big.Int {
	if a.units == nil {
		return new(big.Int)
	}
	return new(big.Int).Set(a.units)
}

// Minor is the number of smallest units as decimal text: what the store keeps.
func (a Amount) Minor() string { return a.num().String() }

func (a Amount) num() *big.Int {
	if a.units == nil {
		return new(big.Int)
	}
	return a.units
}

// Sign is -1, 0 or +1.
func (a Amount) Sign() int { return a.num().Sign() }

// IsZero says whether the amount is nothing.
func (a Amount) IsZero() bool { return a.Sign() == 0 }

// Neg is the same amount with the other sign.
func (a Amount) Neg() Amount { return Amount{cur: a.cur, units: new(big.Int).Neg(a.num())} }

// Add is a + b; ErrMismatch when the currencies differ.
func (a Amount) Add(b Amount) (Amount, error) {
	if a.cur != b.cur {
		return Amount{}, mismatch(a, b)
	}
	return Amount{cur: a.cur, units: new(big.Int).Add(a.num(), b.num())}, nil
}

// Sub is a - b; ErrMismatch when the currencies differ.
func (a Amount) Sub(b Amount) (Amount, error) { return a.Add(b.Neg()) }

// Cmp compares; ErrMismatch when the currencies differ.
func (a Amount) Cmp(b Amount) (int, error) {
	if a.cur != b.cur {
		return 0, mismatch(a, b)
	}
	return a.num().Cmp(b.num()), nil
}

// Equal says whether both are the same number of the same currency.
func (a Amount) Equal(b Amount) bool { return a.cur == b.cur && a.num().Cmp(b.num()) == 0 }

func mismatch(a, b Amount) error {
	return fmt.Errorf("%s and %s: %w", a.cur.Code, b.cur.Code, ErrMismatch)
}

// String is the exact decimal with all decimals of the currency and no code: "25.50", "0.01500000".
func (a Amount) String() string { return Decimal(a.num(), int(a.cur.Scale)) }

// Plain is the exact decimal without zeros at the end: "25.5", "0.015", "20". It is the form of payment URIs and of
// the clipboard.
func (a Amount) Plain() string { return TrimZeros(a.String()) }

// Decimal writes units with the given number of decimals, exactly and without an exponent.
func Decimal(units *big.Int, scale int) string {
	text := new(big.Int).Abs(units).String()
	sign := ""
	if units.Sign() < 0 {
		sign = "-"
	}
	if scale == 0 {
		return sign + text
	}
	if len(text) <= scale {
		text = strings.Repeat("0", scale-len(text)+1) + text
	}
	return sign + text[:len(text)-scale] + "." + text[len(text)-scale:]
}

// Rescale writes the amount with exactly scale decimals: zeros are added, or the rest is cut towards zero. It is
// for wire formats with a fixed number of decimals; the amount itself keeps its precision.
func (a Amount) Rescale(scale int) string {
	shift := scale - int(a.cur.Scale)
	if shift >= 0 {
		return Decimal(new(big.Int).Mul(a.num(), pow10(shift)), scale)
	}
	return Decimal(new(big.Int).Quo(a.num(), pow10(-shift)), scale)
}

// CeilTo rounds up to a multiple of 10^-scale of the currency. A currency that is not finer than that is left as it is.
func (a Amount) CeilTo(scale int) Amount {
	shift := int(a.cur.Scale) - scale
	if shift <= 0 {
		return a
	}
	step := pow10(shift)
	units, rest := new(big.Int).QuoRem(a.num(), step, new(big.Int))
	if rest.Sign() > 0 {
		units.Add(units, big.NewInt(1))
	}
	return Amount{cur: a.cur, units: units.Mul(units, step)}
}

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }
