package wallet

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"checkout/chain"
	"checkout/fault"
)

// Account keys of the phrase "abandon … about", as published in SLIP-0132 and BIP86.
const (
	xpub44 = "xpub6BosfCnifzxcFwrSzQiqu2DBVTshkCXacvNsWGYJVVhhawA7d4R5WSWGFNbi8Aw6ZRc1brxMyWMzG3DSSSSoekkudhUd9yLb6qx39T9nMdj"
	ypub49 = "ypub6Ww3ibxVfGzLrAH1PNcjyAWenMTbbAosGNB6VvmSEgytSER9azLDWCxoJwW7Ke7icmizBMXrzBx9979FfaHxHcrArf3zbeJJJUZPf663zsP"
	zpub84 = "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs"
	xpub86 = "xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ"
	upub49 = "upub5EFU65HtV5TeiSHmZZm7FUffBGy8UKeqp7vw43jYbvZPpoVsgU93oac7Wk3u6moKegAEWtGNF8DehrnHtv21XXEMYRUocHqguyjknFHYfgY"
	tpub   = "tpubDDRojdS4jYQXNugn4t2WLrZ7mjfAyoVQu7MLk4eurqFCbrc7cHLZX8W5YRS8ZskGR9k9t3PqVv68bVBjAyW4nWM9pTGRddt3GQftg6MVQsm"
)

// network is one of Bitcoin's, or "LTC/regtest", one of another coin.
func network(t testing.TB, params string) chain.Network {
	t.Helper()
	if params == "rehearsal" {
		n, _ := chain.Rehearsal()
		return n
	}
	n, _, ok := chain.Bitcoin(params)
	if coin, of, another := strings.Cut(params, "/"); another {
		n, _, ok = chain.UTXO(coin, of)
	}
	if !ok {
		t.Fatalf("no network %q", params)
	}
	return n
}

func mustParse(t testing.TB, text, params string) Key {
	t.Helper()
	k, err := ParseKey(text, network(t, params))
	if err != nil {
		t.Fatalf("ParseKey(%q): %v", text, err)
	}
	return k
}

func mustAddress(t testing.TB, k Key, index uint32) string {
	t.Helper()
	a, err := k.Address(index)
	if err != nil {
		t.Fatalf("Address(%d): %v", index, err)
	}
	return a
}

// The addresses published with BIP44 (by SLIP-0132), BIP49, BIP84 and BIP86.
func TestAddressVectors(t *testing.T) {
	for _, v := range []struct {
		name, key, params string
		script            ScriptType
		addresses         []string
	}{
		{"BIP44", xpub44 + "-[legacy]", "mainnet", PKH, []string{"1LqBGSKuX5yYUonjxT5qGfpUsXKYYWeabA"}},
		{"BIP49, main", ypub49, "mainnet", SHWPKH, []string{"37VucYSaXLCAsxYyAPfbSi9eh4iEcbShgf"}},
		{"BIP49", upub49, "testnet4", SHWPKH, []string{"2Mww8dCYPUpKHofjgcXcBCEGmniw9CoaiD2"}},
		{"BIP84", zpub84, "mainnet", WPKH, []string{
			"bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu", "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g",
		}},
		{"BIP86", xpub86 + "-[taproot]", "mainnet", TR, []string{
			"bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr",
			"bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh",
		}},
	} {
		t.Run(v.name, func(t *testing.T) {
			k := mustParse(t, v.key, v.params)
			if k.Script() != v.script {
				t.Errorf("script %q, want %q", k.Script(), v.script)
			}
			for i, want := range v.addresses {
				if got := mustAddress(t, k, uint32(i)); got != want {
					t.Errorf("address %d is %s, want %s", i, got, want)
				}
			}
		})
	}
}

