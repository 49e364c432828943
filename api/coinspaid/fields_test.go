package coinspaid_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// raw is JSON that is put into a request as it stands.
type raw = json.RawMessage

// The sentences of section 2.2 for one field.
func required(field string) map[string]string { return says(field, "The %s field is required.") }
func format(field string) map[string]string   { return says(field, "The %s format is invalid.") }
func selected(field string) map[string]string { return says(field, "The selected %s is invalid.") }
func boolean(field string) map[string]string {
	return says(field, "The %s field must be true or false.")
}
func email(field string) map[string]string {
	return says(field, "The %s must be a valid email address.")
}
func tooLong(field string, n int) map[string]string {
	return says(field, fmt.Sprintf("The %%s may not be greater than %d characters.", n))
}
func says(field, sentence string) map[string]string {
	return map[string]string{field: strings.Replace(sentence, "%s", strings.ReplaceAll(field, "_", " "), 1)}
}

// field is one value of one field and what is wrong with it: nil if nothing is.
type field struct {
	name  string
	value any
	wrong map[string]string
}

// many are several values with the same fault.
func many(name string, wrong map[string]string, values ...any) []field {
	var list []field
	for _, v := range values {
		list = append(list, field{name, v, wrong})
	}
	return list
}

// absent is what all of these mean.
var absent = []any{nil, raw("null"), "", " ", " \t\n", "\u00a0"}

func runes(n int) string { return strings.Repeat("é", n) }

func fieldCases() []field {
	var list []field
	for _, name := range []string{"timer", "title", "currency", "amount", "foreign_id", "url_success", "url_failed", "email_user"} {
		list = append(list, many(name, required(name), absent...)...)
	}
	for _, name := range []string{"sender_currency", "description", "type", "end_user_reference", "sender_type", "sender_data"} {
		list = append(list, many(name, nil, absent...)...)
	}
	add := func(more ...field) { list = append(list, more...) }
	add(many("timer", nil, true, false, 0, 1, "0", "1", "true", "false")...)
	add(many("timer", boolean("timer"), 2, -1, raw("1.0"), raw("1e0"), "yes", "TRUE", "01", []int{}, map[string]any{})...)

	add(many("title", nil, "x", runes(50), "a😀b", "Zoë ☕", "שלום", strings.Repeat("😀", 50), "<script>&'\"\\/")...)
	add(many("title", tooLong("title", 50), runes(51), strings.Repeat("x", 51), strings.Repeat("😀", 51))...)
	add(many("title", format("title"), 7731, true, []string{"x"}, "a\x00b", "a\nb", "a\tb", "a\u0085b", "a\u200bb", "a\u202eb", "a\u2066b", "a\u2028b", "\ufeffa")...)

	add(many("description", nil, "2 mugs", runes(1000), "one\ntwo\r\nthree")...)
	add(many("description", tooLong("description", 1000), runes(1001))...)
	add(many("description", format("description"), 5, "a\x00b", "a\tb", "a\rb", "a\u202eb", "a\u2029b")...)

	add(many("foreign_id", nil, runes(255), 164, 0, raw("9007199254740993"), raw(strings.Repeat("9", 255)), "a/b c", "1e2", "1.5", "-1")...)
	add(many("foreign_id", tooLong("foreign_id", 255), runes(256), raw(strings.Repeat("9", 256)))...)
	add(many("foreign_id", format("foreign_id"), raw("1e2"), raw("1.5"), raw("-1"), raw("1E+2"), true, []int{1}, map[string]any{"a": 1}, "a\x00", "a\nb", "a\x7fb")...)

	add(many("end_user_reference", nil, "cust-88", runes(255))...)
	add(many("end_user_reference", tooLong("end_user_reference", 255), runes(256))...)
	add(many("end_user_reference", format("end_user_reference"), true, "a\nb")...)

	add(many("currency", nil, "EUR", "USD")...)
	add(many("currency", selected("currency"), ":)", "eur", "EURO", " EUR", "EUR ", "XXX", "LTCT", "ETH", 978, true, []string{"EUR"})...)
	add(many("sender_currency", nil, "BTC")...)
	add(many("sender_currency", selected("sender_currency"), "LTCT", "ETH", "btc", "EUR", "BTC ", 1, []string{"BTC"})...)
	add(many("type", nil, "fill_or_kill", "good_until_expired")...)
	add(many("type", selected("type"), "fill", "Fill_or_kill", 0, false)...)
	add(senderCases()...)

	for _, name := range []string{"url_success", "url_failed"} {
		add(many(name, nil, goodLinks()...)...)
		add(many(name, format(name), badLinks()...)...)
	}
	add(many("email_user", nil, "ada@shop.example", "a.b+c@x-y.shop.example", "O'Hara_1!#$%&*/=?^`{|}~-@a.bc", strings.Repeat("a", 64)+"@"+strings.Repeat("b", 63)+".example", "1@2.3")...)
	add(many("email_user", email("email_user"), "ada", "ada@", "@shop.example", "ada@shop", "a@b@shop.example", "a b@shop.example", "ada@shop..example", "ada@.example",
		"ada@shop.example.", "ada@-shop.example", "ada@shop-.example", ".ada@shop.example", "ada.@shop.example", "a..b@shop.example", `"a b"@shop.example`, "ada@[127.0.0.1]",
		"ada@shop.exa_mple", "ada@shop.example\r\nBcc: x@y.example", "ada\x00@shop.example", "Ada <ada@shop.example>", "ada@shop.example,b@shop.example", "zoë@shop.example",
		strings.Repeat("a", 65)+"@shop.example", "a@"+strings.Repeat("b", 64)+".example", "a@"+strings.Repeat("b.", 130)+"example", 5, true, []string{"ada@shop.example"})...)
	return list
}

