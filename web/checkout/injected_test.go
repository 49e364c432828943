package checkout

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"checkout/invoice"
	"checkout/web/browsertest"
)

// mockWallets puts wallets into the browser that announce themselves (EIP-6963), note what they are asked in __asked, and
// answer with __answer(method, params), which a test may change.
const mockWallets = `
	window.__asked = []
	window.__chain = "0x1"
	window.__refuse = {}
	window.__answer = (method, [p]) => {
		if (__refuse[method]) throw __refuse[method]
		if (method === "eth_requestAccounts") return ["0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF"]
		if (method === "eth_chainId") return __chain
		if (method === "wallet_switchEthereumChain") { __chain = p.chainId; return null }
		if (method === "wallet_addEthereumChain") { delete __refuse.wallet_switchEthereumChain; return null }
		if (method === "eth_sendTransaction") return "0x` + testTx + `"
		throw {code: -32601, message: "no such method"}
	}
	const provider = {request: async ({method, params}) => { __asked.push({method, params}); return __answer(method, params || []) }}
	window.__infos = [{uuid: "350670db-19fa-4704-a166-e52e178b59d2", name: "Mock Wallet", icon: "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1'><rect width='1' height='1' fill='teal'/></svg>", rdns: "example.mock"}]
	addEventListener("eip6963:requestProvider", () => {
		for (const info of __infos) dispatchEvent(new CustomEvent("eip6963:announceProvider", {detail: Object.freeze({info, provider})}))
	})`

// request is one thing a wallet was asked.
type request struct {
	Method string           `json:"method"`
	Params []map[string]any `json:"params"`
}

// asked are the requests a wallet got, in turn.
func asked(t *testing.T, b *browsertest.Browser) (list []request, methods string) {
	t.Helper()
	if err := json.Unmarshal([]byte(browsertest.JS[string](t, b, `JSON.stringify(__asked)`)), &list); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range list {
		names = append(names, r.Method)
	}
	return list, strings.Join(names, " ")
}

const (
	walletButton = `document.querySelector("[data-testid=injected-wallet]")`
	walletSaid   = `document.querySelector("#injected-said").innerText`
)

// openWith opens an invoice's page in a browser with mock wallets and waits for the first button.
func openWith(t *testing.T, b *browsertest.Browser, at string, inv *invoice.Invoice) {
	t.Helper()
	b.Do(t, chromedp.EmulateViewport(1280, 900), chromedp.Navigate("about:blank"), chromedp.Navigate(at+"/i/"+string(inv.ID)))
	b.Becomes(t, 4*time.Second, `!!`+walletButton)
}

func click(t *testing.T, b *browsertest.Browser) {
	t.Helper()
	browsertest.JS[bool](t, b, walletButton+`.click(); true`)
}

