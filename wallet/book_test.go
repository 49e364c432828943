package wallet_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"checkout/chain"
	"checkout/ident"
	"checkout/merchant"
	"checkout/store"
	"checkout/store/storetest"
	"checkout/wallet"
)

// accountKey is the account m/84'/1'/0' of the seed 00 01 02 … 1f: never fund it.
const accountKey = "tpubDDH1ndozCcuGXjVaXnB4NHUWbKfMTYfxH3wuU1GFvCXtEZZqsMY6NxBdgdaebExgDAVicckGNJDU8wVfRUWWMaov5jX4zPaDorqe75QwjAC"

// shelf is a book on a real store with a merchant who has a wallet of regtest bitcoin.
type shelf struct {
	*wallet.Book
	t       *testing.T
	db      *store.DB
	network chain.Network
	asset   chain.Asset
	tenant  merchant.Tenant
}

func openShelf(t *testing.T) *shelf {
	t.Helper()
	s := &shelf{t: t}
	s.db = storetest.Open(t, storetest.Config("sqlite:"+filepath.Join(t.TempDir(), "shelf.db"), time.Now))
	s.network, s.asset, _ = chain.Bitcoin("regtest")
	registry, err := chain.NewRegistry([]chain.Network{s.network}, []chain.Asset{s.asset})
	s.must(err)
	s.Book = &wallet.Book{Indexes: store.Wallets{DB: s.db}, Registry: registry}
	s.tenant = s.merchant(1)
	s.must(store.Wallets{DB: s.db}.Insert(t.Context(), s.account(s.tenant, accountKey)))
	return s
}

func (s *shelf) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *shelf) merchant(number int64) merchant.Tenant {
	s.t.Helper()
	m := merchant.Merchant{ID: ident.New(rand.Reader), Number: number, Name: "Acme", Tolerance: "0", Created: time.Now()}
	s.must(store.Merchants{DB: s.db}.Insert(s.t.Context(), m, nil))
	t, err := merchant.Operator(m.ID, ident.Live)
	s.must(err)
	return t
}

func (s *shelf) account(t merchant.Tenant, key string) wallet.Account {
	s.t.Helper()
	a, err := wallet.NewAccount(rand.Reader, t.Merchant(), s.network, key)
	s.must(err)
	return a
}

func (s *shelf) next(owner ident.ID) string {
	s.t.Helper()
	address, err := s.Next(s.t.Context(), s.tenant, s.asset, ident.Owner{Kind: ident.OwnerInvoice, ID: owner})
	s.must(err)
	return address
}

func (s *shelf) check(owner ident.ID, address string) error {
	return s.Check(s.t.Context(), s.tenant.Merchant(), owner, s.network.ID, address)
}

// tamper changes rows behind the store's back.
func (s *shelf) tamper(statement string, args ...any) {
	s.t.Helper()
	raw, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(s.db.DSN, "sqlite:")+"?_pragma=busy_timeout(5000)")
	s.must(err)
	defer raw.Close()
	res, err := raw.ExecContext(context.Background(), statement, args...)
	s.must(err)
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		s.t.Fatalf("%s changed nothing, %v", statement, err)
	}
}

// Addresses come one after another from index 0, as any wallet with that key derives them.
func TestNext(t *testing.T) {
	s := openShelf(t)
	k, err := wallet.ParseKey(accountKey, s.network)
	s.must(err)
	for n := range uint32(5) {
		want, err := k.Address(n)
		s.must(err)
		owner := ident.New(rand.Reader)
		if got := s.next(owner); got != want {
			t.Errorf("address %d is %s, want %s", n, got, want)
		}
		if err := s.check(owner, want); err != nil {
			t.Error(err)
		}
	}
}

// What was assigned in a transaction that failed is assigned to nobody.
func TestNextIsPartOfItsTransaction(t *testing.T) {
	s := openShelf(t)
	refused := errors.New("refused")
	var lost string
	err := s.db.Together(t.Context(), func(ctx context.Context) error {
		var err error
		lost, err = s.Next(ctx, s.tenant, s.asset, ident.Owner{Kind: ident.OwnerInvoice, ID: "somebody"})
		return errors.Join(err, refused)
	})
	if !errors.Is(err, refused) {
		t.Fatal(err)
	}
	if err := s.check("somebody", lost); !errors.Is(err, wallet.ErrMismatch) {
		t.Errorf("an address of a transaction that failed: %v", err)
	}
}

