package invoice

import (
	"errors"
	"testing"
	"time"

	"checkout/money"
)

// decisions is the part of the table in which a person decides.
func decisions() []transition {
	accept, invalidate, cancel := marked(MarkAccept), marked(MarkInvalidate), marked(MarkCancel)
	expired := waits(16 * time.Minute)
	reopen := func(p *play) { p.must(p.mark(Mark{Kind: MarkReopen, Until: p.now.Add(time.Hour)})) }
	stolen := func(p *play) { p.reorg("btc", 1, map[string]fate{p.last(): {stolen: true}}) }
	return []transition{
		{
			name: "cancelled while open", made: openShop, do: cancel,
			state: Cancelled, amount: None, flags: "marked", verdict: Release, reason: "cancelled", events: "invoice.cancelled",
		}, {
			name: "cancelled while awaiting", made: shopBTC, do: cancel,
			state: Cancelled, amount: None, flags: "marked", verdict: Release, reason: "cancelled", events: "invoice.cancelled",
		}, {
			name: "cancelled for good", made: shopBTC, given: cancel, do: waits(never),
			state: Cancelled, amount: None, flags: "marked", verdict: Release, reason: "cancelled",
		}, {
			name: "accepted while open", made: openShop, do: accept,
			state: Settled, amount: None, flags: "marked", verdict: Go, reason: "manual", events: "invoice.settled",
		}, {
			name: "accepted while awaiting", made: shopBTC, do: accept,
			state: Settled, amount: None, flags: "marked", verdict: Go, reason: "manual", events: "invoice.settled",
		}, {
			name: "accepted unconfirmed", made: shopBTC, given: pays(due), do: accept,
			state: Settled, amount: Exact, flags: "marked", verdict: Go, reason: "manual", events: "invoice.settled",
		}, {
			name: "accepted unconfirmed, then confirmed", made: shopBTC, given: steps(pays(due), accept), do: mines(1),
			state: Settled, amount: Exact, flags: "marked", verdict: Go, reason: "manual", events: "payment.confirmed", entries: "credit allocate",
		}, {
			name: "accepted short", made: shopBTC, given: steps(pays(due/2), mines(1)), do: accept,
			state: Settled, amount: Short, flags: "marked", verdict: Go, reason: "manual", events: "invoice.settled", entries: "allocate",
		}, {
			name: "accepted short after the end", made: shopBTC, given: steps(pays(due/2), mines(1), expired), do: accept,
			state: Settled, amount: Short, flags: "marked", verdict: Go, reason: "manual", events: "invoice.settled", entries: "allocate",
		}, {
			name: "accepted late", made: shopBTC, given: steps(expired, pays(due), mines(1)), do: accept,
			state: Settled, amount: None, flags: "late marked", verdict: Go, reason: "manual", events: "invoice.settled", entries: "allocate",
		}, {
			name: "accepted after it failed", made: shopBTC, given: steps(pays(due), waits(25*time.Hour)), do: accept,
			state: Settled, amount: Exact, flags: "marked", verdict: Go, reason: "manual", events: "invoice.settled",
		}, {
			name: "accepted after a cancel", made: shopBTC, given: steps(cancel, waits(time.Minute), pays(due), mines(1)), do: steps(waits(time.Minute), accept),
			state: Settled, amount: None, flags: "late marked", verdict: Go, reason: "manual", events: "invoice.settled", entries: "allocate",
		}, {
			name: "accepted, its block lost", made: shopBTC, given: steps(pays(due), mines(1), func(p *play) { p.hold(p.last()) }),
			do: func(p *play) { p.reorg("btc", 1, nil); p.must(p.mark(Mark{Kind: MarkAccept})) }, state: Settled, amount: Exact, flags: "marked",
			verdict: Go, reason: "manual", events: "payment.reverted invoice.reverted invoice.settled", entries: "reverse",
		}, {
			name: "marked invalid while open", made: openShop, do: invalidate,
			state: Failed, amount: None, flags: "marked", verdict: Stop, reason: "manual", events: "invoice.failed",
		}, {
			name: "marked invalid while awaiting", made: shopBTC, do: invalidate,
			state: Failed, amount: None, flags: "marked", verdict: Stop, reason: "manual", events: "invoice.failed",
		}, {
			name: "marked invalid with money", made: shopBTC, given: steps(pays(due/2), mines(1)), do: invalidate,
			state: Failed, amount: Short, flags: "marked", verdict: Stop, reason: "manual", events: "invoice.failed",
		}, {
			name: "marked invalid, its money confirms", made: shopBTC, given: steps(pays(due), invalidate), do: mines(1),
			state: Failed, amount: Exact, flags: "marked", verdict: Stop, reason: "manual", events: "payment.confirmed", entries: "credit",
		}, {
			name: "marked invalid after it expired", made: shopBTC, given: expired, do: invalidate,
			state: Failed, amount: None, flags: "marked", verdict: Stop, reason: "manual", events: "invoice.failed",
		}, {
			name: "reopened", made: shopBTC, given: expired, do: reopen,
			state: Awaiting, amount: None, verdict: Wait, events: "invoice.reopened",
		}, {
			name: "reopened before a coin was chosen", made: order, given: waits(2 * time.Hour), do: reopen,
			state: Awaiting, amount: None, verdict: Wait, events: "invoice.reopened",
		}, {
			name: "reopened with money", made: shopBTC, given: steps(pays(due/2), mines(1), expired), do: reopen,
			state: Detected, amount: Short, verdict: Wait, events: "invoice.detected",
		}, {
			name: "reopened after it failed unconfirmed", made: shopBTC, given: steps(pays(due), waits(25*time.Hour)), do: reopen,
			state: Detected, amount: Exact, verdict: Wait, events: "invoice.detected",
		}, {
			name: "reopened after it failed unconfirmed, then confirmed", made: shopBTC, given: steps(pays(due), waits(25*time.Hour), reopen), do: mines(1),
			state: Settled, amount: Exact, verdict: Go, reason: "paid", events: "payment.confirmed invoice.settled", entries: "credit allocate",
		}, {
			name: "reopened after it was double spent", made: shopBTC, given: steps(pays(due), mines(1), stolen), do: reopen,
			state: Awaiting, amount: None, verdict: Wait, events: "invoice.reopened",
		}, {
			name: "reopened after it was marked invalid", made: shopBTC, given: steps(invalidate, waits(time.Minute)), do: reopen,
			state: Awaiting, amount: None, verdict: Wait, events: "invoice.reopened",
		}, {
			name: "reopened, paid at a new price", made: shopBTC, given: steps(expired, reopen, func(p *play) { p.must(p.choose("btc")) }), do: steps(waits(14*time.Minute), pays(due)),
			state: Detected, amount: Exact, verdict: Wait, events: "payment.detected invoice.detected",
		}, {
			name: "reopened, paid without a new price", made: shopBTC, given: steps(expired, reopen), do: pays(due),
			state: Awaiting, amount: None, flags: "late needs_review", verdict: Wait, events: "payment.late",
		}, {
			name: "reopened in vain", made: shopBTC, given: steps(expired, reopen), do: waits(time.Hour + time.Second),
			state: Expired, amount: None, verdict: Release, reason: "never_paid", events: "invoice.expired",
		},
	}
}

