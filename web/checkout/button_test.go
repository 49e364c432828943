package checkout

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"checkout/merchant"
	"checkout/payterm"
	"checkout/store"
	"checkout/web/browsertest"
)

// button makes a product.
func (m *market) button(change func(*payterm.Button)) payterm.Button {
	m.t.Helper()
	x := payterm.Button{Name: "House blend", Mode: payterm.ModeFixed, Currency: euro, Amount: eur(2550)}
	if change != nil {
		change(&x)
	}
	made, err := m.payterm.CreateButton(m.t.Context(), m.tenant, x)
	if err != nil {
		m.t.Fatal(err)
	}
	return made
}

// A price is the server's, or one the shop has signed for: nothing else is charged (checklist item 103).
func TestItem103BuyNow(t *testing.T) {
	m := openMarket(t)
	fixed := m.button(func(x *payterm.Button) { x.MinQuantity, x.MaxQuantity = 1, 10 })
	free := m.button(func(x *payterm.Button) {
		x.Mode, x.Amount, x.Min, x.Max = payterm.ModeCustomer, eur(0), eur(100), eur(10_000)
	})
	later, past := strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10), strconv.FormatInt(time.Now().Add(-time.Second).Unix(), 10)
	signed := func(b payterm.Button, amount, order, exp string) url.Values {
		return url.Values{"amount": {amount}, "currency": {"EUR"}, "order": {order}, "exp": {exp}, "sig": {b.Sign(payterm.Offer{Amount: amount, Currency: "EUR", Order: order, Exp: exp})}}
	}
	with := func(v url.Values, name, value string) url.Values { v.Set(name, value); return v }
	for name, c := range map[string]struct {
		b    payterm.Button
		form url.Values
		want int
		sum  string
	}{
		"as it is":                      {fixed, url.Values{}, 303, "25.50"},
		"three":                         {fixed, url.Values{"quantity": {"3"}, "order": {"1001"}}, 303, "76.50"},
		"a price that was made up":      {fixed, url.Values{"amount": {"0.01"}}, 400, ""},
		"none":                          {fixed, url.Values{"quantity": {"0"}}, 400, ""},
		"eleven of ten":                 {fixed, url.Values{"quantity": {"11"}}, 400, ""},
		"a part of one":                 {fixed, url.Values{"quantity": {"1.5"}}, 400, ""},
		"less than none":                {fixed, url.Values{"quantity": {"-1"}}, 400, ""},
		"another currency":              {fixed, url.Values{"currency": {"USD"}}, 400, ""},
		"signed":                        {fixed, signed(fixed, "7.77", "1002", later), 303, "7.77"},
		"signed, changed":               {fixed, with(signed(fixed, "7.77", "1003", later), "amount", "0.77"), 400, ""},
		"signed, another order":         {fixed, with(signed(fixed, "7.77", "1004", later), "order", "1005"), 400, ""},
		"signed, a later end":           {fixed, with(signed(fixed, "7.77", "1006", past), "exp", later), 400, ""},
		"signed, too late":              {fixed, signed(fixed, "7.77", "1007", past), 410, ""},
		"signed for another product":    {fixed, signed(free, "7.77", "1008", later), 400, ""},
		"signed in capitals":            {fixed, with(signed(fixed, "7.77", "1009", later), "sig", strings.ToUpper(signed(fixed, "7.77", "1009", later).Get("sig"))), 400, ""},
		"signed, nothing":               {fixed, signed(fixed, "0", "1010", later), 400, ""},
		"signed, a billion":             {fixed, signed(fixed, "1000000000", "1011", later), 400, ""},
		"the customer's sum":            {free, url.Values{"amount": {"12.50"}}, 303, "12.50"},
		"too little":                    {free, url.Values{"amount": {"0.99"}}, 400, ""},
		"too much":                      {free, url.Values{"amount": {"100.01"}}, 400, ""},
		"no sum":                        {free, url.Values{}, 400, ""},
		"more, but signed":              {free, signed(free, "5000", "1012", later), 303, "5000.00"},
		"an order with control letters": {free, url.Values{"amount": {"5"}, "order": {"a\x00b"}}, 400, ""},
	} {
		m.t = t
		before := m.count()
		status, to, _ := m.postFrom(t, "/b/"+c.b.Slug, c.form)
		if status != c.want {
			t.Errorf("%s: %d, want %d", name, status, c.want)
		}
		made := m.count() - before
		if ok := c.want == http.StatusSeeOther; (ok && (made != 1 || m.newest().Price.String() != c.sum || !strings.HasPrefix(to, "/i/"))) || (!ok && made != 0) {
			t.Errorf("%s: %d invoices were made", name, made)
		}
	}
	form := signed(fixed, "9.99", "2001", later)
	_, first, _ := m.postFrom(t, "/b/"+fixed.Slug, form)
	if _, second, _ := m.postFrom(t, "/b/"+fixed.Slug, form); first != second || m.newest().ForeignID != "2001" {
		t.Errorf("a signed form is good for %s and %s", first, second)
	}
	if status, _, _ := m.postFrom(t, "/b/0000000000", nil); status != http.StatusNotFound {
		t.Errorf("an unknown product answers %d", status)
	}
}

