package qr

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"checkout/web/browsertest"
)

// read is what a library makes of a URI.
type read struct {
	Address    string            `json:"address"`
	Target     string            `json:"target_address"`
	ChainID    string            `json:"chain_id"`
	Function   string            `json:"function_name"`
	Parameters map[string]string `json:"parameters"`
	Options    map[string]any    `json:"options"`
}

// TestItem25Parsers: the libraries most wallets use, eth-url-parser and bip21, read our URIs as they are meant.
func TestItem25Parsers(t *testing.T) {
	b := browsertest.Open(t)
	source, err := os.ReadFile("testdata/uris.min.js")
	if err != nil {
		t.Fatal(err)
	}
	browsertest.JS[bool](t, b, string(source)+";true")
	call := func(expression string, arguments ...string) read {
		t.Helper()
		for i, a := range arguments {
			raw, _ := json.Marshal(a)
			arguments[i] = string(raw)
		}
		text := browsertest.JS[string](t, b, `JSON.stringify(`+expression+`(`+strings.Join(arguments, ",")+`))`)
		var r read
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return r
	}

	for _, v := range []struct{ asset, asks, chain, key, value string }{
		{"eth", "0.0123456789", "1", "value", "12345678900000000"}, {"eth", "", "1", "", ""}, {"bnb", "0.04153", "56", "value", "41530000000000000"},
		{"pol", "999.999999999999999999", "137", "value", "999999999999999999999"}, {"pol", "1000", "137", "", ""}, {"eth-base", "1", "8453", "value", "1000000000000000000"},
		{"usdt-ethereum", "25.5", "1", "uint256", "25500000"}, {"dai-ethereum", "999.999999999999999999", "1", "uint256", "999999999999999999999"},
		{"usdt-bsc", "999.99", "56", "uint256", "999990000000000000000"}, {"usdc-arbitrum", "9.99", "42161", "uint256", "9990000"},
	} {
		p := payment(t, v.asset, evmAddr, v.asks, "")
		got := call("parseEthereum", p.URI())
		target, function := evmAddr, ""
		if p.Asset.Contract != "" {
			target, function = p.Asset.Contract, "transfer"
			if got.Parameters["address"] != evmAddr {
				t.Errorf("%s goes to %q", p.URI(), got.Parameters["address"])
			}
		}
		if got.Target != target || got.ChainID != v.chain || got.Function != function || got.Parameters[v.key] != v.value {
			t.Errorf("%s is read as %+v", p.URI(), got)
		}
	}

	for _, v := range []struct{ asset, asks, scheme, address string }{
		{"btc", "0.00044007", "bitcoin", p2wpkh}, {"btc", "", "bitcoin", p2wpkh}, {"ltc", "0.123456", "litecoin", ltcAddr}, {"doge", "150.5", "dogecoin", dogAddr},
		{"bch", "0.02", "bitcoincash", strings.TrimPrefix(bchAddr, "bitcoincash:")}, {"trx", "82.35", "tron", tronAddr}, {"sol", "0.15", "solana", solAddr}, {"xrp", "25.5", "ripple", xrpAddr},
	} {
		p := payment(t, v.asset, addressOf(payment(t, v.asset, "", "", "").Network.ID), v.asks, "")
		got := call("decodeBitcoin", p.Link("Café & Söhne", "Order #1001 50% off"), v.scheme)
		amount, _ := json.Marshal(got.Options["amount"])
		if v.asks == "" {
			amount = nil
		}
		if got.Address != v.address || string(amount) != v.asks {
			t.Errorf("%s is read as %+v", p.URI(), got)
		}
		if p.bitcoinLike() && (got.Options["label"] != "Café & Söhne" || got.Options["message"] != "Order #1001 50% off") {
			t.Errorf("%s: label and message %v", v.asset, got.Options)
		}
	}
	b.Quiet(t)
}
