package watch_test

import (
	"testing"

	"checkout/chain"
	"checkout/money"
)

// What comes to an invoice's address on a network with the same addresses is told, proven, never counted, and taken back with
// its block.
func TestMoneyOnASisterNetwork(t *testing.T) {
	w, home := openNode(t, 3)
	inv := w.invoice()
	sister := &prover{node: &node{net: chain.Network{ID: "sister", Family: chain.FamilyEVM}}, receipts: map[string][]chain.Transfer{}}
	sister.mine(3)
	ours := w.watcher
	w.follow(sister)
	w.watcher.Sisters = []string{w.net.ID}
	w.look()

	tx := w.tx("t", inv, due, "alice:1")
	tx.Outputs[0].Network = "sister"
	failed := w.tx("failed", inv, due, "alice:2")
	failed.Outputs[0].Network = "sister"
	dust := w.tx("dust", inv, 1, "alice:3")
	dust.Outputs[0].Network = "sister"
	huge := w.tx("huge", inv, due, "alice:4")
	huge.Outputs[0].Network, huge.Outputs[0].Amount = "sister", money.New(w.asset.Currency, w.asset.Cap.Units().Lsh(w.asset.Cap.Units(), 1))
	sister.receipts["a3 failed"] = nil
	sister.mine(2, tx, failed, dust, huge)
	w.look()
	w.is(inv, "awaiting none")
	got := w.load(inv).Strays
	if len(got) != 1 || got[0].Transfer.TxID != "t" || got[0].Block.Hash != "a3" || !got[0].Transfer.Amount.Equal(money.Units(w.asset.Currency, due)) {
		t.Fatalf("it has %+v", got)
	}

	sister.fork(2)
	sister.mine(1)
	sister.mine(2, tx)
	w.look()
	if got := w.load(inv).Strays; len(got) != 1 || got[0].Block.Hash != "b4" {
		t.Errorf("after it moved: %+v", got)
	}
	sister.fork(2)
	sister.mine(3)
	w.look()
	if got := w.load(inv).Strays; len(got) != 0 {
		t.Errorf("after it was lost: %+v", got)
	}
	w.watcher = ours
	home.mine(4, w.tx("paid", inv, due, "bob:1"))
	w.look()
	w.is(inv, "settled exact")
	w.sound(home)
}
