package main

import (
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"checkout/chain/chaintest"
	"checkout/chain/evm/devnet"
)

// evmAccount is the account m/44'/60'/0' of the phrase "abandon … about": never fund it.
const evmAccount = "xpub6DCoCpSuQZB2jawqnGMEPS63ePKWkwWPH4TU45Q7LPXWuNd8TMtVxRrgjtEshuqpK3mdhaWHPFsBngh5GFZaM6si3yZdUsT8ddYM3PwnATt"

// evmRates make 100 EUR 0.04 ETH, 100 USDT and 100 DAI.
const evmRates = `{"BTC/EUR":"50000","LTCT/EUR":"100","ETH/EUR":"2500","USDT/EUR":"1","DAI/EUR":"1"}`

// evmShop is an installation beside a real EVM node with two tokens.
type evmShop struct {
	*installation
	node      *chaintest.EVMNode
	usdt, dai string
}

// openEVM starts both; gates to the node stand before its own address.
func openEVM(t *testing.T, db string, gates ...*gate) *evmShop {
	t.Helper()
	s := &evmShop{node: chaintest.StartEVM(t, 0)}
	var urls []string
	for _, g := range gates {
		g.to(s.node.URL())
		urls = append(urls, g.URL)
	}
	s.usdt, s.dai = s.node.MakeToken("USDT", 6), s.node.MakeToken("DAI", 18)
	s.installation = open(t, db, "",
		"CHECKOUT_RPC=ethereum-dev="+strings.Join(append(urls, s.node.URL()), " "),
		"CHECKOUT_TOKENS=USDT@ethereum-dev="+s.usdt+"/6;DAI@ethereum-dev="+s.dai+"/18")
	if err := os.WriteFile(filepath.Join(s.dir, "rates.json"), []byte(evmRates), 0o600); err != nil {
		t.Fatal(err)
	}
	s.cli(nil, "wallet", "add", "--merchant", string(s.m.ID), "--network", "ethereum-dev", "--xpub", evmAccount)
	s.serve()
	s.ready("ETH")
	chaintest.Until(t, "the tokens are compared with their contracts", func() bool {
		body := s.listed()
		return strings.Contains(body, "USDTE") && strings.Contains(body, "DAI")
	})
	return s
}

// listed are the currencies the API offers.
func (s *evmShop) listed() string {
	_, body := s.call("currencies/list", s.m.Live.CoinsPaid, map[string]any{})
	return string(body)
}

// order makes an invoice of 100 EUR to be paid with a coin of the dialect.
func (s *evmShop) order(name, code string) created {
	s.t.Helper()
	return s.create(name, map[string]any{"sender_currency": code})
}

// wei of ETH, in millionths.
func millionths(n int64) *big.Int {
	return new(big.Int).Mul(big.NewInt(n), big.NewInt(1_000_000_000_000))
}

func (s *evmShop) coins(to string, wei *big.Int) {
	s.t.Helper()
	if _, err := s.node.Pay(s.t.Context(), to, wei); err != nil {
		s.t.Fatal(err)
	}
}

func (s *evmShop) send(tx devnet.Tx) {
	s.t.Helper()
	if _, err := s.node.Send(s.t.Context(), tx); err != nil {
		s.t.Fatal(err)
	}
}

const usdtUnit = 1_000_000

// TestEVMInvoice walks the main job on a real EVM node: coins and tokens of 6 and 18 decimals.
func TestEVMInvoice(t *testing.T) {
	onBoth(t, func(t *testing.T, db string) {
		s := openEVM(t, db)
		t.Run("exact", func(t *testing.T) { s.on(t, func() { s.exact(t) }) })
		t.Run("two parts", func(t *testing.T) { s.on(t, func() { s.parts(t) }) })
		t.Run("over", func(t *testing.T) { s.on(t, func() { s.over(t) }) })
		t.Run("what is no payment", func(t *testing.T) { s.on(t, func() { s.tricks(t) }) })
		t.Run("wrong token", func(t *testing.T) { s.on(t, func() { s.wrong(t) }) })
		t.Run("while down", func(t *testing.T) { s.on(t, func() { s.down(t) }) })
		t.Run("late", func(t *testing.T) { s.on(t, func() { s.late(t) }) })
		s.audit()
		s.stop()
		s.audit()
	})
}

