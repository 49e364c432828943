package demo

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// hear sends the shop a callback.
func hear(t *testing.T, s *Shop, body string) {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/demo/callback", strings.NewReader(body))
	r.Header.Set("X-Processing-Signature", sign(s.Secret, []byte(body)))
	if s.ServeHTTP(w, r); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
}

// TestDepositsHeard: an address has a page of its own with what was heard of it, which a customer of the same name has no part
// in; the customer sends something, and is told what is wrong with it.
func TestDepositsHeard(t *testing.T) {
	s := openCounter(t)
	s.Addresses = func(context.Context) ([]Address, error) {
		return []Address{{"ADDRESS", 71, "link", "0.5 LTCT"}, {"OTHER", 72, "coinspaid", "0 LTCT"}}, nil
	}
	hear(t, s, `{"id":900,"type":"deposit","status":"not_confirmed","crypto_address":{"id":71,"foreign_id":"till-7"},"currency_sent":{"currency":"LTCT","amount":"0.25000000"}}`)
	hear(t, s, `{"id":900,"type":"deposit","status":"confirmed","crypto_address":{"id":71,"foreign_id":"till-7"},"currency_sent":{"currency":"LTCT","amount":"0.25000000"}}`)
	hear(t, s, `{"id":901,"type":"deposit","status":"cancelled","error":"Transaction was double spent","crypto_address":{"id":71},"currency_sent":{"currency":"LTCT","amount":"1"}}`)
	for _, path := range []string{"/demo", "/demo/recent"} {
		page := get(s, path).Body.String()
		for _, part := range []string{`href="/demo/addresses/ADDRESS"`, "Address 71", "0.5 LTCT", `class="state bad">cancelled<`, `href="/demo/addresses/OTHER"`, "By the shop", ">waiting<"} {
			if !strings.Contains(page, part) {
				t.Errorf("%s has no %s", path, part)
			}
		}
	}
	page := get(s, "/demo/addresses/ADDRESS").Body.String()
	for _, part := range []string{`src="/d/ADDRESS"`, `action="/demo/addresses/ADDRESS/play"`, "0.25 LTCT was seen.", "0.25 LTCT arrived.", "double spent"} {
		if !strings.Contains(page, part) {
			t.Errorf("the address has no %s", part)
		}
	}
	if strings.Count(page, "Signature verified") != 3 || strings.Contains(page, `value="exact"`) {
		t.Errorf("the address's page: %s", page)
	}
	if sale := get(s, "/demo/sales/INVOICE").Body.String(); strings.Count(sale, "Signature verified") != 1 {
		t.Errorf("the sale heard of deposits: %s", sale)
	}

	s.Play = func(_ context.Context, id, action string) error { return errors.New(action + " to " + id) }
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/demo/addresses/ADDRESS/play", strings.NewReader("action=deposit"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	s.ServeHTTP(w, r)
	if to, err := url.Parse(w.Header().Get("Location")); err != nil || to.Path != "/demo/addresses/ADDRESS" || to.Query().Get("said") != "deposit to ADDRESS" {
		t.Errorf("led to %s: %v", w.Header().Get("Location"), err)
	}
	if w := get(s, "/demo/addresses/INVOICE"); w.Code != http.StatusSeeOther {
		t.Errorf("an address nobody has: %d", w.Code)
	}
	s.Addresses = func(context.Context) ([]Address, error) { return nil, errors.New("no database") }
	if w := get(s, "/demo/recent"); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "database") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := get(s, "/demo"); w.Code != http.StatusOK {
		t.Errorf("the shop does not sell: %d", w.Code)
	}
}
