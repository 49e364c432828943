package invoice

import (
	"slices"
	"time"

	"checkout/chain"
	"checkout/ident"
	"checkout/money"
	"checkout/rate"
)

// Spots gives today's price of a coin, nil if there is none: what late money is taken at.
type Spots func(asset string) *rate.Quote

// Known gives the rules of a coin an invoice does not ask for, if the house knows the coin.
type Known func(asset string) (Method, bool)

// Credit takes in a transfer to one of the invoice's addresses, for the first time or again: in the mempool, in a
// block, or in another block after a reorganisation. The same sighting twice changes nothing.
func (inv *Invoice) Credit(s chain.Sighting, id ident.ID, number int64, spots Spots, known Known, at Moment) (Effects, error) {
	at = inv.shift(at)
	addr, ok := inv.addressed(s.Transfer)
	if !ok {
		return Effects{}, ErrMethod
	}
	m, ok := inv.Method(s.Transfer.Asset)
	if !ok {
		if m, ok = known(s.Transfer.Asset); !ok {
			return Effects{}, ErrMethod
		}
	}
	w := inv.begin(at, Cause{Kind: "payment", ID: s.Transfer.TxID})
	if p := inv.payment(s.Transfer); p != nil {
		changed, err := p.Transfer.Amend(s.Transfer, p.Status == Confirmed)
		if err != nil {
			return Effects{}, err
		}
		w.dirty = w.dirty || changed
		w.again(p, s, spots)
		w.settleDepth(p, s.Tip, spots)
		return w.finish()
	}
	p, told := w.first(s, m, addr, id, number, spots)
	w.settleDepth(p, s.Tip, spots)
	if told == detected && p.Status == Confirmed {
		told = "" // that it is confirmed says it all
	}
	if told != "" {
		w.tell(told, p)
	}
	return w.finish()
}

// addressed finds the address a transfer went to: the one of its own asset if several coins share it.
func (inv *Invoice) addressed(t chain.Transfer) (Address, bool) {
	found, ok := Address{}, false
	for _, a := range inv.Addresses {
		if a.Network == t.Network && a.Text == t.Address && (!ok || a.Asset == t.Asset) {
			found, ok = a, true
		}
	}
	return found, ok
}

func (inv *Invoice) payment(t chain.Transfer) *Payment {
	for i := range inv.Payments {
		p := &inv.Payments[i]
		if p.Transfer.Network == t.Network && p.Transfer.TxID == t.TxID && p.Transfer.Ordinal == t.Ordinal {
			return p
		}
	}
	return nil
}

// first records a payment never met before, and says how it is told: not at all if it continues another.
func (w *work) first(s chain.Sighting, m Method, addr Address, id ident.ID, number int64, spots Spots) (_ *Payment, told string) {
	inv := w.inv
	s.At = w.firstSeen(s.At, addr)
	p := Payment{
		ID: id, Number: number, Transfer: s.Transfer, Inputs: s.Tx.Inputs, Replaceable: s.Tx.Replaceable,
		Coinbase: s.Tx.Coinbase, Status: Seen, Block: s.Block, FirstSeen: s.At, Need: m.Confirmations,
	}
	if p.Coinbase {
		p.Need = max(p.Need, chain.CoinbaseMaturity)
	}
	returned := inv.givenBack(s)
	old := w.displace(s)
	if old != nil && !returned && w.inherits(p, *old) {
		p.FirstSeen, p.Quote, p.Standing, p.IsLate, p.Wrong, p.Extra = old.FirstSeen, old.Quote, old.Standing, old.IsLate, old.Wrong, old.Extra
		p.RevertedAt = old.RevertedAt // goods may be out for it: who takes its coins takes confirmed money
		w.replace(old, s, id)
	} else {
		if old != nil {
			w.conflict(old, s.Tx.ID, s.Block)
		}
		spot := spots(m.Asset)
		j := inv.judge(s, m, addr, w.at, spot)
		if returned && (j.standing == Counted || j.standing == Late) {
			j = judgement{standing: Aside, wrong: j.wrong} // the same coins again, for which the payer has been given theirs back
		}
		p.Standing, p.Quote, p.IsLate, p.Wrong, p.Extra = j.standing, j.quote, j.late, j.wrong, w.before == Settled && !j.wrong
		if told = p.sighted(); j.extra {
			told = "extra"
		}
		if j.spot {
			inv.keepSpot(m, *spot)
		}
	}
	inv.Payments = append(inv.Payments, p)
	w.dirty = true
	return &inv.Payments[len(inv.Payments)-1], told
}

