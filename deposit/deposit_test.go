package deposit_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"checkout/chain"
	"checkout/deposit"
	"checkout/event"
	"checkout/ident"
	"checkout/ledger"
	"checkout/money"
)

var (
	noon       = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	_, ltct    = chain.Rehearsal()
	rusd       = chain.RehearsalToken()
	unassigned = money.Currency{Code: "NONE", Scale: 8, Kind: money.Crypto}
)

// rules are those of the two played coins.
func rules(asset string) (deposit.Rule, bool) {
	for _, a := range []chain.Asset{ltct, rusd} {
		if a.ID == asset {
			return deposit.Rule{Dust: a.Dust, Cap: a.Cap, Minimum: a.Minimum, Confirmations: a.Confirmations}, true
		}
	}
	return deposit.Rule{}, false
}

// play is an address to which things happen, with what they have written.
type play struct {
	t       testing.TB
	a       *deposit.Address
	now     time.Time
	tip     int64
	events  []event.Event
	entries []ledger.Entry
}

// newPlay is an address of a customer who may deposit from 0.01 LTCT, given away at height 100.
func newPlay(t testing.TB) *play {
	return &play{t: t, now: noon, tip: 100, a: &deposit.Address{
		ID: ident.New(rand.Reader), Number: 7, Key: deposit.Key{Merchant: "M", Env: ident.Test, Asset: ltct.ID, Label: "cust-1"}, Network: ltct.Network,
		Currency: ltct.Currency, Text: "played1", Minimum: money.Units(ltct.Currency, 1_000_000), Created: noon, Height: 100,
	}}
}

// sighting is a transfer of smallest units of a coin, in the mempool or in a block.
func (p *play) sighting(tx string, coin chain.Asset, units int64, height int64, inputs ...string) chain.Sighting {
	if inputs == nil {
		inputs = []string{"coin of " + tx}
	}
	out := chain.Transfer{Network: ltct.Network, TxID: tx, Asset: coin.ID, Address: p.a.Text, Amount: money.Units(coin.Currency, units)}
	s := chain.Sighting{Tx: chain.Tx{ID: tx, Inputs: inputs, Outputs: []chain.Transfer{out}}, Transfer: out, Tip: p.tip}
	if height > 0 {
		s.Block = block(height)
		s.Tip = max(p.tip, height)
	}
	return s
}

func block(height int64) chain.BlockRef {
	return chain.BlockRef{Height: height, Hash: fmt.Sprintf("b%d", height)}
}

// happens lets a change happen; false if it changed nothing.
func (p *play) happens(change deposit.Change) bool {
	p.t.Helper()
	fx, err := change(p.a, deposit.Moment{Now: p.now, Heights: map[string]int64{ltct.Network: p.tip}})
	if errors.Is(err, deposit.ErrUnchanged) {
		return false
	}
	if err != nil {
		p.t.Fatal(err)
	}
	for _, e := range fx.Entries {
		if err := e.Check(); err != nil {
			p.t.Fatal(err)
		}
	}
	p.events, p.entries = append(p.events, fx.Events...), append(p.entries, fx.Entries...)
	return true
}

func (p *play) see(s chain.Sighting) bool {
	p.t.Helper()
	p.tip = max(p.tip, s.Tip)
	return p.happens(func(a *deposit.Address, at deposit.Moment) (deposit.Effects, error) {
		return a.Credit(s, ident.New(rand.Reader), int64(len(a.Payments)+1), rules, at)
	})
}

func (p *play) reach(tip int64) bool {
	p.t.Helper()
	p.tip = tip
	return p.happens(func(a *deposit.Address, at deposit.Moment) (deposit.Effects, error) {
		return a.Advance(ltct.Network, tip, at)
	})
}

func (p *play) lose(height int64, moved chain.Moves) bool {
	p.t.Helper()
	p.tip = height - 1
	return p.happens(func(a *deposit.Address, at deposit.Moment) (deposit.Effects, error) {
		return a.Reorganise(ltct.Network, block(height).Hash, moved, p.tip, at)
	})
}

