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
	"checkout/money"
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

// Taker is a Source that takes transactions, too.
type Taker interface {
	// Offer gives the node a transaction it has lost. nil: it has it now. chain.ErrTxRefused says that it can never have it,
	// chain.ErrTxUnwanted that it does not want it now; anything else says nothing of the transaction.
	Offer(ctx context.Context, raw []byte) error
}

// Dater is a Source that can say when transactions of its mempool came to it, those it knows that of.
type Dater interface {
	Arrivals(ctx context.Context, ids []string) (map[string]time.Time, error)
}

// Prover is a Source whose blocks say what transactions ask for, and not what came of it: on account chains a transaction in
// a block may have failed.
type Prover interface {
	// Prove gives a transaction of a block with the transfers it really made.
	Prove(ctx context.Context, block chain.BlockRef, tx chain.Tx) (chain.Tx, error)
}

// Finalizer is a Source whose network says itself what is final.
type Finalizer interface {
	// Ceiling is the height confirmations may be counted from while the chain stands at a tip, that height at most.
	Ceiling(ctx context.Context, tip chain.BlockRef) (int64, error)
}

// Lister is a Source that gives many headers at once: one by one, a provider that counts calls might never let us begin.
type Lister interface {
	// Headers lists the headers from one height to another, both included.
	Headers(ctx context.Context, from, to int64) ([]chain.Header, error)
}

// Cursor is where we stand on a chain.
type Cursor struct {
	Tip     chain.BlockRef
	Through time.Time // everything up to here has been seen: the evidence
	Status  string
	Reorgs  int64
	Counted int64 // the height confirmations were last counted from, where a Finalizer says it
	Peak    int64 // the highest block that was ever given up; at or below it a height says nothing of when a block came
}

// Open is a payment a later transaction could still take away: it is not confirmed, or was reverted.
type Open struct {
	Owner   ident.ID
	TxID    string
	Inputs  []string
	InBlock bool
	Settled bool // it had confirmed once: only a conflict ends it, not its absence
	// FirstSeen is when its transaction was.
	FirstSeen time.Time

	held bool // it is none yet: its owner could not take it in
}

// Mark is how many addresses each wallet of a network had given away at an instant.
type Mark map[ident.ID]int64

// Book keeps the cursor, the headers and who owns which address. Calls made with the context Together hands out join
// its transaction.
type Book interface {
	Together(ctx context.Context, f func(ctx context.Context) error) error
	// Apart runs f in a part of the transaction. What f refuses is taken back alone; err is trouble that must end the whole.
	Apart(ctx context.Context, f func(ctx context.Context) error) (refused, err error)
	Now(ctx context.Context) (time.Time, error)
	Headers
	Payments
	Shelf
}

// Headers are the cursor and our chain of headers.
type Headers interface {
	Cursor(ctx context.Context, network string) (Cursor, bool, error)
	// Hash is our block at a height, "" if we have none there.
	Hash(ctx context.Context, network string, height int64) (string, error)
	// Headers lists the blocks we hold, the newest first.
	Headers(ctx context.Context, network string) ([]chain.BlockRef, error)
	// Extend moves the cursor on to a block, or sets the first one.
	Extend(ctx context.Context, network string, h chain.Header) error
	// Rewind moves the cursor back to a block we hold and writes the reorganisation down.
	Rewind(ctx context.Context, network string, to chain.BlockRef, from chain.BlockRef) error
	// Restart does the same to a block we do not hold; all headers go.
	Restart(ctx context.Context, network string, to chain.Header, from chain.BlockRef) error
	// Counted keeps the height that confirmations are counted from.
	Counted(ctx context.Context, network string, height int64) error
	// Reached raises the evidence and sets the status.
	Reached(ctx context.Context, network string, through time.Time) error
	SetStatus(ctx context.Context, network, status string) error
	// Accept writes down that a person wants the branch that ends in a block; Accepted is that branch, until Turned.
	Accept(ctx context.Context, network string, tip chain.BlockRef) error
	Accepted(ctx context.Context, network string) (chain.BlockRef, bool, error)
	Turned(ctx context.Context, network string) error
}

