package watch

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"checkout/chain"
	"checkout/fault"
	"checkout/ident"
)

// Held is something that happened on the chain and that its owner could not take in: a damaged object, or one that refuses.
// It stops nobody else; it is written down and tried again.
type Held struct {
	Owner ident.ID
	Kind  string
	TxID  string         // of the payment; none of what is advanced or reverted
	Other string         // the transaction that conflicts with it
	Block chain.BlockRef // where it was met last, zero: in the mempool
	Code  string         // of the fault
	Met   time.Time      // what dates it; zero: now
	First time.Time      // when it was held
	Last  time.Time      // when it was tried last
}

// The kinds of what is held, by what the Sink was told.
const (
	KindSeen       = "seen"
	KindAdvanced   = "advanced"
	KindReverted   = "reverted"
	KindConflicted = "conflicted"
	KindEvicted    = "evicted"
)

// Lost is the block it is about, of what was reverted; everything else is about a transaction, wherever it is.
func (h Held) Lost() string {
	if h.Kind == KindReverted {
		return h.Block.Hash
	}
	return ""
}

type heldKey struct {
	owner            ident.ID
	kind, txid, lost string
}

func (h Held) key() heldKey { return heldKey{h.Owner, h.Kind, h.TxID, h.Lost()} }

// retryAfter is how long what is held waits until it is tried again; retries is how much of it in one round.
const (
	retryAfter = time.Minute
	retries    = 100
)

// news is a thing that is held now, or no more.
type news struct {
	held  Held
	freed bool
	err   error // why it is held, the first time
}

// errWaits says that a thing was not tried: what came before it is held, and it is not known yet whether that still counts.
var errWaits = errors.New("what came before it is held")

// part does what concerns one owner apart from all others. What the owner was paid in blocks that are lost is taken back
// first, if that is held: else a height would confirm what stands in none of our blocks.
func (w *Watcher) part(ctx context.Context, network string, h Held, f func(ctx context.Context) error) error {
	w.parts++
	e, err := w.earlier(ctx, network, h)
	if err != nil {
		return err
	}
	if e.waits != "" {
		h.Code = e.waits
		return w.hold(ctx, network, h, errWaits)
	}
	refused, err := w.Book.Apart(ctx, func(ctx context.Context) error {
		for _, r := range e.lost {
			if err := w.Sink.Reverted(ctx, r.Owner, network, r.Block.Hash, e.moved, e.height); err != nil {
				return err
			}
		}
		return f(ctx)
	})
	if err != nil {
		return err
	}
	if refused != nil {
		h.Code = fault.Of(refused).Code
		return w.hold(ctx, network, h, refused)
	}
	for _, done := range append(slices.Concat(e.lost, e.back), h) {
		if err := w.free(ctx, network, done); err != nil {
			return err
		}
	}
	return nil
}

// earlier is what an owner has to take in before another thing.
type earlier struct {
	lost   []Held // the blocks it still counts on
	back   []Held // those that are on our chain again
	moved  chain.Moves
	height int64
	waits  string // the code of one of which we cannot tell without the node, whom nobody asks within a transaction
}

func (w *Watcher) earlier(ctx context.Context, network string, h Held) (earlier, error) {
	var e earlier
	if h.Kind == KindReverted {
		return e, nil
	}
	for _, r := range w.holding(h.Owner) {
		if r.Kind != KindReverted {
			continue
		}
		switch yes, sure, err := w.stands(ctx, network, r.Block, false); {
		case err != nil:
			return e, err
		case !sure:
			e.waits = r.Code
		case yes:
			e.back = append(e.back, r)
		default:
			e.lost = append(e.lost, r)
		}
	}
	if len(e.lost) == 0 {
		return e, nil
	}
	cursor, _, err := w.Book.Cursor(ctx, network)
	if err != nil {
		return e, err
	}
	e.height = w.counted(cursor.Tip.Height)
	var sure bool
	if e.moved, sure, err = w.moved(ctx, network, h.Owner, false); err != nil {
		return e, err
	}
	if !sure {
		e.waits = e.lost[0].Code
		return e, nil
	}
	if h.Kind == KindSeen && !h.Block.IsZero() {
		e.moved[h.TxID] = chain.Move{Block: h.Block}
	}
	return e, nil
}