func (s *evmShop) exact(t *testing.T) {
	for code, c := range map[string]struct {
		due, uri string
		pay      func(to string)
	}{
		"ETH":   {"0.04", "ethereum:%s@31337?value=40000000000000000", func(to string) { s.coins(to, millionths(40_000)) }},
		"USDTE": {"100", "ethereum:" + s.usdt + "@31337/transfer?address=%s&uint256=100000000", func(to string) { s.node.Tokens(s.usdt, to, 100*usdtUnit) }},
		"DAI": {"100", "ethereum:" + s.dai + "@31337/transfer?address=%s&uint256=100000000000000000000", func(to string) {
			if _, err := s.node.PayToken(t.Context(), s.dai, to, new(big.Int).Mul(big.NewInt(100), millionths(1_000_000))); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		inv := s.order("exact-"+code, code)
		if inv.SenderCurrency == nil || *inv.SenderCurrency != code {
			t.Errorf("%s is asked in %v", code, inv.SenderCurrency)
		}
		view := s.view(inv, "waiting")
		if want := fmt.Sprintf(c.uri, view.Address); view.Due != c.due || view.PaymentURI != want || !strings.HasPrefix(view.Address, "0x") {
			t.Errorf("%s: due %q, payment_uri %q, want %q", code, view.Due, view.PaymentURI, want)
		}
		c.pay(view.Address)
		s.node.Blocks(1)
		if view := s.view(inv, "confirming"); view.Confirmations.Have != 1 || view.Confirmations.Need != 3 {
			t.Errorf("%s: %d of %d confirmations", code, view.Confirmations.Have, view.Confirmations.Need)
		}
		s.node.Blocks(2)
		s.view(inv, "paid")
		s.shop.hears(t, "exact-"+code, "processing 0.00000000", "confirmed 0.00000000")
	}
}

func (s *evmShop) parts(t *testing.T) {
	inv := s.order("parts", "USDTE")
	s.node.Tokens(s.usdt, *inv.Address, 40*usdtUnit)
	s.node.Blocks(1)
	if view := s.view(inv, "underpaid"); view.Due != "60" || !strings.HasSuffix(view.PaymentURI, "uint256=60000000") {
		t.Errorf("due %q, payment_uri %q, want the remaining 60", view.Due, view.PaymentURI)
	}
	s.node.Tokens(s.usdt, *inv.Address, 60*usdtUnit)
	s.node.Blocks(3)
	s.view(inv, "paid")
	s.shop.hears(t, "parts", "pending 60.00000000", "processing 0.00000000", "confirmed 0.00000000")
}

func (s *evmShop) over(t *testing.T) {
	inv := s.order("over", "ETH")
	s.coins(*inv.Address, millionths(50_000))
	s.node.Blocks(3)
	s.view(inv, "overpaid")
	s.shop.hears(t, "over", "processing 0.00000000", "confirmed 0.00000000")
}

// tricks are transactions that look like payments: none of them is.
func (s *evmShop) tricks(t *testing.T) {
	inv := s.order("tricks", "USDTE")
	fake := s.node.MakeToken("USDT", 6)
	trick, err := s.node.Trickster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	to, sum := *inv.Address, big.NewInt(100*usdtUnit)
	s.node.Tokens(fake, to, 100*usdtUnit)
	s.node.Tokens(s.usdt, to, 0)
	for _, call := range []string{"pretend(address,uint256)", "mutter(address,uint256)", "slur(address,uint256)"} {
		s.send(devnet.Tx{To: trick, Data: devnet.Call(call, to, sum)})
	}
	s.send(devnet.Tx{To: trick, Data: devnet.Call("payAndRevert(address,address,uint256)", s.usdt, to, sum)})
	s.send(devnet.Tx{To: s.usdt, From: s.node.Account(4), Data: devnet.Call("transfer(address,uint256)", to, sum)})
	s.node.Blocks(5)
	honest := s.order("honest", "USDTE")
	s.node.Tokens(s.usdt, *honest.Address, 100*usdtUnit)
	s.node.Blocks(3)
	s.view(honest, "paid") // all before it was looked at
	if view := s.view(inv, "waiting"); len(view.Txs) != 0 {
		t.Errorf("it lists %+v", view.Txs)
	}
}

// wrong pays another known token, to the address of an invoice: it is kept, and shown.
func (s *evmShop) wrong(t *testing.T) {
	inv := s.order("wrong", "USDTE")
	s.send(devnet.Tx{To: s.dai, Data: devnet.Call("transfer(address,uint256)", *inv.Address, new(big.Int).Mul(big.NewInt(100), millionths(1_000_000)))})
	s.node.Blocks(3)
	s.view(inv, "wrong_asset")
	if got := s.shop.of("wrong"); len(got) != 0 {
		t.Errorf("the shop hears %q", got)
	}
	s.node.Tokens(s.usdt, *inv.Address, 100*usdtUnit)
	s.node.Blocks(3)
	s.view(inv, "paid")
	s.shop.hears(t, "wrong", "processing 0.00000000", "confirmed 0.00000000")
}

func (s *evmShop) down(t *testing.T) {
	inv := s.order("down", "USDTE")
	s.stop()
	s.node.Tokens(s.usdt, *inv.Address, 100*usdtUnit)
	s.node.Blocks(60)
	s.serve()
	s.view(inv, "paid")
	s.shop.hears(t, "down", "processing 0.00000000", "confirmed 0.00000000")
}

func (s *evmShop) late(t *testing.T) {
	inv := s.order("late", "USDTE")
	s.pass(16 * time.Minute)
	s.view(inv, "expired")
	s.node.Tokens(s.usdt, *inv.Address, 100*usdtUnit)
	s.node.Blocks(3)
	s.view(inv, "late")
}

// TestEVMReorganisation loses blocks before and after an invoice was settled; the payment comes again, or not.
func TestEVMReorganisation(t *testing.T) {
	onBoth(t, func(t *testing.T, db string) {
		s := openEVM(t, db)
		for _, depth := range []int{1, 2, 6} { // below three confirmations, it is not settled yet
			for _, again := range []bool{true, false} {
				name := fmt.Sprintf("depth-%d-%t", depth, again)
				t.Run(name, func(t *testing.T) { s.on(t, func() { s.reorganised(t, name, depth, again) }) })
			}
		}
		s.audit()
		s.stop()
		s.audit()
	})
}

func (s *evmShop) reorganised(t *testing.T, name string, depth int, again bool) {
	inv := s.order(name, "USDTE")
	tx := devnet.Tx{To: s.usdt, Tip: 1, Data: devnet.Call("transfer(address,uint256)", *inv.Address, big.NewInt(100*usdtUnit))}
	s.send(tx)
	s.node.Blocks(depth)
	before := map[bool]string{true: "paid", false: "confirming"}[depth >= 3]
	s.sees(inv, before, func(v status) bool { return v.State == before && (before == "paid" || v.Confirmations.Have == depth) })
	if again {
		if err := s.node.Replay(t.Context(), depth, tx, depth-1); err != nil { // in the last of the new blocks
			t.Fatal(err)
		}
		s.sees(inv, "one block on top", func(v status) bool { return v.Confirmations.Have == 2 || v.State == "paid" })
		s.node.Blocks(2)
		s.view(inv, "paid")
		return
	}
	if err := s.node.Reorg(t.Context(), depth); err != nil {
		t.Fatal(err)
	}
	s.sees(inv, "it is taken back", func(v status) bool { return v.State != before })
	s.node.Tokens(s.usdt, *inv.Address, 100*usdtUnit) // from the same sender: it takes the first one's place
	s.node.Blocks(3)
	s.view(inv, "paid")
}

// TestEVMProviders: one provider goes away in the middle and another takes over; with none left the coin is not offered, and what
// was paid meanwhile is found afterwards.
func TestEVMProviders(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a node")
	}
	t.Parallel()
	first := newGate(t)
	s := openEVM(t, "", first)
	inv := s.order("failover", "USDTE")
	s.node.Tokens(s.usdt, *inv.Address, 40*usdtUnit)
	s.node.Blocks(1)
	s.view(inv, "underpaid")
	if first.asked.Load() == 0 {
		t.Error("the first one was never asked")
	}
	first.to("")
	s.node.Tokens(s.usdt, *inv.Address, 60*usdtUnit)
	s.node.Blocks(3)
	s.view(inv, "paid")
	s.ready("ETH")
	s.audit()
}

// TestEVMWrongContract: a token that counts in other decimals than the settings say is not offered, and that is told.
func TestEVMWrongContract(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a node")
	}
	t.Parallel()
	s := openEVM(t, "")
	s.stop()
	s.set("CHECKOUT_TOKENS", "USDT@ethereum-dev="+s.usdt+"/6;DAI@ethereum-dev="+s.dai+"/6")
	s.serve()
	chaintest.Until(t, "the mismatch is told", func() bool { return strings.Contains(s.readyz(), "asset:dai-ethereum-dev=asset_mismatch") })
	chaintest.Until(t, "the other one is offered", func() bool { return strings.Contains(s.listed(), "USDTE") })
	if got := s.readyz(); !strings.HasPrefix(got, "degraded\n") || !strings.Contains(got, "chain:ETH=ok") {
		t.Errorf("readyz: %q", got)
	}
	if body := s.listed(); strings.Contains(body, "DAI") || !strings.Contains(body, "USDTE") {
		t.Errorf("the API offers %s", body)
	}
	if status, body := s.call("invoices/create", s.m.Live.CoinsPaid, order("dai", map[string]any{"sender_currency": "DAI"})); status == 200 {
		t.Errorf("an invoice in it is made: %s", body)
	}
	if page := s.get(s.create("any", map[string]any{"timer": false, "sender_currency": nil}).path()); strings.Contains(page, "dai-ethereum-dev") || !strings.Contains(page, "usdt-ethereum-dev") {
		t.Error("the page offers it")
	}
}

