package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
	"checkout/seal"
)

// Invoices keeps invoices with their quotes, addresses, payments, marks, state log and events.
type Invoices struct{ *DB }

// Moment is the transaction's clock, and how far every network has been followed.
func (s Invoices) Moment(ctx context.Context) (invoice.Moment, error) {
	at := invoice.Moment{Evidence: map[string]time.Time{}, Heights: map[string]int64{}}
	var err error
	at.Now, err = s.moment(ctx, func(network string, height int64, through time.Time) {
		at.Evidence[network], at.Heights[network] = through, height
	})
	return at, err
}

// moment reads the transaction's clock and where each network stands that was ever reached.
func (db *DB) moment(ctx context.Context, take func(network string, height int64, through time.Time)) (now time.Time, err error) {
	err = db.update(ctx, func(ctx context.Context, t *tx) error {
		var err error
		if now, err = t.now(ctx); err != nil {
			return err
		}
		return db.each(ctx, "SELECT network, height, seen_through FROM cursors WHERE block_hash <> ''", nil, func(rows *sql.Rows) error {
			var network string
			var height, through int64
			if err := rows.Scan(&network, &height, &through); err != nil {
				return err
			}
			take(network, height, instant(through))
			return nil
		})
	})
	return now, err
}

// Insert keeps a new invoice with the effects of its creation; invoice.ErrForeign if its idempotency key was used.
func (s Invoices) Insert(ctx context.Context, inv *invoice.Invoice, once ident.Once, fx invoice.Effects) error {
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		if !once.IsZero() {
			n, err := t.exec(ctx, `INSERT INTO onces (scope, key, object_id, created_at) VALUES ($1, $2, $3, $4)
				ON CONFLICT (scope, key) DO NOTHING`, once.Scope, once.Key, inv.ID, millis(inv.Created))
			if err != nil {
				return err
			}
			if n == 0 {
				return invoice.ErrForeign
			}
		}
		heads, err := s.record(ctx, t, &invoice.Invoice{}, inv, fx, chains{})
		if err != nil {
			return err
		}
		terms, methods, err := documents(inv)
		if err != nil {
			return err
		}
		c := inv.Price.Currency()
		row := append(s.standingRow(inv, heads), inv.ID, inv.Number, inv.UUID, inv.Merchant, inv.Env, inv.Origin, inv.ForeignID, inv.Title,
			inv.Description, inv.EndUserReference, s.sealPayer(inv), inv.SuccessURL, inv.FailureURL, millis(inv.Created), c.Code, int64(c.Scale),
			c.Kind == money.Crypto, inv.Price.Minor(), inv.Terms.Tolerance.Minor(), terms, methods, inv.Source, tipText(inv.Tip))
		if _, err := t.exec(ctx, insertInvoice, row...); err != nil {
			return err
		}
		return s.announce(ctx, t, inv.ID, inv.Version)
	})
}

// payerPlace binds what is known of a payer to its invoice.
func payerPlace(id ident.ID) seal.Place {
	return seal.Place{Table: "invoices", Column: "payer", Row: string(id)}
}

func (s Invoices) sealPayer(inv *invoice.Invoice) string {
	if inv.Payer == "" {
		return ""
	}
	return s.Box.Seal(payerPlace(inv.ID), []byte(inv.Payer))
}

// The columns of an invoice that change, in one order, and those that never do.
var (
	standingColumns = []string{
		"version", "email", "asset", "network", "quote_id", "state", "amount_state", "flags", "fulfilment", "reason", "due", "received",
		"ended_state", "ended_reason", "ended_at", "lapsed_quote", "settled_at", "expires_at", "due_at", "log_seq", "log_hash", "log_seal",
		"event_seq", "event_hash", "event_seal", "skipped_ms", "refund_asset", "refund_address", "from_exchange", "slow_since",
	}
	fixedColumns = []string{
		"id", "number", "uuid", "merchant_id", "environment", "origin", "foreign_id", "title", "description", "end_user_reference", "payer",
		"success_url", "failure_url", "created_at", "currency", "scale", "crypto", "price", "tolerance", "terms", "methods", "source_id", "tip",
	}
	insertInvoice, updateInvoice = invoiceStatements()
)