// stands says whether a block is on our chain, if that is sure. Of a block older than our headers only the node knows.
func (w *Watcher) stands(ctx context.Context, network string, b chain.BlockRef, ask bool) (yes, sure bool, err error) {
	cursor, _, err := w.Book.Cursor(ctx, network)
	if err != nil || b.Height > cursor.Tip.Height {
		return false, true, err
	}
	ours, err := w.Book.Hash(ctx, network, b.Height)
	if err != nil || ours != "" {
		return ours == b.Hash, true, err
	}
	if !ask {
		return false, false, nil
	}
	there, err := w.Source.Header(ctx, b.Height)
	if err != nil {
		w.Log.Warn("what is held cannot be read again", "event", "held_unread", "network", network, "height", b.Height, "err", err)
		return false, false, nil
	}
	return there.Hash == b.Hash, true, nil
}

// holding is what is held of an owner by now, the transaction under way included.
func (w *Watcher) holding(owner ident.ID) []Held {
	there := map[heldKey]Held{}
	for k, h := range w.held {
		if h.Owner == owner {
			there[k] = h
		}
	}
	for _, n := range w.news {
		switch {
		case n.held.Owner != owner:
		case n.freed:
			delete(there, n.held.key())
		default:
			there[n.held.key()] = n.held
		}
	}
	return slices.SortedFunc(maps.Values(there), inOrder)
}

// inOrder is the order in which things are taken in: first what was lost, then what came instead.
func inOrder(a, b Held) int {
	order := []string{KindReverted, KindSeen, KindConflicted, KindEvicted, KindAdvanced}
	return cmp.Or(slices.Index(order, a.Kind)-slices.Index(order, b.Kind), cmp.Compare(a.Block.Height, b.Block.Height),
		a.First.Compare(b.First), cmp.Compare(a.TxID, b.TxID))
}

// hold writes down what an owner could not take in.
func (w *Watcher) hold(ctx context.Context, network string, h Held, refused error) error {
	fresh, err := w.Book.Hold(ctx, network, h)
	if !fresh {
		refused = nil
	}
	w.news = append(w.news, news{held: h, err: refused})
	return err
}

// free takes off what was held, if it was.
func (w *Watcher) free(ctx context.Context, network string, h Held) error {
	if !slices.ContainsFunc(w.holding(h.Owner), func(was Held) bool { return was.key() == h.key() }) {
		return nil
	}
	w.news = append(w.news, news{held: h, freed: true})
	return w.Book.Free(ctx, network, h)
}

// publish says what a transaction held and freed, after its commit.
func (w *Watcher) publish() {
	network := w.Source.Network().ID
	for _, n := range w.news {
		h := n.held
		if n.freed {
			delete(w.held, h.key())
			w.Log.Info("what was held is dealt with", "event", "sighting_freed", "network", network, "owner", h.Owner.Short(), "kind", h.Kind, "tx", h.TxID)
			continue
		}
		if w.held == nil {
			w.held = map[heldKey]Held{}
		}
		w.held[h.key()] = h
		if n.err != nil {
			w.Log.Error("an owner cannot take in what the chain did", "event", "sighting_held", "network", network, "owner", h.Owner.Short(),
				"kind", h.Kind, "tx", h.TxID, "height", h.Block.Height, "err", n.err)
		}
	}
	w.news = nil
}

// recall reads what is held.
func (w *Watcher) recall(ctx context.Context, network string) error {
	list, err := w.Book.Held(ctx, network)
	if err != nil {
		return err
	}
	w.held = make(map[heldKey]Held, len(list))
	for _, h := range list {
		w.held[h.key()] = h
	}
	maps.DeleteFunc(w.tried, func(k heldKey, _ time.Time) bool { _, still := w.held[k]; return !still })
	return nil
}

func (w *Watcher) due(h Held, now time.Time) bool {
	last := h.Last
	if at := w.tried[h.key()]; at.After(last) {
		last = at
	}
	return now.Sub(last) >= retryAfter
}

// again names the transactions of the mempool that owners are to be told of again.
func (w *Watcher) again(now time.Time) map[string]bool {
	ids := map[string]bool{}
	for _, h := range w.held {
		if h.Kind == KindSeen && h.Block.IsZero() && w.due(h, now) {
			ids[h.TxID] = true
		}
	}
	return ids
}

