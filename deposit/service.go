package deposit

import (
	"context"
	"errors"
	"io"
	"unicode/utf8"

	"checkout/chain"
	"checkout/ident"
	"checkout/merchant"
	"checkout/money"
)

// Store keeps addresses. Update loads one, lets change decide, and commits the address, its payments, ledger entries and
// events together or not at all; a change that says ErrUnchanged leaves everything as it was and is no failure. Together
// runs a function in one transaction: calls made with its context join it.
type Store interface {
	Together(ctx context.Context, f func(ctx context.Context) error) error
	// Moment is the transaction's clock with the heights of all networks that are followed.
	Moment(ctx context.Context) (Moment, error)
	// Keyed finds the address of a key; ErrNotFound.
	Keyed(ctx context.Context, k Key) (*Address, error)
	Find(ctx context.Context, id ident.ID) (*Address, error)
	// Insert keeps a new address; ErrTaken if its key was given one meanwhile.
	Insert(ctx context.Context, a *Address) error
	// Retell keeps what the merchant tells of the customer now.
	Retell(ctx context.Context, id ident.ID, reference, payer string) error
	Update(ctx context.Context, id ident.ID, change Change) (*Address, error)
	// Unfinished lists addresses with payments on a network that confirmations still change; InBlock those with payments, or
	// conflicts of payments, in a block.
	Unfinished(ctx context.Context, network string) ([]ident.ID, error)
	InBlock(ctx context.Context, network, hash string) ([]ident.ID, error)
	// Number draws the next number of the installation.
	Number(ctx context.Context) (int64, error)
}

// Addresses assigns receiving addresses.
type Addresses interface {
	// Offers says whether a merchant can be given an address of an asset.
	Offers(ctx context.Context, t merchant.Tenant, asset chain.Asset) (bool, error)
	// Next assigns a new address to an object, in the transaction of ctx. An index is never used twice.
	Next(ctx context.Context, t merchant.Tenant, asset chain.Asset, owner ident.Owner) (string, error)
	// Check derives an address assigned to a merchant's object again and compares.
	Check(ctx context.Context, m, owner ident.ID, network, address string) error
}

// Service is what faces and the watcher do with deposit addresses.
type Service struct {
	Store     Store
	Addresses Addresses
	Registry  *chain.Registry
	Random    io.Reader
}

// Take asks for an address.
type Take struct {
	Origin           string
	Asset            string       // chain.Asset.ID
	ConvertTo        string       // currency code, or empty
	Group, Label     string       // who it is for; see Key
	Minimum          money.Amount // smallest sum that is credited; none: the asset's own. It counts when the address is made.
	EndUserReference string       // empty keeps the one that is known; so does Payer
	Payer            string
}

// maxLabel bounds the names a merchant gives.
const maxLabel = 255

// Take gives the address of a key: the one there is, or a new one. ErrAsset if the merchant cannot be given one of the
// coin, ErrUnusable while its network has never been followed: a payment could be missed.
//
// ConvertTo is part of the key and is kept, but nothing is converted as long as the money goes to the merchant's own
// wallet: such deposits are credited in the coin that came (engine.md section 11).
func (s *Service) Take(ctx context.Context, t merchant.Tenant, k Take) (*Address, error) {
	asset, err := s.check(t, k)
	if err != nil {
		return nil, err
	}
	key := Key{Merchant: t.Merchant(), Env: t.Env(), Asset: asset.ID, ConvertTo: k.ConvertTo, Group: k.Group, Label: k.Label}
	for {
		a, err := s.Store.Keyed(ctx, key)
		switch {
		case err == nil:
			return s.retell(ctx, a, k)
		case !errors.Is(err, ErrNotFound):
			return nil, err
		}
		if a, err = s.assign(ctx, t, key, asset, k); !errors.Is(err, ErrTaken) {
			return a, err
		}
	}
}

