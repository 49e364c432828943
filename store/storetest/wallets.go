package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"checkout/chain"
	"checkout/ident"
	"checkout/store"
	"checkout/wallet"
)

func indexes(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	var wg sync.WaitGroup
	for n := range 50 {
		wg.Go(func() {
			if _, err := w.Invoices.Create(context.Background(), w.Tenant, w.New(fmt.Sprintf("i%d", n))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := count(t, w.DB, e, "SELECT COUNT(DISTINCT address) FROM audit_addresses"); n != 50 {
		t.Errorf("%d addresses for 50 invoices", n)
	}
	if n := count(t, w.DB, e, "SELECT COUNT(DISTINCT derivation_index) FROM audit_addresses"); n != 50 {
		t.Errorf("%d indexes for 50 invoices", n)
	}
}

func paidBy(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	one, two := w.Create("one"), w.Create("two")
	w.Pay(one, 10_000_000, chain.BlockRef{})
	var tx string
	loaded, err := store.Invoices{DB: w.DB}.Find(t.Context(), one.ID)
	must(t, err)
	tx = loaded.Payments[0].Transfer.TxID
	for network, want := range map[string]int{w.Network.ID: 1, "bitcoin": 0} {
		got, err := store.Invoices{DB: w.DB}.PaidBy(t.Context(), network, tx)
		if err != nil || len(got) != want || (want == 1 && got[0] != one.ID) {
			t.Errorf("%s on %s paid %v, not %s: %v", tx, network, got, two.ID, err)
		}
	}
	if got, err := (store.Invoices{DB: w.DB}).PaidBy(t.Context(), w.Network.ID, "none"); err != nil || len(got) != 0 {
		t.Errorf("%v %v", got, err)
	}
}

// beside is a watcher's long transaction while invoices are created: both get on.
func beside(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	mark, err := w.Chains.Assigned(t.Context(), w.Network.ID)
	must(t, err)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for client := range 2 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				case <-time.After(20 * time.Millisecond):
					_, _ = w.Invoices.Create(context.Background(), w.Tenant, w.New(fmt.Sprintf("b%d-%d", client, n))) // some collide
				}
			}
		})
	}
	for range 5 {
		err := w.DB.Together(t.Context(), func(ctx context.Context) error {
			if _, err := w.Chains.Since(ctx, w.Network.ID, mark); err != nil {
				return err
			}
			time.Sleep(150 * time.Millisecond) // it has much to do
			return w.Chains.Reached(ctx, w.Network.ID, w.DB.Now())
		})
		if err != nil {
			t.Errorf("the watcher: %v", err)
		}
	}
	close(stop)
	wg.Wait()
	owners, err := w.Chains.Since(t.Context(), w.Network.ID, mark)
	if err != nil || len(owners) == 0 {
		t.Errorf("%d addresses since: %v", len(owners), err)
	}
}

// sisters: a key counts once for all networks where it has the same addresses, whoever asks at the same time.
func sisters(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	other, _, _ := w.AddMerchant("Bolt Bikes")
	wallets := store.Wallets{DB: w.DB}
	account := func(m ident.ID, network string) wallet.Account {
		return wallet.Account{ID: ident.New(rand.Reader), Merchant: m, Network: network, Descriptor: "xpub", Fingerprint: "00112233", Identity: "same"}
	}
	must(t, wallets.Insert(t.Context(), account(w.Merchant.ID, "ethereum")))
	for want := range uint32(2) {
		if _, n, err := wallets.Take(t.Context(), w.Merchant.ID, "ethereum"); err != nil || n != want {
			t.Fatalf("index %d, %v", n, err)
		}
	}
	must(t, wallets.Insert(t.Context(), account(w.Merchant.ID, "bsc")))
	if err := wallets.Insert(t.Context(), account(other.ID, "polygon")); !errors.Is(err, wallet.ErrInUse) {
		t.Errorf("one key for two merchants on two networks: %v", err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	taken := map[uint32]bool{}
	for n := range 40 {
		wg.Go(func() {
			_, index, err := wallets.Take(context.Background(), w.Merchant.ID, []string{"ethereum", "bsc"}[n%2])
			mu.Lock()
			defer mu.Unlock()
			if err != nil || taken[index] || index < 2 || index >= 42 {
				t.Errorf("index %d, %v", index, err)
			}
			taken[index] = true
		})
	}
	wg.Wait()
}

func keyInUse(t *testing.T, e Engine) {
	w := NewWorld(t, e.Open(t))
	other, _, _ := w.AddMerchant("Bolt Bikes")
	wallets := store.Wallets{DB: w.DB}
	a := wallet.Account{ID: ident.New(rand.Reader), Merchant: w.Merchant.ID, Network: "bitcoin-regtest", Descriptor: "wpkh(a)", Fingerprint: "00112233", Identity: "same"}
	must(t, wallets.Insert(t.Context(), a))
	b := a
	b.ID, b.Merchant, b.Descriptor, b.Fingerprint = ident.New(rand.Reader), other.ID, "wpkh([00000000]a)", "44556677"
	if err := wallets.Insert(t.Context(), b); !errors.Is(err, wallet.ErrInUse) {
		t.Errorf("one key for two merchants: %v", err)
	}
	if active, err := wallets.Active(t.Context(), other.ID, "bitcoin-regtest"); active || err != nil {
		t.Errorf("the refused wallet is active: %v", err)
	}
	take := func(want ident.ID, index uint32) {
		t.Helper()
		got, n, err := wallets.Take(t.Context(), w.Merchant.ID, "bitcoin-regtest")
		if err != nil || got.ID != want || n != index {
			t.Errorf("index %d of %s, want %d of %s: %v", n, got.ID, index, want, err)
		}
	}
	take(a.ID, 0)
	c := a // another one, by mistake, and back
	c.ID, c.Descriptor, c.Identity = ident.New(rand.Reader), "wpkh(c)", "other"
	must(t, wallets.Insert(t.Context(), c))
	take(c.ID, 0)
	again := a
	again.ID = ident.New(rand.Reader)
	must(t, wallets.Insert(t.Context(), again))
	take(a.ID, 1)
	if kept, err := wallets.Current(t.Context(), w.Merchant.ID, "bitcoin-regtest"); err != nil || kept.ID != a.ID || kept.Descriptor != a.Descriptor {
		t.Errorf("the wallet in use is %+v: %v", kept, err)
	}
	if _, err := wallets.Current(t.Context(), other.ID, "bitcoin-regtest"); !errors.Is(err, wallet.ErrNone) {
		t.Errorf("of a merchant without one: %v", err)
	}
}
