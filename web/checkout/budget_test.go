package checkout

import (
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"checkout/merchant"
	"checkout/web/browsertest"
)

// traffic is what a browser asks for and gets, as it is on the wire.
type traffic struct {
	mu    sync.Mutex
	asked map[network.RequestID]string // address by request
	bytes map[network.RequestID]float64
}

func watchTraffic(t *testing.T, b *browsertest.Browser) *traffic {
	t.Helper()
	w := &traffic{}
	w.reset()
	err := chromedp.Listen(b.Context(), func(ev any) {
		w.mu.Lock()
		defer w.mu.Unlock()
		switch ev := ev.(type) {
		case *network.EventRequestWillBeSent:
			if strings.HasPrefix(ev.Request.URL, "http") {
				w.asked[ev.RequestID] = ev.Request.URL
			}
		case *network.EventLoadingFinished:
			w.bytes[ev.RequestID] = ev.EncodedDataLength
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(b.Context(), network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(b.Context(), network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *traffic) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked, w.bytes = map[network.RequestID]string{}, map[network.RequestID]float64{}
}

// firstView is what a page is made of: all but what its script asks for later.
func (w *traffic) firstView() (addresses []string, bytes float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, at := range w.asked {
		if !strings.HasSuffix(at, "/status") {
			addresses, bytes = append(addresses, at), bytes+w.bytes[id]
		}
	}
	return addresses, bytes
}

// A page is small, in few pieces, and all of it from here.
func TestItem87FirstView(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	at, _, _ := s.serve(t)
	s.looks(merchant.Look{Brand: "#f7931a"}) // the most there is to load
	w := watchTraffic(t, b)
	open := func(path string) {
		t.Helper()
		b.Do(t, chromedp.Navigate("about:blank"))
		w.reset()
		b.Do(t, chromedp.Navigate(at+path))
		b.Becomes(t, fiveSeconds, `performance.getEntriesByType("resource").length >= 3`)
		b.Drawn(t)
		list, bytes := w.firstView()
		t.Logf("%s: %d requests, %.0f bytes", path, len(list), bytes)
		if len(list) > 5 || bytes > 45<<10 || bytes < 5<<10 {
			t.Errorf("%s: %.0f bytes in %q", path, bytes, list)
		}
		for _, each := range list {
			if !strings.HasPrefix(each, at) {
				t.Errorf("%s: asks %s", path, each)
			}
		}
	}
	for _, v := range views() {
		open("/i/" + string(s.invoiceIn(t, v).ID))
	}
	open("/i/" + string(s.invoiceFor(t, "usdt-ethereum", "25.5", "").ID))
	open("/i/" + string(s.invoiceIn(t, ViewPaid).ID) + "/receipt")
	open("/i/" + string(s.invoiceIn(t, ViewPaid).ID) + "?lang=fa&embed=1&origin=" + url.QueryEscape("https://shop.example"))
	b.Quiet(t)
}

// vitals is what a browser measures of itself while it loads a page.
type vitals struct{ LCP, CLS, TBT, Paints float64 }

const observeVitals = `(() => {
	const v = window.__vitals = { LCP: 0, CLS: 0, TBT: 0, Paints: 0 }
	const watch = (type, f) => new PerformanceObserver((list) => list.getEntries().forEach(f)).observe({ type, buffered: true })
	watch("largest-contentful-paint", (e) => { v.LCP = Math.max(v.LCP, e.startTime); v.Paints++ })
	watch("layout-shift", (e) => { if (!e.hadRecentInput) v.CLS += e.value })
	// What blocks after the first paint, beyond 50 ms at a time.
	let first = Infinity
	watch("paint", (e) => { if (e.name === "first-contentful-paint") first = e.startTime })
	const tasks = []
	watch("longtask", (e) => { tasks.push(e) })
	window.__block = () => { for (const e of tasks.splice(0)) if (e.startTime + e.duration > first) v.TBT += Math.max(0, e.startTime + e.duration - Math.max(first, e.startTime + 50)); return v }
})()`

// spin is how long this machine takes for a known piece of work, in milliseconds.
const spin = `(() => { let start
	for (let n = 0; n < 10; n++) { if (n === 4) start = performance.now(); let x = 0; for (let i = 0; i < 2e7; i++) x = (x * 31 + i) | 0; window.__x = x } // compiled by then
	return performance.now() - start })()`

// On a slow line (150 ms, 1.6 Mbit/s: what simulated slow 4G means) and a processor four times slower, the page is there
// within a second, nothing jumps, and nothing blocks. The limits are those of the issue for a machine that does the known
// piece of work in spinWell; one that is slower, or busy with other tests, gets as much more time, and several tries.
func TestItem88Speed(t *testing.T) {
	const spinWell, tries = 240.0, 5
	b := browsertest.Open(t)
	s := openShop(t)
	at, _, _ := s.serve(t)
	b.Before(t, observeVitals)
	watchTraffic(t, b)
	slow4G := line{Latency: 150, DownloadThroughput: 1.6e6 / 8, UploadThroughput: 750e3 / 8}
	for _, v := range []View{ViewChoose, ViewWaiting} {
		path := "/i/" + string(s.invoiceIn(t, v).ID)
		var got vitals
		good := false
		for try := 0; try < tries && !good; try++ {
			b.Do(t, chromedp.EmulateViewport(360, 740), chromedp.Navigate("about:blank"))
			slower := max(1, browsertest.JS[float64](t, b, spin)/spinWell)
			throttle(t, b, 4, slow4G)
			b.Do(t, chromedp.Navigate(at+path))
			time.Sleep(700 * time.Millisecond) // long tasks are told of when they are over
			got = browsertest.JS[vitals](t, b, `__block()`)
			throttle(t, b, 1, line{DownloadThroughput: -1, UploadThroughput: -1})
			good = got.Paints > 0 && got.LCP <= 1000*slower && got.TBT <= 50*slower
			if got.CLS != 0 { // no machine is an excuse
				t.Errorf("%s: CLS %.3f", v, got.CLS)
			}
			t.Logf("%s: LCP %.0f ms, CLS %.3f, TBT %.0f ms on a machine %.2f times slower", v, got.LCP, got.CLS, got.TBT, slower)
		}
		if !good {
			t.Errorf("%s: %+v, %d times", v, got, tries)
		}
	}
	b.Quiet(t)
}

// line is a connection: milliseconds, and bytes a second; -1 is as fast as it goes.
type line struct {
	Offline            bool    `json:"offline"`
	Latency            float64 `json:"latency"`
	DownloadThroughput float64 `json:"downloadThroughput"`
	UploadThroughput   float64 `json:"uploadThroughput"`
}

// throttle makes the processor so many times slower, and the connection as given.
func throttle(t *testing.T, b *browsertest.Browser, rate float64, l line) {
	t.Helper()
	if _, err := chromedp.Call(b.Context(), emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: rate}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(b.Context(), cdp.Command[line, cdp.Empty]{Method: "Network.emulateNetworkConditions"}, l); err != nil {
		t.Fatal(err)
	}
}
