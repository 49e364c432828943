package checkout

import (
	"context"
	"encoding/base64"
	"fmt"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"checkout/merchant"
	"checkout/money"
	"checkout/payterm"
	"checkout/qr"
	"checkout/store"
	"checkout/web/browsertest"
)

// link makes a payment link.
func (m *market) link(change func(*payterm.Link)) payterm.Link {
	m.t.Helper()
	x := payterm.Link{Title: "House blend", Mode: payterm.ModeFixed, Currency: euro, Amount: eur(2550)}
	if change != nil {
		change(&x)
	}
	made, err := m.payterm.CreateLink(m.t.Context(), m.tenant, x)
	if err != nil {
		m.t.Fatal(err)
	}
	return made
}

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

func typedSum(x *payterm.Link) {
	x.Mode, x.Amount, x.Min, x.Max = payterm.ModeCustomer, eur(0), eur(100), eur(50_000)
	x.Suggestions = append(x.Suggestions, eur(500), eur(1000), eur(2000))
}

// A link, a sum, an invoice; a suggestion is one press; nothing is asked that is not asked for.
func TestItem59Link(t *testing.T) {
	m, b := openMarket(t), browsertest.Open(t)
	x := m.link(func(x *payterm.Link) { typedSum(x); x.Description = "For the roof of the old mill.\nThank you!" })
	b.Do(t, chromedp.EmulateViewport(360, 740), chromedp.Navigate(m.url+"/l/"+strings.ToLower(x.Slug)))
	shot(t, b, "link-phone")
	b.Do(t, chromedp.SendKeys("#amount", "12,50"), chromedp.Click("[data-testid=offer-pay]"))
	b.Becomes(t, fiveSeconds, `document.querySelector("#live")?.dataset.state === "choose"`)
	if inv := m.newest(); inv.Price.String() != "12.50" || inv.Origin != "link" || inv.Source != x.ID || inv.Title != x.Title {
		t.Errorf("made %+v", inv)
	}
	b.Do(t, chromedp.Navigate(m.url+"/l/"+x.Slug), chromedp.Click(`.suggestions [value="10"]`))
	b.Becomes(t, fiveSeconds, `document.querySelector("#live")?.dataset.state === "choose"`)
	if inv := m.newest(); inv.Price.String() != "10.00" {
		t.Errorf("a suggestion of 10 asks for %s", inv.Price)
	}
	b.Do(t, chromedp.Navigate(m.url+"/l/"+x.Slug), chromedp.SendKeys("#amount", "0.50"), chromedp.Click("[data-testid=offer-pay]"))
	b.Becomes(t, fiveSeconds, `document.querySelector("[data-testid=offer-error]")?.innerText.startsWith("From") && document.querySelector("#amount").value === "0.50"`)
	shot(t, b, "link-error-phone")
	b.Forget() // of the refused form
	if n := m.count(); n != 2 {
		t.Errorf("%d invoices", n)
	}
	b.Do(t, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(m.url+"/l/"+m.link(nil).Slug))
	shot(t, b, "link-fixed-desktop")
	b.Prefers(t, "prefers-color-scheme", "dark")
	b.Do(t, chromedp.Navigate(m.url+"/l/"+x.Slug))
	shot(t, b, "link-desktop-dark")
	b.Quiet(t)
}

