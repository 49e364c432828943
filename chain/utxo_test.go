package chain

import (
	"slices"
	"strings"
	"testing"
)

func TestUTXO(t *testing.T) {
	for _, v := range []struct {
		coin, params, id, asset, scheme string
		confirmations                   int64
		dust, most                      string
	}{
		{"BTC", "mainnet", "bitcoin", "btc", "bitcoin", 1, "0.00001", "21000000"},
		{"BTC", "signet", "bitcoin-signet", "btc", "bitcoin", 1, "0.00001", "21000000"},
		{"LTC", "mainnet", "litecoin", "ltc", "litecoin", 3, "0.0001", "84000000"},
		{"LTC", "regtest", "litecoin-regtest", "ltc", "litecoin", 3, "0.0001", "84000000"},
		{"DOGE", "mainnet", "dogecoin", "doge", "dogecoin", 6, "0.01", "10000000000"},
		{"DOGE", "regtest", "dogecoin-regtest", "doge", "dogecoin", 6, "0.01", "10000000000"},
		{"BCH", "mainnet", "bitcoincash", "bch", "bitcoincash", 6, "0.00001", "21000000"},
		{"BCH", "regtest", "bitcoincash-regtest", "bch", "bchreg", 6, "0.00001", "21000000"},
	} {
		n, a, ok := UTXO(v.coin, v.params)
		if !ok || n.ID != v.id || n.Coin != v.coin || n.Params != v.params || n.Family != FamilyBitcoin || len(n.Genesis) != 64 {
			t.Errorf("%s %s: %+v", v.coin, v.params, n)
		}
		if n.Main != (v.params == "mainnet") || n.Played || n.BlockTime <= 0 || !slices.Contains(UTXOCoins(), v.coin) {
			t.Errorf("%s %s: %+v", v.coin, v.params, n)
		}
		if a.ID != v.asset || a.Network != n.ID || a.Currency.Code != v.coin || a.Currency.Scale != 8 || a.Scheme != v.scheme ||
			a.Confirmations != v.confirmations || a.Dust.Plain() != v.dust || a.Cap.Plain() != v.most {
			t.Errorf("%s %s: %+v", v.coin, v.params, a)
		}
		if _, ok := n.AddressForm(); !ok {
			t.Errorf("%s %s: its addresses are not known", v.coin, v.params)
		}
	}
	for _, v := range [][2]string{{"LTC", "testnet4"}, {"DOGE", ""}, {"ltc", "mainnet"}, {"", ""}, {"ETH", "mainnet"}, {"BTC", "main"}} {
		if n, _, ok := UTXO(v[0], v[1]); ok {
			t.Errorf("%v is %+v", v, n)
		}
	}
}

// Main networks that begin alike are told apart by a later block, and no two are the same.
func TestMainNetworksDiffer(t *testing.T) {
	seen := map[[2]string]string{}
	begins := map[string][]Network{}
	for _, coin := range UTXOCoins() {
		n, _, _ := UTXO(coin, "mainnet")
		key := [2]string{n.Genesis, n.Checkpoint.Hash}
		if other, twice := seen[key]; twice {
			t.Errorf("%s and %s are one network", n.ID, other)
		}
		seen[key] = n.ID
		begins[n.Genesis] = append(begins[n.Genesis], n)
		catalogued, ok := Catalogue().Network(n.ID)
		if !ok || catalogued != n {
			t.Errorf("%s stands in the catalogue as %+v", n.ID, catalogued)
		}
	}
	for _, alike := range begins {
		for _, n := range alike {
			if c := n.Checkpoint; len(alike) > 1 && (c.Height < 478_559 || len(c.Hash) != 64 || !strings.HasPrefix(c.Hash, "0000000000000000")) {
				t.Errorf("%s has the checkpoint %+v", n.ID, c)
			}
		}
	}
}

func TestAddressForms(t *testing.T) {
	for _, n := range []Network{{}, {Coin: "BTC"}, {Coin: "ETH", Params: "mainnet"}, {Coin: "LTC", Params: "signet"}} {
		if f, ok := n.AddressForm(); ok {
			t.Errorf("%+v: %+v", n, f)
		}
	}
	played, _ := Rehearsal()
	if f, ok := played.AddressForm(); !ok || f.Segwit != "tltc" {
		t.Errorf("the played network: %+v", f)
	}
	for _, f := range AddressForms() {
		if f.Segwit != "" && f.Cash != "" || f.PubKeyHash == f.ScriptHash {
			t.Errorf("%+v", f)
		}
	}
}
