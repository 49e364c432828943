package watch

import (
	"context"
	"time"

	"checkout/chain"
	"checkout/ident"
)

// Unmatched is a payment to a shared address whose tag, or whose amount, is nobody's: only a person can say whose it is.
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

// findShared finds what pays addresses that payers share, and whose those are.
func (w *Watcher) findShared(ctx context.Context, network string, block chain.BlockRef, f *finds) (map[string]ident.ID, error) {
	if n := w.Source.Network(); block.IsZero() || (n.Tag == "" && !n.HoldsAll()) {
		return nil, nil
	}
	accounts, err := w.Book.Accounts(ctx, network)
	if err != nil || len(accounts) == 0 {
		return nil, err
	}
	for i, tx := range f.txs {
		for _, out := range tx.Outputs {
			address, _ := chain.Unshared(out.Address)
			if merchant, shared := accounts[address]; shared {
				f.shared = append(f.shared, hit{tx: i, owner: merchant, outs: []chain.Transfer{out}})
				break
			}
		}
	}
	return accounts, nil
}

// claim finds out whose transfers to shared addresses are. Without tags the amount says it: an open object that asks for exactly
// that, if there is one alone. What nobody claims is left for the inbox.
func (w *Watcher) claim(ctx context.Context, network string, accounts map[string]ident.ID, f *finds) error {
	if len(f.shared) == 0 {
		return nil
	}
	f.txs = append([]chain.Tx(nil), f.txs...)
	for _, h := range f.shared {
		tx := &f.txs[h.tx]
		tx.Outputs = append([]chain.Transfer(nil), tx.Outputs...)
		for i := range tx.Outputs {
			out := &tx.Outputs[i]
			address, tag := chain.Unshared(out.Address)
			merchant, shared := accounts[address]
			if _, owned := f.owners[out.Address]; !shared || owned {
				continue
			}
			if tag == "" && w.Source.Network().Tag == "" {
				text, owner, err := w.claimant(ctx, network, merchant, *out)
				if err != nil {
					return err
				}
				if text != "" {
					out.Address, f.owners[text] = text, owner
					continue
				}
			}
			if w.Dust != nil && w.Dust(*out) {
				continue
			}
			f.orphans = append(f.orphans, orphan{tx: h.tx, merchant: merchant, out: *out})
		}
	}
	f.hits = match(f.txs, 0, f.owners)
	return nil
}

// claimant is whose a transfer to a shared address without tags is: whose it was before, or who alone asks for exactly as much.
func (w *Watcher) claimant(ctx context.Context, network string, merchant ident.ID, t chain.Transfer) (text string, owner ident.ID, err error) {
	text, owner, err = w.Book.Claimed(ctx, network, t.TxID, t.Ordinal)
	if err != nil || text != "" {
		return text, owner, err
	}
	claims, err := w.Book.Claims(ctx, merchant, network, t.Asset, t.Address, t.Amount, time.Time{})
	if err != nil || len(claims) != 1 {
		return "", "", err
	}
	for text, owner = range claims {
	}
	return text, owner, nil
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
		w.Log.Warn("a payment to a shared address is nobody's", "event", "payment_unmatched", "network", o.out.Network, "tx", o.out.TxID, "merchant", o.merchant.Short())
	}
	return err
}
