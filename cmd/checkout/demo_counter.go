package main

import (
	"cmp"
	"context"
	"slices"

	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
	"checkout/payterm"
	"checkout/store"
	"checkout/web/demo"
	"checkout/web/embed"
)

// demoPIN opens the history of the demo's till.
const demoPIN = "1234"

// demoColour is that of the demo's button.
const demoColour = "#3346d3"

// counter is what the demo sells without its shop's server.
type counter struct {
	app    *app
	tenant merchant.Tenant
}

// openCounter makes a till, links and a button for the demo's merchant.
func (a *app) openCounter(ctx context.Context, site *sites, m ident.ID) (*demo.Counter, error) {
	tenant, err := merchant.Operator(m, ident.Test)
	if err != nil {
		return nil, err
	}
	eur, _ := money.FiatByCode("EUR")
	sum := func(cents int64) money.Amount { return money.Units(eur, cents) }
	till, err := a.payterm.CreateTerminal(ctx, tenant, payterm.Terminal{
		Name: "Till 1", Mode: payterm.ModeKeypad, Currency: eur, Tips: []int{5, 10, 15}, PIN: demoPIN,
	})
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, l := range []payterm.Link{
		{
			Title: "Pay what you like", Description: "For the coffee you just had.", Mode: payterm.ModeCustomer, Currency: eur, Min: sum(1_00), Max: sum(500_00),
			Suggestions: []money.Amount{sum(5_00), sum(10_00), sum(20_00)},
		},
		{Title: "Cupping class, one seat", Description: "Saturday at ten, with five coffees to taste.", Mode: payterm.ModeFixed, Currency: eur, Amount: sum(35_00)},
		{Title: "Top up your coffee card", Mode: payterm.ModeDeposit},
	} {
		made, err := a.payterm.CreateLink(ctx, tenant, l)
		if err != nil {
			return nil, err
		}
		paths = append(paths, "/l/"+made.Slug)
	}
	button, err := a.payterm.CreateButton(ctx, tenant, payterm.Button{
		Name: "House blend", Description: "Two kilos, medium roast.", Mode: payterm.ModeFixed, Currency: eur, Amount: sum(25_50), MinQuantity: 1, MaxQuantity: 10, Colour: demoColour,
	})
	if err != nil {
		return nil, err
	}
	c := counter{a, tenant}
	return &demo.Counter{
		Till: "/t/" + till.Token, PIN: demoPIN, Link: paths[0], Poster: paths[0] + "/poster?size=a4", Fixed: paths[1], TopUp: paths[2],
		Form: snippet(button, ""), Source: snippet(button, site.base), Sales: c.sales, Addresses: c.addresses,
		Send: func(ctx context.Context, id string) error { return a.rehearseDeposit(ctx, id, "pay", "", "") },
	}, nil
}

// snippet is a button's form. Without a base it works under whatever name the page that holds it was opened by.
func snippet(b payterm.Button, base string) string {
	return b.Snippets(base, paintOf(b), payterm.Loader{Address: base + embed.Path, Integrity: embed.Integrity()}).Form
}

// source is a terminal, a link or a button by the name people know it by.
type source struct {
	id   ident.ID
	name string
}

// sources are all the merchant has, those made on the command line meanwhile too.
func (c counter) sources(ctx context.Context) ([]source, error) {
	var list []source
	terminals, err := c.app.payterm.ListTerminals(ctx, c.tenant)
	if err != nil {
		return nil, err
	}
	for _, x := range terminals {
		list = append(list, source{x.ID, x.Name})
	}
	links, err := c.app.payterm.ListLinks(ctx, c.tenant)
	if err != nil {
		return nil, err
	}
	for _, x := range links {
		list = append(list, source{x.ID, "Link “" + x.Title + "”"})
	}
	buttons, err := c.app.payterm.ListButtons(ctx, c.tenant)
	if err != nil {
		return nil, err
	}
	for _, x := range buttons {
		list = append(list, source{x.ID, "Button “" + x.Name + "”"})
	}
	return list, nil
}

// sales lists the newest invoices of all sources.
func (c counter) sales(ctx context.Context, most int) ([]demo.Sale, error) {
	sources, err := c.sources(ctx)
	if err != nil {
		return nil, err
	}
	var list []demo.Sale
	for _, from := range sources {
		sold, err := store.Payterms{DB: c.app.db}.Sold(ctx, from.id, most)
		if err != nil {
			return nil, err
		}
		for _, x := range sold {
			list = append(list, demo.Sale{ID: string(x.ID), From: from.name, At: x.Created})
		}
	}
	slices.SortFunc(list, func(a, b demo.Sale) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.ID, a.ID)) })
	list = list[:min(most, len(list))]
	for i := range list {
		inv, err := c.app.invoices.Find(ctx, ident.ID(list[i].ID))
		if err != nil {
			return nil, err
		}
		v := c.app.view(inv)
		x := &list[i]
		x.Number, x.Title, x.Price, x.State, x.Short, x.Coin = v.Number, v.Title, v.Price+" "+v.Currency, v.State, inv.Outcome.Amount == invoice.Short, v.Coin
	}
	return list, nil
}

// addresses lists the newest deposit addresses of the merchant that can be played with.
func (c counter) addresses(ctx context.Context, most int) ([]demo.Address, error) {
	ids, err := store.Deposits{DB: c.app.db}.Newest(ctx, c.tenant, most)
	if err != nil {
		return nil, err
	}
	var list []demo.Address
	for _, id := range ids {
		x, err := c.app.deposits.Find(ctx, id)
		if err != nil {
			return nil, err
		}
		if x.Asset != c.app.played.Asset.ID && x.Asset != c.app.played.Token.ID {
			continue
		}
		list = append(list, demo.Address{
			ID: string(x.ID), Number: x.Number, From: x.Origin, Coin: x.Currency.Code, Received: x.Received().Plain(), At: x.Created,
		})
	}
	return list, nil
}
