package bitcoin_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"checkout/chain"
	"checkout/chain/bitcoin"
	"checkout/chain/bitcoin/regtest"
	"checkout/chain/chaintest"
	"checkout/chain/rpc"
	"checkout/fault"
)

// recipients are addresses of all kinds, each of which can be paid. Nobody has their keys.
var recipients = []string{
	"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",                     // P2WPKH
	"mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn",                               // P2PKH
	"2Mww8dCYPUpKHofjgcXcBCEGmniw9CoaiD2",                              // P2SH
	"bcrt1q5n2k3frgpxces3dsw4qfpqk4kksv0cz96pldxdwxrrw0d5ud5hcqzzx7zt", // P2WSH
	"bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6", // P2TR
}

// driver makes things happen on a btcd node.
type driver struct {
	node *chaintest.BitcoinNode
	txs  map[string]regtest.Tx
	next int
}

func (d *driver) Asset() chain.Asset {
	_, asset, _ := chain.Bitcoin("regtest")
	return asset
}

func (d *driver) Address(*testing.T) string {
	d.next++
	return recipients[d.next%len(recipients)]
}

func (d *driver) Pay(_ *testing.T, address string, units int64) string {
	tx := d.node.PayReplaceable(address, units)
	d.txs[tx.ID] = tx
	return tx.ID
}

func (d *driver) Replace(_ *testing.T, txid, address string, units int64) string {
	return d.node.Replace(d.txs[txid], regtest.Output{Address: address, Sats: units}).ID
}

func (d *driver) Mine(_ *testing.T, blocks int) { d.node.Generate(blocks) }

func (d *driver) Reorg(_ *testing.T, depth int) {
	d.node.Invalidate(d.node.HashAt(d.node.Height() - int64(depth) + 1))
	d.node.Generate(depth + 1)
}

func TestBehaviour(t *testing.T) {
	chaintest.Run(t, func(t *testing.T) (chaintest.Source, chaintest.Driver) {
		node := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{})
		return node.Adapter(), &driver{node: node, txs: map[string]regtest.Tx{}}
	})
}

// what is wrong, by the code of the fault.
func wantFault(t *testing.T, what string, err error, want *fault.Error) {
	t.Helper()
	if !errors.Is(err, want) || fault.Of(err).Kind != fault.Unavailable {
		t.Errorf("%s: %v, want the fault %s", what, err, want.Code)
	}
}

func everything(string) bool { return false }

func TestCoinbase(t *testing.T) {
	node := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{Empty: true, MiningAddress: recipients[0]})
	node.Generate(1)
	block, err := node.Adapter().Block(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(block.Txs) != 1 {
		t.Fatalf("the block has %d transactions", len(block.Txs))
	}
	coinbase := block.Txs[0]
	if !coinbase.Coinbase || len(coinbase.Inputs) != 0 || len(coinbase.Outputs) != 1 {
		t.Fatalf("the coinbase is %+v", coinbase)
	}
	if out := coinbase.Outputs[0]; out.Address != recipients[0] || out.Amount.String() != "50.00000000" {
		t.Errorf("it pays %s to %s", out.Amount, out.Address)
	}
}

// Outputs of one transaction are told apart by their ordinal, those to the same address too.
func TestManyOutputs(t *testing.T) {
	node := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{})
	var outputs []regtest.Output
	for i, address := range append(recipients, recipients...) {
		outputs = append(outputs, regtest.Output{Address: address, Sats: int64(10_000 + i)})
	}
	sent := node.PayMany(outputs...)
	pool, err := node.Adapter().Mempool(t.Context(), everything)
	if err != nil {
		t.Fatal(err)
	}
	if len(pool.Txs) != 1 || pool.Txs[0].ID != sent.ID || pool.Txs[0].Replaceable || hex.EncodeToString(pool.Txs[0].Raw) != sent.Raw {
		t.Fatalf("the mempool is %+v", pool.Txs)
	}
	for i, want := range outputs {
		got := pool.Txs[0].Outputs[i]
		if got.Ordinal != int64(i) || got.Address != want.Address || got.Amount.Minor() != strconv.FormatInt(want.Sats, 10) {
			t.Errorf("output %d is %+v, want %+v", i, got, want)
		}
	}
}

// A mempool that takes several batches.
func TestLargeMempool(t *testing.T) {
	node := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{})
	var spread []regtest.Output
	for range 250 {
		spread = append(spread, regtest.Output{Address: regtest.PayerAddress, Sats: 100_000})
	}
	node.PayMany(spread...)
	node.Generate(1)
	sent := map[string]bool{}
	for range 230 {
		sent[node.Pay(recipients[0], 5_000)] = true
	}
	pool, err := node.Adapter().Mempool(t.Context(), everything)
	if err != nil {
		t.Fatal(err)
	}
	if len(pool.Txs) != len(sent) || len(pool.IDs) != len(sent) {
		t.Fatalf("%d transactions, %d ids, want %d", len(pool.Txs), len(pool.IDs), len(sent))
	}
	for _, tx := range pool.Txs {
		if !sent[tx.ID] {
			t.Errorf("%s was not sent", tx.ID)
		}
	}
}

