package invoice

import (
	"testing"
	"time"

	"checkout/chain"
)

// transition is a row of the table in engine.md section 6: what an invoice is after something happened to it, and what
// was told and booked on the way.
type transition struct {
	name  string
	made  script
	given func(p *play) // how it came to the state before; nil: as created
	do    func(p *play)

	state   State
	amount  AmountState
	flags   string
	verdict Fulfilment
	reason  string
	events  string // told by do, in order
	entries string // booked by do, in order
}

// due is 100 EUR in satoshi at the first quote.
const due = 200_000

func pays(units int64) func(*play) { return func(p *play) { p.Helper(); p.pay("btc", units) } }

func steps(list ...func(*play)) func(*play) {
	return func(p *play) {
		p.Helper()
		for _, step := range list {
			step(p)
		}
	}
}

func mines(blocks int) func(*play) { return func(p *play) { p.Helper(); p.mine("btc", blocks) } }

func waits(d time.Duration) func(*play) { return func(p *play) { p.Helper(); p.pass(d) } }

func marked(kind MarkKind) func(*play) { return marks(Mark{Kind: kind, Reason: "because"}) }

// still is terms whose prices do not renew by themselves.
func still(t Terms) Terms { t.RenewDrift = 0; return t }

func marks(m Mark) func(*play) { return func(p *play) { p.Helper(); p.must(p.mark(m)) } }

var (
	openShop = script{terms: shop()}
	shopBTC  = script{terms: shop(), coin: "btc"}
	shopDeep = script{terms: shop(), coin: "btc", confirmations: 3}
	order    = script{terms: orders()}
	orderBTC = script{terms: orders(), coin: "btc"}
	orderUSD = script{terms: orders(), coin: "usd"}
)

const never = 365 * 24 * time.Hour

func TestTransitions(t *testing.T) {
	for _, group := range [][]transition{beginnings(), payments(), ends(), chainTakesBack(), lateMoney(), decisions(), renewals(), returns()} {
		for _, row := range group {
			t.Run(row.name, func(t *testing.T) { row.run(t) })
		}
	}
}

func (row transition) run(t *testing.T) {
	p := start(t, row.made)
	if row.given != nil {
		row.given(p)
	}
	events, entries := len(p.events), len(p.entries)
	if row.do == nil {
		events, entries = 0, 0
	} else {
		row.do(p)
	}
	told, booked := p.since(events, entries)
	o := p.inv.Outcome
	for _, cmp := range []struct{ what, got, want string }{
		{"state", string(o.State), string(row.state)},
		{"amount", string(o.Amount), string(row.amount)},
		{"flags", o.Flags.String(), row.flags},
		{"fulfilment", string(o.Fulfilment), string(row.verdict)},
		{"reason", o.Reason, row.reason},
		{"events", told, row.events},
		{"entries", booked, row.entries},
	} {
		if cmp.got != cmp.want {
			t.Errorf("%s is %q, want %q", cmp.what, cmp.got, cmp.want)
		}
	}
}

func beginnings() []transition {
	chosen := func(asset string) func(*play) { return func(p *play) { p.must(p.choose(asset)) } }
	return []transition{
		{
			name: "created without coin", made: openShop,
			state: Open, amount: None, verdict: Wait, events: "invoice.created",
		}, {
			name: "created with coin", made: shopBTC,
			state: Awaiting, amount: None, verdict: Wait, events: "quote.created invoice.created",
		}, {
			name: "created with every coin's price locked", made: script{terms: CoinsPaidTerms(cents(50), false, true)},
			state: Awaiting, amount: None, verdict: Wait, events: "quote.created quote.created invoice.created",
		}, {
			name: "created for a test", made: script{terms: shop(), test: true},
			state: Open, amount: None, flags: "test", verdict: Wait, events: "invoice.created",
		}, {
			name: "coin chosen", made: openShop, do: chosen("btc"),
			state: Awaiting, amount: None, verdict: Wait, events: "quote.created invoice.awaiting",
		}, {
			name: "other coin chosen", made: shopBTC, do: chosen("usd"),
			state: Awaiting, amount: None, verdict: Wait, events: "quote.created",
		}, {
			name: "coin chosen whose price is locked already", made: script{terms: CoinsPaidTerms(cents(50), false, true)}, do: chosen("btc"),
			state: Awaiting, amount: None, verdict: Wait,
		}, {
			name: "open-until passed", made: order, do: waits(time.Hour + time.Second),
			state: Expired, amount: None, verdict: Release, reason: "never_paid", events: "invoice.expired",
		}, {
			name: "open without an end", made: openShop, do: waits(never),
			state: Open, amount: None, verdict: Wait,
		}, {
			name: "deadline passed", made: shopBTC, do: waits(15*time.Minute + time.Second),
			state: Expired, amount: None, verdict: Release, reason: "never_paid", events: "invoice.expired",
		}, {
			name: "deadline passed without a coin", made: script{terms: CoinsPaidTerms(cents(50), false, true)}, do: waits(15*time.Minute + time.Second),
			state: Expired, amount: None, verdict: Release, reason: "never_paid", events: "invoice.expired",
		}, {
			name: "deadline passed by the clock alone", made: shopBTC, do: func(p *play) { p.blind(time.Hour) },
			state: Awaiting, amount: None, verdict: Wait,
		}, {
			name: "another coin does not move the deadline", made: shopBTC,
			given: steps(waits(14*time.Minute), chosen("usd")), do: waits(time.Minute + time.Second),
			state: Expired, amount: None, verdict: Release, reason: "never_paid", events: "invoice.expired",
		}, {
			name: "another coin does not move an order's deadline", made: orderBTC,
			given: steps(waits(59*time.Minute), chosen("usd")), do: waits(11*time.Minute + time.Second),
			state: Expired, amount: None, flags: "renewed", verdict: Release, reason: "never_paid", events: "invoice.expired",
		},
	}
}

