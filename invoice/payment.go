package invoice

import (
	"slices"
	"time"

	"checkout/chain"
	"checkout/ident"
	"checkout/ledger"
	"checkout/rate"
)

// Status is what the chain says of a payment.
type Status string

// The statuses.
const (
	Seen      Status = "detected"  // in the mempool, or in a block that is not deep enough
	Confirmed Status = "confirmed" // deep enough
	Reverted  Status = "reverted"  // was confirmed, its block left the chain; still valid, counts as unconfirmed
	Dropped   Status = "dropped"   // evicted before any confirmation, replaced, or double spent
)

// Standing is what a payment counts for; judged once, at its first sighting (engine.md section 5).
type Standing string

// The standings.
const (
	Counted     Standing = "counted"     // it pays this invoice, at its quote
	Late        Standing = "late"        // it pays this invoice at a spot quote, once with it the price is covered
	Aside       Standing = "aside"       // ours, but a person decides
	DustAside   Standing = "dust"        // too small to be spent again
	Unmatched   Standing = "unmatched"   // older than the address's assignment
	Quarantined Standing = "quarantined" // more than can exist
)

// Booking is how far a payment has come in the ledger.
type Booking = ledger.Booking

// The bookings.
const (
	Unbooked  = ledger.Unbooked
	Suspended = ledger.Suspended
	Credited  = ledger.Credited
	Allocated = ledger.Allocated
)

// Payment is one transfer to an address of the invoice.
type Payment struct {
	ID          ident.ID
	Number      int64
	Transfer    chain.Transfer
	Inputs      []string
	Replaceable bool
	Coinbase    bool

	Status   Status
	Standing Standing
	IsLate   bool     // first seen after its lock and grace, or after an end
	Wrong    bool     // of another asset than was asked for on its address: set aside
	Extra    bool     // came on top of a settled invoice
	Quote    ident.ID // what it is valued at, for life
	TakenBy  string   // who accepted it for a settled invoice, after it was set aside, and why
	TakenWhy string

	FirstSeen   time.Time
	ConfirmedAt time.Time
	RevertedAt  time.Time // its block was lost after it had been confirmed, or that of the one it continues
	Block       chain.BlockRef
	Depth       int64 // confirmations at the last look
	Need        int64 // confirmations that make it final

	Conflict      string         // the transaction that spends the same coins
	ConflictBlock chain.BlockRef // where it is, if it is in a block
	DoubleSpent   bool           // a conflict took confirmed money for good
	ReplacedBy    ident.ID       // the payment that continues this one

	Booked Booking
	Epoch  int64 // raised each time the payment is reverted, or no longer allocated
	Events int64 // events told of it
}

// Live says whether the payment's money is still on its way to us.
func (p Payment) Live() bool { return p.Status != Dropped }

// wasFirm says whether the payment had been confirmed, or continues one that had, and is not any more: goods may be out for it.
func (p Payment) wasFirm() bool {
	return p.Status == Reverted || (p.Status == Seen && !p.RevertedAt.IsZero())
}

// base says whether the payment counts and is not on top of a settled invoice.
func (p Payment) base() bool { return p.Live() && p.Standing == Counted && !p.Extra }

// replaced says whether another transaction took counted money away before it had confirmed, and pays us less or nothing.
func (p Payment) replaced() bool {
	return p.Standing == Counted && p.Status == Dropped && p.Conflict != "" && p.ReplacedBy == "" && !p.DoubleSpent
}

// pays says whether the payment is somebody's, and no dust.
func (p Payment) pays() bool {
	return p.Standing == Counted || p.Standing == Late || p.Standing == Aside
}

// judgement is what judge decides.
type judgement struct {
	standing Standing
	quote    ident.ID
	late     bool
	extra    bool // earlier payments already cover the price
	spot     bool // quote is the spot quote, which must be kept
	wrong    bool // not what was asked for
}

