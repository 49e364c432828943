package chain

import (
	"encoding/hex"
	"strings"

	"golang.org/x/crypto/sha3"
)

// EIP55 writes an address of the EVM family in the mixed case that is its checksum (EIP-55): a letter is a capital where
// the hash of the address has a high digit. The address is "0x" and 40 hex digits of any case; false: it is none.
func EIP55(address string) (string, bool) {
	digits, ok := strings.CutPrefix(address, "0x")
	if !ok || len(digits) != 40 {
		return "", false
	}
	digits = strings.ToLower(digits)
	if _, err := hex.DecodeString(digits); err != nil {
		return "", false
	}
	hash := sha3.NewLegacyKeccak256()
	_, _ = hash.Write([]byte(digits)) // a hash takes everything
	sum := hash.Sum(nil)
	out := []byte(digits)
	for i, c := range out {
		nibble := sum[i/2] >> 4
		if i%2 == 1 {
			nibble = sum[i/2] & 0xf
		}
		if c >= 'a' && nibble >= 8 {
			out[i] = c - 'a' + 'A'
		}
	}
	return "0x" + string(out), true
}
