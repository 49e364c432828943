package webhook_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"checkout/api/coinspaid"
	"checkout/chain"
	"checkout/event"
	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/store"
	"checkout/store/storetest"
	"checkout/wallet"
	"checkout/webhook"
)

// receiver is a merchant's server. It keeps what it was sent.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []request
	answer func(n int) int     // the status of the answer to the n-th request, from 1
	judge  func(r request) int // the status by what was sent, instead
}

type request struct {
	header http.Header
	body   string
}

func listen(t *testing.T, answer func(n int) int) *receiver {
	t.Helper()
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		got := request{req.Header.Clone(), string(body)}
		r.mu.Lock()
		r.got = append(r.got, got)
		n := len(r.got)
		r.mu.Unlock()
		if r.judge != nil {
			w.WriteHeader(r.judge(got))
			return
		}
		w.WriteHeader(r.answer(n))
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) requests() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

func always(status int) func(int) int { return func(int) int { return status } }

// desk is a dispatcher on a real store, with a clock that stands until it is moved and a merchant without endpoints.
type desk struct {
	t      *testing.T
	clock  *storetest.Clock
	db     *store.DB
	outbox store.Webhooks
	key    merchant.Key
	tenant merchant.Tenant
	*webhook.Dispatcher
}

func openDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, clock: &storetest.Clock{}}
	d.db = storetest.Open(t, storetest.Config("sqlite:"+filepath.Join(t.TempDir(), "desk.db"), d.clock.Now))
	d.outbox = store.Webhooks{DB: d.db}
	network, _ := chain.Rehearsal()
	m := merchant.Merchant{ID: ident.New(rand.Reader), Number: 1, Name: "Acme", Tolerance: "0", Created: d.clock.Now()}
	d.key = merchant.NewKey(rand.Reader, m.ID, ident.Test, merchant.DialectCoinsPaid, m.Created)
	d.must(store.Merchants{DB: d.db}.Insert(t.Context(), m, []merchant.Key{d.key}))
	d.must(store.Wallets{DB: d.db}.Insert(t.Context(), wallet.NewPlayed(rand.Reader, m.ID, network.ID)))
	var err error
	d.tenant, err = merchant.Operator(m.ID, ident.Test)
	d.must(err)
	d.start()
	return d
}

