package bitcoin

import (
	"bytes"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"checkout/chain"
	"checkout/chain/rpc"
)

func testNode(t testing.TB, params string) *Node {
	t.Helper()
	network, asset, ok := chain.Bitcoin(params)
	if !ok {
		t.Fatalf("no network %q", params)
	}
	n, err := New(Config{RPC: rpc.Config{URL: "http://127.0.0.1:1"}, Network: network, Asset: asset})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	data, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Scripts and their addresses on the main network. The keys are the public ones of private key 1, so that a wallet could
// make an address of what must not be matched.
func TestAddressOf(t *testing.T) {
	const (
		key        = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
		uncoded    = "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
		keyHash    = "751e76e8199196d454941c45d1b3a323f1433bd6"
		scriptHash = "bcfeb728b584253d5f3f70bcb780e9ef218a68f4"
		xonly      = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
	)
	n := testNode(t, "mainnet")
	for _, v := range []struct{ name, script, want string }{
		{"P2PKH", "76a914" + keyHash + "88ac", "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH"},
		{"P2SH", "a914" + scriptHash + "87", "3JvL6Ymt8MVWiCNHC7oWU6nLeHNJKLZGLN"},
		{"P2WPKH", "0014" + keyHash, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"},
		{"P2WSH", "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262", "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3"},
		{"P2TR", "5120" + xonly, "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"},
		{"P2PK", "21" + key + "ac", ""},
		{"P2PK, uncompressed", "41" + uncoded + "ac", ""},
		{"bare multisig", "5121" + key + "51ae", ""},
		{"OP_RETURN", "6a14" + keyHash, ""},
		{"OP_RETURN with an address's text", "6a2a" + hex.EncodeToString([]byte("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")), ""},
		{"P2A", "51024e73", ""},
		{"witness version 2", "5220" + xonly, ""},
		{"version 1, 20 bytes", "5114" + keyHash, ""},
		{"version 0, 21 bytes", "0015" + keyHash + "00", ""},
		{"P2PKH and a byte", "76a914" + keyHash + "88ac00", ""},
		{"P2PKH, verify left out", "76a914" + keyHash + "ac", ""},
		{"P2PKH, pushed otherwise", "76a94c14" + keyHash + "88ac", ""},
		{"empty", "", ""},
	} {
		got, ok := n.addressOf(unhex(t, v.script))
		if got != v.want || ok != (v.want != "") {
			t.Errorf("%s: %q, %t; want %q", v.name, got, ok, v.want)
		}
	}
}

func TestTransaction(t *testing.T) {
	n := testNode(t, "regtest")
	script := unhex(t, "0014751e76e8199196d454941c45d1b3a323f1433bd6")
	spent := wire.OutPoint{Hash: chainhash.Hash{1}, Index: 7}

	raw := wire.NewMsgTx(2)
	raw.AddTxIn(&wire.TxIn{PreviousOutPoint: spent, Sequence: 0xfffffffe})
	raw.AddTxOut(wire.NewTxOut(5, unhex(t, "6a00"))) // not an address
	raw.AddTxOut(wire.NewTxOut(6, script))
	raw.AddTxOut(wire.NewTxOut(0, script)) // nothing
	raw.AddTxOut(wire.NewTxOut(7, script))
	tx, err := n.transaction(raw, "id")
	if err != nil {
		t.Fatal(err)
	}
	if len(tx.Outputs) != 2 || tx.Outputs[0].Ordinal != 1 || tx.Outputs[1].Ordinal != 3 || tx.Outputs[1].Amount.Minor() != "7" {
		t.Errorf("outputs are %+v", tx.Outputs)
	}
	if want := "0000000000000000000000000000000000000000000000000000000000000001:7"; len(tx.Inputs) != 1 || tx.Inputs[0] != want {
		t.Errorf("inputs are %v", tx.Inputs)
	}
	if tx.Coinbase || tx.Replaceable {
		t.Errorf("coinbase %t, replaceable %t", tx.Coinbase, tx.Replaceable)
	}

	raw.AddTxIn(&wire.TxIn{PreviousOutPoint: spent, Sequence: 0xfffffffd})
	if tx, _ = n.transaction(raw, "id"); !tx.Replaceable {
		t.Error("one input signals replacement, the transaction does not")
	}
	for _, value := range []int64{-1, n.coin.maxMoney + 1} {
		raw.TxOut[0].Value = value // of an output that pays no address, even
		if _, err := n.transaction(raw, "id"); err == nil {
			t.Errorf("an output of %d satoshi is believed", value)
		}
	}
}

// mined is a block of the regression-test network with the coinbase and n more transactions.
func mined(t testing.TB, n int, change func(*wire.MsgBlock)) (text, hash string) {
	t.Helper()
	block := wire.NewMsgBlock(&wire.BlockHeader{Version: 4, PrevBlock: chainhash.Hash{9}, Timestamp: time.Unix(1_700_000_000, 0), Bits: 0x207fffff})
	coinbase := wire.NewMsgTx(1)
	coinbase.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Index: wire.MaxPrevOutIndex}, SignatureScript: []byte{1, 1}, Sequence: 0xffffffff})
	coinbase.AddTxOut(wire.NewTxOut(50, unhex(t, "0014751e76e8199196d454941c45d1b3a323f1433bd6")))
	block.Transactions = []*wire.MsgTx{coinbase}
	for i := range n {
		tx := wire.NewMsgTx(2)
		tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: chainhash.Hash{2}, Index: uint32(i)}})
		tx.AddTxOut(wire.NewTxOut(int64(i+1), unhex(t, "76a914751e76e8199196d454941c45d1b3a323f1433bd688ac")))
		tx.AddTxOut(wire.NewTxOut(1000, unhex(t, "0014751e76e8199196d454941c45d1b3a323f1433bd6")))
		block.Transactions = append(block.Transactions, tx)
	}
	block.Header.MerkleRoot = merkleRoot(block)
	if change != nil {
		change(block)
	}
	limit := new(big.Int).Lsh(big.NewInt(1), 255)
	for hashNumber(block.BlockHash()).Cmp(limit) >= 0 {
		block.Header.Nonce++
	}
	var b bytes.Buffer
	if err := block.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(b.Bytes()), block.BlockHash().String()
}

