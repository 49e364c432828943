// Package rehearsal is a chain that is only played: it mines, confirms, replaces and reorganises on demand, inside the
// process, so that a shop can be tried without a node and without money. Everything above it is the real thing.
//
// Its blocks and transactions live in the store, so that a restart finds the chain where it was.
package rehearsal

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"checkout/chain"
	"checkout/fault"
	"checkout/money"
)

// The faults of the played chain.
var (
	ErrUnknown = fault.New(fault.Unavailable, "block_unknown", "The played chain has no such block.")
	ErrStalled = fault.New(fault.Unavailable, "chain_stalled", "The played chain answers nobody.")
	ErrNothing = fault.New(fault.Conflict, "nothing_to_replace", "There is no such transaction to take back.")
	ErrDepth   = fault.New(fault.Invalid, "reorg_depth", "The played chain is not that long.")
)

// Block is a played block.
type Block struct {
	chain.BlockRef
	Parent string
	At     time.Time
}

// Tx is a played transaction: one input nobody else has, one output.
type Tx struct {
	ID      string
	Asset   string // chain.Asset.ID, empty: the chain's own coin
	Address string
	Amount  string // smallest units
	Input   string // "txid:0"
	Block   string // hash of the block it is in, "" while unconfirmed
	Held    bool   // miners leave it alone
	At      time.Time
}

// Keeper keeps blocks and transactions. The store provides it; calls made with the context Together hands out are one
// transaction.
type Keeper interface {
	Together(ctx context.Context, f func(ctx context.Context) error) error
	Now(ctx context.Context) (time.Time, error)
	PlayedTip(ctx context.Context) (Block, bool, error)
	PlayedAt(ctx context.Context, height int64) (Block, bool, error)
	PlayedTxs(ctx context.Context, block string) ([]Tx, error)
	PlayedPool(ctx context.Context) ([]Tx, error)
	PlayedTx(ctx context.Context, id string) (Tx, bool, error)
	AddPlayedBlock(ctx context.Context, b Block) error
	AddPlayedTx(ctx context.Context, tx Tx) error
	// MoveToBlock puts every transaction of the pool that is not held into a block.
	MoveToBlock(ctx context.Context, block string) error
	// Orphan takes a block off the best chain; its transactions go back to the pool.
	Orphan(ctx context.Context, block string) error
	// DropPlayedTx takes a transaction out for good.
	DropPlayedTx(ctx context.Context, id string) error
	Release(ctx context.Context, id string) error
}

// Chain plays the network. It is a watch.Source.
type Chain struct {
	Keeper Keeper
	Net    chain.Network
	Asset  chain.Asset // its own coin
	Token  chain.Asset // a second one that can be paid with; none has no ID
	Random io.Reader

	stalled atomic.Bool
}

// Stall lets the node of the chain answer nobody any more, or again. Blocks and payments are still made meanwhile.
func (c *Chain) Stall(stand bool) { c.stalled.Store(stand) }

// Network is the played network.
func (c *Chain) Network() chain.Network { return c.Net }

// Tip is the best block; the first call makes the genesis block.
func (c *Chain) Tip(ctx context.Context) (chain.BlockRef, error) {
	b, ok, err := c.Keeper.PlayedTip(ctx)
	if err != nil || ok {
		return b.BlockRef, err
	}
	err = c.Keeper.Together(ctx, func(ctx context.Context) error {
		if b, ok, err = c.Keeper.PlayedTip(ctx); err != nil || ok {
			return err
		}
		at, err := c.Keeper.Now(ctx)
		if err != nil {
			return err
		}
		b = Block{BlockRef: chain.BlockRef{Height: 0, Hash: c.Net.Genesis}, At: at}
		return c.Keeper.AddPlayedBlock(ctx, b)
	})
	return b.BlockRef, err
}

// Header is the best chain's block at a height; ErrUnknown.
func (c *Chain) Header(ctx context.Context, height int64) (chain.Header, error) {
	if c.stalled.Load() {
		return chain.Header{}, ErrStalled
	}
	b, ok, err := c.Keeper.PlayedAt(ctx, height)
	if err != nil {
		return chain.Header{}, err
	}
	if !ok {
		return chain.Header{}, ErrUnknown.Because(fmt.Errorf("height %d", height))
	}
	return chain.Header{BlockRef: b.BlockRef, Parent: b.Parent, Time: b.At}, nil
}