func payments() []transition {
	return []transition{
		{
			name: "exact", made: shopBTC, do: pays(due),
			state: Detected, amount: Exact, verdict: Wait, events: "payment.detected invoice.detected",
		}, {
			name: "too small", made: shopBTC, do: pays(due - 1001),
			state: Detected, amount: Short, verdict: Wait, events: "payment.detected invoice.detected",
		}, {
			name: "too much", made: shopBTC, do: pays(due + 1002),
			state: Detected, amount: Over, verdict: Wait, events: "payment.detected invoice.detected",
		}, {
			name: "confirmed", made: shopBTC, given: pays(due), do: mines(1),
			state: Settled, amount: Exact, verdict: Go, reason: "paid", events: "payment.confirmed invoice.settled", entries: "credit allocate",
		}, {
			name: "first sight is deep enough", made: shopBTC, do: func(p *play) { p.unseen("btc", due, chain.Tx{}); p.mine("btc", 1) },
			state: Settled, amount: Exact, verdict: Go, reason: "paid", events: "payment.confirmed invoice.settled", entries: "credit allocate",
		}, {
			name: "first sight in a block that is not deep enough", made: shopDeep, do: func(p *play) { p.unseen("btc", due, chain.Tx{}); p.mine("btc", 1) },
			state: Detected, amount: Exact, verdict: Wait, events: "payment.detected invoice.detected",
		}, {
			name: "first confirmation of several", made: shopDeep, given: pays(due), do: mines(1),
			state: Detected, amount: Exact, verdict: Wait,
		}, {
			name: "one more confirmation", made: shopDeep, given: steps(pays(due), mines(1)), do: mines(1),
			state: Detected, amount: Exact, verdict: Wait, events: "payment.confirming",
		}, {
			name: "all confirmations", made: shopDeep, given: steps(pays(due), mines(2)), do: mines(1),
			state: Settled, amount: Exact, verdict: Go, reason: "paid", events: "payment.confirmed invoice.settled", entries: "credit allocate",
		}, {
			name: "second part", made: shopBTC, given: pays(due / 2), do: pays(due / 2),
			state: Detected, amount: Exact, verdict: Wait, events: "payment.detected",
		}, {
			name: "one part confirmed", made: shopBTC, given: pays(due / 2), do: mines(1),
			state: Detected, amount: Short, verdict: Wait, events: "payment.confirmed", entries: "credit",
		}, {
			name: "last part confirmed", made: shopBTC, given: steps(pays(due/2), mines(1), pays(due/2)), do: mines(1),
			state: Settled, amount: Exact, verdict: Go, reason: "paid", events: "payment.confirmed invoice.settled", entries: "allocate credit allocate",
		}, {
			name: "more when what came before covers", made: shopBTC, given: pays(due), do: pays(5000),
			state: Detected, amount: Over, verdict: Wait, events: "payment.extra",
		}, {
			name: "more after settled", made: shopBTC, given: steps(pays(due), mines(1)), do: pays(due),
			state: Settled, amount: Over, verdict: Go, reason: "paid", events: "payment.extra",
		}, {
			name: "more after settled, confirmed", made: shopBTC, given: steps(pays(due), mines(1), pays(due)), do: mines(1),
			state: Settled, amount: Over, verdict: Go, reason: "paid", events: "payment.confirmed", entries: "credit allocate",
		}, {
			name: "more after settled, long after the deadline", made: shopBTC, given: steps(pays(due), mines(1), waits(never)), do: pays(due),
			state: Settled, amount: Over, verdict: Go, reason: "paid", events: "payment.extra",
		}, {
			name: "two coins", made: orderBTC,
			given: func(p *play) { p.pay("btc", due/2); p.must(p.choose("usd")) }, do: func(p *play) { p.pay("usd", 50_000_000) },
			state: Detected, amount: Exact, verdict: Wait, events: "payment.detected",
		}, {
			name: "paid fully in two coins", made: orderBTC,
			given: func(p *play) { p.must(p.choose("usd")); p.pay("btc", due); p.mine("btc", 1) }, do: func(p *play) { p.pay("usd", 100_000_000); p.mine("usd", 3) },
			state: Settled, amount: Over, verdict: Go, reason: "paid", events: "payment.extra payment.confirming payment.confirmed", entries: "credit allocate",
		}, {
			name: "dust", made: shopBTC, do: steps(pays(999), mines(1)),
			state: Awaiting, amount: None, verdict: Wait, entries: "suspend",
		}, {
			name: "more than can exist", made: shopBTC, do: steps(pays(21_000_000*100_000_000+1), mines(1)),
			state: Awaiting, amount: None, verdict: Wait, events: "payment.quarantined payment.confirmed",
		}, {
			name: "older than the address", made: shopBTC, do: func(p *play) { p.dig(due, 50) },
			state: Awaiting, amount: None, verdict: Wait, events: "payment.confirmed payment.unmatched", entries: "suspend",
		},
	}
}

