package deposit

import (
	"time"

	"checkout/chain"
	"checkout/event"
	"checkout/ident"
	"checkout/ledger"
)

// work is one change of an address under way.
type work struct {
	a     *Address
	at    Moment
	told  []told
	dirty bool // a fact changed, even if nobody is told
}

// told is an event noted before the payment has come to rest; its record is written then.
type told struct {
	kind    string
	payment ident.ID
	seq     int64
}

func (a *Address) begin(at Moment) *work { return &work{a: a, at: at} }

// tell notes an event about a payment. Nobody is told of dust.
func (w *work) tell(kind string, p *Payment) {
	w.dirty = true
	if p.Standing == Dust {
		return
	}
	p.Events++
	w.told = append(w.told, told{"deposit." + kind, p.ID, p.Events})
}

// finish books, and writes the records. Every payment is a stream of its own: what is heard of one says nothing of another.
func (w *work) finish() (Effects, error) {
	fx := Effects{Entries: w.a.book()}
	if !w.dirty && len(fx.Entries) == 0 {
		return Effects{}, ErrUnchanged
	}
	for _, t := range w.told {
		data, err := w.a.record(t.payment, w.at).Encode()
		if err != nil {
			return Effects{}, err
		}
		fx.Events = append(fx.Events, event.Event{
			Stream: t.payment, Object: t.payment, Seq: t.seq, Type: t.kind, Merchant: w.a.Merchant, Env: w.a.Env, Data: data,
		})
	}
	return fx, nil
}

// Credit takes in a transfer to the address, for the first time or again: in the mempool, in a block, or in another block
// after a reorganisation. The same sighting twice changes nothing.
func (a *Address) Credit(s chain.Sighting, id ident.ID, number int64, rules Rules, at Moment) (Effects, error) {
	r, known := rules(s.Transfer.Asset)
	if !known || s.Transfer.Network != a.Network || s.Transfer.Address != a.Text {
		return Effects{}, ErrNotFound
	}
	w := a.begin(at)
	p := a.payment(s.Transfer)
	if p != nil {
		changed, err := p.Transfer.Amend(s.Transfer, p.Status == Confirmed)
		if err != nil {
			return Effects{}, err
		}
		w.dirty = w.dirty || changed
		w.again(p, s)
		w.settle(p, s.Tip)
		return w.finish()
	}
	p = w.first(s, r, id, number)
	w.settle(p, s.Tip)
	if p.Status != Confirmed { // that it is confirmed says it all
		w.tell(p.sighted(), p)
	}
	return w.finish()
}

// first records a payment never met before.
func (w *work) first(s chain.Sighting, r Rule, id ident.ID, number int64) *Payment {
	w.displace(s)
	p := Payment{
		ID: id, Number: number, Transfer: s.Transfer, Inputs: s.Tx.Inputs, Replaceable: s.Tx.Replaceable, Coinbase: s.Tx.Coinbase,
		Status: Seen, Standing: w.a.judge(s, r), Crossed: s.Transfer.Asset != w.a.Asset, FirstSeen: w.firstSeen(s.At), Block: s.Block,
		Need: r.Confirmations,
	}
	if p.Coinbase {
		p.Need = max(p.Need, chain.CoinbaseMaturity)
	}
	w.a.Payments = append(w.a.Payments, p)
	w.dirty = true
	return &w.a.Payments[len(w.a.Payments)-1]
}

// firstSeen is when a transfer was first seen: dated by the node or by a gap in watching, but not later than now, nor before
// there was anything to pay to.
func (w *work) firstSeen(at time.Time) time.Time {
	switch {
	case at.IsZero(), at.After(w.at.Now):
		return w.at.Now
	case at.Before(w.a.Created):
		return w.a.Created
	}
	return at
}

// displace takes in that a transaction spends the coins of earlier payments. Each payment is a deposit of its own: what takes
// the place of one is another.
func (w *work) displace(s chain.Sighting) {
	for i := range w.a.Payments {
		if p := &w.a.Payments[i]; p.rival(s) {
			w.conflict(p, s.Tx.ID, s.Block)
		}
	}
}

// sighted is the name of a payment's first sighting.
func (p Payment) sighted() string {
	switch p.Standing {
	case Unmatched:
		return "unmatched"
	case Quarantined:
		return "quarantined"
	}
	return "detected"
}

// again updates a known payment. A node may keep a transaction in its mempool whose coins another one has spent in a block:
// that is no news.
func (w *work) again(p *Payment, s chain.Sighting) {
	if p.Status == Dropped {
		if s.Block.IsZero() && !p.ConflictBlock.IsZero() {
			return
		}
		w.revive(p, s)
	}
	if !s.Block.IsZero() && p.Block != s.Block {
		p.Block, p.Conflict, p.ConflictBlock = s.Block, "", chain.BlockRef{}
		w.dirty = true
	}
}

// revive takes a dropped payment up again: it came back, or was mined instead of what had replaced it.
func (w *work) revive(p *Payment, s chain.Sighting) {
	w.displace(s)
	p.Status, p.Conflict, p.ConflictBlock, p.DoubleSpent = Seen, "", chain.BlockRef{}, false
	p.RevertedAt = time.Time{} // its end was told: it begins anew
	w.tell(p.sighted(), p)
}