// Two visits, two invoices, two addresses. Any sum, too, goes to an address of its own each time.
func TestItem102Visits(t *testing.T) {
	m, b := openMarket(t), browsertest.Open(t)
	fixed, any := m.link(nil), m.link(func(x *payterm.Link) { x.Mode, x.Amount = payterm.ModeDeposit, eur(0) })
	seen := map[string]bool{}
	for range 2 {
		b.Do(t, chromedp.Navigate(m.url+"/l/"+fixed.Slug), chromedp.Click("[data-testid=offer-pay]"))
		b.Becomes(t, fiveSeconds, `document.querySelector("#live")?.dataset.state === "choose"`)
		b.Do(t, chromedp.Click("[data-testid=continue]"))
		b.Becomes(t, fiveSeconds, `document.querySelector("#live")?.dataset.state === "waiting"`)
		seen[browsertest.JS[string](t, b, `document.querySelector("[data-testid=address]").textContent`)] = true
		b.Do(t, chromedp.Navigate(m.url+"/l/"+any.Slug), chromedp.Click("[data-testid=coin-ltct]"))
		b.Becomes(t, fiveSeconds, `document.querySelector("#live")?.dataset.state === "topup"`)
		seen[browsertest.JS[string](t, b, `document.querySelector("[data-testid=address]").textContent`)] = true
	}
	if len(seen) != 4 {
		t.Errorf("four starts have %d addresses", len(seen))
	}
	b.Quiet(t)
}

// A link that is over says so, with the merchant's words; nothing is made.
func TestLinkOver(t *testing.T) {
	m := openMarket(t)
	stocked := m.link(func(x *payterm.Link) { x.Stock, x.Message = 2, "Back in <spring>." })
	for range 2 {
		if status, to, _ := m.post(t, "/l/"+stocked.Slug, nil); status != http.StatusSeeOther || !strings.HasPrefix(to, "/i/") {
			t.Fatalf("%d %s", status, to)
		}
	}
	expired := m.link(func(x *payterm.Link) { x.Expires = time.Now().Add(time.Millisecond) })
	revoked := m.link(nil)
	if _, err := m.payterm.RevokeLink(t.Context(), m.tenant, revoked.Slug); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Millisecond)
	for slug, said := range map[string]string{stocked.Slug: "Sold out", expired.Slug: "This offer has expired", revoked.Slug: "This is no longer offered"} {
		status, _, body := m.fetch(t, "/l/"+slug)
		posted, _, again := m.post(t, "/l/"+slug, nil)
		if status != http.StatusGone || posted != http.StatusGone || !strings.Contains(body, said) || !strings.Contains(again, said) || strings.Contains(body, "offer-form") {
			t.Errorf("%s: %d, then %d", said, status, posted)
		}
	}
	if _, _, body := m.fetch(t, "/l/"+stocked.Slug); !strings.Contains(body, "Back in &lt;spring&gt;.") {
		t.Error("the merchant's words are missing")
	}
	single := m.link(func(x *payterm.Link) { x.Stock = 1 })
	_, first, _ := m.post(t, "/l/"+single.Slug, nil)
	if _, second, _ := m.post(t, "/l/"+single.Slug, nil); first != second {
		t.Errorf("a bill for one has two invoices: %s, %s", first, second)
	}
	if n := m.count(); n != 3 {
		t.Errorf("%d invoices", n)
	}
	for _, slug := range []string{"0000000000", "x", strings.Repeat("A", 300), "%2e%2e"} {
		if status, _, _ := m.fetch(t, "/l/"+slug); status != http.StatusNotFound {
			t.Errorf("/l/%.20s answers %d", slug, status)
		}
	}
	if status, _, _ := m.post(t, "/l/"+m.link(nil).Slug, nil, "Sec-Fetch-Site", "cross-site"); status != http.StatusForbidden {
		t.Errorf("another site's form answers %d", status)
	}
}

// What a link asks goes with the payment; what is missing is said at its field, and what was typed stays.
func TestLinkFields(t *testing.T) {
	m := openMarket(t)
	x := m.link(func(x *payterm.Link) { x.Fields = []payterm.Field{{Name: "Name", Required: true}, {Name: "Table"}} })
	status, _, body := m.post(t, "/l/"+x.Slug, url.Values{"field-1": {""}, "field-2": {`"7"`}})
	if status != http.StatusBadRequest || !strings.Contains(body, `value="&#34;7&#34;"`) || !strings.Contains(body, `aria-invalid="true"`) {
		t.Errorf("%d", status)
	}
	if status, _, _ := m.post(t, "/l/"+x.Slug, url.Values{"field-1": {"Ada"}, "field-2": {"7"}}); status != http.StatusSeeOther {
		t.Errorf("%d", status)
	}
	if inv := m.newest(); inv.Description != "Name: Ada\nTable: 7" {
		t.Errorf("it says %q", inv.Description)
	}
}

