package demo

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

const (
	saleID    = "0V5R8ZJ2QK9XW3T7MBD6HNCE4F"
	addressID = "7K3M9Q2X7K3M9Q2X7K3M9Q2X7K"
	style     = ".pay-btn{color:red}"
)

// openStand is a shop with a counter that has sold one thing and given away one address.
func openStand(t *testing.T) *Shop {
	t.Helper()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return New(Deps{
		Secret: "secret", Now: func() time.Time { return at }, Log: slog.New(slog.DiscardHandler), Sentence: error.Error,
		Play: func(_ context.Context, id, action string) error { return fmt.Errorf("%s of %s", action, id) },
		Counter: &Counter{
			Till: "/t/TOKEN", PIN: "1234", Link: "/l/LIKE", Poster: "/l/LIKE/poster?size=a4", Fixed: "/l/FIXED", TopUp: "/l/TOPUP",
			Form: `<form method="post" action="/b/SLUG"><button class="pay-btn">Buy</button></form><style>` + style + "</style>", Source: `<form action="https://pay.example/b/SLUG">`,
			Sales: func(context.Context, int) ([]Sale, error) {
				return []Sale{{ID: saleID, Number: 71, From: "Till 1", Title: "Till 1 & co", Price: "12.50 EUR", State: "detected", Short: true, At: at}}, nil
			},
			Addresses: func(context.Context, int) ([]Address, error) {
				return []Address{{ID: addressID, Number: 71, From: "link", Coin: "LTCT", Received: "0.5", At: at}}, nil
			},
			Send: func(_ context.Context, id string) error { return errors.New("sent to " + id) },
		},
	})
}

func ask(s *Shop, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
	return w
}

func send(s *Shop, path string, form url.Values, script bool) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if script {
		r.Header.Set("Accept", "application/json")
	}
	s.ServeHTTP(w, r)
	return w
}

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

// TestWithoutAShop: the three ways stand beside the shop, the button as it is on anybody's page; its style is the only one that is
// let in. A shop without a counter has none of it.
func TestWithoutAShop(t *testing.T) {
	s := openStand(t)
	w := ask(s, "/demo")
	for _, want := range []string{
		"Without a shop system", `href="/t/TOKEN" target="_blank"`, `href="/l/LIKE/poster?size=a4"`, `href="/l/LIKE"`, `href="/l/FIXED"`, `href="/l/TOPUP"`, `href="/demo/counter"`,
		s.Counter.Form, "&lt;form action=&#34;https://pay.example/b/SLUG&#34;&gt;", "1234",
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the shop does not show %s", want)
		}
	}
	sum := sha256.Sum256([]byte(style))
	policy := w.Header().Get("Content-Security-Policy")
	if !strings.Contains(policy, "style-src 'self' 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"';") || strings.Contains(policy, "unsafe") || !strings.Contains(policy, "form-action 'self';") {
		t.Error(policy)
	}
	bare := openShop(t, 1)
	if page := ask(bare, "/demo"); strings.Contains(page.Body.String(), "Without a shop system") || !strings.Contains(page.Header().Get("Content-Security-Policy"), "style-src 'self';") {
		t.Errorf("%v %s", page.Header(), page.Body)
	}
	if page := ask(bare, "/demo/counter"); page.Code != http.StatusNotFound {
		t.Errorf("a counter nobody opened: %d", page.Code)
	}
}

// TestCounter: sales and addresses are listed with what was heard of them; callbacks of one are not the other's, whatever their
// numbers.
func TestCounter(t *testing.T) {
	s := openStand(t)
	hear(t, s, `{"id":71,"foreign_id":"till-7K3M9Q","type":"invoice","status":"pending","currency_sent":{"currency":"LTCT","amount":"0.125","remaining_amount":"0.05000000"}}`)
	hear(t, s, `{"id":900,"type":"deposit","status":"not_confirmed","crypto_address":{"id":71,"foreign_id":"x"},"currency_sent":{"currency":"LTCT","amount":"0.25000000"}}`)
	hear(t, s, `{"id":72,"foreign_id":"till-000000","type":"invoice","status":"failed","error":"Timer expired. User not paid."}`)
	for _, path := range []string{"/demo/counter", "/demo/counter/sales"} {
		page := ask(s, path).Body.String()
		for _, want := range []string{
			"Till 1 &amp; co · 12.50 EUR", `href="/i/` + saleID, "partly paid", `value="exact"`, `value="wrong"`, `value="reorg"`, "Send 0.25 LTCT", `href="/d/` + addressID, "0.5 LTCT",
			"0.05 LTCT is missing.", "0.25 LTCT was seen.",
		} {
			if strings.Count(page, want) != 1 {
				t.Errorf("%s shows %q %d times", path, want, strings.Count(page, want))
			}
		}
		if strings.Contains(page, "Timer expired") || strings.Count(page, "Signature verified") != 2 {
			t.Errorf("%s: %s", path, page)
		}
		if whole := strings.Contains(page, "<html"); whole != (path == "/demo/counter") || whole != strings.Contains(page, `content="5;url=/demo/counter"`) {
			t.Errorf("%s: a whole page: %v", path, whole)
		}
	}
}

// TestCounterPlays: the customer does something about what is shown and nothing else, with a script and without.
func TestCounterPlays(t *testing.T) {
	s := openStand(t)
	for _, x := range []struct{ path, of, says string }{
		{"/demo/counter/play", saleID, "exact of " + saleID}, {"/demo/counter/send", addressID, "sent to " + addressID},
	} {
		form := url.Values{"of": {x.of}, "action": {"exact"}}
		w := send(s, x.path, form, false)
		to, err := url.Parse(w.Header().Get("Location"))
		if err != nil || w.Code != http.StatusSeeOther || to.Path != "/demo/counter" || to.Query().Get("said") != x.says {
			t.Errorf("%s: %d %s %v", x.path, w.Code, w.Header().Get("Location"), err)
		}
		if page := ask(s, to.String()).Body.String(); !strings.Contains(page, x.says) {
			t.Errorf("%s: nothing is said", x.path)
		}
		if w := send(s, x.path, form, true); w.Code != http.StatusOK || w.Body.String() != `{"said":"`+x.says+`"}`+"\n" {
			t.Errorf("%s: %d %s", x.path, w.Code, w.Body)
		}
		form.Set("of", strings.Repeat("0", 26))
		if w := send(s, x.path, form, true); w.Code != http.StatusNotFound {
			t.Errorf("%s of something that is not shown: %d", x.path, w.Code)
		}
	}
}

// TestCounterForgets: what the shop remembers of sales is bounded; the newest is kept.
func TestCounterForgets(t *testing.T) {
	s := openStand(t)
	for range maxTold {
		hear(t, s, `{"id":71,"type":"invoice","status":"pending"}`)
	}
	hear(t, s, `{"id":71,"type":"invoice","status":"confirmed"}`)
	if list := s.heardOf(about{number: 71}); len(list) != maxTold || list[0].Status != "confirmed" || list[1].Status != "pending" {
		t.Errorf("%d remembered", len(list))
	}
}

// TestCounterUnread: what cannot be read is said, and no page is made up.
func TestCounterUnread(t *testing.T) {
	s := openStand(t)
	s.Counter.Sales = func(context.Context, int) ([]Sale, error) { return nil, errors.New("no database") }
	if w := ask(s, "/demo/counter"); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "no database") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
