package wallet

import (
	"errors"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/address/v2/base58"

	"checkout/chain"
)

// params are what addresses and keys of a network are written with.
type params struct {
	chain.AddressForm
	coin     string // chain.Network.Coin
	main     bool
	accounts bool // account keys can be given for it
}

func paramsOf(network chain.Network) (params, bool) {
	form, ok := network.AddressForm()
	return params{AddressForm: form, coin: network.Coin, main: network.Main, accounts: len(accountScripts[network.Coin]) > 0}, ok
}

// accountScripts are the kinds of outputs the accounts of a coin may be paid to. The first is that of a key that comes without
// any word on it (see DefaultFor).
var accountScripts = map[string][]ScriptType{
	"BTC":  {DefaultFor, PKH, SHWPKH, TR},
	"LTC":  {DefaultFor, PKH, SHWPKH, TR},
	"DOGE": {PKH},
	"BCH":  {PKH},
}

// accountFor checks that a key with its version, and the script type that was said beside it, is one of an account of the coin.
func (p params) accountFor(e expression, v version, network chain.Network) (ScriptType, error) {
	if v.coin != "" && v.coin != p.coin {
		return "", ErrKey.Saying("This is not a key of a " + network.Name + " account.")
	}
	if v.main != p.main {
		return "", wrongNetwork(v.main, network)
	}
	known := accountScripts[p.coin]
	script, err := e.scriptFor(v, known[0])
	if err == nil && !slices.Contains(known, script) {
		err = ErrKey.Saying(network.Name + " has no addresses of the kind this key is for (segregated witness). " +
			"Export the account of the kind \"legacy\" (BIP44).")
	}
	return script, err
}

// base58 writes the hash of a P2PKH or P2SH output as the network does: Base58Check, or cashaddr.
func (p params) base58(kind chain.CashKind, hash []byte) string {
	switch {
	case p.Cash != "":
		return chain.CashAddr(p.Cash, kind, [20]byte(hash))
	case kind == chain.CashScriptHash:
		return base58.CheckEncode(hash, p.ScriptHash)
	}
	return base58.CheckEncode(hash, p.PubKeyHash)
}

// cashDigits is how many digits follow the prefix of a cashaddr of 160 bits, more than Base58Check ever has; cashStarts are the
// first of them, by the kind of the address.
const (
	cashDigits = 42
	cashStarts = "qpzr"
)

// looksCash says whether a text is a cashaddr rather than anything else, of a network that has them or of another.
func (p params) looksCash(lower string) bool {
	if strings.Contains(lower, ":") {
		return p.Cash != "" || slices.ContainsFunc(chain.AddressForms(), func(f chain.AddressForm) bool {
			return f.Cash != "" && strings.HasPrefix(lower, f.Cash+":")
		})
	}
	return p.Cash != "" && len(lower) == cashDigits && strings.IndexByte(cashStarts, lower[0]) >= 0
}

// cash reads a cashaddr and gives it with its prefix, in lower case. One that says that tokens may be sent to it becomes the
// same address without that word.
func (p params) cash(network chain.Network, text string) (string, error) {
	if p.Cash == "" {
		return "", errOtherNetwork(network)
	}
	kind, hash, err := chain.ParseCashAddr(p.Cash, text)
	switch {
	case err == nil:
		return chain.CashAddr(p.Cash, kind, hash), nil
	case errors.Is(err, chain.ErrCashPrefix):
		return "", errOtherNetwork(network)
	case errors.Is(err, chain.ErrCashKind):
		return "", errKind()
	}
	return "", errMistyped()
}
