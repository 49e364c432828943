// Package ledger is the double-entry book. A posting moves one amount from one account to another, so an entry
// balances by construction. Entries are never changed, only reversed by others.
package ledger

import (
	"fmt"
	"sort"

	"checkout/fault"
	"checkout/ident"
	"checkout/money"
)

// ErrEntry is the fault of an entry that may not be booked: a bug, never a caller's mistake.
var ErrEntry = fault.New(fault.Internal, "ledger_entry", "The ledger refused an entry.")

// Posting moves Amount of Asset (chain.Asset.ID) between two accounts.
type Posting struct {
	From, To Account
	Asset    string
	Amount   money.Amount
}

// Entry is what one business event does to the book. (CauseKind, CauseID, Kind, Epoch) is unique: booking the same
// cause twice is refused by the store, and a payment that is reverted and confirmed again gets the next epoch.
type Entry struct {
	CauseKind string // "payment"
	CauseID   ident.ID
	Kind      string // "credit", "allocate", "deallocate", "suspend", "reverse"
	Epoch     int64
	Stream    string // whose hash chain it is linked into: the merchant, or the network's suspense
	Postings  []Posting
}

// Check refuses what no book may hold: no postings, nothing or less than nothing moved, or moved in a circle.
func (e Entry) Check() error {
	if e.CauseKind == "" || e.CauseID == "" || e.Kind == "" || e.Stream == "" || len(e.Postings) == 0 {
		return ErrEntry.Because(fmt.Errorf("%s %s %s: incomplete", e.Kind, e.CauseKind, e.CauseID))
	}
	for _, p := range e.Postings {
		if p.Amount.Sign() <= 0 || p.From == p.To || p.From == "" || p.To == "" || p.Asset == "" {
			return ErrEntry.Because(fmt.Errorf("%s %s: posting %s → %s of %s %s", e.Kind, e.CauseID, p.From, p.To, p.Amount, p.Asset))
		}
	}
	return nil
}

// Reverse is the entry that undoes the postings of e, under the same cause and epoch.
func (e Entry) Reverse(postings []Posting) Entry {
	e.Kind = "reverse"
	e.Postings = nil
	for i := len(postings) - 1; i >= 0; i-- {
		p := postings[i]
		p.From, p.To = p.To, p.From
		e.Postings = append(e.Postings, p)
	}
	return e
}

// Leg is one side of a posting as the book and the audit view show it.
type Leg struct {
	Account Account
	Asset   string
	Amount  money.Amount // negative on the giving side
}

// Legs are both sides of every posting, in order.
func (e Entry) Legs() []Leg {
	legs := make([]Leg, 0, 2*len(e.Postings))
	for _, p := range e.Postings {
		legs = append(legs, Leg{p.From, p.Asset, p.Amount.Neg()}, Leg{p.To, p.Asset, p.Amount})
	}
	return legs
}

// Change is what an entry does to one balance.
type Change struct {
	Account Account
	Asset   string
	Delta   money.Amount
}

// Changes sums the legs of entries to one change per balance, in the order of account and asset. Balances are always
// touched in that order, so two transactions cannot lock each other out.
func Changes(entries []Entry) ([]Change, error) {
	type key struct {
		account Account
		asset   string
	}
	sums := map[key]money.Amount{}
	for _, e := range entries {
		for _, leg := range e.Legs() {
			k := key{leg.Account, leg.Asset}
			sum, ok := sums[k]
			if !ok {
				sum = money.Zero(leg.Amount.Currency())
			}
			sum, err := sum.Add(leg.Amount)
			if err != nil {
				return nil, ErrEntry.Because(fmt.Errorf("%s in %s: %w", leg.Asset, leg.Account, err))
			}
			sums[k] = sum
		}
	}
	changes := make([]Change, 0, len(sums))
	for k, sum := range sums {
		changes = append(changes, Change{k.account, k.asset, sum})
	}
	sort.Slice(changes, func(i, j int) bool {
		a, b := changes[i], changes[j]
		return a.Account < b.Account || (a.Account == b.Account && a.Asset < b.Asset)
	})
	return changes, nil
}
