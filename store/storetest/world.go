// Package storetest is the definition of a correct store: Run is passed by every engine.
package storetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"checkout/chain"
	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
	"checkout/rate"
	"checkout/rate/feed"
	"checkout/seal"
	"checkout/store"
	"checkout/wallet"
	"checkout/webhook"
)

// Clock is a clock that stands until it is moved. It is safe for concurrent use.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// Now reads the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() {
		c.at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	}
	return c.at
}

// Pass moves the clock on.
func (c *Clock) Pass(d time.Duration) {
	now := c.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = now.Add(d)
}

// Config is a store's configuration for tests: a key of its own, pages of three rows so that paging is exercised.
func Config(dsn string, now func() time.Time) store.Config {
	box, err := seal.New(make([]byte, 32), rand.Reader)
	if err != nil {
		panic(err) // the key has the right length
	}
	return store.Config{DSN: dsn, Box: box, Random: rand.Reader, Now: now, Log: slog.New(slog.DiscardHandler), Page: 3}
}

// Open opens and migrates a store that closes with the test.
func Open(t testing.TB, cfg store.Config) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := db.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return db
}

// World is a store with a merchant who takes the played coin, and the invoice service on top.
type World struct {
	T        testing.TB
	DB       *store.DB
	Invoices *invoice.Service
	Book     *wallet.Book
	Chains   store.Chains
	Outbox   store.Webhooks
	Merchant merchant.Merchant
	Tenant   merchant.Tenant
	Key      merchant.Key
	Asset    chain.Asset
	Network  chain.Network
	txs      int
}

// NewWorld fills an open store. The chain stands at height 100.
func NewWorld(t testing.TB, db *store.DB) *World {
	t.Helper()
	network, asset := chain.Rehearsal()
	w := &World{T: t, DB: db, Asset: asset, Network: network, Chains: store.Chains{DB: db}, Outbox: store.Webhooks{DB: db}, Invoices: Service(db)}
	w.Book = w.Invoices.Addresses.(*wallet.Book) //nolint:forcetypeassert // Service made it
	w.Merchant, w.Tenant, w.Key = w.AddMerchant("Acme Coffee")
	must(t, w.Chains.Extend(t.Context(), network.ID, chain.Header{BlockRef: chain.BlockRef{Height: 100, Hash: "block-100"}, Parent: "block-99"}))
	w.See()
	return w
}

// Service is the invoice service on a store. A played coin costs 100 of any fiat currency.
func Service(db *store.DB) *invoice.Service {
	network, asset := chain.Rehearsal()
	registry, err := chain.NewRegistry([]chain.Network{network}, []chain.Asset{asset})
	if err != nil {
		panic(err) // the registry is a constant
	}
	rates := &rate.Book{Now: db.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler)}
	played := &feed.Played{Coin: asset.Currency, Price: "100", Now: func() time.Time { return db.Now().Add(24 * time.Hour) }}
	samples, err := played.Read(context.Background())
	if err != nil {
		panic(err) // so is the price
	}
	rates.Add(true, samples...)
	return &invoice.Service{
		Store: store.Invoices{DB: db}, Rates: rates, Addresses: &wallet.Book{Indexes: store.Wallets{DB: db}, Registry: registry},
		Registry: registry, Random: rand.Reader, Now: db.Now,
	}
}

