package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"checkout/chain"
	"checkout/ident"
	"checkout/invoice"
	"checkout/money"
	"checkout/store"
	"checkout/wallet"
	"checkout/watch"
)

// unmatched: the inbox of shared addresses keeps a payment once, and gives it away once.
func unmatched(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	ctx := t.Context()
	must(t, store.Wallets{DB: w.DB}.Insert(ctx, wallet.Account{
		ID: ident.New(rand.Reader), Merchant: w.Merchant.ID, Network: "xrp", Descriptor: "shared:rShop", Fingerprint: "00112233", Identity: wallet.SharedIdentity("rShop"),
	}))
	accounts, err := w.Chains.Accounts(ctx, "xrp")
	if err != nil || len(accounts) != 1 || accounts["rShop"] != w.Merchant.ID {
		t.Errorf("the shared addresses are %v, %v", accounts, err)
	}
	if accounts, err := w.Chains.Accounts(ctx, w.Network.ID); err != nil || len(accounts) != 0 {
		t.Errorf("where there are none they are %v, %v", accounts, err)
	}
	_, xrp := chain.XRPDevnet()
	u := watch.Unmatched{
		Merchant: w.Merchant.ID, Block: chain.BlockRef{Height: 7, Hash: "seven"},
		Transfer: chain.Transfer{Network: "xrp", TxID: "t", Ordinal: 0, Asset: xrp.ID, Address: "rShop#12", Amount: money.Units(xrp.Currency, 5)},
	}
	for _, want := range []bool{true, false} {
		if fresh, err := w.Chains.KeepUnmatched(ctx, u); err != nil || fresh != want {
			t.Errorf("it is news: %v, %v, want %v", fresh, err, want)
		}
	}
	list, err := w.Chains.Unmatched(ctx, w.Merchant.ID, false, 10)
	if err != nil || len(list) != 1 || !list[0].Transfer.Equal(u.Transfer) || list[0].Block != u.Block || list[0].Seen.IsZero() {
		t.Fatalf("the inbox holds %+v, %v", list, err)
	}
	inv := w.Create("meant")
	failed := errors.New("refused")
	err = w.DB.Together(ctx, func(ctx context.Context) error { // with what it is given for, or not at all
		if err := w.Chains.AssignUnmatched(ctx, list[0].ID, inv.ID, "ada"); err != nil {
			return err
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Error(err)
	}
	must(t, w.Chains.AssignUnmatched(ctx, list[0].ID, inv.ID, "ada"))
	if err := w.Chains.AssignUnmatched(ctx, list[0].ID, inv.ID, "bob"); !errors.Is(err, store.ErrAssigned) {
		t.Errorf("the second time: %v", err)
	}
	if found, err := w.Chains.FindUnmatched(ctx, list[0].ID); err != nil || found.AssignedTo != inv.ID || found.AssignedBy != "ada" || found.AssignedAt.IsZero() {
		t.Errorf("it is %+v, %v", found, err)
	}
	if _, err := w.Chains.FindUnmatched(ctx, "none"); !errors.Is(err, store.ErrUnmatched) {
		t.Errorf("what there is not: %v", err)
	}
	for all, want := range map[bool]int{false: 0, true: 1} {
		if list, err := w.Chains.Unmatched(ctx, w.Merchant.ID, all, 10); err != nil || len(list) != want {
			t.Errorf("all %v: %+v, %v", all, list, err)
		}
	}
}

// claims: who asks for exactly an amount at a shared address, now or a little while ago.
func claims(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	ctx := t.Context()
	must(t, store.Wallets{DB: w.DB}.Insert(ctx, wallet.Account{
		ID: ident.New(rand.Reader), Merchant: w.Merchant.ID, Network: w.Network.ID, Descriptor: "shared:0xShop", Fingerprint: "00112233", Identity: wallet.SharedIdentity("0xShop"),
	}))
	one, two := w.Create("one"), w.Create("two")
	for _, inv := range []*invoice.Invoice{one, two} {
		addr, _ := inv.Address(w.Asset.ID)
		loaded, err := store.Invoices{DB: w.DB}.Find(ctx, inv.ID)
		must(t, err)
		kept, _ := loaded.Address(w.Asset.ID)
		if !addr.Exact() || addr.Shown() != "0xShop" || addr.Tag != "" || kept.Text != addr.Text || !kept.Nudge.Equal(addr.Nudge) {
			t.Errorf("its address is %+v, kept as %+v", addr, kept)
		}
	}
	if less, err := one.Outcome.Due.Cmp(two.Outcome.Due); err != nil || less >= 0 {
		t.Errorf("they ask for %s and %s", one.Outcome.Due, two.Outcome.Due)
	}
	claimed := func(amount money.Amount, ended time.Time, want ...ident.ID) {
		t.Helper()
		got, err := w.DB.Claims(ctx, w.Merchant.ID, w.Network.ID, w.Asset.ID, "0xShop", amount, ended)
		must(t, err)
		if list := slices.Sorted(maps.Values(got)); !slices.Equal(list, want) {
			t.Errorf("%s is claimed by %v, want %v", amount, list, want)
		}
	}
	claimed(one.Outcome.Due, time.Time{}, one.ID)
	claimed(two.Outcome.Due, time.Time{}, two.ID)
	claimed(money.Units(w.Asset.Currency, 1), time.Time{})
	for amount, want := range map[string]int{"other": 0, "0xShop": 1} {
		if got, err := w.DB.Claims(ctx, w.Merchant.ID, w.Network.ID, w.Asset.ID, amount, one.Outcome.Due, time.Time{}); err != nil || len(got) != want {
			t.Errorf("at %s: %v, %v", amount, got, err)
		}
	}
	w.Pay(one, 10_000_000, chain.BlockRef{})
	claimed(one.Outcome.Due, time.Time{}, one.ID) // something was seen, and more may come
	_, err := store.Invoices{DB: w.DB}.Update(ctx, two.ID, func(inv *invoice.Invoice, at invoice.Moment) (invoice.Effects, error) {
		return inv.Mark(invoice.Mark{Kind: invoice.MarkCancel, Actor: "ada", Reason: "because"}, at)
	})
	must(t, err)
	claimed(two.Outcome.Due, time.Time{})
}
