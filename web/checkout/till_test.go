package checkout

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
	"checkout/payterm"
	"checkout/store"
	"checkout/web/browsertest"
)

// at is the address of a terminal.
func (m *market) at(x payterm.Terminal) string { return m.url + "/t/" + x.Token }

// keys presses keys of the keypad on the screen.
func keys(t *testing.T, b *browsertest.Browser, list ...string) {
	t.Helper()
	for _, key := range list {
		b.Do(t, chromedp.Click(`[data-key="`+key+`"]`))
	}
}

// entry is what the keypad shows.
func entry(t *testing.T, b *browsertest.Browser) string {
	t.Helper()
	return browsertest.JS[string](t, b, `document.querySelector("[data-testid=entry]").value`)
}

// shot keeps a picture where CHECKOUT_SHOTS says, for people to look at.
func shot(t *testing.T, b *browsertest.Browser, name string) {
	t.Helper()
	dir := os.Getenv("CHECKOUT_SHOTS")
	if dir == "" {
		return
	}
	raw, err := os.ReadFile(b.Shoot(t))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// 1-2-5-0 is 12.50, as on every till; other currencies have other places; nine digits are all there are; Esc clears.
func TestItem96Keypad(t *testing.T) {
	m, b := openMarket(t), browsertest.Open(t)
	for code, want := range map[string][]string{"EUR": {"12.50", "1234567.89"}, "JPY": {"1250", "123456789"}, "KWD": {"1.250", "123456.789"}} {
		c, ok := money.FiatByCode(code)
		if !ok {
			t.Fatal(code)
		}
		b.Do(t, chromedp.EmulateViewport(360, 740), chromedp.Navigate(m.at(m.terminal(func(x *payterm.Terminal) { x.Currency = c }))))
		if disabled := browsertest.JS[bool](t, b, `document.querySelector("#charge").disabled`); !disabled {
			t.Errorf("%s: nothing can be charged", code)
		}
		keys(t, b, "1", "2", "5", "0")
		if got := entry(t, b); got != want[0] {
			t.Errorf("%s: 1-2-5-0 is %q, want %q", code, got, want[0])
		}
		if got := browsertest.JS[string](t, b, `document.querySelector("#charge").textContent`); got != "Charge "+want[0]+" "+code {
			t.Errorf("the button says %q", got)
		}
		if got := browsertest.JS[string](t, b, `document.querySelector("#total").textContent`); got != want[0] {
			t.Errorf("%q is read out", got)
		}
		keys(t, b, "erase", "erase")
		b.Do(t, chromedp.KeyEvent(kb.Escape))
		for _, digit := range "1234567890" {
			b.Do(t, chromedp.KeyEvent(string(digit)))
		}
		if got := entry(t, b); got != want[1] {
			t.Errorf("%s: ten digits are %q, want %q", code, got, want[1])
		}
		keys(t, b, "clear", "0", "0")
		if disabled := browsertest.JS[bool](t, b, `document.querySelector("#charge").disabled`); !disabled {
			t.Errorf("%s: zero can be charged", code)
		}
	}
	small := browsertest.JS[float64](t, b, `Math.min(...[...document.querySelectorAll(".key, #charge")].map((e) => e.getBoundingClientRect().height))`)
	if small < 64 {
		t.Errorf("the smallest key is %v px high", small)
	}
	b.Quiet(t)
	if n := m.count(); n != 0 {
		t.Errorf("%d invoices were made", n)
	}
}

// A whole sale by touch: keypad, a coin, the money, the sound, and the next sale.
func TestTillSaleByTouch(t *testing.T) {
	m, b := openMarket(t), browsertest.Open(t)
	x := m.terminal(nil)
	b.Do(t, chromedp.EmulateViewport(360, 740, chromedp.EmulateTouch), chromedp.Navigate(m.at(x)))
	keys(t, b, "1", "2", "5", "0")
	b.Do(t, chromedp.SendKeys("#note", "Table 4"))
	shot(t, b, "till-phone")
	b.Do(t, chromedp.Click("#charge"))
	b.Becomes(t, fiveSeconds, `!!document.querySelector("[data-testid=sale-coins]")`)
	if got := browsertest.JS[string](t, b, `document.querySelector("[data-testid=total]").innerText`); got != "12.50 EUR" {
		t.Errorf("the sum is %q", got)
	}
	shot(t, b, "sale-choose-phone")
	b.Do(t, chromedp.Click("[data-testid=coin-rusd]"))
	b.Becomes(t, fiveSeconds, `document.querySelector("#live")?.dataset.state === "waiting"`)
	inv := m.newest()
	if inv.Origin != "terminal" || inv.Source != x.ID || inv.Description != "Table 4" || inv.Asset != "rusd" {
		t.Errorf("made %+v", inv)
	}
	wide := browsertest.JS[float64](t, b, `document.querySelector("[data-testid=qr]").getBoundingClientRect().width`)
	if wide < 280 {
		t.Errorf("the code is %v px wide", wide)
	}
	shot(t, b, "sale-waiting-phone")
	b.Do(t, chromedp.Click("[data-testid=coin-ltct]")) // the customer changes their mind
	b.Becomes(t, fiveSeconds, `document.querySelector("#live")?.dataset.asset === "ltct"`)
	m.pay(mustAddress(t, m.newest()), m.newest().Outcome.Remaining)
	b.Becomes(t, 10*time.Second, `document.querySelector("#live")?.dataset.state === "detected"`)
	shot(t, b, "sale-detected-phone")
	m.mine(3)
	b.Becomes(t, 10*time.Second, `document.querySelector("#live.is-paid h1")?.innerText.startsWith("Paid 12.50")`)
	b.Becomes(t, fiveSeconds, `!document.querySelector("#soon").hidden && /^New sale in \d+ s$/.test(document.querySelector("#soon").textContent)`)
	shot(t, b, "sale-paid-phone")
	b.Do(t, chromedp.Click("#stay"))
	if hidden := browsertest.JS[bool](t, b, `document.querySelector("#soon").hidden`); !hidden {
		t.Error("who stays is still counted out")
	}
	b.Do(t, chromedp.Click("[data-testid=new-sale]"))
	b.Becomes(t, fiveSeconds, `document.querySelector("[data-testid=entry]")?.value === "0.00"`)
	b.Quiet(t)
}

func mustAddress(t *testing.T, inv *invoice.Invoice) string {
	t.Helper()
	a, ok := inv.Address(inv.Asset)
	if !ok {
		t.Fatal("no address")
	}
	return a.Text
}

// The same by keyboard, and the next sale comes by itself.
func TestTillSaleByKeyboard(t *testing.T) {
	m, b := openMarket(t), browsertest.Open(t)
	b.Do(t, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(m.at(m.terminal(nil))))
	for _, key := range []string{"9", "9", kb.Backspace, "5", "0"} {
		b.Do(t, chromedp.KeyEvent(key))
	}
	keys(t, b, "9", "erase") // a key that was clicked is not pressed again by Enter
	shot(t, b, "till-desktop")
	b.Do(t, chromedp.KeyEvent(kb.Enter))
	b.Becomes(t, fiveSeconds, `!!document.querySelector("[data-testid=sale-coins]")`)
	tabTo(t, b, "coin-ltct")
	b.Do(t, chromedp.KeyEvent(kb.Enter))
	b.Becomes(t, fiveSeconds, `document.querySelector("#live")?.dataset.state === "waiting"`)
	if inv := m.newest(); inv.Price.String() != "9.50" {
		t.Errorf("%s are asked", inv.Price)
	}
	if wide := browsertest.JS[float64](t, b, `document.querySelector("[data-testid=qr]").getBoundingClientRect().width`); wide < 400 {
		t.Errorf("on a desk the code is %v px wide", wide)
	}
	shot(t, b, "sale-waiting-desktop")
	m.settle(m.newest())
	b.Becomes(t, 10*time.Second, `!!document.querySelector("#live.is-paid")`)
	shot(t, b, "sale-paid-desktop")
	b.Becomes(t, 20*time.Second, `!!document.querySelector("#pad")`)
	b.Quiet(t)
}

// What can go no further at the counter says so in the words of the invoice's page, leads to that page on the customer's own
// phone, and to the next sale. Who has paid finds the receipt the same way, and is not counted out while showing it.
func TestTillSaleOver(t *testing.T) {
	m, b := openMarket(t), browsertest.Open(t)
	x := m.terminal(nil)
	_, to, _ := m.post(t, "/t/"+x.Token+"/charge", url.Values{"amount": {"8"}})
	gone := m.newest()
	if _, err := m.invoices.Decide(t.Context(), gone.ID, invoice.Mark{Kind: invoice.MarkCancel, Actor: "staff", Reason: "changed their mind"}); err != nil {
		t.Fatal(err)
	}
	b.Do(t, chromedp.EmulateViewport(360, 740), chromedp.Navigate(m.url+to))
	said := browsertest.JS[string](t, b, `document.querySelector("[data-testid=status]").innerText`)
	if !strings.Contains(said, "This payment was cancelled") || !strings.Contains(said, "Do not send anything to this address any more.") {
		t.Errorf("it says %q", said)
	}
	if primary := browsertest.JS[bool](t, b, `document.querySelector("[data-testid=new-sale]").matches(".btn-primary")`); !primary {
		t.Error("the next sale does not stand out")
	}
	if own := browsertest.JS[string](t, b, `document.querySelector("#own .qr").dataset.qrContent`); own != m.url+"/i/"+string(gone.ID) {
		t.Errorf("the customer's phone is led to %q", own)
	}
	if extra := browsertest.JS[int](t, b, `document.querySelectorAll("#live [data-copy], #live [data-wallet], #live form").length`); extra != 0 {
		t.Errorf("%d things to press that are of no use at a counter", extra)
	}
	_, to, _ = m.post(t, "/t/"+x.Token+"/charge", url.Values{"amount": {"9"}})
	inv, err := m.invoices.Choose(t.Context(), m.newest().ID, invoice.Choice{Asset: "ltct"})
	if err != nil {
		t.Fatal(err)
	}
	m.settle(inv)
	b.Do(t, chromedp.Navigate(m.url+to), chromedp.Click("#own summary"))
	b.Becomes(t, fiveSeconds, `document.querySelector("#own").open && document.querySelector("#soon").hidden`)
	b.Quiet(t)
}

// A sound is made at the till alone, and only where somebody has touched it.
func TestItem110Sound(t *testing.T) {
	m, b := openMarket(t), browsertest.Open(t)
	b.Before(t, `window.__tones = 0; { const start = OscillatorNode.prototype.start; OscillatorNode.prototype.start = function (...a) { window.__tones++; return start.apply(this, a) } }`)
	x := m.terminal(func(x *payterm.Terminal) { x.Mode, x.Amount = payterm.ModeFixed, eur(500) })
	tones := func() int { return browsertest.JS[int](t, b, "window.__tones") }
	b.Do(t, chromedp.Navigate(m.at(x)), chromedp.Click("#charge"))
	b.Becomes(t, fiveSeconds, `!!document.querySelector("[data-testid=coin-ltct]")`)
	b.Do(t, chromedp.Click("[data-testid=coin-ltct]"))
	b.Becomes(t, fiveSeconds, `document.querySelector("#live")?.dataset.state === "waiting"`)
	touched := m.newest()
	m.settle(touched)
	b.Becomes(t, 10*time.Second, `!!document.querySelector("#live.is-paid") && window.__tones === 2`)
	b.Do(t, chromedp.Navigate(m.at(x)+"/sale/"+string(touched.ID)), chromedp.Sleep(500*time.Millisecond))
	if n := tones(); n != 0 {
		t.Errorf("a sale that was paid before makes %d tones", n)
	}
	// An invoice's own page is silent, whoever has clicked on it.
	online := m.sell(t, x)
	b.Do(t, chromedp.Navigate(m.url+"/i/"+string(online.ID)), chromedp.Click("[data-testid=price-details] summary"))
	m.settle(online)
	b.Becomes(t, 10*time.Second, `document.querySelector("#live")?.dataset.state === "paid"`)
	b.Do(t, chromedp.Sleep(500*time.Millisecond))
	if n := tones(); n != 0 {
		t.Errorf("the page of an invoice makes %d tones", n)
	}
	b.Quiet(t)
	// Nobody has touched this one.
	fresh := browsertest.Open(t)
	fresh.Before(t, `window.__tones = 0; { const start = OscillatorNode.prototype.start; OscillatorNode.prototype.start = function (...a) { window.__tones++; return start.apply(this, a) } }`)
	alone := m.sell(t, x)
	fresh.Do(t, chromedp.Navigate(m.at(x)+"/sale/"+string(alone.ID)))
	m.settle(alone)
	fresh.Becomes(t, 10*time.Second, `!!document.querySelector("#live.is-paid")`)
	fresh.Do(t, chromedp.Sleep(500*time.Millisecond))
	if n := browsertest.JS[int](t, fresh, "window.__tones"); n != 0 {
		t.Errorf("a till nobody has touched makes %d tones", n)
	}
}

// sell makes a sale at a terminal, in the played coin.
func (m *market) sell(t *testing.T, x payterm.Terminal) *invoice.Invoice {
	t.Helper()
	inv, err := m.payterm.Charge(t.Context(), x.Token, payterm.Charge{})
	if err == nil {
		inv, err = m.invoices.Choose(t.Context(), inv.ID, invoice.Choice{Asset: "ltct"})
	}
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// Ten percent of 12.50 are 1.25; the receipt lists them.
func TestItem97Tip(t *testing.T) {
	m, b := openMarket(t), browsertest.Open(t)
	b.Do(t, chromedp.EmulateViewport(360, 740), chromedp.Navigate(m.at(m.terminal(func(x *payterm.Terminal) { x.Tips = []int{5, 10, 15} }))))
	keys(t, b, "1", "2", "5", "0")
	b.Do(t, chromedp.Click("#charge"))
	b.Becomes(t, fiveSeconds, `!!document.querySelector("[data-testid=tips]")`)
	shot(t, b, "tip-phone")
	if got := browsertest.JS[string](t, b, `document.querySelector("[data-testid=tip-10]").innerText.replace(/\s+/g, " ")`); got != "10 % + 1.25 13.75 EUR" {
		t.Errorf("ten percent are %q", got)
	}
	b.Do(t, chromedp.Click("[data-testid=tip-10]"))
	b.Becomes(t, fiveSeconds, `!!document.querySelector("[data-testid=sale-coins]")`)
	if got := browsertest.JS[string](t, b, `document.querySelector("#live").innerText`); !strings.Contains(got, "13.75 EUR") || !strings.Contains(got, "1.25 EUR") {
		t.Errorf("the customer sees %q", got)
	}
	b.Do(t, chromedp.Click("[data-testid=coin-ltct]"))
	b.Becomes(t, fiveSeconds, `document.querySelector("#live")?.dataset.state === "waiting"`)
	inv := m.newest()
	m.settle(inv)
	b.Do(t, chromedp.Navigate(m.url+"/i/"+string(inv.ID)+"/receipt"))
	if got := browsertest.JS[string](t, b, `document.body.innerText`); !strings.Contains(got, "13.75") || !strings.Contains(strings.Join(strings.Fields(got), " "), "Tip 1.25 EUR") {
		t.Errorf("the receipt says %q", got)
	}
	for sent, want := range map[string]int{"0": http.StatusSeeOther, "2.5": http.StatusSeeOther, "2,50": http.StatusSeeOther, "-1": 400, "1e2": 400, "9999999.99": 400, "0.001": 400} {
		token := strings.TrimPrefix(m.at(m.terminal(func(x *payterm.Terminal) { x.Tips = []int{5} })), m.url)
		status, _, _ := m.post(t, token+"/charge", url.Values{"amount": {"12.50"}, "tip": {sent}})
		if status != want {
			t.Errorf("a tip of %q answers %d, want %d", sent, status, want)
		}
	}
}

// post sends a form as a browser without script does, and follows nothing.
func (m *market) post(t *testing.T, path string, form url.Values, header ...string) (status int, location, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, m.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return m.send(t, req)
}

func (m *market) send(t *testing.T, req *http.Request) (status int, location, body string) {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("Location"), string(raw)
}

// fetch asks for a page.
func (m *market) fetch(t *testing.T, path string) (status int, header http.Header, body string) {
	t.Helper()
	res, err := http.Get(m.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, _ := io.ReadAll(res.Body)
	return res.StatusCode, res.Header, string(raw)
}

// A token makes sales and shows its own: no list, no other terminal's sale, no invoice of a shop. Revoked it does nothing.
func TestItem99Token(t *testing.T) {
	m := openMarket(t)
	x, other := m.terminal(func(x *payterm.Terminal) { x.PIN = "1234" }), m.terminal(nil)
	home := "/t/" + x.Token
	_, to, _ := m.post(t, home+"/charge", url.Values{"amount": {"5"}})
	sale := m.newest()
	if to != home+"/sale/"+string(sale.ID) {
		t.Fatalf("charging leads to %q", to)
	}
	for path, want := range map[string]int{
		to: 200, home + "/alive": 204, home + "/history": 200, home + "/app.webmanifest": 200,
		"/t/" + other.Token + "/sale/" + string(sale.ID): 404, home + "/sale/" + string(ident.ID(strings.Repeat("A", 26))): 404, home + "/sale/x": 404,
		home + "/sales": 404, home + "/invoices": 404, home + "/sale": 404, home + "/": 404, "/t/" + other.Token + "/history": 404, "/t/" + strings.ToLower(x.Token): 404,
		"/t/" + strings.Repeat("A", 26): 404, "/t/" + strings.Repeat("A", 200): 404,
	} {
		if status, _, _ := m.fetch(t, path); status != want {
			t.Errorf("%s answers %d, want %d", path, status, want)
		}
	}
	if _, _, body := m.fetch(t, home); strings.Contains(body, string(sale.ID)) || strings.Contains(body, "5.00") {
		t.Error("the keypad tells of a sale")
	}
	before := m.count()
	if _, err := m.payterm.RevokeTerminal(t.Context(), m.tenant, x.Token); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{home, to, home + "/history", home + "/app.webmanifest", home + "/alive", to + "/fragment"} {
		status, _, body := m.fetch(t, path)
		if status != http.StatusForbidden || !strings.Contains(body, "This terminal was switched off.") {
			t.Errorf("%s of a revoked token answers %d", path, status)
		}
	}
	if status, _, _ := m.post(t, home+"/charge", url.Values{"amount": {"5"}}); status != http.StatusForbidden || m.count() != before {
		t.Errorf("a revoked token charges: %d", status)
	}
}

// What cannot be charged is said at the form, and nothing is made.
func TestTillRefuses(t *testing.T) {
	m := openMarket(t)
	x := m.terminal(func(x *payterm.Terminal) { x.Min, x.Max = eur(100), eur(50_000) })
	home := "/t/" + x.Token
	for amount, said := range map[string]string{
		"": "This amount cannot be charged.", "0": "This amount cannot be charged.", "-5": "This amount cannot be charged.", "1e3": "This amount cannot be charged.",
		"1.005": "This amount cannot be charged.", "1.000,00": "This amount cannot be charged.", "1000000000": "This amount cannot be charged.",
		"0.99": "From", "500.01": "From", "<b>": "This amount cannot be charged.", "１２": "This amount cannot be charged.",
	} {
		status, _, body := m.post(t, home+"/charge", url.Values{"amount": {amount}, "note": {"Table <4>"}})
		if status != http.StatusBadRequest || !strings.Contains(body, said) || !strings.Contains(body, `value="Table &lt;4&gt;"`) {
			t.Errorf("%q answers %d", amount, status)
		}
	}
	for name, c := range map[string]struct {
		form   url.Values
		header []string
		want   int
	}{
		"another site's form": {url.Values{"amount": {"5"}}, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		"a sister's form":     {url.Values{"amount": {"5"}}, []string{"Sec-Fetch-Site", "same-site"}, 403},
		"a note too long":     {url.Values{"amount": {"5"}, "note": {strings.Repeat("x", 201)}}, nil, 400},
		"a note that hides":   {url.Values{"amount": {"5"}, "note": {"a\u202eb"}}, nil, 400},
		"a form that is none": {url.Values{"amount": {"5"}, "once": {strings.Repeat("x", 100)}}, nil, 400},
		"a tip nobody asked":  {url.Values{"amount": {"5"}, "tip": {"1000"}}, nil, 303}, // this till takes none, and asks for the sum
	} {
		status, _, _ := m.post(t, home+"/charge", c.form, c.header...)
		if status != c.want {
			t.Errorf("%s answers %d, want %d", name, status, c.want)
		}
	}
	if n, inv := m.count(), m.newest(); n != 1 || inv.Price.String() != "5.00" || inv.Tip.Sign() > 0 {
		t.Errorf("%d invoices were made, the last of %s", n, inv.Price)
	}
	once := url.Values{"amount": {"7"}, "once": {"form-1"}}
	_, first, _ := m.post(t, home+"/charge", once)
	if _, second, _ := m.post(t, home+"/charge", once); second != first || m.count() != 2 {
		t.Errorf("a form sent twice leads to %q and %q", first, second)
	}
	for range 40 { // the terminal's own limit
		if status, _, _ := m.post(t, home+"/charge", url.Values{"amount": {"x"}}); status == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("nobody stops who charges for ever")
}

// Sales are shown to who knows the PIN, and to nobody who guesses.
func TestTillHistory(t *testing.T) {
	m, b := openMarket(t), browsertest.Open(t)
	x := m.terminal(func(x *payterm.Terminal) { x.PIN = "4711"; x.Tips = []int{10} })
	home := "/t/" + x.Token
	m.post(t, home+"/charge", url.Values{"amount": {"5"}, "tip": {"0.50"}, "note": {"Table 4"}})
	paid := m.newest()
	inv, err := m.invoices.Choose(t.Context(), paid.ID, invoice.Choice{Asset: "ltct"})
	if err != nil {
		t.Fatal(err)
	}
	m.settle(inv)
	m.post(t, home+"/charge", url.Values{"amount": {"12.5"}, "tip": {"0"}})
	b.Do(t, chromedp.EmulateViewport(360, 740), chromedp.Navigate(m.at(x)+"/history"))
	shot(t, b, "history-pin-phone")
	b.Do(t, chromedp.SendKeys("#pin", "4711"), chromedp.Click("[data-testid=pin-show]"))
	b.Becomes(t, fiveSeconds, `document.querySelectorAll("[data-testid=sold] li").length === 2`)
	shot(t, b, "history-phone")
	got := browsertest.JS[string](t, b, `document.querySelector("[data-testid=sold]").innerText.replace(/\s+/g, " ")`)
	for _, want := range []string{"12.50 EUR", "Waiting", "5.50 EUR", "0.50 EUR", "Table 4", "Paid"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	b.Quiet(t)
	for n, want := range []int{403, 403, 403, 403, 429, 429} {
		if status, _, body := m.post(t, home+"/history", url.Values{"pin": {"000" + strconv.Itoa(n)}}); status != want || strings.Contains(body, "12.50") {
			t.Errorf("guess %d answers %d, want %d", n+1, status, want)
		}
	}
	if status, _, _ := m.post(t, home+"/history", url.Values{"pin": {"4711"}}); status != http.StatusTooManyRequests {
		t.Errorf("locked, the right PIN answers %d", status)
	}
}

// The manifest makes an application of the till; without a connection the keypad opens and says why nothing can be charged.
func TestItem100App(t *testing.T) {
	m, b := openMarket(t), browsertest.Open(t)
	x := m.terminal(nil)
	home := "/t/" + x.Token
	status, header, body := m.fetch(t, home+"/app.webmanifest")
	var app manifest
	if err := json.Unmarshal([]byte(body), &app); err != nil || status != 200 || header.Get("Content-Type") != "application/manifest+json" {
		t.Fatalf("%d %v %v", status, header, err)
	}
	if app.StartURL != home || app.Scope != home || app.Display != "standalone" || app.Name != "Till 2 · Acme Coffee" || app.ShortName != "Till 2" || len(app.Icons) != 3 {
		t.Errorf("%+v", app)
	}
	for _, icon := range app.Icons {
		if status, header, _ := m.fetch(t, icon.Src); status != 200 || header.Get("Content-Type") != icon.Type {
			t.Errorf("icon %s: %d %s", icon.Src, status, header.Get("Content-Type"))
		}
	}
	_, header, _ = m.fetch(t, home)
	for _, want := range []string{"manifest-src 'self'", "worker-src 'self'", "media-src 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(header.Get("Content-Security-Policy"), want) {
			t.Errorf("the policy lacks %s: %s", want, header.Get("Content-Security-Policy"))
		}
	}
	green := func(l merchant.Look) merchant.Look { l.Brand = "#0a7d4f"; return l }
	if _, err := (store.Merchants{DB: m.db}).Restyle(t.Context(), m.tenant.Merchant(), green); err != nil {
		t.Fatal(err)
	}
	b.Do(t, chromedp.EmulateViewport(360, 740), chromedp.Navigate(m.at(x)))
	b.Becomes(t, 10*time.Second, `(async () => !!(await navigator.serviceWorker.ready) && !!navigator.serviceWorker.controller)()`)
	// The page was there before the worker, and is kept all the same.
	b.Becomes(t, fiveSeconds, `(async () => !!(await caches.match(location.pathname)))()`)
	b.Becomes(t, 10*time.Second, `!document.querySelector("#install").hidden`) // the browser would install it
	m.post(t, home+"/charge", url.Values{"amount": {"5"}})
	sale := m.at(x) + "/sale/" + string(m.newest().ID)
	b.Do(t, chromedp.Navigate(sale))
	b.Quiet(t)
	m.offline(true)
	b.Do(t, chromedp.Navigate(m.at(x)))
	b.Becomes(t, fiveSeconds, `document.querySelector("[data-testid=net]").textContent === "Offline" && !document.querySelector("#why").hidden`)
	if worn := browsertest.JS[bool](t, b, `[...document.styleSheets].some((s) => s.href.includes("/m/") && s.cssRules.length > 0)`); !worn {
		t.Error("without a connection the merchant's colours are missing")
	}
	keys(t, b, "5", "0", "0")
	if got := entry(t, b); got != "5.00" {
		t.Errorf("without a connection the keypad shows %q", got)
	}
	if disabled := browsertest.JS[bool](t, b, `document.querySelector("#charge").disabled`); !disabled {
		t.Error("without a connection it can be charged")
	}
	shot(t, b, "till-offline-phone")
	kept := browsertest.JS[string](t, b, `(async () => { let all = []; for (const n of await caches.keys()) all.push(...(await (await caches.open(n)).keys()).map((r) => new URL(r.url).pathname)); return all.join(" ") })()`)
	if strings.Contains(kept, "sale") || strings.Contains(kept, "/i/") || strings.Contains(kept, "history") || !strings.Contains(kept, home) {
		t.Errorf("kept are %s", kept)
	}
	m.offline(false)
	browsertest.JS[bool](t, b, `dispatchEvent(new Event("online"))`)
	b.Becomes(t, fiveSeconds, `document.querySelector("[data-testid=net]").textContent === "Online" && !document.querySelector("#charge").disabled`)
	b.Forget() // it complained of the connection
	if _, err := m.payterm.RevokeTerminal(t.Context(), m.tenant, x.Token); err != nil {
		t.Fatal(err)
	}
	b.Do(t, chromedp.Navigate(m.at(x)))
	b.Becomes(t, fiveSeconds, `document.querySelector("main").dataset.status === "403" && (async () => !(await caches.match(location.pathname)))()`)
}

// At a till for deposits any sum may be sent, again and again, and all that came is listed.
func TestItem98Deposits(t *testing.T) {
	m, b := openMarket(t), browsertest.Open(t)
	x := m.terminal(func(x *payterm.Terminal) { x.Mode = payterm.ModeDeposit })
	b.Do(t, chromedp.EmulateViewport(360, 740), chromedp.Navigate(m.at(x)))
	b.Becomes(t, fiveSeconds, `!!document.querySelector("[data-testid=coins]")`)
	shot(t, b, "coins-phone")
	b.Do(t, chromedp.Click("[data-testid=coin-ltct]"))
	b.Becomes(t, fiveSeconds, `document.querySelector("#live")?.dataset.state === "topup"`)
	address := browsertest.JS[string](t, b, `document.querySelector("[data-testid=address]").textContent.trim()`)
	shot(t, b, "topup-phone")
	ltct := m.chain.Asset.Currency
	m.pay(address, money.Units(ltct, 25_000_000))
	m.pay(address, money.Units(ltct, 110_000_000))
	b.Becomes(t, 10*time.Second, `document.querySelectorAll("[data-testid=payments] li").length === 2`)
	m.mine(3)
	b.Becomes(t, 10*time.Second, `[...document.querySelectorAll("[data-testid=payments] li")].filter((li) => li.lastElementChild.textContent === "confirmed").length === 2`)
	got := browsertest.JS[string](t, b, `document.querySelector("[data-testid=payments]").innerText`)
	if !strings.Contains(got, "0.25 LTCT") || !strings.Contains(got, "1.1 LTCT") {
		t.Errorf("listed are %q", got)
	}
	shot(t, b, "topup-paid-phone")
	b.Do(t, chromedp.EmulateViewport(1280, 800))
	shot(t, b, "topup-paid-desktop")
	b.Do(t, chromedp.Navigate(m.at(x)), chromedp.Click("[data-testid=coin-ltct]"))
	b.Becomes(t, fiveSeconds, `document.querySelector("[data-testid=address]")?.textContent.trim() === "`+address+`"`)
	b.Quiet(t)
}
