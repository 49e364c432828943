package invoice

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"checkout/ident"
)

// keep takes a change over, after checking what must hold after every one.
func (p *play) keep(next *Invoice, fx Effects) {
	p.Helper()
	before := p.inv.Outcome.State
	p.checkLog(before, next, fx)
	for _, e := range fx.Events {
		subject := e.Subject()
		if p.told[subject] {
			p.Fatalf("two events are %s: %s", subject, e.Type)
		}
		p.told[subject] = true
		r, err := DecodeRecord(e.Data)
		if err != nil || r.State != next.Outcome.State || r.ID != next.ID {
			p.Fatalf("the record of %s says %s: %v", e.Type, r.State, err)
		}
	}
	for _, e := range fx.Entries {
		key := fmt.Sprint(e.CauseKind, e.CauseID, e.Kind, e.Epoch)
		if err := e.Check(); err != nil || p.booked[key] {
			p.Fatalf("entry %s, booked before: %v: %v", key, p.booked[key], err)
		}
		p.booked[key] = true
	}
	p.inv, p.entries, p.events, p.log = next, append(p.entries, fx.Entries...), append(p.events, fx.Events...), append(p.log, fx.Log...)
	p.checkBooks()
	if again := reload(next); !sameOutcome(again.Outcome, next.Outcome) || again.Outcome.Fulfilment != next.Outcome.Fulfilment {
		p.Fatalf("decided\n%+v, loaded again\n%+v", next.Outcome, again.Outcome)
	}
}

// checkLog holds I6 and I7: legal moves without gaps, one invoice.* event for each.
func (p *play) checkLog(before State, next *Invoice, fx Effects) {
	p.Helper()
	moves := map[int64]bool{}
	for _, m := range fx.Log {
		if m.From != before || !Legal(m.From, m.To) || m.Seq != int64(len(p.log))+1 || m.Seq != next.LogSeq {
			p.Fatalf("row %d moves from %q (it was %q) to %q", m.Seq, m.From, before, m.To)
		}
		if m.From.Ends() && !slices.Contains([]string{"manual", "late_policy", "requote"}, m.Cause.Kind) {
			p.Fatalf("it leaves %s by %s", m.From, m.Cause.Kind)
		}
		before = m.To
		moves[m.Seq] = true
	}
	if before != next.Outcome.State {
		p.Fatalf("it is %s, its log ends in %s", next.Outcome.State, before)
	}
	for _, e := range fx.Events {
		if strings.HasPrefix(e.Type, "invoice.") {
			if !moves[e.Seq] || e.Object != next.ID {
				p.Fatalf("%s has no row", e.Type)
			}
			delete(moves, e.Seq)
		}
	}
	if len(moves) > 0 {
		p.Fatalf("rows without an event: %v", moves)
	}
}

// checkBooks holds I1 and I3: every entry balances, and what a payment's rows add up to on the merchant's accounts is its
// amount if it is confirmed and somebody's, else nothing.
func (p *play) checkBooks() {
	p.Helper()
	sums := map[ident.ID]*big.Int{}
	for _, e := range p.entries {
		total := new(big.Int)
		for _, leg := range e.Legs() {
			total.Add(total, leg.Amount.Units())
			if leg.Account.IsMerchant() {
				if sums[e.CauseID] == nil {
					sums[e.CauseID] = new(big.Int)
				}
				sums[e.CauseID].Add(sums[e.CauseID], leg.Amount.Units())
			}
		}
		if total.Sign() != 0 {
			p.Fatalf("entry %s of %s adds up to %s", e.Kind, e.CauseID, total)
		}
	}
	for _, pay := range p.inv.Payments {
		want, got := new(big.Int), new(big.Int)
		if pay.Status == Confirmed && pay.Standing != DustAside && pay.Standing != Unmatched && pay.Standing != Quarantined {
			want = pay.Transfer.Amount.Units()
		}
		if sums[pay.ID] != nil {
			got = sums[pay.ID]
		}
		if want.Cmp(got) != 0 {
			p.Fatalf("payment of %s is %s and %s, %s is booked", pay.Transfer.Amount, pay.Status, pay.Standing, got)
		}
	}
}
