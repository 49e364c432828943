package checkout

import "checkout/invoice"

// View is the name of what the page shows: `data-state` in the page, `state` in the status.
type View string

// The views this face has.
const (
	ViewChoose           View = "choose"
	ViewWaiting          View = "waiting"
	ViewWaitingExpiring  View = "waiting_expiring"
	ViewDetected         View = "detected"
	ViewConfirming       View = "confirming"
	ViewPaid             View = "paid"
	ViewUnderpaid        View = "underpaid"
	ViewOverpaid         View = "overpaid"
	ViewExpired          View = "expired"
	ViewExpiredUnderpaid View = "expired_underpaid"
	ViewLate             View = "late"
	ViewPaidLate         View = "paid_late"
	ViewFailed           View = "failed"
	ViewCancelled        View = "cancelled"
	ViewUnavailable      View = "unavailable"
	ViewWrongAsset       View = "wrong_asset"
	ViewRefundPending    View = "refund_pending"
	ViewRefunded         View = "refunded"
)

// Facts are what the choice of a view depends on.
type Facts struct {
	State        invoice.State
	Amount       invoice.AmountState
	Late         bool // money came after its time
	NeedsReview  bool // a person must decide
	Replaced     bool // a payment was replaced by one that pays us less or nothing
	Excess       bool // so much too much that returning it is worth offering
	Chosen       bool // a coin is chosen
	Offered      bool // there is a coin to choose
	Usable       bool // the chosen coin has a rate and its node can be relied on
	LockOpen     bool // the price holds
	LockEnding   bool // for less than two more minutes
	Have, Need   int  // confirmations of the slowest payment that counts
	PayAgain     bool // after a failure the payer asked for the payment details again
	AllConfirmed bool // nothing that counts is waiting for the network
	WrongAsset   bool // money in another coin came, and nobody has decided about it
	Refunding    bool // money is on its way back
	Refunded     bool // all that was to go back has gone
}

// over says whether nothing more is asked of the payer: the order is paid, or has ended.
func (f Facts) over() bool { return f.State == invoice.Settled || f.State.Ends() }

// unasked are the facts without what the reader asked for in the address.
func (f Facts) unasked() Facts { f.PayAgain = false; return f }

// payable says whether an order nothing counts for could be paid now.
func (f Facts) payable() bool {
	return f.State == invoice.Awaiting && f.Amount == invoice.None && f.Chosen && f.LockOpen && f.Usable
}

// View derives the view; the first rule that fits wins.
func (f Facts) View() View {
	switch {
	case f.Refunding && f.over():
		return ViewRefundPending
	case f.Refunded && f.over():
		return ViewRefunded
	case f.State == invoice.Cancelled:
		return ViewCancelled
	case f.State == invoice.Failed:
		return ViewFailed
	case f.Replaced && f.Amount == invoice.None && f.State != invoice.Expired && !f.PayAgain:
		return ViewFailed
	case f.WrongAsset && f.Amount == invoice.None && f.State != invoice.Settled && f.State != invoice.Open:
		return ViewWrongAsset
	case f.State == invoice.Settled && f.Amount == invoice.Over && f.Excess:
		return ViewOverpaid
	case f.State == invoice.Settled && f.Late:
		return ViewPaidLate
	case f.State == invoice.Settled:
		return ViewPaid
	case f.State == invoice.Detected && f.Amount == invoice.Short && f.LockOpen:
		return ViewUnderpaid
	case f.State == invoice.Detected && f.Amount == invoice.Short && f.AllConfirmed:
		// The network has nothing more to say, and the deadline is still ahead: what helps is a new price for the rest.
		return ViewExpiredUnderpaid
	case f.State == invoice.Detected && f.Have == 0:
		return ViewDetected
	case f.State == invoice.Detected:
		return ViewConfirming
	case f.Late && f.NeedsReview:
		return ViewLate
	case f.State == invoice.Expired && f.Amount != invoice.None:
		return ViewExpiredUnderpaid
	case f.State == invoice.Expired:
		return ViewExpired
	case f.State == invoice.Awaiting && !f.LockOpen:
		return ViewExpired
	case f.State == invoice.Awaiting && f.Chosen && !f.Usable:
		return ViewUnavailable
	case f.State == invoice.Awaiting && f.Chosen && f.LockEnding:
		return ViewWaitingExpiring
	case f.State == invoice.Awaiting && f.Chosen:
		return ViewWaiting
	case !f.Offered:
		return ViewUnavailable
	}
	return ViewChoose // open, or prices are locked for all coins and none is chosen yet
}

// Final says whether the page stops asking: nothing is expected to change any more. Something still may: a reorganisation
// takes a settled payment back, and the page shows that when it is opened again.
func (v View) Final() bool {
	switch v {
	case ViewPaid, ViewPaidLate, ViewOverpaid, ViewCancelled, ViewRefunded:
		return true
	}
	return false
}

// Payable says whether the page shows an address and an amount to send: also when the wrong coin came, and the right one
// still may.
func (f Facts) Payable() bool {
	switch f.View() {
	case ViewWaiting, ViewWaitingExpiring, ViewUnderpaid:
		return true
	case ViewWrongAsset:
		return f.payable()
	}
	return false
}
