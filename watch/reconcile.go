package watch

import (
	"context"
	"fmt"
	"time"

	"checkout/chain"
	"checkout/ident"
	"checkout/money"
)

// Balancer is a Source that can say what addresses hold, on chains where the network's coin moves by ways that leave no trace in
// blocks: a contract sends it on, or pays with its end.
type Balancer interface {
	// Coin is the coin that may come unseen; one without an id: none.
	Coin() chain.Asset
	// Balances is how much of it addresses held after the block at a height, or after an older one.
	Balances(ctx context.Context, addresses []string, height int64) ([]money.Amount, error)
}

// Holding is an address with what is known to have come to it of a coin.
type Holding struct {
	Address  string
	Owner    ident.ID
	Assigned time.Time
	Known    money.Amount
}

// How often balances are compared, of how many addresses at a time, and for how long after an address was given away.
const (
	reconcileEvery = time.Minute
	reconcileBatch = 100
	reconcileFor   = 30 * 24 * time.Hour
)

// reconcile compares what some addresses hold with what was seen coming, as of a block that is final. What is there and was not
// seen is told to the owner as a transfer nobody can name: it is shown and matched to nothing. What is missing was spent by whom
// the address belongs to. Trouble with this is no trouble of the chain.
func (w *Watcher) reconcile(ctx context.Context, network string, cursor Cursor, now time.Time) error {
	b, ok := w.Source.(Balancer)
	if !ok || b.Coin().ID == "" || now.Sub(w.reconciled) < reconcileEvery {
		return nil
	}
	w.reconciled = now
	coin, tip := b.Coin(), w.counted(cursor.Tip.Height)
	height := tip - coin.Confirmations + 1
	if height < 0 {
		return nil
	}
	hash, err := w.Book.Hash(ctx, network, height)
	if err != nil || hash == "" {
		return err
	}
	list, err := w.Book.Holdings(ctx, network, coin, now.Add(-reconcileFor), w.compared, reconcileBatch)
	if err != nil {
		return err
	}
	w.compared = Holding{} // from the start again
	if len(list) == reconcileBatch {
		w.compared = list[len(list)-1]
	}
	addresses := make([]string, len(list))
	for i, h := range list {
		addresses[i] = h.Address
	}
	balances, err := b.Balances(ctx, addresses, height)
	if err != nil || len(balances) != len(list) {
		w.Log.Warn("balances were not compared", "event", "reconcile_failed", "network", network, "err", err)
		return nil //nolint:nilerr // told; blocks are followed all the same
	}
	at := chain.BlockRef{Height: height, Hash: hash}
	for i, h := range list {
		if err := w.compare(ctx, network, coin, h, balances[i], at, tip); err != nil {
			return err
		}
	}
	return nil
}

// compare tells an owner of money that is there and was not seen to come.
func (w *Watcher) compare(ctx context.Context, network string, coin chain.Asset, h Holding, holds money.Amount, at chain.BlockRef, tip int64) error {
	unseen, err := holds.Sub(h.Known)
	if err != nil {
		return err
	}
	if unseen.Sign() <= 0 {
		return nil
	}
	if dust, err := unseen.Cmp(coin.Dust); err != nil || dust < 0 {
		return err
	}
	t := chain.Transfer{
		Network: network, TxID: fmt.Sprintf("%s%s:%d", chain.InferredPrefix, h.Address, at.Height), Asset: coin.ID, Address: h.Address, Amount: unseen,
	}
	s := chain.Sighting{Tx: chain.Tx{ID: t.TxID, Outputs: []chain.Transfer{t}}, Transfer: t, Block: at, Tip: tip, Inferred: true}
	w.Log.Warn("an address holds more than was seen to come", "event", "balance_unseen", "network", network, "address", h.Address, "owner", h.Owner.Short(), "amount", unseen.Minor())
	return w.guarded(ctx, func(ctx context.Context) error {
		refused, err := w.Book.Apart(ctx, func(ctx context.Context) error { return w.Sink.Seen(ctx, h.Owner, s) })
		if refused != nil { // it is still there at the next comparison
			w.Log.Warn("money nobody saw coming is not kept", "event", "balance_refused", "network", network, "owner", h.Owner.Short(), "err", refused)
		}
		return err
	})
}
