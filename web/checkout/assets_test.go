package checkout

import (
	"encoding/json"
	"html"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"checkout/chain"
	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
	"checkout/web/browsertest"
)

// Addresses of the publicly known private key 1, or published ones. Nobody may ever send anything to them.
const (
	evmAddress  = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
	tronAddress = "TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC"
	xrpAddress  = "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"
	solAddress  = "mvines9iiHiQTysrwkJjGf2gb9Ex9jXJX8ns3qwf2kN"
)

// addressIn is a test address of a network.
func addressIn(network string) string {
	switch network {
	case "bitcoin":
		return testAddress
	case "litecoin":
		return "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9"
	case "dogecoin":
		return "DFpN6QqFfUm3gKNaxN6tNcab1FArL9cZLE"
	case "bitcoincash":
		return "bitcoincash:qp63uahgrxged4z5jswyt5dn5v3lzsem6cy4spdc2h"
	case "tron":
		return tronAddress
	case "xrp":
		return xrpAddress
	case "solana":
		return solAddress
	case "ton":
		return "EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrHF"
	}
	return evmAddress
}

// invoiceFor makes an invoice that waits for an amount of one of the catalogue's assets, with an id of its own. Without
// an amount any will do. The tag is that of a shared address.
func (s *shop) invoiceFor(t testing.TB, id, due, tag string) *invoice.Invoice {
	t.Helper()
	inv := s.invoiceIn(t, ViewWaiting)
	r := mustRegistry(t)
	a, ok := r.Asset(id)
	if !ok {
		t.Fatalf("no asset %q", id)
	}
	n, _ := r.Network(a.Network)
	text := addressIn(n.ID)
	m := invoice.NewMethod(a, n, invoice.TermsOrder)
	inv.Asset, inv.Methods = id, append([]invoice.Method{m}, inv.Methods...)
	inv.Quotes[0].Asset, inv.Addresses[0].Asset, inv.Addresses[0].Network, inv.Addresses[0].Text, inv.Addresses[0].Tag = id, id, n.ID, text, tag
	inv.Quotes[0].Due = money.Zero(a.Currency)
	if due != "" {
		inv.Quotes[0].Due = amount(t, a.Currency, due)
	}
	inv.Outcome.Remaining = inv.Quotes[0].Due
	name := strings.ToUpper(strings.NewReplacer("-", "", "i", "1", "l", "1", "o", "0", "u", "V").Replace(id))
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.invoices, inv.ID)
	inv.ID = ident.ID("7K3M" + (name + "7K3M9Q2X5T8V4B6N7K3M9Q2X5T")[:ident.Length-4])
	s.invoices[inv.ID] = inv
	return inv
}

// shown is what a page says of its code.
type shown struct{ URI, Content string }

// scan opens a page, with the code unfolded, and reads the code from a picture of it.
func scan(t *testing.T, b *browsertest.Browser, at string, width int64, scale float64) (shown, string) {
	t.Helper()
	b.Do(t, chromedp.EmulateViewport(width, 900, chromedp.EmulateScale(scale)), chromedp.Navigate("about:blank"), chromedp.Navigate(at+"#qr"))
	said := browsertest.JS[string](t, b, `JSON.stringify({URI: document.querySelector("main").dataset.paymentUri, Content: document.querySelector("[data-qr-content]").dataset.qrContent})`)
	var page shown
	if err := json.Unmarshal([]byte(said), &page); err != nil {
		t.Fatal(err)
	}
	return page, browsertest.ReadCode(t, b.Shoot(t))
}

// screens are a desk and a phone with fine pixels.
var screens = []struct {
	width int64
	scale float64
}{{1280, 1}, {360, 2}}

// TestItem8BitcoinCode: what the code says is the payment URI of the page.
func TestItem8BitcoinCode(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	at, _, _ := s.serve(t)
	codesSayTheURI(t, b, s, at, map[string]string{"btc 0.00044007": "bitcoin:" + testAddress + "?amount=0.00044007"})
}

