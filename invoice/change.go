package invoice

import (
	"fmt"
	"slices"
	"time"

	"checkout/event"
	"checkout/ident"
	"checkout/ledger"
)

// facts are the invoice's facts at a moment.
func (inv *Invoice) facts(at Moment) Facts {
	evidence := map[string]time.Time{}
	for _, n := range inv.Networks() {
		evidence[n] = at.Evidence[n]
	}
	return Facts{
		Price: inv.Price, Terms: inv.Terms, Created: inv.Created, Methods: inv.Methods, Asset: inv.Asset, Slow: inv.SlowSince,
		Quotes: inv.Quotes, Payments: inv.Payments, Marks: inv.Marks, Refunds: inv.Refunds, Ended: inv.Ended, Lapsed: inv.lapsed(),
		Settled: !inv.SettledAt.IsZero(), Test: inv.Env == ident.Test, Evidence: evidence, Now: at.Now,
	}
}

// legal are the moves of the state log; anything else is a fault (engine.md section 6).
var legal = map[State][]State{
	"":        {Open, Awaiting},
	Open:      {Awaiting, Detected, Expired, Cancelled, Settled, Failed},
	Awaiting:  {Detected, Settled, Expired, Cancelled, Failed, Open},
	Detected:  {Settled, Awaiting, Expired, Failed, Open},
	Settled:   {Detected},
	Expired:   {Awaiting, Detected, Settled, Failed},
	Failed:    {Awaiting, Detected, Settled},
	Cancelled: {Settled},
}

// Legal says whether the state log may hold a move.
func Legal(from, to State) bool { return slices.Contains(legal[from], to) }

// work is one change under way: facts are appended to the invoice, what happened is noted, and finish turns the
// difference into effects.
type work struct {
	inv    *Invoice
	at     Moment
	cause  Cause
	before State
	told   []told
	dirty  bool // a fact changed, even if the state does not
}

// told is an event noted before the outcome is known; its record is written when it is.
type told struct {
	kind   string
	object ident.ID
	seq    int64
}

// Clock is what the invoice takes the time to be: later than the real one by what a rehearsal skipped.
func (inv *Invoice) Clock(now time.Time) time.Time { return now.Add(inv.Skipped) }

// shift moves a moment to the invoice's own time.
func (inv *Invoice) shift(at Moment) Moment {
	if inv.Skipped == 0 {
		return at
	}
	evidence := make(map[string]time.Time, len(at.Evidence))
	for n, t := range at.Evidence {
		evidence[n] = t.Add(inv.Skipped)
	}
	return Moment{Now: inv.Clock(at.Now), Evidence: evidence, Heights: at.Heights}
}

// begin starts a change at a moment of the invoice's own time.
func (inv *Invoice) begin(at Moment, cause Cause) *work {
	inv.Refunds = slices.Clone(inv.Refunds) // the ones before the change are compared with
	return &work{inv: inv, at: at, cause: cause, before: inv.Outcome.State}
}

// tell notes an event about a payment. Nobody is told of dust.
func (w *work) tell(kind string, p *Payment) {
	w.dirty = true
	if p.Standing == DustAside {
		return
	}
	p.Events++
	w.told = append(w.told, told{"payment." + kind, p.ID, p.Events})
}

// quoted notes an event about a quote: created or renewed is its first, lapsed its second.
func (w *work) quoted(kind string, id ident.ID, seq int64) {
	w.told = append(w.told, told{"quote." + kind, id, seq})
	w.dirty = true
}