// Payments say whose addresses and payments there are.
type Payments interface {
	// Owners says which of the addresses are ours and whose object they were assigned to.
	Owners(ctx context.Context, network string, addresses []string) (map[string]ident.ID, error)
	// Assigned marks how many addresses there are, Since says which were assigned after a mark.
	Assigned(ctx context.Context, network string) (Mark, error)
	Since(ctx context.Context, network string, mark Mark) (map[string]ident.ID, error)
	// OpenPayments lists the payments a conflicting or missing transaction would concern.
	OpenPayments(ctx context.Context, network string) ([]Open, error)
	// Accounts are the shared addresses of a network and whose they are. KeepUnmatched puts a payment to one into its merchant's
	// inbox; true if it was not there.
	Accounts(ctx context.Context, network string) (map[string]ident.ID, error)
	KeepUnmatched(ctx context.Context, u Unmatched) (bool, error)
	// DropUnmatched takes out again what stood in a block that left the chain, unless it was given away.
	DropUnmatched(ctx context.Context, network, block string) error
	// Claims lists the open objects of a merchant that ask for exactly an amount at a shared address, by the inner text of their
	// address; Claimed is whose a transfer is that was taken in already.
	Claims(ctx context.Context, m ident.ID, network, asset, address string, amount money.Amount, ended time.Time) (map[string]ident.ID, error)
	Claimed(ctx context.Context, network, txid string, ordinal int64) (address string, owner ident.ID, err error)
	// Holdings lists addresses of a network that were given away since an instant, in that order and after one of them, with what
	// payments to them there are of a coin.
	Holdings(ctx context.Context, network string, coin chain.Asset, since time.Time, after Holding, limit int) ([]Holding, error)
	// Stood lists the blocks below a height that payments, or conflicts of payments, stand in, the newest first.
	Stood(ctx context.Context, network string, below int64) ([]chain.BlockRef, error)
}

// Shelf keeps what is not finished: unconfirmed transactions as the node gave them, and what owners could not take in.
type Shelf interface {
	KeepRaw(ctx context.Context, network, txid string, raw []byte) error
	Raw(ctx context.Context, network, txid string) ([]byte, error)
	// DropRaws forgets those whose payments are confirmed or dropped.
	DropRaws(ctx context.Context, network string) error
	Held(ctx context.Context, network string) ([]Held, error)
	// Hold writes down what could not be taken in; true if it is news. Free takes it off.
	Hold(ctx context.Context, network string, h Held) (bool, error)
	Free(ctx context.Context, network string, h Held) error
}

// Sink takes what the chain does to its objects. All calls are made inside the transaction of the block or pass, and
// may be made again. What it refuses for one owner stops no other.
type Sink interface {
	Seen(ctx context.Context, owner ident.ID, s chain.Sighting) error
	// Unfinished lists the owners of payments that another height changes; Advanced tells one of them of it.
	Unfinished(ctx context.Context, network string) ([]ident.ID, error)
	Advanced(ctx context.Context, owner ident.ID, network string, height int64) error
	// InBlock lists the owners of payments, or conflicts of payments, in a block; Reverted tells one of them that the block
	// left the chain, and which transactions (moved) stand in the new branch as well.
	InBlock(ctx context.Context, network, hash string) ([]ident.ID, error)
	Reverted(ctx context.Context, owner ident.ID, network, hash string, moved chain.Moves, height int64) error
	// Strayed tells of a transfer on another network to an address of the owner.
	Strayed(ctx context.Context, owner ident.ID, s chain.Sighting) error
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
	StatusHalted   = "halted" // a reorganisation deeper than MaxReorg: a person decides (accept.go)
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
	// ErrRegressed is the trouble of a network whose final blocks are fewer than they were.
	ErrRegressed = fault.New(fault.Unavailable, "regressed", "What the network had made final is not final any more.")
	// ErrUnproven is the trouble of a payment that was met before it could be proven: it is looked for again at once.
	ErrUnproven = fault.New(fault.Unavailable, "receipt_missing", "A payment is not proven yet.")
)
