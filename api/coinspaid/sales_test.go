package coinspaid_test

import (
	"slices"
	"testing"
	"time"

	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
	"checkout/payterm"
	"checkout/store"
)

// counter is a stage with what is sold without a shop's server: the merchant's terminals, links and buttons.
type counter struct {
	*stage
	tenant  merchant.Tenant
	service *payterm.Service
}

func openCounter(t *testing.T) *counter {
	t.Helper()
	s := openStage(t)
	tenant, err := merchant.Operator(s.key.Merchant, s.key.Env)
	s.must(err)
	return &counter{s, tenant, &payterm.Service{
		Store: store.Payterms{DB: s.db}, Invoices: s.invoices, Deposits: s.deposits, Merchants: store.Merchants{DB: s.db}, Registry: s.registry,
		Offers: s.wallets, Random: s.random, Now: s.clock.Now,
	}}
}

func (c *counter) euros(text string) money.Amount {
	c.Helper()
	eur, _ := money.FiatByCode("EUR")
	a, err := money.Parse(eur, text)
	c.must(err)
	return a
}

// sold is an invoice as stage knows those of shops.
func (c *counter) sold(inv *invoice.Invoice, err error) created {
	c.Helper()
	c.must(err)
	c.step()
	return created{ID: inv.Number, URL: base + "/i/" + string(inv.ID), ForeignID: inv.ForeignID}
}

// hears compares what the shop heard of a sale.
func (c *counter) hears(x created, want ...string) {
	c.Helper()
	if got := c.lines(x); !slices.Equal(got, want) {
		c.Errorf("%s\n got %q\nwant %q", x.ForeignID, got, want)
	}
}

// TestSales: what a button, a terminal and a link sell is told as orders of the shop are, a button's under the order the shop
// wrote into its form. Prices that lapse and are renewed are not told.
func TestSales(t *testing.T) {
	c := openCounter(t)
	button, err := c.service.CreateButton(t.Context(), c.tenant, payterm.Button{Name: "Mug", Mode: payterm.ModeFixed, Currency: c.euros("1").Currency(), Amount: c.euros("22.50"), MinQuantity: 1, MaxQuantity: 9})
	c.must(err)
	mugs := c.sold(c.service.Buy(t.Context(), button.Slug, payterm.Form{Quantity: "2", Order: "letter 7/ä"}))
	if mugs.ForeignID != "letter 7/ä" {
		t.Errorf("the order is %q", mugs.ForeignID)
	}
	c.choose(mugs)
	c.hears(mugs)
	c.pay(mugs, "0.20")
	c.pay(mugs, "0.25")
	c.mine(3)
	c.hears(mugs, "pending 0.25000000 50m0s 0.20@0", "processing 0.00000000 24h0m0s 0.20@0 0.25@0", "confirmed 0.00000000 24h0m0s 0.20@3 0.25@3")

	till, err := c.service.CreateTerminal(t.Context(), c.tenant, payterm.Terminal{Name: "Till", Mode: payterm.ModeKeypad, Currency: button.Currency})
	c.must(err)
	renewed := c.sold(c.service.Charge(t.Context(), till.Token, payterm.Charge{Amount: c.euros("45")}))
	c.choose(renewed)
	c.wait(21 * time.Minute) // the price is renewed by itself
	c.hears(renewed)
	if len(c.mustFind(renewed).Quotes) < 2 {
		t.Error("the price was not renewed: this test shows nothing")
	}
	c.pay(renewed, "0.45")
	c.mine(3)
	c.hears(renewed, "processing 0.00000000 24h21m0s 0.45@0", "confirmed 0.00000000 24h21m0s 0.45@3")

	link, err := c.service.CreateLink(t.Context(), c.tenant, payterm.Link{Title: "Ticket", Mode: payterm.ModeFixed, Currency: button.Currency, Amount: c.euros("45")})
	c.must(err)
	forgotten := c.sold(c.service.Start(t.Context(), link.Slug, payterm.Start{}))
	c.choose(forgotten)
	c.wait(25 * time.Hour)
	got := c.lines(forgotten)
	if len(got) != 1 || got[0][:6] != "failed" {
		t.Errorf("a link's invoice nobody paid: %q", got)
	}
}

// TestConsoleIsUntold: what the operator makes is heard of by nobody.
func TestConsoleIsUntold(t *testing.T) {
	c := openCounter(t)
	tolerance := money.Zero(c.euros("1").Currency())
	made := c.sold(c.invoices.Create(t.Context(), c.tenant, invoice.New{
		Origin: invoice.TermsOrder, ForeignID: string(ident.New(c.random)), Title: "By hand", Price: c.euros("45"), Terms: invoice.OrderTerms(tolerance, false),
	}))
	c.choose(made)
	c.pay(made, "0.45")
	c.mine(3)
	if inv := c.mustFind(made); inv.Outcome.State != invoice.Settled {
		t.Errorf("it is %s", inv.Outcome.State)
	}
	c.hears(made)
}
