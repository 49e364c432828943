package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"checkout/ident"
	"checkout/seal"
	"checkout/wallet"
)

// Wallets keeps account keys, sealed, and the addresses assigned from them.
type Wallets struct{ *DB }

// Insert keeps a wallet and makes it the merchant's active one for its network; addresses of the one before stay watched. A
// key the merchant has used before, here or on a network where it has the same addresses, goes on where it was.
// wallet.ErrInUse if another merchant's wallet has the key.
func (s Wallets) Insert(ctx context.Context, a wallet.Account) error {
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		at, err := t.now(ctx)
		if err != nil {
			return err
		}
		var others int64
		err = t.QueryRowContext(ctx, "SELECT COUNT(*) FROM wallets WHERE identity = $1 AND merchant_id <> $2", a.Identity, a.Merchant).Scan(&others)
		if err != nil {
			return err
		}
		if others > 0 {
			return wallet.ErrInUse
		}
		if _, err := t.exec(ctx, "UPDATE wallets SET active = $1 WHERE merchant_id = $2 AND network = $3 AND active", false, a.Merchant, a.Network); err != nil {
			return err
		}
		sealed := s.Box.Seal(seal.Place{Table: "wallets", Column: "descriptor", Row: string(a.ID)}, []byte(a.Descriptor))
		n, err := t.exec(ctx, `INSERT INTO wallets (id, merchant_id, network, custody, descriptor, fingerprint, identity, next_index, active, created_at)
			VALUES ($1, $2, $3, 'own', $4, $5, $6, (SELECT COALESCE(MAX(next_index), 0) FROM wallets WHERE identity = $6), $7, $8) ON CONFLICT (network, identity) DO NOTHING`,
			a.ID, a.Merchant, a.Network, sealed, a.Fingerprint, a.Identity, true, millis(at))
		if err != nil || n == 1 {
			return err
		}
		n, err = t.exec(ctx, "UPDATE wallets SET active = $1 WHERE network = $2 AND identity = $3 AND merchant_id = $4", true, a.Network, a.Identity, a.Merchant)
		if err == nil && n == 0 {
			return wallet.ErrInUse
		}
		return err
	})
}

const accountColumns = "w.id, w.merchant_id, w.network, w.descriptor, w.fingerprint"

func (s Wallets) account(scan func(into ...any) error, more ...any) (wallet.Account, error) {
	var a wallet.Account
	var sealed string
	if err := scan(append([]any{&a.ID, &a.Merchant, &a.Network, &sealed, &a.Fingerprint}, more...)...); err != nil {
		return a, s.fail(err)
	}
	plain, err := s.Box.Open(seal.Place{Table: "wallets", Column: "descriptor", Row: string(a.ID)}, sealed)
	if err != nil {
		return a, fmt.Errorf("wallet %s: %w", a.ID.Short(), err)
	}
	a.Descriptor = string(plain)
	return a, nil
}

// Active says whether a merchant has a wallet on a network.
func (s Wallets) Active(ctx context.Context, m ident.ID, network string) (bool, error) {
	var n int64
	err := s.from(ctx).QueryRowContext(ctx, "SELECT COUNT(*) FROM wallets WHERE merchant_id = $1 AND network = $2 AND active", m, network).Scan(&n)
	return n > 0, s.fail(err)
}

// Current is the wallet a merchant takes addresses from on a network; wallet.ErrNone.
func (s Wallets) Current(ctx context.Context, m ident.ID, network string) (wallet.Account, error) {
	a, err := s.account(s.from(ctx).QueryRowContext(ctx, "SELECT "+accountColumns+" FROM wallets w WHERE w.merchant_id = $1 AND w.network = $2 AND w.active", m, network).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return a, wallet.ErrNone
	}
	return a, err
}

// Take gives the merchant's active wallet and its next index, in the transaction of ctx. The counter only rises, so an
// index is never used twice. Wallets of one key count together: on networks of one family they have the same addresses, and one
// address on two of them would be two invoices'.
func (s Wallets) Take(ctx context.Context, m ident.ID, network string) (wallet.Account, uint32, error) {
	var a wallet.Account
	var next int64
	err := s.update(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `UPDATE wallets SET next_index = next_index + 1 WHERE identity = (SELECT w.identity FROM wallets w
			WHERE w.merchant_id = $1 AND w.network = $2 AND w.active)`, m, network)
		if err != nil {
			return err
		}
		a, err = s.account(t.QueryRowContext(ctx, "SELECT "+accountColumns+`, w.next_index FROM wallets w
			WHERE w.merchant_id = $1 AND w.network = $2 AND w.active`, m, network).Scan, &next)
		if errors.Is(err, sql.ErrNoRows) {
			return wallet.ErrNone
		}
		return err
	})
	if err == nil && next > 1<<31 {
		return a, 0, wallet.ErrNone.Because(errors.New("all indexes are used"))
	}
	return a, uint32(next - 1), err //nolint:gosec // bounded above, at least 1
}

// Assign writes down whose address it is now.
func (s Wallets) Assign(ctx context.Context, a wallet.Assigned) error {
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		at, err := t.now(ctx)
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, `INSERT INTO addresses (network, address, merchant_id, wallet_id, idx, owner_kind, owner_id, assigned_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, a.Account.Network, a.Address, a.Account.Merchant, a.Account.ID, int64(a.Index), a.Owner.Kind, a.Owner.ID, millis(at))
		return err
	})
}

// Assigned says which wallet and index an address came from.
func (s Wallets) Assigned(ctx context.Context, network, address string) (wallet.Assigned, error) {
	out := wallet.Assigned{Address: address}
	var index int64
	a, err := s.account(s.from(ctx).QueryRowContext(ctx, "SELECT "+accountColumns+`, a.idx, a.owner_kind, a.owner_id FROM addresses a JOIN wallets w ON w.id = a.wallet_id
		WHERE a.network = $1 AND a.address = $2`, network, address).Scan, &index, &out.Owner.Kind, &out.Owner.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return out, wallet.ErrMismatch
	}
	out.Account, out.Index = a, uint32(index) //nolint:gosec // written from a uint32
	return out, err
}
