package deposit

import (
	"context"
	"errors"

	"checkout/chain"
	"checkout/ident"
)

// The methods of this file are what the watcher calls, inside the transaction of the block or mempool pass. Each is one
// change of one address; doing it again changes nothing.

// Seen takes in a transfer to an address.
func (s *Service) Seen(ctx context.Context, owner ident.ID, seen chain.Sighting) error {
	number, err := s.Store.Number(ctx)
	if err != nil {
		return err
	}
	id := ident.New(s.Random)
	return s.update(ctx, owner, func(a *Address, at Moment) (Effects, error) {
		return a.Credit(seen, id, number, s.rules(a.Network), at)
	})
}

// Unfinished lists the addresses whose payments on a network another height changes.
func (s *Service) Unfinished(ctx context.Context, network string) ([]ident.ID, error) {
	return s.Store.Unfinished(ctx, network)
}

// Advanced counts confirmations after a network reached a height.
func (s *Service) Advanced(ctx context.Context, owner ident.ID, network string, height int64) error {
	return s.update(ctx, owner, func(a *Address, at Moment) (Effects, error) { return a.Advance(network, height, at) })
}

// InBlock lists the addresses with payments, or conflicts of payments, in a block.
func (s *Service) InBlock(ctx context.Context, network, hash string) ([]ident.ID, error) {
	return s.Store.InBlock(ctx, network, hash)
}

// Reverted takes back what came in a block that left the chain, but for the transactions that stand in the new branch too.
func (s *Service) Reverted(ctx context.Context, owner ident.ID, network, hash string, moved chain.Moves, height int64) error {
	return s.update(ctx, owner, func(a *Address, at Moment) (Effects, error) { return a.Reorganise(network, hash, moved, height, at) })
}

// Strayed takes note of nothing: a deposit address belongs to no order that somebody waits for. The log has it.
func (s *Service) Strayed(context.Context, ident.ID, chain.Sighting) error { return nil }

// Conflicted takes in that a transaction spends the same coins as one that pays the address.
func (s *Service) Conflicted(ctx context.Context, owner ident.ID, network, txid, other string, block chain.BlockRef) error {
	return s.update(ctx, owner, func(a *Address, at Moment) (Effects, error) { return a.Conflict(network, txid, other, block, at) })
}

// Evicted takes in that a transaction is gone and nothing took its place.
func (s *Service) Evicted(ctx context.Context, owner ident.ID, network, txid string) error {
	return s.update(ctx, owner, func(a *Address, at Moment) (Effects, error) { return a.Evict(network, txid, at) })
}

// update runs a change the chain asks for. An address that refuses it as unchanged is left alone.
func (s *Service) update(ctx context.Context, id ident.ID, change Change) error {
	if _, err := s.Store.Update(ctx, id, change); !errors.Is(err, ErrUnchanged) {
		return err
	}
	return nil
}