// TestItem9OtherCoins: the same of every coin whose URI begins with the recipient.
func TestItem9OtherCoins(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	at, _, _ := s.serve(t)
	codesSayTheURI(t, b, s, at, map[string]string{
		"ltc 0.123456": "litecoin:ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9?amount=0.123456",
		"doge 150.5":   "dogecoin:DFpN6QqFfUm3gKNaxN6tNcab1FArL9cZLE?amount=150.5",
		"bch 0.02":     "bitcoincash:qp63uahgrxged4z5jswyt5dn5v3lzsem6cy4spdc2h?amount=0.02",
		"eth 0.008215": "ethereum:" + evmAddress + "@1?value=8215000000000000",
		"bnb 0.04153":  "ethereum:" + evmAddress + "@56?value=41530000000000000",
		"pol 52.1":     "ethereum:" + evmAddress + "@137?value=52100000000000000000",
		"sol 0.15":     "solana:" + solAddress + "?amount=0.15",
	})
}

func codesSayTheURI(t *testing.T, b *browsertest.Browser, s *shop, at string, wants map[string]string) {
	t.Helper()
	for asked, want := range wants {
		id, due, _ := strings.Cut(asked, " ")
		inv := s.invoiceFor(t, id, due, "")
		for _, screen := range screens {
			page, read := scan(t, b, at+"/i/"+string(inv.ID), screen.width, screen.scale)
			if read != want || page.URI != want || page.Content != want {
				t.Errorf("%s at %d px: reads %s, the page says %+v, want %s", asked, screen.width, read, page, want)
			}
		}
	}
	b.Quiet(t)
}

// tokens are EIP-681 URIs by asset, for 25.5.
var tokens = map[string]string{
	"usdt-ethereum": "ethereum:0xdAC17F958D2ee523a2206206994597C13D831ec7@1/transfer?address=" + evmAddress + "&uint256=25500000",
	"usdt-bsc":      "ethereum:0x55d398326f99059fF775485246999027B3197955@56/transfer?address=" + evmAddress + "&uint256=25500000000000000000",
	"usdt-polygon":  "ethereum:0xc2132D05D31c914a87C6611C10748AEb04B58e8F@137/transfer?address=" + evmAddress + "&uint256=25500000",
}

// TestItem10TokensBeginWithTheAddress: what is scanned first is the recipient alone, never the token's contract.
func TestItem10TokensBeginWithTheAddress(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	at, _, _ := s.serve(t)
	for id, uri := range tokens {
		inv := s.invoiceFor(t, id, "25.5", "")
		for _, screen := range screens {
			page, read := scan(t, b, at+"/i/"+string(inv.ID), screen.width, screen.scale)
			if read != evmAddress || page.Content != evmAddress || page.URI != uri {
				t.Errorf("%s at %d px: reads %s, the page says %+v", id, screen.width, read, page)
			}
		}
	}
	b.Quiet(t)
}

// TestItem11TokensWithAmount: one tap, or a link without script, leads to the code with the amount.
func TestItem11TokensWithAmount(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	at, _, _ := s.serve(t)
	for id, uri := range tokens {
		inv := s.invoiceFor(t, id, "25.5", "")
		page, read := scan(t, b, at+"/i/"+string(inv.ID)+"?qr=uri", 1280, 1)
		if read != uri || page.Content != uri {
			t.Errorf("%s: reads %s, the page says %+v", id, read, page)
		}
	}
	b.Do(t, chromedp.Navigate("about:blank"), chromedp.Navigate(at+"/i/"+string(s.invoiceFor(t, "usdt-bsc", "25.5", "").ID)))
	browsertest.JS[bool](t, b, `document.querySelectorAll("[data-tab]")[1].click(); true`)
	b.Becomes(t, 3*time.Second, `document.querySelector("[data-qr-content]").dataset.qrContent === "`+tokens["usdt-bsc"]+`"`)
	b.Quiet(t)
}

