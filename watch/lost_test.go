package watch_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"checkout/chain"
	"checkout/chain/chaintest"
	"checkout/fault"
	"checkout/invoice"
)

// A btcd node forgets its mempool when it restarts. A payment in it stays what it was, and the node gets it back.
func TestNodeForgetsItsMempool(t *testing.T) {
	network, asset, _ := chain.Bitcoin("regtest")
	node := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{})
	w := openOn(t, network, asset)
	w.follow(node.Adapter())
	w.look()
	inv := w.invoice()
	id := node.Pay(w.address(inv), due)
	chaintest.Until(t, "the payment is seen", func() bool { w.look(); return len(w.load(inv).Payments) == 1 })
	w.is(inv, "detected exact")
	if w.raws() != 1 {
		t.Error("the transaction is not kept")
	}

	node.Stop()
	if err := w.watcher.RunOnce(t.Context()); err == nil {
		t.Fatal("a node that is down answers")
	}
	node.Start()
	if pool := node.Mempool(); len(pool) != 0 {
		t.Fatalf("the node keeps its mempool: %v; nothing is tested", pool)
	}
	chaintest.Until(t, "the node has the payment again", func() bool { w.look(); return slices.Contains(node.Mempool(), id) })
	for range 45 { // longer than the invoice's window, and than a transaction may be away
		w.clock.Pass(19 * time.Second)
		w.look()
		w.expire()
	}
	w.is(inv, "detected exact")
	node.Generate(int(asset.Confirmations))
	chaintest.Until(t, "the payment is confirmed", func() bool { w.look(); return w.load(inv).Outcome.State == invoice.Settled })
	if w.raws() != 0 {
		t.Error("a confirmed transaction is kept")
	}
	w.sound(node.Adapter())
}

// raws is how many transactions are kept.
func (w *world) raws() (n int) {
	w.t.Helper()
	w.must(w.sql().QueryRow("SELECT COUNT(*) FROM raw_txs").Scan(&n))
	return n
}

// taker is a node that is offered transactions.
type taker struct {
	*node
	answer  error
	offered []string
}

func (n *taker) Offer(_ context.Context, raw []byte) error {
	n.offered = append(n.offered, string(raw))
	return n.answer
}

// What becomes of a payment that is away is the node's to say; only a no for good ends it.
func TestOffer(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer error
		bare   bool // its raw form is not known
		want   string
	}{
		{"its coins are spent", chain.ErrTxRefused.Because(errors.New("missing inputs")), false, "awaiting none"},
		{"nothing to offer", nil, true, "awaiting none"},
		{"the mempool is full", chain.ErrTxUnwanted.Because(errors.New("mempool full")), false, "detected exact"},
		{"the node does not say", fault.New(fault.Unavailable, "node_unreachable", ""), false, "detected exact"},
		{"it is taken and gone again", nil, false, "detected exact"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w, fake := openNode(t, 3)
			n := &taker{node: fake, answer: row.answer}
			w.follow(n)
			w.look()
			inv := w.invoice()
			tx := w.tx("t", inv, due, "coin:0")
			if tx.Raw = []byte("raw t"); row.bare {
				tx.Raw = nil
			}
			n.pool = []chain.Tx{tx}
			w.look()
			n.pool = nil
			for range 9 * 60 {
				w.look()
			}
			w.is(inv, "detected exact")
			if got := len(n.offered); (row.bare && got != 0) || (!row.bare && (got != 9 || n.offered[0] != "raw t")) {
				t.Errorf("offered %d times in 9 minutes: %.30q", got, n.offered)
			}
			for range 90 {
				w.look()
			}
			w.is(inv, row.want)
			if kept := w.raws() > 0; kept != (row.want != "awaiting none") {
				t.Errorf("the transaction is kept: %v", kept)
			}
			n.pool = []chain.Tx{tx} // from wherever it came
			w.look()
			w.is(inv, "detected exact")
			w.sound(n)
		})
	}
}

// What nobody wants is not waited for for ever; should it come after all, it is met again.
func TestForgotten(t *testing.T) {
	w, fake := openNode(t, 3)
	n := &taker{node: fake, answer: chain.ErrTxUnwanted.Because(errors.New("fee too low"))}
	w.follow(n)
	w.look()
	inv := w.invoice()
	tx := w.tx("t", inv, due, "coin:0")
	tx.Raw = []byte("raw t")
	n.pool = []chain.Tx{tx}
	w.look()
	n.pool = nil
	open := func() int {
		t.Helper()
		list, err := w.chains.OpenPayments(t.Context(), n.net.ID)
		w.must(err)
		return len(list)
	}
	w.look()
	w.clock.Pass(29 * 24 * time.Hour)
	w.look()
	if open() != 1 || w.raws() != 1 {
		t.Error("it was given up too early")
	}
	w.clock.Pass(2 * 24 * time.Hour)
	w.look()
	w.look()
	w.clock.Pass(time.Hour)
	w.look()
	if open() != 0 || w.raws() != 0 {
		t.Errorf("after a month %d are waited for, %d kept", open(), w.raws())
	}
	n.pool = []chain.Tx{tx}
	w.look()
	if open() != 1 {
		t.Error("it came after all, and was not met")
	}
	w.sound(n)
}

// A node that takes a lost payment back is not asked again.
func TestOfferTaken(t *testing.T) {
	w, fake := openNode(t, 3)
	n := &taker{node: fake}
	w.follow(n)
	w.look()
	inv := w.invoice()
	tx := w.tx("t", inv, due, "coin:0")
	tx.Raw = []byte("raw t")
	n.pool = []chain.Tx{tx}
	w.look()
	n.pool = nil
	w.look()
	n.pool = []chain.Tx{tx}
	w.clock.Pass(time.Hour)
	for range 100 {
		w.look()
	}
	if len(n.offered) != 1 {
		t.Errorf("offered %d times", len(n.offered))
	}
	w.is(inv, "detected exact")
	n.pool = nil
	n.mine(1, tx)
	w.look()
	if w.raws() != 1 {
		t.Error("it is not confirmed yet, but forgotten")
	}
	n.fork(1) // its block is lost, and nobody has it any more
	n.mine(2)
	w.look()
	if len(n.offered) != 2 {
		t.Errorf("offered %d times after its block was lost", len(n.offered))
	}
	n.pool = []chain.Tx{chainTx("thief", "coin:0")}
	w.look()
	w.is(inv, "expired none replaced")
	if w.raws() != 0 {
		t.Error("a transaction that was replaced is kept")
	}
	w.sound(n)
}

func chainTx(id, coin string) chain.Tx { return chain.Tx{ID: id, Inputs: []string{coin}} }
