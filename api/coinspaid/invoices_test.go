package coinspaid_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"checkout/api/coinspaid"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/store"
)

const taken = `{"errors":{"foreign_id":"The foreign id has already been taken."}}`

// TestContractAnswers makes the very invoices of section 4.12: the answers are the contract's, byte for byte, but for what is
// drawn: ids, link, address and the second that passed.
func TestContractAnswers(t *testing.T) {
	h := openHouse(t)
	for _, tc := range []struct {
		name, body string
		drawn      []string // of the example
	}{
		{"create_type3", mustRead(t, "testdata/contract/create_request.json"), []string{`"id":7102,`, "0V5R8ZJ2QK9XW3T7MBD6HNCE4F", "tb1q3yns55p5rwuwsde5acrzvq7x8ssexg8drkutn4", `"seconds_left":899`}},
		{"create_type1", order(map[string]any{"timer": false, "title": "Order 7729", "foreign_id": "order-7729", "end_user_reference": "cust-88", "sender_currency": nil}),
			[]string{`"id":7100,`, "4F7Q2M9XK3TDW8HZ6B5NCRVJ1E", "", ""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := h.in(t)
			a := h.call(h.live, "invoices/create", tc.body)
			inv := h.newest(h.live)
			ours := []string{fmt.Sprintf(`"id":%d,`, inv.Number), string(inv.ID), "", `"seconds_left":900`}
			if addr, ok := inv.Address("btc"); ok {
				ours[2] = addr.Text
			}
			want := mustRead(t, "testdata/contract/"+tc.name+".json")
			for i, example := range tc.drawn {
				if example != "" {
					want = strings.Replace(want, example, ours[i], 1)
				}
			}
			if a.status != http.StatusOK || a.body != want {
				t.Errorf("%d\n%s\nwant\n%s", a.status, a.body, want)
			}
		})
	}
}

