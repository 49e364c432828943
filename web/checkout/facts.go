package checkout

import (
	"math/big"
	"slices"
	"time"

	"checkout/ident"
	"checkout/invoice"
	"checkout/money"
)

// expiringFor is how long before its end a lock is said to be ending.
const expiringFor = 2 * time.Minute

// factsOf takes from an invoice what the view depends on. usable says whether the chosen coin can be paid with now.
func factsOf(inv *invoice.Invoice, now time.Time, usable bool) Facts {
	o := inv.Outcome
	f := Facts{
		State: o.State, Amount: o.Amount, Late: o.Flags.Late, NeedsReview: o.Flags.NeedsReview, Replaced: o.Flags.Replaced,
		Excess: excess(inv), Chosen: inv.Asset != "", Offered: len(inv.Methods) > 0, Usable: usable,
	}
	f.WrongAsset, f.Refunding, f.Refunded = o.Flags.WrongAsset || len(inv.Strays) > 0, refunds(inv, invoice.RefundApproved), refunds(inv, invoice.RefundPaid)
	f.Have, f.Need, f.AllConfirmed = progress(inv)
	until, locked := inv.LockEnd()
	switch {
	case !locked:
	case o.State == invoice.Awaiting:
		// A lock is over when the engine has said so, which needs more than a clock: until then the page counts to zero
		// and asks.
		q, _ := inv.Quote(inv.Asset)
		f.LockOpen = inv.Lapsed != q.ID
	default:
		f.LockOpen = !now.After(until)
	}
	f.LockEnding = locked && until.Sub(now) < expiringFor
	return f
}

// refunds says whether there are refunds in a state that the page is about: of what settled an invoice, or of one that is not
// settled. What did not pay a paid order is a line on its page.
func refunds(inv *invoice.Invoice, in invoice.RefundState) bool {
	settled := inv.Outcome.State == invoice.Settled
	return slices.ContainsFunc(inv.Refunds, func(r invoice.Refund) bool {
		return r.State == in && !(settled && r.Unallocated) && (in == invoice.RefundPaid || confirmed(inv, r.Payment))
	})
}

// confirmed says whether a payment is: what the chain has taken back is on its way to nobody.
func confirmed(inv *invoice.Invoice, payment ident.ID) bool {
	return slices.ContainsFunc(inv.Payments, func(p invoice.Payment) bool { return p.ID == payment && p.Status == invoice.Confirmed })
}

// progress is how far the slowest payment that counts is, and whether all of them have arrived.
func progress(inv *invoice.Invoice) (have, need int, all bool) {
	all = true
	for _, p := range inv.Payments {
		if !inv.Counts(p) {
			continue
		}
		depth := int(min(max(p.Depth, 0), p.Need))
		if p.Status == invoice.Confirmed {
			depth = int(p.Need)
		} else {
			// Deep enough but not yet judged so: the engine has the last word, the page says one is missing.
			all, depth = false, min(depth, int(p.Need)-1)
		}
		if need == 0 || int(p.Need)-depth > need-have {
			have, need = max(depth, 0), int(p.Need)
		}
	}
	return have, need, all
}

// excess says whether more than one percent too much has come: less is not worth the cost of sending it back.
func excess(inv *invoice.Invoice) bool {
	over, err := inv.Outcome.Covered.Sub(inv.Price)
	if err != nil {
		return false
	}
	hundredfold := new(big.Int).Mul(over.Units(), big.NewInt(100))
	return hundredfold.Cmp(inv.Price.Units()) > 0
}

// paidAssets are the coins of the payments that count, in the order they came.
func paidAssets(inv *invoice.Invoice) []string {
	var list []string
	for _, p := range inv.Payments {
		if inv.Counts(p) && !slices.Contains(list, p.Transfer.Asset) {
			list = append(list, p.Transfer.Asset)
		}
	}
	return list
}

// switched says whether what came is not all of the coin that is chosen now.
func switched(inv *invoice.Invoice) bool {
	paid := paidAssets(inv)
	return len(paid) > 1 || (len(paid) == 1 && paid[0] != inv.Asset)
}

// received is what has come: in its own coin if that is one, else in the invoice's currency.
func received(inv *invoice.Invoice) money.Amount {
	switch paid := paidAssets(inv); len(paid) {
	case 0:
		return inv.Received(inv.Asset)
	case 1:
		return inv.Received(paid[0])
	}
	return inv.Outcome.Covered
}

// surplus is how much too much has come: in the coin if all of it came in the chosen one, else in the invoice's
// currency.
func surplus(inv *invoice.Invoice) money.Amount {
	single := true
	for _, p := range inv.Payments {
		single = single && (!inv.Counts(p) || p.Transfer.Asset == inv.Asset)
	}
	if q, ok := inv.Quote(inv.Asset); ok && single {
		if over, err := inv.Received(inv.Asset).Sub(q.Due); err == nil && over.Sign() > 0 {
			return over
		}
	}
	over, err := inv.Outcome.Covered.Sub(inv.Price)
	if err != nil || over.Sign() < 0 {
		return money.Zero(inv.Price.Currency())
	}
	return over
}