// A preview of a private link names no sum.
func TestLinkPreview(t *testing.T) {
	m := openMarket(t)
	for private, want := range map[bool]string{false: `<meta property="og:title" content="House blend · 25.50 EUR">`, true: `<meta property="og:title" content="House blend">`} {
		x := m.link(func(x *payterm.Link) { x.Private = private })
		if _, _, body := m.fetch(t, "/l/"+x.Slug); !strings.Contains(body, want) {
			t.Errorf("private %v: no %s", private, want)
		}
		if _, _, body := m.fetch(t, "/l/"+x.Slug+"/poster"); strings.Contains(body, "25.50 EUR") == private {
			t.Errorf("the poster of a private link (%v) shows the sum wrongly", private)
		}
	}
}

// decode reads a code of a picture with zbarimg, which reads no inverted ones.
func decode(t *testing.T, file string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", file).Output()
	if err != nil {
		t.Fatalf("zbarimg %s: %v", file, err)
	}
	return strings.TrimSpace(string(out))
}

// A poster printed at 300 dpi leads to the link, in capitals, in every size.
func TestItem101Poster(t *testing.T) {
	for _, tool := range []string{"zbarimg", "pdftoppm"} {
		if _, err := exec.LookPath(tool); err != nil {
			if strings.Contains(os.Getenv("CHECKOUT_REQUIRE"), "browser") {
				t.Fatalf("%s is missing", tool)
			}
			t.Skipf("%s is missing", tool)
		}
	}
	m, b := openMarket(t), browsertest.Open(t)
	x := m.link(nil)
	want := strings.ToUpper(m.url + "/l/" + x.Slug)
	for size, paper := range map[string][2]float64{"a4": {210, 297}, "a5": {148, 210}, "a6": {105, 148}, "label": {62, 76}} {
		b.Do(t, chromedp.EmulateViewport(1000, 1300), chromedp.Navigate(m.url+"/l/"+x.Slug+"/poster?size="+size))
		shot(t, b, "poster-"+size)
		millimetres := browsertest.JS[float64](t, b, `document.querySelector("[data-testid=poster-qr]").getBoundingClientRect().width / 96 * 25.4`)
		if millimetres < 38 { // 30 of code, and four modules of nothing on either side
			t.Errorf("%s: the code is %.0f mm wide", size, millimetres)
		}
		ctx, cancel := context.WithTimeout(b.Context(), 20*time.Second)
		yes := true
		sheet, err := chromedp.Call(ctx, page.PrintToPDF, page.PrintToPDFParams{PreferCSSPageSize: &yes, PrintBackground: &yes})
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		pdf := filepath.Join(dir, "poster.pdf")
		if err := os.WriteFile(pdf, sheet.Data, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), "pdftoppm", "-r", "300", "-png", pdf, filepath.Join(dir, "page")).CombinedOutput(); err != nil {
			t.Fatalf("pdftoppm: %v %s", err, out)
		}
		pages, _ := filepath.Glob(filepath.Join(dir, "page*.png"))
		if len(pages) != 1 {
			t.Errorf("%s: %d pages", size, len(pages))
			continue
		}
		if w, h := pngSize(t, pages[0]); abs(w-paper[0]/25.4*300) > 3 || abs(h-paper[1]/25.4*300) > 3 {
			t.Errorf("%s is printed on %.0f x %.0f dots", size, w, h)
		}
		if got := decode(t, pages[0]); got != want {
			t.Errorf("%s: the code says %q, want %q", size, got, want)
		}
	}
	b.Quiet(t)
	if status, _, body := m.fetch(t, strings.TrimPrefix(want, strings.ToUpper(m.url))); status != http.StatusOK || !strings.Contains(body, "House blend") {
		t.Errorf("what the code says leads nowhere: %d", status)
	}
	status, header, body := m.fetch(t, "/l/"+x.Slug+"/qr.png")
	if status != 200 || header.Get("Content-Type") != "image/png" || !strings.Contains(header.Get("Content-Disposition"), "attachment") {
		t.Errorf("the picture: %d %v", status, header)
	}
	file := filepath.Join(t.TempDir(), "qr.png")
	if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := decode(t, file); got != want {
		t.Errorf("the picture says %q", got)
	}
	if status, header, body := m.fetch(t, "/l/"+x.Slug+"/qr.svg"); status != 200 || header.Get("Content-Type") != "image/svg+xml" || !strings.HasPrefix(body, "<svg") {
		t.Errorf("the drawing: %d %v", status, header)
	}
}

