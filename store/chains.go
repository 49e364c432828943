package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"checkout/chain"
	"checkout/ident"
	"checkout/money"
	"checkout/watch"
)

// Chains keeps where we stand on each network, and who owns which address.
type Chains struct{ *DB }

// ownersChunk is how many addresses one query asks about.
const ownersChunk = 400

// Now is the engine's clock.
func (s Chains) Now(ctx context.Context) (time.Time, error) {
	if t, ok := joined(ctx, s.DB); ok {
		return t.now(ctx)
	}
	if s.engine.oneWriter() {
		return s.DB.Now().UTC().Truncate(time.Millisecond), nil
	}
	var at time.Time
	err := s.update(ctx, func(ctx context.Context, t *tx) error {
		var err error
		at, err = t.now(ctx)
		return err
	})
	return at, err
}

// Cursor is where we stand; false before the first block.
func (s Chains) Cursor(ctx context.Context, network string) (watch.Cursor, bool, error) {
	var c watch.Cursor
	var through int64
	err := s.from(ctx).QueryRowContext(ctx, `SELECT height, block_hash, seen_through, status, reorgs, counted,
		(SELECT COALESCE(MAX(r.from_height), 0) FROM reorgs r WHERE r.network = $1) FROM cursors WHERE network = $1`, network).
		Scan(&c.Tip.Height, &c.Tip.Hash, &through, &c.Status, &c.Reorgs, &c.Counted, &c.Peak)
	if errors.Is(err, sql.ErrNoRows) {
		return c, false, nil
	}
	c.Through = instant(through)
	return c, c.Tip.Hash != "", s.fail(err)
}

// Hash is our block at a height.
func (s Chains) Hash(ctx context.Context, network string, height int64) (string, error) {
	var hash string
	err := s.from(ctx).QueryRowContext(ctx, "SELECT hash FROM headers WHERE network = $1 AND height = $2", network, height).Scan(&hash)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return hash, s.fail(err)
}

// Extend moves the cursor on to a block whose parent is our tip, or sets the first one. Headers too old to matter go.
func (s Chains) Extend(ctx context.Context, network string, h chain.Header) error {
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		at, err := t.now(ctx)
		if err != nil {
			return err
		}
		c, ok, err := s.Cursor(ctx, network)
		if err != nil {
			return err
		}
		if ok && (c.Tip.Hash != h.Parent || c.Tip.Height+1 != h.Height) {
			return ErrStale.Because(fmt.Errorf("%s: block %d does not follow %d", network, h.Height, c.Tip.Height))
		}
		if _, err := t.exec(ctx, "INSERT INTO headers (network, height, hash, parent) VALUES ($1, $2, $3, $4)", network, h.Height, h.Hash, h.Parent); err != nil {
			return err
		}
		if _, err := t.exec(ctx, "DELETE FROM headers WHERE network = $1 AND height <= $2", network, h.Height-watch.Keep); err != nil {
			return err
		}
		_, err = t.exec(ctx, `INSERT INTO cursors (network, height, block_hash, seen_through, status, reorgs, updated_at)
			VALUES ($1, $2, $3, 0, $4, 0, $5)
			ON CONFLICT (network) DO UPDATE SET height = excluded.height, block_hash = excluded.block_hash, updated_at = excluded.updated_at`,
			network, h.Height, h.Hash, watch.StatusStarting, millis(at))
		return err
	})
}

// Rewind moves the cursor back to a block we hold, and writes the reorganisation down.
func (s Chains) Rewind(ctx context.Context, network string, to, from chain.BlockRef) error {
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		at, err := t.now(ctx)
		if err != nil {
			return err
		}
		hash, err := s.Hash(ctx, network, to.Height)
		if err != nil {
			return err
		}
		if hash != to.Hash {
			return ErrStale.Because(fmt.Errorf("%s: no block %s at %d", network, to.Hash, to.Height))
		}
		if _, err := t.exec(ctx, "DELETE FROM headers WHERE network = $1 AND height > $2", network, to.Height); err != nil {
			return err
		}
		if err := t.one(ctx, "UPDATE cursors SET height = $1, block_hash = $2, reorgs = reorgs + 1, updated_at = $3 WHERE network = $4 AND block_hash = $5",
			to.Height, to.Hash, millis(at), network, from.Hash); err != nil {
			return err
		}
		_, err = t.exec(ctx, `INSERT INTO reorgs (network, n, from_height, from_hash, to_height, to_hash, at)
			SELECT network, reorgs, $2, $3, $4, $5, $6 FROM cursors WHERE network = $1`,
			network, from.Height, from.Hash, to.Height, to.Hash, millis(at))
		return err
	})
}

