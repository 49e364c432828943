package chain

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/address/v2/base58"
)

// An address many payers share has a tag behind it, which says whose a payment is. Inside, both are one text, "address#tag", so
// that whatever is kept by address is kept by both; who shows it takes it apart.
const tagMark = "#"

// Shared is the text of a shared address with its tag; the bare address without one.
func Shared(address, tag string) string {
	if tag == "" {
		return address
	}
	return address + tagMark + tag
}

// Unshared takes the text apart. An address nobody shares has no tag.
func Unshared(text string) (address, tag string) {
	address, tag, _ = strings.Cut(text, tagMark)
	return address, tag
}

// exactMark begins the inner tag of an address whose payers are told apart by the amount alone. Nobody is shown it.
const exactMark = "~"

// Exactly is the inner text of a shared address on a network without tags, for one of its payers: by which amount they are known
// is another matter.
func Exactly(address string, n uint32) string {
	return Shared(address, exactMark+strconv.FormatUint(uint64(n), 10))
}

// IsExact says whether a text is of that kind.
func IsExact(text string) bool { return strings.Contains(text, tagMark+exactMark) }

// The XRP Ledger writes in base58 with an alphabet of its own (xrpl.org, "base58 Encodings").
const (
	bitcoinAlphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	xrpAlphabet     = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
)

var (
	toXRP   = alphabet(bitcoinAlphabet, xrpAlphabet)
	fromXRP = alphabet(xrpAlphabet, bitcoinAlphabet)
)

func alphabet(from, to string) *strings.Replacer {
	var pairs []string
	for i := range len(from) {
		pairs = append(pairs, from[i:i+1], to[i:i+1])
	}
	return strings.NewReplacer(pairs...)
}

// The first bytes of X-addresses (XLS-5d): of the main network, "X…", and of test networks, "T…".
var xPrefixes = map[bool][2]byte{true: {0x05, 0x44}, false: {0x04, 0x93}}

// XRPAddress writes an account of the XRP Ledger, "r…": version 0, 20 bytes, checksum.
func XRPAddress(account [20]byte) string {
	return toXRP.Replace(base58.CheckEncode(account[:], 0))
}

// ParseXRPAddress reads what XRPAddress writes; false: it is none.
func ParseXRPAddress(text string) ([20]byte, bool) {
	if len(text) < 25 || len(text) > 35 || text[0] != 'r' || strings.Trim(text, xrpAlphabet) != "" {
		return [20]byte{}, false
	}
	raw, version, err := base58.CheckDecode(fromXRP.Replace(text))
	if err != nil || version != 0 || len(raw) != 20 {
		return [20]byte{}, false
	}
	return [20]byte(raw), true
}

// XAddress writes an account and a tag in one address (XLS-5d); tag is decimal, empty: none.
func XAddress(account [20]byte, tag string, main bool) (string, bool) {
	prefix := xPrefixes[main]
	raw := append(prefix[:], account[:]...)
	if tag == "" {
		raw = append(raw, make([]byte, 9)...)
	} else {
		n, err := strconv.ParseUint(tag, 10, 32)
		if err != nil {
			return "", false
		}
		raw = append(raw, 1)
		raw = binary.LittleEndian.AppendUint64(raw, n)
	}
	return toXRP.Replace(base58.Encode(append(raw, checksum(raw)...))), true
}

// ParseXAddress reads what XAddress writes, of the main network or of a test network; false: it is none.
func ParseXAddress(text string) (account [20]byte, tag string, main, ok bool) {
	if len(text) < 40 || len(text) > 60 || strings.Trim(text, xrpAlphabet) != "" {
		return account, "", false, false
	}
	raw := base58.Decode(fromXRP.Replace(text))
	if len(raw) != 35 || string(checksum(raw[:31])) != string(raw[31:]) {
		return account, "", false, false
	}
	switch [2]byte(raw[:2]) {
	case xPrefixes[true]:
		main = true
	case xPrefixes[false]:
	default:
		return account, "", false, false
	}
	copy(account[:], raw[2:])
	number := binary.LittleEndian.Uint64(raw[23:31])
	switch {
	case raw[22] == 0 && number == 0:
		return account, "", main, true
	case raw[22] == 1 && number <= 1<<32-1:
		return account, strconv.FormatUint(number, 10), main, true
	}
	return [20]byte{}, "", false, false
}

func checksum(raw []byte) []byte {
	first := sha256.Sum256(raw)
	second := sha256.Sum256(first[:])
	return second[:4]
}