// renewals is the part of the table in which prices are locked again.
func renewals() []transition {
	lock := waits(20*time.Minute + time.Second)
	drift := func(price int64) func(*play) { return func(p *play) { p.price["btc"] = price } }
	requoted := func(p *play) { p.must(p.requote()) }
	return []transition{
		{
			name: "lock ends, the price moved by one percent", made: orderBTC, given: drift(50_500), do: lock,
			state: Awaiting, amount: None, flags: "renewed", verdict: Wait, events: "quote.renewed",
		}, {
			name: "lock ends, the price moved further", made: orderBTC, given: drift(50_501), do: lock,
			state: Awaiting, amount: None, verdict: Wait, events: "quote.lapsed",
		}, {
			name: "lock ends by the clock alone", made: orderBTC, do: func(p *play) { p.blind(21 * time.Minute) },
			state: Awaiting, amount: None, verdict: Wait,
		}, {
			name: "a lapse is told once", made: orderBTC, given: steps(drift(60_000), lock), do: waits(time.Minute),
			state: Awaiting, amount: None, verdict: Wait,
		}, {
			name: "renewals by themselves do not move the deadline", made: orderBTC, given: steps(lock, lock), do: steps(lock, waits(10*time.Minute)),
			state: Expired, amount: None, flags: "renewed", verdict: Release, reason: "never_paid", events: "quote.lapsed invoice.expired",
		}, {
			name: "new price while awaiting", made: orderBTC, given: waits(10 * time.Minute), do: requoted,
			state: Awaiting, amount: None, flags: "renewed", verdict: Wait, events: "quote.renewed",
		}, {
			name: "new price moves the deadline", made: orderBTC, given: steps(drift(60_000), waits(59*time.Minute), requoted), do: waits(29 * time.Minute),
			state: Awaiting, amount: None, flags: "renewed", verdict: Wait, events: "quote.lapsed",
		}, {
			name: "new price after it expired", made: orderBTC, given: waits(2 * time.Hour), do: requoted,
			state: Awaiting, amount: None, flags: "renewed", verdict: Wait, events: "quote.renewed invoice.reopened",
		}, {
			name: "new price after it expired, paid", made: orderBTC, given: steps(waits(2*time.Hour), requoted), do: pays(due),
			state: Detected, amount: Exact, flags: "renewed", verdict: Wait, events: "payment.detected invoice.detected",
		}, {
			name: "new price after it expired short", made: orderBTC, given: steps(pays(due/2), mines(1), waits(2*time.Hour)), do: requoted,
			state: Detected, amount: Short, flags: "renewed", verdict: Wait, events: "quote.renewed invoice.detected",
		}, {
			name: "new price while short", made: orderBTC, given: pays(due / 2), do: requoted,
			state: Detected, amount: Short, flags: "renewed", verdict: Wait, events: "quote.renewed",
		}, {
			name: "paid in the window, renewed afterwards", made: orderBTC, given: steps(pays(due/2), drift(40_000), requoted), do: pays(due * 5 / 8),
			state: Detected, amount: Exact, flags: "renewed", verdict: Wait, events: "payment.detected",
		}, {
			name: "the chosen coin's lock ends, another's holds on", made: orderBTC,
			given: steps(drift(60_000), waits(19*time.Minute), func(p *play) { p.must(p.choose("usd")); p.must(p.choose("btc")) }), do: waits(time.Minute + time.Second),
			state: Awaiting, amount: None, verdict: Wait, events: "quote.lapsed",
		}, {
			name: "the same coin chosen again after its lock", made: orderBTC, given: steps(drift(60_000), lock), do: func(p *play) { p.must(p.choose("btc")) },
			state: Awaiting, amount: None, flags: "renewed", verdict: Wait, events: "quote.renewed",
		}, {
			name: "the first part's lock lasts longer, no other", made: orderBTC,
			given: steps(pays(due/4), waits(55*time.Minute), requoted, pays(due/4), mines(1), waits(31*time.Minute)), do: pays(due / 2),
			state: Expired, amount: Short, flags: "late needs_review renewed", verdict: Review, reason: "short", events: "payment.late",
		}, {
			name: "a short one has longer", made: orderBTC, given: steps(pays(due/2), waits(45*time.Minute)), do: pays(due / 2),
			state: Detected, amount: Exact, verdict: Wait, events: "payment.detected",
		}, {
			name: "a short one has not for ever", made: orderBTC, given: steps(pays(due/2), mines(1), waits(61*time.Minute)), do: pays(due / 2),
			state: Detected, amount: Short, flags: "late needs_review", verdict: Wait, events: "payment.late",
		},
	}
}