// However long its title, all of a poster is on the paper, and the code is large enough. On a phone it is as wide as the screen.
func TestPosterOfALongTitle(t *testing.T) {
	m, b := openMarket(t), browsertest.Open(t)
	x := m.link(func(x *payterm.Link) { x.Title = strings.Repeat("Freundeskreis ", 7) })
	for _, size := range posterSizes() {
		b.Do(t, chromedp.EmulateViewport(360, 740), chromedp.Navigate(m.url+"/l/"+x.Slug+"/poster?lang=de&size="+size))
		if wide := browsertest.JS[int](t, b, `document.documentElement.scrollWidth`); wide > 360 {
			t.Errorf("%s: %d px wide on 360", size, wide)
		}
		b.Prints(t)
		out := browsertest.JS[[]string](t, b, `(() => { const sheet = document.querySelector(".sheet").getBoundingClientRect()
			return [...document.querySelectorAll(".sheet > *")].filter((e) => { const r = e.getBoundingClientRect(); return r.height > 0 && (r.top < sheet.top || r.bottom > sheet.bottom || r.left < sheet.left || r.right > sheet.right) }).map((e) => e.className) })()`)
		modules := browsertest.JS[float64](t, b, `(() => { const svg = document.querySelector(".sheet-code svg"), r = svg.getBoundingClientRect(), n = svg.viewBox.baseVal.width; return Math.min(r.width, r.height) * (n - 8) / n / 96 * 25.4 })()`)
		b.Prefers(t)
		if len(out) > 0 || modules < 30 {
			t.Errorf("%s: not on the paper: %q; the modules are %.1f mm wide", size, out, modules)
		}
	}
}

// The menu of languages is on the screen, also beside the sign of test mode.
func TestLanguagesFit(t *testing.T) {
	m, b := openMarket(t), browsertest.Open(t)
	_, invoice, _ := m.post(t, "/l/"+m.link(nil).Slug, nil)
	for _, path := range []string{"/l/" + m.link(nil).Slug, invoice} {
		b.Do(t, chromedp.EmulateViewport(360, 740), chromedp.Navigate(m.url+path), chromedp.Click(".langs summary"))
		if got := browsertest.JS[[]float64](t, b, `(({ left, right }) => [left, right])(document.querySelector(".langs ul").getBoundingClientRect())`); got[0] < 0 || got[1] > 360 {
			t.Errorf("%.3s: the menu is at %v", path, got)
		}
	}
}

