package payterm

import (
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"time"

	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
)

// Terminal is a till. Its token can make invoices (and deposit addresses) and nothing else.
type Terminal struct {
	ID       ident.ID
	Merchant ident.ID
	Env      ident.Environment
	Token    string // the capability in /t/{token}: 26 characters like an ident.ID
	Name     string // "Till 2"
	Mode     Mode
	Currency money.Currency  // of sums; deposits need none
	Amount   money.Amount    // of ModeFixed
	Min, Max money.Amount    // of ModeKeypad and ModeCustomer; zero: no bound but MaxAmount
	Tips     []int           // percentages offered; empty: nobody is asked for a tip
	PIN      merchant.Secret // 4 to 8 digits; empty: no history at the till
	Created  time.Time
	Revoked  time.Time // zero: in use
}

func (t Terminal) sums() sums { return newSums(t.Mode, t.Currency, t.Amount, t.Min, t.Max) }

// Sum is what is asked before any tip: the fixed sum, or the one that was typed within the bounds. ErrAmount, ErrBounds.
func (t Terminal) Sum(typed money.Amount) (money.Amount, error) { return t.sums().price(typed) }

// Check refuses what may not be stored.
func (t Terminal) Check() error {
	if !merchant.Presentable(t.Name, maxName) {
		return ErrName
	}
	if err := t.sums().check(ModeKeypad, ModeFixed, ModeCustomer, ModeDeposit); err != nil {
		return err
	}
	if len(t.Tips) > maxTips || (len(t.Tips) > 0 && t.Mode == ModeDeposit) {
		return ErrTips
	}
	for i, p := range t.Tips {
		if p < 1 || p > 100 || slices.Contains(t.Tips[:i], p) {
			return ErrTips
		}
	}
	if pin := t.PIN.Reveal(); pin != "" && (len(pin) < 4 || len(pin) > 8 || !digits(pin)) {
		return ErrPINForm
	}
	return nil
}

// TipOf is so many percent of a sum, rounded to the nearest smallest unit, halves up.
func TipOf(a money.Amount, percent int) money.Amount {
	units := a.Units()
	units.Mul(units, bigInt(int64(percent))).Add(units, bigInt(50)).Quo(units, bigInt(100))
	return money.New(a.Currency(), units)
}

// Charge is a sale at a terminal.
type Charge struct {
	Amount money.Amount // without the tip; a fixed sum may be left out
	Tip    money.Amount
	Note   string
	Once   string // from the form, so that it is good for one sale
}

// total is what a charge asks for, and the tip in it.
func (t Terminal) total(c Charge) (total, tip money.Amount, err error) {
	if c.Amount.Currency().IsZero() {
		c.Amount = money.Zero(t.Currency)
	}
	price, err := t.sums().price(c.Amount)
	if err != nil || c.Tip.IsZero() {
		return price, money.Amount{}, err
	}
	if len(t.Tips) == 0 || c.Tip.Currency() != t.Currency || c.Tip.Sign() < 0 {
		return price, c.Tip, ErrTip
	}
	if more, err := c.Tip.Cmp(price); err != nil || more > 0 { // nobody means more than 100 %
		return price, c.Tip, ErrTip
	}
	if total, err = price.Add(c.Tip); err != nil || !sellable(t.Currency, total) {
		return price, c.Tip, ErrTip
	}
	return total, c.Tip, nil
}

// Tries are wrong PINs in a row, and until when none is looked at.
type Tries struct {
	Failures int64
	Locked   time.Time
}

// try looks at a PIN. What it returns is to be kept whatever it says of the PIN.
func (t Terminal) try(pin string, was Tries, now time.Time) (Tries, error) {
	if t.PIN == "" {
		return was, ErrNoHistory
	}
	if now.Before(was.Locked) {
		return was, ErrPINLocked.In(was.Locked.Sub(now))
	}
	if pin == "" {
		return was, ErrPIN // nothing was tried
	}
	want, got := sha256.Sum256([]byte(t.PIN.Reveal())), sha256.Sum256([]byte(pin))
	if subtle.ConstantTimeCompare(want[:], got[:]) == 1 {
		return Tries{}, nil
	}
	if was.Failures+1 >= maxPINTries {
		return Tries{Locked: now.Add(pinLock)}, ErrPINLocked.In(pinLock)
	}
	return Tries{Failures: was.Failures + 1}, ErrPIN
}

// Sold is a sale as a terminal's history shows it.
type Sold struct {
	ID      ident.ID
	Number  int64
	State   invoice.State
	Amount  invoice.AmountState
	Price   money.Amount // the tip included
	Tip     money.Amount // of no currency if there was none
	Note    string
	Created time.Time
	Settled time.Time // zero if it was not
}
