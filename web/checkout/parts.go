package checkout

import (
	"math/big"
	"strings"
	"time"

	"checkout/chain"
	"checkout/invoice"
	"checkout/money"
	"checkout/web/templates"
	"checkout/web/texts"
)

// longestNumber is the longest order number that is shown: a shop's own keys say nothing to a customer.
const longestNumber = 24

func orderNumber(inv *invoice.Invoice) string {
	if len(inv.ForeignID) > longestNumber {
		return ""
	}
	return inv.ForeignID
}

// orderLabel says what is paid for: "Order 1001 · 2 kg house blend". A title that names the order already is enough.
func orderLabel(t *texts.Lang, inv *invoice.Invoice) string {
	var parts []string
	if number := orderNumber(inv); number != "" && !strings.Contains(inv.Title, number) {
		parts = append(parts, t.Say("fact.order.name", "number", number))
	}
	if inv.Title != "" {
		parts = append(parts, inv.Title)
	}
	return strings.Join(parts, " · ")
}

func orderOf(t *texts.Lang, inv *invoice.Invoice) templates.Order {
	total := inv.Price.Plain()
	if inv.Price.Currency().Kind == money.Fiat {
		total = t.Figure(inv.Price.String())
	}
	return templates.Order{Label: orderLabel(t, inv), Total: total, Currency: inv.Price.Currency().Code}
}

// orderFacts are the lines of a payment that is over.
func orderFacts(t *texts.Lang, inv *invoice.Invoice) []templates.Fact {
	var list []templates.Fact
	if label := orderLabel(t, inv); label != "" {
		list = append(list, templates.Fact{Label: t.Say("fact.order"), Value: label})
	}
	return append(list, templates.Fact{Label: t.Say("fact.invoice"), Value: inv.ID.Short(), Mono: true})
}

// details explain the amount: nothing in it is hidden, nothing of it is in the way.
func (f *Face) details(t *texts.Lang, inv *invoice.Invoice) []templates.Fact {
	var list []templates.Fact
	if inv.Description != "" {
		list = append(list, templates.Fact{Label: t.Say("fact.description"), Value: inv.Description})
	}
	list = append(list, templates.Fact{Label: t.Say("fact.price"), Value: amountText(t, inv.Price)})
	q, ok := inv.Quote(inv.Asset)
	m, chosen := inv.Method(inv.Asset)
	if !ok || !chosen {
		return list
	}
	at := templates.At(q.At, templates.Both)
	step := money.Decimal(money.Units(m.Currency, 1).Units(), m.Places)
	list = append(list, templates.Fact{Label: t.Say("fact.rate"), Value: t.Isolated("1 " + m.Currency.Code + " = " + rateText(t, q.Rate))})
	if len(q.Sources) > 0 {
		list = append(list, templates.Fact{Label: t.Say("fact.source"), Value: strings.Join(q.Sources, ", ")})
	}
	return append(list,
		templates.Fact{Label: t.Say("fact.taken"), Time: &at},
		templates.Fact{Label: t.Say("fact.rounding"), Value: t.Say("fact.rounded", "amount", t.Isolated(step+" "+m.Currency.Code))},
		templates.Fact{Label: t.Say("fact.fee"), Value: t.Say("fact.fee.wallet")},
	)
}

// rateText is a rate to as many places as its currency has, or to eight when that says nothing.
func rateText(t *texts.Lang, r money.Rate) string {
	text := r.Decimal(int(r.To.Scale))
	if strings.Trim(text, "0.") == "" {
		text = r.Decimal(8)
	}
	return t.Figure(text) + " " + r.To.Code
}

// outcomeFacts are the lines of a payment that arrived.
func (f *Face) outcomeFacts(s scene) []templates.Fact {
	inv, t := s.inv, s.lang
	var list []templates.Fact
	if s.view == ViewOverpaid {
		if q, ok := inv.Quote(inv.Asset); ok {
			list = append(list, templates.Fact{Label: t.Say("fact.price"), Value: amountText(t, q.Due)})
		}
		list = append(list, templates.Fact{Label: t.Say("fact.toomuch"), Value: amountText(t, surplus(inv))})
	}
	rest := orderFacts(t, inv)
	list = append(list, rest[:len(rest)-1]...)
	for _, id := range paidAssets(inv) {
		if asset, ok := f.Registry.Asset(id); ok {
			list = append(list, templates.Fact{Label: t.Say("fact.with"), Value: asset.Name + " (" + asset.Currency.Code + ")"})
		}
	}
	for _, p := range inv.Payments {
		if inv.Counts(p) {
			tx := p.Transfer.TxID
			list = append(list, templates.Fact{Label: t.Say("fact.transaction"), Value: shortTx(tx), Href: f.explorer(p.Transfer.Network, tx), Mono: true})
		}
	}
	list = append(list, f.refundFacts(t, inv, shortTx)...)
	return append(list, rest[len(rest)-1])
}

// receivedOf is what has come.
func receivedOf(t *texts.Lang, inv *invoice.Invoice, key string) *templates.Received {
	sum := received(inv)
	r := &templates.Received{Label: t.Say(key), Amount: sum.Plain(), Coin: sum.Currency().Code}
	if sum.Currency() != inv.Price.Currency() && inv.Outcome.Covered.Sign() > 0 {
		r.Approx = t.Isolated("≈ " + amountText(t, inv.Outcome.Covered))
	}
	if !inv.Outcome.CoveredAt.IsZero() && inv.Outcome.State == invoice.Detected {
		r.Note = t.Say("received.covers")
	}
	return r
}

