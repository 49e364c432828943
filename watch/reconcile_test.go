package watch_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"checkout/chain"
	"checkout/invoice"
	"checkout/money"
)

// balancer is a node that knows what addresses hold.
type balancer struct {
	*node
	coin  chain.Asset
	holds map[string]int64
	down  error
}

func (b *balancer) Coin() chain.Asset { return b.coin }

func (b *balancer) Balances(_ context.Context, addresses []string, _ int64) ([]money.Amount, error) {
	var list []money.Amount
	for _, a := range addresses {
		list = append(list, money.Units(b.coin.Currency, b.holds[a]))
	}
	return list, b.down
}

// What an address holds beyond what was seen to come is shown, once, matched to nothing, and booked as nobody's.
func TestMoneyNobodySawComing(t *testing.T) {
	w := openWorld(t)
	b := &balancer{node: &node{net: w.net}, coin: w.asset, holds: map[string]int64{}}
	b.mine(10)
	w.follow(b)
	w.look()
	seen, unseen, swept, dusty := w.invoice(), w.invoice(), w.invoice(), w.invoice()
	b.mine(4, w.tx("seen", seen, due, "alice:1"), w.tx("swept", swept, due, "alice:2"))
	b.holds[w.address(seen)], b.holds[w.address(unseen)], b.holds[w.address(dusty)] = due, due, 999
	minute := func() {
		t.Helper()
		w.clock.Pass(time.Minute)
		w.look()
	}
	b.down = errors.New("no such call")
	minute()
	if n := len(w.load(unseen).Payments); n != 0 {
		t.Errorf("%d payments although no balance is known", n)
	}
	b.down = nil
	minute()
	minute()
	w.is(seen, "settled exact")
	w.is(swept, "settled exact")
	w.is(dusty, "awaiting none")
	if o := w.load(unseen).Outcome; o.State != invoice.Awaiting || o.Amount != invoice.None {
		t.Errorf("what nobody saw pays: %+v", o)
	}
	for inv, want := range map[*invoice.Invoice]int{seen: 1, unseen: 1, swept: 1, dusty: 0} {
		if got := w.load(inv).Payments; len(got) != want {
			t.Errorf("%d payments, want %d: %+v", len(got), want, got)
		}
	}
	p := w.load(unseen).Payments[0]
	if p.Standing != invoice.Unmatched || p.Status != invoice.Confirmed || !p.Transfer.Amount.Equal(money.Units(w.asset.Currency, due)) || p.Booked != invoice.Suspended {
		t.Errorf("it is %+v", p)
	}
	w.sound(b)
	b.holds[w.address(unseen)] = due + 5000
	b.mine(1)
	minute()
	amounts := []string{}
	for _, p := range w.load(unseen).Payments {
		amounts = append(amounts, p.Transfer.Amount.Minor())
	}
	if !slices.Equal(amounts, []string{"45000000", "5000"}) {
		t.Errorf("after more of it came: %q", amounts)
	}
}
