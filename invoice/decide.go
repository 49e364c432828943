package invoice

import (
	"math/big"
	"slices"
	"time"

	"checkout/chain"
	"checkout/ident"
	"checkout/money"
	"checkout/rate"
)

// create writes the first row of the state log.
func (inv *Invoice) create(at Moment, cause Cause) (Effects, error) {
	w := inv.begin(at, cause)
	for _, q := range inv.Quotes {
		w.quoted("created", q.ID, 1)
	}
	return w.finish()
}

// lock is a quote's window under the invoice's terms, and the due at it.
func (inv *Invoice) lock(m Method, q rate.Quote) (Quote, error) {
	due, err := q.Due(inv.Price)
	if err != nil {
		return Quote{}, err
	}
	return Quote{Quote: q, Asset: m.Asset, Due: due.CeilTo(m.Places)}, nil
}

// Choosable says whether a payer may choose or switch the coin now.
func (inv *Invoice) Choosable(now time.Time) error {
	switch inv.Outcome.State {
	case Open:
		return nil
	case Awaiting, Detected:
		if deadline, ok := inv.facts(Moment{}).deadline(); ok && now.After(deadline) {
			return ErrState
		}
		if inv.Outcome.State == Detected && inv.Outcome.Amount != Short {
			return ErrState
		}
		return nil
	}
	return ErrState
}

// Holding is the quote a chosen coin already has and that still holds: choosing it again asks for no new one.
func (inv *Invoice) Holding(asset string, now time.Time) (Quote, bool) {
	q, ok := inv.Quote(asset)
	return q, ok && q.Holds(now, 0)
}

// Choose sets the coin. fresh is the price to lock unless a quote of the coin still holds; addr is the coin's address,
// new or the one it already has. The deadline does not move by switching: under terms whose deadline is the end of the
// lock, a new coin inherits that end.
func (inv *Invoice) Choose(asset string, fresh *rate.Quote, addr Address, at Moment, cause Cause) (Effects, error) {
	at = inv.shift(at)
	m, ok := inv.Method(asset)
	if !ok {
		return Effects{}, ErrMethod
	}
	if err := inv.Choosable(at.Now); err != nil {
		return Effects{}, err
	}
	w := inv.begin(at, cause)
	if _, held := inv.Holding(asset, at.Now); !held {
		if fresh == nil {
			return Effects{}, ErrState
		}
		window := *fresh
		if end, locked := inv.facts(at).lockEnd(); locked && inv.Terms.DeadlineAfter == 0 {
			window.Until = end
		}
		q, err := inv.lock(m, window)
		if err != nil {
			return Effects{}, err
		}
		inv.Quotes = append(inv.Quotes, q)
		w.quoted("created", q.ID, 1)
	}
	if _, had := inv.Address(asset); !had {
		inv.Addresses = append(inv.Addresses, addr)
		w.dirty = true
	}
	if inv.Asset != asset {
		inv.Asset = asset
		w.dirty = true
	}
	return w.finish()
}

// Renewable says whether the payer may lock a new price now.
func (inv *Invoice) Renewable(now time.Time) error {
	if inv.Asset == "" || inv.Terms.MaxRenewals == 0 {
		return ErrState
	}
	short := inv.Outcome.Amount == Short
	switch {
	case inv.Outcome.Flags.Marked:
		return ErrState
	case inv.Outcome.State == Awaiting, inv.Outcome.State == Expired, inv.Outcome.State == Detected && short:
	default:
		return ErrState
	}
	if inv.Renewals() >= inv.Terms.MaxRenewals {
		return ErrRenewals
	}
	return nil
}

// Requote locks a new price for the chosen coin at the payer's wish: the same address, and the deadline moves to the
// end of the new lock if that is later. It leads out of expired.
func (inv *Invoice) Requote(fresh rate.Quote, at Moment, cause Cause) (Effects, error) {
	at = inv.shift(at)
	if err := inv.Renewable(at.Now); err != nil {
		return Effects{}, err
	}
	w := inv.begin(at, cause)
	inv.Ended = nil
	if err := w.renew(fresh); err != nil {
		return Effects{}, err
	}
	return w.finish()
}

