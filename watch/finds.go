package watch

import (
	"context"
	"slices"
	"time"

	"checkout/chain"
	"checkout/ident"
)

// finds are what transactions do to us: whom they pay, and which coins they spend. They are looked up before the
// transaction that keeps them, so that nobody who writes waits for the outputs of a whole mempool.
type finds struct {
	txs    []chain.Tx
	owners map[string]ident.ID // by address
	// sisters own the addresses that are nobody's here on a sister network
	sisters map[string]ident.ID
	hits    []hit
	shared  []hit          // what pays shared addresses, by the merchants whose they are
	orphans []orphan       // what came to shared addresses and pays nobody
	astray  []hit          // what pays owners of the same address on a sister network
	spent   map[string]int // coin → the place in txs of what spends it
	mark    Mark
}

// hit is a transaction that pays an owner.
type hit struct {
	tx    int // its place in txs
	owner ident.ID
	outs  []chain.Transfer
}

// find looks transactions up that were read before. None of them can pay an address that is assigned only after they were
// read, unless somebody knew it beforehand: those are found by the mark, within the transaction (late).
func (w *Watcher) find(ctx context.Context, network string, block chain.BlockRef, txs []chain.Tx) (finds, error) {
	f := finds{txs: txs}
	if len(txs) == 0 {
		return f, nil
	}
	distinct := map[string]struct{}{}
	f.spent = make(map[string]int, len(txs))
	for i, tx := range txs {
		for _, out := range tx.Outputs {
			distinct[out.Address] = struct{}{}
		}
		for _, in := range tx.Inputs {
			f.spent[in] = i
		}
	}
	addresses := make([]string, 0, len(distinct))
	for a := range distinct {
		addresses = append(addresses, a)
	}
	var err error
	if f.mark, err = w.Book.Assigned(ctx, network); err != nil { // first: what is assigned from now on is found by it
		return f, err
	}
	if f.owners, err = w.Book.Owners(ctx, network, addresses); err != nil {
		return f, err
	}
	f.hits = match(txs, 0, f.owners)
	if err := w.findAstray(ctx, block, &f, addresses); err != nil {
		return f, err
	}
	accounts, err := w.findShared(ctx, network, block, &f)
	if err != nil {
		return f, err
	}
	if err := w.prove(ctx, block, &f); err != nil {
		return f, err
	}
	return f, w.claim(ctx, network, accounts, &f)
}

// match finds the transactions that pay owners; base is the place of the first one.
func match(txs []chain.Tx, base int, owners map[string]ident.ID) []hit {
	var hits []hit
	if len(owners) == 0 {
		return nil
	}
	for i, tx := range txs {
		first := len(hits)
		for _, out := range tx.Outputs {
			owner, ours := owners[out.Address]
			if !ours {
				continue
			}
			at := slices.IndexFunc(hits[first:], func(h hit) bool { return h.owner == owner })
			if at < 0 {
				at = len(hits) - first
				hits = append(hits, hit{tx: base + i, owner: owner})
			}
			hits[first+at].outs = append(hits[first+at].outs, out)
		}
	}
	return hits
}

// late finds what pays addresses that were assigned since the look-up began.
func (w *Watcher) late(ctx context.Context, network string, f finds, from, to int) ([]hit, error) {
	if from == to {
		return nil, nil
	}
	owners, err := w.Book.Since(ctx, network, f.mark)
	if err != nil {
		return nil, err
	}
	for a := range f.owners {
		delete(owners, a)
	}
	return match(f.txs[from:to], from, owners), nil
}

