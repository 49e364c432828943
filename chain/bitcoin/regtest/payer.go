package regtest

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// PayerAddress is the P2WPKH address of the private key of 32 bytes 0x01, which everybody knows.
const PayerAddress = "bcrt1q0xcqpzrky6eff2g52qdye53xkk9jxkvrl4xfg5"

// maturity is how many blocks deep new coins must be to be spent in the next one.
const maturity = 99

// feeRate is what a transaction pays, in satoshi for each virtual byte: enough to be relayed, and as a step enough to
// replace another (BIP125, rule 4).
const feeRate = 10

// Sequence numbers of inputs (BIP125).
const (
	final       = 0xffffffff
	replaceable = 0xfffffffd
)

// Output is something to be paid.
type Output struct {
	Address string
	Script  []byte // what is paid where the node knows no such address: of another coin; Address is for people then
	Sats    int64  // satoshi
}

// Tx is a transaction the payer made.
type Tx struct {
	ID  string
	Raw string // hex

	inputs []coin
	fee    int64 // satoshi
}

// coin is an unspent output of the payer's.
type coin struct {
	point    wire.OutPoint
	sats     int64
	height   int64
	coinbase bool
}

// Payer pays from the coins that a node's blocks give to PayerAddress. It is safe for concurrent use.
type Payer struct {
	process *Process
	key     *btcec.PrivateKey
	script  []byte // of PayerAddress

	mu    sync.Mutex
	chain []string // hashes of the blocks taken in, by height
	coins map[wire.OutPoint]coin
	// used coins are never used again, even if the transaction that spends them is lost. Those that are known to be
	// spent leave coins by the block that spends them.
	used map[wire.OutPoint]bool
}

// NewPayer makes a payer on a node. Several payers, on the same or other nodes, share the coins without knowing of one
// another: that is how coins are spent twice.
func NewPayer(p *Process) (*Payer, error) {
	key, _ := btcec.PrivKeyFromBytes(bytes.Repeat([]byte{1}, 32))
	script, err := scriptOf(PayerAddress)
	if err != nil {
		return nil, err
	}
	return &Payer{process: p, key: key, script: script, coins: map[wire.OutPoint]coin{}, used: map[wire.OutPoint]bool{}}, nil
}

func scriptOf(text string) ([]byte, error) {
	to, err := address.DecodeAddress(text, &chaincfg.RegressionNetParams)
	if err != nil {
		return nil, fmt.Errorf("address %s: %w", text, err)
	}
	return txscript.PayToAddrScript(to)
}

// Pay broadcasts a payment that does not signal replacement.
func (p *Payer) Pay(ctx context.Context, outputs ...Output) (Tx, error) {
	return p.pay(ctx, outputs, nil, final)
}

// PayReplaceable broadcasts a payment that signals replacement (BIP125).
func (p *Payer) PayReplaceable(ctx context.Context, outputs ...Output) (Tx, error) {
	return p.pay(ctx, outputs, nil, replaceable)
}

// Replace broadcasts a payment that spends the same coins as an earlier one and pays a higher fee, so that nodes that
// have the earlier one drop it.
func (p *Payer) Replace(ctx context.Context, earlier Tx, outputs ...Output) (Tx, error) {
	return p.pay(ctx, outputs, &earlier, replaceable)
}

func (p *Payer) pay(ctx context.Context, outputs []Output, instead *Tx, sequence uint32) (Tx, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	tip, err := p.sync(ctx)
	if err != nil {
		return Tx{}, err
	}
	tx, err := p.make(outputs, instead, sequence, tip)
	if err != nil {
		return Tx{}, err
	}
	for _, c := range tx.inputs {
		p.used[c.point] = true
	}
	id, err := p.process.Broadcast(ctx, tx.Raw)
	if err == nil && id != tx.ID {
		err = fmt.Errorf("%s was taken for %s", tx.ID, id)
	}
	return tx, err
}

