// Package evm reads the chains of the EVM family from nodes by JSON-RPC: Ethereum, BNB Smart Chain, Polygon, Base, Arbitrum,
// Optimism, or any other its chain id names.
//
// What is seen: the network's coin, sent by a transaction itself, and ERC-20 tokens the installation knows by their contract.
// What a contract sends of the coin on its way (internal calls) leaves no trace in blocks or logs; only balances tell of it.
//
// The node is not believed. Its chain id is pinned, numbers have one spelling, blocks must follow one another, and whatever
// pays one of our addresses must be in the receipt of its transaction, in the same block, and have succeeded; large sums in the
// receipt of a second provider, too, where there is one.
package evm

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"checkout/chain"
	"checkout/chain/rpc"
	"checkout/fault"
)

// The faults of what a node says. A caller that gets one keeps what it has and asks again later.
var (
	ErrWrongNetwork = fault.New(fault.Unavailable, "wrong_network", "The node belongs to another network.")
	ErrSyncing      = fault.New(fault.Unavailable, "node_syncing", "The node has not caught up with its network.")
	ErrBlockInvalid = fault.New(fault.Unavailable, "block_invalid", "The node gave a block that is not valid.")
	ErrNoBlock      = fault.New(fault.Unavailable, "block_unknown", "The node has no block at this height.")
	ErrUnproven     = fault.New(fault.Unavailable, "receipt_missing", "The node has no receipt that proves a payment.")
	ErrDisagree     = fault.New(fault.Unavailable, "nodes_disagree", "Two nodes do not say the same of a payment.")
	ErrRegressed    = fault.New(fault.Unavailable, "regressed", "What the network had made final is not final any more.")
	ErrMismatch     = fault.New(fault.Unavailable, "asset_mismatch", "The token's contract is not the one that is configured.")
)

// Finality says when a block of a network counts as final.
type Finality string

// The finalities. By depth, an asset's confirmations are counted from the newest block; by a tag, from the newest block the
// network itself calls so, which must be reached besides.
const (
	ByDepth   Finality = ""
	Safe      Finality = "safe"
	Finalized Finality = "finalized"
)

// staleAfter is how old a main network's newest block may be before its node counts as syncing: many block times.
const staleAfter = 10 * time.Minute

// answerLimit is how many bytes an answer may have: the blocks of busy chains have some megabytes.
const answerLimit = 64 << 20