// start makes a dispatcher, as a restarted process does.
func (d *desk) start() {
	network, asset := chain.Rehearsal()
	registry, err := chain.NewRegistry([]chain.Network{network}, []chain.Asset{asset})
	d.must(err)
	d.Dispatcher = &webhook.Dispatcher{
		Outbox: d.outbox, Dialects: map[string]webhook.Dialect{merchant.DialectCoinsPaid: coinspaid.Callbacks{Registry: registry}},
		Client: webhook.NewClient(true), Holder: string(ident.New(rand.Reader)), Every: time.Second, Now: d.clock.Now, Log: slog.New(slog.DiscardHandler),
	}
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// tells makes a receiver an endpoint for the ends of invoices.
func (d *desk) tells(r *receiver, types ...string) {
	d.t.Helper()
	d.must(d.outbox.InsertEndpoint(d.t.Context(), webhook.Endpoint{
		ID: ident.New(rand.Reader), Merchant: d.tenant.Merchant(), Env: ident.Test, Dialect: merchant.DialectCoinsPaid, PublicKey: d.key.Public,
		URL: r.URL + "/callback", Types: types,
	}))
}

// happens makes an invoice and cancels it: one event that is told.
func (d *desk) happens(name string) *invoice.Invoice {
	d.t.Helper()
	service := storetest.Service(d.db)
	inv, err := service.Create(d.t.Context(), d.tenant, storetest.NewInvoice(name))
	d.must(err)
	inv, err = service.Decide(d.t.Context(), inv.ID, invoice.Mark{Kind: invoice.MarkCancel, Actor: "test", Reason: "no"})
	d.must(err)
	return inv
}

// send lets so much time pass and sends what is due.
func (d *desk) send(after time.Duration) {
	d.t.Helper()
	d.clock.Pass(after)
	d.must(d.RunOnce(d.t.Context()))
}

func (d *desk) deliveries() []store.Delivery {
	d.t.Helper()
	list, err := d.outbox.Deliveries(d.t.Context(), d.tenant, "", 100)
	d.must(err)
	return list
}

func (d *desk) state() string {
	d.t.Helper()
	var states []string
	for _, m := range d.deliveries() {
		states = append(states, fmt.Sprintf("%s %d", m.State, m.Attempts))
	}
	return strings.Join(states, ", ")
}

// sound checks what must hold of deliveries after everything (I8), and the chains of attempts.
func (d *desk) sound() {
	d.t.Helper()
	r, err := d.db.Verify(d.t.Context())
	d.must(err)
	for _, problem := range r.Problems {
		d.t.Error(problem)
	}
}

func TestDelivery(t *testing.T) {
	d := openDesk(t)
	shop := listen(t, always(200))
	d.tells(shop, "invoice.*")
	inv := d.happens("one")
	d.send(0)
	d.send(time.Hour)
	got := shop.requests()
	if len(got) != 1 || d.state() != "heard 1, skipped 0" { // the creation is not told in this dialect
		t.Fatalf("%d requests, %s", len(got), d.state())
	}
	r := got[0]
	if want := coinspaid.Sign([]byte(d.key.Secret.Reveal()), []byte(r.body)); r.header.Get("X-Processing-Signature") != want || r.header.Get("X-Processing-Key") != d.key.Public {
		t.Errorf("signed %q by %q", r.header.Get("X-Processing-Signature"), r.header.Get("X-Processing-Key"))
	}
	if !strings.Contains(r.body, fmt.Sprintf(`"id":%d`, inv.Number)) || !strings.Contains(r.body, "Invoice cancelled.") {
		t.Errorf("the body is %s", r.body)
	}
	if id, subject := r.header["Webhook-Id"], r.header.Get("Webhook-Subject"); len(id) != 1 || id[0] != string(d.deliveries()[0].Event) || subject != string(inv.ID)+"/2" {
		t.Errorf("id %v, subject %s", id, subject)
	}
	d.sound()
}

// Only the status the dialect names acknowledges: 200 here. Everything else is tried again on its schedule, with the same
// bytes and the same id, and after the last time the message is dead but can be sent by hand.
func TestSchedule(t *testing.T) {
	d := openDesk(t)
	answers := []int{201, 204, 301, 302, 400, 403, 404, 410, 429, 500, 502, 503, 299}
	shop := listen(t, func(n int) int {
		if n <= len(answers) {
			return answers[n-1]
		}
		return 200
	})
	d.tells(shop, "invoice.cancelled")
	d.happens("one")
	d.send(0)
	for n, wait := range coinspaid.Retries() {
		d.send(wait - time.Second)
		if got := len(shop.requests()); got != n+1 {
			t.Fatalf("a second before attempt %d there were %d", n+2, got)
		}
		d.send(time.Second)
		if got := len(shop.requests()); got != n+2 {
			t.Fatalf("%s after attempt %d there are %d", wait, n+1, got)
		}
	}
	d.send(30 * 24 * time.Hour)
	if d.state() != "dead 13" {
		t.Errorf("after the last attempt it is %s", d.state())
	}
	d.must(d.outbox.Resend(t.Context(), d.tenant, d.deliveries()[0].ID))
	d.send(0)
	if d.state() != "heard 14" {
		t.Errorf("sent by hand it is %s", d.state())
	}
	got := shop.requests()
	for n, r := range got {
		if r.body != got[0].body || r.header.Get("Webhook-Id") != got[0].header.Get("Webhook-Id") {
			t.Errorf("attempt %d sent\n%s as %s, the first\n%s as %s", n+1, r.body, r.header.Get("Webhook-Id"), got[0].body, got[0].header.Get("Webhook-Id"))
		}
	}
	d.sound()
}

// Once a newer state of an invoice was heard, the older one is not sent any more. It holds the newer one back for a minute.
func TestNewestWins(t *testing.T) {
	d := openDesk(t)
	shop := listen(t, always(200))
	shop.judge = func(r request) int {
		return map[bool]int{true: 500, false: 200}[strings.Contains(r.body, `"status":"failed"`)]
	}
	d.tells(shop, "invoice.cancelled", "invoice.settled")
	inv := d.happens("one")
	d.send(0)
	_, err := storetest.Service(d.db).Decide(t.Context(), inv.ID, invoice.Mark{Kind: invoice.MarkAccept, Actor: "test", Reason: "paid in cash"})
	d.must(err)
	d.send(59 * time.Second)
	if got := len(shop.requests()); got != 1 {
		t.Fatalf("the newer one overtakes: %d requests", got)
	}
	d.send(2 * time.Second) // the newer one, and the first retry of the older
	d.send(24 * time.Hour)
	if got := len(shop.requests()); got != 3 || d.state() != "heard 1, superseded 2" {
		t.Errorf("%d requests, %s", got, d.state())
	}
	d.sound()
}

// A secret that was changed between two attempts signs the second one; the body stays.
func TestRotationBetweenAttempts(t *testing.T) {
	d := openDesk(t)
	shop := listen(t, func(n int) int { return map[bool]int{true: 500, false: 200}[n == 1] })
	d.tells(shop, "invoice.cancelled")
	d.happens("one")
	d.send(0)
	k, err := store.Merchants{DB: d.db}.Rotate(t.Context(), d.key.Public, func(k merchant.Key) merchant.Key { return k.Rotate(rand.Reader, d.clock.Now()) })
	d.must(err)
	d.send(time.Minute)
	got := shop.requests()
	if len(got) != 2 || got[0].body != got[1].body {
		t.Fatalf("%d requests", len(got))
	}
	for n, secret := range []merchant.Secret{d.key.Secret, k.Secret} {
		if want := coinspaid.Sign([]byte(secret.Reveal()), []byte(got[n].body)); got[n].header.Get("X-Processing-Signature") != want {
			t.Errorf("attempt %d is not signed with the secret of its time", n+1)
		}
	}
}

// A process that ends between two attempts, or after the message left and before that was written down, is no loss.
func TestRestart(t *testing.T) {
	d := openDesk(t)
	shop := listen(t, func(n int) int { return map[bool]int{true: 500, false: 200}[n == 1] })
	d.tells(shop, "invoice.cancelled")
	d.happens("one")
	d.send(0)
	d.start()
	d.send(time.Minute)
	if d.state() != "heard 2" {
		t.Errorf("after a restart it is %s", d.state())
	}
	d.happens("two")
	lost, err := d.outbox.Lease(t.Context(), "killed", nil, 1, 1) // it was sent, and nobody wrote it down
	d.must(err)
	if len(lost) != 1 {
		t.Fatal("nothing to lose")
	}
	d.start()
	d.send(time.Second)
	if len(shop.requests()) != 2 {
		t.Error("a message under way is sent by somebody else")
	}
	d.send(time.Minute)
	if d.state() != "heard 1, heard 2" {
		t.Errorf("after the lease it is %s", d.state())
	}
	d.sound()
}

// An endpoint that hangs delays no other.
func TestSlowEndpoint(t *testing.T) {
	d := openDesk(t)
	release := make(chan struct{})
	slow := listen(t, func(int) int { <-release; return 200 })
	quick := listen(t, always(200))
	d.tells(slow, "invoice.cancelled")
	d.tells(quick, "invoice.cancelled")
	const events = 6
	for n := range events {
		d.happens(fmt.Sprint(n))
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	until(t, "the quick endpoint has heard everything", func() bool { d.Wake(); return len(quick.requests()) == events })
	if got := len(slow.requests()); got > 2 {
		t.Errorf("the slow endpoint has %d deliveries at once", got)
	}
	close(release)
	until(t, "the slow endpoint has heard everything", func() bool { d.Wake(); return strings.Count(d.state(), "heard 1") == 2*events })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	d.sound()
}

// until asks again and again until yes, and fails the test when that takes too long.
func until(t *testing.T, what string, yes func() bool) {
	t.Helper()
	end := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !yes() {
		select {
		case <-end:
			t.Fatal("waited, but not: " + what)
		case <-tick.C:
		}
	}
}

// When we are asked to stop in the middle of a delivery, it counts as not made, and is made again.
func TestStop(t *testing.T) {
	d := openDesk(t)
	began, release := make(chan struct{}, 1), make(chan struct{})
	shop := listen(t, func(n int) int {
		if n == 1 {
			began <- struct{}{}
			<-release
		}
		return 200
	})
	defer close(release)
	d.tells(shop, "invoice.cancelled")
	d.happens("one")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	<-began
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if d.state() != "pending 0" {
		t.Errorf("stopped, it is %s", d.state())
	}
	d.start()
	d.send(time.Minute)
	if d.state() != "heard 1" {
		t.Errorf("after a restart it is %s", d.state())
	}
}

// What a dialect nobody knows, or that has nothing to say, is given ends as skipped.
func TestNothingToTell(t *testing.T) {
	d := openDesk(t)
	shop := listen(t, always(200))
	d.tells(shop, "quote.*", "invoice.created")
	d.happens("one")
	d.Dialects = map[string]webhook.Dialect{}
	d.send(0)
	d.send(time.Hour)
	if len(shop.requests()) != 0 || strings.Contains(d.state(), "pending") {
		t.Errorf("%d requests, %s", len(shop.requests()), d.state())
	}
}

// A dialect that cannot write an event keeps nobody waiting for more than a minute.
func TestBodyFails(t *testing.T) {
	d := openDesk(t)
	shop := listen(t, always(200))
	d.tells(shop, "invoice.*")
	inv := d.happens("one")
	d.Dialects = map[string]webhook.Dialect{merchant.DialectCoinsPaid: stumbles{d.Dialects[merchant.DialectCoinsPaid]}}
	for range 5 {
		d.send(30 * time.Second)
	}
	if got := shop.requests(); len(got) != 1 || got[0].header.Get("Webhook-Subject") != string(inv.ID)+"/2" {
		t.Errorf("%d requests", len(got))
	}
}

// A message that can never be made is dead at the end of its schedule, as one that is never heard.
func TestBodyFailsForEver(t *testing.T) {
	d := openDesk(t)
	shop := listen(t, always(200))
	d.tells(shop, "invoice.created")
	d.happens("one")
	d.Dialects = map[string]webhook.Dialect{merchant.DialectCoinsPaid: stumbles{d.Dialects[merchant.DialectCoinsPaid]}}
	for range len(coinspaid.Retries()) {
		d.send(5 * time.Hour)
		if got := d.state(); got != "pending 0" {
			t.Fatalf("it is %s", got)
		}
	}
	d.send(5 * time.Hour)
	if got := d.state(); got != "dead 0" || len(shop.requests()) != 0 {
		t.Errorf("it is %s after %d requests", got, len(shop.requests()))
	}
	d.sound()
}

// Sent by hand in vain, a message that was never tried still has its whole schedule.
func TestResendOfTheUntried(t *testing.T) {
	d := openDesk(t)
	shop := listen(t, func(n int) int { return map[bool]int{true: 200, false: 500}[n == 14] })
	d.tells(shop, "invoice.cancelled")
	d.happens("one")
	d.must(d.outbox.Resend(t.Context(), d.tenant, d.deliveries()[0].ID))
	for range 13 { // by hand, at once, and twelve more
		d.send(5 * time.Hour)
		if got := d.state(); !strings.HasPrefix(got, "pending") {
			t.Fatalf("it is %s after %d requests", got, len(shop.requests()))
		}
	}
	if d.send(5 * time.Hour); d.state() != "heard 14" {
		t.Errorf("it is %s after %d requests", d.state(), len(shop.requests()))
	}
	d.sound()
}

// stumbles cannot write creations.
type stumbles struct{ webhook.Dialect }

func (s stumbles) Body(e event.Event) ([]byte, error) {
	if e.Type == "invoice.created" {
		return nil, fmt.Errorf("event %s: a bug", e.ID)
	}
	return s.Dialect.Body(e)
}

func TestCheckPort(t *testing.T) {
	for text, want := range map[string]error{
		"https://shop.example/cb": nil, "http://shop.example": nil, "https://shop.example:8443/cb": nil, "http://shop.example:80": nil, "https://[2001:db8::1]:443": nil,
		"https://shop.example:9443/cb": webhook.ErrPort, "http://shop.example:8080": webhook.ErrPort, "https://shop.example:0": webhook.ErrPort, "https://shop.example:70000": webhook.ErrPort,
	} {
		if err := webhook.CheckPort(text); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
}

func TestCheckURL(t *testing.T) {
	for _, text := range []string{"https://shop.example/cb", "http://127.0.0.1:8080/cb?x=1", "https://shop.example:8443", "https://[2001:db8::1]/cb", "https://xn--bcher-kva.example/"} {
		if err := webhook.CheckURL(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{
		"", "shop.example", "/cb", "//shop.example/cb", "ftp://shop.example", "file:///etc/passwd", "data:text/plain,x", "javascript:alert(1)", "unix:/run/x.sock",
		"https:///cb", "https:/shop.example", "https:shop.example", "https://user@shop.example", "https://user:pass@shop.example", "https://shop.example#@127.0.0.1/",
		`https://shop.example\@127.0.0.1/`, "https://shop.example/\r\nX: y", "https://shop.example/\tcb", "https://shop .example/", "https://" + strings.Repeat("a", 2048) + ".example/",
	} {
		if err := webhook.CheckURL(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}
