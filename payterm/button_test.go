package payterm_test

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"checkout/chain"
	"checkout/deposit"
	"checkout/fault"
	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
	"checkout/payterm"
)

func TestBuy(t *testing.T) {
	c := openCounter(t)
	x := c.button(func(x *payterm.Button) {
		x.SuccessURL, x.FailureURL = "https://shop.example/ok?{ID}", "https://shop.example/no?{ID}"
	})
	inv, err := c.Buy(t.Context(), x.Slug, payterm.Form{Quantity: "3", Order: "1001"})
	c.must(err)
	loaded, err := c.World.Invoices.Find(t.Context(), inv.ID)
	c.must(err)
	if !loaded.Price.Equal(cents(37_50)) || loaded.Title != "3 × Mug" || loaded.Description != "blue" || loaded.Origin != "button" ||
		!strings.HasPrefix(loaded.ForeignID, x.Slug+"-") || loaded.EndUserReference != "1001" || // nobody has signed that it is the shop's order 1001

		loaded.Source != x.ID || loaded.SuccessURL != "https://shop.example/ok?"+string(inv.ID) || loaded.FailureURL != "https://shop.example/no?"+string(inv.ID) ||
		loaded.Terms.Name != invoice.TermsOrder || loaded.Terms.Final {
		t.Errorf("%+v", loaded)
	}
	again, err := c.Buy(t.Context(), x.Slug, payterm.Form{Quantity: "3", Order: "1001"})
	c.must(err)
	if again.ID == inv.ID {
		t.Error("two posts from a shop's page share an invoice")
	}
	signed := func(d time.Duration) payterm.Form {
		o := payterm.Offer{Amount: "19.99", Currency: "EUR", Order: "1002", Exp: strconv.FormatInt(c.clock.Now().Add(d).Unix(), 10)}
		return payterm.Form{Amount: o.Amount, Currency: o.Currency, Order: o.Order, Exp: o.Exp, Sig: x.Sign(o)}
	}
	f := signed(time.Hour)
	inv, err = c.Buy(t.Context(), x.Slug, f)
	c.must(err)
	f.Once = "another"
	again, err = c.Buy(t.Context(), x.Slug, f)
	c.must(err)
	if again.ID != inv.ID || !inv.Price.Equal(cents(19_99)) || inv.Title != "Mug" {
		t.Errorf("a signed form was good for two invoices, or for %s", inv.Price)
	}
	longer, err := c.Buy(t.Context(), x.Slug, signed(2*time.Hour))
	c.must(err)
	if longer.ID == inv.ID {
		t.Error("another offer led to the old invoice")
	}
	was := c.made()
	cheap := f
	cheap.Amount = "0.01"
	_, err = c.Buy(t.Context(), x.Slug, cheap)
	c.refuses("a changed price", err, payterm.ErrOffer)
	_, err = c.Buy(t.Context(), c.button(nil).Slug, f)
	c.refuses("another product's signature", err, payterm.ErrOffer)
	_, err = c.Buy(t.Context(), c.link(nil).Slug, payterm.Form{})
	c.refuses("a link's slug", err, payterm.ErrButton)
	_, err = c.Buy(t.Context(), x.Slug, payterm.Form{Once: f.Sig + " "})
	c.refuses("a signature as a key", err, payterm.ErrOnce)
	c.clock.Pass(time.Hour)
	_, err = c.Buy(t.Context(), x.Slug, f)
	c.refuses("too late", err, payterm.ErrOfferExpired)
	if n := c.made(); n != was {
		t.Errorf("%d invoices of refused forms", n-was)
	}
}

// TestQuota: unpaid invoices are bounded by source. The oldest gives way if no address was given out for it; else who comes is
// asked to wait.
func TestQuota(t *testing.T) {
	c := openCounter(t)
	c.MaxOpen = 3
	a, b := c.terminal(nil), c.terminal(nil)
	charge := func() *invoice.Invoice {
		t.Helper()
		c.clock.Pass(time.Second)
		inv, err := c.Charge(t.Context(), a.Token, payterm.Charge{Amount: cents(1_00)})
		c.must(err)
		return inv
	}
	first, second := charge(), charge()
	charge()
	charge()
	loaded, err := c.World.Invoices.Find(t.Context(), first.ID)
	c.must(err)
	if loaded.Outcome.State != invoice.Cancelled {
		t.Errorf("the oldest is %s", loaded.Outcome.State)
	}
	_, err = c.World.Invoices.Choose(t.Context(), second.ID, invoice.Choice{Asset: c.Asset.ID})
	c.must(err)
	_, err = c.Charge(t.Context(), a.Token, payterm.Charge{Amount: cents(1_00)})
	c.refuses("one more, while the oldest can be paid", err, payterm.ErrTooManyOpen)
	if f := fault.Of(err); f.Kind != fault.TooMany || f.After != time.Minute {
		t.Errorf("%v after %v", f.Kind, f.After)
	}
	if _, err := c.Charge(t.Context(), b.Token, payterm.Charge{Amount: cents(1_00)}); err != nil {
		t.Errorf("another till's: %v", err)
	}
	_, err = c.World.Invoices.Decide(t.Context(), second.ID, invoice.Mark{Kind: invoice.MarkCancel, Actor: "test", Reason: "no"})
	c.must(err)
	if _, err := c.Charge(t.Context(), a.Token, payterm.Charge{Amount: cents(1_00)}); err != nil {
		t.Errorf("after one ended: %v", err)
	}
}

