package bitcoin

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/btcsuite/btcd/wire/v2"
)

// smallestTx is the size in bytes of a transaction with one empty input and one empty output.
const smallestTx = 60

// auxPowVersion is the bit of a header's version that says that its work was done on another chain.
const auxPowVersion = 1 << 8

// readHeader reads a header and, should it be there, the proof of work behind it. Dogecoin's nodes give both for a header,
// other programs the header alone.
func (c coin) readHeader(r *bytes.Reader, h *wire.BlockHeader) error {
	if err := h.Deserialize(r); err != nil || r.Len() == 0 || !c.auxPow || h.Version&auxPowVersion == 0 {
		return err
	}
	return skipAuxPow(r)
}

// readBlock reads a block to its end.
func (c coin) readBlock(r *bytes.Reader, block *wire.MsgBlock) error {
	if err := c.readHeader(r, &block.Header); err != nil {
		return err
	}
	count, err := wire.ReadVarInt(r, 0)
	if err != nil {
		return err
	}
	if count > uint64(r.Len()/smallestTx) {
		return fmt.Errorf("%d transactions in %d bytes", count, r.Len())
	}
	var integrates bool
	for range count {
		tx := &wire.MsgTx{}
		if integrates, err = c.readTx(r, tx); err != nil {
			return err
		}
		if len(tx.TxIn) == 0 {
			return errors.New("a transaction spends nothing")
		}
		block.Transactions = append(block.Transactions, tx)
	}
	if integrates && count > 1 { // the block of the other part follows, to the end
		_, err = r.Seek(0, io.SeekEnd)
	}
	return err
}

// readTx reads a transaction, and says whether it is the one that integrates a block of Litecoin's other part.
func (c coin) readTx(r *bytes.Reader, tx *wire.MsgTx) (integrates bool, err error) {
	switch {
	case c.mweb:
		return c.readMWEB(r, tx)
	case c.witness:
		return false, tx.Deserialize(r)
	}
	return false, tx.DeserializeNoWitness(r)
}

// The flags of an extended transaction (BIP144, and UnserializeTransaction of Litecoin Core's primitives/transaction.h).
const (
	flagWitness = 1
	flagMWEB    = 8
)

// readMWEB reads a transaction of a block of Litecoin's. Behind its outputs and witnesses it may have a part that moves
// coins where nobody can see them (LIP-2, LIP-3: MWEB). In a block only the last transaction is marked as having one, and
// has none: it integrates what all others had, which stands behind the transactions of the block. What it pays to addresses
// are payments like any other, though their coins rest for six blocks.
//
// The bytes are read, as of all coins, and not what the node says of them in JSON: the id of a transaction and the root of its
// block are hashes of all that is read here but witnesses and the other part, so nothing has to be believed.
func (c coin) readMWEB(r *bytes.Reader, tx *wire.MsgTx) (integrates bool, err error) {
	marked, err := readMarked(r, tx)
	if err != nil || !marked {
		return false, err
	}
	// The four bytes that were read as the lock time are the part, one byte that says that there is none, and three of the lock
	// time.
	if tx.LockTime&0xff != 0 {
		return false, errors.New("a transaction of a block has a part that is not for blocks")
	}
	last, err := r.ReadByte()
	tx.LockTime = tx.LockTime>>8 | uint32(last)<<24
	return true, err
}

// readSingle reads a transaction that stands alone. If it has an MWEB part, that is left out; its lock time are the last four
// bytes.
func (c coin) readSingle(r *bytes.Reader, tx *wire.MsgTx) error {
	if !c.mweb {
		_, err := c.readTx(r, tx)
		return err
	}
	marked, err := readMarked(r, tx)
	if err != nil || !marked {
		return err
	}
	tail, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	tail = append(binary.LittleEndian.AppendUint32(nil, tx.LockTime), tail...)
	if len(tail) < 5 || tail[0] == 0 && len(tail) != 5 {
		return errors.New("the MWEB part of a transaction has another length")
	}
	tx.LockTime = binary.LittleEndian.Uint32(tail[len(tail)-4:])
	return nil
}

