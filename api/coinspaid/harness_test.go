package coinspaid_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"checkout/api/coinspaid"
	"checkout/chain"
	"checkout/deposit"
	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
	"checkout/rate"
	"checkout/rate/feed"
	"checkout/seal"
	"checkout/store"
	"checkout/wallet"
)

// The secrets of the contract's test vectors, and an account key of the seed 00 01 02 … 1f: never fund it.
const (
	liveSecret = "demo-secret-0001"
	testSecret = "AbCdEfG123456"
	accountKey = "tpubDDH1ndozCcuGXjVaXnB4NHUWbKfMTYfxH3wuU1GFvCXtEZZqsMY6NxBdgdaebExgDAVicckGNJDU8wVfRUWWMaov5jX4zPaDorqe75QwjAC"
	base       = "https://pay.example.test"
)

// contractTime is the instant of the contract's examples.
var contractTime = time.Unix(1_700_000_000, 0).UTC()

// clock is a time tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// seeded draws the same in every run.
type seeded struct {
	mu sync.Mutex
	r  *rand.ChaCha8
}

func (s *seeded) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.r.Read(p)
}

// house is an installation on a real database: Bitcoin (regtest, no node) and the played LTCT, one merchant with a wallet for
// both and a key for each environment. Live, one BTC is 62,500 EUR, as in the contract's examples.
type house struct {
	testing.TB
	clock    *clock
	random   io.Reader
	file     string // of the database
	db       *store.DB
	registry *chain.Registry
	rates    *rate.Book
	prices   string // the rates file
	wallets  *wallet.Book
	invoices *invoice.Service
	deposits *deposit.Service
	face     *coinspaid.Face
	log      *bytes.Buffer
	merchant merchant.Merchant
	live     merchant.Key
	test     merchant.Key
	bitcoin  wallet.Account
}

func openHouse(t testing.TB) *house {
	t.Helper()
	h := &house{TB: t, clock: &clock{now: contractTime}, random: &seeded{r: rand.NewChaCha8([32]byte{1})}, log: &bytes.Buffer{}}
	h.openStore()
	h.wire()
	h.merchant, h.live, h.test = h.addMerchant("K1", "0", liveSecret, testSecret)
	network, _ := h.registry.Network("bitcoin-regtest")
	var err error
	h.bitcoin, err = wallet.NewAccount(h.random, h.merchant.ID, network, accountKey)
	h.must(err)
	h.must(store.Wallets{DB: h.db}.Insert(t.Context(), h.bitcoin))
	return h
}

