package evm

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"

	"checkout/chain"
	"checkout/money"
)

// transferTopic is the hash of "Transfer(address,address,uint256)", the first topic of every ERC-20 transfer (EIP-20).
const transferTopic = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"

// The answers of a node, as far as they matter (Ethereum execution API, "eth" namespace). All numbers are hex quantities.
type (
	rawBlock struct {
		Number    string  `json:"number"`
		Hash      string  `json:"hash"`
		Parent    string  `json:"parentHash"`
		Timestamp string  `json:"timestamp"`
		Bloom     string  `json:"logsBloom"`
		Txs       []rawTx `json:"transactions"`
	}
	rawTx struct {
		Hash  string `json:"hash"`
		Block string `json:"blockHash"`
		From  string `json:"from"`
		To    string `json:"to"` // empty: a contract is made
		Value string `json:"value"`
		Nonce string `json:"nonce"`
		Type  string `json:"type"`
	}
	rawLog struct {
		Address string   `json:"address"`
		Topics  []string `json:"topics"`
		Data    string   `json:"data"`
		Block   string   `json:"blockHash"`
		Tx      string   `json:"transactionHash"`
		Index   string   `json:"logIndex"`
		Removed bool     `json:"removed"`
	}
	rawReceipt struct {
		Tx     string   `json:"transactionHash"`
		Block  string   `json:"blockHash"`
		Status string   `json:"status"`
		Logs   []rawLog `json:"logs"`
	}
)

// quantity reads a hex number as the execution API writes it: "0x", no leading zeros but for zero itself, at most 256 bits.
func quantity(text string) (*big.Int, error) {
	digits, ok := strings.CutPrefix(text, "0x")
	if !ok || digits == "" || len(digits) > 64 || (len(digits) > 1 && digits[0] == '0') || !isHex(digits) {
		return nil, fmt.Errorf("%.80q is no quantity", text)
	}
	n, _ := new(big.Int).SetString(digits, 16) // the digits were looked at
	return n, nil
}

// number is a quantity that fits a height or a time.
func number(text string) (int64, error) {
	n, err := quantity(text)
	if err != nil {
		return 0, err
	}
	if !n.IsInt64() || n.Int64() > math.MaxInt64/2 {
		return 0, fmt.Errorf("%.80q is too large", text)
	}
	return n.Int64(), nil
}

// word reads 32 bytes of data as a number.
func word(text string) (*big.Int, error) {
	if !isBytes(text, 32) {
		return nil, fmt.Errorf("%.80q is not 32 bytes", text)
	}
	n, _ := new(big.Int).SetString(text[2:], 16)
	return n, nil
}

// isHash says whether text is 32 bytes in lower-case hex, as nodes write hashes.
func isHash(text string) bool { return isBytes(text, 32) && text == strings.ToLower(text) }

func isBytes(text string, size int) bool {
	digits, ok := strings.CutPrefix(text, "0x")
	return ok && len(digits) == 2*size && isHex(digits)
}

