package wallet

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"checkout/chain"
	"checkout/fault"
	"checkout/ident"
	"checkout/merchant"
)

// The faults of wallets.
var (
	ErrNone     = fault.New(fault.Unavailable, "no_wallet", "There is no wallet for this coin.")
	ErrInUse    = fault.New(fault.Conflict, "xpub_in_use", "This key is already used by a wallet here.").At("xpub")
	ErrMismatch = fault.New(fault.Internal, "address_mismatch", "A stored address is not the one its wallet derives.")
)

// Account is a merchant's wallet on one network: an account key as a canonical descriptor, or, for a played network,
// "played:" and a seed.
type Account struct {
	ID          ident.ID
	Merchant    ident.ID
	Network     string
	Descriptor  string
	Fingerprint string // 8 hex digits that name the key; with the first of the identity, in the audit views
	Identity    string // equal for two accounts exactly if their addresses are; set when the account is made
}

// Assigned is an address with the place it was derived at and the object it was given to.
type Assigned struct {
	Account Account
	Index   uint32
	Address string
	Owner   ident.Owner
}

// Indexes keeps accounts, their counters and what was assigned. The store provides it.
type Indexes interface {
	Active(ctx context.Context, m ident.ID, network string) (bool, error)
	Take(ctx context.Context, m ident.ID, network string) (Account, uint32, error)
	Assign(ctx context.Context, a Assigned) error
	Assigned(ctx context.Context, network, address string) (Assigned, error)
}

// Book assigns receiving addresses and checks them again.
type Book struct {
	Indexes  Indexes
	Registry *chain.Registry
	// Offered says whether nothing speaks against an asset; nil: nothing does.
	Offered func(chain.Asset) bool

	keys sync.Map // canonical descriptor → Key, so that an account's point is parsed once
}

const playedPrefix = "played:"

// NewPlayed makes a merchant's account on a played network. Its seed is drawn, not derived from anything.
func NewPlayed(random io.Reader, m ident.ID, network string) Account {
	var seed [16]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		panic("wallet: no randomness: " + err.Error())
	}
	text := hex.EncodeToString(seed[:])
	return Account{ID: ident.New(random), Merchant: m, Network: network, Descriptor: playedPrefix + text, Fingerprint: text[:8], Identity: playedPrefix + text}
}

// NewAccount makes a merchant's account of an account key given as text; see ParseKey for what is refused. On a network where
// payers share an address it is that address; so it may be on EVM networks and Tron, where payers are then told apart by their
// amounts.
func NewAccount(random io.Reader, m ident.ID, network chain.Network, text string) (Account, error) {
	if network.Tag != "" {
		return newShared(random, m, network, text)
	}
	if network.HoldsAll() {
		if address, err := ParseAddress(network, text); err == nil {
			return accountOf(random, m, network, address), nil
		}
	}
	k, err := ParseKey(text, network)
	if err != nil {
		return Account{}, err
	}
	return Account{ID: ident.New(random), Merchant: m, Network: network.ID, Descriptor: k.String(), Fingerprint: k.Fingerprint(), Identity: k.Identity()}, nil
}

// Offers says whether a merchant can be given an address of an asset.
func (b *Book) Offers(ctx context.Context, t merchant.Tenant, asset chain.Asset) (bool, error) {
	if b.Offered != nil && !b.Offered(asset) {
		return false, nil
	}
	return b.Indexes.Active(ctx, t.Merchant(), asset.Network)
}

// Next takes the next index of the merchant's wallet, derives its address and assigns it, in the transaction of ctx.
func (b *Book) Next(ctx context.Context, t merchant.Tenant, asset chain.Asset, owner ident.Owner) (string, error) {
	if b.Offered != nil && !b.Offered(asset) {
		return "", ErrNone
	}
	a, index, err := b.Indexes.Take(ctx, t.Merchant(), asset.Network)
	if err != nil {
		return "", err
	}
	address, err := b.Derive(a, index)
	if err != nil {
		return "", err
	}
	if owner.Kind == ident.OwnerDeposit && chain.IsExact(address) {
		return "", ErrNone.Saying("Permanent addresses need a wallet with an account key: one address alone cannot tell customers apart.")
	}
	return address, b.Indexes.Assign(ctx, Assigned{Account: a, Index: index, Address: address, Owner: owner})
}

// Ours says whether an address was given to an object here: nothing is to be returned to it.
func (b *Book) Ours(ctx context.Context, network, address string) (bool, error) {
	_, err := b.Indexes.Assigned(ctx, network, address)
	if errors.Is(err, ErrMismatch) {
		return false, nil
	}
	return err == nil, err
}

// Check derives an address again that was assigned to an object of a merchant; ErrMismatch if it, its wallet or its index was
// changed since, or if it is somebody else's.
func (b *Book) Check(ctx context.Context, m, owner ident.ID, network, address string) error {
	a, err := b.Indexes.Assigned(ctx, network, address)
	if err != nil {
		return err
	}
	if a.Owner.ID != owner || a.Account.Merchant != m {
		return ErrMismatch.Because(fmt.Errorf("%s was assigned to %s", address, a.Owner.ID.Short()))
	}
	derived, err := b.Derive(a.Account, a.Index)
	if err != nil {
		return err
	}
	if derived != address {
		return ErrMismatch.Because(fmt.Errorf("%s index %d of wallet %s", network, a.Index, a.Account.ID.Short()))
	}
	return nil
}

// Derive is the address of an account at an index.
func (b *Book) Derive(a Account, index uint32) (string, error) {
	if seed, ok := strings.CutPrefix(a.Descriptor, playedPrefix); ok {
		raw, err := hex.DecodeString(seed)
		if err != nil {
			return "", fmt.Errorf("played wallet: %w", err)
		}
		if network, _ := chain.RehearsalEVM(); a.Network == network.ID {
			return playedEVM(raw, index), nil
		}
		return PlayedAddress(raw, index)
	}
	if address, ok := strings.CutPrefix(a.Descriptor, sharedPrefix); ok {
		return sharedAt(address, index)
	}
	if k, ok := b.keys.Load(a.Network + a.Descriptor); ok {
		return k.(Key).Address(index) //nolint:forcetypeassert // only Keys are stored
	}
	network, ok := b.Registry.Network(a.Network)
	if !ok {
		return "", ErrNone.Because(fmt.Errorf("network %q is not configured", a.Network))
	}
	k, err := ParseKey(a.Descriptor, network)
	if err != nil {
		return "", err
	}
	b.keys.Store(a.Network+a.Descriptor, k)
	return k.Address(index)
}

// Parse checks an address of a network; see ParseAddress.
func (b *Book) Parse(network, text string) (string, error) {
	n, ok := b.Registry.Network(network)
	if !ok {
		return "", ErrAddress
	}
	return ParseAddress(n, text)
}
