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
	"checkout/ident"
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
	// as dropped. A node that restarted with an empty mempool gets its transactions back within this time.
	EvictAfter time.Duration

	known   map[string]struct{}  // mempool transactions looked at
	missing map[string]time.Time // since when a payment's transaction is absent
	passed  bool                 // a complete pass was made since the start or the last trouble
	status  string               // what we last kept, empty when another watcher may have kept something else
	told    string               // what the log was last told
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
		w.known, w.missing, w.passed, w.status = nil, nil, false, ""
	}
	return err
}

func (w *Watcher) round(ctx context.Context) error {
	network := w.Source.Network().ID
	start, err := w.Book.Now(ctx)
	if err != nil {
		return err
	}
	cursor, err := w.follow(ctx, start)
	if err != nil {
		return err
	}
	pool, err := w.Source.Mempool(ctx, func(id string) bool { _, ok := w.known[id]; return ok })
	if err != nil {
		return err
	}
	if pool.Tip.Hash != cursor.Tip.Hash {
		return nil // a block came meanwhile: the next round takes it over and looks again
	}
	evicted, err := w.pass(ctx, network, cursor, pool, start)
	if err != nil {
		return err
	}
	w.remember(pool, evicted)
	return nil
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
	for {
		switch {
		case tip.Height < cursor.Tip.Height:
			return cursor, ErrBehind
		case tip == cursor.Tip:
			return cursor, nil
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
		}
	}
}

