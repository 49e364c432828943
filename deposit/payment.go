package deposit

import (
	"slices"
	"time"

	"checkout/chain"
	"checkout/ident"
	"checkout/ledger"
	"checkout/money"
)

// Status is what the chain says of a payment.
type Status string

// The statuses. They are stored as those of invoices' payments are.
const (
	Seen      Status = "detected"  // in the mempool, or in a block that is not deep enough
	Confirmed Status = "confirmed" // deep enough
	Reverted  Status = "reverted"  // was confirmed, its block left the chain; still valid, counts as unconfirmed
	Dropped   Status = "dropped"   // evicted before any confirmation, replaced, or double spent
)

// Standing is what a payment counts for; judged once, at its first sighting.
type Standing string

// The standings.
const (
	Counted     Standing = "counted"     // it is the customer's
	Small       Standing = "small"       // below the minimum: the merchant's, but nobody's deposit
	Dust        Standing = "dust"        // too small to be spent again
	Unmatched   Standing = "unmatched"   // older than the address's assignment
	Quarantined Standing = "quarantined" // more than can exist
)

// Payment is one transfer to a deposit address: an object with a sequence of its own. It is seen, then confirmed or
// dropped; a confirmed one can be reverted, and confirmed once more under the same id.
type Payment struct {
	ID          ident.ID
	Number      int64
	Transfer    chain.Transfer
	Inputs      []string
	Replaceable bool
	Coinbase    bool

	Status   Status
	Standing Standing
	Crossed  bool // of another asset than the address was given for: credited in what came

	FirstSeen   time.Time
	ConfirmedAt time.Time
	RevertedAt  time.Time // when it last lost its confirmation
	Block       chain.BlockRef
	Depth       int64 // confirmations at the last look
	Need        int64 // confirmations that make it final

	Conflict      string         // the transaction that spends the same coins
	ConflictBlock chain.BlockRef // where it is, if it is in a block
	DoubleSpent   bool           // a conflict took confirmed money for good

	Booked ledger.Booking
	Epoch  int64 // raised each time the payment is reverted
	Events int64 // events told of it
}

// Rule is what holds for payments of one asset.
type Rule struct {
	Dust, Cap     money.Amount
	Minimum       money.Amount // of the asset; an address may have another for its own
	Confirmations int64
}

// Rules gives the rules of an asset on the address's network, if the house knows it.
type Rules func(asset string) (Rule, bool)

// Live says whether the payment's money is still on its way to us.
func (p Payment) Live() bool { return p.Status != Dropped }

// Shown says whether the customer is shown the payment: it is theirs, or would be if it were larger.
func (p Payment) Shown() bool { return p.Standing == Counted || p.Standing == Small }

// wasFirm says whether the payment had been confirmed and is not any more.
func (p Payment) wasFirm() bool { return !p.RevertedAt.IsZero() && p.Status != Confirmed }

// rival says whether the payment and a transaction cannot both come true, and nothing has decided for the payment yet.
func (p Payment) rival(s chain.Sighting) bool {
	if !p.Live() || p.Status == Confirmed || p.Transfer.Network != s.Transfer.Network || p.Transfer.TxID == s.Transfer.TxID {
		return false
	}
	if !p.Block.IsZero() && s.Block.IsZero() {
		return false
	}
	return slices.ContainsFunc(p.Inputs, func(in string) bool { return slices.Contains(s.Tx.Inputs, in) })
}

func (a *Address) payment(t chain.Transfer) *Payment {
	for i := range a.Payments {
		p := &a.Payments[i]
		if p.Transfer.Network == t.Network && p.Transfer.TxID == t.TxID && p.Transfer.Ordinal == t.Ordinal {
			return p
		}
	}
	return nil
}

// judge says what a transfer counts for: the first rule that fits (engine.md sections 5 and 11).
func (a *Address) judge(s chain.Sighting, r Rule) Standing {
	t := s.Transfer
	least := r.Minimum
	if t.Asset == a.Asset && a.Minimum.Sign() > 0 {
		least = a.Minimum
	}
	switch {
	case more(t.Amount, r.Cap):
		return Quarantined
	case s.Inferred, s.Older(a.Height, a.Created):
		return Unmatched
	case more(r.Dust, t.Amount):
		return Dust
	case more(least, t.Amount):
		return Small
	}
	return Counted
}

// more says whether a is more than b; amounts of different currencies compare as nothing.
func more(a, b money.Amount) bool {
	n, err := a.Cmp(b)
	return err == nil && n > 0
}

// Received sums what was seen of the address's own coin, dropped payments and those that are nobody's apart.
func (a *Address) Received() money.Amount {
	sum := money.Zero(a.Currency)
	for _, p := range a.Payments {
		if p.Live() && p.Standing == Counted && p.Transfer.Asset == a.Asset {
			sum, _ = sum.Add(p.Transfer.Amount) // one asset has one currency
		}
	}
	return sum
}
