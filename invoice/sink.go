package invoice

import (
	"context"

	"checkout/chain"
	"checkout/ident"
)

// The methods of this file are what the watcher calls, inside the transaction of the block or mempool pass. Each is
// one change of one invoice; doing it again changes nothing.

// Seen takes in a transfer to an address of the invoice.
func (s *Service) Seen(ctx context.Context, owner ident.ID, seen chain.Sighting) error {
	number, err := s.Store.Number(ctx)
	if err != nil {
		return err
	}
	id := ident.New(s.Random)
	return s.update(ctx, owner, func(inv *Invoice, at Moment) (Effects, error) {
		return inv.Credit(seen, id, number, s.spots(inv), s.known(inv), at)
	})
}

// Unfinished lists the invoices whose payments on a network another height changes.
func (s *Service) Unfinished(ctx context.Context, network string) ([]ident.ID, error) {
	return s.Store.Unfinished(ctx, network)
}

// Advanced counts an invoice's confirmations after a network reached a height.
func (s *Service) Advanced(ctx context.Context, owner ident.ID, network string, height int64) error {
	return s.update(ctx, owner, func(inv *Invoice, at Moment) (Effects, error) {
		return inv.Advance(network, height, s.spots(inv), at)
	})
}

// InBlock lists the invoices with payments, or conflicts of payments, in a block.
func (s *Service) InBlock(ctx context.Context, network, hash string) ([]ident.ID, error) {
	return s.Store.InBlock(ctx, network, hash)
}

// Reverted takes back what an invoice was paid in a block that left the chain, but for the transactions that stand in the
// new branch too: those only move.
func (s *Service) Reverted(ctx context.Context, owner ident.ID, network, hash string, moved chain.Moves, height int64) error {
	return s.update(ctx, owner, func(inv *Invoice, at Moment) (Effects, error) {
		return inv.Reorganise(network, hash, moved, height, s.spots(inv), at)
	})
}

// Strayed takes note of a transfer to an address of the invoice, but on a network it was not given out for.
func (s *Service) Strayed(ctx context.Context, owner ident.ID, seen chain.Sighting) error {
	return s.update(ctx, owner, func(inv *Invoice, at Moment) (Effects, error) { return inv.Stray(seen, s.known(inv), at) })
}

// Conflicted takes in that a transaction spends the same coins as one that pays an invoice.
func (s *Service) Conflicted(ctx context.Context, owner ident.ID, network, txid, other string, block chain.BlockRef) error {
	return s.update(ctx, owner, func(inv *Invoice, at Moment) (Effects, error) {
		return inv.Conflict(network, txid, other, block, at)
	})
}

// Evicted takes in that a transaction is gone and nothing took its place.
func (s *Service) Evicted(ctx context.Context, owner ident.ID, network, txid string) error {
	return s.update(ctx, owner, func(inv *Invoice, at Moment) (Effects, error) {
		return inv.Evict(network, txid, at)
	})
}
