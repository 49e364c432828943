package checkout

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"checkout/api/coinspaid"
	"checkout/chain"
	"checkout/chain/rehearsal"
	"checkout/deposit"
	"checkout/front"
	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
	"checkout/payterm"
	"checkout/rate"
	"checkout/rate/feed"
	"checkout/store"
	"checkout/store/storetest"
	"checkout/wallet"
	"checkout/watch"
	"checkout/web"
	"checkout/web/embed"
	"checkout/web/static"
)

// market is the face on the real thing: a merchant who takes both played coins, services on a SQLite file, the played chain and
// its watcher, served to browsers.
type market struct {
	t        testing.TB
	url      string
	db       *store.DB
	tenant   merchant.Tenant
	invoices *invoice.Service
	deposits *deposit.Service
	payterm  *payterm.Service
	chain    *rehearsal.Chain
	watcher  *watch.Watcher

	key      merchant.Key
	visitors int // that have come from addresses of their own

	mu   sync.Mutex
	seen []string // method and path of every request
	down bool     // nobody answers
}

var euro, _ = money.FiatByCode("EUR")

// eur is an amount of euros.
func eur(cents int64) money.Amount { return money.Units(euro, cents) }

func openMarket(t testing.TB) *market {
	t.Helper()
	var face *Face
	cfg := storetest.Config("sqlite:"+filepath.Join(t.TempDir(), "market.db"), time.Now)
	cfg.Serve = true
	cfg.Changed = func(id ident.ID, version int64) { face.Changed(id, version) }
	db := storetest.Open(t, cfg)
	network, ltct := chain.Rehearsal()
	rusd := chain.RehearsalToken()
	registry, err := chain.NewRegistry([]chain.Network{network}, []chain.Asset{ltct, rusd})
	if err != nil {
		t.Fatal(err)
	}
	quiet, chains := slog.New(slog.DiscardHandler), store.Chains{DB: db}
	rates := &rate.Book{Now: time.Now, Random: rand.Reader, Log: quiet}
	for asset, price := range map[*chain.Asset]string{&ltct: "100", &rusd: "1"} {
		samples, err := (&feed.Played{Coin: asset.Currency, Price: price, Now: func() time.Time { return time.Now().Add(24 * time.Hour) }}).Read(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		rates.Add(true, samples...)
	}
	book := &wallet.Book{Indexes: store.Wallets{DB: db}, Registry: registry}
	w := &storetest.World{T: t, DB: db, Network: network, Outbox: store.Webhooks{DB: db}}
	m := &market{t: t, db: db}
	_, m.tenant, m.key = w.AddMerchant("Acme Coffee")
	m.invoices = &invoice.Service{Store: store.Invoices{DB: db}, Rates: rates, Addresses: book, Registry: registry, Random: rand.Reader, Now: time.Now}
	m.deposits = &deposit.Service{Store: store.Deposits{DB: db}, Addresses: book, Registry: registry, Random: rand.Reader}
	m.payterm = &payterm.Service{
		Store: store.Payterms{DB: db}, Invoices: m.invoices, Deposits: m.deposits, Merchants: store.Merchants{DB: db}, Registry: registry, Offers: book,
		Random: rand.Reader, Now: time.Now,
	}
	m.chain = &rehearsal.Chain{Keeper: store.Played{Chains: chains, Network: network.ID}, Net: network, Asset: ltct, Token: rusd, Random: rand.Reader}
	m.watcher = &watch.Watcher{
		Source: m.chain, Book: chains, Log: quiet, EvictAfter: 10 * time.Minute, Lease: &store.Lease{DB: db, Name: "watch:" + network.ID, Holder: "this"},
		Sink: watch.Sinks{All: []watch.Sink{m.invoices, m.deposits}, Of: func(ctx context.Context, owner ident.ID) (watch.Sink, error) {
			is, err := store.Deposits{DB: db}.Has(ctx, owner)
			if is {
				return m.deposits, err
			}
			return m.invoices, err
		}},
	}
	m.step()
	merchants := store.Merchants{DB: db}
	dialect := coinspaid.New(coinspaid.Deps{
		Keys: merchants, Merchants: merchants, Invoices: m.invoices, Deposits: m.deposits, Clients: merchants, Offers: book, Rates: rates, Registry: registry,
		Now: time.Now, Log: quiet,
	})
	m.serve(func(base string) *Face {
		face = New(Deps{
			Site: web.NewSite(static.New(), quiet), Invoices: m.invoices, Deposits: m.deposits, Visits: dialect, Tills: m.payterm, Links: m.payterm, Buttons: m.payterm, Merchants: merchants,
			Registry: registry, Base: base, Log: quiet, Now: time.Now,
			Estimate: func(coin money.Currency, price money.Amount, places int) (money.Amount, error) {
				r, err := rates.Price(price.Currency(), coin)
				if err != nil {
					return money.Amount{}, err
				}
				due, err := r.Convert(price, money.RoundUp)
				return due.CeilTo(places), err
			},
		})
		return face
	})
	return m
}

// serve answers browsers, and notes what they ask.
func (m *market) serve(make func(base string) *Face) {
	var face http.Handler
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		m.seen = append(m.seen, r.Method+" "+r.URL.Path)
		down := m.down
		m.mu.Unlock()
		if down {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_ = conn.Close()
			}
			return
		}
		face.ServeHTTP(w, r)
	}))
	m.t.Cleanup(site.Close)
	m.url = site.URL
	inner := http.NewServeMux()
	inner.Handle(embed.Path, embed.Handler())
	inner.Handle("/", make(site.URL))
	face = front.Identify(rand.Reader, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})(inner)
}

