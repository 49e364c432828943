package watch

import (
	"context"

	"checkout/chain"
	"checkout/fault"
	"checkout/ident"
)

// A node whose branch the watcher does not turn to by itself, because it parts from ours too deep or is shorter, may be
// right: a private chain was set up anew. A person says so (Book.Accept), and the watcher carries it out at its next look,
// if the node is on that branch then.

// ErrUnseen says that a network was never followed.
var ErrUnseen = fault.New(fault.Conflict, "network_unseen", "This network has not been followed yet.")

// Fork is where our chain and the node's part.
type Fork struct {
	Ours, Theirs chain.BlockRef // the tips
	Common       chain.Header   // the last block both have
	Kept         bool           // we hold its header
	// Lost are the blocks of ours the node does not have, the newest first: all we hold, and of older ones those that
	// payments stand in.
	Lost []chain.BlockRef
}

// Depth is how many blocks are given up to get to the node's branch.
func (f Fork) Depth() int64 { return f.Ours.Height - f.Common.Height }

// Stuck says whether the watcher waits for a person, or for the node to come back.
func (f Fork) Stuck() bool {
	return f.Theirs.Height < f.Ours.Height || !f.Kept || f.Depth() > MaxReorg
}

// Fork looks where our chain and the node's part; it changes nothing.
func (w *Watcher) Fork(ctx context.Context) (Fork, error) {
	network := w.Source.Network().ID
	cursor, ok, err := w.Book.Cursor(ctx, network)
	if err != nil {
		return Fork{}, err
	}
	if !ok {
		return Fork{}, ErrUnseen
	}
	f := Fork{Ours: cursor.Tip, Kept: true}
	if f.Theirs, err = w.Source.Tip(ctx); err != nil {
		return f, err
	}
	held, err := w.Book.Headers(ctx, network)
	if err != nil {
		return f, err
	}
	found, err := w.common(ctx, held, &f)
	if err != nil || found {
		return f, err
	}
	f.Kept = false
	older, err := w.Book.Stood(ctx, network, held[len(held)-1].Height)
	if err != nil {
		return f, err
	}
	if found, err = w.common(ctx, older, &f); err != nil || found {
		return f, err
	}
	f.Common, err = w.Source.Header(ctx, 0) // all chains of a network begin with the same block
	return f, err
}

// common finds the newest of our blocks that the node has; those it does not have are lost.
func (w *Watcher) common(ctx context.Context, ours []chain.BlockRef, f *Fork) (bool, error) {
	for _, b := range ours {
		if b.Height <= f.Theirs.Height {
			h, err := w.Source.Header(ctx, b.Height)
			if err != nil {
				return false, err
			}
			if h.Hash == b.Hash {
				f.Common = h
				return true, nil
			}
		}
		f.Lost = append(f.Lost, b)
	}
	return false, nil
}

// Concerned are the owners of payments in the blocks that would be given up.
func (w *Watcher) Concerned(ctx context.Context, f Fork) (map[ident.ID]bool, error) {
	owners := map[ident.ID]bool{}
	for _, b := range f.Lost {
		list, err := w.Sink.InBlock(ctx, w.Source.Network().ID, b.Hash)
		if err != nil {
			return nil, err
		}
		for _, owner := range list {
			owners[owner] = true
		}
	}
	return owners, nil
}

// turn gives our branch up for the node's if a person accepted that. Payments in lost blocks are taken back; what stands
// in the node's branch is found again block by block, as after a gap.
func (w *Watcher) turn(ctx context.Context) (bool, error) {
	network := w.Source.Network().ID
	wanted, ok, err := w.Book.Accepted(ctx, network)
	if err != nil || !ok {
		return false, err
	}
	there, err := w.Source.Header(ctx, wanted.Height)
	if err != nil && fault.Of(err).Code != ErrUnknown.Code {
		return false, err
	}
	if err != nil || there.Hash != wanted.Hash {
		w.Log.Warn("the node has left the branch that was accepted", "event", "accepted_gone", "network", network, "height", wanted.Height, "hash", wanted.Hash)
		return false, nil //nolint:nilerr // what keeps us from going on is told already
	}
	f, err := w.Fork(ctx)
	if err != nil || !f.Stuck() {
		return false, err
	}
	w.known, w.missing, w.passed, w.status = nil, nil, false, ""
	err = w.guarded(ctx, func(ctx context.Context) error {
		back := func() error { return w.Book.Rewind(ctx, network, f.Common.BlockRef, f.Ours) }
		if !f.Kept {
			back = func() error { return w.Book.Restart(ctx, network, f.Common, f.Ours) }
		}
		if err := back(); err != nil {
			return err
		}
		for _, lost := range f.Lost {
			if err := w.reverted(ctx, network, lost, nil, w.counted(f.Common.Height)); err != nil {
				return err
			}
		}
		if err := w.shallower(ctx, network, f); err != nil {
			return err
		}
		if err := w.Book.SetStatus(ctx, network, StatusStarting); err != nil {
			return err
		}
		return w.Book.Turned(ctx, network)
	})
	if err != nil {
		return false, err
	}
	w.Log.Warn("our branch was given up for the node's, as accepted", "event", "chain_accepted", "network", network, "depth", f.Depth(),
		"from", f.Ours.Hash, "to", f.Common.Hash, "height", f.Common.Height)
	return true, nil
}

// shallower tells the owners of payments that both branches have how deep these are in a shorter one: no longer deep
// enough, it may be, and only unconfirmed payments are told of the blocks that follow.
func (w *Watcher) shallower(ctx context.Context, network string, f Fork) error {
	if f.Theirs.Height >= f.Ours.Height {
		return nil
	}
	stood, err := w.Book.Stood(ctx, network, f.Common.Height+1)
	if err != nil {
		return err
	}
	told := map[ident.ID]bool{}
	for _, b := range stood {
		if b.Height <= f.Theirs.Height-Keep {
			return nil
		}
		owners, err := w.Sink.InBlock(ctx, network, b.Hash)
		if err != nil {
			return err
		}
		for _, owner := range owners {
			if told[owner] {
				continue
			}
			told[owner] = true
			err := w.part(ctx, network, Held{Owner: owner, Kind: KindAdvanced}, func(ctx context.Context) error {
				return w.Sink.Advanced(ctx, owner, network, w.counted(f.Theirs.Height))
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