// givenBack says whether a transaction spends the coins of a payment that is refunded.
func (inv *Invoice) givenBack(s chain.Sighting) bool {
	return slices.ContainsFunc(inv.Payments, func(p Payment) bool {
		_, refunded := inv.RefundOf(p.ID)
		return refunded && p.rival(s)
	})
}

// inherits says whether a payment may take the standing and the price of the one it replaces: a higher fee alone always,
// more money only while that price holds. Else a coin's worth of dust would keep a price open for as long as it stays
// unconfirmed.
func (w *work) inherits(p, old Payment) bool {
	more, err := p.Transfer.Amount.Cmp(old.Transfer.Amount)
	if err != nil || more == 0 {
		return err == nil
	}
	q, ok := w.inv.facts(w.at).inTime(p.Transfer.Asset, p.FirstSeen)
	return ok && q.ID == old.Quote
}

// firstSeen is when a transfer was first seen, in the invoice's own time: dated by the node or by a gap in watching, but
// not later than now, nor before there was anything to pay to.
func (w *work) firstSeen(at time.Time, addr Address) time.Time {
	if at.IsZero() {
		return w.at.Now
	}
	at = w.inv.Clock(at)
	if at.After(w.at.Now) {
		return w.at.Now
	}
	if at.Before(addr.AssignedAt) {
		return addr.AssignedAt
	}
	return at
}

// keepSpot stores the quote late money is valued at: a window of no length, so it locks nothing.
func (inv *Invoice) keepSpot(m Method, spot rate.Quote) {
	if slices.ContainsFunc(inv.Quotes, func(q Quote) bool { return q.ID == spot.ID }) {
		return
	}
	spot.Until = spot.At
	inv.Quotes = append(inv.Quotes, Quote{Quote: spot, Asset: m.Asset, Due: money.Zero(m.Currency)})
}

// heirs pairs the payments a transaction takes the place of with the outputs that continue them, by ordinal: one to the
// same address that pays no less. Each output continues one payment at most; the smallest go first, so that as many as
// possible find one.
func (inv *Invoice) heirs(s chain.Sighting) map[int64]*Payment {
	var olds []*Payment
	for i := range inv.Payments {
		if p := &inv.Payments[i]; p.pays() && p.rival(s) {
			olds = append(olds, p)
		}
	}
	if len(olds) == 0 {
		return nil
	}
	bySize := func(a, b chain.Transfer) int { return a.Amount.Units().Cmp(b.Amount.Units()) }
	slices.SortStableFunc(olds, func(a, b *Payment) int { return bySize(a.Transfer, b.Transfer) })
	outs := slices.SortedStableFunc(slices.Values(s.Tx.Outputs), bySize)
	heirs := map[int64]*Payment{}
	for _, old := range olds {
		for _, out := range outs {
			if _, taken := heirs[out.Ordinal]; !taken && inv.continues(out, old.Transfer) {
				heirs[out.Ordinal] = old
				break
			}
		}
	}
	return heirs
}

// continues says whether an output may stand for an earlier transfer: it is not itself a payment already.
func (inv *Invoice) continues(out, old chain.Transfer) bool {
	if out.Address != old.Address || out.Asset != old.Asset {
		return false
	}
	m, ok := inv.Method(out.Asset)
	if over, err := out.Amount.Cmp(m.Cap); !ok || err != nil || over > 0 {
		return false
	}
	if less, err := out.Amount.Cmp(old.Amount); err != nil || less < 0 {
		return false
	}
	p := inv.payment(out)
	return p == nil || !p.Live()
}

