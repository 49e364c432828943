package watch_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"checkout/chain"
	"checkout/invoice"
	"checkout/watch"
)

// Reorganisations of the played chain, in which a payment needs three confirmations.
func TestReorganisation(t *testing.T) {
	for _, row := range []struct {
		confirmations int  // before
		depth         int  // of the reorganisation
		spent         bool // the new branch spends the payment's coin
		want          string
	}{
		{1, 1, false, "detected exact"},
		{2, 2, false, "detected exact"},
		{2, 3, false, "detected exact"},
		{1, 1, true, "awaiting none replaced"},
		{2, 6, true, "awaiting none replaced"},
		{3, 1, false, "settled exact"}, // the payment stays deep enough: two of three old blocks, and two new ones
		{3, 3, false, "detected exact reorged"},
		{5, 6, false, "detected exact reorged"},
		{4, 4, true, "failed none reorged"},
		{6, 6, true, "failed none reorged"},
	} {
		t.Run(fmt.Sprintf("%d confirmations, %d deep, spent %v", row.confirmations, row.depth, row.spent), func(t *testing.T) {
			w := openPlayed(t)
			w.mine(6)
			inv := w.invoice()
			id := w.pay(inv, due)
			w.look()
			w.mine(row.confirmations)
			w.look()
			var gone map[string]string
			if row.spent {
				gone = map[string]string{id: "somebody else's"}
			}
			w.must(w.played.Reorganise(t.Context(), row.depth, gone))
			w.look()
			w.is(inv, row.want)
			if c := w.cursor(); c.Reorgs != 1 {
				t.Errorf("%d reorganisations were written down", c.Reorgs)
			}
			w.sound(w.played)
			if row.spent {
				return
			}
			w.mine(3)
			w.look()
			w.is(inv, "settled exact")
			w.sound(w.played)
		})
	}
}

// The chain goes to another branch and back again, twice.
func TestFlipFlop(t *testing.T) {
	w, n := openNode(t, 5)
	inv := w.invoice()
	tx := w.tx("t", inv, due, "t:0")
	n.mine(3, tx)
	a := slices.Clone(n.best)
	w.look()
	w.is(inv, "settled exact")
	n.fork(3)
	n.mine(4)
	n.pool = []chain.Tx{tx}
	b := slices.Clone(n.best)
	w.look()
	w.is(inv, "detected exact reorged")
	turn := func(branch []chain.Block, pool ...chain.Tx) {
		n.best, n.pool = slices.Clone(branch), pool
		n.forks++
		n.mine(2)
		w.look()
		w.sound(n)
	}
	turn(a)
	w.is(inv, "settled exact")
	turn(append(b, chain.Block{Header: chain.Header{BlockRef: chain.BlockRef{Height: 9, Hash: "b9"}, Parent: "b8"}}), tx)
	w.is(inv, "detected exact reorged")
	turn(append(slices.Clone(a), n.blocks("x", a[7].BlockRef, 4)...))
	w.is(inv, "settled exact")
	if got := w.load(inv); got.Payments[0].Epoch != 2 {
		t.Errorf("it was reverted %d times", got.Payments[0].Epoch)
	}
}

// blocks are empty ones on top of another.
func (n *node) blocks(name string, on chain.BlockRef, count int64) []chain.Block {
	var list []chain.Block
	for i := range count {
		b := chain.Block{Header: chain.Header{BlockRef: chain.BlockRef{Height: on.Height + 1 + i, Hash: fmt.Sprintf("%s%d", name, i)}, Parent: on.Hash}}
		if i > 0 {
			b.Parent = list[i-1].Hash
		}
		list = append(list, b)
	}
	return list
}

// A payment that only moves to another block of the new branch is not news.
func TestMovedToAnotherBlock(t *testing.T) {
	w, n := openNode(t, 5)
	inv := w.invoice()
	tx := w.tx("t", inv, due, "t:0")
	n.mine(4, tx)
	w.look()
	before := w.load(inv)
	n.fork(4)
	n.mine(1)
	n.mine(5, tx)
	w.look()
	after := w.load(inv)
	w.is(inv, "settled exact")
	if after.LogSeq != before.LogSeq || after.Payments[0].Events != before.Payments[0].Events || after.Payments[0].Epoch != 0 {
		t.Errorf("it was told: %+v, before %+v", after.Payments[0], before.Payments[0])
	}
	if got, want := after.Payments[0].Block, n.best[6].BlockRef; got != want {
		t.Errorf("it stands in %+v, want %+v", got, want)
	}
	w.sound(n)
}

