package checkout

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"checkout/invoice"
	"checkout/web/browsertest"
)

// gaps are the seconds between visits.
func gaps(visits []visit) []float64 {
	var list []float64
	for i := 1; i < len(visits); i++ {
		list = append(list, visits[i].at.Sub(visits[i-1].at).Seconds())
	}
	return list
}

// An unchanged poll is a few bytes on the wire, all of them counted, and asks the store nothing.
func TestUnchangedPollOnTheWire(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewWaiting)
	site := httptest.NewServer(s.handler())
	t.Cleanup(site.Close)
	conn, err := net.Dial("tcp", strings.TrimPrefix(site.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	wire := &counted{Reader: conn}
	reader := bufio.NewReaderSize(wire, 16)
	poll := func(etag string) (res *http.Response, size int) {
		t.Helper()
		before := wire.n - reader.Buffered()
		_, _ = fmt.Fprintf(conn, "GET /i/%s/status HTTP/1.1\r\nHost: x\r\nIf-None-Match: %s\r\n\r\n", inv.ID, etag)
		res, err := http.ReadResponse(reader, &http.Request{Method: http.MethodGet})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		return res, wire.n - reader.Buffered() - before
	}
	res, _ := poll(`"16"`)
	etag, asked := res.Header.Get("ETag"), s.asked()
	if res.StatusCode != http.StatusOK || etag != `"17"` || asked == 0 {
		t.Fatalf("%d, ETag %s, after %d queries", res.StatusCode, etag, asked)
	}
	for range 3 {
		s.pass(time.Second)
		res, size := poll(etag)
		t.Run("item 46: 304 in at most 300 bytes", func(t *testing.T) {
			if res.StatusCode != http.StatusNotModified || size > 300 || res.ContentLength > 0 {
				t.Errorf("%d with %d bytes: %v", res.StatusCode, size, res.Header)
			}
		})
		t.Run("item 47: no query", func(t *testing.T) {
			if got := s.asked(); got != asked {
				t.Errorf("%d queries", got-asked)
			}
		})
	}
}

type counted struct {
	io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}

// How often a page asks: the longer it is open the less, never twice at once, and not like clockwork.
func TestItem48Intervals(t *testing.T) {
	b := browsertest.Open(t)
	s, c := openShop(t), b.Clock(noon, 0)
	site := s.serveAt(t, c)
	inv := s.locked(t, 3*time.Hour)
	c.Open(t, site.url+"/i/"+string(inv.ID))
	asks := func(t *testing.T, during time.Duration, every float64) {
		t.Helper()
		before := len(site.visits("/status"))
		c.Pass(t, during)
		list := gaps(site.visits("/status")[before:])
		if len(list) < 3 {
			t.Fatalf("%d polls in %v", len(list)+1, during)
		}
		different := false
		for _, gap := range list {
			near(t, "seconds between two polls", gap, every, every*0.2+0.1)
			different = different || gap-list[0] > 0.02*every || list[0]-gap > 0.02*every
		}
		if !different {
			t.Errorf("no jitter: %v", list)
		}
	}
	asks(t, 170*time.Second, 3)
	c.Pass(t, 20*time.Second) // past the third minute
	asks(t, 6*time.Minute, 5)
	c.Pass(t, time.Minute)
	asks(t, 10*time.Minute, 10)
	c.Pass(t, 41*time.Minute)
	asks(t, 5*time.Minute, 30)
	for i, v := range site.visits("/status") {
		if v.others != 0 || v.cookie != "" || (i > 0 && (v.status != http.StatusNotModified || v.condition != `"17"`)) {
			t.Errorf("poll %d: %+v", i+1, v)
		}
	}
	if got := len(site.visits("/fragment")); got != 0 {
		t.Errorf("%d fragments for nothing", got)
	}
	// When money was seen it goes faster again.
	s.becomeState(t, inv, ViewDetected)
	c.Pass(t, 40*time.Second)
	asks(t, time.Minute, 3)

	// While an answer is missing nobody asks again, whatever happens.
	c.Open(t, site.url+"/i/"+string(inv.ID))
	release := site.keepBack()
	before := len(site.visits("/status"))
	c.PassUnanswered(t, 4*time.Second)
	until(t, "the poll is on its way", func() bool { return len(site.visits("/status")) > before })
	for range 5 {
		browsertest.JS[bool](t, b, `dispatchEvent(new Event("focus"))`)
		c.PassUnanswered(t, time.Second)
	}
	if got, most := len(site.visits("/status"))-before, browsertest.JS[int](t, b, `__most()`); got != 1 || most != 1 { // a browser keeps the second of two for itself
		t.Errorf("%d polls while one is not answered, %d at once", got, most)
	}
	release()
	c.Pass(t, 4*time.Second)
	if got := len(site.visits("/status")) - before; got < 2 {
		t.Error("no poll after the answer")
	}
	b.Quiet(t)
}

// Nobody looks: hardly anything is asked, and after half an hour nothing.
func TestItem49HiddenTab(t *testing.T) {
	b := browsertest.Open(t)
	s, c := openShop(t), b.Clock(noon, 0)
	site := s.serveAt(t, c)
	inv := s.locked(t, 3*time.Hour)
	c.Open(t, site.url+"/i/"+string(inv.ID))
	c.Pass(t, 10*time.Second)
	b.Hide(t, true)
	before := len(site.visits("/status"))
	c.Pass(t, 40*time.Minute)
	hidden := site.visits("/status")[before:]
	for _, gap := range gaps(hidden) {
		if gap < 30 {
			t.Errorf("asks again after %.1f s", gap)
		}
	}
	if n := len(hidden); n < 40 || n > 60 {
		t.Errorf("%d polls", n)
	}
	if last := hidden[len(hidden)-1].at.Sub(noon); last > 31*time.Minute {
		t.Errorf("still asks after %v", last)
	}
	b.Hide(t, false)
	c.Pass(t, 0)
	if got := len(site.visits("/status")) - before - len(hidden); got != 1 {
		t.Errorf("%d polls at once when it is shown again", got)
	}
	b.Quiet(t)
}

// A server that fails is asked less and less, the page says so after half a minute, and gets well with it.
func TestItem50Failures(t *testing.T) {
	b := browsertest.Open(t)
	s, c := openShop(t), b.Clock(noon, 0)
	site := s.serveAt(t, c)
	inv := s.locked(t, time.Hour)
	c.Open(t, site.url+"/i/"+string(inv.ID))
	c.Pass(t, 4*time.Second)
	offline := func() bool {
		return browsertest.JS[bool](t, b, `!document.querySelector("#offline").hidden`)
	}
	site.fail(http.StatusInternalServerError)
	before := len(site.visits("/status"))
	for len(site.visits("/status")) == before {
		c.Pass(t, 100*time.Millisecond)
	}
	c.Pass(t, 29*time.Second)
	if offline() {
		t.Error("said to be offline too early")
	}
	c.Pass(t, 2*time.Second)
	if got := text(t, b, "#offline p"); !offline() || got != "No connection. Your payment is safe; this page will catch up." {
		t.Errorf("after 30 s: %q", got)
	}
	c.Pass(t, 5*time.Minute)
	list := gaps(site.visits("/status")[before:])
	for i, want := range []float64{5, 10, 20, 40, 60, 60} {
		near(t, fmt.Sprint("seconds after failure ", i+1), list[i], want, want*0.2+0.1)
	}
	if browsertest.JS[string](t, b, `document.querySelector("main").dataset.state`) != string(ViewWaiting) {
		t.Error("what was known is gone")
	}
	site.fail(0)
	c.Pass(t, 75*time.Second)
	if offline() {
		t.Error("well again, and still said to be offline")
	}
	site.fail(http.StatusInternalServerError)
	c.Pass(t, 50*time.Second)
	site.fail(0)
	browsertest.JS[bool](t, b, `document.querySelector("[data-retry]").click(); true`)
	c.Pass(t, 0)
	if offline() {
		t.Error("asked to try again, it does not")
	}
	b.Forget() // the failures themselves
}

// What is over is not asked for again, and what never was neither.
func TestItem51NoPollAfterTheEnd(t *testing.T) {
	b := browsertest.Open(t)
	s, c := openShop(t), b.Clock(noon, 0)
	site := s.serveAt(t, c)
	for _, v := range []View{ViewPaid, ViewPaidLate, ViewOverpaid, ViewCancelled} {
		inv := s.invoiceIn(t, ViewWaiting)
		c.Open(t, site.url+"/i/"+string(inv.ID))
		s.becomeState(t, inv, v)
		c.Pass(t, 4*time.Second)
		before := len(site.visits("/status"))
		c.Pass(t, 20*time.Minute)
		browsertest.JS[bool](t, b, `dispatchEvent(new Event("focus")); dispatchEvent(new Event("online"))`)
		c.Pass(t, time.Minute)
		if got := len(site.visits("/status")); shows(t, b) != v || got != before {
			t.Errorf("%s: shows %s, %d polls after the end", v, shows(t, b), got-before)
		}
	}
	b.Quiet(t)
	for _, status := range []int{http.StatusNotFound, http.StatusGone} {
		inv := s.invoiceIn(t, ViewWaiting)
		c.Open(t, site.url+"/i/"+string(inv.ID))
		site.fail(status)
		before := len(site.visits("/status"))
		c.Pass(t, 10*time.Minute)
		if got := len(site.visits("/status")) - before; got != 1 {
			t.Errorf("after a %d: %d polls", status, got)
		}
		site.fail(0)
	}
	b.Forget() // the failures themselves
}

// What somebody is typing is not lost when the payment moves on, whether the form stays or goes.
func TestItem52TypingIsKept(t *testing.T) {
	b, all := browsertest.Open(t), t // the server outlives what a browser still asks of it
	typed := func() string {
		return browsertest.JS[string](t, b, `document.activeElement.id + " " + document.activeElement.value`)
	}
	t.Run("a form that goes", func(t *testing.T) {
		s, c := openShop(t), b.Clock(noon, 0)
		site := s.serveAt(all, c)
		inv := s.invoiceIn(t, ViewUnderpaid)
		c.Open(t, site.url+"/i/"+string(inv.ID))
		browsertest.JS[bool](t, b, `document.querySelector("#refund").open = true; document.querySelector("#refund-address").focus(); true`)
		b.Do(t, chromedp.SendKeys("#refund-address", "bc1qhalf"))
		s.becomeState(t, inv, ViewConfirming)
		c.Pass(t, 10*time.Second)
		if got := typed(); got != "refund-address bc1qhalf" {
			t.Errorf("typed %q", got)
		}
		browsertest.JS[bool](t, b, `document.activeElement.blur(); true`)
		c.Pass(t, 0)
		if shows(t, b) != ViewConfirming || browsertest.JS[bool](t, b, `!!document.querySelector("#refund")`) {
			t.Error("left, and the page does not move on")
		}
	})
	t.Run("a form that stays", func(t *testing.T) {
		s, c := openShop(t), b.Clock(noon, 0)
		site := s.serveAt(all, c)
		inv := s.invoiceIn(t, ViewUnderpaid)
		c.Open(t, site.url+"/i/"+string(inv.ID))
		browsertest.JS[bool](t, b, `document.querySelector("#refund").open = true; document.querySelector("#refund-address").focus(); true`)
		b.Do(t, chromedp.SendKeys("#refund-address", "bc1qhalf"))
		s.mustChange(t, inv, func(inv *invoice.Invoice) { inv.Title = "3 kg house blend" })
		c.Pass(t, 10*time.Second)
		if got := typed(); got != "refund-address bc1qhalf" || !strings.Contains(text(t, b, "[data-testid=order]"), "3 kg") {
			t.Errorf("typed %q, order %q", got, text(t, b, "[data-testid=order]"))
		}
	})
	t.Run("the method form", func(t *testing.T) {
		s, c := openShop(t), b.Clock(noon, 0)
		site := s.serveAt(all, c)
		inv := s.invoiceIn(t, ViewChoose)
		c.Open(t, site.url+"/i/"+string(inv.ID))
		b.Do(t, chromedp.SendKeys("#email", "kim@example.com"))
		s.mustChange(t, inv, func(*invoice.Invoice) {})
		c.Pass(t, 10*time.Second)
		if got := typed(); got != "email kim@example.com" || browsertest.JS[string](t, b, `document.querySelector("main").dataset.rev`) != "18" {
			t.Errorf("the e-mail field says %q", got)
		}
		s.becomeState(t, inv, ViewWaiting)
		c.Pass(t, 10*time.Second)
		if got := typed(); shows(t, b) != ViewChoose || got != "email kim@example.com" {
			t.Errorf("while typing: %q on %s", got, shows(t, b))
		}
		browsertest.JS[bool](t, b, `document.activeElement.blur(); true`)
		c.Pass(t, 0)
		if got := shows(t, b); got != ViewWaiting {
			t.Errorf("then: %s", got)
		}
	})
	b.Quiet(t)
}
