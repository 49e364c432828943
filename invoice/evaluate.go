package invoice

import (
	"math/big"
	"slices"
	"sort"
	"strings"
	"time"

	"checkout/ident"
	"checkout/money"
	"checkout/rate"
)

// Facts are everything known about an invoice at an instant.
type Facts struct {
	Price    money.Amount
	Terms    Terms
	Created  time.Time
	Methods  []Method
	Asset    string    // the coin chosen now: what Due and Remaining are stated in
	Slow     time.Time // since when the payer pays from an exchange
	Quotes   []Quote
	Payments []Payment
	Marks    []Mark
	Refunds  []Refund
	Ended    *End
	Lapsed   bool // the end of the newest lock was told
	Settled  bool // it was settled once
	Test     bool
	// Evidence says for every network the invoice uses up to when the watcher has seen everything.
	Evidence map[string]time.Time
	Now      time.Time
}

// Outcome is what the facts amount to.
type Outcome struct {
	State      State
	Amount     AmountState
	Flags      Flags
	Fulfilment Fulfilment
	Reason     string
	// Due and Remaining are in the chosen coin, zero of the price's currency if none is chosen. Covered and Firm are in
	// the price's currency, rounded down.
	Due, Remaining money.Amount
	Covered, Firm  money.Amount
	CoveredAt      time.Time // when what was seen first covered the price, zero if it does not
}

func (o Outcome) covered() bool { return !o.CoveredAt.IsZero() }

// Flags are the third axis; each stands by itself.
type Flags struct {
	Late, Marked, Replaced, Reorged, NeedsReview, WrongAsset, RefundStarted, Test bool

	Renewed int
}

// String is the flags sorted and separated by blanks, as the audit views show them.
func (f Flags) String() string {
	var list []string
	add := func(set bool, name string) {
		if set {
			list = append(list, name)
		}
	}
	add(f.Late, "late")
	add(f.Marked, "marked")
	add(f.NeedsReview, "needs_review")
	add(f.RefundStarted, "refund_started")
	add(f.Renewed > 0, "renewed")
	add(f.Reorged, "reorged")
	add(f.Replaced, "replaced")
	add(f.Test, "test")
	add(f.WrongAsset, "wrong_asset")
	return strings.Join(list, " ")
}

// Evaluate says what an invoice is, given everything known about it. It reads no clock, no store, no network. The
// order of payments, quotes and marks in the slices does not matter, their instants do; of two quotes of one instant the
// later in the list is the newer.
func Evaluate(f Facts) Outcome {
	s := f.sum()
	o := Outcome{Amount: s.amount(f), CoveredAt: s.coveredAt}
	o.State, o.Reason = f.state(s)
	o.Flags = f.flags(s, o)
	o.Fulfilment = f.fulfilment(o)
	o.Covered = money.Round(f.Price.Currency(), s.covered, money.RoundDown)
	o.Firm = money.Round(f.Price.Currency(), s.firm, money.RoundDown)
	o.Due, o.Remaining = f.dues(s)
	return o
}

// sums are the payments added up, exact, in smallest units of the price's currency.
type sums struct {
	covered, firm *big.Rat
	enough        *big.Rat  // price minus tolerance
	dust          *big.Rat  // one step of the coin's due amounts for each payment: rounding, never "over"
	coveredAt     time.Time // zero: not enough
	first         time.Time // first counted sighting
	revertedAt    time.Time
	patience      time.Duration // the longest an unconfirmed payment may take
	topped        bool          // it was settled, and what settled it still counts
	unconfirmed   bool          // part of what counts has yet to confirm: if topped, of what settled it
	lost          bool          // confirmed money went to a conflicting transaction
	late          bool          // late money is among what covers
}

func (s sums) isCovered() bool { return s.covered.Cmp(s.enough) >= 0 }

func (f Facts) sum() sums {
	s := sums{covered: new(big.Rat), firm: new(big.Rat), dust: new(big.Rat)}
	s.topped = f.Settled && slices.ContainsFunc(f.Payments, func(p Payment) bool { return p.base() && !f.promised(p) })
	s.enough = new(big.Rat).SetInt(f.Price.Units())
	s.enough.Sub(s.enough, new(big.Rat).SetInt(f.Terms.Tolerance.Units()))
	payments := append([]Payment(nil), f.Payments...)
	sort.Slice(payments, func(i, j int) bool {
		a, b := payments[i], payments[j]
		return a.FirstSeen.Before(b.FirstSeen) || (a.FirstSeen.Equal(b.FirstSeen) && a.ID < b.ID)
	})
	s.add(f, payments, Counted)
	with := s.clone()
	with.add(f, payments, Late)
	if with.late && with.isCovered() {
		s = with
	}
	return s
}

