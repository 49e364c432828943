package wallet

import (
	"encoding/hex"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/btcec/v2"
	"golang.org/x/crypto/sha3"

	"checkout/chain"
)

// The kinds of addresses of account chains, in the place of a script type. All networks of a family share them: the same key
// has the same addresses on every network of the EVM family.
const (
	EVM  ScriptType = "evm"  // BIP44, coin type 60: the end of the Keccak-256 hash of the public key, in mixed case (EIP-55)
	Tron ScriptType = "tron" // BIP44, coin type 195: the same hash in Base58Check, "T…"
)

// accountKind is the kind of addresses of a network whose addresses hold balances and not outputs; false for others.
func accountKind(network chain.Network) (ScriptType, bool) {
	switch network.Family {
	case chain.FamilyEVM:
		return EVM, true
	case chain.FamilyTron:
		return Tron, true
	}
	return "", false
}

// hasBalances says whether addresses of a kind hold balances.
func (s ScriptType) hasBalances() bool { return s == EVM || s == Tron }

// parseBalanceKey reads the key of an account whose addresses hold balances: an extended key as wallets export it for all coins,
// "xpub…", with an origin and a path as ParseKey has them. No descriptor speaks of such addresses.
func parseBalanceKey(e expression, kind ScriptType, network chain.Network) (Key, error) {
	if e.script != "" {
		return Key{}, ErrKey.Saying("This is the descriptor of a Bitcoin account. Paste the xpub of the account for " + network.Name + ".")
	}
	if steps := strings.Split(e.origin, "/"); len(steps) > 1 && slices.Contains([]string{"49h", "84h", "86h"}, steps[1]) {
		return Key{}, ErrKey.Saying("This is the key of a Bitcoin account. Paste the xpub of the account for " + network.Name + ".")
	}
	account, v, err := parseExtended(e.key)
	if err != nil {
		return Key{}, err
	}
	if v.script != "" || v.coin != "" {
		return Key{}, ErrKey.Saying("This is the key of an account of another coin. Paste the xpub of the account for " + network.Name + ".")
	}
	if network.Main && !v.main {
		return Key{}, wrongNetwork(v.main, network)
	}
	return newKey(params{main: v.main}, kind, e, account)
}

// account20 is what addresses of the EVM family and of Tron are made of: the last 20 bytes of the hash of the point (Ethereum
// Yellow Paper, appendix F).
func account20(public *btcec.PublicKey) [20]byte {
	hash := sha3.NewLegacyKeccak256()
	_, _ = hash.Write(public.SerializeUncompressed()[1:]) // a hash takes everything
	return [20]byte(hash.Sum(nil)[12:])
}

// balanceAddress writes the address of a key.
func balanceAddress(kind ScriptType, n node) (string, error) {
	raw := account20(n.public())
	switch kind {
	case EVM:
		text, _ := chain.EIP55("0x" + hex.EncodeToString(raw[:])) // it has the form
		return text, nil
	case Tron:
		return chain.TronAddress(raw), nil
	}
	return "", ErrKey
}

// parseEVM checks an address of the EVM family and gives it in mixed case. One whose letters are all of one case has no
// checksum, and is taken; one of mixed case must have the right one (EIP-55).
func parseEVM(text string) (string, error) {
	text = strings.TrimSpace(text)
	right, ok := chain.EIP55(text)
	if !ok {
		return "", ErrAddress
	}
	digits := text[2:]
	if digits != strings.ToLower(digits) && digits != strings.ToUpper(digits) && text != right {
		return "", errMistyped()
	}
	if strings.Trim(digits, "0") == "" {
		return "", ErrAddress.Saying("Nobody owns this address.")
	}
	return right, nil
}

// parseTron checks an address of Tron. Its hex form, which nodes use, is refused: it has no checksum.
func parseTron(text string) (string, error) {
	text = strings.TrimSpace(text)
	account, ok := chain.ParseTronAddress(text)
	switch {
	case ok && account == [20]byte{}:
		return "", ErrAddress.Saying("Nobody owns this address.")
	case ok:
		return text, nil
	case len(text) == 34 && text[0] == 'T':
		return "", errMistyped()
	}
	return "", ErrAddress
}
