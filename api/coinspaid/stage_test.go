package coinspaid_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"checkout/api/coinspaid"
	"checkout/chain"
	"checkout/chain/rehearsal"
	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
	"checkout/store"
	"checkout/watch"
	"checkout/webhook"
)

// ltct is the played coin: 100 EUR, confirmed by three blocks.
var ltct = money.Currency{Code: "LTCT", Scale: 8, Kind: money.Crypto}

// stage is a house with everything that runs beside the API, each taking one step when told: the played chain and its
// watcher, the expirer, the dispatcher, and a shop that listens.
type stage struct {
	*house
	key        merchant.Key
	chains     store.Chains
	chain      *rehearsal.Chain
	watcher    *watch.Watcher
	expirer    *invoice.Expirer
	dispatcher *webhook.Dispatcher
	server     *httptest.Server
	shop       *shop
}

// shop is the merchant's server. It remembers what it heard.
type shop struct {
	mu     sync.Mutex
	status int
	heard  []callback
}

type callback struct {
	header http.Header
	body   string
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = append(s.heard, callback{r.Header, string(body)})
	if s.status == http.StatusMovedPermanently {
		w.Header().Set("Location", "/elsewhere")
	}
	w.WriteHeader(s.status)
}

func (s *shop) answers(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

func (s *shop) callbacks() []callback {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]callback(nil), s.heard...)
}

// openStage sets a stage for a merchant who takes no less than asked, with the key K8-test.
func openStage(t testing.TB) *stage {
	t.Helper()
	h := openHouse(t)
	quiet := slog.New(slog.DiscardHandler)
	network, coin := chain.Rehearsal()
	s := &stage{house: h, chains: store.Chains{DB: h.db}, shop: &shop{status: http.StatusOK}}
	s.chain = &rehearsal.Chain{Keeper: store.Played{Chains: s.chains, Network: network.ID}, Net: network, Asset: coin, Random: h.random}
	s.watcher = &watch.Watcher{
		Source: s.chain, Book: s.chains, Sink: h.invoices, Log: quiet, EvictAfter: 10 * time.Minute,
		Lease: &store.Lease{DB: h.db, Name: "watch:" + network.ID, Holder: "this"},
	}
	s.expirer = &invoice.Expirer{Service: h.invoices, Log: quiet}
	s.dispatcher = &webhook.Dispatcher{
		Outbox: store.Webhooks{DB: h.db}, Dialects: map[string]webhook.Dialect{merchant.DialectCoinsPaid: coinspaid.Callbacks{Registry: h.registry}},
		Client: webhook.NewClient(true), Holder: "this", Now: h.clock.Now, Log: quiet,
	}
	s.server = httptest.NewServer(s.shop)
	t.Cleanup(s.server.Close)
	s.key = s.listen("K8", "0", s.server.URL)
	s.step()
	return s
}

// listen makes a merchant who is told at a URL, with the key public-test.
func (s *stage) listen(public, tolerance, url string) merchant.Key {
	s.Helper()
	_, _, key := s.addMerchant(public, tolerance, "another secret", liveSecret)
	s.must(store.Webhooks{DB: s.db}.InsertEndpoint(s.Context(), webhook.Endpoint{
		ID: ident.New(s.random), Merchant: key.Merchant, Env: key.Env, Dialect: key.Dialect, PublicKey: key.Public, URL: url, Types: coinspaid.EventTypes(),
	}))
	return key
}

// by is the same stage in a subtest, for a merchant.
func (s *stage) by(t testing.TB, key merchant.Key) *stage {
	c := *s
	c.house, c.key = s.in(t), key
	return &c
}

// step lets everybody do what is to be done.
func (s *stage) step() {
	s.Helper()
	s.must(s.watcher.RunOnce(s.Context()))
	s.must(s.expirer.RunOnce(s.Context()))
	s.dispatch()
}

// dispatch sends until nothing is left, or what is left has to wait.
func (s *stage) dispatch() {
	s.Helper()
	for left := s.waiting(); left > 0; {
		s.must(s.dispatcher.RunOnce(s.Context()))
		before := left
		if left = s.waiting(); left == before {
			return
		}
	}
}

func (s *stage) waiting() int64 {
	s.Helper()
	waiting, err := store.Webhooks{DB: s.db}.Waiting(s.Context())
	s.must(err)
	return waiting["pending"]
}

// wait lets time pass for everybody.
func (s *stage) wait(d time.Duration) {
	s.Helper()
	s.pass(d)
	s.step()
}

// order makes an invoice of 45 EUR, type 3 in LTCT unless changed.
func (s *stage) order(changed map[string]any) created {
	s.Helper()
	all := map[string]any{"sender_currency": "LTCT", "foreign_id": string(ident.New(s.random))}
	for name, value := range changed {
		all[name] = value
	}
	c := s.create(s.key, all)
	s.step()
	return c
}

