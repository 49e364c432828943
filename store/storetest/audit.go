package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"checkout/audit"
	"checkout/chain"
	"checkout/invoice"
)

// history is a store that has seen most of what there is to see.
func history(t *testing.T, e Engine) *World {
	w := NewWorld(t, e.Open(t))
	w.Settle(w.Create("settled"))
	short := w.Create("short")
	w.Pay(short, 10_000_000, chain.BlockRef{})
	_, err := w.Invoices.Decide(t.Context(), w.Create("cancelled").ID, invoice.Mark{Kind: invoice.MarkCancel, Actor: "test", Reason: "no"})
	must(t, err)
	reverted := w.Create("reverted")
	w.Settle(reverted)
	owners, err := w.Invoices.InBlock(t.Context(), w.Network.ID, "block-101")
	must(t, err)
	for _, owner := range owners {
		must(t, w.Invoices.Reverted(t.Context(), owner, w.Network.ID, "block-101", nil, 103))
	}
	must(t, deliver(t, w))
	return w
}

func verify(t *testing.T, e Engine) {
	w := history(t, e)
	r, err := w.DB.Verify(t.Context())
	must(t, err)
	if len(r.Problems) > 0 || r.Rows < 40 {
		t.Errorf("%d rows, problems %q", r.Rows, r.Problems)
	}
}

