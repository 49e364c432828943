package invoice

import (
	"time"

	"checkout/chain"
)

// chainTakesBack is the part of the table in which payments are replaced, dropped and reorganised.
func chainTakesBack() []transition {
	settled := steps(pays(due), mines(1))
	back := func(depth int) func(*play) { return func(p *play) { p.reorg("btc", depth, nil) } }
	to := func(depth int, f fate) func(*play) {
		return func(p *play) { p.reorg("btc", depth, map[string]fate{p.last(): f}) }
	}
	held := func(p *play) { p.hold(p.last()) }
	gone := func(p *play) { p.conflict(p.last(), "thief", chain.BlockRef{}) }
	replaced := func(units int64) func(*play) { return func(p *play) { p.replace(units) } }
	return []transition{
		{
			name: "replaced by as much", made: shopBTC, given: pays(due), do: replaced(due),
			state: Detected, amount: Exact, verdict: Wait, events: "payment.replaced",
		}, {
			name: "replaced by more", made: shopBTC, given: pays(due), do: replaced(due + 5000),
			state: Detected, amount: Over, verdict: Wait, events: "payment.replaced",
		}, {
			name: "replaced by less", made: shopBTC, given: pays(due), do: replaced(due - 1001),
			state: Detected, amount: Short, flags: "replaced", verdict: Wait, events: "payment.dropped payment.detected",
		}, {
			name: "replaced by nothing for us", made: shopBTC, given: pays(due), do: gone,
			state: Awaiting, amount: None, flags: "replaced", verdict: Wait, reason: "replaced", events: "payment.dropped invoice.awaiting",
		}, {
			name: "replaced by nothing, another counts", made: shopBTC, given: steps(pays(due/2), pays(due/2)), do: gone,
			state: Detected, amount: Short, flags: "replaced", verdict: Wait, events: "payment.dropped",
		}, {
			name: "a part made the whole by a fee bump while the price holds", made: shopBTC, given: pays(due / 4), do: replaced(due),
			state: Detected, amount: Exact, verdict: Wait, events: "payment.replaced",
		}, {
			name: "dust bumped to the whole when the price is over", made: shopBTC, given: steps(pays(2000), waits(time.Hour)), do: replaced(due),
			state: Expired, amount: None, flags: "late needs_review replaced", verdict: Review, reason: "never_paid",
			events: "payment.dropped payment.late invoice.expired",
		}, {
			name: "two parts replaced by one that pays one of them", made: shopBTC, given: steps(pays(due/4), pays(due/2)),
			do:    func(p *play) { p.merge(due/2 + 1000) },
			state: Detected, amount: Short, flags: "replaced", verdict: Wait, events: "payment.dropped payment.replaced",
		}, {
			name: "two parts replaced by one with an output for each", made: shopBTC, given: steps(pays(due/4), pays(due/2)),
			do:    func(p *play) { p.merge(due/2, due/4+1000) },
			state: Detected, amount: Short, verdict: Wait, events: "payment.replaced payment.replaced",
		}, {
			name: "replaced by nothing after the deadline", made: shopBTC, given: steps(pays(due), waits(time.Hour)), do: gone,
			state: Expired, amount: None, flags: "replaced", verdict: Release, reason: "never_paid", events: "payment.dropped invoice.expired",
		}, {
			name: "replaced after the deadline", made: shopBTC, given: steps(pays(due), waits(time.Hour)), do: replaced(due),
			state: Detected, amount: Exact, verdict: Wait, events: "payment.replaced",
		}, {
			name: "replaced by less after the deadline", made: shopBTC, given: steps(pays(due), waits(time.Hour)), do: replaced(due - 1001),
			state: Expired, amount: None, flags: "late needs_review replaced", verdict: Review, reason: "never_paid",
			events: "payment.dropped payment.late invoice.expired",
		}, {
			name: "replacement confirmed", made: shopBTC, given: steps(pays(due), replaced(due)), do: mines(1),
			state: Settled, amount: Exact, verdict: Go, reason: "paid", events: "payment.confirmed invoice.settled", entries: "credit allocate",
		}, {
			name: "the replaced one is mined after all", made: shopBTC, given: steps(pays(due), replaced(due+5000)),
			do:    func(p *play) { p.mineInstead(p.inv.Payments[0].Transfer.TxID, p.last()) },
			state: Settled, amount: Exact, flags: "replaced", verdict: Go, reason: "paid",
			events: "payment.dropped payment.detected payment.confirmed invoice.settled", entries: "credit allocate",
		}, {
			name: "evicted", made: shopBTC, given: pays(due), do: func(p *play) { p.evict(p.last()) },
			state: Awaiting, amount: None, verdict: Wait, events: "payment.dropped invoice.awaiting",
		}, {
			name: "evicted and back", made: shopBTC, given: steps(pays(due), func(p *play) { p.evict(p.last()) }), do: func(p *play) { p.sight(p.last()) },
			state: Detected, amount: Exact, verdict: Wait, events: "payment.detected invoice.detected",
		}, {
			name: "a spent coin's copy in the mempool is no news", made: shopDeep, given: steps(pays(due), mines(1), to(1, fate{stolen: true})),
			do:    func(p *play) { p.sight(p.last()) },
			state: Awaiting, amount: None, flags: "replaced", verdict: Wait, reason: "replaced",
		}, {
			name: "block lost before it was deep", made: shopDeep, given: settled, do: back(1),
			state: Detected, amount: Exact, verdict: Wait,
		}, {
			name: "block lost, in another at once, still deep enough", made: shopBTC, given: settled, do: to(1, fate{}),
			state: Settled, amount: Exact, verdict: Go, reason: "paid",
		}, {
			name: "block lost after settled", made: shopBTC, given: steps(settled, held), do: back(1),
			state: Detected, amount: Exact, flags: "reorged", verdict: Stop, reason: "reorged", events: "payment.reverted invoice.reverted", entries: "reverse",
		}, {
			name: "confirmed again", made: shopBTC, given: settled, do: back(1),
			state: Settled, amount: Exact, verdict: Go, reason: "paid",
			events: "payment.reverted invoice.reverted payment.confirmed invoice.settled", entries: "reverse credit allocate",
		}, {
			name: "moved to a block that is not deep enough", made: shopDeep, given: steps(pays(due), mines(3)), do: to(3, fate{place: 2}),
			state: Detected, amount: Exact, flags: "reorged", verdict: Stop, reason: "reorged",
			events: "payment.reverted invoice.reverted payment.confirming", entries: "reverse",
		}, {
			name: "double spent, one confirmation needed", made: shopBTC, given: settled, do: to(1, fate{stolen: true}),
			state: Failed, amount: None, flags: "reorged", verdict: Stop, reason: "double_spent",
			events: "payment.reverted invoice.reverted payment.dropped invoice.failed", entries: "reverse",
		}, {
			name: "double spent, six blocks back", made: shopDeep, given: steps(pays(due), mines(6)), do: to(6, fate{stolen: true}),
			state: Failed, amount: None, flags: "reorged", verdict: Stop, reason: "double_spent",
			events: "payment.reverted invoice.reverted payment.dropped invoice.failed", entries: "reverse",
		}, {
			name: "conflicting transaction not deep yet", made: shopDeep, given: steps(pays(due), mines(3)), do: to(3, fate{place: 2, stolen: true}),
			state: Detected, amount: Exact, flags: "reorged", verdict: Stop, reason: "reorged", events: "payment.reverted invoice.reverted", entries: "reverse",
		}, {
			name: "conflicting transaction deep", made: shopDeep, given: steps(pays(due), mines(3), to(3, fate{place: 2, stolen: true})), do: mines(1),
			state: Failed, amount: None, flags: "reorged", verdict: Stop, reason: "double_spent", events: "payment.dropped invoice.failed",
		}, {
			name: "one of two parts is double spent, the other is nobody's", made: shopDeep,
			given: steps(pays(due/2), pays(due/2), mines(3)), do: steps(to(3, fate{place: 2, stolen: true}), mines(1)),
			state: Failed, amount: Short, flags: "reorged", verdict: Stop, reason: "double_spent",
			events: "payment.reverted payment.reverted invoice.reverted payment.confirming payment.dropped invoice.failed", entries: "reverse reverse",
		}, {
			name: "one of two parts loses its block", made: shopBTC,
			given: steps(pays(due/2), mines(1), pays(due/2), mines(1), held), do: back(1),
			state: Detected, amount: Exact, flags: "reorged", verdict: Stop, reason: "reorged",
			events: "payment.reverted invoice.reverted", entries: "deallocate reverse",
		}, {
			name: "one of two parts loses its block, and finds another", made: shopBTC,
			given: steps(pays(due/2), mines(1), pays(due/2), mines(1), held, back(1), func(p *play) { _, tx := p.tx(p.last()); tx.held = false }), do: mines(1),
			state: Settled, amount: Exact, verdict: Go, reason: "paid",
			events: "payment.confirmed invoice.settled", entries: "allocate credit allocate",
		}, {
			name: "reverted, and its coins sent to us again for less", made: shopBTC, given: steps(settled, held, back(1)), do: replaced(due / 2),
			state: Detected, amount: Short, flags: "reorged", verdict: Stop, reason: "reorged", events: "payment.detected",
		}, {
			name: "reverted, replaced by as much, and that one spent elsewhere", made: shopBTC, given: steps(settled, held, back(1), replaced(due)),
			do: func(p *play) {
				net := p.nets[p.network("btc")]
				p.conflict(p.last(), "thief", net.grow())
				p.advance("btc")
			},
			state: Failed, amount: None, flags: "reorged", verdict: Stop, reason: "double_spent", events: "payment.dropped invoice.failed",
		}, {
			name: "conflicting transaction lost itself", made: shopDeep,
			given: steps(pays(due), mines(3), to(3, fate{place: 2, stolen: true}), func(p *play) { _, tx := p.tx(p.last()); tx.gone = false }),
			do:    steps(back(2), mines(2)),
			state: Settled, amount: Exact, verdict: Go, reason: "paid",
			events: "payment.confirming payment.confirmed invoice.settled", entries: "credit allocate",
		}, {
			name: "never confirmed again", made: shopBTC, given: steps(settled, held, back(1)), do: waits(24*time.Hour + time.Second),
			state: Failed, amount: Exact, flags: "reorged", verdict: Stop, reason: "unconfirmed", events: "invoice.failed",
		}, {
			name: "an extra payment's block lost", made: shopBTC, given: steps(settled, pays(due), mines(1), held), do: back(1),
			state: Settled, amount: Over, verdict: Go, reason: "paid", events: "payment.reverted", entries: "reverse",
		}, {
			name: "a part settled at the deadline is double spent", made: script{terms: partly(), coin: "btc"},
			given: steps(pays(due/2), mines(1), waits(time.Hour)), do: to(1, fate{stolen: true}),
			state: Failed, amount: None, flags: "reorged", verdict: Stop, reason: "double_spent",
			events: "payment.reverted invoice.reverted payment.dropped invoice.failed", entries: "reverse",
		}, {
			name: "what came on top of a part settled at the deadline is double spent", made: script{terms: partly(), coin: "btc"},
			given: steps(pays(due/2), mines(1), waits(time.Hour), pays(due/4), mines(1)), do: to(1, fate{stolen: true}),
			state: Settled, amount: Short, verdict: Go, reason: "partial_accepted", events: "payment.reverted payment.dropped", entries: "reverse",
		}, {
			name: "new coins are confirmed at a hundred", made: shopBTC,
			given: func(p *play) { p.send("btc", due, chain.Tx{Coinbase: true}); p.mine("btc", 99) }, do: mines(1),
			state: Settled, amount: Exact, verdict: Go, reason: "paid", events: "payment.confirmed invoice.settled", entries: "credit allocate",
		},
	}
}

