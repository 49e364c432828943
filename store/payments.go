package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"checkout/chain"
	"checkout/ident"
	"checkout/ledger"
	"checkout/money"
)

// paymentRow is a payment as its table holds it: of an invoice, or to a deposit address. What only one of them has is
// empty for the other.
type paymentRow struct {
	ID          ident.ID
	Number      int64
	Transfer    chain.Transfer
	Inputs      []string
	Replaceable bool
	Coinbase    bool

	Status, Standing string
	IsLate, Extra    bool
	Wrong            bool
	Quote            ident.ID
	TakenBy          string
	TakenWhy         string

	FirstSeen, ConfirmedAt, RevertedAt time.Time
	Block                              chain.BlockRef
	Depth, Need                        int64

	Conflict      string
	ConflictBlock chain.BlockRef
	DoubleSpent   bool
	ReplacedBy    ident.ID

	Booked        ledger.Booking
	Epoch, Events int64

	told head   // of the payment's own event stream; an invoice's payments have none
	seal string // of that
}

// ownerOf names whose payments are written.
type ownerOf struct {
	ident.Owner
	merchant ident.ID
}

func (t *tx) insertPayment(ctx context.Context, o ownerOf, p paymentRow) error {
	if p.Inputs == nil {
		p.Inputs = []string{}
	}
	inputs, err := json.Marshal(p.Inputs)
	if err != nil {
		return err
	}
	tr := p.Transfer
	_, err = t.exec(ctx, `INSERT INTO payments (id, number, merchant_id, owner_kind, owner_id, network, asset, txid, ordinal, address, amount,
		inputs, replaceable, coinbase, status, standing, is_late, extra, quote_id, first_seen_at, confirmed_at, reverted_at, block_height,
		block_hash, depth, need, conflict, conflict_height, conflict_hash, double_spent, replaced_by, booked, epoch, events, wrong, coin, scale,
		event_hash, event_seal)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
		$26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39)`,
		p.ID, p.Number, o.merchant, o.Kind, o.ID, tr.Network, tr.Asset, tr.TxID, tr.Ordinal, tr.Address, tr.Amount.Minor(), string(inputs),
		p.Replaceable, p.Coinbase, p.Status, p.Standing, p.IsLate, p.Extra, p.Quote, millis(p.FirstSeen), millis(p.ConfirmedAt),
		millis(p.RevertedAt), p.Block.Height, p.Block.Hash, p.Depth, p.Need, p.Conflict, p.ConflictBlock.Height, p.ConflictBlock.Hash,
		p.DoubleSpent, p.ReplacedBy, p.Booked, p.Epoch, p.Events, p.Wrong, tr.Amount.Currency().Code, int64(tr.Amount.Currency().Scale),
		p.told.hash, p.seal)
	return err
}

func (t *tx) updatePayment(ctx context.Context, p paymentRow) error {
	return t.one(ctx, `UPDATE payments SET status = $1, standing = $2, is_late = $3, extra = $4, quote_id = $5, confirmed_at = $6,
		reverted_at = $7, block_height = $8, block_hash = $9, depth = $10, conflict = $11, conflict_height = $12, conflict_hash = $13,
		double_spent = $14, replaced_by = $15, booked = $16, epoch = $17, events = $18, taken_by = $19, taken_why = $20, event_hash = $21,
		event_seal = $22, amount = $23 WHERE id = $24`,
		p.Status, p.Standing, p.IsLate, p.Extra, p.Quote, millis(p.ConfirmedAt), millis(p.RevertedAt), p.Block.Height, p.Block.Hash, p.Depth,
		p.Conflict, p.ConflictBlock.Height, p.ConflictBlock.Hash, p.DoubleSpent, p.ReplacedBy, p.Booked, p.Epoch, p.Events, p.TakenBy, p.TakenWhy,
		p.told.hash, p.seal, p.Transfer.Amount.Minor(), p.ID)
}