func mustRead(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// newest is the merchant's latest invoice.
func (h *house) newest(key merchant.Key) *invoice.Invoice {
	h.Helper()
	tenant, err := merchant.Operator(key.Merchant, key.Env)
	h.must(err)
	list, err := store.Invoices{DB: h.db}.Newest(h.Context(), tenant, 1)
	h.must(err)
	inv, err := h.invoices.Find(h.Context(), list[0])
	h.must(err)
	return inv
}

// TestTypes is what makes an invoice of which type.
func TestTypes(t *testing.T) {
	h := openHouse(t)
	for i, tc := range []struct {
		name   string
		with   map[string]any
		status string
		timed  bool // prices run
		coin   bool // coin, sum and address are there
	}{
		{"timer true, coin", map[string]any{"timer": true}, "pending", true, true},
		{"timer 1, coin", map[string]any{"timer": 1}, "pending", true, true},
		{"timer \"1\", no coin", map[string]any{"timer": "1", "sender_currency": nil}, "pending", true, false},
		{"timer \"true\", coin null", map[string]any{"timer": "true", "sender_currency": raw("null")}, "pending", true, false},
		{"timer \"0\", no coin", map[string]any{"timer": "0", "sender_currency": nil}, "created", false, false},
		{"timer false, coin", map[string]any{"timer": false}, "created", false, false},
	} {
		tc.with["foreign_id"] = fmt.Sprint("type-", i)
		c := h.create(h.live, tc.with)
		timed := c.FixedAt != nil && c.ReleaseAt != nil && c.SecondsLeft != nil && *c.ReleaseAt == *c.FixedAt+900 && *c.SecondsLeft == 900
		coin := c.Address != nil && c.SenderCurrency != nil && c.SenderAmount != nil
		if c.Status != tc.status || timed != tc.timed || coin != tc.coin || c.Name != c.Title {
			t.Errorf("%s: %+v", tc.name, c)
		}
		if (c.FixedAt == nil) == tc.timed || (c.Address == nil) == tc.coin {
			t.Errorf("%s is half one type: %+v", tc.name, c)
		}
	}
}

// TestSecondsLeft counts whole seconds from the instant of creation.
func TestSecondsLeft(t *testing.T) {
	h := openHouse(t)
	h.clock.pass(999 * time.Millisecond)
	if c := h.create(h.live, nil); *c.FixedAt != contractTime.Unix() || *c.ReleaseAt != contractTime.Unix()+900 || *c.SecondsLeft < 899 || *c.SecondsLeft > 900 {
		t.Errorf("%d %d %d", *c.FixedAt, *c.ReleaseAt, *c.SecondsLeft)
	}
}

// TestLink: a link names its invoice and nothing else does; what cannot be chosen by the caller is not.
func TestLink(t *testing.T) {
	h := openHouse(t)
	c := h.create(h.live, map[string]any{
		"id": 1, "url": "https://evil.example", "status": "confirmed", "merchant_id": "M2", "rate": "1", "address": "x", "created_at": 5, "confirmed": true, "name": "not the title",
		"de\u017fcription": "a long s is no s", "Description": "nor is a capital",
	})
	inv := h.mustFind(c)
	if !regexp.MustCompile(`^https://pay\.example\.test/i/[0-9A-HJKMNP-TV-Z]{26}$`).MatchString(c.URL) || inv.Number != c.ID || inv.Merchant != h.merchant.ID {
		t.Errorf("%+v %d %s", c, inv.Number, inv.Merchant)
	}
	if c.Status != "pending" || c.Name != "Order 7731" || c.ID == 1 || *c.Address == "x" || !inv.Created.Equal(contractTime) || inv.Description != "" {
		t.Errorf("%+v", c)
	}
}

// TestStored: what was sent is what is kept.
func TestStored(t *testing.T) {
	h := openHouse(t)
	inv := h.mustFind(h.create(h.live, map[string]any{
		"description": "2 mugs\nwith handles", "end_user_reference": "cust-88", "foreign_id": raw("9007199254740993"), "type": "good_until_expired",
		"email_user": "a+b@shop.example", "url_failed": "http://shop.example/failed?x=1#y",
		"sender_type": "natural", "sender_data": map[string]any{"first_name": "Ada", "last_name": "Lind", "date_of_birth": "1990-04-02", "email": "ada@shop.example", "shoe_size": 38},
	}))
	if payer := `{"type":"natural","first_name":"Ada","last_name":"Lind","date_of_birth":"1990-04-02","email":"ada@shop.example"}`; inv.Payer != payer {
		t.Errorf("of the payer %s is kept, want %s", inv.Payer, payer)
	}
	got := fmt.Sprint(inv.Title, "|", inv.Description, "|", inv.ForeignID, "|", inv.EndUserReference, "|", inv.Email, "|", inv.SuccessURL, "|", inv.FailureURL, "|", inv.Price, " ", inv.Price.Currency(), "|",
		inv.Terms.Partial, inv.Terms.Lock, "|", inv.Env, "|", inv.Origin)
	want := "Order 7731|2 mugs\nwith handles|9007199254740993|cust-88|a+b@shop.example|https://shop.example/ok|http://shop.example/failed?x=1#y|45.00 EUR|true 15m0s|live|coinspaid"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestForeignID: used once, for ever; apart for each merchant and environment; text and number are the same name.
func TestForeignID(t *testing.T) {
	h := openHouse(t)
	_, _, theirs := h.addMerchant("K2", "0", "secret of M2", "test secret of M2")
	h.create(h.live, map[string]any{"foreign_id": "164"})
	again := order(map[string]any{"foreign_id": 164, "title": "Another", "amount": 99})
	for _, age := range []time.Duration{0, time.Second, time.Hour, 31 * 24 * time.Hour, 10 * 365 * 24 * time.Hour} {
		h.pass(age)
		h.refuses(age.String(), h.call(h.live, "invoices/create", again), http.StatusBadRequest, taken)
	}
	cancelled := h.create(h.live, map[string]any{"foreign_id": "called off"})
	_, err := h.invoices.Decide(t.Context(), cancelled.capability(), invoice.Mark{Kind: invoice.MarkCancel})
	h.must(err)
	h.refuses("after it was cancelled", h.call(h.live, "invoices/create", order(map[string]any{"foreign_id": "called off"})), http.StatusBadRequest, taken)
	if n := h.count(h.live); n != 2 {
		t.Errorf("%d invoices", n)
	}
	for _, key := range []merchant.Key{h.test, theirs} {
		h.create(key, map[string]any{"foreign_id": 164, "sender_currency": "LTCT"})
	}
	// A request that was refused has not used its name.
	h.call(h.live, "invoices/create", order(map[string]any{"foreign_id": "later", "amount": 1}))
	h.create(h.live, map[string]any{"foreign_id": "later"})
}

// TestParallelCreates is E01: of fifty identical requests at once one makes the invoice, and one address is used.
func TestParallelCreates(t *testing.T) {
	h := openHouse(t)
	answers := make([]answer, 50)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i] = h.call(h.live, "invoices/create", order(nil)) })
	}
	wg.Wait()
	made := 0
	for _, a := range answers {
		if a.status == http.StatusOK {
			made++
			continue
		}
		h.refuses("the others", a, http.StatusBadRequest, taken)
	}
	if made != 1 || h.count(h.live) != 1 {
		t.Errorf("%d made, %d kept", made, h.count(h.live))
	}
	if stored := "\n" + h.dump(); strings.Count(stored, " invoice.created ") != 1 || strings.Count(stored, "\naddresses: ") != 1 {
		t.Errorf("stored:\n%s", stored)
	}
	first := h.newest(h.live)
	next := h.mustFind(h.create(h.live, map[string]any{"foreign_id": "next"})) // made in the same millisecond, perhaps
	for index, inv := range []*invoice.Invoice{first, next} {
		want, err := h.wallets.Derive(h.bitcoin, uint32(index))
		h.must(err)
		if got, _ := inv.Address("btc"); got.Text != want {
			t.Errorf("address %d is %s, want %s", index, got.Text, want)
		}
	}
}

