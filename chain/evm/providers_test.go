package evm_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"checkout/chain"
	"checkout/chain/evm"
	"checkout/chain/rpc"
	"checkout/fault"
	"checkout/money"
)

// provider stands before a real node and answers as public ones have been seen to.
type provider struct {
	*httptest.Server
	t    *testing.T
	node string

	mu     sync.Mutex
	whole  func(asked int) (status int, body string, ok bool)   // the answer to a whole request of so many questions, ok: instead of the node's
	one    func(method, params string) (result string, ok bool) // what is answered to one question, "!" and a code: an error
	edit   func(method, result string) string                   // what becomes of an answer
	counts map[string]int
}

func openProvider(t *testing.T, node string) *provider {
	t.Helper()
	p := &provider{t: t, node: node, counts: map[string]int{}}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

// be changes how it answers.
func (p *provider) be(f func(p *provider)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.whole, p.one, p.edit = nil, nil, nil
	f(p)
}

func (p *provider) count(method string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts[method]
}

type question struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	var list []question
	batch := json.Unmarshal(body, &list) == nil
	if !batch {
		var q question
		_ = json.Unmarshal(body, &q)
		list = []question{q}
	}
	if p.whole != nil {
		if status, text, ok := p.whole(len(list)); ok {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, strings.ReplaceAll(text, "$id", string(list[0].ID)))
			return
		}
	}
	var out []string
	for _, q := range list {
		p.counts[q.Method]++
		out = append(out, p.answer(q))
	}
	if batch {
		slices.Reverse(out) // any order is allowed
		_, _ = io.WriteString(w, "["+strings.Join(out, ",")+"]")
		return
	}
	_, _ = io.WriteString(w, out[0])
}

func (p *provider) answer(q question) string {
	if p.one != nil {
		if result, ok := p.one(q.Method, string(q.Params)); ok {
			if code, refused := strings.CutPrefix(result, "!"); refused {
				return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":{"code":%s,"message":"no"}}`, q.ID, code)
			}
			return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, q.ID, result)
		}
	}
	ask, _ := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": q.ID, "method": q.Method, "params": q.Params})
	answer, err := http.Post(p.node, "application/json", bytes.NewReader(ask)) //nolint:noctx // the test's own node
	if err != nil {
		return err.Error()
	}
	defer func() { _ = answer.Body.Close() }()
	text, _ := io.ReadAll(answer.Body)
	if p.edit == nil {
		return string(text)
	}
	var r struct {
		Result json.RawMessage `json:"result"`
	}
	if json.Unmarshal(text, &r) != nil || r.Result == nil {
		return string(text)
	}
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, q.ID, p.edit(q.Method, string(r.Result)))
}

// openQuirks is a lab whose chain holds payments in its last blocks, and a provider before its node.
func openQuirks(t *testing.T) (*lab, *provider) {
	t.Helper()
	l := openLab(t)
	for i := range 12 {
		l.Tokens(l.usdt.Contract, l.address, int64(i+1))
		l.Blocks(1)
	}
	return l, openProvider(t, l.URL())
}

// all reads the chain from a height on through a provider and adds up what the address gets.
func (l *lab) all(n *evm.Node, from int64) (money.Amount, error) {
	l.t.Helper()
	sum := money.Zero(l.usdt.Currency)
	tip, err := n.Tip(l.t.Context())
	if err != nil {
		return sum, err
	}
	for height := from; height <= tip.Height; height++ {
		b, err := n.Block(l.t.Context(), height)
		if err != nil {
			return sum, err
		}
		for _, tx := range b.Txs {
			if !slices.ContainsFunc(tx.Outputs, func(out chain.Transfer) bool { return out.Address == l.address }) {
				continue
			}
			if tx, err = n.Prove(l.t.Context(), b.BlockRef, tx); err != nil {
				return sum, err
			}
			for _, out := range tx.Outputs {
				if out.Address == l.address && out.Asset == l.usdt.ID {
					if sum, err = sum.Add(out.Amount); err != nil {
						return sum, err
					}
				}
			}
		}
	}
	return sum, nil
}