// Every way of writing an account gives the same canonical text, and so the same addresses.
func TestParseKeyForms(t *testing.T) {
	const origin = "[73c5da0a/84h/0h/0h]"
	account := mustParse(t, zpub84, "mainnet")
	plain := account.account.encode(true) // the same key as an xpub
	canonical := account.String()
	withOrigin := mustParse(t, origin+zpub84, "mainnet").String()

	for _, f := range []struct{ text, want string }{
		{zpub84, canonical},
		{"  " + zpub84 + "\n", canonical},
		{plain, canonical}, // the default of a plain xpub
		{plain + "/0/*", canonical},
		{plain + "/<0;1>/*", canonical},
		{plain + "/**", canonical},
		{"wpkh(" + plain + ")", canonical},
		{"wpkh(" + plain + "/0/*)", canonical},
		{"wpkh(" + zpub84 + "/<0;1>/*)", canonical},
		{canonical, canonical},
		{origin + plain, withOrigin},
		{"[73C5DA0A/84'/0'/0']" + plain, withOrigin},
		{"wpkh(" + origin + plain + "/0/*)", withOrigin},
		{withOrigin, withOrigin},
	} {
		if got := mustParse(t, f.text, "mainnet").String(); got != f.want {
			t.Errorf("%s\n got %s\nwant %s", f.text, got, f.want)
		}
	}
	if !strings.HasPrefix(canonical, "wpkh(xpub") || !strings.Contains(canonical, "/0/*)#") {
		t.Errorf("not the canonical form: %s", canonical)
	}
	if !strings.Contains(withOrigin, "("+origin+"xpub") {
		t.Errorf("the origin is lost: %s", withOrigin)
	}
}

func TestScriptTypePolicy(t *testing.T) {
	for _, f := range []struct {
		text string
		want ScriptType
	}{
		{xpub44, WPKH},
		{xpub44 + "-[legacy]", PKH},
		{xpub44 + "-[p2sh]", SHWPKH},
		{xpub44 + "-[taproot]", TR},
		{ypub49, SHWPKH},
		{ypub49 + "-[p2sh]", SHWPKH},
		{zpub84, WPKH},
		{"pkh(" + xpub44 + "/0/*)", PKH},
		{"sh(wpkh(" + xpub44 + "/0/*))", SHWPKH},
		{"tr(" + xpub44 + "/0/*)", TR},
		{"[73c5da0a/44h/0h/0h]" + xpub44, PKH},
		{"[73c5da0a/49h/0h/0h]" + xpub44, SHWPKH},
		{"[73c5da0a/86h/0h/0h]" + xpub44, TR},
		{"[73c5da0a/48h/0h/0h]" + xpub44, WPKH},
		{"[73c5da0a]" + xpub44, WPKH},
		{"[73c5da0a/44h/0h/0h]" + xpub44 + "-[taproot]", TR},
		{"[73c5da0a/44h/0h/0h]" + zpub84, WPKH},
	} {
		if got := mustParse(t, f.text, "mainnet").Script(); got != f.want {
			t.Errorf("%s is %q, want %q", f.text, got, f.want)
		}
	}
}

// A chain's key, given as such, has the addresses of its account.
func TestChainKey(t *testing.T) {
	account := mustParse(t, zpub84, "mainnet")
	top, err := account.account.node()
	if err != nil {
		t.Fatal(err)
	}
	chainKey := childExtended(t, account.account, top, 0).encode(true)

	k := mustParse(t, "wpkh("+chainKey+"/*)", "mainnet")
	if got, want := mustAddress(t, k, 7), mustAddress(t, account, 7); got != want {
		t.Errorf("address 7 of the chain is %s, of the account %s", got, want)
	}
	if again := mustParse(t, k.String(), "mainnet"); again.String() != k.String() {
		t.Errorf("%s reads back as %s", k, again)
	}
	if _, err := ParseKey(chainKey, network(t, "mainnet")); !errors.Is(err, ErrKey) {
		t.Errorf("a chain's key without a path: %v", err)
	}
}