// replace ends a payment that another one continues.
func (w *work) replace(old *Payment, s chain.Sighting, by ident.ID) {
	old.Status, old.Conflict, old.ConflictBlock, old.ReplacedBy = Dropped, s.Tx.ID, s.Block, by
	old.Block, old.Depth = chain.BlockRef{}, 0
	w.tell("replaced", old)
}

// displace takes in that a transaction spends the coins of earlier payments, and returns the one this transfer continues.
// Those its other outputs pay again are left for them to continue.
func (w *work) displace(s chain.Sighting) *Payment {
	heirs := w.inv.heirs(s)
	kept := map[ident.ID]bool{}
	for _, old := range heirs {
		kept[old.ID] = true
	}
	for i := range w.inv.Payments {
		if p := &w.inv.Payments[i]; p.rival(s) && !kept[p.ID] {
			w.conflict(p, s.Tx.ID, s.Block)
		}
	}
	return heirs[s.Transfer.Ordinal]
}

// again updates a known payment. A node may keep a transaction in its mempool whose coins another one has spent in a block:
// that is no news.
func (w *work) again(p *Payment, s chain.Sighting, spots Spots) {
	if p.Status == Dropped && s.Block.IsZero() && !p.ConflictBlock.IsZero() {
		return
	}
	if p.Status == Dropped {
		w.revive(p, s, spots)
	}
	if !s.Block.IsZero() && p.Block != s.Block {
		p.Block, p.Conflict, p.ConflictBlock = s.Block, "", chain.BlockRef{}
		w.dirty = true
	}
}

// revive takes a dropped payment up again: it came back, or was mined instead of what had replaced it.
func (w *work) revive(p *Payment, s chain.Sighting, spots Spots) {
	old := w.displace(s)
	if old != nil {
		w.replace(old, s, p.ID)
	}
	p.Status, p.Conflict, p.ConflictBlock, p.DoubleSpent, p.ReplacedBy = Seen, "", chain.BlockRef{}, false, ""
	p.Extra = p.Extra || w.before == Settled
	if w.inv.Ended != nil && p.Standing == Counted {
		w.belate(p, spots)
	}
	if w.dirty = true; old == nil {
		w.tell(p.sighted(), p)
	}
}

// belate takes the standing from a counted payment whose time was over when it came true: it pays at today's rate, or is
// set aside.
func (w *work) belate(p *Payment, spots Spots) {
	p.IsLate, p.Standing = true, Aside
	m, _ := w.inv.Method(p.Transfer.Asset)
	if spot := spots(m.Asset); w.inv.takesLate(m, spot, w.at) {
		p.Standing, p.Quote = Late, spot.ID
		w.inv.keepSpot(m, *spot)
	}
}

// settleDepth counts confirmations from a tip and moves the payment over its threshold, either way.
func (w *work) settleDepth(p *Payment, tip int64, spots Spots) {
	if p.Block.IsZero() || p.Status == Dropped {
		return
	}
	depth := tip - p.Block.Height + 1
	if depth < 0 {
		depth = 0
	}
	switch {
	case p.Status == Confirmed && depth < p.Need:
		p.Depth = depth
		w.revert(p)
	case p.Status == Confirmed:
	case depth >= p.Need:
		p.Depth, p.Status, p.ConfirmedAt = depth, Confirmed, w.at.Now
		if ended := w.inv.Ended; ended != nil && ended.State == Failed && p.Standing == Counted {
			w.belate(p, spots) // it failed for want of this
			w.tell("late", p)
		}
		w.tell("confirmed", p)
	case depth != p.Depth:
		p.Depth = depth
		w.dirty = true
		if depth > 1 { // the first is told by the sighting
			w.tell("confirming", p)
		}
	}
}

// detected is how money is told that came in time.
const detected = "detected"

// sighted is the name of a payment's first sighting.
func (p Payment) sighted() string {
	switch {
	case p.Standing == Unmatched:
		return "unmatched"
	case p.Standing == Quarantined:
		return "quarantined"
	case p.Wrong:
		return "wrong_asset"
	case p.IsLate:
		return "late"
	case p.Extra:
		return "extra"
	}
	return detected
}

