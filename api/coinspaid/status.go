package coinspaid

import (
	"checkout/event"
	"checkout/ident"
	"checkout/invoice"
)

// The statuses of an invoice on the wire (section 5.1). Everything bad is "failed".
const (
	statusCreated    = "created"
	statusPending    = "pending"
	statusProcessing = "processing"
	statusConfirmed  = "confirmed"
	statusFailed     = "failed"
)

// wireState is the table of section 5.1.
func wireState(s invoice.State, a invoice.AmountState) string {
	switch s {
	case invoice.Open:
		return statusCreated
	case invoice.Awaiting:
		return statusPending
	case invoice.Detected:
		if a == invoice.Short {
			return statusPending
		}
		return statusProcessing
	case invoice.Settled:
		return statusConfirmed
	}
	return statusFailed
}

// wireError is the sentence of a failed invoice; every good status has none.
func wireError(r invoice.Record) string {
	switch {
	case r.State == invoice.Cancelled:
		return "Invoice cancelled."
	case r.State == invoice.Expired && r.Amount == invoice.Short:
		return "Timer expired. User paid less than requested."
	case r.State == invoice.Expired:
		return "Timer expired. User not paid."
	case r.State != invoice.Failed:
		return ""
	case r.Reason == "double_spent":
		return "Transaction was double spent"
	case r.Reason == "unconfirmed":
		return "Timer expired. Transactions were in status processing too long."
	case r.MarkReason != "":
		return r.MarkReason
	}
	return "Invoice was marked invalid."
}

// EventTypes are the events callbacks are made of; see tells.
func EventTypes() []string {
	return []string{"invoice.*", "payment.detected", "payment.dropped", "payment.replaced", "deposit.*"}
}

// tellsOf says whether invoices of an origin are this dialect's to tell: its own, and those of tills, payment links and
// buttons, which speak no dialect; a shop that listens hears of all of them by one door.
func tellsOf(origin string) bool {
	switch origin {
	case invoice.TermsCoinsPaid, invoice.OriginTerminal, invoice.OriginLink, invoice.OriginButton:
		return true
	}
	return false
}

// tells says whether an event becomes a callback: one for each instalment, one when covered, one when settled, one on the
// end, and when money seen is gone again. Creation and the choice of a coin are not told, nor are prices that lapse and are
// renewed, nor that an invoice may be paid again (invoice.reopened): money is.
func tells(e event.Event, r invoice.Record) bool {
	switch e.Type {
	case "payment.detected", "payment.dropped", "payment.replaced":
		return r.State == invoice.Detected && tellsPayment(e, r)
	case "invoice.settled", "invoice.expired", "invoice.failed", "invoice.cancelled", "invoice.reverted":
		return true
	case "invoice.detected": // by late money: payment.detected told every other first sight
		return r.From.Ends()
	case "invoice.awaiting":
		return r.From == invoice.Detected
	}
	return false
}

// tellsPayment says whether what happened to a payment of an invoice that is still waiting changed what is missing. If it
// changed the state as well, that is told, and not this.
func tellsPayment(e event.Event, r invoice.Record) bool {
	p, ok := payment(r, e.Object)
	if !ok || !counts(r, p) {
		return false
	}
	heir, inherited := successor(r, p)
	switch e.Type {
	case "payment.dropped": // what took its place is told as an instalment of its own
		return r.Amount == invoice.Short && !inherited
	case "payment.replaced": // the heir is no instalment of its own: it is told if it brings more
		return inherited && brings(heir, p)
	}
	return true
}

func payment(r invoice.Record, id ident.ID) (invoice.RecordPayment, bool) {
	for _, p := range r.Payments {
		if p.ID == id {
			return p, true
		}
	}
	return invoice.RecordPayment{}, false
}

// successor is the payment whose transaction spends the coins of another one and pays the invoice instead.
func successor(r invoice.Record, old invoice.RecordPayment) (invoice.RecordPayment, bool) {
	for _, p := range r.Payments {
		if p.TxID == old.Conflict && p.Status != invoice.Dropped && counts(r, p) {
			return p, true
		}
	}
	return invoice.RecordPayment{}, false
}

// brings says whether a payment is larger than the one it continues.
func brings(heir, old invoice.RecordPayment) bool {
	a, errA := heir.Amount.Amount()
	b, errB := old.Amount.Amount()
	more, err := a.Cmp(b)
	return errA == nil && errB == nil && err == nil && more > 0
}

// accepted says whether a person took the invoice as paid: then it has all the money that came, and nothing is missing.
func accepted(r invoice.Record) bool { return r.State == invoice.Settled && r.Reason == "manual" }

// counts says whether a payment is the invoice's: not set aside, and not too small.
func counts(r invoice.Record, p invoice.RecordPayment) bool {
	if p.Promised {
		return false
	}
	return p.Standing == invoice.Counted || p.Standing == invoice.Late || (p.Standing == invoice.Aside && !p.Wrong && accepted(r))
}
