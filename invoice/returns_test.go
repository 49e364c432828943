package invoice

import (
	"errors"
	"testing"
	"time"

	"checkout/chain"
	"checkout/money"
)

// tok is a coin nobody asks for, on the network of the volatile one.
var tok = money.Currency{Code: "TOK", Scale: 6, Kind: money.Crypto}

// stray sends a coin that was not asked for to the address of one that was.
func (p *play) stray(units int64) string {
	p.Helper()
	p.others = []Method{{Asset: "tok", Network: volatileNet.ID, Currency: tok, Confirmations: 2, Dust: money.Units(tok, 10), Cap: money.Units(tok, 1_000_000_000)}}
	id := p.unseen("btc", 1, chain.Tx{})
	_, tx := p.tx(id)
	tx.Outputs[0].Asset, tx.Outputs[0].Amount = "tok", money.Units(tok, units)
	p.sight(id)
	return id
}

// reorgAway takes the newest block, with a transaction in it, off the chain; miners leave it alone from now on.
func (p *play) reorgAway(id string) { p.Helper(); p.hold(id); p.reorg("btc", 1, nil) }

// replaceAs pays the same sum by another transaction of the same coins.
func (p *play) replaceAs(old string, units int64) {
	p.Helper()
	_, tx := p.tx(old)
	tx.gone = true
	p.sight(p.unseen("btc", units, chain.Tx{Inputs: tx.Inputs}))
}

func strays(p *play) { p.Helper(); p.stray(5_000_000) }

// refund approves that money goes back: all of a payment, or so many units.
func (p *play) refund(payment string, units int64) error {
	p.Helper()
	return p.try(func(inv *Invoice, at Moment) (Effects, error) {
		o := RefundOrder{ID: p.id(), Payment: payment, Address: "payer-address", Actor: "ada", Reason: "because"}
		if pay, err := inv.Returnable(payment); err == nil && units > 0 {
			amount := money.Units(pay.Transfer.Amount.Currency(), units)
			o.Amount = &amount
		}
		return inv.Refund(o, at)
	})
}

func (p *play) refundSent() error {
	p.Helper()
	return p.try(func(inv *Invoice, at Moment) (Effects, error) {
		return inv.RefundSent("", "refunding", true, "ada", at)
	})
}

func (p *play) rejectRefund() error {
	p.Helper()
	return p.try(func(inv *Invoice, at Moment) (Effects, error) { return inv.RejectRefund("", "ada", at) })
}

func refunds(units int64) func(*play) {
	return func(p *play) { p.Helper(); p.must(p.refund("", units)) }
}
func sends(p *play)   { p.Helper(); p.must(p.refundSent()) }
func rejects(p *play) { p.Helper(); p.must(p.rejectRefund()) }

