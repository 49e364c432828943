package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"checkout/ident"
	"checkout/watch"
)

// Held lists what could not be taken in, the longest held first.
func (s Chains) Held(ctx context.Context, network string) ([]watch.Held, error) {
	var list []watch.Held
	err := s.each(ctx, `SELECT owner_id, kind, txid, other, block_height, block_hash, code, met_at, first_at, last_at FROM held
		WHERE network = $1 ORDER BY first_at, owner_id, kind, txid, block_hash`, []any{network}, func(rows *sql.Rows) error {
		var h watch.Held
		var met, first, last int64
		if err := rows.Scan(&h.Owner, &h.Kind, &h.TxID, &h.Other, &h.Block.Height, &h.Block.Hash, &h.Code, &met, &first, &last); err != nil {
			return err
		}
		h.Met, h.First, h.Last = instant(met), instant(first), instant(last)
		list = append(list, h)
		return nil
	})
	return list, err
}

// Hold writes down that an owner could not take something in; true if that is news. What is held already moves to where it
// was met last, but keeps the earliest date.
func (s Chains) Hold(ctx context.Context, network string, h watch.Held) (bool, error) {
	var news bool
	err := s.update(ctx, func(ctx context.Context, t *tx) error {
		at, err := t.now(ctx)
		if err != nil {
			return err
		}
		if h.Met.IsZero() {
			h.Met = at
		}
		n, err := t.exec(ctx, `UPDATE held SET other = $1, block_height = $2, block_hash = $3, code = $4, last_at = $5,
			met_at = CASE WHEN met_at < $6 THEN met_at ELSE $6 END WHERE `+heldRow,
			h.Other, h.Block.Height, h.Block.Hash, h.Code, millis(at), millis(h.Met), network, h.Owner, h.Kind, h.TxID, h.Lost())
		if err != nil || n > 0 {
			news = false
			return err
		}
		news = true
		_, err = t.exec(ctx, `INSERT INTO held (network, owner_id, kind, txid, other, block_height, block_hash, code, met_at, first_at, last_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)`,
			network, h.Owner, h.Kind, h.TxID, h.Other, h.Block.Height, h.Block.Hash, h.Code, millis(h.Met), millis(at))
		return err
	})
	return news, err
}

// heldRow finds the row of a thing held, from $7 on: one for each transaction, or for each block that was lost.
const heldRow = "network = $7 AND owner_id = $8 AND kind = $9 AND txid = $10 AND ($11 = '' OR block_hash = $11)"

// Free forgets what is held no more.
func (s Chains) Free(ctx context.Context, network string, h watch.Held) error {
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, "DELETE FROM held WHERE network = $1 AND owner_id = $2 AND kind = $3 AND txid = $4 AND ($5 = '' OR block_hash = $5)",
			network, h.Owner, h.Kind, h.TxID, h.Lost())
		return err
	})
}

// unheard is from when on an owner has not taken in what happened on each network: for it the evidence ends there.
func (db *DB) unheard(ctx context.Context, owner ident.ID, evidence map[string]time.Time) error {
	return db.each(ctx, "SELECT network, MIN(met_at) FROM held WHERE owner_id = $1 GROUP BY network", []any{owner}, func(rows *sql.Rows) error {
		var network string
		var met int64
		if err := rows.Scan(&network, &met); err != nil {
			return err
		}
		if at := instant(met); at.Before(evidence[network]) {
			evidence[network] = at
		}
		return nil
	})
}

// nothingHeld names what owners could not take in: money the books do not show.
func (db *DB) nothingHeld(ctx context.Context, r *Report) error {
	return db.each(ctx, `SELECT network, CASE WHEN EXISTS (SELECT 1 FROM deposit_addresses d WHERE d.id = owner_id) THEN 'deposit address' ELSE 'invoice' END,
		owner_id, kind, txid, block_height, code, first_at FROM held ORDER BY network, first_at`, nil, func(rows *sql.Rows) error {
		var network, what, owner, kind, txid, code string
		var height, first int64
		if err := rows.Scan(&network, &what, &owner, &kind, &txid, &height, &code, &first); err != nil {
			return err
		}
		r.problem("held: %s %s has not taken in what %s saw of %q (%s, block %d) since %s: %s", what, owner, network, txid, kind, height,
			instant(first).Format(time.RFC3339), code)
		return nil
	})
}

// KeepRaw keeps an unconfirmed transaction as the node gave it.
func (s Chains) KeepRaw(ctx context.Context, network, txid string, raw []byte) error {
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, "INSERT INTO raw_txs (network, txid, raw) VALUES ($1, $2, $3) ON CONFLICT (network, txid) DO NOTHING",
			network, txid, hex.EncodeToString(raw))
		return err
	})
}

// Raw is a transaction that was kept, nil if it was not.
func (s Chains) Raw(ctx context.Context, network, txid string) ([]byte, error) {
	var text string
	err := s.from(ctx).QueryRowContext(ctx, "SELECT raw FROM raw_txs WHERE network = $1 AND txid = $2", network, txid).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, s.fail(err)
	}
	raw, err := hex.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("raw transaction %s: %w", txid, err)
	}
	return raw, nil
}

// DropRaws forgets the transactions that need no keeping: they were confirmed, or dropped.
func (s Chains) DropRaws(ctx context.Context, network string) error {
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `DELETE FROM raw_txs WHERE network = $1
			AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.network = $1 AND p.txid = raw_txs.txid AND p.status IN ('detected', 'reverted'))
			AND NOT EXISTS (SELECT 1 FROM held h WHERE h.network = $1 AND h.txid = raw_txs.txid)`, network)
		return err
	})
}
