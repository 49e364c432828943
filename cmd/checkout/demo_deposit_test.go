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

// TestDemoDeposit tops up by the demo's link: the address is listed, the customer sends something, and the shop hears of it.
func TestDemoDeposit(t *testing.T) {
	in := &installation{t: t, dir: t.TempDir()}
	t.Cleanup(in.kill)
	in.env = append(os.Environ(), asProgram+"=1", "CHECKOUT_LISTEN=127.0.0.1:0", "CHECKOUT_INTERNAL_LISTEN=127.0.0.1:0", "CHECKOUT_JSON=true")
	in.start("demo")
	in.ready("LTCT")
	shop := in.get("/demo")
	links := map[string]string{"With a price": "Cupping class", "For deposits": "Top up your coffee card"}
	for words, title := range links {
		m := regexp.MustCompile(`href="(/l/[0-9A-Z]+)" target="_blank" rel="noopener">` + words).FindStringSubmatch(shop)
		if m == nil {
			t.Fatalf("no link %q: %.3000s", words, shop)
		}
		if page := in.get(m[1]); !strings.Contains(page, title) {
			t.Errorf("%s shows %.500s", words, page)
		}
		links[words] = m[1]
	}
	at := in.posted(links["For deposits"], url.Values{"method": {"ltct"}})
	id, found := strings.CutPrefix(at, "/d/")
	if !found {
		t.Fatalf("the link leads to %s", at)
	}
	base := "/demo/addresses/" + id
	if page := in.get("/demo"); !strings.Contains(page, `href="`+base+`"`) {
		t.Errorf("the shop does not list the address: %.3000s", page)
	}
	if back := in.posted(base+"/play", url.Values{"action": {"deposit"}}); back != base {
		t.Errorf("sending leads to %s", back)
	}
	chaintest.Until(t, "the shop hears of the deposit", func() bool {
		heard := in.get(base + "/heard")
		return strings.Contains(heard, "0.25 LTCT arrived. Credit the customer.") && strings.Count(heard, "Signature verified") == 2
	})
	res, err := http.Get(in.base + at)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil || !strings.Contains(res.Header.Get("Content-Security-Policy"), "frame-ancestors 'self'") {
		t.Errorf("the demo may not frame the address: %v", res.Header)
	}
	in.stop()
}

// posted sends a form as a browser without script does, and says where it led.
func (in *installation) posted(path string, form url.Values) string {
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