// settle counts confirmations from a height and moves the payment over its threshold, either way.
func (w *work) settle(p *Payment, tip int64) {
	if p.Block.IsZero() || p.Status == Dropped {
		return
	}
	depth := max(0, tip-p.Block.Height+1)
	switch {
	case p.Status == Confirmed && depth < p.Need:
		p.Depth = depth
		w.revert(p)
	case p.Status == Confirmed:
	case depth >= p.Need:
		p.Depth, p.Status, p.ConfirmedAt = depth, Confirmed, w.at.Now
		w.tell("confirmed", p)
	case depth != p.Depth:
		p.Depth, w.dirty = depth, true
	}
}

func (w *work) revert(p *Payment) {
	p.Status, p.RevertedAt, p.ConfirmedAt = Reverted, w.at.Now, time.Time{}
	w.tell("reverted", p)
}

// Advance counts confirmations of the payments when the network stands at a new height.
func (a *Address) Advance(network string, tip int64, at Moment) (Effects, error) {
	w := a.begin(at)
	for i := range a.Payments {
		p := &a.Payments[i]
		if p.Transfer.Network != network {
			continue
		}
		w.settle(p, tip)
		if p.Live() && p.wasFirm() && !p.ConflictBlock.IsZero() && tip-p.ConflictBlock.Height+1 >= p.Need {
			w.doubleSpent(p)
		}
	}
	return w.finish()
}

// Reorganise takes back what stood in a block that left the chain. A transaction that stands in the new branch as well
// (moved names its block there) only moves: as long as it is deep enough under the new height nobody is told anything.
func (a *Address) Reorganise(network, block string, moved chain.Moves, height int64, at Moment) (Effects, error) {
	w := a.begin(at)
	for i := range a.Payments {
		p := &a.Payments[i]
		if p.Transfer.Network != network {
			continue
		}
		if p.ConflictBlock.Hash == block {
			p.ConflictBlock, w.dirty = chain.BlockRef{}, true
		}
		if p.Block.Hash != block {
			continue
		}
		w.dirty = true
		if there, ok := moved.Of(p.Transfer); ok {
			p.Block = there
			w.settle(p, height)
			continue
		}
		p.Block, p.Depth = chain.BlockRef{}, 0
		if p.Status == Confirmed {
			w.revert(p)
		}
	}
	return w.finish()
}

// Conflict takes in that another transaction spends the same coins as one of ours. What never confirmed is dropped at
// once; what had confirmed and was reverted only when the other is as deep as ours would have to be.
func (a *Address) Conflict(network, txid, other string, block chain.BlockRef, at Moment) (Effects, error) {
	w := a.begin(at)
	for i := range a.Payments {
		p := &a.Payments[i]
		if p.Transfer.Network == network && p.Transfer.TxID == txid && p.Live() && p.Status != Confirmed {
			w.conflict(p, other, block)
		}
	}
	return w.finish()
}

func (w *work) conflict(p *Payment, other string, block chain.BlockRef) {
	switch {
	case !p.wasFirm():
		p.Status, p.Conflict, p.ConflictBlock, p.Block, p.Depth = Dropped, other, block, chain.BlockRef{}, 0
		w.tell("dropped", p)
	case p.Conflict == other && p.ConflictBlock == block, !p.ConflictBlock.IsZero() && block.IsZero(): // known, or less than that
	default:
		p.Conflict, p.ConflictBlock, w.dirty = other, block, true
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
func (a *Address) Evict(network, txid string, at Moment) (Effects, error) {
	w := a.begin(at)
	for i := range a.Payments {
		p := &a.Payments[i]
		if p.Transfer.Network == network && p.Transfer.TxID == txid && p.Status == Seen && p.Block.IsZero() {
			p.Status = Dropped
			w.tell("dropped", p)
		}
	}
	return w.finish()
}

// book brings the ledger to what the payments now are: confirmed money is credited, and allocated at once if it is the
// customer's; what is not confirmed any more is taken back.
func (a *Address) book() []ledger.Entry {
	var entries []ledger.Entry
	for i := range a.Payments {
		p := &a.Payments[i]
		if p.Transfer.Amount.Sign() <= 0 || p.Standing == Quarantined { // chains know transfers of nothing; the ledger does not
			continue
		}
		in := a.incoming(p)
		switch {
		case p.Status != Confirmed && p.Booked != ledger.Unbooked:
			entries = append(entries, in.Undo(p.Booked))
			p.Booked = ledger.Unbooked
			p.Epoch++
		case p.Status != Confirmed, p.Booked != ledger.Unbooked:
		case p.Standing == Dust, p.Standing == Unmatched:
			entries = append(entries, in.Entry(ledger.Suspended))
			p.Booked = ledger.Suspended
		case p.Standing == Small:
			entries = append(entries, in.Entry(ledger.Credited))
			p.Booked = ledger.Credited
		default:
			entries = append(entries, in.Entry(ledger.Credited), in.Entry(ledger.Allocated))
			p.Booked = ledger.Allocated
		}
	}
	return entries
}

// incoming is a payment as the book knows it.
func (a *Address) incoming(p *Payment) ledger.Incoming {
	t := p.Transfer
	return ledger.Incoming{
		Payment: p.ID, Epoch: p.Epoch, Merchant: a.Merchant, Env: a.Env, Network: t.Network, Asset: t.Asset, Amount: t.Amount,
		Unmatched: p.Standing == Unmatched,
	}
}