func invoiceStatements() (insert, update string) {
	var places, sets []string
	for n, column := range standingColumns {
		sets = append(sets, fmt.Sprintf("%s = $%d", column, n+1))
	}
	all := slices.Concat(standingColumns, fixedColumns)
	for n := range all {
		places = append(places, fmt.Sprintf("$%d", n+1))
	}
	n := len(standingColumns)
	return "INSERT INTO invoices (" + strings.Join(all, ", ") + ") VALUES (" + strings.Join(places, ", ") + ")",
		fmt.Sprintf("UPDATE invoices SET %s WHERE id = $%d AND version = $%d", strings.Join(sets, ", "), n+1, n+2)
}

// standingRow is what standingColumns hold for an invoice.
func (s Invoices) standingRow(inv *invoice.Invoice, h chains) []any {
	ended := invoice.End{}
	if inv.Ended != nil {
		ended = *inv.Ended
	}
	o := inv.Outcome
	method, _ := inv.Method(inv.Asset)
	quote, _ := inv.Quote(inv.Asset)
	return []any{
		inv.Version, inv.Email, inv.Asset, method.Network, quote.ID, o.State, o.Amount, o.Flags.String(), o.Fulfilment, o.Reason,
		o.Due.Minor(), inv.Received(inv.Asset).Minor(), ended.State, ended.Reason, millis(ended.At), inv.Lapsed, millis(inv.SettledAt),
		millis(inv.Deadline()), millis(inv.DueAt), h.log.seq, h.log.hash, s.sealed(logStream(inv.ID), h.log),
		h.events.seq, h.events.hash, s.sealed(eventStream(inv.ID), h.events), inv.Skipped.Milliseconds(), inv.RefundAsset, inv.RefundAddress,
		inv.FromExchange, millis(inv.SlowSince),
	}
}

// chains are the ends of an invoice's two hash chains.
type chains struct{ log, events head }

// Update loads an invoice, lets change decide, and keeps what it decided. See invoice.Store.
func (s Invoices) Update(ctx context.Context, id ident.ID, change invoice.Change) (*invoice.Invoice, error) {
	var out *invoice.Invoice
	err := s.update(ctx, func(ctx context.Context, t *tx) error {
		inv, heads, err := s.load(ctx, id)
		if err != nil {
			return err
		}
		before := snapshot(inv)
		at, err := s.Moment(ctx)
		if err != nil {
			return err
		}
		if err := s.unheard(ctx, id, at.Evidence); err != nil {
			return err
		}
		fx, err := change(inv, at)
		if errors.Is(err, invoice.ErrUnchanged) {
			out = before
			return t.redue(ctx, before, inv.DueAt)
		}
		if err != nil {
			return err
		}
		out = inv
		return s.keep(ctx, t, before, inv, fx, heads)
	})
	return out, err
}

// redue moves the time to look again, which is no change anybody sees.
func (t *tx) redue(ctx context.Context, inv *invoice.Invoice, due time.Time) error {
	if inv.DueAt.Equal(due) {
		return nil
	}
	return t.one(ctx, "UPDATE invoices SET due_at = $1 WHERE id = $2 AND version = $3", millis(due), inv.ID, inv.Version)
}

// snapshot is a copy whose lists a change cannot reach.
func snapshot(inv *invoice.Invoice) *invoice.Invoice {
	c := *inv
	c.Payments = append([]invoice.Payment(nil), inv.Payments...)
	return &c
}

// keep writes what changed between two readings of an invoice, with the effects.
func (s Invoices) keep(ctx context.Context, t *tx, before, inv *invoice.Invoice, fx invoice.Effects, h chains) error {
	inv.Version++
	h, err := s.record(ctx, t, before, inv, fx, h)
	if err != nil {
		return err
	}
	if err := t.one(ctx, updateInvoice, append(s.standingRow(inv, h), inv.ID, inv.Version-1)...); err != nil {
		return err
	}
	return s.announce(ctx, t, inv.ID, inv.Version)
}

// record writes everything about a change but the row of the invoice itself, and returns the new ends of its hash chains.
func (s Invoices) record(ctx context.Context, t *tx, before, inv *invoice.Invoice, fx invoice.Effects, h chains) (chains, error) {
	if err := s.keepLists(ctx, t, before, inv); err != nil {
		return h, err
	}
	if err := s.post(ctx, t, fx.Entries); err != nil {
		return h, err
	}
	var err error
	if h.log, err = s.keepLog(ctx, t, inv, fx.Log, h.log); err != nil {
		return h, err
	}
	h.events, err = s.tell(ctx, t, fx.Events, h.events)
	return h, err
}

