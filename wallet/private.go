package wallet

import (
	"slices"
	"strings"
	"unicode"

	"github.com/btcsuite/btcd/address/v2/base58"
)

// looksPrivate says whether text holds anything that looks like a private key, well-formed or not: somebody who
// mistyped one gave it away all the same. It errs on the side of refusing; nothing it refuses is a usable account key.
func looksPrivate(text string) bool {
	tokens := strings.FieldsFunc(text, func(r rune) bool { return !unicode.In(r, unicode.L, unicode.M, unicode.N) })
	return slices.ContainsFunc(tokens, privateToken) || recoveryPhrase(tokens)
}

// privateToken knows a single secret by its form.
func privateToken(token string) bool {
	switch length := len(token); {
	case length >= 16 && slices.Contains(privatePrefixes[:], strings.ToLower(token[:4])):
		return true // an extended private key, or a good piece of one
	case (length == 51 || length == 52) && strings.IndexByte("5KL9c", token[0]) >= 0:
		return isBase58(token) // wallet import format
	case length == 58 && strings.HasPrefix(token, "6P"):
		return isBase58(token) // encrypted (BIP38)
	case length == 32 || length == 64 || length == 128:
		return isHex(token) // entropy, key or seed
	case length == 34 || length == 66 || length == 130:
		digits, ok := strings.CutPrefix(token, "0x")
		return ok && isHex(digits)
	case length >= 100 && length <= 120:
		// Under a public version, but a private key is inside: its 33 bytes begin with 0, a point's with 2 or 3.
		raw := base58.Decode(token)
		return len(raw) == extendedSize+checksumSize && raw[keyOffset] == 0
	}
	return false
}

// privatePrefixes begin extended private keys, in lower case: those of SLIP-0132 and of well-known other coins.
var privatePrefixes = [...]string{
	"xprv", "yprv", "zprv", "tprv", "uprv", "vprv", "pprv", "ltpv", "mtpv", "ttpv", "vtcv", "dgpv",
}

// phraseWords is how many words in a row are taken for a recovery phrase. BIP39 has 12 or more; one may be missing.
const phraseWords = 11

// recoveryPhrase looks for words as recovery phrases have them (BIP39: English words have 3 to 8 letters), numbered or
// not.
func recoveryPhrase(tokens []string) bool {
	inRow := 0
	for _, token := range tokens {
		switch {
		case digitsOnly(token): // the number of the next word
		case !phraseWord(token):
			inRow = 0
		default:
			if inRow++; inRow >= phraseWords {
				return true
			}
		}
	}
	return false
}

func phraseWord(token string) bool {
	ascii := true
	for _, r := range token {
		if unicode.In(r, unicode.N) {
			return false
		}
		ascii = ascii && r < unicode.MaxASCII
	}
	return !ascii || len(token) >= 3 && len(token) <= 8
}

func digitsOnly(token string) bool {
	return strings.Trim(token, "0123456789") == ""
}

func isHex(token string) bool {
	return strings.Trim(token, "0123456789abcdefABCDEF") == ""
}

func isBase58(token string) bool {
	return len(base58.Decode(token)) > 0
}
