package invoice

import (
	"slices"
	"time"

	"checkout/chain"
)

// Stray is a transfer to an address of the invoice on a network the address was not given out for: it has the same addresses.
// It pays nothing, whatever it is worth. It is shown, so that payer and merchant know what happened.
type Stray struct {
	Transfer chain.Transfer
	Block    chain.BlockRef
	Seen     time.Time
}

// mostStrays is how many are kept: they cost their sender almost nothing on some networks.
const mostStrays = 20

// Stray takes note of a transfer on the wrong network: of known coins, and of no dust.
func (inv *Invoice) Stray(s chain.Sighting, known Known, at Moment) (Effects, error) {
	m, ok := known(s.Transfer.Asset)
	if !ok {
		return Effects{}, ErrUnchanged
	}
	if small, err := s.Transfer.Amount.Cmp(m.Dust); err != nil || small < 0 {
		return Effects{}, ErrUnchanged
	}
	if over, err := s.Transfer.Amount.Cmp(m.Cap); err != nil || over > 0 {
		return Effects{}, ErrUnchanged
	}
	w := inv.begin(inv.shift(at), Cause{Kind: "chain", ID: s.Transfer.TxID})
	i := slices.IndexFunc(inv.Strays, func(x Stray) bool {
		return x.Transfer.Network == s.Transfer.Network && x.Transfer.TxID == s.Transfer.TxID && x.Transfer.Ordinal == s.Transfer.Ordinal
	})
	switch {
	case i >= 0 && inv.Strays[i].Block == s.Block, i < 0 && len(inv.Strays) >= mostStrays:
		return Effects{}, ErrUnchanged
	case i >= 0:
		inv.Strays = slices.Clone(inv.Strays)
		inv.Strays[i].Block, inv.Strays[i].Transfer = s.Block, s.Transfer
	default:
		seen := s.At
		if seen.IsZero() {
			seen = w.at.Now
		}
		inv.Strays = append(slices.Clone(inv.Strays), Stray{Transfer: s.Transfer, Block: s.Block, Seen: seen})
	}
	w.dirty = true
	return w.finish()
}

// takeBackStrays takes strays back that stood in a block which left its chain, but for those that stand in the new branch.
func (w *work) takeBackStrays(network, block string, moved chain.Moves) {
	var left []Stray
	for _, s := range w.inv.Strays {
		if s.Transfer.Network == network && s.Block.Hash == block {
			w.dirty = true
			there, ok := moved.Of(s.Transfer)
			if !ok {
				continue
			}
			s.Block = there
		}
		left = append(left, s)
	}
	w.inv.Strays = left
}