// announce tells those who keep copies in memory, after the commit. A command beside the serving process leaves it a note.
func (db *DB) announce(ctx context.Context, t *tx, id ident.ID, version int64) error {
	if db.Changed != nil {
		t.after = append(t.after, func() { db.Changed(id, version) })
	}
	if db.Serve || !db.engine.oneWriter() {
		return nil
	}
	_, err := t.exec(ctx, `INSERT INTO changed_elsewhere (invoice_id, version) VALUES ($1, $2)
		ON CONFLICT (invoice_id) DO UPDATE SET version = excluded.version`, id, version)
	return err
}

// Elsewhere calls Changed for what other processes have changed since it was last asked.
func (s Invoices) Elsewhere(ctx context.Context) error {
	type change struct {
		id      ident.ID
		version int64
	}
	var list []change
	err := s.each(ctx, "SELECT invoice_id, version FROM changed_elsewhere", nil, func(rows *sql.Rows) error {
		var c change
		err := rows.Scan(&c.id, &c.version)
		list = append(list, c)
		return err
	})
	if err != nil || len(list) == 0 {
		return err
	}
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		for _, c := range list {
			n, err := t.exec(ctx, "DELETE FROM changed_elsewhere WHERE invoice_id = $1 AND version = $2", c.id, c.version)
			if err != nil {
				return err
			}
			if n == 1 && s.Changed != nil {
				t.after = append(t.after, func() { s.Changed(c.id, c.version) })
			}
		}
		return nil
	})
}

// keepLists appends new quotes, addresses and marks, and writes payments that are new or changed.
func (s Invoices) keepLists(ctx context.Context, t *tx, before, inv *invoice.Invoice) error {
	for n := len(before.Quotes); n < len(inv.Quotes); n++ {
		if err := t.insertQuote(ctx, inv, n); err != nil {
			return err
		}
	}
	for _, a := range inv.Addresses[len(before.Addresses):] {
		_, err := t.exec(ctx, `INSERT INTO invoice_addresses (invoice_id, merchant_id, asset, number, network, address, tag, assigned_at, height, nudge)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, inv.ID, inv.Merchant, a.Asset, a.Number, a.Network, a.Text, a.Tag, millis(a.AssignedAt), a.Height, nudgeOf(a))
		if err != nil {
			return err
		}
	}
	for n := len(before.Marks); n < len(inv.Marks); n++ {
		m := inv.Marks[n]
		_, err := t.exec(ctx, `INSERT INTO invoice_marks (invoice_id, merchant_id, n, kind, actor, reason, at, until)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, inv.ID, inv.Merchant, n, m.Kind, m.Actor, m.Reason, millis(m.At), millis(m.Until))
		if err != nil {
			return err
		}
	}
	owner := ownerOf{ident.Owner{Kind: ident.OwnerInvoice, ID: inv.ID}, inv.Merchant}
	for n := range inv.Payments {
		p := &inv.Payments[n]
		switch {
		case n >= len(before.Payments):
			if err := t.insertPayment(ctx, owner, paymentRowOf(p)); err != nil {
				return err
			}
		case !samePayment(before.Payments[n], *p):
			if err := t.updatePayment(ctx, paymentRowOf(p)); err != nil {
				return err
			}
		}
	}
	if err := t.keepStrays(ctx, before, inv); err != nil {
		return err
	}
	return t.keepRefunds(ctx, before, inv)
}

// nudgeOf is what an address asks for on top, as it is kept: nothing for most.
func nudgeOf(a invoice.Address) string {
	if !a.Exact() {
		return ""
	}
	return a.Nudge.Minor()
}

