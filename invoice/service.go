package invoice

import (
	"context"
	"errors"
	"io"
	"math/big"
	"slices"
	"strings"
	"time"

	"checkout/chain"
	"checkout/fault"
	"checkout/ident"
	"checkout/merchant"
	"checkout/money"
	"checkout/rate"
)

// Store keeps invoices. Update loads one, lets change decide, and commits the invoice, its ledger entries, its state
// log and its events together or not at all; a change that says ErrUnchanged leaves everything as it was and is no
// failure. Together runs a function in one transaction: calls made with its context join it.
type Store interface {
	Together(ctx context.Context, f func(ctx context.Context) error) error
	// Moment is the transaction's clock with the evidence and heights of all networks.
	Moment(ctx context.Context) (Moment, error)
	Insert(ctx context.Context, inv *Invoice, once ident.Once, fx Effects) error
	Find(ctx context.Context, id ident.ID) (*Invoice, error)
	Update(ctx context.Context, id ident.ID, change Change) (*Invoice, error)
	// Due lists invoices time may change something about, after the given one in the order of their due times. Those whose
	// network has not been followed to that time wait until it has.
	Due(ctx context.Context, before time.Time, after DueMark, limit int) ([]DueMark, error)
	// Unfinished lists invoices with payments on a network that confirmations still change.
	Unfinished(ctx context.Context, network string) ([]ident.ID, error)
	// InBlock lists invoices with payments (or conflicts of payments) in a block.
	InBlock(ctx context.Context, network, hash string) ([]ident.ID, error)
	// PaidBy lists the invoices a transaction has paid to.
	PaidBy(ctx context.Context, network, txid string) ([]ident.ID, error)
	// RefundedBy sums what paid refunds say a transaction pays an address, in smallest units.
	RefundedBy(ctx context.Context, network, txid, address string) (*big.Int, error)
	// Claims lists invoices of a merchant that ask for exactly an amount of an asset at a shared address, by the inner text of their
	// address: open ones, and those that were settled or ended after an instant.
	Claims(ctx context.Context, m ident.ID, network, asset, address string, amount money.Amount, ended time.Time) (map[string]ident.ID, error)
	// Number draws the next number of the installation.
	Number(ctx context.Context) (int64, error)
}

// DueMark is a place in the list of due invoices.
type DueMark struct {
	At time.Time
	ID ident.ID
}

// Rates gives prices from memory.
type Rates interface {
	Quote(from, to money.Currency, now time.Time, window time.Duration) (rate.Quote, error)
}

// Addresses assigns receiving addresses.
type Addresses interface {
	// Offers says whether a merchant can be given an address of an asset in an environment.
	Offers(ctx context.Context, t merchant.Tenant, asset chain.Asset) (bool, error)
	// Next assigns a new address to an object, in the transaction of ctx. An index is never used twice.
	Next(ctx context.Context, t merchant.Tenant, asset chain.Asset, owner ident.Owner) (string, error)
	// Check derives an address assigned to a merchant's invoice again and compares.
	Check(ctx context.Context, m, owner ident.ID, network, address string) error
	// Ours says whether an address was given to an object here.
	Ours(ctx context.Context, network, address string) (bool, error)
	// Parse checks that a text is an address of a network, and gives it in its one form.
	Parse(network, text string) (string, error)
}

// Health says whether a network's node can be relied on for new invoices.
type Health interface {
	Usable(network string) bool
}

// Service is what faces and the watcher do with invoices.
type Service struct {
	Store     Store
	Rates     Rates
	Addresses Addresses
	Health    Health
	Registry  *chain.Registry
	Random    io.Reader
	Now       func() time.Time
	// Pays lists what a transaction in a block pays an address, as far as the network's node knows; nil: nobody can be asked.
	Pays func(ctx context.Context, network, txid, address string) ([]chain.Transfer, error)
	// Skewed says whether the clock has just jumped; nil: never. What it dated is no evidence then, and ends nothing.
	Skewed func() bool
}

// New is what an invoice is made of.
type New struct {
	Origin           string
	Source           ident.ID // the terminal, link or button; empty: none
	ForeignID        string
	Title            string
	Description      string
	Email            string
	EndUserReference string
	Payer            string // a JSON object, or empty
	SuccessURL       string
	FailureURL       string
	Price            money.Amount
	Tip              money.Amount // contained in the price; of no currency if there is none
	Terms            Terms
	Asset            string // chosen at once, or empty
	Once             ident.Once
}

// ErrNoMethod is the fault of an invoice nobody could pay: no coin is offered, or none has a rate.
var ErrNoMethod = fault.New(fault.Unavailable, "no_method", "No coin is available for this invoice.")

