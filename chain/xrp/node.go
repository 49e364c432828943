// Package xrp reads the XRP Ledger from servers by rippled's JSON-RPC over HTTP.
//
// What is seen: XRP that a Payment delivers. What a payment was to deliver (Amount) means nothing, for it may be partial: only
// the ledger's own delivered_amount counts. Issued currencies, and XRP that comes by checks, escrows and offers, are not seen.
//
// Payers share one address and are told apart by a destination tag: the address of a transfer is chain.Shared of both. Only
// validated ledgers are read, and those are final: none ever takes the place of another. The server is not believed: its
// network's id is pinned, and ledgers must follow one another.
package xrp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"checkout/chain"
	"checkout/chain/rpc"
	"checkout/fault"
)

// The faults of what a server says. A caller that gets one keeps what it has and asks again later.
var (
	ErrWrongNetwork = fault.New(fault.Unavailable, "wrong_network", "The node belongs to another network.")
	ErrSyncing      = fault.New(fault.Unavailable, "node_syncing", "The node has not caught up with its network.")
	ErrBlockInvalid = fault.New(fault.Unavailable, "block_invalid", "The node gave a block that is not valid.")
	ErrNoBlock      = fault.New(fault.Unavailable, "block_unknown", "The node has no block at this height.")
)

const (
	staleAfter  = 5 * time.Minute // how old a main network's newest ledger may be
	verifyEvery = time.Minute     // how often a server must name its network
	answerLimit = 64 << 20        // bytes
	atOnce      = 8               // ledgers asked for at the same time while there are many to catch up with
	tipAge      = 2 * time.Second // how long a tip is good for the look at the mempool in the same round
)