func (w *work) renew(fresh rate.Quote) error {
	m, ok := w.inv.Method(w.inv.Asset)
	if !ok {
		return ErrMethod
	}
	q, err := w.inv.lock(m, fresh)
	if err != nil {
		return err
	}
	q.Renewal = true
	w.inv.Quotes = append(w.inv.Quotes, q)
	w.quoted("renewed", q.ID, 1)
	return nil
}

// Tick lets time pass: locks lapse or renew by themselves, deadlines end what they end. fresh is today's price of the
// chosen coin, nil if there is none.
func (inv *Invoice) Tick(fresh *rate.Quote, at Moment) (Effects, error) {
	at = inv.shift(at)
	w := inv.begin(at, Cause{Kind: "timer"})
	f := inv.facts(at)
	if end, ok := f.lockEnd(); ok && inv.Outcome.State == Awaiting && inv.Asset != "" && inv.lapseAhead() && f.passed(end) {
		if err := w.lapse(f, fresh); err != nil {
			return Effects{}, err
		}
	}
	return w.finish()
}

func (w *work) lapse(f Facts, fresh *rate.Quote) error {
	q, _ := w.inv.Quote(w.inv.Asset)
	deadline, _ := f.deadline()
	if fresh != nil && w.at.Now.Before(deadline) && withinDrift(q.Rate, fresh.Rate, w.inv.Terms.RenewDrift) {
		return w.renew(*fresh)
	}
	w.inv.Lapsed = q.ID
	w.quoted("lapsed", q.ID, 2)
	return nil
}

// withinDrift says whether a price moved by at most so many basis points.
func withinDrift(old, fresh money.Rate, points int64) bool {
	if points <= 0 {
		return false
	}
	a, b := old.Rat(), fresh.Rat()
	b.Sub(b, a).Abs(b)
	return b.Cmp(a.Mul(a, big.NewRat(points, 10_000))) <= 0
}

// Skip pretends that so much time has passed, for a rehearsal: the invoice must be a test one whose coins are all played.
func (inv *Invoice) Skip(d time.Duration, at Moment) (Effects, error) {
	if inv.Env != ident.Test || d <= 0 {
		return Effects{}, ErrState
	}
	inv.Skipped += d
	w := inv.begin(inv.shift(at), Cause{Kind: "timer", ID: "rehearsal"})
	w.dirty = true
	return w.finish()
}

// Mark adds a person's decision.
func (inv *Invoice) Mark(m Mark, at Moment) (Effects, error) {
	at = inv.shift(at)
	state := inv.Outcome.State
	switch m.Kind {
	case MarkCancel:
		if (state != Open && state != Awaiting) || len(inv.Payments) > 0 {
			return Effects{}, ErrState
		}
	case MarkAccept:
		if state == Settled {
			return Effects{}, ErrState
		}
	case MarkInvalidate:
		if state == Settled || state == Cancelled || state == Failed {
			return Effects{}, ErrState
		}
	case MarkReopen:
		if state != Expired && state != Failed {
			return Effects{}, ErrState
		}
		inv.Ended = nil
	}
	m.At = at.Now
	w := inv.begin(at, Cause{Kind: "manual", Actor: m.Actor})
	if m.Kind == MarkCancel {
		w.cause.Kind = "api"
	}
	inv.Marks = append(inv.Marks, m)
	w.dirty = true
	return w.finish()
}

