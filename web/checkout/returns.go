package checkout

import (
	"slices"
	"strings"

	"checkout/invoice"
	"checkout/money"
	"checkout/web/templates"
	"checkout/web/texts"
)

// wrong is what came in another coin than was asked for, while nobody has decided about it: the newest, if there are several.
func (f *Face) wrong(s scene) *templates.Wrong {
	if !s.facts.WrongAsset || s.view == ViewRefundPending || s.view == ViewRefunded {
		return nil
	}
	var out *templates.Wrong
	for _, p := range s.inv.Payments {
		if _, refunded := s.inv.RefundOf(p.ID); !p.Wrong || !p.Live() || refunded {
			continue
		}
		asked := ""
		for _, a := range s.inv.Addresses {
			if a.Text == p.Transfer.Address && a.Network == p.Transfer.Network {
				asked = a.Asset
			}
		}
		out = &templates.Wrong{
			Amount: p.Transfer.Amount.Plain(), Coin: p.Transfer.Amount.Currency().Code, Network: f.networkName(p.Transfer.Network),
			Code: s.inv.ID.Short(),
		}
		if m, ok := s.inv.Method(asked); ok {
			out.AskedCoin, out.AskedNetwork = m.Currency.Code, f.networkName(m.Network)
		}
	}
	if out == nil && len(s.inv.Strays) > 0 {
		return f.astray(s, s.inv.Strays[len(s.inv.Strays)-1])
	}
	return out
}

// astray says that money came on another network than was asked for.
func (f *Face) astray(s scene, x invoice.Stray) *templates.Wrong {
	out := &templates.Wrong{
		Amount: x.Transfer.Amount.Plain(), Coin: x.Transfer.Amount.Currency().Code, Network: f.networkName(x.Transfer.Network), Code: s.inv.ID.Short(),
	}
	for _, a := range s.inv.Addresses {
		if m, ok := s.inv.Method(a.Asset); ok && a.Text == x.Transfer.Address && (out.AskedCoin == "" || a.Asset == s.inv.Asset) {
			out.AskedCoin, out.AskedNetwork = m.Currency.Code, f.networkName(m.Network)
		}
	}
	return out
}

// networkName is what people call a network.
func (f *Face) networkName(id string) string {
	n, ok := f.Registry.Network(id)
	if !ok {
		return id
	}
	return n.Name
}

// showWrong says that the wrong coin came. The order can still be paid with the right one: its details stay, or the way to a
// new price.
func (f *Face) showWrong(l *templates.Live, s scene) {
	switch inv := s.inv; {
	case s.payable():
		f.showPay(l, s)
	case inv.Outcome.State == invoice.Failed:
		l.Payments = f.payments(s.lang, inv, templates.Clock)
	default:
		l.Requote = f.requote(s, true)
		l.Payments = f.payments(s.lang, inv, templates.Clock)
	}
}

// showRefund says what goes back, or went.
func (f *Face) showRefund(l *templates.Live, s scene) {
	inv, t := s.inv, s.lang
	l.Said.Refund = refundSum(t, inv, s.view == ViewRefunded)
	for _, r := range inv.Refunds {
		if r.State == invoice.RefundPaid {
			l.Said.Tx = shortTx(r.TxID)
		}
	}
	l.Facts = append(f.refundFacts(t, inv, shortTx), orderFacts(t, inv)...)
	l.Receipt = s.outside().path(inv.ID, "/receipt")
}

// refundFacts are the lines of what goes back, or went; tx writes the id of a transaction.
func (f *Face) refundFacts(t *texts.Lang, inv *invoice.Invoice, tx func(string) string) []templates.Fact {
	var list []templates.Fact
	for _, r := range inv.Refunds {
		if r.State == invoice.RefundRejected {
			continue
		}
		list = append(list, templates.Fact{Label: t.Say("fact.refund"), Value: refundAmount(t, r)},
			templates.Fact{Label: t.Say("fact.to"), Value: r.Address, Mono: true})
		if r.TxID != "" {
			list = append(list, templates.Fact{Label: t.Say("fact.transaction"), Value: tx(r.TxID), Href: f.explorer(r.Network, r.TxID), Mono: true})
		}
	}
	return list
}

// refundSum is all that went back, or is on its way, coin by coin.
func refundSum(t *texts.Lang, inv *invoice.Invoice, paid bool) string {
	var sums []money.Amount
	for _, r := range inv.Refunds {
		if r.State == invoice.RefundRejected || paid != (r.State == invoice.RefundPaid) {
			continue
		}
		at := slices.IndexFunc(sums, func(a money.Amount) bool { return a.Currency() == r.Amount.Currency() })
		if at < 0 {
			sums = append(sums, r.Amount)
			continue
		}
		sums[at], _ = sums[at].Add(r.Amount) // of one currency
	}
	parts := make([]string, 0, len(sums))
	for _, a := range sums {
		parts = append(parts, a.Plain()+" "+a.Currency().Code)
	}
	return t.Isolated(strings.Join(parts, " + "))
}

func refundAmount(t *texts.Lang, r invoice.Refund) string {
	return t.Isolated(r.Amount.Plain() + " " + r.Amount.Currency().Code)
}