// finish evaluates, books, moves the state and writes the records.
func (w *work) finish() (Effects, error) {
	inv := w.inv
	after := Evaluate(inv.facts(w.at))
	var fx Effects
	if after.State == Settled {
		w.settle()
	}
	if after.State.Ends() && !after.Flags.Marked && (inv.Ended == nil || inv.Ended.State != after.State) {
		inv.Ended = &End{State: after.State, Reason: after.Reason, At: w.at.Now}
	}
	same := after.State == w.before && sameOutcome(inv.Outcome, after)
	inv.Outcome = after
	fx.Entries = inv.book()
	move, moved, err := w.move(after)
	if err != nil {
		return Effects{}, err
	}
	if inv.DueAt = inv.due(w.at); !inv.DueAt.IsZero() {
		inv.DueAt = inv.DueAt.Add(-inv.Skipped)
	}
	if !moved && same && !w.dirty && len(fx.Entries) == 0 {
		return Effects{}, ErrUnchanged
	}
	if moved {
		fx.Log = []Move{move}
		w.told = append(w.told, told{eventName(move), inv.ID, move.Seq})
	}
	for _, t := range w.told {
		data, err := inv.record(move, w.at).Encode()
		if err != nil {
			return Effects{}, err
		}
		fx.Events = append(fx.Events, event.Event{
			Stream: inv.ID, Object: t.object, Seq: t.seq, Type: t.kind, Merchant: inv.Merchant, Env: inv.Env, Data: data,
		})
	}
	return fx, nil
}

// settle remembers when the invoice was settled first, and by what: money that comes afterwards is on top of that.
func (w *work) settle() {
	inv := w.inv
	if inv.SettledAt.IsZero() {
		inv.SettledAt = w.at.Now
	}
	if w.before == Settled && slices.ContainsFunc(inv.Payments, Payment.base) {
		return
	}
	for i := range inv.Payments {
		if p := &inv.Payments[i]; p.Extra && p.Standing == Counted && p.Status == Confirmed {
			p.Extra, w.dirty = false, true
		}
	}
}

// sameOutcome says whether a payer or shop could see a difference.
func sameOutcome(a, b Outcome) bool {
	return a.State == b.State && a.Amount == b.Amount && a.Flags == b.Flags && a.Reason == b.Reason &&
		a.Remaining.Equal(b.Remaining) && a.Covered.Equal(b.Covered) && a.Firm.Equal(b.Firm)
}

// move is the state-log row, if the state changed.
func (w *work) move(after Outcome) (Move, bool, error) {
	inv := w.inv
	if after.State == w.before {
		return Move{From: w.before, To: w.before}, false, nil
	}
	if !Legal(w.before, after.State) {
		return Move{}, false, ErrIllegal.Because(fmt.Errorf("%s: %q to %q by %s", inv.ID, w.before, after.State, w.cause.Kind))
	}
	cause := w.cause
	if w.before.Ends() && cause.Kind != "manual" && cause.Kind != "requote" {
		cause.Kind = "late_policy"
	}
	inv.LogSeq++
	return Move{
		Seq: inv.LogSeq, From: w.before, To: after.State, Amount: after.Amount, Flags: after.Flags, Reason: after.Reason,
		Cause: cause, At: w.at.Now.Add(-inv.Skipped),
	}, true, nil
}

// eventName is how the move is told.
func eventName(m Move) string {
	switch {
	case m.From == "":
		return "invoice.created"
	case m.From == Settled && m.To == Detected:
		return "invoice.reverted"
	case m.From.Ends() && m.To == Awaiting:
		return "invoice.reopened"
	}
	return "invoice." + string(m.To)
}

// book brings the ledger to what the payments now are: confirmed money is credited, and allocated once the invoice is
// settled; money that is no longer confirmed is taken back with the entry reversed, and what settles nothing any more is
// no longer allocated.
func (inv *Invoice) book() []ledger.Entry {
	var entries []ledger.Entry
	for i := range inv.Payments {
		p := &inv.Payments[i]
		if p.Transfer.Amount.Sign() <= 0 { // chains know transfers of nothing; the ledger does not
			continue
		}
		if p.Status != Confirmed {
			if p.Booked != Unbooked {
				entries = append(entries, inv.incoming(p).Undo(p.Booked))
				p.Booked = Unbooked
				p.Epoch++
			}
			continue
		}
		switch p.Standing {
		case Quarantined:
		case DustAside, Unmatched:
			if p.Booked == Unbooked {
				entries = append(entries, inv.incoming(p).Entry(Suspended))
				p.Booked = Suspended
			}
		default:
			if p.Booked == Unbooked {
				entries = append(entries, inv.incoming(p).Entry(Credited))
				p.Booked = Credited
			}
			switch settles := inv.Outcome.State == Settled && inv.allocates(p); {
			case settles && p.Booked == Credited:
				entries = append(entries, inv.incoming(p).Entry(Allocated))
				p.Booked = Allocated
			case !settles && p.Booked == Allocated:
				// The rest of it is gone: what is left does not pay the invoice, and is nobody's yet.
				entries = append(entries, inv.incoming(p).Deallocate())
				p.Booked = Credited
				p.Epoch++
			}
		}
	}
	for i := range inv.Refunds {
		if e, ok := inv.bookRefund(&inv.Refunds[i]); ok {
			entries = append(entries, e)
		}
	}
	return entries
}

