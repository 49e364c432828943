package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"checkout/chain/chaintest"
)

// utxoCoins are the coins of Bitcoin's kind: 100 EUR are one coin of each.
var utxoCoins = map[string]struct{ network, need, uri string }{
	"LTC":  {"litecoin-regtest", "3", "litecoin:rltc1q"},
	"DOGE": {"dogecoin-regtest", "6", "dogecoin:"},
	"BCH":  {"bitcoincash-regtest", "6", "bchreg:q"},
}

const utxoDue = 100_000_000

// TestUTXOCoins walks the main job in each coin of Bitcoin's kind, on a real node each: exact, in two parts, replaced, lost to a
// longer branch, and while nobody watches.
func TestUTXOCoins(t *testing.T) {
	onBoth(t, func(t *testing.T, db string) {
		nodes, rpc := map[string]*chaintest.BitcoinNode{}, []string{}
		for coin, c := range utxoCoins {
			nodes[coin] = chaintest.StartBitcoin(t, chaintest.BitcoinOptions{Coin: coin})
			rpc = append(rpc, c.network+"="+nodes[coin].URL())
		}
		in := open(t, db, "", "CHECKOUT_RPC="+strings.Join(rpc, ";"), "CHECKOUT_CONFIRMATIONS=LTC=2;DOGE=2;BCH=2")
		prices, err := json.Marshal(map[string]string{"BTC/EUR": "50000", "LTC/EUR": "100", "DOGE/EUR": "100", "BCH/EUR": "100"})
		if err == nil {
			err = os.WriteFile(filepath.Join(in.dir, "rates.json"), prices, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range utxoCoins {
			in.cli(nil, "wallet", "add", "--merchant", string(in.m.ID), "--network", c.network, "--xpub", utxoAccount(c.network))
		}
		in.serve()
		for coin := range utxoCoins {
			in.ready(coin)
		}
		for coin, node := range nodes {
			t.Run(coin, func(t *testing.T) { in.on(t, func() { in.utxoCoin(t, coin, node) }) })
		}
		in.audit()
		in.stop()
		in.audit()
	})
}

// utxoAccount is accountKey, as a wallet of a coin without SegWit exports it.
func utxoAccount(network string) string {
	if network == "litecoin-regtest" {
		return accountKey
	}
	return "pkh(" + accountKey + "/0/*)"
}

func (in *installation) utxoCoin(t *testing.T, coin string, node *chaintest.BitcoinNode) {
	exact := in.create(coin+"-exact", map[string]any{"sender_currency": coin})
	view := in.view(exact, "waiting")
	if !strings.HasPrefix(view.PaymentURI, utxoCoins[coin].uri) || !strings.HasSuffix(view.PaymentURI, "?amount=1") || view.Due != "1" {
		t.Errorf("due %q, payment_uri %q", view.Due, view.PaymentURI)
	}
	node.Pay(*exact.Address, utxoDue)
	in.view(exact, "detected")
	node.Generate(2)
	in.view(exact, "paid")
	in.shop.hears(t, coin+"-exact", "processing 0.00000000", "confirmed 0.00000000")

	parts := in.create(coin+"-parts", map[string]any{"sender_currency": coin})
	node.Pay(*parts.Address, utxoDue/4)
	in.view(parts, "underpaid")
	node.Pay(*parts.Address, utxoDue/4*3)
	in.view(parts, "detected")
	node.Generate(2)
	in.view(parts, "paid")

	replaced := in.create(coin+"-replaced", map[string]any{"sender_currency": coin})
	first := node.PayReplaceable(*replaced.Address, utxoDue)
	in.view(replaced, "detected")
	node.Replace(first)
	in.view(replaced, "failed")
	node.Generate(1)
}
