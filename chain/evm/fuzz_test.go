package evm_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"checkout/chain"
	"checkout/chain/evm"
	"checkout/chain/rpc"
	"checkout/fault"
)

// scripted answers questions by their method, without a network.
type scripted map[string]string

func (s scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	var q question
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		return nil, err
	}
	text := fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, q.ID, s[q.Method])
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(text)), Header: http.Header{}, Request: r}, nil
}

// A transaction's sender and number tell it from what takes its place, but not where the network itself is the sender: those
// numbers repeat.
func TestWhatTakesATransactionsPlace(t *testing.T) {
	h := "0x" + strings.Repeat("ab", 32)
	sender := "0x" + strings.Repeat("EF", 20)
	for name, c := range map[string]struct{ from, kind, want string }{
		"a payer":                {sender, "0x2", strings.ToLower(sender) + ":7"},
		"an old wallet":          {sender, "0x0", strings.ToLower(sender) + ":7"},
		"Polygon's state":        {"0x" + strings.Repeat("0", 40), "0x0", ""},
		"a deposit to a rollup":  {sender, "0x7e", ""},
		"a retryable of a third": {sender, "0x68", ""},
	} {
		network, coin := chain.Devnet()
		block := `{"number":"0x7","hash":"` + h + `","parentHash":"` + h + `","timestamp":"0x1","logsBloom":"0x","transactions":[{"hash":"` + h + `","from":"` + c.from +
			`","to":"0x` + strings.Repeat("cd", 20) + `","value":"0x1","nonce":"0x7","type":"` + c.kind + `"}]}`
		n, err := evm.New(evm.Config{Network: network, Assets: []chain.Asset{coin}, RPC: []rpc.Config{{
			URL: "http://node.invalid", HTTP: &http.Client{Transport: scripted{"eth_chainId": `"0x7a69"`, "eth_getBlockByNumber": block}},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		b, err := n.Block(t.Context(), 7)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(b.Txs[0].Inputs, " "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// FuzzAnswers: whatever a node says of a block, its logs and receipts, the answer is a block of the height that was asked for,
// or a fault.
func FuzzAnswers(f *testing.F) {
	h := "0x" + strings.Repeat("ab", 32)
	to := "0x" + strings.Repeat("0", 24) + strings.Repeat("cd", 20)
	transfer := `{"address":"` + strings.ToLower(coinless) + `","topics":["0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef","` + to + `","` + to +
		`"],"data":"` + h + `","blockHash":"` + h + `","transactionHash":"` + h + `","logIndex":"0x0","removed":false}`
	f.Add(`{"number":"0x7","hash":"`+h+`","parentHash":"`+h+`","timestamp":"0x1","logsBloom":"0x","transactions":[{"hash":"`+h+`","from":"0x`+
		strings.Repeat("ef", 20)+`","to":"0x`+strings.Repeat("cd", 20)+`","value":"0x1","nonce":"0x0","type":"0x2"}]}`,
		"["+transfer+"]", `{"transactionHash":"`+h+`","blockHash":"`+h+`","status":"0x1","logs":[`+transfer+`]}`)
	f.Add(`{}`, `[]`, `null`)
	f.Fuzz(func(t *testing.T, block, logs, receipt string) {
		network, coin := chain.Devnet()
		n, err := evm.New(evm.Config{Network: network, Assets: []chain.Asset{coin, chain.DevToken("USDT", 6, coinless)}, RPC: []rpc.Config{{
			URL: "http://node.invalid", HTTP: &http.Client{Transport: scripted{
				"eth_chainId": `"0x7a69"`, "eth_getBlockByNumber": block, "eth_getLogs": logs, "eth_getTransactionReceipt": receipt,
			}},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		b, err := n.Block(t.Context(), 7)
		if err == nil && (b.Height != 7 || len(b.Hash) != 66 || len(b.Parent) != 66) {
			t.Fatalf("a block of %+v", b.Header)
		}
		for _, tx := range b.Txs {
			proven, failure := n.Prove(t.Context(), b.BlockRef, tx)
			for _, out := range proven.Outputs {
				if _, valid := chain.EIP55(out.Address); failure == nil && (!valid || out.Amount.Sign() <= 0 || out.TxID != tx.ID) {
					t.Fatalf("a transfer of %+v", out)
				}
			}
			err = failure
		}
		if err != nil && fault.Of(err).Kind != fault.Unavailable {
			t.Fatalf("the fault is %v", err)
		}
	})
}
