package invoice

import (
	"slices"
	"strconv"
	"time"

	"checkout/fault"
	"checkout/ident"
	"checkout/ledger"
	"checkout/money"
)

// RefundState is how far money is on its way back to a payer.
type RefundState string

// The states of a refund from the merchant's own wallet (engine.md section 13): approved by the merchant, who sends it, and
// paid once its transaction is recorded; or rejected, as if it had never been begun.
const (
	RefundApproved RefundState = "approved"
	RefundPaid     RefundState = "paid"
	RefundRejected RefundState = "rejected"
)

// Refund is money of one payment that goes back. A payment has one at most that is not rejected.
type Refund struct {
	ID      ident.ID
	Payment ident.ID
	Network string
	Asset   string
	Amount  money.Amount
	Address string // where the merchant sends it, of the payment's network
	// Unallocated says that the money was nobody's when the refund was approved. It is promised to the payer since, and
	// neither covers the price nor settles anything any more. Of allocated money the invoice stays settled.
	Unallocated bool
	State       RefundState
	Actor       string
	Reason      string
	At          time.Time
	TxID        string // of a paid one
	Proven      bool   // the node knew the transaction in a block, and that it pays the address
	EndedAt     time.Time
	Pot         string // where the ledger has it taken from; empty: nothing is booked
	Epoch       int64  // entries booked
	Events      int64
}

// stands says whether the refund takes its money away from the invoice.
func (r Refund) stands() bool { return r.State != RefundRejected }

// The faults of refunds.
var (
	ErrRefundNone    = fault.New(fault.NotFound, "refund_unknown", "There is no such refund.")
	ErrRefundPayment = fault.New(fault.Conflict, "refund_payment", "Only a confirmed payment that is not refunded yet can be refunded.").At("payment")
	ErrRefundAmount  = fault.New(fault.Invalid, "refund_amount", "A refund is more than nothing, and not more than its payment brought.").At("amount")
	ErrRefundWhole   = fault.New(fault.Invalid, "refund_whole", "Money that has not paid an invoice goes back whole: a part of it would be nobody's.").At("amount")
	ErrRefundWhich   = fault.New(fault.Invalid, "refund_which", "There are several: name the one that is meant.")
	ErrRefundTo      = fault.New(fault.Invalid, "refund_to", "Where shall the money go? The payer has left no address of this coin.").At("to")
	ErrRefundProof   = fault.New(fault.Invalid, "refund_unproven", "The node knows no transaction of this id, in a block, that pays the refund's address its amount besides other refunds.").At("tx")
)

// RefundOrder is what a merchant asks for.
type RefundOrder struct {
	ID      ident.ID
	Payment string        // id, number or transaction of the payment; empty: the only one it can be
	Amount  *money.Amount // nil: all of the payment
	Address string        // checked, of the payment's network
	Actor   string
	Reason  string
}

// RefundOf is the refund of a payment, if there is one that was not rejected.
func (inv *Invoice) RefundOf(payment ident.ID) (Refund, bool) { return refundOf(inv.Refunds, payment) }

func refundOf(list []Refund, payment ident.ID) (Refund, bool) {
	for _, r := range list {
		if r.Payment == payment && r.stands() {
			return r, true
		}
	}
	return Refund{}, false
}

// Returnable finds the payment a refund is asked for. By default it is the only one that can be refunded.
func (inv *Invoice) Returnable(name string) (*Payment, error) {
	var found *Payment
	for i := range inv.Payments {
		p := &inv.Payments[i]
		if _, refunded := inv.RefundOf(p.ID); refunded || p.Status != Confirmed || !p.pays() || (name != "" && !p.named(name)) {
			continue
		}
		if found != nil {
			return nil, ErrRefundWhich
		}
		found = p
	}
	if found == nil {
		return nil, ErrRefundPayment
	}
	return found, nil
}