// TestEVMUnseenCoins: coins a contract sends on leave no trace in blocks. The balance tells of them: they are shown, and pay nothing.
func TestEVMUnseenCoins(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a node")
	}
	t.Parallel()
	s := openEVM(t, "")
	trick, err := s.node.Trickster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	inv := s.order("unseen", "ETH")
	for _, call := range []string{"payCoins(address)", "payByEnd(address)"} {
		s.send(devnet.Tx{To: trick, Value: millionths(20_000), Data: devnet.Call(call, *inv.Address)})
		s.node.Blocks(1)
	}
	s.node.Blocks(5)
	s.pass(2 * time.Minute)
	var shown struct {
		State    string
		Payments []struct{ Amount, Standing, Status string }
	}
	chaintest.Until(t, "the balance is told", func() bool {
		s.cli(&shown, "invoice", "show", s.id(inv))
		return len(shown.Payments) > 0
	})
	if p := shown.Payments[0]; shown.State != "awaiting" || p.Amount != "0.04" || p.Standing != "unmatched" || p.Status != "confirmed" {
		t.Errorf("the command shows %+v", shown)
	}
	s.pass(4 * time.Minute)
	s.coins(*inv.Address, millionths(40_000))
	s.node.Blocks(3)
	s.view(inv, "paid")
	s.cli(&shown, "invoice", "show", s.id(inv))
	if len(shown.Payments) != 2 {
		t.Errorf("it was told again: %+v", shown)
	}
	s.shop.hears(t, "unseen", "processing 0.00000000", "confirmed 0.00000000")
	s.audit()
}