// start sets the first cursor: the node's tip. Nothing was assigned before, so nothing older can concern us; but the
// headers below it are kept too, so that a reorganisation may go deeper than where we began.
func (w *Watcher) start(ctx context.Context, tip chain.BlockRef) (Cursor, error) {
	var headers []chain.Header
	for height := max(0, tip.Height-MaxReorg); height <= tip.Height; height++ {
		h, err := w.Source.Header(ctx, height)
		if err != nil {
			return Cursor{}, err
		}
		if n := len(headers); n > 0 && h.Parent != headers[n-1].Hash {
			return Cursor{}, ErrUnknown.Because(fmt.Errorf("the branch changed at %d", height))
		}
		headers = append(headers, h)
	}
	err := w.guarded(ctx, func(ctx context.Context) error {
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
	return w.guarded(ctx, func(ctx context.Context) error {
		return w.apply(ctx, block, at)
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

func (w *Watcher) guarded(ctx context.Context, f func(ctx context.Context) error) error {
	return w.Book.Together(ctx, func(ctx context.Context) error {
		if err := w.Lease.Guard(ctx); err != nil {
			return err
		}
		return f(ctx)
	})
}

// apply does everything a block changes.
func (w *Watcher) apply(ctx context.Context, b chain.Block, at time.Time) error {
	network := w.Source.Network().ID
	if err := w.Book.Extend(ctx, network, b.Header); err != nil {
		return err
	}
	if err := w.txs(ctx, network, b.Txs, place{block: b.BlockRef, tip: b.Height, at: at}); err != nil {
		return err
	}
	return w.Sink.Advanced(ctx, network, b.Height)
}

// place is where transactions were found: a block or none, the height confirmations are counted from, and what dates them.
type place struct {
	block  chain.BlockRef
	turned bool // the block came by a reorganisation
	tip    int64
	at     time.Time
}

// txs reports transfers to our addresses, and conflicts with payments that are still open.
func (w *Watcher) txs(ctx context.Context, network string, txs []chain.Tx, p place) error {
	owners, err := w.owners(ctx, network, txs)
	if err != nil {
		return err
	}
	for _, tx := range txs {
		for _, out := range tx.Outputs {
			owner, ours := owners[out.Address]
			if !ours {
				continue
			}
			seen := chain.Sighting{Tx: tx, Transfer: out, Block: p.block, Turned: p.turned, Tip: p.tip, At: firstSight(tx, p.at)}
			if err := w.Sink.Seen(ctx, owner, seen); err != nil {
				return err
			}
		}
	}
	return w.conflicts(ctx, network, txs, p.block)
}

// firstSight is the node's arrival time, else the start of a gap; zero is now.
func firstSight(tx chain.Tx, gap time.Time) time.Time {
	if !tx.SeenAt.IsZero() {
		return tx.SeenAt
	}
	return gap
}

func (w *Watcher) owners(ctx context.Context, network string, txs []chain.Tx) (map[string]ident.ID, error) {
	distinct := map[string]struct{}{}
	for _, tx := range txs {
		for _, out := range tx.Outputs {
			distinct[out.Address] = struct{}{}
		}
	}
	list := make([]string, 0, len(distinct))
	for a := range distinct {
		list = append(list, a)
	}
	if len(list) == 0 {
		return nil, nil
	}
	return w.Book.Owners(ctx, network, list)
}

// conflicts finds transactions that spend what an open payment spends.
func (w *Watcher) conflicts(ctx context.Context, network string, txs []chain.Tx, block chain.BlockRef) error {
	open, err := w.Book.OpenPayments(ctx, network)
	if err != nil || len(open) == 0 {
		return err
	}
	spent := map[string][]Open{}
	for _, o := range open {
		for _, in := range o.Inputs {
			spent[in] = append(spent[in], o)
		}
	}
	told := map[string]bool{}
	for _, tx := range txs {
		for _, in := range tx.Inputs {
			for _, o := range spent[in] {
				key := string(o.Owner) + o.TxID + tx.ID
				if o.TxID == tx.ID || told[key] || (o.InBlock && block.IsZero()) {
					continue
				}
				told[key] = true
				if err := w.Sink.Conflicted(ctx, o.Owner, network, o.TxID, tx.ID, block); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// pass takes a mempool in: new transfers, conflicts, and what is gone. It raises the evidence to the instant before the
// node was asked.
func (w *Watcher) pass(ctx context.Context, network string, cursor Cursor, pool chain.Mempool, start time.Time) (map[string]time.Time, error) {
	at := w.gapStart(cursor, start)
	var missing map[string]time.Time
	err := w.guarded(ctx, func(ctx context.Context) error {
		if err := w.txs(ctx, network, pool.Txs, place{tip: cursor.Tip.Height, at: at}); err != nil {
			return err
		}
		var err error
		if missing, err = w.absent(ctx, network, pool, start); err != nil {
			return err
		}
		return w.Book.Reached(ctx, network, start)
	})
	if err != nil {
		return missing, err
	}
	if w.status = StatusOK; w.told != StatusOK {
		w.told = StatusOK
		w.Log.Info("chain followed", "event", "chain_ok", "network", network, "height", cursor.Tip.Height)
	}
	return missing, nil
}

// absent finds open payments whose transaction is in no block and not in the mempool, and drops them when they have been
// away for too long. It returns since when each is away.
func (w *Watcher) absent(ctx context.Context, network string, pool chain.Mempool, now time.Time) (map[string]time.Time, error) {
	open, err := w.Book.OpenPayments(ctx, network)
	if err != nil {
		return nil, err
	}
	missing := map[string]time.Time{}
	for _, o := range open {
		if _, there := pool.IDs[o.TxID]; there || o.InBlock || o.Settled {
			continue
		}
		since, known := w.missing[o.TxID]
		if !known {
			since = now
		}
		missing[o.TxID] = since
		if now.Sub(since) >= w.EvictAfter {
			if err := w.Sink.Evicted(ctx, o.Owner, network, o.TxID); err != nil {
				return nil, err
			}
		}
	}
	return missing, nil
}

// remember keeps what was looked at, only after it was committed.
func (w *Watcher) remember(pool chain.Mempool, missing map[string]time.Time) {
	known := make(map[string]struct{}, len(pool.IDs))
	for id := range pool.IDs {
		known[id] = struct{}{}
	}
	w.known, w.missing, w.passed = known, missing, true
}
