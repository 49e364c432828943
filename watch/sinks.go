package watch

import (
	"context"

	"checkout/chain"
	"checkout/ident"
)

// Sinks is one Sink made of several, for a network whose addresses belong to objects of more than one kind.
type Sinks struct {
	// Of finds the sink an owner belongs to; it is asked inside the transaction.
	Of  func(ctx context.Context, owner ident.ID) (Sink, error)
	All []Sink
}

// Seen tells the owner's sink.
func (s Sinks) Seen(ctx context.Context, owner ident.ID, seen chain.Sighting) error {
	sink, err := s.Of(ctx, owner)
	if err != nil {
		return err
	}
	return sink.Seen(ctx, owner, seen)
}

// Unfinished lists the owners of all sinks.
func (s Sinks) Unfinished(ctx context.Context, network string) ([]ident.ID, error) {
	return s.every(func(sink Sink) ([]ident.ID, error) { return sink.Unfinished(ctx, network) })
}

// Advanced tells the owner's sink.
func (s Sinks) Advanced(ctx context.Context, owner ident.ID, network string, height int64) error {
	sink, err := s.Of(ctx, owner)
	if err != nil {
		return err
	}
	return sink.Advanced(ctx, owner, network, height)
}

// InBlock lists the owners of all sinks.
func (s Sinks) InBlock(ctx context.Context, network, hash string) ([]ident.ID, error) {
	return s.every(func(sink Sink) ([]ident.ID, error) { return sink.InBlock(ctx, network, hash) })
}

// Reverted tells the owner's sink.
func (s Sinks) Reverted(ctx context.Context, owner ident.ID, network, hash string, moved chain.Moves, height int64) error {
	sink, err := s.Of(ctx, owner)
	if err != nil {
		return err
	}
	return sink.Reverted(ctx, owner, network, hash, moved, height)
}

// Strayed tells the owner's sink.
func (s Sinks) Strayed(ctx context.Context, owner ident.ID, seen chain.Sighting) error {
	sink, err := s.Of(ctx, owner)
	if err != nil {
		return err
	}
	return sink.Strayed(ctx, owner, seen)
}

// Conflicted tells the owner's sink.
func (s Sinks) Conflicted(ctx context.Context, owner ident.ID, network, txid, other string, block chain.BlockRef) error {
	sink, err := s.Of(ctx, owner)
	if err != nil {
		return err
	}
	return sink.Conflicted(ctx, owner, network, txid, other, block)
}

// Evicted tells the owner's sink.
func (s Sinks) Evicted(ctx context.Context, owner ident.ID, network, txid string) error {
	sink, err := s.Of(ctx, owner)
	if err != nil {
		return err
	}
	return sink.Evicted(ctx, owner, network, txid)
}

func (s Sinks) every(list func(Sink) ([]ident.ID, error)) ([]ident.ID, error) {
	var all []ident.ID
	for _, sink := range s.All {
		part, err := list(sink)
		if err != nil {
			return nil, err
		}
		all = append(all, part...)
	}
	return all, nil
}
