package tron

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"checkout/chain"
	"checkout/money"
)

// transferTopic is the hash of "Transfer(address,address,uint256)", the first topic of every TRC-20 transfer (TIP-20), as nodes
// write it: without 0x.
const transferTopic = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"

// succeeded is what nodes call the result of a transaction or a contract that did what it was to do.
const succeeded = "SUCCESS"

// The answers of a node, as far as they matter (java-tron HTTP API). Addresses are hex, with 41 in front but in logs.
type (
	rawBlock struct {
		ID     string `json:"blockID"`
		Header struct {
			Data struct {
				Number    json64 `json:"number"`
				Parent    string `json:"parentHash"`
				Timestamp json64 `json:"timestamp"` // milliseconds
			} `json:"raw_data"`
		} `json:"block_header"`
		Txs []rawTx `json:"transactions"`
	}
	rawTx struct {
		ID      string `json:"txID"`
		Results []struct {
			Contract string `json:"contractRet"`
		} `json:"ret"`
		Data struct {
			Contracts []rawContract `json:"contract"`
		} `json:"raw_data"`
	}
	rawContract struct {
		Type      string `json:"type"`
		Parameter struct {
			Value json.RawMessage `json:"value"` // of a form of its own for each type
		} `json:"parameter"`
	}
	rawTransfer struct {
		Amount json64 `json:"amount"` // sun
		To     string `json:"to_address"`
	}
	rawInfo struct {
		ID      string `json:"id"`
		Height  json64 `json:"blockNumber"`
		Receipt struct {
			Result string `json:"result"`
		} `json:"receipt"`
		Logs []rawLog `json:"log"`
	}
	rawLog struct {
		Address string   `json:"address"`
		Topics  []string `json:"topics"`
		Data    string   `json:"data"`
	}
)

// json64 is a number nodes write in decimal, zero if they leave it out.
type json64 int64

// UnmarshalJSON reads digits only: no fraction, no exponent, no text.
func (n *json64) UnmarshalJSON(text []byte) error {
	v, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || v < 0 {
		return fmt.Errorf("%.40q is no number", text)
	}
	*n = json64(v)
	return nil
}

// header reads the header of a block that must be of a height, unless that is below zero. The first eight bytes of a block's id
// are its height.
func (b rawBlock) header(height int64) (chain.Header, error) {
	n := int64(b.Header.Data.Number)
	if !isHash(b.ID) || !isHash(b.Header.Data.Parent) {
		return chain.Header{}, errors.New("a block without its ids")
	}
	raw, _ := hex.DecodeString(b.ID[:16]) // the digits were looked at
	if binary.BigEndian.Uint64(raw) != uint64(n) || n > math.MaxInt64/2 {
		return chain.Header{}, fmt.Errorf("block %d has the id %s", n, b.ID)
	}
	if height >= 0 && n != height {
		return chain.Header{}, fmt.Errorf("block %d was given for block %d", n, height)
	}
	return chain.Header{
		BlockRef: chain.BlockRef{Height: n, Hash: b.ID}, Parent: b.Header.Data.Parent, Time: time.UnixMilli(int64(b.Header.Data.Timestamp)).UTC(),
	}, nil
}

// isHash says whether text is 32 bytes in lower-case hex.
func isHash(text string) bool {
	_, err := hex.DecodeString(text)
	return err == nil && len(text) == 64 && text == strings.ToLower(text)
}

// block puts a block, and what came of its transactions, into our words. Every call of a contract must have its outcome: a node
// that has not got them yet answers with fewer, or none.
func (n *Node) block(raw rawBlock, h chain.Header, infos []rawInfo) (chain.Block, error) {
	outcome := make(map[string]rawInfo, len(infos))
	for _, info := range infos {
		if int64(info.Height) != h.Height {
			return chain.Block{}, fmt.Errorf("the outcome of %.64q, which is in block %d", info.ID, info.Height)
		}
		if _, twice := outcome[info.ID]; twice {
			return chain.Block{}, fmt.Errorf("two outcomes of %.64q", info.ID)
		}
		outcome[info.ID] = info
	}
	out := chain.Block{Header: h}
	for _, tx := range raw.Txs {
		if !isHash(tx.ID) {
			return chain.Block{}, fmt.Errorf("transaction %.80q", tx.ID)
		}
		info, known := outcome[tx.ID]
		delete(outcome, tx.ID)
		if !known && tx.calls() {
			return chain.Block{}, fmt.Errorf("the outcome of %s is missing", tx.ID)
		}
		read, err := n.transaction(tx, info)
		if err != nil {
			return chain.Block{}, err
		}
		out.Txs = append(out.Txs, read)
	}
	if len(outcome) > 0 {
		return chain.Block{}, errors.New("outcomes of transactions that are not in the block")
	}
	return out, nil
}

// calls says whether a transaction calls a contract, or makes one.
func (tx rawTx) calls() bool {
	for _, c := range tx.Data.Contracts {
		if c.Type == "TriggerSmartContract" || c.Type == "CreateSmartContract" {
			return true
		}
	}
	return false
}

