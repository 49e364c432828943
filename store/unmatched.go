package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"math"
	"time"

	"checkout/chain"
	"checkout/fault"
	"checkout/ident"
	"checkout/money"
	"checkout/wallet"
	"checkout/watch"
)

// The faults of the inbox.
var (
	ErrUnmatched = fault.New(fault.NotFound, "unmatched_unknown", "There is no such payment in the inbox.")
	ErrAssigned  = fault.New(fault.Conflict, "unmatched_assigned", "This payment was given to an invoice already.")
)

// Accounts are the shared addresses of a network, and whose they are: of wallets in use and of those that were.
func (s Chains) Accounts(ctx context.Context, network string) (map[string]ident.ID, error) {
	accounts := map[string]ident.ID{}
	err := s.each(ctx, "SELECT identity, merchant_id FROM wallets WHERE network = $1", []any{network}, func(rows *sql.Rows) error {
		var identity string
		var merchant ident.ID
		if err := rows.Scan(&identity, &merchant); err != nil {
			return err
		}
		if address, shared := wallet.SharedAddress(identity); shared {
			accounts[address] = merchant
		}
		return nil
	})
	return accounts, err
}

// KeepUnmatched puts a payment into the inbox of a merchant; true if it was not there.
func (s Chains) KeepUnmatched(ctx context.Context, u watch.Unmatched) (bool, error) {
	fresh := false
	err := s.update(ctx, func(ctx context.Context, t *tx) error {
		at, err := t.now(ctx)
		if err != nil {
			return err
		}
		tr := u.Transfer
		n, err := t.exec(ctx, `INSERT INTO unmatched (id, merchant_id, network, txid, ordinal, asset, coin, scale, address, amount, block_height, block_hash,
			seen_at, assigned_to, assigned_by, assigned_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, '', '', 0)
			ON CONFLICT (network, txid, ordinal) DO NOTHING`,
			ident.New(rand.Reader), u.Merchant, tr.Network, tr.TxID, tr.Ordinal, tr.Asset, tr.Amount.Currency().Code, int64(tr.Amount.Currency().Scale),
			tr.Address, tr.Amount.Minor(), u.Block.Height, u.Block.Hash, millis(at))
		fresh = n == 1
		return err
	})
	return fresh, err
}

// Unmatched lists a merchant's inbox, the oldest first: what nobody was given yet, or all.
func (s Chains) Unmatched(ctx context.Context, m ident.ID, all bool, limit int) ([]watch.Unmatched, error) {
	return s.unmatched(ctx, "merchant_id = $1 AND ($2 OR assigned_to = '') ORDER BY seen_at, id LIMIT $3", m, all, limit)
}

// FindUnmatched finds a payment of the inbox; ErrUnmatched.
func (s Chains) FindUnmatched(ctx context.Context, id ident.ID) (watch.Unmatched, error) {
	list, err := s.unmatched(ctx, "id = $1", id)
	if err != nil {
		return watch.Unmatched{}, err
	}
	if len(list) == 0 {
		return watch.Unmatched{}, ErrUnmatched
	}
	return list[0], nil
}

func (s Chains) unmatched(ctx context.Context, where string, args ...any) ([]watch.Unmatched, error) {
	var list []watch.Unmatched
	err := s.each(ctx, `SELECT id, merchant_id, network, txid, ordinal, asset, coin, scale, address, amount, block_height, block_hash, seen_at,
		assigned_to, assigned_by, assigned_at FROM unmatched WHERE `+where, args, func(rows *sql.Rows) error {
		var u watch.Unmatched
		var amount string
		var scale, seen, assigned int64
		c := money.Currency{Kind: money.Crypto}
		t := &u.Transfer
		err := rows.Scan(&u.ID, &u.Merchant, &t.Network, &t.TxID, &t.Ordinal, &t.Asset, &c.Code, &scale, &t.Address, &amount, &u.Block.Height, &u.Block.Hash,
			&seen, &u.AssignedTo, &u.AssignedBy, &assigned)
		if err != nil {
			return err
		}
		c.Scale, u.Seen, u.AssignedAt = uint8(scale), instant(seen), instant(assigned) //nolint:gosec // written from a uint8
		t.Amount, err = money.ParseMinor(c, amount)
		list = append(list, u)
		return err
	})
	return list, err
}

// AssignUnmatched gives a payment of the inbox to an invoice, once; ErrAssigned.
func (s Chains) AssignUnmatched(ctx context.Context, id, to ident.ID, by string) error {
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		at, err := t.now(ctx)
		if err != nil {
			return err
		}
		n, err := t.exec(ctx, "UPDATE unmatched SET assigned_to = $1, assigned_by = $2, assigned_at = $3 WHERE id = $4 AND assigned_to = ''", to, by, millis(at), id)
		if err == nil && n == 0 {
			return ErrAssigned
		}
		return err
	})
}

// Claims lists invoices of a merchant that ask for exactly an amount of an asset at a shared address, by the inner text of their
// address: open ones, and those that were settled or ended after an instant, unless that is zero.
func (db *DB) Claims(ctx context.Context, m ident.ID, network, asset, address string, amount money.Amount, ended time.Time) (map[string]ident.ID, error) {
	after := int64(math.MaxInt64)
	if !ended.IsZero() {
		after = millis(ended)
	}
	claims := map[string]ident.ID{}
	err := db.each(ctx, `SELECT a.address, i.id FROM invoices i JOIN invoice_addresses a ON a.invoice_id = i.id
		WHERE i.merchant_id = $1 AND (i.state IN ('awaiting', 'detected') OR i.settled_at > $5 OR i.ended_at > $5) AND a.network = $2 AND a.asset = $3
		AND (SELECT q.due FROM invoice_quotes q WHERE q.invoice_id = i.id AND q.asset = a.asset AND q.due <> '0' ORDER BY q.n DESC LIMIT 1) = $4`,
		[]any{m, network, asset, amount.Minor(), after}, func(rows *sql.Rows) error {
			var text string
			var owner ident.ID
			if err := rows.Scan(&text, &owner); err != nil {
				return err
			}
			if shown, _ := chain.Unshared(text); shown == address && chain.IsExact(text) {
				claims[text] = owner
			}
			return nil
		})
	return claims, err
}

// Claimed is the address and the owner of a payment that is known; "" if it is not.
func (s Chains) Claimed(ctx context.Context, network, txid string, ordinal int64) (address string, owner ident.ID, err error) {
	err = s.from(ctx).QueryRowContext(ctx, "SELECT address, owner_id FROM payments WHERE network = $1 AND txid = $2 AND ordinal = $3", network, txid, ordinal).
		Scan(&address, &owner)
	if errors.Is(err, sql.ErrNoRows) {
		return "", "", nil
	}
	return address, owner, s.fail(err)
}

// DropUnmatched takes what lay in the inbox and stood in a block that left its chain out again, unless it was given away: its owner
// is told of that.
func (s Chains) DropUnmatched(ctx context.Context, network, block string) error {
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, "DELETE FROM unmatched WHERE network = $1 AND block_hash = $2 AND assigned_to = ''", network, block)
		return err
	})
}
