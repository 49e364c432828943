package payterm

import (
	"context"
	"io"
	"slices"
	"time"

	"checkout/chain"
	"checkout/deposit"
	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
)

// Store keeps terminals, links and buttons, and counts what they have made. Together runs a function in one transaction:
// calls made with its context join it, those of the invoices' and deposits' stores too.
type Store interface {
	Together(ctx context.Context, f func(ctx context.Context) error) error

	InsertTerminal(ctx context.Context, t Terminal) error
	// Terminal finds one by its token, the capability; TerminalNamed by token or id, for who manages it. ErrTerminal.
	Terminal(ctx context.Context, token string) (Terminal, error)
	TerminalNamed(ctx context.Context, name string) (Terminal, error)
	Terminals(ctx context.Context, t merchant.Tenant) ([]Terminal, error)
	Tries(ctx context.Context, terminal ident.ID) (Tries, error)
	KeepTries(ctx context.Context, terminal ident.ID, t Tries) error

	InsertLink(ctx context.Context, l Link) error
	// Link finds one by slug or id; ErrLink.
	Link(ctx context.Context, name string) (Link, error)
	Links(ctx context.Context, t merchant.Tenant) ([]Link, error)
	// GiveAddress counts a deposit address given out by a link in an hour; no if that would be more than most.
	GiveAddress(ctx context.Context, link ident.ID, hour, most int64) (bool, error)

	InsertButton(ctx context.Context, b Button) error
	// Button finds one by slug or id; ErrButton.
	Button(ctx context.Context, name string) (Button, error)
	Buttons(ctx context.Context, t merchant.Tenant) ([]Button, error)

	// Revoke switches one off for good. The first time counts.
	Revoke(ctx context.Context, k Kind, id ident.ID, at time.Time) error
	// Hold keeps everybody else who wants to sell the same thing waiting until the transaction is over; no if it is revoked.
	Hold(ctx context.Context, k Kind, id ident.ID) (bool, error)
	// Taken counts invoices of a source that have not ended unpaid, up to most.
	Taken(ctx context.Context, source ident.ID, most int64) (int64, error)
	// Waiting lists invoices of a source nothing was seen of yet and that may still be paid, the newest first, up to most.
	Waiting(ctx context.Context, source ident.ID, most int) ([]ident.ID, error)
	// Made finds what was made with an idempotency key.
	Made(ctx context.Context, once ident.Once) (ident.ID, bool, error)
	// Sold lists the newest invoices of a source.
	Sold(ctx context.Context, source ident.ID, most int) ([]Sold, error)
}

// Invoices makes and finds invoices; invoice.Service does.
type Invoices interface {
	Create(ctx context.Context, t merchant.Tenant, n invoice.New) (*invoice.Invoice, error)
	Find(ctx context.Context, id ident.ID) (*invoice.Invoice, error)
	Methods(ctx context.Context, t merchant.Tenant, price money.Currency, terms string) (list []invoice.Method, unpriced bool, err error)
	Decide(ctx context.Context, id ident.ID, m invoice.Mark) (*invoice.Invoice, error)
}

// Deposits gives out deposit addresses; deposit.Service does.
type Deposits interface {
	Take(ctx context.Context, t merchant.Tenant, k deposit.Take) (*deposit.Address, error)
}

// Merchants finds merchants.
type Merchants interface {
	Find(ctx context.Context, id ident.ID) (merchant.Merchant, error)
}

// Offers says whether a merchant can be given an address of an asset; wallet.Book does.
type Offers interface {
	Offers(ctx context.Context, t merchant.Tenant, asset chain.Asset) (bool, error)
}

// Service is what pages and commands do with terminals, links and buttons.
type Service struct {
	Store     Store
	Invoices  Invoices
	Deposits  Deposits // nil: no deposits are taken
	Merchants Merchants
	Registry  *chain.Registry
	Offers    Offers         // nil: every coin of the environment can be deposited
	Health    invoice.Health // nil: every network is well
	Random    io.Reader
	Now       func() time.Time
	MaxOpen   int // 0: the package's
}

// Terminal is a terminal in use; ErrTerminal if nobody has the token, ErrRevoked if it was switched off.
func (s *Service) Terminal(ctx context.Context, token string) (Terminal, error) {
	t, _, err := s.terminal(ctx, token)
	return t, err
}

func (s *Service) terminal(ctx context.Context, token string) (Terminal, merchant.Merchant, error) {
	if !ident.Valid(token) {
		return Terminal{}, merchant.Merchant{}, ErrTerminal
	}
	t, err := s.Store.Terminal(ctx, token)
	if err != nil {
		return Terminal{}, merchant.Merchant{}, err
	}
	m, err := s.Merchants.Find(ctx, t.Merchant)
	if err == nil && (!t.Revoked.IsZero() || m.Suspended) {
		err = ErrRevoked
	}
	if err != nil {
		return Terminal{}, m, err
	}
	return t, m, nil
}

