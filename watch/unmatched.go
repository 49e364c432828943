package watch

import (
	"context"
	"time"

	"checkout/chain"
	"checkout/ident"
)

// Unmatched is a payment to a shared address whose tag is nobody's, or that has none: only a person can say whose it is.
type Unmatched struct {
	ID         ident.ID
	Merchant   ident.ID
	Transfer   chain.Transfer // its address with the tag, if there was one
	Block      chain.BlockRef
	Seen       time.Time
	AssignedTo ident.ID // the invoice a person gave it to
	AssignedBy string
	AssignedAt time.Time
}

// orphan is a transfer to a merchant's shared address that pays no owner.
type orphan struct {
	tx       int // its place in txs
	merchant ident.ID
	out      chain.Transfer
}

// findOrphans lists what came to shared addresses with a tag that is nobody's.
func (w *Watcher) findOrphans(ctx context.Context, network string, block chain.BlockRef, f *finds) error {
	if w.Source.Network().Tag == "" || block.IsZero() {
		return nil
	}
	accounts, err := w.Book.Accounts(ctx, network)
	if err != nil || len(accounts) == 0 {
		return err
	}
	for i, tx := range f.txs {
		for _, out := range tx.Outputs {
			address, _ := chain.Unshared(out.Address)
			merchant, shared := accounts[address]
			if _, owned := f.owners[out.Address]; shared && !owned {
				f.orphans = append(f.orphans, orphan{tx: i, merchant: merchant, out: out})
			}
		}
	}
	return nil
}

// keepOrphan puts one into the merchant's inbox, unless it belongs to somebody since the look-up began.
func (w *Watcher) keepOrphan(ctx context.Context, o orphan, late []hit, p place) error {
	for _, h := range late {
		for _, out := range h.outs {
			if h.tx == o.tx && out.Equal(o.out) {
				return nil
			}
		}
	}
	fresh, err := w.Book.KeepUnmatched(ctx, Unmatched{Merchant: o.merchant, Transfer: o.out, Block: p.block})
	if fresh && err == nil {
		w.Log.Warn("a payment to a shared address has a tag that is nobody's", "event", "payment_unmatched", "network", o.out.Network, "tx", o.out.TxID, "merchant", o.merchant.Short())
	}
	return err
}
