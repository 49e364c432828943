package checkout

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"checkout/web/browsertest"
)

// The answer to a form stays as long as nothing happens to the payment, though the status names another view; what happens then
// is shown.
func TestAnswersAreNotOverwritten(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	url, visits, _ := s.serve(t)
	inv := s.invoiceIn(t, ViewWaiting)
	b.Do(t, chromedp.Navigate(url+"/i/"+string(inv.ID)+"?m="))
	b.Becomes(t, 20*time.Second, `document.querySelector("main").dataset.state === "choose"`)
	first := len(visits("/status"))
	for tries := 0; len(visits("/status")) < first+2 && tries < 100; tries++ {
		time.Sleep(200 * time.Millisecond)
	}
	if got := len(visits("/fragment")); got != 0 || browsertest.JS[string](t, b, `document.querySelector("main").dataset.state`) != "choose" {
		t.Errorf("%d fragments were asked for a form nothing happened to", got)
	}
	s.becomeState(t, inv, ViewDetected)
	b.Becomes(t, 20*time.Second, `document.querySelector("main").dataset.state === "detected"`)
	b.Quiet(t)
}