// merkleRoot is computed the long way round, by recursion.
func merkleRoot(block *wire.MsgBlock) chainhash.Hash {
	var level []chainhash.Hash
	for _, tx := range block.Transactions {
		level = append(level, tx.TxHash())
	}
	var root func([]chainhash.Hash) chainhash.Hash
	root = func(level []chainhash.Hash) chainhash.Hash {
		if len(level) == 1 {
			return level[0]
		}
		if len(level)%2 == 1 {
			level = append(level[:len(level):len(level)], level[len(level)-1])
		}
		var up []chainhash.Hash
		for i := 0; i < len(level); i += 2 {
			up = append(up, chainhash.DoubleHashH(append(level[i].CloneBytes(), level[i+1][:]...)))
		}
		return root(up)
	}
	return root(level)
}

func TestDecodeBlock(t *testing.T) {
	n := testNode(t, "regtest")
	for count := range 9 {
		text, hash := mined(t, count, nil)
		block, err := n.decodeBlock(text, hash, 5)
		if err != nil {
			t.Fatalf("%d transactions: %v", count, err)
		}
		if block.Height != 5 || block.Hash != hash || block.Parent != (chainhash.Hash{9}).String() || len(block.Txs) != count+1 {
			t.Errorf("the block is %+v with %d transactions", block.Header, len(block.Txs))
		}
		if coinbase := block.Txs[0]; !coinbase.Coinbase || len(coinbase.Inputs) != 0 || coinbase.Replaceable || len(coinbase.Outputs) != 1 {
			t.Errorf("the first transaction is %+v", coinbase)
		}
		if count > 0 && (block.Txs[1].Coinbase || !block.Txs[1].Replaceable || len(block.Txs[1].Outputs) != 2) {
			t.Errorf("the second transaction is %+v", block.Txs[1])
		}
	}
}