// Counted keeps the height that confirmations are counted from.
func (s Chains) Counted(ctx context.Context, network string, height int64) error {
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		return t.one(ctx, "UPDATE cursors SET counted = $1 WHERE network = $2", height, network)
	})
}

// Reached raises the evidence. A network that is followed needs no decision about its branch any more.
func (s Chains) Reached(ctx context.Context, network string, through time.Time) error {
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		at, err := t.now(ctx)
		if err != nil {
			return err
		}
		if err := s.Turned(ctx, network); err != nil {
			return err
		}
		return t.one(ctx, "UPDATE cursors SET seen_through = CASE WHEN seen_through > $1 THEN seen_through ELSE $1 END, status = $2, updated_at = $3 WHERE network = $4",
			millis(through), watch.StatusOK, millis(at), network)
	})
}

// SetStatus says what is wrong with a network's node, also before its first block.
func (s Chains) SetStatus(ctx context.Context, network, status string) error {
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		at, err := t.now(ctx)
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, `INSERT INTO cursors (network, height, block_hash, seen_through, status, reorgs, updated_at)
			VALUES ($1, 0, '', 0, $2, 0, $3) ON CONFLICT (network) DO UPDATE SET status = excluded.status, updated_at = excluded.updated_at`,
			network, status, millis(at))
		return err
	})
}

// Owners looks addresses up: what a block costs depends on its outputs, not on how many addresses are watched.
func (s Chains) Owners(ctx context.Context, network string, addresses []string) (map[string]ident.ID, error) {
	owners := map[string]ident.ID{}
	for start := 0; start < len(addresses); start += ownersChunk {
		part := addresses[start:min(start+ownersChunk, len(addresses))]
		marks := make([]string, len(part))
		args := []any{network}
		for i, a := range part {
			marks[i] = fmt.Sprintf("$%d", i+2)
			args = append(args, a)
		}
		err := s.each(ctx, "SELECT address, owner_id FROM addresses WHERE network = $1 AND address IN ("+strings.Join(marks, ", ")+")", args,
			func(rows *sql.Rows) error {
				var address string
				var owner ident.ID
				if err := rows.Scan(&address, &owner); err != nil {
					return err
				}
				owners[address] = owner
				return nil
			})
		if err != nil {
			return nil, err
		}
	}
	return owners, nil
}

// Holdings lists addresses with what is known to have come to them of a coin: payments that were dropped never came.
func (s Chains) Holdings(ctx context.Context, network string, coin chain.Asset, since time.Time, after watch.Holding, limit int) ([]watch.Holding, error) {
	var list []watch.Holding
	err := s.each(ctx, `SELECT address, owner_id, assigned_at FROM addresses WHERE network = $1 AND assigned_at >= $2 AND address NOT LIKE '%#%'
		AND (assigned_at > $3 OR (assigned_at = $3 AND address > $4)) ORDER BY assigned_at, address LIMIT $5`,
		[]any{network, millis(since), millis(after.Assigned), after.Address, limit}, func(rows *sql.Rows) error {
			h := watch.Holding{Known: money.Zero(coin.Currency)}
			var at int64
			if err := rows.Scan(&h.Address, &h.Owner, &at); err != nil {
				return err
			}
			h.Assigned = instant(at)
			list = append(list, h)
			return nil
		})
	if err != nil {
		return nil, err
	}
	for i := range list {
		h := &list[i]
		err := s.each(ctx, "SELECT amount FROM payments WHERE network = $1 AND address = $2 AND asset = $3 AND status <> 'dropped'",
			[]any{network, h.Address, coin.ID}, func(rows *sql.Rows) error {
				var text string
				if err := rows.Scan(&text); err != nil {
					return err
				}
				amount, err := money.ParseMinor(coin.Currency, text)
				if err != nil {
					return err
				}
				h.Known, err = h.Known.Add(amount)
				return err
			})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// OpenPayments lists payments a later transaction could still take away. One whose inputs cannot be read has none here: it
// must not keep all others from being looked after, and whatever touches its owner will tell.
func (s Chains) OpenPayments(ctx context.Context, network string) ([]watch.Open, error) {
	var list []watch.Open
	err := s.each(ctx, `SELECT owner_id, txid, inputs, block_hash <> '', status = 'reverted', first_seen_at FROM payments
		WHERE network = $1 AND status IN ('detected', 'reverted') ORDER BY number`, []any{network}, func(rows *sql.Rows) error {
		var o watch.Open
		var inputs string
		var first int64
		if err := rows.Scan(&o.Owner, &o.TxID, &inputs, &o.InBlock, &o.Settled, &first); err != nil {
			return err
		}
		o.FirstSeen = instant(first)
		if err := json.Unmarshal([]byte(inputs), &o.Inputs); err != nil {
			o.Inputs = nil
		}
		list = append(list, o)
		return nil
	})
	return list, err
}
