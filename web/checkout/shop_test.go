package checkout

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"checkout/chain"
	"checkout/front"
	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
	"checkout/rate"
	"checkout/wallet"
	"checkout/web"
	"checkout/web/static"
)

// testAddress is a published test vector (BIP 173). Nobody may ever send anything to it.
const testAddress = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"

// fiveSeconds is how long a page may take for anything.
const fiveSeconds = 5 * time.Second

const testTx = "9f2c41d5e6b7a8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5eb07e3a"

// testRefund is an address of a payer, of a published test vector.
const testRefund = "3JvL6Ymt8MVWiCNHC7oWU6nLeHNJKLZGLN"

// shop stands in for the domain: it keeps invoices in a map and does what it is told.
type shop struct {
	behind   time.Duration
	logos    map[string][]byte
	mu       sync.Mutex
	invoices map[ident.ID]*invoice.Invoice
	reads    int   // of invoices
	queries  int   // of all else
	address  error // what CheckAddress says
	choose   func(inv *invoice.Invoice, asset string, email *string) error
	requote  func(inv *invoice.Invoice) error
	down     map[string]bool
	face     *Face
	now      time.Time
	ticks    func() time.Time // of a browser whose time passes as the test says
	support  string
	name     string // of the merchant; empty: Acme Coffee
	look     merchant.Look
}

func (s *shop) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ticks != nil {
		return s.ticks()
	}
	if s.now.IsZero() { // a browser is there, which has a clock of its own
		return time.Now()
	}
	return s.now
}

func (s *shop) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// asked is how often the store was asked for anything.
func (s *shop) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads + s.queries
}

func (s *shop) Find(_ context.Context, id ident.ID) (*invoice.Invoice, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	inv, ok := s.invoices[id]
	if !ok {
		return nil, invoice.ErrNotFound
	}
	c := *inv
	return &c, nil
}

func (s *shop) CheckAddress(context.Context, *invoice.Invoice) error { return s.address }

func (s *shop) Choose(_ context.Context, id ident.ID, c invoice.Choice) (*invoice.Invoice, error) {
	return s.change(id, func(inv *invoice.Invoice) error {
		if c.Exchange != nil {
			inv.FromExchange = *c.Exchange
		}
		return s.choose(inv, c.Asset, c.Email)
	})
}

func (s *shop) PaidBy(_ context.Context, network, tx string) ([]ident.ID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queries++
	var list []ident.ID
	for id, inv := range s.invoices {
		for _, p := range inv.Payments {
			if p.Transfer.TxID == tx && p.Transfer.Network == network {
				list = append(list, id)
			}
		}
	}
	return list, nil
}

func (s *shop) RefundTo(_ context.Context, id ident.ID, address string) (*invoice.Invoice, error) {
	return s.change(id, func(inv *invoice.Invoice) error {
		parsed, err := (&wallet.Book{Registry: s.face.Registry}).Parse("bitcoin", address)
		if err == nil {
			inv.RefundAsset, inv.RefundAddress = inv.Asset, parsed
		}
		return err
	})
}

func (s *shop) Requote(_ context.Context, id ident.ID) (*invoice.Invoice, error) {
	return s.change(id, s.requote)
}

// change commits a change and tells the face, as the store does.
func (s *shop) change(id ident.ID, f func(*invoice.Invoice) error) (*invoice.Invoice, error) {
	s.mu.Lock()
	inv := *s.invoices[id]
	err := f(&inv)
	if err == nil {
		inv.Version++
		s.invoices[id] = &inv
	}
	s.mu.Unlock()
	if err == nil {
		s.face.Changed(id, inv.Version)
	}
	return &inv, err
}

func (s *shop) Usable(network string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.down[network]
}

// Behind says that a network is followed well.
func (s *shop) Behind(string) time.Duration { return s.behind }

type merchants struct{ shop *shop }

// looks makes the merchant's pages look so.
func (s *shop) looks(l merchant.Look) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.look = l
}

// acme is the test shop's merchant.
const acme ident.ID = "7K3M9Q2X5T8V4B6N7K3M9Q2X5T"

func (m merchants) Find(_ context.Context, id ident.ID) (merchant.Merchant, error) {
	m.shop.mu.Lock()
	m.shop.queries++
	m.shop.mu.Unlock()
	if id != "" && id != acme {
		return merchant.Merchant{}, merchant.ErrNotFound
	}
	m.shop.mu.Lock()
	defer m.shop.mu.Unlock()
	return merchant.Merchant{ID: acme, Name: cmp.Or(m.shop.name, "Acme Coffee"), Support: m.shop.support, Look: m.shop.look}, nil
}

