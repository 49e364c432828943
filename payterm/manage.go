package payterm

import (
	"context"
	"time"

	"checkout/ident"
	"checkout/merchant"
	"checkout/money"
)

// now is the instant something is made, as exact as the store keeps it.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Millisecond) }

// stored is sums as the store keeps them.
func (s sums) stored() (amount, least, most money.Amount) { return s.amount, s.min, s.max }

// CreateTerminal makes a terminal as it is described: id, token and instants are drawn here.
func (s *Service) CreateTerminal(ctx context.Context, t merchant.Tenant, x Terminal) (Terminal, error) {
	x.ID, x.Merchant, x.Env, x.Created, x.Revoked = ident.New(s.Random), t.Merchant(), t.Env(), s.now(), time.Time{}
	x.Token = string(ident.New(s.Random))
	x.Amount, x.Min, x.Max = x.sums().stored()
	if err := x.Check(); err != nil {
		return Terminal{}, err
	}
	return x, s.Store.InsertTerminal(ctx, x)
}

// ListTerminals lists a merchant's terminals, the oldest first.
func (s *Service) ListTerminals(ctx context.Context, t merchant.Tenant) ([]Terminal, error) {
	return s.Store.Terminals(ctx, t)
}

// FindTerminal finds a merchant's terminal by id or token; ErrTerminal, for those of others too.
func (s *Service) FindTerminal(ctx context.Context, t merchant.Tenant, name string) (Terminal, error) {
	x, err := s.Store.TerminalNamed(ctx, name)
	if err == nil && (x.Merchant != t.Merchant() || x.Env != t.Env()) {
		err = ErrTerminal
	}
	if err != nil {
		return Terminal{}, err
	}
	return x, nil
}

// RevokeTerminal switches a terminal off for good: its token makes nothing any more.
func (s *Service) RevokeTerminal(ctx context.Context, t merchant.Tenant, name string) (Terminal, error) {
	x, err := s.FindTerminal(ctx, t, name)
	if err != nil {
		return x, err
	}
	if err := s.Store.Revoke(ctx, KindTerminal, x.ID, s.now()); err != nil {
		return x, err
	}
	return s.FindTerminal(ctx, t, string(x.ID))
}

// CreateLink makes a link as it is described: id, slug and instants are drawn here.
func (s *Service) CreateLink(ctx context.Context, t merchant.Tenant, x Link) (Link, error) {
	x.ID, x.Merchant, x.Env, x.Created, x.Revoked = ident.New(s.Random), t.Merchant(), t.Env(), s.now(), time.Time{}
	x.Slug = NewSlug(s.Random)
	x.Amount, x.Min, x.Max = x.sums().stored()
	x.Expires = x.Expires.UTC().Truncate(time.Millisecond)
	if err := x.Check(x.Created); err != nil {
		return Link{}, err
	}
	return x, s.Store.InsertLink(ctx, x)
}

// ListLinks lists a merchant's links, the oldest first.
func (s *Service) ListLinks(ctx context.Context, t merchant.Tenant) ([]Link, error) {
	return s.Store.Links(ctx, t)
}

// FindLink finds a merchant's link by id or slug; ErrLink, for those of others too.
func (s *Service) FindLink(ctx context.Context, t merchant.Tenant, name string) (Link, error) {
	x, err := s.Store.Link(ctx, spelt(name))
	if err == nil && (x.Merchant != t.Merchant() || x.Env != t.Env()) {
		err = ErrLink
	}
	if err != nil {
		return Link{}, err
	}
	return x, nil
}

// spelt is a slug in its one spelling; other names stay as they are.
func spelt(name string) string {
	if slug, ok := ParseSlug(name); ok {
		return slug
	}
	return name
}

// RevokeLink switches a link off for good. Invoices it has made can still be paid.
func (s *Service) RevokeLink(ctx context.Context, t merchant.Tenant, name string) (Link, error) {
	x, err := s.FindLink(ctx, t, name)
	if err != nil {
		return x, err
	}
	if err := s.Store.Revoke(ctx, KindLink, x.ID, s.now()); err != nil {
		return x, err
	}
	return s.FindLink(ctx, t, string(x.ID))
}

// CreateButton makes a button as it is described: id, slug, secret and instants are drawn here. Without quantities it
// sells one piece at a time; without a text it says DefaultText.
func (s *Service) CreateButton(ctx context.Context, t merchant.Tenant, x Button) (Button, error) {
	x.ID, x.Merchant, x.Env, x.Created, x.Revoked = ident.New(s.Random), t.Merchant(), t.Env(), s.now(), time.Time{}
	x.Slug, x.Secret = NewSlug(s.Random), merchant.Secret(ident.New(s.Random)+ident.New(s.Random))
	x.Amount, x.Min, x.Max = x.sums().stored()
	if x.MinQuantity == 0 && x.MaxQuantity == 0 {
		x.MinQuantity, x.MaxQuantity = 1, 1
	}
	if x.Text == "" {
		x.Text = DefaultText
	}
	if err := x.Check(); err != nil {
		return Button{}, err
	}
	return x, s.Store.InsertButton(ctx, x)
}

// ListButtons lists a merchant's buttons, the oldest first.
func (s *Service) ListButtons(ctx context.Context, t merchant.Tenant) ([]Button, error) {
	return s.Store.Buttons(ctx, t)
}

// FindButton finds a merchant's button by id or slug; ErrButton, for those of others too.
func (s *Service) FindButton(ctx context.Context, t merchant.Tenant, name string) (Button, error) {
	x, err := s.Store.Button(ctx, spelt(name))
	if err == nil && (x.Merchant != t.Merchant() || x.Env != t.Env()) {
		err = ErrButton
	}
	if err != nil {
		return Button{}, err
	}
	return x, nil
}

// RevokeButton switches a button off for good. Invoices it has made can still be paid.
func (s *Service) RevokeButton(ctx context.Context, t merchant.Tenant, name string) (Button, error) {
	x, err := s.FindButton(ctx, t, name)
	if err != nil {
		return x, err
	}
	if err := s.Store.Revoke(ctx, KindButton, x.ID, s.now()); err != nil {
		return x, err
	}
	return s.FindButton(ctx, t, string(x.ID))
}