func TestDecodeBlockRefuses(t *testing.T) {
	n := testNode(t, "regtest")
	good, goodHash := mined(t, 3, nil)
	other, _ := mined(t, 3, func(b *wire.MsgBlock) { b.Header.Version++ })
	changed := func(change func(*wire.MsgBlock)) [2]string {
		text, hash := mined(t, 3, change)
		return [2]string{text, hash}
	}
	for name, v := range map[string][2]string{
		"nothing":            {"", goodHash},
		"not hexadecimal":    {"zz", goodHash},
		"odd":                {good[1:], goodHash},
		"cut off":            {good[:len(good)-2], goodHash},
		"too long":           {good + "00", goodHash},
		"another block":      {other, goodHash},
		"a count of 2³²":     {good[:160] + "feffffffff", goodHash},
		"no transactions":    changed(func(b *wire.MsgBlock) { b.Transactions = nil }),
		"no coinbase":        changed(func(b *wire.MsgBlock) { b.Transactions = b.Transactions[1:] }),
		"two coinbases":      changed(func(b *wire.MsgBlock) { b.Transactions[1] = b.Transactions[0] }),
		"one less":           changed(func(b *wire.MsgBlock) { b.Transactions = b.Transactions[:3] }),
		"one changed":        changed(func(b *wire.MsgBlock) { b.Transactions[3].TxOut[0].Value = 21e14 }),
		"order changed":      changed(func(b *wire.MsgBlock) { b.Transactions[1], b.Transactions[2] = b.Transactions[2], b.Transactions[1] }),
		"negative amount":    changed(func(b *wire.MsgBlock) { b.Transactions[1].TxOut[0].Value = -1 }),
		"too much":           changed(func(b *wire.MsgBlock) { b.Transactions[1].TxOut[0].Value = 21e14 + 1 }),
		"too easy":           changed(func(b *wire.MsgBlock) { b.Header.Bits = 0x217fffff }),
		"no target":          changed(func(b *wire.MsgBlock) { b.Header.Bits = 0 }),
		"negative target":    changed(func(b *wire.MsgBlock) { b.Header.Bits = 0x20ffffff }),
		"work not done":      changed(func(b *wire.MsgBlock) { b.Header.Bits = 0x1d00ffff }),
		"repeated at end":    repeated(t, 2),
		"repeated pair":      repeated(t, 5),
		"another main block": {good, strings.Repeat("0", 64)},
	} {
		if block, err := n.decodeBlock(v[0], v[1], 5); err == nil {
			t.Errorf("%s: taken for block %s", name, block.Hash)
		}
	}
	if _, err := n.decodeBlock(good, goodHash, 5); err != nil {
		t.Errorf("the unchanged block: %v", err)
	}
}

// repeated is a block whose last transactions stand twice, which leaves the merkle root as it was (CVE-2012-2459).
func repeated(t *testing.T, extra int) [2]string {
	text, hash := mined(t, extra, func(b *wire.MsgBlock) {
		// 3 transactions hash like 4, 6 like 8: repeat the last one or two.
		more := 1
		if len(b.Transactions) == 6 {
			more = 2
		}
		b.Transactions = append(b.Transactions, b.Transactions[len(b.Transactions)-more:]...)
		if merkleRoot(b) != b.Header.MerkleRoot {
			t.Fatal("the repetition changes the root, so it tests nothing")
		}
	})
	return [2]string{text, hash}
}

// The vectors of the developer reference, "Target nBits".
func TestExpandBits(t *testing.T) {
	for bits, want := range map[uint32]string{
		0x01003456: "0",
		0x01123456: "12",
		0x02008000: "80",
		0x05009234: "92340000",
		0x04923456: "-12345600",
		0x04123456: "12345600",
		0x1d00ffff: "ffff" + strings.Repeat("0", 52),
	} {
		if got := expandBits(bits).Text(16); got != want {
			t.Errorf("%08x is %s, want %s", bits, got, want)
		}
	}
}

// Block 0 of every network is valid, and each is its network's.
func TestGenesis(t *testing.T) {
	for _, params := range []string{"mainnet", "testnet4", "signet", "regtest"} {
		n := testNode(t, params)
		if got := n.params.GenesisHash.String(); got != n.network.Genesis {
			t.Errorf("%s begins with %s, not %s", params, got, n.network.Genesis)
		}
		if err := n.checkHeader(&n.params.GenesisBlock.Header, n.network.Genesis); err != nil {
			t.Errorf("%s: %v", params, err)
		}
	}
}

func FuzzDecodeBlock(f *testing.F) {
	n := testNode(f, "regtest")
	text, hash := mined(f, 2, nil)
	f.Add(unhex(f, text))
	f.Add([]byte{})
	f.Add(unhex(f, text[:160]+"feffffff0f"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if block, err := n.decodeBlock(hex.EncodeToString(data), hash, 1); err == nil && block.Hash != hash {
			t.Fatalf("taken for %s", block.Hash)
		}
		_, _ = n.decodeTx(hex.EncodeToString(data), hash)
	})
}

func BenchmarkDecodeBlock(b *testing.B) {
	n := testNode(b, "regtest")
	text, hash := mined(b, 3500, nil)
	b.SetBytes(int64(len(text) / 2))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := n.decodeBlock(text, hash, 1); err != nil {
			b.Fatal(err)
		}
	}
}
