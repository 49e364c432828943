package bitcoin

import (
	"crypto/sha256"
	"errors"
	"math/big"
	"slices"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// checkHeader checks that a header has the hash it is known by and, where that hash is the proof, the work it claims. That
// the claim is the one the chain demands at this place is the node's business: it follows from all blocks before.
func (n *Node) checkHeader(h *wire.BlockHeader, hash string) error {
	got := h.BlockHash()
	if got.String() != hash {
		return errors.New("the header has another hash than its block")
	}
	target := expandBits(h.Bits)
	if target.Sign() <= 0 || target.Cmp(n.params.PowLimit) > 0 {
		return errors.New("the header claims less work than the network allows")
	}
	if !n.coin.scrypt && hashNumber(got).Cmp(target) > 0 {
		return errors.New("the header lacks the work it claims")
	}
	return nil
}

// expandBits is the number that the compact form of a target stands for: a 3-byte mantissa, its sign in the highest
// bit, and above it an exponent in bytes. (The developer reference, "Target nBits".)
func expandBits(bits uint32) *big.Int {
	mantissa, exponent := big.NewInt(int64(bits&0x007fffff)), uint(bits>>24)
	if exponent <= 3 {
		mantissa.Rsh(mantissa, 8*(3-exponent))
	} else {
		mantissa.Lsh(mantissa, 8*(exponent-3))
	}
	if bits&0x00800000 != 0 {
		mantissa.Neg(mantissa)
	}
	return mantissa
}

// hashNumber is a hash as the number that is compared with the target; hashes are little-endian.
func hashNumber(h chainhash.Hash) *big.Int {
	slices.Reverse(h[:])
	return new(big.Int).SetBytes(h[:])
}

// checkMerkleRoot checks that a header commits to exactly these transactions. level is overwritten.
func checkMerkleRoot(level []chainhash.Hash, root chainhash.Hash) error {
	for len(level) > 1 {
		if len(level)%2 == 1 {
			level = append(level, level[len(level)-1])
		} else if level[len(level)-1] == level[len(level)-2] {
			// Transactions can be repeated at the end without changing the root (CVE-2012-2459).
			return errors.New("the block repeats transactions")
		}
		for i := 0; i < len(level); i += 2 {
			level[i/2] = hashPair(level[i], level[i+1])
		}
		level = level[:len(level)/2]
	}
	if level[0] != root {
		return errors.New("the header does not commit to these transactions")
	}
	return nil
}

func hashPair(left, right chainhash.Hash) chainhash.Hash {
	once := sha256.Sum256(append(left[:], right[:]...))
	return sha256.Sum256(once[:])
}
