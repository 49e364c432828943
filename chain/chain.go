// Package chain has the words for any block chain: networks, assets, blocks, transactions and transfers.
//
// Adapters (chain/bitcoin, chain/rehearsal, …) translate what their node says into these words; everything above
// knows nothing else of a chain.
package chain

import (
	"time"

	"checkout/fault"
	"checkout/money"
)

// What a node says of a transaction it is offered.
var (
	ErrTxRefused  = fault.New(fault.Conflict, "tx_refused", "The transaction can never be confirmed: its coins are spent or missing.")
	ErrTxUnwanted = fault.New(fault.Unavailable, "tx_unwanted", "The node does not want the transaction now.")
)

// BlockRef names a block. The zero value names none: a transaction that is not in a block yet.
type BlockRef struct {
	Height int64
	Hash   string
}

// IsZero says whether no block is named.
func (b BlockRef) IsZero() bool { return b.Hash == "" }

// Header is a block's place in its chain. Time is the miner's claim and decides nothing.
type Header struct {
	BlockRef
	Parent string
	Time   time.Time
}

// Transfer is money that moved to one address: one output of a UTXO transaction, or one transfer of an account
// chain. (Network, TxID, Ordinal) is its identity for ever. The ordinal is the output index on UTXO chains and the
// position among the matching transfers of its transaction elsewhere, never a log index, which a reorg moves.
type Transfer struct {
	Network string
	TxID    string
	Ordinal int64
	Asset   string // Asset.ID
	Address string
	Amount  money.Amount
}

// Equal says whether two transfers are the same in all.
func (t Transfer) Equal(o Transfer) bool {
	return t.Network == o.Network && t.TxID == o.TxID && t.Ordinal == o.Ordinal && t.Asset == o.Asset && t.Address == o.Address && t.Amount.Equal(o.Amount)
}

// ErrTransferChanged is the fault of a transfer that is another one now and cannot be taken for the one it was.
var ErrTransferChanged = fault.New(fault.Conflict, "transfer_changed", "The transfer is not the one that was met before.")

// Amend takes over what a known transfer moves in another block: on account chains a contract may pay more or less there. A
// transfer that goes elsewhere, is of something else or is final already is not amended: ErrTransferChanged.
func (t *Transfer) Amend(now Transfer, final bool) (changed bool, err error) {
	if now.Asset != t.Asset || now.Address != t.Address {
		return false, ErrTransferChanged
	}
	order, err := now.Amount.Cmp(t.Amount)
	if err != nil || order == 0 {
		return false, err
	}
	if final {
		return false, ErrTransferChanged
	}
	t.Amount = now.Amount
	return true, nil
}

// Tx is a transaction as far as anybody here cares: who it pays, and what it spends.
type Tx struct {
	ID string
	// Inputs are what only one transaction can use: the outputs it spends, "txid:index", or its sender's number,
	// "sender:nonce". Another transaction that uses one of them replaces this one. Empty where nothing of the kind is known.
	Inputs []string
	// Outputs are its transfers to addresses; an output that pays no standard address is left out.
	Outputs []Transfer
	// Replaceable says that it signals replacement (BIP 125). Anything may be replaced in practice.
	Replaceable bool
	// Coinbase marks newly made coins, which can be spent, and so count as confirmed, only 100 blocks deep.
	Coinbase bool
	// SeenAt is when the node first saw it, zero if the node does not say.
	SeenAt time.Time
	// Raw is the transaction as nodes exchange it, of an unconfirmed one whose source has it.
	Raw []byte
}

// Block is a block with all its transactions.
type Block struct {
	Header
	Txs []Tx
}

// Mempool is one complete look at a node's unconfirmed transactions.
type Mempool struct {
	Tip BlockRef            // the node's tip, the same before and after the look
	IDs map[string]struct{} // every transaction in it
	Txs []Tx                // those the caller did not know yet
}

// Sighting is a transfer to one of our addresses as it was met.
type Sighting struct {
	Tx       Tx
	Transfer Transfer
	Block    BlockRef  // zero: in the mempool
	Turned   bool      // the block came by a reorganisation
	Tip      int64     // height we stand at: what confirmations are counted from
	At       time.Time // first sight, if the node or a gap in watching dates it; zero: now
	// Inferred says that nobody saw it come: the address holds that much more. It is matched to nothing.
	Inferred bool
}

// InferredPrefix is what the made-up transaction ids of such sightings begin with.
const InferredPrefix = "balance:"

// Older says whether the transaction was there before an address was given away, at a height and an instant: a key that is
// also used elsewhere brings such money. The node's clock may differ from ours, hence the margin.
func (s Sighting) Older(height int64, assigned time.Time) bool {
	if !s.Block.IsZero() { // the height of a block that came by a reorganisation says nothing of when it came
		return s.Block.Height <= height && !s.Turned
	}
	return !s.Tx.SeenAt.IsZero() && s.Tx.SeenAt.Before(assigned.Add(-2*time.Hour))
}

// Moves are the transactions of a branch that took the place of another, by id.
type Moves map[string]Move

// Move is where a transaction stands in the new branch, and what it does there.
type Move struct {
	Block BlockRef
	// Pays are its transfers there; nil if they are not known. On account chains a transaction may do something else in another
	// block, or fail.
	Pays []Transfer
}

// MoveOf is the move of a transaction that stands in a block of the new branch.
func MoveOf(tx Tx, block BlockRef) Move {
	return Move{Block: block, Pays: append([]Transfer{}, tx.Outputs...)}
}

// Of says where a transfer stands in the new branch, if its transaction makes it there, too.
func (m Moves) Of(t Transfer) (BlockRef, bool) {
	move, ok := m[t.TxID]
	if !ok || move.Pays == nil {
		return move.Block, ok
	}
	for _, p := range move.Pays {
		if p.Equal(t) {
			return move.Block, true
		}
	}
	return BlockRef{}, false
}

// CoinbaseMaturity is the number of blocks newly made coins cannot be spent for (Bitcoin consensus).
const CoinbaseMaturity = 100
