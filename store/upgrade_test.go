package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"checkout/seal"
	"checkout/store/pgtest"
)

// Migration 6 makes the tables of addresses and payments anew. What is in them stays, with its indexes and what refers to it.
func TestUpgradeKeepsPayments(t *testing.T) {
	for name, dsn := range map[string]func() string{
		"sqlite":   func() string { return "sqlite:" + filepath.Join(t.TempDir(), "old.db") },
		"postgres": func() string { return pgtest.DSN(t) },
	} {
		t.Run(name, func(t *testing.T) { upgrade(t, dsn()) })
	}
}

func upgrade(t *testing.T, dsn string) {
	box, err := seal.New(make([]byte, 32), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	db, err := Open(t.Context(), Config{DSN: dsn, Box: box, Random: rand.Reader, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	p, err := db.provider()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	if err := db.update(t.Context(), seedOld); err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"SELECT owner_kind || owner_id || idx FROM addresses":                                   "invoicei17",
		"SELECT invoice_id || tag || height FROM invoice_addresses":                             "i1tag9",
		"SELECT owner_kind || txid || standing || coin || taken_by || event_hash FROM payments": "invoicetxcountedBTCada",
		"SELECT payment_id || state || reason FROM refunds":                                     "p1approvedbecause",
		"SELECT owner_kind || payment_id || state FROM audit_payments":                          "invoicep1confirmed",
		"SELECT refund_id FROM audit_refunds":                                                   "r1",
		"SELECT owner_id FROM audit_addresses":                                                  "i1",
		"SELECT types FROM endpoints":                                                           "invoice.* deposit.*",
	} {
		var got string
		if err := db.from(t.Context()).QueryRowContext(t.Context(), query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", query, got, err, want)
		}
	}
	for name, statement := range map[string]string{
		"the same transfer again":           "INSERT INTO payments SELECT 'p2', 8, merchant_id, owner_kind, owner_id, network, asset, txid, ordinal, address, amount, inputs, replaceable, coinbase, status, standing, is_late, extra, quote_id, first_seen_at, confirmed_at, reverted_at, block_height, block_hash, depth, need, conflict, conflict_height, conflict_hash, double_spent, replaced_by, booked, epoch, events, wrong, coin, scale, taken_by, taken_why, event_hash, event_seal FROM payments",
		"an index used again":               "INSERT INTO addresses SELECT network, 'other', merchant_id, wallet_id, idx, owner_kind, owner_id, assigned_at FROM addresses",
		"a refund of no payment":            "INSERT INTO refunds SELECT 'r2', merchant_id, owner_kind, owner_id, 1, 'gone', network, asset, coin, scale, amount, address, unallocated, state, actor, reason, created_at, txid, proven, ended_at, pot, epoch, events FROM refunds",
		"an owner of no kind":               "UPDATE payments SET owner_kind = 'other'",
		"an address nobody was given":       "UPDATE invoice_addresses SET address = 'unknown'",
		"an address that is still referred": "DELETE FROM addresses",
	} {
		err := db.update(t.Context(), func(ctx context.Context, x *tx) error {
			_, err := x.exec(ctx, statement)
			return err
		})
		if err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// seedOld fills a database of the fifth schema with one of everything that the sixth moves.
func seedOld(ctx context.Context, x *tx) error {
	for _, statement := range []string{
		"INSERT INTO merchants (id, number, name, support, tolerance, created_at, suspended) VALUES ('m1', 1, 'Acme', '', '0', 1, FALSE)",
		"INSERT INTO api_keys VALUES ('k1', 'm1', 'live', 'coinspaid', '', '', 0, 1, FALSE)",
		"INSERT INTO endpoints VALUES ('e1', 'm1', 'live', 'coinspaid', 'k1', 'https://shop.example', 'invoice.*', FALSE, 1)",
		"INSERT INTO wallets VALUES ('w1', 'm1', 'bitcoin', 'own', 'd', 'f', 'identity', 8, TRUE, 1)",
		"INSERT INTO addresses VALUES ('bitcoin', 'a1', 'm1', 'w1', 7, 'invoice', 'i1', 1)",
		`INSERT INTO invoices (id, number, uuid, merchant_id, environment, version, origin, foreign_id, title, description, email, end_user_reference, payer,
			success_url, failure_url, created_at, currency, scale, crypto, price, tolerance, terms, methods, asset, network, quote_id, state, amount_state,
			flags, fulfilment, reason, due, received, ended_state, ended_reason, ended_at, lapsed_quote, settled_at, skipped_ms, expires_at, due_at, log_seq,
			log_hash, log_seal, event_seq, event_hash, event_seal)
			VALUES ('i1', 2, 'u1', 'm1', 'live', 1, 'order', '', '', '', '', '', '', '', '', 1, 'EUR', 2, FALSE, '1', '0', '{}', '[]', '', '', '', 'open', 'none',
			'', 'wait', '', '0', '0', '', '', 0, '', 0, 0, 0, 0, 0, '', '', 0, '', '')`,
		"INSERT INTO invoice_addresses (invoice_id, merchant_id, asset, number, network, address, assigned_at, height, tag) VALUES ('i1', 'm1', 'btc', 3, 'bitcoin', 'a1', 1, 9, 'tag')",
		`INSERT INTO payments (id, number, merchant_id, owner_kind, owner_id, network, asset, txid, ordinal, address, amount, inputs, replaceable, coinbase, status,
			standing, is_late, extra, quote_id, first_seen_at, confirmed_at, reverted_at, block_height, block_hash, depth, need, conflict, conflict_height,
			conflict_hash, double_spent, replaced_by, booked, epoch, events, wrong, coin, scale, taken_by, taken_why)
			VALUES ('p1', 4, 'm1', 'invoice', 'i1', 'bitcoin', 'btc', 'tx', 0, 'a1', '5', '[]', FALSE, FALSE, 'confirmed', 'counted', FALSE, FALSE, '', 1, 2, 0, 3, 'h',
			1, 1, '', 0, '', FALSE, '', 'allocate', 0, 1, FALSE, 'BTC', 8, 'ada', 'why')`,
		`INSERT INTO refunds VALUES ('r1', 'm1', 'invoice', 'i1', 0, 'p1', 'bitcoin', 'btc', 'BTC', 8, '5', 'back', FALSE, 'approved', 'ada', 'because', 1, '', FALSE,
			0, '', 0, 1)`,
	} {
		if _, err := x.exec(ctx, statement); err != nil {
			return fmt.Errorf("%.40s: %w", statement, err)
		}
	}
	return nil
}