// Block is the best chain's block at a height, with its transactions.
func (c *Chain) Block(ctx context.Context, height int64) (chain.Block, error) {
	h, err := c.Header(ctx, height)
	if err != nil {
		return chain.Block{}, err
	}
	list, err := c.Keeper.PlayedTxs(ctx, h.Hash)
	if err != nil {
		return chain.Block{}, err
	}
	out := chain.Block{Header: h}
	for _, tx := range list {
		t, err := c.tx(tx)
		if err != nil {
			return chain.Block{}, err
		}
		out.Txs = append(out.Txs, t)
	}
	return out, nil
}

// Mempool is the pool; see watch.Source.
func (c *Chain) Mempool(ctx context.Context, known func(txid string) bool) (chain.Mempool, error) {
	pool := chain.Mempool{IDs: map[string]struct{}{}}
	if c.stalled.Load() {
		return pool, ErrStalled
	}
	tip, err := c.Tip(ctx)
	if err != nil {
		return pool, err
	}
	list, err := c.Keeper.PlayedPool(ctx)
	if err != nil {
		return pool, err
	}
	for _, tx := range list {
		pool.IDs[tx.ID] = struct{}{}
		if known(tx.ID) {
			continue
		}
		t, err := c.tx(tx)
		if err != nil {
			return pool, err
		}
		pool.Txs = append(pool.Txs, t)
	}
	after, err := c.Tip(ctx)
	if err == nil && after == tip {
		pool.Tip = tip
	}
	return pool, err
}

func (c *Chain) tx(tx Tx) (chain.Tx, error) {
	asset := c.Asset
	if tx.Asset != "" && tx.Asset == c.Token.ID {
		asset = c.Token
	}
	amount, err := money.ParseMinor(asset.Currency, tx.Amount)
	if err != nil {
		return chain.Tx{}, err
	}
	out := chain.Transfer{Network: c.Net.ID, TxID: tx.ID, Asset: asset.ID, Address: tx.Address, Amount: amount}
	return chain.Tx{ID: tx.ID, Inputs: []string{tx.Input}, Outputs: []chain.Transfer{out}, Replaceable: true, SeenAt: tx.At}, nil
}

func (c *Chain) draw() (string, error) {
	var raw [32]byte
	if _, err := io.ReadFull(c.Random, raw[:]); err != nil {
		return "", err
	}
	id := hex.EncodeToString(raw[:])
	if c.Net.Family == chain.FamilyEVM {
		id = "0x" + id
	}
	return id, nil
}

// Pays lists what a transaction in a block pays an address.
func (c *Chain) Pays(ctx context.Context, txid, address string) ([]chain.Transfer, error) {
	tx, ok, err := c.Keeper.PlayedTx(ctx, txid)
	if err != nil || !ok || tx.Address != address || tx.Block == "" {
		return nil, err
	}
	t, err := c.tx(tx)
	return t.Outputs, err
}

// Pay sends an amount of the coin or the token to an address, unconfirmed. A held payment is not mined until it is released.
func (c *Chain) Pay(ctx context.Context, address string, amount money.Amount, held bool) (string, error) {
	coin, err := c.draw()
	if err != nil {
		return "", err
	}
	return c.spend(ctx, coin+":0", address, amount, held)
}

func (c *Chain) spend(ctx context.Context, input, address string, amount money.Amount, held bool) (string, error) {
	id, err := c.draw()
	if err != nil {
		return "", err
	}
	return id, c.Keeper.Together(ctx, func(ctx context.Context) error {
		at, err := c.Keeper.Now(ctx)
		if err != nil {
			return err
		}
		asset := ""
		if amount.Currency() == c.Token.Currency && c.Token.ID != "" {
			asset = c.Token.ID
		}
		return c.Keeper.AddPlayedTx(ctx, Tx{ID: id, Asset: asset, Address: address, Amount: amount.Minor(), Input: input, Held: held, At: at})
	})
}

// Replace takes an unconfirmed transaction back by spending the same coin to another address; ErrNothing if it is not
// in the pool any more.
func (c *Chain) Replace(ctx context.Context, id, address string, amount money.Amount) (string, error) {
	var with string
	err := c.Keeper.Together(ctx, func(ctx context.Context) error {
		old, ok, err := c.Keeper.PlayedTx(ctx, id)
		if err != nil {
			return err
		}
		if !ok || old.Block != "" {
			return ErrNothing
		}
		if err := c.Keeper.DropPlayedTx(ctx, id); err != nil {
			return err
		}
		with, err = c.spend(ctx, old.Input, address, amount, false)
		return err
	})
	return with, err
}

