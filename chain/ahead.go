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

// Fetch gets blocks at the same time, so many from a height on, gives the first and holds those of the others that came and
// follow one another.
func (a *Ahead) Fetch(height, count int64, fetch func(height int64) (Block, error)) (Block, error) {
	blocks, errs := make([]Block, count), make([]error, count)
	var wg sync.WaitGroup
	for i := range count {
		wg.Go(func() { blocks[i], errs[i] = fetch(height + i) })
	}
	wg.Wait()
	if errs[0] != nil {
		return Block{}, errs[0]
	}
	good := 1
	for good < len(blocks) && errs[good] == nil && blocks[good].Parent == blocks[good-1].Hash {
		good++
	}
	a.Keep(blocks[1:good])
	return blocks[0], nil
}
