package wallet

import (
	"errors"
	"strings"
	"testing"

	"checkout/fault"
)

func TestParseAddress(t *testing.T) {
	for _, v := range []struct{ params, text, want string }{
		{"mainnet", "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH", "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH"},
		{"mainnet", "3JvL6Ymt8MVWiCNHC7oWU6nLeHNJKLZGLN", "3JvL6Ymt8MVWiCNHC7oWU6nLeHNJKLZGLN"},
		{"mainnet", " bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4 ", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"},
		{"mainnet", "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"},
		{"mainnet", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"},
		{"signet", "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7", "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7"},
		{"testnet4", "2Mww8dCYPUpKHofjgcXcBCEGmniw9CoaiD2", "2Mww8dCYPUpKHofjgcXcBCEGmniw9CoaiD2"},
		{"regtest", "bcrt1q0xcqpzrky6eff2g52qdye53xkk9jxkvrl4xfg5", "bcrt1q0xcqpzrky6eff2g52qdye53xkk9jxkvrl4xfg5"},
	} {
		if got, err := ParseAddress(network(t, v.params), v.text); err != nil || got != v.want {
			t.Errorf("%s %s: %q, %v", v.params, v.text, got, err)
		}
	}
}

// The invalid addresses are those of BIP350 and one for each thing that can be wrong beyond it.
func TestParseAddressRefuses(t *testing.T) {
	for _, v := range []struct{ name, params, text, says string }{
		{"nothing", "mainnet", "", "not an address"},
		{"noise", "mainnet", "hello", "not an address"},
		{"an account key", "mainnet", xpub44, "not an address"},
		{"very long", "mainnet", strings.Repeat("1", 1_000_000), "not an address"},
		{"ones", "mainnet", strings.Repeat("1", 90), "not an address"},
		{"test network on main", "mainnet", "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7", "another network"},
		{"regtest on signet", "signet", "bcrt1q0xcqpzrky6eff2g52qdye53xkk9jxkvrl4xfg5", "another network"},
		{"main on regtest", "regtest", "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH", "another network"},
		{"base58 of test on main", "mainnet", "2Mww8dCYPUpKHofjgcXcBCEGmniw9CoaiD2", "another network"},
		{"base58 typing error", "mainnet", "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMh", "typing error"},
		{"Dogecoin", "mainnet", "DFpN6QqFfUm3gKNaxN6tNcab1FArL9cZLE", "another network"},
		{"Bitcoin Cash", "mainnet", "bitcoincash:qp63uahgrxged4z5jswyt5dn5v3lzsem6cy4spdc2h", "another network"},
		{"public key", "mainnet", "0260b2003c386519fc9eadf2b5cf124dd8eea4c4e68d5e154050a9346ea98ce600", "not an address"},
		{"other prefix", "mainnet", "tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut", "not an address"},
		{"bech32 for version 1", "mainnet", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", "typing error"},
		{"bech32 for version 2", "testnet4", "tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf", "typing error"},
		{"bech32 for version 16", "mainnet", "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL", "typing error"},
		{"bech32m for version 0", "mainnet", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh", "typing error"},
		{"bech32m for P2WSH", "testnet4", "tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47", "typing error"},
		{"character in checksum", "mainnet", "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4", "typing error"},
		{"version 17", "mainnet", "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R", "typing error"},
		{"one byte", "mainnet", "bc1pw5dgrnzv", "typing error"},
		{"41 bytes", "mainnet", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav", "typing error"},
		{"16 bytes of version 0", "mainnet", "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P", "typing error"},
		{"mixed case", "testnet4", "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq", "typing error"},
		{"much padding", "mainnet", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf", "typing error"},
		{"padding not zero", "testnet4", "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j", "typing error"},
		{"empty", "mainnet", "bc1gmk9yu", "typing error"},
		{"version 2, nobody's yet", "mainnet", "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", "not supported"},
		{"version 16, nobody's yet", "mainnet", "BC1SW50QGDZ25J", "not supported"},
		{"version 1 of 40 bytes", "mainnet", "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y", "typing error"},
	} {
		t.Run(v.name, func(t *testing.T) {
			_, err := ParseAddress(network(t, v.params), v.text)
			if !errors.Is(err, ErrAddress) {
				t.Fatalf("got %v, want %v", err, ErrAddress)
			}
			if got := fault.Of(err).Text; !strings.Contains(got, v.says) {
				t.Errorf("says %q, want something about %q", got, v.says)
			}
		})
	}
}

func TestPlayedAddress(t *testing.T) {
	rehearsal := network(t, "rehearsal")
	seen := map[string]bool{}
	for _, seed := range []string{"", "one", "two"} {
		for index := range uint32(50) {
			text, err := PlayedAddress([]byte(seed), index)
			if err != nil {
				t.Fatal(err)
			}
			if again, _ := PlayedAddress([]byte(seed), index); again != text {
				t.Errorf("seed %q, index %d: %s, then %s", seed, index, text, again)
			}
			if seen[text] {
				t.Errorf("%s comes twice", text)
			}
			seen[text] = true
			if got, err := ParseAddress(rehearsal, text); err != nil || got != text {
				t.Errorf("%s is no address of the rehearsal: %v", text, err)
			}
			if _, err := ParseAddress(network(t, "mainnet"), text); !errors.Is(err, ErrAddress) {
				t.Errorf("%s is an address of the main network", text)
			}
		}
	}
	// The formula must not change: a chain that was played already holds such addresses.
	const golden = "tltc1qwwnyjsnkvngrhwcx9ezkgf2gsstv2try3077cc"
	if text, _ := PlayedAddress([]byte("seed"), 1); text != golden {
		t.Errorf("address 1 of \"seed\" is %s, want %s", text, golden)
	}
}