// readMarked reads a transaction that may be marked as having an MWEB part. If it is, what follows the outputs and witnesses
// is read as its lock time, wrongly: the part comes before that.
func readMarked(r *bytes.Reader, tx *wire.MsgTx) (marked bool, err error) {
	var start [6]byte // version, and for extended transactions a zero and flags
	if _, err := io.ReadFull(r, start[:]); err != nil {
		return false, err
	}
	whole := io.MultiReader(bytes.NewReader(start[:]), r)
	rest := io.MultiReader(bytes.NewReader(start[:4]), r)
	switch flags := start[5]; {
	case start[4] != 0: // not extended
		return false, tx.DeserializeNoWitness(whole)
	case flags == 0: // a transaction of MWEB alone, without its part: it has neither inputs nor outputs
		return false, tx.DeserializeNoWitness(whole)
	case flags == flagWitness:
		return false, tx.Deserialize(whole)
	case flags == flagMWEB:
		return true, tx.DeserializeNoWitness(rest)
	case flags == flagMWEB|flagWitness:
		start[5] = flagWitness
		return true, tx.Deserialize(io.MultiReader(bytes.NewReader(start[:]), r))
	default:
		return false, fmt.Errorf("a transaction has the flags %d", flags)
	}
}

// skipAuxPow skips a proof that work was done on another chain (CAuxPow of Dogecoin Core's auxpow.h): the transaction of the
// other chain's block that names ours, with the hash of that block, its branch in the other's merkle tree and its place; the
// branch of our block among those worked on at once, and its place; and the other block's header.
func skipAuxPow(r *bytes.Reader) error {
	const hashSize, placeSize, headerSize = 32, 4, 80
	if err := new(wire.MsgTx).Deserialize(r); err != nil {
		return err
	}
	if err := skip(r, hashSize); err != nil {
		return err
	}
	for range 2 {
		count, err := wire.ReadVarInt(r, 0)
		if err != nil {
			return err
		}
		if count > uint64(r.Len()/hashSize) {
			return errors.New("a branch is longer than its block")
		}
		if err := skip(r, int64(count)*hashSize+placeSize); err != nil { //nolint:gosec // just compared with a length
			return err
		}
	}
	return skip(r, headerSize)
}

func skip(r *bytes.Reader, size int64) error {
	if int64(r.Len()) < size {
		return io.ErrUnexpectedEOF
	}
	_, err := r.Seek(size, io.SeekCurrent)
	return err
}

// tokenPrefix begins the script of an output that carries a token of Bitcoin Cash.
const tokenPrefix = 0xef

// The bits of what an output has of a token (CHIP-2022-02 CashTokens, "Token Prefix"); the lower four are a capability.
const (
	tokenReserved   = 0x80
	tokenCommitment = 0x40
	tokenNFT        = 0x20
	tokenAmount     = 0x10
	tokenCapability = 0x0f
	tokenMinting    = 0x02 // the highest capability
)

// afterToken is the script behind a token prefix. The coins of the output are paid to that script whatever the token is; the
// token itself counts for nothing here. A prefix against the rules is none, and pays nobody.
func afterToken(script []byte) ([]byte, bool) {
	const category = 32
	if len(script) < 1+category+1 {
		return nil, false
	}
	bits := script[1+category]
	capability, unique := bits&tokenCapability, bits&tokenNFT != 0
	if bits&tokenReserved != 0 || capability > tokenMinting || bits&(tokenNFT|tokenAmount) == 0 ||
		!unique && (capability != 0 || bits&tokenCommitment != 0) {
		return nil, false
	}
	r := bytes.NewReader(script[1+category+1:])
	if bits&tokenCommitment != 0 {
		size, err := wire.ReadVarInt(r, 0)
		if err != nil || size == 0 || size > uint64(r.Len()) || skip(r, int64(size)) != nil { //nolint:gosec // just compared
			return nil, false
		}
	}
	if bits&tokenAmount != 0 {
		if amount, err := wire.ReadVarInt(r, 0); err != nil || amount == 0 || amount > 1<<63-1 {
			return nil, false
		}
	}
	return script[len(script)-r.Len():], true
}
