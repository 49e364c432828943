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
		for _, part := range []func(context.Context, *invoice.Invoice) error{s.quotes, s.addresses, s.payments, s.strays, s.marks, s.refunds} {
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
	return s.each(ctx, `SELECT number, asset, network, address, tag, assigned_at, height, nudge FROM invoice_addresses WHERE invoice_id = $1 ORDER BY number`,
		[]any{inv.ID}, func(rows *sql.Rows) error {
			var a invoice.Address
			var at int64
			var nudge string
			if err := rows.Scan(&a.Number, &a.Asset, &a.Network, &a.Text, &a.Tag, &at, &a.Height, &nudge); err != nil {
				return err
			}
			if m, ok := inv.Method(a.Asset); ok && nudge != "" {
				var err error
				if a.Nudge, err = money.ParseMinor(m.Currency, nudge); err != nil {
					return fmt.Errorf("address %s: %w", a.Text, err)
				}
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
	coin := func(asset string) (money.Currency, bool) {
		m, ok := inv.Method(asset)
		return m.Currency, ok
	}
	return s.eachPayment(ctx, ident.Owner{Kind: ident.OwnerInvoice, ID: inv.ID}, coin, func(p paymentRow) {
		inv.Payments = append(inv.Payments, invoice.Payment{
			ID: p.ID, Number: p.Number, Transfer: p.Transfer, Inputs: p.Inputs, Replaceable: p.Replaceable, Coinbase: p.Coinbase,
			Status: invoice.Status(p.Status), Standing: invoice.Standing(p.Standing), IsLate: p.IsLate, Wrong: p.Wrong, Extra: p.Extra,
			Quote: p.Quote, TakenBy: p.TakenBy, TakenWhy: p.TakenWhy, FirstSeen: p.FirstSeen, ConfirmedAt: p.ConfirmedAt, RevertedAt: p.RevertedAt,
			Block: p.Block, Depth: p.Depth, Need: p.Need, Conflict: p.Conflict, ConflictBlock: p.ConflictBlock, DoubleSpent: p.DoubleSpent,
			ReplacedBy: p.ReplacedBy, Booked: p.Booked, Epoch: p.Epoch, Events: p.Events,
		})
	})
}

func paymentRowOf(p *invoice.Payment) paymentRow {
	return paymentRow{
		ID: p.ID, Number: p.Number, Transfer: p.Transfer, Inputs: p.Inputs, Replaceable: p.Replaceable, Coinbase: p.Coinbase,
		Status: string(p.Status), Standing: string(p.Standing), IsLate: p.IsLate, Wrong: p.Wrong, Extra: p.Extra,
		Quote: p.Quote, TakenBy: p.TakenBy, TakenWhy: p.TakenWhy, FirstSeen: p.FirstSeen, ConfirmedAt: p.ConfirmedAt, RevertedAt: p.RevertedAt,
		Block: p.Block, Depth: p.Depth, Need: p.Need, Conflict: p.Conflict, ConflictBlock: p.ConflictBlock, DoubleSpent: p.DoubleSpent,
		ReplacedBy: p.ReplacedBy, Booked: p.Booked, Epoch: p.Epoch, Events: p.Events,
	}
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
