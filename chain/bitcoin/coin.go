package bitcoin

import (
	"math/big"

	"github.com/btcsuite/btcd/chaincfg/v2"

	"checkout/chain"
)

// coin is what sets a coin of the family apart, besides the way its addresses are written.
type coin struct {
	maxMoney   int64 // no output holds more smallest units (MAX_MONEY of the coin's consensus rules)
	blockLimit int64 // bytes a block's answer may have, of which each byte of the block takes two
	witness    bool  // transactions may carry witnesses (BIP144)
	// scrypt says that work is done by scrypt, or on another chain, and not by the hash that names a block. It is not checked
	// then: that the chain is the right one follows from its genesis and from the node, which is the operator's.
	scrypt bool
	auxPow bool // a header may be followed by the proof that work was done on another chain, see skipAuxPow
	mweb   bool // transactions and blocks may have a part nobody else can read, see readMWEB
	tokens bool // a script may have a token in front, see afterToken
	// oldCalls says that releases of the node's software are in use that take no number for "raw" in getblock.
	oldCalls bool
}

// satoshi is how many smallest units all these coins have.
const satoshi = 100_000_000

// coins are known by Network.Coin.
var coins = map[string]coin{
	"BTC":  {maxMoney: 21_000_000 * satoshi, blockLimit: 64 << 20, witness: true},
	"LTC":  {maxMoney: 84_000_000 * satoshi, blockLimit: 64 << 20, witness: true, scrypt: true, mweb: true},
	"DOGE": {maxMoney: 10_000_000_000 * satoshi, blockLimit: 64 << 20, scrypt: true, auxPow: true, oldCalls: true},
	// Its blocks have 32 MB at most, and more should they ever be full for long (CHIP-2023-04 ABLA).
	"BCH": {maxMoney: 21_000_000 * satoshi, blockLimit: 256 << 20, tokens: true},
}

// bases are Bitcoin's networks by Network.Params. The private networks of all coins are nodes of Bitcoin's (chain.UTXO).
var bases = map[string]*chaincfg.Params{
	"mainnet":  &chaincfg.MainNetParams,
	"testnet4": &chaincfg.TestNet4Params,
	"signet":   &chaincfg.SigNetParams,
	"regtest":  &chaincfg.RegressionNetParams,
}

// scryptLimit is the easiest target of Litecoin's and of Dogecoin's main networks: 2²³⁶−1.
var scryptLimit = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 236), big.NewInt(1))

// paramsOf are the parameters of a network: Bitcoin's, with what is the coin's own in their place.
func paramsOf(network chain.Network) (*chaincfg.Params, coin, bool) {
	base, known := bases[network.Params]
	c, family := coins[network.Coin]
	form, written := network.AddressForm()
	if !known || !family || !written {
		return nil, coin{}, false
	}
	own := *base
	own.PubKeyHashAddrID, own.ScriptHashAddrID, own.Bech32HRPSegwit = form.PubKeyHash, form.ScriptHash, form.Segwit
	if c.scrypt && network.Main {
		own.PowLimit = scryptLimit
	}
	if !network.Main { // a node of Bitcoin's, whose transactions have witnesses, and that takes nothing but a number in getblock
		c.witness, c.oldCalls = true, false
	}
	return &own, c, true
}

// raw is what getblock is to be given to have a block's bytes.
func (c coin) raw() any {
	if c.oldCalls {
		return false
	}
	return 0
}
