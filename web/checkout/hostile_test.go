package checkout

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"checkout/invoice"
	"checkout/merchant"
	"checkout/web/browsertest"
)

// hostile is what people who wish no good put into fields. What shows that it ran is window.__ran.
var hostile = map[string]string{
	"a script":                 `<script>window.__ran = 1</script>`,
	"an event":                 `"><img src=x onerror="window.__ran = 1">`,
	"out of an attribute":      `' onmouseover='window.__ran=1' x='`,
	"a script's address":       `javascript:window.__ran=1`,
	"an end of everything":     `--></title></style></textarea></script><svg onload=window.__ran=1>`,
	"a template":               `{{7*7}} ${7*7} <%= 7*7 %>`,
	"another direction":        "\u202egpj.exe\u202d \u2066x\u2069",
	"nothing to see":           "a\u200b\u200d\ufeff\u2060b",
	"many marks on one letter": "Z" + strings.Repeat("\u0353\u0347", 200),
	"ten thousand letters":     strings.Repeat("W", 10_000),
	"many lines":               strings.Repeat("line\r\n", 300),
	"half a letter":            "\xff\xfe\xc3",
	"controls":                 "a\x00b\x07c\x1b[31m",
}

// raw says whether a page has hostile text in it as it came. Text without signs of markup is text wherever it stands.
func raw(body, text string) bool {
	return strings.ContainsAny(text, `<"'`) && strings.Contains(body, text)
}

// wellFormed wants a page to be one, whatever is in it.
func wellFormed(t *testing.T, what, body string) {
	t.Helper()
	if strings.Count(body, "<script") != 1 || !strings.HasSuffix(strings.TrimSpace(body), "</html>") || regexp.MustCompile(`<[a-z]+[^>"']*\son[a-z]+=`).MatchString(body) {
		t.Errorf("%s: the page is not what it should be", what)
	}
}

// named gives the merchant another name.
func (s *shop) named(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.name = name
}

// What shops and merchants write is text, on every page, and fits.
func TestHostileTexts(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	at, _, _ := s.serve(t)
	probes := mustRead(t, "testdata/probe.js")
	b.Do(t, chromedp.EmulateViewport(360, 740))
	for name, text := range hostile {
		s.named(text)
		for _, v := range []View{ViewChoose, ViewWaiting, ViewPaid} {
			inv := s.invoiceIn(t, v)
			inv.Title, inv.Description, inv.ForeignID, inv.Email = text, text, text, text
			for _, path := range []string{"", "/fragment", "/receipt"} {
				body := s.ask(http.MethodGet, "/i/"+string(inv.ID)+path, "").Body.String()
				if raw(body, text) {
					t.Errorf("%s in %s%s: as it came", name, v, path)
				}
				if path == "" {
					wellFormed(t, name, body)
				}
			}
			b.Do(t, chromedp.Navigate("about:blank"), chromedp.Navigate(at+"/i/"+string(inv.ID)), chromedp.Evaluate[chromedp.Void](probes))
			if browsertest.JS[bool](t, b, `window.__ran !== undefined || !document.querySelector("main")`) {
				t.Errorf("%s in %s ran, or tore the page apart", name, v)
			}
			if wide := browsertest.JS[int](t, b, `document.documentElement.scrollWidth`); wide > 360 {
				t.Errorf("%s in %s: %d px wide on a phone", name, v, wide)
			}
			// What changes the direction of writing does so in its own place: the amount keeps its own.
			if v == ViewWaiting {
				if got := browsertest.JS[string](t, b, `document.querySelector("[data-testid=amount] data").innerText + getComputedStyle(document.querySelector("[data-testid=amount]")).direction`); got != "0.00044007ltr" {
					t.Errorf("%s: the amount is %q", name, got)
				}
				if got := browsertest.JS[string](t, b, `[".brand bdi", "bdi[data-testid=order]"].map((e) => document.querySelectorAll(e).length).join()`); got != "1,1" {
					t.Errorf("%s: a name is not kept in its own direction", name)
				}
			}
		}
	}
	b.Quiet(t)
}

