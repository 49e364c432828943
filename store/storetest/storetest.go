package storetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"checkout/chain"
	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
	"checkout/store"
	"checkout/webhook"
)

// Engine opens stores of one kind.
type Engine struct {
	// Open opens a new, empty, migrated store; Again opens the same one once more, beside it.
	Open  func(t *testing.T) *store.DB
	Again func(t *testing.T, db *store.DB) *store.DB
	// Copy opens a copy of a store that was closed.
	Copy func(t *testing.T, db *store.DB) *store.DB
	// Raw is a connection that may do anything to the database, for seeding what the store itself refuses.
	Raw func(t *testing.T, db *store.DB) *sql.DB
	// Unguard is the SQL that switches a table's append-only guard off.
	Unguard func(table string) []string
}

// Run is the behaviour of every store.
func Run(t *testing.T, e Engine) {
	for name, test := range map[string]func(t *testing.T, e Engine){
		"invoice round trip": roundTrip, "one foreign id, one invoice": oneForeignID, "updates lose nothing": updatesLoseNothing,
		"a bad body sinks nobody": badBody, "joined calls are one transaction": joined, "unchanged writes nothing": unchanged,
		"append-only": appendOnly, "leases are fenced": leases, "cursor and headers": cursor, "no index twice": indexes,
		"a key is one merchant's": keyInUse, "a key counts once": sisters, "inbox": unmatched, "claims": claims, "outbox keeps order": outboxOrder, "outbox leases": outboxLeases, "resend": resend, "resend meanwhile": resendMeanwhile, "attempt outlasts lease": outlasted, "outbox lags": lagging, "every field": everyField, "newest": newest, "paid by": paidBy,
		"superseded": superseded, "fairness": fairness, "subscriptions": subscriptions, "ends of messages": ends, "outbox lease runs out": outboxExpiry,
		"due in pages": duePages, "numbers are unique": numbers, "keys and rotation": keys, "verify": verify,
		"verify finds what was seeded": seeded, "anchor": anchored, "verify while it is written": live, "a watcher beside creations": beside, "migrating again": migrateAgain,
		"a part is refused alone": apart, "who is told of a part": apartTold, "parts that collide": apartCollides, "held": heldRows, "due but held": dueHeld,
		"raw transactions": raws, "branches": branches, "assigned since": since, "tags of addresses": addressTags, "looks": looks,
		"deposit addresses": deposits, "one customer, one address": oneCustomer, "deposits": depositPayments, "deposits that were seeded": depositsSeeded,
		"invoices and deposits under one watcher": depositsWatched,
		"terminals": terminals, "payment links": links, "buttons": buttons, "invoices of a source": sources,
	} {
		t.Run(name, func(t *testing.T) { test(t, e) })
	}
}

func roundTrip(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	n := w.New("round")
	n.Terms.Partial, n.Terms.Final = true, true
	inv, err := w.Invoices.Create(t.Context(), w.Tenant, n)
	must(t, err)
	loaded, err := store.Invoices{DB: w.DB}.Find(t.Context(), inv.ID)
	must(t, err)
	if diff := cmp.Diff(inv, loaded, sameInvoice); diff != "" {
		t.Error(diff)
	}
	if loaded.Title != n.Title || loaded.Description != n.Description || loaded.Email != n.Email || loaded.EndUserReference != n.EndUserReference || loaded.Payer != n.Payer ||
		loaded.SuccessURL != n.SuccessURL || loaded.FailureURL != n.FailureURL || !loaded.Price.Equal(n.Price) || loaded.Terms.Lock != n.Terms.Lock {
		t.Errorf("loaded %+v", loaded)
	}
	if _, err := (store.Invoices{DB: w.DB}).Find(t.Context(), ident.New(rand.Reader)); !errors.Is(err, invoice.ErrNotFound) {
		t.Errorf("an unknown id gives %v", err)
	}
}

