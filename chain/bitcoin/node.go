// Package bitcoin reads a chain of Bitcoin's family from a node of the operator's: Bitcoin Core, btcd, Litecoin Core, Dogecoin
// Core, Bitcoin Cash Node, or whatever answers the same JSON-RPC calls. What a coin has of its own is a row of coins.
//
// The node is not believed. Answers are bounded in size and time; every block must hash to its name, contain the
// transactions its header commits to and carry its proof of work (but for Litecoin and Dogecoin, see coin); every transaction
// must hash to its name; and the first block, and a later one where chains begin alike, must be that of the configured network,
// or nothing else is asked.
package bitcoin

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"

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
	ErrUnsteady     = fault.New(fault.Unavailable, "node_unsteady", "Blocks came faster than the mempool could be read.")
)

// Error codes of Bitcoin Core's src/rpc/protocol.h.
const (
	codeMisc         = -1     // btcd says this for a height out of range, and for calls it does not know
	codeNotFound     = -5     // no such block or transaction
	codeBadParameter = -8     // Core says this for a height out of range
	codeTxError      = -25    // a transaction's inputs are missing, or it breaks a limit of the call
	codeTxRejected   = -26    // the mempool's rules refuse a transaction
	codeTxInChain    = -27    // a transaction is in a block already; btcd: or in the mempool
	codeWarmup       = -28    // the node is starting
	codeNoMethod     = -32601 // the node does not know the call
)

// syncGap is how many blocks a node may lack of the headers it knows before it counts as syncing. A header arrives some
// seconds before its block, so one or two are nothing unusual.
const syncGap = 2

// staleAfter is how old a main network's newest blocks may be before the node counts as syncing, as in Bitcoin Core
// (DEFAULT_MAX_TIP_AGE). It is for nodes that do not say it themselves.
const staleAfter = 24 * time.Hour

