package checkout

import (
	"regexp"
	"strings"
	"testing"

	"checkout/merchant"
)

// A merchant's colours come from an address of their own, which names their content; nobody else's page has them.
func TestBrandSheet(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewWaiting)
	link := regexp.MustCompile(`<link rel="stylesheet" href="(/m/[^"]*)"`)
	page := func() string { return s.ask("GET", "/i/"+string(inv.ID), "").Body.String() }
	if link.MatchString(page()) {
		t.Error("without a colour there is a sheet")
	}
	s.look = merchant.Look{Brand: "#f7931a"}
	m := link.FindStringSubmatch(page())
	if m == nil {
		t.Fatal("no sheet")
	}
	w := s.ask("GET", m[1], "")
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/css; charset=utf-8" || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || !strings.Contains(w.Body.String(), ":root{--pay-brand:#") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	old := m[1]
	s.look = merchant.Look{Brand: "#0b5fff"}
	if m := link.FindStringSubmatch(page()); m == nil || m[1] == old {
		t.Errorf("another colour has the same address: %v", m)
	}
	for _, path := range []string{old, "/m/" + string(acme) + "/theme.css", "/m/" + string(acme) + "/x", "/m/0000000000000000000000000X/theme.0123456789.css", "/m/short/theme.0123456789.css"} {
		if w := s.ask("GET", path, ""); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}
