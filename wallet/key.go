// Package wallet derives receiving addresses from public account keys. It never sees a private key: whatever looks
// like one is refused, and is not repeated in the refusal.
package wallet

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"checkout/chain"
	"checkout/fault"
)

// The faults of keys and addresses. ErrKey comes with a text of its own for each thing that can be wrong.
var (
	ErrPrivateKey = fault.New(fault.Invalid, "private_key", "This is a private key or a recovery phrase. It was not "+
		"stored. Treat it as exposed: move its coins to a new wallet. What is needed here is the public key of an account (xpub).")
	ErrKey = fault.New(fault.Invalid, "xpub", "This is not a public account key. Paste an xpub, ypub or zpub, or an "+
		"output descriptor, as your wallet exports it.")
	ErrAddress = fault.New(fault.Invalid, "address", "This is not an address of this network.")
)

// ScriptType is the kind of output the addresses of an account are paid to, by its name in output descriptors.
type ScriptType string

// The script types of accounts with one key.
const (
	PKH    ScriptType = "pkh"     // P2PKH, "1…": BIP44
	SHWPKH ScriptType = "sh-wpkh" // P2WPKH nested in P2SH, "3…": BIP49
	WPKH   ScriptType = "wpkh"    // P2WPKH, "bc1q…": BIP84
	TR     ScriptType = "tr"      // P2TR by key, "bc1p…": BIP86
)

// DefaultFor is the script type of a key that comes without any word on it, a plain xpub or tpub, of a coin that has
// segregated witness; of others it is PKH.
//
// SLIP-0132 would have these mean P2PKH, but wallets have exported plain xpubs for all kinds of accounts ever since
// descriptors replaced the special prefixes. BTCPay Server reads them as P2WPKH, and so do we; its suffixes choose
// another type (NBXplorer, docs/API.md, "Derivation scheme"): "xpub…-[legacy]", "xpub…-[p2sh]", "xpub…-[taproot]".
const DefaultFor = WPKH

// maxKeyText bounds what is read as a key, in bytes. A descriptor of one key has about 200.
const maxKeyText = 500

// Key is the public key of an account, with all that is needed to derive the addresses of its receiving chain. The
// zero value derives nothing. A Key is immutable and safe for concurrent use.
//
// The text of a key also holds its place in somebody's tree, which the addresses do not depend on: compare keys by
// Identity.
type Key struct {
	params  params
	script  ScriptType
	origin  string // "d34db33f/84h/0h/0h" (BIP380 key origin), or empty
	account extended
	tail    string // descriptor path below the account, "/0/*" or "/*"
	chain   node   // the receiving chain; its children are the addresses
}

// ParseKey reads an account key for a network. It understands
//
//   - extended keys (BIP32): xpub and tpub, which are P2WPKH unless said otherwise (see DefaultFor), and those whose
//     prefix names the script type (SLIP-0132): ypub, upub (P2WPKH in P2SH), zpub, vpub (P2WPKH), or the coin (see
//     versions). Coins without segregated witness take only keys of P2PKH accounts, which their xpub is then;
//   - output descriptors (BIP380) of one such key: pkh(KEY), wpkh(KEY), sh(wpkh(KEY)), tr(KEY), with a checksum that is
//     verified if it is there.
//
// Networks whose addresses hold balances (EVM, Tron) take an xpub alone: there is one kind of address.
//
// Either may have a key origin, "[d34db33f/84h/0h/0h]", whose purpose (BIP43) names the script type of a plain xpub,
// and a path: "/0/*", "/<0;1>/*" (BIP389), "/**" (BIP388) or none all mean the receiving chain 0 of the account;
// "/*" means that the key is itself that of a chain.
//
// The fault is ErrPrivateKey or ErrKey. Neither its text nor its cause ever contains any of the input.
func ParseKey(text string, network chain.Network) (Key, error) {
	if looksPrivate(text) {
		return Key{}, ErrPrivateKey
	}
	kind, balances := accountKind(network)
	p, ok := paramsOf(network)
	if !balances && (!ok || !p.accounts) {
		return Key{}, ErrKey.Saying("This network does not take account keys.")
	}
	text = strings.TrimSpace(text)
	if text == "" || len(text) > maxKeyText {
		return Key{}, ErrKey
	}
	e, err := parseExpression(text)
	if err != nil {
		return Key{}, err
	}
	if balances {
		return parseBalanceKey(e, kind, network)
	}
	account, v, err := parseExtended(e.key)
	if err != nil {
		return Key{}, err
	}
	script, err := p.accountFor(e, v, network)
	if err != nil {
		return Key{}, err
	}
	return newKey(p, script, e, account)
}

