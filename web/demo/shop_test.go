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
