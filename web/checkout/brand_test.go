package checkout

import (
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"checkout/merchant"
	"checkout/web/browsertest"
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

// A merchant's picture stands in place of the letter, at an address of its own; words of theirs stand where they belong, as text.
func TestLogoAndTexts(t *testing.T) {
	s := openShop(t)
	s.look = merchant.Look{
		Logo: &merchant.Logo{Name: "logo.3f0c9a1e5b7d2468.png", Width: 120, Height: 40, Clear: true},
		Texts: map[string]merchant.Texts{"en": {
			merchant.TextIntro: "Welcome <b>in</b>", merchant.TextPay: "Take\nyour time", merchant.TextPaid: "See you", merchant.TextExpired: "Too late",
			merchant.TextTrouble: "Call us", merchant.TextSupport: "Monday to Friday",
		}},
	}
	s.logos = map[string][]byte{"logo.3f0c9a1e5b7d2468.png": []byte("\x89PNG picture"), "logo.old.png": []byte("old")}
	at := "/m/" + string(acme) + "/logo."
	if w := s.ask("GET", at+"3f0c9a1e5b7d2468.png", ""); w.Code != 200 || w.Header().Get("Content-Type") != "image/png" || w.Body.String() != "\x89PNG picture" ||
		!strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %v %q", w.Code, w.Header(), w.Body)
	}
	for _, path := range []string{at + "old.png", at + "3f0c9a1e5b7d2468.svg", at + "png"} {
		if w := s.ask("GET", path, ""); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	for view, want := range map[View]string{
		ViewChoose: "Welcome &lt;b&gt;in&lt;/b&gt;", ViewWaiting: "Take\nyour time", ViewPaid: "See you", ViewExpired: "Too late", ViewFailed: "Call us", ViewCancelled: "",
	} {
		body := s.ask("GET", "/i/"+string(s.invoiceIn(t, view).ID)+"?lang=ja", "").Body.String()
		if !strings.Contains(body, `<img class="clear" src="`+at+`3f0c9a1e5b7d2468.png" width="120" height="40" alt="Acme Coffee"`) || strings.Contains(body, "monogram") {
			t.Errorf("%s: no picture", view)
		}
		if said := strings.Contains(body, `data-testid="merchant-note"`); said != (want != "") || !strings.Contains(body, want) {
			t.Errorf("%s: does not say %q", view, want)
		}
		if strings.Contains(body, "Monday to Friday") == view.Final() {
			t.Errorf("%s: when there is somebody to help", view)
		}
	}
	s.look.NoHeader = true
	if body := s.ask("GET", "/i/"+string(s.invoiceIn(t, ViewWaiting).ID), "").Body.String(); strings.Contains(body, `class="brand"`) {
		t.Error("a header nobody wanted")
	}
}

// A picture that can be seen through has white around it in the dark, and nothing in the light.
func TestClearLogoInTheDark(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	s.look = merchant.Look{Logo: &merchant.Logo{Name: "logo.3f0c9a1e5b7d2468.png", Width: 120, Height: 40, Clear: true}}
	at, _, _ := s.serve(t)
	inv := s.invoiceIn(t, ViewWaiting)
	for theme, want := range map[string]string{"dark": "rgb(255, 255, 255) 0px 0px 0px 4px", "light": "rgba(0, 0, 0, 0) 0px 0px 0px 4px"} {
		b.Do(t, chromedp.Navigate(at+"/i/"+string(inv.ID)+"?theme="+theme))
		if got := browsertest.JS[string](t, b, `getComputedStyle(document.querySelector(".brand .clear")).boxShadow`); got != want {
			t.Errorf("%s: %s", theme, got)
		}
		if got := browsertest.JS[float64](t, b, `document.querySelector(".brand .clear").getBoundingClientRect().height`); got != 40 {
			t.Errorf("%s: %.0f px high", theme, got)
		}
	}
	b.Forget() // the picture is none
}
