package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"checkout/chain"
	"checkout/fault"
)

// Watcher follows one network. Only one runs at a time for each network, by lease.
type Watcher struct {
	Source Source
	Book   Book
	Sink   Sink
	Lease  Lease
	Every  time.Duration // between two looks when all is well
	Log    *slog.Logger
	// EvictAfter is how long a transaction may be missing from the mempool, with nothing in its place, before it counts
	// as dropped. That it is missing does not mean that it cannot confirm: nodes forget their mempools, and nobody sends it
	// to ours again. So it is offered to the node meanwhile, and dropped only if the node says that it never can (lost.go).
	EvictAfter time.Duration
	// Sisters are networks where addresses are the same as on this one: who owns an address there is told of what comes to it
	// here.
	Sisters []string
	// Dust says whether a transfer to a shared address is too small to be kept in anybody's inbox: anyone can send thousands. nil:
	// none is.
	Dust func(t chain.Transfer) bool

	known   map[string]struct{} // mempool transactions looked at
	missing map[string]lost     // payments' transactions that are absent
	passed  bool                // a complete pass was made since the start or the last trouble
	reorgs  int64               // how many there were when known was begun
	status  string              // what we last kept, empty when another watcher may have kept something else
	told    string              // what the log was last told

	held  map[heldKey]Held      // what owners could not take in, as the round began
	tried map[heldKey]time.Time // when it was tried in vain without their being asked
	news  []news                // what the transaction under way holds or frees
	parts int                   // how many parts it has

	reconciled time.Time // when balances were last compared
	compared   Holding   // the last one of those, where the next ones go on

	ceiling int64 // the height a Finalizer allows confirmations to be counted from
}

// maxBackoff bounds the wait after errors; gap is how long nobody may have looked for it to count as normal running.
const (
	maxBackoff = 30 * time.Second
	gap        = 30 * time.Second
)

// Run follows the network until ctx ends, backing off while the node gives no answers.
func (w *Watcher) Run(ctx context.Context) error {
	wait := w.Every
	for {
		switch err := w.RunOnce(ctx); {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			wait = w.Every
		default:
			w.trouble(ctx, err)
			wait = min(max(wait*2, time.Second), maxBackoff)
		}
		jittered := wait + time.Duration(rand.Int64N(int64(wait)/5+1)) //nolint:gosec // jitter needs no secrecy
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(jittered):
		}
	}
}

// trouble writes down what is wrong, once for each change; what could not be kept is tried again.
func (w *Watcher) trouble(ctx context.Context, err error) {
	code := "error"
	if f, ok := errors.AsType[*fault.Error](err); ok {
		code = f.Code
	}
	switch code {
	case ErrBehind.Code:
		code = StatusBehind
	case ErrHalted.Code:
		code = StatusHalted
	}
	network := w.Source.Network().ID
	if w.told != code {
		w.told = code
		w.Log.Warn("chain trouble", "event", logEvent(code), "network", network, "status", code, "err", err)
	}
	if w.status == code {
		return
	}
	if err := w.Book.SetStatus(ctx, network, code); err != nil {
		w.Log.Warn("status not kept", "event", "status_not_kept", "network", network, "err", err)
		return
	}
	w.status = code
}

func logEvent(code string) string {
	switch code {
	case "wrong_network":
		return "chain_mismatch"
	case "block_invalid":
		return "block_invalid"
	}
	return "chain_trouble"
}

// RunOnce takes over every block the node has and looks once at its mempool. It returns the first trouble; what was
// applied before stays, and the next pass comes after a gap.
func (w *Watcher) RunOnce(ctx context.Context) error {
	held, err := w.Lease.Hold(ctx)
	if err == nil && held {
		err = w.round(ctx)
	}
	if err != nil {
		w.passed = false
		w.missing = nil // what was not looked at was not seen to be away
	} else if !held { // what we remember will be old when we are asked again
		w.known, w.missing, w.passed, w.status, w.tried = nil, nil, false, "", nil
	}
	return err
}

