package invoice_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"checkout/chain"
	"checkout/fault"
	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
	"checkout/rate"
	"checkout/store"
	"checkout/store/storetest"
	"checkout/wallet"
)

// office is the invoice service on a real store, with a clock that stands until it is moved and prices that are set.
type office struct {
	*invoice.Service
	t       *testing.T
	clock   *storetest.Clock
	db      *store.DB
	chains  store.Chains
	network chain.Network
	coin    chain.Asset
	tenant  merchant.Tenant
	price   *atomic.Int64 // of the coin in any currency, 0: none
	ill     *atomic.Bool  // the network's node
	height  int64
	txs     int
}

// due is what 45 EUR are at the first price, 100.
const due = 45_000_000

func openOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, clock: &storetest.Clock{}, price: &atomic.Int64{}, ill: &atomic.Bool{}, height: 100}
	o.price.Store(100)
	o.db = storetest.Open(t, storetest.Config("sqlite:"+filepath.Join(t.TempDir(), "office.db"), o.clock.Now))
	o.chains = store.Chains{DB: o.db}
	o.network, o.coin = chain.Rehearsal()
	real, btc, _ := chain.Bitcoin("mainnet")
	registry, err := chain.NewRegistry([]chain.Network{o.network, real}, []chain.Asset{o.coin, btc})
	o.must(err)
	o.Service = &invoice.Service{
		Store: store.Invoices{DB: o.db}, Rates: prices{o.price}, Addresses: &wallet.Book{Indexes: store.Wallets{DB: o.db}, Registry: registry},
		Health: health{o.ill}, Registry: registry, Random: rand.Reader, Now: o.clock.Now,
	}
	m := merchant.Merchant{ID: ident.New(rand.Reader), Number: 1, Name: "Acme", Tolerance: "0", Created: o.clock.Now()}
	o.must(store.Merchants{DB: o.db}.Insert(t.Context(), m, nil))
	o.must(store.Wallets{DB: o.db}.Insert(t.Context(), wallet.NewPlayed(rand.Reader, m.ID, o.network.ID)))
	o.tenant, err = merchant.Operator(m.ID, ident.Test)
	o.must(err)
	o.must(o.chains.Extend(t.Context(), o.network.ID, chain.Header{BlockRef: chain.BlockRef{Height: 100, Hash: "b100"}, Parent: "b99"}))
	o.see()
	return o
}

// prices is a rate of one number.
type prices struct{ price *atomic.Int64 }

func (p prices) Quote(from, to money.Currency, now time.Time, window time.Duration) (rate.Quote, error) {
	price := p.price.Load()
	if price == 0 {
		return rate.Quote{}, rate.ErrUnavailable
	}
	r, err := money.NewRate(from, to, big.NewRat(price, 1))
	return rate.Quote{ID: ident.New(rand.Reader), Rate: r, At: now, Until: now.Add(window)}, err
}

type health struct{ ill *atomic.Bool }

func (h health) Usable(string) bool { return !h.ill.Load() }

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// see raises the evidence to now.
func (o *office) see() {
	o.t.Helper()
	o.must(o.chains.Reached(o.t.Context(), o.network.ID, o.clock.Now()))
}

func (o *office) order(change ...func(*invoice.New)) invoice.New {
	eur, _ := money.FiatByCode("EUR")
	n := invoice.New{Origin: "test", Price: money.Units(eur, 45_00), Terms: invoice.CoinsPaidTerms(money.Zero(eur), false, false), Asset: o.coin.ID}
	for _, c := range change {
		c(&n)
	}
	return n
}

func (o *office) create(change ...func(*invoice.New)) *invoice.Invoice {
	o.t.Helper()
	inv, err := o.Create(o.t.Context(), o.tenant, o.order(change...))
	o.must(err)
	return inv
}

// open makes an invoice without a coin, renewable one of our own terms.
func open(n *invoice.New)      { n.Asset = "" }
func renewable(n *invoice.New) { n.Terms = invoice.OrderTerms(n.Terms.Tolerance, false) }

