package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
)

// place is the whole application in this process, with nothing running but what a test asks.
type place struct {
	*sites
	t      *testing.T
	public http.Handler
	port   string
}

func openPlace(t *testing.T, listen, publicURL string) *place {
	t.Helper()
	s := &Settings{
		DB: "sqlite:" + filepath.Join(t.TempDir(), "checkout.db"), Listen: listen, InternalListen: "127.0.0.1:0", PublicURL: publicURL,
		BitcoinNetwork: "regtest", MasterKey: strings.Repeat("00", 32), HideAfter: time.Hour, LogLevel: "error",
	}
	a, err := openApp(t.Context(), s, slog.New(slog.DiscardHandler), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.close)
	if err := a.rates.RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, w := range a.watchers {
		if err := w.RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ls, err := s.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = ls.public.Close(), ls.internal.Close() })
	site := a.routes(s.base(ls.public.Addr().String()), ls)
	u, err := url.Parse(site.local)
	if err != nil {
		t.Fatal(err)
	}
	return &place{sites: site, t: t, public: site.public(), port: u.Port()}
}

// ask asks the public listener's handler by one of its names; # is its port.
func (p *place) ask(method, host, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, http.NoBody)
	r.Host = p.named(host)
	w := httptest.NewRecorder()
	p.public.ServeHTTP(w, r)
	return w
}

func (p *place) named(text string) string { return strings.ReplaceAll(text, "#", p.port) }

// invoice makes an invoice of 25.50 EUR to be paid in LTCT.
func (p *place) invoice() *invoice.Invoice {
	p.t.Helper()
	made, err := p.app.createMerchant(p.t.Context(), merchantCreateCmd{Name: "Acme", Tolerance: merchant.DefaultTolerance})
	if err != nil {
		p.t.Fatal(err)
	}
	c := invoiceCreateCmd{Owner: owner{Merchant: string(made.ID), Test: true}, Amount: "25.50", Currency: "EUR", Title: "Beans", Coin: "LTCT"}
	t, m, err := c.Owner.tenant(p.t.Context(), p.app)
	if err != nil {
		p.t.Fatal(err)
	}
	n, err := c.order(p.app.registry, m, t)
	if err != nil {
		p.t.Fatal(err)
	}
	inv, err := p.app.invoices.Create(p.t.Context(), t, n)
	if err != nil {
		p.t.Fatal(err)
	}
	return inv
}

// TestNames: who calls this machine from itself is heard by each of its names; a stranger's name is none of ours.
func TestNames(t *testing.T) {
	const everywhere = "https://pay.example.test"
	loopback := []string{"127.0.0.1:#", "localhost:#", "[::1]:#"}
	for _, c := range []struct {
		listen, publicURL, base string
		names                   []string
	}{
		{"127.0.0.1:0", "", "http://127.0.0.1:#", loopback},
		{"0.0.0.0:0", "", "http://127.0.0.1:#", loopback},
		{":0", "", "http://127.0.0.1:#", loopback},
		{"localhost:0", "", "http://localhost:#", loopback},
		{"0.0.0.0:0", everywhere, everywhere, append([]string{"pay.example.test"}, loopback...)},
	} {
		t.Run(c.listen+" "+c.publicURL, func(t *testing.T) {
			p := openPlace(t, c.listen, c.publicURL)
			if p.base != p.named(c.base) || (p.local != p.named("http://127.0.0.1:#") && c.listen != "localhost:0") {
				t.Errorf("base %s, local %s", p.base, p.local)
			}
			for _, name := range c.names {
				if w := p.ask(http.MethodGet, name, "/api/v2/ping"); w.Code != http.StatusOK {
					t.Errorf("%s: %d", p.named(name), w.Code)
				}
			}
			for _, name := range []string{"evil.test", "evil.test:#", "127.0.0.1", "0.0.0.0:#", "[::]:#", "192.0.2.1:#"} {
				if w := p.ask(http.MethodGet, name, "/api/v2/ping"); w.Code != http.StatusMisdirectedRequest {
					t.Errorf("%s: %d", p.named(name), w.Code)
				}
			}
		})
	}
}