func TestIdentity(t *testing.T) {
	account := mustParse(t, zpub84, "mainnet")
	top, err := account.account.node()
	if err != nil {
		t.Fatal(err)
	}
	forged := account.account
	forged.depth, forged.parent, forged.number = 4, [4]byte{1, 2, 3, 4}, hardened+7
	same := []string{
		zpub84 + "/0/*",
		"[73c5da0a/84h/0h/0h]" + zpub84,
		"wpkh(" + childExtended(t, account.account, top, 0).encode(true) + "/*)",
		"wpkh(" + forged.encode(true) + "/0/*)",
	}
	for _, text := range same {
		if k := mustParse(t, text, "mainnet"); k.Identity() != account.Identity() || mustAddress(t, k, 3) != mustAddress(t, account, 3) {
			t.Errorf("%s is another key than %s", text, account)
		}
	}
	plain := account.account.encode(true)
	seen := map[string]string{account.Identity(): zpub84}
	for _, text := range []string{xpub44, xpub86, plain + "-[legacy]", plain + "-[p2sh]", plain + "-[taproot]", plain + "/*"} {
		k := mustParse(t, text, "mainnet")
		if other, ok := seen[k.Identity()]; ok {
			t.Errorf("%s is the same as %s", text, other)
		}
		seen[k.Identity()] = text
	}
}

func TestFingerprint(t *testing.T) {
	// BIP32, test vector 1: the child m/0h names m's fingerprint as its parent's.
	parent := mustParse(t, "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8", "mainnet")
	child := mustParse(t, "xpub68Gmy5EdvgibQVfPdqkBBCHxA5htiqg55crXYuXoQRKfDBFA1WEjWgP6LHhwBZeNK1VTsfTFUHCdrfp1bgwQ9xv5ski8PX9rL2dZXvgGDnw", "mainnet")
	if got, want := parent.Fingerprint(), fmt.Sprintf("%x", child.account.parent); got != want || got != "3442193e" {
		t.Errorf("fingerprint %s, want %s", got, want)
	}
}