// pays is a transfer of so many units to an invoice, in the mempool or three blocks deep.
func (o *office) pays(inv *invoice.Invoice, units int64, confirmed bool) chain.Sighting {
	o.t.Helper()
	o.txs++
	a, ok := inv.Address(o.coin.ID)
	if !ok {
		o.t.Fatal("no address")
	}
	id := fmt.Sprintf("tx%d", o.txs)
	tr := chain.Transfer{Network: o.network.ID, TxID: id, Asset: o.coin.ID, Address: a.Text, Amount: money.Units(o.coin.Currency, units)}
	s := chain.Sighting{Tx: chain.Tx{ID: id, Inputs: []string{id + ":0"}, Outputs: []chain.Transfer{tr}}, Transfer: tr, Tip: o.height}
	if confirmed {
		s.Block, s.Tip = chain.BlockRef{Height: o.height + 1, Hash: "b" + id}, o.height+3
	}
	return s
}

func (o *office) seen(inv *invoice.Invoice, s chain.Sighting) {
	o.t.Helper()
	o.must(o.Seen(o.t.Context(), inv.ID, s))
}

func (o *office) load(inv *invoice.Invoice) *invoice.Invoice {
	o.t.Helper()
	loaded, err := o.Find(o.t.Context(), inv.ID)
	o.must(err)
	return loaded
}

func (o *office) is(inv *invoice.Invoice, want invoice.State) {
	o.t.Helper()
	if got := o.load(inv).Outcome; got.State != want {
		o.t.Errorf("it is %s (%s), want %s", got.State, got.Reason, want)
	}
}

func (o *office) expirer() *invoice.Expirer {
	return &invoice.Expirer{Service: o.Service, Every: time.Second, Log: slog.New(slog.DiscardHandler)}
}

func (o *office) expire() { o.t.Helper(); o.must(o.expirer().RunOnce(o.t.Context())) }

func (o *office) raw() *sql.DB {
	o.t.Helper()
	raw, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(o.db.DSN, "sqlite:")+"?_pragma=busy_timeout(5000)")
	o.must(err)
	o.t.Cleanup(func() { _ = raw.Close() })
	return raw
}

func (o *office) count(query string, args ...any) int {
	o.t.Helper()
	var n int
	o.must(o.raw().QueryRowContext(o.t.Context(), query, args...).Scan(&n))
	return n
}

// sound checks that nothing in the store contradicts itself.
func (o *office) sound() {
	o.t.Helper()
	r, err := o.db.Verify(o.t.Context())
	o.must(err)
	for _, problem := range r.Problems {
		o.t.Error(problem)
	}
}

func TestCreate(t *testing.T) {
	o := openOffice(t)
	locked := func(n *invoice.New) { open(n); n.Terms.LockAll = true }
	for _, row := range []struct {
		name      string
		change    func(*invoice.New)
		state     invoice.State
		quotes    int
		addresses int
	}{
		{"with a coin", func(*invoice.New) {}, invoice.Awaiting, 1, 1},
		{"without", open, invoice.Open, 0, 0},
		{"all prices locked", locked, invoice.Awaiting, 1, 0},
	} {
		inv := o.create(row.change)
		loaded := o.load(inv)
		if loaded.Outcome.State != row.state || len(loaded.Quotes) != row.quotes || len(loaded.Addresses) != row.addresses {
			t.Errorf("%s: %s, %d quotes, %d addresses", row.name, loaded.Outcome.State, len(loaded.Quotes), len(loaded.Addresses))
		}
		if loaded.Env != ident.Test || loaded.Merchant != o.tenant.Merchant() || !ident.Valid(string(loaded.ID)) || loaded.Version != 1 {
			t.Errorf("%s: %+v", row.name, loaded)
		}
	}
	o.sound()
}

