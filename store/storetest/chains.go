package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"checkout/chain"
	"checkout/fault"
	"checkout/ident"
	"checkout/invoice"
	"checkout/money"
	"checkout/store"
	"checkout/watch"
)

// apart: what a part of a transaction refuses is taken back alone, whatever it was that failed in it.
func apart(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	inv := w.Create("apart")
	refusal := fault.New(fault.Conflict, "refused", "Refused.")
	status := func(ctx context.Context, name string) error { return w.Chains.SetStatus(ctx, name, "ok") }
	for name, part := range map[string]func(ctx context.Context) error{
		"a refusal": func(context.Context) error { return refusal },
		"a panic":   func(context.Context) error { panic("a bug") },
		"SQL that is refused": func(ctx context.Context) error { // the address is nobody's
			a, _ := inv.Address(w.Asset.ID)
			return w.Chains.Extend(ctx, w.Network.ID, chain.Header{BlockRef: chain.BlockRef{Height: 100, Hash: a.Text}, Parent: "block-99"})
		},
		"a row that is there already": func(ctx context.Context) error {
			return store.Merchants{DB: w.DB}.Insert(ctx, w.Merchant, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := w.DB.Together(t.Context(), func(ctx context.Context) error {
				must(t, status(ctx, "before "+name))
				refused, err := w.DB.Apart(ctx, func(ctx context.Context) error {
					if err := status(ctx, "inside "+name); err != nil {
						return err
					}
					return part(ctx)
				})
				if refused == nil || err != nil {
					t.Errorf("refused %v, %v", refused, err)
				}
				refused, err = w.DB.Apart(ctx, func(ctx context.Context) error { return status(ctx, "after "+name) })
				return errors.Join(refused, err)
			})
			must(t, err)
			for place, want := range map[string]int{"before": 1, "inside": 0, "after": 1} {
				if n := count(t, w.DB, e, "SELECT COUNT(*) FROM cursors WHERE network = $1", place+" "+name); n != want {
					t.Errorf("%d rows of what was written %s", n, place)
				}
			}
		})
	}
	for name, trouble := range map[string]error{"nothing can be had": fault.New(fault.Unavailable, "down", "It is down."), "the caller went away": context.Canceled} {
		t.Run(name, func(t *testing.T) {
			err := w.DB.Together(t.Context(), func(ctx context.Context) error {
				must(t, status(ctx, "before "+name))
				refused, err := w.DB.Apart(ctx, func(context.Context) error { return trouble })
				if refused != nil {
					t.Errorf("it is taken for a refusal: %v", refused)
				}
				return err
			})
			if !errors.Is(err, trouble) {
				t.Errorf("%v", err)
			}
			if n := count(t, w.DB, e, "SELECT COUNT(*) FROM cursors WHERE network = $1", "before "+name); n != 0 {
				t.Error("a part of the transaction was kept")
			}
		})
	}
	refused, err := w.DB.Apart(t.Context(), func(ctx context.Context) error { // a transaction of its own
		return errors.Join(status(ctx, "alone"), refusal)
	})
	if !errors.Is(refused, refusal) || err != nil || count(t, w.DB, e, "SELECT COUNT(*) FROM cursors WHERE network = 'alone'") != 0 {
		t.Errorf("outside a transaction: refused %v, %v", refused, err)
	}
}

// apartTold: nobody is told of a change that was taken back.
func apartTold(t *testing.T, e Engine) {
	db := e.Open(t)
	w := NewWorld(t, db)
	one, two := w.Create("one"), w.Create("two")
	told := 0
	watched := e.Again(t, db)
	watched.Changed = func(ident.ID, int64) { told++ }
	service := Service(watched)
	pay := func(ctx context.Context, inv *invoice.Invoice) error {
		a, _ := inv.Address(w.Asset.ID)
		tr := chain.Transfer{Network: w.Network.ID, TxID: string(inv.ID), Asset: w.Asset.ID, Address: a.Text, Amount: money.Units(w.Asset.Currency, 10_000)}
		return service.Seen(ctx, inv.ID, chain.Sighting{Tx: chain.Tx{ID: tr.TxID}, Transfer: tr, Tip: 100})
	}
	must(t, watched.Together(t.Context(), func(ctx context.Context) error {
		told = 0
		_, err := watched.Apart(ctx, func(ctx context.Context) error { return errors.Join(pay(ctx, one), errors.New("no")) })
		must(t, err)
		_, err = watched.Apart(ctx, func(ctx context.Context) error { return pay(ctx, two) })
		return err
	}))
	if told != 1 {
		t.Errorf("told of %d changes, one was kept", told)
	}
}