func (s sums) clone() sums {
	s.covered, s.firm, s.dust = new(big.Rat).Set(s.covered), new(big.Rat).Set(s.firm), new(big.Rat).Set(s.dust)
	return s
}

// add counts the payments of one standing in. They come in the order of their first sightings.
func (s *sums) add(f Facts, payments []Payment, standing Standing) {
	for _, p := range payments {
		if p.Standing != standing {
			continue
		}
		base := !s.topped || !p.Extra // what was settled neither waits for nor falls with what comes on top
		s.lost = s.lost || (base && p.DoubleSpent && p.RevertedAt.After(f.anew()))
		value, step, ok := f.value(p)
		if !p.Live() || !ok || f.contested(p) || f.promised(p) {
			continue
		}
		s.late = s.late || standing == Late
		s.covered.Add(s.covered, value)
		s.dust.Add(s.dust, step)
		if s.first.IsZero() || p.FirstSeen.Before(s.first) {
			s.first = p.FirstSeen
		}
		if s.coveredAt.IsZero() && s.isCovered() {
			s.coveredAt = p.FirstSeen
		}
		if p.Status == Confirmed {
			s.firm.Add(s.firm, value)
			continue
		}
		s.unconfirmed = s.unconfirmed || base
		if p.RevertedAt.After(s.revertedAt) {
			s.revertedAt = p.RevertedAt
		}
		if m, ok := f.method(p.Transfer.Asset); ok && m.ConfirmWithin > s.patience {
			s.patience = m.ConfirmWithin
		}
	}
}

// promised says whether a payment's money goes back to the payer, and pays nothing any more.
func (f Facts) promised(p Payment) bool {
	r, ok := refundOf(f.Refunds, p.ID)
	return ok && r.Unallocated
}

// contested says whether a reverted payment's coins are on their way to us by another payment of the invoice: only one of
// the two can come true, so the one that is not in a block gives way.
func (f Facts) contested(p Payment) bool {
	return p.wasFirm() && p.Conflict != "" && slices.ContainsFunc(f.Payments, func(other Payment) bool {
		return other.Live() && other.Transfer.TxID == p.Conflict && other.Transfer.Network == p.Transfer.Network
	})
}

// value is what a payment is worth at the quote it is judged by, and what one step is worth that amounts due in its coin
// are rounded up to.
func (f Facts) value(p Payment) (value, step *big.Rat, ok bool) {
	for _, q := range f.Quotes {
		if q.ID == p.Quote {
			value, err := q.Rate.Exact(p.Transfer.Amount)
			if err != nil {
				return nil, nil, false
			}
			smallest := money.Units(p.Transfer.Amount.Currency(), 1)
			if m, ok := f.method(p.Transfer.Asset); ok {
				smallest = smallest.CeilTo(m.Places)
			}
			step, err = q.Rate.Exact(smallest)
			return value, step, err == nil
		}
	}
	return nil, nil, false
}

func (f Facts) method(asset string) (Method, bool) {
	for _, m := range f.Methods {
		if m.Asset == asset {
			return m, true
		}
	}
	return Method{}, false
}

func (s sums) amount(f Facts) AmountState {
	if s.covered.Sign() == 0 {
		return None
	}
	if !s.isCovered() {
		return Short
	}
	most := new(big.Rat).SetInt(f.Price.Units())
	most.Add(most, new(big.Rat).SetInt(f.Terms.Tolerance.Units()))
	most.Add(most, s.dust)
	if s.covered.Cmp(most) > 0 {
		return Over
	}
	return Exact
}

// state is engine.md section 1: the first rule that fits.
func (f Facts) state(s sums) (State, string) {
	if m, ok := standingMark(f.Marks); ok {
		switch m.Kind {
		case MarkAccept:
			return Settled, "manual"
		case MarkInvalidate:
			return Failed, "manual"
		case MarkCancel:
			return Cancelled, "cancelled"
		}
	}
	firm := s.firm.Cmp(s.enough) >= 0
	if f.Ended != nil && !(s.late && s.isCovered()) {
		return f.Ended.State, f.Ended.Reason
	}
	switch {
	case firm && s.late:
		return Settled, "late"
	case firm:
		return Settled, "paid"
	case s.lost && !s.isCovered():
		return Failed, "double_spent"
	case s.topped && !s.unconfirmed && f.partly(): // more, unconfirmed, changes nothing
		return Settled, "partial_accepted"
	case s.isCovered():
		if f.passed(f.confirmBy(s)) {
			return Failed, "unconfirmed"
		}
		return Detected, f.movedBack("reorged")
	case s.covered.Sign() > 0:
		return f.shortState(s)
	}
	return f.emptyState()
}