// postFrom sends a form of another site's page, from an address of its own: limits are tested elsewhere.
func (m *market) postFrom(t *testing.T, path string, form url.Values) (status int, location, body string) {
	t.Helper()
	m.visitors++
	return m.post(t, path, form, "Sec-Fetch-Site", "cross-site", "Origin", "https://shop.example", "X-Forwarded-For", fmt.Sprintf("198.51.%d.%d", m.visitors/250, m.visitors%250))
}

// One address buys ten times, then waits; others buy on, until the product itself has had enough.
func TestBuyersAreLimited(t *testing.T) {
	m := openMarket(t)
	x := m.button(nil)
	refused := 0
	for range 12 {
		if status, _, _ := m.post(t, "/b/"+x.Slug, nil); status == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused == 0 {
		t.Error("nobody stops one address")
	}
	if status, _, _ := m.postFrom(t, "/b/"+x.Slug, nil); status != http.StatusSeeOther {
		t.Errorf("another address is refused: %d", status)
	}
	for range 30 {
		if status, _, _ := m.postFrom(t, "/b/"+x.Slug, nil); status == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("nobody stops the product")
}

// The snippet works on any page, without script (item 57: the buy-now form), and asks for nothing before it is pressed.
func TestItem104Snippet(t *testing.T) {
	m, b := openMarket(t), browsertest.Open(t)
	x := m.button(func(x *payterm.Button) { x.Text, x.MinQuantity, x.MaxQuantity = `Buy "now" <b>`, 1, 5 })
	snippets := x.Snippets(m.url, payterm.Paint{Ground: "#0b5fff", Ink: "#ffffff"}, payterm.Loader{Address: m.url + "/embed/v1.js"})
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<!doctype html><title>shop</title>" + snippets.Form))
	}))
	defer shop.Close()
	b.Scripts(t, false)
	m.asked()
	b.Do(t, chromedp.Navigate(shop.URL), chromedp.Sleep(300*time.Millisecond))
	if asked := m.asked(); len(asked) != 0 {
		t.Errorf("before the press %q was asked", asked)
	}
	b.Do(t, chromedp.SetValue("[name=quantity]", "2"), chromedp.Click("button"))
	b.Do(t, chromedp.WaitVisible("#live"))
	if inv := m.newest(); inv.Price.String() != "51.00" || inv.Title != "2 × House blend" {
		t.Errorf("made %s %q", inv.Price, inv.Title)
	}
	b.Scripts(t, true)
	b.Do(t, chromedp.Navigate(m.url+"/b/"+x.Slug))
	shot(t, b, "button-desktop")
	b.Do(t, chromedp.SetValue("#quantity", "3"), chromedp.Click("[data-testid=offer-pay]"))
	b.Becomes(t, fiveSeconds, `document.querySelector("#live")?.dataset.state === "choose"`)
	if inv := m.newest(); inv.Price.String() != "76.50" {
		t.Errorf("the product's own page asks for %s", inv.Price)
	}
	b.Quiet(t)
}

