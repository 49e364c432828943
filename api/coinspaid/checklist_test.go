package coinspaid_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"checkout/merchant"
)

// TestChecklist walks section 9 of the contract, item by item, as far as its calls are served; the other tests go deeper.
// Item 6 waits for allow-lists, and what 8, 18 and 32 say of other calls for those.
func TestChecklist(t *testing.T) {
	h := openHouse(t)
	item := func(name string, f func(h *house)) { t.Run(name, func(t *testing.T) { f(h.in(t)) }) }

	item("1 vectors", func(h *house) {
		for _, v := range vectors {
			if sign(v.secret, v.body) != v.signature || sign(v.secret, v.body+" ") == v.signature {
				h.Errorf("%s does not verify", v.name)
			}
		}
	})
	item("2 four bodies", func(h *house) {
		h.refuses("nothing", h.do(unsigned(http.MethodPost, "currencies/list", "null")), 403, noKey)
		r := unsigned(http.MethodPost, "currencies/list", "null")
		r.Header.Set("X-Processing-Key", h.live.Public)
		h.refuses("no signature", h.do(r), 403, noSignature)
		r.Header.Set("X-Processing-Signature", sign("wrong", "null"))
		h.refuses("wrong signature", h.do(r), 403, badSignature)
		r.Header.Set("X-Processing-Key", "nobody")
		h.refuses("unknown key", h.do(r), 403, badKey)
	})
	item("3 order", func(h *house) {
		h.refuses("unknown key", h.call(merchant.Key{Public: "nobody", Secret: liveSecret}, "currencies/list", "{x"), 403, badKey)
		h.refuses("good signature", h.call(h.live, "currencies/list", "{x"), 400, badFormat)
	})
	item("4 signatures", func(h *house) {
		good := sign(liveSecret, "{}")
		for _, s := range []string{strings.ToUpper(good), good[:127], good + "a"} {
			h.refuses(s, h.do(signedAs(h.live, "{}", s)), 403, badSignature)
		}
		r := signedAs(h.live, "{}", good)
		r.Header.Add("X-Processing-Signature", good)
		h.refuses("doubled", h.do(r), 403, badSignature)
	})
	item("5 revoked and suspended", func(h *house) {
		revoked, suspended, _ := h.unusableKeys()
		for _, key := range []merchant.Key{revoked, suspended} {
			h.refuses(key.Public, h.call(key, "currencies/list", "{}"), 403, badKey)
		}
	})
	item("7 ping", func(h *house) {
		keyOnly, both, wrong := unsigned(http.MethodGet, "ping", ""), newRequest(h.live, http.MethodGet, "/api/v2/ping", ""), signedAs(h.live, "", "0")
		keyOnly.Header.Set("X-Processing-Key", h.live.Public)
		for _, r := range []*http.Request{unsigned(http.MethodGet, "ping", ""), unsigned(http.MethodGet, "ping", "[]"), keyOnly, both} {
			if a := h.do(r); a.status != 200 || a.body != "OK" || a.header.Get("Content-Type") != "text/plain" {
				h.Errorf("%d %q", a.status, a.body)
			}
		}
		wrong.URL.Path = "/api/v2/ping"
		h.refuses("both wrong", h.do(wrong), 403, badSignature)
	})
	item("8 no parameters", func(h *house) {
		for _, body := range []string{"null", "{}", "[]"} {
			h.served(h.call(h.live, "currencies/list", body))
		}
	})
	item("9 nothing at all", func(h *house) {
		var got struct{ Errors map[string]string }
		h.must(json.Unmarshal([]byte(h.call(h.live, "invoices/create", "null").body), &got))
		if len(got.Errors) != 8 || got.Errors["title"] == "" || got.Errors["name"] != "" {
			h.Errorf("%v", got.Errors)
		}
	})
	item("10 content types", func(h *house) {
		for _, media := range []string{"application/x-www-form-urlencoded", "", "application/json; charset=utf-8"} {
			r := newRequest(h.live, http.MethodPost, "/api/v2/currencies/list", "{}")
			r.Header.Set("Content-Type", media)
			h.served(h.do(r))
		}
	})
	item("11 formats", func(h *house) {
		for _, body := range []string{`"x"`, `1`, `[1]`, `{"a":1,"a":1}`, `{} {}`, "\"\xff\"", ``} {
			h.refuses(body, h.call(h.live, "currencies/list", body), 400, badFormat)
		}
		h.refuses("65,537 bytes", h.call(h.live, "currencies/list", padded(65_537)), 413, tooLarge)
	})
	item("12 slashes and HTTP/1.0", func(h *house) {
		for i, path := range []string{"/api/v2//invoices/create", "/api/v2/invoices/create/"} {
			r := newRequest(h.live, http.MethodPost, path, order(map[string]any{"foreign_id": fmt.Sprint("12-", i)}))
			r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.0", 1, 0
			h.served(h.do(r))
		}
	})
	item("13 booleans of PHP", func(h *house) {
		one := h.create(h.live, map[string]any{"timer": "0", "sender_currency": nil, "foreign_id": "13-1"})
		two := h.create(h.live, map[string]any{"timer": "1", "sender_currency": nil, "foreign_id": "13-2"})
		if one.Status != "created" || two.Status != "pending" || two.FixedAt == nil || two.Address != nil {
			h.Errorf("%+v %+v", one, two)
		}
		if off := h.currencies(h.live, `{"visible":"0"}`); off["CHF"].ID == 0 || off["EUR"].ID != 0 || off["BTC"].ID != 0 {
			h.Errorf("%v", off)
		}
	})
	item("14 foreign ids", func(h *house) {
		for _, id := range []string{"164", "9007199254740993"} {
			if c := h.create(h.live, map[string]any{"foreign_id": raw(id)}); c.ForeignID != id {
				h.Errorf("%s came back as %s", id, c.ForeignID)
			}
		}
		h.refuses("256", h.call(h.live, "invoices/create", order(map[string]any{"foreign_id": strings.Repeat("x", 256)})), 400,
			`{"errors":{"foreign_id":"The foreign id may not be greater than 255 characters."}}`)
	})
	item("15 and 16 sums, fractions, ids: see TestEveryFile", func(h *house) {
		if files, err := filepath.Glob("testdata/*.txt"); err != nil || len(files) < 20 {
			h.Errorf("%d files: %v", len(files), err)
		}
	})
	item("17 amounts", func(h *house) {
		for _, bad := range []any{"1e2", "-1", " 1", "1,0", "00.1", "1.", ".5", ""} {
			if a := h.call(h.live, "invoices/create", order(map[string]any{"amount": bad, "foreign_id": "17"})); a.status != 400 || !strings.HasPrefix(a.body, `{"errors":{"amount":`) {
				h.Errorf("%v: %d %s", bad, a.status, a.body)
			}
		}
		for i, good := range []any{raw("0.5"), "0.5"} {
			h.served(h.call(h.live, "invoices/create", order(map[string]any{"currency": "BTC", "amount": good, "foreign_id": fmt.Sprint("17-", i)})))
		}
		h.served(h.call(h.live, "invoices/create", order(map[string]any{"amount": "106.75000000", "foreign_id": "17-x"})))
	})
	item("18 decimals", func(h *house) {
		h.refuses("", h.call(h.live, "invoices/create", order(map[string]any{"amount": raw("10.001"), "foreign_id": "18"})), 400, `{"errors":{"amount":"The amount format is invalid."}}`)
	})
	item("28 name for title", func(h *house) {
		if c := h.create(h.live, map[string]any{"title": nil, "name": "Order 28", "foreign_id": "28"}); c.Title != "Order 28" || c.Name != c.Title {
			h.Errorf("%+v", c)
		}
	})
	item("29 too small, taken", func(h *house) {
		h.refuses("", h.call(h.live, "invoices/create", order(map[string]any{"amount": "9.99", "foreign_id": "29"})), 400,
			`{"errors":{"amount":"The amount is too small. The minimum amount is 10.00 EUR."}}`)
		h.create(h.live, map[string]any{"foreign_id": "29"})
		h.refuses("", h.call(h.live, "invoices/create", order(map[string]any{"foreign_id": "29"})), 400, taken)
	})
	item("30 links", func(h *house) {
		for _, field := range []string{"url_success", "url_failed"} {
			for _, bad := range []string{"javascript:alert(1)", "/ok", "https://a:b@shop.example/", "https://shop.example/\r\n"} {
				h.refuses(bad, h.call(h.live, "invoices/create", order(map[string]any{field: bad, "foreign_id": "30"})), 400,
					`{"errors":{"`+field+`":"The `+strings.ReplaceAll(field, "_", " ")+` format is invalid."}}`)
			}
		}
	})
	item("32 codes", func(h *house) {
		h.served(h.call(h.live, "invoices/create", order(map[string]any{"foreign_id": "32"})))
		h.served(h.call(h.live, "currencies/list", "null"))
	})
}