func (f Facts) movedBack(reason string) string {
	if f.Settled {
		return reason
	}
	return ""
}

func (f Facts) shortState(s sums) (State, string) {
	deadline, ok := f.deadline()
	switch {
	case !ok || !f.passed(deadline):
		return Detected, f.movedBack("reorged")
	case s.unconfirmed && f.passed(f.confirmBy(s)):
		return Failed, "unconfirmed"
	case s.unconfirmed:
		return Detected, f.movedBack("reorged")
	case f.partly():
		return Settled, "partial_accepted"
	}
	return Expired, "short"
}

// partly says whether the terms take a part for the whole, now that the deadline is over.
func (f Facts) partly() bool {
	deadline, ok := f.deadline()
	return f.Terms.Partial && ok && f.passed(deadline)
}

func (f Facts) emptyState() (State, string) {
	if deadline, ok := f.deadline(); ok && f.passed(deadline) {
		return Expired, "never_paid"
	}
	if _, reopened := f.reopened(); reopened || len(f.Quotes) > 0 {
		return Awaiting, f.replacedReason()
	}
	return Open, ""
}

func (f Facts) replacedReason() string {
	if slices.ContainsFunc(f.Payments, Payment.replaced) {
		return "replaced"
	}
	return ""
}

// reopened is the newest reopen, if there is one.
func (f Facts) reopened() (Mark, bool) {
	found, ok := Mark{}, false
	for _, m := range f.Marks {
		if m.Kind == MarkReopen && (!ok || m.At.After(found.At)) {
			found, ok = m, true
		}
	}
	return found, ok
}

// anew is when the invoice last got another chance: it was reopened, or its price was locked again. What was lost before
// does not fail it any more.
func (f Facts) anew() time.Time {
	m, _ := f.reopened()
	last := m.At
	for _, q := range f.Quotes {
		if q.Renewal && q.At.After(last) {
			last = q.At
		}
	}
	return last
}

// confirmBy is until when what was seen must have confirmed.
func (f Facts) confirmBy(s sums) time.Time {
	from := s.first
	if !s.coveredAt.IsZero() {
		from = s.coveredAt
	}
	if s.revertedAt.After(from) {
		from = s.revertedAt
	}
	by := from.Add(s.patience)
	if m, ok := f.reopened(); ok && m.Until.After(by) {
		return m.Until
	}
	return by
}

// lockEnd is when no price holds any more: the end of the last lock of all coins.
func (f Facts) lockEnd() (time.Time, bool) {
	end, ok := time.Time{}, false
	for _, q := range f.Quotes {
		if until := f.holdsUntil(q); q.locks() && until.After(end) {
			end, ok = until, true
		}
	}
	return end, ok
}

// holdsUntil is the end of a lock, without grace: later for the lock that ran when the payer said that they pay from an
// exchange, and for the one the first part came in. Each is extended once.
func (f Facts) holdsUntil(q Quote) time.Time {
	until := q.Until
	if !q.At.After(f.Slow) && !q.Until.Before(f.Slow) { // those begun later were made longer
		until = until.Add(f.Terms.SlowPayer)
	}
	if f.Terms.ExtendShort > 0 && q.ID == f.firstPart() {
		until = until.Add(f.Terms.ExtendShort)
	}
	return until
}

// firstPart is the quote of the earliest payment that counts, empty if there is none.
func (f Facts) firstPart() ident.ID {
	var first *Payment
	for i := range f.Payments {
		p := &f.Payments[i]
		if p.Live() && p.Standing == Counted && !f.promised(*p) && (first == nil || p.FirstSeen.Before(first.FirstSeen) ||
			(p.FirstSeen.Equal(first.FirstSeen) && p.ID < first.ID)) {
			first = p
		}
	}
	if first == nil {
		return ""
	}
	return first.Quote
}

// deadline is until when money must have been seen, grace included, if there is such an instant.
func (f Facts) deadline() (time.Time, bool) {
	end, locked := f.lockEnd()
	by, ok := f.Created.Add(f.Terms.OpenFor), f.Terms.OpenFor > 0
	if locked {
		if by = f.Created.Add(f.Terms.DeadlineAfter); f.Terms.DeadlineAfter == 0 || end.After(by) {
			by = end
		}
		by, ok = by.Add(f.Terms.Grace), true
	}
	if m, reopened := f.reopened(); reopened && (!locked || m.Until.After(by)) {
		return m.Until, true
	}
	return by, ok
}