// A hundred blocks may be replaced; more halt the network until the operator acts, and nothing is confirmed.
func TestDepth(t *testing.T) {
	for depth, halts := range map[int]bool{watch.MaxReorg: false, watch.MaxReorg + 1: true} {
		t.Run(fmt.Sprint(depth), func(t *testing.T) {
			w, n := openNode(t, 10)
			inv := w.invoice()
			n.mine(150)
			w.look()
			before := w.cursor()
			old := n.fork(depth)
			n.mine(depth+3, w.tx("t", inv, due, "t:0"))
			w.clock.Pass(time.Second)
			err := w.watcher.RunOnce(t.Context())
			if !halts {
				w.must(err)
				w.is(inv, "settled exact")
				w.sound(n)
				return
			}
			if !errors.Is(err, watch.ErrHalted) {
				t.Errorf("%v", err)
			}
			if after := w.cursor(); after.Tip != before.Tip || !after.Through.Equal(before.Through) {
				t.Errorf("the cursor was %+v and is %+v", before, after)
			}
			w.is(inv, "awaiting none")
			n.best = old // the operator turned the node back
			w.look()
			w.sound(n)
		})
	}
}

// A reorganisation may go deeper than the block we began at.
func TestBelowTheFirstBlock(t *testing.T) {
	w, n := openNode(t, 120)
	inv := w.invoice()
	n.fork(50)
	n.mine(52, w.tx("t", inv, due, "t:0"))
	w.look()
	w.is(inv, "settled exact")
	w.sound(n)
}

// Blocks of a new branch are new, whatever their height: a payment in one of them is not older than its address.
func TestPaidOnTheNewBranchOnly(t *testing.T) {
	w, n := openNode(t, 120)
	inv := w.invoice()
	n.fork(1) // the block at which the address was assigned
	n.mine(1, w.tx("t", inv, due, "t:0"))
	n.mine(2)
	w.look()
	w.is(inv, "settled exact")
}

// A transaction in a block that was there before the address is not for the invoice.
func TestOlderThanTheAddress(t *testing.T) {
	w, n := openNode(t, 10)
	inv := w.invoice()
	w.must(w.invoices.Seen(t.Context(), inv.ID, chain.Sighting{
		Tx: w.tx("t", inv, due, "t:0"), Transfer: w.tx("t", inv, due, "t:0").Outputs[0], Block: n.best[9].BlockRef, Tip: 9,
	}))
	w.is(inv, "awaiting none")
	if p := w.load(inv).Payments[0]; p.Standing != invoice.Unmatched {
		t.Errorf("it is %s", p.Standing)
	}
}

// btcd keeps a payment in its mempool after a reorganisation although a block has spent its coin: the block wins.
func TestSpentCoinStaysInTheMempool(t *testing.T) {
	for _, row := range []struct {
		name          string
		confirmations int // before the reorganisation
		want          string
	}{
		{"before it was deep", 1, "awaiting none replaced"}, {"after it was settled", 3, "failed none reorged"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w, n := openNode(t, 5)
			inv := w.invoice()
			tx := w.tx("t", inv, due, "t:0")
			n.mine(row.confirmations, tx)
			w.look()
			n.fork(row.confirmations)
			n.mine(4, chain.Tx{ID: "thief", Inputs: []string{"t:0"}})
			n.pool = []chain.Tx{tx}
			w.look()
			w.is(inv, row.want)
			w.look()
			w.follow(n) // a restart reads the whole mempool again
			w.look()
			w.clock.Pass(time.Hour)
			w.look()
			w.is(inv, row.want)
			w.sound(n)
		})
	}
}

// When the block that spent the coin is lost itself, the payment in the mempool counts again.
func TestSpendingBlockIsLost(t *testing.T) {
	w, n := openNode(t, 5)
	inv := w.invoice()
	tx := w.tx("t", inv, due, "t:0")
	n.pool = []chain.Tx{tx}
	w.look()
	n.mine(1, chain.Tx{ID: "thief", Inputs: []string{"t:0"}})
	w.look()
	w.is(inv, "awaiting none replaced")
	n.fork(1)
	n.mine(2)
	w.look()
	w.is(inv, "detected exact")
	n.pool = nil
	n.mine(3, tx)
	w.look()
	w.is(inv, "settled exact")
	w.sound(n)
}

// Of two transactions that pay us from one coin only one counts, whichever is mined.
func TestReplacedOneIsMined(t *testing.T) {
	w, n := openNode(t, 5)
	inv := w.invoice()
	first, second := w.tx("first", inv, due, "c:0"), w.tx("second", inv, due, "c:0")
	n.pool = []chain.Tx{first}
	w.look()
	n.pool = []chain.Tx{second}
	w.look()
	w.is(inv, "detected exact")
	n.pool = nil
	n.mine(3, first)
	w.look()
	w.is(inv, "settled exact")
	w.sound(n)
}
