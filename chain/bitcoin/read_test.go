package bitcoin

import (
	"bytes"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"checkout/chain"
	"checkout/chain/rpc"
)

func coinNode(t testing.TB, coin, params string) *Node {
	t.Helper()
	network, asset, ok := chain.UTXO(coin, params)
	if !ok {
		t.Fatalf("no network %s of %s", params, coin)
	}
	n, err := New(Config{RPC: rpc.Config{URL: "http://127.0.0.1:1"}, Network: network, Asset: asset})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Block 371337 of Dogecoin, the first whose work was done on Litecoin's chain: its header, and the proof behind it, as Dogecoin
// Core gives them for getblockheader.
const (
	dogeHash   = "60323982f9c5ff1b5a954eac9dc1269352835f47c2c5222691d80f0d50dcf053"
	dogeHeader = "020162000d6f03470d329026cd1fc720c0609cd378ca8691a117bd1aa46f01fb09b1a8468a15bf6f0b0e83f2e5036684169eafb9406468d4f075c999fb5b2a78fbb827ee41fb11548441361b00000000"
	dogeAuxPow = "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff380345bf09fabe6d6d980ba42120410de0554d42a5b5ee58167bcd86bf7591f429005f24da45fb51cf0800000000000000cdb1f1ff0e000000ffffffff01800c0c2a010000001976a914aa3750aa18b8a0f3f0590731e1fab934856680cf88ac00000000" +
		"b3e64e02fff596209c498f1b18f798d62f216f11c8462bf39223190000000000" +
		"03a979a636db2450363972d211aee67b71387a3daaa3051be0fd260c5acd4739cd52a418d29d8a0e56c8714c95a0dc24e1c9624480ec497fe2441941f3fee8f9481a3370c334178415c83d1d0c2deeec727c2330617a47691fc5e79203669312d100000000" +
		"036fa40307b3a439538195245b0de56a2c1db6ba3a64f8bdd2071d00bc48c841b5e77b98e5c7d6f06f92dec5cf6d61277ecb9a0342406f49f34c51ee8ce4abd678038129485de14238bd1ca12cd2de12ff0e383aee542d90437cd664ce139446a000000000" +
		"02000000d2ec7dfeb7e8f43fe77aba3368df95ac2088034420402730ee0492a2084217083411b3fc91033bfdeea339bc11b9efc986e161c703e07a9045338c165673f09940fb11548b54021b58cc9ae5"
)

func TestAuxPowHeader(t *testing.T) {
	n := coinNode(t, "DOGE", "mainnet")
	for name, text := range map[string]string{"with the proof": dogeHeader + dogeAuxPow, "alone": dogeHeader} {
		h, err := n.decodeHeader(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := n.checkHeader(h, dogeHash); err != nil || h.PrevBlock.String() != "46a8b109fb016fa41abd17a19186ca78d39c60c020c71fcd2690320d47036f0d" {
			t.Errorf("%s: %v, after %s", name, err, h.PrevBlock)
		}
		if err := n.checkHeader(h, strings.Repeat("0", 64)); err == nil {
			t.Errorf("%s: it has any hash", name)
		}
	}
	for name, text := range map[string]string{
		"proof cut off":          (dogeHeader + dogeAuxPow)[:len(dogeHeader+dogeAuxPow)-2],
		"a byte more":            dogeHeader + dogeAuxPow + "00",
		"a byte of a proof":      dogeHeader + "01",
		"a proof not announced":  "0200620" + dogeHeader[7:] + dogeAuxPow,
		"a branch of 2³² hashes": dogeHeader + dogeAuxPow[:286] + strings.Repeat("00", 32) + "feffffffff",
		"nothing":                "",
	} {
		if _, err := n.decodeHeader(text); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := coinNode(t, "LTC", "mainnet").decodeHeader(dogeHeader + dogeAuxPow); err == nil {
		t.Error("Litecoin has such headers")
	}
}

// Block 100 of Dogecoin, from before that. Its coinbase pays a bare key, which is no address.
func TestDogecoinBlock(t *testing.T) {
	const block = "0100000030dd3598b1a9dda6a8575c0a703403efbef3b7e074880a798fc48f8646f8ad0a6c1c5d9b68fb67954f3c7f8b0863d63d5b95eebf3c8166783c6d1a6f66670c9293efa352f0ff0f1e00028ed7" +
		"0101000000010000000000000000000000000000000000000000000000000000000000000000ffffffff0e0493efa3520101062f503253482fffffffff01001333d1325100002321024274baa26a5da9cf9ddc784d6a5cb439cfa840c0eb77c60f2448ff88beb5a734ac00000000"
	n := coinNode(t, "DOGE", "mainnet")
	hash := chainhash.DoubleHashH(unhex(t, block[:160])).String()
	got, err := n.decodeBlock(block, hash, 100)
	if err != nil || len(got.Txs) != 1 || !got.Txs[0].Coinbase || len(got.Txs[0].Outputs) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := n.decodeBlock(strings.Replace(block, "0e0493", "0e0494", 1), hash, 100); err == nil {
		t.Error("a changed transaction is believed")
	}
}

// blockOf is a block of a coin made of raw transactions, each with its id, and whatever stands in front of them and behind.
func blockOf(t testing.TB, version int32, proof string, txs []*wire.MsgTx, raws []string, behind string) (text, hash string) {
	t.Helper()
	h := wire.BlockHeader{Version: version, PrevBlock: chainhash.Hash{9}, Bits: 0x1b364184, MerkleRoot: merkleRoot(&wire.MsgBlock{Transactions: txs})}
	var b bytes.Buffer
	if err := h.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(b.Bytes()) + proof + hex.EncodeToString([]byte{byte(len(raws))}) + strings.Join(raws, "") + behind, h.BlockHash().String()
}

func rawOf(t testing.TB, tx *wire.MsgTx) string {
	t.Helper()
	var b bytes.Buffer
	if err := tx.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(b.Bytes())
}

func coinbaseTx() *wire.MsgTx {
	tx := wire.NewMsgTx(1)
	tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Index: wire.MaxPrevOutIndex}, SignatureScript: []byte{1, 1}, Sequence: 0xffffffff})
	tx.AddTxOut(wire.NewTxOut(50, []byte{0x6a}))
	return tx
}

