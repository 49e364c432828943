// Package devnet gives a private EVM network the face of a Tron node, for tests: java-tron's HTTP API, as its public documentation
// has it, over what a real node says. It mines nothing and keeps nothing.
//
// One wei is one sun. Accounts and contracts are those of the EVM network, written as Tron writes them; block ids begin with the
// height, as Tron's do.
package devnet

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"checkout/chain"
	"checkout/chain/evm/devnet"
)

// Lag is how far the solid block stands behind the newest, as on the main network.
const Lag = 19

// Proxy answers in a Tron node's words. It is safe for concurrent use.
type Proxy struct {
	node   *devnet.Process
	server *http.Server
	url    string

	mu      sync.Mutex
	lag     int64
	held    int64 // the highest solid block there may be; 0: any
	instead func(path string, body []byte) (status int, text string, ok bool)
	edit    func(path, text string) string
}

// Start serves on a free port of this machine, until Stop.
func Start(ctx context.Context, node *devnet.Process) (*Proxy, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{node: node, url: "http://" + l.Addr().String(), lag: Lag}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = p.server.Serve(l) }() // Stop ends it
	return p, nil
}

// Stop ends it.
func (p *Proxy) Stop() error { return p.server.Close() }

// URL is the base of the API.
func (p *Proxy) URL() string { return p.url }

// SetLag changes how far the solid block stands behind the newest.
func (p *Proxy) SetLag(blocks int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lag = blocks
}

// Hold keeps the solid block from rising above a height; 0: no more.
func (p *Proxy) Hold(height int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = height
}

// Instead lets a function answer before the node is asked; nil: none does.
func (p *Proxy) Instead(f func(path string, body []byte) (status int, text string, ok bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.instead = f
}

// Edit lets a function change answers; nil: none does.
func (p *Proxy) Edit(f func(path, text string) string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.edit = f
}

// ServeHTTP answers a call.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	p.mu.Lock()
	instead, edit := p.instead, p.edit
	p.mu.Unlock()
	if instead != nil {
		if status, text, ok := instead(r.URL.Path, body); ok {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
			return
		}
	}
	answer, err := p.answer(r.Context(), r.URL.Path, body)
	if err != nil {
		answer = map[string]string{"Error": "class java.lang.IllegalStateException : " + err.Error()}
	}
	text, err := json.Marshal(answer)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if edit != nil {
		text = []byte(edit(r.URL.Path, string(text)))
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text)
}

type object = map[string]any

func (p *Proxy) answer(ctx context.Context, path string, body []byte) (any, error) {
	var ask struct {
		Num       int64  `json:"num"`
		IDOrNum   string `json:"id_or_num"`
		Detail    bool   `json:"detail"`
		Value     string `json:"value"`
		Address   string `json:"address"`
		Contract  string `json:"contract_address"`
		Selector  string `json:"function_selector"`
		Parameter string `json:"parameter"`
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &ask); err != nil {
			return nil, err
		}
	}
	switch path {
	case "/wallet/getblock", "/walletsolidity/getblock":
		tag, err := p.tag(ctx, ask.IDOrNum, strings.HasPrefix(path, "/walletsolidity"))
		if err != nil {
			return nil, err
		}
		return p.show(ctx, tag, ask.Detail)
	case "/wallet/getnowblock":
		return p.show(ctx, "latest", true)
	case "/wallet/getblockbynum":
		return p.show(ctx, hexOf(ask.Num), true)
	case "/wallet/gettransactioninfobyblocknum":
		return p.infos(ctx, hexOf(ask.Num))
	case "/wallet/gettransactioninfobyid":
		return p.info(ctx, ask.Value)
	case "/wallet/getaccount":
		return p.account(ctx, ask.Address, "latest")
	case "/walletsolidity/getaccount":
		tag, err := p.tag(ctx, "", true)
		if err != nil {
			return nil, err
		}
		return p.account(ctx, ask.Address, tag)
	case "/wallet/triggerconstantcontract":
		return p.constant(ctx, ask.Contract, ask.Selector, ask.Parameter)
	}
	return nil, fmt.Errorf("%s is not answered", path)
}

