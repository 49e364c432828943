package devnet

import (
	"context"
	"fmt"
	"strings"

	"checkout/chain"
)

// What the EVM node says, as far as it is translated.
type (
	evmBlock struct {
		Number string  `json:"number"`
		Hash   string  `json:"hash"`
		Parent string  `json:"parentHash"`
		Time   string  `json:"timestamp"`
		Txs    []evmTx `json:"transactions"`
	}
	evmTx struct {
		Hash   string `json:"hash"`
		Block  string `json:"blockHash"`
		Number string `json:"blockNumber"`
		From   string `json:"from"`
		To     string `json:"to"`
		Value  string `json:"value"`
		Input  string `json:"input"`
	}
	evmReceipt struct {
		Tx     string `json:"transactionHash"`
		Status string `json:"status"`
		Logs   []struct {
			Address string   `json:"address"`
			Topics  []string `json:"topics"`
			Data    string   `json:"data"`
		} `json:"logs"`
	}
)

func (p *Proxy) block(ctx context.Context, tag string) (evmBlock, error) {
	var b evmBlock
	return b, p.call(ctx, &b, "eth_getBlockByNumber", tag, true)
}

func (p *Proxy) receipts(ctx context.Context, tag string) (map[string]evmReceipt, error) {
	var list []evmReceipt
	if err := p.call(ctx, &list, "eth_getBlockReceipts", tag); err != nil {
		return nil, err
	}
	found := map[string]evmReceipt{}
	for _, r := range list {
		found[r.Tx] = r
	}
	return found, nil
}

func (b evmBlock) height() int64 { return number(b.Number).Int64() }

// id is the block's hash with its height in the place of the first eight bytes.
func (b evmBlock) id() string { return withHeight(b.height(), b.Hash) }

func (b evmBlock) parent() string {
	if b.height() == 0 {
		return strings.Repeat("0", 64)
	}
	return withHeight(b.height()-1, b.Parent)
}

func withHeight(height int64, hash string) string {
	if height == 0 { // the same first block at every start, for it names the network
		network, _ := chain.TronDevnet()
		return network.Genesis
	}
	return fmt.Sprintf("%016x", height) + strings.TrimPrefix(hash, "0x")[16:]
}

// tronOf is an account as the API writes it: 41 and 40 hex digits.
func tronOf(address string) string { return "41" + strings.ToLower(strings.TrimPrefix(address, "0x")) }

// show is the transaction in its block.
func (tx evmTx) show(r evmReceipt) object {
	result := "SUCCESS"
	if r.Status != "0x1" {
		result = "REVERT"
	}
	value := object{"owner_address": tronOf(tx.From)}
	kind := "TransferContract"
	switch {
	case tx.To == "":
		kind = "CreateSmartContract"
		value["new_contract"] = object{"bytecode": strings.TrimPrefix(tx.Input, "0x")}
	case tx.Input == "0x" || tx.Input == "":
		value["to_address"], value["amount"] = tronOf(tx.To), number(tx.Value)
	default:
		kind = "TriggerSmartContract"
		value["contract_address"], value["data"] = tronOf(tx.To), strings.TrimPrefix(tx.Input, "0x")
		if n := number(tx.Value); n.Sign() > 0 {
			value["call_value"] = n
		}
	}
	return object{
		"ret": []object{{"contractRet": result}}, "signature": []string{strings.Repeat("0", 130)}, "txID": strings.TrimPrefix(tx.Hash, "0x"),
		"raw_data": object{
			"contract": []object{{
				"type": kind, "parameter": object{"type_url": "type.googleapis.com/protocol." + kind, "value": value},
			}},
			"ref_block_bytes": "0000", "ref_block_hash": "0000000000000000", "expiration": 0, "timestamp": 0,
		},
	}
}

// info is what came of the transaction.
func (tx evmTx) info(b evmBlock, r evmReceipt) object {
	out := object{
		"id": strings.TrimPrefix(tx.Hash, "0x"), "fee": 0, "blockNumber": b.height(), "blockTimeStamp": number(b.Time).Int64() * 1000,
		"contractResult": []string{""},
	}
	if tx.Input == "0x" || tx.Input == "" {
		out["receipt"] = object{"net_usage": 268}
		return out
	}
	out["contract_address"] = tronOf(tx.To)
	if r.Status != "0x1" {
		out["result"], out["receipt"] = "FAILED", object{"result": "REVERT", "energy_usage_total": 100}
		return out
	}
	out["receipt"] = object{"result": "SUCCESS", "energy_usage_total": 100}
	var logs []object
	for _, l := range r.Logs {
		entry := object{"address": strings.ToLower(strings.TrimPrefix(l.Address, "0x"))}
		var topics []string
		for _, t := range l.Topics {
			topics = append(topics, strings.TrimPrefix(t, "0x"))
		}
		if len(topics) > 0 {
			entry["topics"] = topics
		}
		if data := strings.TrimPrefix(l.Data, "0x"); data != "" {
			entry["data"] = data
		}
		logs = append(logs, entry)
	}
	if len(logs) > 0 {
		out["log"] = logs
	}
	return out
}