// address is where the invoice's money goes.
func (s *stage) address(c created) string {
	s.Helper()
	a, ok := s.mustFind(c).Address("ltct")
	if !ok {
		s.Fatal("the invoice has no address")
	}
	return a.Text
}

func (s *stage) amount(text string) money.Amount {
	s.Helper()
	a, err := money.Parse(ltct, text)
	s.must(err)
	return a
}

// pay sends an amount and lets it be seen; hold keeps it out of blocks.
func (s *stage) pay(c created, amount string) string {
	s.Helper()
	id, err := s.chain.Pay(s.Context(), s.address(c), s.amount(amount), false)
	s.must(err)
	s.step()
	return id
}

func (s *stage) hold(c created, amount string) string {
	s.Helper()
	id, err := s.chain.Pay(s.Context(), s.address(c), s.amount(amount), true)
	s.must(err)
	s.step()
	return id
}

// replace spends the coins of an unconfirmed transaction otherwise.
func (s *stage) replace(id, address, amount string) string {
	s.Helper()
	with, err := s.chain.Replace(s.Context(), id, address, s.amount(amount))
	s.must(err)
	s.step()
	return with
}

// elsewhere is an address that is not ours.
const elsewhere = "rltc1qelsewhere"

func (s *stage) mine(blocks int) {
	s.Helper()
	s.must(s.chain.Mine(s.Context(), blocks))
	s.step()
}

// reorg takes so many blocks back; the coins of the transactions named are spent elsewhere.
func (s *stage) reorg(depth int, stolen ...string) {
	s.Helper()
	gone := map[string]string{}
	for _, id := range stolen {
		gone[id] = elsewhere
	}
	s.must(s.chain.Reorganise(s.Context(), depth, gone))
	s.step()
}

// decide adds a person's decision.
func (s *stage) decide(c created, kind invoice.MarkKind, reason string, until time.Time) {
	s.Helper()
	_, err := s.invoices.Decide(s.Context(), c.capability(), invoice.Mark{Kind: kind, Actor: "operator", Reason: reason, Until: until})
	s.must(err)
	s.step()
}

// choose is the payer choosing LTCT on the page.
func (s *stage) choose(c created) {
	s.Helper()
	mail := "ada@shop.example"
	_, err := s.invoices.Choose(s.Context(), c.capability(), invoice.Choice{Asset: "ltct", Email: &mail})
	s.must(err)
	s.step()
}

// lines sums up what the shop heard of an invoice: status, what is missing, how long after fixed_at it expires, the transactions with
// their confirmations, and the error. Every callback is checked for what all have in common.
func (s *stage) lines(c created) []string {
	s.Helper()
	var list []string
	for _, cb := range s.shop.callbacks() {
		var body struct {
			ID           int64          `json:"id"`
			ForeignID    string         `json:"foreign_id"`
			Address      map[string]any `json:"crypto_address"`
			Sent         map[string]any `json:"currency_sent"`
			Transactions []struct{ Amount, Confirmations string }
			Fees         []any
			Error        string
			Status       string
			FixedAt      *int64 `json:"fixed_at"`
			ExpiresAt    *int64 `json:"expires_at"`
		}
		if err := json.Unmarshal([]byte(cb.body), &body); err != nil {
			s.Fatal(err)
		}
		if body.ID != c.ID {
			continue
		}
		if cb.header.Get("X-Processing-Signature") != sign(liveSecret, cb.body) || cb.header.Get("X-Processing-Key") != s.key.Public {
			s.Errorf("not signed as requests are: %v", cb.header)
		}
		if again := phpRoundTrip(s, []byte(cb.body)); again != cb.body || body.ForeignID != c.ForeignID {
			s.Errorf("PHP makes %s of %s", again, cb.body)
		}
		if (len(body.Fees) == 1) != (body.Status == "confirmed") || (body.Error != "") != (body.Status == "failed") {
			s.Errorf("fees or error do not fit the status: %s", cb.body)
		}
		line := fmt.Sprint(body.Status, " ", body.Sent["remaining_amount"])
		if body.Address == nil {
			line += " " + fmt.Sprint(body.Sent["currency"])
		}
		if body.FixedAt != nil && body.ExpiresAt != nil {
			line += " " + time.Duration((*body.ExpiresAt-*body.FixedAt)*int64(time.Second)).String()
		}
		for _, tx := range body.Transactions {
			line += " " + tx.Amount[:4] + "@" + tx.Confirmations
		}
		list = append(list, strings.TrimSpace(line+" "+body.Error))
	}
	return list
}
