package watch

import (
	"context"
	"errors"
	"time"

	"checkout/chain"
)

// lost is a payment's transaction that is in no block and not in the mempool.
type lost struct {
	since   time.Time // since when
	offered time.Time // when it was last offered to the node
	answer  error     // what the node said to that
	bare    bool      // there is nothing to offer
}

// A lost transaction is offered to the node so often, and at most so many in one round.
const (
	offerEvery = time.Minute
	offers     = 200
)

// forget is after how long a transaction nobody has is not waited for any more: nodes drop what is unconfirmed after two
// weeks, and every invoice has ended by then. Should it come after all it is met again.
const forget = 30 * 24 * time.Hour

func (o Open) forgotten(now time.Time) bool {
	return !o.FirstSeen.IsZero() && now.Sub(o.FirstSeen) > forget
}

// gone says whether nothing can be expected of it any more but by chance.
func (l lost) gone(source Source) bool {
	_, takes := source.(Taker)
	return !takes || l.bare || errors.Is(l.answer, chain.ErrTxRefused)
}

// absent finds open payments whose transaction is in no block and not in the mempool, and drops them when they have been
// away for too long and the node cannot be given them again. One that the node only does not want now, because its
// mempool is full or the fee too low, stays: others may have it, and the payment's own deadline ends it.
func (w *Watcher) absent(ctx context.Context, network string, pool chain.Mempool, now time.Time) (map[string]lost, error) {
	open, err := w.Book.OpenPayments(ctx, network)
	if err != nil {
		return nil, err
	}
	for _, h := range w.held {
		if h.Kind == KindSeen && h.Block.IsZero() {
			open = append(open, Open{Owner: h.Owner, TxID: h.TxID, held: true})
		}
	}
	missing := map[string]lost{}
	for _, o := range open {
		if _, there := pool.IDs[o.TxID]; there || o.InBlock {
			continue
		}
		l, known := w.missing[o.TxID]
		if !known {
			l.since = now
		}
		missing[o.TxID] = l
		held, over := w.held[heldKey{owner: o.Owner, kind: KindEvicted, txid: o.TxID}] // its time was over once
		if o.Settled || (!over && now.Sub(l.since) < w.EvictAfter) || !(l.gone(w.Source) || o.forgotten(now)) || (over && !w.due(held, now)) {
			continue
		}
		if err := w.evict(ctx, network, o); err != nil {
			return nil, err
		}
	}
	return missing, nil
}

func (w *Watcher) evict(ctx context.Context, network string, o Open) error {
	if o.held {
		return w.free(ctx, network, Held{Owner: o.Owner, Kind: KindSeen, TxID: o.TxID})
	}
	return w.part(ctx, network, Held{Owner: o.Owner, Kind: KindEvicted, TxID: o.TxID}, func(ctx context.Context) error { return w.Sink.Evicted(ctx, o.Owner, network, o.TxID) })
}

// offer gives the node what it has lost. If it does not answer, the rest waits for the next round.
func (w *Watcher) offer(ctx context.Context, network string, now time.Time) error {
	taker, takes := w.Source.(Taker)
	if !takes {
		return nil
	}
	n := 0
	for id, l := range w.missing {
		if l.bare || (!l.offered.IsZero() && now.Sub(l.offered) < offerEvery) {
			continue
		}
		if n++; n > offers {
			return nil
		}
		raw, err := w.Book.Raw(ctx, network, id)
		if err != nil {
			return err
		}
		if l.bare = raw == nil; !l.bare {
			answer := taker.Offer(ctx, raw)
			if l.offered.IsZero() || !errors.Is(answer, l.answer) {
				w.Log.Info("the node was offered a transaction it had lost", "event", "tx_offered", "network", network, "tx", id, "err", answer)
			}
			l.offered, l.answer = now, answer
		}
		w.missing[id] = l
		if l.answer != nil && !errors.Is(l.answer, chain.ErrTxRefused) && !errors.Is(l.answer, chain.ErrTxUnwanted) {
			return nil // it does not answer
		}
	}
	return nil
}
