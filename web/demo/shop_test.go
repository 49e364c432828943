package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// openShop is a shop on an API that answers only when so many orders have come at once.
func openShop(t *testing.T, atOnce int) *Shop {
	t.Helper()
	var all sync.WaitGroup
	all.Add(atOnce)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var o struct {
			ForeignID string `json:"foreign_id"`
		}
		if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
			t.Error(err)
		}
		all.Done()
		all.Wait()
		fmt.Fprintf(w, `{"data":{"url":"https://pay.example.test/i/of-%s"}}`, o.ForeignID)
	}))
	t.Cleanup(api.Close)
	return New(Deps{API: api.URL, Client: api.Client(), Now: time.Now, Log: slog.New(slog.DiscardHandler), Sentence: error.Error})
}

// buy orders and names the page the customer is led to.
func buy(s *Shop) string {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/demo/orders", strings.NewReader(url.Values{"product": {"mugs"}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	s.ServeHTTP(w, r)
	return w.Header().Get("Location")
}

// TestOrdersAtOnce: each has a number of its own, and the page of a number is the page of that order.
func TestOrdersAtOnce(t *testing.T) {
	const customers = 3
	s := openShop(t, customers)
	pages := make([]string, customers)
	var all sync.WaitGroup
	for i := range customers {
		all.Go(func() { pages[i] = buy(s) })
	}
	all.Wait()
	slices.Sort(pages)
	if want := []string{"/demo/orders/1001", "/demo/orders/1002", "/demo/orders/1003"}; !slices.Equal(pages, want) {
		t.Fatalf("led to %q", pages)
	}
	for i, page := range pages {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, page, http.NoBody))
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), fmt.Sprintf(`src="/i/of-acme-demo-order-%d-`, 1001+i)) {
			t.Errorf("%s: %d %s", page, w.Code, w.Body)
		}
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/demo/orders/1004", http.NoBody))
	if w.Code != http.StatusSeeOther {
		t.Errorf("an order nobody made: %d", w.Code)
	}
}

// TestSaidInTheAddress: a sentence with signs of its own comes back as it was said.
func TestSaidInTheAddress(t *testing.T) {
	s := openShop(t, 1)
	page := buy(s)
	const sentence = `50 % & "more" #1? a+b`
	s.Play = func(context.Context, string, string) error { return errors.New(sentence) }
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, page+"/play", http.NoBody))
	u, err := url.Parse(w.Header().Get("Location"))
	if err != nil || w.Code != http.StatusSeeOther || u.Path != page || u.Query().Get("said") != sentence {
		t.Errorf("%d, led to %s: %v", w.Code, w.Header().Get("Location"), err)
	}
}

// openCounter is a shop with a counter that has sold something, which the shop has heard of.
func openCounter(t *testing.T) *Shop {
	t.Helper()
	s := New(Deps{
		Secret: "secret", Now: time.Now, Log: slog.New(slog.DiscardHandler), Sentence: error.Error,
		Counter: Counter{Till: "/t/TILL", PIN: "1234", Link: "/l/LINK", Poster: "/l/LINK/poster", Button: "<form><button>Buy now</button></form>\n<style>.pay-btn{color:#fff}</style>\n"},
		Sales: func(context.Context) ([]Sale, error) {
			return []Sale{{Invoice: "INVOICE", ForeignID: "till-7", By: "terminal", Title: "Till 1", Price: "5.50 EUR"}}, nil
		},
	})
	body := `{"foreign_id":"till-7","status":"confirmed"}`
	r := httptest.NewRequest(http.MethodPost, "/demo/callback", strings.NewReader(body))
	r.Header.Set("X-Processing-Signature", sign("secret", []byte(body)))
	w := httptest.NewRecorder()
	if s.ServeHTTP(w, r); w.Code != http.StatusOK {
		t.Fatalf("the callback: %d", w.Code)
	}
	return s
}

func get(s *Shop, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
	return w
}

// TestCounter: the till, the link, the poster and the pasted snippet are on the page, the snippet's style is allowed and no
// other, and a sale has a page of its own, with what was heard of it.
func TestCounter(t *testing.T) {
	s := openCounter(t)
	page := get(s, "/demo")
	for _, part := range []string{`href="/t/TILL"`, `href="/l/LINK"`, `href="/l/LINK/poster"`, "<form><button>Buy now</button></form>", "1234", `href="/demo/sales/INVOICE"`, "At the till", "5.50 EUR", ">confirmed<"} {
		if !strings.Contains(page.Body.String(), part) {
			t.Errorf("the shop has no %s", part)
		}
	}
	// printf %s '.pay-btn{color:#fff}' | openssl dgst -sha256 -binary | base64
	if csp := page.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "style-src 'self' 'sha256-DR8fi8JUIaxzTNZ0GqApmh4f1vGad55AsKS9zqqz2j0='; ") {
		t.Errorf("the policy is %s", csp)
	}
	if list := get(s, "/demo/recent").Body.String(); !strings.Contains(list, `href="/demo/sales/INVOICE"`) || strings.Contains(list, "<html") {
		t.Errorf("the list is %s", list)
	}
	sale := get(s, "/demo/sales/INVOICE").Body.String()
	for _, part := range []string{`data-pay-inline="INVOICE"`, `action="/demo/sales/INVOICE/play"`, ">confirmed<", "Signature verified"} {
		if !strings.Contains(sale, part) {
			t.Errorf("the sale has no %s", part)
		}
	}
	if strings.Contains(sale, "What the shop sent") {
		t.Error("the shop sent something for a sale of the till")
	}
	played := ""
	s.Play = func(_ context.Context, id, action string) error { played = id + " " + action; return nil }
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/demo/sales/INVOICE/play", strings.NewReader("action=exact"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if s.ServeHTTP(w, r); w.Header().Get("Location") != "/demo/sales/INVOICE?said=" || played != "INVOICE exact" {
		t.Errorf("played %q, led to %s", played, w.Header().Get("Location"))
	}
	if w := get(s, "/demo/sales/ELSE"); w.Code != http.StatusSeeOther {
		t.Errorf("a sale nobody made: %d", w.Code)
	}
}
