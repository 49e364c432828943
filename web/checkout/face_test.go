package checkout

import (
	"image/png"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"checkout/fault"
	"checkout/invoice"
)

// headings are what each view says first, in English.
var headings = map[View]string{
	ViewChoose: "Choose how to pay", ViewWaiting: "Waiting for your payment", ViewWaitingExpiring: "The price is locked for 2 more minutes",
	ViewDetected: "Payment seen — waiting for the network", ViewConfirming: "Confirming: 2 of 6", ViewPaid: "Paid. Thank you!",
	ViewUnderpaid: "0.0003 BTC received — 0.00014007 BTC still missing", ViewOverpaid: "Paid — you sent 0.0001 BTC too much",
	ViewExpired: "The price lock has ended", ViewExpiredUnderpaid: "Payment incomplete", ViewLate: "Your payment arrived late",
	ViewPaidLate: "Paid (late). Thank you!", ViewFailed: "That transaction did not go through", ViewCancelled: "This payment was cancelled",
	ViewUnavailable: "This coin is not available right now",
	ViewWrongAsset:  "We received 0.27641 LTCT on Bitcoin, but asked for BTC on Bitcoin", ViewRefundPending: "Refund on its way", ViewRefunded: "Refunded: 0.0001 BTC",
}

func TestItem26EveryViewHasAPage(t *testing.T) {
	for _, v := range views() {
		s := openShop(t)
		inv := s.invoiceIn(t, v)
		w := s.ask("GET", "/i/"+string(inv.ID), "")
		body := w.Body.String()
		if w.Code != 200 {
			t.Fatalf("%s: %d %s", v, w.Code, body)
		}
		if !strings.Contains(body, `data-state="`+string(v)+`"`) {
			t.Errorf("%s: shows %q", v, regexp.MustCompile(`data-state="[^"]*"`).FindString(body))
		}
		if got := regexp.MustCompile(`<h1>([^<]*)</h1>`).FindAllStringSubmatch(body, -1); len(got) != 1 || got[0][1] != headings[v] {
			t.Errorf("%s: headings %v", v, got)
		}
		if !strings.Contains(body, "mailto:support@acme.example?subject=Order%201001") {
			t.Errorf("%s: no way to ask for help", v)
		}
		if got := strings.Contains(body, testAddress) || strings.Contains(body, "data-qr-content"); got != payable(v) {
			t.Errorf("%s: the address is there: %v", v, got)
		}
		if got := strings.Contains(body, `http-equiv="refresh"`); got != (!v.Final() && v != ViewChoose) {
			t.Errorf("%s: reloads without script: %v", v, got)
		}
		for _, never := range []string{" style=", "<script>", "onclick", "javascript:", "Set-Cookie"} {
			if strings.Contains(body, never) {
				t.Errorf("%s: contains %q", v, never)
			}
		}
		fragment := s.ask("GET", "/i/"+string(inv.ID)+"/fragment?rev=17", "").Body.String()
		if !strings.HasPrefix(fragment, "<main") || !strings.Contains(body, fragment) {
			t.Errorf("%s: the fragment is not the page's live part", v)
		}
	}
}

func TestPageHeaders(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewWaiting)
	for target, status := range map[string]int{"/i/" + string(inv.ID): 200, "/i/" + string(inv.ID) + "/fragment": 200, "/nothing": 404, "/i/" + string(inv.ID) + "/qr.svg": 200} {
		w := s.ask("GET", target, "")
		h := w.Header()
		if w.Code != status {
			t.Errorf("%s: %d", target, w.Code)
		}
		for name, want := range map[string]string{
			"Cache-Control": "private, no-store", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex",
			"X-Content-Type-Options": "nosniff", "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s: %q, want %q", target, name, got, want)
			}
		}
		if csp := h.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "default-src 'none'") {
			t.Errorf("%s: %s", target, csp)
		}
		if h.Get("Set-Cookie") != "" || h.Get("Access-Control-Allow-Origin") != "" || h.Get("Etag") != "" {
			t.Errorf("%s: %v", target, h)
		}
	}
	if w := s.ask("GET", "/i/"+string(inv.ID), "", "Accept-Encoding", "gzip"); w.Header().Get("Content-Encoding") != "gzip" || w.Body.Len() > 14<<10 {
		t.Errorf("a page of %d bytes compressed (%s)", w.Body.Len(), w.Header().Get("Content-Encoding"))
	} else {
		t.Logf("the page is %d bytes compressed", w.Body.Len())
	}
	if w := s.ask("HEAD", "/i/"+string(inv.ID), ""); w.Code != 200 || w.Body.Len() != 0 {
		t.Errorf("HEAD: %d, %d bytes", w.Code, w.Body.Len())
	}
}

