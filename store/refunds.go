package store

import (
	"context"
	"database/sql"
	"fmt"
	"math/big"

	"checkout/invoice"
	"checkout/money"
)

// refunds loads what goes back to the payer of an invoice.
func (s Invoices) refunds(ctx context.Context, inv *invoice.Invoice) error {
	if len(inv.Payments) == 0 {
		return nil // nothing came that could go back
	}
	return s.each(ctx, `SELECT id, payment_id, network, asset, coin, scale, amount, address, unallocated, state, actor, reason, created_at, txid,
		proven, ended_at, pot, epoch, events FROM refunds WHERE owner_id = $1 ORDER BY n`, []any{inv.ID}, func(rows *sql.Rows) error {
		var r invoice.Refund
		var amount string
		var scale, at, ended int64
		c := money.Currency{Kind: money.Crypto}
		err := rows.Scan(&r.ID, &r.Payment, &r.Network, &r.Asset, &c.Code, &scale, &amount, &r.Address, &r.Unallocated, &r.State, &r.Actor,
			&r.Reason, &at, &r.TxID, &r.Proven, &ended, &r.Pot, &r.Epoch, &r.Events)
		if err != nil {
			return err
		}
		c.Scale = uint8(scale) //nolint:gosec // written from a uint8
		if r.Amount, err = money.ParseMinor(c, amount); err != nil {
			return err
		}
		r.At, r.EndedAt = instant(at), instant(ended)
		inv.Refunds = append(inv.Refunds, r)
		return nil
	})
}

// keepRefunds writes refunds that are new or changed.
func (t *tx) keepRefunds(ctx context.Context, before, inv *invoice.Invoice) error {
	for n, r := range inv.Refunds {
		var err error
		switch {
		case n >= len(before.Refunds):
			err = t.insertRefund(ctx, inv, n)
		case before.Refunds[n].Events != r.Events || before.Refunds[n].Epoch != r.Epoch:
			err = t.one(ctx, "UPDATE refunds SET state = $1, txid = $2, proven = $3, ended_at = $4, pot = $5, epoch = $6, events = $7 WHERE id = $8",
				r.State, r.TxID, r.Proven, millis(r.EndedAt), r.Pot, r.Epoch, r.Events, r.ID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) insertRefund(ctx context.Context, inv *invoice.Invoice, n int) error {
	r := inv.Refunds[n]
	c := r.Amount.Currency()
	_, err := t.exec(ctx, `INSERT INTO refunds (id, merchant_id, owner_kind, owner_id, n, payment_id, network, asset, coin, scale, amount, address,
		unallocated, state, actor, reason, created_at, txid, proven, ended_at, pot, epoch, events)
		VALUES ($1, $2, 'invoice', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)`,
		r.ID, inv.Merchant, inv.ID, n, r.Payment, r.Network, r.Asset, c.Code, int64(c.Scale), r.Amount.Minor(), r.Address, r.Unallocated, r.State,
		r.Actor, r.Reason, millis(r.At), r.TxID, r.Proven, millis(r.EndedAt), r.Pot, r.Epoch, r.Events)
	return err
}

// RefundedBy sums what paid refunds say a transaction pays an address, in smallest units.
func (s Invoices) RefundedBy(ctx context.Context, network, txid, address string) (*big.Int, error) {
	sum := new(big.Int)
	err := s.each(ctx, "SELECT amount FROM refunds WHERE network = $1 AND txid = $2 AND address = $3 AND state = 'paid'",
		[]any{network, txid, address}, func(rows *sql.Rows) error {
			var text string
			if err := rows.Scan(&text); err != nil {
				return err
			}
			amount, ok := new(big.Int).SetString(text, 10)
			if !ok {
				return fmt.Errorf("refund amount %q", text)
			}
			sum.Add(sum, amount)
			return nil
		})
	return sum, err
}
