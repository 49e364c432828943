package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"checkout/ident"
	"checkout/merchant"
	"checkout/money"
	"checkout/payterm"
	"checkout/seal"
)

// Payterms keeps terminals, payment links and buttons, and counts the invoices they have made.
type Payterms struct{ *DB }

// sealAt hides a secret in its place; nothing stays nothing.
func (s Payterms) sealAt(table, column string, row ident.ID, secret merchant.Secret) string {
	if secret == "" {
		return ""
	}
	return s.Box.Seal(seal.Place{Table: table, Column: column, Row: string(row)}, []byte(secret.Reveal()))
}

func (s Payterms) openAt(table, column string, row ident.ID, sealed string) (merchant.Secret, error) {
	if sealed == "" {
		return "", nil
	}
	plain, err := s.Box.Open(seal.Place{Table: table, Column: column, Row: string(row)}, sealed)
	return merchant.Secret(plain), err
}

// sumsRow is who names a sum, as it is stored.
type sumsRow struct{ currency, amount, least, most string }

// read gives sums their currency. What takes deposits only may have none.
func (r sumsRow) read(c *money.Currency, amount, least, most *money.Amount) error {
	if r.currency != "" {
		var ok bool
		if *c, ok = money.FiatByCode(r.currency); !ok {
			return fmt.Errorf("currency %q", r.currency)
		}
	}
	var errs [3]error
	*amount, errs[0] = money.ParseMinor(*c, r.amount)
	*least, errs[1] = money.ParseMinor(*c, r.least)
	*most, errs[2] = money.ParseMinor(*c, r.most)
	return errors.Join(errs[:]...)
}

const terminalColumns = "id, merchant_id, environment, token, name, mode, currency, amount, min_amount, max_amount, tips, pin, created_at, revoked_at"

// InsertTerminal keeps a new terminal.
func (s Payterms) InsertTerminal(ctx context.Context, x payterm.Terminal) error {
	tips, err := json.Marshal(append([]int{}, x.Tips...))
	if err != nil {
		return err
	}
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, "INSERT INTO terminals ("+terminalColumns+`, pin_failures, pin_locked)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, 0)`,
			x.ID, x.Merchant, x.Env, x.Token, x.Name, x.Mode, x.Currency.Code, x.Amount.Minor(), x.Min.Minor(), x.Max.Minor(), string(tips),
			s.sealAt("terminals", "pin", x.ID, x.PIN), millis(x.Created), millis(x.Revoked))
		return err
	})
}

// Terminal finds a terminal by its token.
func (s Payterms) Terminal(ctx context.Context, token string) (payterm.Terminal, error) {
	return s.terminal(ctx, "token = $1", token)
}

// TerminalNamed finds a terminal by token or id.
func (s Payterms) TerminalNamed(ctx context.Context, name string) (payterm.Terminal, error) {
	return s.terminal(ctx, "token = $1 OR id = $1", name)
}

func (s Payterms) terminal(ctx context.Context, where string, args ...any) (payterm.Terminal, error) {
	x, err := s.scanTerminal(s.from(ctx).QueryRowContext(ctx, "SELECT "+terminalColumns+" FROM terminals WHERE "+where, args...).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return x, payterm.ErrTerminal
	}
	return x, s.fail(err)
}

func (s Payterms) scanTerminal(scan func(into ...any) error) (payterm.Terminal, error) {
	var x payterm.Terminal
	var r sumsRow
	var tips, pin string
	var created, revoked int64
	if err := scan(&x.ID, &x.Merchant, &x.Env, &x.Token, &x.Name, &x.Mode, &r.currency, &r.amount, &r.least, &r.most, &tips, &pin, &created, &revoked); err != nil {
		return x, err
	}
	x.Created, x.Revoked = instant(created), instant(revoked)
	err := errors.Join(r.read(&x.Currency, &x.Amount, &x.Min, &x.Max), json.Unmarshal([]byte(tips), &x.Tips))
	if err != nil {
		return x, fmt.Errorf("terminal %s: %w", x.ID.Short(), err)
	}
	x.PIN, err = s.openAt("terminals", "pin", x.ID, pin)
	return x, err
}