// tag is the node's word for a block: a height, or the newest, of all or of the solid ones.
func (p *Proxy) tag(ctx context.Context, asked string, solid bool) (string, error) {
	if asked != "" {
		n, err := strconv.ParseInt(asked, 10, 64)
		return hexOf(n), err
	}
	if !solid {
		return "latest", nil
	}
	height, err := p.node.Height(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	height -= p.lag
	if p.held > 0 {
		height = min(height, p.held)
	}
	return hexOf(max(0, height)), err
}

func hexOf(n int64) string { return "0x" + strconv.FormatInt(n, 16) }

// show is a block as the API has it; an empty object if there is none.
func (p *Proxy) show(ctx context.Context, tag string, detail bool) (any, error) {
	b, err := p.block(ctx, tag)
	if err != nil || b.Hash == "" {
		return object{}, err
	}
	out := object{"blockID": b.id(), "block_header": object{
		"raw_data": object{
			"number": b.height(), "txTrieRoot": strings.Repeat("0", 64), "witness_address": chain.TronHex([20]byte{1}), "parentHash": b.parent(),
			"version": 30, "timestamp": number(b.Time).Int64() * 1000,
		},
		"witness_signature": strings.Repeat("0", 130),
	}}
	if !detail || len(b.Txs) == 0 {
		return out, nil
	}
	receipts, err := p.receipts(ctx, tag)
	if err != nil {
		return nil, err
	}
	var txs []object
	for _, tx := range b.Txs {
		txs = append(txs, tx.show(receipts[tx.Hash]))
	}
	out["transactions"] = txs
	return out, nil
}

func (p *Proxy) infos(ctx context.Context, tag string) (any, error) {
	b, err := p.block(ctx, tag)
	if err != nil {
		return nil, err
	}
	receipts, err := p.receipts(ctx, tag)
	if err != nil {
		return nil, err
	}
	list := []object{}
	for _, tx := range b.Txs {
		list = append(list, tx.info(b, receipts[tx.Hash]))
	}
	return list, nil
}

func (p *Proxy) info(ctx context.Context, id string) (any, error) {
	var tx *evmTx
	if err := p.call(ctx, &tx, "eth_getTransactionByHash", "0x"+id); err != nil || tx == nil || tx.Block == "" {
		return object{}, err
	}
	b, err := p.block(ctx, tx.Number)
	if err != nil {
		return nil, err
	}
	receipts, err := p.receipts(ctx, tx.Number)
	return tx.info(b, receipts[tx.Hash]), err
}

func (p *Proxy) account(ctx context.Context, address, tag string) (any, error) {
	account, ok := chain.ParseTronHex(address)
	if !ok {
		return nil, fmt.Errorf("INVALID address %s", address)
	}
	var balance string
	if err := p.call(ctx, &balance, "eth_getBalance", fmt.Sprintf("0x%x", account), tag); err != nil {
		return nil, err
	}
	if n := number(balance); n.Sign() > 0 {
		return object{"address": address, "balance": n}, nil
	}
	return object{}, nil
}

func (p *Proxy) constant(ctx context.Context, contract, selector, parameter string) (any, error) {
	account, ok := chain.ParseTronHex(contract)
	if !ok {
		return nil, fmt.Errorf("INVALID contract %s", contract)
	}
	var answer string
	data := devnet.Call(selector)[:10] + parameter
	err := p.call(ctx, &answer, "eth_call", object{"to": fmt.Sprintf("0x%x", account), "data": data}, "latest")
	if err != nil || answer == "0x" {
		return object{"result": object{"code": "CONTRACT_VALIDATE_ERROR", "message": "536d61727420636f6e7472616374206973206e6f742065786973742e"}}, nil //nolint:nilerr // it is the answer
	}
	return object{"result": object{"result": true}, "energy_used": 500, "constant_result": []string{strings.TrimPrefix(answer, "0x")}}, nil
}

func (p *Proxy) call(ctx context.Context, into any, method string, params ...any) error {
	var raw json.RawMessage
	if err := p.node.Client().Call(ctx, &raw, method, params...); err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

func number(text string) *big.Int {
	n, ok := new(big.Int).SetString(strings.TrimPrefix(text, "0x"), 16)
	if !ok {
		return new(big.Int)
	}
	return n
}
