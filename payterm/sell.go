package payterm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"strconv"
	"strings"
	"time"

	"checkout/deposit"
	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
)

// Charge makes the invoice of a sale at a terminal.
func (s *Service) Charge(ctx context.Context, token string, c Charge) (*invoice.Invoice, error) {
	t, m, err := s.terminal(ctx, token)
	if err != nil {
		return nil, err
	}
	if !clean(c.Note, maxNote) {
		return nil, ErrNote
	}
	total, tip, err := t.total(c)
	if err != nil {
		return nil, err
	}
	return s.sell(ctx, sale{
		kind: KindTerminal, source: t.ID, env: t.Env, merchant: m, once: c.Once,
		ask: invoice.New{Title: t.Name, Description: c.Note, Price: total, Tip: tip, ForeignID: "till-" + s.tag()},
	})
}

// Start makes the invoice of a visitor of a link. Of a single-use link there is one unpaid invoice at most: who starts it
// again is led there, and another sum takes its place.
func (s *Service) Start(ctx context.Context, slug string, f Start) (*invoice.Invoice, error) {
	l, m, err := s.link(ctx, slug)
	if err != nil {
		return nil, err
	}
	price, answers, err := l.read(f)
	if err != nil { // what is over is over, whatever was typed
		if standing, bad := s.standing(ctx, l, m); bad != nil || standing != StandingOpen {
			err = orOver(bad, standing)
		}
		return nil, err
	}
	return s.sell(ctx, sale{
		kind: KindLink, source: l.ID, env: l.Env, merchant: m, once: f.Once, stock: l.Stock, lasting: l.Stock == 0, single: l.Stock == 1, until: l.Expires,
		revoked: !l.Revoked.IsZero(),
		ask:     invoice.New{Title: l.Title, Description: answers, Price: price, SuccessURL: l.SuccessURL, ForeignID: l.Slug + "-" + s.tag()},
	})
}

// Buy makes the invoice of a button's form. A signed form is good for one invoice, however often it is sent.
func (s *Service) Buy(ctx context.Context, slug string, f Form) (*invoice.Invoice, error) {
	b, m, err := s.button(ctx, slug)
	if err != nil {
		return nil, err
	}
	o, err := b.order(f, s.Now())
	if err != nil {
		return nil, err
	}
	x := sale{
		kind: KindButton, source: b.ID, env: b.Env, merchant: m, once: f.Once, stock: b.Stock,
		ask: invoice.New{
			Title: o.title, Description: b.Description, Price: o.price, SuccessURL: b.SuccessURL, FailureURL: b.FailureURL,
		},
	}
	if o.signed {
		x.once, x.signature, x.ask.ForeignID = "", f.Sig, f.Order
	} else { // whoever sends the form could name the order of somebody else: it is told as the customer's word
		x.ask.ForeignID, x.ask.EndUserReference = b.Slug+"-"+s.tag(), f.Order
	}
	return s.sell(ctx, x)
}

// tag is drawn to tell the invoices of one source apart for whoever hears of them.
func (s *Service) tag() string { return string(ident.New(s.Random))[:12] }

// sale is an invoice to be made.
type sale struct {
	kind      Kind
	source    ident.ID
	env       ident.Environment
	merchant  merchant.Merchant
	once      string // of the form
	signature string // of the shop's offer
	stock     int64
	single    bool      // one invoice at a time, and the payer may change the sum
	lasting   bool      // a day to pay, for it keeps nobody else from paying
	until     time.Time // when the source's own time is over; zero: never
	revoked   bool
	ask       invoice.New
}

// key makes a form good for one invoice. A form that was sent again with another sum is another sale: whoever goes back and
// corrects a sum must not be led to the wrong one.
func (x sale) key() (ident.Once, error) {
	scope := string(x.kind) + " " + string(x.source)
	switch {
	case x.signature != "":
		return ident.Once{Scope: scope, Key: x.signature}, nil
	case x.once == "":
		return ident.Once{}, nil
	case len(x.once) > maxOnce || !merchant.Presentable(x.once, maxOnce) || strings.ContainsRune(x.once, ' '):
		return ident.Once{}, ErrOnce
	}
	return ident.Once{Scope: scope, Key: x.once + " " + x.ask.Price.Minor()}, nil
}