// returns is the part of the table about money in the wrong coin, and money that goes back.
func returns() []transition {
	accept, expired := marked(MarkAccept), waits(16*time.Minute)
	return []transition{
		{
			name: "wrong coin", made: shopBTC, do: strays,
			state: Awaiting, amount: None, flags: "needs_review wrong_asset", verdict: Wait, events: "payment.wrong_asset",
		}, {
			name: "wrong coin, confirmed", made: shopBTC, given: strays, do: mines(2),
			state: Awaiting, amount: None, flags: "needs_review wrong_asset", verdict: Wait, events: "payment.confirmed", entries: "credit",
		}, {
			name: "dust of the wrong coin", made: shopBTC, do: func(p *play) { p.stray(9) },
			state: Awaiting, amount: None, verdict: Wait,
		}, {
			name: "wrong coin, then the right one", made: shopBTC, given: steps(strays, mines(2)), do: steps(pays(due), mines(1)),
			state: Settled, amount: Exact, flags: "needs_review wrong_asset", verdict: Go, reason: "paid",
			events: "payment.detected invoice.detected payment.confirmed invoice.settled", entries: "credit allocate",
		}, {
			name: "wrong coin, never the right one", made: shopBTC, given: steps(strays, mines(2)), do: expired,
			state: Expired, amount: None, flags: "needs_review wrong_asset", verdict: Review, reason: "never_paid", events: "invoice.expired",
		}, {
			name: "wrong coin, accepted", made: shopBTC, given: steps(strays, mines(2)), do: accept,
			state: Settled, amount: None, flags: "marked", verdict: Go, reason: "manual", events: "invoice.settled", entries: "allocate",
		}, {
			name: "wrong coin, taken back before it confirmed", made: shopBTC, given: strays, do: func(p *play) { p.evict(p.last()) },
			state: Awaiting, amount: None, verdict: Wait, events: "payment.dropped",
		}, {
			name: "wrong coin, its block lost", made: shopBTC, given: steps(strays, mines(2), func(p *play) { p.hold(p.last()) }), do: func(p *play) { p.reorg("btc", 2, nil) },
			state: Awaiting, amount: None, flags: "needs_review wrong_asset", verdict: Wait, events: "payment.reverted", entries: "reverse",
		}, {
			name: "wrong coin, refund approved", made: shopBTC, given: steps(strays, mines(2)), do: refunds(0),
			state: Awaiting, amount: None, flags: "refund_started", verdict: Wait, events: "refund.approved",
		}, {
			name: "wrong coin, refund sent", made: shopBTC, given: steps(strays, mines(2), refunds(0)), do: sends,
			state: Awaiting, amount: None, flags: "refund_started", verdict: Wait, events: "refund.paid", entries: "settle",
		}, {
			name: "wrong coin, refund rejected", made: shopBTC, given: steps(strays, mines(2), refunds(0)), do: rejects,
			state: Awaiting, amount: None, flags: "needs_review wrong_asset", verdict: Wait, events: "refund.rejected",
		}, {
			name: "excess goes back", made: shopBTC, given: steps(pays(due+50_000), mines(1)), do: steps(refunds(50_000), sends),
			state: Settled, amount: Over, flags: "refund_started", verdict: Go, reason: "paid", events: "refund.approved refund.paid", entries: "settle",
		}, {
			name: "a part goes back, and the rest is no part any more", made: orderBTC, given: steps(pays(due/2), mines(1)), do: refunds(0),
			state: Awaiting, amount: None, flags: "refund_started", verdict: Wait, events: "refund.approved invoice.awaiting",
		}, {
			name: "a part goes back, then all of it is paid", made: orderBTC, given: steps(pays(due/2), mines(1), refunds(0), sends), do: steps(pays(due), mines(1)),
			state: Settled, amount: Exact, flags: "refund_started", verdict: Go, reason: "paid",
			events: "payment.detected invoice.detected payment.confirmed invoice.settled", entries: "credit allocate",
		}, {
			name: "a part goes back after the end", made: shopBTC, given: steps(pays(due/2), mines(1), expired), do: steps(refunds(0), sends),
			state: Expired, amount: None, flags: "refund_started", verdict: Release, reason: "short", events: "refund.approved refund.paid", entries: "settle",
		}, {
			name: "what goes back is not accepted", made: shopBTC, given: steps(pays(due/2), mines(1), expired, refunds(0)), do: accept,
			state: Settled, amount: None, flags: "marked refund_started", verdict: Go, reason: "manual", events: "invoice.settled",
		}, {
			name: "the coins of a part that went back come again", made: orderBTC, given: steps(pays(due/2), mines(1), refunds(0), sends),
			do:    func(p *play) { old := p.last(); p.reorgAway(old); p.replaceAs(old, due/2); p.mine("btc", 1) },
			state: Awaiting, amount: None, flags: "needs_review refund_started", verdict: Wait,
			events: "payment.reverted payment.detected payment.confirmed", entries: "reverse credit",
		}, {
			name: "the chain takes back what is to go back", made: shopBTC, given: steps(pays(due/2), mines(1), expired, refunds(0)),
			do:    func(p *play) { p.reorg("btc", 1, map[string]fate{p.last(): {stolen: true}}) },
			state: Expired, amount: None, flags: "needs_review refund_started", verdict: Release, reason: "short",
			events: "payment.reverted payment.dropped", entries: "reverse",
		}, {
			name: "a rejected refund leaves money in an ended invoice", made: orderBTC,
			given: steps(pays(due/2), mines(1), refunds(0), pays(due/2), mines(1), waits(2*time.Hour)), do: rejects,
			state: Expired, amount: Exact, flags: "needs_review", verdict: Review, reason: "short", events: "refund.rejected",
		}, {
			name: "wrong coin, the right one, then accepted", made: shopBTC, given: steps(strays, mines(2), pays(due), mines(1)), do: accept,
			state: Settled, amount: Exact, verdict: Go, reason: "paid", events: "payment.accepted", entries: "allocate",
		}, {
			name: "wrong coin after an acceptance", made: shopBTC, given: steps(pays(due/2), mines(1), accept, waits(time.Minute)), do: steps(strays, mines(2)),
			state: Settled, amount: Short, flags: "marked needs_review wrong_asset", verdict: Go, reason: "manual",
			events: "payment.wrong_asset payment.confirmed", entries: "credit",
		}, {
			name: "what went back of a settled order goes along when it is no longer settled", made: shopBTC,
			given: steps(pays(due/2), mines(1), pays(due/2), mines(1), func(p *play) { p.must(p.refund(p.inv.Payments[0].Transfer.TxID, 0)) }, sends),
			do:    func(p *play) { p.reorg("btc", 1, map[string]fate{p.last(): {stolen: true}}) },
			state: Failed, amount: Short, flags: "refund_started reorged", verdict: Stop, reason: "double_spent",
			events: "payment.reverted invoice.reverted payment.dropped invoice.failed", entries: "deallocate reverse move",
		}, {
			name: "late money goes back", made: shopBTC, given: steps(expired, pays(due), mines(1)), do: steps(refunds(0), sends),
			state: Expired, amount: None, flags: "late refund_started", verdict: Review, reason: "never_paid", events: "refund.approved refund.paid", entries: "settle",
		},
	}
}

