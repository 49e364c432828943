package checkout

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"checkout/ident"
	"checkout/invoice"
	"checkout/money"
	"checkout/web/browsertest"
)

// The page follows the payment without a reload, keeps the focus and what is open, and says each change once.
func TestFollowsThePayment(t *testing.T) {
	b := browsertest.Open(t)
	s, c := openShop(t), b.Clock(noon, 0)
	site := s.serveAt(t, c)
	inv := s.invoiceIn(t, ViewWaiting)
	c.Open(t, site.url+"/i/"+string(inv.ID))
	browsertest.JS[bool](t, b, `window.__same = true; document.querySelector("#details").open = true; document.querySelector("#details summary").focus(); true`)
	// What is read out: each change of a live region is one message.
	browsertest.JS[bool](t, b, `(() => {
		window.__said = []
		for (const e of [document.querySelector("[role=status]"), document.querySelector("#say")])
			new MutationObserver(() => { if (e.ariaLive !== "off" && e.textContent) __said.push(e.innerText) }).observe(e, { subtree: true, childList: true, characterData: true })
		return true })()`)
	becomes := func(t *testing.T, v View, heading string) {
		t.Helper()
		s.becomeState(t, inv, v)
		c.Pass(t, 7*time.Second)
		said := browsertest.JS[[]string](t, b, `__said.splice(0)`)
		if len(said) != 1 || !strings.HasPrefix(said[0], heading) || shows(t, b) != v {
			t.Errorf("%s: on %s is read out %q", v, shows(t, b), said)
		}
	}
	t.Run("item 75: one message for each change", func(t *testing.T) {
		becomes(t, ViewDetected, "Payment seen")
		if !browsertest.JS[bool](t, b, `window.__same && document.activeElement.matches("#details summary") && document.querySelector("#details").open`) {
			t.Error("reloaded, or the focus or what was open is gone")
		}
	})
	t.Run("item 27: money was seen, so nothing asks for more", func(t *testing.T) {
		if browsertest.JS[bool](t, b, `document.body.innerHTML.includes("`+testAddress+`") || !!document.querySelector("main .qr, [data-copy]")`) {
			t.Error("the address, its code or a button that copies it is still there")
		}
	})
	t.Run("item 28: the progress of confirmations", func(t *testing.T) {
		s.becomeState(t, inv, ViewConfirming)
		c.Pass(t, 7*time.Second)
		if got := browsertest.JS[[]float64](t, b, `[document.querySelector("progress").max, document.querySelector("progress").value]`); !slices.Equal(got, []float64{6, 2}) {
			t.Errorf("max and value %v", got)
		}
		if got := browsertest.JS[string](t, b, `document.querySelector("[role=status]").ariaLive`); got != "off" {
			t.Errorf("every confirmation is read out: %s", got)
		}
		browsertest.JS[bool](t, b, `__said = []; true`)
	})
	t.Run("item 75: and for the end", func(t *testing.T) { becomes(t, ViewPaid, "Paid. Thank you!") })
	t.Run("item 27: cancelled", func(t *testing.T) {
		other := s.invoiceIn(t, ViewWaitingExpiring)
		c.Open(t, site.url+"/i/"+string(other.ID))
		s.becomeState(t, other, ViewCancelled)
		c.Pass(t, 7*time.Second)
		if shows(t, b) != ViewCancelled || browsertest.JS[bool](t, b, `document.documentElement.innerHTML.includes("`+testAddress+`")`) {
			t.Errorf("on %s the address is still there", shows(t, b))
		}
	})
	b.Quiet(t)
}

// A part comes, then the rest: the payer watches and does nothing.
func TestItem29TheRestIsPaid(t *testing.T) {
	b := browsertest.Open(t)
	s, c := openShop(t), b.Clock(noon, 0)
	site := s.serveAt(t, c)
	inv := s.invoiceIn(t, ViewUnderpaid)
	c.Open(t, site.url+"/i/"+string(inv.ID))
	browsertest.JS[bool](t, b, `window.__same = true`)
	if got := text(t, b, "h1") + " " + text(t, b, "[data-testid=amount] data"); got != "0.0003 BTC received — 0.00014007 BTC still missing 0.00014007" {
		t.Errorf("asks for %q", got)
	}
	s.becomeState(t, inv, ViewPaid)
	c.Pass(t, 5*time.Second)
	if !browsertest.JS[bool](t, b, `window.__same === true`) || shows(t, b) != ViewPaid {
		t.Errorf("then shows %s", shows(t, b))
	}
	b.Quiet(t)
}