func TestCreateRefuses(t *testing.T) {
	o := openOffice(t)
	live, err := merchant.Operator(o.tenant.Merchant(), ident.Live)
	o.must(err)
	bare := merchant.Merchant{ID: ident.New(rand.Reader), Number: 2, Name: "Bare", Tolerance: "0", Created: o.clock.Now()}
	o.must(store.Merchants{DB: o.db}.Insert(t.Context(), bare, nil))
	stranger, err := merchant.Operator(bare.ID, ident.Test)
	o.must(err)
	for _, row := range []struct {
		name   string
		tenant merchant.Tenant
		change func(*invoice.New)
		before func()
		want   error
	}{
		{"a coin nobody knows", o.tenant, func(n *invoice.New) { n.Asset = "doge" }, nil, invoice.ErrMethod},
		{"a coin of the other environment", o.tenant, func(n *invoice.New) { n.Asset = "btc" }, nil, invoice.ErrMethod},
		{"live, with a wallet for tests only", live, open, nil, invoice.ErrNoMethod},
		{"a merchant without a wallet", stranger, open, nil, invoice.ErrNoMethod},
		{"a node that is down", o.tenant, open, func() { o.ill.Store(true) }, invoice.ErrNoMethod},
		{"no rate", o.tenant, open, func() { o.price.Store(0) }, rate.ErrUnavailable},
		{"no rate for the coin", o.tenant, func(*invoice.New) {}, func() { o.price.Store(0) }, rate.ErrUnavailable},
	} {
		o.price.Store(100)
		o.ill.Store(false)
		if row.before != nil {
			row.before()
		}
		if inv, err := o.Create(t.Context(), row.tenant, o.order(row.change)); !errors.Is(err, row.want) {
			t.Errorf("%s: %+v, %v", row.name, inv, err)
		}
	}
	if n := o.count("SELECT COUNT(*) FROM invoices") + o.count("SELECT COUNT(*) FROM addresses"); n != 0 {
		t.Errorf("what was refused left %d rows", n)
	}
}

// One address for each invoice and coin, however often and from how many sides the coin is chosen.
func TestChoose(t *testing.T) {
	o := openOffice(t)
	inv := o.create(open)
	mail := "ada@shop.example"
	var wg sync.WaitGroup
	texts := make([]string, 20)
	for i := range texts {
		wg.Go(func() {
			chosen, err := o.Choose(context.Background(), inv.ID, invoice.Choice{Asset: o.coin.ID, Email: &mail})
			if err != nil {
				t.Error(err)
				return
			}
			a, _ := chosen.Address(o.coin.ID)
			texts[i] = a.Text
		})
	}
	wg.Wait()
	slices.Sort(texts)
	if len(slices.Compact(texts)) != 1 {
		t.Errorf("addresses %v", texts)
	}
	loaded := o.load(inv)
	if loaded.Email != "ada@shop.example" || len(loaded.Quotes) != 1 || loaded.LogSeq != 2 || o.count("SELECT COUNT(*) FROM addresses") != 1 {
		t.Errorf("%+v", loaded)
	}
	for _, other := range []string{"eve@shop.example", ""} { // mended, then taken back, while the coin stays
		if _, err := o.Choose(t.Context(), inv.ID, invoice.Choice{Asset: o.coin.ID, Email: &other}); err != nil || o.load(inv).Email != other {
			t.Errorf("%q became %q: %v", other, o.load(inv).Email, err)
		}
	}
	version := o.load(inv).Version
	if _, err := o.Choose(t.Context(), inv.ID, invoice.Choice{Asset: o.coin.ID}); err != nil || o.load(inv).Version != version {
		t.Errorf("the same choice again is a change: %v", err)
	}
	if _, err := o.Choose(t.Context(), inv.ID, invoice.Choice{Asset: "doge"}); !errors.Is(err, invoice.ErrMethod) {
		t.Errorf("a coin that is not offered: %v", err)
	}
	if _, err := o.Choose(t.Context(), "short", invoice.Choice{Asset: o.coin.ID}); !errors.Is(err, invoice.ErrNotFound) {
		t.Errorf("no id: %v", err)
	}
	o.clock.Pass(time.Hour)
	o.see()
	o.expire()
	if _, err := o.Choose(t.Context(), inv.ID, invoice.Choice{Asset: o.coin.ID}); !errors.Is(err, invoice.ErrState) {
		t.Errorf("when it has expired: %v", err)
	}
	ill := o.create(open)
	o.ill.Store(true)
	if _, err := o.Choose(t.Context(), ill.ID, invoice.Choice{Asset: o.coin.ID}); fault.Of(err).Kind != fault.Unavailable {
		t.Errorf("while the node is down: %v", err)
	}
	o.sound()
}

