package qr

import (
	"strings"
	"testing"

	"checkout/chain"
	"checkout/money"
)

// Addresses of the publicly known private key 1, or published ones: test vectors only, never fund them.
const (
	tronAddr = "TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC"
	xrpAddr  = "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"
	solAddr  = "mvines9iiHiQTysrwkJjGf2gb9Ex9jXJX8ns3qwf2kN"
	tonAddr  = "EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrHF"
)

// payment asks for a catalogue's asset; asks is empty for any amount.
func payment(t testing.TB, id, address, asks, tag string) Payment {
	t.Helper()
	r := chain.Catalogue()
	a, ok := r.Asset(id)
	if !ok {
		t.Fatalf("no asset %q", id)
	}
	n, _ := r.Network(a.Network)
	p := Payment{Network: n, Asset: a, Address: address, Tag: tag}
	if asks != "" {
		p.Due = amount(t, a, asks)
	}
	return p
}

const (
	evmTo  = "?address=" + evmAddr + "&uint256="
	uriOf  = "uri"
	addrOf = "address"
)

// TestItem1Vectors reproduces the golden strings of payment-uris.md, sections 5 to 8: the payment URI and the kinds of
// code in the order they are shown.
func TestItem1Vectors(t *testing.T) {
	for _, v := range []struct {
		asset, address, asks, tag string
		uri                       string // payment_uri
		kinds                     string // of the codes, the first one first
		code                      string // text of the code that is neither the URI nor the address, if there is one
	}{
		{"btc", p2wpkh, "0.00044007", "", "bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4?amount=0.00044007", "uri address", ""},
		{"btc", p2tr, "1.5", "", "bitcoin:bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0?amount=1.5", "uri address", ""},
		{"btc", p2sh, "20.30", "", "bitcoin:3JvL6Ymt8MVWiCNHC7oWU6nLeHNJKLZGLN?amount=20.3", "uri address", ""},
		{"btc", p2wpkh, "0.00000001", "", "bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4?amount=0.00000001", "uri address", ""},
		{"btc", p2wpkh, "50", "", "bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4?amount=50", "uri address", ""},
		{"btc", p2wpkh, "", "", "bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "uri address", ""},
		{"ltc", ltcAddr, "0.123456", "", "litecoin:ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9?amount=0.123456", "uri address", ""},
		{"ltc", ltcAddr, "1", "", "litecoin:ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9?amount=1", "uri address", ""},
		{"doge", dogAddr, "150.5", "", "dogecoin:DFpN6QqFfUm3gKNaxN6tNcab1FArL9cZLE?amount=150.5", "uri address", ""},
		{"doge", dogAddr, "1000", "", "dogecoin:DFpN6QqFfUm3gKNaxN6tNcab1FArL9cZLE?amount=1000", "uri address", ""},
		{"bch", bchAddr, "0.02", "", "bitcoincash:qp63uahgrxged4z5jswyt5dn5v3lzsem6cy4spdc2h?amount=0.02", "uri address", ""},
		{"bch", bchAddr, "1.00000001", "", "bitcoincash:qp63uahgrxged4z5jswyt5dn5v3lzsem6cy4spdc2h?amount=1.00000001", "uri address", ""},

		{"eth", evmAddr, "0.0123456789", "", "ethereum:0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf@1?value=12345678900000000", "uri address", ""},
		{"eth", evmAddr, "1", "", "ethereum:0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf@1?value=1000000000000000000", "uri address", ""},
		{"eth", evmAddr, "", "", "ethereum:0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf@1", "address", ""},
		{"bnb", evmAddr, "0.04153", "", "ethereum:0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf@56?value=41530000000000000", "uri address", ""},
		{"bnb", evmAddr, "1", "", "ethereum:0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf@56?value=1000000000000000000", "uri address", ""},
		{"pol", evmAddr, "52.1", "", "ethereum:0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf@137?value=52100000000000000000", "uri address", ""},
		{"pol", evmAddr, "999.5", "", "ethereum:0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf@137?value=999500000000000000000", "uri address", ""},
		{"pol", evmAddr, "1000", "", "ethereum:0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf@137", "address", ""},
		{"eth-base", evmAddr, "1", "", "ethereum:0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf@8453?value=1000000000000000000", "uri address", ""},
		{"eth-arbitrum", evmAddr, "1", "", "ethereum:0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf@42161?value=1000000000000000000", "uri address", ""},
		{"eth-optimism", evmAddr, "1", "", "ethereum:0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf@10?value=1000000000000000000", "uri address", ""},

		{"usdt-ethereum", evmAddr, "25.5", "", "ethereum:0xdAC17F958D2ee523a2206206994597C13D831ec7@1/transfer" + evmTo + "25500000", "address uri", ""},
		{"usdt-ethereum", evmAddr, "5.5", "", "ethereum:0xdAC17F958D2ee523a2206206994597C13D831ec7@1/transfer" + evmTo + "5500000", "address uri", ""},
		{"usdt-ethereum", evmAddr, "", "", "", "address", ""},
		{"usdc-ethereum", evmAddr, "100", "", "ethereum:0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48@1/transfer" + evmTo + "100000000", "address uri", ""},
		{"usdc-ethereum", evmAddr, "0.01", "", "ethereum:0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48@1/transfer" + evmTo + "10000", "address uri", ""},
		{"dai-ethereum", evmAddr, "25.5", "", "ethereum:0x6B175474E89094C44Da98b954EedeAC495271d0F@1/transfer" + evmTo + "25500000000000000000", "address uri", ""},
		{"dai-ethereum", evmAddr, "1000", "", "", "address", ""},
		{"usdt-bsc", evmAddr, "25.5", "", "ethereum:0x55d398326f99059fF775485246999027B3197955@56/transfer" + evmTo + "25500000000000000000", "address uri", ""},
		{"usdt-bsc", evmAddr, "999.99", "", "ethereum:0x55d398326f99059fF775485246999027B3197955@56/transfer" + evmTo + "999990000000000000000", "address uri", ""},
		{"usdt-bsc", evmAddr, "1000", "", "", "address", ""},
		{"usdc-bsc", evmAddr, "25.5", "", "ethereum:0x8AC76a51cc950d9822D68b83fE1Ad97B32Cd580d@56/transfer" + evmTo + "25500000000000000000", "address uri", ""},
		{"usdt-polygon", evmAddr, "25.5", "", "ethereum:0xc2132D05D31c914a87C6611C10748AEb04B58e8F@137/transfer" + evmTo + "25500000", "address uri", ""},
		{"usdt-polygon", evmAddr, "1000000", "", "ethereum:0xc2132D05D31c914a87C6611C10748AEb04B58e8F@137/transfer" + evmTo + "1000000000000", "address uri", ""},
		{"usdc-polygon", evmAddr, "25.5", "", "ethereum:0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359@137/transfer" + evmTo + "25500000", "address uri", ""},
		{"usdc-base", evmAddr, "9.99", "", "ethereum:0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913@8453/transfer" + evmTo + "9990000", "address uri", ""},
		{"usdc-arbitrum", evmAddr, "9.99", "", "ethereum:0xaf88d065e77c8cC2239327C5EDb3A432268e5831@42161/transfer" + evmTo + "9990000", "address uri", ""},
		{"usdt-arbitrum", evmAddr, "9.99", "", "ethereum:0xFd086bC7CD5C481DCC9C85ebE478A1C0b69FCbb9@42161/transfer" + evmTo + "9990000", "address uri", ""},

		{"trx", tronAddr, "82.35", "", "tron:TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC?amount=82.35", "address uri", ""},
		{"trx", tronAddr, "1000", "", "tron:TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC?amount=1000", "address uri", ""},
		{"usdt-tron", tronAddr, "25.5", "", "", "address", ""},
		{"usdc-tron", tronAddr, "25.5", "", "", "address", ""},
		{"usdt-tron", tronAddr, "", "", "", "address", ""},
		{
			"xrp", xrpAddr, "25.5", "1234567", "ripple:rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh?dt=1234567&amount=25.5", "uri address tag",
			"rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh?dt=1234567&amount=25.5",
		},
		{"xrp", xrpAddr, "", "7", "ripple:rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh?dt=7", "uri address tag", "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh?dt=7"},
		{"xrp", xrpAddr, "25.5", "", "ripple:rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh?amount=25.5", "address", ""},
		{"sol", solAddr, "0.15", "", "solana:mvines9iiHiQTysrwkJjGf2gb9Ex9jXJX8ns3qwf2kN?amount=0.15", "uri address", ""},
		{"sol", solAddr, "", "", "solana:mvines9iiHiQTysrwkJjGf2gb9Ex9jXJX8ns3qwf2kN", "address", ""},
		{
			"usdc-solana", solAddr, "25.5", "",
			"solana:mvines9iiHiQTysrwkJjGf2gb9Ex9jXJX8ns3qwf2kN?amount=25.5&spl-token=EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", "address uri", "",
		},
		{"ton", tonAddr, "1.5", "INV 7K3M9Q", "ton://transfer/EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrHF?amount=1500000000&text=INV%207K3M9Q", "uri address", ""},
		{"ton", tonAddr, "1.5", "", "ton://transfer/EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrHF?amount=1500000000", "address", ""},
		{
			"usdt-ton", tonAddr, "25.5", "INV 7K3M9Q",
			"ton://transfer/EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrHF?jetton=EQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_sDs&amount=25500000&text=INV%207K3M9Q", "uri address", "",
		},
	} {
		p := payment(t, v.asset, v.address, v.asks, v.tag)
		name := strings.TrimSpace(v.asset + " " + v.asks + " " + v.tag)
		if got := p.URI(); got != v.uri {
			t.Errorf("%s\n got %s\nwant %s", name, got, v.uri)
		}
		var kinds []string
		for _, text := range p.Texts() {
			kinds = append(kinds, string(text.Kind))
			want := map[Kind]string{KindAddress: v.address, KindTag: v.tag, KindURI: v.uri}[text.Kind]
			if text.Kind == KindURI && v.code != "" {
				want = v.code
			}
			if text.Content != want || p.Text(text.Kind) != text {
				t.Errorf("%s: the %s code says %s, want %s", name, text.Kind, text.Content, want)
			}
		}
		if got := strings.Join(kinds, " "); got != v.kinds {
			t.Errorf("%s: codes %q, want %q", name, got, v.kinds)
		}
	}
}

// TestItem1UpperCase: capitals are for the QR code of the URI alone.
func TestItem1UpperCase(t *testing.T) {
	p := payment(t, "btc", p2wpkh, "0.00044007", "")
	p.Upper = true
	if got, want := p.Text(KindURI).Content, "bitcoin:BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4?amount=0.00044007"; got != want {
		t.Errorf("the code says %s", got)
	}
	if p.URI() != "bitcoin:"+p2wpkh+"?amount=0.00044007" || p.Text(KindAddress).Content != p2wpkh {
		t.Errorf("%s, %s", p.URI(), p.Text(KindAddress).Content)
	}
	eth := payment(t, "eth", evmAddr, "1", "")
	eth.Upper = true
	if got := eth.Text(KindURI).Content; got != eth.URI() {
		t.Errorf("an address whose case is its checksum: %s", got)
	}
}

// A merchant's choice comes first where there is such a code; a kind there is not changes nothing.
func TestFirstCode(t *testing.T) {
	for _, v := range []struct {
		asset, address, tag string
		first               Kind
		want                string
	}{
		{"btc", p2wpkh, "", KindAddress, "address uri"}, {"usdt-ethereum", evmAddr, "", KindURI, "uri address"}, {"usdt-tron", tronAddr, "", KindURI, "address"},
		{"xrp", xrpAddr, "7", KindAddress, "uri address tag"}, {"xrp", xrpAddr, "7", KindTag, "tag uri address"}, {"xrp", xrpAddr, "", KindTag, "address"}, {"btc", p2wpkh, "", "nonsense", "uri address"},
	} {
		p := payment(t, v.asset, v.address, "1", v.tag)
		p.First = v.first
		var kinds []string
		for _, text := range p.Texts() {
			kinds = append(kinds, string(text.Kind))
		}
		if got := strings.Join(kinds, " "); got != v.want {
			t.Errorf("%s with %q first: %q", v.asset, v.first, got)
		}
		if got := p.Text("nonsense"); got != p.Texts()[0] {
			t.Errorf("%s: a kind there is not gives %v", v.asset, got)
		}
	}
}

// TestItem4Boundary: 10^21 - 1 is written, 10^21 is not.
func TestItem4Boundary(t *testing.T) {
	for id, want := range map[string]string{
		"usdt-bsc": "", "dai-ethereum": "", "usdc-bsc": "", "pol": "ethereum:" + evmAddr + "@137", "eth": "ethereum:" + evmAddr + "@1",
	} {
		p := payment(t, id, evmAddr, "999.999999999999999999", "")
		if got := p.URI(); !strings.HasSuffix(got, "=999999999999999999999") || p.ByHand() || len(p.Texts()) != 2 {
			t.Errorf("%s, 10^21 - 1: %s %v", id, got, p.Texts())
		}
		p = payment(t, id, evmAddr, "1000", "")
		if got := p.URI(); got != want || !p.ByHand() || len(p.Texts()) != 1 || p.Texts()[0].Content != evmAddr {
			t.Errorf("%s, 10^21: %q %v", id, got, p.Texts())
		}
		if _, ok := p.Call(); !ok {
			t.Errorf("%s: a wallet in the browser cannot pay 10^21", id)
		}
	}
	if p := payment(t, "eth", evmAddr, "", ""); p.ByHand() {
		t.Error("no amount is to be entered by hand where any will do")
	}
}

// TestItem6CashAddress: the prefix is part of the address and stands once, with or without it.
func TestItem6CashAddress(t *testing.T) {
	for _, address := range []string{bchAddr, strings.TrimPrefix(bchAddr, "bitcoincash:")} {
		for _, asks := range []string{"", "0.02"} {
			if got := payment(t, "bch", address, asks, "").URI(); strings.Count(got, "bitcoincash:") != 1 {
				t.Errorf("%s of %s: %s", asks, address, got)
			}
		}
	}
}

// TestItem24AnyAmount: nothing asks for an amount where any will do, whatever the reason.
func TestItem24AnyAmount(t *testing.T) {
	for _, a := range chain.Catalogue().Assets() {
		for name, due := range map[string]money.Amount{"none": {}, "zero": money.Zero(a.Currency), "another": money.Units(money.Currency{Code: "XXX"}, 5)} {
			p := payment(t, a.ID, addressOf(a.Network), "", "")
			p.Due = due
			all := []string{p.URI(), p.Link("Shop", "Order")}
			for _, text := range p.Texts() {
				all = append(all, text.Content)
			}
			for _, w := range p.Wallets("https://pay.example.com/i/7K3M9Q2X5T8V4B6N") {
				all = append(all, w.Href)
			}
			for _, text := range all {
				for _, key := range []string{"amount=", "value=", "uint256="} {
					if strings.Contains(text, key) {
						t.Errorf("%s, %s: %s", a.ID, name, text)
					}
				}
			}
			if _, ok := p.Call(); ok {
				t.Errorf("%s, %s: a wallet is asked to send it", a.ID, name)
			}
			if _, ok := p.TronCall(); ok {
				t.Errorf("%s, %s: a Tron wallet is asked to send it", a.ID, name)
			}
		}
	}
}

// addressOf is the test address of a network.
func addressOf(network string) string {
	switch network {
	case "bitcoin":
		return p2wpkh
	case "litecoin":
		return ltcAddr
	case "dogecoin":
		return dogAddr
	case "bitcoincash":
		return bchAddr
	case "tron":
		return tronAddr
	case "xrp":
		return xrpAddr
	case "solana":
		return solAddr
	case "ton":
		return tonAddr
	}
	return evmAddr
}
