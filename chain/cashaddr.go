package chain

import (
	"errors"
	"strings"
)

// CashKind is what an address of Bitcoin Cash stands for: the type bits of its version byte.
type CashKind byte

// The kinds of addresses that are written. Wallets mark addresses that may be sent tokens with two kinds more, which stand for
// the same outputs (CHIP-2022-02 CashTokens, "CashAddress Token Support"); those are read as these.
const (
	CashPubKeyHash CashKind = 0 // P2PKH
	CashScriptHash CashKind = 1 // P2SH
)

// cashTokens is what the type bits of an address that may be sent tokens are above those of the same address without.
const cashTokens = 2

// The ways a text can fail to be a cashaddr.
var (
	ErrCashForm   = errors.New("chain: not a cashaddr, or mistyped")
	ErrCashPrefix = errors.New("chain: a cashaddr of another network")
	ErrCashKind   = errors.New("chain: a cashaddr of a kind that is not supported")
)

// cashAlphabet has the digits 0 to 31, as bech32 has them.
const cashAlphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// cashSum is how many digits the checksum has.
const cashSum = 8

// CashAddr writes an address of Bitcoin Cash, prefix included ("bitcoincash:q…"): spec/cashaddr.md of bitcoincash.org.
func CashAddr(prefix string, kind CashKind, hash [20]byte) string {
	return encodeCash(prefix, byte(kind)<<3, hash[:])
}

// ParseCashAddr reads an address with or without its prefix, in lower or upper case. Only hashes of 160 bits are known, and of
// the kinds those that are written and their likes for tokens. The error is one of the three above.
func ParseCashAddr(prefix, text string) (CashKind, [20]byte, error) {
	var hash [20]byte
	lower := strings.ToLower(text)
	if text != lower && text != strings.ToUpper(text) {
		return 0, hash, ErrCashForm
	}
	before, payload, separated := strings.Cut(lower, ":")
	if !separated {
		before, payload = prefix, lower
	}
	version, data, ok := decodeCash(before, payload)
	switch {
	case !ok:
		return 0, hash, ErrCashForm
	case before != prefix:
		return 0, hash, ErrCashPrefix
	case version&0x80 != 0 || version>>3 > byte(CashScriptHash)+cashTokens || version&7 != 0:
		return 0, hash, ErrCashKind
	case len(data) != len(hash):
		return 0, hash, ErrCashForm
	}
	copy(hash[:], data)
	return CashKind(version >> 3 % cashTokens), hash, nil
}

// encodeCash writes a version byte and data.
func encodeCash(prefix string, version byte, data []byte) string {
	digits := []byte{}
	bits, have := 0, 0
	for _, b := range append([]byte{version}, data...) {
		bits, have = bits<<8|int(b), have+8
		for ; have >= 5; have -= 5 {
			digits = append(digits, byte(bits>>(have-5)&31))
		}
		bits &= 31
	}
	if have > 0 {
		digits = append(digits, byte(bits<<(5-have)&31))
	}
	sum := cashChecksum(prefix, append(digits[:len(digits):len(digits)], make([]byte, cashSum)...))
	for i := range cashSum {
		digits = append(digits, byte(sum>>(5*(cashSum-1-i))&31))
	}
	text := make([]byte, len(digits))
	for i, d := range digits {
		text[i] = cashAlphabet[d]
	}
	return prefix + ":" + string(text)
}

// decodeCash reads a payload in lower case: its version byte and data, whose length is not checked against the version. The
// checksum must be right, and the bits that fill up the last digit zero.
func decodeCash(prefix, payload string) (version byte, data []byte, ok bool) {
	digits := make([]byte, len(payload))
	for i := range len(payload) {
		d := strings.IndexByte(cashAlphabet, payload[i])
		if d < 0 {
			return 0, nil, false
		}
		digits[i] = byte(d)
	}
	if prefix == "" || len(digits) < cashSum || cashChecksum(prefix, digits) != 0 {
		return 0, nil, false
	}
	bits, have := 0, 0
	for _, d := range digits[:len(digits)-cashSum] {
		bits, have = bits<<5|int(d), have+5
		if have >= 8 {
			have -= 8
			data = append(data, byte(bits>>have))
			bits &= 1<<have - 1
		}
	}
	if have >= 5 || bits != 0 || len(data) == 0 {
		return 0, nil, false
	}
	return data[0], data[1:], true
}

// cashChecksum is PolyMod of the specification over a prefix, the separator and the digits.
func cashChecksum(prefix string, digits []byte) uint64 {
	sum := uint64(1)
	for i := range len(prefix) {
		sum = cashStep(sum, prefix[i]&31)
	}
	sum = cashStep(sum, 0)
	for _, d := range digits {
		sum = cashStep(sum, d)
	}
	return sum ^ 1
}

func cashStep(sum uint64, digit byte) uint64 {
	top := sum >> 35
	sum = (sum&0x07ffffffff)<<5 ^ uint64(digit)
	for i, generator := range [...]uint64{0x98f2bc8e61, 0x79b76d99e2, 0xf33e5fb3c4, 0xae2eabe2a8, 0x1e4f43e470} {
		if top>>i&1 == 1 {
			sum ^= generator
		}
	}
	return sum
}