// A look that nobody checked does no harm: what is no colour, language, theme or origin has no effect.
func TestHostileLook(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewWaiting)
	at := "/i/" + string(inv.ID)
	plain := s.ask(http.MethodGet, at, "").Body.String()
	for name, text := range hostile {
		if err := (merchant.Look{Brand: text}).Check(); err == nil {
			t.Errorf("%s is kept as a colour", name)
		}
		if err := (merchant.Look{Theme: text}).Check(); err == nil {
			t.Errorf("%s is kept as a theme", name)
		}
		if err := (merchant.Look{Origins: []string{"https://shop.example" + text}}).Check(); err == nil {
			t.Errorf("%s is kept as an origin", name)
		}
		s.looks(merchant.Look{Brand: text, Theme: text, Language: text})
		if body := s.ask(http.MethodGet, at, "").Body.String(); body != plain {
			t.Errorf("%s as colour, theme and language changes the page", name)
		}
	}
}

// What comes in an address is looked at, and what is not known is not there.
func TestHostileQueries(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	url0, _, _ := s.serve(t)
	inv := s.invoiceIn(t, ViewWaiting)
	at := "/i/" + string(inv.ID)
	s.lists("https://shop.example", "https://other.example")
	plain := s.ask(http.MethodGet, at, "").Body.String()
	now := func(body string) string { return regexp.MustCompile(` data-now="[^"]*"`).ReplaceAllString(body, "") }
	queries := map[string]string{
		"very long":         "x=" + strings.Repeat("a", 7000),
		"a thousand keys":   strings.Repeat("a=b&", 1000),
		"repeated":          strings.Repeat("lang=xx&theme=x&qr=x&", 50),
		"half letters":      "lang=%ff%fe&theme=%c3&qr=%00&m2=%",
		"semicolons":        "lang=de;theme=dark",
		"nested":            "lang[a][b]=de&theme[]=dark&qr[%24ne]=1",
		"other languages":   "lang=tlh",
		"foreign addresses": "return=https://evil.test&next=//evil.test&url=javascript:1&callback=x",
		"origins alone":     "origin=https://evil.test&channel=0123456789abcdef",
	}
	for name, text := range hostile {
		queries[name] = url.Values{"lang": {text}, "theme": {text}, "qr": {text}, "r": {text}, "embed": {text}, "channel": {text}, "origin": {text}}.Encode()
	}
	for name, query := range queries {
		w := s.ask(http.MethodGet, at+"?"+query, "")
		if w.Code != http.StatusOK || now(w.Body.String()) != now(plain) {
			t.Errorf("%s: %d, and another page", name, w.Code)
		}
	}
	for name, text := range hostile {
		// Known keys with unknown values, of which some stay in links: they are written, not run.
		query := url.Values{"m": {text}, "embed": {"1"}, "channel": {text}, "origin": {"https://shop.example" + text}, "lang": {"de", text}, "theme": {"dark", text}}.Encode()
		w := s.ask(http.MethodGet, at+"?"+query, "")
		if body := w.Body.String(); w.Code != http.StatusOK || raw(body, text) || !strings.Contains(body, `data-parent-origin="" data-channel=""`) {
			t.Errorf("%s with known keys: %d", name, w.Code)
		}
		b.Do(t, chromedp.Navigate(url0+at+"?"+query))
		if browsertest.JS[bool](t, b, `window.__ran !== undefined || !document.querySelector("main")`) {
			t.Errorf("%s in the address ran", name)
		}
	}
	b.Quiet(t)
}

