package watch

import (
	"context"
	"fmt"
	"time"

	"checkout/chain"
)

// branch is the way from our chain to the node's: the blocks we give up, newest first, and the ones we take instead,
// oldest first.
type branch struct {
	ancestor chain.BlockRef
	lost     []chain.BlockRef
	gained   []chain.Block
}

// reorganise turns to the node's branch in one transaction: back to the common ancestor and forward until we stand at
// least as high as before. Doing both at once means that a payment which only moved to another block is never reported
// as lost. The rest of the new branch follows block by block.
func (w *Watcher) reorganise(ctx context.Context, cursor Cursor, tip chain.BlockRef, at time.Time) error {
	br, err := w.branch(ctx, cursor, tip)
	if err != nil {
		return err
	}
	network := w.Source.Network().ID
	height := w.counted(br.gained[len(br.gained)-1].Height)
	w.Log.Warn("chain reorganised", "event", "reorg", "network", network, "depth", len(br.lost),
		"from", cursor.Tip.Hash, "to", br.gained[len(br.gained)-1].Hash)
	found := make([]finds, len(br.gained))
	moved := chain.Moves{}
	for i, b := range br.gained {
		if found[i], err = w.find(ctx, network, b.BlockRef, b.Txs); err != nil {
			return err
		}
		for _, tx := range found[i].txs {
			moved[tx.ID] = chain.MoveOf(tx, b.BlockRef)
		}
	}
	w.known = nil // a transaction may count again that a lost block had decided against
	err = w.guarded(ctx, func(ctx context.Context) error {
		if err := w.Book.Rewind(ctx, network, br.ancestor, cursor.Tip); err != nil {
			return err
		}
		for _, b := range br.gained {
			if err := w.Book.Extend(ctx, network, b.Header); err != nil {
				return err
			}
		}
		for _, lost := range br.lost {
			if err := w.reverted(ctx, network, lost, moved, height); err != nil {
				return err
			}
		}
		for i, b := range br.gained {
			p := place{block: b.BlockRef, tip: height, peak: max(cursor.Peak, cursor.Tip.Height), at: at}
			if err := w.report(ctx, network, found[i], 0, len(b.Txs), p); err != nil {
				return err
			}
		}
		return w.advanced(ctx, network, height)
	})
	if err == nil {
		w.reorgs = cursor.Reorgs + 1
	}
	return err
}

// reverted tells every owner with payments in a block that it left the chain.
func (w *Watcher) reverted(ctx context.Context, network string, lost chain.BlockRef, moved chain.Moves, height int64) error {
	if err := w.Book.DropUnmatched(ctx, network, lost.Hash); err != nil {
		return err
	}
	owners, err := w.Sink.InBlock(ctx, network, lost.Hash)
	if err != nil {
		return err
	}
	for _, owner := range owners {
		err := w.part(ctx, network, Held{Owner: owner, Kind: KindReverted, Block: lost}, func(ctx context.Context) error {
			return w.Sink.Reverted(ctx, owner, network, lost.Hash, moved, height)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// branch walks back to the common ancestor and fetches the new branch up to our old height, or to its tip if that is
// nearer. The node may turn again while we ask; then the blocks do not fit together and the next round starts anew.
func (w *Watcher) branch(ctx context.Context, cursor Cursor, tip chain.BlockRef) (branch, error) {
	network := w.Source.Network().ID
	var br branch
	ours := cursor.Tip
	for {
		if len(br.lost) > MaxReorg {
			return branch{}, ErrHalted.Because(fmt.Errorf("no common block within %d of %d", MaxReorg, cursor.Tip.Height))
		}
		theirs, err := w.Source.Header(ctx, ours.Height)
		if err != nil {
			return branch{}, err
		}
		if theirs.Hash == ours.Hash {
			br.ancestor = ours
			break
		}
		br.lost = append(br.lost, ours)
		below, err := w.Book.Hash(ctx, network, ours.Height-1)
		if err != nil {
			return branch{}, err
		}
		if below == "" {
			return branch{}, ErrHalted.Because(fmt.Errorf("no header kept below %d", ours.Height))
		}
		ours = chain.BlockRef{Height: ours.Height - 1, Hash: below}
	}
	if len(br.lost) == 0 {
		return branch{}, ErrInvalid.Because(fmt.Errorf("block %d does not follow the node's own block %d", cursor.Tip.Height+1, cursor.Tip.Height))
	}
	parent := br.ancestor.Hash
	for height := br.ancestor.Height + 1; height <= min(cursor.Tip.Height, tip.Height); height++ {
		b, err := w.Source.Block(ctx, height)
		if err != nil {
			return branch{}, err
		}
		if b.Parent != parent {
			return branch{}, ErrUnknown.Because(fmt.Errorf("the branch changed at %d", height))
		}
		br.gained = append(br.gained, b)
		parent = b.Hash
	}
	if len(br.gained) == 0 {
		return branch{}, ErrBehind
	}
	return br, nil
}