// Credit takes in a transfer to one of the invoice's addresses, for the first time or again: in the mempool, in a
// block, or in another block after a reorganisation. The same sighting twice changes nothing.
func (inv *Invoice) Credit(s chain.Sighting, id ident.ID, number int64, spot *rate.Quote, at Moment) (Effects, error) {
	at = inv.shift(at)
	m, ok := inv.Method(s.Transfer.Asset)
	if !ok {
		return Effects{}, ErrMethod
	}
	addr, ok := inv.Address(s.Transfer.Asset)
	if !ok || addr.Text != s.Transfer.Address {
		return Effects{}, ErrMethod
	}
	w := inv.begin(at, Cause{Kind: "payment", ID: s.Transfer.TxID})
	p := inv.payment(s.Transfer)
	if p != nil {
		w.again(p, s)
		w.settleDepth(p, s.Tip, spot)
		return w.finish()
	}
	p, continues := w.first(s, m, addr, id, number, spot)
	w.settleDepth(p, s.Tip, spot)
	if !continues {
		w.announce(p)
	}
	return w.finish()
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

// first records a payment never met before, and says whether it continues one that was told already.
func (w *work) first(s chain.Sighting, m Method, addr Address, id ident.ID, number int64, spot *rate.Quote) (_ *Payment, continues bool) {
	inv := w.inv
	seen := s.At
	if !seen.IsZero() {
		seen = inv.Clock(seen)
	}
	if seen.IsZero() || seen.After(w.at.Now) {
		seen = w.at.Now
	}
	if seen.Before(addr.AssignedAt) { // a gap that began before there was anything to pay to
		seen = addr.AssignedAt
	}
	s.At = seen
	p := Payment{
		ID: id, Number: number, Transfer: s.Transfer, Inputs: s.Tx.Inputs, Replaceable: s.Tx.Replaceable,
		Coinbase: s.Tx.Coinbase, Status: Seen, Block: s.Block, FirstSeen: seen, Need: m.Confirmations,
	}
	if p.Coinbase {
		p.Need = max(p.Need, coinbaseMaturity)
	}
	old := inv.replacedBy(s)
	if old != nil {
		p.FirstSeen, p.Quote, p.Standing, p.IsLate, p.Extra = old.FirstSeen, old.Quote, old.Standing, old.IsLate, old.Extra
		old.Status, old.Conflict, old.ReplacedBy = Dropped, s.Transfer.TxID, id
		old.Block, old.Depth = chain.BlockRef{}, 0
		w.tell("replaced", old)
	} else {
		j := inv.judge(s, m, addr, w.at, spot)
		p.Standing, p.Quote, p.IsLate, p.Extra = j.standing, j.quote, j.late, j.extra
		if j.spot {
			inv.keepSpot(m, *spot)
		}
	}
	inv.Payments = append(inv.Payments, p)
	w.dirty = true
	return &inv.Payments[len(inv.Payments)-1], old != nil
}

// coinbaseMaturity is the number of blocks newly made coins cannot be spent for (Bitcoin consensus).
const coinbaseMaturity = 100

// keepSpot stores the quote late money is valued at: a window of no length, so it locks nothing.
func (inv *Invoice) keepSpot(m Method, spot rate.Quote) {
	spot.Until = spot.At
	inv.Quotes = append(inv.Quotes, Quote{Quote: spot, Asset: m.Asset, Due: money.Zero(m.Currency)})
}

// replacedBy finds the payment this transaction continues: an unconfirmed one to the same address that spends one of
// the same coins and pays no more.
func (inv *Invoice) replacedBy(s chain.Sighting) *Payment {
	for i := range inv.Payments {
		p := &inv.Payments[i]
		if !p.Live() || p.Status == Confirmed || p.Transfer.Address != s.Transfer.Address || p.Transfer.TxID == s.Transfer.TxID {
			continue
		}
		if less, _ := s.Transfer.Amount.Cmp(p.Transfer.Amount); less < 0 {
			continue
		}
		for _, in := range p.Inputs {
			if slices.Contains(s.Tx.Inputs, in) {
				return p
			}
		}
	}
	return nil
}

// again updates a known payment. A node may keep a transaction in its mempool whose coins another one has spent in a block:
// that is no news.
func (w *work) again(p *Payment, s chain.Sighting) {
	if p.Status == Dropped && s.Block.IsZero() && !p.ConflictBlock.IsZero() {
		return
	}
	if p.Status == Dropped {
		p.Status, p.Conflict, p.ConflictBlock, p.DoubleSpent = Seen, "", chain.BlockRef{}, false
		p.ReplacedBy = ""
		if w.inv.Ended != nil {
			p.Standing, p.IsLate = Aside, true
		}
		w.tell("detected", p)
	}
	if !s.Block.IsZero() && p.Block != s.Block {
		p.Block, p.Conflict, p.ConflictBlock = s.Block, "", chain.BlockRef{}
		w.dirty = true
	}
}

// settleDepth counts confirmations from a tip and moves the payment over its threshold, either way.
func (w *work) settleDepth(p *Payment, tip int64, spot *rate.Quote) {
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
		w.lateAfterFailure(p, spot)
		w.tell("confirmed", p)
	case depth != p.Depth:
		p.Depth = depth
		w.dirty = true
		if depth > 1 { // the first is told by the sighting
			w.tell("confirming", p)
		}
	}
}

