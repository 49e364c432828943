package invoice

import (
	"math/big"
	"slices"
	"time"

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
	lock := Quote{Quote: q, Asset: m.Asset, Sources: sources(q), Due: due.CeilTo(m.Places)}
	if a, ok := inv.Address(m.Asset); ok && a.Exact() {
		lock.Due, err = due.CeilTo(m.finer()).Add(a.Nudge)
	}
	return lock, err
}

// finer is to how many decimals amounts are told apart: a hundred of them fit into one step of what is usually asked for, so none
// is more than the price and that step.
func (m Method) finer() int { return min(m.Places+2, int(m.Currency.Scale), 8) }

// sources names what a rate was made of.
func sources(q rate.Quote) []string {
	var list []string
	for _, b := range q.Basis {
		if !slices.Contains(list, b.Source) {
			list = append(list, b.Source)
		}
	}
	return list
}

// Choosable says whether a payer may choose or switch the coin now.
func (inv *Invoice) Choosable(now time.Time) error {
	switch inv.Outcome.State {
	case Open:
		return nil
	case Awaiting, Detected:
		if end := inv.Deadline(); !end.IsZero() && !now.Before(end) {
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
	return q, ok && !now.Before(q.At) && !now.After(inv.facts(Moment{}).holdsUntil(q))
}

// Choice is what a payer says in the method form. Nil leaves what was said before.
type Choice struct {
	Asset    string
	Email    *string
	Exchange *bool // pays from an account at an exchange
}

// Choose sets the coin and how it is paid. fresh is the price to lock unless a quote of the coin still holds; addr is the coin's address,
// new or the one it already has. The deadline does not move by switching: no lock but the first goes beyond it. To lock a
// coin's price anew after its lock is over counts as a renewal where terms know renewals.
func (inv *Invoice) Choose(c Choice, fresh *rate.Quote, addr Address, at Moment, cause Cause) (Effects, error) {
	at = inv.shift(at)
	asset := c.Asset
	m, ok := inv.Method(asset)
	if !ok {
		return Effects{}, ErrMethod
	}
	if err := inv.Choosable(at.Now); err != nil {
		return Effects{}, err
	}
	w := inv.begin(at, cause)
	_, held := inv.Holding(asset, at.Now) // before what is said now lengthens anything
	w.says(c)
	if _, had := inv.Address(asset); !had {
		inv.Addresses = append(inv.Addresses, addr)
		w.dirty = true
		if held && addr.Exact() { // what was locked was not told apart from others
			if fresh == nil {
				return Effects{}, ErrState
			}
			if err := w.lock(m, *fresh); err != nil {
				return Effects{}, err
			}
		}
	}
	if !held {
		if fresh == nil {
			return Effects{}, ErrState
		}
		if err := inv.large(m, *fresh); err != nil {
			return Effects{}, err
		}
		if err := w.lockAnew(m, inv.within(inv.longer(*fresh))); err != nil {
			return Effects{}, err
		}
	}
	if inv.Asset != asset {
		inv.Asset = asset
		w.dirty = true
	}
	return w.finish()
}

// lockAnew locks the price of a chosen coin: for the first time, or as a renewal.
func (w *work) lockAnew(m Method, fresh rate.Quote) error {
	_, again := w.inv.Quote(m.Asset)
	switch {
	case !again || w.inv.Terms.MaxRenewals == 0:
		return w.lock(m, fresh)
	case w.inv.Renewals() < w.inv.Terms.MaxRenewals:
		return w.renew(m, fresh, true)
	}
	return ErrRenewals
}

// longer is the window of a new quote for who pays from an exchange.
func (inv *Invoice) longer(q rate.Quote) rate.Quote {
	if !inv.SlowSince.IsZero() {
		if !q.At.After(inv.SlowSince) { // it was taken a moment before; holdsUntil must not lengthen it again
			q.At = inv.SlowSince.Add(time.Millisecond)
		}
		q.Until = q.Until.Add(inv.Terms.SlowPayer)
	}
	return q
}

// says keeps what the payer said of themselves.
func (w *work) says(c Choice) {
	inv := w.inv
	if c.Email != nil && *c.Email != inv.Email {
		inv.Email, w.dirty = *c.Email, true
	}
	if c.Exchange != nil && *c.Exchange != inv.FromExchange {
		inv.FromExchange, w.dirty = *c.Exchange, true
		if *c.Exchange && inv.SlowSince.IsZero() {
			inv.SlowSince = w.at.Now
		}
	}
}

// large says whether what is missing of the price is large enough to be paid with a coin.
func (inv *Invoice) large(m Method, fresh rate.Quote) error {
	rest, err := inv.RestIn(m, fresh.Rate)
	if err != nil {
		return err
	}
	if small, err := rest.Cmp(m.Minimum); err == nil && small < 0 {
		return ErrMinimum
	}
	return nil
}

// RestIn is what is missing of the price in a coin at a rate: the whole price as long as nothing has come.
func (inv *Invoice) RestIn(m Method, r money.Rate) (money.Amount, error) {
	f := inv.facts(Moment{})
	return f.rest(f.sum(), r, m.Places)
}

// within cuts the window of a quote at the deadline, once there was a lock.
func (inv *Invoice) within(q rate.Quote) rate.Quote {
	if _, locked := newest(inv.Quotes, ""); locked {
		if end := inv.Deadline(); end.Before(q.Until) {
			q.Until = end
		}
	}
	return q
}

// Renewable says whether the payer may lock a new price now.
func (inv *Invoice) Renewable(now time.Time) error {
	if inv.Asset == "" || inv.Terms.MaxRenewals == 0 {
		return ErrState
	}
	short := inv.Outcome.Amount == Short
	switch {
	case inv.Outcome.Flags.Marked, inv.Terms.Final && inv.Outcome.State == Expired:
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
	m, ok := inv.Method(inv.Asset)
	if !ok {
		return Effects{}, ErrMethod
	}
	if err := w.renew(m, inv.longer(fresh), true); err != nil {
		return Effects{}, err
	}
	return w.finish()
}

// lock keeps a price for a coin that has none.
func (w *work) lock(m Method, fresh rate.Quote) error {
	q, err := w.inv.lock(m, fresh)
	if err != nil {
		return err
	}
	w.inv.Quotes = append(w.inv.Quotes, q)
	w.quoted("created", q.ID, 1)
	return nil
}

// renew keeps a new price for a coin whose lock is over, or is given up for a better one, at the payer's wish or by itself.
func (w *work) renew(m Method, fresh rate.Quote, byPayer bool) error {
	q, err := w.inv.lock(m, fresh)
	if err != nil {
		return err
	}
	q.Renewal, q.ByPayer = true, byPayer
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
	end, locked := inv.LockEnd()
	deadline, _ := f.deadline()
	if locked && inv.lapses() && f.passed(end) && !f.passed(deadline) {
		if err := w.lapse(fresh); err != nil {
			return Effects{}, err
		}
	}
	return w.finish()
}

// lapse ends a lock: it is renewed by itself if nothing was seen, the price has hardly moved and there is time left, else
// its end is told.
func (w *work) lapse(fresh *rate.Quote) error {
	inv := w.inv
	q, _ := inv.Quote(inv.Asset)
	if fresh != nil && inv.Outcome.State == Awaiting && w.at.Now.Before(inv.Deadline()) && withinDrift(q.Rate, fresh.Rate, inv.Terms.RenewDrift) {
		if m, ok := inv.Method(inv.Asset); ok {
			return w.renew(m, inv.within(inv.longer(*fresh)), false)
		}
	}
	inv.Lapsed = q.ID
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
			return inv.take(m, at)
		}
	case MarkInvalidate:
		if state == Settled || state == Cancelled || state == Failed {
			return Effects{}, ErrState
		}
	case MarkReopen:
		if (state != Expired && state != Failed) || !m.Until.After(at.Now) {
			return Effects{}, ErrState
		}
		inv.Ended = nil
	default:
		return Effects{}, ErrState
	}
	m.At = at.Now
	if n := len(inv.Marks); n > 0 && !m.At.After(inv.Marks[n-1].At) { // decisions are ordered by their instants
		m.At = inv.Marks[n-1].At.Add(time.Millisecond)
	}
	w := inv.begin(at, Cause{Kind: "manual", Actor: m.Actor})
	if m.Kind == MarkCancel {
		w.cause.Kind = "api"
	}
	inv.Marks = append(inv.Marks, m)
	w.dirty = true
	return w.finish()
}

// take accepts for a settled invoice what was set aside and waits for a person. What settled it is not touched: should the
// chain take that back, it is open again.
func (inv *Invoice) take(m Mark, at Moment) (Effects, error) {
	f := inv.facts(at)
	w := inv.begin(at, Cause{Kind: "manual", Actor: m.Actor})
	s, taken := f.sum(), false
	for i := range inv.Payments {
		if p := &inv.Payments[i]; f.undecided(*p, s) {
			p.TakenBy, p.TakenWhy, taken = m.Actor, m.Reason, true
			w.tell("accepted", p)
		}
	}
	if !taken {
		return Effects{}, ErrState
	}
	return w.finish()
}
