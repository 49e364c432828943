// Package audit links append-only rows into hash chains and verifies them.
//
// It knows rows, not tables: a row is a list of texts in a fixed order. Each link covers the row, its place and the
// link before it, under a key that lives outside the database, so that whoever can write to the tables but lacks
// the key can neither change, remove nor insert a row inside a chain unnoticed, nor, as its end is sealed, cut it short.
// Who has kept copies can put all of a chain back to an earlier state, or take it away as a whole: that shows against
// marks kept elsewhere.
package audit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"

	"checkout/fault"
)

// ErrBroken is the fault of a chain that does not hold.
var ErrBroken = fault.New(fault.Internal, "audit_broken", "The audit chain is broken.")

// Chain computes links under a key.
type Chain struct{ key []byte }

// NewChain makes a chain from a secret key of 32 bytes.
func NewChain(key []byte) *Chain { return &Chain{key: append([]byte(nil), key...)} }

// Link is the hash of a row: HMAC-SHA256 over the stream's name, the row's place, the link before it ("" for the
// first row) and every column, each with its length before it so that no two rows write the same bytes. It is 64
// lower-case hex digits.
func (c *Chain) Link(stream string, seq int64, prev string, row ...string) string {
	mac := hmac.New(sha256.New, c.key)
	write := func(s string) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		mac.Write(n[:])
		mac.Write([]byte(s))
	}
	write(stream)
	write(strconv.FormatInt(seq, 10))
	write(prev)
	for _, column := range row {
		write(column)
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// Seal covers where a chain ends. No row's link can pass for a seal.
func (c *Chain) Seal(stream string, seq int64, hash string) string {
	return c.Link("end of "+stream, seq, hash)
}

// Mark is a place in a chain and the link there.
type Mark struct {
	Stream string `json:"stream"`
	Seq    int64  `json:"seq"`
	Hash   string `json:"hash"`
}

// Row is one stored row with the link it claims.
type Row struct {
	Name   string // how a person finds it: "entries 7K3M…"
	Stream string
	Seq    int64
	Prev   string
	Hash   string
	Cols   []string
}

// Verifier walks rows stream by stream and in order.
type Verifier struct {
	chain *Chain
	heads map[string]head
}

type head struct {
	seq  int64
	hash string
}

// NewVerifier starts a walk.
func (c *Chain) NewVerifier() *Verifier { return &Verifier{chain: c, heads: map[string]head{}} }

// Next checks one row against the row before it in its stream. Streams may be interleaved; rows of one stream come
// in order.
func (v *Verifier) Next(r Row) error {
	last := v.heads[r.Stream]
	switch {
	case r.Seq != last.seq+1:
		return ErrBroken.Because(fmt.Errorf("%s: place %d of %s follows place %d", r.Name, r.Seq, r.Stream, last.seq))
	case r.Prev != last.hash:
		return ErrBroken.Because(fmt.Errorf("%s: does not follow the row before it in %s", r.Name, r.Stream))
	case !hmac.Equal([]byte(v.chain.Link(r.Stream, r.Seq, r.Prev, r.Cols...)), []byte(r.Hash)):
		return ErrBroken.Because(fmt.Errorf("%s: changed since it was written", r.Name))
	}
	v.heads[r.Stream] = head{seq: r.Seq, hash: r.Hash}
	return nil
}

// End checks that a stream ends where its head says, so that rows missing at the end are noticed.
func (v *Verifier) End(stream string, seq int64, hash string) error {
	if last := v.heads[stream]; last.seq != seq || last.hash != hash {
		return ErrBroken.Because(fmt.Errorf("%s: ends at place %d, its head says %d", stream, last.seq, seq))
	}
	return nil
}

// Streams lists the streams seen and their lengths.
func (v *Verifier) Streams() map[string]int64 {
	out := make(map[string]int64, len(v.heads))
	for name, h := range v.heads {
		out[name] = h.seq
	}
	return out
}