func senderCases() []field {
	person := map[string]any{"first_name": "Ada", "last_name": "Lind", "date_of_birth": "1990-04-02"}
	company := map[string]any{"legal_name": "Example Ltd", "country_of_registration": "EST", "email": "x"}
	but := func(of map[string]any, name string, value any) map[string]any {
		c := map[string]any{}
		for k, v := range of {
			c[k] = v
		}
		if c[name] = value; value == nil {
			delete(c, name)
		}
		return c
	}
	list := many("sender_type", nil, "natural", "legal")
	list = append(list, many("sender_type", selected("sender_type"), "self", "Natural", 1)...)
	list = append(list, many("sender_data", nil, person, company, []any{})...)
	list = append(list, many("sender_data", format("sender_data"), "x", 1, true, []any{1})...)
	return append(list,
		field{"sender_data", but(person, "first_name", nil), map[string]string{"sender_data.first_name": "The sender data.first name field is required."}},
		field{"sender_data", but(person, "last_name", 5), map[string]string{"sender_data.last_name": "The sender data.last name format is invalid."}},
		field{"sender_data", but(person, "date_of_birth", "1990-02-30"), map[string]string{"sender_data.date_of_birth": "The sender data.date of birth format is invalid."}},
		field{"sender_data", but(person, "date_of_birth", "2.4.1990"), map[string]string{"sender_data.date_of_birth": "The sender data.date of birth format is invalid."}},
		field{"sender_data", but(person, "first_name", runes(256)), map[string]string{"sender_data.first_name": "The sender data.first name may not be greater than 255 characters."}},
		field{"sender_data", but(company, "country_of_registration", "EE"), map[string]string{"sender_data.country_of_registration": "The selected sender data.country of registration is invalid."}},
		field{"sender_data", but(company, "country_of_registration", nil), map[string]string{"sender_data.country_of_registration": "The sender data.country of registration field is required."}},
		field{"sender_data", map[string]any{}, map[string]string{
			"sender_data.first_name": "The sender data.first name field is required.", "sender_data.last_name": "The sender data.last name field is required.",
			"sender_data.date_of_birth": "The sender data.date of birth field is required.",
		}},
	)
}

func goodLinks() []any {
	long := "https://shop.example/"
	return []any{
		"https://shop.example/ok", "http://shop.example", "HTTPS://Shop.Example:8443/a?b=c&d=%0d%0a#e", "https://bücher.example/ü", "https://xn--bcher-kva.example/",
		"http://127.0.0.1/", "http://[::1]:8080/x", "https://shop.example/" + strings.Repeat("x", 2048-len(long)), "https://shop.example/?u=a@b:c//",
	}
}

func badLinks() []any {
	long := "https://shop.example/"
	return []any{
		"javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)", "javascript&colon;alert(1)", "data:text/html,x", "vbscript:x", "blob:x",
		"ftp://shop.example/", "file:///etc/passwd", "/ok", "ok", "//shop.example/ok", "https:shop.example", "https:/shop.example", "https://", "https:///ok", "https://:443/", "://x",
		"https://shop.example@evil.example/", "https://shop.example:x@evil.example", "https://:@evil.example/", "https://@evil.example/", `https://shop.example\@evil.example`,
		`https:\\shop.example`, "https://shop.example/\r\nX: 1", "https://shop.example/\x00", "https://shop.example/ ok", " https://shop.example/", "https://shop.example/\u202e",
		"https://shop.example/\u00a0", "https://shop.example/\u3000", "https://shop.example/\u2028", "https://shop.example/\x7f", "https://shop.example:port/", "https://shop.example/%zz",
		"https://sh op.example/", "https://[::1", "https://shop.example/" + strings.Repeat("x", 2049-len(long)), 5, true, []string{"https://shop.example/"},
	}
}

