package qr

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

const page = "https://pay.example.com/i/7K3M9Q2X5T8V4B6N"

// The golden links of payment-uris.md, section 9.
const (
	trustBTC    = "https://link.trustwallet.com/send?asset=c0&address=bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4&amount=0.00044007"
	trustBEP20  = "https://link.trustwallet.com/send?asset=c20000714_t0x55d398326f99059fF775485246999027B3197955&address=0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf&amount=25.5"
	trustERC20  = "https://link.trustwallet.com/send?asset=c60_t0xdAC17F958D2ee523a2206206994597C13D831ec7&address=0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf&amount=25.5"
	trustTRC20  = "https://link.trustwallet.com/send?asset=c195_tTR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t&address=TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC&amount=25.5"
	trustOpen   = "https://link.trustwallet.com/open_url?coin_id=60&url=https%3A%2F%2Fpay.example.com%2Fi%2F7K3M9Q2X5T8V4B6N"
	metaMaskDap = "https://link.metamask.io/dapp/pay.example.com/i/7K3M9Q2X5T8V4B6N"
	metaMaskERC = "https://link.metamask.io/send/0xdAC17F958D2ee523a2206206994597C13D831ec7@1/transfer?address=0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf&uint256=25500000"
	coinbase    = "https://go.cb-w.com/dapp?cb_url=https%3A%2F%2Fpay.example.com%2Fi%2F7K3M9Q2X5T8V4B6N"
	okx         = "okx://wallet/dapp/url?dappUrl=https%3A%2F%2Fpay.example.com%2Fi%2F7K3M9Q2X5T8V4B6N"
	tronLinkURL = "tronlinkoutside://pull.activity?param=%7B%22url%22%3A%22https%3A%2F%2Fpay.example.com%2Fi%2F7K3M9Q2X5T8V4B6N%22%2C%22action%22%3A%22open%22%2C%22protocol%22%3A%22TronLink%22%2C%22version%22%3A%221.0%22%7D"
)

// TestItem1WalletLinks: the links of every kind of asset, with the page's address and without.
func TestItem1WalletLinks(t *testing.T) {
	for _, v := range []struct {
		asset, asks, page string
		want              []string
	}{
		{"usdt-ethereum", "25.5", page, []string{metaMaskDap, trustERC20, coinbase, okx}},
		{"usdt-ethereum", "25.5", "", []string{metaMaskERC, trustERC20}},
		{"usdt-ethereum", "25.5", "http://127.0.0.1:8090/i/7K3M", []string{metaMaskERC, trustERC20}},
		{"usdt-bsc", "25.5", page, []string{metaMaskDap, trustBEP20, coinbase, okx}},
		{"usdt-bsc", "1000", "", []string{strings.Replace(trustBEP20, "25.5", "1000", 1)}},
		{"usdc-base", "9.99", page, []string{metaMaskDap, trustOpen, coinbase, okx}},
		{"eth", "0.5", page, []string{metaMaskDap, "https://link.trustwallet.com/send?asset=c60&address=" + evmAddr + "&amount=0.5", coinbase, okx}},
		{"eth-base", "0.5", "", nil},
		{"usdt-tron", "25.5", page, []string{trustTRC20, tronLinkURL}},
		{"usdt-tron", "25.5", "", []string{trustTRC20}},
		{"sol", "0.15", page, []string{"https://link.trustwallet.com/send?asset=c501&address=" + solAddr + "&amount=0.15"}},
		{"usdc-solana", "25.5", page, nil}, // Trust Wallet would show a thousand times the amount
		{"btc", "0.00044007", page, nil},   // one button with the URI
		{"xrp", "25.5", page, nil},
	} {
		p := payment(t, v.asset, "", v.asks, "")
		p.Address = addressOf(p.Network.ID)
		var got []string
		for _, w := range p.Wallets(v.page) {
			if w.ID == "" || w.Name == "" {
				t.Errorf("%s: a wallet without a name: %+v", v.asset, w)
			}
			got = append(got, w.Href)
		}
		if strings.Join(got, "\n") != strings.Join(v.want, "\n") || len(got) > 4 {
			t.Errorf("%s of %s:\n got %s\nwant %s", v.asks, v.asset, strings.Join(got, "\n     "), strings.Join(v.want, "\n     "))
		}
	}
	if got := payment(t, "btc", p2wpkh, "0.00044007", "").TrustLink(); got != trustBTC {
		t.Errorf("got %s", got)
	}
	if got := payment(t, "xrp", xrpAddr, "1", "7").TrustLink(); got != "" {
		t.Errorf("an id that is not documented: %s", got)
	}
	var opened map[string]string
	param, err := url.QueryUnescape(strings.TrimPrefix(tronLink(page), "tronlinkoutside://pull.activity?param="))
	if err != nil || json.Unmarshal([]byte(param), &opened) != nil || opened["url"] != page {
		t.Errorf("TronLink is told %s, %v", param, err)
	}
}

// TestItem1Calldata: the golden call of payment-uris.md, section 10, and those of other assets.
func TestItem1Calldata(t *testing.T) {
	for _, v := range []struct {
		asset, asks string
		want        Call
	}{
		{"usdt-ethereum", "25.5", Call{
			"0x1", "0xdAC17F958D2ee523a2206206994597C13D831ec7", "0x0",
			"0xa9059cbb0000000000000000000000007e5f4552091a69125d5dfcb7b8c2659029395bdf0000000000000000000000000000000000000000000000000000000001851960",
		}},
		{"usdt-bsc", "1000", Call{
			"0x38", "0x55d398326f99059fF775485246999027B3197955", "0x0",
			"0xa9059cbb0000000000000000000000007e5f4552091a69125d5dfcb7b8c2659029395bdf00000000000000000000000000000000000000000000003635c9adc5dea00000",
		}},
		{"eth", "1", Call{"0x1", evmAddr, "0xde0b6b3a7640000", ""}},
		{"pol", "1000", Call{"0x89", evmAddr, "0x3635c9adc5dea00000", ""}},
		{"eth-base", "0.000000000000000001", Call{"0x2105", evmAddr, "0x1", ""}},
	} {
		if got, ok := payment(t, v.asset, evmAddr, v.asks, "").Call(); !ok || got != v.want {
			t.Errorf("%s of %s: %+v, %v", v.asks, v.asset, got, ok)
		}
	}
	for _, p := range []Payment{payment(t, "btc", p2wpkh, "1", ""), payment(t, "usdt-tron", tronAddr, "1", ""), payment(t, "eth", "0x7E5F", "1", ""), payment(t, "eth", "", "1", "")} {
		if got, ok := p.Call(); ok {
			t.Errorf("%s to %q: %+v", p.Asset.ID, p.Address, got)
		}
	}
	want := TronCall{To: tronAddr, Contract: "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", Amount: "25500000", FeeLimit: 100_000_000}
	if got, ok := payment(t, "usdt-tron", tronAddr, "25.5", "").TronCall(); !ok || got != want {
		t.Errorf("%+v, %v", got, ok)
	}
	if got, ok := payment(t, "trx", tronAddr, "82.35", "").TronCall(); !ok || got.Contract != "" || got.Amount != "82350000" {
		t.Errorf("%+v, %v", got, ok)
	}
	if _, ok := payment(t, "eth", evmAddr, "1", "").TronCall(); ok {
		t.Error("a Tron wallet is asked for ETH")
	}
}