func ends() []transition {
	passed := waits(15*time.Minute + time.Second)
	return []transition{
		{
			name: "deadline passed, covered", made: shopBTC, given: pays(due), do: passed,
			state: Detected, amount: Exact, verdict: Wait,
		}, {
			name: "deadline passed, short and confirmed", made: shopBTC, given: steps(pays(due/2), mines(1)), do: passed,
			state: Expired, amount: Short, flags: "needs_review", verdict: Review, reason: "short", events: "invoice.expired",
		}, {
			name: "deadline passed, short and unconfirmed", made: shopBTC, given: pays(due / 2), do: passed,
			state: Detected, amount: Short, verdict: Wait,
		}, {
			name: "deadline passed, short, confirmed after it", made: shopBTC, given: steps(pays(due/2), passed), do: mines(1),
			state: Expired, amount: Short, flags: "needs_review", verdict: Review, reason: "short", events: "payment.confirmed invoice.expired", entries: "credit",
		}, {
			name: "the same, partial terms", made: script{terms: partly(), coin: "btc"}, given: steps(pays(due/2), mines(1)), do: passed,
			state: Settled, amount: Short, verdict: Go, reason: "partial_accepted", events: "invoice.settled", entries: "allocate",
		}, {
			name: "partial terms, more after the deadline", made: script{terms: partly(), coin: "btc"},
			given: steps(pays(due/2), mines(1), passed), do: steps(pays(due/4), waits(25*time.Hour), mines(1)),
			state: Settled, amount: Short, verdict: Go, reason: "partial_accepted", events: "payment.extra payment.confirmed", entries: "credit allocate",
		}, {
			name: "partial terms, the rest after the deadline", made: script{terms: partly(), coin: "btc"},
			given: steps(pays(due/2), mines(1), passed), do: steps(pays(due/2), waits(25*time.Hour)),
			state: Settled, amount: Exact, verdict: Go, reason: "partial_accepted", events: "payment.extra",
		}, {
			name: "partial terms, nothing paid", made: script{terms: partly(), coin: "btc"}, do: passed,
			state: Expired, amount: None, verdict: Release, reason: "never_paid", events: "invoice.expired",
		}, {
			name: "confirmation deadline passed", made: shopBTC, given: pays(due), do: waits(24*time.Hour + time.Second),
			state: Failed, amount: Exact, verdict: Stop, reason: "unconfirmed", events: "invoice.failed",
		}, {
			name: "confirmation deadline passed by the clock alone", made: shopBTC, given: pays(due), do: func(p *play) { p.blind(48 * time.Hour) },
			state: Detected, amount: Exact, verdict: Wait,
		}, {
			name: "a part was never confirmed", made: shopBTC, given: pays(due / 2), do: waits(24*time.Hour + time.Second),
			state: Failed, amount: Short, verdict: Stop, reason: "unconfirmed", events: "invoice.failed",
		}, {
			name: "full cover begins the wait anew", made: shopBTC,
			given: steps(pays(due/2), waits(14*time.Minute), pays(due/2)), do: waits(24*time.Hour - time.Minute),
			state: Detected, amount: Exact, verdict: Wait,
		}, {
			name: "order, short until the lock ends", made: orderBTC, given: steps(pays(due/2), mines(1)), do: waits(50*time.Minute + time.Second),
			state: Detected, amount: Short, flags: "needs_review", verdict: Wait, events: "quote.lapsed",
		}, {
			name: "order, short at the deadline", made: orderBTC, given: steps(pays(due/2), mines(1), waits(51*time.Minute)), do: waits(20 * time.Minute),
			state: Expired, amount: Short, flags: "needs_review", verdict: Review, reason: "short", events: "invoice.expired",
		}, {
			name: "order, within the grace after the lock", made: script{terms: still(orders()), coin: "btc"}, given: waits(29 * time.Minute), do: pays(due),
			state: Detected, amount: Exact, verdict: Wait, events: "payment.detected invoice.detected",
		},
	}
}
