// Package chaintest helps to test against real chains: it starts nodes, and holds the behaviour every chain adapter must
// show (Run).
package chaintest

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"checkout/chain"
	"checkout/chain/bitcoin"
	"checkout/chain/bitcoin/regtest"
	"checkout/chain/rpc"
)

// StartBlocks is how many blocks a node begins with: the coins of the first 21 can be spent.
const StartBlocks = 120

// patience is how long a test waits for something that must happen.
const patience = 30 * time.Second

// BitcoinOptions change how a node is started. The zero value is a node with StartBlocks blocks, mined to its payer.
type BitcoinOptions struct {
	Empty         bool   // no blocks but the first
	MiningAddress string // who gets the new coins; the payer cannot pay then
	Coin          string // what the node is taken for: "LTC", "DOGE", "BCH"; Bitcoin if empty
}

// BitcoinNode is a btcd node of a private network that ends with the test. What goes wrong with it fails the test.
type BitcoinNode struct {
	*Payer
	t       testing.TB
	process *regtest.Process
	network chain.Network
	asset   chain.Asset
}

// StartBitcoin starts a btcd node. Without btcd the test is skipped, or fails if CHECKOUT_REQUIRE names "nodes".
func StartBitcoin(t testing.TB, options BitcoinOptions) *BitcoinNode {
	t.Helper()
	p, err := regtest.Start(t.Context(), regtest.Config{
		Binary: Program(t, "btcd"), Dir: t.TempDir(), MiningAddress: options.MiningAddress,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	payer, err := regtest.NewPayer(p)
	if err != nil {
		t.Fatal(err)
	}
	coin := options.Coin
	if coin == "" {
		coin = "BTC"
	}
	network, asset, ok := chain.UTXO(coin, "regtest")
	if !ok {
		t.Fatalf("no coin %q", coin)
	}
	n := &BitcoinNode{t: t, process: p, network: network, asset: asset, Payer: &Payer{t: t, payer: payer, network: network}}
	if !options.Empty {
		n.Generate(StartBlocks)
	}
	return n
}

// Program finds a node's program in the folder CHECKOUT_NODES names, else in bin/nodes of the repository.
func Program(t testing.TB, name string) string {
	t.Helper()
	folder := os.Getenv("CHECKOUT_NODES")
	if folder == "" {
		folder = filepath.Join(root(t), "bin", "nodes")
	}
	path := filepath.Join(folder, name)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	const missing = "%s is missing: make nodes, or set CHECKOUT_NODES to its folder"
	if strings.Contains(os.Getenv("CHECKOUT_REQUIRE"), "nodes") {
		t.Fatalf(missing, name)
	}
	t.Skipf(missing, name)
	return ""
}

// root is the folder of the module's go.mod, at or above the test's.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		t.Fatal("no go.mod at or above the test's folder")
	}
}

// URL is the node's RPC address, name and password included.
func (n *BitcoinNode) URL() string { return n.process.URL() }

// Process is the node itself, for what is not here.
func (n *BitcoinNode) Process() *regtest.Process { return n.process }

// Asset is the coin the node is taken for one of.
func (n *BitcoinNode) Asset() chain.Asset { return n.asset }

// Adapter is a new adapter on the node.
func (n *BitcoinNode) Adapter() *bitcoin.Node {
	n.t.Helper()
	a, err := bitcoin.New(bitcoin.Config{RPC: rpc.Config{URL: n.URL()}, Network: n.network, Asset: n.asset})
	must(n.t, err)
	return a
}

// Generate mines blocks and names them.
func (n *BitcoinNode) Generate(blocks int) []string {
	n.t.Helper()
	hashes, err := n.process.Generate(n.t.Context(), blocks)
	must(n.t, err)
	return hashes
}

// Height is the height of the node's best chain.
func (n *BitcoinNode) Height() int64 {
	n.t.Helper()
	height, err := n.process.Height(n.t.Context())
	must(n.t, err)
	return height
}

// BestHash is the last block of the node's best chain.
func (n *BitcoinNode) BestHash() string {
	n.t.Helper()
	hash, err := n.process.Best(n.t.Context())
	must(n.t, err)
	return hash
}