// Terminals lists a merchant's terminals, the oldest first.
func (s Payterms) Terminals(ctx context.Context, t merchant.Tenant) ([]payterm.Terminal, error) {
	return listed(ctx, s, "SELECT "+terminalColumns+" FROM terminals", t, s.scanTerminal)
}

// listed reads all rows of a merchant.
func listed[T any](ctx context.Context, s Payterms, query string, t merchant.Tenant, scan func(func(into ...any) error) (T, error)) ([]T, error) {
	var list []T
	err := s.each(ctx, query+" WHERE merchant_id = $1 AND environment = $2 ORDER BY created_at, id", []any{t.Merchant(), t.Env()}, func(rows *sql.Rows) error {
		x, err := scan(rows.Scan)
		list = append(list, x)
		return err
	})
	return list, err
}

// Tries are the wrong PINs a terminal was told.
func (s Payterms) Tries(ctx context.Context, id ident.ID) (payterm.Tries, error) {
	var failures, locked int64
	err := s.from(ctx).QueryRowContext(ctx, "SELECT pin_failures, pin_locked FROM terminals WHERE id = $1", id).Scan(&failures, &locked)
	return payterm.Tries{Failures: failures, Locked: instant(locked)}, s.fail(err)
}

// KeepTries keeps them.
func (s Payterms) KeepTries(ctx context.Context, id ident.ID, tries payterm.Tries) error {
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		return t.one(ctx, "UPDATE terminals SET pin_failures = $1, pin_locked = $2 WHERE id = $3", tries.Failures, millis(tries.Locked), id)
	})
}

const linkColumns = `id, merchant_id, environment, slug, title, description, mode, currency, amount, min_amount, max_amount, suggestions, stock,
	expires_at, message, success_url, fields, private, created_at, revoked_at`

// InsertLink keeps a new link.
func (s Payterms) InsertLink(ctx context.Context, x payterm.Link) error {
	suggested := []string{}
	for _, a := range x.Suggestions {
		suggested = append(suggested, a.Minor())
	}
	suggestions, err1 := json.Marshal(suggested)
	fields, err2 := json.Marshal(append([]payterm.Field{}, x.Fields...))
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, "INSERT INTO payment_links ("+linkColumns+`, held, address_hour, addresses)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, 0, 0, 0)`,
			x.ID, x.Merchant, x.Env, x.Slug, x.Title, x.Description, x.Mode, x.Currency.Code, x.Amount.Minor(), x.Min.Minor(), x.Max.Minor(),
			string(suggestions), x.Stock, millis(x.Expires), x.Message, x.SuccessURL, string(fields), x.Private, millis(x.Created), millis(x.Revoked))
		return err
	})
}

// Link finds a link by slug or id.
func (s Payterms) Link(ctx context.Context, name string) (payterm.Link, error) {
	x, err := s.scanLink(s.from(ctx).QueryRowContext(ctx, "SELECT "+linkColumns+" FROM payment_links WHERE slug = $1 OR id = $1", name).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return x, payterm.ErrLink
	}
	return x, s.fail(err)
}

func (s Payterms) scanLink(scan func(into ...any) error) (payterm.Link, error) {
	var x payterm.Link
	var r sumsRow
	var suggestions, fields string
	var expires, created, revoked int64
	if err := scan(&x.ID, &x.Merchant, &x.Env, &x.Slug, &x.Title, &x.Description, &x.Mode, &r.currency, &r.amount, &r.least, &r.most, &suggestions,
		&x.Stock, &expires, &x.Message, &x.SuccessURL, &fields, &x.Private, &created, &revoked); err != nil {
		return x, err
	}
	x.Expires, x.Created, x.Revoked = instant(expires), instant(created), instant(revoked)
	var minors []string
	err := errors.Join(r.read(&x.Currency, &x.Amount, &x.Min, &x.Max), json.Unmarshal([]byte(suggestions), &minors), json.Unmarshal([]byte(fields), &x.Fields))
	for _, text := range minors {
		a, bad := money.ParseMinor(x.Currency, text)
		x.Suggestions, err = append(x.Suggestions, a), errors.Join(err, bad)
	}
	if err != nil {
		return x, fmt.Errorf("link %s: %w", x.ID.Short(), err)
	}
	return x, nil
}