// Forms are answered at the field or refused; an invoice is changed by what is right and by nothing else.
func TestHostileForms(t *testing.T) {
	s := openShop(t)
	s.choose = func(_ *invoice.Invoice, asset string, _ *string) error {
		if asset != "btc" {
			return invoice.ErrMethod
		}
		return nil
	}
	paid, choosing := s.invoiceIn(t, ViewOverpaid), s.invoiceIn(t, ViewChoose)
	unchanged := func(t *testing.T, what string) {
		t.Helper()
		for _, inv := range []*invoice.Invoice{paid, choosing} {
			now, err := s.Find(t.Context(), inv.ID)
			if err != nil || now.Version != 17 || now.RefundAddress != "" {
				t.Fatalf("%s: version %d, refund to %q (%v)", what, now.Version, now.RefundAddress, err)
			}
		}
	}
	post := func(what, path, body string, want int, more ...string) {
		t.Helper()
		s.pass(3 * time.Second) // or there are too many of them
		w := s.ask(http.MethodPost, path, body, more...)
		if w.Code != want {
			t.Errorf("%s to %s: %d, want %d", what, path, w.Code, want)
		}
		for _, text := range hostile {
			if raw(w.Body.String(), text) {
				t.Errorf("%s to %s: comes back as it came", what, path)
			}
		}
		unchanged(t, what)
	}
	refund, method, hint := "/i/"+string(paid.ID)+"/refund-address", "/i/"+string(choosing.ID)+"/method", "/i/"+string(paid.ID)+"/hint"
	for name, text := range hostile {
		post(name, refund, url.Values{"address": {text}}.Encode(), http.StatusBadRequest)
		post(name, method, url.Values{"method": {text}}.Encode(), http.StatusBadRequest)
		post(name+" as e-mail", method, url.Values{"method": {"btc"}, "email": {text + "@"}}.Encode(), http.StatusBadRequest)
		post(name, hint, url.Values{"tx": {text}}.Encode(), http.StatusBadRequest)
	}
	for name, address := range map[string]string{
		"Litecoin": "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9", "an EVM chain": evmAddress, "Tron": tronAddress, "XRP": xrpAddress, "Solana": solAddress,
		"a test network": "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", "a wrong checksum": testAddress[:41] + "5", "two addresses": testAddress + " " + testAddress, "nothing": "",
	} {
		post("an address of "+name, refund, url.Values{"address": {address}}.Encode(), http.StatusBadRequest)
	}
	post("many addresses", refund, "address=x&address="+testAddress, http.StatusBadRequest)
	post("an address in the query", refund+"?address="+testAddress, "", http.StatusBadRequest)
	for name, body := range map[string]string{"bad escapes": "address=%zz", "nested": "address[0]=x", "a thousand keys": strings.Repeat("a=b&", 1000), "another type": `{"address":"x"}`} {
		post(name, refund, body, http.StatusBadRequest)
	}
	for _, site := range []string{"cross-site", "same-site", "evil", "SAME-ORIGIN"} {
		post("a form from "+site, refund, "address="+testAddress, http.StatusForbidden, "Sec-Fetch-Site", site)
		post("a form from "+site, method, "method=btc", http.StatusForbidden, "Sec-Fetch-Site", site)
	}
	for _, verb := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch, "BREW"} {
		if w := s.ask(verb, refund, "address="+testAddress); w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", verb, w.Code)
		}
		unchanged(t, verb)
	}
}

// Hostile words in other headers are nobody's business.
func TestHostileHeaders(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewWaiting)
	at := "/i/" + string(inv.ID)
	plain := s.ask(http.MethodGet, at, "").Body.String()
	for name, text := range hostile {
		text = strings.NewReplacer("\r", "", "\n", "", "\x00", "").Replace(text)
		for _, header := range []string{"Accept-Language", "Accept-Encoding", "User-Agent", "Referer", "Origin", "Cookie", "X-Forwarded-For", "X-Forwarded-Host", "Forwarded"} {
			w := s.ask(http.MethodGet, at, "", header, text)
			if w.Code != http.StatusOK || w.Body.String() != plain || strings.Contains(fmt.Sprint(w.Header()), text) {
				t.Errorf("%s as %s: %d, or another page", name, header, w.Code)
			}
		}
	}
}