// Config says which node, and what of.
type Config struct {
	RPC     rpc.Config
	Network chain.Network
	Asset   chain.Asset // the coin: what outputs are amounts of
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

// Node is a checked source of one network's blocks and unconfirmed transactions. It is safe for concurrent use.
type Node struct {
	rpc     *rpc.Client
	network chain.Network
	asset   chain.Asset
	params  *chaincfg.Params
	form    chain.AddressForm
	coin    coin
	now     func() time.Time

	noEntries atomic.Bool // the node does not know getmempoolentry

	// verified says that the node has named our genesis block, and given no cause for doubt since: another program may
	// answer at its address after a break.
	verified atomic.Bool
}

// New checks the configuration. It does not call the node, which may be down now.
func New(c Config) (*Node, error) {
	rpc, err := rpc.New(c.RPC)
	if err != nil {
		return nil, err
	}
	params, coin, ok := paramsOf(c.Network)
	if !ok {
		return nil, fmt.Errorf("network %q is not one of Bitcoin's family", c.Network.ID)
	}
	if c.Asset.Network != c.Network.ID || c.Asset.Currency.Code != c.Network.Coin || c.Asset.Currency.Scale != 8 {
		return nil, fmt.Errorf("asset %q is not the coin of %q", c.Asset.ID, c.Network.ID)
	}
	n := &Node{rpc: rpc, network: c.Network, asset: c.Asset, params: params, coin: coin, now: c.Now}
	n.form, _ = c.Network.AddressForm()
	if n.now == nil {
		n.now = time.Now
	}
	return n, nil
}

// Network is the network the node is of.
func (n *Node) Network() chain.Network { return n.network }

// ask calls the node and turns the errors of the call into faults. Trouble of any kind takes the trust in the node's
// identity away, until it has named its genesis block again.
func (n *Node) ask(ctx context.Context, limit int64, result any, method string, params ...any) error {
	err := n.rpc.CallUpTo(ctx, limit, result, method, params...)
	if err == nil {
		return nil
	}
	refusal, ok := errors.AsType[*rpc.Error](err)
	switch {
	case !ok:
		n.verified.Store(false)
		return err
	case refusal.Code == codeWarmup:
		return ErrSyncing.Because(err)
	default:
		return rpc.ErrRefused.Because(err)
	}
}

// identify asks for the blocks that tell the network from all others, unless they are known already.
func (n *Node) identify(ctx context.Context) error {
	if n.verified.Load() {
		return nil
	}
	if err := n.has(ctx, chain.BlockRef{Hash: n.network.Genesis}); err != nil {
		return err
	}
	if c := n.network.Checkpoint; !c.IsZero() {
		err := n.has(ctx, c)
		if refusal, ok := errors.AsType[*rpc.Error](err); ok && saysNoBlock(refusal.Code) {
			return ErrSyncing.Because(fmt.Errorf("it has no block %d yet", c.Height))
		}
		if err != nil {
			return err
		}
	}
	n.verified.Store(true)
	return nil
}

// has checks that a block is in the node's chain; ErrWrongNetwork if another is in its place.
func (n *Node) has(ctx context.Context, block chain.BlockRef) error {
	var hash string
	if err := n.ask(ctx, rpc.AnswerLimit, &hash, "getblockhash", block.Height); err != nil {
		return err
	}
	if hash != block.Hash {
		return ErrWrongNetwork.Because(fmt.Errorf("its block %d is %.64q, not %s", block.Height, hash, block.Hash))
	}
	return nil
}

// chainInfo is the part of getblockchaininfo that matters. btcd leaves InitialDownload out, and its Headers are its
// Blocks.
type chainInfo struct {
	Blocks          int64  `json:"blocks"`
	Headers         int64  `json:"headers"`
	Best            string `json:"bestblockhash"`
	MedianTime      int64  `json:"mediantime"` // Unix seconds
	InitialDownload bool   `json:"initialblockdownload"`
}

// Tip is the last block of the node's best chain. A node of another network is ErrWrongNetwork, one that has not caught
// up is ErrSyncing.
func (n *Node) Tip(ctx context.Context) (chain.BlockRef, error) {
	if err := n.identify(ctx); err != nil {
		return chain.BlockRef{}, err
	}
	return n.tip(ctx)
}

func (n *Node) tip(ctx context.Context) (chain.BlockRef, error) {
	var info chainInfo
	if err := n.ask(ctx, rpc.AnswerLimit, &info, "getblockchaininfo"); err != nil {
		return chain.BlockRef{}, err
	}
	if info.Blocks < 0 || !isHash(info.Best) {
		return chain.BlockRef{}, n.garbage("getblockchaininfo names no tip")
	}
	if info.Headers-info.Blocks > syncGap {
		return chain.BlockRef{}, ErrSyncing.Because(fmt.Errorf("%d blocks of %d", info.Blocks, info.Headers))
	}
	// On test networks blocks may be rare, and a regtest node thinks itself syncing for ever.
	if n.network.Main {
		if age := n.now().Sub(time.Unix(info.MedianTime, 0)); info.InitialDownload || age > staleAfter {
			return chain.BlockRef{}, ErrSyncing.Because(fmt.Errorf("at height %d its blocks are %s old", info.Blocks, age.Round(time.Hour)))
		}
	}
	return chain.BlockRef{Height: info.Blocks, Hash: info.Best}, nil
}

// Header is the header of the block at a height of the node's best chain; ErrNoBlock if there is none.
func (n *Node) Header(ctx context.Context, height int64) (chain.Header, error) {
	hash, err := n.hashAt(ctx, height)
	if err != nil {
		return chain.Header{}, err
	}
	var text string
	if err := n.ask(ctx, rpc.AnswerLimit, &text, "getblockheader", hash, false); err != nil {
		return chain.Header{}, err
	}
	header, err := n.decodeHeader(text)
	if err == nil {
		err = n.checkHeader(header, hash)
	}
	if err != nil {
		return chain.Header{}, n.invalid(height, err)
	}
	return headerOf(header, height), nil
}

// Block is the block at a height of the node's best chain; ErrNoBlock if there is none. Its raw form is asked for,
// which all nodes give alike, and everything is taken from that.
func (n *Node) Block(ctx context.Context, height int64) (chain.Block, error) {
	hash, err := n.hashAt(ctx, height)
	if err != nil {
		return chain.Block{}, err
	}
	var text string
	if err := n.ask(ctx, n.coin.blockLimit, &text, "getblock", hash, n.coin.raw()); err != nil {
		return chain.Block{}, err
	}
	block, err := n.decodeBlock(text, hash, height)
	if err != nil {
		return chain.Block{}, n.invalid(height, err)
	}
	return block, nil
}

func (n *Node) hashAt(ctx context.Context, height int64) (string, error) {
	if err := n.identify(ctx); err != nil {
		return "", err
	}
	if height < 0 || height > math.MaxInt32 { // btcd would cut larger numbers off and name another block
		return "", ErrNoBlock
	}
	var hash string
	err := n.ask(ctx, rpc.AnswerLimit, &hash, "getblockhash", height)
	if refusal, ok := errors.AsType[*rpc.Error](err); ok && saysNoBlock(refusal.Code) {
		return "", ErrNoBlock.Because(err)
	}
	if err != nil {
		return "", err
	}
	if !isHash(hash) {
		return "", n.garbage("getblockhash gives no hash")
	}
	return hash, nil
}

func saysNoBlock(code int64) bool {
	return code == codeMisc || code == codeNotFound || code == codeBadParameter
}

// garbage is rpc.ErrGarbage because of what; the node is not trusted until it has identified itself again.
func (n *Node) garbage(what string) error {
	n.verified.Store(false)
	return rpc.ErrGarbage.Because(errors.New(what))
}

// invalid is ErrBlockInvalid of a height, with the same consequence.
func (n *Node) invalid(height int64, err error) error {
	n.verified.Store(false)
	return ErrBlockInvalid.Because(fmt.Errorf("height %d: %w", height, err))
}

// isHash says whether text has the form of a block hash or txid: 64 lower-case hex digits.
func isHash(text string) bool {
	if len(text) != 64 {
		return false
	}
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
