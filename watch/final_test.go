package watch_test

import (
	"context"
	"errors"
	"testing"

	"checkout/chain"
	"checkout/watch"
)

// prover is a node of an account chain: its blocks say what transactions ask for, its receipts what came of it. What no
// receipt speaks of came out as asked.
type prover struct {
	*node
	receipts map[string][]chain.Transfer // by block and transaction
	down     error
}

func (p *prover) Prove(_ context.Context, block chain.BlockRef, tx chain.Tx) (chain.Tx, error) {
	if outs, ok := p.receipts[block.Hash+" "+tx.ID]; ok {
		tx.Outputs = outs
	}
	return tx, p.down
}

func openProver(t *testing.T) (*world, *prover) {
	t.Helper()
	w := openWorld(t)
	p := &prover{node: &node{net: w.net}, receipts: map[string][]chain.Transfer{}}
	p.mine(3)
	w.follow(p)
	w.look()
	return w, p
}

func TestWhatFailedInItsBlockPaysNothing(t *testing.T) {
	w, p := openProver(t)
	inv, other := w.invoice(), w.invoice()
	p.receipts["a3 failed"] = nil
	p.mine(4, w.tx("failed", inv, due, "alice:1"), w.tx("paid", other, due, "alice:2"))
	w.look()
	w.is(inv, "awaiting none")
	w.is(other, "settled exact")
	w.sound(p)
}

// Without a receipt nobody knows whether a payment is one: the block waits, and is lost to nobody.
func TestABlockWaitsForItsReceipts(t *testing.T) {
	w, p := openProver(t)
	inv := w.invoice()
	p.mine(4, w.tx("t", inv, due, "alice:1"))
	p.down = watch.ErrUnproven
	if err := w.watcher.RunOnce(t.Context()); !errors.Is(err, watch.ErrUnproven) {
		t.Fatalf("the round ends with %v", err)
	}
	if at := w.cursor().Tip.Height; at != 2 {
		t.Errorf("the cursor stands at %d", at)
	}
	p.down = nil
	w.look()
	w.is(inv, "settled exact")
}

// A transaction may fail in one block and not in another, or pay more: only what it does on our chain counts.
func TestTheSameTransactionDoesSomethingElseInAnotherBlock(t *testing.T) {
	for name, c := range map[string]struct {
		there int64
		want  string
	}{
		"the same": {due, "settled exact"}, "more": {2 * due, "settled over"}, "less": {due / 2, "detected short"}, "nothing": {0, "detected exact reorged"},
	} {
		t.Run(name, func(t *testing.T) {
			w, p := openProver(t)
			inv := w.invoice()
			tx := w.tx("t", inv, due, "alice:1")
			p.mine(3, tx)
			w.look()
			w.is(inv, "settled exact")
			p.fork(3)
			p.receipts["b3 t"] = nil
			if c.there > 0 {
				p.receipts["b3 t"] = w.tx("t", inv, c.there, "alice:1").Outputs
			}
			p.mine(4, tx)
			w.look()
			w.is(inv, c.want)
			w.sound(p)
		})
	}
}

// finalizer is a node whose network says what is final.
type finalizer struct {
	*node
	ceiling int64
}

func (f *finalizer) Ceiling(_ context.Context, tip chain.BlockRef) (int64, error) {
	return min(tip.Height, f.ceiling), nil
}

func TestConfirmationsCountFromWhatIsFinal(t *testing.T) {
	w := openWorld(t)
	f := &finalizer{node: &node{net: w.net}, ceiling: 2}
	f.mine(3)
	w.follow(f)
	w.look()
	inv := w.invoice()
	f.mine(10, w.tx("t", inv, due, "alice:1"))
	w.look()
	w.is(inv, "detected exact")
	f.ceiling = 4
	w.look()
	w.is(inv, "detected exact")
	f.ceiling = 5 // three deep now, without a new block
	w.look()
	w.is(inv, "settled exact")

	for _, when := range []string{"at once", "after a restart"} {
		f.ceiling = 4
		if err := w.watcher.RunOnce(t.Context()); !errors.Is(err, watch.ErrRegressed) {
			t.Fatalf("%s: the round ends with %v", when, err)
		}
		w.is(inv, "settled exact")
		w.follow(f)
	}
	f.ceiling = 6
	w.look()
	f.fork(2)
	f.mine(3)
	w.look()
	w.is(inv, "settled exact")
	w.sound(f)
}