func payingTx(t testing.TB, sats int64, script string) *wire.MsgTx {
	t.Helper()
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: chainhash.Hash{2}, Index: 1}, Sequence: 0xfffffffe})
	tx.AddTxOut(wire.NewTxOut(sats, unhex(t, script)))
	tx.LockTime = 0x01020304
	return tx
}

// keyHash is HASH160 of the public key of private key 1.
const keyHash = "751e76e8199196d454941c45d1b3a323f1433bd6"

func TestAuxPowBlock(t *testing.T) {
	n := coinNode(t, "DOGE", "mainnet")
	const most = 10_000_000_000 * 100_000_000
	txs := []*wire.MsgTx{coinbaseTx(), payingTx(t, most, "76a914"+keyHash+"88ac")}
	raws := []string{rawOf(t, txs[0]), rawOf(t, txs[1])}
	text, hash := blockOf(t, 0x620104, dogeAuxPow, txs, raws, "")
	block, err := n.decodeBlock(text, hash, 5)
	if err != nil {
		t.Fatal(err)
	}
	if out := block.Txs[1].Outputs; len(out) != 1 || out[0].Address != "DFpN6QqFfUm3gKNaxN6tNcab1FArL9cZLE" || out[0].Amount.Plain() != "10000000000" ||
		out[0].Asset != "doge" || out[0].Network != "dogecoin" {
		t.Errorf("it pays %+v", out)
	}
	bad := map[string][2]string{}
	add := func(name string, version int32, proof, behind string, txs []*wire.MsgTx) {
		var raws []string
		for _, tx := range txs {
			raws = append(raws, rawOf(t, tx))
		}
		text, hash := blockOf(t, version, proof, txs, raws, behind)
		bad[name] = [2]string{text, hash}
	}
	add("proof missing", 0x620104, "", "", txs)
	add("proof not announced", 0x620004, dogeAuxPow, "", txs)
	add("something behind", 0x620104, dogeAuxPow, "00", txs)
	add("more than there can be", 0x620104, dogeAuxPow, "", []*wire.MsgTx{txs[0], payingTx(t, most+1, "76a914"+keyHash+"88ac")})
	for name, v := range bad {
		if _, err := n.decodeBlock(v[0], v[1], 5); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// A transaction that integrates a block of Litecoin's other part, and pays somebody who took coins out of there.
const (
	hogEx   = "02000000000801f190b67fc759641b8376f5ca550cac80ca3b2509c6a144e1425a437b18c161590000000000ffffffff020675a5b66a00000022582066723521c495f90a5fbe3686c617c294d69ac71ed9e57b65032f83e45871fd83b28c980000000000160014f4de962f4bb82d0057974201202acd78d56db7f20000000000"
	hogExID = "efe11e0d8d562e73b7795c2a3b7e44c6b6390f2c42c3ae90bb1005009c27a3f3"
	// ltcPaid is whom it pays; another one, of an early block, pays nobody.
	ltcPaid   = "ltc1q7n0fvt6thqksq4uhggqjq2kd0r2kmdlje4dvjg"
	hogEx2    = "02000000000801bba0a561a904465fe2215f77822e04045ca01491c358bb1689200d71ada3836b0000000000ffffffff01ec069e659a320000225820399cda163b49fdac1f669f69e63b56756d3bc6f2523eb10615710154959cc1360000000000"
	hogEx2ID  = "3cd43df64e9382040eff0bf54ba1c2389d5111eb5ab0968ab7af67e3c30cac04"
	extension = "01" + "badc0ffee0ddf00d"
)

// plain is a transaction without its marker and its part: what its id is made of.
func plain(t testing.TB, marked string) (*wire.MsgTx, string) {
	t.Helper()
	raw := marked[:8] + marked[12:len(marked)-10] + marked[len(marked)-8:]
	tx := &wire.MsgTx{}
	if err := tx.DeserializeNoWitness(bytes.NewReader(unhex(t, raw))); err != nil {
		t.Fatal(err)
	}
	return tx, raw
}

func TestMWEBBlock(t *testing.T) {
	n := coinNode(t, "LTC", "mainnet")
	integrating, stripped := plain(t, hogEx)
	paying := payingTx(t, 70_000, "0014"+keyHash)
	paying.TxIn[0].Witness = wire.TxWitness{{1, 2, 3}}
	txs := []*wire.MsgTx{coinbaseTx(), paying, integrating}
	front := []string{rawOf(t, txs[0]), rawOf(t, txs[1])}

	for name, v := range map[string]struct{ last, behind string }{
		"with the other part's block": {hogEx, extension},
		"with an empty one":           {hogEx, "00"},
		"with all of it left out":     {stripped, ""},
	} {
		text, hash := blockOf(t, 0x20000000, "", txs, append(front[:2:2], v.last), v.behind)
		block, err := n.decodeBlock(text, hash, 5)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		last := block.Txs[2]
		if last.ID != hogExID || len(last.Outputs) != 1 || last.Outputs[0].Ordinal != 1 || last.Outputs[0].Address != ltcPaid || last.Outputs[0].Amount.Plain() != "0.0999749" {
			t.Errorf("%s: the last transaction is %+v", name, last)
		}
		if out := block.Txs[1].Outputs; len(out) != 1 || out[0].Address != "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9" || out[0].Asset != "ltc" {
			t.Errorf("%s: the second pays %+v", name, out)
		}
	}

	withPart := hogEx[:len(hogEx)-10] + "01aabbccdd" + "00000000"
	empty := &wire.MsgTx{Version: 2}
	for name, v := range map[string]struct {
		txs    []*wire.MsgTx
		last   string
		behind string
	}{
		"something behind a block without": {txs, stripped, extension},
		"a part within":                    {txs, withPart, extension},
		"unknown flags":                    {txs, hogEx[:10] + "18" + hogEx[12:], extension},
		"cut off in the lock time":         {txs, hogEx[:len(hogEx)-2], ""},
		"a changed payment":                {txs, strings.Replace(hogEx, "b28c98", "b38c98", 1), extension},
		"a changed lock time":              {txs, hogEx[:len(hogEx)-2] + "01", extension},
		"a transaction of nothing":         {[]*wire.MsgTx{txs[0], txs[1], empty}, "02000000000000000000", ""},
	} {
		text, hash := blockOf(t, 0x20000000, "", v.txs, append(front[:2:2], v.last), v.behind)
		if _, err := n.decodeBlock(text, hash, 5); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	// Only the last transaction can be followed by a block of the other part.
	text, hash := blockOf(t, 0x20000000, "", []*wire.MsgTx{txs[0], integrating, paying}, []string{front[0], hogEx, front[1]}, extension)
	if _, err := n.decodeBlock(text, hash, 5); err == nil {
		t.Error("an extension behind another transaction is taken")
	}
}

func TestMWEBTransactions(t *testing.T) {
	n := coinNode(t, "LTC", "mainnet")
	paying := payingTx(t, 70_000, "0014"+keyHash)
	id, bare := paying.TxID(), rawOf(t, paying)
	body := bare[8 : len(bare)-8]
	paying.TxIn[0].Witness = wire.TxWitness{{1, 2, 3}}
	witnessed := rawOf(t, paying)
	for _, v := range []struct{ name, raw, id, pays string }{
		{"integrating", hogEx, hogExID, ltcPaid},
		{"integrating, paying nobody", hogEx2, hogEx2ID, ""},
		{"as any coin's", bare, id, "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9"},
		{"with witness", witnessed, id, "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9"},
		{"with a part", "020000000008" + body + "01aabbccddeeff" + "04030201", id, "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9"},
		{"with a short part", "020000000008" + body + "01" + "04030201", id, "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9"},
		{"with witness and part", "020000000009" + witnessed[12:len(witnessed)-8] + "01aabbccddeeff" + "04030201", id, "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9"},
		{"of a part alone", "0200000000080000" + "01aabbccddeeff" + "00000000", strings.Repeat("ab", 32), ""},
		{"of a part alone that is left out", "02000000000000000000", strings.Repeat("ab", 32), ""},
	} {
		tx, err := n.decodeTx(v.raw, v.id)
		if err != nil {
			t.Errorf("%s: %v", v.name, err)
			continue
		}
		var pays string
		for _, out := range tx.Outputs {
			pays += out.Address
		}
		if tx.ID != v.id || pays != v.pays {
			t.Errorf("%s: %+v", v.name, tx)
		}
	}
	for name, raw := range map[string]string{
		"another's id":         hogEx2,
		"lock time cut off":    hogEx[:len(hogEx)-2],
		"nothing behind":       "020000000008" + body + "04030201",
		"none and something":   "020000000008" + body + "00aa" + "04030201",
		"unknown flags":        "020000000010" + body + "01aa" + "04030201",
		"only a version":       "02000000",
		"nothing":              "",
		"inputs cut off":       "02000000000801",
		"outputs, but nothing": "02000000000800" + "01" + "0100000000000000" + "00" + "01aa" + "00000000",
	} {
		if _, err := n.decodeTx(raw, id); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := coinNode(t, "BTC", "mainnet").decodeTx(hogEx, hogExID); err == nil {
		t.Error("Bitcoin has such transactions")
	}
}

func TestCashTokens(t *testing.T) {
	n := coinNode(t, "BCH", "mainnet")
	const script, address = "76a914" + keyHash + "88ac", "bitcoincash:qp63uahgrxged4z5jswyt5dn5v3lzsem6cy4spdc2h"
	category := strings.Repeat("bb", 32)
	for _, v := range []struct{ name, script, want string }{
		{"none", script, address},
		{"amount 1", "ef" + category + "1001" + script, address},
		{"amount 252", "ef" + category + "10fc" + script, address},
		{"amount 253", "ef" + category + "10fdfd00" + script, address},
		{"the largest amount", "ef" + category + "10ffffffffffffffff7f" + script, address},
		{"NFT", "ef" + category + "20" + script, address},
		{"mutable NFT", "ef" + category + "21" + script, address},
		{"minting NFT with commitment and amount", "ef" + category + "7202ccccfdfd00" + script, address},
		{"NFT with commitment", "ef" + category + "6001cc" + script, address},
		{"to P2SH", "ef" + category + "20" + "a914" + keyHash + "87", chain.CashAddr("bitcoincash", chain.CashScriptHash, [20]byte(unhex(t, keyHash)))},
		{"to nobody", "ef" + category + "20" + "6a", ""},
		{"to nothing", "ef" + category + "20", ""},
		{"twice", "ef" + category + "20" + "ef" + category + "20" + script, ""},
		{"neither NFT nor amount", "ef" + category + "00" + script, ""},
		{"reserved bit", "ef" + category + "9001" + script, ""},
		{"no such capability", "ef" + category + "23" + script, ""},
		{"capability without NFT", "ef" + category + "1101" + script, ""},
		{"commitment without NFT", "ef" + category + "5001cc01" + script, ""},
		{"empty commitment", "ef" + category + "6000" + script, ""},
		{"commitment longer than all", "ef" + category + "60fc" + script, ""},
		{"amount 0", "ef" + category + "1000" + script, ""},
		{"amount 2⁶³", "ef" + category + "10ff0000000000000080" + script, ""},
		{"amount written too long", "ef" + category + "10fd0100" + script, ""},
		{"cut off", "ef" + category, ""},
		{"prefix alone", "ef", ""},
	} {
		got, ok := n.addressOf(unhex(t, v.script))
		if got != v.want || ok != (v.want != "") {
			t.Errorf("%s: %q, want %q", v.name, got, v.want)
		}
	}
	if got, ok := coinNode(t, "BTC", "mainnet").addressOf(unhex(t, "ef"+category+"20"+script)); ok {
		t.Errorf("Bitcoin has tokens, for %s", got)
	}
}

func TestCoinAddressOf(t *testing.T) {
	const pkh = "76a914" + keyHash + "88ac"
	for _, v := range []struct{ coin, params, script, want string }{
		{"LTC", "mainnet", pkh, "LVuDpNCSSj6pQ7t9Pv6d6sUkLKoqDEVUnJ"},
		{"LTC", "mainnet", "a91400846c3f4a7bb38e9b422b4129bf8b191287289e87", "M7wtsL7wSHDBJVMWWhtQfTMSYYkyooAAXM"},
		{"LTC", "mainnet", "0014" + keyHash, "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9"},
		{"LTC", "mainnet", "5820" + keyHash + "000000000000000000000000", ""}, // the other part's own output
		{"DOGE", "mainnet", pkh, "DFpN6QqFfUm3gKNaxN6tNcab1FArL9cZLE"},
		{"DOGE", "mainnet", "0014" + keyHash, ""},
		{"BCH", "mainnet", pkh, "bitcoincash:qp63uahgrxged4z5jswyt5dn5v3lzsem6cy4spdc2h"},
		{"BCH", "mainnet", "a91476a04053bda0a88bda5177b86a15c3b29f55987387", "bitcoincash:ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq"},
		{"BCH", "mainnet", "0014" + keyHash, ""},
		{"BCH", "regtest", pkh, "bchreg:qp63uahgrxged4z5jswyt5dn5v3lzsem6c6mz8vuwd"},
		{"DOGE", "regtest", pkh, "mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r"},
		{"DOGE", "regtest", "5120" + strings.Repeat("79", 32), ""},
	} {
		got, ok := coinNode(t, v.coin, v.params).addressOf(unhex(t, v.script))
		if got != v.want || ok != (v.want != "") {
			t.Errorf("%s %s: %s is %q, want %q", v.coin, v.params, v.script, got, v.want)
		}
	}
}

// What adapter and registry say of a coin is the same: how addresses are written, and how much there can be.
func TestCoinsAgree(t *testing.T) {
	for _, params := range []string{"mainnet", "testnet4", "signet", "regtest"} {
		n := testNode(t, params)
		if base := bases[params]; n.form.PubKeyHash != base.PubKeyHashAddrID || n.form.ScriptHash != base.ScriptHashAddrID || n.form.Segwit != base.Bech32HRPSegwit {
			t.Errorf("%s: %+v", params, n.form)
		}
	}
	for _, coin := range chain.UTXOCoins() {
		n := coinNode(t, coin, "mainnet")
		if want := n.asset.Cap.Units(); want.Cmp(big.NewInt(n.coin.maxMoney)) != 0 {
			t.Errorf("%s: %d units, capped at %s", coin, n.coin.maxMoney, want)
		}
		if private := coinNode(t, coin, "regtest"); !private.coin.witness || private.coin.oldCalls || private.params.PowLimit.Cmp(bases["regtest"].PowLimit) != 0 {
			t.Errorf("the private network of %s is %+v", coin, private.coin)
		}
	}
}

// Block 0 of each coin is its network's.
func TestCoinGenesis(t *testing.T) {
	for coin, header := range map[string]string{
		"LTC":  "010000000000000000000000000000000000000000000000000000000000000000000000d9ced4ed1130f7b7faad9be25323ffafa33232a17c3edf6cfd97bee6bafbdd97b9aa8e4ef0ff0f1ecd513f7c",
		"DOGE": "010000000000000000000000000000000000000000000000000000000000000000000000696ad20e2dd4365c7459b4a4a5af743d5e92c6da3229e6532cd605f6533f2a5b24a6a152f0ff0f1e67860100",
		"BCH":  "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c",
	} {
		n := coinNode(t, coin, "mainnet")
		h, err := n.decodeHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		if err := n.checkHeader(h, n.network.Genesis); err != nil {
			t.Errorf("%s: %v", coin, err)
		}
		h.Bits = 0x1f0fffff // easier than either network allows
		if err := n.checkHeader(h, h.BlockHash().String()); err == nil {
			t.Errorf("%s: any target is taken", coin)
		}
	}
}

func FuzzDecodeCoins(f *testing.F) {
	var nodes []*Node
	for _, coin := range chain.UTXOCoins() {
		nodes = append(nodes, coinNode(f, coin, "mainnet"))
	}
	integrating, _ := plain(f, hogEx)
	txs := []*wire.MsgTx{coinbaseTx(), integrating}
	ltc, _ := blockOf(f, 4, "", txs, []string{rawOf(f, txs[0]), hogEx}, extension)
	doge, _ := blockOf(f, 0x620104, dogeAuxPow, txs[:1], []string{rawOf(f, txs[0])}, "")
	bch, _ := blockOf(f, 4, "", txs[:1], []string{rawOf(f, txs[0])}, "")
	for _, seed := range []string{ltc, doge, bch, hogEx, hogEx2, dogeHeader + dogeAuxPow, "0200000000080000", "02000000000000000000", ""} {
		f.Add(unhex(f, seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		text := hex.EncodeToString(data)
		for _, n := range nodes {
			var hash string
			if len(data) >= 80 {
				hash = chainhash.DoubleHashH(data[:80]).String()
			}
			if block, err := n.decodeBlock(text, hash, 1); err == nil && block.Hash != hash {
				t.Fatalf("taken for %s", block.Hash)
			}
			_, _ = n.decodeHeader(text)
			_, _ = n.decodeTx(text, hash)
			_, _ = n.addressOf(data)
		}
	})
}