// Whatever is changed behind our back, the address is not shown.
func TestCheck(t *testing.T) {
	for name, tamper := range map[string]func(s *shelf, address string){
		"another address": func(s *shelf, address string) {
			s.tamper("UPDATE addresses SET address = 'bcrt1q000000000000000000000000000000000000000' WHERE address = $1", address)
		},
		"another index": func(s *shelf, address string) { s.tamper("UPDATE addresses SET idx = 77 WHERE address = $1", address) },
		"another owner": func(s *shelf, address string) {
			s.tamper("UPDATE addresses SET owner_id = 'other' WHERE address = $1", address)
		},
		"another wallet": func(s *shelf, address string) {
			other := s.merchant(2)
			s.must(store.Wallets{DB: s.db}.Insert(context.Background(), s.account(other, "pkh("+accountKey+")")))
			s.tamper("UPDATE addresses SET wallet_id = (SELECT id FROM wallets WHERE merchant_id = $1) WHERE address = $2", other.Merchant(), address)
		},
		"another merchant's": func(s *shelf, _ string) {
			s.tamper("UPDATE wallets SET merchant_id = $1", s.merchant(2).Merchant())
		},
		"another key": func(s *shelf, _ string) { s.tamper("UPDATE wallets SET descriptor = 'v1:AAAA'") },
		"removed":     func(s *shelf, address string) { s.tamper("DELETE FROM addresses WHERE address = $1", address) },
	} {
		t.Run(name, func(t *testing.T) {
			s := openShelf(t)
			owner := ident.New(rand.Reader)
			address := s.next(owner)
			s.must(s.check(owner, address))
			tamper(s, address)
			if err := s.check(owner, address); err == nil {
				t.Error("the address is shown")
			}
		})
	}
}

// A wallet that was replaced gives no more addresses, but those it gave are still good.
func TestReplacedWallet(t *testing.T) {
	s := openShelf(t)
	owner := ident.New(rand.Reader)
	before := s.next(owner)
	s.must(store.Wallets{DB: s.db}.Insert(t.Context(), s.account(s.tenant, "pkh("+accountKey+")")))
	after := s.next(ident.New(rand.Reader))
	if strings.HasPrefix(after, "bcrt1") || !strings.HasPrefix(before, "bcrt1") {
		t.Errorf("%s, then %s", before, after)
	}
	s.must(s.check(owner, before))
	r, err := s.db.Verify(t.Context())
	s.must(err)
	if len(r.Problems) > 0 {
		t.Errorf("problems: %q", r.Problems)
	}
}

// One account is one merchant's, however its key is written.
func TestKeyInUse(t *testing.T) {
	s := openShelf(t)
	other := s.merchant(2)
	for _, text := range []string{accountKey, "wpkh(" + accountKey + ")", "[d34db33f/84h/1h/0h]" + accountKey, "wpkh(" + accountKey + "/0/*)", "wpkh(" + accountKey + "/<0;1>/*)"} {
		if err := (store.Wallets{DB: s.db}).Insert(t.Context(), s.account(other, text)); !errors.Is(err, wallet.ErrInUse) {
			t.Errorf("%.20s…: %v", text, err)
		}
	}
	if ok, err := s.Offers(t.Context(), other, s.asset); ok || err != nil {
		t.Errorf("a merchant without a wallet is offered: %v, %v", ok, err)
	}
	if _, err := s.Next(t.Context(), other, s.asset, ident.Owner{Kind: ident.OwnerInvoice, ID: "x"}); !errors.Is(err, wallet.ErrNone) {
		t.Errorf("a merchant without a wallet has an address: %v", err)
	}
	if ok, err := s.Offers(t.Context(), s.tenant, s.asset); !ok || err != nil {
		t.Errorf("the refused key took the wallet away: %v, %v", ok, err)
	}
}

func TestPlayedWallets(t *testing.T) {
	var book wallet.Book
	a, b := wallet.NewPlayed(rand.Reader, "m", "rehearsal"), wallet.NewPlayed(rand.Reader, "m", "rehearsal")
	if a.Identity == b.Identity || a.Identity == "" || a.Fingerprint == b.Fingerprint {
		t.Errorf("two played wallets are alike: %+v %+v", a, b)
	}
	seen := map[string]bool{}
	for _, account := range []wallet.Account{a, b} {
		for n := range uint32(50) {
			address, err := book.Derive(account, n)
			if err != nil || seen[address] || !strings.HasPrefix(address, "tltc1") {
				t.Fatalf("address %d is %s, %v", n, address, err)
			}
			seen[address] = true
		}
	}
	if again, err := book.Derive(a, 0); err != nil || !seen[again] {
		t.Errorf("derived again it is %s, %v", again, err)
	}
	for _, descriptor := range []string{"played:xyz", "wpkh(x)"} {
		if address, err := (&wallet.Book{Registry: &chain.Registry{}}).Derive(wallet.Account{Descriptor: descriptor, Network: "none"}, 0); err == nil {
			t.Errorf("%s derives %s", descriptor, address)
		}
	}
}

// A private key is refused, and its text is in no error.
func TestNewAccountRefuses(t *testing.T) {
	network, _, _ := chain.Bitcoin("regtest")
	for name, text := range map[string]string{
		"private": "tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ2AtHcQJCCRUcMRvmDUjyEmNUWwx8UbK", "main network": "xpub6CatWdiZiodmUeTDp8LT5or8nmbKNcuyvz7WyksVFkKB4RHwCD3XyuvPEbvqAQY3rAPshWcMLoP2fMFMKHPJ4ZeZXYVUhLv1VMrjPC7PW6V", "nothing": "",
	} {
		a, err := wallet.NewAccount(rand.Reader, "m", network, text)
		if err == nil || (text != "" && strings.Contains(fmt.Sprint(err), text[:12])) || a != (wallet.Account{}) {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
}
