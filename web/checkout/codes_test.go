package checkout

import (
	"bytes"
	"fmt"
	"image/color"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"checkout/invoice"
	"checkout/merchant"
	"checkout/web/browsertest"
)

const testURI = "bitcoin:" + testAddress + "?amount=0.00044007"

// theCode is the code on the page.
const theCode = "#qr .qr"

// code reads the code on the page from a picture of it.
func code(t *testing.T, b *browsertest.Browser) string {
	t.Helper()
	return browsertest.ReadCode(t, b.Picture(t, theCode, 0).Path)
}

// What the code on the screen says is what the page says, on any screen and in any colours.
func TestCodeOnTheScreen(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	url, _, _ := s.serve(t)
	at := url + "/i/" + string(s.invoiceIn(t, ViewWaiting).ID)
	for kind, want := range map[string]string{"uri": testURI, "address": testAddress} {
		for _, width := range []int64{360, 1280} {
			b.Do(t, chromedp.EmulateViewport(width, 800), chromedp.Navigate("about:blank"), chromedp.Navigate(at+"?qr="+kind))
			if width == 360 {
				t.Run("item 19: on a phone the code is unfolded and large", func(t *testing.T) {
					side := `document.querySelector("` + theCode + ` svg").getBoundingClientRect().width`
					if got := browsertest.JS[float64](t, b, side); got != 0 {
						t.Errorf("folded it is %.0f px wide", got)
					}
					b.Do(t, chromedp.Click("[data-testid=show-qr]"))
					if got := browsertest.JS[float64](t, b, side); got < 240 {
						t.Errorf("%.0f px wide", got)
					}
				})
			}
			for _, scale := range []float64{1, 2} {
				t.Run(fmt.Sprintf("item 14: %s at %d px, %.0f×", kind, width, scale), func(t *testing.T) {
					b.Do(t, chromedp.EmulateViewport(width, 800, chromedp.EmulateScale(scale)))
					if got := code(t, b); got != want {
						t.Errorf("reads %q, want %q", got, want)
					}
				})
			}
		}
	}
	b.Do(t, chromedp.EmulateViewport(1280, 800), chromedp.Navigate("about:blank"), chromedp.Navigate(at))
	if got := code(t, b); got != testURI {
		t.Fatalf("reads %q", got)
	}
	light := b.Picture(t, "body", 0)
	for name, asked := range map[string][]string{"a dark system": {"prefers-color-scheme", "dark"}, "forced colours": {"forced-colors", "active", "prefers-color-scheme", "dark"}} {
		t.Run("item 15: "+name, func(t *testing.T) {
			b.Prefers(t, asked...)
			if b.Picture(t, "body", 0).Differs(light) < 100_000 {
				t.Fatal("the page looks as always")
			}
			if got := code(t, b); got != testURI {
				t.Errorf("reads %q", got)
			}
		})
	}
	for _, theme := range []string{"light", "dark"} {
		t.Run("item 16: the quiet zone, "+theme, func(t *testing.T) {
			b.Prefers(t, "prefers-color-scheme", theme)
			b.Do(t, chromedp.EmulateViewport(1280, 800, chromedp.EmulateScale(2)))
			module := browsertest.JS[float64](t, b, `(() => { const svg = document.querySelector("`+theCode+` svg"); return 2 * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width })()`)
			if got := float64(b.Picture(t, theCode, 0).Quiet()) / module; got < 3.9 { // 4 less the grid of the pixels
				t.Errorf("%.2f modules are pure white", got)
			}
		})
	}
	b.Quiet(t)
}

// A browser that makes every page dark by itself leaves the code alone.
func TestItem15ForcedDark(t *testing.T) {
	b := browsertest.Open(t, chromedp.Flag("blink-settings", "forceDarkModeEnabled=true"))
	s := openShop(t)
	url, _, _ := s.serve(t)
	for _, tail := range []string{"", "?theme=light", "?theme=dark"} {
		b.Do(t, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(url+"/i/"+string(s.invoiceIn(t, ViewWaiting).ID)+tail))
		if ground, _, _, _ := b.Window(t).At(2, 2).RGBA(); ground > 0x6000 {
			t.Fatalf("%s: the page is not dark", tail)
		}
		if got, err := browsertest.TryCode(b.Picture(t, theCode, 0).Path); got != testURI {
			t.Errorf("%s: reads %q (%v)", tail, got, err)
		}
	}
	b.Quiet(t)
}