// retry tries again what has been held for a while.
func (w *Watcher) retry(ctx context.Context, network string, cursor Cursor, pool chain.Mempool, now time.Time) error {
	list := slices.SortedFunc(maps.Values(w.held), inOrder)
	list = slices.DeleteFunc(list, func(h Held) bool { return h.Last.IsZero() || !w.due(h, now) })
	for _, h := range list[:min(len(list), retries)] {
		if _, still := w.held[h.key()]; !still {
			continue
		}
		if w.tried == nil {
			w.tried = map[heldKey]time.Time{}
		}
		w.tried[h.key()] = now
		if err := w.retried(ctx, network, h, cursor, pool); err != nil {
			return err
		}
	}
	return nil
}

// retried tries one thing again, or forgets it if the chain has gone another way meanwhile.
func (w *Watcher) retried(ctx context.Context, network string, h Held, cursor Cursor, pool chain.Mempool) error {
	_, missing := w.missing[h.TxID]
	stands := h.Block.IsZero()
	if !stands {
		yes, sure, err := w.stands(ctx, network, h.Block, true)
		if err != nil || !sure {
			return err
		}
		stands = yes
	}
	again := func(f func(ctx context.Context) error) error {
		return w.guarded(ctx, func(ctx context.Context) error { return w.part(ctx, network, h, f) })
	}
	switch _, other := pool.IDs[h.Other]; {
	case h.Kind == KindReverted && !stands:
		moved, sure, err := w.moved(ctx, network, h.Owner, true)
		if err != nil || !sure {
			return err
		}
		return again(func(ctx context.Context) error {
			return w.Sink.Reverted(ctx, h.Owner, network, h.Block.Hash, moved, w.counted(cursor.Tip.Height))
		})
	case h.Kind == KindSeen && h.Block.IsZero():
		return nil // the pass looks after it
	case h.Kind == KindSeen && !stands: // it may come back: the pass looks after it from now on
		h.Block = chain.BlockRef{}
		return w.guarded(ctx, func(ctx context.Context) error { return w.hold(ctx, network, h, nil) })
	case h.Kind == KindSeen:
		return w.sightedAgain(ctx, network, h, cursor)
	case h.Kind == KindConflicted && stands && (other || !h.Block.IsZero()):
		return again(func(ctx context.Context) error {
			return w.Sink.Conflicted(ctx, h.Owner, network, h.TxID, h.Other, h.Block)
		})
	case h.Kind == KindEvicted && missing:
		return nil // likewise
	case h.Kind == KindAdvanced:
		return again(func(ctx context.Context) error {
			return w.Sink.Advanced(ctx, h.Owner, network, w.counted(cursor.Tip.Height))
		})
	}
	return w.guarded(ctx, func(ctx context.Context) error { return w.free(ctx, network, h) })
}

// moved is where on our chain transactions of an owner stand that it could not take in, if that is sure.
func (w *Watcher) moved(ctx context.Context, network string, owner ident.ID, ask bool) (chain.Moves, bool, error) {
	there := chain.Moves{}
	for _, h := range w.holding(owner) {
		if h.Kind != KindSeen || h.Block.IsZero() {
			continue
		}
		yes, sure, err := w.stands(ctx, network, h.Block, ask)
		if err != nil || !sure {
			return nil, false, err
		}
		if yes {
			there[h.TxID] = chain.Move{Block: h.Block}
		}
	}
	return there, true, nil
}

// sightedAgain fetches the block in which a transaction stands that its owner could not take in. A node that does not give
// it (it keeps only new blocks, or turns just now) is asked again later.
func (w *Watcher) sightedAgain(ctx context.Context, network string, h Held, cursor Cursor) error {
	b, err := w.Source.Block(ctx, h.Block.Height)
	if err != nil || b.Hash != h.Block.Hash {
		w.Log.Warn("what is held cannot be read again", "event", "held_unread", "network", network, "tx", h.TxID, "height", h.Block.Height, "err", err)
		return nil
	}
	p := place{block: b.BlockRef, tip: w.counted(cursor.Tip.Height), peak: cursor.Peak}
	i := slices.IndexFunc(b.Txs, func(tx chain.Tx) bool { return tx.ID == h.TxID })
	if i < 0 {
		return nil
	}
	f, err := w.find(ctx, network, b.BlockRef, b.Txs[i:i+1])
	if err != nil {
		return err
	}
	return w.guarded(ctx, func(ctx context.Context) error {
		for _, hit := range f.hits {
			if hit.owner == h.Owner {
				return w.sighted(ctx, network, f.txs[0], hit, p)
			}
		}
		return w.free(ctx, network, h)
	})
}
