// Package merchant has the merchants of an installation, their keys and their policies.
package merchant

import (
	"fmt"
	"log/slog"
	"math/big"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"checkout/fault"
	"checkout/ident"
	"checkout/money"
)

// The faults of merchants.
var (
	ErrNotFound = fault.New(fault.NotFound, "merchant_unknown", "There is no such merchant.")
	ErrName     = fault.New(fault.Invalid, "merchant_name", "A merchant's name has 1 to 64 characters and no control characters.").At("name")
	ErrPolicy   = fault.New(fault.Invalid, "tolerance", "The tolerance is a percentage from 0 to 5.").At("tolerance")
)

// Merchant is a shop that takes money here.
type Merchant struct {
	ID        ident.ID
	Number    int64 // the number the CoinsPaid dialect calls client_id
	Name      string
	Support   string // e-mail address or URL shown to customers, or empty
	Tolerance string // percent a customer may pay too little, a plain decimal from 0 to 5
	Created   time.Time
	Suspended bool
	Look      Look
}

// DefaultTolerance is half a percent.
const DefaultTolerance = "0.5"

// Check refuses what may not be stored.
func (m Merchant) Check() error {
	if !Presentable(m.Name, 64) {
		return ErrName
	}
	share, ok := percent(m.Tolerance)
	if !ok || share.Cmp(maxTolerance) > 0 {
		return ErrPolicy
	}
	return m.Look.Check()
}

// Presentable says whether text can be shown to customers: not empty, at most limit characters, valid UTF-8, and clean
// (security.md O03).
func Presentable(text string, limit int) bool {
	if strings.TrimSpace(text) == "" || !utf8.ValidString(text) || utf8.RuneCountInString(text) > limit {
		return false
	}
	return Clean(text)
}

// Clean says whether text has no control characters and none that hide or reorder what is around them, which could make
// a page say something else.
func Clean(text string) bool {
	for _, r := range text {
		if unicode.IsControl(r) || r == '\u200b' || r == '\ufeff' || (r >= '\u202a' && r <= '\u202e') || (r >= '\u2066' && r <= '\u2069') ||
			r == '\u2028' || r == '\u2029' {
			return false
		}
	}
	return true
}

// SafeLink says whether text is a page a customer may be sent to: http or https, with a host, without a password in it.
func SafeLink(text string) bool {
	if len(text) > 2048 || !Clean(text) || strings.ContainsFunc(text, unicode.IsSpace) || strings.Contains(text, `\`) {
		return false
	}
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil && u.Opaque == ""
}

var (
	hundred      = big.NewRat(100, 1)
	maxTolerance = big.NewRat(5, 100)
)

func percent(text string) (*big.Rat, bool) {
	if !money.CheckGrammar(text) {
		return nil, false
	}
	share, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, false
	}
	return share.Quo(share, hundred), true
}

// ToleranceOn is how much less than price still pays it (engine.md section 1): the larger of the merchant's percentage
// and 0.50, the fixed part only for fiat prices, never more than 5 % of the price. A merchant who sets 0 takes no
// less than asked. It is rounded down.
func (m Merchant) ToleranceOn(price money.Amount) (money.Amount, error) {
	share, ok := percent(m.Tolerance)
	if !ok {
		return money.Amount{}, ErrPolicy
	}
	cur := price.Currency()
	if share.Sign() == 0 {
		return money.Zero(cur), nil
	}
	units := new(big.Rat).SetInt(price.Units())
	most := new(big.Rat).Mul(units, maxTolerance)
	part := new(big.Rat).Mul(units, share)
	if cur.Kind == money.Fiat {
		half := new(big.Rat).SetFrac(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(cur.Scale)), nil), big.NewInt(2))
		if half.Cmp(part) > 0 {
			part = half
		}
	}
	if part.Cmp(most) > 0 {
		part = most
	}
	return money.Round(cur, part, money.RoundDown), nil
}

// Secret is text that must never be printed. Only Reveal gives it away.
type Secret string

// String, GoString and LogValue hide the secret.
func (Secret) String() string             { return "***" }
func (Secret) GoString() string           { return "***" }
func (Secret) LogValue() slog.Value       { return slog.StringValue("***") }
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("***")) }

// MarshalText keeps it out of JSON too.
func (Secret) MarshalText() ([]byte, error) { return []byte("***"), nil }

// Reveal is the text itself.
func (s Secret) Reveal() string { return string(s) }