func TestUnknownIsLimited(t *testing.T) {
	s := openShop(t)
	for i := range 60 {
		if w := s.ask("GET", "/i/00000000000000000000000000", ""); w.Code != 404 {
			t.Fatalf("request %d: %d", i+1, w.Code)
		}
	}
	w := s.ask("GET", "/i/00000000000000000000000000", "")
	if w.Code != 429 || w.Header().Get("Retry-After") == "" {
		t.Errorf("the 61st: %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	inv := s.invoiceIn(t, ViewWaiting)
	if w := s.ask("GET", "/i/"+string(inv.ID), ""); w.Code != 200 {
		t.Errorf("a page that exists: %d", w.Code)
	}
}

func TestAddressMismatchShowsNothing(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewWaiting)
	s.address = invoice.ErrAddress
	for _, target := range []string{"", "/fragment", "/status", "/qr.svg", "/qr.png"} {
		w := s.ask("GET", "/i/"+string(inv.ID)+target, "")
		if w.Code != 503 || strings.Contains(w.Body.String(), testAddress) || strings.Contains(w.Body.String(), "crispEdges") {
			t.Errorf("%q: %d %s", target, w.Code, w.Body)
		}
	}
	if body := s.ask("GET", "/i/"+string(inv.ID), "").Body.String(); !strings.Contains(body, "Payment details unavailable") {
		t.Errorf("%s", body)
	}
}

func TestMethodForm(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewChoose)
	at := "/i/" + string(inv.ID) + "/method"
	var got []string
	result := error(nil)
	s.choose = func(_ *invoice.Invoice, asset string, email *string) error {
		if email == nil {
			got = append(got, asset)
		} else {
			got = append(got, asset+" "+*email)
		}
		return result
	}
	for _, c := range []struct {
		name, body string
		result     error
		status     int
		says       string
		called     string
	}{
		{"chosen", "method=btc&email=kim%40example.com", nil, 303, "", "btc kim@example.com"},
		{"an e-mail shops take", "method=btc&email=o%27brien%40shop.example", nil, 303, "", "btc o'brien@shop.example"},
		{"no e-mail", "method=ltct&email=", nil, 303, "", "ltct "},
		{"spaces", "method=btc&email=+kim%40example.com+", nil, 303, "", "btc kim@example.com"},
		{"nothing chosen", "email=kim%40example.com", nil, 400, "Please choose a coin.", ""},
		{"a bad e-mail", "method=btc&email=kim%40example", nil, 400, "Please check the e-mail address", ""},
		{"a second line", "method=btc&email=kim%40example.com%0d%0aBcc:x%40example.com", nil, 400, "Please check the e-mail address", ""},
		{"not offered", "method=eth", invoice.ErrMethod, 400, "Please choose another.", "eth"},
		{"no rate", "method=btc", fault.New(fault.Unavailable, "no_rate", "No rate"), 503, "Please choose another.", "btc"},
		{"meanwhile paid", "method=btc", invoice.ErrState, 303, "", "btc"}, {"locked too often", "method=btc", invoice.ErrRenewals, 303, "", "btc"},
		{"broken", "method=btc", errBroken, 500, "Something went wrong on our side", "btc"},
	} {
		got, result = nil, c.result
		w := s.ask("POST", at+"?r=0&qr=address", c.body)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) || strings.Join(got, ",") != c.called {
			t.Errorf("%s: %d, called with %q: %s", c.name, w.Code, got, w.Body)
		}
		if want := "/i/" + string(inv.ID) + "?qr=address&r=0"; c.status == 303 && w.Header().Get("Location") != want {
			t.Errorf("%s: leads to %q", c.name, w.Header().Get("Location"))
		}
		if strings.Contains(w.Body.String(), "disk") {
			t.Errorf("%s: tells its cause", c.name)
		}
		s.pass(time.Minute)
	}
	w := s.ask("POST", at, "method=ltct&email=wr%22ong")
	if body := w.Body.String(); !strings.Contains(body, `value="wr&#34;ong"`) || !strings.Contains(body, `value="ltct" required checked`) || !strings.Contains(body, `aria-invalid="true"`) {
		t.Errorf("the form came back without what was filled in: %s", body)
	}
}

