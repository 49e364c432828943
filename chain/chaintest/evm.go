package chaintest

import (
	"crypto/rand"
	"encoding/hex"
	"math/big"
	"testing"
	"time"

	"checkout/chain"
	"checkout/chain/evm/devnet"
)

// EVMNode is an anvil node of a private network that ends with the test. What goes wrong with it fails the test.
type EVMNode struct {
	*devnet.Process
	t testing.TB
}

// StartEVM starts an anvil node with a few blocks that makes a block each so often; 0: only when told to. Without anvil the
// test is skipped, or fails if CHECKOUT_REQUIRE names "nodes".
func StartEVM(t testing.TB, every time.Duration) *EVMNode {
	t.Helper()
	return StartEVMChain(t, every, devnet.ChainID)
}

// StartEVMChain is StartEVM with a chain id of its own.
func StartEVMChain(t testing.TB, every time.Duration, id int64) *EVMNode {
	t.Helper()
	p, err := devnet.Start(t.Context(), devnet.Config{Binary: Program(t, "anvil"), Every: every, ChainID: id})
	must(t, err)
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	n := &EVMNode{Process: p, t: t}
	n.Blocks(3)
	return n
}

// Blocks adds blocks; the first takes what waits.
func (n *EVMNode) Blocks(count int) { n.t.Helper(); must(n.t, n.Mine(n.t.Context(), count)) }

// Address is an address nobody holds the key of.
func (n *EVMNode) Address() string {
	n.t.Helper()
	var raw [20]byte
	_, err := rand.Read(raw[:])
	must(n.t, err)
	text, _ := chain.EIP55("0x" + hex.EncodeToString(raw[:])) // it has the form
	return text
}

// Coins sends smallest units of the network's coin.
func (n *EVMNode) Coins(to string, units int64) (txid string) {
	n.t.Helper()
	txid, err := n.Pay(n.t.Context(), to, big.NewInt(units))
	must(n.t, err)
	return txid
}

// Tokens sends smallest units of a token.
func (n *EVMNode) Tokens(token, to string, units int64) (txid string) {
	n.t.Helper()
	txid, err := n.PayToken(n.t.Context(), token, to, big.NewInt(units))
	must(n.t, err)
	return txid
}

// MakeToken makes a token and gives its address, EIP-55.
func (n *EVMNode) MakeToken(symbol string, decimals uint8) string {
	n.t.Helper()
	address, err := n.Token(n.t.Context(), symbol, symbol, decimals, 0)
	must(n.t, err)
	text, ok := chain.EIP55(address)
	if !ok {
		n.t.Fatalf("a token at %q", address)
	}
	return text
}