// TestItem94InjectedWalletSends: exactly the server's transaction arrives at the wallet, after our own words for it; the
// hash comes back as a hint, and the button is gone.
func TestItem94InjectedWalletSends(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	at, visits, _ := s.serve(t)
	b.Before(t, mockWallets)
	for _, v := range []struct{ asset, due, line, to, value, data, chain string }{
		{
			"usdt-ethereum", "25.5", "You send 25.5 USDT to 0x7E5F…5Bdf", "0xdAC17F958D2ee523a2206206994597C13D831ec7", "0x0",
			"0xa9059cbb0000000000000000000000007e5f4552091a69125d5dfcb7b8c2659029395bdf0000000000000000000000000000000000000000000000000000000001851960", "0x1",
		},
		{
			"usdt-bsc", "1000", "You send 1000 USDT to 0x7E5F…5Bdf", "0x55d398326f99059fF775485246999027B3197955", "0x0",
			"0xa9059cbb0000000000000000000000007e5f4552091a69125d5dfcb7b8c2659029395bdf00000000000000000000000000000000000000000000003635c9adc5dea00000", "0x38",
		},
		{"eth", "1", "You send 1 ETH to 0x7E5F…5Bdf", evmAddress, "0xde0b6b3a7640000", "", "0x1"},
		{"eth-base", "0.008215", "You send 0.008215 ETH to 0x7E5F…5Bdf", evmAddress, "0x1d2f7fbcd47000", "", "0x2105"},
	} {
		inv := s.invoiceFor(t, v.asset, v.due, "")
		openWith(t, b, at, inv)
		if got := browsertest.JS[string](t, b, `document.querySelector("[data-testid=injected-line]").innerText.trim()`); got != v.line {
			t.Errorf("%s: before the wallet opens it says %q", v.asset, got)
		}
		if _, methods := asked(t, b); methods != "" {
			t.Errorf("%s: asked before anybody clicked: %s", v.asset, methods)
		}
		click(t, b)
		b.Becomes(t, 4*time.Second, walletSaid+` === "Sent. This page shows it as soon as the network does."`)
		list, methods := asked(t, b)
		if methods != "eth_requestAccounts wallet_switchEthereumChain eth_chainId eth_sendTransaction" {
			t.Fatalf("%s: asked %s", v.asset, methods)
		}
		want := map[string]any{"from": "0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF", "to": v.to, "value": v.value, "chainId": v.chain}
		if v.data != "" {
			want["data"] = v.data
		}
		got, _ := json.Marshal(list[3].Params)
		wanted, _ := json.Marshal([]any{want})
		if string(got) != string(wanted) || list[1].Params[0]["chainId"] != v.chain {
			t.Errorf("%s: sends %s\nwant %s", v.asset, got, wanted)
		}
		if browsertest.JS[bool](t, b, `!!`+walletButton) {
			t.Errorf("%s: a second payment is one click away", v.asset)
		}
		waitFor(t, "the hint", func() bool { list := visits(string(inv.ID) + "/hint"); return len(list) == 1 && list[0].status == 200 })
	}
	b.Quiet(t)
}

// waitFor waits for what the server sees.
func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(3 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s does not come", what)
		}
	}
}

// TestItem94Rejection: who declines reads so calmly, the page still waits, and it can be tried again.
func TestItem94Rejection(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	at, visits, _ := s.serve(t)
	b.Before(t, mockWallets)
	inv := s.invoiceFor(t, "usdt-ethereum", "25.5", "")
	openWith(t, b, at, inv)
	for _, method := range []string{"eth_requestAccounts", "wallet_switchEthereumChain", "eth_sendTransaction"} {
		browsertest.JS[bool](t, b, `__refuse = {`+method+`: {code: 4001, message: "User rejected the request."}}; `+walletButton+`.click(); true`)
		b.Becomes(t, 4*time.Second, walletSaid+` === "You declined in the wallet. Nothing was sent."`)
		if got := browsertest.JS[string](t, b, `document.querySelector("main").dataset.state`); got != "waiting" {
			t.Errorf("%s declined: the page is %s", method, got)
		}
	}
	browsertest.JS[bool](t, b, `__refuse = {eth_sendTransaction: {code: -32603, message: "Internal JSON-RPC error."}}; `+walletButton+`.click(); true`)
	b.Becomes(t, 4*time.Second, walletSaid+` === "The wallet did not finish. Check in the wallet whether something was sent before you try again."`)
	if got := len(visits("/hint")); got != 0 {
		t.Errorf("%d hints of nothing", got)
	}
	browsertest.JS[bool](t, b, `__refuse = {}; `+walletButton+`.click(); true`)
	b.Becomes(t, 4*time.Second, walletSaid+`.startsWith("Sent.")`)
	b.Quiet(t)
}

