package checkout

import (
	"net/http"
	"slices"
	"strings"

	"checkout/ident"
	"checkout/invoice"
	"checkout/money"
	"checkout/web/templates"
)

// handleReceipt shows what a customer keeps: once money has been seen. Before that there is nothing to show, and the page
// says where things stand.
func (f *Face) handleReceipt(w http.ResponseWriter, r *http.Request) {
	s, err := f.set(r)
	if err != nil {
		f.fail(w, r, err)
		return
	}
	if !receiptable(s.inv) {
		f.seeOther(w, r, s.query.path(s.inv.ID, ""))
		return
	}
	f.render(w, r, s, http.StatusOK, templates.ReceiptPage(f.receipt(s)))
}

// receiptable says whether any money that counts has come, or some went back.
func receiptable(inv *invoice.Invoice) bool {
	if refunds(inv, invoice.RefundPaid) || refunds(inv, invoice.RefundApproved) {
		return true
	}
	for _, p := range inv.Payments {
		if inv.Counts(p) {
			return true
		}
	}
	return false
}

func (f *Face) receipt(s scene) templates.Receipt {
	inv, t := s.inv, s.lang
	order := orderOf(t, inv)
	r := templates.Receipt{
		Theme: s.theme, Assets: f.assets(s.merchant), Test: inv.Outcome.Flags.Test, Final: inv.Outcome.State == invoice.Settled || s.view == ViewRefundPending || s.view == ViewRefunded,
		Merchant: merchantOf(t, s.merchant, inv), Short: inv.ID.Short(), Total: order.Total, Currency: order.Currency,
		Paid: paidIn(inv), Payments: f.payments(t, inv, templates.Both), Back: s.query.path(inv.ID, ""),
	}
	fact := func(key, value string) {
		if value != "" {
			r.Facts = append(r.Facts, templates.Fact{Label: t.Say(key), Value: value})
		}
	}
	fact("fact.order", order.Label)
	fact("fact.description", inv.Description)
	if inv.Tip.Sign() > 0 { // contained in the total
		fact("fact.tip", t.Isolated(amountText(t, inv.Tip)))
	}
	r.Facts = append(r.Facts, templates.Fact{Label: t.Say("fact.invoice"), Value: inv.ID.Short(), Mono: true})
	if !inv.SettledAt.IsZero() {
		at := templates.At(inv.SettledAt, templates.Both)
		r.Facts = append(r.Facts, templates.Fact{Label: t.Say("receipt.when"), Time: &at})
	}
	for _, a := range inv.Addresses {
		asset, known := f.Registry.Asset(a.Asset)
		if paid := paidAssets(inv); !known || (len(paid) > 0 && !slices.Contains(paid, a.Asset)) || (len(paid) == 0 && a.Asset != inv.Asset) {
			continue // nothing came to it
		}
		fact("fact.with", asset.Name+" ("+asset.Currency.Code+")")
		fact("receipt.network", f.networkName(a.Network))
		r.Facts = append(r.Facts, templates.Fact{Label: t.Say("pay.address"), Value: a.Shown(), Mono: true})
	}
	if q, one := soleQuote(inv); one {
		at := templates.At(q.At, templates.Both)
		r.Facts = append(r.Facts,
			templates.Fact{Label: t.Say("fact.rate"), Value: t.Isolated("1 " + q.Rate.From.Code + " = " + rateText(t, q.Rate))},
			templates.Fact{Label: t.Say("fact.taken"), Time: &at})
	}
	r.Facts = append(r.Facts, f.refundFacts(t, inv, func(tx string) string { return tx })...)
	return r
}

// soleQuote is the quote all the money that counts was taken at, if it was one.
func soleQuote(inv *invoice.Invoice) (invoice.Quote, bool) {
	var id ident.ID
	for _, p := range inv.Payments {
		if !inv.Counts(p) {
			continue
		}
		if id != "" && id != p.Quote {
			return invoice.Quote{}, false
		}
		id = p.Quote
	}
	for _, q := range inv.Quotes {
		if q.ID == id {
			return q, true
		}
	}
	return invoice.Quote{}, false
}

// paidIn sums what came, coin by coin.
func paidIn(inv *invoice.Invoice) string {
	var parts []string
	for _, m := range inv.Methods {
		sum := money.Zero(m.Currency)
		for _, p := range inv.Payments {
			if p.Transfer.Asset == m.Asset && inv.Counts(p) {
				sum, _ = sum.Add(p.Transfer.Amount) // one asset has one currency
			}
		}
		if sum.Sign() > 0 {
			parts = append(parts, sum.Plain()+" "+sum.Currency().Code)
		}
	}
	return strings.Join(parts, " + ")
}
