package store

import (
	"context"
	"database/sql"
	"errors"

	"checkout/chain"
	"checkout/ident"
	"checkout/watch"
)

// Headers lists the blocks we hold, the newest first.
func (s Chains) Headers(ctx context.Context, network string) ([]chain.BlockRef, error) {
	return s.blocks(ctx, "SELECT height, hash FROM headers WHERE network = $1 ORDER BY height DESC", network)
}

// Stood lists the blocks below a height that payments, or conflicts of payments, stand in, the newest first.
func (s Chains) Stood(ctx context.Context, network string, below int64) ([]chain.BlockRef, error) {
	return s.blocks(ctx, `SELECT block_height, block_hash FROM payments WHERE network = $1 AND block_hash <> '' AND block_height < $2
		UNION SELECT conflict_height, conflict_hash FROM payments WHERE network = $1 AND conflict_hash <> '' AND conflict_height < $2
		ORDER BY 1 DESC, 2`, network, below)
}

func (s Chains) blocks(ctx context.Context, query string, args ...any) ([]chain.BlockRef, error) {
	var list []chain.BlockRef
	err := s.each(ctx, query, args, func(rows *sql.Rows) error {
		var b chain.BlockRef
		if err := rows.Scan(&b.Height, &b.Hash); err != nil {
			return err
		}
		list = append(list, b)
		return nil
	})
	return list, err
}

// Restart moves the cursor to a block we do not hold, in the place of all headers, and writes the reorganisation down.
func (s Chains) Restart(ctx context.Context, network string, to chain.Header, from chain.BlockRef) error {
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		if _, err := t.exec(ctx, "DELETE FROM headers WHERE network = $1", network); err != nil {
			return err
		}
		if _, err := t.exec(ctx, "INSERT INTO headers (network, height, hash, parent) VALUES ($1, $2, $3, $4)", network, to.Height, to.Hash, to.Parent); err != nil {
			return err
		}
		return s.Rewind(ctx, network, to.BlockRef, from)
	})
}

// Accept writes down that a person wants the branch that ends in a block, whatever it costs.
func (s Chains) Accept(ctx context.Context, network string, tip chain.BlockRef) error {
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		at, err := t.now(ctx)
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, `INSERT INTO accepted (network, height, hash, at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (network) DO UPDATE SET height = excluded.height, hash = excluded.hash, at = excluded.at`, network, tip.Height, tip.Hash, millis(at))
		return err
	})
}

// Accepted is the branch a person wants, until it was turned to.
func (s Chains) Accepted(ctx context.Context, network string) (chain.BlockRef, bool, error) {
	var tip chain.BlockRef
	err := s.from(ctx).QueryRowContext(ctx, "SELECT height, hash FROM accepted WHERE network = $1", network).Scan(&tip.Height, &tip.Hash)
	if errors.Is(err, sql.ErrNoRows) {
		return tip, false, nil
	}
	return tip, err == nil, s.fail(err)
}

// Turned ends a decision: it was carried out, or is not needed any more.
func (s Chains) Turned(ctx context.Context, network string) error {
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, "DELETE FROM accepted WHERE network = $1", network)
		return err
	})
}

// Assigned says how many addresses each wallet of a network has given away. It is asked outside the transaction: every
// creation of an invoice raises these counters, and under serializable isolation none of them and no block could be
// committed beside the other. Nobody can have paid an address whose assignment is not committed.
func (s Chains) Assigned(ctx context.Context, network string) (watch.Mark, error) {
	mark := watch.Mark{}
	ctx = aside(ctx)
	err := s.each(ctx, "SELECT id, next_index FROM wallets WHERE network = $1", []any{network}, func(rows *sql.Rows) error {
		var id ident.ID
		var next int64
		if err := rows.Scan(&id, &next); err != nil {
			return err
		}
		mark[id] = next
		return nil
	})
	return mark, err
}

// Since is who owns the addresses that were given away after a mark.
func (s Chains) Since(ctx context.Context, network string, mark watch.Mark) (map[string]ident.ID, error) {
	now, err := s.Assigned(ctx, network)
	if err != nil {
		return nil, err
	}
	owners := map[string]ident.ID{}
	ctx = aside(ctx)
	for id, next := range now {
		if next == mark[id] {
			continue
		}
		err := s.each(ctx, "SELECT address, owner_id FROM addresses WHERE wallet_id = $1 AND idx >= $2", []any{id, mark[id]}, func(rows *sql.Rows) error {
			var address string
			var owner ident.ID
			err := rows.Scan(&address, &owner)
			owners[address] = owner
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return owners, nil
}
