package browsertest

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Prefers sets what the reader's system asks for, in pairs of a media feature and its value: "prefers-color-scheme",
// "dark". What is not named is as it was at first.
func (b *Browser) Prefers(t *testing.T, pairs ...string) { t.Helper(); b.media(t, "", pairs) }

// Prints shows pages as they are printed.
func (b *Browser) Prints(t *testing.T, pairs ...string) { t.Helper(); b.media(t, "print", pairs) }

func (b *Browser) media(t *testing.T, kind string, pairs []string) {
	t.Helper()
	var features []*emulation.MediaFeature
	for i := 0; i+1 < len(pairs); i += 2 {
		features = append(features, &emulation.MediaFeature{Name: pairs[i], Value: pairs[i+1]})
	}
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: kind, Features: features}); err != nil {
		t.Fatal(err)
	}
}

// Scripts switches the scripts of pages on or off. What a test evaluates works all the same.
func (b *Browser) Scripts(t *testing.T, on bool) {
	t.Helper()
	b.scriptless = !on
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on}); err != nil {
		t.Fatal(err)
	}
}

// Hide makes the page believe that its tab is hidden, or shown again.
func (b *Browser) Hide(t *testing.T, hidden bool) {
	t.Helper()
	state := "visible"
	if hidden {
		state = "hidden"
	}
	JS[bool](t, b, `(() => {
		Object.defineProperty(document, "hidden", { value: "`+state+`" === "hidden", configurable: true })
		Object.defineProperty(document, "visibilityState", { value: "`+state+`", configurable: true })
		document.dispatchEvent(new Event("visibilitychange", { bubbles: true }))
		return true })()`)
}

// Drawn waits until the page is drawn with all that was changed.
func (b *Browser) Drawn(t *testing.T) {
	t.Helper()
	JS[bool](t, b, `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))`)
}
