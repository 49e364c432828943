package wallet

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/address/v2/bech32"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"

	"checkout/chain"
)

// hash160 is RIPEMD-160 of SHA-256.
func hash160(data []byte) []byte { return address.Hash160(data) }

// address writes the address of a key as the script type has it.
func (p params) address(script ScriptType, n node) (string, error) {
	switch script {
	case PKH:
		return p.base58(chain.CashPubKeyHash, hash160(n.key[:])), nil
	case SHWPKH:
		redeem := append([]byte{0x00, 0x14}, hash160(n.key[:])...) // BIP141: OP_0, push of 20 bytes
		return p.base58(chain.CashScriptHash, hash160(redeem)), nil
	case WPKH:
		return segwit(p.Segwit, 0, hash160(n.key[:]))
	case TR:
		output := txscript.ComputeTaprootKeyNoScript(n.public()) // BIP86
		return segwit(p.Segwit, 1, schnorr.SerializePubKey(output))
	}
	return "", ErrKey
}

// segwit writes a witness program as an address: bech32 for version 0 (BIP173), bech32m for the others (BIP350).
func segwit(hrp string, version byte, program []byte) (string, error) {
	words, err := bech32.ConvertBits(program, 8, 5, true)
	if err != nil {
		return "", err
	}
	words = append([]byte{version}, words...)
	if version == 0 {
		return bech32.Encode(hrp, words)
	}
	return bech32.EncodeM(hrp, words)
}

// ParseAddress checks an address of a network and gives it in the one form the chain adapters use: bech32 and cashaddr in
// lower case (an address in a QR code may be in upper case), P2SH of Litecoin with the version of its own ("M…" for "3…"), and
// P2PKH and P2SH of Bitcoin Cash as cashaddr. It knows P2PKH, P2SH, P2WPKH, P2WSH and P2TR; later witness versions are refused,
// because nobody can own them yet, and so are addresses whose payments cannot be seen. Of the EVM family it gives EIP-55. The
// fault is ErrAddress.
func ParseAddress(network chain.Network, text string) (string, error) {
	switch network.Family {
	case chain.FamilyEVM:
		return parseEVM(text)
	case chain.FamilyTron:
		return parseTron(text)
	case chain.FamilyXRP: // an X-address stays one: wallets take its tag from it
		_, _, err := parseXRP(network, text)
		return strings.TrimSpace(text), err
	}
	p, ok := paramsOf(network)
	if !ok {
		return "", ErrAddress
	}
	text = strings.TrimSpace(text)
	lower := strings.ToLower(text)
	if p.Private != "" && strings.HasPrefix(lower, p.Private+"1") {
		return "", errKind()
	}
	if len(text) > 90 { // the longest bech32 text
		return "", ErrAddress
	}
	if p.looksCash(lower) {
		return p.cash(network, text)
	}
	for _, known := range chain.AddressForms() {
		if known.Segwit == "" || !strings.HasPrefix(lower, known.Segwit+"1") {
			continue
		}
		if known.Segwit != p.Segwit {
			return "", errOtherNetwork(network)
		}
		return lower, checkSegwit(p.Segwit, text)
	}
	return p.checkBase58(network, text)
}

func errOtherNetwork(network chain.Network) error {
	return ErrAddress.Saying("This address belongs to another network than " + network.Name + ".")
}

func errMistyped() error {
	return ErrAddress.Saying("This address has a typing error: its checksum does not match.")
}

func errKind() error { return ErrAddress.Saying("This kind of address is not supported.") }

func checkSegwit(hrp, text string) error {
	part, words, encoding, err := bech32.DecodeGeneric(text) // refuses mixed case
	if err != nil || part != hrp || len(words) == 0 {
		return errMistyped()
	}
	program, err := bech32.ConvertBits(words[1:], 5, 8, false)
	if err != nil {
		return errMistyped()
	}
	switch version, size := words[0], len(program); {
	case version == 0 && encoding == bech32.Version0 && (size == 20 || size == 32):
		return nil
	case version == 1 && encoding == bech32.VersionM && size == 32:
		return nil
	case version > 1 && version <= 16 && encoding == bech32.VersionM:
		return errKind()
	}
	return errMistyped()
}

// checkBase58 reads P2PKH and P2SH in Base58Check and gives them as the network writes them.
func (p params) checkBase58(network chain.Network, text string) (string, error) {
	hash, version, err := base58.CheckDecode(text)
	if err != nil && len(base58.Decode(text)) == 25 { // version, 20 bytes, checksum
		return "", errMistyped()
	}
	if err != nil || len(hash) != 20 {
		return "", ErrAddress
	}
	switch version {
	case p.PubKeyHash:
		return p.base58(chain.CashPubKeyHash, hash), nil
	case p.ScriptHash, p.OldScriptHash:
		return p.base58(chain.CashScriptHash, hash), nil
	}
	for _, other := range chain.AddressForms() {
		if version == other.PubKeyHash || version == other.ScriptHash {
			return "", errOtherNetwork(network)
		}
	}
	return "", ErrAddress
}

// PlayedAddress is the address of an index on the played chain, where nobody holds a key: a P2WPKH address in the
// style of Litecoin's testnet ("tltc1q…") whose program is made of the seed. The same seed and index always give the
// same address, other ones another.
func PlayedAddress(seed []byte, index uint32) (string, error) {
	return segwit("tltc", 0, played20(seed, index))
}

func played20(seed []byte, index uint32) []byte {
	sum := sha256.Sum256(binary.BigEndian.AppendUint32(append([]byte(nil), seed...), index))
	return sum[:20]
}

// playedEVM is PlayedAddress on a played chain with the look of Ethereum's family.
func playedEVM(seed []byte, index uint32) string {
	text, _ := chain.EIP55("0x" + hex.EncodeToString(played20(seed, index))) // it has the form
	return text
}