// TestItem12TronTokens: the bare address, and no way to a code with an amount.
func TestItem12TronTokens(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	at, _, _ := s.serve(t)
	inv := s.invoiceFor(t, "usdt-tron", "25.5", "")
	for _, query := range []string{"", "?qr=uri"} {
		page, read := scan(t, b, at+"/i/"+string(inv.ID)+query, 1280, 1)
		if read != tronAddress || len(read) != 34 || page.Content != tronAddress || page.URI != "" {
			t.Errorf("%q: reads %s, the page says %+v", query, read, page)
		}
		if browsertest.JS[bool](t, b, `document.documentElement.innerHTML.includes("With amount") || document.querySelectorAll("[data-tab]").length > 0`) {
			t.Errorf("%q: there is a tab with the amount", query)
		}
	}
	trx := s.invoiceFor(t, "trx", "82.35", "")
	if _, read := scan(t, b, at+"/i/"+string(trx.ID), 1280, 1); read != tronAddress {
		t.Errorf("TRX: reads %s", read)
	}
	if _, read := scan(t, b, at+"/i/"+string(trx.ID)+"?qr=uri", 1280, 1); read != "tron:"+tronAddress+"?amount=82.35" {
		t.Errorf("TRX with the amount: reads %s", read)
	}
	b.Quiet(t)
}

// TestItem13TagComesFirst: the tag rides in the code, and stands before the address with a button of its own.
func TestItem13TagComesFirst(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	at, _, _ := s.serve(t)
	inv := s.invoiceFor(t, "xrp", "25.5", "1234567")
	for query, want := range map[string]string{"": xrpAddress + "?dt=1234567&amount=25.5", "?qr=address": xrpAddress, "?qr=tag": "1234567"} {
		page, read := scan(t, b, at+"/i/"+string(inv.ID)+query, 1280, 1)
		if read != want || page.Content != want || page.URI != "ripple:"+xrpAddress+"?dt=1234567&amount=25.5" {
			t.Errorf("%q: reads %s, the page says %+v", query, read, page)
		}
	}
	before := browsertest.JS[bool](t, b, `(() => {
		const order = [...document.querySelectorAll("[data-testid=network-warning], [data-testid=tag], [data-testid=address], [data-testid=qr]")].map(e => e.dataset.testid).join()
		return order === "network-warning,tag,address,qr" && document.querySelector("[data-copy='1234567']").innerText === "Copy tag" &&
			document.querySelector("#tag-label").innerText === "1. Destination tag — required" && document.querySelector("#address-label").innerText === "2. Address" })()`)
	if !before {
		t.Error("the tag is not the first thing to copy")
	}
	alone := s.invoiceFor(t, "xrp", "25.5", "")
	page, read := scan(t, b, at+"/i/"+string(alone.ID), 1280, 1)
	if read != xrpAddress || page.URI != "ripple:"+xrpAddress+"?amount=25.5" || browsertest.JS[bool](t, b, `!!document.querySelector("[data-testid=tag], [data-tab]")`) {
		t.Errorf("an address of its own: reads %s, the page says %+v", read, page)
	}
	b.Quiet(t)
}

// TestItem20FilesOfTokens: the code's files and the status say what the page says.
func TestItem20FilesOfTokens(t *testing.T) {
	s := openShop(t)
	for _, v := range []struct {
		asset, tag    string
		uri, tagged   any
		first, second string // viewBox of the first code and of ?kind=uri
	}{
		{"usdt-tron", "", nil, nil, "0 0 37 37", "0 0 37 37"}, {"usdt-ethereum", "", tokens["usdt-ethereum"], nil, "0 0 37 37", "0 0 57 57"},
		{"xrp", "1234567", "ripple:" + xrpAddress + "?dt=1234567&amount=25.5", "1234567", "0 0 41 41", "0 0 41 41"},
	} {
		inv := s.invoiceFor(t, v.asset, "25.5", v.tag)
		at := "/i/" + string(inv.ID)
		var status map[string]any
		if err := json.Unmarshal(s.ask("GET", at+"/status", "").Body.Bytes(), &status); err != nil {
			t.Fatal(err)
		}
		if status["payment_uri"] != v.uri || status["tag"] != v.tagged || status["address"] != addressIn(inv.Addresses[0].Network) {
			t.Errorf("%s: the status says %v", v.asset, status)
		}
		for kind, want := range map[string]string{"": v.first, "?kind=uri": v.second, "?kind=address": "0 0 37 37"} {
			if w := s.ask("GET", at+"/qr.svg"+kind, ""); w.Code != 200 || !strings.Contains(w.Body.String(), `viewBox="`+want+`"`) {
				t.Errorf("%s %q: %d %.100s, want %s", v.asset, kind, w.Code, w.Body, want)
			}
		}
	}
}

