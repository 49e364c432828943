package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"checkout/ident"
	"checkout/ledger"
	"checkout/money"
)

// post books entries in the transaction: the entry, its linked legs, and the balances in their order. An entry whose
// cause was booked before is refused by its unique key.
func (db *DB) post(ctx context.Context, t *tx, entries []ledger.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	at, err := t.now(ctx)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := e.Check(); err != nil {
			return err
		}
		id := ident.New(db.Random)
		_, err := t.exec(ctx, "INSERT INTO entries (id, cause_kind, cause_id, kind, epoch, at) VALUES ($1, $2, $3, $4, $5, $6)",
			id, e.CauseKind, e.CauseID, e.Kind, e.Epoch, millis(at))
		if err != nil {
			return err
		}
		if err := db.legs(ctx, t, id, e, at); err != nil {
			return err
		}
	}
	changes, err := ledger.Changes(entries)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if err := t.balance(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// legs links an entry's legs into its stream. Each link covers the entry it belongs to as well.
func (db *DB) legs(ctx context.Context, t *tx, id ident.ID, e ledger.Entry, at time.Time) error {
	var seq int64
	var prev string
	err := t.QueryRowContext(ctx, "SELECT seq, hash FROM ledger_heads WHERE stream = $1", e.Stream).Scan(&seq, &prev)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return db.fail(err)
	}
	for _, leg := range e.Legs() {
		seq++
		hash := db.chain.Link(legStream(e.Stream), seq, prev, legRow(id, e, millis(at), leg.Account, leg.Asset, leg.Amount.Minor())...)
		_, err := t.exec(ctx, `INSERT INTO entry_legs (stream, seq, entry_id, account, asset, amount, prev_hash, hash)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, e.Stream, seq, id, leg.Account, leg.Asset, leg.Amount.Minor(), prev, hash)
		if err != nil {
			return err
		}
		prev = hash
	}
	_, err = t.exec(ctx, `INSERT INTO ledger_heads (stream, seq, hash, seal) VALUES ($1, $2, $3, $4)
		ON CONFLICT (stream) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, seal = excluded.seal`,
		e.Stream, seq, prev, db.sealed(legStream(e.Stream), head{seq, prev}))
	return err
}

func legRow(id ident.ID, e ledger.Entry, at int64, account ledger.Account, asset, amount string) []string {
	return []string{string(id), e.CauseKind, string(e.CauseID), e.Kind, strconv.FormatInt(e.Epoch, 10), strconv.FormatInt(at, 10), string(account), asset, amount}
}

// balance adds a change to one balance. SQL cannot add TEXT, so the sum is made here.
func (t *tx) balance(ctx context.Context, c ledger.Change) error {
	var text string
	err := t.QueryRowContext(ctx, "SELECT amount FROM balances WHERE account = $1 AND asset = $2", c.Account, c.Asset).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = t.exec(ctx, "INSERT INTO balances (account, asset, amount) VALUES ($1, $2, $3)", c.Account, c.Asset, c.Delta.Minor())
		return err
	}
	if err != nil {
		return t.db.fail(err)
	}
	held, err := money.ParseMinor(c.Delta.Currency(), text)
	if err != nil {
		return fmt.Errorf("balance of %s: %w", c.Account, err)
	}
	sum, err := held.Add(c.Delta)
	if err != nil {
		return err
	}
	return t.one(ctx, "UPDATE balances SET amount = $1 WHERE account = $2 AND asset = $3 AND amount = $4", sum.Minor(), c.Account, c.Asset, text)
}
