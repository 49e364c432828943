package tron_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"checkout/chain"
	"checkout/chain/rpc"
	"checkout/chain/tron"
	"checkout/money"
)

// answering is a node that was recorded: it answers by a call's path and body, without a network.
type answering func(path, body string) (status int, text string)

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	status, text := a(r.URL.Path, string(body))
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(text)), Header: http.Header{}, Request: r}, nil
}

// The accounts of the recorded blocks: a shop, and somebody else.
const (
	shopHex, otherHex = "1111111111111111111111111111111111111111", "2222222222222222222222222222222222222222"
	usdtHex, fakeHex  = "a614f803b6fd780986a42c78ec9c7f77e6ded13c", "3333333333333333333333333333333333333333"
	topic             = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
	padding           = "000000000000000000000000"
)

func base58Of(t testing.TB, hex string) string {
	t.Helper()
	account, ok := chain.ParseTronHex("41" + hex)
	if !ok {
		t.Fatalf("%q is no account", hex)
	}
	return chain.TronAddress(account)
}

// idAt is the id of the recorded block at a height.
func idAt(height int64) string {
	n, _ := chain.TronDevnet()
	if height == 0 {
		return n.Genesis
	}
	return fmt.Sprintf("%016x", height) + strings.Repeat("ab", 24)
}

func txAt(i int) string { return fmt.Sprintf("%064x", i) }

// blockText is a block as java-tron 4.8 writes it.
func blockText(height int64, at time.Time, txs ...string) string {
	parent := strings.Repeat("0", 64)
	if height > 0 {
		parent = idAt(height - 1)
	}
	text := fmt.Sprintf(`{"blockID":%q,"block_header":{"raw_data":{"number":%d,"txTrieRoot":%q,"witness_address":"41b2f713d57dbcec679d93a8849fa0cd0e4db594ba",`+
		`"parentHash":%q,"version":34,"timestamp":%d},"witness_signature":"00"}`, idAt(height), height, strings.Repeat("0", 64), parent, at.UnixMilli())
	if len(txs) > 0 {
		text += `,"transactions":[` + strings.Join(txs, ",") + `]`
	}
	return text + "}"
}

// txText is a transaction of one contract in a block.
func txText(id int, result, kind, value string) string {
	return fmt.Sprintf(`{"ret":[{"contractRet":%q}],"signature":["00"],"txID":%q,"raw_data":{"contract":[{"parameter":{"value":%s,`+
		`"type_url":"type.googleapis.com/protocol.%s"},"type":%q}],"ref_block_bytes":"262a","ref_block_hash":"85cd6b02033f4c3e","expiration":1777445178000,`+
		`"fee_limit":225000000,"timestamp":1777445120015},"raw_data_hex":"0a02"}`, result, txAt(id), value, kind, kind)
}

func callText(id int, result string) string {
	return txText(id, result, "TriggerSmartContract", `{"data":"a9059cbb","owner_address":"41`+otherHex+`","contract_address":"41`+usdtHex+`"}`)
}

// infoText is what came of a call.
func infoText(height int64, id int, result string, logs ...string) string {
	text := fmt.Sprintf(`{"id":%q,"fee":6432000,"blockNumber":%d,"blockTimeStamp":1777445121000,"contractResult":[""],"contract_address":"41%s",`+
		`"receipt":{"energy_fee":6432000,"energy_usage_total":64285,"net_usage":345,"result":%q,"energy_penalty_total":49635}`, txAt(id), height, usdtHex, result)
	if len(logs) > 0 {
		text += `,"log":[` + strings.Join(logs, ",") + `]`
	}
	return text + "}"
}

// plainInfoText is what came of what calls no contract.
func plainInfoText(height int64, id int) string {
	return fmt.Sprintf(`{"id":%q,"fee":267000,"blockNumber":%d,"blockTimeStamp":1777445121000,"contractResult":[""],"receipt":{"net_fee":267000}}`, txAt(id), height)
}

func logText(contract, to, value string) string {
	return fmt.Sprintf(`{"address":%q,"topics":[%q,%q,%q],"data":%q}`, contract, topic, padding+otherHex, padding+to, value)
}

func word(n int64) string { return fmt.Sprintf("%064x", n) }

// recordedAssets are TRX and the real USDT, on the devnet.
func recordedAssets(t testing.TB) (chain.Network, []chain.Asset) {
	t.Helper()
	n, trx := chain.TronDevnet()
	return n, []chain.Asset{trx, chain.Token(n, trx.Confirmations, money.Currency{Code: "USDT", Scale: 6, Kind: money.Crypto}, base58Of(t, usdtHex))}
}

// recordedNode is an adapter that reads recorded nodes.
func recordedNode(t testing.TB, change func(*tron.Config), nodes ...answering) *tron.Node {
	t.Helper()
	n, assets := recordedAssets(t)
	c := tron.Config{Network: n, Assets: assets}
	for i, node := range nodes {
		c.RPC = append(c.RPC, rpc.Config{URL: fmt.Sprintf("http://node%d.invalid", i), HTTP: &http.Client{Transport: node}})
	}
	if change != nil {
		change(&c)
	}
	node, err := tron.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return node
}

// heightIn is the height a call asks for, -1 for the newest block.
func heightIn(body string) int64 {
	for _, format := range []string{`{"num":%d}`, `{"detail":false,"id_or_num":"%d"}`} {
		var height int64
		if n, err := fmt.Sscanf(body, format, &height); n == 1 && err == nil {
			return height
		}
	}
	return -1
}

// oneBlock is a node whose newest block is the first after the genesis, with what came of its transactions.
func oneBlock(block, infos string) answering {
	return func(path, body string) (int, string) {
		switch height := heightIn(body); {
		case strings.HasSuffix(path, "/gettransactioninfobyblocknum"):
			return http.StatusOK, infos
		case height == 0:
			return http.StatusOK, blockText(0, time.UnixMilli(0))
		case height > 1:
			return http.StatusOK, "{}"
		}
		return http.StatusOK, block
	}
}