// check refuses what no address can be for.
func (s *Service) check(t merchant.Tenant, k Take) (chain.Asset, error) {
	asset, ok := s.Registry.Asset(k.Asset)
	network, found := s.Registry.Network(asset.Network)
	if !ok || !found || !network.Serves(t.Env()) {
		return asset, ErrAsset
	}
	if k.ConvertTo != "" {
		if _, ok := s.Registry.Currency(k.ConvertTo); !ok || k.ConvertTo == asset.Currency.Code {
			return asset, ErrConvert
		}
	}
	for _, text := range []string{k.Label, k.Group, k.EndUserReference} {
		if !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxLabel || !merchant.Clean(text) {
			return asset, ErrLabel
		}
	}
	if k.Label == "" {
		return asset, ErrLabel
	}
	return asset, nil
}

// assign derives the next address of the merchant's wallet for a key that has none.
func (s *Service) assign(ctx context.Context, t merchant.Tenant, key Key, asset chain.Asset, k Take) (*Address, error) {
	switch offered, err := s.Addresses.Offers(ctx, t, asset); {
	case err != nil:
		return nil, err
	case !offered:
		return nil, ErrAsset
	}
	var made *Address
	err := s.Store.Together(ctx, func(ctx context.Context) error {
		at, err := s.Store.Moment(ctx)
		if err != nil {
			return err
		}
		height, followed := at.Heights[asset.Network]
		if !followed {
			return ErrUnusable
		}
		number, err := s.Store.Number(ctx)
		if err != nil {
			return err
		}
		a := &Address{
			ID: ident.New(s.Random), Number: number, UUID: ident.UUID(s.Random), Version: 1, Key: key, Origin: k.Origin, Network: asset.Network,
			Currency: asset.Currency, Minimum: k.Minimum, EndUserReference: k.EndUserReference, Payer: k.Payer, Created: at.Now, Height: height,
		}
		if a.Minimum.Sign() <= 0 {
			a.Minimum = asset.Minimum
		}
		if a.Text, err = s.Addresses.Next(ctx, t, asset, ident.Owner{Kind: ident.OwnerDeposit, ID: a.ID}); err != nil {
			return err
		}
		_, a.Tag = chain.Unshared(a.Text)
		made = a
		return s.Store.Insert(ctx, a)
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// retell keeps what a merchant tells of a customer who is known already.
func (s *Service) retell(ctx context.Context, a *Address, k Take) (*Address, error) {
	reference, payer := a.EndUserReference, a.Payer
	if k.EndUserReference != "" {
		reference = k.EndUserReference
	}
	if k.Payer != "" {
		payer = k.Payer
	}
	if reference == a.EndUserReference && payer == a.Payer {
		return a, nil
	}
	if err := s.Store.Retell(ctx, a.ID, reference, payer); err != nil {
		return nil, err
	}
	a.EndUserReference, a.Payer = reference, payer
	return a, nil
}

// Find loads an address by the id of its page; ErrNotFound.
func (s *Service) Find(ctx context.Context, id ident.ID) (*Address, error) {
	if !ident.Valid(string(id)) {
		return nil, ErrNotFound
	}
	return s.Store.Find(ctx, id)
}

// CheckAddress derives the address again; ErrMismatch if it is not the one stored: then nobody may be shown it.
func (s *Service) CheckAddress(ctx context.Context, a *Address) error {
	if err := s.Addresses.Check(ctx, a.Merchant, a.ID, a.Network, a.Text); err != nil {
		return ErrMismatch.Because(err)
	}
	return nil
}

// rules are those of an asset the house knows on a network. Another asset than the address was given for has its own.
func (s *Service) rules(network string) Rules {
	return func(id string) (Rule, bool) {
		a, ok := s.Registry.Asset(id)
		return Rule{Dust: a.Dust, Cap: a.Cap, Minimum: a.Minimum, Confirmations: a.Confirmations}, ok && a.Network == network
	}
}