// Release lets miners have a held transaction.
func (c *Chain) Release(ctx context.Context, id string) error { return c.Keeper.Release(ctx, id) }

// Mine adds n blocks to the best chain; the first takes the pool in.
func (c *Chain) Mine(ctx context.Context, n int) error {
	if _, err := c.Tip(ctx); err != nil {
		return err
	}
	return c.Keeper.Together(ctx, func(ctx context.Context) error {
		for range n {
			b, err := c.next(ctx)
			if err != nil {
				return err
			}
			if err := c.Keeper.MoveToBlock(ctx, b.Hash); err != nil {
				return err
			}
		}
		return nil
	})
}

// next adds an empty block.
func (c *Chain) next(ctx context.Context) (Block, error) {
	tip, ok, err := c.Keeper.PlayedTip(ctx)
	if err != nil {
		return Block{}, err
	}
	if !ok {
		return Block{}, ErrUnknown
	}
	hash, err := c.draw()
	if err != nil {
		return Block{}, err
	}
	at, err := c.Keeper.Now(ctx)
	if err != nil {
		return Block{}, err
	}
	b := Block{BlockRef: chain.BlockRef{Height: tip.Height + 1, Hash: hash}, Parent: tip.Hash, At: at}
	return b, c.Keeper.AddPlayedBlock(ctx, b)
}

// Reorganise replaces the newest depth blocks by depth+1 empty ones. Their transactions go back to the pool, but for
// those named: they are gone, their coins spent to another address in the new branch.
func (c *Chain) Reorganise(ctx context.Context, depth int, gone map[string]string) error {
	return c.Keeper.Together(ctx, func(ctx context.Context) error {
		for range depth {
			tip, ok, err := c.Keeper.PlayedTip(ctx)
			if err != nil {
				return err
			}
			if !ok || tip.Height == 0 {
				return ErrDepth
			}
			if err := c.Keeper.Orphan(ctx, tip.Hash); err != nil {
				return err
			}
		}
		for i := range depth + 1 {
			b, err := c.next(ctx)
			if err != nil {
				return err
			}
			if i == 0 {
				if err := c.doubleSpend(ctx, b.Hash, gone); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (c *Chain) doubleSpend(ctx context.Context, block string, gone map[string]string) error {
	for id, address := range gone {
		old, ok, err := c.Keeper.PlayedTx(ctx, id)
		if err != nil {
			return err
		}
		if !ok {
			return ErrNothing
		}
		if err := c.Keeper.DropPlayedTx(ctx, id); err != nil {
			return err
		}
		other, err := c.draw()
		if err != nil {
			return err
		}
		if err := c.Keeper.AddPlayedTx(ctx, Tx{ID: other, Asset: old.Asset, Address: address, Amount: old.Amount, Input: old.Input, Block: block, At: old.At}); err != nil {
			return err
		}
	}
	return nil
}

// Miner adds a block every so often while somebody waits for one: the pool is not empty, or the newest transactions
// are not yet deep.
type Miner struct {
	Chain *Chain
	Every time.Duration
	Deep  int64 // blocks after which a transaction needs no more
}

// Run mines until ctx ends.
func (m *Miner) Run(ctx context.Context) error {
	tick := time.NewTicker(m.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := m.RunOnce(ctx); err != nil && ctx.Err() == nil && fault.Of(err).Kind != fault.Unavailable {
			return err
		}
	}
}

// RunOnce mines one block if somebody waits for it.
func (m *Miner) RunOnce(ctx context.Context) error {
	wanted, err := m.wanted(ctx)
	if err != nil || !wanted {
		return err
	}
	return m.Chain.Mine(ctx, 1)
}

func (m *Miner) wanted(ctx context.Context) (bool, error) {
	pool, err := m.Chain.Keeper.PlayedPool(ctx)
	if err != nil {
		return false, err
	}
	for _, tx := range pool {
		if !tx.Held {
			return true, nil
		}
	}
	tip, ok, err := m.Chain.Keeper.PlayedTip(ctx)
	if err != nil || !ok {
		return false, err
	}
	for height := tip.Height; height > max(0, tip.Height-m.Deep); height-- {
		b, ok, err := m.Chain.Keeper.PlayedAt(ctx, height)
		if err != nil || !ok {
			return false, err
		}
		txs, err := m.Chain.Keeper.PlayedTxs(ctx, b.Hash)
		if err != nil || len(txs) > 0 {
			return err == nil, err
		}
	}
	return false, nil
}