// Sums are read as people write them, and never as a thousandth of what they meant.
func TestTypedAmount(t *testing.T) {
	jpy, _ := money.FiatByCode("JPY")
	for text, want := range map[string]string{
		"5": "5.00", "12,5": "12.50", "12.50": "12.50", " 1 234.50 ": "1234.50", "1\u00a0234,50": "1234.50", "٢٥٫٥٠": "25.50", "۱۲": "12.00", "१२": "12.00",
		"1.000": "", "1,000": "", "1,000.00": "", "1.234,50": "", "-5": "", "": "", "1e3": "", "0x5": "", "abc": "",
	} {
		a, ok := typedAmount(euro, text)
		if ok != (want != "") || (ok && a.String() != want) {
			t.Errorf("%q: %s, %v, want %q", text, a, ok, want)
		}
	}
	if a, ok := typedAmount(jpy, "1250"); !ok || a.String() != "1250" {
		t.Errorf("%s, %v", a, ok)
	}
	if _, ok := typedAmount(jpy, "1.250"); ok {
		t.Error("a thousandth of what was meant")
	}
}

func abs(x float64) float64 { return max(x, -x) }

// A poster's address is short enough in capitals for the third size of a code at level M, and robust at level Q.
func TestPosterCodeIsSmall(t *testing.T) {
	m := openMarket(t)
	x := m.link(nil)
	lower, upper := modules(t, "https://pay.example.com/l/"+x.Slug), modules(t, strings.ToUpper("https://pay.example.com/l/"+x.Slug))
	if lower != 29 || upper != 25 {
		t.Errorf("%d modules, in capitals %d", lower, upper)
	}
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

// signedLink is a payment terminal's link.
func (m *market) signedLink(t *testing.T, more string) string {
	t.Helper()
	found, err := store.Merchants{DB: m.db}.Find(t.Context(), m.tenant.Merchant())
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`{"client_id":%d,"currency":"LTCT","foreign_id":"cust-1"%s}`, found.Number, more)
	return "/?data=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(text))) + "&signature=" + url.QueryEscape(m.sign(text))
}

// A terminal's link opens the customer's address: framed only if the link says so, and by whom the merchant lists (checklist 51 to 54).
func TestTerminalLink(t *testing.T) {
	m, b := openMarket(t), browsertest.Open(t)
	status, header, body := m.fetch(t, m.signedLink(t, `,"amount":"25.5","url_back":"https://shop.example/back?a=1&b=<2>"`))
	for _, want := range []string{`data-state="topup"`, "25.50000000", "LTCT", "Amount to send", `href="https://shop.example/back?a=1&amp;b=&lt;2&gt;"`} {
		if want == `href="https://shop.example/back?a=1&amp;b=&lt;2&gt;"` {
			want = "https://shop.example/back?a=1&amp;b="
		}
		if status != 200 || !strings.Contains(body, want) {
			t.Errorf("%d: no %s", status, want)
		}
	}
	if header.Get("X-Frame-Options") != "DENY" || !strings.Contains(header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Errorf("it may be framed: %v", header)
	}
	_, header, body = m.fetch(t, m.signedLink(t, `,"is_iframe":"1","url_back":"https://shop.example/back"`))
	if header.Get("X-Frame-Options") != "" || !strings.Contains(header.Get("Content-Security-Policy"), "frame-ancestors *;") {
		t.Errorf("a frame is refused: %v", header)
	}
	if strings.Contains(body, "shop.example/back") || strings.Contains(body, "monogram") {
		t.Error("the bare card has a way back, or a header")
	}
	_, err := store.Merchants{DB: m.db}.Restyle(t.Context(), m.tenant.Merchant(), func(l merchant.Look) merchant.Look { l.Origins = []string{"https://shop.example"}; return l })
	if err != nil {
		t.Fatal(err)
	}
	if _, header, _ = m.fetch(t, m.signedLink(t, `,"is_iframe":true`)); !strings.Contains(header.Get("Content-Security-Policy"), "frame-ancestors https://shop.example;") {
		t.Errorf("framed by %v", header)
	}
	good := m.signedLink(t, "")
	for path, want := range map[string]int{
		"/": 404, good[:len(good)-1] + "g": 403, strings.Replace(good, "data=", "data=A", 1): 400, "/?data=&signature=": 400, "/?signature=x": 400,
		m.signedLink(t, `,"url_back":"javascript:alert(1)"`): 400, m.signedLink(t, `,"amount":"0"`): 400,
	} {
		if status, _, body := m.fetch(t, path); status != want || !strings.Contains(body, "<h1>") {
			t.Errorf("%.40s answers %d, want %d", path, status, want)
		}
	}
	parts := strings.SplitN(strings.TrimPrefix(good, "/?"), "&", 2)
	b.Do(t, chromedp.EmulateViewport(360, 740), chromedp.Navigate(m.url+"/?"+parts[1]+"&"+parts[0]))
	shot(t, b, "visit-phone")
	m.pay(browsertest.JS[string](t, b, `document.querySelector("[data-testid=address]").textContent.trim()`), m.chain.Asset.Minimum)
	b.Becomes(t, 10*time.Second, `document.querySelectorAll("[data-testid=payments] li").length === 1`)
	b.Do(t, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(m.url+m.signedLink(t, `,"amount":"0.25","url_back":"https://shop.example/back"`)))
	shot(t, b, "visit-desktop")
	b.Quiet(t)
}