// TestEVMExactAmounts: a merchant without an account key has one address for all payers, who are told apart by what they send.
func TestEVMExactAmounts(t *testing.T) {
	onBoth(t, func(t *testing.T, db string) {
		s := openEVM(t, db)
		at := s.node.Address()
		s.cli(nil, "wallet", "add", "--merchant", string(s.m.ID), "--network", "ethereum-dev", "--xpub", at)
		ask := func(name string) (created, int64) {
			t.Helper()
			c := s.order(name, "USDTE")
			v := s.view(c, "waiting")
			due, err := strconv.ParseFloat(v.Due, 64)
			if err != nil || *c.Address != at || v.Address != at || v.Tag != nil {
				t.Fatalf("%s: %+v, %v", name, v, err)
			}
			if page := s.get(c.path()); !strings.Contains(page, `data-testid="exact"`) || strings.Contains(page, "~") {
				t.Errorf("%s: the page does not ask for the exact amount", name)
			}
			return c, int64(due*usdtUnit + 0.5)
		}
		one, first := ask("one")
		two, second := ask("two")
		three, third := ask("three")
		if first != 100_000_000 || second != 100_000_100 || third != 100_000_200 {
			t.Errorf("they are to pay %d, %d and %d", first, second, third)
		}
		s.node.Tokens(s.usdt, at, second)
		s.node.Tokens(s.usdt, at, 99_000_000)
		s.node.Blocks(1)
		s.view(two, "confirming")
		if err := s.node.Reorg(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		s.sees(two, "it is taken back", func(v status) bool { return v.State != "confirming" })
		s.node.Tokens(s.usdt, at, second)
		s.node.Blocks(3)
		s.view(two, "paid")
		s.shop.hears(t, "two", "processing 0.00000000", "confirmed 0.00000000")
		s.view(one, "waiting")
		s.node.Tokens(s.usdt, at, 99_000_000) // of nobody
		s.node.Tokens(s.usdt, at, first)
		s.node.Blocks(3)
		s.view(one, "paid")
		var list []struct{ ID, Amount, Address string }
		s.cli(&list, "unmatched", "list", "--merchant", string(s.m.ID))
		if len(list) != 1 || list[0].Amount != "99" || list[0].Address != at {
			t.Fatalf("the inbox holds %+v", list)
		}
		s.cli(nil, "unmatched", "assign", list[0].ID, s.id(three))
		s.view(three, "underpaid")
		if status, body := s.call("addresses/take", s.m.Live.CoinsPaid, map[string]any{"currency": "USDTE", "foreign_id": "cust"}); status == http.StatusCreated {
			t.Errorf("a permanent address is given: %s", body)
		}
		again, amount := ask("again")
		if amount != third+100 {
			t.Errorf("so soon after the others the next asks for %d", amount)
		}
		s.node.Tokens(s.usdt, at, amount)
		s.node.Blocks(3)
		s.view(again, "paid")
		s.audit()
	})
}

// TestEVMSisters: the payer chose another network in the wallet. It is not counted, and shown where it came; a branch without it
// takes that back, and the right payment still pays.
func TestEVMSisters(t *testing.T) {
	onBoth(t, func(t *testing.T, db string) {
		s := openEVM(t, db)
		s.stop()
		other := chaintest.StartEVMChain(t, 0, 31338)
		usdt := other.MakeToken("USDT", 18)
		s.set("CHECKOUT_RPC", "ethereum-dev="+s.node.URL()+";bsc-dev="+other.URL())
		s.set("CHECKOUT_TOKENS", "USDT@ethereum-dev="+s.usdt+"/6;USDT@bsc-dev="+usdt+"/18")
		s.serve()
		s.ready("BNB")
		chaintest.Until(t, "the token is offered", func() bool { return strings.Contains(s.listed(), "USDTE") })

		inv := s.order("astray", "USDTE")
		sum := new(big.Int).Mul(big.NewInt(100), millionths(1_000_000))
		txid, err := other.PayToken(t.Context(), usdt, *inv.Address, sum)
		if err != nil {
			t.Fatal(err)
		}
		other.Blocks(1)
		s.view(inv, "wrong_asset")
		page := s.get(inv.path())
		if !strings.Contains(page, "BNB devnet") || !strings.Contains(page, "100 USDT") && !strings.Contains(page, "100\u00a0USDT") {
			t.Error("the page does not say what came where")
		}
		var shown struct {
			State  string
			Strays []struct{ Network, Amount, TxID string } `json:"on_wrong_network"`
		}
		s.cli(&shown, "invoice", "show", s.id(inv))
		if shown.State != "awaiting" || len(shown.Strays) != 1 || shown.Strays[0].TxID != txid || shown.Strays[0].Amount != "100" {
			t.Errorf("the command shows %+v", shown)
		}
		if got := s.shop.of("astray"); len(got) != 0 {
			t.Errorf("the shop hears %q", got)
		}
		if err := other.Reorg(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		s.view(inv, "waiting")
		s.node.Tokens(s.usdt, *inv.Address, 100*usdtUnit)
		s.node.Blocks(3)
		s.view(inv, "paid")
		s.audit()
	})
}

// id is an invoice's own id.
func (s *evmShop) id(c created) string { return strings.TrimPrefix(c.path(), "/i/") }

// TestEVMWrongNetwork: a node of another chain than the settings say is not believed.
func TestEVMWrongNetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a node")
	}
	t.Parallel()
	node := chaintest.StartEVM(t, 0)
	in := open(t, "", "", "CHECKOUT_RPC=polygon="+node.URL())
	in.serve()
	chaintest.Until(t, "chain:POL=wrong_network", func() bool { return strings.Contains(in.readyz(), "chain:POL=wrong_network") })
}

// gate is a provider that passes everything on to a node, or is out of order.
type gate struct {
	*httptest.Server
	asked atomic.Int64

	mu   sync.Mutex
	node string
}

func newGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		node := g.node
		g.mu.Unlock()
		target, err := url.Parse(node)
		if node == "" || err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		g.asked.Add(1)
		proxy := httputil.NewSingleHostReverseProxy(target)
		proxy.ErrorLog = log.New(io.Discard, "", 0)
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *gate) to(node string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.node = node
}
