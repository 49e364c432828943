package checkout

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"checkout/web/browsertest"
	"checkout/web/texts"
)

// What a visitor asks for comes first, then the merchant's choice, then the browser's; nothing is kept, and every link of the
// page keeps the choice (acceptance 86).
func TestLanguage(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewWaiting)
	at := "/i/" + string(inv.ID)
	for _, c := range []struct{ query, merchant, accept, want string }{
		{"", "", "", "en"}, {"", "", "de-AT,en;q=0.5", "de"}, {"", "fr", "de", "fr"}, {"?lang=es", "fr", "de", "es"}, {"?lang=xx", "", "de", "de"},
		{"?lang=xx", "fr", "", "fr"}, {"", "", "tlh", "en"}, {"", "", "zh-CN", "zh-Hans"}, {"?lang=../../etc", "", "", "en"},
	} {
		s.look.Language = c.merchant
		w := s.ask("GET", at+c.query, "", "Accept-Language", c.accept)
		if body := w.Body.String(); !strings.Contains(body, `<html lang="`+c.want+`"`) || w.Header().Get("Set-Cookie") != "" {
			t.Errorf("%+v: %.80s", c, body)
		}
	}
	s.look.Language = ""
	body := s.ask("GET", at+"?lang=de", "").Body.String()
	if !strings.Contains(body, `lang=de&amp;qr=address`) || !strings.Contains(body, "?lang=fr") || !strings.Contains(body, "Warten auf") {
		t.Error("the choice is lost in links, or the page does not speak German")
	}
	if body := s.ask("GET", "/i/0000000000000000000000000X?lang=de", "").Body.String(); !strings.Contains(body, `<html lang="de"`) {
		t.Error("an error page speaks another language than the page")
	}
}

// In every language everything fits a phone, amounts and addresses run from left to right, and what is copied has the digits
// programs read (acceptance 84, 85).
func TestBrowserLanguages(t *testing.T) {
	axe, err := os.ReadFile("testdata/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	b := browsertest.Open(t)
	s := openShop(t)
	url, _, _ := s.serve(t)
	inv := map[View]string{}
	for _, v := range []View{ViewChoose, ViewWaiting, ViewUnderpaid, ViewConfirming, ViewPaid, ViewExpired} {
		inv[v] = string(s.invoiceIn(t, v).ID)
	}
	for _, l := range texts.All() {
		for v, id := range inv {
			// The longest words, the other direction, another script: these are looked at in every view.
			if v != ViewChoose && v != ViewWaiting && !slices.Contains([]string{"de", "ar", "ru"}, l.Tag) {
				continue
			}
			b.Do(t, chromedp.EmulateViewport(360, 740), chromedp.Navigate("about:blank"), chromedp.Navigate(url+"/i/"+id+"?lang="+l.Tag+"#qr"))
			got := browsertest.JS[string](t, b, `JSON.stringify([document.documentElement.lang, document.documentElement.dir, document.documentElement.scrollWidth <= 360,
				[...document.querySelectorAll("main *:not(.sr), header *, footer *")].filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflow !== "visible" && e.clientWidth > 1).length])`)
			if want := `["` + l.Tag + `","` + l.Dir + `",true,0]`; got != want {
				t.Errorf("%s in %s: %s, want %s", v, l.Tag, got, want)
			}
			if strings.Contains(browsertest.JS[string](t, b, `document.body.innerText`), "[") {
				t.Errorf("%s in %s: a sentence is missing: %s", v, l.Tag, browsertest.JS[string](t, b, `document.body.innerText`))
			}
		}
		b.Do(t, chromedp.Navigate(url+"/i/"+inv[ViewWaiting]+"?lang="+l.Tag))
		if got := browsertest.JS[string](t, b, `document.body.innerText`); strings.ContainsAny(got, "٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹०१२३४५६७८९") {
			t.Errorf("%s: figures in other digits: %s", l.Tag, got)
		}
		if got := browsertest.JS[string](t, b, `[document.querySelector("[data-copy]").dataset.copy, getComputedStyle(document.querySelector("[data-testid=amount]")).direction, getComputedStyle(document.querySelector("[data-testid=address]")).direction].join()`); got != "0.00044007,ltr,ltr" {
			t.Errorf("%s: %s", l.Tag, got)
		}
	}
	// The menu of languages stays shut: open it covers what is below it.
	for _, v := range []View{ViewChoose, ViewWaiting, ViewConfirming, ViewPaid} {
		for _, tail := range []string{"?lang=ar&theme=light", "?lang=ar&theme=dark"} {
			b.Do(t, chromedp.EmulateViewport(1280, 740), chromedp.Navigate("about:blank"), chromedp.Navigate(url+"/i/"+inv[v]+tail), chromedp.Evaluate[chromedp.Void](string(axe)))
			bad := browsertest.JS[[]string](t, b, `(document.querySelectorAll("details:not(.langs)").forEach(d => { d.open = true }), axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r => r.violations.map(v => v.id + ": " + v.nodes.map(n => n.target + " " + n.failureSummary).join("; "))))`)
			if len(bad) > 0 {
				t.Errorf("%s%s: %q", v, tail, bad)
			}
		}
	}
	b.Quiet(t)
}
