package coinspaid

import "checkout/invoice"

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
func EventTypes() []string { return []string{"invoice.*", "payment.detected", "payment.dropped"} }

// tells says whether an event becomes a callback: one for each instalment, one when covered, one when settled, one on the
// end, and when money seen is gone again. Creation and the choice of a coin are not told.
func tells(kind string, r invoice.Record) bool {
	switch kind {
	case "payment.detected":
		return r.State == invoice.Detected
	case "payment.dropped": // others still count; if none does, invoice.awaiting tells it
		return r.State == invoice.Detected && r.Amount == invoice.Short
	case "invoice.settled", "invoice.expired", "invoice.failed", "invoice.cancelled", "invoice.reverted":
		return true
	case "invoice.detected": // by late money: payment.detected told every other first sight
		return r.From.Ends()
	case "invoice.awaiting":
		return r.From == invoice.Detected
	}
	return false
}