// TestOfferAgain: an offer the shop has signed is good until its end, also when an invoice of it ran out unpaid meanwhile.
func TestOfferAgain(t *testing.T) {
	for name, change := range map[string]func(*payterm.Button){"without stock": nil, "the last one": func(x *payterm.Button) { x.Stock, x.MaxQuantity = 1, 1 }} {
		t.Run(name, func(t *testing.T) {
			c := openCounter(t)
			x := c.button(change)
			o := payterm.Offer{Amount: "19.99", Currency: "EUR", Order: "1002", Exp: strconv.FormatInt(c.clock.Now().Add(48*time.Hour).Unix(), 10)}
			buy := func() *invoice.Invoice {
				t.Helper()
				inv, err := c.Buy(t.Context(), x.Slug, payterm.Form{Amount: o.Amount, Currency: o.Currency, Order: o.Order, Exp: o.Exp, Sig: x.Sign(o)})
				c.must(err)
				return inv
			}
			first := buy()
			if again := buy(); again.ID != first.ID {
				t.Error("two unpaid invoices of one offer")
			}
			c.expire(3 * time.Hour)
			second := buy()
			if again := buy(); second.ID == first.ID || again.ID != second.ID || second.ForeignID != "1002" || second.Outcome.State != invoice.Open {
				t.Errorf("after %s: %s %s %s, then %s", first.ID, second.ID, second.ForeignID, second.Outcome.State, again.ID)
			}
		})
	}
}

// TestSuspended: what a suspended merchant has makes nothing.
func TestSuspended(t *testing.T) {
	c := openCounter(t)
	x, l, b := c.terminal(nil), c.link(nil), c.button(nil)
	c.Service.Merchants = suspended{c.Service.Merchants}
	_, err := c.Charge(t.Context(), x.Token, payterm.Charge{Amount: cents(1_00)})
	c.refuses("terminal", err, payterm.ErrRevoked)
	_, err = c.Start(t.Context(), l.Slug, payterm.Start{})
	c.over("link", err, payterm.StandingRevoked)
	_, err = c.Buy(t.Context(), b.Slug, payterm.Form{})
	c.over("button", err, payterm.StandingRevoked)
	if n := c.made(); n != 0 {
		t.Errorf("%d invoices", n)
	}
}

type suspended struct{ payterm.Merchants }

func (s suspended) Find(ctx context.Context, id ident.ID) (merchant.Merchant, error) {
	m, err := s.Merchants.Find(ctx, id)
	m.Suspended = true
	return m, err
}

// box gives out addresses, and remembers what was asked.
type box struct{ asked []deposit.Take }

func (b *box) Take(_ context.Context, t merchant.Tenant, k deposit.Take) (*deposit.Address, error) {
	b.asked = append(b.asked, k)
	return &deposit.Address{ID: ident.New(rand.Reader), Key: deposit.Key{Merchant: t.Merchant(), Env: t.Env(), Asset: k.Asset, Group: k.Group, Label: k.Label}}, nil
}