// With the loader the answer of the form is shown in a dialog, and the invoice speaks to the page as every embedded one does.
func TestButtonDialog(t *testing.T) {
	m, b := openMarket(t), browsertest.Open(t)
	x := m.button(nil)
	shop := httptest.NewServer(nil)
	defer shop.Close()
	snippets := x.Snippets(m.url, payterm.Paint{Ground: "#0b5fff", Ink: "#ffffff"}, payterm.Loader{Address: m.url + "/embed/v1.js"})
	shop.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<!doctype html><title>shop</title>" + strings.Replace(snippets.Modal, ` integrity=""`, "", 1) +
			`<script>addEventListener("pay:status", (e) => { window.__status = e.detail.status })</script>`))
	})
	_, err := store.Merchants{DB: m.db}.Restyle(t.Context(), m.tenant.Merchant(), func(l merchant.Look) merchant.Look { l.Origins = []string{shop.URL}; return l })
	if err != nil {
		t.Fatal(err)
	}
	b.Do(t, chromedp.Navigate(shop.URL))
	b.Becomes(t, fiveSeconds, `!!window.PayEmbed`)
	b.Do(t, chromedp.Click("button"))
	b.Becomes(t, fiveSeconds, `!!document.querySelector("dialog[open] iframe") && window.__status === "choose"`)
	if n := m.count(); n != 1 {
		t.Errorf("%d invoices", n)
	}
	if got := browsertest.JS[string](t, b, `document.querySelector("form").action + " " + document.querySelector("form").target`); got != m.url+"/b/"+x.Slug+" " {
		t.Errorf("the form is left as %q", got)
	}
}

// A form that is refused is refused in the dialog, which can be closed though the page in it has no button for that.
func TestButtonDialogRefused(t *testing.T) {
	m, b := openMarket(t), browsertest.Open(t, browsertest.Frames)
	x := m.button(nil)
	shop := parentPage(t, "localhost", m.url, `<form data-pay-button method="post" action="{pay}/b/`+x.Slug+`"><input type="hidden" name="amount" value="0.01"><button id="buy">Buy</button></form>`)
	_, err := store.Merchants{DB: m.db}.Restyle(t.Context(), m.tenant.Merchant(), func(l merchant.Look) merchant.Look { l.Origins = []string{shop}; return l })
	if err != nil {
		t.Fatal(err)
	}
	b.Do(t, chromedp.EmulateViewport(360, 740), chromedp.Navigate(shop))
	b.Becomes(t, fiveSeconds, `!!window.PayEmbed`)
	b.Do(t, chromedp.Click("#buy"))
	b.FrameBecomes(t, fiveSeconds, m.url, `document.querySelector("main").innerText.includes("The price was not made by the shop.")`)
	b.Forget() // what is refused is an error of the network, in a browser's words
	b.Do(t, chromedp.Click("dialog > button"))
	b.Becomes(t, fiveSeconds, `!document.querySelector("dialog") && told.some(([n, d]) => n === "pay:close" && d.reason === "user")`)
	b.Do(t, chromedp.Evaluate[chromedp.Void](`document.querySelector("[name=amount]").remove()`), chromedp.Click("#buy"))
	b.FrameBecomes(t, fiveSeconds, m.url, `document.querySelector("main").dataset.state === "choose"`)
	b.Becomes(t, fiveSeconds, `!!document.querySelector("dialog") && !document.querySelector("dialog > button")`) // the page has its own
	b.Quiet(t)
}
