package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"checkout/chain"
	"checkout/deposit"
	"checkout/ident"
	"checkout/money"
	"checkout/store"
	"checkout/watch"
)

// DepositService is the service of deposit addresses on a world's store.
func (w *World) DepositService() *deposit.Service {
	return &deposit.Service{Store: store.Deposits{DB: w.DB}, Addresses: w.Book, Registry: w.Book.Registry, Random: rand.Reader}
}

// Take gives a customer's address.
func (w *World) Take(label string) *deposit.Address {
	w.T.Helper()
	a, err := w.DepositService().Take(w.T.Context(), w.Tenant, deposit.Take{Origin: "test", Asset: w.Asset.ID, Label: label})
	must(w.T, err)
	return a
}

// Deposit lets an address be paid so many smallest units, in the mempool or in a block.
func (w *World) Deposit(a *deposit.Address, units int64, block chain.BlockRef) chain.Sighting {
	w.T.Helper()
	w.txs++
	id := fmt.Sprintf("deposit-%d-%s", w.txs, a.ID.Short())
	out := chain.Transfer{Network: a.Network, TxID: id, Asset: a.Asset, Address: a.Text, Amount: money.Units(a.Currency, units)}
	s := chain.Sighting{Tx: chain.Tx{ID: id, Inputs: []string{"coin-" + id + ":0"}, Outputs: []chain.Transfer{out}}, Transfer: out, Block: block, Tip: max(100, block.Height)}
	must(w.T, w.DepositService().Seen(w.T.Context(), a.ID, s))
	return s
}

// deposits is the round trip of an address with everything that can be known of it.
func deposits(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	s := w.DepositService()
	made, err := s.Take(t.Context(), w.Tenant, deposit.Take{
		Origin: "coinspaid", Asset: w.Asset.ID, ConvertTo: "EUR", Group: "till", Label: "customer/1 é", Minimum: money.Units(w.Asset.Currency, 5000),
		EndUserReference: "ref", Payer: `{"first_name":"Ada"}`,
	})
	must(t, err)
	found, err := s.Find(t.Context(), made.ID)
	must(t, err)
	if diff := cmp.Diff(made, found, sameInvoice); diff != "" {
		t.Error(diff)
	}
	must(t, s.CheckAddress(t.Context(), found))
	again, err := s.Take(t.Context(), w.Tenant, deposit.Take{Asset: w.Asset.ID, ConvertTo: "EUR", Group: "till", Label: "customer/1 é", EndUserReference: "other"})
	must(t, err)
	if again.ID != made.ID || again.EndUserReference != "other" || again.Payer != made.Payer || again.Origin != "coinspaid" {
		t.Errorf("taken again: %+v", again)
	}
	_, other, _ := w.AddMerchant("Another")
	theirs, err := s.Take(t.Context(), other, deposit.Take{Asset: w.Asset.ID, ConvertTo: "EUR", Group: "till", Label: "customer/1 é"})
	must(t, err)
	if theirs.ID == made.ID || theirs.Text == made.Text {
		t.Error("two merchants share a customer")
	}
	for id, want := range map[ident.ID]bool{made.ID: true, w.Create("an invoice").ID: false, ident.New(rand.Reader): false} {
		if has, err := (store.Deposits{DB: w.DB}).Has(t.Context(), id); err != nil || has != want {
			t.Errorf("%s: a deposit address: %v, %v", id, has, err)
		}
	}
	if id, err := (store.Deposits{DB: w.DB}).ByNumber(t.Context(), made.Number); err != nil || id != made.ID {
		t.Errorf("number %d is of %q, %v", made.Number, id, err)
	}
	if _, err := (store.Deposits{DB: w.DB}).ByNumber(t.Context(), made.Number+1000); !errors.Is(err, deposit.ErrNotFound) {
		t.Errorf("an unknown number gives %v", err)
	}
	if _, err := s.Find(t.Context(), ident.New(rand.Reader)); !errors.Is(err, deposit.ErrNotFound) {
		t.Errorf("an unknown id gives %v", err)
	}
	if list, err := (store.Deposits{DB: w.DB}).Newest(t.Context(), w.Tenant, 10); err != nil || len(list) != 1 || list[0] != made.ID {
		t.Errorf("the newest are %v, %v", list, err)
	}
}