// Advance counts confirmations of the payments on a network that stands at a new height.
func (inv *Invoice) Advance(network string, tip int64, spots Spots, at Moment) (Effects, error) {
	at = inv.shift(at)
	w := inv.begin(at, Cause{Kind: "chain", ID: network})
	for i := range inv.Payments {
		p := &inv.Payments[i]
		if p.Transfer.Network != network {
			continue
		}
		w.settleDepth(p, tip, spots)
		if p.wasFirm() && !p.ConflictBlock.IsZero() && tip-p.ConflictBlock.Height+1 >= p.Need {
			w.doubleSpent(p)
		}
	}
	return w.finish()
}

// Reorganise takes back what stood in a block that left the chain. A transaction that stands in the new branch as well
// (moved names its block there) only moves: as long as it is deep enough under the new height nobody is told anything.
func (inv *Invoice) Reorganise(network, block string, moved chain.Moves, height int64, spots Spots, at Moment) (Effects, error) {
	at = inv.shift(at)
	w := inv.begin(at, Cause{Kind: "chain", ID: block})
	w.takeBackStrays(network, block, moved)
	for i := range inv.Payments {
		p := &inv.Payments[i]
		if p.Transfer.Network != network {
			continue
		}
		if p.ConflictBlock.Hash == block {
			p.ConflictBlock = chain.BlockRef{}
			w.dirty = true
		}
		if p.Block.Hash != block {
			continue
		}
		w.dirty = true
		if there, ok := moved.Of(p.Transfer); ok {
			p.Block = there
			w.settleDepth(p, height, spots)
			continue
		}
		p.Block, p.Depth = chain.BlockRef{}, 0
		if p.Status == Confirmed {
			w.revert(p)
		}
	}
	return w.finish()
}

func (w *work) revert(p *Payment) {
	p.Status, p.RevertedAt, p.ConfirmedAt = Reverted, w.at.Now, time.Time{}
	w.tell("reverted", p)
}

// Conflict takes in that another transaction spends the same coins as one of ours. What never confirmed is dropped at
// once; what had confirmed and was reverted only when the other is as deep as ours would have to be.
func (inv *Invoice) Conflict(network, txid, other string, block chain.BlockRef, at Moment) (Effects, error) {
	at = inv.shift(at)
	w := inv.begin(at, Cause{Kind: "chain", ID: other})
	for i := range inv.Payments {
		p := &inv.Payments[i]
		if p.Transfer.Network == network && p.Transfer.TxID == txid && p.Live() && p.Status != Confirmed {
			w.conflict(p, other, block)
		}
	}
	return w.finish()
}

// conflict is what another transaction does to a payment that spends the same coins.
func (w *work) conflict(p *Payment, other string, block chain.BlockRef) {
	switch {
	case !p.wasFirm():
		p.Status, p.Conflict, p.ConflictBlock, p.Block, p.Depth = Dropped, other, block, chain.BlockRef{}, 0
		w.tell("dropped", p)
	case p.Conflict == other && p.ConflictBlock == block, !p.ConflictBlock.IsZero() && block.IsZero(): // known, or less than that
	default:
		p.Conflict, p.ConflictBlock = other, block
		w.dirty = true
		if !block.IsZero() && p.Need <= 1 {
			w.doubleSpent(p)
		}
	}
}

func (w *work) doubleSpent(p *Payment) {
	p.Status, p.DoubleSpent = Dropped, true
	w.tell("dropped", p)
}

// Evict takes in that a transaction that never confirmed is gone from the mempool, with no other in its place.
func (inv *Invoice) Evict(network, txid string, at Moment) (Effects, error) {
	at = inv.shift(at)
	w := inv.begin(at, Cause{Kind: "chain", ID: txid})
	for i := range inv.Payments {
		p := &inv.Payments[i]
		if p.Transfer.Network == network && p.Transfer.TxID == txid && p.Status == Seen && p.Block.IsZero() {
			p.Status = Dropped
			w.tell("dropped", p)
		}
	}
	return w.finish()
}