// TestItem21NoLogoInTheCode: nothing is drawn in the code but the code.
func TestItem21NoLogoInTheCode(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	at, _, _ := s.serve(t)
	for _, id := range []string{"btc", "usdt-tron", "eth"} {
		b.Do(t, chromedp.Navigate(at+"/i/"+string(s.invoiceFor(t, id, "25.5", "").ID)))
		if got := browsertest.JS[string](t, b, `[...document.querySelectorAll("[data-testid=qr] *")].map(e => e.localName).join()`); got != "svg,rect,linearGradient,stop,path" {
			t.Errorf("%s: in the code there is %s", id, got)
		}
	}
	b.Quiet(t)
}

// TestItem23OpenInWallet: the links are those wallets document; the one for Bitcoin says whom it is for, the code does not.
func TestItem23OpenInWallet(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	s.face.Base = "https://pay.example.com"
	at, _, _ := s.serve(t)
	links := func(inv *invoice.Invoice) map[string]string {
		t.Helper()
		b.Do(t, chromedp.EmulateViewport(1280, 900), chromedp.Navigate("about:blank"), chromedp.Navigate(at+"/i/"+string(inv.ID)))
		return browsertest.JS[map[string]string](t, b, `Object.fromEntries([...document.querySelectorAll("[data-wallet]")].map(e => [e.innerText.trim() || e.textContent.trim(), e.getAttribute("href")]))`)
	}
	btc := s.invoiceFor(t, "btc", "0.00044007", "")
	if got := links(btc)["Open in wallet"]; got != "bitcoin:"+testAddress+"?amount=0.00044007&label=Acme%20Coffee&message=Order%201001%20%C2%B7%202%20kg%20house%20blend" {
		t.Errorf("Bitcoin: %s", got)
	}
	if code := browsertest.JS[string](t, b, `document.querySelector("[data-qr-content]").dataset.qrContent`); strings.Contains(code, "label") || strings.Contains(code, "message") {
		t.Errorf("the code says %s", code)
	}
	for id, want := range map[string]map[string]string{
		"usdt-tron": {
			"Open in Trust Wallet": "https://link.trustwallet.com/send?asset=c195_tTR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t&address=" + tronAddress + "&amount=25.5",
			"Open in TronLink":     "tronlinkoutside://pull.activity?param=%7B%22url%22%3A%22https%3A%2F%2Fpay.example.com%2Fi%2F{id}%22%2C%22action%22%3A%22open%22%2C%22protocol%22%3A%22TronLink%22%2C%22version%22%3A%221.0%22%7D",
		},
		"usdt-ethereum": {
			"Open in MetaMask":        "https://link.metamask.io/dapp/pay.example.com/i/{id}",
			"Open in Trust Wallet":    "https://link.trustwallet.com/send?asset=c60_t0xdAC17F958D2ee523a2206206994597C13D831ec7&address=" + evmAddress + "&amount=25.5",
			"Open in Base (Coinbase)": "https://go.cb-w.com/dapp?cb_url=https%3A%2F%2Fpay.example.com%2Fi%2F{id}",
			"Open in OKX Wallet":      "okx://wallet/dapp/url?dappUrl=https%3A%2F%2Fpay.example.com%2Fi%2F{id}",
			"Other wallet":            tokens["usdt-ethereum"],
		},
		"xrp": {"Open in wallet": "ripple:" + xrpAddress + "?amount=25.5"},
		"sol": {"Open in Trust Wallet": "https://link.trustwallet.com/send?asset=c501&address=" + solAddress + "&amount=25.5", "Other wallet": "solana:" + solAddress + "?amount=25.5"},
	} {
		inv := s.invoiceFor(t, id, "25.5", "")
		got := links(inv)
		for name, href := range want {
			if href = strings.ReplaceAll(href, "{id}", string(inv.ID)); got[name] != href {
				t.Errorf("%s, %s: %q, want %q", id, name, got[name], href)
			}
		}
		if len(got) != len(want) || len(got) > 5 {
			t.Errorf("%s: %d links, want %d: %v", id, len(got), len(want), got)
		}
	}
	b.Quiet(t)
}