// oneCustomer gives an address away once, whoever asks at the same time.
func oneCustomer(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	s := w.DepositService()
	var mu sync.Mutex
	var wg sync.WaitGroup
	got := map[ident.ID]int{}
	for range 20 {
		wg.Go(func() {
			a, err := s.Take(context.Background(), w.Tenant, deposit.Take{Asset: w.Asset.ID, Label: "one"})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
				return
			}
			got[a.ID]++
		})
	}
	wg.Wait()
	if len(got) != 1 {
		t.Errorf("one customer has %d addresses", len(got))
	}
}

// depositHistory is an address to which most things have happened: a deposit that was confirmed, one taken back, one too small, dust,
// one dropped.
func depositHistory(w *World) *deposit.Address {
	w.T.Helper()
	ctx, s, a := w.T.Context(), w.DepositService(), w.Take("customer")
	deep := chain.BlockRef{Height: 101, Hash: "deposit-101"}
	confirm := func(units int64) {
		seen := w.Deposit(a, units, chain.BlockRef{})
		seen.Block, seen.Tip = deep, 103
		must(w.T, s.Seen(ctx, a.ID, seen))
	}
	confirm(50_000_000)
	confirm(1001) // the smallest are 1000, dust ends below 1000
	confirm(10)
	dropped := w.Deposit(a, 70_000_000, chain.BlockRef{})
	must(w.T, s.Evicted(ctx, a.ID, w.Network.ID, dropped.Transfer.TxID))
	lost := w.Deposit(a, 20_000_000, chain.BlockRef{})
	lost.Block, lost.Tip = chain.BlockRef{Height: 102, Hash: "deposit-102"}, 104
	must(w.T, s.Seen(ctx, a.ID, lost))
	must(w.T, s.Reverted(ctx, a.ID, w.Network.ID, "deposit-102", nil, 101))
	a, err := s.Find(ctx, a.ID)
	must(w.T, err)
	return a
}

// depositPayments keeps what comes, tells it to whom it concerns, and stands the audit.
func depositPayments(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	a := depositHistory(w)
	var got []string
	for _, p := range a.Payments {
		got = append(got, fmt.Sprint(p.Status, " ", p.Standing, " ", p.Events))
	}
	want := []string{"confirmed counted 2", "confirmed counted 2", "confirmed dust 0", "dropped counted 2", "reverted counted 3"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("payments %q, want %q", got, want)
	}
	s, ctx := w.DepositService(), t.Context()
	if list, err := s.InBlock(ctx, w.Network.ID, "deposit-101"); err != nil || len(list) != 1 || list[0] != a.ID {
		t.Errorf("in the block: %v, %v", list, err)
	}
	if list, err := w.Invoices.InBlock(ctx, w.Network.ID, "deposit-101"); err != nil || len(list) != 0 {
		t.Errorf("invoices in the block: %v, %v", list, err)
	}
	waiting := w.Deposit(a, 30_000_000, chain.BlockRef{Height: 105, Hash: "deposit-105"})
	if list, err := s.Unfinished(ctx, w.Network.ID); err != nil || len(list) != 1 {
		t.Errorf("unfinished: %v, %v", list, err)
	}
	if list, err := w.Invoices.Unfinished(ctx, w.Network.ID); err != nil || len(list) != 0 {
		t.Errorf("unfinished invoices: %v, %v", list, err)
	}
	must(t, s.Seen(ctx, a.ID, waiting)) // again: nothing is new
	before, err := s.Find(ctx, a.ID)
	must(t, err)
	must(t, s.Advanced(ctx, a.ID, w.Network.ID, 105))
	if after, err := s.Find(ctx, a.ID); err != nil || after.Version != before.Version {
		t.Errorf("nothing happened, but the version is %d after %d, %v", after.Version, before.Version, err)
	}
	must(t, deliver(t, w))
	r, err := w.DB.Verify(ctx)
	must(t, err)
	if len(r.Problems) > 0 {
		t.Errorf("problems %q", r.Problems)
	}
}