// offline makes the server unreachable, or reachable again.
func (m *market) offline(down bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = down
}

// asked are the requests since it was asked last.
func (m *market) asked() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.seen
	m.seen = nil
	return list
}

// step lets the watcher look once.
func (m *market) step() {
	m.t.Helper()
	if err := m.watcher.RunOnce(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
}

// mine adds blocks, and lets the watcher see them.
func (m *market) mine(blocks int) {
	m.t.Helper()
	if err := m.chain.Mine(m.t.Context(), blocks); err != nil {
		m.t.Fatal(err)
	}
	m.step()
}

// pay sends an amount to an address, unconfirmed.
func (m *market) pay(address string, amount money.Amount) {
	m.t.Helper()
	if _, err := m.chain.Pay(m.t.Context(), address, amount, false); err != nil {
		m.t.Fatal(err)
	}
	m.step()
}

// newest is the newest invoice.
func (m *market) newest() *invoice.Invoice {
	m.t.Helper()
	ids, err := store.Invoices{DB: m.db}.Newest(m.t.Context(), m.tenant, 1)
	if err != nil || len(ids) != 1 {
		m.t.Fatalf("no invoice: %v", err)
	}
	inv, err := m.invoices.Find(m.t.Context(), ids[0])
	if err != nil {
		m.t.Fatal(err)
	}
	return inv
}

// count is how many invoices there are.
func (m *market) count() int {
	m.t.Helper()
	ids, err := store.Invoices{DB: m.db}.Newest(m.t.Context(), m.tenant, 1000)
	if err != nil {
		m.t.Fatal(err)
	}
	return len(ids)
}

// settle pays what an invoice asks for, deep enough.
func (m *market) settle(inv *invoice.Invoice) {
	m.t.Helper()
	addr, ok := inv.Address(inv.Asset)
	if !ok {
		m.t.Fatal("the invoice has no address")
	}
	m.pay(addr.Text, inv.Outcome.Remaining)
	m.mine(3)
}

// terminal makes one.
func (m *market) terminal(change func(*payterm.Terminal)) payterm.Terminal {
	m.t.Helper()
	x := payterm.Terminal{Name: "Till 2", Mode: payterm.ModeKeypad, Currency: euro}
	if change != nil {
		change(&x)
	}
	made, err := m.payterm.CreateTerminal(m.t.Context(), m.tenant, x)
	if err != nil {
		m.t.Fatal(err)
	}
	return made
}

// sign signs a text as the merchant's shop does.
func (m *market) sign(text string) string {
	return coinspaid.Sign([]byte(m.key.Secret.Reveal()), []byte(text))
}
