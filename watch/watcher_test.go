package watch_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"checkout/chain"
	"checkout/fault"
	"checkout/invoice"
	"checkout/money"
	"checkout/store"
	"checkout/watch"
)

// A payment from the mempool to its third confirmation, and the evidence that goes with it.
func TestFollow(t *testing.T) {
	w := openPlayed(t)
	inv := w.invoice()
	w.look()
	w.is(inv, "awaiting none")
	w.pay(inv, due)
	w.look()
	w.is(inv, "detected exact")
	if got, want := w.cursor().Through, w.clock.Now(); !got.Equal(want) {
		t.Errorf("seen through %s, it is %s", got, want)
	}
	for range 2 {
		w.mine(1)
		w.look()
		w.is(inv, "detected exact")
	}
	w.mine(1)
	w.look()
	w.is(inv, "settled exact")
	p := w.load(inv).Payments[0]
	if p.Depth != 3 || p.Status != invoice.Confirmed {
		t.Errorf("%d deep, %s", p.Depth, p.Status)
	}
	version := w.load(inv).Version
	w.look()
	w.mine(5)
	w.look()
	if got := w.load(inv); got.Version != version {
		t.Errorf("nothing happened to it, but it was changed %d times", got.Version-version)
	}
	w.sound(w.played)
}

// One transaction that pays two invoices is two payments, and many blocks are taken over in one round.
func TestCatchUp(t *testing.T) {
	w, n := openNode(t, 3)
	one, two := w.invoice(), w.invoice()
	tx := w.tx("both", one, due, "coin:0")
	second := w.tx("both", two, due, "").Outputs[0]
	second.Ordinal = 1
	tx.Outputs = append(tx.Outputs, second, chain.Transfer{Network: n.net.ID, TxID: "both", Ordinal: 2, Asset: second.Asset, Address: "change", Amount: second.Amount})
	n.mine(1, tx)
	n.mine(249)
	w.look()
	w.is(one, "settled exact")
	w.is(two, "settled exact")
	if c := w.cursor(); c.Tip.Height != 252 {
		t.Errorf("it stands at %d", c.Tip.Height)
	}
	w.sound(n)
}

// What is found after a gap in watching is dated by the start of the gap: doubt goes to the payer.
func TestGap(t *testing.T) {
	for _, row := range []struct {
		name string
		gap  func(w *world, n *node) // how the watcher was kept from looking
		late bool
	}{
		{"a restart", func(w *world, n *node) { w.follow(n) }, false},
		{"a machine asleep", func(*world, *node) {}, false},
		{"a node that was down", func(w *world, n *node) {
			n.answer = func(string) error { return fault.New(fault.Unavailable, "down", "") }
			if err := w.watcher.RunOnce(w.t.Context()); err == nil {
				w.t.Error("a node that is down answers")
			}
			n.answer = nil
		}, false},
		{"none: it looked all the time", func(w *world, n *node) {
			for range 20 * 60 / 20 {
				w.clock.Pass(19 * time.Second)
				w.look()
			}
			w.clock.Pass(-20 * time.Minute)
		}, true},
	} {
		for _, where := range []string{"mempool", "block"} {
			t.Run(row.name+", "+where, func(t *testing.T) {
				w, n := openNode(t, 3)
				inv := w.invoice()
				w.look()
				tx := w.tx("t", inv, due, "coin:0")
				row.gap(w, n)
				w.clock.Pass(20 * time.Minute) // the invoice's window is 15
				if where == "block" {
					n.mine(1, tx)
				} else {
					n.pool = append(n.pool, tx)
				}
				w.look()
				if got := w.load(inv); got.Outcome.Flags.Late != row.late {
					t.Errorf("%s, flags %q", got.Outcome.State, got.Outcome.Flags)
				}
			})
		}
	}
}

// The node's arrival time counts before the start of a gap.
func TestArrivalTime(t *testing.T) {
	w, n := openNode(t, 3)
	early, late := w.invoice(), w.invoice()
	w.look()
	opened := w.clock.Now()
	w.clock.Pass(20 * time.Minute)
	a, b := w.tx("a", early, due, "a:0"), w.tx("b", late, due, "b:0")
	a.SeenAt, b.SeenAt = opened.Add(14*time.Minute), opened.Add(16*time.Minute)
	n.pool = []chain.Tx{a, b}
	w.look()
	w.is(early, "detected exact")
	if o := w.load(late).Outcome; !o.Flags.Late {
		t.Errorf("seen by the node after the deadline, it is %s, flags %q", o.State, o.Flags)
	}
}