func (w *Watcher) round(ctx context.Context) error {
	network := w.Source.Network().ID
	start, err := w.Book.Now(ctx)
	if err != nil {
		return err
	}
	if err := w.recall(ctx, network); err != nil {
		return err
	}
	cursor, err := w.follow(ctx, start)
	if errors.Is(err, ErrBehind) || errors.Is(err, ErrHalted) {
		turned, trouble := w.turn(ctx)
		switch {
		case trouble != nil:
			return trouble
		case turned:
			cursor, err = w.follow(ctx, start)
		}
	}
	if err != nil {
		return err
	}
	again := w.again(start)
	pool, err := w.Source.Mempool(ctx, func(id string) bool { _, ok := w.known[id]; return ok && !again[id] })
	if err != nil {
		return err
	}
	if pool.Tip.Hash != cursor.Tip.Hash {
		return nil // a block came meanwhile: the next round takes it over and looks again
	}
	if err := w.pass(ctx, network, cursor, pool, start); err != nil {
		return err
	}
	if err := w.offer(ctx, network, start); err != nil {
		return err
	}
	if err := w.reconcile(ctx, network, cursor, start); err != nil {
		return err
	}
	return w.retry(ctx, network, cursor, pool, start)
}

// follow brings the cursor to the node's tip. now is when the round began.
func (w *Watcher) follow(ctx context.Context, now time.Time) (Cursor, error) {
	network := w.Source.Network().ID
	tip, err := w.Source.Tip(ctx)
	if err != nil {
		return Cursor{}, err
	}
	cursor, ok, err := w.Book.Cursor(ctx, network)
	if err != nil {
		return Cursor{}, err
	}
	if !ok {
		return w.start(ctx, tip)
	}
	if err := w.limit(ctx, cursor, tip); err != nil {
		return cursor, err
	}
	if cursor.Reorgs != w.reorgs { // somebody else has turned; see reorganise
		w.known, w.reorgs = nil, cursor.Reorgs
	}
	for {
		switch {
		case tip.Height < cursor.Tip.Height:
			return cursor, ErrBehind
		case tip == cursor.Tip:
			return cursor, w.ripen(ctx, cursor)
		}
		if err := w.step(ctx, cursor, tip, w.gapStart(cursor, now)); err != nil {
			return cursor, err
		}
		if cursor, _, err = w.Book.Cursor(ctx, network); err != nil {
			return cursor, err
		}
		if cursor.Tip.Height >= tip.Height {
			if tip, err = w.Source.Tip(ctx); err != nil {
				return cursor, err
			}
			if err := w.limit(ctx, cursor, tip); err != nil {
				return cursor, err
			}
		}
	}
}

