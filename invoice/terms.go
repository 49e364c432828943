package invoice

import (
	"time"

	"checkout/chain"
	"checkout/money"
)

// Terms are the rules of one invoice, frozen at its creation (engine.md section 4).
type Terms struct {
	Name          string        // "coinspaid", "order", "link"
	Tolerance     money.Amount  // in the price's currency: so much less still pays it
	OpenFor       time.Duration // how long it may wait for a coin to be chosen; 0 for ever
	Lock          time.Duration // how long a price holds
	DeadlineAfter time.Duration // from creation; 0: the end of the lock is the deadline
	ExtendShort   time.Duration // the lock lasts longer once a part has come
	SlowPayer     time.Duration // and for who pays from an exchange
	Grace         time.Duration // after the lock, money still counts as in time
	MaxRenewals   int           // by the payer
	RenewDrift    int64         // basis points the price may move for a lock to renew by itself; 0 never
	Partial       bool          // what has come by the deadline is accepted
	Watch         time.Duration // how long after the end late money may still be taken at today's rate
	LockAll       bool          // prices of all methods are locked at creation
	Final         bool          // expired it stays: no renewal and no late money leads out of it, only a person does
}

// Terms of the two first faces. The names are part of the stored form.
const (
	TermsCoinsPaid = "coinspaid"
	TermsOrder     = "order"
	TermsLink      = "link"
)

const watchWindow = 7 * 24 * time.Hour

// CoinsPaidTerms are those of contracts/coinspaid.md section 5: a window of 15 minutes that nothing extends.
func CoinsPaidTerms(tolerance money.Amount, partial, lockAll bool) Terms {
	return Terms{
		Name: TermsCoinsPaid, Tolerance: tolerance, Lock: 15 * time.Minute, Partial: partial, Watch: watchWindow,
		LockAll: lockAll,
	}
}

// OrderTerms are our own for a shop's order: an hour to pay, prices locked for 20 minutes at a time (an hour if every
// coin offered is a stable one), twelve renewals.
func OrderTerms(tolerance money.Amount, stable bool) Terms {
	lock := 20 * time.Minute
	if stable {
		lock = time.Hour
	}
	return Terms{
		Name: TermsOrder, Tolerance: tolerance, OpenFor: time.Hour, Lock: lock, DeadlineAfter: time.Hour,
		ExtendShort: 30 * time.Minute, SlowPayer: 30 * time.Minute, Grace: 10 * time.Minute, MaxRenewals: 12, RenewDrift: 100, Watch: watchWindow,
	}
}

// LinkTerms are those of a payment link that keeps nobody else from paying: OrderTerms with a day to pay.
func LinkTerms(tolerance money.Amount, stable bool) Terms {
	t := OrderTerms(tolerance, stable)
	t.Name, t.OpenFor, t.DeadlineAfter = TermsLink, 24*time.Hour, 24*time.Hour
	return t
}

// NewMethod freezes an asset's rules for an invoice with these terms.
func NewMethod(a chain.Asset, n chain.Network, terms string) Method {
	m := Method{
		Asset: a.ID, Network: a.Network, Currency: a.Currency, Confirmations: a.Confirmations,
		Places: min(a.DuePlaces, 8), Dust: a.Dust, Cap: a.Cap, Minimum: a.Minimum, ConfirmWithin: 72 * time.Hour,
	}
	if n.Coin == "BTC" { // its mempools keep for two weeks what pays too little to be mined
		m.ConfirmWithin = 14 * 24 * time.Hour
	}
	if terms == TermsCoinsPaid {
		m.ConfirmWithin = 24 * time.Hour
	} else {
		m.LateSettles = a.Stable
	}
	return m
}