// date asks a node when the transactions that pay us came to it: of these alone, for a mempool's worth of such answers
// would be larger than the transactions themselves.
func (w *Watcher) date(ctx context.Context, f finds) error {
	dater, ok := w.Source.(Dater)
	if !ok {
		return nil
	}
	var ids []string
	for _, h := range f.hits {
		if tx := f.txs[h.tx]; tx.SeenAt.IsZero() && (len(ids) == 0 || ids[len(ids)-1] != tx.ID) {
			ids = append(ids, tx.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	times, err := dater.Arrivals(ctx, ids)
	if err != nil {
		return err
	}
	for _, h := range f.hits {
		if tx := &f.txs[h.tx]; tx.SeenAt.IsZero() {
			tx.SeenAt = times[tx.ID]
		}
	}
	return nil
}

// portion is how many payments of a mempool are taken in at once: others want to write, too.
const portion = 100

// cut is the place before which a portion of the transactions ends that begins at a place.
func (f finds) cut(from int) int {
	n, _ := slices.BinarySearchFunc(f.hits, from, func(h hit, place int) int { return h.tx - place })
	if n+portion < len(f.hits) {
		return max(f.hits[n+portion].tx, from+1)
	}
	return len(f.txs)
}

// report tells of the transactions between two places: what they pay to our addresses, and what they conflict with.
func (w *Watcher) report(ctx context.Context, network string, f finds, from, to int, p place) error {
	late, err := w.late(ctx, network, f, from, to)
	if err != nil {
		return err
	}
	if _, proves := w.Source.(Prover); proves && len(late) > 0 && !p.block.IsZero() { // nobody asks a node within a transaction
		return ErrUnproven
	}
	for _, h := range slices.Concat(f.hits, late) {
		if h.tx < from || h.tx >= to {
			continue
		}
		if err := w.sighted(ctx, network, f.txs[h.tx], h, p); err != nil {
			return err
		}
	}
	for _, o := range f.orphans {
		if o.tx < from || o.tx >= to {
			continue
		}
		if err := w.keepOrphan(ctx, o, late, p); err != nil {
			return err
		}
	}
	for _, h := range f.astray {
		if h.tx < from || h.tx >= to {
			continue
		}
		if err := w.strayed(ctx, network, f.txs[h.tx], h, p); err != nil {
			return err
		}
	}
	return w.conflicts(ctx, network, f, from, to, p.block)
}

// place is where transactions were found: a block or none, the height confirmations are counted from, and what dates them.
type place struct {
	block chain.BlockRef
	tip   int64
	peak  int64 // of the cursor
	at    time.Time
}

// firstSight is the node's arrival time, else the start of a gap; zero is now.
func firstSight(tx chain.Tx, gap time.Time) time.Time {
	if !tx.SeenAt.IsZero() {
		return tx.SeenAt
	}
	return gap
}

// sighted reports what one transaction pays to one owner.
func (w *Watcher) sighted(ctx context.Context, network string, tx chain.Tx, h hit, p place) error {
	held := Held{Owner: h.owner, Kind: KindSeen, TxID: tx.ID, Block: p.block, Met: firstSight(tx, p.at)}
	if was := w.held[held.key()]; !was.Met.IsZero() && (held.Met.IsZero() || was.Met.Before(held.Met)) {
		held.Met = was.Met // it was there before, only its owner could not take it in
	}
	err := w.part(ctx, network, held, func(ctx context.Context) error {
		for _, out := range h.outs {
			err := w.Sink.Seen(ctx, h.owner, chain.Sighting{
				Tx: tx, Transfer: out, Block: p.block, Turned: !p.block.IsZero() && p.block.Height <= p.peak, Tip: p.tip, At: held.Met,
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || !p.block.IsZero() || len(tx.Raw) == 0 {
		return err
	}
	return w.Book.KeepRaw(ctx, network, tx.ID, tx.Raw)
}

// conflicts finds transactions that spend what an open payment spends. The open payments are read within the transaction:
// a reorganisation has just opened some again.
func (w *Watcher) conflicts(ctx context.Context, network string, f finds, from, to int, block chain.BlockRef) error {
	if from == to {
		return nil
	}
	open, err := w.Book.OpenPayments(ctx, network)
	if err != nil {
		return err
	}
	told := map[string]bool{}
	for _, o := range open {
		for _, in := range o.Inputs {
			place, spent := f.spent[in]
			if !spent || place < from || place >= to || (o.InBlock && block.IsZero()) {
				continue
			}
			other := f.txs[place].ID
			key := string(o.Owner) + o.TxID + other
			if other == o.TxID || told[key] {
				continue
			}
			told[key] = true
			held := Held{Owner: o.Owner, Kind: KindConflicted, TxID: o.TxID, Other: other, Block: block}
			err := w.part(ctx, network, held, func(ctx context.Context) error {
				return w.Sink.Conflicted(ctx, o.Owner, network, o.TxID, other, block)
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
