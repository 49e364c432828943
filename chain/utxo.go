package chain

import "time"

// AddressForm is how a network of Bitcoin's family writes its addresses. Two networks may share a form, or some of it: an
// address of Bitcoin's testnet4 is one of its signet, and one that begins with "3" may be Bitcoin's or Litecoin's.
type AddressForm struct {
	PubKeyHash    byte   // Base58Check version of P2PKH
	ScriptHash    byte   // Base58Check version of P2SH
	OldScriptHash byte   // of P2SH as it used to be written: it is read, and never written; as ScriptHash if there is none
	Segwit        string // human-readable part of bech32 (BIP173); empty: the coin has no segregated witness
	Private       string // human-readable part of addresses whose payments nobody but their owners can see; empty: there are none
	Cash          string // prefix of cashaddr; empty: P2PKH and P2SH are written in Base58Check
}

// addressForms are those of all networks, by the coin and Network.Params: the numbers of each coin's chainparams.cpp. The
// played network has the look of Litecoin's testnet.
var addressForms = [...]struct {
	coin, params string
	form         AddressForm
}{
	{"BTC", "mainnet", AddressForm{0x00, 0x05, 0x05, "bc", "", ""}},
	{"BTC", "testnet4", AddressForm{0x6f, 0xc4, 0xc4, "tb", "", ""}},
	{"BTC", "signet", AddressForm{0x6f, 0xc4, 0xc4, "tb", "", ""}},
	{"BTC", "regtest", AddressForm{0x6f, 0xc4, 0xc4, "bcrt", "", ""}},
	{"LTC", "mainnet", AddressForm{0x30, 0x32, 0x05, "ltc", "ltcmweb", ""}},
	{"LTC", "regtest", AddressForm{0x6f, 0x3a, 0xc4, "rltc", "tmweb", ""}},
	{"DOGE", "mainnet", AddressForm{0x1e, 0x16, 0x16, "", "", ""}},
	{"DOGE", "regtest", AddressForm{0x6f, 0xc4, 0xc4, "", "", ""}},
	{"BCH", "mainnet", AddressForm{0x00, 0x05, 0x05, "", "", "bitcoincash"}},
	{"BCH", "regtest", AddressForm{0x6f, 0xc4, 0xc4, "", "", "bchreg"}},
	{"LTCT", "rehearsal", AddressForm{0x6f, 0x3a, 0x3a, "tltc", "", ""}},
}

// AddressForm is how the network's addresses are written; false if it is not of Bitcoin's kind.
func (n Network) AddressForm() (AddressForm, bool) {
	for _, f := range addressForms {
		if f.coin == n.Coin && f.params == n.Params {
			return f.form, true
		}
	}
	return AddressForm{}, false
}

// AddressForms are those of all networks, so that it can be said of an address that it is another one's.
func AddressForms() []AddressForm {
	var list []AddressForm
	for _, f := range addressForms {
		list = append(list, f.form)
	}
	return list
}

// UTXOCoins are the coins of Bitcoin's family, by the code of each.
func UTXOCoins() []string { return []string{"BTC", "LTC", "DOGE", "BCH"} }

// regtestGenesis is block 0 of Bitcoin's private networks.
const regtestGenesis = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"

// UTXO is a network of a coin of Bitcoin's family and its coin: "BTC" as in Bitcoin; of "LTC", "DOGE" and "BCH" there are
// "mainnet" and "regtest". Hashes of main networks are those of each coin's chainparams.cpp.
//
// A "regtest" of the other coins is a private network of Bitcoin's own software: nodes of the other coins are not to be had
// everywhere. Its blocks are Bitcoin's, and so is its first; addresses are written as on the regtest of the coin itself.
func UTXO(coin, params string) (Network, Asset, bool) {
	if coin == "BTC" {
		return Bitcoin(params)
	}
	var n Network
	for _, known := range utxoNetworks() {
		if known.Coin == coin {
			n = known
		}
	}
	switch {
	case n.ID == "":
		return Network{}, Asset{}, false
	case params == "regtest":
		n.ID, n.Name, n.BlockTime = n.ID+"-regtest", n.Name+" regtest", time.Minute
		n.Main, n.Genesis, n.Checkpoint = false, regtestGenesis, BlockRef{}
	case params != "mainnet":
		return Network{}, Asset{}, false
	}
	n.Params = params
	for _, a := range utxoAssets() {
		if a.Currency.Code == coin {
			a.Network = n.ID
			if form, _ := n.AddressForm(); form.Cash != "" { // such addresses begin with the scheme of their network
				a.Scheme = form.Cash
			}
			return n, a, true
		}
	}
	return Network{}, Asset{}, false
}

// utxoNetworks are the main networks of Bitcoin's family, but Bitcoin's.
//
// Bitcoin Cash begins like Bitcoin, and like the coins that left it later. It is told from all of them by the first block that
// was its own alone, at the last of these splits (November 2020, from what is now eCash).
func utxoNetworks() []Network {
	return []Network{
		{
			ID: "litecoin", Name: "Litecoin", Coin: "LTC", Family: FamilyBitcoin, Main: true, BlockTime: 150 * time.Second, Params: "mainnet",
			Genesis: "12a765e31ffd4059bada1e25190f6e98c99d9714d334efa41a195a7e7e04bfe2",
		},
		{
			ID: "dogecoin", Name: "Dogecoin", Coin: "DOGE", Family: FamilyBitcoin, Main: true, BlockTime: time.Minute, Params: "mainnet",
			Genesis: "1a91e3dace36e2be3bf030a65679fe821aa1d6ef92e7c9902eb318182c355691",
		},
		{
			ID: "bitcoincash", Name: "Bitcoin Cash", Coin: "BCH", Family: FamilyBitcoin, Main: true, BlockTime: 10 * time.Minute, Params: "mainnet",
			Genesis:    "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
			Checkpoint: BlockRef{661_648, "0000000000000000029e471c41818d24b8b74c911071c4ef0b4a0509f9b5a8ce"},
		},
	}
}

// utxoAssets are their coins. Dogecoin's dust is what its nodes do not relay without a surcharge; no output of it can be of
// more than its cap (MAX_MONEY), though there are more coins than that.
func utxoAssets() []Asset {
	return []Asset{
		coin("ltc", "Litecoin", "LTC", 8, "litecoin", 3, Asset{DuePlaces: 8, Scheme: "litecoin"}, limits{4, 4, 84_000_000}),
		coin("doge", "Dogecoin", "DOGE", 8, "dogecoin", 6, Asset{DuePlaces: 2, Scheme: "dogecoin"}, limits{2, 0, 10_000_000_000}),
		coin("bch", "Bitcoin Cash", "BCH", 8, "bitcoincash", 6, Asset{DuePlaces: 8, Scheme: "bitcoincash"}, limits{5, 5, 21_000_000}),
	}
}
