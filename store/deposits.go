package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"checkout/deposit"
	"checkout/event"
	"checkout/ident"
	"checkout/merchant"
	"checkout/money"
	"checkout/seal"
)

// Deposits keeps permanent addresses and what arrives there.
type Deposits struct{ *DB }

// Moment is the transaction's clock with the heights of all networks that are followed.
func (s Deposits) Moment(ctx context.Context) (deposit.Moment, error) {
	at := deposit.Moment{Heights: map[string]int64{}}
	var err error
	at.Now, err = s.moment(ctx, func(network string, height int64, _ time.Time) {
		at.Heights[network] = height
	})
	return at, err
}

// customerPlace binds what is known of a customer to their address.
func customerPlace(id ident.ID) seal.Place {
	return seal.Place{Table: "deposit_addresses", Column: "payer", Row: string(id)}
}

func (s Deposits) sealPayer(id ident.ID, payer string) string {
	if payer == "" {
		return ""
	}
	return s.Box.Seal(customerPlace(id), []byte(payer))
}

// Insert keeps a new address; deposit.ErrTaken if its key has one.
func (s Deposits) Insert(ctx context.Context, a *deposit.Address) error {
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		n, err := t.exec(ctx, `INSERT INTO deposit_addresses (id, number, uuid, merchant_id, environment, version, origin, asset, network, coin, scale,
			convert_to, customer_group, label, address, tag, minimum, end_user_reference, payer, created_at, height)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
			ON CONFLICT (merchant_id, environment, asset, convert_to, customer_group, label) DO NOTHING`,
			a.ID, a.Number, a.UUID, a.Merchant, a.Env, a.Version, a.Origin, a.Asset, a.Network, a.Currency.Code, int64(a.Currency.Scale),
			a.ConvertTo, a.Group, a.Label, a.Text, a.Tag, a.Minimum.Minor(), a.EndUserReference, s.sealPayer(a.ID, a.Payer), millis(a.Created), a.Height)
		if err == nil && n == 0 {
			return deposit.ErrTaken
		}
		return err
	})
}

// Retell keeps what the merchant tells of the customer now.
func (s Deposits) Retell(ctx context.Context, id ident.ID, reference, payer string) error {
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		return t.one(ctx, "UPDATE deposit_addresses SET end_user_reference = $1, payer = $2 WHERE id = $3", reference, s.sealPayer(id, payer), id)
	})
}

// Keyed finds the address of a key; deposit.ErrNotFound.
func (s Deposits) Keyed(ctx context.Context, k deposit.Key) (*deposit.Address, error) {
	a, _, err := s.load(ctx, "merchant_id = $1 AND environment = $2 AND asset = $3 AND convert_to = $4 AND customer_group = $5 AND label = $6",
		k.Merchant, k.Env, k.Asset, k.ConvertTo, k.Group, k.Label)
	return a, err
}

// Find loads an address; deposit.ErrNotFound.
func (s Deposits) Find(ctx context.Context, id ident.ID) (*deposit.Address, error) {
	a, _, err := s.load(ctx, "id = $1", id)
	return a, err
}

// ByNumber finds an address by the number operators know it by; deposit.ErrNotFound.
func (s Deposits) ByNumber(ctx context.Context, number int64) (ident.ID, error) {
	var id ident.ID
	err := s.from(ctx).QueryRowContext(ctx, "SELECT id FROM deposit_addresses WHERE number = $1", number).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", deposit.ErrNotFound
	}
	return id, s.fail(err)
}

// Has says whether an owner is a deposit address.
func (s Deposits) Has(ctx context.Context, id ident.ID) (bool, error) {
	var n int64
	err := s.from(ctx).QueryRowContext(ctx, "SELECT COUNT(*) FROM deposit_addresses WHERE id = $1", id).Scan(&n)
	return n > 0, s.fail(err)
}

// Newest lists a merchant's addresses, the newest first.
func (s Deposits) Newest(ctx context.Context, t merchant.Tenant, limit int) ([]ident.ID, error) {
	return s.ids(ctx, "SELECT id FROM deposit_addresses WHERE merchant_id = $1 AND environment = $2 ORDER BY created_at DESC, id DESC LIMIT $3", t.Merchant(), t.Env(), limit)
}

// Unfinished lists addresses with payments on a network that confirmations still change.
func (s Deposits) Unfinished(ctx context.Context, network string) ([]ident.ID, error) {
	return s.unfinished(ctx, ident.OwnerDeposit, network)
}

// InBlock lists addresses with payments, or conflicts of payments, in a block.
func (s Deposits) InBlock(ctx context.Context, network, hash string) ([]ident.ID, error) {
	return s.inBlock(ctx, ident.OwnerDeposit, network, hash)
}