// TestLinksOfCommands: a command shows the links the serving process makes.
func TestLinksOfCommands(t *testing.T) {
	p := openPlace(t, "127.0.0.1:0", "")
	inv := p.invoice()
	for _, c := range []struct{ listen, publicURL, want string }{
		{"127.0.0.1:8080", "", "http://127.0.0.1:8080"},
		{"0.0.0.0:8080", "", "http://127.0.0.1:8080"},
		{"[::]:8080", "", "http://127.0.0.1:8080"},
		{":8080", "", "http://127.0.0.1:8080"},
		{"[::1]:8080", "", "http://[::1]:8080"},
		{"shop.lan:8080", "", "http://shop.lan:8080"},
		{"0.0.0.0:8080", "https://pay.example.test/", "https://pay.example.test"},
	} {
		p.app.settings.Listen, p.app.settings.PublicURL = c.listen, c.publicURL
		if got := p.app.view(inv).URL; got != c.want+"/i/"+string(inv.ID) {
			t.Errorf("%s %s: %s", c.listen, c.publicURL, got)
		}
	}
}

// TestHead: whatever is got can be asked about, and nothing else.
func TestHead(t *testing.T) {
	p := openPlace(t, "127.0.0.1:0", "")
	at := "/i/" + string(p.invoice().ID)
	for path, want := range map[string]int{
		at: 200, at + "/status": 200, at + "/fragment": 200, at + "/qr.svg": 200, at + "/qr.png": 200, "/invoice/" + at[3:]: 303, at + "/method": 405,
		"/i/" + strings.Repeat("0", ident.Length): 404, "/nowhere": 404, "/api/v2/ping": 200,
	} {
		got, head := p.ask(http.MethodGet, "127.0.0.1:#", path), p.ask(http.MethodHead, "127.0.0.1:#", path)
		if head.Code != want || got.Code != want || head.Header().Get("Content-Type") != got.Header().Get("Content-Type") {
			t.Errorf("%s: HEAD %d %q, GET %d %q", path, head.Code, head.Header().Get("Content-Type"), got.Code, got.Header().Get("Content-Type"))
		}
	}
}

// TestRouteLabels: a metric names the path of a route once, and never an id.
func TestRouteLabels(t *testing.T) {
	p := openPlace(t, "127.0.0.1:0", "")
	id := string(p.invoice().ID)
	p.app.settings.AllowPrivate = true // as the demo does: its shop is on this machine
	if err := p.app.openShop(t.Context(), p.sites, nil, &console{}); err != nil {
		t.Fatal(err)
	}
	p.public = p.sites.public()
	for _, path := range []string{"/i/" + id, "/i/" + id + "/status", "/api/v2/ping", "//api/v2//ping/", "/api/v2/nowhere", "/demo", "/demo/orders/1001", "/nowhere"} {
		p.ask(http.MethodGet, "127.0.0.1:#", path)
	}
	p.ask(http.MethodPost, "127.0.0.1:#", "/api/v2/invoices/create")
	p.ask(http.MethodPost, "127.0.0.1:#", "/demo/orders")
	p.ask(http.MethodGet, "evil.test", "/i/"+id)
	w := httptest.NewRecorder()
	p.internal().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	got := map[string]bool{}
	for line := range strings.Lines(w.Body.String()) {
		if _, label, ok := strings.Cut(line, `checkout_http_requests_total{route="`); ok {
			route, rest, _ := strings.Cut(label, `",status="`)
			status, _, _ := strings.Cut(rest, `"`)
			got[route+" "+status] = true
		}
	}
	want := []string{
		"/i/{id} 200", "/i/{id}/status 200", "/api/v2/ping 200", "/api/* 404", "/demo 200", "/demo/orders/{n} 303", "/* 404",
		"/api/v2/invoices/create 403", "/demo/orders 404", "none 421",
	}
	for _, label := range want {
		if !got[label] {
			t.Errorf("no %q", label)
		}
	}
	if len(got) != len(want) || strings.Contains(w.Body.String(), id) {
		t.Errorf("labels %v", got)
	}
}

