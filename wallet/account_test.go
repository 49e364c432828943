package wallet

import (
	"errors"
	"strings"
	"testing"

	"checkout/chain"
)

// The accounts m/44'/60'/0' and m/84'/0'/0' of the phrase "abandon … about".
const ethereumAccount = "xpub6DCoCpSuQZB2jawqnGMEPS63ePKWkwWPH4TU45Q7LPXWuNd8TMtVxRrgjtEshuqpK3mdhaWHPFsBngh5GFZaM6si3yZdUsT8ddYM3PwnATt"

func listed(t *testing.T, id string) chain.Network {
	t.Helper()
	n, ok := chain.Catalogue().Network(id)
	if !ok {
		t.Fatalf("no network %q", id)
	}
	return n
}

// Every wallet of the phrase shows these addresses first (BIP44, coin type 60).
func TestEthereumAddresses(t *testing.T) {
	k, err := ParseKey(ethereumAccount, listed(t, "ethereum"))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"0x9858EfFD232B4033E47d90003D41EC34EcaEda94", "0x6Fac4D18c912343BF86fa7049364Dd4E424Ab9C0"} {
		if got := mustAddress(t, k, uint32(i)); got != want { //nolint:gosec // small
			t.Errorf("address %d is %s, want %s", i, got, want)
		}
	}
	if k.Script() != EVM {
		t.Errorf("they are of kind %q", k.Script())
	}
}

// An address is the same on all networks of the family: two accounts of the same key are one.
func TestOneKeyOnAllNetworksOfAFamily(t *testing.T) {
	dev, _ := chain.Devnet()
	first, err := ParseKey(ethereumAccount, listed(t, "ethereum"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []chain.Network{listed(t, "bsc"), listed(t, "polygon"), dev} {
		for _, text := range []string{ethereumAccount, "[73c5da0a/44'/60'/0']" + ethereumAccount + "/0/*", first.String()} {
			k, err := ParseKey(text, n)
			if err != nil {
				t.Fatalf("%s on %s: %v", text, n.ID, err)
			}
			if k.Identity() != first.Identity() || mustAddress(t, k, 7) != mustAddress(t, first, 7) {
				t.Errorf("%s on %s is another account", text, n.ID)
			}
			if again, err := ParseKey(k.String(), n); err != nil || again.String() != k.String() {
				t.Errorf("%s becomes %s, %v", k, again, err)
			}
		}
	}
	if bitcoin := mustParse(t, ethereumAccount, "mainnet"); bitcoin.Identity() == first.Identity() {
		t.Error("the same key is the same account on Bitcoin")
	}
}

func TestKeysOfOtherChainsAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"zpub":                 zpub84,
		"ypub":                 ypub49,
		"a descriptor":         "wpkh(" + xpub44 + "/0/*)",
		"an origin of Bitcoin": "[73c5da0a/84h/0h/0h]" + xpub44,
		"a test key":           tpub,
		"an address":           "0x9858EfFD232B4033E47d90003D41EC34EcaEda94",
		"a suffix":             xpub44 + "-[legacy]",
		"a public key":         "02" + strings.Repeat("ab", 32),
		"nothing":              "",
	} {
		_, err := ParseKey(text, listed(t, "ethereum"))
		if !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ParseKey(strings.Repeat("ab", 32), listed(t, "ethereum")); !errors.Is(err, ErrPrivateKey) {
		t.Errorf("a private key: %v", err)
	}
}

// The vectors of EIP-55, and what comes near to them.
func TestParseEVMAddress(t *testing.T) {
	ethereum := listed(t, "ethereum")
	for _, want := range []string{
		"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
		"0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
		"0x52908400098527886E0F7030069857D2E4169EE7", "0xde709f2102306220921060314715629080e2fb77",
	} {
		for _, text := range []string{want, strings.ToLower(want), "0x" + strings.ToUpper(want[2:]), " " + want + "\n"} {
			if got, err := ParseAddress(ethereum, text); err != nil || got != want {
				t.Errorf("%q is %q, %v", text, got, err)
			}
		}
	}
	for name, text := range map[string]string{
		"a typing error": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD",
		"without 0x":     "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
		"a digit more":   "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed0",
		"a digit less":   "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe",
		"no digit":       "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeg",
		"nobody's":       "0x0000000000000000000000000000000000000000",
		"one of Bitcoin": "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
		"nothing":        "",
		"a capital X":    "0X5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
	} {
		if got, err := ParseAddress(ethereum, text); !errors.Is(err, ErrAddress) {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
}
