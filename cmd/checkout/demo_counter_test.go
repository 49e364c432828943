package main

import (
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"checkout/chain/chaintest"
)

// found is the first group of a pattern on a page.
func (in *installation) found(page, pattern string) string {
	in.t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(page)
	if m == nil {
		in.t.Fatalf("no %s on the page: %.3000s", pattern, page)
	}
	return m[1]
}

// submit sends a form of the demo and follows where it leads.
func (in *installation) submit(path string, form url.Values) (at string) {
	in.t.Helper()
	res, err := http.PostForm(in.base+path, form)
	if err != nil {
		in.t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
		in.t.Fatalf("%s: %d %v", path, res.StatusCode, err)
	}
	if said := res.Request.URL.Query().Get("said"); said != "" {
		in.t.Errorf("%s %v: %s", path, form, said)
	}
	return res.Request.URL.Path
}

// TestDemoCounter sells by the demo's button, its till and its link, pays from the customer's phone, and hears of it all there.
func TestDemoCounter(t *testing.T) {
	in := &installation{t: t, dir: t.TempDir()}
	t.Cleanup(in.kill)
	in.env = append(os.Environ(), asProgram+"=1", "CHECKOUT_LISTEN=127.0.0.1:0", "CHECKOUT_INTERNAL_LISTEN=127.0.0.1:0", "CHECKOUT_JSON=true")
	in.start("demo")
	in.ready("LTCT")
	shop := in.get("/demo")
	if !strings.Contains(shop, "Without a shop system") || !strings.Contains(shop, "&lt;form method=&#34;post&#34; action=&#34;"+in.base+"/b/") {
		t.Fatalf("the shop shows %.3000s", shop)
	}
	till, like := in.found(shop, `href="(/t/[0-9A-Z]{26})"`), in.found(shop, `href="(/l/[0-9A-Z]+)" target="_blank" rel="noopener">Scan`)
	poster, topUp := in.found(shop, `href="(/l/[0-9A-Z]+/poster\?size=a4)"`), in.found(shop, `href="(/l/[0-9A-Z]+)" target="_blank" rel="noopener">to top up`)
	for path, want := range map[string]string{till: "Till 1", like: "Pay what you like", poster: "Pay what you like", topUp: "Top up your coffee card"} {
		if page := in.get(path); !strings.Contains(page, want) {
			t.Errorf("%s shows %.500s", path, page)
		}
	}
	if page := in.get("/demo/counter"); !strings.Contains(page, "Nothing yet. Charge") {
		t.Errorf("the counter shows %.2000s", page)
	}

	bought := in.submit(in.found(shop, `action="(/b/[0-9A-Z]+)"`), url.Values{"quantity": {"2"}})
	page := in.get("/demo/counter")
	if !strings.Contains(page, "2 × House blend · 51.00 EUR") || !strings.Contains(page, "no coin chosen") || !strings.Contains(page, "Button “House blend”") {
		t.Fatalf("after a sale the counter shows %.3000s", page)
	}
	in.submit("/demo/counter/play", url.Values{"of": {strings.TrimPrefix(bought, "/i/")}, "action": {"exact"}})
	in.view(created{URL: bought, ForeignID: "the button's"}, "paid")
	chaintest.Until(t, "the shop heard of the sale", func() bool {
		page = in.get("/demo/counter/sales")
		return strings.Contains(page, "Paid. Send the goods.") && strings.Count(page, "Signature verified") == 2 && strings.Contains(page, `state ok">paid<`)
	})

	coin := in.found(in.get(topUp), `value="(ltct)"`)
	at := in.submit(topUp, url.Values{"method": {coin}, "asset": {coin}, "coin": {coin}})
	in.submit("/demo/counter/send", url.Values{"of": {strings.TrimPrefix(at, "/d/")}, "action": {"send"}})
	chaintest.Until(t, "the shop heard of the deposit", func() bool {
		return strings.Contains(in.get("/demo/counter"), "0.25 LTCT arrived. Credit the customer.")
	})
	in.stop()
}