// depositsSeeded plants damage in a sound history of deposits, and wants it named.
func depositsSeeded(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	depositHistory(w)
	must(t, w.DB.Close())
	const deposits = "(SELECT id FROM payments WHERE status = 'confirmed' AND standing = 'counted')"
	for name, seed := range map[string]struct {
		unguard string
		sql     []string
		want    string
	}{
		"I3 confirmed, not booked": {"", []string{"UPDATE payments SET status = 'confirmed' WHERE status = 'dropped'"}, "I3:"},
		"I7 confirmed, not told":   {"events", []string{"UPDATE events SET type = 'deposit.detected' WHERE type = 'deposit.confirmed'"}, "I7: deposit"},
		"I7 a state nobody told":   {"", []string{"UPDATE payments SET status = 'dropped' WHERE status = 'reverted'"}, "I7: deposit"},
		"a missing tail with its head": {"events", []string{"DELETE FROM outbox", "DELETE FROM events WHERE stream_seq = 2 AND stream_id IN " + deposits,
			"UPDATE payments SET events = 1, event_hash = (SELECT e.hash FROM events e WHERE e.stream_id = payments.id AND e.stream_seq = 1) WHERE id IN " + deposits}, "its end was moved"},
		"a payment that is gone": {"", []string{"DELETE FROM payments WHERE status = 'reverted'"}, "rows without the object"},
	} {
		t.Run(name, func(t *testing.T) {
			db := e.Copy(t, w.DB)
			raw := e.Raw(t, db)
			if seed.unguard != "" {
				damage(t, raw, e.Unguard(seed.unguard)...)
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

// depositsWatched lets one watcher's sink serve both kinds of owners.
func depositsWatched(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	s, inv, a := w.DepositService(), w.Create("order"), w.Take("customer")
	sinks := watch.Sinks{All: []watch.Sink{w.Invoices, s}, Of: func(ctx context.Context, owner ident.ID) (watch.Sink, error) {
		is, err := store.Deposits{DB: w.DB}.Has(ctx, owner)
		if is {
			return s, err
		}
		return w.Invoices, err
	}}
	paid, deposited := w.Pay(inv, 45_000_000, chain.BlockRef{}), w.Deposit(a, 45_000_000, chain.BlockRef{})
	block := chain.BlockRef{Height: 101, Hash: "block-101"}
	for owner, seen := range map[ident.ID]chain.Sighting{inv.ID: paid, a.ID: deposited} {
		seen.Block, seen.Tip = block, 101
		must(t, sinks.Seen(t.Context(), owner, seen))
	}
	list, err := sinks.Unfinished(t.Context(), w.Network.ID)
	if err != nil || len(list) != 2 {
		t.Fatalf("unfinished are %v, %v", list, err)
	}
	for _, owner := range list {
		must(t, sinks.Advanced(t.Context(), owner, w.Network.ID, 103))
	}
	if list, err = sinks.InBlock(t.Context(), w.Network.ID, block.Hash); err != nil || len(list) != 2 {
		t.Fatalf("in the block are %v, %v", list, err)
	}
	for _, owner := range list {
		must(t, sinks.Reverted(t.Context(), owner, w.Network.ID, block.Hash, nil, 100))
	}
	must(t, sinks.Conflicted(t.Context(), a.ID, w.Network.ID, deposited.Transfer.TxID, "thief", chain.BlockRef{Height: 101, Hash: "other"}))
	must(t, sinks.Evicted(t.Context(), inv.ID, w.Network.ID, "nothing"))
	if found, err := s.Find(t.Context(), a.ID); err != nil || found.Payments[0].Status != deposit.Reverted || found.Payments[0].Conflict != "thief" {
		t.Errorf("%+v, %v", found, err)
	}
	if open, err := w.Chains.OpenPayments(t.Context(), w.Network.ID); err != nil || len(open) != 2 {
		t.Errorf("open are %v, %v", open, err)
	}
}
