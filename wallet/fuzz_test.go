package wallet

import (
	"errors"
	"strings"
	"testing"

	"checkout/chain"
)

var allParams = []string{
	"mainnet", "testnet4", "signet", "regtest", "rehearsal",
	"LTC/mainnet", "LTC/regtest", "DOGE/mainnet", "DOGE/regtest", "BCH/mainnet", "BCH/regtest",
}

// What is accepted reads back as the same key, and derives; what is not is refused with one of two faults.
func FuzzParseKey(f *testing.F) {
	for _, seed := range secrets {
		f.Add(seed, uint8(0))
	}
	for _, seed := range []string{
		xpub44, ypub49, zpub84, xpub86, upub49, tpub, ltub44, mtub49, dgub44,
		"wpkh([73c5da0a/84h/0h/0h]" + zpub84 + "/<0;1>/*)", "sh(wpkh(" + xpub44 + "/**))", xpub44 + "-[taproot]",
		"tr(" + xpub44 + ",{pk(a),pk(b)})", "wpkh((((((", "#", "##########", "[]", "[/]", "[deadbeef/]x", "()", "-[legacy]",
		"\x00\xff", strings.Repeat("1", 500), strings.Repeat("[", 500), "wpkh(" + strings.Repeat("z", 400) + ")",
	} {
		for i := range allParams {
			f.Add(seed, uint8(i))
		}
	}
	f.Fuzz(func(t *testing.T, text string, which uint8) {
		n := network(t, allParams[int(which)%len(allParams)])
		k, err := ParseKey(text, n)
		if err != nil {
			if !errors.Is(err, ErrKey) && !errors.Is(err, ErrPrivateKey) {
				t.Fatalf("not a fault: %v", err)
			}
			return
		}
		again, err := ParseKey(k.String(), n)
		if err != nil || again != k {
			t.Fatalf("%q is %s, which reads back as %s, %v", text, k, again, err)
		}
		checkAddress(t, k, n)
	})
}

func checkAddress(t *testing.T, k Key, n chain.Network) {
	t.Helper()
	derived, err := k.Address(0)
	if errors.Is(err, ErrNoAddress) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseAddress(n, derived); err != nil || got != derived {
		t.Fatalf("%s derives %q, which reads as %q, %v", k, derived, got, err)
	}
}

// What is accepted is its own canonical form.
func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{
		"1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH", "3JvL6Ymt8MVWiCNHC7oWU6nLeHNJKLZGLN", "2Mww8dCYPUpKHofjgcXcBCEGmniw9CoaiD2",
		"BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
		"bcrt1q0xcqpzrky6eff2g52qdye53xkk9jxkvrl4xfg5", "tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf",
		"M7wtsL7wSHDBJVMWWhtQfTMSYYkyooAAXM", "31jkZShyVAMkVz5cQpu4qp73DrAXtFP3rZ", "DBus3bamQjgJULBJtYXpEzDWQRwF5iwxgC",
		"bitcoincash:qqyx49mu0kkn9ftfj6hje6g2wfer34yfnq5tahq3q6", "QQYX49MU0KKN9FTFJ6HJE6G2WFER34YFNQ5TAHQ3Q6", "bchreg:", "q:", ":",
		"bc1", "BC1", "bc11", "tltc1q", "1", strings.Repeat("1", 90), "bc1\x00", "ß", "\xff",
	} {
		for i := range allParams {
			f.Add(seed, uint8(i))
		}
	}
	f.Fuzz(func(t *testing.T, text string, which uint8) {
		n := network(t, allParams[int(which)%len(allParams)])
		got, err := ParseAddress(n, text)
		if err != nil {
			if !errors.Is(err, ErrAddress) {
				t.Fatalf("not a fault: %v", err)
			}
			return
		}
		if again, err := ParseAddress(n, got); err != nil || again != got {
			t.Fatalf("%q is %q, which is %q, %v", text, got, again, err)
		}
	})
}
