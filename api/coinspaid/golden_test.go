package coinspaid_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"checkout/merchant"
)

var update = flag.Bool("update", false, "write the golden files of exchanges anew (never those of testdata/contract)")

// capability is the random part of a link; golden files have stars there.
var capability = regexp.MustCompile(`/i/[0-9A-HJKMNP-TV-Z]{26}"`)

// golden compares a request and its answer with a file.
func (h *house) golden(name string, r *http.Request, body string) answer {
	h.Helper()
	a := h.do(r)
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s\n%s\n\n%d %s\n", r.Method, r.URL.Path, body, a.status, a.header.Get("Content-Type"))
	for _, more := range []string{"Retry-After", "Allow"} {
		for _, value := range a.header.Values(more) {
			text.WriteString(more + ": " + value + "\n")
		}
	}
	text.WriteString(capability.ReplaceAllString(a.body, `/i/**************************"`) + "\n")
	path := filepath.Join("testdata", name+".txt")
	if *update {
		h.must(os.WriteFile(path, []byte(text.String()), 0o600))
	}
	want, err := os.ReadFile(path)
	h.must(err)
	if text.String() != string(want) {
		h.Errorf("%s: got\n%s\nwant\n%s", name, text.String(), want)
	}
	return a
}

// TestExchanges has a file for every kind of request and answer.
func TestExchanges(t *testing.T) {
	h := openHouse(t)
	create := "/api/v2/invoices/create"
	for _, x := range []struct {
		name, method, path, body string
		key                      merchant.Key
	}{
		{"currencies_list", http.MethodPost, "/api/v2/currencies/list", `null`, h.live},
		{"currencies_list_get", http.MethodGet, "/api/v2/currencies/list", ``, h.live},
		{"currencies_list_test_key", http.MethodPost, "/api/v2/currencies/list", `{"visible":"1"}`, h.test},
		{"currencies_list_bad", http.MethodPost, "/api/v2/currencies/list", `{"visible":"maybe"}`, h.live},
		{"create_type1", http.MethodPost, create, order(map[string]any{"timer": "0", "sender_currency": nil, "foreign_id": "order-7729", "end_user_reference": "cust-88"}), h.live},
		{"create_type2", http.MethodPost, create, order(map[string]any{"timer": "1", "sender_currency": "", "foreign_id": "order-7730", "amount": "106.75000000"}), h.live},
		{"create_type3", http.MethodPost, create, order(map[string]any{"end_user_reference": "cust-88", "description": "2 mugs"}), h.live},
		{"create_type3_partial", http.MethodPost, create, order(map[string]any{"type": "good_until_expired", "foreign_id": "partial"}), h.live},
		{"create_preselected", http.MethodPost, create, order(map[string]any{"timer": false, "foreign_id": "preselected"}), h.live},
		{"create_coin_price", http.MethodPost, create, order(map[string]any{"currency": "BTC", "amount": raw("1e-3"), "foreign_id": raw("9007199254740993")}), h.live},
		{"create_rounded_up", http.MethodPost, create, order(map[string]any{"currency": "USD", "amount": "100", "foreign_id": "rounded up"}), h.live},
		{"create_alias", http.MethodPost, create, order(map[string]any{"title": nil, "name": "Zoë ☕ </script>", "foreign_id": 164}), h.live},
		{"create_php", http.MethodPost, create, `{"timer":"1","title":"Caf\u00e9","currency":"EUR","sender_currency":"BTC","amount":"45","foreign_id":"php\/1","url_success":"https:\/\/shop.example\/ok","url_failed":"https:\/\/shop.example\/failed","email_user":"ada@shop.example","description":null,"type":"","end_user_reference":null,"sender_data":[]}`, h.live},
		{"create_taken", http.MethodPost, create, order(map[string]any{"amount": 46}), h.live},
		{"create_too_small", http.MethodPost, create, order(map[string]any{"amount": "9.99", "foreign_id": "small"}), h.live},
		{"create_too_fine", http.MethodPost, create, order(map[string]any{"amount": raw("10.001"), "foreign_id": "fine"}), h.live},
		{"create_nothing", http.MethodPost, create, `null`, h.live},
		{"create_all_wrong", http.MethodPost, create, `{"timer":"x","title":5,"description":6,"currency":":)","sender_currency":"EUR","amount":" 1","foreign_id":true,"url_success":"javascript:alert(1)","url_failed":"/failed","email_user":"ada","type":"none","end_user_reference":[],"sender_type":"legal","sender_data":{"country_of_registration":"Estonia"}}`, h.live},
		{"bad_format", http.MethodPost, create, `{x`, h.live},
		{"not_found", http.MethodPost, "/api/v2/transactions/nowhere", `{}`, h.live},
		{"wrong_method", http.MethodGet, create, ``, h.live},
	} {
		t.Run(x.name, func(t *testing.T) { h.in(t).golden(x.name, newRequest(x.key, x.method, x.path, x.body), x.body) })
	}
	h.clock.pass(121e9)
	body := order(map[string]any{"foreign_id": "no rate"})
	h.golden("create_no_rate", newRequest(h.live, http.MethodPost, create, body), body)
}

// TestEveryFile walks all answers and callbacks: no floats, money with eight decimals, fractions with six, ids that fit.
func TestEveryFile(t *testing.T) {
	texts := map[string][]byte{}
	for _, pattern := range []string{"testdata/*.txt", "testdata/contract/*.json"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if _, exchange, ok := bytes.Cut(text, []byte("\n\n")); ok {
				text = exchange[bytes.LastIndexByte(bytes.TrimSpace(exchange), '\n')+1:]
			}
			if filepath.Base(file) != "create_request.json" {
				texts[file] = text
			}
		}
	}
	for file, text := range texts {
		var v any
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.UseNumber()
		if err := dec.Decode(&v); err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		walk(v, "", func(name string, v any) {
			if wrong := wrongValue(name, v); wrong != "" {
				t.Errorf("%s: %s is %v: %s", file, name, v, wrong)
			}
		})
	}
}

// walk visits every member with its name; those of lists have the list's.
func walk(v any, name string, visit func(name string, v any)) {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			walk(member, name, visit)
		}
	case []any:
		for _, item := range v {
			walk(item, name, visit)
		}
	default:
		visit(name, v)
	}
}

var (
	money8   = regexp.MustCompile(`^[0-9]+\.[0-9]{8}$`)
	percent6 = regexp.MustCompile(`^[0-9]\.[0-9]{6}$`)
)

// wrongValue says what is wrong with a member by the rules of section 3.1.
func wrongValue(name string, v any) string {
	text, isText := v.(string)
	n, isNumber := v.(json.Number)
	if isNumber {
		if i, err := strconv.ParseInt(n.String(), 10, 32); err != nil || i < 0 {
			return "not a 32-bit integer"
		}
	}
	switch {
	case v == nil:
	case strings.HasSuffix(name, "_percent"):
		if !percent6.MatchString(text) {
			return "not a fraction with six decimals"
		}
	case name == "amount" || strings.HasSuffix(name, "_amount") || name == "balance":
		if !money8.MatchString(text) && !strings.HasPrefix(text, "The ") { // or a sentence about the field
			return "not a sum with eight decimals"
		}
	case name == "cross_currency":
		if v != true {
			return "not true"
		}
	case name == "id" || strings.HasSuffix(name, "_at") || name == "seconds_left" || name == "precision":
		if !isNumber {
			return "not an integer"
		}
	case name != "status" || !isNumber:
		if !isText {
			return "not a string"
		}
	}
	return ""
}
