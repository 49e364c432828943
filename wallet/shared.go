package wallet

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"strconv"
	"strings"

	"checkout/chain"
	"checkout/ident"
)

// sharedPrefix begins the descriptor of an account whose one address all payers share; the address follows. What tells them
// apart is a tag.
const sharedPrefix = "shared:"

// newShared makes a merchant's account of an address on a network of tags. The text may be an X-address (XLS-5d) without a tag.
func newShared(random io.Reader, m ident.ID, network chain.Network, text string) (Account, error) {
	if looksPrivate(text) {
		return Account{}, ErrPrivateKey
	}
	if network.Family != chain.FamilyXRP {
		return Account{}, ErrKey.Saying("This network does not take account keys.")
	}
	address, tag, err := parseXRP(network, text)
	if err != nil {
		return Account{}, ErrKey.Saying("What is needed here is the address of your account, r…: payers get a tag each.")
	}
	if tag != "" {
		return Account{}, ErrKey.Saying("This address has a tag: it is one payer's place at somebody else's, an exchange it may be. Use an account of your own.")
	}
	return accountOf(random, m, network, address), nil
}

// accountOf is the account of an address payers share.
func accountOf(random io.Reader, m ident.ID, network chain.Network, address string) Account {
	sum := sha256.Sum256([]byte(address))
	return Account{
		ID: ident.New(random), Merchant: m, Network: network.ID, Descriptor: sharedPrefix + address, Fingerprint: hex.EncodeToString(sum[:4]), Identity: SharedIdentity(address),
	}
}

// SharedIdentity is the identity of the account of a shared address.
func SharedIdentity(address string) string { return sharedPrefix + address }

// SharedAddress is the address of such an identity; false: it is of another kind.
func SharedAddress(identity string) (string, bool) { return strings.CutPrefix(identity, sharedPrefix) }

// sharedAt is the address of an index: the shared one with a tag of its own. Tags do not tell how many there were before: they are
// the indexes, spread over all numbers by a permutation (an odd factor, modulo 2³²) that is another for each account.
func sharedAt(address string, index uint32) (string, error) {
	if _, ok := chain.ParseXRPAddress(address); !ok { // a network without tags
		return chain.Exactly(address, index), nil
	}
	sum := sha256.Sum256([]byte(sharedPrefix + address))
	factor, offset := binary.BigEndian.Uint32(sum[:4])|1, binary.BigEndian.Uint32(sum[4:8])
	tag := index*factor + offset
	if tag == 0 { // exchanges take 0 for none
		return "", ErrNoAddress
	}
	return chain.Shared(address, strconv.FormatUint(uint64(tag), 10)), nil
}

// parseXRP checks an address of the XRP Ledger, classic or X, and gives the classic one with its tag.
func parseXRP(network chain.Network, text string) (address, tag string, err error) {
	text = strings.TrimSpace(text)
	if _, ok := chain.ParseXRPAddress(text); ok {
		return text, "", nil
	}
	account, tag, main, ok := chain.ParseXAddress(text)
	switch {
	case ok && main != network.Main:
		return "", "", errOtherNetwork(network)
	case ok:
		return chain.XRPAddress(account), tag, nil
	case len(text) >= 25 && (text[0] == 'r' || text[0] == 'X') && strings.Trim(text, "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz") == "":
		return "", "", errMistyped()
	}
	return "", "", ErrAddress
}