// Whatever the brand, the code is black on white, and nothing else breaks the policy.
func TestItem17BrandAndCode(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	url, _, _ := s.serve(t)
	inv := s.invoiceIn(t, ViewWaiting)
	for _, colour := range []string{"#ffff00", "#000000", "#ff00aa"} {
		s.looks(merchant.Look{Brand: colour})
		for _, theme := range []string{"light", "dark"} {
			b.Do(t, chromedp.EmulateViewport(1280, 800, chromedp.EmulateScale(2)), chromedp.Navigate("about:blank"), chromedp.Navigate(url+"/i/"+string(inv.ID)+"?theme="+theme))
			for pixel, n := range b.Picture(t, theCode+" svg", -8).Pixels() { // the corners of its card are round
				if pixel != (color.RGBA{0, 0, 0, 255}) && pixel != (color.RGBA{255, 255, 255, 255}) {
					t.Errorf("%s, %s: %d pixels are %v", colour, theme, n, pixel)
				}
			}
			if got := browsertest.JS[string](t, b, `getComputedStyle(document.documentElement).getPropertyValue("--pay-brand")`); got == "#3346d3" || got == "#98a6ff" || got == "" {
				t.Errorf("%s, %s: the colour is %q", colour, theme, got)
			}
		}
	}
	b.Quiet(t)
}

// A hand that shakes and a screen seen from the side.
func TestItem18BlurAndPerspective(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	url, _, _ := s.serve(t)
	inv := s.invoiceIn(t, ViewWaiting)
	for _, width := range []int64{360, 1280} {
		for kind, want := range map[string]string{"uri": testURI, "address": testAddress} {
			b.Do(t, chromedp.EmulateViewport(width, 800), chromedp.Navigate(url+"/i/"+string(inv.ID)+"?qr="+kind+"#qr"))
			picture, err := os.ReadFile(b.Picture(t, theCode, 0).Path)
			if err != nil {
				t.Fatal(err)
			}
			b.Do(t, chromedp.Navigate("about:blank"))
			browsertest.JS[bool](t, b, fmt.Sprintf(`(async () => {
				document.body.innerHTML = '<img style="margin:40px;filter:blur(1.2px);transform:perspective(800px) rotateY(25deg)">'
				const img = document.querySelector("img")
				img.src = "data:image/png;base64," + new Uint8Array(%s).toBase64()
				await img.decode()
				return true })()`, numbers(picture)))
			if got := browsertest.ReadCode(t, b.Window(t).Path); got != want {
				t.Errorf("%s at %d px reads %q, want %q", kind, width, got, want)
			}
		}
	}
}

// numbers writes bytes as a list of a script.
func numbers(data []byte) string {
	var list bytes.Buffer
	for i, v := range data {
		list.WriteByte("[,"[min(i, 1)])
		fmt.Fprint(&list, v)
	}
	return list.String() + "]"
}

// The decoder of these tests reads no inverted code: what it reads every wallet reads.
func TestDecoderReadsNoInvertedCode(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	url, _, _ := s.serve(t)
	b.Do(t, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(url+"/i/"+string(s.invoiceIn(t, ViewWaiting).ID)))
	browsertest.JS[bool](t, b, `(() => { const s = new CSSStyleSheet(); s.replaceSync(".qr svg { filter: invert(1) }"); document.adoptedStyleSheets = [s]; return true })()`)
	if got, err := browsertest.TryCode(b.Picture(t, theCode, 0).Path); err == nil {
		t.Errorf("an inverted code is read: %s", got)
	}
}