func oneForeignID(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	var made, taken int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			_, err := w.Invoices.Create(context.Background(), w.Tenant, w.New("same"))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				made++
			case errors.Is(err, invoice.ErrForeign):
				taken++
			default:
				t.Errorf("create: %v", err)
			}
		})
	}
	wg.Wait()
	if made != 1 {
		t.Errorf("%d made, %d taken", made, taken)
	}
	if n := count(t, w.DB, e, "SELECT COUNT(*) FROM audit_invoices"); n != 1 {
		t.Errorf("%d invoices", n)
	}
	if n := count(t, w.DB, e, "SELECT COUNT(*) FROM audit_addresses"); n != 1 {
		t.Errorf("%d addresses: a refused create keeps its index", n)
	}
	if n := count(t, w.DB, e, "SELECT COUNT(*) FROM audit_events WHERE type = 'invoice.created'"); n != 1 {
		t.Errorf("%d invoice.created", n)
	}
}

func count(t *testing.T, db *store.DB, e Engine, query string, args ...any) int {
	t.Helper()
	var n int
	must(t, e.Raw(t, db).QueryRowContext(t.Context(), query, args...).Scan(&n))
	return n
}

func updatesLoseNothing(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	inv := w.Create("parallel")
	addr, _ := inv.Address(w.Asset.ID)
	var wg sync.WaitGroup
	for n := range 20 {
		wg.Go(func() {
			tr := chain.Transfer{Network: w.Network.ID, TxID: fmt.Sprintf("p%d", n), Asset: w.Asset.ID, Address: addr.Text, Amount: money.Units(w.Asset.Currency, 10_000)}
			if err := w.Invoices.Seen(context.Background(), inv.ID, chain.Sighting{Tx: chain.Tx{ID: tr.TxID}, Transfer: tr, Tip: 100}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	loaded, err := w.Invoices.Find(t.Context(), inv.ID)
	must(t, err)
	if len(loaded.Payments) != 20 || loaded.Version != inv.Version+20 || loaded.Received(w.Asset.ID).Minor() != "200000" {
		t.Errorf("%d payments, version %d, %s received", len(loaded.Payments), loaded.Version, loaded.Received(w.Asset.ID))
	}
}

func badBody(t *testing.T, e Engine) {
	db := e.Open(t)
	var wg sync.WaitGroup
	errs := make([]error, 30)
	for n := range errs {
		wg.Go(func() {
			errs[n] = db.Together(context.Background(), func(ctx context.Context) error {
				if err := (store.Chains{DB: db}).SetStatus(ctx, fmt.Sprintf("net-%d", n), "ok"); err != nil {
					return err
				}
				switch n % 3 {
				case 1:
					return errors.New("refused")
				case 2:
					panic("a bug")
				}
				return nil
			})
		})
	}
	wg.Wait()
	for n, err := range errs {
		if (err == nil) != (n%3 == 0) {
			t.Errorf("body %d: %v", n, err)
		}
	}
	if n := count(t, db, e, "SELECT COUNT(*) FROM audit_cursors"); n != 10 {
		t.Errorf("%d rows of 10 good bodies", n)
	}
}

func joined(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	refused := errors.New("refused at the end")
	err := w.DB.Together(t.Context(), func(ctx context.Context) error {
		if _, err := w.Invoices.Create(ctx, w.Tenant, w.New("joined")); err != nil {
			return err
		}
		return refused
	})
	if !errors.Is(err, refused) {
		t.Fatal(err)
	}
	for _, table := range []string{"invoices", "invoice_events", "events", "outbox", "onces", "addresses", "invoice_quotes"} {
		if n := count(t, w.DB, e, "SELECT COUNT(*) FROM "+table); n != 0 {
			t.Errorf("%s keeps %d rows of a transaction that failed", table, n)
		}
	}
	w.Create("joined")
}

func unchanged(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	inv := w.Create("again")
	s := w.Pay(inv, 45_000_000, chain.BlockRef{})
	before := exported(t, w.DB, e)
	must(t, w.Invoices.Seen(t.Context(), inv.ID, s))
	if diff := cmp.Diff(before, exported(t, w.DB, e)); diff != "" {
		t.Error(diff)
	}
}

// exported is every audit view, row by row, as text.
func exported(t *testing.T, db *store.DB, e Engine) map[string][]string {
	t.Helper()
	views := map[string][]string{}
	for _, view := range []string{"invoices", "invoice_events", "payments", "entries", "events", "deliveries", "withdrawals", "addresses", "cursors"} {
		rows, err := e.Raw(t, db).QueryContext(t.Context(), "SELECT * FROM audit_"+view+" ORDER BY 1, 2")
		must(t, err)
		defer rows.Close()
		columns, err := rows.Columns()
		must(t, err)
		views[view] = []string{strings.Join(columns, " ")}
		for rows.Next() {
			row := make([]any, len(columns))
			for i := range row {
				row[i] = new(any)
			}
			must(t, rows.Scan(row...))
			text := ""
			for _, v := range row {
				text += fmt.Sprint(*v.(*any)) + "|" //nolint:forcetypeassert // made above
			}
			views[view] = append(views[view], text)
		}
		must(t, rows.Err())
	}
	return views
}

func appendOnly(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	w.Settle(w.Create("guarded"))
	must(t, deliver(t, w))
	_, err := w.Invoices.Decide(t.Context(), w.Create("marked").ID, invoice.Mark{Kind: invoice.MarkCancel, Actor: "test", Reason: "no"})
	must(t, err)
	next := chain.Header{BlockRef: chain.BlockRef{Height: 101, Hash: "b101"}, Parent: "block-100"}
	must(t, w.Chains.Extend(t.Context(), w.Network.ID, next))
	must(t, w.Chains.Rewind(t.Context(), w.Network.ID, chain.BlockRef{Height: 100, Hash: "block-100"}, next.BlockRef))
	raw := e.Raw(t, w.DB)
	for table, column := range map[string]string{
		"invoice_events": "reason", "events": "type", "entries": "kind", "entry_legs": "amount", "deliveries": "answer", "invoice_quotes": "rate",
		"invoice_marks": "reason", "reorgs": "to_hash",
	} {
		if n := count(t, w.DB, e, "SELECT COUNT(*) FROM "+table); n == 0 {
			t.Errorf("%s is empty: nothing was tested", table)
		}
		for _, statement := range []string{"UPDATE " + table + " SET " + column + " = 'x'", "DELETE FROM " + table} {
			if _, err := raw.ExecContext(t.Context(), statement); err == nil {
				t.Errorf("%s was obeyed", statement)
			}
		}
	}
}

// deliver leases everything that is due and records it as heard.
func deliver(t *testing.T, w *World) error {
	t.Helper()
	for {
		list, err := w.Outbox.Lease(t.Context(), "test", nil, 10, 10)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, m := range list {
			if m.Body, err = w.Outbox.Render(t.Context(), m.ID, []byte(`{"id":1}`)); err != nil {
				return err
			}
			if err := w.Outbox.Record(t.Context(), m, webhook.Attempt{Outcome: "ok", Status: 200, At: w.DB.Now()}, webhook.Next{Heard: true}); err != nil {
				return err
			}
		}
	}
}

func leases(t *testing.T, e Engine) {
	db := e.Open(t)
	one := &store.Lease{DB: db, Name: "work", Holder: "one"}
	two := &store.Lease{DB: db, Name: "work", Holder: "two"}
	held := func(l *store.Lease) bool {
		t.Helper()
		ok, err := l.Hold(t.Context())
		must(t, err)
		return ok
	}
	if !held(one) || held(two) {
		t.Fatal("two holders of one lease")
	}
	must(t, one.Guard(t.Context()))
	must(t, one.Release(t.Context()))
	if !held(two) {
		t.Fatal("a lease that was given back is not taken")
	}
	if err := one.Guard(t.Context()); !errors.Is(err, store.ErrFenced) {
		t.Errorf("the old holder passes: %v", err)
	}
	must(t, two.Guard(t.Context()))
}

func cursor(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	ctx := t.Context()
	at := func(height int64, hash, parent string) chain.Header {
		return chain.Header{BlockRef: chain.BlockRef{Height: height, Hash: hash}, Parent: parent}
	}
	if err := w.Chains.Extend(ctx, w.Network.ID, at(101, "x", "unknown")); !errors.Is(err, store.ErrStale) {
		t.Errorf("a block without its parent: %v", err)
	}
	parent := "block-100"
	for height := int64(101); height <= 310; height++ {
		hash := fmt.Sprintf("h%d", height)
		must(t, w.Chains.Extend(ctx, w.Network.ID, at(height, hash, parent)))
		parent = hash
	}
	if n := count(t, w.DB, e, "SELECT COUNT(*) FROM headers"); n != 200 {
		t.Errorf("%d headers are kept", n)
	}
	must(t, w.Chains.Rewind(ctx, w.Network.ID, chain.BlockRef{Height: 300, Hash: "h300"}, chain.BlockRef{Height: 310, Hash: "h310"}))
	c, ok, err := w.Chains.Cursor(ctx, w.Network.ID)
	must(t, err)
	if !ok || c.Tip.Height != 300 || c.Reorgs != 1 {
		t.Errorf("cursor %+v", c)
	}
	if n := count(t, w.DB, e, "SELECT COUNT(*) FROM reorgs WHERE from_height = 310 AND to_height = 300"); n != 1 {
		t.Error("the reorganisation is not written down")
	}
}

func duePages(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	want := map[ident.ID]bool{}
	for n := range 7 {
		want[w.Create(fmt.Sprintf("d%d", n)).ID] = true
	}
	now, err := w.Chains.Now(t.Context())
	must(t, err)
	var after invoice.DueMark
	if page, err := (store.Invoices{DB: w.DB}).Due(t.Context(), now.Add(time.Hour), after, 10); err != nil || len(page) != 0 {
		t.Errorf("%d are due though their network was not followed so far: %v", len(page), err)
	}
	must(t, w.Chains.Reached(t.Context(), w.Network.ID, now.Add(time.Hour)))
	for {
		page, err := store.Invoices{DB: w.DB}.Due(t.Context(), now.Add(time.Hour), after, 3)
		must(t, err)
		for _, d := range page {
			if !want[d.ID] {
				t.Errorf("%s twice, or not due", d.ID)
			}
			delete(want, d.ID)
			after = d
		}
		if len(page) < 3 {
			break
		}
	}
	if len(want) > 0 {
		t.Errorf("%d not listed", len(want))
	}
}

func numbers(t *testing.T, e Engine) {
	db := e.Open(t)
	other := e.Again(t, db)
	seen := map[int64]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, from := range []*store.DB{db, other} {
		wg.Go(func() {
			for range 200 {
				n, err := from.Number(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if seen[n] || n < 1 || n > 1<<31-1 {
					t.Errorf("number %d again, or out of range", n)
				}
				seen[n] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func keys(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	keys := store.Merchants{DB: w.DB}
	if _, err := keys.Key(t.Context(), "nobody's"); !errors.Is(err, merchant.ErrKey) {
		t.Error(err)
	}
	now := w.DB.Now()
	_, err := keys.Rotate(t.Context(), w.Key.Public, func(k merchant.Key) merchant.Key { return k.Rotate(rand.Reader, now) })
	must(t, err)
	k, err := keys.Key(t.Context(), w.Key.Public)
	must(t, err)
	if k.Secret == w.Key.Secret || k.Previous != w.Key.Secret || len(k.Secrets(now)) != 2 || len(k.Secrets(now.Add(merchant.RotationOverlap))) != 1 {
		t.Error("a rotated key does not take both secrets for a day")
	}
	for _, secret := range []merchant.Secret{w.Key.Secret, k.Secret} {
		if n := count(t, w.DB, e, "SELECT COUNT(*) FROM api_keys WHERE secret LIKE $1 OR previous_secret LIKE $1", "%"+secret.Reveal()+"%"); n != 0 {
			t.Error("a secret stands in the database as it is")
		}
	}
}

func migrateAgain(t *testing.T, e Engine) {
	db := e.Open(t)
	steps, err := db.Pending(t.Context())
	if err != nil || len(steps) != 0 {
		t.Errorf("pending after migrating: %v %v", steps, err)
	}
	must(t, db.Migrate(t.Context()))
	raw := e.Raw(t, db)
	_, err = raw.ExecContext(t.Context(), "UPDATE settings SET value = 'edited' WHERE name = 'migration 1'")
	must(t, err)
	if err := db.Migrate(t.Context()); !errors.Is(err, store.ErrEdited) {
		t.Errorf("an edited migration: %v", err)
	}
	_, err = raw.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, $1)", true)
	must(t, err)
	if err := db.Migrate(t.Context()); !errors.Is(err, store.ErrNewer) {
		t.Errorf("a newer schema: %v", err)
	}
}