func TestForeignForms(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewChoose)
	s.choose = func(*invoice.Invoice, string, *string) error { return nil }
	for site, want := range map[string]int{"same-origin": 303, "none": 303, "": 303, "cross-site": 403, "same-site": 403, "rubbish": 403} {
		if w := s.ask("POST", "/i/"+string(inv.ID)+"/method", "method=btc", "Sec-Fetch-Site", site); w.Code != want {
			t.Errorf("%q: %d, want %d", site, w.Code, want)
		}
	}
	if w := s.ask("GET", "/i/"+string(inv.ID)+"/method", ""); w.Code != 405 {
		t.Errorf("GET of a form's target: %d", w.Code)
	}
}

func TestRequote(t *testing.T) {
	s := openShop(t)
	for _, c := range []struct {
		result error
		status int
		says   string
	}{
		{nil, 303, ""}, {invoice.ErrState, 303, ""}, {invoice.ErrRenewals, 303, ""},
		{fault.New(fault.Unavailable, "no_rate", "No rate"), 503, "This coin is not available right now"}, {errBroken, 500, "Something went wrong"},
	} {
		inv := s.invoiceIn(t, ViewExpired)
		s.requote = func(*invoice.Invoice) error { return c.result }
		w := s.ask("POST", "/i/"+string(inv.ID)+"/requote", "")
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%v: %d %s", c.result, w.Code, w.Body)
		}
	}
}

func TestItem31RenewalsRunOut(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewExpired)
	page := func() string { return s.ask("GET", "/i/"+string(inv.ID), "").Body.String() }
	if !strings.Contains(page(), "Get a new price") {
		t.Error("no new price offered")
	}
	for range 12 {
		q := inv.Quotes[0]
		q.ID, q.Renewal, q.ByPayer = "OLDER", true, true
		q.At = q.At.Add(-time.Hour)
		inv.Quotes = append(inv.Quotes, q)
	}
	if body := page(); strings.Contains(body, "Get a new price") || !strings.Contains(body, "For a new price write to") {
		t.Error("a thirteenth new price is offered")
	}
	inv.Terms.MaxRenewals = 0
	if body := page(); strings.Contains(body, "For a new price") || !strings.Contains(body, "Return to") {
		t.Error("terms without renewals offer one")
	}
}

func TestViewStateIsInTheAddress(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewWaiting)
	id := string(inv.ID)
	uri := "bitcoin:" + testAddress + "?amount=0.00044007"
	for target, c := range map[string]struct{ has, lacks string }{
		"":                   {`data-qr-content="` + uri + `"`, "data-theme"},
		"?qr=address":        {`data-qr-content="` + testAddress + `"`, `data-qr-content="bitcoin`},
		"?qr=nonsense":       {`data-qr-content="` + uri + `"`, "nonsense"},
		"?theme=dark":        {`data-theme="dark"`, `data-theme="light"`},
		"?theme=%22onload=x": {`lang="en"`, "onload"},
		"?r=0":               {"Automatic refresh is off.", `http-equiv="refresh"`},
		"?r=0&qr=address":    {`action-kept`, ""},
		"?m=":                {`data-state="choose"`, testAddress},
		"?m=ltct":            {`value="ltct" required checked`, testAddress},
		"?m=btc":             {`data-state="waiting"`, ""},
	} {
		body := s.ask("GET", "/i/"+id+target, "").Body.String()
		if c.has == "action-kept" {
			c.has = `href="/i/` + id + `?m=&amp;qr=address&amp;r=0"`
		}
		if !strings.Contains(body, c.has) || (c.lacks != "" && strings.Contains(body, c.lacks)) {
			t.Errorf("%q: has %v, lacks %v", target, strings.Contains(body, c.has), !strings.Contains(body, c.lacks))
		}
		if !strings.Contains(body, `data-payment-uri="`+uri+`"`) && !strings.Contains(body, `data-state="choose"`) {
			t.Errorf("%q: the payment URI is not in the page", target)
		}
	}
	seen := s.invoiceIn(t, ViewDetected)
	if body := s.ask("GET", "/i/"+string(seen.ID)+"?m=ltct", "").Body.String(); !strings.Contains(body, `data-state="detected"`) {
		t.Error("the method form comes back after money was seen")
	}
}