// The files of a code say the same as the page, and are what they say they are.
func TestItem20FilesAreRead(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	url, _, _ := s.serve(t)
	inv := s.invoiceIn(t, ViewWaiting)
	for kind, want := range map[string]string{"uri": testURI, "address": testAddress, "": testURI} {
		at := "/i/" + string(inv.ID) + "/qr."
		png := s.ask(http.MethodGet, at+"png?kind="+kind, "")
		file := filepath.Join(t.TempDir(), "qr.png")
		if err := os.WriteFile(file, png.Body.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := browsertest.ReadCode(t, file); got != want || png.Header().Get("Content-Type") != "image/png" {
			t.Errorf("PNG %q reads %q, %s", kind, got, png.Header().Get("Content-Type"))
		}
		svg := s.ask(http.MethodGet, at+"svg?kind="+kind, "")
		b.Do(t, chromedp.EmulateViewport(400, 400), chromedp.Navigate(url+at+"svg?kind="+kind))
		if got := browsertest.ReadCode(t, b.Window(t).Path); got != want || svg.Header().Get("Content-Type") != "image/svg+xml" {
			t.Errorf("SVG %q reads %q, %s", kind, got, svg.Header().Get("Content-Type"))
		}
	}
	b.Forget() // a picture that is opened alone wants an icon
}

// A part is there: the code asks for exactly the rest.
func TestItem22CodeOfTheRest(t *testing.T) {
	b := browsertest.Open(t)
	s := openShop(t)
	url, _, _ := s.serve(t)
	ether := s.invoiceFor(t, "eth", "0.0102", "")
	ether.Outcome.Remaining = amount(t, ether.Outcome.Remaining.Currency(), "0.0034")
	for _, c := range []struct{ id, code, rest string }{
		{string(s.invoiceIn(t, ViewUnderpaid).ID), "bitcoin:" + testAddress + "?amount=0.00014007", "0.00014007"},
		{string(ether.ID), "ethereum:" + evmAddress + "@1?value=3400000000000000", "0.0034"},
	} {
		b.Do(t, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(url+"/i/"+c.id))
		if got := code(t, b); got != c.code {
			t.Errorf("reads %q, want %q", got, c.code)
		}
		if got := text(t, b, "[data-testid=amount] data"); got != c.rest {
			t.Errorf("the page asks for %q, want %s", got, c.rest)
		}
	}
	b.Quiet(t)
}

// The code is changed, enlarged and put away without a reload.
func TestCodeTabs(t *testing.T) {
	b := browsertest.Open(t)
	s, c := openShop(t), b.Clock(noon, 0)
	site := s.serveAt(t, c)
	inv := s.invoiceIn(t, ViewWaiting)
	b.Do(t, chromedp.EmulateViewport(360, 740))
	c.Open(t, site.url+"/i/"+string(inv.ID))
	b.Do(t, chromedp.Click("[data-testid=show-qr]"))
	browsertest.JS[bool](t, b, `window.__same = true; document.querySelectorAll("[data-tab]")[0].click(); true`)
	c.Pass(t, time.Second)
	if !browsertest.JS[bool](t, b, `window.__same && location.search === "?qr=address" && document.querySelector("[data-qr-content]").dataset.qrContent === "`+testAddress+`" &&
		document.querySelector(".qr svg").getBoundingClientRect().width >= 240`) {
		t.Error("changing the code reloads, changes nothing, or folds it again")
	}
	browsertest.JS[bool](t, b, `document.querySelector("[data-enlarge]").click(); true`)
	if !browsertest.JS[bool](t, b, `document.querySelector("#zoom").open && document.querySelector("#zoom svg").getBoundingClientRect().width > 280`) {
		t.Error("the code is not enlarged")
	}
	// What is asked for changes under the large code, and with it the code.
	now := `document.querySelector("#qr svg path").getAttribute("d")`
	small := browsertest.JS[string](t, b, now)
	s.mustChange(t, inv, func(inv *invoice.Invoice) {
		inv.Addresses[0].Text = "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3"
	})
	c.Pass(t, 4*time.Second)
	if browsertest.JS[string](t, b, now) == small || !browsertest.JS[bool](t, b, `document.querySelector("#zoom").open && document.querySelector("#zoom path").getAttribute("d") === `+now) {
		t.Error("the large code is an old one")
	}
	s.becomeState(t, inv, ViewDetected)
	c.Pass(t, 4*time.Second)
	if shows(t, b) != ViewDetected || browsertest.JS[bool](t, b, `document.querySelector("#zoom").open`) {
		t.Error("money was seen, and the code is still there")
	}
	b.Quiet(t)
}

// Answers overtake each other: the last tab wins, nothing older is drawn over something newer, and nothing over the end.
func TestLateFragments(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	at, _, _ := s.serve(t)
	// What is asked for the live part while __keep is set is answered only by __go.
	const slow = `window.__held = []; { const real = fetch; window.fetch = async (url, init) => {
		const keep = window.__keep && url.includes("/fragment"), res = await real(url, init)
		if (!keep) return res
		const body = await res.text()
		await new Promise((go) => __held.push(go))
		return { ok: res.ok, status: res.status, headers: res.headers, text: async () => { setTimeout(() => { window.__let = true }, 50); return body } } } }`
	b.Before(t, slow)
	tab := func(n string) string { return `document.querySelectorAll("[data-tab]")[` + n + `].click(); ` }
	content := `document.querySelector("[data-qr-content]").dataset.qrContent`
	let := func() {
		browsertest.JS[bool](t, b, `__let = false; __held.pop()(); true`)
		b.Becomes(t, 3*time.Second, `__let`)
	}
	inv := s.invoiceFor(t, "eth", "1", "")
	open := func() {
		b.Do(t, chromedp.Navigate("about:blank"), chromedp.Navigate(at+"/i/"+string(inv.ID)))
		if got := browsertest.JS[int](t, b, `document.querySelectorAll("[data-tab]").length`); got != 2 {
			t.Fatalf("%d tabs", got)
		}
	}
	open()
	browsertest.JS[bool](t, b, `__keep = true; `+tab("1")+`true`)
	b.Becomes(t, 3*time.Second, `__held.length === 1`)
	browsertest.JS[bool](t, b, `__keep = false; `+tab("0")+`true`)
	time.Sleep(300 * time.Millisecond)
	let()
	if got := browsertest.JS[string](t, b, content); got != evmAddress {
		t.Errorf("the tab that was left is drawn over the one that was taken: %s", got)
	}
	open()
	browsertest.JS[bool](t, b, `__keep = true; `+tab("1")+`true`)
	b.Becomes(t, 3*time.Second, `__held.length === 1`)
	s.mustChange(t, inv, func(inv *invoice.Invoice) { inv.Title = "3 kg house blend" })
	browsertest.JS[bool](t, b, `__keep = false; true`)
	b.Becomes(t, 6*time.Second, `document.querySelector("[data-testid=order]").innerText.includes("3 kg")`)
	let()
	if got := text(t, b, "[data-testid=order]"); !strings.Contains(got, "3 kg") {
		t.Errorf("an older page is drawn over a newer one: %q", got)
	}
	// A newer page that was asked for under another tab is asked for again.
	open()
	s.mustChange(t, inv, func(inv *invoice.Invoice) { inv.Title = "4 kg house blend" })
	browsertest.JS[bool](t, b, `__keep = true; `+tab("1")+`true`)
	b.Becomes(t, 3*time.Second, `__held.length === 1`)
	browsertest.JS[bool](t, b, `__keep = false; true`)
	let()
	if got := text(t, b, "[data-testid=order]"); !strings.Contains(got, "4 kg") {
		t.Errorf("a newer page is not drawn: %q", got)
	}
	open()
	browsertest.JS[bool](t, b, `__keep = true; `+tab("1")+`true`)
	b.Becomes(t, 3*time.Second, `__held.length === 1`)
	s.becomeState(t, inv, ViewPaid)
	browsertest.JS[bool](t, b, `__keep = false; true`)
	b.Becomes(t, 6*time.Second, `document.querySelector("main").dataset.state === "paid"`)
	let()
	if got := shows(t, b); got != ViewPaid {
		t.Errorf("after the end it shows %s", got)
	}
	b.Quiet(t)
}

// Who has been in a wallet is told that the page still looks, until there is something else to tell.
func TestCameBackIsKept(t *testing.T) {
	b := browsertest.Open(t)
	s, c := openShop(t), b.Clock(noon, 0)
	site := s.serveAt(t, c)
	inv := s.invoiceIn(t, ViewWaiting)
	c.Open(t, site.url+"/i/"+string(inv.ID))
	hidden := `document.querySelector("#back").hidden`
	browsertest.JS[bool](t, b, `const a = document.querySelector("[data-wallet]"); a.addEventListener("click", (e) => e.preventDefault()); a.click(); true`)
	if browsertest.JS[bool](t, b, hidden) {
		t.Fatal("it does not say that it looks")
	}
	s.mustChange(t, inv, func(inv *invoice.Invoice) { inv.Title = "3 kg house blend" })
	c.Pass(t, 5*time.Second)
	if got := text(t, b, "[data-testid=order]"); !strings.Contains(got, "3 kg") || browsertest.JS[bool](t, b, hidden) {
		t.Errorf("%q, and no word of looking", got)
	}
	b.Quiet(t)
}
