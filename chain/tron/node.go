// Package tron reads the Tron network from nodes by java-tron's HTTP API, or from TronGrid.
//
// What is seen: TRX, sent by a transfer of it, and TRC-20 tokens the installation knows by their contract. What a contract sends
// of TRX on its way (internal transactions) is told by balances alone; TRC-10 assets are not seen. Nothing is ever sent, so watching costs no energy.
//
// The node is not believed. The first block is pinned, a block's id must hold its height, blocks must follow one another, and a
// block counts only with the outcomes of all its calls; one that moves a large sum only if a second provider, where there is
// one, has the same. Confirmations count from what the network itself calls solid.
package tron

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
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
	ErrDisagree     = fault.New(fault.Unavailable, "nodes_disagree", "Two nodes do not say the same of a payment.")
	ErrMismatch     = fault.New(fault.Unavailable, "asset_mismatch", "The token's contract is not the one that is configured.")
)

// staleAfter is how old a main network's newest block may be before its node counts as syncing.
const staleAfter = 5 * time.Minute

// Config says which nodes, and what of.
type Config struct {
	RPC     []rpc.Config // the base of one node's HTTP API or several; the first that answers is asked
	Network chain.Network
	Assets  []chain.Asset // of the network: TRX, and the tokens that are looked for
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

// Node is a checked source of the network's blocks. It is safe for concurrent use.
type Node struct {
	pool    *rpc.Pool[*provider]
	network chain.Network
	coin    chain.Asset            // zero: it is not looked for
	assets  map[string]chain.Asset // by id
	tokens  map[string]chain.Asset // by the 40 hex digits of the contract
	depth   int64                  // the fewest confirmations one of the assets asks for
	now     func() time.Time

	mu      sync.Mutex
	last    chain.BlockRef // the tip, as it was said last, and when
	lastAt  time.Time
	highest int64 // the tip, as far as it was ever seen
	ahead   chain.Ahead
}

// New checks the configuration. It does not call the nodes, which may be down now.
func New(c Config) (*Node, error) {
	if c.Network.Family != chain.FamilyTron || !isHash(c.Network.Genesis) {
		return nil, fmt.Errorf("network %q is not Tron's", c.Network.ID)
	}
	if len(c.RPC) == 0 {
		return nil, fmt.Errorf("network %q has no node", c.Network.ID)
	}
	n := &Node{network: c.Network, assets: map[string]chain.Asset{}, tokens: map[string]chain.Asset{}, depth: math.MaxInt64, now: c.Now}
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
		providers = append(providers, &provider{rpc: client, genesis: c.Network.Genesis})
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
	contract, ok := chain.ParseTronAddress(a.Contract)
	key := hex.EncodeToString(contract[:])
	if _, twice := n.tokens[key]; twice || !ok {
		return fmt.Errorf("asset %q: contract %q", a.ID, a.Contract)
	}
	n.tokens[key] = a
	return nil
}

// Network is the network the nodes are of.
func (n *Node) Network() chain.Network { return n.network }

// byHeight asks for a block's header by its height.
func byHeight(height int64) map[string]any {
	return map[string]any{"id_or_num": strconv.FormatInt(height, 10), "detail": false}
}

// newest asks for the header of the newest block.
var newest = map[string]any{"detail": false} //nolint:gochecknoglobals // a constant

// headerOf asks for a header; ErrNoBlock.
func (p *provider) headerOf(ctx context.Context, path string, body any, height int64) (chain.Header, error) {
	var raw rawBlock
	if err := p.ask(ctx, &raw, path, body); err != nil {
		return chain.Header{}, err
	}
	if raw.ID == "" && height >= 0 {
		return chain.Header{}, ErrNoBlock
	}
	h, err := raw.header(height)
	if err != nil {
		return chain.Header{}, p.invalid(height, err)
	}
	return h, nil
}

// Tip is the newest block. Of several nodes, one that has fallen behind what was seen is passed over.
func (n *Node) Tip(ctx context.Context) (chain.BlockRef, error) {
	n.mu.Lock()
	highest := n.highest
	n.mu.Unlock()
	var tip chain.Header
	err := n.pool.First(ctx, func(p *provider) error {
		h, err := p.headerOf(ctx, "/wallet/getblock", newest, -1)
		if err != nil {
			return err
		}
		if age := n.now().Sub(h.Time); n.network.Main && age > staleAfter {
			return ErrSyncing.Because(fmt.Errorf("its newest block, %d, is %s old", h.Height, age.Round(time.Second)))
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
	n.highest, n.last, n.lastAt = max(n.highest, tip.Height), tip.BlockRef, time.Now()
	return tip.BlockRef, nil
}

// Header is the header of the block at a height; ErrNoBlock if there is none.
func (n *Node) Header(ctx context.Context, height int64) (h chain.Header, err error) {
	if height < 0 || height > math.MaxInt64/2 {
		return h, ErrNoBlock
	}
	n.ahead.Drop()
	err = n.pool.First(ctx, func(p *provider) error {
		h, err = p.headerOf(ctx, "/wallet/getblock", byHeight(height), height)
		return err
	})
	return h, err
}

// atOnce is how many blocks are asked for at the same time while there are many to catch up with.
const atOnce = 8

// Block is the block at a height, with what its transactions moved; ErrNoBlock if there is none. What follows the block is
// fetched with it, if the tip is far.
func (n *Node) Block(ctx context.Context, height int64) (chain.Block, error) {
	if height < 0 || height > math.MaxInt64/2 {
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
	var raw rawBlock
	if err := p.ask(ctx, &raw, "/wallet/getblockbynum", map[string]int64{"num": height}); err != nil {
		return chain.Block{}, err
	}
	if raw.ID == "" {
		return chain.Block{}, ErrNoBlock
	}
	h, err := raw.header(height)
	if err != nil {
		return chain.Block{}, p.invalid(height, err)
	}
	var infos []rawInfo
	if len(n.tokens) > 0 && slices.ContainsFunc(raw.Txs, rawTx.calls) {
		if err := p.ask(ctx, &infos, "/wallet/gettransactioninfobyblocknum", map[string]int64{"num": height}); err != nil {
			return chain.Block{}, err
		}
	} else {
		raw.Txs = slices.DeleteFunc(raw.Txs, rawTx.calls) // they move nothing we look for
	}
	b, err := n.block(raw, h, infos)
	if err != nil {
		return chain.Block{}, p.invalid(height, err)
	}
	return b, nil
}

// Prove gives a transaction of a block as it is: a block has the outcomes of its transactions. What is worth more than an
// asset's limit must be the same in the block of a second provider, if there are several; ErrDisagree.
func (n *Node) Prove(ctx context.Context, block chain.BlockRef, tx chain.Tx) (chain.Tx, error) {
	if len(n.pool.All()) == 1 || !n.large(tx) {
		return tx, nil
	}
	agree, trouble := 0, error(nil)
	for _, p := range n.pool.All() {
		b, err := n.blockOf(ctx, p, block.Height)
		if err != nil {
			trouble = err
			continue
		}
		i := slices.IndexFunc(b.Txs, func(other chain.Tx) bool { return other.ID == tx.ID })
		if b.Hash != block.Hash || i < 0 || !slices.EqualFunc(tx.Outputs, b.Txs[i].Outputs, chain.Transfer.Equal) {
			return chain.Tx{}, ErrDisagree.Because(fmt.Errorf("transaction %s in block %d", tx.ID, block.Height))
		}
		agree++
	}
	if agree < 2 {
		return chain.Tx{}, ErrDisagree.Because(fmt.Errorf("transaction %s in block %d: no second opinion: %w", tx.ID, block.Height, trouble))
	}
	return tx, nil
}

// large says whether a transaction moves more than one node alone is believed.
func (n *Node) large(tx chain.Tx) bool {
	return slices.ContainsFunc(tx.Outputs, func(t chain.Transfer) bool { return n.assets[t.Asset].IsLarge(t.Amount) })
}

// tipAge is how long a tip is good for the look at the mempool that follows it in the same round.
const tipAge = 2 * time.Second

// Mempool names the tip and no transactions: a payment is met in its block, three seconds later at most.
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

// Ceiling is the height confirmations are counted from while the chain stands at a tip: so little above the newest solid block
// that nothing newer has enough. The solid block must be one of the chain the node shows.
func (n *Node) Ceiling(ctx context.Context, tip chain.BlockRef) (int64, error) {
	var solid chain.Header
	err := n.pool.First(ctx, func(p *provider) error {
		var err error
		if solid, err = p.headerOf(ctx, "/walletsolidity/getblock", newest, -1); err != nil {
			return err
		}
		if solid.Height > tip.Height {
			return nil // it came meanwhile
		}
		there, err := p.headerOf(ctx, "/wallet/getblock", byHeight(solid.Height), solid.Height)
		if err == nil && there.Hash != solid.Hash {
			err = p.invalid(solid.Height, errors.New("the solid block is another one than the chain's"))
		}
		return err
	})
	return min(tip.Height, solid.Height+n.depth-1), err
}
