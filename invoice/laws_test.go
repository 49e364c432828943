package invoice

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"checkout/chain"
	"checkout/fault"
)

// life is an invoice to which anything may happen, in any order. The laws are checked by play after every step.
type life struct{ *play }

// coin draws one of the coins that have an address by now.
func (l life) coin(t *rapid.T) string {
	if len(l.inv.Addresses) == 0 {
		t.Skip("no address yet")
	}
	return rapid.SampledFrom(l.inv.Addresses).Draw(t, "coin").Asset
}

// txOf draws a payment's transaction that fits.
func (l life) txOf(t *rapid.T, fits func(Payment, *toyTx) bool) string {
	var ids []string
	for _, p := range l.inv.Payments {
		if _, tx := l.tx(p.Transfer.TxID); fits(p, tx) {
			ids = append(ids, p.Transfer.TxID)
		}
	}
	if len(ids) == 0 {
		t.Skip("no such payment")
	}
	return rapid.SampledFrom(ids).Draw(t, "tx")
}

func (l life) amount(t *rapid.T, coin string) int64 {
	whole := int64(due)
	if coin == "usd" {
		whole = 100_000_000
	}
	return whole * rapid.Int64Range(0, 150).Draw(t, "percent") / 100
}

func (l life) Pay(t *rapid.T) {
	coin := l.coin(t)
	id := l.pay(coin, l.amount(t, coin))
	if l.sight(id) {
		t.Error("the same sighting again changed something")
	}
}

func (l life) Stray(t *rapid.T) {
	if _, ok := l.inv.Address("btc"); !ok {
		t.Skip("no address yet")
	}
	id := l.stray(rapid.Int64Range(0, 2_000_000).Draw(t, "units"))
	if l.sight(id) {
		t.Error("the same sighting again changed something")
	}
}

// Refund, RefundSent and RejectRefund may be refused; what they change is checked like everything else.
func (l life) Refund(t *rapid.T) {
	id := l.txOf(t, func(p Payment, _ *toyTx) bool { return p.Status == Confirmed })
	if err := l.refund(id, rapid.SampledFrom([]int64{0, 0, 1, due / 3}).Draw(t, "units")); err != nil && fault.Of(err).Kind == fault.Internal {
		t.Error(err)
	}
}

func (l life) RefundSent(t *rapid.T) {
	if err := l.refundSent(); err != nil && !errors.Is(err, ErrRefundNone) && !errors.Is(err, ErrRefundWhich) {
		t.Error(err)
	}
}

func (l life) RejectRefund(t *rapid.T) {
	if err := l.rejectRefund(); err != nil && !errors.Is(err, ErrRefundNone) && !errors.Is(err, ErrRefundWhich) {
		t.Error(err)
	}
}

func (l life) SightAgain(t *rapid.T) {
	id := l.txOf(t, func(p Payment, tx *toyTx) bool { return !tx.gone && p.Live() })
	if l.sight(id) {
		t.Error("a known sighting changed something")
	}
}

func (l life) Mine(t *rapid.T) {
	coin := l.coin(t)
	l.mine(coin, rapid.IntRange(1, 4).Draw(t, "blocks"))
	net := l.network(coin)
	if l.change(func(inv *Invoice, at Moment) (Effects, error) {
		return inv.Advance(net, l.nets[net].tip(), l.spots, at)
	}) {
		t.Error("the same height again changed something")
	}
}

func (l life) Hold(t *rapid.T) {
	l.hold(l.txOf(t, func(_ Payment, tx *toyTx) bool { return tx.block.IsZero() }))
}

func (l life) Reorganise(t *rapid.T) {
	coin := l.coin(t)
	n := l.nets[l.network(coin)]
	depth := rapid.IntRange(1, 6).Draw(t, "depth")
	fates := map[string]fate{}
	for _, p := range l.inv.Payments {
		if _, tx := l.tx(p.Transfer.TxID); p.Transfer.Asset == coin && tx.block.Height > n.tip()-int64(depth) {
			if rapid.Bool().Draw(t, "stays") {
				fates[tx.ID] = fate{place: rapid.IntRange(0, depth-1).Draw(t, "place"), stolen: rapid.Bool().Draw(t, "stolen")}
			}
		}
	}
	l.reorg(coin, depth, fates)
}

func (l life) Replace(t *rapid.T) {
	id := l.txOf(t, func(p Payment, tx *toyTx) bool {
		return !tx.gone && tx.block.IsZero() && p.Live() && p.Transfer.Asset != "tok"
	})
	_, tx := l.tx(id)
	coin := tx.Outputs[0].Asset
	tx.gone = true
	other := l.unseen(coin, l.amount(t, coin), chain.Tx{Inputs: tx.Inputs})
	l.sight(other)
	l.conflict(id, other, chain.BlockRef{})
}

