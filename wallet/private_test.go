package wallet

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// secrets are published test keys and phrases in the forms people paste.
var secrets = map[string]string{
	"xprv":               "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi",
	"yprv":               "yprvAHwhK6RbpuS3dgCYHM5jc2ZvEKd7Bi61u9FVhYMpgMSuZS613T1xxQeKTffhrHY79hZ5PsskBjcc6C2V7DrnsMsNaGDaWev3GLRQRgV7hxF",
	"zprv":               "zprvAdG4iTXWBoARxkkzNpNh8r6Qag3irQB8PzEMkAFeTRXxHpbF9z4QgEvBRmfvqWvGp42t42nvgGpNgYSJA9iefm1yYNZKEm7z6qUWCroSQnE",
	"tprv":               "tprv8ZgxMBicQKsPeDgjzdC36fs6bMjGApWDNLR9erAXMs5skhMv36j9MV5ecvfavji5khqjWaWSFhN3YcCUUdiKH6isR4Pwy3U5y5egddBr16m",
	"uprv":               "uprv91G7gZkzehuMVxDJTYE6tLivdF8e4rvzSu1LFfKw3b2Qx1Aj8vpoFnHdfUZ3hmi9jsvPifmZ24RTN2KhwB8BfMLTVqaBReibyaFFcTP1s9n",
	"xprv, mistyped":     "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGB",
	"xprv with path":     "xprvA1RpRA33e1JQ7ifknakTFpgNXPmW2YvmhqLQYMmrj4xJXXWYpDPS3xz7iAxn8L39njGVyuoseXzU6rcxFLJ8HFsTjSyQbLYnMpCqE2VbFWc/0/*",
	"descriptor":         "wpkh([deadbeef/84h/0h/0h]xprvA1RpRA33e1JQ7ifknakTFpgNXPmW2YvmhqLQYMmrj4xJXXWYpDPS3xz7iAxn8L39njGVyuoseXzU6rcxFLJ8HFsTjSyQbLYnMpCqE2VbFWc/0/*)",
	"WIF":                "5KYZdUEo39z3FPrtuX2QbbwGnNP5zTd7yyr2SC1j299sBCnWjss",
	"WIF, compressed":    "L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1",
	"WIF, test network":  "cULrpoZGXiuC19Uhvykx7NugygA3k86b3hmdCeyvHYQZSxojGyXJ",
	"WIF in descriptor":  "wpkh(L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1)",
	"BIP38":              "6PRVWUbkzzsbcVac2qwfssoUJAN1Xhrg6bNk8J7Nzm5H7kxEbn2Nh2ZoGg",
	"hex":                "c9bdb49cfbaedca21c4b1f3a7803c34636b1d7dc55a717132443fc3f4c5867e8",
	"hex, 0x":            "0xc9bdb49cfbaedca21c4b1f3a7803c34636b1d7dc55a717132443fc3f4c5867e8",
	"BIP32 seed":         "000102030405060708090a0b0c0d0e0f",
	"seed of 64 bytes":   strings.Repeat("fffcf9f6f3f0edea", 8),
	"phrase":             "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
	"phrase, upper case": "ABANDON ABANDON ABANDON ABANDON ABANDON ABANDON ABANDON ABANDON ABANDON ABANDON ABANDON ABOUT",
	"phrase, numbered":   "1. abandon\n2. abandon\n3. abandon\n4. abandon\n5. abandon\n6. abandon\n7. abandon\n8. abandon\n9. abandon\n10. abandon\n11. abandon\n12. about",
	"phrase, commas":     "legal,winner,thank,year,wave,sausage,worth,useful,legal,winner,thank,yellow",
	"phrase of 24":       "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art",
	"phrase, French":     "abaisser abaisser abaisser abaisser abaisser abaisser abaisser abaisser abaisser abaisser abaisser étoile",
	"phrase, Japanese":   "あいこくしん　あいこくしん　あいこくしん　あいこくしん　あいこくしん　あいこくしん　あいこくしん　あいこくしん　あいこくしん　あいこくしん　あいこくしん　あおぞら",
	"wallet file":        `{"keystore":{"type":"bip32","xpub":"` + xpub44 + `","xprv":"xprv9xpXFhFpqdQK3TmytPBqXtGSwS3DLjojFhTGht8gwAAii8py5X6pxeBnQ6ehJiyJ6nDjWGJfZ95WxByFXVkDxHXrqu53WCRGypk2ttuqncb"}}`,
	"under xpub":         "xpub661MyMwAqRbcEYS8w7XLSVeEsBXy79zSzH1J8vCdxAZningWLdN3zgtU6LBpB85b3D2yc8sfvZU521AAwdZafEz7mnzBBsz4wKY5fTtTQBm",
	"long, at the end":   strings.Repeat("x ", 400) + "L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1",
}

func TestPrivateKeysAreRefused(t *testing.T) {
	for name, secret := range secrets {
		t.Run(name, func(t *testing.T) {
			_, err := ParseKey(secret, network(t, "mainnet"))
			if !errors.Is(err, ErrPrivateKey) {
				t.Fatalf("got %v, want %v", err, ErrPrivateKey)
			}
			said := fmt.Sprintf("%v %+v %#v", err, err, err)
			for start := 0; start+12 <= len(secret); start++ {
				if strings.Contains(said, secret[start:start+12]) {
					t.Fatal("the refusal repeats a part of the secret")
				}
			}
		})
	}
}

func TestPublicTextIsNotPrivate(t *testing.T) {
	for _, text := range []string{
		xpub44, ypub49, zpub84, xpub86, upub49, tpub,
		mustParse(t, "[73c5da0a/84h/0h/0h]"+zpub84, "mainnet").String(),
		"bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr",
		"0260b2003c386519fc9eadf2b5cf124dd8eea4c4e68d5e154050a9346ea98ce600",
		"I do not know what to paste here, can you please tell me where my wallet shows the key?",
		"",
	} {
		if looksPrivate(text) {
			t.Errorf("%q is taken for private", text)
		}
	}
}