// TestEnvironments: a live key never takes played money, a test key may take both here, where Bitcoin is a test network.
func TestEnvironments(t *testing.T) {
	h := openHouse(t)
	const refused = `{"errors":{"sender_currency":"The selected sender currency is invalid."}}`
	h.refuses("LTCT live", h.call(h.live, "invoices/create", order(map[string]any{"sender_currency": "LTCT"})), http.StatusBadRequest, refused)
	if c := h.create(h.test, map[string]any{"sender_currency": "LTCT", "foreign_id": "played"}); h.mustFind(c).Env != "test" || *c.SenderAmount != "0.45000000" {
		t.Errorf("%+v", c)
	}
	h.create(h.test, map[string]any{"foreign_id": "real"})
	_, poor, _ := h.addMerchant("K2", "0", "x", "y") // has no Bitcoin wallet
	h.refuses("no wallet", h.call(poor, "invoices/create", order(nil)), http.StatusBadRequest, refused)
	h.refuses("no wallet, no coin asked for", h.call(poor, "invoices/create", order(map[string]any{"sender_currency": nil})), http.StatusServiceUnavailable,
		`{"error":"No coin is available for this invoice.","code":"no_method"}`)
}

// TestNoRate: nothing is priced without a fresh rate; 503 says when to ask again.
func TestNoRate(t *testing.T) {
	h := openHouse(t)
	unpriced := func(name string, a answer) {
		t.Helper()
		h.refuses(name, a, http.StatusServiceUnavailable, noRate)
		if got := a.header.Get("Retry-After"); got != "30" {
			t.Errorf("%s: Retry-After %q", name, got)
		}
	}
	unpriced("a currency without a price", h.call(h.live, "invoices/create", order(map[string]any{"currency": "SEK"})))
	h.clock.pass(2*time.Minute + time.Millisecond)
	for _, with := range []map[string]any{nil, {"sender_currency": nil}, {"timer": false, "sender_currency": nil}} {
		unpriced("stale", h.call(h.live, "invoices/create", order(with)))
	}
	// One coin has a fresh price, the one asked for has not.
	h.must(os.WriteFile(h.prices, []byte(`{"LTCT/EUR":"100"}`), 0o600))
	h.must(h.rates.RunOnce(t.Context()))
	unpriced("the other coin's is fresh", h.call(h.test, "invoices/create", order(nil)))
	h.create(h.test, map[string]any{"sender_currency": nil})
	if n := h.count(h.live); n != 0 {
		t.Errorf("%d invoices", n)
	}
	h.price(nil)
	h.create(h.live, nil)
}

// broken is a domain that fails.
type broken struct{ err error }

func (b broken) Create(context.Context, merchant.Tenant, invoice.New) (*invoice.Invoice, error) {
	return nil, b.err
}

// TestTrouble: of failures of ours nothing is told, of limits what the dialect says of them.
func TestTrouble(t *testing.T) {
	h := openHouse(t)
	for name, tc := range map[string]struct {
		err    error
		status int
		want   string
		after  string
		logged bool
	}{
		"a bug":          {errors.New("pq: secret at 10.0.0.1"), 500, internal, "", true},
		"illegal move":   {invoice.ErrIllegal.Because(errors.New("secret")), 500, internal, "", true},
		"busy":           {store.ErrBusy, 503, `{"error":"The service is busy. Please try again.","code":"busy"}`, "1", true},
		"full":           {store.ErrFull.Because(errors.New("secret")), 503, `{"error":"The storage is full.","code":"storage_full"}`, "60", true},
		"too many":       {tooMany.In(60 * time.Second), 429, `{"errors":{"message":"error code: 1015"}}`, "60", false},
		"too many, soon": {tooMany.In(200 * time.Millisecond), 429, `{"errors":{"message":"error code: 1015"}}`, "1", false},
	} {
		deps := h.deps()
		deps.Invoices = broken{tc.err}
		h.face = coinspaid.New(deps)
		h.log.Reset()
		a := h.call(h.live, "invoices/create", order(nil))
		h.refuses(name, a, tc.status, tc.want)
		if got := a.header.Get("Retry-After"); got != tc.after {
			t.Errorf("%s: Retry-After %q", name, got)
		}
		if logged := strings.Contains(h.log.String(), `"event":"request_failed"`); logged != tc.logged || strings.Contains(h.log.String(), liveSecret) {
			t.Errorf("%s: logged %s", name, h.log)
		}
	}
	h.face = coinspaid.New(h.deps())
	h.must(h.db.Close())
	h.refuses("no database", h.call(h.live, "currencies/list", `null`), http.StatusInternalServerError, internal)
}