// lateOf is all that came of the chosen coin, what a person still decides about included.
func lateOf(t *texts.Lang, inv *invoice.Invoice) *templates.Received {
	m, _ := inv.Method(inv.Asset)
	sum := money.Zero(m.Currency)
	for _, p := range inv.Payments {
		if p.Transfer.Asset == inv.Asset && (inv.Counts(p) || (p.Live() && p.Standing == invoice.Aside)) {
			sum, _ = sum.Add(p.Transfer.Amount) // one asset has one currency
		}
	}
	if sum.Sign() == 0 {
		return nil
	}
	return &templates.Received{Label: t.Say("received.label"), Amount: sum.Plain(), Coin: sum.Currency().Code}
}

// paidOf is what has come for a settled invoice, with its price as agreed and the time. An invoice that was accepted
// without any money names only its price.
func paidOf(t *texts.Lang, inv *invoice.Invoice) *templates.Received {
	r := receivedOf(t, inv, "received.paid")
	if received(inv).Sign() == 0 {
		o := orderOf(t, inv)
		r.Amount, r.Coin, r.Approx = o.Total, o.Currency, ""
	} else if r.Approx != "" && !excess(inv) {
		r.Approx = t.Isolated(amountText(t, inv.Price))
	}
	if !inv.SettledAt.IsZero() {
		at := templates.At(inv.SettledAt, templates.Both)
		r.At = &at
	}
	return r
}

// progressOf is how much of the asked amount has come.
func progressOf(inv *invoice.Invoice) *templates.Progress {
	q, ok := inv.Quote(inv.Asset)
	if !ok {
		return nil
	}
	sum, asked := inv.Received(inv.Asset), q.Due
	if switched(inv) { // parts of different coins add up in the invoice's currency alone
		sum, asked = inv.Outcome.Covered, inv.Price
	}
	p := &templates.Progress{Received: sum.Plain(), Asked: asked.Plain(), Coin: asked.Currency().Code}
	covered, price := inv.Outcome.Covered.Units(), inv.Price.Units()
	if price.Sign() > 0 {
		p.Have = int(covered.Mul(covered, big.NewInt(1000)).Quo(covered, price).Int64())
	}
	return p
}

// seen are the transactions that count, for the payment's story.
func (f *Face) seen(inv *invoice.Invoice) []templates.Step {
	var list []templates.Step
	for _, p := range inv.Payments {
		if inv.Counts(p) {
			at := templates.At(p.FirstSeen, templates.Clock)
			list = append(list, templates.Step{Mono: shortTx(p.Transfer.TxID), Href: f.explorer(p.Transfer.Network, p.Transfer.TxID), At: &at})
		}
	}
	return list
}

// payments are all transfers a customer made, those included that did not go through.
func (f *Face) payments(l *texts.Lang, inv *invoice.Invoice, form string) []templates.Payment {
	var list []templates.Payment
	for _, p := range inv.Payments {
		switch p.Standing {
		case invoice.Counted, invoice.Late, invoice.Aside:
		default:
			continue // dust, or not meant for this invoice
		}
		if p.ReplacedBy != "" {
			continue // its replacement is in the list
		}
		t := p.Transfer
		list = append(list, templates.Payment{
			Amount: t.Amount.Plain(), Coin: t.Amount.Currency().Code, Tx: shortTx(t.TxID), TxID: t.TxID, Href: f.explorer(t.Network, t.TxID),
			State: paymentState(l, p), At: templates.At(p.FirstSeen, form),
		})
	}
	return list
}

func paymentState(t *texts.Lang, p invoice.Payment) string {
	switch {
	case p.Status == invoice.Dropped && p.Conflict != "":
		return t.Say("transfer.replaced")
	case p.Status == invoice.Dropped:
		return t.Say("transfer.dead")
	case p.Standing == invoice.Aside:
		return t.Say("transfer.undecided")
	case p.Status == invoice.Confirmed:
		return t.Say("transfer.confirmed")
	}
	return templates.Confirmations(t, int(p.Depth), int(p.Need))
}

// explorer is a page about a transaction, if the operator has named one.
func (f *Face) explorer(network, tx string) string {
	if f.Explorer == nil {
		return ""
	}
	if at := f.Explorer(network, tx); safeLink(at) {
		return at
	}
	return ""
}

// shortTx is a transaction id people can compare.
func shortTx(id string) string {
	if len(id) <= 15 {
		return id
	}
	return id[:6] + "…" + id[len(id)-6:]
}

// subUnits is an amount in the unit people know it by: "44,007 sat".
func subUnits(t *texts.Lang, a chain.Asset, due money.Amount) string {
	if a.SubUnit == "" {
		return ""
	}
	return t.Figure(due.Minor()) + " " + a.SubUnit
}

// minutes rounds a time up to whole minutes; less than one is none.
func minutes(d time.Duration) int {
	if d < time.Minute {
		return 0
	}
	return int((d + time.Minute - 1) / time.Minute)
}

// blockMinutes is the usual time between two blocks of the chosen coin's network, in minutes.
func (f *Face) blockMinutes(inv *invoice.Invoice) int {
	m, _ := inv.Method(inv.Asset)
	n, ok := f.Registry.Network(m.Network)
	if !ok {
		return 0
	}
	return minutes(n.BlockTime)
}