// The ways to pay on this device are folded on a desk and in sight on a phone; who comes back is told that we still watch.
func TestItem23InSightOnPhones(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	s.face.Base = "https://pay.example.com"
	at, _, _ := s.serve(t)
	inv := s.invoiceFor(t, "usdt-tron", "25.5", "")
	seen := func(width int64) string {
		b.Do(t, chromedp.EmulateViewport(width, 900), chromedp.Navigate("about:blank"), chromedp.Navigate(at+"/i/"+string(inv.ID)))
		return browsertest.JS[string](t, b, `[document.querySelector("[data-testid=wallet-trust]"), document.querySelector("#device summary")].map(e => e.checkVisibility({contentVisibilityAuto: true}) && e.getBoundingClientRect().height >= 44).join()`)
	}
	if got := seen(1280); got != "false,true" {
		t.Errorf("at 1280 px a wallet and the fold are in sight: %s", got)
	}
	browsertest.JS[bool](t, b, `document.querySelector("#device summary").click(); true`)
	b.Becomes(t, 3*time.Second, `document.querySelector("[data-testid=wallet-trust]").checkVisibility({contentVisibilityAuto: true})`)
	if got := seen(360); got != "true,false" {
		t.Errorf("at 360 px a wallet and the fold are in sight: %s", got)
	}
	if !browsertest.JS[bool](t, b, `document.querySelector("#back").hidden`) {
		t.Error("nobody has left yet")
	}
	browsertest.JS[bool](t, b, `addEventListener("click", e => e.preventDefault()); document.querySelector("[data-testid=wallet-trust]").click(); true`)
	if got := browsertest.JS[string](t, b, `document.querySelector("#back").innerText`); got != "Came back? We are still watching for your payment." {
		t.Errorf("who comes back reads %q", got)
	}
	b.Quiet(t)
}

// TestItem24AnyAmount: a page where any amount will do asks for none, in no code, link or script.
func TestItem24AnyAmount(t *testing.T) {
	s := openShop(t)
	s.face.Base = "https://pay.example.com"
	for _, a := range mustRegistry(t).Assets() {
		if a.Network == "rehearsal" {
			continue
		}
		tag := ""
		if n, _ := mustRegistry(t).Network(a.Network); n.Tag == chain.TagNumber {
			tag = "7"
		}
		inv := s.invoiceFor(t, a.ID, "", tag)
		body := s.ask("GET", "/i/"+string(inv.ID), "").Body.String()
		unescaped, err := url.QueryUnescape(strings.ReplaceAll(body, "%", "%25"))
		if err != nil || !strings.Contains(unescaped, addressIn(a.Network)) {
			t.Fatalf("%s: %v, no address", a.ID, err)
		}
		for _, never := range []string{"amount=", "uint256=", "?value=", "&amp;value=", `data-testid="amount"`, `id="injected"`, "data-tab", "must receive"} {
			if strings.Contains(body, never) {
				t.Errorf("%s: the page contains %q", a.ID, never)
			}
		}
		s.pass(time.Second)
	}
}

// TestItem35NetworkStandsByTheAddress: within 200 px of the address it says on which network, in the words exchanges use.
func TestItem35NetworkStandsByTheAddress(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	at, _, _ := s.serve(t)
	for id, want := range map[string]string{
		"usdt-tron":     "Send only USDT on the Tron (TRC20) network. Other coins or networks may be lost.",
		"usdt-polygon":  "Send only USDT on the Polygon (PoS) network. If you use another network, the payment is not found automatically.",
		"usdt-ethereum": "Send only USDT on the Ethereum (ERC20) network. If you use another network, the payment is not found automatically.",
		"btc":           "Send only BTC on the Bitcoin network. Other coins or networks may be lost.",
	} {
		inv := s.invoiceFor(t, id, "25.5", "")
		for _, width := range []int64{1280, 360} {
			b.Do(t, chromedp.EmulateViewport(width, 900), chromedp.Navigate("about:blank"), chromedp.Navigate(at+"/i/"+string(inv.ID)))
			if got := browsertest.JS[string](t, b, `document.querySelector("[data-testid=network-warning]").innerText.trim()`); got != want {
				t.Errorf("%s: %q", id, got)
			}
			gap := browsertest.JS[float64](t, b, `document.querySelector("[data-testid=address]").getBoundingClientRect().top - document.querySelector("[data-testid=network-warning]").getBoundingClientRect().bottom`)
			if gap < 0 || gap > 200 {
				t.Errorf("%s at %d px: %.0f px from the warning to the address", id, width, gap)
			}
		}
	}
	fee := func(id string) string {
		b.Do(t, chromedp.Navigate(at+"/i/"+string(s.invoiceFor(t, id, "25.5", "").ID)))
		return browsertest.JS[string](t, b, `document.querySelector("[data-testid=fee]").innerText`)
	}
	for id, want := range map[string]string{
		"usdt-tron": "Your wallet adds the network fee, paid in TRX. Acme Coffee must receive 25.5 USDT.",
		"usdc-base": "Your wallet adds the network fee, paid in ETH. Acme Coffee must receive 25.5 USDC.",
	} {
		if got := fee(id); got != want {
			t.Errorf("%s: %q", id, got)
		}
	}
	b.Quiet(t)
}

