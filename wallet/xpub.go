package wallet

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/binary"
	"errors"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/btcec/v2"
)

// Sizes of the BIP32 serialization, in bytes: version 4, depth 1, parent fingerprint 4, child number 4, chain code 32,
// key 33.
const (
	extendedSize = 78
	checksumSize = 4
	keyOffset    = 45
)

// hardened is the first hardened child number (BIP32). Those children can only be derived with the private key.
const hardened = 1 << 31

// maxDepth is the deepest key that is taken for an account's or a chain's. Accounts are at depth 3 (BIP44), 4 for some
// schemes (BIP48) and for chains; old wallets export depth 0 or 1. What is deeper is an address.
const maxDepth = 4

// ErrNoAddress says that there is no child key at an index (BIP32, "in case parse256(IL) ≥ n …"), which happens once
// in 2¹²⁷ times. The next index is to be used.
var ErrNoAddress = errors.New("wallet: no address at this index")

// version is what the first four bytes of an extended key say (SLIP-0132).
type version struct {
	bytes  uint32
	main   bool       // of the main network, else of the test networks, which all share theirs
	script ScriptType // empty if it does not say
	multi  bool       // of an account with several keys
	coin   string     // of which coin alone; empty: most coins write their keys like Bitcoin
}

// The version bytes every key is written with (BIP32).
const (
	versionMain = 0x0488b21e // xpub
	versionTest = 0x043587cf // tpub
)

// versions are those of Bitcoin's public keys, and those other coins have registered besides (SLIP-0132; dgub is that of
// Dogecoin's chainparams.cpp). Ltub and dgub are to their coins what xpub is to Bitcoin: SLIP-0132 has Ltub for P2PKH, but
// wallets export it for all kinds of accounts.
var versions = [...]version{
	{bytes: versionMain, main: true},
	{bytes: 0x049d7cb2, main: true, script: SHWPKH}, // ypub
	{bytes: 0x04b24746, main: true, script: WPKH},   // zpub
	{bytes: 0x0295b43f, main: true, multi: true},    // Ypub
	{bytes: 0x02aa7ed3, main: true, multi: true},    // Zpub
	{bytes: versionTest},
	{bytes: 0x044a5262, script: SHWPKH}, // upub
	{bytes: 0x045f1cf6, script: WPKH},   // vpub
	{bytes: 0x024289ef, multi: true},    // Upub
	{bytes: 0x02575483, multi: true},    // Vpub

	{bytes: 0x019da462, main: true, coin: "LTC"},                 // Ltub
	{bytes: 0x01b26ef6, main: true, coin: "LTC", script: SHWPKH}, // Mtub
	{bytes: 0x0436f6e1, coin: "LTC"},                             // ttub
	{bytes: 0x02facafd, main: true, coin: "DOGE"},                // dgub
}

func versionOf(bytes uint32) (version, bool) {
	for _, v := range versions {
		if v.bytes == bytes {
			return v, true
		}
	}
	return version{}, false
}

// extended is a public BIP32 key as it is serialized, without its version.
type extended struct {
	depth  uint8
	parent [4]byte // fingerprint of the parent
	number uint32  // which child of its parent it is
	code   [32]byte
	key    [33]byte // compressed point
}

// parseExtended reads the Base58Check form of an extended public key. That the point is on the curve is checked by
// node.
func parseExtended(text string) (extended, version, error) {
	if isHex(text) && (len(text) == 66 || len(text) == 130) {
		return extended{}, version{}, ErrKey.Saying("This is the public key of a single address, not of an account.")
	}
	payload, first, err := base58.CheckDecode(text)
	if errors.Is(err, base58.ErrChecksum) {
		return extended{}, version{}, ErrKey.Saying("This key has a typing error: its checksum does not match.")
	}
	if err != nil || len(payload) != extendedSize-1 {
		return extended{}, version{}, ErrKey
	}
	raw := append([]byte{first}, payload...)
	v, ok := versionOf(binary.BigEndian.Uint32(raw))
	if !ok {
		return extended{}, version{}, ErrKey.Saying("This is not a key of a known kind of account.")
	}
	if v.multi {
		return extended{}, version{}, ErrKey.Saying("This is one key of a multi-signature account, which is not supported.")
	}
	x := extended{depth: raw[4], number: binary.BigEndian.Uint32(raw[9:])}
	copy(x.parent[:], raw[5:])
	copy(x.code[:], raw[13:])
	copy(x.key[:], raw[keyOffset:])
	if x.depth == 0 && (x.number != 0 || x.parent != [4]byte{}) {
		return extended{}, version{}, ErrKey.Saying("This key is damaged: a key at the top of its tree has no parent.")
	}
	return x, v, nil
}

// encode writes the key in its BIP32 form, xpub or tpub.
func (x extended) encode(main bool) string {
	raw := make([]byte, 0, extendedSize)
	if main {
		raw = binary.BigEndian.AppendUint32(raw, versionMain)
	} else {
		raw = binary.BigEndian.AppendUint32(raw, versionTest)
	}
	raw = append(raw, x.depth)
	raw = append(raw, x.parent[:]...)
	raw = binary.BigEndian.AppendUint32(raw, x.number)
	raw = append(raw, x.code[:]...)
	raw = append(raw, x.key[:]...)
	return base58.CheckEncode(raw[1:], raw[0])
}

// belowAccount says that the key is that of a chain: accounts are hardened children, chains are not.
func (x extended) belowAccount() bool { return x.depth == maxDepth && x.number < hardened }

// node is what deriving children takes: the point, parsed once, its compressed form and the chain code.
type node struct {
	key   [33]byte
	code  [32]byte
	point btcec.JacobianPoint // affine: Z is 1
}

func (x extended) node() (node, error) {
	if x.key[0] != 2 && x.key[0] != 3 {
		return node{}, errors.New("wallet: not a compressed public key")
	}
	public, err := btcec.ParsePubKey(x.key[:])
	if err != nil {
		return node{}, err
	}
	n := node{key: x.key, code: x.code}
	public.AsJacobian(&n.point)
	return n, nil
}

// child derives a public child key, CKDpub of BIP32.
func (n *node) child(index uint32) (node, error) {
	if index >= hardened {
		return node{}, ErrKey.Saying("A hardened child cannot be derived from a public key.")
	}
	mac := hmac.New(sha512.New, n.code[:])
	mac.Write(n.key[:])
	var number [4]byte
	binary.BigEndian.PutUint32(number[:], index)
	mac.Write(number[:])
	sum := mac.Sum(nil)

	var tweak btcec.ModNScalar
	if overflow := tweak.SetByteSlice(sum[:32]); overflow {
		return node{}, ErrNoAddress
	}
	var c node
	var step btcec.JacobianPoint
	btcec.ScalarBaseMultNonConst(&tweak, &step)
	btcec.AddNonConst(&step, &n.point, &c.point)
	if c.point.Z.IsZero() {
		return node{}, ErrNoAddress
	}
	c.point.ToAffine()
	copy(c.key[:], btcec.NewPublicKey(&c.point.X, &c.point.Y).SerializeCompressed())
	copy(c.code[:], sum[32:])
	return c, nil
}

// public is the node's point as a public key.
func (n *node) public() *btcec.PublicKey { return btcec.NewPublicKey(&n.point.X, &n.point.Y) }