// HashAt is the block at a height of the node's best chain.
func (n *BitcoinNode) HashAt(height int64) string {
	n.t.Helper()
	hash, err := n.process.HashAt(n.t.Context(), height)
	must(n.t, err)
	return hash
}

// Mempool lists the ids of the node's unconfirmed transactions.
func (n *BitcoinNode) Mempool() []string {
	n.t.Helper()
	ids, err := n.process.Mempool(n.t.Context())
	must(n.t, err)
	return ids
}

// Broadcast gives the node a raw transaction, in hex.
func (n *BitcoinNode) Broadcast(raw string) string {
	n.t.Helper()
	id, err := n.process.Broadcast(n.t.Context(), raw)
	must(n.t, err)
	return id
}

// Invalidate makes the node leave a block and those after it; their transactions go back to its mempool.
func (n *BitcoinNode) Invalidate(hash string) {
	n.t.Helper()
	must(n.t, n.process.Invalidate(n.t.Context(), hash))
}

// Connect makes two nodes peers.
func (n *BitcoinNode) Connect(other *BitcoinNode) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	must(n.t, n.process.Connect(ctx, other.process))
}

// Disconnect ends what Connect made: call it on the same node.
func (n *BitcoinNode) Disconnect(other *BitcoinNode) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	must(n.t, n.process.Disconnect(ctx, other.process))
}

// Join connects two nodes and waits until both are on the same chain, that with more work.
func (n *BitcoinNode) Join(other *BitcoinNode) {
	n.t.Helper()
	n.Connect(other)
	Until(n.t, "both nodes are on one chain", func() bool { return n.BestHash() == other.BestHash() })
}

// Stop ends the node's program until Start.
func (n *BitcoinNode) Stop() {
	n.t.Helper()
	must(n.t, n.process.Pause(n.t.Context()))
}

// Start runs the node again after Stop, on the same chain, with an empty mempool.
func (n *BitcoinNode) Start() {
	n.t.Helper()
	must(n.t, n.process.Resume(n.t.Context()))
}

// Payer is the wallet that a node's blocks are mined to. Amounts are in satoshi. It pays addresses of the node's coin.
type Payer struct {
	t       testing.TB
	payer   *regtest.Payer
	network chain.Network
}

// Pay pays an address, not replaceably, and names the transaction.
func (p *Payer) Pay(address string, sats int64) string {
	p.t.Helper()
	return p.PayMany(regtest.Output{Address: address, Sats: sats}).ID
}

// PayMany pays several outputs with one transaction. The change comes after them.
func (p *Payer) PayMany(outputs ...regtest.Output) regtest.Tx {
	p.t.Helper()
	tx, err := p.payer.Pay(p.t.Context(), p.outputs(outputs)...)
	must(p.t, err)
	return tx
}

// PayReplaceable pays an address and signals that it may be replaced.
func (p *Payer) PayReplaceable(address string, sats int64) regtest.Tx {
	p.t.Helper()
	tx, err := p.payer.PayReplaceable(p.t.Context(), p.outputs([]regtest.Output{{Address: address, Sats: sats}})...)
	must(p.t, err)
	return tx
}

// Replace spends the coins of an earlier payment for something else. Without outputs they all go back to the payer.
func (p *Payer) Replace(earlier regtest.Tx, outputs ...regtest.Output) regtest.Tx {
	p.t.Helper()
	tx, err := p.payer.Replace(p.t.Context(), earlier, p.outputs(outputs)...)
	must(p.t, err)
	return tx
}

// outputs have the scripts of addresses of another coin than the node's own.
func (p *Payer) outputs(list []regtest.Output) []regtest.Output {
	p.t.Helper()
	if p.network.Coin == "BTC" {
		return list
	}
	list = slices.Clone(list)
	for i, out := range list {
		if out.Script == nil {
			var err error
			list[i].Script, err = Script(p.network, out.Address)
			must(p.t, err)
		}
	}
	return list
}

// Until asks again and again until yes, and fails the test when that takes too long.
func Until(t testing.TB, what string, yes func() bool) {
	t.Helper()
	end := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !yes() {
		select {
		case <-end:
			t.Fatalf("waited %s, but not: %s", patience, what)
		case <-tick.C:
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