func TestWhatStrangersWroteIsText(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewWaiting)
	inv.Title = `<script>window.__x=1</script>`
	inv.Description = `"><img src=x onerror=alert(1)>`
	body := s.ask("GET", "/i/"+string(inv.ID), "").Body.String()
	if strings.Contains(body, "<script>window") || strings.Contains(body, "<img src=x") || !strings.Contains(body, "&lt;script&gt;window.__x=1&lt;/script&gt;") {
		t.Error("not escaped")
	}
	paid := s.invoiceIn(t, ViewPaid)
	for at, want := range map[string]string{
		"https://shop.example/thanks?o=1001": `href="https://shop.example/thanks?o=1001&amp;invoice=` + string(paid.ID) + `"`,
		"https://shop.example":               `href="https://shop.example?invoice=` + string(paid.ID) + `"`,
		"javascript:alert(1)":                "", "//evil.test": "", `/\evil.test`: "", "https://shop.example@evil.test/": "", "data:text/html,x": "", "https://shop.example/\u202e": "",
	} {
		paid.SuccessURL = at
		body := s.ask("GET", "/i/"+string(paid.ID), "").Body.String()
		if want != "" && !strings.Contains(body, want) {
			t.Errorf("%s: no %s", at, want)
		}
		if want == "" && strings.Contains(body, "Return to") {
			t.Errorf("%s: is a link", at)
		}
	}
}

func TestSupportLinks(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewWaiting)
	for support, want := range map[string]string{
		"https://acme.example/help/": `href="https://acme.example/help/"`, "support@acme.example": `href="mailto:support@acme.example?subject=`,
		"": "", "javascript:alert(1)": "", "not an address": "", "x@y.example?bcc=z@evil.test": "",
	} {
		s.support = support
		body := s.ask("GET", "/i/"+string(inv.ID), "").Body.String()
		if (want == "") == strings.Contains(body, `data-testid="support"`) || !strings.Contains(body, want) {
			t.Errorf("%q: %v", support, regexp.MustCompile(`<a href="[^"]*" rel="[^"]*" data-testid="support"`).FindString(body))
		}
	}
}

func TestPictures(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewWaiting)
	w := s.ask("GET", "/i/"+string(inv.ID)+"/qr.png?kind=address", "")
	picture, err := png.Decode(w.Body)
	if w.Code != 200 || err != nil || w.Header().Get("Content-Type") != "image/png" || picture.Bounds().Dx() != (29+8)*8 {
		t.Errorf("PNG: %d %v %v", w.Code, err, w.Header())
	}
	if got := w.Header().Get("Content-Disposition"); got != `inline; filename="`+inv.ID.Short()+`.png"` {
		t.Errorf("PNG: %s", got)
	}
	for kind, side := range map[string]string{"": "45", "uri": "45", "address": "37"} {
		w := s.ask("GET", "/i/"+string(inv.ID)+"/qr.svg?kind="+kind, "")
		if w.Code != 200 || w.Header().Get("Content-Type") != "image/svg+xml" || !strings.Contains(w.Body.String(), `viewBox="0 0 `+side+" "+side) {
			t.Errorf("SVG %q: %d %.120s", kind, w.Code, w.Body)
		}
	}
	for _, v := range []View{ViewDetected, ViewPaid, ViewCancelled, ViewExpired, ViewChoose} {
		inv := s.invoiceIn(t, v)
		s.pass(time.Minute)
		if w := s.ask("GET", "/i/"+string(inv.ID)+"/qr.png", ""); w.Code != 404 {
			t.Errorf("%s: %d", v, w.Code)
		}
	}
}