// Every page of tills, links and products passes axe, light and dark, and fits 320 px.
func TestCounterPagesAccess(t *testing.T) {
	m, b := openMarket(t), browsertest.Open(t)
	till := m.terminal(func(x *payterm.Terminal) { x.PIN, x.Tips = "1234", []int{5, 10} })
	m.post(t, "/t/"+till.Token+"/charge", url.Values{"amount": {"12.50"}, "tip": {"1"}, "note": {"Table 4"}})
	sale := m.newest()
	typed := m.link(func(x *payterm.Link) { typedSum(x); x.Fields = []payterm.Field{{Name: "Name", Required: true}} })
	over := m.link(nil)
	if _, err := m.payterm.RevokeLink(t.Context(), m.tenant, over.Slug); err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{
		"till": "/t/" + till.Token, "sale": "/t/" + till.Token + "/sale/" + string(sale.ID), "history": "/t/" + till.Token + "/history",
		"coins": "/t/" + m.terminal(func(x *payterm.Terminal) { x.Mode = payterm.ModeDeposit }).Token,
		"link":  "/l/" + typed.Slug, "link of any sum": "/l/" + m.link(func(x *payterm.Link) { x.Mode, x.Amount = payterm.ModeDeposit, eur(0) }).Slug,
		"link that is over": "/l/" + over.Slug, "poster": "/l/" + typed.Slug + "/poster?size=label", "product": "/b/" + m.button(func(x *payterm.Button) { x.MinQuantity, x.MaxQuantity = 1, 9 }).Slug,
		"address": m.signedLink(t, ""),
	}
	for name, path := range paths {
		for _, theme := range []string{"light", "dark"} {
			join := "?"
			if strings.Contains(path, "?") {
				join = "&"
			}
			b.Do(t, chromedp.EmulateViewport(320, 640), chromedp.Navigate(m.url+path+join+"theme="+theme))
			b.Forget() // what is gone is an error to the console
			b.Do(t, chromedp.Evaluate[chromedp.Void](mustRead(t, "testdata/axe.min.js")))
			if found := axe(t, b); len(found) > 0 {
				t.Errorf("%s, %s: %q", name, theme, found)
			}
			if wide := browsertest.JS[int](t, b, `document.documentElement.scrollWidth`); wide > 320 {
				t.Errorf("%s: %d px wide on 320", name, wide)
			}
			b.Quiet(t)
		}
	}
}

// pngSize is how large a picture is.
func pngSize(t *testing.T, file string) (width, height float64) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	config, err := png.DecodeConfig(f)
	if err != nil {
		t.Fatal(err)
	}
	return float64(config.Width), float64(config.Height)
}

// modules is how many a text's code at level M has along a side.
func modules(t *testing.T, text string) int {
	t.Helper()
	n, err := qr.Modules(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
