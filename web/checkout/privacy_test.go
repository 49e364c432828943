package checkout

import (
	"bytes"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"checkout/web/browsertest"
	"checkout/web/embed"
)

// everyAnswer asks for everything there is of an invoice, and for what there is not.
func (s *shop) everyAnswer(t *testing.T, more ...string) map[string]*httptest.ResponseRecorder {
	t.Helper()
	s.chooses(t)
	list := map[string]*httptest.ResponseRecorder{}
	for _, v := range views() {
		at := "/i/" + string(s.invoiceIn(t, v).ID)
		for _, path := range []string{"", "/status", "/fragment", "/receipt", "/qr.svg", "/qr.png", "/nothing", "/method"} {
			list["GET "+at+path] = s.ask(http.MethodGet, at+path, "", more...)
		}
		s.pass(10 * time.Second) // or there are too many of them
	}
	at := "/i/" + string(s.invoiceIn(t, ViewChoose).ID)
	for path, body := range map[string]string{"/method": "method=btc", "/requote": "", "/refund-address": "address=x", "/hint": "tx=x"} {
		s.requote = nil
		if path != "/requote" {
			list["POST "+at+path] = s.ask(http.MethodPost, at+path, body, more...)
		}
	}
	for _, path := range []string{"/", "/i/0000000000000000000000000X", "/invoice/7K3M9Q2X5T8V4B6N7K3M9Q2X5T", "/m/" + string(acme) + "/theme.0123456789.css"} {
		list["GET "+path] = s.ask(http.MethodGet, path, "", more...)
	}
	list["POST /csp"] = s.ask(http.MethodPost, "/csp", "[]", more...)
	return list
}

// No answer sets a cookie, whatever came with the request; and the script's own requests carry none even if there are some.
func TestItem53NoCookies(t *testing.T) {
	s := openShop(t)
	for what, w := range s.everyAnswer(t, "Cookie", "a=b") {
		if w.Header().Values("Set-Cookie") != nil {
			t.Errorf("%s sets %q", what, w.Header().Values("Set-Cookie"))
		}
	}
	w := httptest.NewRecorder()
	embed.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, embed.Path, http.NoBody))
	if w.Header().Values("Set-Cookie") != nil {
		t.Error("the loader sets a cookie")
	}

	b := browsertest.Open(t)
	c := b.Clock(noon, 0)
	site := s.serveAt(t, c)
	if _, err := chromedp.Call(b.Context(), network.SetCookie, network.SetCookieParams{Name: "other", Value: "application", URL: site.url}); err != nil {
		t.Fatal(err)
	}
	inv := s.invoiceIn(t, ViewWaiting)
	c.Open(t, site.url+"/i/"+string(inv.ID))
	s.becomeState(t, inv, ViewDetected)
	c.Pass(t, 10*time.Second)
	for _, v := range append(site.visits("/status"), site.visits("/fragment")...) {
		if v.cookie != "" {
			t.Errorf("%s carries %q", v.path, v.cookie)
		}
	}
	if len(site.visits("/fragment")) == 0 {
		t.Error("no fragment was asked for")
	}
	b.Quiet(t)
}

// The content policy is the one of the documents, on every page, and allows nothing unsafe; no page tells others its address.
func TestPolicies(t *testing.T) {
	s := openShop(t)
	answers := s.everyAnswer(t)
	const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; report-to csp"
	t.Run("item 89: the content policy", func(t *testing.T) {
		pages := 0
		for what, w := range answers {
			got := w.Header().Get("Content-Security-Policy")
			if strings.Contains(got, "unsafe") || !strings.Contains(got, "default-src 'none'") {
				t.Errorf("%s: %q", what, got)
			}
			if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
				if pages++; got != policy {
					t.Errorf("%s: %q", what, got)
				}
			}
		}
		if pages < 20 {
			t.Errorf("%d pages", pages)
		}
	})
	t.Run("item 90: no page tells others its address", func(t *testing.T) {
		for what, w := range answers {
			if got := w.Header().Get("Referrer-Policy"); got != "no-referrer" {
				t.Errorf("%s: %q", what, got)
			}
			if body := w.Body.String(); strings.Contains(body, "<a ") {
				for _, link := range strings.SplitAfter(body, "<a ")[1:] {
					tag, _, _ := strings.Cut(link, ">")
					if outside := strings.Contains(tag, `href="https://`) || strings.Contains(tag, `href="mailto:`); outside && !strings.Contains(tag, "noreferrer") {
						t.Errorf("%s: %s", what, tag)
					}
				}
			}
		}
	})
	t.Run("item 92: nothing is found by search engines", func(t *testing.T) {
		for what, w := range answers {
			if got := w.Header().Get("X-Robots-Tag"); got != "noindex" && w.Code != http.StatusNotModified {
				t.Errorf("%s: %q", what, got)
			}
			if body := w.Body.String(); strings.Contains(body, "<head>") && !strings.Contains(body, `<meta name="robots" content="noindex">`) {
				t.Errorf("%s: no noindex in the page", what)
			}
		}
	})
}