// served wants exactly 200 and the envelope.
func (h *house) served(a answer) {
	h.Helper()
	if a.status != http.StatusOK || !strings.HasPrefix(a.body, `{"data":`) {
		h.Errorf("%d %s", a.status, a.body)
	}
}

// unsigned is a request without the headers of this dialect.
func unsigned(method, path, body string) *http.Request {
	return httptest.NewRequest(method, base+"/api/v2/"+path, strings.NewReader(body))
}

// TestNothingIsKept is what security.md asks of refused requests (A to E, N): not a row is written or changed.
func TestNothingIsKept(t *testing.T) {
	h := openHouse(t)
	h.create(h.live, map[string]any{"foreign_id": "taken"})
	before := h.dump()
	good := order(nil)
	signed := func(body, signature string) *http.Request {
		r := newRequest(h.live, http.MethodPost, "/api/v2/invoices/create", body)
		r.Header.Set("X-Processing-Signature", signature)
		return r
	}
	but := func(field string, value any) *http.Request {
		body := order(map[string]any{field: value})
		return signed(body, sign(liveSecret, body))
	}
	packed := signed(good, sign(liveSecret, good))
	packed.Header.Set("Content-Encoding", "gzip")
	for name, r := range map[string]*http.Request{
		"A02 signed with a newline":     signed(good, sign(liveSecret, good+"\n")),
		"A03 no signature":              signed(good, ""),
		"A04 another's secret":          signed(good, sign(testSecret, good)),
		"A05 no secret":                 signed(good, sign("", good)),
		"A08 sent again":                but("foreign_id", "taken"),
		"C01 duplicate key":             signed(`{"amount":"1",`+good[1:], sign(liveSecret, `{"amount":"1",`+good[1:])),
		"C03 deep":                      signed(strings.Repeat("[", 10_000), sign(liveSecret, strings.Repeat("[", 10_000))),
		"C04 compressed":                packed,
		"C05 NUL":                       but("title", "a\x00"),
		"C06 amount of another kind":    but("amount", []int{1}),
		"C08 NaN":                       signed(`{"amount":NaN}`, sign(liveSecret, `{"amount":NaN}`)),
		"C09 long title":                but("title", runes(51)),
		"D01 large exponent":            but("amount", raw("1e999999")),
		"D02 zero":                      but("amount", 0),
		"D05 too small":                 but("amount", "9.99"),
		"D07 coin not taken":            but("sender_currency", "LTCT"),
		"N01 script":                    but("url_success", "javascript:alert(1)"),
		"no rate":                       but("currency", "SEK"),
		"no rate for the coin, no coin": but("sender_currency", "ETH"),
	} {
		if a := h.do(r); a.status < 400 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		if after := h.dump(); after != before {
			t.Fatalf("%s left something:\n%s\nbefore\n%s", name, after, before)
		}
	}
	h.create(h.live, nil)
	if h.dump() == before {
		t.Error("the rows are not looked at")
	}
}

// dump is everything that is stored.
func (h *house) dump() string {
	h.Helper()
	db, err := sql.Open("sqlite", "file:"+h.file+"?mode=ro")
	h.must(err)
	defer db.Close()
	var out strings.Builder
	for _, table := range h.query(db, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name") {
		for _, row := range h.query(db, "SELECT * FROM "+table) {
			out.WriteString(table + ": " + row + "\n")
		}
	}
	return out.String()
}

// query reads rows, each as one text.
func (h *house) query(db *sql.DB, text string) []string {
	h.Helper()
	rows, err := db.QueryContext(h.Context(), text)
	h.must(err)
	defer rows.Close()
	columns, err := rows.Columns()
	h.must(err)
	var list []string
	for rows.Next() {
		values := make([]string, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		h.must(rows.Scan(into...))
		list = append(list, strings.Join(values, " "))
	}
	h.must(rows.Err())
	return list
}