func TestRequote(t *testing.T) {
	o := openOffice(t)
	inv := o.create(renewable)
	o.clock.Pass(21 * time.Minute)
	o.see()
	o.price.Store(90)
	o.expire()
	if got := o.load(inv); got.Outcome.State != invoice.Awaiting || len(got.Quotes) != 1 || got.Lapsed != got.Quotes[0].ID {
		t.Fatalf("%s, %d quotes, lapsed %s", got.Outcome.State, len(got.Quotes), got.Lapsed)
	}
	fresh, err := o.Requote(t.Context(), inv.ID)
	o.must(err)
	if !fresh.Outcome.Due.Equal(money.Units(o.coin.Currency, 50_000_000)) || fresh.Outcome.Flags.Renewed != 1 {
		t.Errorf("%s due, renewed %d times", fresh.Outcome.Due, fresh.Outcome.Flags.Renewed)
	}
	o.ill.Store(true)
	if _, err := o.Requote(t.Context(), inv.ID); !errors.Is(err, rate.ErrUnavailable) {
		t.Errorf("while the node is down: %v", err)
	}
	o.ill.Store(false)
	o.price.Store(0)
	if _, err := o.Requote(t.Context(), inv.ID); !errors.Is(err, rate.ErrUnavailable) {
		t.Errorf("without a rate: %v", err)
	}
	if _, err := o.Requote(t.Context(), o.createOpen().ID); !errors.Is(err, invoice.ErrState) {
		t.Errorf("without a coin: %v", err)
	}
	o.sound()
}

func (o *office) createOpen() *invoice.Invoice {
	o.t.Helper()
	o.price.Store(100)
	return o.create(open, renewable)
}

