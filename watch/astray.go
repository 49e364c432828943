package watch

import (
	"context"

	"checkout/chain"
	"checkout/ident"
)

// findAstray looks up whose the addresses are on sister networks that are nobody's on this one: somebody chose the wrong network
// in their wallet.
func (w *Watcher) findAstray(ctx context.Context, block chain.BlockRef, f *finds, addresses []string) error {
	if len(w.Sisters) == 0 || block.IsZero() {
		return nil
	}
	f.sisters = map[string]ident.ID{}
	for _, sister := range w.Sisters {
		owners, err := w.Book.Owners(ctx, sister, addresses)
		if err != nil {
			return err
		}
		for address, owner := range owners {
			if _, here := f.owners[address]; !here {
				f.sisters[address] = owner
			}
		}
	}
	f.astray = match(f.txs, 0, f.sisters)
	return nil
}

// strayed tells an owner of what came to its address on the wrong network. It is never counted, so an owner who cannot take it
// in holds nothing up.
func (w *Watcher) strayed(ctx context.Context, network string, tx chain.Tx, h hit, p place) error {
	refused, err := w.Book.Apart(ctx, func(ctx context.Context) error {
		for _, out := range h.outs {
			err := w.Sink.Strayed(ctx, h.owner, chain.Sighting{Tx: tx, Transfer: out, Block: p.block, Tip: p.tip, At: firstSight(tx, p.at)})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if refused != nil {
		w.Log.Warn("money on the wrong network is not kept", "event", "stray_refused", "network", network, "owner", h.owner.Short(), "tx", tx.ID, "err", refused)
	}
	return err
}