// Nothing is kept in a browser that chooses, copies, looks at codes and compares.
func TestItem91NothingIsKept(t *testing.T) {
	b := browsertest.Open(t)
	b.Before(t, keepsNothing)
	s, c := openShop(t), b.Clock(noon, 0)
	site := s.serveAt(t, c)
	inv := s.invoiceIn(t, ViewWaiting)
	c.Open(t, site.url+"/i/"+string(inv.ID)+"?lang=de&theme=dark")
	for _, selector := range []string{"[data-testid=copy-amount]", "[data-testid=copy-address]", "[data-tab]", "[data-enlarge]", "#zoom button", "[data-testid=price-details] summary"} {
		browsertest.JS[bool](t, b, "document.querySelector(`"+selector+"`).click(); true")
		c.Pass(t, time.Second)
	}
	browsertest.JS[bool](t, b, `document.querySelector("#compare").value = "bc1q"; document.querySelector("#compare").dispatchEvent(new Event("input", { bubbles: true }))`)
	s.becomeState(t, inv, ViewPaid)
	c.Pass(t, 10*time.Second)
	kept := browsertest.JS[[]string](t, b, `(async () => [...__kept, ...(await indexedDB.databases()).map((d) => d.name), ...await caches.keys(), ...Object.keys(localStorage), ...Object.keys(sessionStorage), document.cookie])()`)
	if strings.Join(kept, "") != "" || shows(t, b) != ViewPaid {
		t.Errorf("on %s, kept: %q", shows(t, b), kept)
	}
	b.Quiet(t)
}

// Whatever is missing, the answer is the same to the byte, and has cost the same: an id that is nearly right looks like one
// that is not.
func TestItem92UnknownIsConstant(t *testing.T) {
	s := openShop(t)
	id := string(s.invoiceIn(t, ViewWaiting).ID)
	type answer struct {
		body    []byte
		header  http.Header
		queries int
	}
	ask := func(target string) answer {
		t.Helper()
		before := s.asked()
		w := s.ask(http.MethodGet, target, "")
		if w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", target, w.Code)
		}
		h := w.Header().Clone()
		h.Del("X-Request-Id")
		return answer{w.Body.Bytes(), h, s.asked() - before}
	}
	last := "0"
	if id[25] == '0' {
		last = "1"
	}
	near, far := ask("/i/"+id[:25]+last), ask("/i/00000000000000000000000000")
	if near.queries != far.queries || near.queries == 0 {
		t.Errorf("a near id costs %d queries, another %d", near.queries, far.queries)
	}
	for _, target := range []string{
		"/i/" + strings.ToLower(id), "/i/" + id + "/", "/i/" + id + "/x.html", "/i/" + id[:10], "/i/..%2f..%2fetc", "/", "/index.html",
		"/i/00000000000000000000000000/fragment", "/invoice/" + id[:10], "/i/00000000000000000000000000/qr.png",
	} {
		got := ask(target)
		if !bytes.Equal(got.body, near.body) || !bytes.Equal(got.body, far.body) || !maps.EqualFunc(got.header, near.header, slices.Equal) {
			t.Errorf("%s: another answer: %v", target, got.header)
		}
	}
}
