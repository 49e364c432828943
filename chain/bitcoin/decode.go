package bitcoin

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"checkout/chain"
	"checkout/money"
)

// finalSequence and the next lower value are the sequence numbers that do not signal replacement (BIP125).
const finalSequence = 0xffffffff

func (n *Node) decodeHeader(text string) (*wire.BlockHeader, error) {
	header := &wire.BlockHeader{}
	return header, decodeHex(text, func(r *bytes.Reader) error { return n.coin.readHeader(r, header) })
}

// decodeBlock reads a raw block and checks all that can be checked of it alone.
func (n *Node) decodeBlock(text, hash string, height int64) (chain.Block, error) {
	var raw wire.MsgBlock
	if err := decodeHex(text, func(r *bytes.Reader) error { return n.coin.readBlock(r, &raw) }); err != nil {
		return chain.Block{}, err
	}
	if err := n.checkHeader(&raw.Header, hash); err != nil {
		return chain.Block{}, err
	}
	if len(raw.Transactions) == 0 || !isCoinbase(raw.Transactions[0]) {
		return chain.Block{}, errors.New("the block has no coinbase")
	}
	ids := make([]chainhash.Hash, len(raw.Transactions))
	block := chain.Block{Header: headerOf(&raw.Header, height), Txs: make([]chain.Tx, len(ids))}
	for i, tx := range raw.Transactions {
		ids[i] = tx.TxHash()
		if i > 0 && isCoinbase(tx) {
			return chain.Block{}, errors.New("the block has a second coinbase")
		}
		var err error
		if block.Txs[i], err = n.transaction(tx, ids[i].String()); err != nil {
			return chain.Block{}, err
		}
	}
	return block, checkMerkleRoot(ids, raw.Header.MerkleRoot)
}

// decodeTx reads a raw transaction that must have the given id. One that is of Litecoin's MWEB alone has no inputs and outputs
// that could be read, and an id that nothing of it can be checked against: it is taken for one that pays nobody.
func (n *Node) decodeTx(text, id string) (chain.Tx, error) {
	var raw wire.MsgTx
	if err := decodeHex(text, func(r *bytes.Reader) error { return n.coin.readSingle(r, &raw) }); err != nil {
		return chain.Tx{}, err
	}
	if n.coin.mweb && len(raw.TxIn) == 0 && len(raw.TxOut) == 0 {
		return chain.Tx{ID: id}, nil
	}
	if got := raw.TxHash().String(); got != id {
		return chain.Tx{}, fmt.Errorf("transaction %s is given as %s", got, id)
	}
	tx, err := n.transaction(&raw, id)
	if err == nil {
		tx.Raw, err = hex.DecodeString(text)
	}
	return tx, err
}

// decodeHex reads all of a text with a function that takes a stream.
func decodeHex(text string, read func(*bytes.Reader) error) error {
	data, err := hex.DecodeString(text)
	if err != nil {
		return errors.New("not hexadecimal")
	}
	stream := bytes.NewReader(data)
	if err := read(stream); err != nil {
		return fmt.Errorf("not readable: %w", err)
	}
	if stream.Len() > 0 {
		return fmt.Errorf("%d bytes too many", stream.Len())
	}
	return nil
}

func headerOf(raw *wire.BlockHeader, height int64) chain.Header {
	return chain.Header{
		BlockRef: chain.BlockRef{Height: height, Hash: raw.BlockHash().String()},
		Parent:   raw.PrevBlock.String(),
		Time:     raw.Timestamp.UTC(),
	}
}

