package webhook_test

import (
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"checkout/api/coinspaid"
	"checkout/chain"
	"checkout/ident"
	"checkout/merchant"
	"checkout/store"
	"checkout/store/storetest"
	"checkout/webhook"
)

// receiver is a merchant's server that answers as it is told and keeps what it was sent.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	answer func(n int) int // status of the nth request, from 1
	bodies []string
	ids    []string
}

func newReceiver(t *testing.T, answer func(n int) int) *receiver {
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.bodies, r.ids = append(r.bodies, string(body)), append(r.ids, req.Header.Get("webhook-id"))
		status := r.answer(len(r.bodies))
		r.mu.Unlock()
		w.WriteHeader(status)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.bodies)
}

// scene is a store whose clock stands, a merchant who listens at a receiver, and a dispatcher.
type scene struct {
	*storetest.World
	clock      *storetest.Clock
	dispatcher *webhook.Dispatcher
}

func open(t *testing.T, r *receiver) *scene {
	t.Helper()
	clock := &storetest.Clock{}
	db := storetest.Open(t, storetest.Config("sqlite:"+filepath.Join(t.TempDir(), "outbox.db"), clock.Now))
	w := storetest.NewWorld(t, db)
	err := w.Outbox.InsertEndpoint(t.Context(), webhook.Endpoint{
		ID: ident.New(rand.Reader), Merchant: w.Merchant.ID, Env: ident.Test, Dialect: merchant.DialectCoinsPaid, PublicKey: w.Key.Public,
		URL: r.URL + "/callback", Types: coinspaid.EventTypes(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return &scene{World: w, clock: clock, dispatcher: dispatcher(db, clock, "one")}
}

func dispatcher(db *store.DB, clock *storetest.Clock, holder string) *webhook.Dispatcher {
	return &webhook.Dispatcher{
		Outbox: store.Webhooks{DB: db}, Dialects: map[string]webhook.Dialect{merchant.DialectCoinsPaid: coinspaid.Callbacks{}},
		Client: webhook.NewClient(true), Holder: holder, Every: time.Hour, Now: clock.Now, Log: slog.New(slog.DiscardHandler),
	}
}

// sends runs the dispatcher until it finds nothing more to do.
func (s *scene) sends(t *testing.T) {
	t.Helper()
	for range 10 {
		if err := s.dispatcher.RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRetries: thirteen attempts at the minutes of the contract, each with the same id and bytes, then dead; a resend by
// hand still works.
func TestRetries(t *testing.T) {
	r := newReceiver(t, func(int) int { return http.StatusInternalServerError })
	s := open(t, r)
	s.Pay(s.Create("retried"), 45_000_000, chain.BlockRef{})
	s.sends(t)
	for n, minutes := range []time.Duration{1, 5, 15, 30, 60, 90, 120, 180, 240, 240, 240, 240} {
		s.clock.Pass(minutes*time.Minute - time.Second)
		s.sends(t)
		if got := r.count(); got != n+1 {
			t.Fatalf("%d attempts a second before retry %d is due", got, n+1)
		}
		s.clock.Pass(time.Second)
		s.sends(t)
		if got := r.count(); got != n+2 {
			t.Fatalf("%d attempts when retry %d is due", got, n+1)
		}
	}
	s.clock.Pass(1000 * time.Hour)
	s.sends(t)
	if got := r.count(); got != 13 {
		t.Errorf("%d attempts in all", got)
	}
	for n := range r.bodies {
		if r.bodies[n] != r.bodies[0] || r.ids[n] != r.ids[0] {
			t.Errorf("attempt %d sent %s as %s", n+1, r.bodies[n], r.ids[n])
		}
	}
}

// TestRestartBetweenAttempts: what was not heard is sent by the next process, with the same bytes.
func TestRestartBetweenAttempts(t *testing.T) {
	r := newReceiver(t, func(n int) int {
		if n == 1 {
			return http.StatusBadGateway
		}
		return http.StatusOK
	})
	s := open(t, r)
	s.Pay(s.Create("restarted"), 45_000_000, chain.BlockRef{})
	s.sends(t)
	s.dispatcher = dispatcher(s.DB, s.clock, "two")
	s.clock.Pass(time.Minute)
	s.sends(t)
	s.clock.Pass(time.Hour)
	s.sends(t)
	if r.count() != 2 || r.bodies[0] != r.bodies[1] || r.ids[0] != r.ids[1] {
		t.Errorf("%d attempts: %q", r.count(), r.bodies)
	}
	if report, err := s.DB.Verify(t.Context()); err != nil || len(report.Problems) > 0 {
		t.Errorf("%v %v", report.Problems, err)
	}
}

// TestNewestWins: once a newer state was heard, the older one is not sent any more.
func TestNewestWins(t *testing.T) {
	r := newReceiver(t, func(n int) int {
		if n == 1 {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	s := open(t, r)
	inv := s.Create("newest")
	s.Pay(inv, 10_000_000, chain.BlockRef{})
	s.sends(t) // pending: not heard
	s.clock.Pass(61 * time.Second)
	s.Pay(inv, 35_000_000, chain.BlockRef{})
	if err := s.dispatcher.RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.clock.Pass(24 * time.Hour)
	s.sends(t)
	last := r.bodies[len(r.bodies)-1]
	for n, body := range r.bodies[1:] {
		if body == r.bodies[0] && last != body && n > 0 {
			t.Errorf("an old status came after a newer one: %q", r.bodies)
		}
	}
	if r.count() < 2 || r.count() > 3 {
		t.Errorf("%d attempts: %q", r.count(), r.bodies)
	}
}

// TestSlowReceiver: one that does not answer keeps nobody else waiting.
func TestSlowReceiver(t *testing.T) {
	release := make(chan struct{})
	slow := newReceiver(t, func(int) int { return http.StatusOK })
	slow.Config.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	quick := newReceiver(t, func(int) int { return http.StatusOK })
	s := open(t, quick)
	err := s.Outbox.InsertEndpoint(t.Context(), webhook.Endpoint{
		ID: ident.New(rand.Reader), Merchant: s.Merchant.ID, Env: ident.Test, Dialect: merchant.DialectCoinsPaid, PublicKey: s.Key.Public,
		URL: slow.URL, Types: coinspaid.EventTypes(),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		s.Pay(s.Create(name), 45_000_000, chain.BlockRef{})
	}
	done := make(chan error, 1)
	ctx := t.Context()
	s.dispatcher.Every = 10 * time.Millisecond
	go func() { done <- s.dispatcher.Run(ctx) }()
	for end := time.Now().Add(20 * time.Second); quick.count() < 5; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the quick receiver heard %d of 5", quick.count())
		}
	}
}
