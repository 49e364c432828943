package checkout

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"checkout/invoice"
	"checkout/web/browsertest"
)

// visit is one request the server saw.
type visit struct {
	at        time.Time
	path      string
	condition string
	status    int
	cookie    string
	others    int // requests for a status that were not answered yet
}

// server is the shop as browsers reach it, with what they asked.
type server struct {
	url   string
	shop  *shop
	mu    sync.Mutex
	seen  []visit
	fails int           // the status polls fail with; 0: they do not
	hold  chan struct{} // polls are answered when it is closed; nil: at once
	open  int
}

// start serves the shop; under wraps what it serves.
func (s *shop) start(t *testing.T, under func(http.Handler) http.Handler) *server {
	t.Helper()
	v := &server{shop: s}
	h := s.handler()
	site := httptest.NewServer(under(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { v.answer(h, w, r) })))
	t.Cleanup(site.Close)
	v.url = site.URL
	return v
}

// serve serves the shop to a browser at the real time, and notes what is asked.
func (s *shop) serve(t *testing.T) (url string, visits func(path string) []visit, fail func(bool)) {
	t.Helper()
	s.now = time.Time{}
	v := s.start(t, func(h http.Handler) http.Handler { return h })
	return v.url, v.visits, func(yes bool) {
		if yes {
			v.fail(http.StatusInternalServerError)
		} else {
			v.fail(0)
		}
	}
}

// serveAt serves the shop to a browser whose time passes as the test says.
func (s *shop) serveAt(t *testing.T, c *browsertest.Clock) *server {
	t.Helper()
	s.ticks = c.Now
	return s.start(t, c.Serve)
}

func (v *server) answer(h http.Handler, w http.ResponseWriter, r *http.Request) {
	poll := strings.HasSuffix(r.URL.Path, "/status")
	v.mu.Lock()
	at, status, hold := len(v.seen), 0, v.hold
	v.seen = append(v.seen, visit{at: v.shop.clock(), path: r.URL.Path, condition: r.Header.Get("If-None-Match"), cookie: r.Header.Get("Cookie"), others: v.open})
	if poll {
		status = v.fails
		v.open++
	}
	v.mu.Unlock()
	watched := &watchedWriter{ResponseWriter: w}
	if poll && hold != nil {
		<-hold
	}
	if status != 0 {
		http.Error(watched, "broken", status)
	} else {
		h.ServeHTTP(watched, r)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen[at].status = watched.status
	if poll {
		v.open--
	}
}

// visits are the requests whose path ends so, in order.
func (v *server) visits(path string) []visit {
	v.mu.Lock()
	defer v.mu.Unlock()
	var list []visit
	for _, each := range v.seen {
		if strings.HasSuffix(each.path, path) {
			list = append(list, each)
		}
	}
	return list
}

// fail makes polls fail with a status; 0 makes them well again.
func (v *server) fail(status int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.fails = status
}

// keepBack answers no poll until what it gives is called.
func (v *server) keepBack() (release func()) {
	hold := make(chan struct{})
	v.mu.Lock()
	defer v.mu.Unlock()
	v.hold = hold
	return func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.hold = nil
		close(hold)
	}
}

type watchedWriter struct {
	http.ResponseWriter
	status int
}

func (w *watchedWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// becomeState gives an invoice the facts of another view, as a commit does.
func (s *shop) becomeState(t *testing.T, inv *invoice.Invoice, v View) {
	t.Helper()
	model := s.invoiceIn(t, v)
	s.mustChange(t, inv, func(inv *invoice.Invoice) {
		inv.Outcome, inv.Payments, inv.Quotes, inv.Addresses, inv.Asset = model.Outcome, model.Payments, model.Quotes, model.Addresses, model.Asset
		inv.SettledAt = model.SettledAt
	})
}

// mustChange commits a change.
func (s *shop) mustChange(t *testing.T, inv *invoice.Invoice, f func(*invoice.Invoice)) {
	t.Helper()
	if _, err := s.change(inv.ID, func(inv *invoice.Invoice) error { f(inv); return nil }); err != nil {
		t.Fatal(err)
	}
}

// nodes says whether the node of a network can be relied on.
func (s *shop) nodes(network string, up bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = map[string]bool{network: !up}
}

// locked makes an invoice that waits, with a price that is locked for so long.
func (s *shop) locked(t *testing.T, left time.Duration) *invoice.Invoice {
	t.Helper()
	inv := s.invoiceIn(t, ViewWaiting)
	inv.Quotes[0].Until = s.clock().Add(left)
	return inv
}

// until waits for what another goroutine does.
func until(t *testing.T, what string, yes func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !yes(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}