// sell makes the invoice of a sale, or finds the one its form has made before.
func (s *Service) sell(ctx context.Context, x sale) (*invoice.Invoice, error) {
	t, err := merchant.Operator(x.merchant.ID, x.env)
	if err != nil {
		return nil, err
	}
	if x.ask.Once, err = x.key(); err != nil {
		return nil, err
	}
	if inv, err := s.again(ctx, &x); inv != nil || err != nil {
		return inv, err
	}
	if err := s.takes(ctx, x); err != nil {
		return nil, err
	}
	x.ask.Source, x.ask.Origin = x.source, string(x.kind)
	if x.ask.Terms, err = s.terms(ctx, t, x); err != nil {
		return nil, err
	}
	var inv *invoice.Invoice
	if x.stock == 0 {
		inv, err = s.Invoices.Create(ctx, t, x.ask)
	} else {
		err = s.Store.Together(ctx, func(ctx context.Context) error {
			inv, err = s.place(ctx, t, x)
			return err
		})
	}
	if errors.Is(err, invoice.ErrForeign) { // the same form, sent twice at once
		return s.again(ctx, &x)
	}
	if err != nil {
		return nil, err
	}
	return inv, nil
}

// again is the invoice a form has made before, nil if it made none. An offer the shop has signed is good until its end: when
// the time of an invoice ran out and nothing came, the offer makes the next one, under the key that is set here.
func (s *Service) again(ctx context.Context, x *sale) (*invoice.Invoice, error) {
	if x.ask.Once.IsZero() {
		return nil, nil
	}
	for n := 2; ; n++ {
		id, made, err := s.Store.Made(ctx, x.ask.Once)
		if err != nil || !made {
			return nil, err
		}
		inv, err := s.Invoices.Find(ctx, id)
		if err != nil {
			return nil, err
		}
		if inv.Source != x.source {
			return nil, invoice.ErrForeign
		}
		if x.signature == "" || inv.Outcome.State != invoice.Expired || len(inv.Payments) > 0 || n > maxTurns {
			return inv, nil
		}
		x.ask.Once.Key = x.signature + " " + strconv.Itoa(n)
	}
}

// maxTurns is how many invoices one offer makes at most, one after the other.
const maxTurns = 20

// takes refuses what is over, and more unpaid invoices than anybody needs. They are counted outside of the transaction: a
// few that are made in the same moment may come on top.
func (s *Service) takes(ctx context.Context, x sale) error {
	switch {
	case x.revoked || x.merchant.Suspended:
		return over(StandingRevoked)
	case !x.until.IsZero() && !s.Now().Before(x.until):
		return over(StandingExpired)
	}
	most := s.MaxOpen
	if most == 0 {
		most = MaxOpen
	}
	waiting, err := s.Store.Waiting(ctx, x.source, most)
	if err != nil || len(waiting) < most || x.single {
		return err
	}
	return s.yield(ctx, waiting[len(waiting)-1])
}

// yield calls the oldest unpaid invoice off if nobody has chosen a coin for it: whoever fills a source with invoices keeps
// nobody from buying. ErrTooManyOpen if it has an address that may be paid.
func (s *Service) yield(ctx context.Context, id ident.ID) error {
	inv, err := s.Invoices.Find(ctx, id)
	if err != nil {
		return err
	}
	if inv.Outcome.State != invoice.Open {
		return ErrTooManyOpen
	}
	_, err = s.Invoices.Decide(ctx, id, invoice.Mark{Kind: invoice.MarkCancel, Actor: "payterm", Reason: "too many unpaid invoices"})
	if errors.Is(err, invoice.ErrState) { // it was paid, or chosen, or called off just now
		return ErrTooManyOpen
	}
	return err
}

// terms are the rules of a sale's invoice. One that takes a place cannot come back once its time is over: the place is
// somebody else's then.
func (s *Service) terms(ctx context.Context, t merchant.Tenant, x sale) (invoice.Terms, error) {
	tolerance, err := x.merchant.ToleranceOn(x.ask.Price)
	if err != nil {
		return invoice.Terms{}, err
	}
	methods, _, err := s.Invoices.Methods(ctx, t, x.ask.Price.Currency(), invoice.TermsOrder)
	if err != nil {
		return invoice.Terms{}, err
	}
	stable := true
	for _, m := range methods {
		a, _ := s.Registry.Asset(m.Asset)
		stable = stable && a.Stable
	}
	if x.lasting {
		return invoice.LinkTerms(tolerance, stable), nil
	}
	terms := invoice.OrderTerms(tolerance, stable)
	terms.Final = x.stock > 0
	return terms, nil
}

// place makes an invoice that takes a place, in the transaction of ctx. Those who want another wait until it is over.
func (s *Service) place(ctx context.Context, t merchant.Tenant, x sale) (*invoice.Invoice, error) {
	inUse, err := s.Store.Hold(ctx, x.kind, x.source)
	if err != nil {
		return nil, err
	}
	if !inUse {
		return nil, over(StandingRevoked)
	}
	if inv, err := s.again(ctx, &x); inv != nil || err != nil {
		return inv, err
	}
	if x.single {
		if inv, err := s.same(ctx, x); inv != nil || err != nil {
			return inv, err
		}
	}
	taken, err := s.Store.Taken(ctx, x.source, x.stock)
	if err != nil {
		return nil, err
	}
	if taken >= x.stock {
		return nil, over(StandingSoldOut)
	}
	return s.Invoices.Create(ctx, t, x.ask)
}