func TestRefundsAreBounded(t *testing.T) {
	p := start(t, shopBTC)
	p.pay("btc", due/4)
	if err := p.refund("", 0); !errors.Is(err, ErrRefundPayment) {
		t.Errorf("unconfirmed: %v", err)
	}
	p.mine("btc", 1)
	if err := p.refund("", due/8); !errors.Is(err, ErrRefundWhole) {
		t.Errorf("a part of what is nobody's: %v", err)
	}
	if err := p.refund("", due/4+1); !errors.Is(err, ErrRefundAmount) {
		t.Errorf("more than came: %v", err)
	}
	if err := p.refund("nothing", 0); !errors.Is(err, ErrRefundPayment) {
		t.Errorf("no such payment: %v", err)
	}
	if err := p.refundSent(); !errors.Is(err, ErrRefundNone) {
		t.Errorf("sent without an approval: %v", err)
	}
	p.must(p.refund("", 0))
	if err := p.refund("", 0); !errors.Is(err, ErrRefundPayment) {
		t.Errorf("the same payment twice: %v", err)
	}
	p.must(p.rejectRefund())
	p.must(p.refund(p.last(), 0))
	p.pay("btc", due/4)
	p.mine("btc", 1)
	p.must(p.refund("", 0)) // the only one left
	if err := p.refundSent(); !errors.Is(err, ErrRefundWhich) {
		t.Errorf("which of the two was sent? %v", err)
	}
	if err := p.try(func(inv *Invoice, at Moment) (Effects, error) {
		return inv.RefundSent(inv.Refunds[1].ID, "refunding", true, "ada", at)
	}); err != nil {
		t.Error(err)
	}
	p.must(p.refundSent())
	if got := p.inv.Received("btc"); got.Sign() != 0 {
		t.Errorf("%s received, all of it went back", got)
	}
}

// Who pays from an exchange has longer, once and from then on, and a coin too small a sum is asked in is not chosen.
func TestChoosingFromAnExchange(t *testing.T) {
	p := start(t, order)
	yes, no := true, false
	choose := func(c Choice) error {
		return p.try(func(inv *Invoice, at Moment) (Effects, error) {
			q := p.quote(c.Asset)
			return inv.Choose(c, &q, p.address(c.Asset), at, Cause{Kind: "payer"})
		})
	}
	ends := func() time.Duration { until, _ := p.inv.LockEnd(); return until.Sub(noon) }
	p.must(choose(Choice{Asset: "btc"}))
	if ends() != 20*time.Minute {
		t.Errorf("locked for %s", ends())
	}
	p.must(choose(Choice{Asset: "btc", Exchange: &yes}))
	if ends() != 50*time.Minute || !p.inv.FromExchange || len(p.inv.Quotes) != 1 {
		t.Errorf("from an exchange: locked for %s, %d quotes", ends(), len(p.inv.Quotes))
	}
	p.pass(30 * time.Minute)
	p.must(choose(Choice{Asset: "btc", Exchange: &no}))
	if ends() != 50*time.Minute || p.inv.FromExchange {
		t.Errorf("no exchange after all: locked for %s", ends())
	}
	p.pay("btc", due)
	if p.inv.Outcome.State != Detected || p.inv.Outcome.Flags.Late {
		t.Errorf("in the longer lock: %s %s", p.inv.Outcome.State, p.inv.Outcome.Flags)
	}

	p = start(t, script{terms: still(orders())})
	p.must(choose(Choice{Asset: "btc"}))
	p.price["btc"] = 40_000
	p.pass(21 * time.Minute) // told as lapsed
	p.must(choose(Choice{Asset: "btc", Exchange: &yes}))
	if q, _ := p.inv.Quote("btc"); len(p.inv.Quotes) != 2 || q.Due.Minor() != "250000" {
		t.Errorf("a lapsed price is taken up again: %d quotes, due %s", len(p.inv.Quotes), q.Due)
	}

	p = start(t, order)
	p.must(choose(Choice{Asset: "btc", Exchange: &yes}))
	deadline := p.inv.Deadline()
	for _, coin := range []string{"usd", "btc", "usd", "btc"} {
		until, _ := p.inv.LockEnd()
		p.now = until.Add(-time.Minute)
		p.seen = p.now
		p.must(choose(Choice{Asset: coin}))
	}
	if !p.inv.Deadline().Equal(deadline) {
		t.Errorf("switching moved the deadline from %s to %s", deadline.Sub(noon), p.inv.Deadline().Sub(noon))
	}

	p = start(t, orderUSD)
	p.inv.Terms.Tolerance = cents(10)
	p.pay("usd", 99_700_000)
	if err := choose(Choice{Asset: "btc"}); err != nil { // 600 sat: no minimum here
		t.Fatal(err)
	}
	p.pay("btc", 600)
	if p.inv.Outcome.State != Detected || p.inv.Outcome.Amount != Exact {
		t.Errorf("the rest that was asked for is dust: %s %s", p.inv.Outcome.State, p.inv.Outcome.Amount)
	}
	p = start(t, order)
	p.inv.Methods[0].Minimum = money.Units(btc, due+1)
	if err := choose(Choice{Asset: "btc"}); !errors.Is(err, ErrMinimum) {
		t.Errorf("too small a sum: %v", err)
	}
}
