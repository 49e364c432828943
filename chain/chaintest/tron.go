package chaintest

import (
	"fmt"
	"testing"
	"time"

	"checkout/chain"
	"checkout/chain/tron/devnet"
)

// TronNode is an EVM node with the face of a Tron node. Addresses and contracts are Tron's.
type TronNode struct {
	*EVMNode
	*devnet.Proxy
}

// StartTron starts one that ends with the test; see StartEVM.
func StartTron(t testing.TB, every time.Duration) *TronNode {
	t.Helper()
	node := StartEVM(t, every)
	p, err := devnet.Start(t.Context(), node.Process)
	must(t, err)
	t.Cleanup(func() { must(t, p.Stop()) })
	return &TronNode{EVMNode: node, Proxy: p}
}

// URL is the base of Tron's API.
func (n *TronNode) URL() string { return n.Proxy.URL() }

// Plain is an address as the EVM node takes it.
func (n *TronNode) Plain(address string) string {
	n.t.Helper()
	account, ok := chain.ParseTronAddress(address)
	if !ok {
		n.t.Fatalf("%q is no address of Tron", address)
	}
	return fmt.Sprintf("0x%x", account)
}

// Address is an address nobody holds the key of.
func (n *TronNode) Address() string { n.t.Helper(); return n.tron(n.EVMNode.Address()) }

// MakeToken makes a token and gives its address.
func (n *TronNode) MakeToken(symbol string, decimals uint8) string {
	n.t.Helper()
	return n.tron(n.EVMNode.MakeToken(symbol, decimals))
}

// Sun sends so much TRX.
func (n *TronNode) Sun(to string, sun int64) (txid string) {
	n.t.Helper()
	return n.Coins(n.Plain(to), sun)[2:]
}

// Tokens sends smallest units of a token.
func (n *TronNode) Tokens(token, to string, units int64) (txid string) {
	n.t.Helper()
	return n.EVMNode.Tokens(n.Plain(token), n.Plain(to), units)[2:]
}

func (n *TronNode) tron(address string) string {
	n.t.Helper()
	account, ok := chain.ParseTronHex("41" + address[2:])
	if !ok {
		n.t.Fatalf("the node names the address %q", address)
	}
	return chain.TronAddress(account)
}