// lateMoney is the part of the table in which money comes, or confirms, when its time is over.
func lateMoney() []transition {
	expired := waits(16 * time.Minute)
	const hundred = 100_000_000 // stable units
	usd := func(units int64) func(*play) { return func(p *play) { p.pay("usd", units) } }
	confirm := func(p *play) { p.mine("usd", 3) }
	stillUSD := script{terms: still(orders()), coin: "usd"}
	over := waits(71 * time.Minute) // an order's hour and its grace
	tooLong := waits(72*time.Hour + time.Second)
	return []transition{
		{
			name: "late, lock over, under review", made: script{terms: still(orders()), coin: "btc"}, given: waits(31 * time.Minute), do: pays(due),
			state: Awaiting, amount: None, flags: "late needs_review", verdict: Wait, events: "payment.late",
		}, {
			name: "late, lock over, settled", made: stillUSD, given: waits(31 * time.Minute), do: usd(hundred),
			state: Detected, amount: Exact, flags: "late", verdict: Wait, events: "payment.late invoice.detected",
		}, {
			name: "late twice, lock over, not enough", made: stillUSD, given: steps(waits(31*time.Minute), usd(hundred/4), waits(time.Minute)), do: usd(hundred / 4),
			state: Awaiting, amount: None, flags: "late needs_review", verdict: Wait, events: "payment.late",
		}, {
			name: "late, expired, under review", made: shopBTC, given: expired, do: pays(due),
			state: Expired, amount: None, flags: "late needs_review", verdict: Review, reason: "never_paid", events: "payment.late",
		}, {
			name: "late, expired, under review, confirmed", made: shopBTC, given: steps(expired, pays(due)), do: mines(1),
			state: Expired, amount: None, flags: "late needs_review", verdict: Review, reason: "never_paid", events: "payment.confirmed", entries: "credit",
		}, {
			name: "late, expired, settled", made: orderUSD, given: over, do: steps(usd(hundred), confirm),
			state: Settled, amount: Exact, flags: "late", verdict: Go, reason: "late",
			events: "payment.late invoice.detected payment.confirming payment.confirmed invoice.settled", entries: "credit allocate",
		}, {
			name: "late, expired, at today's rate", made: orderUSD, given: steps(over, func(p *play) { p.price["usd"] = 2 }), do: usd(hundred / 2),
			state: Detected, amount: Exact, flags: "late", verdict: Wait, events: "payment.late invoice.detected",
		}, {
			name: "late, expired, not enough", made: orderUSD, given: over, do: steps(usd(hundred/2), confirm),
			state: Expired, amount: None, flags: "late needs_review", verdict: Review, reason: "never_paid",
			events: "payment.late payment.confirming payment.confirmed", entries: "credit",
		}, {
			name: "late, the rest of it", made: orderUSD, given: steps(over, usd(hundred/2), confirm), do: steps(usd(hundred/2), confirm),
			state: Settled, amount: Exact, flags: "late", verdict: Go, reason: "late",
			events: "payment.late invoice.detected payment.confirming payment.confirmed invoice.settled", entries: "allocate credit allocate",
		}, {
			name: "late, the rest of a short one", made: orderUSD, given: steps(usd(hundred/2), confirm, over), do: steps(usd(hundred/2), confirm),
			state: Settled, amount: Exact, flags: "late", verdict: Go, reason: "late",
			events: "payment.late invoice.detected payment.confirming payment.confirmed invoice.settled", entries: "allocate credit allocate",
		}, {
			name: "late money that covered is dropped", made: orderUSD, given: steps(over, usd(hundred)), do: func(p *play) { p.evict(p.last()) },
			state: Expired, amount: None, flags: "late", verdict: Review, reason: "never_paid", events: "payment.dropped invoice.expired",
		}, {
			name: "late money that covered never confirms", made: orderUSD, given: steps(over, usd(hundred)), do: tooLong,
			state: Failed, amount: Exact, flags: "late", verdict: Stop, reason: "unconfirmed", events: "invoice.failed",
		}, {
			name: "late money that covered never confirms, and is dropped", made: orderUSD, given: steps(over, usd(hundred), tooLong), do: func(p *play) { p.evict(p.last()) },
			state: Failed, amount: None, flags: "late", verdict: Stop, reason: "unconfirmed", events: "payment.dropped",
		}, {
			name: "late, after the watch", made: orderUSD, given: steps(over, waits(8*24*time.Hour)), do: usd(hundred),
			state: Expired, amount: None, flags: "late needs_review", verdict: Review, reason: "never_paid", events: "payment.late",
		}, {
			name: "late, in the shop's dialect", made: script{terms: shop(), coin: "usd"}, given: expired, do: usd(hundred),
			state: Expired, amount: None, flags: "late needs_review", verdict: Review, reason: "never_paid", events: "payment.late",
		}, {
			name: "late, after a cancel", made: orderUSD, given: steps(marked(MarkCancel), waits(time.Minute)), do: usd(hundred),
			state: Cancelled, amount: None, flags: "late marked needs_review", verdict: Review, reason: "cancelled", events: "payment.late",
		}, {
			name: "late, after it was marked invalid", made: orderUSD, given: steps(marked(MarkInvalidate), waits(time.Minute)), do: usd(hundred),
			state: Failed, amount: None, flags: "late marked needs_review", verdict: Stop, reason: "manual", events: "payment.late",
		}, {
			name: "failed, confirmed after all, under review", made: shopBTC, given: steps(pays(due), waits(25*time.Hour)), do: mines(1),
			state: Failed, amount: None, flags: "late needs_review", verdict: Stop, reason: "unconfirmed", events: "payment.late payment.confirmed", entries: "credit",
		}, {
			name: "failed, confirmed after all, settled", made: orderUSD, given: steps(usd(hundred), tooLong), do: confirm,
			state: Settled, amount: Exact, flags: "late", verdict: Go, reason: "late",
			events: "payment.confirming payment.late payment.confirmed invoice.settled", entries: "credit allocate",
		}, {
			name: "failed, confirmed after all by a reorganisation, settled", made: orderUSD,
			given: steps(func(p *play) { p.mine("usd", 2) }, usd(hundred), func(p *play) { p.mine("usd", 2) }, tooLong),
			do:    func(p *play) { p.reorg("usd", 4, map[string]fate{p.last(): {place: 0}}) },
			state: Settled, amount: Exact, flags: "late", verdict: Go, reason: "late",
			events: "payment.late payment.confirmed invoice.settled", entries: "credit allocate",
		}, {
			name: "failed, two confirmed after all by one block", made: orderUSD, given: steps(usd(hundred/2), usd(hundred/2), tooLong), do: confirm,
			state: Settled, amount: Exact, flags: "late", verdict: Go, reason: "late",
			events:  "payment.confirming payment.confirming payment.late payment.confirmed payment.late payment.confirmed invoice.settled",
			entries: "credit allocate credit allocate",
		}, {
			name: "dropped, expired, mined after all, under review", made: shopBTC,
			given: steps(pays(due), func(p *play) { p.evict(p.last()); p.bringBack(p.last()) }, waits(time.Hour)), do: mines(1),
			state: Expired, amount: None, flags: "late needs_review", verdict: Review, reason: "never_paid",
			events: "payment.late payment.confirmed", entries: "credit",
		}, {
			name: "dropped, expired, mined after all, settled", made: orderUSD,
			given: steps(usd(hundred), func(p *play) { p.evict(p.last()); p.bringBack(p.last()) }, over), do: confirm,
			state: Settled, amount: Exact, flags: "late", verdict: Go, reason: "late",
			events: "payment.late invoice.detected payment.confirming payment.confirmed invoice.settled", entries: "credit allocate",
		}, {
			name: "dropped, expired, mined after all, but more than can exist", made: shopBTC,
			given: steps(pays(22_000_000*100_000_000), func(p *play) { p.evict(p.last()); p.bringBack(p.last()) }, waits(time.Hour)), do: mines(1),
			state: Expired, amount: None, verdict: Release, reason: "never_paid", events: "payment.quarantined payment.confirmed",
		},
	}
}
