package store

import (
	"context"
	"crypto/hmac"
	"database/sql"
	"fmt"

	"checkout/audit"
	"checkout/ident"
)

// head is the end of a hash chain.
type head struct {
	seq  int64
	hash string
}

// sealed is what stands beside a kept head: only who has the audit key can say where a chain ends, so its newest rows
// cannot be taken away by moving the head back.
func (db *DB) sealed(stream string, h head) string {
	return db.chain.Seal(stream, h.seq, h.hash)
}

// Streams are named by their kind and whose they are.
func logStream(id ident.ID) string      { return "log " + string(id) }
func eventStream(id ident.ID) string    { return "events " + string(id) }
func legStream(stream string) string    { return "legs " + stream }
func deliveryStream(id ident.ID) string { return "deliveries " + string(id) }

// headQueries give (stream, seq, hash, seal) of every chain, by the prefix of their streams' names.
var headQueries = []struct{ prefix, query string }{
	{"log ", "SELECT id, log_seq, log_hash, log_seal FROM invoices"},
	{"events ", `SELECT id, event_seq, event_hash, event_seal FROM invoices
		UNION ALL SELECT id, events, event_hash, event_seal FROM payments WHERE owner_kind = 'deposit'`},
	{"legs ", "SELECT stream, seq, hash, seal FROM ledger_heads"},
	{"deliveries ", "SELECT id, attempts, last_hash, last_seal FROM outbox"},
}

// heads calls f for the head of every chain of a kind.
func (db *DB) heads(ctx context.Context, prefix string, f func(m audit.Mark, seal string) error) error {
	for _, q := range headQueries {
		if q.prefix != prefix {
			continue
		}
		return db.each(ctx, q.query, nil, func(rows *sql.Rows) error {
			var m audit.Mark
			var seal string
			if err := rows.Scan(&m.Stream, &m.Seq, &m.Hash, &seal); err != nil {
				return err
			}
			m.Stream = prefix + m.Stream
			return f(m, seal)
		})
	}
	return fmt.Errorf("no chains are named %q", prefix)
}

// Anchor gives where every chain ends now. Kept where nobody who can write to the database can reach it, it proves later
// that nothing that was there is gone: not even whole chains, which seals alone cannot show, nor a database put back to
// an earlier state.
func (db *DB) Anchor(ctx context.Context, f func(m audit.Mark) error) error {
	return db.look(ctx, func(ctx context.Context) error {
		for _, q := range headQueries {
			err := db.heads(ctx, q.prefix, func(m audit.Mark, seal string) error {
				if !db.sealFits(m, seal) {
					return audit.ErrBroken.Because(fmt.Errorf("%s: its end was moved", m.Stream))
				}
				if m.Seq == 0 {
					return nil
				}
				return f(m)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (db *DB) sealFits(m audit.Mark, seal string) bool {
	return hmac.Equal([]byte(db.sealed(m.Stream, head{m.Seq, m.Hash})), []byte(seal))
}