// Too much came: how much, and a form for where it goes back to, which says what is wrong at the field.
func TestItem30Overpaid(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	url, _, _ := s.serve(t)
	inv := s.invoiceIn(t, ViewOverpaid)
	b.Do(t, chromedp.Navigate(url+"/i/"+string(inv.ID)))
	if got := text(t, b, "h1"); got != "Paid — you sent 0.0001 BTC too much" {
		t.Errorf("heading %q", got)
	}
	b.Do(t, chromedp.SendKeys("#refund-address", "0x1234"), chromedp.Click("#refund button"))
	b.Becomes(t, 5*time.Second, `document.querySelector("#refund-address").ariaInvalid === "true"`)
	if got := browsertest.JS[string](t, b, `document.getElementById(document.querySelector("#refund-address").getAttribute("aria-describedby")).innerText.trim() + " | " + document.querySelector("#refund-address").value`); got != "This is not a BTC address on the Bitcoin network, or not one of yours. | 0x1234" {
		t.Errorf("at the field: %q", got)
	}
	b.Forget() // the answer is a 400, which the console notes
	b.Do(t, chromedp.SetValue("#refund-address", testAddress), chromedp.Click("#refund button"))
	b.Becomes(t, 5*time.Second, `!!document.querySelector("[data-testid=refund-kept]")`)
	b.Quiet(t)
}

// A price that has ended can be taken anew, twelve times, at the same address; then a person helps.
func TestItem31NewPrice(t *testing.T) {
	b := browsertest.Open(t)
	s, c := openShop(t), b.Clock(noon, 0)
	site := s.serveAt(t, c)
	inv := s.invoiceIn(t, ViewExpired)
	for range 9 { // so many are behind them
		q := inv.Quotes[0]
		q.ID, q.Renewal, q.ByPayer, q.At = "OLDER", true, true, q.At.Add(-time.Hour)
		inv.Quotes = append(inv.Quotes, q)
	}
	taken := 0
	s.requote = func(inv *invoice.Invoice) error {
		taken++
		q := inv.Quotes[len(inv.Quotes)-1]
		q.ID, q.Renewal, q.ByPayer = ident.ID(fmt.Sprint("NEW", taken)), true, true
		q.At, q.Until = c.Now(), c.Now().Add(20*time.Minute)
		var err error
		if q.Rate, err = money.ParseRate(q.Due.Currency(), usd, fmt.Sprint(57000-100*taken)); err != nil {
			return err
		}
		if q.Due, err = q.Rate.Invert().Convert(inv.Price, money.RoundUp); err != nil {
			return err
		}
		inv.Quotes = append(slices.Clone(inv.Quotes), q)
		inv.Outcome.State, inv.Ended = invoice.Awaiting, nil
		inv.Restore()
		return nil
	}
	c.Open(t, site.url+"/i/"+string(inv.ID))
	last := inv.Quotes[0].Due.Plain()
	for n := 10; n <= 12; n++ {
		b.Do(t, chromedp.Click("[data-testid=requote]"))
		b.Becomes(t, 5*time.Second, `document.querySelector("main")?.dataset.state === "waiting"`)
		now, err := s.Find(t.Context(), inv.ID)
		if err != nil {
			t.Fatal(err)
		}
		q, _ := now.Quote(now.Asset)
		if got := browsertest.JS[[]string](t, b, `[document.querySelector("[data-testid=amount] data").value, document.querySelector("[data-testid=address]").textContent]`); !slices.Equal(got, []string{q.Due.Plain(), testAddress}) || q.Due.Plain() == last {
			t.Errorf("price %d: %q after %s", n, got, last)
		}
		last = q.Due.Plain()
		s.mustChange(t, inv, func(inv *invoice.Invoice) { inv.Lapsed = inv.Quotes[len(inv.Quotes)-1].ID })
		c.Sleep(t, time.Minute)
		c.Open(t, site.url+"/i/"+string(inv.ID))
	}
	if shows(t, b) != ViewExpired || browsertest.JS[bool](t, b, `!!document.querySelector("[data-testid=requote]")`) || !strings.HasPrefix(text(t, b, "[data-testid=requote-over]"), "For a new price write to support@acme.example") {
		t.Errorf("after twelve: %s, %q", shows(t, b), text(t, b, "main"))
	}
	b.Quiet(t)
}

// Money that comes when nobody waits for it any more is never met by "expired".
func TestItem32LateMoney(t *testing.T) {
	b := browsertest.Open(t)
	s, c := openShop(t), b.Clock(noon, 0)
	site := s.serveAt(t, c)
	for _, v := range []View{ViewLate, ViewPaidLate} {
		inv := s.invoiceIn(t, ViewExpired)
		c.Open(t, site.url+"/i/"+string(inv.ID))
		if got := shows(t, b); got != ViewExpired {
			t.Fatal(got)
		}
		s.becomeState(t, inv, v)
		c.Pass(t, 5*time.Second)
		if got := shows(t, b); got != v {
			t.Errorf("%s shows %s", v, got)
		}
	}
	b.Quiet(t)
}