// An amount no wallet can read stands in no code and no link, and the page says so.
func TestItem4AmountByHand(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceFor(t, "usdt-bsc", "1000", "")
	body := s.ask("GET", "/i/"+string(inv.ID), "").Body.String()
	if !strings.Contains(body, "Enter the amount by hand.") || strings.Contains(body, "data-tab") || strings.Contains(body, "uint256=") || !strings.Contains(body, ">1000</data>") {
		t.Errorf("%s", body)
	}
	if below := s.ask("GET", "/i/"+string(s.invoiceFor(t, "usdc-bsc", "999.99", "").ID), "").Body.String(); strings.Contains(below, "by hand") || strings.Count(below, "data-tab") != 2 {
		t.Error("just below the limit the amount is still in the code")
	}
}

// A merchant's choice of the first code, and of capitals, is kept by the page and its files and changes no URI.
func TestMerchantsChoiceOfCodes(t *testing.T) {
	s := openShop(t)
	s.look = merchant.Look{Codes: map[string]string{"btc": "address", "usdt-ethereum": "uri", "usdt-tron": "uri"}, UpperCodes: true}
	upper := "bitcoin:" + strings.ToUpper(testAddress) + "?amount=25.5"
	for id, want := range map[string][2]string{"btc": {testAddress, upper}, "usdt-ethereum": {tokens["usdt-ethereum"], tokens["usdt-ethereum"]}, "usdt-tron": {tronAddress, tronAddress}} {
		at := "/i/" + string(s.invoiceFor(t, id, "25.5", "").ID)
		for query, content := range map[string]string{"": want[0], "?qr=uri": want[1]} {
			body := s.ask("GET", at+query, "").Body.String()
			if !strings.Contains(body, `data-qr-content="`+html.EscapeString(content)+`"`) {
				t.Errorf("%s%s does not say %s", id, query, content)
			}
			if strings.Contains(body, `data-payment-uri="bitcoin:BC1`) {
				t.Errorf("%s%s: the payment URI is in capitals", id, query)
			}
		}
	}
}

// The heaviest page keeps to the budget: 14 KB of page on the wire, five requests.
func TestTokenPageBudget(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	s.face.Base = "https://pay.example.com"
	at, visits, _ := s.serve(t)
	inv := s.invoiceFor(t, "usdt-ethereum", "25.5", "")
	w := s.ask("GET", "/i/"+string(inv.ID)+"?qr=uri", "", "Accept-Encoding", "gzip")
	t.Logf("the page is %d bytes compressed", w.Body.Len())
	if w.Body.Len() > 14<<10 {
		t.Errorf("the page is %d bytes compressed", w.Body.Len())
	}
	b.Do(t, chromedp.Navigate(at+"/i/"+string(inv.ID)+"?qr=uri"))
	time.Sleep(600 * time.Millisecond)
	if got := len(visits("")); got > 4 { // a merchant's own colours are a fifth
		t.Errorf("%d requests", got)
	}
	for _, v := range visits(".js") {
		if strings.Contains(v.path, "wallet") {
			t.Error("the script for wallets comes where there is none")
		}
	}
	b.Quiet(t)
}