func wrongNetwork(mainKey bool, network chain.Network) error {
	if mainKey {
		return ErrKey.Saying("This is a key of a main network; it is not valid on " + network.Name + ".")
	}
	return ErrKey.Saying("This is a key of a test network; it is not valid on " + network.Name + ".")
}

// newKey checks the key's place in its tree against the path that was given and derives the receiving chain.
func newKey(p params, script ScriptType, e expression, account extended) (Key, error) {
	if account.depth > maxDepth {
		return Key{}, ErrKey.Saying("This is the key of a single address, not of an account.")
	}
	k := Key{params: p, script: script, origin: e.origin, account: account, tail: e.tail}
	if k.tail == "" {
		if account.belowAccount() {
			// Chain 0 of a chain exists as a key, but no wallet looks for coins there.
			return Key{}, ErrKey.Saying("This is the key of one chain of an account. Export the account itself, " +
				"or write /* behind the key if you mean its direct children.")
		}
		k.tail = tailReceiving
	}
	top, err := account.node()
	if err != nil {
		return Key{}, ErrKey.Saying("This key is damaged: it is not a point of the curve.")
	}
	k.chain = top
	if k.tail == tailReceiving {
		if k.chain, err = top.child(0); err != nil {
			return Key{}, ErrKey.Because(err)
		}
	}
	return k, nil
}

// Script is the kind of output the addresses are paid to.
func (k Key) Script() ScriptType { return k.script }

// Fingerprint is the BIP32 fingerprint of the account key itself, 8 hex digits: the first four bytes of its HASH160.
func (k Key) Fingerprint() string {
	return hex.EncodeToString(hash160(k.account.key[:])[:4])
}

// Identity is equal for two keys of a network exactly if their addresses are, however they were written: 64 hex digits.
// The text of a key will not do, as an origin, a path that leads to the same chain, or made-up depth and parent change it.
func (k Key) Identity() string {
	sum := sha256.New()
	sum.Write([]byte(k.script))
	sum.Write(k.chain.key[:])
	sum.Write(k.chain.code[:])
	return hex.EncodeToString(sum.Sum(nil))
}

// String is the key as an output descriptor with checksum (of balances: as an xpub with a path), in one canonical form for all ways of writing it: BIP32
// prefixes, "h" for hardened, the receiving chain only. ParseKey reads it back as the same Key. It is not secret, but
// whoever has it sees all payments of the account.
func (k Key) String() string {
	if k.script == "" {
		return ""
	}
	inner := k.account.encode(k.params.main) + k.tail
	if k.origin != "" {
		inner = "[" + k.origin + "]" + inner
	}
	if k.script.hasBalances() {
		return inner
	}
	body := inner
	for _, f := range descriptorForms {
		if f.script == k.script {
			body = f.open + inner + f.close
		}
	}
	sum, _ := descriptorChecksum(body) // every character we write is in the set
	return body + "#" + sum
}

// Address derives the receiving address of an index, 0 to 2³¹−1. Larger indexes are hardened and need the private
// key: ErrKey. One index in 2¹²⁷ has no address: ErrNoAddress, and the next one is to be taken.
func (k Key) Address(index uint32) (string, error) {
	if k.script == "" {
		return "", ErrKey
	}
	child, err := k.chain.child(index)
	if err != nil {
		return "", err
	}
	if k.script.hasBalances() {
		return balanceAddress(k.script, child)
	}
	return k.params.address(k.script, child)
}
