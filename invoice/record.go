package invoice

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"checkout/chain"
	"checkout/event"
	"checkout/ident"
	"checkout/money"
)

// Record is an invoice as it was at the moment of an event: all that a dialect reads to tell of it. It is the one
// stored form of a domain type; members are only ever added.
type Record struct {
	ID               ident.ID          `json:"id"`
	Number           int64             `json:"number"`
	UUID             string            `json:"uuid"`
	Env              ident.Environment `json:"environment"`
	Origin           string            `json:"origin"`
	ForeignID        string            `json:"foreign_id,omitempty"`
	EndUserReference string            `json:"end_user_reference,omitempty"`
	Title            string            `json:"title,omitempty"`
	From             State             `json:"from"` // the state before the change
	State            State             `json:"state"`
	Amount           AmountState       `json:"amount"`
	Flags            string            `json:"flags"`
	Fulfilment       Fulfilment        `json:"fulfilment"`
	Reason           string            `json:"reason"`
	MarkReason       string            `json:"mark_reason,omitempty"` // what the person said who marked it
	Price            Money             `json:"price"`
	Due              Money             `json:"due"`
	Remaining        Money             `json:"remaining"`
	Covered          Money             `json:"covered"`
	Fee              *Money            `json:"fee,omitempty"` // taken by the operator, in the price's currency; none while money goes to the merchant's own wallet
	Asset            string            `json:"asset,omitempty"`
	Address          *RecordAddress    `json:"address,omitempty"`
	Rate             string            `json:"rate,omitempty"` // exact ratio: price currency for one unit of the coin
	Payments         []RecordPayment   `json:"payments"`
	Refunds          []RecordRefund    `json:"refunds,omitempty"`
	Created          int64             `json:"created_at"`           // milliseconds, like all instants here
	LockedAt         int64             `json:"locked_at,omitempty"`  // first lock
	LockUntil        int64             `json:"lock_until,omitempty"` // end of the newest lock
	CoveredAt        int64             `json:"covered_at,omitempty"` // when the price was covered, as far as it still is or was double spent
	At               int64             `json:"at"`
}

// Money is an amount in a record.
type Money = event.Money

func recordMoney(a money.Amount) Money { return event.RecordMoney(a) }

// RecordAddress is the address of the chosen coin.
type RecordAddress struct {
	Number int64  `json:"number"`
	Text   string `json:"text"`
	Tag    string `json:"tag,omitempty"`
}

// RecordPayment is one payment at that moment.
type RecordPayment struct {
	ID            ident.ID `json:"id"`
	Number        int64    `json:"number"`
	Asset         string   `json:"asset"`
	TxID          string   `json:"txid"`
	Ordinal       int64    `json:"ordinal"`
	Address       string   `json:"address"`
	Tag           string   `json:"tag,omitempty"`
	Amount        Money    `json:"amount"`
	Status        Status   `json:"status"`
	Standing      Standing `json:"standing"`
	Wrong         bool     `json:"wrong_asset,omitempty"`
	Promised      bool     `json:"promised,omitempty"` // goes back to the payer, and pays nothing
	Confirmations int64    `json:"confirmations"`
	Need          int64    `json:"need"`
	SeenAt        int64    `json:"seen_at"`
	Conflict      string   `json:"conflict,omitempty"` // the transaction that spends the same coins
}

// RecordRefund is one refund at that moment.
type RecordRefund struct {
	ID      ident.ID    `json:"id"`
	Payment ident.ID    `json:"payment"`
	Asset   string      `json:"asset"`
	Amount  Money       `json:"amount"`
	Address string      `json:"address"`
	State   RefundState `json:"state"`
	TxID    string      `json:"txid,omitempty"`
}

// record writes the invoice down as it is now.
func (inv *Invoice) record(move Move, at Moment) Record {
	o := inv.Outcome
	r := Record{
		ID: inv.ID, Number: inv.Number, UUID: inv.UUID, Env: inv.Env, Origin: inv.Origin, ForeignID: inv.ForeignID,
		EndUserReference: inv.EndUserReference, Title: inv.Title, From: move.From, State: o.State, Amount: o.Amount,
		Flags: o.Flags.String(), Fulfilment: o.Fulfilment, Reason: o.Reason, Price: recordMoney(inv.Price),
		Due: recordMoney(o.Due), Remaining: recordMoney(o.Remaining), Covered: recordMoney(o.Covered), Asset: inv.Asset,
		Payments: []RecordPayment{}, Created: inv.Created.UnixMilli(), CoveredAt: millis(o.CoveredAt), At: at.Now.UnixMilli(),
	}
	if m, ok := standingMark(inv.Marks); ok {
		r.MarkReason = m.Reason
	}
	if o.Reason == "double_spent" {
		r.CoveredAt = millis(inv.facts(at).onceCovered())
	}
	if q, ok := inv.Quote(inv.Asset); ok {
		r.LockUntil = inv.facts(at).holdsUntil(q).UnixMilli()
		if inv.Asset != "" {
			r.Rate = q.Rate.Ratio()
		}
		for _, each := range inv.Quotes {
			if ms := each.At.UnixMilli(); r.LockedAt == 0 || ms < r.LockedAt {
				r.LockedAt = ms
			}
		}
	}
	if a, ok := inv.Address(inv.Asset); ok {
		r.Address = &RecordAddress{Number: a.Number, Text: a.Shown(), Tag: a.Tag}
	}
	for _, p := range inv.Payments {
		refund, refunded := inv.RefundOf(p.ID)
		address, tag := chain.Unshared(p.Transfer.Address)
		r.Payments = append(r.Payments, RecordPayment{
			Promised: refunded && refund.Unallocated,
			ID:       p.ID, Number: p.Number, Asset: p.Transfer.Asset, TxID: p.Transfer.TxID, Ordinal: p.Transfer.Ordinal,
			Address: address, Tag: tag, Amount: recordMoney(p.Transfer.Amount), Status: p.Status, Standing: p.Standing, Wrong: p.Wrong,
			Confirmations: p.Depth, Need: p.Need, SeenAt: p.FirstSeen.UnixMilli(), Conflict: p.Conflict,
		})
	}
	for _, x := range inv.Refunds {
		r.Refunds = append(r.Refunds, RecordRefund{
			ID: x.ID, Payment: x.Payment, Asset: x.Asset, Amount: recordMoney(x.Amount), Address: x.Address, State: x.State, TxID: x.TxID,
		})
	}
	return r
}

// onceCovered is when what was seen covered the price, money that was double spent since included.
func (f Facts) onceCovered() time.Time {
	f.Payments = slices.Clone(f.Payments)
	for i := range f.Payments {
		if p := &f.Payments[i]; p.DoubleSpent {
			p.Status = Reverted
		}
	}
	return f.sum().coveredAt
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// Encode writes the stored form.
func (r Record) Encode() ([]byte, error) { return json.Marshal(r) }

// DecodeRecord reads the stored form.
func DecodeRecord(data []byte) (Record, error) {
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		return Record{}, fmt.Errorf("invoice record: %w", err)
	}
	return r, nil
}
