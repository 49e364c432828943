package checkout

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"checkout/invoice"
	"checkout/web/browsertest"
)

// noon is when the tests with a clock of their own begin.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// text is what an element says.
func text(t *testing.T, b *browsertest.Browser, selector string) string {
	t.Helper()
	return browsertest.JS[string](t, b, "document.querySelector(`"+selector+"`)?.innerText ?? \"\"")
}

// shows is the view a page shows.
func shows(t *testing.T, b *browsertest.Browser) View {
	t.Helper()
	return View(browsertest.JS[string](t, b, `document.querySelector("main").dataset.state`))
}

// secondsLeft reads the countdown of the last five minutes.
func secondsLeft(t *testing.T, b *browsertest.Browser) float64 {
	t.Helper()
	var minutes, seconds int
	said := text(t, b, "[data-left]")
	if _, err := fmt.Sscanf(said, "%d:%d left", &minutes, &seconds); err != nil {
		t.Fatalf("%q: %v", said, err)
	}
	return float64(minutes*60 + seconds)
}

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if got < want-within || got > want+within {
		t.Errorf("%s: %.1f, want %.1f", what, got, want)
	}
}

// The clock of the reader's machine may be hours off, and a 304 brings back an old body with an old clock in it.
func TestItem39TimeIsTheServers(t *testing.T) {
	b := browsertest.Open(t)
	all := t // the server outlives what a browser still asks of it
	for _, skew := range []time.Duration{0, 3 * time.Hour, -3 * time.Hour} {
		t.Run(fmt.Sprintf("off by %v", skew), func(t *testing.T) {
			s, c := openShop(t), b.Clock(noon, skew)
			site := s.serveAt(all, c)
			inv := s.locked(t, 4*time.Minute+30*time.Second)
			until := inv.Quotes[0].Until
			c.Open(t, site.url+"/i/"+string(inv.ID))
			near(t, "at first", secondsLeft(t, b), until.Sub(c.Now()).Seconds(), 2)
			if got := browsertest.JS[string](t, b, `document.title`); got != "(5 min) Pay 0.00044007 BTC · Acme Coffee" {
				t.Errorf("title %q", got)
			}
			c.Pass(t, time.Minute)
			polls := site.visits("/status")
			if last := polls[len(polls)-1]; last.status != 304 || len(polls) < 10 {
				t.Errorf("%d polls, the last answered %d", len(polls), last.status)
			}
			near(t, "after a series of 304", secondsLeft(t, b), until.Sub(c.Now()).Seconds(), 2)
			b.Quiet(t)
		})
	}
}

// returned is what a browser says when it brings a page back from its cache.
const returned = `dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }))`

// A page that comes back from the cache asks at once, though its next poll is not due.
func TestItem41AsksAtOnce(t *testing.T) {
	b := browsertest.Open(t)
	s, c := openShop(t), b.Clock(noon, 0)
	site := s.serveAt(t, c)
	c.Open(t, site.url+"/i/"+string(s.locked(t, time.Hour).ID))
	polls := func() int { return len(site.visits("/status")) }
	for polls() == 0 {
		c.Pass(t, 100*time.Millisecond)
	}
	c.Pass(t, 1100*time.Millisecond)
	browsertest.JS[bool](t, b, returned)
	c.Pass(t, 0)
	if got := polls(); got != 2 {
		t.Errorf("%d polls, want the first and one more", got)
	}
	b.Quiet(t)
}

// Whoever comes back sees how things are, wherever they have been.
func TestComesBack(t *testing.T) {
	b := browsertest.Open(t)
	back := map[string]func(t *testing.T, c *browsertest.Clock){
		"item 40: shown again after ten minutes hidden": func(t *testing.T, c *browsertest.Clock) {
			b.Hide(t, true)
			c.Pass(t, 10*time.Minute)
			b.Hide(t, false)
		},
		"item 40: the machine slept for ten minutes": func(t *testing.T, c *browsertest.Clock) {
			b.Hide(t, true)
			c.Sleep(t, 10*time.Minute)
			b.Hide(t, false)
		},
		"item 41: back from the page cache": func(t *testing.T, c *browsertest.Clock) {
			c.Sleep(t, 10*time.Minute)
			browsertest.JS[bool](t, b, returned)
		},
	}
	all := t // the server outlives what a browser still asks of it
	for name, away := range back {
		t.Run(name, func(t *testing.T) {
			s, c := openShop(t), b.Clock(noon, 0)
			site := s.serveAt(all, c)
			inv := s.locked(t, 14*time.Minute)
			until := inv.Quotes[0].Until
			c.Open(t, site.url+"/i/"+string(inv.ID))
			c.Pass(t, 30*time.Second)
			away(t, c)
			c.Pass(t, 1500*time.Millisecond)
			near(t, "the countdown", secondsLeft(t, b), until.Sub(c.Now()).Seconds(), 1.5)

			// What happened meanwhile is there at once, long before the next poll is due.
			b.Hide(t, true)
			c.Pass(t, 50*time.Second)
			s.becomeState(t, inv, ViewDetected)
			b.Hide(t, false)
			c.Pass(t, 1500*time.Millisecond)
			if got := shows(t, b); got != ViewDetected {
				t.Errorf("after the way back: %s", got)
			}
			b.Quiet(t)
		})
	}
}