// same is the unpaid invoice of a single-use link if it asks for the same sum and has the same answers: those of somebody
// else are shown to nobody. Another one is called off as long as no address was given out for it; then somebody may be
// paying it: ErrPaying.
func (s *Service) same(ctx context.Context, x sale) (*invoice.Invoice, error) {
	waiting, err := s.Store.Waiting(ctx, x.source, 1)
	if err != nil || len(waiting) == 0 {
		return nil, err
	}
	inv, err := s.Invoices.Find(ctx, waiting[0])
	if err != nil || (inv.Price.Equal(x.ask.Price) && inv.Description == x.ask.Description) {
		return inv, err
	}
	if inv.Outcome.State != invoice.Open {
		return nil, ErrPaying
	}
	_, err = s.Invoices.Decide(ctx, inv.ID, invoice.Mark{Kind: invoice.MarkCancel, Actor: "payer", Reason: "another sum was chosen"})
	if errors.Is(err, invoice.ErrState) {
		err = ErrPaying
	}
	return nil, err
}

// TerminalSale is an invoice of a terminal; ErrTerminal for those of anybody else.
func (s *Service) TerminalSale(ctx context.Context, token string, id ident.ID) (Terminal, *invoice.Invoice, error) {
	t, _, err := s.terminal(ctx, token)
	if err != nil {
		return Terminal{}, nil, err
	}
	inv, err := s.Invoices.Find(ctx, id)
	if errors.Is(err, invoice.ErrNotFound) || (err == nil && inv.Source != t.ID) {
		err = ErrTerminal
	}
	if err != nil {
		return Terminal{}, nil, err
	}
	return t, inv, nil
}

// History lists the newest sales of a terminal for who knows its PIN. ErrPIN; after five wrong ones in a row ErrPINLocked
// for a quarter of an hour; ErrNoHistory at a terminal without a PIN.
func (s *Service) History(ctx context.Context, token, pin string) ([]Sold, error) {
	var verdict error
	var id ident.ID
	err := s.Store.Together(ctx, func(ctx context.Context) error {
		t, _, err := s.terminal(ctx, token)
		if err != nil {
			return err
		}
		was, err := s.Store.Tries(ctx, t.ID)
		if err != nil {
			return err
		}
		var now Tries
		id = t.ID
		if now, verdict = t.try(pin, was, s.now()); now == was {
			return nil
		}
		return s.Store.KeepTries(ctx, t.ID, now)
	})
	if err = errors.Join(err, verdict); err != nil {
		return nil, err
	}
	return s.Store.Sold(ctx, id, MaxHistory)
}

// TerminalDeposit is the terminal's own deposit address of a coin: the same one every time.
func (s *Service) TerminalDeposit(ctx context.Context, token, asset string) (*deposit.Address, error) {
	t, _, err := s.terminal(ctx, token)
	if err != nil {
		return nil, err
	}
	if err := s.offered(ctx, t.Mode, t.Merchant, t.Env, asset); err != nil {
		return nil, err
	}
	tenant, err := merchant.Operator(t.Merchant, t.Env)
	if err != nil {
		return nil, err
	}
	return s.Deposits.Take(ctx, tenant, deposit.Take{Origin: string(KindTerminal), Asset: asset, Group: "terminal " + string(t.ID), Label: "till-" + string(t.ID)})
}

// StartDeposit gives a visitor of a link a deposit address of their own: a new one each time, but for a form that is sent
// again.
func (s *Service) StartDeposit(ctx context.Context, slug, asset, once string) (*deposit.Address, error) {
	l, m, err := s.link(ctx, slug)
	if err != nil {
		return nil, err
	}
	standing, err := s.standing(ctx, l, m)
	if err != nil || standing != StandingOpen {
		return nil, orOver(err, standing)
	}
	if err := s.offered(ctx, l.Mode, l.Merchant, l.Env, asset); err != nil {
		return nil, err
	}
	tenant, err := merchant.Operator(l.Merchant, l.Env)
	if err != nil {
		return nil, err
	}
	label := ident.New(s.Random)
	if once != "" {
		sum := sha256.Sum256([]byte(once))
		label = ident.New(bytes.NewReader(sum[:]))
	}
	var out *deposit.Address
	err = s.Store.Together(ctx, func(ctx context.Context) error {
		room, err := s.Store.GiveAddress(ctx, l.ID, s.Now().Unix()/3600, MaxAddresses)
		if err != nil {
			return err
		}
		if !room {
			return ErrTooManyOpen
		}
		out, err = s.Deposits.Take(ctx, tenant, deposit.Take{Origin: string(KindLink), Asset: asset, Group: "link " + string(l.ID), Label: string(label)})
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