// Links lists a merchant's links, the oldest first.
func (s Payterms) Links(ctx context.Context, t merchant.Tenant) ([]payterm.Link, error) {
	return listed(ctx, s, "SELECT "+linkColumns+" FROM payment_links", t, s.scanLink)
}

// GiveAddress counts a deposit address in its hour.
func (s Payterms) GiveAddress(ctx context.Context, link ident.ID, hour, most int64) (room bool, err error) {
	err = s.update(ctx, func(ctx context.Context, t *tx) error {
		n, err := t.exec(ctx, `UPDATE payment_links SET addresses = CASE WHEN address_hour = $1 THEN addresses + 1 ELSE 1 END, address_hour = $1
			WHERE id = $2 AND (address_hour <> $1 OR addresses < $3)`, hour, link, most)
		room = n == 1
		return err
	})
	return room, err
}

const buttonColumns = `id, merchant_id, environment, slug, name, description, mode, currency, amount, min_amount, max_amount, min_quantity,
	max_quantity, stock, secret, success_url, failure_url, text, colour, created_at, revoked_at`

// InsertButton keeps a new button.
func (s Payterms) InsertButton(ctx context.Context, x payterm.Button) error {
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, "INSERT INTO buttons ("+buttonColumns+`, held)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, 0)`,
			x.ID, x.Merchant, x.Env, x.Slug, x.Name, x.Description, x.Mode, x.Currency.Code, x.Amount.Minor(), x.Min.Minor(), x.Max.Minor(),
			x.MinQuantity, x.MaxQuantity, x.Stock, s.sealAt("buttons", "secret", x.ID, x.Secret), x.SuccessURL, x.FailureURL, x.Text, x.Colour,
			millis(x.Created), millis(x.Revoked))
		return err
	})
}

// Button finds a button by slug or id.
func (s Payterms) Button(ctx context.Context, name string) (payterm.Button, error) {
	x, err := s.scanButton(s.from(ctx).QueryRowContext(ctx, "SELECT "+buttonColumns+" FROM buttons WHERE slug = $1 OR id = $1", name).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return x, payterm.ErrButton
	}
	return x, s.fail(err)
}

func (s Payterms) scanButton(scan func(into ...any) error) (payterm.Button, error) {
	var x payterm.Button
	var r sumsRow
	var secret string
	var created, revoked int64
	if err := scan(&x.ID, &x.Merchant, &x.Env, &x.Slug, &x.Name, &x.Description, &x.Mode, &r.currency, &r.amount, &r.least, &r.most, &x.MinQuantity,
		&x.MaxQuantity, &x.Stock, &secret, &x.SuccessURL, &x.FailureURL, &x.Text, &x.Colour, &created, &revoked); err != nil {
		return x, err
	}
	x.Created, x.Revoked = instant(created), instant(revoked)
	if err := r.read(&x.Currency, &x.Amount, &x.Min, &x.Max); err != nil {
		return x, fmt.Errorf("button %s: %w", x.ID.Short(), err)
	}
	var err error
	x.Secret, err = s.openAt("buttons", "secret", x.ID, secret)
	return x, err
}

// Buttons lists a merchant's buttons, the oldest first.
func (s Payterms) Buttons(ctx context.Context, t merchant.Tenant) ([]payterm.Button, error) {
	return listed(ctx, s, "SELECT "+buttonColumns+" FROM buttons", t, s.scanButton)
}

// sourceTables are where the kinds of sources are kept.
var sourceTables = map[payterm.Kind]string{payterm.KindTerminal: "terminals", payterm.KindLink: "payment_links", payterm.KindButton: "buttons"}