func (t *tx) insertQuote(ctx context.Context, inv *invoice.Invoice, n int) error {
	q := inv.Quotes[n]
	type sample struct {
		Source string `json:"source"`
		Pair   string `json:"pair"`
		Rate   string `json:"rate"`
		At     int64  `json:"at"`
	}
	basis := []sample{}
	for _, b := range q.Basis {
		basis = append(basis, sample{b.Source, b.Rate.From.Code + "/" + b.Rate.To.Code, b.Rate.Ratio(), b.At.UnixMilli()})
	}
	text, err := json.Marshal(basis)
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `INSERT INTO invoice_quotes (id, invoice_id, merchant_id, n, asset, rate, due, begins_at, ends_at, renewal, by_payer, basis, sources)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		q.ID, inv.ID, inv.Merchant, n, q.Asset, q.Rate.Ratio(), q.Due.Minor(), millis(q.At), millis(q.Until), q.Renewal, q.ByPayer, string(text), strings.Join(q.Sources, ","))
	return err
}

// keepLog appends rows to the state log.
func (s Invoices) keepLog(ctx context.Context, t *tx, inv *invoice.Invoice, moves []invoice.Move, h head) (head, error) {
	for _, m := range moves {
		hash := s.chain.Link(logStream(inv.ID), m.Seq, h.hash, logRow(m)...)
		_, err := t.exec(ctx, `INSERT INTO invoice_events (invoice_id, seq, merchant_id, from_state, to_state, amount_state, flags, reason,
			cause_kind, cause_id, actor, at, prev_hash, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
			inv.ID, m.Seq, inv.Merchant, m.From, m.To, m.Amount, m.Flags.String(), m.Reason, m.Cause.Kind, m.Cause.ID, m.Cause.Actor,
			millis(m.At), h.hash, hash)
		if err != nil {
			return h, err
		}
		h = head{m.Seq, hash}
	}
	return h, nil
}

func logRow(m invoice.Move) []string {
	return []string{string(m.From), string(m.To), string(m.Amount), m.Flags.String(), m.Reason, m.Cause.Kind, m.Cause.ID, m.Cause.Actor,
		strconv.FormatInt(m.At.UnixMilli(), 10)}
}

// Due lists invoices time may change something about. See invoice.Store.
func (s Invoices) Due(ctx context.Context, before time.Time, after invoice.DueMark, limit int) ([]invoice.DueMark, error) {
	var list []invoice.DueMark
	err := s.each(ctx, `SELECT i.due_at, i.id FROM invoices i WHERE i.due_at > 0 AND i.due_at <= $1 AND (i.due_at, i.id) > ($2, $3)
		AND NOT EXISTS (SELECT 1 FROM cursors c WHERE c.network = i.network AND c.seen_through <= i.due_at)
		AND NOT EXISTS (SELECT 1 FROM held h WHERE h.owner_id = i.id AND h.met_at <= i.due_at)
		ORDER BY i.due_at, i.id LIMIT $4`,
		[]any{millis(before), millis(after.At), after.ID, limit}, func(rows *sql.Rows) error {
			var d invoice.DueMark
			var at int64
			if err := rows.Scan(&at, &d.ID); err != nil {
				return err
			}
			d.At = instant(at)
			list = append(list, d)
			return nil
		})
	return list, err
}

// Unfinished lists invoices with payments on a network that confirmations still change.
func (s Invoices) Unfinished(ctx context.Context, network string) ([]ident.ID, error) {
	return s.unfinished(ctx, ident.OwnerInvoice, network)
}

// InBlock lists invoices with payments, conflicts of payments, or money on the wrong network, in a block.
func (s Invoices) InBlock(ctx context.Context, network, hash string) ([]ident.ID, error) {
	list, err := s.inBlock(ctx, ident.OwnerInvoice, network, hash)
	if err != nil {
		return nil, err
	}
	strays, err := s.ids(ctx, "SELECT DISTINCT invoice_id FROM invoice_strays WHERE network = $1 AND block_hash = $2 ORDER BY invoice_id", network, hash)
	for _, id := range strays {
		if !slices.Contains(list, id) {
			list = append(list, id)
		}
	}
	return list, err
}

// PaidBy lists the invoices a transaction has paid to.
func (s Invoices) PaidBy(ctx context.Context, network, txid string) ([]ident.ID, error) {
	return s.ids(ctx, "SELECT DISTINCT owner_id FROM payments WHERE network = $1 AND txid = $2 AND owner_kind = 'invoice' ORDER BY owner_id", network, txid)
}

// Newest lists a merchant's invoices, the newest first.
func (s Invoices) Newest(ctx context.Context, t merchant.Tenant, limit int) ([]ident.ID, error) {
	return s.ids(ctx, "SELECT id FROM invoices WHERE merchant_id = $1 AND environment = $2 ORDER BY created_at DESC, id DESC LIMIT $3", t.Merchant(), t.Env(), limit)
}

// ByNumber finds the capability id of an invoice by its number, for operators: numbers are no capabilities.
func (s Invoices) ByNumber(ctx context.Context, number int64) (ident.ID, error) {
	var id ident.ID
	err := s.from(ctx).QueryRowContext(ctx, "SELECT id FROM invoices WHERE number = $1", number).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", invoice.ErrNotFound
	}
	return id, s.fail(err)
}