// transaction puts a transaction into our words.
func (n *Node) transaction(raw *wire.MsgTx, id string) (chain.Tx, error) {
	tx := chain.Tx{ID: id, Coinbase: isCoinbase(raw)}
	if !tx.Coinbase {
		for _, in := range raw.TxIn {
			tx.Inputs = append(tx.Inputs, in.PreviousOutPoint.Hash.String()+":"+strconv.FormatUint(uint64(in.PreviousOutPoint.Index), 10))
			tx.Replaceable = tx.Replaceable || in.Sequence < finalSequence-1
		}
	}
	for i, out := range raw.TxOut {
		if out.Value < 0 || out.Value > n.coin.maxMoney {
			return chain.Tx{}, fmt.Errorf("transaction %s: output %d is of %d satoshi", id, i, out.Value)
		}
		to, ok := n.addressOf(out.PkScript)
		if !ok || out.Value == 0 {
			continue
		}
		tx.Outputs = append(tx.Outputs, chain.Transfer{
			Network: n.network.ID,
			TxID:    id,
			Ordinal: int64(i),
			Asset:   n.asset.ID,
			Address: to,
			Amount:  money.Units(n.asset.Currency, out.Value),
		})
	}
	return tx, nil
}

// isCoinbase says whether a transaction makes new coins: one input that spends nothing.
func isCoinbase(tx *wire.MsgTx) bool {
	return len(tx.TxIn) == 1 && tx.TxIn[0].PreviousOutPoint.Hash == chainhash.Hash{} &&
		tx.TxIn[0].PreviousOutPoint.Index == wire.MaxPrevOutIndex
}

// Opcodes of the scripts that addresses stand for.
const (
	opFalse       = 0x00
	opData20      = 0x14
	opData32      = 0x20
	opOne         = 0x51
	opDup         = 0x76
	opEqual       = 0x87
	opEqualVerify = 0x88
	opHash160     = 0xa9
	opCheckSig    = 0xac
)

// addressOf is the address whose script this is, byte for byte: P2PKH, P2SH, P2WPKH, P2WSH or P2TR. Scripts that pay a
// bare key, or several, are nobody's address even if one could be made of the key: whoever derives addresses from an
// account does not look for such outputs, and could not count on spending them.
func (n *Node) addressOf(script []byte) (string, bool) {
	if n.coin.tokens && len(script) > 0 && script[0] == tokenPrefix {
		var ok bool
		if script, ok = afterToken(script); !ok {
			return "", false
		}
	}
	switch size := len(script); {
	case size == 25 && script[0] == opDup && script[1] == opHash160 && script[2] == opData20 &&
		script[23] == opEqualVerify && script[24] == opCheckSig:
		return n.hashed(chain.CashPubKeyHash, script[3:23])
	case size == 23 && script[0] == opHash160 && script[1] == opData20 && script[22] == opEqual:
		return n.hashed(chain.CashScriptHash, script[2:22])
	case n.form.Segwit != "":
		return n.witness(script)
	}
	return "", false
}

// hashed is the address of a P2PKH or P2SH script, in cashaddr where the coin has that.
func (n *Node) hashed(kind chain.CashKind, hash []byte) (string, bool) {
	if prefix := n.form.Cash; prefix != "" {
		return chain.CashAddr(prefix, kind, [20]byte(hash)), true
	}
	if kind == chain.CashScriptHash {
		return written(address.NewAddressScriptHashFromHash(hash, n.params))
	}
	return written(address.NewAddressPubKeyHash(hash, n.params))
}

// witness is the address of a witness program (BIP141).
func (n *Node) witness(script []byte) (string, bool) {
	switch size := len(script); {
	case size == 22 && script[0] == opFalse && script[1] == opData20:
		return written(address.NewAddressWitnessPubKeyHash(script[2:], n.params))
	case size == 34 && script[0] == opFalse && script[1] == opData32:
		return written(address.NewAddressWitnessScriptHash(script[2:], n.params))
	case size == 34 && script[0] == opOne && script[1] == opData32:
		return written(address.NewAddressTaproot(script[2:], n.params))
	}
	return "", false
}

// written is the text of an address. The lengths are right, so there is no error.
func written[A address.Address](to A, err error) (string, bool) {
	if err != nil {
		return "", false
	}
	return to.EncodeAddress(), true
}