func isHex(digits string) bool {
	for i := range len(digits) {
		if c := digits[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

// header reads the header of a block that must be of a height, unless that is below zero.
func (b rawBlock) header(height int64) (chain.Header, error) {
	n, err := number(b.Number)
	if err != nil {
		return chain.Header{}, err
	}
	if height >= 0 && n != height {
		return chain.Header{}, fmt.Errorf("block %d was given for block %d", n, height)
	}
	at, err := number(b.Timestamp)
	if err != nil {
		return chain.Header{}, err
	}
	if !isHash(b.Hash) || !isHash(b.Parent) {
		return chain.Header{}, errors.New("a block without its hashes")
	}
	return chain.Header{BlockRef: chain.BlockRef{Height: n, Hash: b.Hash}, Parent: b.Parent, Time: time.Unix(at, 0).UTC()}, nil
}

// block puts a block and the transfer logs of it into our words. Every transaction is there, also what pays nobody: its
// nonce is what another transaction may conflict with.
func (n *Node) block(raw rawBlock, h chain.Header, logs []rawLog) (chain.Block, error) {
	out := chain.Block{Header: h, Txs: make([]chain.Tx, len(raw.Txs))}
	place := make(map[string]int, len(raw.Txs))
	for i, tx := range raw.Txs {
		var err error
		if out.Txs[i], err = n.transaction(tx, h.Hash); err != nil {
			return chain.Block{}, err
		}
		if _, twice := place[tx.Hash]; twice {
			return chain.Block{}, fmt.Errorf("transaction %s stands twice", tx.Hash)
		}
		place[tx.Hash] = i
	}
	ordinals := map[string]int64{}
	for _, log := range logs {
		i, ok := place[log.Tx]
		if !ok || log.Block != h.Hash || log.Removed {
			return chain.Block{}, fmt.Errorf("a log of %s, which is not in the block", log.Tx)
		}
		if !isTransfer(log) {
			continue
		}
		ordinals[log.Tx]++ // as Prove counts them, if all the transaction's transfers are of known tokens
		if t, ok, err := n.transfer(log, ordinals[log.Tx]); err != nil {
			return chain.Block{}, err
		} else if ok {
			out.Txs[i].Outputs = append(out.Txs[i].Outputs, t)
		}
	}
	return out, nil
}

// transaction reads a transaction of a block. What it moves of the network's coin holds only if it succeeded, which its
// receipt says (Prove).
func (n *Node) transaction(raw rawTx, block string) (chain.Tx, error) {
	if !isHash(raw.Hash) || !isBytes(raw.From, 20) || (raw.Block != "" && raw.Block != block) {
		return chain.Tx{}, fmt.Errorf("transaction %.80q cannot be read", raw.Hash)
	}
	tx := chain.Tx{ID: raw.Hash}
	if isSigned(raw.Type) && strings.Trim(raw.From[2:], "0") != "" { // Polygon's own transactions come from nobody, and all have the number 0
		nonce, err := quantity(raw.Nonce)
		if err != nil {
			return chain.Tx{}, fmt.Errorf("transaction %s: nonce: %w", raw.Hash, err)
		}
		tx.Inputs = []string{strings.ToLower(raw.From) + ":" + nonce.String()}
	}
	value, err := quantity(raw.Value)
	if err != nil {
		return chain.Tx{}, fmt.Errorf("transaction %s: value: %w", raw.Hash, err)
	}
	if value.Sign() == 0 || raw.To == "" || n.coin.ID == "" {
		return tx, nil
	}
	to, ok := chain.EIP55(raw.To)
	if !ok {
		return chain.Tx{}, fmt.Errorf("transaction %s pays %.80q", raw.Hash, raw.To)
	}
	tx.Outputs = []chain.Transfer{{
		Network: n.network.ID, TxID: raw.Hash, Ordinal: 0, Asset: n.coin.ID, Address: to, Amount: money.New(n.coin.Currency, value),
	}}
	return tx, nil
}

// isSigned says whether a transaction is of a kind its sender signs, so that its nonce is used once: types 0 to 4 (EIP-2718).
// The system transactions of rollups have numbers that repeat.
func isSigned(kind string) bool {
	switch kind {
	case "", "0x0", "0x1", "0x2", "0x3", "0x4":
		return true
	}
	return false
}

// isTransfer says whether a log has the shape of an ERC-20 transfer: three topics and one word of data. Tokens that are not
// to be counted (ERC-721) have a fourth topic; some that are broken have fewer.
func isTransfer(log rawLog) bool {
	return len(log.Topics) == 3 && strings.EqualFold(log.Topics[0], transferTopic) && isBytes(log.Data, 32) &&
		isPadded(log.Topics[1]) && isPadded(log.Topics[2])
}

// isPadded says whether a topic holds an address: twelve zero bytes before it.
func isPadded(topic string) bool {
	return isBytes(topic, 32) && topic[2:26] == strings.Repeat("0", 24)
}

// transfer reads a transfer log; false if it is of a token we do not know, or of nothing. Only the emitting contract says
// which token it is.
func (n *Node) transfer(log rawLog, ordinal int64) (chain.Transfer, bool, error) {
	contract, ok := chain.EIP55(log.Address)
	if !ok {
		return chain.Transfer{}, false, fmt.Errorf("a log of %.80q", log.Address)
	}
	asset, known := n.tokens[contract]
	if !known {
		return chain.Transfer{}, false, nil
	}
	to, ok := chain.EIP55("0x" + log.Topics[2][26:])
	if !ok {
		return chain.Transfer{}, false, fmt.Errorf("a transfer to %.80q", log.Topics[2])
	}
	value, err := word(log.Data)
	if err != nil || value.Sign() == 0 { // nothing: such transfers are made to put a look-alike address into somebody's history
		return chain.Transfer{}, false, err
	}
	return chain.Transfer{
		Network: n.network.ID, TxID: log.Tx, Ordinal: ordinal, Asset: asset.ID, Address: to, Amount: money.New(asset.Currency, value),
	}, true, nil
}

// proven is what a transaction did, by its receipt: nothing if it failed. coin is what it would move of the network's coin.
//
// The ordinal of a token transfer is its place, from 1, among all logs of its transaction that have the shape of a transfer,
// whichever contract wrote them: so it does not change when a token becomes known, nor with the block.
func (n *Node) proven(r rawReceipt, tx chain.Tx) (chain.Tx, error) {
	out := tx
	out.Outputs = nil
	switch r.Status {
	case "0x1":
	case "0x0":
		return out, nil
	default:
		return chain.Tx{}, fmt.Errorf("receipt of %s: status %.80q", tx.ID, r.Status)
	}
	for _, t := range tx.Outputs {
		if t.Ordinal == 0 {
			out.Outputs = append(out.Outputs, t)
		}
	}
	ordinal := int64(0)
	for _, log := range r.Logs {
		if log.Tx != tx.ID || log.Block != r.Block || log.Removed {
			return chain.Tx{}, fmt.Errorf("receipt of %s: a log of %.80q", tx.ID, log.Tx)
		}
		if !isTransfer(log) {
			continue
		}
		ordinal++
		t, ok, err := n.transfer(log, ordinal)
		if err != nil {
			return chain.Tx{}, err
		}
		if ok {
			out.Outputs = append(out.Outputs, t)
		}
	}
	return out, nil
}