// TestListFollowsTheNodes: a coin is not listed as enabled before its node was seen, however good the merchant's wallet.
func TestListFollowsTheNodes(t *testing.T) {
	p := openPlace(t, "127.0.0.1:0", "")
	m, err := p.app.createMerchant(t.Context(), merchantCreateCmd{Name: "Acme", Tolerance: merchant.DefaultTolerance})
	if err != nil {
		t.Fatal(err)
	}
	if err := (&miningNode{}).addWallet(t.Context(), p.app, m.ID); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key           keyAnswer
		visible, want string
	}{{m.Live.CoinsPaid, "true", ""}, {m.Live.CoinsPaid, "false", "BTC"}, {m.Test.CoinsPaid, "true", "LTCT"}, {m.Test.CoinsPaid, "false", "BTC"}} {
		body := `{"visible":` + c.visible + `}`
		r := httptest.NewRequest(http.MethodPost, "/api/v2/currencies/list", strings.NewReader(body))
		r.Host = p.named("127.0.0.1:#")
		r.Header.Set("X-Processing-Key", c.key.Key)
		r.Header.Set("X-Processing-Signature", signature(c.key.Secret, []byte(body)))
		w := httptest.NewRecorder()
		p.public.ServeHTTP(w, r)
		var answer struct {
			Data []struct{ Type, Currency string }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		coins := ""
		for _, item := range answer.Data {
			if item.Type == "crypto" {
				coins += item.Currency
			}
		}
		if coins != c.want {
			t.Errorf("visible %s: %q, want %q", c.visible, coins, c.want)
		}
	}
}

// TestRefusalsOfTheAPI: a program that is refused before any face is asked reads JSON, a person a page.
func TestRefusalsOfTheAPI(t *testing.T) {
	p := openPlace(t, "127.0.0.1:0", "")
	long := "?" + strings.Repeat("x", 9<<10)
	for _, c := range []struct {
		host, path string
		status     int
		code       string
	}{
		{"evil.test", "/api/v2/ping", 421, "wrong_host"},
		{"evil.test", "//api/v2/ping", 421, "wrong_host"},
		{"evil.test,127.0.0.1:#", "/api/v2/ping", 400, "bad_request"},
		{"127.0.0.1:#", "/api/v2/ping" + long, 414, "uri_too_long"},
	} {
		w := p.ask(http.MethodPost, c.host, c.path)
		if w.Code != c.status || w.Header().Get("Content-Type") != "application/json" || !strings.HasSuffix(w.Body.String(), fmt.Sprintf(`,"code":%q}`, c.code)) {
			t.Errorf("%s %.20s: %d %s %s", c.host, c.path, w.Code, w.Header().Get("Content-Type"), w.Body)
		}
		page := p.ask(http.MethodGet, c.host, strings.Replace(c.path, "api", "i", 1))
		if page.Code != c.status || !strings.HasPrefix(page.Header().Get("Content-Type"), "text/html") {
			t.Errorf("the page of %d: %d %s", c.status, page.Code, page.Header().Get("Content-Type"))
		}
	}
	w := httptest.NewRecorder()
	p.refuse(w, httptest.NewRequest(http.MethodPost, "/api/v2/ping", http.NoBody), http.StatusRequestEntityTooLarge)
	if body, err := io.ReadAll(w.Body); err != nil || w.Code != 413 || string(body) != `{"error":"Payload too large","code":"payload_too_large"}` {
		t.Errorf("%d %s", w.Code, body)
	}
}
