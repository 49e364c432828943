package checkout

import (
	"testing"

	"checkout/invoice"
)

func TestView(t *testing.T) {
	open := Facts{State: invoice.Open, Amount: invoice.None, Offered: true, Usable: true}
	awaiting := Facts{State: invoice.Awaiting, Amount: invoice.None, Offered: true, Usable: true, Chosen: true, LockOpen: true}
	detected := Facts{State: invoice.Detected, Amount: invoice.Exact, Offered: true, Usable: true, Chosen: true, LockOpen: true, Need: 6}
	settled := Facts{State: invoice.Settled, Amount: invoice.Exact, Chosen: true, Have: 6, Need: 6, AllConfirmed: true}
	expired := Facts{State: invoice.Expired, Amount: invoice.None, Chosen: true}
	with := func(f Facts, change func(*Facts)) Facts { change(&f); return f }

	for _, c := range []struct {
		name  string
		facts Facts
		want  View
	}{
		{"open", open, ViewChoose},
		{"open, nothing to choose", with(open, func(f *Facts) { f.Offered = false }), ViewUnavailable},
		{"prices of all coins locked, none chosen", with(awaiting, func(f *Facts) { f.Chosen = false }), ViewChoose},
		{"prices of all coins locked, none chosen, about to end", with(awaiting, func(f *Facts) { f.Chosen, f.LockEnding = false, true }), ViewChoose},
		{"prices of all coins locked, none chosen, over", with(awaiting, func(f *Facts) { f.Chosen, f.LockOpen = false, false }), ViewExpired},
		{"awaiting", awaiting, ViewWaiting},
		{"two minutes left", with(awaiting, func(f *Facts) { f.LockEnding = true }), ViewWaitingExpiring},
		{"lock over", with(awaiting, func(f *Facts) { f.LockOpen, f.LockEnding = false, true }), ViewExpired},
		{"node down", with(awaiting, func(f *Facts) { f.Usable = false }), ViewUnavailable},
		{"node down, two minutes left", with(awaiting, func(f *Facts) { f.Usable, f.LockEnding = false, true }), ViewUnavailable},
		{"node down, lock over", with(awaiting, func(f *Facts) { f.Usable, f.LockOpen = false, false }), ViewExpired},
		{"replaced, nothing left", with(awaiting, func(f *Facts) { f.Replaced = true }), ViewFailed},
		{"replaced, nothing left, the payer pays again", with(awaiting, func(f *Facts) { f.Replaced, f.PayAgain = true, true }), ViewWaiting},
		{"replaced, nothing left, over", with(expired, func(f *Facts) { f.Replaced = true }), ViewExpired},

		{"seen", detected, ViewDetected},
		{"first confirmation", with(detected, func(f *Facts) { f.Have = 1 }), ViewConfirming},
		{"last but one", with(detected, func(f *Facts) { f.Have = 5 }), ViewConfirming},
		{"too much seen", with(detected, func(f *Facts) { f.Amount, f.Excess = invoice.Over, true }), ViewDetected},
		{"lock over meanwhile", with(detected, func(f *Facts) { f.LockOpen, f.Have = false, 2 }), ViewConfirming},
		{"node down meanwhile", with(detected, func(f *Facts) { f.Usable = false }), ViewDetected},
		{"a part", with(detected, func(f *Facts) { f.Amount = invoice.Short }), ViewUnderpaid},
		{"a part, confirmed", with(detected, func(f *Facts) { f.Amount, f.Have, f.AllConfirmed = invoice.Short, 6, true }), ViewUnderpaid},
		{"a part, lock over, on its way", with(detected, func(f *Facts) { f.Amount, f.LockOpen, f.Have = invoice.Short, false, 1 }), ViewConfirming},
		{"a part, lock over, unconfirmed", with(detected, func(f *Facts) { f.Amount, f.LockOpen = invoice.Short, false }), ViewDetected},
		{"a part, lock over, confirmed", with(detected, func(f *Facts) {
			f.Amount, f.LockOpen, f.Have, f.AllConfirmed = invoice.Short, false, 6, true
		}), ViewExpiredUnderpaid},
		{"one replaced, one there", with(detected, func(f *Facts) { f.Replaced = true }), ViewDetected},

		{"settled", settled, ViewPaid},
		{"settled, a little too much", with(settled, func(f *Facts) { f.Amount = invoice.Over }), ViewPaid},
		{"settled, too much", with(settled, func(f *Facts) { f.Amount, f.Excess = invoice.Over, true }), ViewOverpaid},
		{"settled late", with(settled, func(f *Facts) { f.Late = true }), ViewPaidLate},
		{"settled late, too much", with(settled, func(f *Facts) { f.Late, f.Amount, f.Excess = true, invoice.Over, true }), ViewOverpaid},
		{"settled, late money to decide about", with(settled, func(f *Facts) { f.Late, f.NeedsReview = true, true }), ViewPaidLate},
		{"a part accepted", with(settled, func(f *Facts) { f.Amount = invoice.Short }), ViewPaid},
		{"accepted without money", with(settled, func(f *Facts) { f.Amount = invoice.None }), ViewPaid},

		{"expired", expired, ViewExpired},
		{"expired with a part", with(expired, func(f *Facts) { f.Amount, f.NeedsReview = invoice.Short, true }), ViewExpiredUnderpaid},
		{"expired, late money", with(expired, func(f *Facts) { f.Late, f.NeedsReview = true, true }), ViewLate},
		{"expired with a part, late money", with(expired, func(f *Facts) { f.Amount, f.Late, f.NeedsReview = invoice.Short, true, true }), ViewLate},
		{"awaiting, late money set aside", with(awaiting, func(f *Facts) { f.Late, f.NeedsReview = true, true }), ViewLate},

		{"failed", Facts{State: invoice.Failed, Amount: invoice.Exact}, ViewFailed},
		{"failed, late money", Facts{State: invoice.Failed, Late: true, NeedsReview: true}, ViewFailed},
		{"wrong coin", with(awaiting, func(f *Facts) { f.WrongAsset, f.NeedsReview = true, true }), ViewWrongAsset},
		{"wrong coin, lock over", with(awaiting, func(f *Facts) { f.WrongAsset, f.NeedsReview, f.LockOpen = true, true, false }), ViewWrongAsset},
		{"wrong coin, then a part of the right one", with(detected, func(f *Facts) { f.WrongAsset, f.Amount = true, invoice.Short }), ViewUnderpaid},
		{"wrong coin, then the right one", with(settled, func(f *Facts) { f.WrongAsset = true }), ViewPaid},
		{"wrong coin after the end", with(expired, func(f *Facts) { f.WrongAsset, f.NeedsReview = true, true }), ViewWrongAsset},
		{"wrong coin on its way back, the order unpaid", with(awaiting, func(f *Facts) { f.Refunding = true }), ViewWaiting},
		{"a part gone back, another there", with(detected, func(f *Facts) { f.Refunded, f.Amount = true, invoice.Short }), ViewUnderpaid},
		{"excess on its way back", with(settled, func(f *Facts) { f.Amount, f.Excess, f.Refunding = invoice.Over, true, true }), ViewRefundPending},
		{"one refund gone, one on its way", with(settled, func(f *Facts) { f.Refunding, f.Refunded = true, true }), ViewRefundPending},
		{"refunded after the end", with(expired, func(f *Facts) { f.Refunded = true }), ViewRefunded},
		{"cancelled, late money gone back", Facts{State: invoice.Cancelled, Late: true, Refunded: true}, ViewRefunded},
		{"cancelled", Facts{State: invoice.Cancelled}, ViewCancelled},
		{"cancelled, late money", Facts{State: invoice.Cancelled, Late: true, NeedsReview: true}, ViewCancelled},
	} {
		if got := c.facts.View(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// Whatever the facts, there is a view, and where money must not be sent none that asks for it.
func TestEveryFactHasAView(t *testing.T) {
	states := []invoice.State{invoice.Open, invoice.Awaiting, invoice.Detected, invoice.Settled, invoice.Expired, invoice.Failed, invoice.Cancelled}
	amounts := []invoice.AmountState{invoice.None, invoice.Short, invoice.Exact, invoice.Over}
	for _, state := range states {
		for _, amount := range amounts {
			for bits := range 1 << 14 {
				bit := func(n int) bool { return bits>>n&1 == 1 }
				f := Facts{
					State: state, Amount: amount, Late: bit(0), NeedsReview: bit(1), Replaced: bit(2), Excess: bit(3), Chosen: bit(4),
					Offered: bit(5), Usable: bit(6), LockOpen: bit(7), LockEnding: bit(8), PayAgain: bit(9), AllConfirmed: bit(10), Need: 3,
					WrongAsset: bit(11), Refunding: bit(12), Refunded: bit(13),
				}
				v := f.View()
				if v == "" {
					t.Fatalf("%+v: no view", f)
				}
				if f.Payable() && (!f.LockOpen || state.Ends() || state == invoice.Settled) {
					t.Fatalf("%+v: %s asks for money", f, v)
				}
				if v.Final() && state != invoice.Settled && state != invoice.Cancelled && !f.Refunded {
					t.Fatalf("%+v: %s is final", f, v)
				}
			}
		}
	}
}