// seeded plants each kind of damage in a sound history, and wants it named.
func seeded(t *testing.T, e Engine) {
	settled := "(SELECT id FROM invoices WHERE foreign_id = 'short')"
	refund := func(state, amount, txid, pot string) string { // of every payment
		return "INSERT INTO refunds SELECT 'r-' || id, merchant_id, 'invoice', owner_id, 0, id, network, asset, coin, scale, " + amount +
			", 'back', FALSE, '" + state + "', 'ada', 'because', 1, '" + txid + "', FALSE, 1, '" + pot + "', 1, 1 FROM payments"
	}
	sound := history(t, e).DB
	must(t, sound.Close())
	for name, seed := range map[string]struct {
		unguard string   // table whose guard is switched off
		sql     []string // the damage
		want    string   // what a problem must say
	}{
		"I1 an entry without balance": {"entry_legs", []string{"UPDATE entry_legs SET amount = '1' WHERE seq = 1"}, "I1:"},
		"I1 a balance nobody booked":  {"", []string{"UPDATE balances SET amount = '999999999'"}, "I1: the balance"},
		"I1 a missing balance":        {"", []string{"DELETE FROM balances"}, "I1: the balance"},
		"I2 an amount that is none":   {"entry_legs", []string{"UPDATE entry_legs SET amount = '1.5' WHERE seq = 1"}, "I2:"},
		"I3 a credit without payment": {"", []string{"UPDATE payments SET id = 'gone-' || txid", "UPDATE payments SET status = 'detected'"}, "I3:"},
		"I3 confirmed, not booked":    {"", []string{"UPDATE payments SET status = 'confirmed' WHERE owner_id = " + settled}, "I3:"},
		"I3 one transfer twice": {"", []string{"DROP INDEX payments_identity",
			"UPDATE payments SET txid = 'same', ordinal = 0 WHERE status = 'reverted'"}, "I3:"},
		"a refund nobody booked":      {"", []string{"DROP INDEX refunds_place", refund("paid", "amount", "sent", "own")}, "is paid of"},
		"a refund of more than came":  {"", []string{"DROP INDEX refunds_place", refund("rejected", "amount || '0'", "", "")}, "its payment"},
		"a refund booked and not had": {"entries", []string{"UPDATE entries SET cause_kind = 'refund' WHERE kind = 'credit'"}, "for refund"},
		"a payment refunded twice": {"", []string{"DROP INDEX refunds_place", "DROP INDEX refunds_once", strings.Replace(refund("approved", "amount", "", ""), "FALSE, 1, ''", "FALSE, 0, ''", 1),
			"INSERT INTO refunds SELECT 'again-' || id, merchant_id, owner_kind, owner_id, n, payment_id, network, asset, coin, scale, amount, address, unallocated, state, actor, reason, created_at, txid, proven, ended_at, pot, epoch, events FROM refunds"}, "is refunded 2 times"},
		"I6 a gap in the log":         {"invoice_events", []string{"DELETE FROM invoice_events WHERE seq = 1 AND invoice_id = " + settled}, "I6:"},
		"I6 an illegal move":          {"invoice_events", []string{"UPDATE invoice_events SET to_state = 'cancelled' WHERE seq = 2 AND invoice_id = " + settled}, "I6:"},
		"I6 a state nobody logged":    {"", []string{"UPDATE invoices SET state = 'settled' WHERE foreign_id = 'short'"}, "I6:"},
		"I6 out of an end by a timer": {"invoice_events", []string{"UPDATE invoice_events SET from_state = 'expired', cause_kind = 'timer' WHERE seq = 2 AND invoice_id = " + settled, "UPDATE invoice_events SET to_state = 'expired' WHERE seq = 1 AND invoice_id = " + settled}, "I6:"},
		"I7 an event is missing":      {"events", []string{"UPDATE events SET type = 'other' WHERE type = 'invoice.detected'"}, "I7:"},
		"I7 an event without a row":   {"events", []string{"UPDATE events SET type = 'invoice.settled' WHERE type = 'payment.detected'"}, "I7:"},
		"I8 another body":             {"deliveries", []string{"INSERT INTO deliveries SELECT outbox_id, attempt + 1, event_id, endpoint_id, merchant_id, 'manual', outcome, status_code, answer, 'other', at, duration_ms, prev_hash, hash FROM deliveries"}, "I8:"},
		"I8 sent after it was heard":  {"deliveries", []string{"INSERT INTO deliveries SELECT outbox_id, attempt + 1, event_id, endpoint_id, merchant_id, kind, outcome, status_code, answer, body_sha256, at, duration_ms, prev_hash, hash FROM deliveries"}, "I8:"},
		"I9 an index used again":      {"", []string{"DROP INDEX addresses_index", "UPDATE addresses SET idx = 7"}, "I9:"},
		"a changed cause":             {"invoice_events", []string{"UPDATE invoice_events SET actor = 'somebody else' WHERE seq = 2"}, "changed since it was written"},
		"changed data of an event":    {"events", []string{"UPDATE events SET data = data || ' ' WHERE stream_seq = 2"}, "changed since it was written"},
		"a missing tail":              {"events", []string{"DELETE FROM outbox WHERE event_id IN (SELECT id FROM events WHERE stream_seq = 3)", "DELETE FROM events WHERE stream_seq = 3 AND stream_id = " + settled}, "its head says"},
		"a missing tail with its head": {"events", []string{"DELETE FROM outbox WHERE event_id IN (SELECT id FROM events WHERE stream_seq > 2)", "DELETE FROM events WHERE stream_seq > 2 AND stream_id = " + settled,
			"UPDATE invoices SET event_seq = 2, event_hash = (SELECT e.hash FROM events e WHERE e.stream_id = invoices.id AND e.stream_seq = 2) WHERE id = " + settled}, "its end was moved"},
		"a ledger with its heads":     {"entry_legs", []string{"DELETE FROM entry_legs WHERE seq > 2", "UPDATE ledger_heads SET seq = 2, hash = (SELECT l.hash FROM entry_legs l WHERE l.stream = ledger_heads.stream AND l.seq = 2)"}, "its end was moved"},
		"deliveries with their heads": {"deliveries", []string{"DELETE FROM deliveries", "UPDATE outbox SET attempts = 0, last_hash = ''"}, "its end was moved"},
		"a guard taken away":          {"events", nil, "the guard events_no_"},
		"a changed time of an entry":  {"entries", []string{"UPDATE entries SET at = at + 1"}, "changed since it was written"},
		"a changed kind of an entry":  {"entries", []string{"UPDATE entries SET kind = 'gift' WHERE kind = 'allocate'"}, "changed since it was written"},
		"a changed epoch":             {"entries", []string{"UPDATE entries SET epoch = 9 WHERE kind = 'reverse'"}, "changed since it was written"},
		"a changed leg":               {"entry_legs", []string{"UPDATE entry_legs SET account = 'external:fiat' WHERE seq = 1"}, "changed since it was written"},
		"a missing log row":           {"invoice_events", []string{"DELETE FROM invoice_events WHERE seq = 2 AND invoice_id = " + settled}, "its head says"},
		"a link from elsewhere":       {"events", []string{"UPDATE events SET prev_hash = 'x' WHERE stream_seq = 2"}, "does not follow"},
		"an invoice without its rows": {"invoice_events", []string{"DELETE FROM invoice_events WHERE invoice_id = " + settled}, "its head says"},
		"a missing ledger leg":        {"entry_legs", []string{"DELETE FROM entry_legs WHERE seq = 2"}, "follows place 1"},
		"a delivery rewritten":        {"deliveries", []string{"UPDATE deliveries SET outcome = 'http'"}, "changed since it was written"},
	} {
		t.Run(name, func(t *testing.T) {
			db := e.Copy(t, sound)
			raw := e.Raw(t, db)
			if seed.unguard != "" {
				damage(t, raw, e.Unguard(seed.unguard)...)
			}
			if strings.HasPrefix(name, "a missing tail") {
				damage(t, raw, e.Unguard("deliveries")...)
				damage(t, raw, "DELETE FROM deliveries")
			}
			damage(t, raw, seed.sql...)
			r, err := db.Verify(t.Context())
			must(t, err)
			if !strings.Contains(strings.Join(r.Problems, "\n"), seed.want) {
				t.Errorf("not found; problems: %q", r.Problems)
			}
		})
	}
}