func (p *play) evict(tx string) bool {
	p.t.Helper()
	return p.happens(func(a *deposit.Address, at deposit.Moment) (deposit.Effects, error) {
		return a.Evict(ltct.Network, tx, at)
	})
}

func (p *play) contest(tx, other string, in chain.BlockRef) bool {
	p.t.Helper()
	return p.happens(func(a *deposit.Address, at deposit.Moment) (deposit.Effects, error) {
		return a.Conflict(ltct.Network, tx, other, in, at)
	})
}

// said are the events, "detected confirmed".
func (p *play) said() string {
	var list []string
	for _, e := range p.events {
		list = append(list, strings.TrimPrefix(e.Type, "deposit."))
	}
	return strings.Join(list, " ")
}

// balances are what the entries have moved, by account and asset.
func (p *play) balances() map[string]string {
	sums := map[string]*big.Int{}
	for _, e := range p.entries {
		for _, leg := range e.Legs() {
			key := strings.TrimPrefix(string(leg.Account), "merchant:M:test:") + " " + leg.Asset
			if sums[key] == nil {
				sums[key] = new(big.Int)
			}
			sums[key].Add(sums[key], leg.Amount.Units())
		}
	}
	out := map[string]string{}
	for key, sum := range sums {
		if sum.Sign() != 0 {
			out[key] = sum.String()
		}
	}
	return out
}

