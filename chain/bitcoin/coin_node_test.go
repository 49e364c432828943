package bitcoin_test

import (
	"encoding/hex"
	"slices"
	"testing"

	"checkout/chain"
	"checkout/chain/bitcoin/regtest"
	"checkout/chain/chaintest"
	"checkout/wallet"
)

// accounts are keys of accounts on private networks, of all kinds a coin has. Nobody has their private keys.
var accounts = map[string][]string{
	"LTC":  {accountKey, "sh(wpkh(" + accountKey + "/0/*))", "pkh(" + accountKey + "/0/*)", "tr(" + accountKey + "/0/*)"},
	"DOGE": {accountKey},
	"BCH":  {accountKey},
}

// accountKey is a public key with the version of Bitcoin's test networks, which the other coins' have too.
const accountKey = "tpubDDRojdS4jYQXNugn4t2WLrZ7mjfAyoVQu7MLk4eurqFCbrc7cHLZX8W5YRS8ZskGR9k9t3PqVv68bVBjAyW4nWM9pTGRddt3GQftg6MVQsm"

// coinDriver is a driver whose addresses are derived from account keys of a coin.
type coinDriver struct {
	driver
	keys []wallet.Key
}

func (d *coinDriver) Asset() chain.Asset { return d.node.Asset() }

func (d *coinDriver) Address(t *testing.T) string {
	t.Helper()
	d.next++
	address, err := d.keys[d.next%len(d.keys)].Address(uint32(d.next))
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func openCoin(t *testing.T, coin string) *coinDriver {
	t.Helper()
	network, _, ok := chain.UTXO(coin, "regtest")
	if !ok {
		t.Fatalf("no coin %s", coin)
	}
	node := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{Coin: coin})
	d := &coinDriver{driver: driver{node: node, txs: map[string]regtest.Tx{}}}
	for _, text := range accounts[coin] {
		k, err := wallet.ParseKey(text, network)
		if err != nil {
			t.Fatal(err)
		}
		d.keys = append(d.keys, k)
	}
	return d
}

// The coins behave as Bitcoin does: addresses derived from an account are paid, and seen again as they were derived.
func TestCoinBehaviour(t *testing.T) {
	for _, coin := range chain.UTXOCoins()[1:] {
		t.Run(coin, func(t *testing.T) {
			chaintest.Run(t, func(t *testing.T) (chaintest.Source, chaintest.Driver) {
				d := openCoin(t, coin)
				return d.node.Adapter(), d
			})
		})
	}
}

// Every kind of address of every coin, and of one more place in the program that pays it, is read back as the wallet reads it.
func TestCoinAddressesOnChain(t *testing.T) {
	for _, coin := range chain.UTXOCoins()[1:] {
		t.Run(coin, func(t *testing.T) {
			d := openCoin(t, coin)
			network := d.node.Adapter().Network()
			var outputs []regtest.Output
			for range 2 * len(d.keys) {
				address := d.Address(t)
				if parsed, err := wallet.ParseAddress(network, address); err != nil || parsed != address {
					t.Errorf("%s is parsed as %s, %v", address, parsed, err)
				}
				outputs = append(outputs, regtest.Output{Address: address, Sats: 50_000})
			}
			sent := d.node.PayMany(outputs...)
			d.node.Generate(1)
			block, err := d.node.Adapter().Block(t.Context(), d.node.Height())
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(block.Txs, func(tx chain.Tx) bool { return tx.ID == sent.ID })
			if i < 0 {
				t.Fatalf("%s is not in the block", sent.ID)
			}
			for n, want := range outputs {
				if got := block.Txs[i].Outputs[n]; got.Address != want.Address || got.Network != network.ID || got.Asset != d.Asset().ID {
					t.Errorf("output %d is %+v, want %s", n, got, want.Address)
				}
			}
			paid, err := d.node.Adapter().Pays(t.Context(), sent.ID, outputs[0].Address)
			if err != nil || len(paid) != 1 || paid[0].Address != outputs[0].Address {
				t.Errorf("Pays gives %+v, %v", paid, err)
			}
		})
	}
}

// On coins without segregated witness a script that looks like a witness program pays no address: anybody can spend it.
func TestNoWitnessAddresses(t *testing.T) {
	program, _ := hex.DecodeString("0014751e76e8199196d454941c45d1b3a323f1433bd6")
	for _, coin := range []string{"DOGE", "BCH"} {
		d := openCoin(t, coin)
		sent := d.node.PayMany(regtest.Output{Address: "a witness program", Script: program, Sats: 50_000})
		d.node.Generate(1)
		block, err := d.node.Adapter().Block(t.Context(), d.node.Height())
		if err != nil {
			t.Fatal(err)
		}
		for _, tx := range block.Txs {
			if tx.ID == sent.ID && len(tx.Outputs) != 0 {
				t.Errorf("%s: %+v", coin, tx.Outputs)
			}
		}
	}
}