func TestRefusals(t *testing.T) {
	expired := waits(16 * time.Minute)
	paid := steps(pays(due), mines(1))
	mark := func(kind MarkKind) func(*play) error {
		return func(p *play) error { return p.mark(Mark{Kind: kind, Until: p.now.Add(time.Hour)}) }
	}
	choose := func(asset string) func(*play) error { return func(p *play) error { return p.choose(asset) } }
	for _, row := range []struct {
		name  string
		made  script
		given func(*play)
		do    func(*play) error
		want  error
	}{
		{"cancel with money seen", shopBTC, pays(due), mark(MarkCancel), ErrState},
		{"cancel with dust seen", shopBTC, pays(500), mark(MarkCancel), ErrState},
		{"cancel when money was seen once", shopBTC, steps(pays(due), func(p *play) { p.evict(p.last()) }), mark(MarkCancel), ErrState},
		{"cancel when settled", shopBTC, paid, mark(MarkCancel), ErrState},
		{"cancel when expired", shopBTC, expired, mark(MarkCancel), ErrState},
		{"cancel twice", shopBTC, marked(MarkCancel), mark(MarkCancel), ErrState},
		{"accept when settled", shopBTC, paid, mark(MarkAccept), ErrState},
		{"accept twice", shopBTC, marked(MarkAccept), mark(MarkAccept), ErrState},
		{"invalidate when settled", shopBTC, paid, mark(MarkInvalidate), ErrState},
		{"invalidate when cancelled", shopBTC, marked(MarkCancel), mark(MarkInvalidate), ErrState},
		{"invalidate when failed", shopBTC, marked(MarkInvalidate), mark(MarkInvalidate), ErrState},
		{"reopen when open", openShop, nil, mark(MarkReopen), ErrState},
		{"reopen when cancelled", shopBTC, marked(MarkCancel), mark(MarkReopen), ErrState},
		{"reopen when settled", shopBTC, paid, mark(MarkReopen), ErrState},
		{"reopen until a time that is over", shopBTC, expired, func(p *play) error { return p.mark(Mark{Kind: MarkReopen, Until: p.now}) }, ErrState},
		{"a decision nobody knows", shopBTC, nil, mark("praise"), ErrState},
		{"choose when covered", shopBTC, pays(due), choose("usd"), ErrState},
		{"choose when settled", shopBTC, paid, choose("usd"), ErrState},
		{"choose when expired", shopBTC, expired, choose("usd"), ErrState},
		{"choose when the deadline is over by the clock", shopBTC, func(p *play) { p.blind(16 * time.Minute) }, choose("usd"), ErrState},
		{"choose in the grace after the deadline", orderBTC, waits(65 * time.Minute), choose("usd"), ErrState},
		{"choose what is not offered", openShop, nil, choose("doge"), ErrMethod},
		{"requote before a coin is chosen", order, nil, (*play).requote, ErrState},
		{"requote in the shop's dialect", shopBTC, nil, (*play).requote, ErrState},
		{"requote when covered", orderBTC, pays(due), (*play).requote, ErrState},
		{"requote when settled", orderBTC, paid, (*play).requote, ErrState},
		{"requote when cancelled", orderBTC, marked(MarkCancel), (*play).requote, ErrState},
		{"requote when failed", orderBTC, steps(pays(due), waits(15*24*time.Hour)), (*play).requote, ErrState},
		{"requote after twelve times", orderBTC, func(p *play) {
			for range 12 {
				p.pass(time.Second)
				p.must(p.requote())
			}
		}, (*play).requote, ErrRenewals},
		{"skip with real money", orderBTC, nil, func(p *play) error {
			return p.try(func(inv *Invoice, at Moment) (Effects, error) { return inv.Skip(time.Hour, at) })
		}, ErrState},
		{"skip backwards", script{terms: orders(), test: true}, nil, func(p *play) error {
			return p.try(func(inv *Invoice, at Moment) (Effects, error) { return inv.Skip(-time.Hour, at) })
		}, ErrState},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := start(t, row.made)
			if row.given != nil {
				row.given(p)
			}
			if err := row.do(p); !errors.Is(err, row.want) {
				t.Errorf("%v, want %v", err, row.want)
			}
		})
	}
}