// Revoke switches a source off for good.
func (s Payterms) Revoke(ctx context.Context, k payterm.Kind, id ident.ID, at time.Time) error {
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, "UPDATE "+sourceTables[k]+" SET revoked_at = $1 WHERE id = $2 AND revoked_at = 0", millis(at), id)
		return err
	})
}

// Hold writes a source's row, so that no other transaction that does so is between this one's counting and its commit.
func (s Payterms) Hold(ctx context.Context, k payterm.Kind, id ident.ID) (inUse bool, err error) {
	err = s.update(ctx, func(ctx context.Context, t *tx) error {
		n, err := t.exec(ctx, "UPDATE "+sourceTables[k]+" SET held = held + 1 WHERE id = $1 AND revoked_at = 0", id)
		inUse = n == 1
		return err
	})
	return inUse, err
}

// The conditions of the partial indexes of sources: written alike, so that the engines recognise them.
const (
	takenBy   = "source_id = $1 AND source_id <> '' AND state IN ('open', 'awaiting', 'detected', 'settled')"
	waitingOf = "source_id = $1 AND source_id <> '' AND state IN ('open', 'awaiting')"
	madeBy    = "source_id = $1 AND source_id <> ''"
)

// Taken counts invoices of a source that take a place, up to most.
func (s Payterms) Taken(ctx context.Context, source ident.ID, most int64) (int64, error) {
	var n int64
	err := s.from(ctx).QueryRowContext(ctx, "SELECT COUNT(*) FROM (SELECT 1 FROM invoices WHERE "+takenBy+" LIMIT $2) AS found", source, most).Scan(&n)
	return n, s.fail(err)
}

// Waiting lists invoices of a source nothing was seen of, the newest first.
func (s Payterms) Waiting(ctx context.Context, source ident.ID, most int) ([]ident.ID, error) {
	return Invoices{DB: s.DB}.ids(ctx, "SELECT id FROM invoices WHERE "+waitingOf+" ORDER BY created_at DESC, id DESC LIMIT $2", source, most)
}

// Made finds what was made with an idempotency key.
func (s Payterms) Made(ctx context.Context, once ident.Once) (ident.ID, bool, error) {
	var id ident.ID
	err := s.from(ctx).QueryRowContext(ctx, "SELECT object_id FROM onces WHERE scope = $1 AND key = $2", once.Scope, once.Key).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return id, err == nil, s.fail(err)
}

// Sold lists the newest invoices of a source.
func (s Payterms) Sold(ctx context.Context, source ident.ID, most int) ([]payterm.Sold, error) {
	var list []payterm.Sold
	err := s.each(ctx, `SELECT id, number, state, amount_state, currency, scale, price, tip, description, created_at, settled_at FROM invoices
		WHERE `+madeBy+` ORDER BY created_at DESC, id DESC LIMIT $2`, []any{source, most}, func(rows *sql.Rows) error {
		var x payterm.Sold
		c := money.Currency{Kind: money.Fiat}
		var price, tip string
		var scale, created, settled int64
		err := rows.Scan(&x.ID, &x.Number, &x.State, &x.Amount, &c.Code, &scale, &price, &tip, &x.Note, &created, &settled)
		if err != nil {
			return err
		}
		c.Scale = uint8(scale) //nolint:gosec // written from a uint8
		x.Created, x.Settled = instant(created), instant(settled)
		if x.Price, err = money.ParseMinor(c, price); err == nil {
			x.Tip, err = tipOf(c, tip)
		}
		list = append(list, x)
		return err
	})
	return list, err
}

// tipOf reads a tip; none is of no currency.
func tipOf(c money.Currency, text string) (money.Amount, error) {
	if text == "" {
		return money.Amount{}, nil
	}
	return money.ParseMinor(c, text)
}

func tipText(tip money.Amount) string {
	if tip.IsZero() {
		return ""
	}
	return tip.Minor()
}