// J06, J02: of many who accept at once, one does; the others are told so. What is allocated is allocated once.
func TestAcceptInParallel(t *testing.T) {
	o := openOffice(t)
	late := o.create()
	o.clock.Pass(time.Hour)
	o.see()
	o.expire()
	o.seen(late, o.pays(late, due, true))
	racing := o.create()
	racing = o.load(racing)
	s := o.pays(racing, due, true)
	accepted := map[ident.ID]*atomic.Int64{late.ID: {}, racing.ID: {}}
	var wg sync.WaitGroup
	for id, n := range accepted {
		for range 10 {
			wg.Go(func() {
				switch _, err := o.Decide(context.Background(), id, invoice.Mark{Kind: invoice.MarkAccept, Actor: "ada", Reason: "called"}); {
				case err == nil:
					n.Add(1)
				case !errors.Is(err, invoice.ErrState):
					t.Error(err)
				}
			})
		}
	}
	wg.Go(func() {
		if err := o.Seen(context.Background(), racing.ID, s); err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	if n := accepted[late.ID].Load(); n != 1 {
		t.Errorf("%d accepted the late payment", n)
	}
	o.is(late, invoice.Settled)
	o.is(racing, invoice.Settled)
	for _, inv := range []*invoice.Invoice{late, racing} {
		settled := o.count("SELECT COUNT(*) FROM invoice_events WHERE invoice_id = $1 AND to_state = 'settled'", inv.ID)
		p := o.load(inv).Payments[0]
		if allocated := o.count("SELECT COUNT(*) FROM entries WHERE cause_id = $1 AND kind = 'allocate'", p.ID); settled != 1 || allocated != 1 {
			t.Errorf("settled %d times, allocated %d times", settled, allocated)
		}
	}
	if n := o.count("SELECT COUNT(*) FROM invoice_events WHERE invoice_id = $1 AND cause_kind = 'manual' AND actor = 'ada'", late.ID); n != 1 {
		t.Errorf("%d rows of the log name who decided", n)
	}
	o.sound()
}

// An address that is not the one the wallet derives is not shown.
func TestCheckAddress(t *testing.T) {
	o := openOffice(t)
	inv := o.create()
	o.must(o.CheckAddress(t.Context(), inv))
	o.must(o.CheckAddress(t.Context(), o.create(open))) // there is none to show
	other := o.create()
	theirs, _ := other.Address(o.coin.ID)
	swapped := o.load(inv)
	swapped.Addresses[0].Text = theirs.Text
	if err := o.CheckAddress(t.Context(), swapped); !errors.Is(err, invoice.ErrAddress) {
		t.Errorf("another invoice's address: %v", err)
	}
	_, err := o.raw().ExecContext(t.Context(), "UPDATE addresses SET idx = 99 WHERE owner_id = $1", inv.ID)
	o.must(err)
	if err := o.CheckAddress(t.Context(), inv); !errors.Is(err, invoice.ErrAddress) {
		t.Errorf("another index: %v", err)
	}
}

// A payer may say where money should go back to once some has come; nothing is sent by that, and it is no place of ours.
func TestRefundTo(t *testing.T) {
	o := openOffice(t)
	inv := o.create()
	seed := []byte("somebody else's wallet")
	theirs, err := wallet.PlayedAddress(seed, 1)
	o.must(err)
	if _, err := o.RefundTo(t.Context(), inv.ID, theirs); !errors.Is(err, invoice.ErrState) {
		t.Errorf("before any money: %v", err)
	}
	o.seen(inv, o.pays(inv, due/2, true))
	ours, _ := inv.Address(o.coin.ID)
	for _, bad := range []string{"", "x", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", theirs[:len(theirs)-1] + "q", strings.Repeat("tltc1q", 50)} {
		if _, err := o.RefundTo(t.Context(), inv.ID, bad); fault.Of(err).Kind != fault.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := o.RefundTo(t.Context(), inv.ID, ours.Text); !errors.Is(err, invoice.ErrRefundAddress) {
		t.Errorf("the address that was paid to: %v", err)
	}
	got, err := o.RefundTo(t.Context(), inv.ID, " "+strings.ToUpper(theirs)+" ")
	o.must(err)
	if got.RefundAddress != theirs || got.RefundAsset != o.coin.ID || o.load(inv).RefundAddress != theirs {
		t.Errorf("kept %q in %q", got.RefundAddress, got.RefundAsset)
	}
	version := got.Version
	if again, err := o.RefundTo(t.Context(), inv.ID, theirs); err != nil || again.Version != version {
		t.Errorf("the same again: %v", err)
	}
	o.sound()
}

// Only money that is played may be rehearsed with.
func TestServiceSkip(t *testing.T) {
	o := openOffice(t)
	played := o.create()
	if inv, err := o.Skip(t.Context(), played.ID, time.Hour); err != nil || inv.Skipped != time.Hour {
		t.Errorf("%v", err)
	}
	o.see()
	o.expire()
	o.is(played, invoice.Expired)
	paid := o.create()
	_, err := o.raw().ExecContext(t.Context(), "UPDATE invoice_addresses SET network = 'bitcoin' WHERE invoice_id = $1", paid.ID)
	o.must(err)
	if _, err := o.Skip(t.Context(), paid.ID, time.Hour); !errors.Is(err, invoice.ErrState) {
		t.Errorf("an invoice with an address for real money: %v", err)
	}
}

// One transaction that fails half-way leaves nothing of a sighting behind.
func TestSightingIsOneTransaction(t *testing.T) {
	o := openOffice(t)
	inv := o.create()
	before := o.load(inv)
	refused := errors.New("the block was refused")
	err := o.db.Together(t.Context(), func(ctx context.Context) error {
		return errors.Join(o.Seen(ctx, inv.ID, o.pays(inv, due, true)), refused)
	})
	if !errors.Is(err, refused) {
		t.Fatal(err)
	}
	after := o.load(inv)
	if after.Version != before.Version || len(after.Payments) != 0 || o.count("SELECT COUNT(*) FROM entries") != 0 || o.count("SELECT COUNT(*) FROM balances") != 0 {
		t.Errorf("version %d became %d, %d payments", before.Version, after.Version, len(after.Payments))
	}
	o.sound()
}