// transaction reads what a transaction moved: nothing, if it failed. TRX moves by a transfer of it alone; other assets of the
// network itself (TRC-10) are none of ours, whatever their name.
func (n *Node) transaction(raw rawTx, info rawInfo) (chain.Tx, error) {
	tx := chain.Tx{ID: raw.ID}
	var err error
	if raw.calls() {
		tx.Outputs, err = n.called(raw, info)
		return tx, err
	}
	if len(raw.Results) != 1 || len(raw.Data.Contracts) != 1 || raw.Results[0].Contract != succeeded {
		return tx, nil
	}
	if c := raw.Data.Contracts[0]; c.Type == "TransferContract" {
		t, ok, err := n.coinTransfer(raw.ID, c)
		if err != nil {
			return tx, err
		}
		if ok {
			tx.Outputs = []chain.Transfer{t}
		}
	}
	return tx, nil
}

// called reads what a call moved. Every node of the network runs a call again and refuses a block whose result of it is not its
// own (java-tron, TransactionTrace.check), so block and outcome agree, or half of one of them is missing.
func (n *Node) called(raw rawTx, info rawInfo) ([]chain.Transfer, error) {
	if len(raw.Results) != 1 || len(raw.Data.Contracts) != 1 {
		return nil, fmt.Errorf("transaction %s: %d results of %d calls", raw.ID, len(raw.Results), len(raw.Data.Contracts))
	}
	said, came := raw.Results[0].Contract, info.Receipt.Result
	if said == "" || came == "" || (said == succeeded) != (came == succeeded) {
		return nil, fmt.Errorf("transaction %s: the block says %.40q, its outcome %.40q", raw.ID, said, came)
	}
	if came != succeeded {
		return nil, nil
	}
	return n.tokenTransfers(raw.ID, info.Logs)
}

func (n *Node) coinTransfer(txid string, c rawContract) (chain.Transfer, bool, error) {
	var t rawTransfer
	if err := json.Unmarshal(c.Parameter.Value, &t); err != nil {
		return chain.Transfer{}, false, fmt.Errorf("transaction %s: %w", txid, err)
	}
	if n.coin.ID == "" || t.Amount == 0 {
		return chain.Transfer{}, false, nil
	}
	to, ok := chain.ParseTronHex(t.To)
	if !ok {
		return chain.Transfer{}, false, fmt.Errorf("transaction %s pays %.80q", txid, t.To)
	}
	return chain.Transfer{
		Network: n.network.ID, TxID: txid, Asset: n.coin.ID, Address: chain.TronAddress(to),
		Amount: money.Units(n.coin.Currency, int64(t.Amount)),
	}, true, nil
}

// tokenTransfers reads the logs of a transaction. The ordinal of a transfer is its place, from 1, among all logs that have the
// shape of one, whichever contract wrote them; only the contract that wrote it says of which token it is.
func (n *Node) tokenTransfers(txid string, logs []rawLog) ([]chain.Transfer, error) {
	var list []chain.Transfer
	ordinal := int64(0)
	for _, log := range logs {
		contract, ok := log.read()
		if !ok {
			return nil, fmt.Errorf("transaction %s: a log of %.80q that is none", txid, log.Address)
		}
		if !isTransfer(log) {
			continue
		}
		ordinal++
		asset, known := n.tokens[contract]
		if !known {
			continue
		}
		value, _ := new(big.Int).SetString(log.Data, 16) // its shape was looked at
		if value.Sign() == 0 {                           // nothing: such transfers are made to put a look-alike address into somebody's history
			continue
		}
		to, ok := chain.ParseTronHex("41" + log.Topics[2][24:])
		if !ok {
			return nil, fmt.Errorf("transaction %s: a transfer to %.80q", txid, log.Topics[2])
		}
		list = append(list, chain.Transfer{
			Network: n.network.ID, TxID: txid, Ordinal: ordinal, Asset: asset.ID, Address: chain.TronAddress(to), Amount: money.New(asset.Currency, value),
		})
	}
	return list, nil
}

// read gives the 40 hex digits of the contract that wrote a log; false: it is no log, and might have been one that pays. Nodes may
// leave zeros at the front of the contract out, or write 41 before it (java-tron, Util.convertLogAddressToTronAddress).
func (log rawLog) read() (contract string, ok bool) {
	contract = strings.ToLower(log.Address)
	if len(contract) == 42 {
		contract = strings.TrimPrefix(contract, "41")
	}
	if !isHex(contract) || len(contract) > 40 || !isHex(log.Data) || len(log.Topics) > 4 {
		return "", false
	}
	for _, topic := range log.Topics {
		if !isWord(topic) {
			return "", false
		}
	}
	return strings.Repeat("0", 40-len(contract)) + contract, true
}

// isTransfer says whether a log has the shape of a TRC-20 transfer: three topics and one word of data.
func isTransfer(log rawLog) bool {
	return len(log.Topics) == 3 && strings.EqualFold(log.Topics[0], transferTopic) && isWord(log.Data) && isPadded(log.Topics[1]) && isPadded(log.Topics[2])
}

func isHex(text string) bool {
	_, err := hex.DecodeString(text)
	return err == nil
}

func isWord(text string) bool { return isHex(text) && len(text) == 64 }

// isPadded says whether a topic holds an address: twelve zero bytes before it.
func isPadded(topic string) bool { return isWord(topic) && topic[:24] == strings.Repeat("0", 24) }
