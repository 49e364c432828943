package templates

import (
	"bytes"
	"context"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"checkout/web/texts"
)

func draw(t *testing.T, c templ.Component) string {
	t.Helper()
	var b bytes.Buffer
	if err := c.Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var tags = regexp.MustCompile(`<[^>]*>`)

// textOf is the text of the element with a test id, as a browser copies it.
func textOf(t *testing.T, page, testid string) string {
	t.Helper()
	m := regexp.MustCompile(`(?s)<(\w+)[^>]*data-testid="` + testid + `"[^>]*>(.*?)</(?:bdi|output|section|div)>`).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no %s", testid)
	}
	return html.UnescapeString(tags.ReplaceAllString(m[2], ""))
}

func TestEveryView(t *testing.T) {
	for _, view := range sampleViews() {
		p := samplePage(view)
		page := draw(t, PageView(p))
		for _, want := range []string{
			`<html lang="en" dir="ltr"`, `data-state="` + view + `"`, `<a class="skip" href="#live">`, `<header`, `<main`, `<footer`, `role="status"`,
			`aria-atomic="true"`, "Payment page of", "7K3M-9Q2X", `<link rel="stylesheet" href="/a/pay.`, `<title>`,
		} {
			if !strings.Contains(page, want) {
				t.Errorf("%s: no %s", view, want)
			}
		}
		if n := strings.Count(page, "<h1"); n != 1 {
			t.Errorf("%s: %d h1", view, n)
		}
		if n := strings.Count(page, "btn-primary"); n > 1 {
			t.Errorf("%s: %d primary actions", view, n)
		}
		if p.Live.heading(texts.English()) == "" || (p.Live.sentence(texts.English()) == "" && view != "expired" && view != "detected") {
			t.Errorf("%s: says nothing", view)
		}
		if strings.Contains(p.Live.heading(texts.English()), "Checkout") {
			t.Errorf("%s: the vendor speaks", view)
		}
		ids := map[string]bool{}
		for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page, -1) {
			if ids[m[1]] {
				t.Errorf("%s: id %s stands twice", view, m[1])
			}
			ids[m[1]] = true
		}
		for _, m := range regexp.MustCompile(`aria-(?:labelledby|describedby)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
			if !ids[m[1]] {
				t.Errorf("%s: %s names nothing", view, m[0])
			}
		}
		for _, m := range regexp.MustCompile(`<a [^>]*target="_blank"[^>]*>`).FindAllString(page, -1) {
			if !strings.Contains(m, `rel="noopener noreferrer nofollow"`) {
				t.Errorf("%s: %s", view, m)
			}
		}
		if strings.Contains(page, "<no value>") || strings.Contains(page, "templ: ") || strings.Contains(page, "about:invalid") {
			t.Errorf("%s: something is broken", view)
		}
	}
}

func TestAmountAndAddressAreCopiedAsTheyAre(t *testing.T) {
	page := draw(t, LiveView(samplePage("waiting").Live))
	if got := textOf(t, page, "address"); got != sampleAddress {
		t.Errorf("address %q", got)
	}
	if got := textOf(t, page, "amount"); got != "0.00044007 BTC" {
		t.Errorf("amount %q", got)
	}
	for _, want := range []string{
		`<data value="0.00044007">0.00044007</data>`, `data-copy="` + sampleAddress + `"`, `data-copy="0.00044007"`, `data-qr-content="` + sampleURI + `"`,
		`data-payment-uri="` + sampleURI + `"`, `href="` + sampleURI + `"`, `<time datetime="2026-11-21T14:35:00Z" data-form="clock">14:35 UTC</time>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
	if m := regexp.MustCompile(`<button[^>]*data-copy[^>]*>`).FindAllString(page, -1); len(m) != 2 || !strings.Contains(m[0], " hidden") || !strings.Contains(m[1], " hidden") {
		t.Errorf("copy buttons that do nothing without script: %q", m)
	}
}

func TestAddressGroups(t *testing.T) {
	bold := func(address string) string {
		var b strings.Builder
		for _, g := range groups(address) {
			for _, p := range g {
				if p.Bold {
					b.WriteString("[" + p.Text + "]")
				} else {
					b.WriteString(p.Text)
				}
			}
			b.WriteString(" ")
		}
		return strings.TrimSpace(strings.ReplaceAll(b.String(), "][", ""))
	}
	for in, want := range map[string]string{
		"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4": "[bc1q] w508 d6qe jxtd g4y5 r3za rvar y0c5 xw7k [v8f3] [t4]",
		"mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn":         "[mipc] BbFg 9gMi Ch81 Kj8t qqdg oZub [1ZJR] [fn]",
		"1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2xx":       "[1BvB] MSEY stWe tqTF n5Au 4m4G Fg7x Ja[NV] [N2xx]",
		"abcdefgh":                                   "[abcd] [efgh]",
		"":                                           "",
	} {
		if got := bold(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	if got := tags.ReplaceAllString(draw(t, grouped(`a<b>"c`)), "|"); strings.Contains(got, `"`) {
		t.Errorf("not escaped: %s", got)
	}
}

func TestRing(t *testing.T) {
	for _, c := range []struct {
		ring              Ring
		track, fill, next string
	}{
		{Ring{2, 6}, "9.2 0.8", "9.2 0.8 9.2 40.8", "9.2 50.8"},
		{Ring{0, 3}, "19.2 0.8", "", "19.2 40.8"},
		{Ring{1, 3}, "19.2 0.8", "19.2 40.8", "19.2 40.8"},
		{Ring{0, 1}, "60 0", "0 60", "60 0"},
		{Ring{15, 30}, "60 0", "30 30", "60 0"},
	} {
		if c.ring.track() != c.track || c.ring.fill() != c.fill || c.ring.next() != c.next {
			t.Errorf("%+v: %q %q %q", c.ring, c.ring.track(), c.ring.fill(), c.ring.next())
		}
	}
	page := draw(t, LiveView(samplePage("confirming").Live))
	if !strings.Contains(page, `<progress class="sr" max="6" value="2">2 of 6</progress>`) || !strings.Contains(page, `<b>2 of 6</b>`) {
		t.Error("the ring has no words")
	}
}

func TestAnnouncements(t *testing.T) {
	var said []int
	for have := 1; have < 12; have++ {
		if (Live{State: "confirming", Said: Said{Have: have, Need: 12}}).announced() {
			said = append(said, have)
		}
	}
	if len(said) != 3 || said[0] != 1 || said[1] != 6 || said[2] != 11 {
		t.Errorf("read out: %v", said)
	}
	if !(Live{State: "paid"}).announced() {
		t.Error("paid is not read out")
	}
}

func TestSentences(t *testing.T) {
	soon := Live{State: "waiting_expiring"}
	if got := soon.sentence(texts.English()); got != "Please send the payment before it ends." {
		t.Error(got)
	}
	for minutes, want := range map[int]string{1: "Usually about 1 minute.", 40: "Usually about 40 minutes.", 150: "Usually about 3 hours.", 0: "You can close"} {
		l := Live{State: "confirming", Said: Said{Minutes: minutes}}
		if got := l.sentence(texts.English()); !strings.HasPrefix(got, want) {
			t.Errorf("%d: %s", minutes, got)
		}
	}
	for minutes, want := range map[int]string{0: "(less than a minute from now)", 1: "(about 1 minute from now)", 29: "(about 29 minutes from now)"} {
		if got := (Lock{Minutes: minutes}).remaining(texts.English()); got != want {
			t.Errorf("%d: %s", minutes, got)
		}
	}
	at := time.Date(2026, 11, 21, 15, 35, 7, 0, time.FixedZone("", 3600))
	for form, want := range map[string]string{Clock: "14:35 UTC", Date: "21 November 2026", Both: "21 November 2026, 14:35 UTC"} {
		if w := At(at, form); w.Text != want || w.ISO != "2026-11-21T14:35:07Z" {
			t.Errorf("%s: %+v", form, w)
		}
	}
}

func TestNothingIsTrusted(t *testing.T) {
	p := samplePage("waiting")
	p.Live.Order.Label = `<script>alert(1)</script>`
	p.Live.Merchant.Name = `"><img src=x>`
	p.Theme = `dark" onload="x`
	page := draw(t, PageView(p))
	for _, never := range []string{"<script>alert", "<img src=x", "onload"} {
		if strings.Contains(page, never) {
			t.Errorf("%s gets through", never)
		}
	}
	if !strings.Contains(page, "<bdi data-testid=\"order\">&lt;script&gt;") {
		t.Error("the title is not isolated")
	}
}

func TestFailurePages(t *testing.T) {
	for _, status := range []int{400, 403, 404, 405, 409, 410, 421, 429, 500, 503, 418} {
		f := Failure{Assets: sampleAssets(), Status: status}
		page := draw(t, FailurePage(f))
		if strings.Count(page, "<h1>") != 1 || f.heading(texts.English()) == "" || f.sentence(texts.English()) == "" || strings.Contains(page, "Reference") {
			t.Errorf("%d: %s", status, page)
		}
	}
}