// Link is a link with whether it takes money now; ErrLink for a slug nobody has.
func (s *Service) Link(ctx context.Context, slug string) (Link, Standing, error) {
	l, m, err := s.link(ctx, slug)
	if err != nil {
		return l, "", err
	}
	standing, err := s.standing(ctx, l, m)
	return l, standing, err
}

func (s *Service) link(ctx context.Context, slug string) (Link, merchant.Merchant, error) {
	name, ok := ParseSlug(slug)
	if !ok {
		return Link{}, merchant.Merchant{}, ErrLink
	}
	l, err := s.Store.Link(ctx, name)
	if err != nil {
		return Link{}, merchant.Merchant{}, err
	}
	m, err := s.Merchants.Find(ctx, l.Merchant)
	return l, m, err
}

func (s *Service) standing(ctx context.Context, l Link, m merchant.Merchant) (Standing, error) {
	switch {
	case !l.Revoked.IsZero() || m.Suspended:
		return StandingRevoked, nil
	case !l.Expires.IsZero() && !s.Now().Before(l.Expires):
		return StandingExpired, nil
	}
	if l.Stock == 1 { // who comes again before it is paid is led to the invoice there is
		if waiting, err := s.Store.Waiting(ctx, l.ID, 1); err != nil || len(waiting) > 0 {
			return StandingOpen, err
		}
	}
	return s.stocked(ctx, l.ID, l.Stock)
}

// stocked says whether a place is left.
func (s *Service) stocked(ctx context.Context, source ident.ID, stock int64) (Standing, error) {
	if stock == 0 {
		return StandingOpen, nil
	}
	taken, err := s.Store.Taken(ctx, source, stock)
	if err != nil || taken < stock {
		return StandingOpen, err
	}
	return StandingSoldOut, nil
}

// Button is a product on sale; ErrButton for a slug nobody has. With ErrLinkOver, because of StandingRevoked or
// StandingSoldOut, the button is returned all the same, so that a page can name it.
func (s *Service) Button(ctx context.Context, slug string) (Button, error) {
	b, _, err := s.button(ctx, slug)
	if err != nil {
		return b, err
	}
	if standing, err := s.stocked(ctx, b.ID, b.Stock); err != nil || standing != StandingOpen {
		return b, orOver(err, standing)
	}
	return b, nil
}

func orOver(err error, standing Standing) error {
	if err != nil {
		return err
	}
	return over(standing)
}

func (s *Service) button(ctx context.Context, slug string) (Button, merchant.Merchant, error) {
	name, ok := ParseSlug(slug)
	if !ok {
		return Button{}, merchant.Merchant{}, ErrButton
	}
	b, err := s.Store.Button(ctx, name)
	if err != nil {
		return Button{}, merchant.Merchant{}, err
	}
	m, err := s.Merchants.Find(ctx, b.Merchant)
	if err == nil && (!b.Revoked.IsZero() || m.Suspended) {
		err = over(StandingRevoked)
	}
	return b, m, err
}

// TerminalCoins lists what can be deposited at a terminal.
func (s *Service) TerminalCoins(ctx context.Context, token string) ([]chain.Asset, error) {
	t, _, err := s.terminal(ctx, token)
	if err != nil {
		return nil, err
	}
	if t.Mode != ModeDeposit {
		return nil, ErrMode
	}
	return s.coins(ctx, t.Merchant, t.Env)
}

// LinkCoins lists what a link can be paid with.
func (s *Service) LinkCoins(ctx context.Context, slug string) ([]chain.Asset, error) {
	l, _, err := s.link(ctx, slug)
	if err != nil {
		return nil, err
	}
	return s.coins(ctx, l.Merchant, l.Env)
}

// coins lists what a merchant takes now.
func (s *Service) coins(ctx context.Context, m ident.ID, env ident.Environment) ([]chain.Asset, error) {
	t, err := merchant.Operator(m, env)
	if err != nil || s.Deposits == nil {
		return nil, err
	}
	var list []chain.Asset
	for _, a := range s.Registry.Assets() {
		n, _ := s.Registry.Network(a.Network)
		if !n.Serves(env) || (s.Health != nil && !s.Health.Usable(n.ID)) {
			continue
		}
		if s.Offers != nil {
			if ok, err := s.Offers.Offers(ctx, t, a); err != nil {
				return nil, err
			} else if !ok {
				continue
			}
		}
		list = append(list, a)
	}
	return list, nil
}

// offered says whether a coin is among those that can be deposited.
func (s *Service) offered(ctx context.Context, mode Mode, m ident.ID, env ident.Environment, asset string) error {
	if s.Deposits == nil {
		return deposit.ErrUnusable
	}
	if mode != ModeDeposit {
		return ErrMode
	}
	list, err := s.coins(ctx, m, env)
	if err == nil && !slices.ContainsFunc(list, func(a chain.Asset) bool { return a.ID == asset }) {
		err = deposit.ErrAsset
	}
	return err
}
