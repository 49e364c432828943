package chain

import (
	"testing"

	"checkout/ident"
	"checkout/money"
)

func TestServes(t *testing.T) {
	played, _ := Rehearsal()
	mainnet, _, _ := Bitcoin("mainnet")
	regtest, _, _ := Bitcoin("regtest")
	for _, row := range []struct {
		network    Network
		live, test bool
	}{{mainnet, true, false}, {played, false, true}, {regtest, true, true}} {
		if live, test := row.network.Serves(ident.Live), row.network.Serves(ident.Test); live != row.live || test != row.test {
			t.Errorf("%s serves live: %v, test: %v", row.network.ID, live, test)
		}
		if row.network.Serves("") || row.network.Serves("sandbox") {
			t.Errorf("%s serves an environment that is none", row.network.ID)
		}
	}
}

func TestBitcoinNetworks(t *testing.T) {
	seen := map[string]string{}
	for _, params := range []string{"mainnet", "testnet4", "signet", "regtest"} {
		n, a, ok := Bitcoin(params)
		if !ok || n.Params != params || a.Network != n.ID || len(n.Genesis) != 64 || n.Main != (params == "mainnet") || a.Confirmations < 1 {
			t.Errorf("%s: %+v %+v", params, n, a)
		}
		for _, name := range []string{n.ID, n.Genesis} {
			if other, twice := seen[name]; twice {
				t.Errorf("%s and %s are both %s", params, other, name)
			}
			seen[name] = params
		}
	}
	if n, _, ok := Bitcoin("bitcoin"); ok {
		t.Errorf("a network nobody knows is %+v", n)
	}
}

func TestRegistry(t *testing.T) {
	network, asset := Rehearsal()
	other, btc, _ := Bitcoin("regtest")
	r, err := NewRegistry([]Network{network, other}, []Asset{asset, btc})
	if err != nil {
		t.Fatal(err)
	}
	if n, ok := r.Network(other.ID); !ok || n != other {
		t.Errorf("%+v, %v", n, ok)
	}
	if a, ok := r.Asset("ltct"); !ok || a.Currency != asset.Currency {
		t.Errorf("%+v, %v", a, ok)
	}
	if _, ok := r.Network("unknown"); ok {
		t.Error("an unknown network is found")
	}
	if _, ok := r.Asset("LTCT"); ok {
		t.Error("an asset is found by its symbol")
	}
	for code, want := range map[string]bool{"LTCT": true, "BTC": true, "EUR": true, "btc": false, "": false, "DOGE": false} {
		if c, ok := r.Currency(code); ok != want || (ok && c.Code != code) {
			t.Errorf("currency %q: %+v, %v", code, c, ok)
		}
	}
	r.Networks()[0].ID, r.Assets()[0].ID = "changed", "changed"
	if r.Networks()[0].ID != network.ID || r.Assets()[0].ID != asset.ID {
		t.Error("the table can be changed from outside")
	}
}

func TestRegistryRefuses(t *testing.T) {
	network, asset := Rehearsal()
	changed := func(change func(*Asset)) Asset { a := asset; change(&a); return a }
	for name, row := range map[string]struct {
		networks []Network
		assets   []Asset
	}{
		"a network twice":          {[]Network{network, network}, nil},
		"a network without id":     {[]Network{{}}, nil},
		"an asset twice":           {[]Network{network}, []Asset{asset, asset}},
		"an asset without id":      {[]Network{network}, []Asset{changed(func(a *Asset) { a.ID = "" })}},
		"an asset of no network":   {nil, []Asset{asset}},
		"no confirmations":         {[]Network{network}, []Asset{changed(func(a *Asset) { a.Confirmations = 0 })}},
		"an asset that is no coin": {[]Network{network}, []Asset{changed(func(a *Asset) { a.Currency.Kind = money.Fiat })}},
	} {
		if _, err := NewRegistry(row.networks, row.assets); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestNoBlock(t *testing.T) {
	if !(BlockRef{}).IsZero() || (BlockRef{Hash: "x"}).IsZero() {
		t.Error("a block is named by its hash")
	}
}