// lateAfterFailure sets money aside that confirmed only after the invoice had failed for want of it.
func (w *work) lateAfterFailure(p *Payment, spot *rate.Quote) {
	if w.inv.Ended == nil || w.inv.Ended.State != Failed || p.Standing != Counted {
		return
	}
	p.IsLate, p.Standing = true, Aside
	if m, ok := w.inv.Method(p.Transfer.Asset); ok && m.LateSettles && spot != nil {
		p.Standing, p.Quote = Late, spot.ID
		w.inv.keepSpot(m, *spot)
	}
	w.tell("late", p)
}

// announce tells a first sighting.
func (w *work) announce(p *Payment) {
	switch {
	case p.Standing == DustAside:
	case p.Standing == Unmatched:
		w.tell("unmatched", p)
	case p.Standing == Quarantined:
		w.tell("quarantined", p)
	case p.IsLate:
		w.tell("late", p)
	case p.Extra:
		w.tell("extra", p)
	case p.Status == Confirmed: // told already
	default:
		w.tell("detected", p)
	}
}

// Advance counts confirmations of the payments on a network that stands at a new height.
func (inv *Invoice) Advance(network string, tip int64, spot *rate.Quote, at Moment) (Effects, error) {
	at = inv.shift(at)
	w := inv.begin(at, Cause{Kind: "chain", ID: network})
	for i := range inv.Payments {
		p := &inv.Payments[i]
		if p.Transfer.Network != network {
			continue
		}
		w.settleDepth(p, tip, spot)
		if p.Status == Reverted && !p.ConflictBlock.IsZero() && tip-p.ConflictBlock.Height+1 >= p.Need {
			p.Status, p.DoubleSpent = Dropped, true
			w.tell("dropped", p)
		}
	}
	return w.finish()
}

// Reorganise takes back what stood in a block that left the chain. A transaction that stands in the new branch as well
// (moved names its block there) only moves: as long as it is deep enough under the new height nobody is told anything.
func (inv *Invoice) Reorganise(network, block string, moved map[string]chain.BlockRef, height int64, at Moment) (Effects, error) {
	at = inv.shift(at)
	w := inv.begin(at, Cause{Kind: "chain", ID: block})
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
		if there, ok := moved[p.Transfer.TxID]; ok {
			p.Block = there
			w.settleDepth(p, height, nil)
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
		if p.Transfer.Network != network || p.Transfer.TxID != txid || !p.Live() || p.Status == Confirmed {
			continue
		}
		switch {
		case p.Status == Reverted && block.IsZero():
			p.Conflict = other
		case p.Status == Reverted:
			p.Conflict, p.ConflictBlock = other, block
			if p.Need <= 1 {
				p.Status, p.DoubleSpent = Dropped, true
				w.tell("dropped", p)
			}
		default:
			p.Status, p.Conflict, p.ConflictBlock, p.Block, p.Depth = Dropped, other, block, chain.BlockRef{}, 0
			w.tell("dropped", p)
		}
		w.dirty = true
	}
	return w.finish()
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
