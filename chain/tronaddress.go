package chain

import (
	"encoding/hex"
	"strings"

	"github.com/btcsuite/btcd/address/v2/base58"
)

// tronVersion is the first byte of every Tron address, written in hex before the 20 bytes it shares with the EVM family.
const tronVersion = 0x41

// TronAddress writes the 20 bytes of an account in Base58Check, "T…" (developers.tron.network, "Accounts").
func TronAddress(account [20]byte) string { return base58.CheckEncode(account[:], tronVersion) }

// ParseTronAddress reads what TronAddress writes; false: it is none.
func ParseTronAddress(text string) ([20]byte, bool) {
	if len(text) != 34 || text[0] != 'T' {
		return [20]byte{}, false
	}
	raw, version, err := base58.CheckDecode(text)
	if err != nil || version != tronVersion || len(raw) != 20 {
		return [20]byte{}, false
	}
	return [20]byte(raw), true
}

// TronHex writes an account as nodes do: 42 hex digits that begin with 41.
func TronHex(account [20]byte) string {
	return hex.EncodeToString(append([]byte{tronVersion}, account[:]...))
}

// ParseTronHex reads what TronHex writes; false: it is none.
func ParseTronHex(text string) ([20]byte, bool) {
	digits, ok := strings.CutPrefix(text, "41")
	raw, err := hex.DecodeString(digits)
	if !ok || err != nil || len(raw) != 20 {
		return [20]byte{}, false
	}
	return [20]byte(raw), true
}