// live verifies a database that is written to: it is sound at every instant.
func live(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
				_, _ = w.Invoices.Create(context.Background(), w.Tenant, w.New(fmt.Sprintf("live%d", n))) // some collide
			}
		}
	})
	for range 15 {
		r, err := w.DB.Verify(t.Context())
		must(t, err)
		if len(r.Problems) > 0 {
			t.Errorf("%q", r.Problems)
			break
		}
	}
	close(stop)
	wg.Wait()
}

// anchored takes things away so thoroughly that no chain and no seal can tell, which only a mark kept elsewhere shows.
func anchored(t *testing.T, e Engine) {
	db := history(t, e).DB
	var marks []audit.Mark
	must(t, db.Anchor(t.Context(), func(m audit.Mark) error { marks = append(marks, m); return nil }))
	verify := func() []string {
		r, err := db.Verify(t.Context(), marks...)
		must(t, err)
		return r.Problems
	}
	if problems := verify(); len(problems) > 0 || len(marks) < 8 {
		t.Fatalf("%d marks, problems %q", len(marks), problems)
	}
	raw := e.Raw(t, db)
	for _, table := range []string{"deliveries", "events", "invoice_events", "invoice_quotes", "invoice_marks"} {
		damage(t, raw, e.Unguard(table)...)
	}
	const gone = "(SELECT id FROM invoices WHERE foreign_id = 'cancelled')"
	damage(t, raw,
		"DELETE FROM deliveries WHERE outbox_id IN (SELECT id FROM outbox WHERE stream_id = "+gone+")", "DELETE FROM outbox WHERE stream_id = "+gone, "DELETE FROM events WHERE stream_id = "+gone,
		"DELETE FROM invoice_events WHERE invoice_id = "+gone, "DELETE FROM invoice_quotes WHERE invoice_id = "+gone, "DELETE FROM invoice_addresses WHERE invoice_id = "+gone,
		"DELETE FROM invoice_marks WHERE invoice_id = "+gone, "DELETE FROM addresses WHERE owner_id = "+gone, "DELETE FROM onces WHERE object_id = "+gone, "DELETE FROM invoices WHERE foreign_id = 'cancelled'")
	must(t, db.Migrate(t.Context())) // puts the guards back
	kept := marks
	marks = nil
	if problems := verify(); len(problems) > 0 {
		t.Errorf("without an anchor there is something to see: %q", problems)
	}
	if marks = kept; !strings.Contains(strings.Join(verify(), "\n"), "of the anchor is not there") {
		t.Error("the anchor does not tell that an invoice is gone")
	}
	damage(t, raw, "UPDATE invoices SET log_seq = 1")
	if err := db.Anchor(t.Context(), func(audit.Mark) error { return nil }); !errors.Is(err, audit.ErrBroken) {
		t.Errorf("an anchor of heads that were moved: %v", err)
	}
}

func damage(t *testing.T, raw *sql.DB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		res, err := raw.ExecContext(context.Background(), statement)
		must(t, err)
		if n, err := res.RowsAffected(); strings.HasPrefix(statement, "UPDATE") && err == nil && n == 0 {
			t.Fatalf("%s changed nothing", statement)
		}
	}
}