func (m merchants) Logo(_ context.Context, _ ident.ID, name string) ([]byte, error) {
	if data, ok := m.shop.logos[name]; ok {
		return data, nil
	}
	return nil, merchant.ErrNotFound
}

// The coins of the test shop.
var (
	usd, _ = money.FiatByCode("USD")
	coins  = map[string]string{"BTC": "57945.47", "LTCT": "92.25"}
)

func mustRegistry(t testing.TB) *chain.Registry {
	t.Helper()
	played, ltct := chain.Rehearsal()
	all := chain.Catalogue() // Bitcoin is one of them
	r, err := chain.NewRegistry(append(all.Networks(), played), append(all.Assets(), ltct))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func openShop(t testing.TB) *shop {
	t.Helper()
	s := &shop{
		invoices: map[ident.ID]*invoice.Invoice{}, down: map[string]bool{}, support: "support@acme.example",
		now: time.Date(2026, 11, 21, 14, 15, 40, 120e6, time.UTC),
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	s.face = New(Deps{
		Site: web.NewSite(static.New(), log), Invoices: s, Merchants: merchants{s}, Registry: mustRegistry(t), Health: s, TLS: true,
		Log: log, Now: s.clock,
		Estimate: func(coin money.Currency, price money.Amount, places int) (money.Amount, error) {
			due, err := mustRate(t, coin).Invert().Convert(price, money.RoundUp)
			return due.CeilTo(places), err
		},
		Explorer: func(network, tx string) string { return "https://explorer.example/" + network + "/" + tx },
	})
	return s
}

func mustRate(t testing.TB, coin money.Currency) money.Rate {
	t.Helper()
	r, err := money.ParseRate(coin, usd, coins[coin.Code])
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func amount(t testing.TB, cur money.Currency, text string) money.Amount {
	t.Helper()
	a, err := money.Parse(cur, text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// invoiceIn makes an invoice that shows a view, with an id of its own.
func (s *shop) invoiceIn(t testing.TB, v View) *invoice.Invoice {
	t.Helper()
	now := s.clock()
	id := ident.ID(strings.ToUpper(strings.NewReplacer("_", "", "i", "1", "l", "1", "o", "0", "u", "V").Replace(string(v)))) + "7K3M9Q2X5T8V4B6N7K3M9Q2X5T"
	id = "7K3M" + id[:ident.Length-4]
	registry := mustRegistry(t)
	btc, _ := registry.Asset("btc")
	ltct, _ := registry.Asset("ltct")
	inv := &invoice.Invoice{
		ID: id, Version: 17, Env: ident.Live, ForeignID: "1001", Title: "2 kg house blend", Price: amount(t, usd, "25.50"),
		SuccessURL: "https://shop.example/thanks?o=1001", FailureURL: "https://shop.example/cart", Created: now.Add(-5 * time.Minute),
		Terms: invoice.OrderTerms(amount(t, usd, "0.50"), false), Asset: "btc",
	}
	for _, a := range []chain.Asset{btc, ltct} {
		n, _ := registry.Network(a.Network)
		inv.Methods = append(inv.Methods, invoice.NewMethod(a, n, invoice.TermsOrder))
	}
	inv.Methods[0].Confirmations = 6
	q := invoice.Quote{Asset: "btc", Quote: rate.Quote{ID: "QUOTE", Rate: mustRate(t, btc.Currency), At: now.Add(-30 * time.Second), Until: now.Add(20*time.Minute - 30*time.Second)}}
	q.Due = amount(t, btc.Currency, "0.00044007")
	inv.Quotes = []invoice.Quote{q}
	inv.Addresses = []invoice.Address{{Asset: "btc", Network: "bitcoin", Text: testAddress, AssignedAt: q.At}}
	pay := func(sum string, status invoice.Status, standing invoice.Standing, depth int64) *invoice.Payment {
		inv.Payments = append(inv.Payments, invoice.Payment{
			ID: "PAYMENT", Status: status, Standing: standing, Quote: "QUOTE", FirstSeen: now.Add(-20 * time.Second), Depth: depth, Need: 6,
			Transfer: chain.Transfer{Network: "bitcoin", TxID: testTx, Asset: "btc", Address: testAddress, Amount: amount(t, btc.Currency, sum)},
		})
		return &inv.Payments[len(inv.Payments)-1]
	}
	state := invoice.Awaiting
	switch v {
	case ViewChoose:
		state, inv.Asset, inv.Quotes, inv.Addresses = invoice.Open, "", nil, nil
	case ViewWaiting:
	case ViewWaitingExpiring:
		inv.Quotes[0].Until = now.Add(100 * time.Second)
	case ViewUnavailable:
		s.down["bitcoin"] = true
	case ViewDetected:
		state = invoice.Detected
		pay("0.00044007", invoice.Seen, invoice.Counted, 0)
	case ViewConfirming:
		state = invoice.Detected
		pay("0.00044007", invoice.Seen, invoice.Counted, 2)
	case ViewUnderpaid:
		state = invoice.Detected
		pay("0.0003", invoice.Confirmed, invoice.Counted, 6)
	case ViewPaid, ViewOverpaid, ViewPaidLate:
		state, inv.SettledAt = invoice.Settled, now
		sum, standing := "0.00044007", invoice.Counted
		if v == ViewOverpaid {
			sum = "0.00054007"
		}
		if v == ViewPaidLate {
			standing = invoice.Late
		}
		pay(sum, invoice.Confirmed, standing, 6).IsLate = v == ViewPaidLate
	case ViewExpired, ViewExpiredUnderpaid, ViewLate:
		state = invoice.Expired
		inv.Quotes[0].At, inv.Quotes[0].Until = now.Add(-2*time.Hour), now.Add(-100*time.Minute)
		inv.Created, inv.Ended = now.Add(-3*time.Hour), &invoice.End{State: invoice.Expired, Reason: "never_paid", At: now.Add(-90 * time.Minute)}
		if v == ViewExpiredUnderpaid {
			pay("0.0003", invoice.Confirmed, invoice.Counted, 6)
		}
		if v == ViewLate {
			pay("0.00044007", invoice.Confirmed, invoice.Aside, 6).IsLate = true
		}
	case ViewFailed:
		state = invoice.Failed
		pay("0.00044007", invoice.Dropped, invoice.Counted, 0).Conflict = "another"
	case ViewCancelled:
		state = invoice.Cancelled
	case ViewWrongAsset:
		p := pay("0.1", invoice.Confirmed, invoice.Aside, 6)
		p.Wrong, p.Quote = true, ""
		p.Transfer.Asset, p.Transfer.Amount = "ltct", amount(t, ltct.Currency, "0.27641")
	case ViewRefundPending, ViewRefunded:
		state, inv.SettledAt = invoice.Settled, now
		pay("0.00054007", invoice.Confirmed, invoice.Counted, 6).Booked = invoice.Allocated
		r := invoice.Refund{
			ID: "REFUND", Payment: "PAYMENT", Network: "bitcoin", Asset: "btc", Amount: amount(t, btc.Currency, "0.0001"), Address: testRefund,
			State: invoice.RefundApproved, At: now,
		}
		if v == ViewRefunded {
			r.State, r.TxID, r.EndedAt = invoice.RefundPaid, strings.Repeat("5e", 32), now
		}
		inv.Refunds = []invoice.Refund{r}
	}
	inv.Outcome.State = state
	inv.Restore()
	if inv.Outcome.State != state {
		t.Fatalf("%s: the state became %s", v, inv.Outcome.State)
	}
	s.mu.Lock()
	s.invoices[id] = inv
	s.mu.Unlock()
	return inv
}

// views lists all views of the face.
func views() []View {
	return []View{
		ViewChoose, ViewWaiting, ViewWaitingExpiring, ViewDetected, ViewConfirming, ViewPaid, ViewUnderpaid, ViewOverpaid,
		ViewExpired, ViewExpiredUnderpaid, ViewLate, ViewPaidLate, ViewFailed, ViewCancelled, ViewUnavailable,
		ViewWrongAsset, ViewRefundPending, ViewRefunded,
	}
}

// payable says whether the shop's invoice in a view can be paid.
func payable(v View) bool {
	return v == ViewWaiting || v == ViewWaitingExpiring || v == ViewUnderpaid || v == ViewWrongAsset
}

// handler is the face behind what stands in front of it when it serves.
func (s *shop) handler() http.Handler {
	return front.Chain(s.face, front.DenyHeaders(true).Wrap, front.Identify(strings.NewReader(strings.Repeat("x", 64)), nil), front.Recover(slog.New(slog.DiscardHandler), front.Plain))
}

// ask sends one request; more are pairs of header and value.
func (s *shop) ask(method, target, body string, more ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(more); i += 2 {
		r.Header.Set(more[i], more[i+1])
	}
	w := httptest.NewRecorder()
	s.handler().ServeHTTP(w, r)
	return w
}

var errBroken = errors.New("the disk is full")