func TestParseKeyRefuses(t *testing.T) {
	broken := zpub84[:60] + "x" + zpub84[61:]
	deep := "xpub6H1LXWLaKsWFhvm6RVpEL9P4KfRZSW7abD2ttkWP3SSQvnyA8FSVqNTEcYFgJS2UaFcxupHiYkro49S8yGasTvXEYBVPamhGW6cFJodrTHy" // depth 5
	for _, f := range []struct{ name, text, params, says string }{
		{"nothing", "", "mainnet", "not a public account key"},
		{"noise", "hello", "mainnet", "not a public account key"},
		{"an address", "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu", "mainnet", "not a public account key"},
		{"very long", strings.Repeat("x", 501), "mainnet", "not a public account key"},
		{"main key on regtest", zpub84, "regtest", "main network"},
		{"test key on main", tpub, "mainnet", "test network"},
		{"rehearsal", tpub, "rehearsal", "does not take"},
		{"typing error", broken, "mainnet", "typing error"},
		{"too deep", deep, "mainnet", "single address"},
		{"public key", "0260b2003c386519fc9eadf2b5cf124dd8eea4c4e68d5e154050a9346ea98ce600", "mainnet", "single address"},
		{"public key in a descriptor", "pkh(0260b2003c386519fc9eadf2b5cf124dd8eea4c4e68d5e154050a9346ea98ce600)", "mainnet", "single address"},
		{"hardened children", "wpkh(" + zpub84 + "/0/*h)", "mainnet", "hardened"},
		{"hardened step", "wpkh(" + zpub84 + "/0'/*)", "mainnet", "hardened"},
		{"change chain", "wpkh(" + zpub84 + "/1/*)", "mainnet", "not supported"},
		{"fixed child", zpub84 + "/0/5", "mainnet", "not supported"},
		{"other script", "wsh(" + xpub44 + "/0/*)", "mainnet", "one key"},
		{"multisig", "wsh(multi(1," + xpub44 + "/0/*))", "mainnet", "one key"},
		{"BTCPay multisig", "2-of-" + xpub44 + "-" + xpub86, "mainnet", "not a public account key"},
		{"unbalanced", "wpkh(" + zpub84, "mainnet", "one key"},
		{"tree", "tr(" + xpub86 + "/0/*,pk(" + xpub44 + "))", "mainnet", "not supported"},
		{"descriptor checksum", "wpkh(" + zpub84 + "/0/*)#aaaaaaaa", "mainnet", "typing error"},
		{"empty checksum", "wpkh(" + zpub84 + "/0/*)#", "mainnet", "typing error"},
		{"not of descriptors", "wpkh(ü)", "mainnet", "typing error"},
		{"contradiction", "pkh(" + zpub84 + "/0/*)", "mainnet", "another kind"},
		{"contradicting suffix", ypub49 + "-[taproot]", "mainnet", "another kind"},
		{"unknown suffix", xpub44 + "-[keeporder]", "mainnet", "not a public account key"},
		{"open origin", "[73c5da0a/84h" + zpub84, "mainnet", "origin"},
		{"short origin", "[73c5da0/84h]" + zpub84, "mainnet", "origin"},
		{"long origin", "[73c5da0aa/84h]" + zpub84, "mainnet", "origin"},
		{"origin not hex", "[g3c5da0a/84h]" + zpub84, "mainnet", "origin"},
		{"origin with a slash at the end", "[73c5da0a/84h/]" + zpub84, "mainnet", "origin"},
		{"origin with children", "[73c5da0a/84h/*]" + zpub84, "mainnet", "origin"},
		{"origin with another mark", "[73c5da0a/84f]" + zpub84, "mainnet", "origin"},
		{"origin with a sign", "[73c5da0a/-84h]" + zpub84, "mainnet", "origin"},
		{"origin out of range", "[73c5da0a/2147483648]" + zpub84, "mainnet", "origin"},
		{"two origins", "[73c5da0a][73c5da0a]" + zpub84, "mainnet", "not a public account key"},
		{"multi-signature prefix", reversion(t, zpub84, 0x02aa7ed3), "mainnet", "multi-signature"},
		{"another coin", reversion(t, zpub84, 0x019da462), "mainnet", "not a key of a Bitcoin account"},
	} {
		t.Run(f.name, func(t *testing.T) {
			_, err := ParseKey(f.text, network(t, f.params))
			if !errors.Is(err, ErrKey) {
				t.Fatalf("got %v, want the fault %s", err, ErrKey.Code)
			}
			if got := fault.Of(err); !strings.Contains(got.Text, f.says) || got.Kind != fault.Invalid {
				t.Errorf("says %q, want something about %q", got.Text, f.says)
			}
		})
	}
}

func TestAddressRefuses(t *testing.T) {
	k := mustParse(t, zpub84, "mainnet")
	for _, index := range []uint32{hardened, math.MaxUint32} {
		if _, err := k.Address(index); !errors.Is(err, ErrKey) {
			t.Errorf("Address(%d): %v", index, err)
		}
	}
	if _, err := (Key{}).Address(0); !errors.Is(err, ErrKey) {
		t.Errorf("the zero Key derives: %v", err)
	}
	if got := (Key{}).String(); got != "" {
		t.Errorf("the zero Key is %q", got)
	}
	mustAddress(t, k, hardened-1)
}

func BenchmarkParseKey(b *testing.B) {
	n := network(b, "mainnet")
	for b.Loop() {
		if _, err := ParseKey(zpub84, n); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAddress(b *testing.B) {
	for _, text := range []string{zpub84, xpub86 + "-[taproot]"} {
		k := mustParse(b, text, "mainnet")
		b.Run(string(k.Script()), func(b *testing.B) {
			b.ReportAllocs()
			index := uint32(0)
			for b.Loop() {
				if _, err := k.Address(index); err != nil {
					b.Fatal(err)
				}
				index++
			}
		})
	}
}
