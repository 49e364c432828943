package chain

import "sync"

// Ahead holds blocks that were fetched together with one before them. They are given out once, and only in the order of their
// heights; who looks for a fork drops them. The zero value is empty. It is safe for concurrent use.
type Ahead struct {
	mu     sync.Mutex
	blocks []Block // ascending, without a gap
}

// Drop forgets all blocks.
func (a *Ahead) Drop() { a.Keep(nil) }

// Keep holds other blocks, ascending and without a gap.
func (a *Ahead) Keep(blocks []Block) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.blocks = blocks
}

// Take gives the first block, if it is of a height; if not, all are forgotten.
func (a *Ahead) Take(height int64) (Block, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.blocks) == 0 || a.blocks[0].Height != height {
		a.blocks = nil
		return Block{}, false
	}
	b := a.blocks[0]
	a.blocks = a.blocks[1:]
	return b, true
}
