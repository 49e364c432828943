package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"checkout/ident"
	"checkout/merchant"
	"checkout/seal"
)

// Merchants keeps merchants and their keys.
type Merchants struct{ *DB }

// Insert keeps a new merchant with its keys.
func (s Merchants) Insert(ctx context.Context, m merchant.Merchant, keys []merchant.Key) error {
	if err := m.Check(); err != nil {
		return err
	}
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		look, err := json.Marshal(m.Look)
		if err != nil {
			return err
		}
		if _, err := t.exec(ctx, "INSERT INTO merchants (id, number, name, support, tolerance, created_at, suspended, look) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
			m.ID, m.Number, m.Name, m.Support, m.Tolerance, millis(m.Created), m.Suspended, string(look)); err != nil {
			return err
		}
		for _, k := range keys {
			_, err := t.exec(ctx, `INSERT INTO api_keys (public_key, merchant_id, environment, dialect, secret, previous_secret, previous_until,
				created_at, revoked) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, k.Public, k.Merchant, k.Env, k.Dialect,
				s.hide("secret", k.Public, k.Secret), s.hide("previous_secret", k.Public, k.Previous), millis(k.PreviousUntil), millis(k.Created), k.Revoked)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (s Merchants) hide(column, row string, secret merchant.Secret) string {
	if secret == "" {
		return ""
	}
	return s.Box.Seal(seal.Place{Table: "api_keys", Column: column, Row: row}, []byte(secret.Reveal()))
}

func (s Merchants) show(column, row, sealed string) (merchant.Secret, error) {
	if sealed == "" {
		return "", nil
	}
	plain, err := s.Box.Open(seal.Place{Table: "api_keys", Column: column, Row: row}, sealed)
	return merchant.Secret(plain), err
}

const merchantColumns = "id, number, name, support, tolerance, created_at, suspended, look"

func scanMerchant(scan func(into ...any) error) (merchant.Merchant, error) {
	var m merchant.Merchant
	var created int64
	var look string
	if err := scan(&m.ID, &m.Number, &m.Name, &m.Support, &m.Tolerance, &created, &m.Suspended, &look); err != nil {
		return m, err
	}
	m.Created = instant(created)
	if err := json.Unmarshal([]byte(look), &m.Look); err != nil {
		return m, fmt.Errorf("look of merchant %s: %w", m.ID.Short(), err)
	}
	return m, nil
}

// Restyle changes a merchant's look.
func (s Merchants) Restyle(ctx context.Context, id ident.ID, change func(merchant.Look) merchant.Look) (merchant.Look, error) {
	var out merchant.Look
	err := s.update(ctx, func(ctx context.Context, t *tx) error {
		m, err := s.Find(ctx, id)
		if err != nil {
			return err
		}
		if out = change(m.Look); out.Check() != nil {
			return out.Check()
		}
		look, err := json.Marshal(out)
		if err != nil {
			return err
		}
		return t.one(ctx, "UPDATE merchants SET look = $1 WHERE id = $2", string(look), id)
	})
	return out, err
}

// KeepLogo keeps a merchant's picture, and no other of theirs; without a name none.
func (s Merchants) KeepLogo(ctx context.Context, id ident.ID, name string, data []byte) error {
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		if _, err := t.exec(ctx, "DELETE FROM merchant_logos WHERE merchant_id = $1", id); err != nil || name == "" {
			return err
		}
		_, err := t.exec(ctx, "INSERT INTO merchant_logos (merchant_id, name, data, created_at) VALUES ($1, $2, $3, $4)",
			id, name, base64.StdEncoding.EncodeToString(data), millis(s.Now()))
		return err
	})
}

// Logo loads a merchant's picture by its name; merchant.ErrNotFound.
func (s Merchants) Logo(ctx context.Context, id ident.ID, name string) ([]byte, error) {
	var data string
	err := s.from(ctx).QueryRowContext(ctx, "SELECT data FROM merchant_logos WHERE merchant_id = $1 AND name = $2", id, name).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, merchant.ErrNotFound
	}
	if err != nil {
		return nil, s.fail(err)
	}
	return base64.StdEncoding.DecodeString(data)
}

// Find loads a merchant.
func (s Merchants) Find(ctx context.Context, id ident.ID) (merchant.Merchant, error) {
	m, err := scanMerchant(s.from(ctx).QueryRowContext(ctx, "SELECT "+merchantColumns+" FROM merchants WHERE id = $1", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return m, merchant.ErrNotFound
	}
	return m, s.fail(err)
}

// List lists all merchants, oldest first.
func (s Merchants) List(ctx context.Context) ([]merchant.Merchant, error) {
	var list []merchant.Merchant
	err := s.each(ctx, "SELECT "+merchantColumns+" FROM merchants ORDER BY number", nil, func(rows *sql.Rows) error {
		m, err := scanMerchant(rows.Scan)
		list = append(list, m)
		return err
	})
	return list, err
}

// Key loads a key by its public part; merchant.ErrKey if nobody has it. A key of a suspended merchant comes back revoked.
func (s Merchants) Key(ctx context.Context, public string) (merchant.Key, error) {
	return s.key(ctx, "k.public_key = $1", public)
}

// KeyOf loads a merchant's key of a dialect in an environment.
func (s Merchants) KeyOf(ctx context.Context, m ident.ID, env ident.Environment, dialect string) (merchant.Key, error) {
	return s.key(ctx, "k.merchant_id = $1 AND k.environment = $2 AND k.dialect = $3 AND NOT k.revoked", m, env, dialect)
}

// KeysByNumber lists the keys of a merchant's dialect in all environments; none if there is no such merchant.
func (s Merchants) KeysByNumber(ctx context.Context, number int64, dialect string) ([]merchant.Key, error) {
	var list []merchant.Key
	err := s.each(ctx, keyQuery+"m.number = $1 AND k.dialect = $2 ORDER BY k.created_at, k.public_key", []any{number, dialect}, func(rows *sql.Rows) error {
		k, err := s.scanKey(rows.Scan)
		list = append(list, k)
		return err
	})
	return list, err
}

const keyQuery = `SELECT k.public_key, k.merchant_id, k.environment, k.dialect, k.secret, k.previous_secret, k.previous_until, k.created_at,
	k.revoked, m.suspended FROM api_keys k JOIN merchants m ON m.id = k.merchant_id WHERE `

func (s Merchants) key(ctx context.Context, where string, args ...any) (merchant.Key, error) {
	k, err := s.scanKey(s.from(ctx).QueryRowContext(ctx, keyQuery+where, args...).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return k, merchant.ErrKey
	}
	return k, err
}

func (s Merchants) scanKey(scan func(into ...any) error) (merchant.Key, error) {
	var k merchant.Key
	var secret, previous string
	var until, created int64
	var suspended bool
	err := scan(&k.Public, &k.Merchant, &k.Env, &k.Dialect, &secret, &previous, &until, &created, &k.Revoked, &suspended)
	if err != nil {
		return k, s.fail(err)
	}
	k.PreviousUntil, k.Created, k.Revoked = instant(until), instant(created), k.Revoked || suspended
	if k.Secret, err = s.show("secret", k.Public, secret); err != nil {
		return k, err
	}
	k.Previous, err = s.show("previous_secret", k.Public, previous)
	return k, err
}

// Rotate changes a key; change may run more than once.
func (s Merchants) Rotate(ctx context.Context, public string, change func(merchant.Key) merchant.Key) (merchant.Key, error) {
	var out merchant.Key
	err := s.update(ctx, func(ctx context.Context, t *tx) error {
		k, err := s.Key(ctx, public)
		if err != nil {
			return err
		}
		out = change(k)
		return t.one(ctx, "UPDATE api_keys SET secret = $1, previous_secret = $2, previous_until = $3 WHERE public_key = $4",
			s.hide("secret", public, out.Secret), s.hide("previous_secret", public, out.Previous), millis(out.PreviousUntil), public)
	})
	return out, err
}