// amounts are the cases of an invoice in EUR. The bounds are 10.00 and 1000000.00.
func amounts() []field {
	list := many("amount", nil, 10, "10", raw("45.5"), "45.50", "106.75000000", raw("45.000000000000000000"), "1000000", raw("1e2"), raw("1.0e+2"), raw("4500e-2"),
		raw("0.000000000000000045e18"), raw("45000000000000000000E-18"))
	list = append(list, many("amount", format("amount"), "1e2", "1E5", "1e999999", raw("1e999999"), "1e-999999999", raw("1e-19"), raw("1e19"), raw("100e-999999999999999999999"),
		"-1", raw("-1"), raw("-0"), raw("-1e1"), "+45", " 45", "45 ", "4 5", "1,0", "45,00", "00.1", "045", "45.", ".5", "0x10", "٤٥", "45€", "NaN", "Infinity",
		true, []int{}, []int{45}, map[string]any{}, raw("0.30000000000000004"), raw("10.001"), "10.001", "45.0000000000000000000", strings.Repeat("9", 65),
		"123456789012345678901", "12345678901234567890.123456789012345678")...)
	list = append(list, many("amount", map[string]string{"amount": "The amount must be at least 10.00."}, "0", "0.00", 0, raw("0e5"), raw("0.000"))...)
	list = append(list, many("amount", map[string]string{"amount": "The amount is too small. The minimum amount is 10.00 EUR."}, "9.99", 1, "0.01", raw("1e-2"))...)
	return append(list, many("amount", map[string]string{"amount": "The amount may not be greater than 1000000.00."}, "1000000.01", "12345678901234567890.12", raw("1e18"))...)
}

// TestFields changes one field of a good request at a time. What is refused names that field alone, at once, and makes
// nothing; what is accepted makes an invoice.
func TestFields(t *testing.T) {
	h := openHouse(t)
	want := 0
	for i, tc := range append(fieldCases(), amounts()...) {
		text, _ := json.Marshal(tc.value)
		t.Run(fmt.Sprintf("%s %.40s", tc.name, text), func(t *testing.T) {
			h := h.in(t)
			changed := map[string]any{"foreign_id": fmt.Sprint("f-", i)}
			changed[tc.name] = tc.value
			began := time.Now()
			a := h.call(h.live, "invoices/create", order(changed))
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("took %s", took)
			}
			if tc.wrong == nil {
				if want++; a.status != http.StatusOK {
					t.Errorf("%d %s", a.status, a.body)
				}
				return
			}
			body, _ := json.Marshal(map[string]any{"errors": tc.wrong})
			h.refuses("", a, http.StatusBadRequest, string(body))
		})
	}
	if got := h.count(h.live); got != want {
		t.Errorf("%d invoices were made, %d accepted", got, want)
	}
}

// TestNullNamesAllFields: one answer names all that is wrong. The alias of title is not among it.
func TestNullNamesAllFields(t *testing.T) {
	h := openHouse(t)
	const all = `{"errors":{"amount":"The amount field is required.","currency":"The currency field is required.","email_user":"The email user field is required.",` +
		`"foreign_id":"The foreign id field is required.","timer":"The timer field is required.","title":"The title field is required.",` +
		`"url_failed":"The url failed field is required.","url_success":"The url success field is required."}}`
	for _, body := range []string{`null`, `{}`, `[]`} {
		h.refuses(body, h.call(h.live, "invoices/create", body), http.StatusBadRequest, all)
	}
	h.refuses("several", h.call(h.live, "invoices/create", order(map[string]any{"currency": ":)", "amount": "x", "title": nil, "name": runes(51), "type": "y"})), http.StatusBadRequest,
		`{"errors":{"amount":"The amount format is invalid.","currency":"The selected currency is invalid.","title":"The title may not be greater than 50 characters.","type":"The selected type is invalid."}}`)
}

// TestPrecision: prices have the decimals of their currency and no more, and bounds are stated in it.
func TestPrecision(t *testing.T) {
	h := openHouse(t)
	for i, tc := range []struct {
		currency, amount string
		wrong            string
	}{
		{"JPY", "5000", ""},
		{"JPY", "5000.0", ""},
		{"JPY", "5000.5", "The amount format is invalid."},
		{"JPY", "1599", "The amount is too small. The minimum amount is 1600 JPY."},
		{"JPY", "1600", ""},
		{"JPY", "0", "The amount must be at least 1600."},
		{"USD", "10.99", "The amount is too small. The minimum amount is 11.00 USD."},
		{"USD", "11.00", ""},
		{"USD", "1100000.01", "The amount may not be greater than 1100000.00."},
		{"BTC", "0.00016", ""},
		{"BTC", "0.00015999", "The amount is too small. The minimum amount is 0.00016000 BTC."},
		{"BTC", "0.000160001", "The amount format is invalid."},
		{"BTC", "0.0001600000", ""},
		{"BTC", "16.00000001", "The amount may not be greater than 16.00000000."},
	} {
		a := h.call(h.live, "invoices/create", order(map[string]any{"currency": tc.currency, "amount": tc.amount, "foreign_id": fmt.Sprint("p-", i)}))
		if tc.wrong == "" && a.status != http.StatusOK || tc.wrong != "" && a.body != `{"errors":{"amount":"`+tc.wrong+`"}}` {
			t.Errorf("%s %s: %d %s", tc.amount, tc.currency, a.status, a.body)
		}
	}
}
