// Package watch follows one chain block by block and reports the transfers that concern us, reorganisations included.
//
// The cursor is a chain of headers of our own. A block is applied only on top of its parent, in one transaction that
// holds the header, the cursor and every change the block makes; when the node is on another branch we walk back to
// the common ancestor first. A node that is down, behind, on another network or talking nonsense moves nothing.
package watch

import (
	"context"
	"time"

	"checkout/chain"
	"checkout/fault"
	"checkout/ident"
)

// Source is a node of the network. Every answer is checked by the adapter; a fault of kind Unavailable says that it has
// none now.
type Source interface {
	Network() chain.Network
	Tip(ctx context.Context) (chain.BlockRef, error)
	Header(ctx context.Context, height int64) (chain.Header, error)
	Block(ctx context.Context, height int64) (chain.Block, error)
	Mempool(ctx context.Context, known func(txid string) bool) (chain.Mempool, error)
}

// Cursor is where we stand on a chain.
type Cursor struct {
	Tip     chain.BlockRef
	Through time.Time // everything up to here has been seen: the evidence
	Status  string
	Reorgs  int64
}

// Open is a payment a later transaction could still take away: it is not confirmed, or was reverted.
type Open struct {
	Owner   ident.ID
	TxID    string
	Inputs  []string
	InBlock bool
	Settled bool // it had confirmed once: only a conflict ends it, not its absence
}

// Book keeps the cursor, the headers and who owns which address. Calls made with the context Together hands out join
// its transaction.
type Book interface {
	Together(ctx context.Context, f func(ctx context.Context) error) error
	Now(ctx context.Context) (time.Time, error)
	Cursor(ctx context.Context, network string) (Cursor, bool, error)
	// Hash is our block at a height, "" if we have none there.
	Hash(ctx context.Context, network string, height int64) (string, error)
	// Extend moves the cursor on to a block, or sets the first one.
	Extend(ctx context.Context, network string, h chain.Header) error
	// Rewind moves the cursor back to a block we hold and writes the reorganisation down.
	Rewind(ctx context.Context, network string, to chain.BlockRef, from chain.BlockRef) error
	// Reached raises the evidence and sets the status.
	Reached(ctx context.Context, network string, through time.Time) error
	SetStatus(ctx context.Context, network, status string) error
	// Owners says which of the addresses are ours and whose object they were assigned to.
	Owners(ctx context.Context, network string, addresses []string) (map[string]ident.ID, error)
	// OpenPayments lists the payments a conflicting or missing transaction would concern.
	OpenPayments(ctx context.Context, network string) ([]Open, error)
}

// Sink takes what the chain does to its objects. All calls are made inside the transaction of the block or pass, and
// may be made again.
type Sink interface {
	Seen(ctx context.Context, owner ident.ID, s chain.Sighting) error
	// Advanced follows every new height.
	Advanced(ctx context.Context, network string, height int64) error
	// Reverted names a block that left the chain, and the transactions (moved) that stand in the new branch as well.
	Reverted(ctx context.Context, network, hash string, moved map[string]chain.BlockRef, height int64) error
	Conflicted(ctx context.Context, owner ident.ID, network, txid, other string, block chain.BlockRef) error
	Evicted(ctx context.Context, owner ident.ID, network, txid string) error
}

// Lease is the right to follow the network. Hold takes or renews it; Guard, first in every transaction, refuses whoever
// has lost it.
type Lease interface {
	Hold(ctx context.Context) (bool, error)
	Guard(ctx context.Context) error
}

// The statuses of a cursor, as /readyz and the audit view show them.
const (
	StatusOK       = "ok"
	StatusStarting = "starting"
	StatusBehind   = "behind" // the node knows less than we have already seen
	StatusHalted   = "halted" // a reorganisation deeper than MaxReorg: a person decides
)

// MaxReorg is the deepest reorganisation handled; Keep is how many headers are kept.
const (
	MaxReorg = 100
	Keep     = 200
)

// The faults of following a chain.
var (
	ErrBehind  = fault.New(fault.Unavailable, "node_behind", "The node is behind.")
	ErrHalted  = fault.New(fault.Unavailable, "reorg_too_deep", "The chain was reorganised deeper than is handled.")
	ErrInvalid = fault.New(fault.Unavailable, "block_invalid", "The node's blocks do not follow each other.")
	ErrUnknown = fault.New(fault.Unavailable, "block_unknown", "The node has no such block.")
)