// A rehearsal may skip time: what would take an hour happens at once, and is dated by the real clock.
func TestSkip(t *testing.T) {
	p := start(t, script{terms: orders(), coin: "btc", test: true})
	p.change(func(inv *Invoice, at Moment) (Effects, error) { return inv.Skip(71*time.Minute, at) })
	if p.inv.Outcome.State != Expired {
		t.Fatalf("an hour later it is %s", p.inv.Outcome.State)
	}
	if at := p.log[len(p.log)-1].At; !at.Equal(p.now) {
		t.Errorf("the state log says %s, it is %s", at, p.now)
	}
	p.pay("btc", due)
	if o := p.inv.Outcome; o.State != Expired || !o.Flags.Late {
		t.Errorf("paid then, it is %s, flags %q", o.State, o.Flags)
	}
}

func TestDueStatesThePriceInTheCoin(t *testing.T) {
	p := start(t, shopBTC)
	asks := func(due, remaining int64) {
		t.Helper()
		o := p.inv.Outcome
		if !o.Due.Equal(money.Units(btc, due)) || !o.Remaining.Equal(money.Units(btc, remaining)) {
			t.Errorf("due is %s, %s remaining", o.Due, o.Remaining)
		}
	}
	asks(due, due)
	p.pay("btc", 60_000)
	asks(due, 140_000)
	p.pay("btc", 139_500) // half a percent is let go
	asks(due, 0)
}