func TestDeposits(t *testing.T) {
	c := openCounter(t)
	asset := c.Asset.ID
	till := c.terminal(func(x *payterm.Terminal) { x.Mode, x.Currency = payterm.ModeDeposit, money.Currency{} })
	link := c.link(func(x *payterm.Link) { *x = payterm.Link{Title: "Donations", Mode: payterm.ModeDeposit} })
	_, err := c.TerminalDeposit(t.Context(), till.Token, asset)
	c.refuses("before there are deposits", err, deposit.ErrUnusable)
	if coins, err := c.TerminalCoins(t.Context(), till.Token); err != nil || len(coins) > 0 {
		t.Errorf("coins without deposits: %v %v", coins, err)
	}
	b := &box{}
	c.Service.Deposits = b
	for _, list := range []func() ([]chain.Asset, error){
		func() ([]chain.Asset, error) { return c.TerminalCoins(t.Context(), till.Token) },
		func() ([]chain.Asset, error) { return c.LinkCoins(t.Context(), link.Slug) },
	} {
		if coins, err := list(); err != nil || len(coins) != 1 || coins[0].ID != asset {
			t.Errorf("coins %v, %v", coins, err)
		}
	}
	for range 2 {
		_, err = c.TerminalDeposit(t.Context(), till.Token, asset)
		c.must(err)
	}
	for _, once := range []string{"", "", "k", "k"} {
		_, err = c.StartDeposit(t.Context(), link.Slug, asset, once)
		c.must(err)
	}
	if k := b.asked[0]; k != b.asked[1] || k.Group != "terminal "+string(till.ID) || k.Label != "till-"+string(till.ID) || k.Origin != "terminal" || k.Asset != asset {
		t.Errorf("a till asked for %+v, then %+v", b.asked[0], b.asked[1])
	}
	if k := b.asked[2:]; k[0].Label == k[1].Label || k[2] != k[3] || k[0].Label == k[2].Label || k[0].Group != "link "+string(link.ID) || k[0].Origin != "link" {
		t.Errorf("a link asked for %+v", k)
	}
	for name, err := range map[string]error{
		"a till that sells": second(c.TerminalDeposit(t.Context(), c.terminal(nil).Token, asset)),
		"a link that sells": second(c.StartDeposit(t.Context(), c.link(nil).Slug, asset, "")),
		"a sale at it":      second(c.Charge(t.Context(), till.Token, payterm.Charge{Amount: cents(1)})),
		"an invoice of it":  second(c.Start(t.Context(), link.Slug, payterm.Start{Amount: cents(1)})),
	} {
		c.refuses(name, err, payterm.ErrMode)
	}
	_, err = c.StartDeposit(t.Context(), link.Slug, "doge", "")
	c.refuses("a coin that is not offered", err, deposit.ErrAsset)
	for n := 4; ; n++ {
		if _, err = c.StartDeposit(t.Context(), link.Slug, asset, ""); err != nil {
			c.refuses("too many", err, payterm.ErrTooManyOpen)
			if n != payterm.MaxAddresses {
				t.Errorf("%d addresses in an hour", n)
			}
			break
		}
	}
	c.clock.Pass(time.Hour)
	if _, err = c.StartDeposit(t.Context(), link.Slug, asset, ""); err != nil {
		t.Errorf("in the next hour: %v", err)
	}
	_, err = c.RevokeLink(t.Context(), c.Tenant, link.Slug)
	c.must(err)
	_, err = c.StartDeposit(t.Context(), link.Slug, asset, "")
	c.over("a link that is off", err, payterm.StandingRevoked)
}

func second[T any](_ T, err error) error { return err }

// TestManage: everybody manages their own, and finds nothing else.
func TestManage(t *testing.T) {
	c := openCounter(t)
	x, l, b := c.terminal(nil), c.link(nil), c.button(nil)
	_, stranger, _ := c.AddMerchant("Bolt Bikes")
	live, err := merchant.Operator(c.Merchant.ID, ident.Live)
	c.must(err)
	for _, other := range []merchant.Tenant{stranger, live} {
		for name, row := range map[string]struct{ err, want error }{
			"find terminal":   {second(c.FindTerminal(t.Context(), other, x.Token)), payterm.ErrTerminal},
			"revoke terminal": {second(c.RevokeTerminal(t.Context(), other, string(x.ID))), payterm.ErrTerminal},
			"find link":       {second(c.FindLink(t.Context(), other, l.Slug)), payterm.ErrLink},
			"revoke link":     {second(c.RevokeLink(t.Context(), other, string(l.ID))), payterm.ErrLink},
			"find button":     {second(c.FindButton(t.Context(), other, b.Slug)), payterm.ErrButton},
			"revoke button":   {second(c.RevokeButton(t.Context(), other, string(b.ID))), payterm.ErrButton},
		} {
			c.refuses(name, row.err, row.want)
		}
	}
	for _, err := range []error{
		second(c.FindTerminal(t.Context(), c.Tenant, string(x.ID))), second(c.FindTerminal(t.Context(), c.Tenant, x.Token)), second(c.FindLink(t.Context(), c.Tenant, string(l.ID))),
		second(c.FindLink(t.Context(), c.Tenant, strings.ToLower(l.Slug))), second(c.FindButton(t.Context(), c.Tenant, string(b.ID))), second(c.Terminal(t.Context(), x.Token)),
	} {
		c.must(err)
	}
	if b.Text != payterm.DefaultText || len(b.Secret.Reveal()) < 32 || !ident.Valid(x.Token) || x.Token == string(x.ID) {
		t.Errorf("made %+v %+v", x, b)
	}
	for _, err := range []error{
		second(c.CreateTerminal(t.Context(), c.Tenant, payterm.Terminal{})), second(c.CreateLink(t.Context(), c.Tenant, payterm.Link{})), second(c.CreateButton(t.Context(), c.Tenant, payterm.Button{})),
	} {
		if fault.Of(err).Kind != fault.Invalid {
			t.Errorf("made of nothing: %v", err)
		}
	}
	terminals, err1 := c.ListTerminals(t.Context(), c.Tenant)
	links, err2 := c.ListLinks(t.Context(), c.Tenant)
	buttons, err3 := c.ListButtons(t.Context(), c.Tenant)
	if err := errors.Join(err1, err2, err3); err != nil || len(terminals)+len(links)+len(buttons) != 3 {
		t.Errorf("%d %d %d, %v", len(terminals), len(links), len(buttons), err)
	}
}