// apartCollides: what the engine wants repeated is no refusal.
func apartCollides(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	inv := w.Create("parallel")
	addr, _ := inv.Address(w.Asset.ID)
	var wg sync.WaitGroup
	for n := range 20 {
		wg.Go(func() {
			tr := chain.Transfer{Network: w.Network.ID, TxID: fmt.Sprintf("p%d", n), Asset: w.Asset.ID, Address: addr.Text, Amount: money.Units(w.Asset.Currency, 10_000)}
			err := w.DB.Together(context.Background(), func(ctx context.Context) error {
				refused, err := w.DB.Apart(ctx, func(ctx context.Context) error {
					return w.Invoices.Seen(ctx, inv.ID, chain.Sighting{Tx: chain.Tx{ID: tr.TxID}, Transfer: tr, Tip: 100})
				})
				if refused != nil {
					t.Errorf("refused: %v", refused)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	loaded, err := w.Invoices.Find(t.Context(), inv.ID)
	must(t, err)
	if len(loaded.Payments) != 20 {
		t.Errorf("%d payments of 20", len(loaded.Payments))
	}
}

// held rows move with what they are about, keep their earliest date, hold the evidence back, and are named by the audit.
func heldRows(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	ctx, net := t.Context(), w.Network.ID
	inv := w.Create("held")
	met := time.UnixMilli(w.DB.Now().UnixMilli() - 5000).UTC()
	hold := func(h watch.Held, want bool) {
		t.Helper()
		news, err := w.Chains.Hold(ctx, net, h)
		must(t, err)
		if news != want {
			t.Errorf("%+v is news: %v", h, news)
		}
	}
	seen := watch.Held{Owner: inv.ID, Kind: watch.KindSeen, TxID: "tx", Code: "one", Met: met}
	hold(seen, true)
	seen.Block, seen.Code, seen.Met = chain.BlockRef{Height: 101, Hash: "b101"}, "two", time.Time{}
	hold(seen, false)
	lost := watch.Held{Owner: inv.ID, Kind: watch.KindReverted, Block: chain.BlockRef{Height: 90, Hash: "x90"}, Code: "one"}
	hold(lost, true)
	hold(lost, false)
	lost.Block = chain.BlockRef{Height: 91, Hash: "x91"}
	hold(lost, true)
	conflict := watch.Held{Owner: inv.ID, Kind: watch.KindConflicted, TxID: "tx", Other: "rival", Code: "one"}
	hold(conflict, true)
	list, err := w.Chains.Held(ctx, net)
	must(t, err)
	got := []string{}
	for _, h := range list {
		got = append(got, fmt.Sprintf("%s %s %s %d %s %s", h.Kind, h.TxID, h.Other, h.Block.Height, h.Block.Hash, h.Code))
		if h.Kind == watch.KindSeen && (!h.Met.Equal(met) || h.First.IsZero() || h.Last.Before(h.First)) {
			t.Errorf("its dates are %s, %s, %s", h.Met, h.First, h.Last)
		}
	}
	all := strings.Join(got, ", ")
	for _, row := range []string{"seen tx  101 b101 two", "reverted   90 x90 one", "reverted   91 x91 one", "conflicted tx rival 0  one"} {
		if !strings.Contains(all, row) || len(list) != 4 {
			t.Errorf("%q is not in %q", row, got)
		}
	}
	if other, err := w.Chains.Held(ctx, "other"); err != nil || len(other) != 0 {
		t.Errorf("another network holds %v, %v", other, err)
	}

	_, err = store.Invoices{DB: w.DB}.Update(ctx, inv.ID, func(_ *invoice.Invoice, at invoice.Moment) (invoice.Effects, error) {
		if !at.Evidence[net].Equal(met) {
			t.Errorf("the evidence goes to %s, but %s was not taken in", at.Evidence[net], met)
		}
		return invoice.Effects{}, invoice.ErrUnchanged
	})
	must(t, err)
	r, err := w.DB.Verify(ctx)
	must(t, err)
	if n := strings.Count(strings.Join(r.Problems, "\n"), "held: invoice "+string(inv.ID)); n != 4 {
		t.Errorf("the audit names %d of 4: %q", n, r.Problems)
	}

	must(t, w.Chains.Free(ctx, net, watch.Held{Owner: inv.ID, Kind: watch.KindReverted, Block: chain.BlockRef{Height: 91, Hash: "x91"}}))
	must(t, w.Chains.Free(ctx, net, conflict))
	must(t, w.Chains.Free(ctx, net, watch.Held{Owner: inv.ID, Kind: watch.KindSeen, TxID: "tx"})) // wherever it is
	if list, err = w.Chains.Held(ctx, net); err != nil || len(list) != 1 || list[0].Block.Hash != "x90" {
		t.Errorf("left are %+v, %v", list, err)
	}
}

// dueHeld: an invoice is not due while it has not taken in what came before its time was over.
func dueHeld(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	ctx := t.Context()
	inv := w.Create("due")
	later := time.Now().Add(24 * time.Hour)
	must(t, w.Chains.Reached(ctx, w.Network.ID, later))
	must(t, w.Chains.Counted(ctx, w.Network.ID, 77))
	if c, _, err := w.Chains.Cursor(ctx, w.Network.ID); err != nil || c.Counted != 77 {
		t.Errorf("confirmations are counted from %d, %v", c.Counted, err)
	}
	due := func() int {
		t.Helper()
		page, err := store.Invoices{DB: w.DB}.Due(ctx, later, invoice.DueMark{}, 10)
		must(t, err)
		return len(page)
	}
	if due() != 1 {
		t.Fatal("it is not due at all")
	}
	h := watch.Held{Owner: inv.ID, Kind: watch.KindSeen, TxID: "tx", Met: inv.Deadline().Add(time.Minute)}
	_, err := w.Chains.Hold(ctx, w.Network.ID, h)
	must(t, err)
	if due() != 1 {
		t.Error("what came too late keeps it open")
	}
	h.Met = inv.Deadline().Add(-time.Minute)
	_, err = w.Chains.Hold(ctx, w.Network.ID, h)
	must(t, err)
	if due() != 0 {
		t.Error("it may end although it was paid")
	}
}

// raws: unconfirmed transactions are kept as long as a payment, or something that is held, needs them.
func raws(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	ctx, net := t.Context(), w.Network.ID
	open, dropped, settled := w.Create("open"), w.Create("dropped"), w.Create("settled")
	raw := bytes.Repeat([]byte{0, 0xff, 7}, 1000)
	ids := map[string]bool{
		w.Pay(open, 10_000, chain.BlockRef{}).Tx.ID: true, w.Pay(dropped, 10_000, chain.BlockRef{}).Tx.ID: false, "held": true, "nobody's": false,
	}
	gone, err := w.Invoices.Find(ctx, dropped.ID)
	must(t, err)
	w.Settle(settled)
	confirmed, err := w.Invoices.Find(ctx, settled.ID)
	must(t, err)
	ids[confirmed.Payments[0].Transfer.TxID] = false
	for id := range ids {
		for range 2 { // again changes nothing
			must(t, w.Chains.KeepRaw(ctx, net, id, raw))
		}
	}
	must(t, w.Invoices.Evicted(ctx, dropped.ID, net, gone.Payments[0].Transfer.TxID))
	_, err = w.Chains.Hold(ctx, net, watch.Held{Owner: open.ID, Kind: watch.KindSeen, TxID: "held"})
	must(t, err)
	must(t, w.Chains.KeepRaw(ctx, "another network", "nobody's", raw))
	must(t, w.Chains.DropRaws(ctx, net))
	for id, kept := range ids {
		got, err := w.Chains.Raw(ctx, net, id)
		must(t, err)
		if kept != bytes.Equal(got, raw) || !kept && got != nil {
			t.Errorf("%s: %d bytes, want it kept: %v", id, len(got), kept)
		}
	}
	if got, err := w.Chains.Raw(ctx, "another network", "nobody's"); err != nil || len(got) != len(raw) {
		t.Errorf("another network's: %d bytes, %v", len(got), err)
	}
}

// branches: the cursor is put on a block we did not hold, by a person's decision.
func branches(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	ctx, net := t.Context(), w.Network.ID
	w.Settle(w.Create("stands")) // in block 101
	for _, h := range []chain.Header{
		{BlockRef: chain.BlockRef{Height: 101, Hash: "block-101"}, Parent: "block-100"}, {BlockRef: chain.BlockRef{Height: 102, Hash: "block-102"}, Parent: "block-101"},
	} {
		must(t, w.Chains.Extend(ctx, net, h))
	}
	list, err := w.Chains.Headers(ctx, net)
	must(t, err)
	if got := fmt.Sprint(list); got != "[{102 block-102} {101 block-101} {100 block-100}]" {
		t.Errorf("headers %s", got)
	}
	for below, want := range map[int64]string{102: "[{101 block-101}]", 101: "[]"} {
		stood, err := w.Chains.Stood(ctx, net, below)
		must(t, err)
		if got := fmt.Sprint(stood); got != want {
			t.Errorf("below %d payments stand in %s, want %s", below, got, want)
		}
	}
	for _, hash := range []string{"first", "tip"} {
		must(t, w.Chains.Accept(ctx, net, chain.BlockRef{Height: 7, Hash: hash}))
	}
	if tip, ok, err := w.Chains.Accepted(ctx, net); err != nil || !ok || tip != (chain.BlockRef{Height: 7, Hash: "tip"}) {
		t.Errorf("accepted %+v, %v, %v", tip, ok, err)
	}
	if _, ok, err := w.Chains.Accepted(ctx, "other"); err != nil || ok {
		t.Errorf("accepted for another network: %v", err)
	}
	to := chain.Header{BlockRef: chain.BlockRef{Height: 3, Hash: "new-3"}, Parent: "new-2"}
	if err := w.Chains.Restart(ctx, net, to, chain.BlockRef{Height: 101, Hash: "block-101"}); !errors.Is(err, store.ErrStale) {
		t.Errorf("from a block we do not stand at: %v", err)
	}
	must(t, w.Chains.Restart(ctx, net, to, chain.BlockRef{Height: 102, Hash: "block-102"}))
	c, _, err := w.Chains.Cursor(ctx, net)
	must(t, err)
	if c.Tip != to.BlockRef || c.Reorgs != 1 || c.Peak != 102 {
		t.Errorf("the cursor is %+v", c)
	}
	must(t, w.Chains.Extend(ctx, net, chain.Header{BlockRef: chain.BlockRef{Height: 4, Hash: "new-4"}, Parent: "new-3"}))
	if list, err = w.Chains.Headers(ctx, net); err != nil || fmt.Sprint(list) != "[{4 new-4} {3 new-3}]" {
		t.Errorf("headers %v, %v", list, err)
	}
	w.See()
	if _, ok, err := w.Chains.Accepted(ctx, net); err != nil || ok {
		t.Errorf("a network that is followed still needs a decision: %v", err)
	}
}

// since: addresses assigned after a mark are found by it, whosever wallet they are from.
func since(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	ctx, net := t.Context(), w.Network.ID
	w.Create("before")
	mark, err := w.Chains.Assigned(ctx, net)
	must(t, err)
	if got, err := w.Chains.Since(ctx, net, mark); err != nil || len(got) != 0 {
		t.Errorf("nothing was assigned, but %v, %v", got, err)
	}
	after := w.Create("after")
	_, tenant, _ := w.AddMerchant("Bolt Bikes")
	other, err := w.Invoices.Create(ctx, tenant, w.New("other"))
	must(t, err)
	got, err := w.Chains.Since(ctx, net, mark)
	must(t, err)
	for _, inv := range []*invoice.Invoice{after, other} {
		if a, _ := inv.Address(w.Asset.ID); got[a.Text] != inv.ID || len(got) != 2 {
			t.Errorf("%s is not in %v", a.Text, got)
		}
	}
	if got, err = w.Chains.Since(ctx, "other", mark); err != nil || len(got) != 0 {
		t.Errorf("on another network %v, %v", got, err)
	}
}
