package store

import (
	"context"
	"database/sql"
	"errors"

	"checkout/chain/rehearsal"
)

// Played keeps the blocks and transactions of one played chain. See rehearsal.Keeper.
type Played struct {
	Chains
	Network string
}

func (s Played) playedBlock(ctx context.Context, where string, args ...any) (rehearsal.Block, bool, error) {
	var b rehearsal.Block
	var at int64
	err := s.from(ctx).QueryRowContext(ctx, "SELECT hash, height, parent, at FROM played_blocks WHERE network = $1 AND "+where, append([]any{s.Network}, args...)...).
		Scan(&b.Hash, &b.Height, &b.Parent, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return b, false, nil
	}
	b.At = instant(at)
	return b, err == nil, s.fail(err)
}

// PlayedTip is the newest block of the best chain.
func (s Played) PlayedTip(ctx context.Context) (rehearsal.Block, bool, error) {
	return s.playedBlock(ctx, "best ORDER BY height DESC LIMIT 1")
}

// PlayedAt is the best chain's block at a height.
func (s Played) PlayedAt(ctx context.Context, height int64) (rehearsal.Block, bool, error) {
	return s.playedBlock(ctx, "best AND height = $2", height)
}

func (s Played) playedTxs(ctx context.Context, where string, args ...any) ([]rehearsal.Tx, error) {
	var list []rehearsal.Tx
	err := s.each(ctx, "SELECT id, asset, address, amount, input, block_hash, held, at FROM played_txs WHERE network = $1 AND NOT gone AND "+where, append([]any{s.Network}, args...), func(rows *sql.Rows) error {
		var t rehearsal.Tx
		var at int64
		if err := rows.Scan(&t.ID, &t.Asset, &t.Address, &t.Amount, &t.Input, &t.Block, &t.Held, &at); err != nil {
			return err
		}
		t.At = instant(at)
		list = append(list, t)
		return nil
	})
	return list, err
}

// PlayedTxs lists a block's transactions.
func (s Played) PlayedTxs(ctx context.Context, block string) ([]rehearsal.Tx, error) {
	return s.playedTxs(ctx, "block_hash = $2 ORDER BY at, id", block)
}

// PlayedPool lists what is unconfirmed.
func (s Played) PlayedPool(ctx context.Context) ([]rehearsal.Tx, error) {
	return s.playedTxs(ctx, "block_hash = '' ORDER BY at, id")
}

// PlayedTx finds a transaction.
func (s Played) PlayedTx(ctx context.Context, id string) (rehearsal.Tx, bool, error) {
	list, err := s.playedTxs(ctx, "id = $2", id)
	if err != nil || len(list) == 0 {
		return rehearsal.Tx{}, false, err
	}
	return list[0], true, nil
}

func (s Played) change(ctx context.Context, query string, args ...any) error {
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, query, args...)
		return err
	})
}

// AddPlayedBlock puts a block on top of the best chain.
func (s Played) AddPlayedBlock(ctx context.Context, b rehearsal.Block) error {
	return s.change(ctx, "INSERT INTO played_blocks (network, hash, height, parent, best, at) VALUES ($1, $2, $3, $4, $5, $6)", s.Network, b.Hash, b.Height, b.Parent, true, millis(b.At))
}

// AddPlayedTx keeps a transaction.
func (s Played) AddPlayedTx(ctx context.Context, t rehearsal.Tx) error {
	return s.change(ctx, "INSERT INTO played_txs (network, id, asset, address, amount, input, block_hash, held, gone, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		s.Network, t.ID, t.Asset, t.Address, t.Amount, t.Input, t.Block, t.Held, false, millis(t.At))
}

// MoveToBlock puts the pool into a block.
func (s Played) MoveToBlock(ctx context.Context, block string) error {
	return s.change(ctx, "UPDATE played_txs SET block_hash = $1 WHERE network = $2 AND block_hash = '' AND NOT gone AND NOT held", block, s.Network)
}

// Orphan takes a block off the best chain and puts its transactions back into the pool.
func (s Played) Orphan(ctx context.Context, block string) error {
	if err := s.change(ctx, "UPDATE played_blocks SET best = $1 WHERE hash = $2", false, block); err != nil {
		return err
	}
	return s.change(ctx, "UPDATE played_txs SET block_hash = '' WHERE block_hash = $1", block)
}

// DropPlayedTx takes a transaction out for good.
func (s Played) DropPlayedTx(ctx context.Context, id string) error {
	return s.change(ctx, "UPDATE played_txs SET gone = $1, block_hash = '' WHERE id = $2", true, id)
}

// Release lets miners have a held transaction.
func (s Played) Release(ctx context.Context, id string) error {
	return s.change(ctx, "UPDATE played_txs SET held = $1 WHERE id = $2", false, id)
}
