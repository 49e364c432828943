package merchant

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestOrigins(t *testing.T) {
	for _, good := range []string{
		"https://shop.example", "https://shop.example:8443", "https://xn--bcher-kva.example", "https://203.0.113.7", "https://[2001:db8::1]:8443",
		"http://localhost", "http://localhost:3000", "http://127.0.0.1:8080", "http://[::1]:1", "https://*.shop.example", "https://localhost",
	} {
		if err := (Look{Origins: []string{good}}).Check(); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "*", "https://*", "https://*.example", "https://*.co.uk", "https://*.github.io", "https://*.com", "http://shop", "http://shop.example", "https://shop/path", "https://shop.example/", "shop.example", "//shop.example",
		"https://shop.example:443", "http://localhost:80", "https://shop.example:", "https://shop.example:0", "https://shop.example:99999", "https://shop.example:08443",
		"https://Shop.example", "HTTPS://shop.example", "https://a@shop.example", "https://shop.example?x", "https://shop.example#x", "https://*.*.shop.example",
		"https://shop.example;script-src *", "https://shop.example 'self'", "https://-shop.example", "https://shop..example", "data:", "null", "'self'",
	} {
		if err := (Look{Origins: []string{bad}}).Check(); !errors.Is(err, ErrOrigin) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	var many []string
	for n := range 51 {
		many = append(many, fmt.Sprintf("https://shop%d.example", n))
	}
	if err := (Look{Origins: many[:50]}).Check(); err != nil {
		t.Error(err)
	}
	if err := (Look{Origins: many}).Check(); !errors.Is(err, ErrOrigins) {
		t.Error(err)
	}
	for colour, want := range map[string]error{"": nil, "#f7931a": nil, "#F7931A": ErrBrand, "#fff": ErrBrand, "red": ErrBrand, "#f7931a;": ErrBrand, "f7931a0": ErrBrand} {
		if err := (Look{Brand: colour}).Check(); !errors.Is(err, want) {
			t.Errorf("%q: %v", colour, err)
		}
	}
	for theme, want := range map[string]error{"": nil, "light": nil, "dark": nil, "pink": ErrTheme} {
		if err := (Look{Theme: theme}).Check(); !errors.Is(err, want) {
			t.Errorf("%q: %v", theme, err)
		}
	}
}

func TestTexts(t *testing.T) {
	for text, good := range map[string]bool{
		"Thank you!": true, "Two\nlines": true, "<b>& so on": true, strings.Repeat("ä", 500): true, strings.Repeat("ä", 501): false, "": false, " \n ": false,
		"bell\a": false, "\u202egnitrever": false, "zero\u200bwidth": false, "bad\xffbytes": false, "carriage\rreturn": false,
	} {
		if err := (Look{Texts: map[string]Texts{"en": {TextPaid: text}}}).Check(); (err == nil) != good {
			t.Errorf("%.40q: %v", text, err)
		}
	}
	if err := (Look{Texts: map[string]Texts{"en": {"title": "x"}}}).Check(); !errors.Is(err, ErrTexts) {
		t.Errorf("a place there is not: %v", err)
	}
	l := Look{Language: "de", Texts: map[string]Texts{"en": {TextPaid: "en", TextIntro: "intro"}, "de": {TextPaid: "de"}, "fr": {TextPaid: "fr"}}}
	for language, want := range map[string]string{"fr": "fr", "de": "de", "ja": "de", "en": "en"} {
		if got := l.Text(TextPaid, language); got != want {
			t.Errorf("to who reads %s: %q, want %q", language, got, want)
		}
	}
	if got := l.Text(TextIntro, "fr") + l.Text(TextSupport, "fr"); got != "intro" {
		t.Errorf("said %q", got)
	}
}

func TestCodes(t *testing.T) {
	many := map[string]string{}
	for n := range maxCodes + 1 {
		many[fmt.Sprint("asset-", n)] = "uri"
	}
	for _, bad := range []map[string]string{{"btc": ""}, {"btc": "URI"}, {"btc": "tag"}, {"": "uri"}, many} {
		if err := (Look{Codes: bad}).Check(); !errors.Is(err, ErrCode) {
			t.Errorf("%.60v: %v", bad, err)
		}
	}
	if err := (Look{Codes: map[string]string{"btc": "address", "usdt-ethereum": "uri"}, UpperCodes: true}).Check(); err != nil {
		t.Error(err)
	}
}

func TestEmbeds(t *testing.T) {
	l := Look{Origins: []string{"https://shop.example", "https://*.stores.example", "http://localhost:3000"}}
	for origin, want := range map[string]bool{
		"https://shop.example": true, "http://localhost:3000": true, "https://a.stores.example": true, "https://a.b.stores.example": true,
		"": false, "https://shop.example.evil": false, "https://shop.exampl": false, "http://shop.example": false, "https://shop.example:8443": false,
		"https://stores.example": false, "https://evilstores.example": false, "http://a.stores.example": false, "https://a.stores.example:1/.stores.example": false,
		"https://evil.example/.stores.example": false, "null": false,
	} {
		if got := l.Embeds(origin); got != want {
			t.Errorf("%q: %v", origin, got)
		}
	}
	if (Look{}).Embeds("https://shop.example") {
		t.Error("nobody is listed, and somebody may")
	}
}
