package checkout

import (
	"context"
	"encoding/base64"
	"fmt"
	"image/png"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
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