// A transaction that leaves the mempool with nothing in its place counts until it was away for long enough.
func TestEviction(t *testing.T) {
	w, n := openNode(t, 3)
	w.watcher.EvictAfter = time.Minute
	inv := w.invoice()
	tx := w.tx("t", inv, due, "coin:0")
	n.pool = []chain.Tx{tx}
	w.look()
	n.pool = nil
	w.look()
	w.clock.Pass(58 * time.Second)
	w.look()
	w.is(inv, "detected exact")
	n.pool = []chain.Tx{tx} // it was only forgotten for a while
	w.look()
	n.pool = nil
	w.look()
	w.clock.Pass(58 * time.Second)
	w.look()
	w.is(inv, "detected exact")
	w.look()
	w.is(inv, "awaiting none")
	n.pool = []chain.Tx{tx}
	w.look()
	w.is(inv, "detected exact")
	w.sound(n)
}

// A node that restarts with an empty mempool does not make its transactions look spent.
func TestNodeRestarts(t *testing.T) {
	w, n := openNode(t, 3)
	inv := w.invoice()
	tx := w.tx("t", inv, due, "coin:0")
	n.pool = []chain.Tx{tx}
	w.look()
	n.pool = nil
	w.follow(n)
	w.look()
	w.is(inv, "detected exact")
	n.mine(3, tx)
	w.look()
	w.is(inv, "settled exact")
}

// A replacement is taken in within one look, whoever it pays.
func TestReplacement(t *testing.T) {
	for _, row := range []struct {
		name, want string
		units      int64 // to the invoice, 0: to somebody else
	}{
		{"by as much", "detected exact", due}, {"by more", "detected over", 2 * due}, {"by less", "detected short replaced", due / 2}, {"by nothing", "awaiting none replaced", 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := openPlayed(t)
			inv := w.invoice()
			id := w.pay(inv, due)
			w.look()
			address, units := w.address(inv), row.units
			if units == 0 {
				address, units = "somebody else's", due
			}
			_, err := w.played.Replace(t.Context(), id, address, money.Units(w.played.Asset.Currency, units))
			w.must(err)
			w.look()
			w.is(inv, row.want)
			w.mine(3)
			w.look()
			w.sound(w.played)
		})
	}
}

// Whatever call fails, and whenever, nothing is lost and nothing counts twice.
func TestSourceFails(t *testing.T) {
	errs := map[string]error{
		"down": fault.New(fault.Unavailable, "down", ""), "gibberish": errors.New("EOF"),
	}
	for name, failure := range errs {
		for _, failing := range []int{1, 2, 3, 4, 5, 7} {
			t.Run(fmt.Sprintf("%s at every call of %d", name, failing), func(t *testing.T) {
				w, n := openNode(t, 3)
				inv, other := w.invoice(), w.invoice()
				calls := 0
				n.answer = func(string) error {
					if calls++; calls%failing == 0 {
						return failure
					}
					return nil
				}
				look := func() {
					for range 40 {
						w.clock.Pass(time.Second)
						before := w.cursor()
						err := w.watcher.RunOnce(t.Context())
						if err == nil {
							return
						}
						if after := w.cursor(); !errors.Is(err, failure) || !after.Through.Equal(before.Through) {
							t.Fatalf("%v, evidence %s became %s", err, before.Through, after.Through)
						}
						if failing == 1 {
							return // it never answers
						}
					}
					n.answer = nil // too unlucky: every round needs the call that fails
				}
				n.pool = []chain.Tx{w.tx("t", inv, due, "t:0")}
				look()
				n.mine(2, n.pool[0], w.tx("o", other, due, "o:0"))
				n.pool = nil
				look()
				n.fork(2)
				n.mine(1, w.tx("o", other, due, "o:0"))
				n.mine(4, w.tx("t", inv, due, "t:0"))
				look()
				n.answer = nil
				w.look()
				w.is(inv, "settled exact")
				w.is(other, "settled exact")
				if got := w.load(inv); len(got.Payments) != 1 {
					t.Errorf("%d payments", len(got.Payments))
				}
				w.sound(n)
			})
		}
	}
}

// A node that knows less than we have seen moves nothing.
func TestNodeBehind(t *testing.T) {
	w, n := openNode(t, 10)
	inv := w.invoice()
	w.look()
	before := w.cursor()
	all := n.best
	n.best = all[:8]
	n.pool = []chain.Tx{w.tx("t", inv, due, "t:0")}
	w.clock.Pass(time.Second)
	if err := w.watcher.RunOnce(t.Context()); !errors.Is(err, watch.ErrBehind) {
		t.Errorf("%v", err)
	}
	if after := w.cursor(); after.Tip != before.Tip || !after.Through.Equal(before.Through) {
		t.Errorf("the cursor was %+v and is %+v", before, after)
	}
	w.is(inv, "awaiting none")
	n.best = all
	w.look()
	w.is(inv, "detected exact")
}