// TestItem94UnknownNetwork: a wallet that does not know the network learns it (4902), once; one that stays on another is
// not asked to pay.
func TestItem94UnknownNetwork(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	at, _, _ := s.serve(t)
	b.Before(t, mockWallets)
	inv := s.invoiceFor(t, "usdc-base", "9.99", "")
	for _, unknown := range []string{`{code: 4902, message: "Unrecognized chain ID"}`, `{code: -32603, data: {originalError: {code: 4902}}}`} {
		openWith(t, b, at, inv)
		browsertest.JS[bool](t, b, `__refuse = {wallet_switchEthereumChain: `+unknown+`}; `+walletButton+`.click(); true`)
		b.Becomes(t, 4*time.Second, walletSaid+`.startsWith("Sent.")`)
		list, methods := asked(t, b)
		if methods != "eth_requestAccounts wallet_switchEthereumChain wallet_addEthereumChain wallet_switchEthereumChain eth_chainId eth_sendTransaction" {
			t.Fatalf("asked %s", methods)
		}
		got, _ := json.Marshal(list[2].Params[0])
		if want := `{"chainId":"0x2105","chainName":"Base","nativeCurrency":{"decimals":18,"name":"ETH","symbol":"ETH"},"rpcUrls":["https://mainnet.base.org"]}`; string(got) != want {
			t.Errorf("adds %s", got)
		}
	}
	for _, stubborn := range []string{
		`const old = __answer; __answer = (m, p) => m === "wallet_switchEthereumChain" ? null : old(m, p)`,          // says yes and stays
		`__refuse = {wallet_switchEthereumChain: {code: -32601, message: "The method does not exist"}}`,             // cannot
		`__refuse = {wallet_switchEthereumChain: {code: 4902}, wallet_addEthereumChain: {code: -32602}}`,            // learns nothing
		`const old = __answer; __answer = (m, p) => m === "eth_requestAccounts" ? Promise.reject("no") : old(m, p)`, // says no without a code
	} {
		openWith(t, b, at, inv)
		browsertest.JS[bool](t, b, stubborn+`; `+walletButton+`.click(); true`)
		b.Becomes(t, 4*time.Second, walletSaid+`.startsWith("The wallet did not finish")`)
		if _, methods := asked(t, b); strings.Contains(methods, "eth_sendTransaction") {
			t.Errorf("%s: asked to pay all the same: %s", stubborn, methods)
		}
	}
	b.Quiet(t)
}