// allocates says whether a settled invoice takes the payment: what pays it, and by a person's acceptance all of it, but for
// what was promised back before.
func (inv *Invoice) allocates(p *Payment) bool {
	if r, refunded := inv.RefundOf(p.ID); refunded && r.Unallocated {
		return false
	}
	if p.Standing == Counted || p.Standing == Late || p.TakenBy != "" {
		return true
	}
	m, ok := standingMark(inv.Marks)
	return ok && m.Kind == MarkAccept && (!p.Wrong || !p.FirstSeen.After(m.At))
}

// incoming is a payment as the book knows it.
func (inv *Invoice) incoming(p *Payment) ledger.Incoming {
	t := p.Transfer
	return ledger.Incoming{
		Payment: p.ID, Epoch: p.Epoch, Merchant: inv.Merchant, Env: inv.Env, Network: t.Network, Asset: t.Asset, Amount: t.Amount,
		Unmatched: p.Standing == Unmatched,
	}
}

// due is the next instant at which time alone may change something; zero: never.
func (inv *Invoice) due(at Moment) time.Time {
	f := inv.facts(at)
	next := time.Time{}
	sooner := func(t time.Time, ok bool) {
		if ok && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	if _, marked := standingMark(inv.Marks); marked {
		return next
	}
	s := f.sum()
	deadline, ends := f.deadline()
	if end, locked := inv.LockEnd(); locked && inv.lapses() && at.Now.Before(deadline) {
		sooner(end, end.Before(deadline))
	}
	switch inv.Outcome.State {
	case Open, Awaiting:
		sooner(deadline, ends)
	case Detected:
		if s.unconfirmed {
			sooner(f.confirmBy(s), true)
		}
		if !s.isCovered() && (at.Now.Before(deadline) || !s.unconfirmed) {
			sooner(deadline, ends)
		}
	}
	return next
}

// lapses says whether the end of the chosen coin's lock is still to be told: nothing, or not enough, was seen.
func (inv *Invoice) lapses() bool {
	if inv.Asset == "" || inv.lapsed() {
		return false
	}
	return inv.Outcome.State == Awaiting || (inv.Outcome.State == Detected && inv.Outcome.Amount == Short)
}

// lapsed says whether the end of the chosen coin's lock was told.
func (inv *Invoice) lapsed() bool {
	q, ok := inv.Quote(inv.Asset)
	return ok && inv.Lapsed == q.ID
}

// Deadline is until when money must have been seen, without grace; zero if nothing limits it yet. It is what the audit
// view and dialects call the end.
func (inv *Invoice) Deadline() time.Time {
	f := inv.facts(Moment{})
	f.Terms.Grace = 0
	d, ok := f.deadline()
	if !ok {
		return time.Time{}
	}
	return d
}

// Restore derives, after loading, what is not stored: the amounts and flags that go with the stored state. The state
// itself is the last row of the log, for only a change moves it.
func (inv *Invoice) Restore() {
	state, reason := inv.Outcome.State, inv.Outcome.Reason
	f := inv.facts(Moment{})
	s := f.sum()
	o := Evaluate(f)
	o.State, o.Reason = state, reason
	o.Flags = f.flags(s, o)
	o.Fulfilment = f.fulfilment(o)
	inv.Outcome = o
}