// eachPayment reads the payments of an owner in the order they came. coin gives the currency of an asset whose row does not name
// it, as rows of old do not.
func (db *DB) eachPayment(ctx context.Context, o ident.Owner, coin func(asset string) (money.Currency, bool), take func(paymentRow)) error {
	return db.each(ctx, `SELECT id, number, network, asset, txid, ordinal, address, amount, inputs, replaceable, coinbase, status, standing,
		is_late, extra, quote_id, first_seen_at, confirmed_at, reverted_at, block_height, block_hash, depth, need, conflict, conflict_height,
		conflict_hash, double_spent, replaced_by, booked, epoch, events, wrong, coin, scale, taken_by, taken_why, event_hash
		FROM payments WHERE owner_id = $1 AND owner_kind = $2 ORDER BY number`,
		[]any{o.ID, o.Kind}, func(rows *sql.Rows) error {
			var p paymentRow
			var amount, inputs string
			var seen, confirmed, reverted, scale int64
			c := money.Currency{Kind: money.Crypto}
			t := &p.Transfer
			if err := rows.Scan(&p.ID, &p.Number, &t.Network, &t.Asset, &t.TxID, &t.Ordinal, &t.Address, &amount, &inputs, &p.Replaceable,
				&p.Coinbase, &p.Status, &p.Standing, &p.IsLate, &p.Extra, &p.Quote, &seen, &confirmed, &reverted, &p.Block.Height, &p.Block.Hash,
				&p.Depth, &p.Need, &p.Conflict, &p.ConflictBlock.Height, &p.ConflictBlock.Hash, &p.DoubleSpent, &p.ReplacedBy, &p.Booked,
				&p.Epoch, &p.Events, &p.Wrong, &c.Code, &scale, &p.TakenBy, &p.TakenWhy, &p.told.hash); err != nil {
				return err
			}
			c.Scale = uint8(scale) //nolint:gosec // written from a uint8
			known, ok := coin(t.Asset)
			switch {
			case ok:
				c = known
			case c.Code == "":
				return fmt.Errorf("payment %s: no method %q", p.ID, t.Asset)
			}
			var err error
			if t.Amount, err = money.ParseMinor(c, amount); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(inputs), &p.Inputs); err != nil {
				return fmt.Errorf("payment %s: %w", p.ID, err)
			}
			p.FirstSeen, p.ConfirmedAt, p.RevertedAt, p.told.seq = instant(seen), instant(confirmed), instant(reverted), p.Events
			take(p)
			return nil
		})
}

// unfinished lists owners of a kind with payments on a network that confirmations still change.
func (db *DB) unfinished(ctx context.Context, kind, network string) ([]ident.ID, error) {
	return db.ids(ctx, `SELECT DISTINCT owner_id FROM payments WHERE network = $1 AND status IN ('detected', 'reverted')
		AND (block_hash <> '' OR conflict_hash <> '') AND owner_kind = $2 ORDER BY owner_id`, network, kind)
}

// inBlock lists owners of a kind with payments, or conflicts of payments, in a block.
func (db *DB) inBlock(ctx context.Context, kind, network, hash string) ([]ident.ID, error) {
	return db.ids(ctx, `SELECT owner_id FROM payments WHERE network = $1 AND block_hash = $2 AND block_hash <> '' AND owner_kind = $3
		UNION SELECT owner_id FROM payments WHERE network = $1 AND conflict_hash = $2 AND conflict_hash <> '' AND owner_kind = $3 ORDER BY owner_id`,
		network, hash, kind)
}

// ids reads a column of ids.
func (db *DB) ids(ctx context.Context, query string, args ...any) ([]ident.ID, error) {
	var list []ident.ID
	err := db.each(ctx, query, args, func(rows *sql.Rows) error {
		var id ident.ID
		err := rows.Scan(&id)
		list = append(list, id)
		return err
	})
	return list, err
}