// AddMerchant adds a merchant with a test key, a played wallet and an endpoint that wants everything.
func (w *World) AddMerchant(name string) (merchant.Merchant, merchant.Tenant, merchant.Key) {
	w.T.Helper()
	ctx := w.T.Context()
	number, err := w.DB.Number(ctx)
	must(w.T, err)
	m := merchant.Merchant{ID: ident.New(rand.Reader), Number: number, Name: name, Tolerance: "0", Created: w.DB.Now()}
	k := merchant.NewKey(rand.Reader, m.ID, ident.Test, merchant.DialectCoinsPaid, m.Created)
	must(w.T, store.Merchants{DB: w.DB}.Insert(ctx, m, []merchant.Key{k}))
	must(w.T, store.Wallets{DB: w.DB}.Insert(ctx, wallet.NewPlayed(rand.Reader, m.ID, w.Network.ID)))
	must(w.T, w.Outbox.InsertEndpoint(ctx, webhook.Endpoint{
		ID: ident.New(rand.Reader), Merchant: m.ID, Env: ident.Test, Dialect: merchant.DialectCoinsPaid, PublicKey: k.Public,
		URL: "https://shop.example/callback", Types: []string{"invoice.*", "payment.*", "deposit.*"},
	}))
	t, err := merchant.Operator(m.ID, ident.Test)
	must(w.T, err)
	return m, t, k
}

// See raises the evidence to now.
func (w *World) See() {
	w.T.Helper()
	now, err := w.Chains.Now(w.T.Context())
	must(w.T, err)
	must(w.T, w.Chains.Reached(w.T.Context(), w.Network.ID, now))
}

// New is NewInvoice.
func (w *World) New(foreignID string) invoice.New { return NewInvoice(foreignID) }

// NewInvoice is an order of 45 EUR, 0.45 LTCT, under CoinsPaid terms.
func NewInvoice(foreignID string) invoice.New {
	eur, _ := money.FiatByCode("EUR")
	_, asset := chain.Rehearsal()
	return invoice.New{
		Origin: invoice.TermsCoinsPaid, ForeignID: foreignID, Title: "Two mugs", Description: "blue", Email: "ada@shop.example",
		EndUserReference: "cust-1", Payer: `{"type":"natural","first_name":"Ada"}`, SuccessURL: "https://shop.example/ok", FailureURL: "https://shop.example/failed", Price: money.Units(eur, 45_00),
		Terms: invoice.CoinsPaidTerms(money.Zero(eur), false, false), Asset: asset.ID,
		Once: ident.Once{Scope: "test", Key: foreignID},
	}
}

// Create makes an invoice.
func (w *World) Create(foreignID string) *invoice.Invoice {
	w.T.Helper()
	inv, err := w.Invoices.Create(w.T.Context(), w.Tenant, w.New(foreignID))
	must(w.T, err)
	return inv
}

// Pay lets the invoice's address be paid so many smallest units, in the mempool or in a block.
func (w *World) Pay(inv *invoice.Invoice, units int64, block chain.BlockRef) chain.Sighting {
	w.T.Helper()
	w.txs++
	addr, ok := inv.Address(w.Asset.ID)
	if !ok {
		w.T.Fatal("the invoice has no address")
	}
	id := fmt.Sprintf("tx-%d-%s", w.txs, strings.ToLower(inv.ID.Short()))
	transfer := chain.Transfer{Network: w.Network.ID, TxID: id, Asset: w.Asset.ID, Address: addr.Text, Amount: money.Units(w.Asset.Currency, units)}
	s := chain.Sighting{Tx: chain.Tx{ID: id, Inputs: []string{"coin-" + id + ":0"}, Outputs: []chain.Transfer{transfer}}, Transfer: transfer, Block: block, Tip: block.Height}
	if block.IsZero() {
		s.Tip = 100
	}
	must(w.T, w.Invoices.Seen(w.T.Context(), inv.ID, s))
	return s
}

// Settle pays an invoice in full and deep enough.
func (w *World) Settle(inv *invoice.Invoice) *invoice.Invoice {
	w.T.Helper()
	s := w.Pay(inv, 45_000_000, chain.BlockRef{})
	s.Block, s.Tip = chain.BlockRef{Height: 101, Hash: "block-101"}, 103
	must(w.T, w.Invoices.Seen(w.T.Context(), inv.ID, s))
	inv, err := w.Invoices.Find(w.T.Context(), inv.ID)
	must(w.T, err)
	if inv.Outcome.State != invoice.Settled {
		w.T.Fatalf("paid, but %s", inv.Outcome.State)
	}
	return inv
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
