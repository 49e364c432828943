package main

import (
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"checkout/chain/chaintest"
	"checkout/chain/evm/devnet"
)

// tronAccount is the account m/44'/195'/0' of the phrase "abandon … about": never fund it.
const tronAccount = "xpub6D1AabNHCupeiLM65ZR9UStMhJ1vCpyV4XbZdyhMZBiJXALQtmn9p42VTQckoHVn8WNqS7dqnJokZHAHcHGoaQgmv8D45oNUKx6DZMNZBCd"

// tronShop is an installation beside a node with Tron's face and two tokens.
type tronShop struct {
	*installation
	node       *chaintest.TronNode
	usdt, usdc string
}

func openTron(t *testing.T, db string) *tronShop {
	t.Helper()
	s := &tronShop{node: chaintest.StartTron(t, 0)}
	s.node.SetLag(1)
	s.usdt, s.usdc = s.node.MakeToken("USDT", 6), s.node.MakeToken("USDC", 6)
	s.installation = open(t, db, "", "CHECKOUT_RPC=tron-dev="+s.node.URL(),
		"CHECKOUT_TOKENS=USDT@tron-dev="+s.usdt+"/6;USDC@tron-dev="+s.usdc+"/6")
	err := os.WriteFile(filepath.Join(s.dir, "rates.json"), []byte(`{"BTC/EUR":"50000","LTCT/EUR":"100","TRX/EUR":"0.25","USDT/EUR":"1","USDC/EUR":"1"}`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	var added struct {
		First []string `json:"first_addresses"`
	}
	s.cli(&added, "wallet", "add", "--merchant", string(s.m.ID), "--network", "tron-dev", "--xpub", tronAccount)
	if added.First[0] != "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH" { // every wallet of the phrase shows it first
		t.Errorf("the first address is %s", added.First[0])
	}
	s.serve()
	s.ready("TRX")
	chaintest.Until(t, "the tokens are compared with their contracts", func() bool {
		_, body := s.call("currencies/list", s.m.Live.CoinsPaid, map[string]any{})
		return strings.Contains(string(body), "USDTT")
	})
	return s
}

func (s *tronShop) order(name, code string) created {
	s.t.Helper()
	return s.create(name, map[string]any{"sender_currency": code})
}

// TestTronInvoice walks the main job through Tron's API: TRX and a token.
func TestTronInvoice(t *testing.T) {
	onBoth(t, func(t *testing.T, db string) {
		s := openTron(t, db)
		for code, pay := range map[string]func(to string, percent int64){
			"TRX":   func(to string, percent int64) { s.node.Sun(to, percent*4_000_000) },
			"USDTT": func(to string, percent int64) { s.node.Tokens(s.usdt, to, percent*1_000_000) },
		} {
			t.Run(code, func(t *testing.T) { s.on(t, func() { s.pays(t, code, pay) }) })
		}
		t.Run("what is no payment", func(t *testing.T) { s.on(t, func() { s.tricks(t) }) })
		t.Run("wrong coin", func(t *testing.T) { s.on(t, func() { s.wrong(t) }) })
		t.Run("solid blocks", func(t *testing.T) { s.on(t, func() { s.solid(t) }) })
		t.Run("while down", func(t *testing.T) { s.on(t, func() { s.down(t) }) })
		for _, depth := range []int{1, 4} {
			t.Run(fmt.Sprintf("lost blocks %d", depth), func(t *testing.T) { s.on(t, func() { s.reorganised(t, depth) }) })
		}
		t.Run("late", func(t *testing.T) { s.on(t, func() { s.late(t) }) })
		s.audit()
		s.stop()
		s.audit()
	})
}

func (s *tronShop) pays(t *testing.T, code string, pay func(to string, percent int64)) {
	exact := s.order(code+"-exact", code)
	view := s.view(exact, "waiting")
	if !strings.HasPrefix(view.Address, "T") || (code == "TRX" && !strings.HasPrefix(view.PaymentURI, "tron:T")) || (code != "TRX" && view.PaymentURI != "") {
		t.Errorf("address %q, payment_uri %q", view.Address, view.PaymentURI)
	}
	pay(*exact.Address, 100)
	s.node.Blocks(4)
	s.view(exact, "paid")
	s.shop.hears(t, code+"-exact", "processing 0.00000000", "confirmed 0.00000000")

	parts := s.order(code+"-parts", code)
	pay(*parts.Address, 40)
	s.node.Blocks(1)
	s.view(parts, "underpaid")
	pay(*parts.Address, 60)
	s.node.Blocks(4)
	s.view(parts, "paid")

	over := s.order(code+"-over", code)
	pay(*over.Address, 130)
	s.node.Blocks(4)
	s.view(over, "overpaid")
}

func (s *tronShop) tricks(t *testing.T) {
	inv := s.order("tricks", "USDTT")
	fake := s.node.MakeToken("USDT", 6)
	trick, err := s.node.Trickster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	to, sum := s.node.Plain(*inv.Address), big.NewInt(100_000_000)
	s.node.Tokens(fake, *inv.Address, 100_000_000)
	s.node.Tokens(s.usdt, *inv.Address, 0)
	for _, tx := range []devnet.Tx{
		{To: trick, Data: devnet.Call("pretend(address,uint256)", to, sum)},
		{From: s.node.Account(4), To: s.node.Plain(s.usdt), Data: devnet.Call("transfer(address,uint256)", to, sum)},
	} {
		if _, err := s.node.Send(t.Context(), tx); err != nil {
			t.Fatal(err)
		}
	}
	s.node.Blocks(4)
	honest := s.order("honest", "USDTT")
	s.node.Tokens(s.usdt, *honest.Address, 100_000_000)
	s.node.Blocks(4)
	s.view(honest, "paid") // all before it was looked at
	if view := s.view(inv, "waiting"); len(view.Txs) != 0 {
		t.Errorf("it lists %+v", view.Txs)
	}
}

// wrong sends TRX, then another token, to an invoice in USDT.
func (s *tronShop) wrong(t *testing.T) {
	for name, pay := range map[string]func(to string){
		"wrong-trx":  func(to string) { s.node.Sun(to, 400_000_000) },
		"wrong-usdc": func(to string) { s.node.Tokens(s.usdc, to, 100_000_000) },
	} {
		inv := s.order(name, "USDTT")
		pay(*inv.Address)
		s.node.Blocks(4)
		s.view(inv, "wrong_asset")
		s.node.Tokens(s.usdt, *inv.Address, 100_000_000)
		s.node.Blocks(4)
		s.view(inv, "paid")
		s.shop.hears(t, name, "processing 0.00000000", "confirmed 0.00000000")
	}
}

// solid: what is not solid is not confirmed, however many blocks stand on it; solid blocks that become fewer stop everything.
func (s *tronShop) solid(t *testing.T) {
	height, err := s.node.Height(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.node.Hold(height - 1)
	inv, after := s.order("solid", "USDTT"), s.order("after", "USDTT")
	s.node.Tokens(s.usdt, *inv.Address, 100_000_000)
	s.node.Blocks(12)
	s.node.Tokens(s.usdt, *after.Address, 100_000_000)
	s.node.Blocks(1)
	s.sees(after, "it is seen", func(v status) bool { return len(v.Txs) == 1 })
	if v := s.status(inv); v.State == "paid" {
		t.Error("what is not solid is confirmed")
	}
	s.node.Hold(0)
	s.view(inv, "paid")
	s.node.Blocks(3)
	s.view(after, "paid")
	s.node.SetLag(30)
	chaintest.Until(t, "chain:TRX=regressed", func() bool { return strings.Contains(s.readyz(), "chain:TRX=regressed") })
	s.view(inv, "paid")
	s.node.SetLag(1)
	s.ready("TRX")
}

func (s *tronShop) down(t *testing.T) {
	inv := s.order("down", "USDTT")
	s.stop()
	s.node.Tokens(s.usdt, *inv.Address, 100_000_000)
	s.node.Blocks(60)
	s.serve()
	s.view(inv, "paid")
	s.shop.hears(t, "down", "processing 0.00000000", "confirmed 0.00000000")
}

// reorganised loses the block of a payment, before and after it was final; then it is paid again.
func (s *tronShop) reorganised(t *testing.T, depth int) {
	name := fmt.Sprintf("lost-%d", depth)
	inv := s.order(name, "USDTT")
	s.node.Tokens(s.usdt, *inv.Address, 100_000_000)
	s.node.Blocks(depth)
	before := map[bool]string{true: "paid", false: "waiting"}[depth > 3]
	s.sees(inv, "it is taken in", func(v status) bool { return v.State != "waiting" && (before != "paid" || v.State == "paid") })
	if err := s.node.Reorg(t.Context(), depth); err != nil {
		t.Fatal(err)
	}
	s.sees(inv, "it is taken back", func(v status) bool { return v.State == "waiting" || v.Confirmations.Have == 0 && v.State != "paid" })
	s.node.Tokens(s.usdt, *inv.Address, 100_000_000)
	s.node.Blocks(4)
	s.sees(inv, "it is paid", func(v status) bool { return v.State == "paid" || v.State == "overpaid" })
}

func (s *tronShop) late(t *testing.T) {
	inv := s.order("late", "USDTT")
	s.pass(16 * time.Minute)
	s.view(inv, "expired")
	s.node.Tokens(s.usdt, *inv.Address, 100_000_000)
	s.node.Blocks(4)
	s.view(inv, "late")
}