// Two nodes part, mine apart and meet again: the shorter branch, and the payment in it, is given up for the other's,
// which spends the same coins elsewhere.
func TestNaturalReorganisation(t *testing.T) {
	one := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{})
	two := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{Empty: true})
	one.Join(two)
	one.Disconnect(two)

	payment := one.PayReplaceable(recipients[0], 70_000)
	lost := one.Generate(2)
	instead := two.Replace(payment, regtest.Output{Address: recipients[1], Sats: 60_000})
	two.Generate(3)

	adapter := one.Adapter()
	height := one.Height()
	before, err := adapter.Block(t.Context(), height-1)
	if err != nil {
		t.Fatal(err)
	}
	if before.Hash != lost[0] || !holds(before.Txs, payment.ID) {
		t.Fatalf("block %d is %s, without the payment", height-1, before.Hash)
	}

	one.Join(two)
	tip, err := adapter.Tip(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if tip.Height != height+1 || tip.Hash != two.BestHash() {
		t.Fatalf("the tip is %+v, the other node's %s", tip, two.BestHash())
	}
	after, err := adapter.Block(t.Context(), height-1)
	if err != nil {
		t.Fatal(err)
	}
	if after.Hash == before.Hash || after.Parent != before.Parent {
		t.Errorf("block %d was %+v, is %+v", height-1, before.Header, after.Header)
	}
	if !holds(after.Txs, instead.ID) || holds(after.Txs, payment.ID) {
		t.Error("the other branch does not hold what was paid instead")
	}
	// Nothing is said of the mempool here: btcd does not go through it for blocks it takes over while it is behind its
	// peer, and may keep the payment whose coins are spent. A block counts, whatever a mempool says.
}

func holds(txs []chain.Tx, id string) bool {
	return slices.ContainsFunc(txs, func(tx chain.Tx) bool { return tx.ID == id })
}

// A node that stops and comes back, with an empty mempool.
func TestNodeStops(t *testing.T) {
	node := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{})
	adapter := node.Adapter()
	before, err := adapter.Tip(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	node.Pay(recipients[0], 10_000)
	node.Stop()
	_, err = adapter.Tip(t.Context())
	wantFault(t, "Tip", err, rpc.ErrUnreachable)
	_, err = adapter.Header(t.Context(), 1)
	wantFault(t, "Header", err, rpc.ErrUnreachable)
	_, err = adapter.Block(t.Context(), 1)
	wantFault(t, "Block", err, rpc.ErrUnreachable)
	_, err = adapter.Mempool(t.Context(), everything)
	wantFault(t, "Mempool", err, rpc.ErrUnreachable)

	node.Start()
	after, err := adapter.Tip(t.Context())
	if err != nil || after != before {
		t.Errorf("the tip was %+v, is %+v, %v", before, after, err)
	}
	pool, err := adapter.Mempool(t.Context(), everything)
	if err != nil || len(pool.IDs) != 0 {
		t.Errorf("the mempool holds %d, %v", len(pool.IDs), err)
	}
}

func TestWrongNetwork(t *testing.T) {
	node := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{Empty: true})
	network, asset, _ := chain.Bitcoin("signet")
	adapter, err := bitcoin.New(bitcoin.Config{RPC: rpc.Config{URL: node.URL()}, Network: network, Asset: asset})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err = adapter.Tip(t.Context())
		wantFault(t, "Tip", err, bitcoin.ErrWrongNetwork)
		_, err = adapter.Header(t.Context(), 0)
		wantFault(t, "Header", err, bitcoin.ErrWrongNetwork)
		_, err = adapter.Block(t.Context(), 0)
		wantFault(t, "Block", err, bitcoin.ErrWrongNetwork)
		_, err = adapter.Mempool(t.Context(), everything)
		wantFault(t, "Mempool", err, bitcoin.ErrWrongNetwork)
	}
}

func TestWrongPassword(t *testing.T) {
	node := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{Empty: true})
	adapter := adapterAt(t, rpc.Config{URL: strings.Replace(node.URL(), ":p@", ":not-this-one@", 1)})
	_, err := adapter.Tip(t.Context())
	wantFault(t, "Tip", err, rpc.ErrUnreachable)
	if strings.Contains(fmt.Sprintf("%v %+v", err, err), "not-this-one") {
		t.Errorf("the password is in the error: %v", err)
	}
}

func BenchmarkBlock(b *testing.B) {
	node := chaintest.StartBitcoin(b, chaintest.BitcoinOptions{})
	adapter := node.Adapter()
	for b.Loop() {
		if _, err := adapter.Block(b.Context(), 1); err != nil {
			b.Fatal(err)
		}
	}
}
