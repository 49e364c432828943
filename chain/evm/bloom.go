package evm

import (
	"encoding/hex"
	"strings"

	"golang.org/x/crypto/sha3"
)

// mayHold says whether a block's bloom filter allows for a transfer log of one of the tokens; a filter that cannot be read
// allows for all (Yellow Paper, 4.3.1: three bits of 2048, from the first bytes of the hash of each address and topic).
func mayHold(bloom string, filters []tokenBits) bool {
	bits, err := hex.DecodeString(strings.TrimPrefix(bloom, "0x"))
	if err != nil || len(bits) != 256 {
		return true
	}
	for _, f := range filters {
		if f.in(bits) {
			return true
		}
	}
	return false
}

// tokenBits are the bits of the filter that a transfer of one token sets.
type tokenBits [6]int

func (t tokenBits) in(bits []byte) bool {
	for _, b := range t {
		if bits[255-b/8]>>(b%8)&1 == 0 {
			return false
		}
	}
	return true
}

// bitsOf is where the filter of a block shows a transfer of a token.
func bitsOf(contract string) tokenBits {
	var out tokenBits
	for i, text := range []string{contract, transferTopic} {
		item, _ := hex.DecodeString(strings.TrimPrefix(text, "0x")) // both were looked at
		hash := sha3.NewLegacyKeccak256()
		_, _ = hash.Write(item) // a hash takes everything
		sum := hash.Sum(nil)
		for j := range 3 {
			out[3*i+j] = (int(sum[2*j])<<8 | int(sum[2*j+1])) & 2047
		}
	}
	return out
}