// A block that does not follow the one below it, by what the node says of both, moves nothing.
func TestWrongParent(t *testing.T) {
	w, n := openNode(t, 10)
	before := w.cursor()
	n.mine(1)
	good := n.best[10]
	n.best[10].Parent = "another"
	w.clock.Pass(time.Second)
	if err := w.watcher.RunOnce(t.Context()); !errors.Is(err, watch.ErrInvalid) {
		t.Errorf("%v", err)
	}
	if after := w.cursor(); after.Tip != before.Tip || after.Reorgs != 0 {
		t.Errorf("the cursor was %+v and is %+v", before, after)
	}
	n.best[10] = good
	w.look()
	w.sound(n)
}

// The node turns to another branch while it is asked: the round ends, and the next one begins anew.
func TestTurnsWhileAsked(t *testing.T) {
	w, n := openNode(t, 10)
	inv := w.invoice()
	n.fork(3)
	n.mine(5)
	blocks := 0
	n.answer = func(call string) error {
		if call == "block" {
			blocks++
		}
		if call == "block" && blocks == 3 { // in the middle of the branch
			n.fork(4)
			n.mine(2, w.tx("t", inv, due, "t:0"))
			n.mine(4)
		}
		return nil
	}
	w.clock.Pass(time.Second)
	if err := w.watcher.RunOnce(t.Context()); !errors.Is(err, watch.ErrUnknown) {
		t.Errorf("%v", err)
	}
	w.look()
	w.is(inv, "settled exact")
	w.sound(n)
}

// A watcher that lost its lease to another one writes nothing more, even if it does not know it yet.
func TestLeaseLost(t *testing.T) {
	w, n := openNode(t, 3)
	inv := w.invoice()
	other := &store.Lease{DB: w.db, Name: "watch", Holder: "another process"}
	if held, err := other.Hold(t.Context()); err != nil || held {
		t.Fatalf("two hold one lease: %v, %v", held, err)
	}
	n.pool = []chain.Tx{w.tx("t", inv, due, "t:0")}
	n.answer = func(call string) error {
		if call == "mempool" { // it answers so slowly that another one takes the work over
			w.clock.Pass(store.LeaseTime + time.Second)
			if held, err := other.Hold(t.Context()); err != nil || !held {
				t.Errorf("an old lease is not given away: %v, %v", held, err)
			}
		}
		return nil
	}
	before := w.cursor()
	if err := w.watcher.RunOnce(t.Context()); !errors.Is(err, store.ErrFenced) {
		t.Errorf("%v", err)
	}
	w.is(inv, "awaiting none")
	n.answer = nil
	if err := w.watcher.RunOnce(t.Context()); err != nil { // not ours to do
		t.Error(err)
	}
	if after := w.cursor(); !after.Through.Equal(before.Through) {
		t.Error("without the lease it raised the evidence")
	}
	w.is(inv, "awaiting none")
}

// Whoever gets the work back does not trust what it knew of the mempool: meanwhile it may have been judged otherwise.
func TestLeaseRegained(t *testing.T) {
	w, n := openNode(t, 3)
	inv := w.invoice()
	tx := w.tx("t", inv, due, "t:0")
	n.pool = []chain.Tx{tx}
	w.look()
	other := &store.Lease{DB: w.db, Name: "watch", Holder: "another process"}
	w.clock.Pass(store.LeaseTime + time.Second)
	if held, err := other.Hold(t.Context()); err != nil || !held {
		t.Fatal(held, err)
	}
	w.look()                                                         // only notices that it has no lease
	w.must(w.invoices.Evicted(t.Context(), inv.ID, n.net.ID, tx.ID)) // what the other one saw
	w.is(inv, "awaiting none")
	w.must(other.Release(t.Context()))
	w.look()
	w.is(inv, "detected exact")
}

func TestKnownTransactionsAreNotReadAgain(t *testing.T) {
	w, n := openNode(t, 3)
	inv := w.invoice()
	n.pool = []chain.Tx{w.tx("t", inv, due, "t:0")}
	w.look()
	read := 0
	w.watcher.Source = counting{n, &read}
	w.look()
	if read != 0 {
		t.Errorf("%d transactions were read again", read)
	}
	n.pool = append(n.pool, w.tx("u", inv, due, "u:0"))
	w.look()
	if read != 1 {
		t.Errorf("%d transactions were read for one that is new", read)
	}
}

// counting counts the transactions of mempools that were given.
type counting struct {
	*node
	read *int
}

func (c counting) Mempool(ctx context.Context, known func(string) bool) (chain.Mempool, error) {
	pool, err := c.node.Mempool(ctx, known)
	*c.read += len(pool.Txs)
	return pool, err
}
