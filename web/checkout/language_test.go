package checkout

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"checkout/web/browsertest"
	"checkout/web/texts"
)

// What a visitor asks for comes first, then the merchant's choice, then the browser's; nothing is kept, and every link of the
// page keeps the choice.
func TestItem86Language(t *testing.T) {
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

// In every language everything fits a phone, the page runs the way the language does, amounts and addresses run from left to
// right, and figures have the digits programs read.
func TestEveryLanguageInABrowser(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	url, _, _ := s.serve(t)
	inv := map[View]string{}
	for _, v := range []View{ViewChoose, ViewWaiting, ViewUnderpaid, ViewConfirming, ViewPaid, ViewExpired} {
		inv[v] = string(s.invoiceIn(t, v).ID)
	}
	probes, found := mustRead(t, "testdata/probe.js"), findings{}
	const direction, width = "item 84: language and direction", "item 85: long words fit a phone"
	b.Do(t, chromedp.EmulateViewport(360, 740))
	for _, l := range texts.All() {
		for v, id := range inv {
			// The longest words, the other direction, another script: these are looked at in every view.
			if v != ViewChoose && v != ViewWaiting && !slices.Contains([]string{"de", "ar", "ru"}, l.Tag) {
				continue
			}
			where := string(v) + " in " + l.Tag
			b.Do(t, chromedp.Navigate("about:blank"), chromedp.Navigate(url+"/i/"+id+"?lang="+l.Tag+"#qr"), chromedp.Evaluate[chromedp.Void](probes))
			found.list(width, where, probe(t, b, "fit"))
			said := browsertest.JS[[]string](t, b, `[document.documentElement.lang, document.documentElement.dir, document.body.innerText]`)
			if said[0] != l.Tag || said[1] != l.Dir || strings.ContainsAny(said[2], "[٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹०१२३४५६७८९") {
				found.add(direction, "%s: %s %s, a sentence is missing, or figures in other digits: %s", where, said[0], said[1], said[2])
			}
			// The shop's name begins where reading begins, and the menu is at the other end.
			if mirrored := browsertest.JS[bool](t, b, `document.querySelector(".brand").getBoundingClientRect().x > document.querySelector(".langs").getBoundingClientRect().x`); mirrored != (l.Dir == "rtl") {
				found.add(direction, "%s: mirrored %v", where, mirrored)
			}
			if v != ViewWaiting {
				continue
			}
			if got := browsertest.JS[[]string](t, b, `[document.querySelector("[data-copy]").dataset.copy, ...["amount", "address"].map((id) => getComputedStyle(document.querySelector("[data-testid=" + id + "]")).direction)]`); !slices.Equal(got, []string{"0.00044007", "ltr", "ltr"}) {
				found.add(direction, "%s: %q", where, got)
			}
		}
	}
	found.report(t, direction, width)
	b.Quiet(t)
}