// A payment that changes while the wallet thinks is not sent as it was; the words above the button change with it.
func TestItem94AmountChanges(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	at, _, _ := s.serve(t)
	b.Before(t, mockWallets)
	inv := s.invoiceFor(t, "usdt-ethereum", "25.5", "")
	openWith(t, b, at, inv)
	browsertest.JS[bool](t, b, `const old = __answer; __answer = (m, p) => m === "eth_requestAccounts" ? new Promise(go => { window.__go = () => go(old(m, p)) }) : old(m, p); `+walletButton+`.click(); true`)
	if _, err := s.change(inv.ID, func(inv *invoice.Invoice) error {
		inv.Outcome.Remaining = amount(t, inv.Outcome.Remaining.Currency(), "5.5")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	b.Becomes(t, 6*time.Second, `document.querySelector("[data-testid=injected-line]").innerText.trim() === "You send 5.5 USDT to 0x7E5F…5Bdf" && !!`+walletButton)
	browsertest.JS[bool](t, b, `__go(); true`)
	b.Becomes(t, 4*time.Second, walletSaid+` === "Something has changed meanwhile"`)
	if _, methods := asked(t, b); strings.Contains(methods, "eth_sendTransaction") {
		t.Errorf("the old amount was sent: %s", methods)
	}
	click(t, b)
	browsertest.JS[bool](t, b, `__go(); true`)
	b.Becomes(t, 4*time.Second, walletSaid+`.startsWith("Sent.")`)
	list, _ := asked(t, b)
	if data, _ := list[len(list)-1].Params[0]["data"].(string); !strings.HasSuffix(data, "53ec60") { // 5.5 million
		t.Errorf("sends %v", list[len(list)-1])
	}
	s.becomeState(t, inv, ViewDetected)
	b.Becomes(t, 6*time.Second, `document.querySelector("main").dataset.state === "detected" && !document.querySelector("#injected")`)
	b.Quiet(t)
}

// A wallet that does not announce itself is found in the window; with none there is no trace of all this.
func TestItem94OlderWallets(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	at, _, _ := s.serve(t)
	inv := s.invoiceFor(t, "eth", "1", "")
	b.Do(t, chromedp.Navigate(at+"/i/"+string(inv.ID)))
	time.Sleep(600 * time.Millisecond)
	if !browsertest.JS[bool](t, b, `document.querySelector("#injected").getClientRects().length === 0`) {
		t.Error("without a wallet there is something of one")
	}
	b.Before(t, `window.__asked = []; window.ethereum = {request: async (r) => { __asked.push(r); throw {code: 4001} }}`)
	openWith(t, b, at, inv)
	if got := browsertest.JS[string](t, b, walletButton+`.innerText`); got != "Pay with browser wallet" {
		t.Errorf("the button says %q", got)
	}
	click(t, b)
	b.Becomes(t, 4*time.Second, walletSaid+`.startsWith("You declined")`)
	b.Before(t, mockWallets)
	openWith(t, b, at, inv)
	time.Sleep(600 * time.Millisecond)
	if got := browsertest.JS[string](t, b, `[...document.querySelectorAll("[data-testid=injected-wallet]")].map(e => e.innerText).join()`); got != "Pay with Mock Wallet" {
		t.Errorf("the buttons say %q", got)
	}
	b.Quiet(t)
}

// mockTron is a Tron wallet (TIP-1193) with a library of its own.
const mockTron = `
	window.__asked = []
	window.__result = {result: true, txid: "` + testTx + `"}
	window.__chain = "0x2b6653dc"
	const note = (name, answer) => async (...args) => { __asked.push([name, ...args]); const a = await answer(...args); if (a && a.throws) throw a.throws; return a }
	window.tron = {isTronLink: true, request: note("request", ({method}) => method === "eth_chainId" ? __chain : window.__login || ["TVj7RNVHy6thbM7BWdSe9G6gXwKhjhdNZS"]), tronWeb: {
		defaultAddress: {base58: "TVj7RNVHy6thbM7BWdSe9G6gXwKhjhdNZS"},
		transactionBuilder: {triggerSmartContract: note("triggerSmartContract", () => ({transaction: {made: 1}})), sendTrx: note("sendTrx", () => ({made: 2}))},
		trx: {sign: note("sign", () => window.__sign || {signed: 1}), sendRawTransaction: note("sendRawTransaction", () => __result)}}}`

// TestItem94Tron: the wallet's own library makes a plain transfer of the token, or of TRX, and it is broadcast once.
func TestItem94Tron(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	at, visits, _ := s.serve(t)
	b.Before(t, mockTron)
	const from = "TVj7RNVHy6thbM7BWdSe9G6gXwKhjhdNZS"
	for id, want := range map[string]string{
		"usdt-tron": `["triggerSmartContract","TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t","transfer(address,uint256)",{"feeLimit":100000000},[{"type":"address","value":"` + tronAddress +
			`"},{"type":"uint256","value":"25500000"}],"` + from + `"]|["sign",{"made":1}]`,
		"trx": `["sendTrx","` + tronAddress + `",25500000,"` + from + `"]|["sign",{"made":2}]`,
	} {
		inv := s.invoiceFor(t, id, "25.5", "")
		openWith(t, b, at, inv)
		click(t, b)
		b.Becomes(t, 4*time.Second, walletSaid+`.startsWith("Sent.")`)
		want = `["request",{"method":"eth_requestAccounts"}]|["request",{"method":"eth_chainId"}]|` + want + `|["sendRawTransaction",{"signed":1}]`
		if got := browsertest.JS[string](t, b, `__asked.map(a => JSON.stringify(a)).join("|")`); got != want {
			t.Errorf("%s: asked %s\nwant %s", id, got, want)
		}
		waitFor(t, "the hint", func() bool { return len(visits(string(inv.ID)+"/hint")) == 1 })
	}
	inv := s.invoiceFor(t, "usdt-tron", "25.5", "")
	for script, says := range map[string]string{
		`__login = {throws: {code: 4001}}`:                                 "You declined in the wallet. Nothing was sent.",
		`__sign = {throws: "Confirmation declined by user"}`:               "You declined in the wallet. Nothing was sent.",
		`__result = {result: false, code: "CONTRACT_VALIDATE_ERROR"}`:      "The wallet did not finish. Check in the wallet whether something was sent before you try again.",
		`tron.tronWeb = null; __login = ["TVj7RNVHy6thbM7BWdSe9G6gXwKhj"]`: "The wallet did not finish. Check in the wallet whether something was sent before you try again.",
	} {
		openWith(t, b, at, inv)
		browsertest.JS[bool](t, b, script+`; `+walletButton+`.click(); true`)
		b.Becomes(t, 4*time.Second, walletSaid+` === "`+says+`"`)
		if got := browsertest.JS[int](t, b, `__asked.filter(a => a[0] === "sendRawTransaction").length`); got > 1 {
			t.Errorf("%s: broadcast %d times", script, got)
		}
	}
	b.Quiet(t)
}

// Only the real network is paid on: a wallet that cannot tell its network is known by its node, and one that is on another
// or says nothing is asked for nothing more.
func TestTronNetwork(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	at, _, _ := s.serve(t)
	b.Before(t, mockTron)
	inv := s.invoiceFor(t, "usdt-tron", "25.5", "")
	for script, pays := range map[string]bool{
		`__chain = 0x2b6653dc`: true,
		`__chain = "0xcd8690dc"; tron.tronWeb.fullNode = {host: "https://api.trongrid.io"}`: false, // Nile
		`__chain = "0x94a9059e"`:             false, // Shasta
		`__chain = "0x1"`:                    false,
		`__chain = {throws: {code: -32601}}`: false,
		`__chain = null`:                     false,
		`__chain = {throws: {code: -32601}}; tron.tronWeb.fullNode = {host: "https://api.trongrid.io"}`:          true,
		`__chain = null; tron.tronWeb.fullNode = {host: "https://api.tronstack.io/"}`:                            true,
		`__chain = {throws: {code: -32601}}; tron.tronWeb.fullNode = {host: "https://nile.trongrid.io"}`:         false,
		`__chain = {throws: {code: -32601}}; tron.tronWeb.fullNode = {host: "https://api.shasta.trongrid.io"}`:   false,
		`__chain = {throws: {code: -32601}}; tron.tronWeb.fullNode = {host: "https://api.trongrid.io.example/"}`: false,
	} {
		openWith(t, b, at, inv)
		says := "The wallet did not finish."
		if pays {
			says = "Sent."
		}
		browsertest.JS[bool](t, b, script+`; `+walletButton+`.click(); true`)
		b.Becomes(t, 4*time.Second, `/^(Sent|The wallet)/.test(`+walletSaid+`)`)
		if got := browsertest.JS[string](t, b, walletSaid); !strings.HasPrefix(got, says) {
			t.Errorf("%s: says %q", script, got)
		}
		if got := browsertest.JS[bool](t, b, `__asked.some(a => a[0] !== "request")`); got != pays {
			t.Errorf("%s: asked to pay: %v", script, got)
		}
	}
	b.Quiet(t)
}

// What was signed and is not asked for any more is not broadcast.
func TestTronMovesOnWhileSigning(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	at, _, _ := s.serve(t)
	b.Before(t, mockTron)
	inv := s.invoiceFor(t, "usdt-tron", "25.5", "")
	openWith(t, b, at, inv)
	browsertest.JS[bool](t, b, `__sign = new Promise(go => { window.__go = () => go({signed: 1}) }); `+walletButton+`.click(); true`)
	b.Becomes(t, 4*time.Second, `__asked.some(a => a[0] === "sign")`)
	s.mustChange(t, inv, func(inv *invoice.Invoice) {
		inv.Outcome.Remaining = amount(t, inv.Outcome.Remaining.Currency(), "5.5")
	})
	b.Becomes(t, 6*time.Second, `document.querySelector("[data-testid=injected-line]").innerText.includes(" 5.5 USDT")`)
	browsertest.JS[bool](t, b, `__go(); true`)
	b.Becomes(t, 4*time.Second, walletSaid+` === "Something has changed meanwhile"`)
	if browsertest.JS[bool](t, b, `__asked.some(a => a[0] === "sendRawTransaction")`) {
		t.Error("the old amount was broadcast")
	}
	b.Quiet(t)
}

// Who has paid is not lost to the keys, cannot pay the same again, and can pay the rest when a rest is asked for.
func TestRestIsPaidFromTheSameWallet(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	at, _, _ := s.serve(t)
	b.Before(t, mockWallets)
	inv := s.invoiceFor(t, "usdt-ethereum", "25.5", "")
	openWith(t, b, at, inv)
	browsertest.JS[bool](t, b, walletButton+`.focus(); true`)
	click(t, b)
	b.Becomes(t, 4*time.Second, walletSaid+`.startsWith("Sent.")`)
	if got := browsertest.JS[string](t, b, `document.activeElement.id`); got != "injected-said" {
		t.Errorf("after the payment the focus is on %q", got)
	}
	s.mustChange(t, inv, func(inv *invoice.Invoice) { inv.Title = "3 kg house blend" })
	b.Becomes(t, 6*time.Second, `document.querySelector("[data-testid=order]").innerText.includes("3 kg")`)
	if browsertest.JS[bool](t, b, `!!`+walletButton+` || !`+walletSaid+`.startsWith("Sent.") || document.activeElement.id !== "injected-said"`) {
		t.Error("a redraw offers the same payment again, or forgets that it was made")
	}
	s.mustChange(t, inv, func(inv *invoice.Invoice) {
		inv.Outcome.Remaining = amount(t, inv.Outcome.Remaining.Currency(), "5.5")
	})
	b.Becomes(t, 6*time.Second, `!!`+walletButton+` && `+walletSaid+` === ""`)
	click(t, b)
	b.Becomes(t, 4*time.Second, walletSaid+`.startsWith("Sent.")`)
	list, _ := asked(t, b)
	if data, _ := list[len(list)-1].Params[0]["data"].(string); !strings.HasSuffix(data, "53ec60") { // 5.5 million
		t.Errorf("sends %v", list[len(list)-1])
	}
	b.Quiet(t)
}

// Behind a button stays the provider that was there when it was shown, whoever announces the same id later.
func TestAnnouncedTwice(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	at, _, _ := s.serve(t)
	b.Before(t, mockWallets)
	openWith(t, b, at, s.invoiceFor(t, "usdt-ethereum", "25.5", ""))
	browsertest.JS[bool](t, b, `dispatchEvent(new CustomEvent("eip6963:announceProvider", {detail: {info: {...__infos[0], name: "Other"}, provider: {request: async () => { window.__taken = true; throw {code: 4001} }}}})); true`)
	click(t, b)
	b.Becomes(t, 4*time.Second, walletSaid+` !== "" && !`+walletSaid+`.startsWith("Please")`)
	if browsertest.JS[bool](t, b, `!!window.__taken || !`+walletSaid+`.startsWith("Sent.")`) {
		t.Errorf("another provider took the place: %q", browsertest.JS[string](t, b, walletSaid))
	}
	b.Quiet(t)
}

// TestItem93WalletsAreStrangers: what a wallet says of itself is text, and its picture is an image and nothing else.
func TestItem93WalletsAreStrangers(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	at, visits, _ := s.serve(t)
	b.Before(t, mockWallets+`
		__infos = [
			{uuid: "1", name: "<img src=x onerror=window.__pwned=1><script>window.__pwned=2<\/script>", icon: "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='parent.__pwned=3'><script>parent.__pwned=4<\/script></svg>"},
			{uuid: "2", name: "$&{wallet}", icon: "https://icons.example/a.png"}, {uuid: "3", name: {}, icon: "javascript:window.__pwned=5"},
			{uuid: "4", name: "x".repeat(500), icon: "data:text/html,<script>parent.__pwned=6<\/script>"}, {uuid: "4", name: "again"},
			{uuid: "5", name: ""}, {uuid: "6"}, {uuid: "7"}, {uuid: "8"}]
		addEventListener("eip6963:requestProvider", () => {
			for (const detail of [null, {}, {info: {}}, {info: {uuid: "9"}, provider: {}}]) dispatchEvent(new CustomEvent("eip6963:announceProvider", {detail}))
		})`)
	inv := s.invoiceFor(t, "usdt-ethereum", "25.5", "")
	openWith(t, b, at, inv)
	time.Sleep(600 * time.Millisecond)
	labels := browsertest.JS[[]string](t, b, `[...document.querySelectorAll("[data-testid=injected-wallet]")].map(e => e.textContent)`)
	if len(labels) != 6 || labels[0] != "Pay with <img src=x onerror=window.__pwned=1><scr" || labels[2] != "Pay with browser wallet" || labels[1] != "Pay with $&{wallet}" {
		t.Errorf("the buttons say %q", labels)
	}
	inside := browsertest.JS[[]string](t, b, `[...document.querySelectorAll("#injected-wallets *:not(button)")].map(e => e.localName + " " + e.src.slice(0, 14) + " " + e.alt + " " + e.attributes.length)`)
	if len(inside) != 1 || inside[0] != "img data:image/svg  4" {
		t.Errorf("in the buttons there is %q", inside)
	}
	if browsertest.JS[bool](t, b, `window.__pwned !== undefined`) {
		t.Errorf("a wallet runs what it likes: %d", browsertest.JS[int](t, b, `window.__pwned`))
	}
	for _, v := range visits("") {
		if strings.Contains(v.path, "icons") || v.path == "/i/x" {
			t.Errorf("asked for %s", v.path)
		}
	}
	b.Quiet(t)
}

// approvals are the first bytes of the calls that let somebody else take tokens.
var approvals = []string{"095ea7b3", "d505accf", "39509351", "8fcbaf0c", "a22cb465", "23b872dd", "30adf81f"}

// TestItem95NeverApproves: of every asset nothing is asked but who pays, the network, and one transfer.
func TestItem95NeverApproves(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	at, _, _ := s.serve(t)
	b.Before(t, mockWallets)
	allowed := regexp.MustCompile(`^(eth_requestAccounts|wallet_switchEthereumChain|eth_chainId|eth_sendTransaction)$`)
	transfer := regexp.MustCompile(`^0xa9059cbb0{24}7e5f4552091a69125d5dfcb7b8c2659029395bdf[0-9a-f]{64}$`)
	r := mustRegistry(t)
	for _, a := range r.Assets() {
		if n, _ := r.Network(a.Network); n.EVM.ChainID == 0 {
			continue
		}
		inv := s.invoiceFor(t, a.ID, "25.5", "")
		openWith(t, b, at, inv)
		click(t, b)
		b.Becomes(t, 4*time.Second, walletSaid+`.startsWith("Sent.")`)
		list, _ := asked(t, b)
		for _, r := range list {
			raw, _ := json.Marshal(r)
			for _, selector := range approvals {
				if strings.Contains(string(raw), "0x"+selector) {
					t.Errorf("%s: %s", a.ID, raw)
				}
			}
			if !allowed.MatchString(r.Method) {
				t.Errorf("%s: asked for %s", a.ID, r.Method)
			}
			if r.Method != "eth_sendTransaction" {
				continue
			}
			data, called := r.Params[0]["data"].(string)
			if called != (a.Contract != "") || (called && (!transfer.MatchString(data) || r.Params[0]["to"] != a.Contract)) {
				t.Errorf("%s: sends %s", a.ID, raw)
			}
		}
	}
	// A page whose transaction somebody changed on the way is not paid from.
	openWith(t, b, at, s.invoiceFor(t, "usdt-ethereum", "25.5", ""))
	browsertest.JS[bool](t, b, `const box = document.querySelector("#injected"); box.dataset.tx = box.dataset.tx.replace("a9059cbb", "095ea7b3"); `+walletButton+`.click(); true`)
	b.Becomes(t, 4*time.Second, walletSaid+`.startsWith("The wallet did not finish")`)
	if _, methods := asked(t, b); methods != "" {
		t.Errorf("an approval is asked for: %s", methods)
	}
	source, err := os.ReadFile("../static/files/wallet.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, never := range append(approvals, "approve(", "permit(", "eth_sign", "personal_sign", "signTypedData", "wallet_requestPermissions") {
		if strings.Contains(string(source), never) {
			t.Errorf("the script knows %s", never)
		}
	}
	b.Quiet(t)
}

// TestItem69FramesLeadOut: a page in a frame does not ask wallets, which do not show themselves there; it leads out.
func TestItem69FramesLeadOut(t *testing.T) {
	b, s := browsertest.Open(t), openShop(t)
	at := s.serveEmbed(t)
	b.Before(t, mockWallets+`; addEventListener("eip6963:requestProvider", () => { top.postMessage("looked for wallets", "*") })`)
	for _, id := range []string{"usdt-ethereum", "usdt-tron"} {
		inv := s.invoiceFor(t, id, "25.5", "")
		shop := parentPage(t, "localhost", at, `<iframe id="pay" title="Payment" src="{pay}/i/`+string(inv.ID)+`?embed=1&lang=en" width="480" height="1100"></iframe>`)
		s.lists(strings.TrimSuffix(shop, "/"))
		b.Do(t, chromedp.EmulateViewport(1280, 1200), chromedp.Navigate(shop))
		b.Becomes(t, 6*time.Second, `got.some(([o, m]) => m.type === "pay:ready")`)
		time.Sleep(1200 * time.Millisecond)
		if browsertest.JS[bool](t, b, `got.some(([o, m]) => m === "looked for wallets")`) {
			t.Errorf("%s: looks for wallets in a frame", id)
		}
		body := s.ask("GET", "/i/"+string(inv.ID)+"?embed=1&lang=en", "").Body.String()
		link := regexp.MustCompile(`<a [^>]*data-testid="outside"[^>]*>`).FindString(body)
		if !strings.Contains(link, `href="/i/`+string(inv.ID)+`?lang=en"`) || !strings.Contains(link, `target="_blank"`) || !strings.Contains(link, `rel="noopener"`) || !strings.Contains(body, "Open full page") {
			t.Errorf("%s: %s", id, link)
		}
		if strings.Contains(body, "/a/wallet.") || strings.Contains(body, `id="injected"`) {
			t.Errorf("%s: the frame has the script for wallets", id)
		}
		alone := s.ask("GET", "/i/"+string(inv.ID), "").Body.String()
		if !strings.Contains(alone, "/a/wallet.") || !strings.Contains(alone, `id="injected"`) || strings.Contains(alone, `data-testid="outside"`) {
			t.Errorf("%s: outside of a frame it leads elsewhere", id)
		}
	}
	if body := s.ask("GET", "/i/"+string(s.invoiceFor(t, "btc", "0.5", "").ID), "").Body.String(); strings.Contains(body, "/a/wallet.") {
		t.Error("a page of Bitcoin has the script for wallets")
	}
}