// load reads an address with its payments, as they were at one instant, and the end of each payment's event stream.
func (s Deposits) load(ctx context.Context, where string, args ...any) (a *deposit.Address, heads map[ident.ID]head, err error) {
	err = s.look(ctx, func(ctx context.Context) error {
		if a, err = s.row(ctx, where, args...); err != nil {
			return err
		}
		heads, err = s.payments(ctx, a)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return a, heads, nil
}

func (s Deposits) row(ctx context.Context, where string, args ...any) (*deposit.Address, error) {
	a := &deposit.Address{Currency: money.Currency{Kind: money.Crypto}}
	var scale, created int64
	var minimum, payer string
	err := s.from(ctx).QueryRowContext(ctx, `SELECT id, number, uuid, merchant_id, environment, version, origin, asset, network, coin, scale, convert_to,
		customer_group, label, address, tag, minimum, end_user_reference, payer, created_at, height FROM deposit_addresses WHERE `+where, args...).
		Scan(&a.ID, &a.Number, &a.UUID, &a.Merchant, &a.Env, &a.Version, &a.Origin, &a.Asset, &a.Network, &a.Currency.Code, &scale, &a.ConvertTo,
			&a.Group, &a.Label, &a.Text, &a.Tag, &minimum, &a.EndUserReference, &payer, &created, &a.Height)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, deposit.ErrNotFound
	}
	if err != nil {
		return nil, s.fail(err)
	}
	a.Currency.Scale, a.Created = uint8(scale), instant(created) //nolint:gosec // written from a uint8
	if a.Minimum, err = money.ParseMinor(a.Currency, minimum); err != nil {
		return nil, err
	}
	if payer != "" {
		plain, err := s.Box.Open(customerPlace(a.ID), payer)
		if err != nil {
			return nil, fmt.Errorf("deposit %s: %w", a.ID.Short(), err)
		}
		a.Payer = string(plain)
	}
	return a, nil
}

func (s Deposits) payments(ctx context.Context, a *deposit.Address) (map[ident.ID]head, error) {
	heads := map[ident.ID]head{}
	coin := func(string) (money.Currency, bool) { return money.Currency{}, false } // every row names its own
	return heads, s.eachPayment(ctx, ident.Owner{Kind: ident.OwnerDeposit, ID: a.ID}, coin, func(p paymentRow) {
		heads[p.ID] = p.told
		a.Payments = append(a.Payments, deposit.Payment{
			ID: p.ID, Number: p.Number, Transfer: p.Transfer, Inputs: p.Inputs, Replaceable: p.Replaceable, Coinbase: p.Coinbase,
			Status: deposit.Status(p.Status), Standing: deposit.Standing(p.Standing), Crossed: p.Wrong, FirstSeen: p.FirstSeen,
			ConfirmedAt: p.ConfirmedAt, RevertedAt: p.RevertedAt, Block: p.Block, Depth: p.Depth, Need: p.Need, Conflict: p.Conflict,
			ConflictBlock: p.ConflictBlock, DoubleSpent: p.DoubleSpent, Booked: p.Booked, Epoch: p.Epoch, Events: p.Events,
		})
	})
}

// Update loads an address, lets change decide, and keeps what it decided. See deposit.Store.
func (s Deposits) Update(ctx context.Context, id ident.ID, change deposit.Change) (*deposit.Address, error) {
	var out *deposit.Address
	err := s.update(ctx, func(ctx context.Context, t *tx) error {
		a, heads, err := s.load(ctx, "id = $1", id)
		if err != nil {
			return err
		}
		before := slices.Clone(a.Payments)
		at, err := s.Moment(ctx)
		if err != nil {
			return err
		}
		fx, err := change(a, at)
		if err != nil {
			return err
		}
		out = a
		return s.keep(ctx, t, a, before, fx, heads)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// keep writes what a change decided: the events first, for they move the ends of the payments' streams.
func (s Deposits) keep(ctx context.Context, t *tx, a *deposit.Address, before []deposit.Payment, fx deposit.Effects, heads map[ident.ID]head) error {
	if err := s.post(ctx, t, fx.Entries); err != nil {
		return err
	}
	for _, e := range fx.Events {
		h, err := s.tell(ctx, t, []event.Event{e}, heads[e.Stream])
		if err != nil {
			return err
		}
		heads[e.Stream] = h
	}
	owner := ownerOf{ident.Owner{Kind: ident.OwnerDeposit, ID: a.ID}, a.Merchant}
	for n := range a.Payments {
		row := s.paymentRow(&a.Payments[n], heads[a.Payments[n].ID])
		switch {
		case n >= len(before):
			if err := t.insertPayment(ctx, owner, row); err != nil {
				return err
			}
		case !sameDeposit(before[n], a.Payments[n]):
			if err := t.updatePayment(ctx, row); err != nil {
				return err
			}
		}
	}
	a.Version++
	if err := t.one(ctx, "UPDATE deposit_addresses SET version = $1 WHERE id = $2 AND version = $3", a.Version, a.ID, a.Version-1); err != nil {
		return err
	}
	return s.announce(ctx, t, a.ID, a.Version)
}

// sameDeposit says whether two readings of a payment need no writing: nothing else of it ever changes.
func sameDeposit(a, b deposit.Payment) bool {
	return a.ConfirmedAt.Equal(b.ConfirmedAt) && a.RevertedAt.Equal(b.RevertedAt) && a.Status == b.Status && a.Block == b.Block &&
		a.Depth == b.Depth && a.Conflict == b.Conflict && a.ConflictBlock == b.ConflictBlock && a.DoubleSpent == b.DoubleSpent &&
		a.Booked == b.Booked && a.Epoch == b.Epoch && a.Events == b.Events
}

func (s Deposits) paymentRow(p *deposit.Payment, told head) paymentRow {
	return paymentRow{
		ID: p.ID, Number: p.Number, Transfer: p.Transfer, Inputs: p.Inputs, Replaceable: p.Replaceable, Coinbase: p.Coinbase,
		Status: string(p.Status), Standing: string(p.Standing), Wrong: p.Crossed, FirstSeen: p.FirstSeen, ConfirmedAt: p.ConfirmedAt,
		RevertedAt: p.RevertedAt, Block: p.Block, Depth: p.Depth, Need: p.Need, Conflict: p.Conflict, ConflictBlock: p.ConflictBlock,
		DoubleSpent: p.DoubleSpent, Booked: p.Booked, Epoch: p.Epoch, Events: p.Events, told: told, seal: s.sealed(eventStream(p.ID), told),
	}
}