// Methods lists the coins a merchant can offer now for a price: those of the environment, with an address source, in
// working order and priced. Rates tells the two reasons for an empty list apart: if it is true, coins are there but none
// has a rate.
func (s *Service) Methods(ctx context.Context, t merchant.Tenant, price money.Currency, terms string) (list []Method, unpriced bool, err error) {
	for _, a := range s.Registry.Assets() {
		n, _ := s.Registry.Network(a.Network)
		if !n.Serves(t.Env()) || (s.Health != nil && !s.Health.Usable(n.ID)) {
			continue
		}
		ok, err := s.Addresses.Offers(ctx, t, a)
		if err != nil {
			return nil, false, err
		}
		if !ok {
			continue
		}
		if _, err := s.Rates.Quote(a.Currency, price, s.Now(), 0); err != nil {
			unpriced = true
			continue
		}
		list = append(list, NewMethod(a, n, terms))
	}
	return list, unpriced && len(list) == 0, nil
}

// Create makes an invoice. With a coin given, or terms that lock all, the prices are locked at once; with a coin given
// the address is assigned at once. ErrForeign if the idempotency key was used before; rate.ErrUnavailable without a
// rate; ErrMethod if the coin is not offered, ErrNoMethod if none is.
func (s *Service) Create(ctx context.Context, t merchant.Tenant, n New) (*Invoice, error) {
	methods, unpriced, err := s.Methods(ctx, t, n.Price.Currency(), n.Terms.Name)
	if err != nil {
		return nil, err
	}
	switch {
	case unpriced:
		return nil, rate.ErrUnavailable
	case len(methods) == 0:
		return nil, ErrNoMethod
	}
	var made *Invoice
	err = s.Store.Together(ctx, func(ctx context.Context) error {
		at, err := s.Store.Moment(ctx)
		if err != nil {
			return err
		}
		inv, err := s.draft(ctx, t, n, methods, at)
		if err != nil {
			return err
		}
		fx, err := inv.create(at, Cause{Kind: "api", ID: n.Origin, Actor: string(t.Merchant())})
		if err != nil {
			return err
		}
		made = inv
		return s.Store.Insert(ctx, inv, n.Once, fx)
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// draft fills a new invoice in.
func (s *Service) draft(ctx context.Context, t merchant.Tenant, n New, methods []Method, at Moment) (*Invoice, error) {
	number, err := s.Store.Number(ctx)
	if err != nil {
		return nil, err
	}
	inv := &Invoice{
		ID: ident.New(s.Random), Number: number, UUID: ident.UUID(s.Random), Merchant: t.Merchant(), Env: t.Env(), Version: 1,
		Origin: n.Origin, ForeignID: n.ForeignID, Title: n.Title, Description: n.Description, Email: n.Email,
		EndUserReference: n.EndUserReference, Payer: n.Payer, SuccessURL: n.SuccessURL, FailureURL: n.FailureURL, Created: at.Now,
		Price: n.Price, Tip: n.Tip, Terms: n.Terms, Methods: methods, Source: n.Source,
	}
	if n.Source != "" { // pages of ours lead on to pages that may want to know which invoice was paid
		inv.SuccessURL = strings.ReplaceAll(n.SuccessURL, "{ID}", string(inv.ID))
		inv.FailureURL = strings.ReplaceAll(n.FailureURL, "{ID}", string(inv.ID))
	}
	if n.Asset != "" {
		if err := s.chooseAtOnce(ctx, t, inv, n.Asset, at); err != nil {
			return nil, err
		}
		return inv, nil
	}
	if n.Terms.LockAll {
		for _, m := range methods {
			q, err := s.quote(inv, m, at.Now, n.Terms.Lock)
			if err != nil {
				return nil, err
			}
			inv.Quotes = append(inv.Quotes, q)
		}
	}
	return inv, nil
}

func (s *Service) chooseAtOnce(ctx context.Context, t merchant.Tenant, inv *Invoice, asset string, at Moment) error {
	m, ok := inv.Method(asset)
	if !ok {
		return s.missing(inv, asset)
	}
	fresh, err := s.Rates.Quote(m.Currency, inv.Price.Currency(), at.Now, inv.Terms.Lock)
	if err != nil {
		return err
	}
	addr, err := s.address(ctx, t, inv, m, at)
	if err != nil {
		return err
	}
	if addr, err = s.apart(ctx, inv, m, addr, fresh); err != nil {
		return err
	}
	inv.Asset, inv.Addresses = asset, []Address{addr}
	q, err := inv.lock(m, fresh)
	inv.Quotes = []Quote{q}
	return err
}

// missing says why a coin that was asked for is none of the invoice's methods.
func (s *Service) missing(inv *Invoice, asset string) error {
	if a, ok := s.Registry.Asset(asset); ok {
		if _, err := s.Rates.Quote(a.Currency, inv.Price.Currency(), inv.Created, 0); err != nil {
			return err
		}
	}
	return ErrMethod
}

func (s *Service) quote(inv *Invoice, m Method, now time.Time, window time.Duration) (Quote, error) {
	q, err := s.Rates.Quote(m.Currency, inv.Price.Currency(), now, window)
	if err != nil {
		return Quote{}, err
	}
	return inv.lock(m, q)
}

func (s *Service) address(ctx context.Context, t merchant.Tenant, inv *Invoice, m Method, at Moment) (Address, error) {
	asset, ok := s.Registry.Asset(m.Asset)
	if !ok {
		return Address{}, ErrMethod
	}
	number, err := s.Store.Number(ctx)
	if err != nil {
		return Address{}, err
	}
	made := Address{Number: number, Asset: m.Asset, Network: m.Network, AssignedAt: at.Now, Height: at.Heights[m.Network]}
	if other, shared := s.shared(inv, m.Network); shared {
		made.Text, made.AssignedAt, made.Height = other.Text, other.AssignedAt, other.Height
		return made, nil
	}
	made.Text, err = s.Addresses.Next(ctx, t, asset, ident.Owner{Kind: ident.OwnerInvoice, ID: inv.ID})
	if !made.Exact() {
		_, made.Tag = chain.Unshared(made.Text)
	}
	return made, err
}

// shared is the address an invoice has on a network already, if addresses there hold all of its coins: one is enough then, and a
// payment in another of them is met, too.
func (s *Service) shared(inv *Invoice, network string) (Address, bool) {
	n, ok := s.Registry.Network(network)
	if !ok || !n.HoldsAll() {
		return Address{}, false
	}
	at := slices.IndexFunc(inv.Addresses, func(a Address) bool { return a.Network == network })
	if at < 0 {
		return Address{}, false
	}
	return inv.Addresses[at], true
}

// tries is how many amounts are tried for one that no other open invoice asks for.
const tries = 100

// amountRests is how long nobody is asked for an amount after the invoice that asked for it: who pays twice, or late, must not pay
// somebody else's.
const amountRests = time.Hour

// apart finds what an invoice has to ask for on top at an address whose payers are told apart by the amount.
func (s *Service) apart(ctx context.Context, inv *Invoice, m Method, addr Address, q rate.Quote) (Address, error) {
	if !addr.Exact() {
		return addr, nil
	}
	step := money.Units(m.Currency, 1).CeilTo(m.finer())
	addr.Nudge = money.Zero(m.Currency)
	asks := *inv
	for range tries {
		asks.Addresses = append(slices.Clone(inv.Addresses), addr)
		lock, err := asks.lock(m, q)
		if err != nil {
			return addr, err
		}
		claims, err := s.Store.Claims(ctx, inv.Merchant, m.Network, m.Asset, addr.Shown(), lock.Due, q.At.Add(-amountRests))
		if err != nil || len(claims) == 0 {
			return addr, err
		}
		if addr.Nudge, err = addr.Nudge.Add(step); err != nil {
			return addr, err
		}
	}
	return addr, ErrAmounts
}

// Find loads an invoice by its capability id; ErrNotFound.
func (s *Service) Find(ctx context.Context, id ident.ID) (*Invoice, error) {
	if !ident.Valid(string(id)) {
		return nil, ErrNotFound
	}
	return s.Store.Find(ctx, id)
}

// CheckAddress derives the address of the chosen coin again; ErrAddress if it is not the one stored: then nobody may be
// shown it.
func (s *Service) CheckAddress(ctx context.Context, inv *Invoice) error {
	addr, ok := inv.Address(inv.Asset)
	if !ok {
		return nil
	}
	if err := s.Addresses.Check(ctx, inv.Merchant, inv.ID, addr.Network, addr.Text); err != nil {
		return ErrAddress.Because(err)
	}
	return nil
}

func (s *Service) played(network string) bool {
	n, ok := s.Registry.Network(network)
	return ok && n.Played
}

// Choose sets the coin for the payer: the quote is taken from memory, the address assigned in the same transaction.
func (s *Service) Choose(ctx context.Context, id ident.ID, c Choice) (*Invoice, error) {
	var out *Invoice
	err := s.Store.Together(ctx, func(ctx context.Context) error {
		inv, err := s.Find(ctx, id)
		if err != nil {
			return err
		}
		m, ok := inv.Method(c.Asset)
		if !ok || (inv.Skipped > 0 && !s.played(m.Network)) { // real money keeps to the real clock
			return ErrMethod
		}
		at, err := s.Store.Moment(ctx)
		if err != nil {
			return err
		}
		if err := inv.Choosable(inv.Clock(at.Now)); err != nil {
			return err
		}
		fresh, addr, err := s.prepare(ctx, inv, m, at)
		if err != nil {
			return err
		}
		out, err = s.Store.Update(ctx, id, func(inv *Invoice, at Moment) (Effects, error) {
			return inv.Choose(c, fresh, addr, at, Cause{Kind: "payer"})
		})
		return err
	})
	return out, err
}

// prepare finds the quote and the address choosing a method takes: a new one of each only if none is there yet.
func (s *Service) prepare(ctx context.Context, inv *Invoice, m Method, at Moment) (*rate.Quote, Address, error) {
	var fresh *rate.Quote
	now := inv.Clock(at.Now)
	if _, held := inv.Holding(m.Asset, now); !held {
		if s.Health != nil && !s.Health.Usable(m.Network) {
			return nil, Address{}, rate.ErrUnavailable
		}
		q, err := s.Rates.Quote(m.Currency, inv.Price.Currency(), now, inv.Terms.Lock)
		if err != nil {
			return nil, Address{}, err
		}
		fresh = &q
	}
	if addr, had := inv.Address(m.Asset); had {
		return fresh, addr, nil
	}
	t, err := merchant.Operator(inv.Merchant, inv.Env)
	if err != nil {
		return nil, Address{}, err
	}
	addr, err := s.address(ctx, t, inv, m, at)
	if err != nil || !addr.Exact() {
		return fresh, addr, err
	}
	if held, ok := inv.Holding(m.Asset, now); fresh == nil && ok { // the same price, told apart
		q := held.Quote
		q.ID = ident.New(s.Random)
		fresh = &q
	}
	addr, err = s.apart(ctx, inv, m, addr, *fresh)
	return fresh, addr, err
}

// Requote locks a new price for the chosen coin at the payer's wish.
func (s *Service) Requote(ctx context.Context, id ident.ID) (*Invoice, error) {
	inv, err := s.Find(ctx, id)
	if err != nil {
		return nil, err
	}
	m, ok := inv.Method(inv.Asset)
	if !ok {
		return nil, ErrState
	}
	if s.Health != nil && !s.Health.Usable(m.Network) {
		return nil, rate.ErrUnavailable
	}
	fresh, err := s.Rates.Quote(m.Currency, inv.Price.Currency(), s.Now(), inv.Terms.Lock)
	if err != nil {
		return nil, err
	}
	return s.Store.Update(ctx, id, func(inv *Invoice, at Moment) (Effects, error) {
		if inv.Asset != m.Asset {
			return Effects{}, ErrState
		}
		q := fresh
		q.At = inv.Clock(at.Now)
		q.Until = q.At.Add(inv.Terms.Lock)
		return inv.Requote(q, at, Cause{Kind: "requote"})
	})
}

// PaidBy lists the invoices a transaction has paid to, of whichever merchant.
func (s *Service) PaidBy(ctx context.Context, network, txid string) ([]ident.ID, error) {
	return s.Store.PaidBy(ctx, network, txid)
}

// Decide adds a person's mark.
func (s *Service) Decide(ctx context.Context, id ident.ID, m Mark) (*Invoice, error) {
	return s.Store.Update(ctx, id, func(inv *Invoice, at Moment) (Effects, error) { return inv.Mark(m, at) })
}

// spots is today's rates for late money, of the coins the invoice would take it in.
func (s *Service) spots(inv *Invoice) Spots {
	return func(asset string) *rate.Quote {
		m, ok := inv.Method(asset)
		if !ok || !m.LateSettles {
			return nil
		}
		q, err := s.Rates.Quote(m.Currency, inv.Price.Currency(), inv.Clock(s.Now()), 0)
		if err != nil {
			return nil
		}
		return &q
	}
}

// known is the rules of coins an invoice does not ask for, as they would have been frozen into it.
func (s *Service) known(inv *Invoice) Known {
	return func(asset string) (Method, bool) {
		a, ok := s.Registry.Asset(asset)
		n, found := s.Registry.Network(a.Network)
		return NewMethod(a, n, inv.Terms.Name), ok && found
	}
}

// Skip pretends that time has passed for a rehearsal's invoice: all its addresses must be on played networks.
func (s *Service) Skip(ctx context.Context, id ident.ID, d time.Duration) (*Invoice, error) {
	return s.Store.Update(ctx, id, func(inv *Invoice, at Moment) (Effects, error) {
		for _, network := range inv.Networks() {
			if !s.played(network) {
				return Effects{}, ErrState
			}
		}
		return inv.Skip(d, at)
	})
}

// update runs a change the chain or the clock asks for. An invoice that refuses it as unchanged is left alone.
func (s *Service) update(ctx context.Context, id ident.ID, change Change) error {
	_, err := s.Store.Update(ctx, id, func(inv *Invoice, at Moment) (Effects, error) {
		if s.Skewed != nil && s.Skewed() {
			at.Evidence = nil
		}
		return change(inv, at)
	})
	if errors.Is(err, ErrUnchanged) {
		return nil
	}
	return err
}
