// Package invoice is the heart of the house: what an invoice is, what each payment, decision and deadline does to
// it, and what everybody else has to be told.
//
// Facts (quotes, payments, marks) are stored and never edited; what the invoice is now is derived from them by one
// pure function, Evaluate. A change appends facts, evaluates before and after, and turns the difference into Effects
// that the store keeps in the same transaction.
package invoice

import (
	"time"

	"checkout/chain"
	"checkout/event"
	"checkout/fault"
	"checkout/ident"
	"checkout/ledger"
	"checkout/money"
	"checkout/rate"
)

// State is the first axis: where the invoice stands.
type State string

// The states (engine.md section 2).
const (
	Open      State = "open"      // no coin chosen, nothing locked
	Awaiting  State = "awaiting"  // a price is locked, or was and may be renewed
	Detected  State = "detected"  // money seen, not enough of it confirmed
	Settled   State = "settled"   // enough confirmed, or accepted
	Expired   State = "expired"   // the deadline passed without enough
	Failed    State = "failed"    // unconfirmed too long, double spent, or marked invalid
	Cancelled State = "cancelled" // called off before money was seen
)

// Ends says whether the state is an end that only a person, late money or a new price leads out of.
func (s State) Ends() bool { return s == Expired || s == Failed || s == Cancelled }

// AmountState is the second axis: how much was seen.
type AmountState string

// The amounts.
const (
	None  AmountState = "none"
	Short AmountState = "short"
	Exact AmountState = "exact" // within the tolerance, either way
	Over  AmountState = "over"
)

// Fulfilment is the verdict for the shop.
type Fulfilment string

// The verdicts.
const (
	Wait    Fulfilment = "wait"
	Go      Fulfilment = "go"
	Review  Fulfilment = "review"
	Stop    Fulfilment = "stop"
	Release Fulfilment = "release" // free the stock, but do not touch an order paid another way
)

// The faults of invoices.
var (
	ErrNotFound      = fault.New(fault.NotFound, "invoice_unknown", "There is no such invoice.")
	ErrState         = fault.New(fault.Conflict, "state_conflict", "The invoice is not in a state that allows this.")
	ErrAmounts       = fault.New(fault.Unavailable, "amounts_used_up", "Too many customers are paying this amount right now. Try again in a few minutes.")
	ErrMethod        = fault.New(fault.NotFound, "method_unknown", "This coin is not offered for this invoice.")
	ErrRefundAddress = fault.New(fault.Invalid, "refund_address", "This is the address that was paid to, not one of yours.").At("address")
	ErrRenewals      = fault.New(fault.Conflict, "no_more_renewals", "The price cannot be renewed again.")
	ErrMinimum       = fault.New(fault.Invalid, "below_minimum", "The sum is too small to be paid with this coin.")
	ErrAddress       = fault.New(fault.Unavailable, "address_mismatch", "Payment details unavailable.")
	ErrForeign       = fault.New(fault.Conflict, "foreign_id_taken", "The foreign id has already been taken.").At("foreign_id")
	ErrIllegal       = fault.New(fault.Internal, "illegal_move", "The invoice refused an illegal change of state.")
	ErrUnchanged     = fault.New(fault.Internal, "unchanged", "Nothing changed.") // a Change says so; the store then writes nothing
)

// Method is a coin the invoice may be paid with, with its rules frozen at creation.
type Method struct {
	Asset         string // chain.Asset.ID
	Network       string
	Currency      money.Currency
	Confirmations int64
	Places        int // decimals a due amount is rounded up to
	Dust, Cap     money.Amount
	Minimum       money.Amount  // a payer may not choose the coin for less: it would be lost in fees; zero: any sum
	ConfirmWithin time.Duration // how long a payment may stay unconfirmed
	LateSettles   bool          // late money is taken at today's rate; else a person decides
}

// Quote is a locked price for one method.
type Quote struct {
	rate.Quote
	Asset   string
	Sources []string     // names of what the rate was made of, each once
	Due     money.Amount // what pays the whole price at this quote
	Renewal bool         // it replaced a quote of the same coin
	ByPayer bool         // a renewal the payer asked for, not one by itself
}

// locks says whether the quote has a window. A spot quote has none: it values late money and asks for nothing.
func (q Quote) locks() bool { return q.Until.After(q.At) }

// Address is where one method's money for this invoice goes. There is at most one for each method.
type Address struct {
	Number     int64 // for dialects that number addresses
	Asset      string
	Network    string
	Text       string
	Tag        string       // what payments to a shared address must carry; empty: the address is this invoice's alone
	Nudge      money.Amount // what is asked for on top, so that no other open invoice asks for as much at an Exact address
	AssignedAt time.Time
	Height     int64 // of the chain when it was assigned: older transactions are not for this invoice
}

// MarkKind is a person's decision.
type MarkKind string

// The decisions (engine.md section 3).
const (
	MarkAccept     MarkKind = "accept"
	MarkInvalidate MarkKind = "invalidate"
	MarkCancel     MarkKind = "cancel"
	MarkReopen     MarkKind = "reopen"
)

// Mark is a decision with who made it, when and why.
type Mark struct {
	Kind   MarkKind
	Actor  string
	Reason string
	At     time.Time
	Until  time.Time // for a reopen: the new deadline
}

// End is the fact that the invoice came to an end by itself.
type End struct {
	State  State
	Reason string
	At     time.Time
}