// TestDeposits walks what can happen to one payment: what is told, and what the book holds in the end.
func TestDeposits(t *testing.T) {
	const coin = 100_000_000
	own := map[string]string{"own ltct": "100000000", "chain:rehearsal:own ltct": "-100000000"}
	none := map[string]string{}
	for name, c := range map[string]struct {
		does func(p *play)
		said string
		book map[string]string
	}{
		"seen": {func(p *play) { p.see(p.sighting("t", ltct, coin, 0)) }, "detected", none},
		"seen and confirmed": {func(p *play) {
			p.see(p.sighting("t", ltct, coin, 0))
			p.see(p.sighting("t", ltct, coin, 101))
			p.reach(102)
			p.reach(103)
		}, "detected confirmed", own},
		"deep at first sight": {func(p *play) { p.tip = 110; p.see(p.sighting("t", ltct, coin, 105)) }, "confirmed", own},
		"evicted":             {func(p *play) { p.see(p.sighting("t", ltct, coin, 0)); p.evict("t") }, "detected dropped", none},
		"evicted, and seen again": {func(p *play) {
			p.see(p.sighting("t", ltct, coin, 0))
			p.evict("t")
			p.see(p.sighting("t", ltct, coin, 0))
		}, "detected dropped detected", none},
		"evicted, and mined still": {func(p *play) {
			p.see(p.sighting("t", ltct, coin, 0))
			p.evict("t")
			p.tip = 110
			p.see(p.sighting("t", ltct, coin, 105))
		}, "detected dropped detected confirmed", own},
		"contested": {func(p *play) {
			p.see(p.sighting("t", ltct, coin, 0))
			p.contest("t", "other", chain.BlockRef{})
		}, "detected dropped", none},
		"replaced by more, which is another deposit": {func(p *play) {
			p.see(p.sighting("t", ltct, coin/2, 0, "c"))
			p.see(p.sighting("u", ltct, coin, 0, "c"))
			p.tip = 110
			p.see(p.sighting("u", ltct, coin, 105, "c"))
		}, "detected dropped detected confirmed", own},
		"block lost before confirmation": {func(p *play) {
			p.see(p.sighting("t", ltct, coin, 101))
			p.lose(101, nil)
		}, "detected", none},
		"taken back": {func(p *play) {
			p.tip = 110
			p.see(p.sighting("t", ltct, coin, 105))
			p.lose(105, nil)
		}, "confirmed reverted", none},
		"taken back and given again": {func(p *play) {
			p.tip = 110
			p.see(p.sighting("t", ltct, coin, 105))
			p.lose(105, nil)
			p.tip = 120
			p.see(p.sighting("t", ltct, coin, 111))
		}, "confirmed reverted confirmed", own},
		"only moved": {func(p *play) {
			p.tip = 110
			p.see(p.sighting("t", ltct, coin, 105))
			p.happens(func(a *deposit.Address, at deposit.Moment) (deposit.Effects, error) {
				return a.Reorganise(ltct.Network, "b105", chain.Moves{"t": {Block: block(106)}}, 110, at)
			})
		}, "confirmed", own},
		"taken back by another branch, in the end for good": {func(p *play) {
			p.tip = 110
			p.see(p.sighting("t", ltct, coin, 105))
			p.lose(105, nil)
			p.contest("t", "thief", chain.BlockRef{})
			p.contest("t", "thief", block(106))
			p.reach(107)
			p.reach(108)
		}, "confirmed reverted dropped", none},
		"the thief's branch is lost as well": {func(p *play) {
			p.tip = 110
			p.see(p.sighting("t", ltct, coin, 105))
			p.lose(105, nil)
			p.contest("t", "thief", block(106))
			p.lose(106, nil)
			p.tip = 120
			p.see(p.sighting("t", ltct, coin, 107))
		}, "confirmed reverted confirmed", own},
		"too small": {func(p *play) {
			p.see(p.sighting("t", ltct, 999_999, 0))
			p.tip = 110
			p.see(p.sighting("t", ltct, 999_999, 105))
		}, "detected confirmed", map[string]string{"unallocated ltct": "999999", "chain:rehearsal:own ltct": "-999999"}},
		"the smallest": {func(p *play) { p.tip = 110; p.see(p.sighting("t", ltct, 1_000_000, 105)) }, "confirmed",
			map[string]string{"own ltct": "1000000", "chain:rehearsal:own ltct": "-1000000"}},
		"dust": {func(p *play) { p.tip = 110; p.see(p.sighting("t", ltct, 999, 105)) }, "",
			map[string]string{"suspense:dust:rehearsal ltct": "999", "chain:rehearsal:own ltct": "-999"}},
		"nothing":            {func(p *play) { p.tip = 110; p.see(p.sighting("t", ltct, 0, 105)) }, "", none},
		"more than there is": {func(p *play) { p.tip = 110; p.see(p.sighting("t", ltct, 84_000_001*coin, 105)) }, "confirmed", none},
		"older than the address": {func(p *play) { p.tip = 110; p.see(p.sighting("t", ltct, coin, 100)) }, "confirmed",
			map[string]string{"suspense:unmatched:rehearsal ltct": "100000000", "chain:rehearsal:own ltct": "-100000000"}},
		"another coin": {func(p *play) { p.tip = 110; p.see(p.sighting("t", rusd, 25_000_000, 105)) }, "confirmed",
			map[string]string{"own rusd": "25000000", "chain:rehearsal:own rusd": "-25000000"}},
		"newly made coins": {func(p *play) {
			s := p.sighting("t", ltct, coin, 101)
			s.Tx.Coinbase, s.Tx.Inputs = true, nil
			p.see(s)
			p.reach(199)
		}, "detected", none},
		"newly made coins, old enough": {func(p *play) {
			s := p.sighting("t", ltct, coin, 101)
			s.Tx.Coinbase, s.Tx.Inputs = true, nil
			p.see(s)
			p.reach(200)
		}, "detected confirmed", own},
		"two payments": {func(p *play) {
			p.tip = 110
			p.see(p.sighting("t", ltct, coin/4, 105))
			p.see(p.sighting("u", ltct, coin-coin/4, 106))
		}, "confirmed confirmed", own},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlay(t)
			c.does(p)
			if got := p.said(); got != c.said {
				t.Errorf("said %q, want %q", got, c.said)
			}
			if got := p.balances(); fmt.Sprint(got) != fmt.Sprint(c.book) {
				t.Errorf("the book holds %v, want %v", got, c.book)
			}
			for _, e := range p.events {
				if e.Stream != e.Object {
					t.Errorf("%s is in the stream of another", e.Type)
				}
			}
		})
	}
}