// make chooses coins and builds the signed transaction. What is too much goes back to the payer.
func (p *Payer) make(outputs []Output, instead *Tx, sequence uint32, tip int64) (Tx, error) {
	raw := wire.NewMsgTx(2)
	var need int64
	for _, out := range outputs {
		script := out.Script
		if script == nil {
			var err error
			if script, err = scriptOf(out.Address); err != nil {
				return Tx{}, err
			}
		}
		raw.AddTxOut(wire.NewTxOut(out.Sats, script))
		need += out.Sats
	}
	var tx Tx
	var have, extra int64
	if instead != nil {
		tx.inputs, extra = slices.Clone(instead.inputs), instead.fee
		for _, c := range tx.inputs {
			have += c.sats
		}
	}
	spendable := p.spendable(tip)
	for {
		tx.fee = extra + feeRate*size(len(tx.inputs), len(outputs)+1)
		if len(tx.inputs) > 0 && have >= need+tx.fee+dust {
			break
		}
		if len(spendable) == 0 {
			return Tx{}, errors.New("the payer has no more coins: mine some blocks")
		}
		tx.inputs, have, spendable = append(tx.inputs, spendable[0]), have+spendable[0].sats, spendable[1:]
	}
	raw.AddTxOut(wire.NewTxOut(have-need-tx.fee, p.script))
	return p.sign(raw, tx, sequence)
}

// dust is the least that goes back to the payer, in satoshi: nodes do not relay tiny outputs.
const dust = 1000

// size is the virtual size of a transaction in bytes, or a little more: 11, 68 for each P2WPKH input, 43 for an output
// of the longest kind.
func size(inputs, outputs int) int64 { return int64(11 + 68*inputs + 43*outputs) }

// spendable lists the coins that can go into the next block, the oldest first.
func (p *Payer) spendable(tip int64) []coin {
	var list []coin
	for _, c := range p.coins {
		if !p.used[c.point] && (!c.coinbase || tip-c.height >= maturity) {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b coin) int {
		if a.height != b.height {
			return int(a.height - b.height)
		}
		return strings.Compare(a.point.String(), b.point.String())
	})
	return list
}

func (p *Payer) sign(raw *wire.MsgTx, tx Tx, sequence uint32) (Tx, error) {
	spent := map[wire.OutPoint]*wire.TxOut{}
	for _, c := range tx.inputs {
		raw.AddTxIn(&wire.TxIn{PreviousOutPoint: c.point, Sequence: sequence})
		spent[c.point] = wire.NewTxOut(c.sats, p.script)
	}
	hashes := txscript.NewTxSigHashes(raw, txscript.NewMultiPrevOutFetcher(spent))
	for i, c := range tx.inputs {
		witness, err := txscript.WitnessSignature(raw, hashes, i, c.sats, p.script, txscript.SigHashAll, p.key, true)
		if err != nil {
			return Tx{}, fmt.Errorf("signature: %w", err)
		}
		raw.TxIn[i].Witness = witness
	}
	var b bytes.Buffer
	if err := raw.Serialize(&b); err != nil {
		return Tx{}, err
	}
	tx.ID, tx.Raw = raw.TxHash().String(), hex.EncodeToString(b.Bytes())
	return tx, nil
}

// sync takes the node's new blocks in and says the height of the last. If the node has turned to another branch, all is
// taken in again: these chains are short.
func (p *Payer) sync(ctx context.Context) (int64, error) {
	tip, err := p.process.Height(ctx)
	if err != nil {
		return 0, err
	}
	if last := int64(len(p.chain)) - 1; last >= 0 {
		hash, err := p.process.HashAt(ctx, min(last, tip))
		if err != nil {
			return 0, err
		}
		if last > tip || hash != p.chain[last] {
			p.chain, p.coins = nil, map[wire.OutPoint]coin{}
		}
	}
	for height := int64(len(p.chain)); height <= tip; height++ {
		raw, err := p.process.rawBlock(ctx, height)
		if err != nil {
			return 0, err
		}
		if err := p.take(raw, height); err != nil {
			return 0, fmt.Errorf("block %d: %w", height, err)
		}
	}
	return tip, nil
}

// take takes a raw block in, the next one.
func (p *Payer) take(raw string, height int64) error {
	data, err := hex.DecodeString(raw)
	if err != nil {
		return err
	}
	var block wire.MsgBlock
	if err := block.Deserialize(bytes.NewReader(data)); err != nil {
		return err
	}
	for i, tx := range block.Transactions {
		for _, in := range tx.TxIn {
			delete(p.coins, in.PreviousOutPoint)
		}
		id := tx.TxHash()
		for n, out := range tx.TxOut {
			if bytes.Equal(out.PkScript, p.script) {
				point := wire.OutPoint{Hash: id, Index: uint32(n)} //nolint:gosec // a block has no 2³² outputs
				p.coins[point] = coin{point: point, sats: out.Value, height: height, coinbase: i == 0}
			}
		}
	}
	p.chain = append(p.chain, block.BlockHash().String())
	return nil
}
