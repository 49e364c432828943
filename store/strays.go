package store

import (
	"context"
	"database/sql"
	"slices"

	"checkout/invoice"
	"checkout/money"
)

// keepStrays writes what came on the wrong network anew, if it has changed. There are few.
func (t *tx) keepStrays(ctx context.Context, before, inv *invoice.Invoice) error {
	if slices.EqualFunc(before.Strays, inv.Strays, sameStray) {
		return nil
	}
	if _, err := t.exec(ctx, "DELETE FROM invoice_strays WHERE invoice_id = $1", inv.ID); err != nil {
		return err
	}
	for _, s := range inv.Strays {
		tr := s.Transfer
		_, err := t.exec(ctx, `INSERT INTO invoice_strays (invoice_id, merchant_id, network, txid, ordinal, asset, coin, scale, address, amount, block_height,
			block_hash, seen_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
			inv.ID, inv.Merchant, tr.Network, tr.TxID, tr.Ordinal, tr.Asset, tr.Amount.Currency().Code, int64(tr.Amount.Currency().Scale), tr.Address,
			tr.Amount.Minor(), s.Block.Height, s.Block.Hash, millis(s.Seen))
		if err != nil {
			return err
		}
	}
	return nil
}

func sameStray(a, b invoice.Stray) bool {
	return a.Block == b.Block && a.Transfer.Network == b.Transfer.Network && a.Transfer.TxID == b.Transfer.TxID &&
		a.Transfer.Ordinal == b.Transfer.Ordinal && a.Transfer.Amount.Equal(b.Transfer.Amount)
}

func (s Invoices) strays(ctx context.Context, inv *invoice.Invoice) error {
	return s.each(ctx, `SELECT network, txid, ordinal, asset, coin, scale, address, amount, block_height, block_hash, seen_at FROM invoice_strays
		WHERE invoice_id = $1 ORDER BY seen_at, network, txid, ordinal`, []any{inv.ID}, func(rows *sql.Rows) error {
		var x invoice.Stray
		var amount string
		var scale, seen int64
		c := money.Currency{Kind: money.Crypto}
		t := &x.Transfer
		err := rows.Scan(&t.Network, &t.TxID, &t.Ordinal, &t.Asset, &c.Code, &scale, &t.Address, &amount, &x.Block.Height, &x.Block.Hash, &seen)
		if err != nil {
			return err
		}
		c.Scale, x.Seen = uint8(scale), instant(seen) //nolint:gosec // written from a uint8
		if t.Amount, err = money.ParseMinor(c, amount); err != nil {
			return err
		}
		inv.Strays = append(inv.Strays, x)
		return nil
	})
}