// What does not concern the address is refused.
func TestForeignTransfers(t *testing.T) {
	p := newPlay(t)
	for name, change := range map[string]func(s *chain.Sighting){
		"another address":          func(s *chain.Sighting) { s.Transfer.Address = "played2" },
		"another network":          func(s *chain.Sighting) { s.Transfer.Network = "bitcoin" },
		"a coin nobody here knows": func(s *chain.Sighting) { s.Transfer.Asset, s.Transfer.Amount = "none", money.Units(unassigned, 1) },
	} {
		s := p.sighting("t", ltct, 1, 0)
		change(&s)
		if _, err := p.a.Credit(s, "P", 1, rules, deposit.Moment{Now: noon}); !errors.Is(err, deposit.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLaws: whatever happens in whatever order, a second time changes nothing, every entry balances, the numbers of events have no
// gaps, and a payment's sum on the merchant's accounts is its amount exactly while it is confirmed.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := newPlay(t)
		mined := map[string]int64{}
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			tx := rapid.SampledFrom([]string{"t", "u", "v"}).Draw(rt, "tx")
			inputs := []string{"c"}
			if tx == "v" {
				inputs = []string{"d"}
			}
			units := map[string]int64{"t": 5_000_000, "u": 7_000_000, "v": 500_000}[tx]
			do := rapid.SampledFrom([]string{"see", "mine", "reach", "lose", "evict", "contest"}).Draw(rt, "do")
			if do == "mine" && mined[map[string]string{"t": "u", "u": "t"}[tx]] > 0 {
				continue // both cannot be in one chain
			}
			var act func() bool
			switch do {
			case "see":
				act = func() bool { return p.see(p.sighting(tx, ltct, units, mined[tx], inputs...)) }
			case "mine":
				if mined[tx] == 0 {
					mined[tx] = p.tip + 1
				}
				at := mined[tx]
				act = func() bool { return p.see(p.sighting(tx, ltct, units, at, inputs...)) }
			case "reach":
				to := p.tip + int64(rapid.IntRange(0, 3).Draw(rt, "by"))
				act = func() bool { return p.reach(to) }
			case "lose":
				at := mined[tx]
				if at == 0 {
					continue
				}
				for other, h := range mined {
					if h >= at {
						mined[other] = 0
						p.lose(h, nil)
					}
				}
				p.tip = at - 1
				act = func() bool { return p.lose(at, nil) }
			case "evict":
				act = func() bool { return p.evict(tx) }
			case "contest":
				act = func() bool { return p.contest(tx, "thief", chain.BlockRef{}) }
			}
			act()
			if act() {
				rt.Fatalf("%s %s a second time changed something: %s", do, tx, p.said())
			}
			p.check(rt)
		}
	})
}

func (p *play) check(t *rapid.T) {
	counts, booked := map[ident.ID]int64{}, map[ident.ID]*big.Int{}
	for _, e := range p.events {
		if counts[e.Object]++; e.Seq != counts[e.Object] {
			t.Fatalf("event %d of %s stands at place %d", e.Seq, e.Object, counts[e.Object])
		}
	}
	seen := map[string]bool{}
	for _, e := range p.entries {
		key := fmt.Sprint(e.CauseID, e.Kind, e.Epoch)
		if seen[key] {
			t.Fatalf("%s is booked twice", key)
		}
		seen[key] = true
		for _, leg := range e.Legs() {
			if leg.Account.IsMerchant() {
				if booked[e.CauseID] == nil {
					booked[e.CauseID] = new(big.Int)
				}
				booked[e.CauseID].Add(booked[e.CauseID], leg.Amount.Units())
			}
		}
	}
	for _, pay := range p.a.Payments {
		want, got := new(big.Int), booked[pay.ID]
		if pay.Status == deposit.Confirmed {
			want = pay.Transfer.Amount.Units()
		}
		if got == nil {
			got = new(big.Int)
		}
		if want.Cmp(got) != 0 || pay.Events != counts[pay.ID] {
			t.Fatalf("%s is %s of %s, but %s is booked; %d events, %d told", pay.Transfer.TxID, pay.Status, pay.Transfer.Amount, got, pay.Events, counts[pay.ID])
		}
	}
	if !slices.IsSortedFunc(p.a.Payments, func(a, b deposit.Payment) int { return int(a.Number - b.Number) }) {
		t.Fatal("payments have changed places")
	}
}