// passed says whether an instant is over: by the clock and by the evidence of every network the invoice uses, never
// by the clock alone.
func (f Facts) passed(t time.Time) bool {
	if !f.Now.After(t) {
		return false
	}
	for _, seen := range f.Evidence {
		if !seen.After(t) {
			return false
		}
	}
	return true
}

// standingMark is the latest decision not undone by a reopen.
func standingMark(marks []Mark) (Mark, bool) {
	found, ok := Mark{}, false
	for _, m := range marks {
		if !ok || m.At.After(found.At) {
			found, ok = m, true
		}
	}
	return found, ok && found.Kind != MarkReopen
}

func (f Facts) flags(s sums, o Outcome) Flags {
	flags := Flags{Test: f.Test}
	_, flags.Marked = standingMark(f.Marks)
	for _, p := range f.Payments {
		flags.Late = flags.Late || p.IsLate
		flags.Replaced = flags.Replaced || p.replaced()
		flags.Reorged = flags.Reorged || (!p.Wrong && (p.wasFirm() || p.DoubleSpent))
		flags.NeedsReview = flags.NeedsReview || f.undecided(p, s)
		flags.WrongAsset = flags.WrongAsset || (p.Wrong && f.undecided(p, s))
	}
	flags.RefundStarted = slices.ContainsFunc(f.Refunds, Refund.stands)
	flags.NeedsReview = flags.NeedsReview || slices.ContainsFunc(f.Refunds, f.unfounded)
	flags.Reorged = flags.Reorged && (o.State == Detected || o.State == Failed)
	if !flags.Marked {
		flags.NeedsReview = flags.NeedsReview || (o.State == Expired && o.Amount != None) || (o.Amount == Short && o.State == Detected && f.Lapsed)
	}
	for _, q := range f.Quotes {
		if q.Renewal {
			flags.Renewed++
		}
	}
	return flags
}

// undecided says whether a payment is set aside and waits for a person. A decision covers what was there when it was
// made; an acceptance takes what comes after it as well, but not in another coin.
func (f Facts) undecided(p Payment, s sums) bool {
	if !p.Live() || (p.Standing != Aside && (p.Standing != Late || s.late)) {
		return false
	}
	if _, refunded := refundOf(f.Refunds, p.ID); refunded || p.TakenBy != "" {
		return false
	}
	m, marked := standingMark(f.Marks)
	return !marked || m.Kind == MarkCancel || ((m.Kind == MarkInvalidate || p.Wrong) && p.FirstSeen.After(m.At))
}

// unfounded says whether a refund is approved of money that is not confirmed any more: what would be sent was perhaps never had.
func (f Facts) unfounded(r Refund) bool {
	return r.State == RefundApproved && !slices.ContainsFunc(f.Payments, func(p Payment) bool { return p.ID == r.Payment && p.Status == Confirmed })
}

func (f Facts) fulfilment(o Outcome) Fulfilment {
	switch o.State {
	case Settled:
		return Go
	case Failed:
		return Stop
	case Detected:
		if f.Settled {
			return Stop
		}
	case Expired, Cancelled:
		if o.Amount != None || o.Flags.Late || o.Flags.WrongAsset {
			return Review
		}
		return Release
	}
	return Wait
}

// dues states what is asked and what is left in the chosen coin, at its newest quote.
func (f Facts) dues(s sums) (due, remaining money.Amount) {
	zero := money.Zero(f.Price.Currency())
	q, ok := newest(f.Quotes, f.Asset)
	if f.Asset == "" || !ok {
		return zero, zero
	}
	if s.covered.Sign() == 0 && !s.isCovered() { // all of what the quote asks, which may be told apart from others (Address.Nudge)
		return q.Due, q.Due
	}
	places := int(q.Due.Currency().Scale)
	if m, ok := f.method(f.Asset); ok {
		places = m.Places
	}
	remaining, err := f.rest(s, q.Rate, places)
	if err != nil {
		return q.Due, q.Due
	}
	return q.Due, remaining
}

// rest is what is left of the price in a coin at a rate, rounded up to so many places; nothing once enough was seen.
func (f Facts) rest(s sums, r money.Rate, places int) (money.Amount, error) {
	if s.isCovered() {
		return money.Zero(r.From), nil
	}
	rest := new(big.Rat).SetInt(f.Price.Units())
	rest.Sub(rest, s.covered)
	// rest is in smallest units of the price's currency: bring it to the coin by the inverse of Rate.Exact.
	perUnit, err := r.Exact(money.Units(r.From, 1))
	if err != nil || perUnit.Sign() <= 0 {
		return money.Amount{}, rate.ErrUnavailable
	}
	return money.Round(r.From, rest.Quo(rest, perUnit), money.RoundUp).CeilTo(places), nil
}