// Config says which nodes, and what of.
type Config struct {
	RPC     []rpc.Config // one node or several; the first that answers is asked
	Network chain.Network
	Assets  []chain.Asset // of the network: its coin, and the tokens that are looked for
	Final   Finality
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

// Node is a checked source of one network's blocks. It is safe for concurrent use.
type Node struct {
	pool      *rpc.Pool[*provider]
	network   chain.Network
	coin      chain.Asset            // zero: the coin is not looked for
	assets    map[string]chain.Asset // by id
	tokens    map[string]chain.Asset // by contract
	contracts []string
	filters   []tokenBits
	final     Finality
	depth     int64 // the fewest confirmations one of the assets asks for
	now       func() time.Time

	mu      sync.Mutex
	last    chain.BlockRef // the tip, as it was said last, and when
	lastAt  time.Time
	highest int64 // the tip, as far as it was ever seen
	ended   int64 // the final height, as far as it was ever seen
	ahead   chain.Ahead
}

// New checks the configuration. It does not call the nodes, which may be down now.
func New(c Config) (*Node, error) {
	if c.Network.Family != chain.FamilyEVM || c.Network.EVM.ChainID <= 0 {
		return nil, fmt.Errorf("network %q is none of the EVM family", c.Network.ID)
	}
	if len(c.RPC) == 0 {
		return nil, fmt.Errorf("network %q has no node", c.Network.ID)
	}
	n := &Node{network: c.Network, assets: map[string]chain.Asset{}, tokens: map[string]chain.Asset{}, final: c.Final, depth: math.MaxInt64, now: c.Now}
	if n.now == nil {
		n.now = time.Now
	}
	for _, a := range c.Assets {
		if err := n.add(a); err != nil {
			return nil, err
		}
	}
	var providers []*provider
	for _, r := range c.RPC {
		client, err := rpc.New(r)
		if err != nil {
			return nil, err
		}
		providers = append(providers, &provider{rpc: client, chainID: c.Network.EVM.ChainID})
	}
	n.pool = rpc.NewPool(providers)
	return n, nil
}

func (n *Node) add(a chain.Asset) error {
	if a.Network != n.network.ID {
		return fmt.Errorf("asset %q is not of %q", a.ID, n.network.ID)
	}
	n.depth = min(n.depth, a.Confirmations)
	n.assets[a.ID] = a
	if a.Contract == "" {
		if n.coin.ID != "" {
			return fmt.Errorf("network %q has two coins", n.network.ID)
		}
		n.coin = a
		return nil
	}
	contract, ok := chain.EIP55(a.Contract)
	if _, twice := n.tokens[contract]; twice || !ok {
		return fmt.Errorf("asset %q: contract %q", a.ID, a.Contract)
	}
	n.tokens[contract] = a
	n.contracts = append(n.contracts, contract)
	n.filters = append(n.filters, bitsOf(contract))
	return nil
}

// Network is the network the nodes are of.
func (n *Node) Network() chain.Network { return n.network }

// Tip is the newest block. Of several nodes, one that has fallen behind what was seen is passed over.
func (n *Node) Tip(ctx context.Context) (chain.BlockRef, error) {
	n.mu.Lock()
	highest := n.highest
	n.mu.Unlock()
	var tip chain.Header
	err := n.pool.First(ctx, func(p *provider) error {
		h, err := n.tagged(ctx, p, "latest")
		if err != nil {
			return err
		}
		if age := n.now().Sub(h.Time); n.network.Main && age > staleAfter {
			return ErrSyncing.Because(fmt.Errorf("its newest block, %d, is %s old", h.Height, age.Round(time.Minute)))
		}
		if h.Height < highest && len(n.pool.All()) > 1 {
			if tip.Hash == "" || h.Height > tip.Height {
				tip = h
			}
			return ErrSyncing.Because(fmt.Errorf("its newest block is %d, there are %d", h.Height, highest))
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
	n.highest = max(n.highest, tip.Height)
	n.last, n.lastAt = tip.BlockRef, time.Now()
	return tip.BlockRef, nil
}

// Header is the header of the block at a height; ErrNoBlock if there is none.
func (n *Node) Header(ctx context.Context, height int64) (h chain.Header, err error) {
	if height < 0 || height > math.MaxInt64/2 {
		return h, ErrNoBlock
	}
	n.ahead.Drop()
	err = n.pool.First(ctx, func(p *provider) error {
		h, err = n.headerAt(ctx, p, height)
		return err
	})
	return h, err
}

func (n *Node) headerAt(ctx context.Context, p *provider, height int64) (chain.Header, error) {
	raw, err := p.block(ctx, hexOf(height), false)
	if err != nil {
		return chain.Header{}, err
	}
	h, err := raw.header(height)
	if err != nil {
		return chain.Header{}, p.invalid(height, err)
	}
	return h, nil
}

// tagged is the header of the block a tag names: "latest", "safe", "finalized".
func (n *Node) tagged(ctx context.Context, p *provider, tag string) (chain.Header, error) {
	raw, err := p.block(ctx, tag, false)
	if err != nil {
		return chain.Header{}, err
	}
	h, err := raw.header(-1)
	if err != nil {
		return chain.Header{}, p.invalid(-1, err)
	}
	return h, nil
}

// tipAge is how long a tip is good for the look at the mempool that follows it in the same round: asking again would cost a call
// that providers count.
const tipAge = 2 * time.Second

// Mempool names the tip and no transactions: what waits cannot be asked for by accounts, most providers do not show it, and a
// token payment that waits may still fail. A payment is met in its block.
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

// Ceiling is the height confirmations are counted from while the chain stands at a tip: the tip, or by a tag so little above
// the final block that nothing newer has enough. ErrRegressed if the final block goes backwards.
func (n *Node) Ceiling(ctx context.Context, tip chain.BlockRef) (int64, error) {
	if n.final == ByDepth {
		return tip.Height, nil
	}
	var h chain.Header
	err := n.pool.First(ctx, func(p *provider) error {
		var err error
		h, err = n.tagged(ctx, p, string(n.final))
		return err
	})
	if err != nil {
		return 0, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if h.Height < n.ended {
		return 0, ErrRegressed.Because(fmt.Errorf("block %d was %s, now it is %d", n.ended, n.final, h.Height))
	}
	n.ended = h.Height
	return min(tip.Height, h.Height+n.depth-1), nil
}