// At zero the page asks; what it shows is what the server says. Two minutes before it offers more time.
func TestEndOfThePrice(t *testing.T) {
	b := browsertest.Open(t)
	s, c := openShop(t), b.Clock(noon, 0)
	site := s.serveAt(t, c)
	inv := s.locked(t, 2*time.Minute+10*time.Second)
	c.Open(t, site.url+"/i/"+string(inv.ID))
	if got := shows(t, b); got != ViewWaiting {
		t.Fatal(got)
	}
	t.Run("item 44: more time is offered while there is time", func(t *testing.T) {
		c.Pass(t, 12*time.Second)
		if got := shows(t, b); got != ViewWaitingExpiring || text(t, b, "[data-testid=requote]") == "" {
			t.Errorf("%s, offers %q", got, text(t, b, "[data-testid=requote]"))
		}
		if left := secondsLeft(t, b); left < 20 {
			t.Errorf("with %.0f seconds left", left)
		}
	})
	t.Run("item 42: at zero it asks and does not decide", func(t *testing.T) {
		c.Pass(t, 3*time.Minute)
		if got := fmt.Sprint(shows(t, b), " ", text(t, b, "[data-left]")); got != "waiting_expiring Checking…" {
			t.Errorf("before the server has said anything: %s", got)
		}
		s.mustChange(t, inv, func(inv *invoice.Invoice) { inv.Lapsed = inv.Quotes[0].ID })
		c.Pass(t, 5*time.Second)
		if got := fmt.Sprint(shows(t, b), " ", text(t, b, "[data-testid=requote]")); got != "expired Get a new price" {
			t.Errorf("when the server has said it: %s", got)
		}
	})
	b.Quiet(t)
}

// A clock that ticks is not read out, and ticks only near the end.
func TestItem43Countdown(t *testing.T) {
	b := browsertest.Open(t)
	s, c := openShop(t), b.Clock(noon, 0)
	site := s.serveAt(t, c)
	inv := s.locked(t, 6*time.Minute+30*time.Second)
	c.Open(t, site.url+"/i/"+string(inv.ID))
	browsertest.JS[bool](t, b, `(() => {
		window.__read = []
		for (const e of document.querySelectorAll("[aria-live]:not([aria-live=off]), [role=alert], output"))
			new MutationObserver(() => { if (e.textContent) __read.push(e.textContent) }).observe(e, { subtree: true, childList: true, characterData: true })
		return true })()`)
	read := func() []string {
		return browsertest.JS[[]string](t, b, `__read.splice(0)`)
	}
	inMinutes := regexp.MustCompile(`^\d+ min left$`)
	for range 60 {
		c.Pass(t, time.Second)
		if said := text(t, b, "[data-left]"); !inMinutes.MatchString(said) {
			t.Fatalf("with more than five minutes left: %q", said)
		}
	}
	if got := read(); len(got) > 1 {
		t.Errorf("a minute of countdown reads out %q", got)
	}
	c.Pass(t, 29*time.Second)
	if got := read(); len(got) > 0 {
		t.Errorf("reads out %q", got)
	}
	c.Pass(t, time.Minute)
	if got := read(); len(got) != 1 || got[0] != "5 minutes left" {
		t.Errorf("the minute in which five are left reads out %q", got)
	}
	if said := text(t, b, "[data-left]"); !regexp.MustCompile(`^\d:\d\d left$`).MatchString(said) {
		t.Errorf("in the last five minutes: %q", said)
	}
	if browsertest.JS[bool](t, b, `!!document.querySelector("[data-left]").closest("[aria-live], [role=status], [role=alert]")`) {
		t.Error("the countdown is read out")
	}
	b.Quiet(t)
}