// What free public providers do must cost time, and no payment.
func TestQuirksLoseNoPayment(t *testing.T) {
	l, p := openQuirks(t)
	ranged := func(params string) bool {
		var list []struct{ FromBlock, ToBlock string }
		return json.Unmarshal([]byte(params), &list) == nil && len(list) == 1 && list[0].FromBlock != list[0].ToBlock
	}
	for name, quirk := range map[string]func(p *provider){
		"none": func(*provider) {},
		"no batches": func(p *provider) {
			p.whole = func(asked int) (int, string, bool) {
				return 200, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"batches are not supported"}}`, asked > 1
			}
		},
		"batches of five at most": func(p *provider) {
			p.whole = func(asked int) (int, string, bool) { return 429, "too many", asked > 5 }
		},
		"one block of logs at a time": func(p *provider) {
			p.one = func(method, params string) (string, bool) {
				return "!-32005", method == "eth_getLogs" && ranged(params)
			}
		},
		"no logs by block hash": func(p *provider) {
			p.one = func(method, params string) (string, bool) {
				return "!-32602", method == "eth_getLogs" && strings.Contains(params, "blockHash")
			}
		},
		"nothing for a range": func(p *provider) {
			p.one = func(method, params string) (string, bool) {
				return "[]", method == "eth_getLogs" && !strings.Contains(params, "blockHash")
			}
		},
		"no batches and no logs by block hash": func(p *provider) {
			p.whole = func(asked int) (int, string, bool) { return 200, `{"error":"no"}`, asked > 1 }
			p.one = func(method, params string) (string, bool) {
				return "!-32601", method == "eth_getLogs" && strings.Contains(params, "blockHash")
			}
		},
	} {
		p.be(func(p *provider) { quirk(p) })
		n := l.adapter(evm.ByDepth, p.URL)
		if sum, err := l.all(n, 0); err != nil || sum.Minor() != "78" {
			t.Errorf("%s: %s, %v", name, sum, err)
		}
	}
}

// Nothing that makes no sense may be taken for an answer.
func TestNonsenseIsNoAnswer(t *testing.T) {
	l, p := openQuirks(t)
	result := func(of, text string) func(p *provider) {
		return func(p *provider) {
			p.one = func(method, _ string) (string, bool) { return text, method == of }
		}
	}
	edit := func(of, old, with string) func(p *provider) {
		return func(p *provider) {
			p.edit = func(method, text string) string {
				if method != of {
					return text
				}
				return strings.ReplaceAll(text, old, with)
			}
		}
	}
	whole := func(status int, text string) func(p *provider) {
		return func(p *provider) { p.whole = func(int) (int, string, bool) { return status, text, true } }
	}
	garbage := []string{rpc.ErrGarbage.Code, evm.ErrBlockInvalid.Code}
	for name, c := range map[string]struct {
		quirk func(p *provider)
		codes []string
	}{
		"a page":                       {whole(200, "<html>rate limited</html>"), garbage},
		"an empty answer":              {whole(200, ""), garbage},
		"half an answer":               {whole(200, `{"jsonrpc":"2.0","id":$id,"result":{"number":"0x`), garbage},
		"nothing and no error":         {whole(200, `{"jsonrpc":"2.0","id":$id}`), garbage},
		"neither":                      {whole(200, `{"jsonrpc":"2.0","id":$id,"result":null,"error":null}`), garbage},
		"the answer to something else": {whole(200, `{"jsonrpc":"2.0","id":99999,"result":"0x7a69"}`), garbage},
		"too many questions":           {whole(429, "slow down"), []string{rpc.ErrUnreachable.Code}},
		"a broken gateway":             {whole(502, "<html>"), []string{rpc.ErrUnreachable.Code}},
		"an error":                     {result("eth_getBlockByNumber", "!-32000"), []string{rpc.ErrRefused.Code}},
		"another network":              {result("eth_chainId", `"0x38"`), []string{evm.ErrWrongNetwork.Code}},
		"a chain id that is none":      {result("eth_chainId", `"1"`), garbage},
		"no block":                     {result("eth_getBlockByNumber", "null"), []string{evm.ErrNoBlock.Code}},
		"a block of text":              {result("eth_getBlockByNumber", `"0x"`), garbage},
		"a block of nothing":           {result("eth_getBlockByNumber", `{}`), garbage},
		"a number without digits":      {edit("eth_getBlockByNumber", `"number":"0x`, `"number":"0x","was":"`), garbage},
		"a number with zeros":          {edit("eth_getBlockByNumber", `"number":"0x`, `"number":"0x00`), garbage},
		"a number below zero":          {edit("eth_getBlockByNumber", `"number":"0x`, `"number":"-0x`), garbage},
		"a number of 65 digits":        {edit("eth_getBlockByNumber", `"number":"0x`, `"number":"0x`+strings.Repeat("f", 65)), garbage},
		"a number that is none":        {edit("eth_getBlockByNumber", `"number":"0x`, `"number":12,"was":"`), garbage},
		"a hash cut short":             {edit("eth_getBlockByNumber", `"hash":"0x`, `"hash":"0","was":"`), garbage},
		"a block without transactions": {edit("eth_getBlockByNumber", `"transactions":[{`, `"others":[{`), garbage},
		"no receipts":                  {result("eth_getTransactionReceipt", "null"), []string{evm.ErrUnproven.Code}},
		"a receipt of nothing":         {result("eth_getTransactionReceipt", "{}"), garbage},
		"a receipt of another block":   {edit("eth_getTransactionReceipt", `"blockHash":"0x`, `"blockHash":"0x0`), []string{evm.ErrUnproven.Code}},
		"a receipt without a status":   {edit("eth_getTransactionReceipt", `"status":"0x1"`, `"root":"0x1"`), garbage},
		"logs that were taken back":    {edit("eth_getLogs", `"removed":false`, `"removed":true`), garbage},
		"logs of another block":        {edit("eth_getLogs", `"blockHash":"0x`, `"blockHash":"0x0`), garbage},
		"logs of another transaction":  {edit("eth_getLogs", `"transactionHash":"0x`, `"transactionHash":"0x0`), garbage},
		"logs without a place":         {edit("eth_getLogs", `"logIndex":"0x0"`, `"logIndex":null`), garbage},
		"logs that are a text":         {result("eth_getLogs", `"none"`), garbage},
		"no logs at all":               {result("eth_getLogs", "null"), garbage},
	} {
		p.be(c.quirk)
		n := l.adapter(evm.ByDepth, p.URL)
		if sum, err := l.all(n, 0); err == nil || !slices.Contains(c.codes, fault.Of(err).Code) || fault.Of(err).Kind != fault.Unavailable {
			t.Errorf("%s: %s, %v, want one of %v", name, sum, err, c.codes)
		}
		p.be(func(*provider) {})
		if sum, err := l.all(n, 0); err != nil || sum.Minor() != "78" {
			t.Errorf("after %s: %s, %v", name, sum, err)
		}
	}
}

func TestAnotherProviderTakesOver(t *testing.T) {
	l, one := openQuirks(t)
	two := openProvider(t, l.URL())
	n := l.adapter(evm.ByDepth, one.URL, two.URL)
	if sum, err := l.all(n, 0); err != nil || sum.Minor() != "78" || two.count("eth_getBlockByNumber") > 0 {
		t.Fatalf("%s, %v; the second was asked %d times", sum, err, two.count("eth_getBlockByNumber"))
	}
	one.be(func(p *provider) { p.whole = func(int) (int, string, bool) { return 503, "", true } })
	if sum, err := l.all(n, 0); err != nil || sum.Minor() != "78" {
		t.Fatalf("with the first one down: %s, %v", sum, err)
	}
	one.be(func(*provider) {})
	two.be(func(p *provider) { p.whole = func(int) (int, string, bool) { return 200, "<html>", true } })
	if sum, err := l.all(n, 0); err != nil || sum.Minor() != "78" {
		t.Fatalf("with the second one down: %s, %v", sum, err)
	}
	one.be(func(p *provider) {
		p.one = func(method, _ string) (string, bool) { return `"0x1"`, method == "eth_chainId" }
	})
	if _, err := l.adapter(evm.ByDepth, one.URL, two.URL).Tip(t.Context()); fault.Of(err).Code != evm.ErrWrongNetwork.Code {
		t.Errorf("one of another network, one down: %v", err)
	}
}

// A replica that lags behind another of the same provider has not lost blocks.
func TestALaggingProviderIsPassedOver(t *testing.T) {
	l, one := openQuirks(t)
	two := openProvider(t, l.URL())
	n := l.adapter(evm.ByDepth, one.URL, two.URL)
	tip, err := n.Tip(t.Context())
	l.must(err)
	old, err := n.Header(t.Context(), tip.Height-3)
	l.must(err)
	var block json.RawMessage
	l.must(l.Client().Call(t.Context(), &block, "eth_getBlockByNumber", fmt.Sprintf("0x%x", old.Height), false))
	lag := func(p *provider) {
		p.one = func(method, params string) (string, bool) {
			return string(block), method == "eth_getBlockByNumber" && strings.Contains(params, "latest")
		}
	}
	one.be(lag)
	if now, err := n.Tip(t.Context()); err != nil || now != tip {
		t.Errorf("with one behind the tip is %+v, %v", now, err)
	}
	two.be(lag)
	if now, err := n.Tip(t.Context()); err != nil || now != old.BlockRef {
		t.Errorf("with both behind the tip is %+v, %v", now, err)
	}
}

func TestLargeSumsNeedTwoNodes(t *testing.T) {
	l, one := openQuirks(t)
	two := openProvider(t, l.URL())
	l.Tokens(l.usdt.Contract, l.address, 1_000_000_001) // 1000 and a little
	l.Tokens(l.usdt.Contract, l.address, 1_000_000_000)
	l.Blocks(1)
	tip, err := l.node.Tip(t.Context())
	l.must(err)
	if sum, err := l.all(l.adapter(evm.ByDepth, one.URL), tip.Height); err != nil || sum.Minor() != "2000000001" {
		t.Errorf("one node alone: %s, %v", sum, err)
	}
	n := l.adapter(evm.ByDepth, one.URL, two.URL)
	if sum, err := l.all(n, tip.Height); err != nil || sum.Minor() != "2000000001" || two.count("eth_getTransactionReceipt") != 1 {
		t.Errorf("two nodes: %s, %v, %d receipts", sum, err, two.count("eth_getTransactionReceipt"))
	}
	for name, quirk := range map[string]func(p *provider){
		"does not know it": func(p *provider) {
			p.one = func(m, _ string) (string, bool) { return "null", m == "eth_getTransactionReceipt" }
		},
		"says it failed": func(p *provider) {
			p.edit = func(_, text string) string { return strings.ReplaceAll(text, `"status":"0x1"`, `"status":"0x0"`) }
		},
		"says another amount": func(p *provider) {
			p.edit = func(_, text string) string { return strings.ReplaceAll(text, "3b9aca01", "3b9aca02") }
		},
		"is down": func(p *provider) { p.whole = func(int) (int, string, bool) { return 503, "", true } },
	} {
		two.be(quirk)
		if sum, err := l.all(n, tip.Height); fault.Of(err).Code != evm.ErrDisagree.Code {
			t.Errorf("the second %s: %s, %v", name, sum, err)
		}
	}
}

func TestConfigurationsThatAreNone(t *testing.T) {
	network, coin := chain.Devnet()
	bitcoin, btc, _ := chain.Bitcoin("regtest")
	url := []rpc.Config{{URL: "http://127.0.0.1:1"}}
	for name, c := range map[string]evm.Config{
		"no node":                  {Network: network, Assets: []chain.Asset{coin}},
		"no address of a node":     {Network: network, Assets: []chain.Asset{coin}, RPC: []rpc.Config{{URL: "ftp://x"}}},
		"another family":           {Network: bitcoin, Assets: []chain.Asset{btc}, RPC: url},
		"another network's asset":  {Network: network, Assets: []chain.Asset{btc}, RPC: url},
		"a contract that is none":  {Network: network, Assets: []chain.Asset{chain.DevToken("USDT", 6, "0x12")}, RPC: url},
		"the same coin twice":      {Network: network, Assets: []chain.Asset{coin, coin}, RPC: url},
		"one contract, two assets": {Network: network, Assets: []chain.Asset{chain.DevToken("USDT", 6, coinless), chain.DevToken("USDC", 6, strings.ToLower(coinless))}, RPC: url},
	} {
		if _, err := evm.New(c); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

const coinless = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