// Version is an invoice's version, without loading it.
func (s Invoices) Version(ctx context.Context, id ident.ID) (int64, error) {
	var v int64
	err := s.from(ctx).QueryRowContext(ctx, "SELECT version FROM invoices WHERE id = $1", id).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, invoice.ErrNotFound
	}
	return v, s.fail(err)
}

// Find loads an invoice; invoice.ErrNotFound.
func (s Invoices) Find(ctx context.Context, id ident.ID) (*invoice.Invoice, error) {
	inv, _, err := s.load(ctx, id)
	if err != nil {
		return nil, err
	}
	return inv, nil
}

// documents are the frozen parts of an invoice in their stored form.
func documents(inv *invoice.Invoice) (terms, methods string, err error) {
	t, err := json.Marshal(termsRow{
		Name: inv.Terms.Name, OpenFor: inv.Terms.OpenFor, Lock: inv.Terms.Lock, DeadlineAfter: inv.Terms.DeadlineAfter,
		ExtendShort: inv.Terms.ExtendShort, SlowPayer: inv.Terms.SlowPayer, Grace: inv.Terms.Grace, MaxRenewals: inv.Terms.MaxRenewals, RenewDrift: inv.Terms.RenewDrift,
		Partial: inv.Terms.Partial, Watch: inv.Terms.Watch, LockAll: inv.Terms.LockAll, Final: inv.Terms.Final,
	})
	if err != nil {
		return "", "", err
	}
	rows := []methodRow{}
	for _, m := range inv.Methods {
		rows = append(rows, methodRow{
			Asset: m.Asset, Network: m.Network, Code: m.Currency.Code, Scale: m.Currency.Scale, Confirmations: m.Confirmations,
			Places: m.Places, Dust: m.Dust.Minor(), Cap: m.Cap.Minor(), Minimum: m.Minimum.Minor(), ConfirmWithin: m.ConfirmWithin, LateSettles: m.LateSettles,
		})
	}
	list, err := json.Marshal(rows)
	return string(t), string(list), err
}

// termsRow and methodRow are stored forms; members are only ever added.
type termsRow struct {
	Name          string        `json:"name"`
	OpenFor       time.Duration `json:"open_for"`
	Lock          time.Duration `json:"lock"`
	DeadlineAfter time.Duration `json:"deadline_after"`
	ExtendShort   time.Duration `json:"extend_short"`
	SlowPayer     time.Duration `json:"slow_payer,omitempty"`
	Grace         time.Duration `json:"grace"`
	MaxRenewals   int           `json:"max_renewals"`
	RenewDrift    int64         `json:"renew_drift"`
	Partial       bool          `json:"partial"`
	Watch         time.Duration `json:"watch"`
	LockAll       bool          `json:"lock_all"`
	Final         bool          `json:"final,omitempty"`
}

type methodRow struct {
	Asset         string        `json:"asset"`
	Network       string        `json:"network"`
	Code          string        `json:"code"`
	Scale         uint8         `json:"scale"`
	Confirmations int64         `json:"confirmations"`
	Places        int           `json:"places"`
	Dust          string        `json:"dust"`
	Cap           string        `json:"cap"`
	Minimum       string        `json:"minimum,omitempty"`
	ConfirmWithin time.Duration `json:"confirm_within"`
	LateSettles   bool          `json:"late_settles"`
}

func (r methodRow) method() (invoice.Method, error) {
	c := money.Currency{Code: r.Code, Scale: r.Scale, Kind: money.Crypto}
	dust, err1 := money.ParseMinor(c, r.Dust)
	most, err2 := money.ParseMinor(c, r.Cap)
	least, err3 := money.Zero(c), error(nil)
	if r.Minimum != "" {
		least, err3 = money.ParseMinor(c, r.Minimum)
	}
	if err := errors.Join(err1, err2, err3); err != nil {
		return invoice.Method{}, fmt.Errorf("method %s: %w", r.Asset, err)
	}
	return invoice.Method{
		Asset: r.Asset, Network: r.Network, Currency: c, Confirmations: r.Confirmations, Places: r.Places, Dust: dust, Cap: most, Minimum: least,
		ConfirmWithin: r.ConfirmWithin, LateSettles: r.LateSettles,
	}, nil
}
