package watch

import (
	"context"
	"fmt"
	"slices"

	"checkout/chain"
)

// limit asks a Finalizer how far confirmations count. What was counted once stays counted: a network that takes its finality
// back is not followed until it is as far again.
func (w *Watcher) limit(ctx context.Context, cursor Cursor, tip chain.BlockRef) error {
	f, ok := w.Source.(Finalizer)
	if !ok {
		return nil
	}
	ceiling, err := f.Ceiling(ctx, tip)
	if err != nil {
		return err
	}
	if ceiling < cursor.Counted && ceiling < tip.Height {
		return ErrRegressed.Because(fmt.Errorf("confirmations were counted from %d, now from %d", cursor.Counted, ceiling))
	}
	w.ceiling = ceiling
	return nil
}

// counted is the height confirmations are counted from when the chain stands at a height.
func (w *Watcher) counted(height int64) int64 {
	if _, ok := w.Source.(Finalizer); !ok {
		return height
	}
	return min(height, w.ceiling)
}

func (w *Watcher) keepCounted(ctx context.Context, network string, height int64) error {
	if _, ok := w.Source.(Finalizer); !ok {
		return nil
	}
	return w.Book.Counted(ctx, network, height)
}

// ripen tells of blocks that became final while no new one came.
func (w *Watcher) ripen(ctx context.Context, cursor Cursor) error {
	height := w.counted(cursor.Tip.Height)
	if _, ok := w.Source.(Finalizer); !ok || height <= cursor.Counted {
		return nil
	}
	return w.guarded(ctx, func(ctx context.Context) error { return w.advanced(ctx, w.Source.Network().ID, height) })
}

// prove replaces the transactions of a block that pay our addresses by what they really did.
func (w *Watcher) prove(ctx context.Context, block chain.BlockRef, f *finds) error {
	prover, ok := w.Source.(Prover)
	concerned := slices.Concat(f.hits, f.astray, f.shared)
	if !ok || block.IsZero() || len(concerned) == 0 {
		return nil
	}
	f.txs = append([]chain.Tx(nil), f.txs...)
	done := map[int]bool{}
	for _, h := range concerned {
		if done[h.tx] {
			continue
		}
		done[h.tx] = true
		proven, err := prover.Prove(ctx, block, f.txs[h.tx])
		if err != nil {
			return err
		}
		f.txs[h.tx] = proven
	}
	f.hits, f.astray = match(f.txs, 0, f.owners), match(f.txs, 0, f.sisters)
	return nil
}