// Refund approves that money of a payment goes back. Nothing is sent by it: the money is in the merchant's own wallet.
func (inv *Invoice) Refund(o RefundOrder, at Moment) (Effects, error) {
	at = inv.shift(at)
	p, err := inv.Returnable(o.Payment)
	if err != nil {
		return Effects{}, err
	}
	amount := p.Transfer.Amount
	if o.Amount != nil {
		amount = *o.Amount
	}
	if more, err := amount.Cmp(p.Transfer.Amount); err != nil || more > 0 || amount.Sign() <= 0 {
		return Effects{}, ErrRefundAmount
	}
	if p.Booked != Allocated && !amount.Equal(p.Transfer.Amount) {
		return Effects{}, ErrRefundWhole
	}
	if o.Address == "" {
		return Effects{}, ErrRefundTo
	}
	w := inv.begin(at, Cause{Kind: "manual", ID: string(o.ID), Actor: o.Actor})
	inv.Refunds = append(inv.Refunds, Refund{
		ID: o.ID, Payment: p.ID, Network: p.Transfer.Network, Asset: p.Transfer.Asset, Amount: amount, Address: o.Address,
		Unallocated: p.Booked != Allocated, State: RefundApproved, Actor: o.Actor, Reason: o.Reason, At: at.Now,
	})
	w.refunded("approved", len(inv.Refunds)-1)
	return w.finish()
}

// open finds a refund that is neither paid nor rejected: by its id, or the only one.
func (inv *Invoice) open(id ident.ID) (int, error) {
	found := -1
	for i, r := range inv.Refunds {
		if r.State != RefundApproved || (id != "" && r.ID != id) {
			continue
		}
		if found >= 0 {
			return 0, ErrRefundWhich
		}
		found = i
	}
	if found < 0 {
		return 0, ErrRefundNone
	}
	return found, nil
}

// OpenRefund is a refund that was approved and is not paid yet: by its id, or the only one.
func (inv *Invoice) OpenRefund(id ident.ID) (Refund, error) {
	i, err := inv.open(id)
	if err != nil {
		return Refund{}, err
	}
	return inv.Refunds[i], nil
}

// RefundSent records the transaction that paid a refund.
func (inv *Invoice) RefundSent(id ident.ID, txid string, proven bool, actor string, at Moment) (Effects, error) {
	return inv.endRefund(id, "paid", actor, at, func(r *Refund) {
		r.State, r.TxID, r.Proven = RefundPaid, txid, proven
	})
}

// RejectRefund takes an approval back before anything was sent. The money is the invoice's again.
func (inv *Invoice) RejectRefund(id ident.ID, actor string, at Moment) (Effects, error) {
	return inv.endRefund(id, "rejected", actor, at, func(r *Refund) { r.State = RefundRejected })
}

func (inv *Invoice) endRefund(id ident.ID, kind, actor string, at Moment, end func(*Refund)) (Effects, error) {
	at = inv.shift(at)
	i, err := inv.open(id)
	if err != nil {
		return Effects{}, err
	}
	w := inv.begin(at, Cause{Kind: "manual", ID: string(inv.Refunds[i].ID), Actor: actor})
	end(&inv.Refunds[i])
	inv.Refunds[i].EndedAt = at.Now
	w.refunded(kind, i)
	return w.finish()
}

// refunded notes an event about a refund.
func (w *work) refunded(kind string, i int) {
	r := &w.inv.Refunds[i]
	r.Events++
	w.told = append(w.told, told{"refund." + kind, r.ID, r.Events})
	w.dirty = true
}

// bookRefund brings the ledger to where a refund's money is taken from: the pot its payment is in. It goes along when the payment
// is allocated, or no longer.
func (inv *Invoice) bookRefund(r *Refund) (ledger.Entry, bool) {
	if r.State != RefundPaid {
		return ledger.Entry{}, false
	}
	pot := ledger.PotUnallocated
	if slices.ContainsFunc(inv.Payments, func(p Payment) bool { return p.ID == r.Payment && p.Booked == Allocated }) {
		pot = ledger.PotOwn
	}
	if r.Pot == pot {
		return ledger.Entry{}, false
	}
	account := func(pot string) ledger.Account { return ledger.Merchant(inv.Merchant, inv.Env, pot) }
	e := ledger.Entry{
		CauseKind: "refund", CauseID: r.ID, Kind: "settle", Epoch: r.Epoch, Stream: "merchant:" + string(inv.Merchant),
		Postings: []ledger.Posting{{From: account(pot), To: ledger.Own(r.Network), Asset: r.Asset, Amount: r.Amount}},
	}
	if r.Pot != "" {
		e.Kind = "move"
		e.Postings = []ledger.Posting{{From: account(pot), To: account(r.Pot), Asset: r.Asset, Amount: r.Amount}}
	}
	r.Pot = pot
	r.Epoch++
	return e, true
}

// named says whether a person means this payment.
func (p Payment) named(name string) bool {
	return string(p.ID) == name || p.Transfer.TxID == name || strconv.FormatInt(p.Number, 10) == name
}
