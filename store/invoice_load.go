package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"checkout/chain"
	"checkout/ident"
	"checkout/invoice"
	"checkout/money"
)

// load reads an invoice with everything that belongs to it, as it was at one instant, and derives its outcome again from its
// facts.
func (s Invoices) load(ctx context.Context, id ident.ID) (inv *invoice.Invoice, heads chains, err error) {
	err = s.look(ctx, func(ctx context.Context) error {
		if inv, heads, err = s.row(ctx, id); err != nil {
			return err
		}
		for _, part := range []func(context.Context, *invoice.Invoice) error{s.quotes, s.addresses, s.payments, s.marks, s.refunds} {
			if err := part(ctx, inv); err != nil {
				return fmt.Errorf("invoice %s: %w", id.Short(), err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, chains{}, err
	}
	inv.Restore()
	return inv, heads, nil
}

func (s Invoices) row(ctx context.Context, id ident.ID) (*invoice.Invoice, chains, error) {
	inv := &invoice.Invoice{}
	var h chains
	var c money.Currency
	var crypto bool
	var scale, created, endedAt, settled, skipped, due, slow int64
	var price, tolerance, terms, methods, payer, tip string
	var ended invoice.End
	err := s.from(ctx).QueryRowContext(ctx, `SELECT id, number, uuid, merchant_id, environment, version, origin, foreign_id, title, description,
		email, end_user_reference, payer, success_url, failure_url, created_at, currency, scale, crypto, price, tolerance, terms, methods, asset,
		state, reason, ended_state, ended_reason, ended_at, lapsed_quote, settled_at, skipped_ms, due_at, log_seq, log_hash, event_seq, event_hash, refund_asset, refund_address, from_exchange, slow_since, source_id, tip
		FROM invoices WHERE id = $1`, id).Scan(&inv.ID, &inv.Number, &inv.UUID, &inv.Merchant, &inv.Env, &inv.Version, &inv.Origin, &inv.ForeignID,
		&inv.Title, &inv.Description, &inv.Email, &inv.EndUserReference, &payer, &inv.SuccessURL, &inv.FailureURL, &created, &c.Code, &scale, &crypto,
		&price, &tolerance, &terms, &methods, &inv.Asset, &inv.Outcome.State, &inv.Outcome.Reason, &ended.State, &ended.Reason, &endedAt, &inv.Lapsed, &settled,
		&skipped, &due, &h.log.seq, &h.log.hash, &h.events.seq, &h.events.hash, &inv.RefundAsset, &inv.RefundAddress, &inv.FromExchange, &slow, &inv.Source, &tip)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, h, invoice.ErrNotFound
	}
	if err != nil {
		return nil, h, s.fail(err)
	}
	c.Scale, c.Kind = uint8(scale), money.Fiat //nolint:gosec // written from a uint8
	if crypto {
		c.Kind = money.Crypto
	}
	inv.Created, inv.SettledAt, inv.DueAt, inv.LogSeq = instant(created), instant(settled), instant(due), h.log.seq
	inv.Skipped, inv.SlowSince = time.Duration(skipped)*time.Millisecond, instant(slow)
	if ended.State != "" {
		ended.At = instant(endedAt)
		inv.Ended = &ended
	}
	if payer != "" {
		plain, err := s.Box.Open(payerPlace(inv.ID), payer)
		if err != nil {
			return nil, h, fmt.Errorf("invoice %s: %w", id.Short(), err)
		}
		inv.Payer = string(plain)
	}
	if inv.Price, err = money.ParseMinor(c, price); err != nil {
		return nil, h, err
	}
	if inv.Tip, err = tipOf(c, tip); err != nil {
		return nil, h, err
	}
	return inv, h, frozen(inv, terms, methods, tolerance)
}

// frozen reads the documents.
func frozen(inv *invoice.Invoice, terms, methods, tolerance string) error {
	var t termsRow
	var list []methodRow
	if err := errors.Join(json.Unmarshal([]byte(terms), &t), json.Unmarshal([]byte(methods), &list)); err != nil {
		return fmt.Errorf("documents: %w", err)
	}
	inv.Terms = invoice.Terms{
		Name: t.Name, OpenFor: t.OpenFor, Lock: t.Lock, DeadlineAfter: t.DeadlineAfter, ExtendShort: t.ExtendShort, SlowPayer: t.SlowPayer, Grace: t.Grace,
		MaxRenewals: t.MaxRenewals, RenewDrift: t.RenewDrift, Partial: t.Partial, Watch: t.Watch, LockAll: t.LockAll, Final: t.Final,
	}
	var err error
	if inv.Terms.Tolerance, err = money.ParseMinor(inv.Price.Currency(), tolerance); err != nil {
		return err
	}
	for _, r := range list {
		m, err := r.method()
		if err != nil {
			return err
		}
		inv.Methods = append(inv.Methods, m)
	}
	return nil
}

func (s Invoices) quotes(ctx context.Context, inv *invoice.Invoice) error {
	return s.each(ctx, `SELECT id, asset, rate, due, begins_at, ends_at, renewal, by_payer, sources FROM invoice_quotes WHERE invoice_id = $1 ORDER BY n`,
		[]any{inv.ID}, func(rows *sql.Rows) error {
			var q invoice.Quote
			var rate, due, sources string
			var begins, ends int64
			if err := rows.Scan(&q.ID, &q.Asset, &rate, &due, &begins, &ends, &q.Renewal, &q.ByPayer, &sources); err != nil {
				return err
			}
			m, ok := inv.Method(q.Asset)
			if !ok {
				return fmt.Errorf("quote %s: no method %q", q.ID, q.Asset)
			}
			var err error
			if q.Rate, err = money.ParseRatio(m.Currency, inv.Price.Currency(), rate); err != nil {
				return err
			}
			if q.Due, err = money.ParseMinor(m.Currency, due); err != nil {
				return err
			}
			if sources != "" {
				q.Sources = strings.Split(sources, ",")
			}
			q.At, q.Until = instant(begins), instant(ends)
			inv.Quotes = append(inv.Quotes, q)
			return nil
		})
}

func (s Invoices) addresses(ctx context.Context, inv *invoice.Invoice) error {
	return s.each(ctx, `SELECT number, asset, network, address, tag, assigned_at, height FROM invoice_addresses WHERE invoice_id = $1 ORDER BY number`,
		[]any{inv.ID}, func(rows *sql.Rows) error {
			var a invoice.Address
			var at int64
			if err := rows.Scan(&a.Number, &a.Asset, &a.Network, &a.Text, &a.Tag, &at, &a.Height); err != nil {
				return err
			}
			a.AssignedAt = instant(at)
			inv.Addresses = append(inv.Addresses, a)
			return nil
		})
}

func (s Invoices) marks(ctx context.Context, inv *invoice.Invoice) error {
	return s.each(ctx, `SELECT kind, actor, reason, at, until FROM invoice_marks WHERE invoice_id = $1 ORDER BY n`,
		[]any{inv.ID}, func(rows *sql.Rows) error {
			var m invoice.Mark
			var at, until int64
			if err := rows.Scan(&m.Kind, &m.Actor, &m.Reason, &at, &until); err != nil {
				return err
			}
			m.At, m.Until = instant(at), instant(until)
			inv.Marks = append(inv.Marks, m)
			return nil
		})
}

func (s Invoices) payments(ctx context.Context, inv *invoice.Invoice) error {
	return s.each(ctx, `SELECT id, number, network, asset, txid, ordinal, address, amount, inputs, replaceable, coinbase, status, standing,
		is_late, extra, quote_id, first_seen_at, confirmed_at, reverted_at, block_height, block_hash, depth, need, conflict, conflict_height,
		conflict_hash, double_spent, replaced_by, booked, epoch, events, wrong, coin, scale, taken_by, taken_why FROM payments WHERE owner_id = $1 AND owner_kind = 'invoice' ORDER BY number`,
		[]any{inv.ID}, func(rows *sql.Rows) error {
			var p invoice.Payment
			var amount, inputs string
			var seen, confirmed, reverted, scale int64
			foreign := money.Currency{Kind: money.Crypto}
			t := &p.Transfer
			if err := rows.Scan(&p.ID, &p.Number, &t.Network, &t.Asset, &t.TxID, &t.Ordinal, &t.Address, &amount, &inputs, &p.Replaceable,
				&p.Coinbase, &p.Status, &p.Standing, &p.IsLate, &p.Extra, &p.Quote, &seen, &confirmed, &reverted, &p.Block.Height, &p.Block.Hash,
				&p.Depth, &p.Need, &p.Conflict, &p.ConflictBlock.Height, &p.ConflictBlock.Hash, &p.DoubleSpent, &p.ReplacedBy, &p.Booked,
				&p.Epoch, &p.Events, &p.Wrong, &foreign.Code, &scale, &p.TakenBy, &p.TakenWhy); err != nil {
				return err
			}
			foreign.Scale = uint8(scale) //nolint:gosec // written from a uint8
			m, ok := inv.Method(t.Asset)
			switch {
			case ok:
				foreign = m.Currency
			case foreign.Code == "":
				return fmt.Errorf("payment %s: no method %q", p.ID, t.Asset)
			}
			var err error
			if t.Amount, err = money.ParseMinor(foreign, amount); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(inputs), &p.Inputs); err != nil {
				return fmt.Errorf("payment %s: %w", p.ID, err)
			}
			p.FirstSeen, p.ConfirmedAt, p.RevertedAt = instant(seen), instant(confirmed), instant(reverted)
			inv.Payments = append(inv.Payments, p)
			return nil
		})
}

// samePayment says whether two readings of a payment need no writing.
func samePayment(a, b invoice.Payment) bool {
	if !slices.Equal(a.Inputs, b.Inputs) || !a.Transfer.Amount.Equal(b.Transfer.Amount) {
		return false
	}
	a.Inputs, b.Inputs = nil, nil
	a.Transfer, b.Transfer = chain.Transfer{}, chain.Transfer{} // identity never changes
	return a.Status == b.Status && a.Standing == b.Standing && a.IsLate == b.IsLate && a.Extra == b.Extra && a.Quote == b.Quote &&
		a.FirstSeen.Equal(b.FirstSeen) && a.ConfirmedAt.Equal(b.ConfirmedAt) && a.RevertedAt.Equal(b.RevertedAt) && a.Block == b.Block &&
		a.Depth == b.Depth && a.Conflict == b.Conflict && a.ConflictBlock == b.ConflictBlock && a.DoubleSpent == b.DoubleSpent &&
		a.ReplacedBy == b.ReplacedBy && a.Booked == b.Booked && a.Epoch == b.Epoch && a.Events == b.Events && a.TakenBy == b.TakenBy && a.TakenWhy == b.TakenWhy
}

func (t *tx) insertPayment(ctx context.Context, inv *invoice.Invoice, p *invoice.Payment) error {
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
		block_hash, depth, need, conflict, conflict_height, conflict_hash, double_spent, replaced_by, booked, epoch, events, wrong, coin, scale)
		VALUES ($1, $2, $3, 'invoice', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
		$26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36)`,
		p.ID, p.Number, inv.Merchant, inv.ID, tr.Network, tr.Asset, tr.TxID, tr.Ordinal, tr.Address, tr.Amount.Minor(), string(inputs),
		p.Replaceable, p.Coinbase, p.Status, p.Standing, p.IsLate, p.Extra, p.Quote, millis(p.FirstSeen), millis(p.ConfirmedAt),
		millis(p.RevertedAt), p.Block.Height, p.Block.Hash, p.Depth, p.Need, p.Conflict, p.ConflictBlock.Height, p.ConflictBlock.Hash,
		p.DoubleSpent, p.ReplacedBy, p.Booked, p.Epoch, p.Events, p.Wrong, tr.Amount.Currency().Code, int64(tr.Amount.Currency().Scale))
	return err
}

func (t *tx) updatePayment(ctx context.Context, p *invoice.Payment) error {
	return t.one(ctx, `UPDATE payments SET status = $1, standing = $2, is_late = $3, extra = $4, quote_id = $5, confirmed_at = $6,
		reverted_at = $7, block_height = $8, block_hash = $9, depth = $10, conflict = $11, conflict_height = $12, conflict_hash = $13,
		double_spent = $14, replaced_by = $15, booked = $16, epoch = $17, events = $18, taken_by = $19, taken_why = $20 WHERE id = $21`,
		p.Status, p.Standing, p.IsLate, p.Extra, p.Quote, millis(p.ConfirmedAt), millis(p.RevertedAt), p.Block.Height, p.Block.Hash, p.Depth,
		p.Conflict, p.ConflictBlock.Height, p.ConflictBlock.Hash, p.DoubleSpent, p.ReplacedBy, p.Booked, p.Epoch, p.Events, p.TakenBy, p.TakenWhy, p.ID)
}