// Config says which servers, and what of.
type Config struct {
	RPC     []rpc.Config // one server or several; the first that answers is asked
	Network chain.Network
	Asset   chain.Asset // XRP
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

// Node is a checked source of the network's ledgers. It is safe for concurrent use.
type Node struct {
	pool    *rpc.Pool[*provider]
	network chain.Network
	asset   chain.Asset
	now     func() time.Time
	ahead   chain.Ahead

	mu      sync.Mutex
	last    chain.BlockRef // the tip, as it was said last, and when
	lastAt  time.Time
	highest int64
}

// New checks the configuration. It does not call the servers, which may be down now.
func New(c Config) (*Node, error) {
	id, err := strconv.ParseUint(c.Network.Params, 10, 32)
	if err != nil || c.Network.Family != chain.FamilyXRP || c.Asset.Network != c.Network.ID || c.Asset.Contract != "" {
		return nil, fmt.Errorf("network %q with asset %q is not the XRP Ledger's", c.Network.ID, c.Asset.ID)
	}
	if len(c.RPC) == 0 {
		return nil, fmt.Errorf("network %q has no node", c.Network.ID)
	}
	n := &Node{network: c.Network, asset: c.Asset, now: c.Now}
	if n.now == nil {
		n.now = time.Now
	}
	var providers []*provider
	for _, r := range c.RPC {
		client, err := rpc.New(r)
		if err != nil {
			return nil, err
		}
		providers = append(providers, &provider{rpc: client, id: id})
	}
	n.pool = rpc.NewPool(providers)
	return n, nil
}

// Network is the network the servers are of.
func (n *Node) Network() chain.Network { return n.network }

// Tip is the newest validated ledger. Of several servers, one that has fallen behind what was seen is passed over.
func (n *Node) Tip(ctx context.Context) (chain.BlockRef, error) {
	n.mu.Lock()
	highest := n.highest
	n.mu.Unlock()
	var tip chain.Header
	err := n.pool.First(ctx, func(p *provider) error {
		l, err := p.ledger(ctx, "validated", false)
		if err != nil {
			return err
		}
		h, err := l.header(-1)
		if err != nil {
			return p.invalid(-1, err)
		}
		if age := n.now().Sub(h.Time); n.network.Main && age > staleAfter {
			return ErrSyncing.Because(fmt.Errorf("its newest ledger, %d, is %s old", h.Height, age.Round(time.Second)))
		}
		if h.Height < highest && len(n.pool.All()) > 1 {
			if tip.Hash == "" || h.Height > tip.Height {
				tip = h
			}
			return ErrSyncing.Because(fmt.Errorf("its newest ledger is %d, there are %d", h.Height, highest))
		}
		tip = h
		return nil
	})
	if err != nil && tip.Hash == "" {
		return chain.BlockRef{}, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err != nil { // all have less than there was: the watcher decides what that means
		n.highest = tip.Height
	}
	n.highest, n.last, n.lastAt = max(n.highest, tip.Height), tip.BlockRef, time.Now()
	return tip.BlockRef, nil
}

// Header is the header of the ledger with an index; ErrNoBlock if the server has none.
func (n *Node) Header(ctx context.Context, height int64) (h chain.Header, err error) {
	if height < 0 || height > math.MaxUint32 {
		return h, ErrNoBlock
	}
	n.ahead.Drop()
	err = n.pool.First(ctx, func(p *provider) error {
		l, err := p.ledger(ctx, height, false)
		if err != nil {
			return err
		}
		if h, err = l.header(height); err != nil {
			return p.invalid(height, err)
		}
		return nil
	})
	return h, err
}

// Block is the ledger with an index, with what its payments delivered; ErrNoBlock if the server has none.
func (n *Node) Block(ctx context.Context, height int64) (chain.Block, error) {
	if height < 0 || height > math.MaxUint32 {
		return chain.Block{}, ErrNoBlock
	}
	if b, ok := n.ahead.Take(height); ok {
		return b, nil
	}
	n.mu.Lock()
	count := max(1, min(n.highest-height+1, atOnce))
	n.mu.Unlock()
	var b chain.Block
	err := n.pool.First(ctx, func(p *provider) error {
		var err error
		b, err = n.ahead.Fetch(height, count, func(height int64) (chain.Block, error) { return n.blockOf(ctx, p, height) })
		return err
	})
	return b, err
}

func (n *Node) blockOf(ctx context.Context, p *provider, height int64) (chain.Block, error) {
	l, err := p.ledger(ctx, height, true)
	if err != nil {
		return chain.Block{}, err
	}
	h, err := l.header(height)
	if err != nil {
		return chain.Block{}, p.invalid(height, err)
	}
	b, err := n.block(l, h)
	if err != nil {
		return chain.Block{}, p.invalid(height, err)
	}
	return b, nil
}

// Mempool names the tip and no transactions: a payment is met in its ledger, four seconds later at most.
func (n *Node) Mempool(ctx context.Context, _ func(txid string) bool) (chain.Mempool, error) {
	if err := ctx.Err(); err != nil {
		return chain.Mempool{}, err
	}
	n.mu.Lock()
	tip, at := n.last, n.lastAt
	n.mu.Unlock()
	var err error
	if time.Since(at) > tipAge {
		tip, err = n.Tip(ctx)
	}
	return chain.Mempool{Tip: tip, IDs: map[string]struct{}{}}, err
}

// Pays lists what a validated transaction pays an address. An empty list says that nothing is known, not that nothing was paid.
// An address without a tag is meant whatever the tag is.
func (n *Node) Pays(ctx context.Context, txid, address string) ([]chain.Transfer, error) {
	txid = strings.ToUpper(txid)
	if !isHash(txid) {
		return nil, nil
	}
	if account, tag, _, ok := chain.ParseXAddress(address); ok {
		address = chain.Shared(chain.XRPAddress(account), tag)
	}
	var list []chain.Transfer
	err := n.pool.First(ctx, func(p *provider) error {
		var found struct {
			rawTx
			Meta      rawMeta `json:"meta"`
			Validated bool    `json:"validated"`
		}
		err := p.ask(ctx, &found, "tx", map[string]any{"transaction": txid})
		if refusal, refused := errors.AsType[*rpc.Error](err); refused && refusal.Message == "txnNotFound" {
			return nil
		}
		if err != nil || !found.Validated {
			return err
		}
		found.rawTx.Meta = found.Meta
		tx, err := n.transaction(found.rawTx)
		if err != nil || tx.ID != txid {
			return p.garbage(fmt.Sprintf("transaction %s: %v", txid, err))
		}
		list = nil
		for _, out := range tx.Outputs {
			if bare, _ := chain.Unshared(out.Address); out.Address == address || bare == address {
				list = append(list, out)
			}
		}
		return nil
	})
	return list, err
}

// provider is one server of the network.
type provider struct {
	rpc *rpc.Client
	id  uint64 // of the network

	mu       sync.Mutex
	verified time.Time // when it last named the right network; zero after any trouble
}

func (p *provider) ask(ctx context.Context, into any, method string, params map[string]any) error {
	if err := p.identify(ctx); err != nil {
		return err
	}
	return p.call(ctx, into, method, params)
}

// call speaks rippled's own form of JSON-RPC: one object of parameters, and failures within the result. The Message of an
// rpc.Error is rippled's short name of the failure.
func (p *provider) call(ctx context.Context, into any, method string, params map[string]any) error {
	params["api_version"] = 1
	var answer struct {
		Result json.RawMessage `json:"result"`
	}
	err := p.rpc.Post(ctx, answerLimit, &answer, "", map[string]any{"method": method, "params": []any{params}})
	if err != nil {
		return p.trouble(err)
	}
	var state struct {
		Status string `json:"status"`
		Error  string `json:"error"`
		Code   int64  `json:"error_code"`
	}
	if err := json.Unmarshal(answer.Result, &state); err != nil || (state.Status != "success" && state.Error == "") {
		return p.garbage(method + ": neither a result nor an error")
	}
	if state.Error != "" {
		return p.trouble(rpc.ErrRefused.Because(&rpc.Error{Code: state.Code, Message: state.Error[:min(len(state.Error), 100)]}))
	}
	if err := json.Unmarshal(answer.Result, into); err != nil {
		return p.garbage(method + ": " + err.Error())
	}
	return nil
}

// ledger asks for a ledger by its index, or the newest validated one; ErrNoBlock.
func (p *provider) ledger(ctx context.Context, index any, full bool) (rawLedger, error) {
	params := map[string]any{"ledger_index": index}
	if full {
		params["transactions"], params["expand"] = true, true
	}
	var l rawLedger
	err := p.ask(ctx, &l, "ledger", params)
	if refusal, refused := errors.AsType[*rpc.Error](err); refused && (refusal.Message == "lgrNotFound" || refusal.Message == "lgrIdxInvalid") {
		return l, ErrNoBlock
	}
	if err == nil && !l.Validated {
		return l, ErrNoBlock // it is not closed yet, or the server has not heard of it from the others
	}
	if err == nil && full && l.Ledger.Txs == nil {
		return l, p.garbage("ledger: no transactions")
	}
	return l, err
}

func (p *provider) trouble(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.verified = time.Time{}
	return err
}

func (p *provider) garbage(what string) error {
	return p.trouble(rpc.ErrGarbage.Because(errors.New(what)))
}

func (p *provider) invalid(height int64, err error) error {
	return p.trouble(ErrBlockInvalid.Because(fmt.Errorf("ledger %d: %w", height, err)))
}

// identify asks for the network's id, unless that was known a moment ago. A server of the main network may leave it out.
func (p *provider) identify(ctx context.Context) error {
	p.mu.Lock()
	fresh := time.Since(p.verified) < verifyEvery
	p.mu.Unlock()
	if fresh {
		return nil
	}
	var answer struct {
		Info *struct {
			ID uint64 `json:"network_id"`
		} `json:"info"`
	}
	if err := p.call(ctx, &answer, "server_info", map[string]any{}); err != nil {
		return err
	}
	if answer.Info == nil {
		return p.garbage("server_info: nothing")
	}
	if answer.Info.ID != p.id {
		return ErrWrongNetwork.Because(fmt.Errorf("its network is %d, not %d", answer.Info.ID, p.id))
	}
	p.mu.Lock()
	p.verified = time.Now()
	p.mu.Unlock()
	return nil
}