func TestOldAddress(t *testing.T) {
	s := openShop(t)
	w := s.ask("GET", "/invoice/7K3M9Q2X5T8V4B6N7K3M9Q2X5T?theme=dark&next=https://evil.test", "")
	if w.Code != 303 || w.Header().Get("Location") != "/i/7K3M9Q2X5T8V4B6N7K3M9Q2X5T?theme=dark" {
		t.Errorf("%d %s", w.Code, w.Header().Get("Location"))
	}
}

func TestPlayedCoinsAreNotForWallets(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewWaiting)
	if body := s.ask("GET", "/i/"+string(inv.ID), "").Body.String(); !strings.Contains(body, `href="bitcoin:`+testAddress+`?amount=0.00044007&amp;label=Acme%20Coffee&amp;message=Order%201001`) {
		t.Error("no wallet link for bitcoin")
	}
	played := s.invoiceIn(t, ViewWaiting)
	played.Asset, played.Quotes[0].Asset, played.Addresses[0].Asset, played.Addresses[0].Network = "ltct", "ltct", "ltct", "rehearsal"
	played.Quotes[0].Due = amount(t, played.Methods[1].Currency, "0.27642277")
	played.Quotes[0].Rate = mustRate(t, played.Methods[1].Currency)
	played.Restore()
	if body := s.ask("GET", "/i/"+string(played.ID), "").Body.String(); strings.Contains(body, "open-in-wallet") || !strings.Contains(body, ">0.27642277</data>") {
		t.Error("a wallet is offered a coin it would take for a real one")
	}
}

func TestRoutes(t *testing.T) {
	var got []string
	err := chi.Walk(openShop(t).face.routes.(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if strings.HasPrefix(route, "/a/") {
			return nil
		}
		got = append(got, method+" "+route)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	want := []string{
		"GET /i/{id}", "GET /i/{id}/fragment", "GET /i/{id}/qr.png", "GET /i/{id}/qr.svg", "GET /i/{id}/receipt", "GET /i/{id}/status", "GET /invoice/{id}", "GET /m/{merchant}/{file}",
		"POST /csp", "POST /i/{id}/hint", "POST /i/{id}/method", "POST /i/{id}/refund-address", "POST /i/{id}/requote",
	}
	if !slices.Equal(got, want) {
		t.Errorf("routes %q", got)
	}
}

func TestReports(t *testing.T) {
	for body, want := range map[string][]violation{
		`[{"type":"csp-violation","url":"https://pay.example.com/i/SECRET","body":{"effectiveDirective":"script-src-elem","blockedURL":"https://evil.test/x.js?SECRET"}}]`: {{"script-src-elem", "https://evil.test"}},
		`[{"type":"csp-violation","body":{"effectiveDirective":"style-src-attr","blockedURL":"inline"}},{"type":"deprecation","body":{}}]`:                                 {{"style-src-attr", "inline"}},
		`{"csp-report":{"violated-directive":"img-src 'self'","blocked-uri":"data"}}`:                                                                                      {{"img-src", "data"}},
		`{"csp-report":{"violated-directive":"` + strings.Repeat("x", 99) + `","blocked-uri":"\u001b[31m"}}`:                                                               {{"other", "other"}},
		`not json`: nil, ``: nil, `[]`: nil, `{}`: nil, `[1]`: nil,
	} {
		r, _ := http.NewRequest("POST", "/csp", strings.NewReader(body))
		if got := violations(r); !slices.Equal(got, want) {
			t.Errorf("%.60s: %v, want %v", body, got, want)
		}
	}
	s := openShop(t)
	for range 50 {
		if w := s.ask("POST", "/csp", "[]"); w.Code != 204 || w.Body.Len() != 0 {
			t.Fatalf("%d", w.Code)
		}
	}
}

func TestQueryIsKeptInLinks(t *testing.T) {
	q := query{qr: "address", still: true, theme: "dark", lang: "de"}
	u, err := url.Parse(q.path("ID", "/method"))
	if err != nil || u.Path != "/i/ID/method" || u.RawQuery != "lang=de&qr=address&r=0&theme=dark" {
		t.Errorf("%v %v", u, err)
	}
}