// in is the same house in a subtest.
func (h *house) in(t testing.TB) *house {
	c := *h
	c.TB = t
	return &c
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// migrated is a database file after all migrations, made once for all tests.
var migrated = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "coinspaid")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "checkout.db")
	db, err := connect(path, rand.NewChaCha8([32]byte{}), time.Now)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(db.Migrate(context.Background()), db.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func connect(path string, random io.Reader, now func() time.Time) (*store.DB, error) {
	box, err := seal.New(make([]byte, 32), random)
	if err != nil {
		return nil, err
	}
	return store.Open(context.Background(), store.Config{
		DSN: "sqlite:" + path, Box: box, Random: random, Now: now, Log: slog.New(slog.DiscardHandler), Page: 3,
	})
}

func (h *house) openStore() {
	h.Helper()
	file, err := migrated()
	h.must(err)
	h.file = filepath.Join(h.TempDir(), "checkout.db")
	h.must(os.WriteFile(h.file, file, 0o600))
	h.db, err = connect(h.file, h.random, h.clock.Now)
	h.must(err)
	h.Cleanup(func() { h.must(h.db.Close()) })
}

// wire introduces everybody as cmd/checkout does.
func (h *house) wire() {
	h.Helper()
	bitcoin, btc, _ := chain.Bitcoin("regtest")
	played, ltct := chain.Rehearsal()
	var err error
	h.registry, err = chain.NewRegistry([]chain.Network{bitcoin, played}, []chain.Asset{btc, ltct})
	h.must(err)
	eur, _ := money.FiatByCode("EUR")
	h.prices = filepath.Join(h.TempDir(), "rates.json")
	h.rates = &rate.Book{
		Now: h.clock.Now, Random: h.random, Log: slog.New(slog.DiscardHandler), Bridges: []money.Currency{eur},
		Sources: []rate.Source{&feed.File{Path: h.prices, Currency: h.registry.Currency, Now: h.clock.Now}},
	}
	h.price(map[string]string{})
	h.wallets = &wallet.Book{Indexes: store.Wallets{DB: h.db}, Registry: h.registry}
	h.invoices = &invoice.Service{
		Store: store.Invoices{DB: h.db}, Rates: h.rates, Addresses: h.wallets, Registry: h.registry, Random: h.random, Now: h.clock.Now,
	}
	h.deposits = &deposit.Service{Store: store.Deposits{DB: h.db}, Addresses: h.wallets, Registry: h.registry, Random: h.random}
	h.face = coinspaid.New(h.deps())
}

func (h *house) deps() coinspaid.Deps {
	merchants := store.Merchants{DB: h.db}
	return coinspaid.Deps{
		Keys: merchants, Merchants: merchants, Invoices: h.invoices, Deposits: h.deposits, Clients: merchants, Offers: h.wallets, Rates: h.rates, Registry: h.registry,
		BaseURL: base, Now: h.clock.Now, Log: slog.New(slog.NewJSONHandler(h.log, nil)),
	}
}

// price writes the rates file anew, the usual prices but for those given, and has it read.
func (h *house) price(changed map[string]string) {
	h.Helper()
	prices := map[string]string{"BTC/EUR": "62500", "LTCT/EUR": "100", "EUR/USD": "1.1", "EUR/JPY": "160"}
	maps.Copy(prices, changed)
	text, err := json.Marshal(prices)
	h.must(err)
	h.must(os.WriteFile(h.prices, text, 0o600))
	h.must(h.rates.RunOnce(h.Context()))
}

// pass lets time pass; prices stay fresh.
func (h *house) pass(d time.Duration) {
	h.Helper()
	h.clock.pass(d)
	h.must(h.rates.RunOnce(h.Context()))
}

// addMerchant makes a merchant with a played wallet, who takes so many percent too little, and its keys.
func (h *house) addMerchant(public, tolerance, liveSecret, testSecret string) (m merchant.Merchant, live, test merchant.Key) {
	h.Helper()
	number, err := h.db.Number(h.Context())
	h.must(err)
	m = merchant.Merchant{ID: ident.New(h.random), Number: number, Name: "Shop of " + public, Tolerance: tolerance, Created: h.clock.Now()}
	key := func(env ident.Environment, secret string) merchant.Key {
		return merchant.Key{
			Public: public + "-" + string(env), Merchant: m.ID, Env: env, Dialect: merchant.DialectCoinsPaid, Secret: merchant.Secret(secret), Created: m.Created,
		}
	}
	live, test = key(ident.Live, liveSecret), key(ident.Test, testSecret)
	h.must(store.Merchants{DB: h.db}.Insert(h.Context(), m, []merchant.Key{live, test}))
	h.must(store.Wallets{DB: h.db}.Insert(h.Context(), wallet.NewPlayed(h.random, m.ID, "rehearsal")))
	return m, live, test
}

// sign is written from the contract, not with the code under test.
func sign(secret, body string) string {
	mac := hmac.New(sha512.New, []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

// newRequest is a correctly signed request.
func newRequest(key merchant.Key, method, path, body string) *http.Request {
	r := httptest.NewRequest(method, base+path, bytes.NewReader([]byte(body)))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Processing-Key", key.Public)
	r.Header.Set("X-Processing-Signature", sign(key.Secret.Reveal(), body))
	return r
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

func (h *house) do(r *http.Request) answer {
	h.Helper()
	w := httptest.NewRecorder()
	h.face.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

// call makes a signed POST.
func (h *house) call(key merchant.Key, path, body string) answer {
	h.Helper()
	return h.do(newRequest(key, http.MethodPost, "/api/v2/"+path, body))
}

// order is a request of an invoice of 45 EUR in BTC, type 3, with members replaced, added or, if nil, left out.
func order(changed map[string]any) string {
	members := map[string]any{
		"timer": true, "title": "Order 7731", "currency": "EUR", "sender_currency": "BTC", "amount": 45, "foreign_id": "order-7731",
		"url_success": "https://shop.example/ok", "url_failed": "https://shop.example/failed", "email_user": "ada@shop.example",
	}
	for name, value := range changed {
		if members[name] = value; value == nil {
			delete(members, name)
		}
	}
	text, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// created is an answer of invoices/create.
type created struct {
	ID             int64   `json:"id"`
	URL            string  `json:"url"`
	ForeignID      string  `json:"foreign_id"`
	Address        *string `json:"address"`
	Title          string  `json:"title"`
	Name           string  `json:"name"`
	Status         string  `json:"status"`
	SenderCurrency *string `json:"sender_currency"`
	SenderAmount   *string `json:"sender_amount"`
	FixedAt        *int64  `json:"fixed_at"`
	ReleaseAt      *int64  `json:"release_at"`
	SecondsLeft    *int64  `json:"seconds_left"`
}

func (c created) capability() ident.ID { return ident.ID(c.URL[len(c.URL)-ident.Length:]) }

// create makes an invoice, and wants it made.
func (h *house) create(key merchant.Key, changed map[string]any) created {
	h.Helper()
	a := h.call(key, "invoices/create", order(changed))
	var got struct{ Data created }
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != http.StatusOK {
		h.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return got.Data
}

// mustFind loads an invoice that was made.
func (h *house) mustFind(c created) *invoice.Invoice {
	h.Helper()
	inv, err := h.invoices.Find(h.Context(), c.capability())
	h.must(err)
	return inv
}

// count is how many invoices a key's merchant has in its environment.
func (h *house) count(key merchant.Key) int {
	h.Helper()
	tenant, err := merchant.Operator(key.Merchant, key.Env)
	h.must(err)
	list, err := store.Invoices{DB: h.db}.Newest(h.Context(), tenant, 1000)
	h.must(err)
	return len(list)
}

// refuses wants an answer of a status and exactly this body.
func (h *house) refuses(name string, a answer, status int, body string) {
	h.Helper()
	if a.status != status || a.body != body {
		h.Errorf("%s: %d %s\nwant %d %s", name, a.status, a.body, status, body)
	}
	if got := a.header.Get("Content-Type"); got != "application/json" {
		h.Errorf("%s: Content-Type %q", name, got)
	}
}
