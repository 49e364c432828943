package ledger

import (
	"checkout/ident"
	"checkout/money"
)

// Booking is how far a payment has come in the book.
type Booking string

// The bookings.
const (
	Unbooked  Booking = ""
	Suspended Booking = "suspend"  // seen on an address of ours, and nobody's: dust, or older than the address
	Credited  Booking = "credit"   // confirmed, and the merchant's; not yet for anything
	Allocated Booking = "allocate" // it pays an invoice, or is a customer's deposit
)

// Incoming is a payment that came to an address of a merchant's own wallet, as the book knows it. Invoices and deposits
// book theirs alike (engine.md section 12).
type Incoming struct {
	Payment   ident.ID
	Epoch     int64
	Merchant  ident.ID
	Env       ident.Environment
	Network   string
	Asset     string
	Amount    money.Amount
	Unmatched bool // suspended because it is older than its address, and not because it is small
}

// Entry is the step of one payment to a booking.
func (in Incoming) Entry(step Booking) Entry {
	e := in.entry(string(step))
	e.Postings = in.moved(step)
	if step == Allocated {
		e.Postings = e.Postings[1:] // credited before
	}
	return e
}

// Undo takes back all that was moved up to a booking.
func (in Incoming) Undo(booked Booking) Entry { return in.entry("").Reverse(in.moved(booked)) }

// Deallocate takes an allocation back: the money is the merchant's still, but pays nothing.
func (in Incoming) Deallocate() Entry {
	e := in.Entry(Allocated)
	e = e.Reverse(e.Postings)
	e.Kind = "deallocate"
	return e
}

func (in Incoming) entry(kind string) Entry {
	return Entry{CauseKind: "payment", CauseID: in.Payment, Kind: kind, Epoch: in.Epoch, Stream: "merchant:" + string(in.Merchant)}
}

// moved are all postings of the bookings up to one.
func (in Incoming) moved(booked Booking) []Posting {
	if booked == Suspended {
		to := Dust(in.Network)
		if in.Unmatched {
			to = Unmatched(in.Network)
		}
		return []Posting{{From: Own(in.Network), To: to, Asset: in.Asset, Amount: in.Amount}}
	}
	unallocated := Merchant(in.Merchant, in.Env, PotUnallocated)
	list := []Posting{{From: Own(in.Network), To: unallocated, Asset: in.Asset, Amount: in.Amount}}
	if booked == Allocated {
		list = append(list, Posting{From: unallocated, To: Merchant(in.Merchant, in.Env, PotOwn), Asset: in.Asset, Amount: in.Amount})
	}
	return list
}