// judge applies engine.md section 5: the first rule that fits. spot is today's quote for the coin if there is one; m are the
// rules of what arrived, which need not be what addr was given for.
func (inv *Invoice) judge(s chain.Sighting, m Method, addr Address, at Moment, spot *rate.Quote) judgement {
	t := s.Transfer
	if over, _ := t.Amount.Cmp(m.Cap); over > 0 {
		return judgement{standing: Quarantined}
	}
	if s.Inferred || s.Older(addr.Height, addr.AssignedAt) {
		return judgement{standing: Unmatched}
	}
	if small, _ := t.Amount.Cmp(m.Dust); small < 0 && !inv.completes(t) {
		return judgement{standing: DustAside}
	}
	if addr.Asset != t.Asset {
		return judgement{standing: Aside, wrong: true}
	}
	f := inv.facts(at)
	f.Payments = slices.DeleteFunc(slices.Clone(f.Payments), func(p Payment) bool { return p.rival(s) })
	before := Evaluate(f)
	newestQuote, quoted := inv.Quote(m.Asset)
	if quoted && !before.State.Ends() && (before.State == Settled || before.covered()) {
		return judgement{standing: Counted, quote: newestQuote.ID, extra: true}
	}
	if !before.State.Ends() {
		if q, ok := inv.facts(at).inTime(m.Asset, s.At); ok {
			return judgement{standing: Counted, quote: q.ID}
		}
	}
	if inv.takesLate(m, spot, at) {
		return judgement{standing: Late, quote: spot.ID, late: true, spot: true}
	}
	return judgement{standing: Aside, quote: newestQuote.ID, late: true}
}

// completes says whether a small transfer is the very rest that was asked for.
func (inv *Invoice) completes(t chain.Transfer) bool {
	rest := inv.Outcome.Remaining
	less, err := t.Amount.Cmp(rest)
	return inv.Outcome.Amount == Short && t.Asset == inv.Asset && rest.Sign() > 0 && err == nil && less >= 0
}

// takesLate says whether late money of a method pays the invoice at today's quote, without a person.
func (inv *Invoice) takesLate(m Method, spot *rate.Quote, at Moment) bool {
	return m.LateSettles && !inv.Terms.Final && spot != nil && spot.Rate.From == m.Currency && !inv.decided() && at.Now.Before(inv.WatchEnd())
}

// rival says whether the payment and a transaction cannot both come true: they spend the same coins, and nothing has
// decided for the payment yet.
func (p Payment) rival(s chain.Sighting) bool {
	if !p.Live() || p.Status == Confirmed || p.Transfer.Network != s.Transfer.Network || p.Transfer.TxID == s.Transfer.TxID {
		return false
	}
	if !p.Block.IsZero() && s.Block.IsZero() {
		return false
	}
	return slices.ContainsFunc(p.Inputs, func(in string) bool { return slices.Contains(s.Tx.Inputs, in) })
}

// inTime finds the quote a sighting is judged by: of the windows that hold it, with grace and a short payment's
// extension, the newest begun before it.
func (f Facts) inTime(asset string, seen time.Time) (Quote, bool) {
	found, ok := Quote{}, false
	for _, q := range f.Quotes {
		if q.Asset != asset || !q.locks() || (ok && q.At.Before(found.At)) {
			continue
		}
		if end := f.holdsUntil(q).Add(f.Terms.Grace); !seen.Before(q.At) && !seen.After(end) {
			found, ok = q, true
		}
	}
	return found, ok
}

// decided says whether a cancel or invalidate stands.
func (inv *Invoice) decided() bool {
	m, ok := standingMark(inv.Marks)
	return ok && (m.Kind == MarkCancel || m.Kind == MarkInvalidate)
}

// LockEnd is until when the newest price of the chosen coin holds, without grace: longer once a part of it has come. Without
// a coin it is the newest lock there is.
func (inv *Invoice) LockEnd() (time.Time, bool) {
	q, ok := inv.Quote(inv.Asset)
	if !ok {
		return time.Time{}, false
	}
	return inv.facts(Moment{}).holdsUntil(q), true
}

// WatchEnd is until when late money may be taken without a person.
func (inv *Invoice) WatchEnd() time.Time {
	end := inv.Created
	if d, ok := inv.facts(Moment{}).deadline(); ok {
		end = d
	}
	if inv.Ended != nil && inv.Ended.At.After(end) {
		end = inv.Ended.At
	}
	return end.Add(inv.Terms.Watch)
}