// The wrong coin came: which one, which one was asked for, and the order can still be paid.
func TestItem33WrongAsset(t *testing.T) {
	b := browsertest.Open(t)
	s, c := openShop(t), b.Clock(noon, 0)
	site := s.serveAt(t, c)
	inv := s.invoiceIn(t, ViewWaiting)
	c.Open(t, site.url+"/i/"+string(inv.ID))
	s.becomeState(t, inv, ViewWrongAsset)
	c.Pass(t, 5*time.Second)
	if got := text(t, b, "h1"); shows(t, b) != ViewWrongAsset || got != "We received 0.27641 LTCT on Bitcoin, but asked for BTC on Bitcoin" {
		t.Errorf("%s says %q", shows(t, b), got)
	}
	if got := browsertest.JS[string](t, b, `document.querySelector("[data-testid=address]").textContent`); got != testAddress {
		t.Errorf("the address is %q", got)
	}
	b.Quiet(t)
}

// What is copied is what programs read, whatever is on the screen; where the modern way fails the old one works, and where
// that fails too the text is selected.
func TestItem36Copies(t *testing.T) {
	b := browsertest.Open(t)
	s, c := openShop(t), b.Clock(noon, 0)
	site := s.serveAt(t, c)
	inv := s.invoiceIn(t, ViewWaiting)
	const refused = `writeText: async () => { throw new DOMException("no", "NotAllowedError") }`
	for name, way := range map[string]struct{ clipboard, says string }{
		"modern":   {`writeText: async (t) => { window.__copied = t }`, "Copied"},
		"old":      {refused, "Copied"},
		"selected": {refused, "Press Ctrl+C"},
	} {
		c.Open(t, site.url+"/i/"+string(inv.ID))
		browsertest.JS[bool](t, b, `Object.defineProperty(navigator, "clipboard", { value: { `+way.clipboard+` } }); true`)
		browsertest.JS[bool](t, b, `document.execCommand = () => { window.__copied = document.activeElement.value; return `+fmt.Sprint(name != "selected")+` }; true`)
		for button, want := range map[string]string{"copy-amount": "0.00044007", "copy-address": testAddress} {
			label := text(t, b, "[data-testid="+button+"]")
			browsertest.JS[bool](t, b, `document.querySelector("[data-testid=`+button+`]").click(); true`)
			c.Pass(t, 0)
			got := browsertest.JS[string](t, b, `window.__copied`)
			if name == "selected" {
				got = browsertest.JS[string](t, b, `getSelection().toString()`)
			}
			if said := text(t, b, "[data-testid="+button+"]"); strings.TrimSpace(got) != want || said != way.says || !regexp.MustCompile(`^(\d+(\.\d+)?|[a-z0-9]+)$`).MatchString(want) {
				t.Errorf("%s: %s gives %q and says %q", name, button, got, said)
			}
			if name != "selected" && !browsertest.JS[bool](t, b, `document.activeElement.dataset.testid === "`+button+`" || document.activeElement === document.body`) {
				t.Errorf("%s: the focus is gone", name)
			}
			c.Pass(t, 3*time.Second)
			if again := text(t, b, "[data-testid="+button+"]"); again != label {
				t.Errorf("%s: %s says %q for ever", name, button, again)
			}
		}
	}
	if got := browsertest.JS[string](t, b, `document.querySelector("[data-testid=address]").textContent`); got != testAddress {
		t.Errorf("the text of the address is %q", got)
	}
	b.Quiet(t)
}

// A page whose coin cannot be paid with for a while says so, and shows the details again when it can.
func TestFollowsTheNode(t *testing.T) {
	b := browsertest.Open(t)
	s, c := openShop(t), b.Clock(noon, 0)
	site := s.serveAt(t, c)
	inv := s.invoiceIn(t, ViewWaiting)
	c.Open(t, site.url+"/i/"+string(inv.ID))
	for _, want := range []View{ViewUnavailable, ViewWaiting} {
		s.nodes("bitcoin", want == ViewWaiting)
		c.Pass(t, 5*time.Second)
		if got := shows(t, b); got != want || browsertest.JS[bool](t, b, `document.body.innerHTML.includes("`+testAddress+`")`) != (want == ViewWaiting) {
			t.Errorf("shows %s, want %s", got, want)
		}
	}
	b.Quiet(t)
}