// The time a price is locked until is the same for programs, for people with script and for those without.
func TestItem45TimeIsUTC(t *testing.T) {
	b := browsertest.Open(t)
	s, c := openShop(t), b.Clock(noon, 0)
	site := s.serveAt(t, c)
	inv := s.locked(t, 20*time.Minute)
	var body struct {
		LockUntil time.Time `json:"lock_until"`
	}
	if err := json.Unmarshal(s.ask("GET", "/i/"+string(inv.ID)+"/status", "").Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	c.Open(t, site.url+"/i/"+string(inv.ID))
	written := browsertest.JS[string](t, b, `document.querySelector(".lock time").dateTime`)
	if at, err := time.Parse(time.RFC3339, written); err != nil || !at.Equal(body.LockUntil) || !strings.HasSuffix(written, "Z") {
		t.Errorf("the page says %q, the status %v", written, body.LockUntil)
	}
	// With script it is the reader's own time, in the words of the page's language.
	if _, err := chromedp.Call(b.Context(), emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Kolkata"}); err != nil {
		t.Fatal(err)
	}
	for lang, want := range map[string]string{"en": "5:50 PM (UTC+5:30)", "de": "17:50 (UTC+5:30)", "ar": "5:50 م (UTC+5:30)"} {
		c.Open(t, site.url+"/i/"+string(inv.ID)+"?lang="+lang)
		if said := strings.ReplaceAll(text(t, b, ".lock time"), "\u202f", " "); said != want {
			t.Errorf("%s: the reader's time is %q, want %q", lang, said, want)
		}
	}
	// A page that is over is never redrawn, and says the reader's time all the same.
	c.Open(t, site.url+"/i/"+string(s.invoiceIn(t, ViewPaid).ID))
	if said := browsertest.JS[[]string](t, b, `[...document.querySelectorAll("main time[data-form]")].filter((e) => e.title !== "UTC+5:30").map((e) => e.outerHTML)`); len(said) > 0 ||
		!browsertest.JS[bool](t, b, `!!document.querySelector("main time[data-form]")`) {
		t.Errorf("over, and in another time: %q", said)
	}
	b.Scripts(t, false)
	c.Open(t, site.url+"/i/"+string(inv.ID))
	if said := text(t, b, ".lock"); !strings.Contains(said, "12:20 UTC") || !strings.Contains(said, "20 minutes") {
		t.Errorf("without script: %q", said)
	}
	b.Quiet(t)
}

// The title is the tab's sign: it changes with the state, and by the clock at most once a minute.
func TestItem34TitleAndIcon(t *testing.T) {
	b := browsertest.Open(t)
	s, c := openShop(t), b.Clock(noon, 0)
	site := s.serveAt(t, c)
	inv := s.locked(t, 6*time.Minute)
	c.Open(t, site.url+"/i/"+string(inv.ID))
	browsertest.JS[bool](t, b, `(() => {
		window.__titles = []
		new MutationObserver(() => __titles.push([Date.now(), document.title])).observe(document.querySelector("title"), { childList: true, characterData: true, subtree: true })
		return true })()`)
	c.Pass(t, 6*time.Minute)
	type change [2]any
	changes := browsertest.JS[[]change](t, b, `__titles`)
	if len(changes) < 4 {
		t.Errorf("in the last six minutes: %v", changes)
	}
	for i := 1; i < len(changes)-1; i++ { // the last change is the end of the countdown
		if gap := changes[i][0].(float64) - changes[i-1][0].(float64); gap < 59_000 {
			t.Errorf("changed after %.0f ms: %v", gap, changes)
		}
	}
	inv = s.locked(t, 20*time.Minute)
	c.Open(t, site.url+"/i/"+string(inv.ID))
	for _, step := range []struct {
		view        View
		title, icon string
	}{
		{ViewWaiting, "Pay 0.00044007 BTC · Acme Coffee", "/a/fav-wait."},
		{ViewDetected, "Payment seen · Acme Coffee", "/a/fav-seen."},
		{ViewConfirming, "Payment seen · Acme Coffee", "/a/fav-seen."},
		{ViewPaid, "Paid ✓ · Acme Coffee", "/a/fav-paid."},
	} {
		if step.view != ViewWaiting {
			s.becomeState(t, inv, step.view)
			c.Pass(t, 7*time.Second)
		}
		got := browsertest.JS[[]string](t, b, `[document.title, document.querySelector("#favicon").getAttribute("href")]`)
		if shows(t, b) != step.view || got[0] != step.title || !strings.HasPrefix(got[1], step.icon) {
			t.Errorf("%s: title and icon %q", step.view, got)
		}
	}
	b.Quiet(t)
}