// start sets the first cursor: the node's tip. Nothing was assigned before, so nothing older can concern us; but the
// headers below it are kept too, so that a reorganisation may go deeper than where we began.
func (w *Watcher) start(ctx context.Context, tip chain.BlockRef) (Cursor, error) {
	headers, err := w.headers(ctx, max(0, tip.Height-MaxReorg), tip.Height)
	if err != nil {
		return Cursor{}, err
	}
	for i, h := range headers {
		if i > 0 && h.Parent != headers[i-1].Hash {
			return Cursor{}, ErrUnknown.Because(fmt.Errorf("the branch changed at %d", h.Height))
		}
	}
	err = w.guarded(ctx, func(ctx context.Context) error {
		for _, h := range headers {
			if err := w.Book.Extend(ctx, w.Source.Network().ID, h); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Cursor{}, err
	}
	cursor, _, err := w.Book.Cursor(ctx, w.Source.Network().ID)
	return cursor, err
}

// headers asks for the headers from one height to another, in order.
func (w *Watcher) headers(ctx context.Context, from, to int64) ([]chain.Header, error) {
	if lister, ok := w.Source.(Lister); ok {
		return lister.Headers(ctx, from, to)
	}
	var list []chain.Header
	for height := from; height <= to; height++ {
		h, err := w.Source.Header(ctx, height)
		if err != nil {
			return nil, err
		}
		list = append(list, h)
	}
	return list, nil
}

// step takes one block over, or turns to another branch. at dates what it finds.
func (w *Watcher) step(ctx context.Context, cursor Cursor, tip chain.BlockRef, at time.Time) error {
	if tip.Height == cursor.Tip.Height { // same height, other block
		return w.reorganise(ctx, cursor, tip, at)
	}
	block, err := w.Source.Block(ctx, cursor.Tip.Height+1)
	if err != nil {
		return err
	}
	if block.Parent != cursor.Tip.Hash {
		return w.reorganise(ctx, cursor, tip, at)
	}
	f, err := w.find(ctx, w.Source.Network().ID, block.BlockRef, block.Txs)
	if err != nil {
		return err
	}
	return w.guarded(ctx, func(ctx context.Context) error {
		return w.apply(ctx, block.Header, f, place{block: block.BlockRef, tip: w.counted(block.Height), peak: cursor.Peak, at: at})
	})
}

// gapStart dates what is found before the first complete pass after a gap: the start of the gap, so that doubt goes to
// the payer. Zero, "now", in normal running. A machine that was asleep has a gap, too.
func (w *Watcher) gapStart(cursor Cursor, now time.Time) time.Time {
	if w.passed && now.Sub(cursor.Through) < gap {
		return time.Time{}
	}
	return cursor.Through
}

// guarded runs a transaction that only the lease's holder may make.
func (w *Watcher) guarded(ctx context.Context, f func(ctx context.Context) error) error {
	err := w.Book.Together(ctx, func(ctx context.Context) error {
		w.news, w.parts = nil, 0
		if err := w.Lease.Guard(ctx); err != nil {
			return err
		}
		if err := f(ctx); err != nil || w.parts == 0 {
			return err
		}
		return w.Book.DropRaws(ctx, w.Source.Network().ID)
	})
	if err == nil {
		w.publish()
	}
	return err
}

// apply does everything a block changes.
func (w *Watcher) apply(ctx context.Context, h chain.Header, f finds, p place) error {
	network := w.Source.Network().ID
	if err := w.Book.Extend(ctx, network, h); err != nil {
		return err
	}
	if err := w.report(ctx, network, f, 0, len(f.txs), p); err != nil {
		return err
	}
	return w.advanced(ctx, network, p.tip)
}

// advanced tells every owner with unconfirmed payments of a new height that confirmations are counted from.
func (w *Watcher) advanced(ctx context.Context, network string, height int64) error {
	if err := w.keepCounted(ctx, network, height); err != nil {
		return err
	}
	owners, err := w.Sink.Unfinished(ctx, network)
	if err != nil {
		return err
	}
	for _, owner := range owners {
		err := w.part(ctx, network, Held{Owner: owner, Kind: KindAdvanced}, func(ctx context.Context) error {
			return w.Sink.Advanced(ctx, owner, network, height)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// pass takes a mempool in: new transfers, conflicts, and what is gone. It raises the evidence to the instant before the
// node was asked. Of a large mempool it takes in a portion at a time, and remembers what was committed.
func (w *Watcher) pass(ctx context.Context, network string, cursor Cursor, pool chain.Mempool, start time.Time) error {
	f, err := w.find(ctx, network, chain.BlockRef{}, pool.Txs)
	if err != nil {
		return err
	}
	if err := w.date(ctx, f); err != nil {
		return err
	}
	p := place{tip: w.counted(cursor.Tip.Height), peak: cursor.Peak, at: w.gapStart(cursor, start)}
	from := 0
	for to := f.cut(from); to < len(f.txs); to = f.cut(from) {
		err := w.guarded(ctx, func(ctx context.Context) error { return w.report(ctx, network, f, from, to, p) })
		if err != nil {
			return err
		}
		w.know(f.txs[from:to])
		from = to
	}
	var missing map[string]lost
	err = w.guarded(ctx, func(ctx context.Context) error {
		if err := w.report(ctx, network, f, from, len(f.txs), p); err != nil {
			return err
		}
		var err error
		if missing, err = w.absent(ctx, network, pool, start); err != nil {
			return err
		}
		return w.Book.Reached(ctx, network, start)
	})
	if err != nil {
		return err
	}
	w.remember(pool, missing)
	if w.status = StatusOK; w.told != StatusOK {
		w.told = StatusOK
		w.Log.Info("chain followed", "event", "chain_ok", "network", network, "height", cursor.Tip.Height)
	}
	return nil
}

// know remembers transactions of the mempool, only after they were committed.
func (w *Watcher) know(txs []chain.Tx) {
	if w.known == nil {
		w.known = make(map[string]struct{}, len(txs))
	}
	for _, tx := range txs {
		w.known[tx.ID] = struct{}{}
	}
}

// remember keeps what a whole pass looked at, only after it was committed.
func (w *Watcher) remember(pool chain.Mempool, missing map[string]lost) {
	known := make(map[string]struct{}, len(pool.IDs))
	for id := range pool.IDs {
		known[id] = struct{}{}
	}
	w.known, w.missing, w.passed = known, missing, true
}