func (l life) Conflict(t *rapid.T) {
	id := l.txOf(t, func(_ Payment, tx *toyTx) bool { return !tx.gone && tx.block.IsZero() })
	l.conflict(id, "thief", chain.BlockRef{})
	_, tx := l.tx(id)
	if l.change(func(inv *Invoice, at Moment) (Effects, error) {
		return inv.Conflict(tx.Outputs[0].Network, id, "thief", chain.BlockRef{}, at)
	}) {
		t.Error("the same conflict again changed something")
	}
}

func (l life) Evict(t *rapid.T) {
	l.evict(l.txOf(t, func(_ Payment, tx *toyTx) bool { return !tx.gone && tx.block.IsZero() }))
}

func (l life) ComeBack(t *rapid.T) {
	id := l.txOf(t, func(p Payment, tx *toyTx) bool { return tx.gone && p.Status == Dropped && p.Conflict == "" })
	l.bringBack(id)
	l.sight(id)
}

func (l life) TimePasses(t *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{time.Second, 5 * time.Minute, 16 * time.Minute, time.Hour, 25 * time.Hour, 73 * time.Hour, 8 * 24 * time.Hour}).Draw(t, "d")
	if rapid.Bool().Draw(t, "watched") {
		l.pass(d)
	} else {
		l.blind(d)
	}
	if l.tick() {
		t.Error("the same instant again changed something")
	}
}

func (l life) PriceMoves(t *rapid.T) {
	l.price["btc"] = rapid.Int64Range(40_000, 60_000).Draw(t, "btc")
	l.price["usd"] = rapid.Int64Range(1, 2).Draw(t, "usd")
}

// refused fails on anything but a fault that tells the caller what may not be done now.
func refused(t *rapid.T, err error) {
	if err != nil && !errors.Is(err, ErrUnchanged) && fault.Of(err).Kind != fault.Conflict {
		t.Fatal(err)
	}
}

func (l life) Choose(t *rapid.T) {
	refused(t, l.choose(rapid.SampledFrom([]string{"btc", "usd"}).Draw(t, "coin")))
}

func (l life) Requote(t *rapid.T) {
	if l.inv.Asset != "" {
		refused(t, l.requote())
	}
}

func (l life) Mark(t *rapid.T) {
	kind := rapid.SampledFrom([]MarkKind{MarkAccept, MarkInvalidate, MarkCancel, MarkReopen, MarkReopen}).Draw(t, "kind")
	refused(t, l.mark(Mark{Kind: kind, Until: l.now.Add(time.Hour)}))
}

func (l life) Skip(t *rapid.T) {
	refused(t, l.try(func(inv *Invoice, at Moment) (Effects, error) {
		return inv.Skip(time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "d")), at)
	}))
}

// Check holds after every step what play does not check by itself.
func (l life) Check(t *rapid.T) {
	o := l.inv.Outcome
	if o.State == Settled && l.inv.SettledAt.IsZero() {
		t.Error("settled, but never")
	}
	if waits := o.State == Awaiting && l.inv.DueAt.IsZero(); waits {
		t.Error("it waits, and nobody will ever look")
	}
	if moves := len(l.log); int64(moves) != l.inv.LogSeq {
		t.Errorf("%d moves, the last is %d", moves, l.inv.LogSeq)
	}
}

// Whatever happens, the laws hold: engine.md section 1 and the invariants of security.md section 4.
func TestLife(t *testing.T) {
	locked := CoinsPaidTerms(cents(50), false, true)
	rapid.Check(t, func(t *rapid.T) {
		s := script{
			terms: rapid.SampledFrom([]Terms{shop(), partly(), orders(), still(orders()), locked}).Draw(t, "terms"),
			coin:  rapid.SampledFrom([]string{"btc", "usd", ""}).Draw(t, "coin"), confirmations: rapid.Int64Range(1, 3).Draw(t, "confirmations"),
			test: rapid.Bool().Draw(t, "test"),
		}
		if s.terms.LockAll {
			s.coin = ""
		}
		l := life{start(t, s)}
		actions := rapid.StateMachineActions(l)
		t.Repeat(actions)
	})
}

// Transfers seen in one window amount to the same, whichever is seen first.
func TestSightingsInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		units := rapid.SliceOfN(rapid.Int64Range(0, due), 1, 5).Draw(t, "units")
		outcome := func(order []int) Outcome {
			p := start(t, script{terms: shop(), coin: "btc"})
			ids := make([]string, len(units))
			for i, u := range units {
				ids[i] = p.unseen("btc", u, chain.Tx{})
			}
			for _, i := range order {
				p.sight(ids[i])
			}
			p.mine("btc", 1)
			return p.inv.Outcome
		}
		order := make([]int, len(units))
		for i := range order {
			order[i] = i
		}
		a, b := outcome(slices.Clone(order)), outcome(rapid.Permutation(order).Draw(t, "order"))
		if !sameOutcome(a, b) || a.Fulfilment != b.Fulfilment {
			t.Errorf("%+v\nin another order\n%+v", a, b)
		}
	})
}