// The origins of invoices that no dialect and no command has made: a till, a payment link or a button. Dialects decide which
// of them they tell.
const (
	OriginTerminal = "terminal"
	OriginLink     = "link"
	OriginButton   = "button"
)

// Invoice is an invoice with all that is known about it.
type Invoice struct {
	ID       ident.ID
	Number   int64
	UUID     string
	Merchant ident.ID
	Env      ident.Environment
	Version  int64

	Origin           string   // which face made it: TermsCoinsPaid, TermsOrder, OriginTerminal and its like
	Source           ident.ID // the terminal, link or button it was made by; empty: none
	ForeignID        string
	Title            string
	Description      string
	Email            string
	EndUserReference string
	Payer            string // what the shop told of who pays, a JSON object; empty if nothing
	RefundAsset      string // the coin the payer wants money back in, and where to; a person decides about it
	RefundAddress    string
	SuccessURL       string
	FailureURL       string
	Created          time.Time

	Price   money.Amount
	Tip     money.Amount // contained in the price; of no currency if there is none
	Terms   Terms
	Methods []Method
	Asset   string // the method chosen now, or empty
	// FromExchange says that the payer pays from an account at an exchange, as they said last. SlowSince is when they said so
	// first: locks last longer from then on, for withdrawals wait for somebody's approval.
	FromExchange bool
	SlowSince    time.Time

	Quotes    []Quote
	Addresses []Address
	Payments  []Payment
	Strays    []Stray
	Marks     []Mark
	Refunds   []Refund
	Ended     *End
	Lapsed    ident.ID  // the quote whose end has been told
	SettledAt time.Time // first time it was settled
	// Skipped is time a rehearsal pretends has passed for this invoice. It is zero for everything but played money.
	Skipped time.Duration

	Outcome Outcome // what Evaluate said at the last change
	LogSeq  int64   // rows of the state log
	DueAt   time.Time
}

// Method finds an offered method.
func (inv *Invoice) Method(asset string) (Method, bool) {
	for _, m := range inv.Methods {
		if m.Asset == asset {
			return m, true
		}
	}
	return Method{}, false
}

// Exact says whether the address is many payers', who are told apart by the amount alone: what is asked for must come exactly.
func (a Address) Exact() bool { return chain.IsExact(a.Text) }

// Shown is the address as payers know it: without its tag, which they are told beside it.
func (a Address) Shown() string {
	shown, _ := chain.Unshared(a.Text)
	return shown
}

// Address finds the address assigned for a method.
func (inv *Invoice) Address(asset string) (Address, bool) {
	for _, a := range inv.Addresses {
		if a.Asset == asset {
			return a, true
		}
	}
	return Address{}, false
}

// Quote is the newest locked price of a method.
func (inv *Invoice) Quote(asset string) (Quote, bool) { return newest(inv.Quotes, asset) }

// newest is the newest lock, of one coin or of any.
func newest(quotes []Quote, asset string) (Quote, bool) {
	found, ok := Quote{}, false
	for _, q := range quotes {
		if q.locks() && (asset == "" || q.Asset == asset) && (!ok || !q.At.Before(found.At)) {
			found, ok = q, true
		}
	}
	return found, ok
}

// Renewals counts how often the payer had a price locked again.
func (inv *Invoice) Renewals() int {
	n := 0
	for _, q := range inv.Quotes {
		if q.ByPayer {
			n++
		}
	}
	return n
}

// Counts says whether a payment is on its way to pay this invoice, or has: it is neither set aside nor promised back.
func (inv *Invoice) Counts(p Payment) bool {
	r, refunded := inv.RefundOf(p.ID)
	return p.Live() && (p.Standing == Counted || p.Standing == Late) && !(refunded && r.Unallocated)
}

// Received is what was seen of a method's coin for this invoice, unconfirmed included.
func (inv *Invoice) Received(asset string) money.Amount {
	m, _ := inv.Method(asset)
	sum := money.Zero(m.Currency)
	for _, p := range inv.Payments {
		if p.Transfer.Asset == asset && inv.Counts(p) {
			sum, _ = sum.Add(p.Transfer.Amount) // one asset has one currency
		}
	}
	return sum
}

// Networks lists the networks money for this invoice may arrive on: those of its addresses.
func (inv *Invoice) Networks() []string {
	var list []string
	for _, a := range inv.Addresses {
		known := false
		for _, n := range list {
			known = known || n == a.Network
		}
		if !known {
			list = append(list, a.Network)
		}
	}
	return list
}

// Moment is what a transaction knows of time: its one clock reading, and for each network the instant up to which
// the watcher has seen everything, and the height it stands at.
type Moment struct {
	Now      time.Time
	Evidence map[string]time.Time
	Heights  map[string]int64
}

// Change decides. It may run more than once, so it only looks at inv and sets it. Returning ErrUnchanged keeps the
// invoice as it was.
type Change func(inv *Invoice, at Moment) (Effects, error)

// Effects are what a change asks the store to keep together with the invoice.
type Effects struct {
	Entries []ledger.Entry
	Events  []event.Event
	Log     []Move
}

// Move is one row of the state log.
type Move struct {
	Seq      int64
	From, To State
	Amount   AmountState
	Flags    Flags
	Reason   string
	Cause    Cause
	At       time.Time
}

// Cause says what a change came from. Kind is "api", "payer", "payment", "chain", "timer", "manual", "requote" or
// "late_policy".
type Cause struct {
	Kind  string
	ID    string
	Actor string
}
