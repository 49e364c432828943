package checkout

import (
	"strings"
	"testing"

	"checkout/invoice"
	"checkout/merchant"
)

// Who may frame a page is the merchant's list, to the letter, and nobody's when it is empty.
func TestItem60FrameAncestors(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewWaiting)
	for _, list := range [][]string{nil, {"https://shop.example"}, {"https://shop.example:8443", "http://localhost:3000"}} {
		s.look = merchant.Look{Origins: list}
		at := "/i/" + string(inv.ID) + "?embed=1&origin=https://evil.example"
		w := s.ask("GET", at, "")
		want := "frame-ancestors 'none';"
		if len(list) > 0 {
			want = "frame-ancestors " + strings.Join(list, " ") + ";"
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, want) {
			t.Errorf("%v: %s", list, csp)
		}
		if got := w.Header().Get("X-Frame-Options"); (got == "DENY") != (len(list) == 0) {
			t.Errorf("%v: X-Frame-Options %q", list, got)
		}
		if w := s.ask("GET", at+"&lang=de", ""); !strings.Contains(w.Header().Get("Content-Security-Policy"), want) {
			t.Errorf("%v: other headers with another language", list)
		}
		if w := s.ask("GET", "/i/0000000000000000000000000X", ""); !strings.Contains(w.Header().Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%v: a page of nobody may be framed", list)
		}
	}
}

// Messages go to one origin: the one that is asked for if the merchant lists it, else the only one listed, else none.
func TestItem62ParentOrigin(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewWaiting)
	for _, c := range []struct {
		list  []string
		query string
		want  string
	}{
		{nil, "origin=https://shop.example", ""},
		{[]string{"https://shop.example"}, "origin=https://shop.example", "https://shop.example"},
		{[]string{"https://shop.example"}, "", "https://shop.example"},
		{[]string{"https://shop.example"}, "origin=https://shop.example.evil", ""},
		{[]string{"https://shop.example"}, "origin=null", "https://shop.example"}, // no origin at all
		{[]string{"https://a.example", "https://b.example"}, "", ""},
		{[]string{"https://a.example", "https://b.example"}, "origin=https://b.example", "https://b.example"},
		{[]string{"https://*.shop.example"}, "origin=https://x.shop.example", "https://x.shop.example"},
		{[]string{"https://*.shop.example"}, "", ""},
		{[]string{"https://shop.example"}, `origin=https://shop.example"%3e%3cscript%3e`, "https://shop.example"},
	} {
		s.look = merchant.Look{Origins: c.list}
		body := s.ask("GET", "/i/"+string(inv.ID)+"?embed=1&channel=0123456789abcdef&"+c.query, "").Body.String()
		if !strings.Contains(body, `data-parent-origin="`+c.want+`" data-channel="0123456789abcdef"`) || strings.Contains(body, "<script>") {
			t.Errorf("%v, %s: want %q in %.900s", c.list, c.query, c.want, body)
		}
	}
	s.look = merchant.Look{Origins: []string{"https://shop.example"}}
	body := s.ask("GET", "/i/"+string(inv.ID)+`?embed=1&channel="onload=alert(1)`, "").Body.String()
	if !strings.Contains(body, `data-channel=""`) {
		t.Error("a channel that is none is passed on")
	}
	if body := s.ask("GET", "/i/"+string(inv.ID)+"?channel=0123456789abcdef", "").Body.String(); strings.Contains(body, "data-parent-origin") {
		t.Error("a page that stands alone talks to parents")
	}
}

// The page in a frame is bare, leads out of it, and offers the whole page.
func TestItem72EmbeddedPage(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewPaid)
	s.look = merchant.Look{Origins: []string{"https://shop.example"}}
	at := "/i/" + string(inv.ID) + "?channel=0123456789abcdef&embed=1&origin=https%3A%2F%2Fshop.example"
	body := s.ask("GET", at, "").Body.String()
	for _, want := range []string{`class="page embed"`, `data-testid="return" data-return target="_top"`, `href="/i/` + string(inv.ID) + `" target="_blank" rel="noopener" data-testid="full-page"`, `data-close`} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
	choose := s.invoiceIn(t, ViewChoose)
	s.choose = func(*invoice.Invoice, string, *string) error { return nil }
	w := s.ask("POST", "/i/"+string(choose.ID)+"/method?channel=0123456789abcdef&embed=1&origin=https%3A%2F%2Fshop.example", "method=btc")
	if got := w.Header().Get("Location"); got != "/i/"+string(choose.ID)+"?channel=0123456789abcdef&embed=1&origin=https%3A%2F%2Fshop.example" {
		t.Errorf("the form leads to %s", got)
	}
	if body := s.ask("GET", "/i/"+string(inv.ID), "").Body.String(); strings.Contains(body, "_top") || strings.Contains(body, "data-close") {
		t.Error("the page outside a frame speaks of one")
	}
}
