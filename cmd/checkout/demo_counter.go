package main

import (
	"context"

	"checkout/ident"
	"checkout/merchant"
	"checkout/money"
	"checkout/payterm"
	"checkout/store"
	"checkout/web/demo"
	"checkout/web/embed"
)

// demoPIN opens the history of the demo's till.
const demoPIN = "1234"

// openCounter makes a till, a link with a poster and a button for the demo's merchant, in the environment of its test keys.
func (a *app) openCounter(ctx context.Context, site *sites, m ident.ID) (demo.Counter, error) {
	t, err := merchant.Operator(m, ident.Test)
	if err != nil {
		return demo.Counter{}, err
	}
	euro, _ := money.FiatByCode("EUR")
	cents := func(n int64) money.Amount { return money.Units(euro, n) }
	till, err := a.payterm.CreateTerminal(ctx, t, payterm.Terminal{
		Name: "Till 1", Mode: payterm.ModeKeypad, Currency: euro, Max: cents(2000_00), Tips: []int{5, 10, 15}, PIN: demoPIN,
	})
	if err != nil {
		return demo.Counter{}, err
	}
	link, err := a.payterm.CreateLink(ctx, t, payterm.Link{
		Title: "The tip jar", Description: "For the people behind the counter.", Mode: payterm.ModeCustomer, Currency: euro,
		Min: cents(1_00), Max: cents(500_00), Suggestions: []money.Amount{cents(2_00), cents(5_00), cents(10_00)},
	})
	if err != nil {
		return demo.Counter{}, err
	}
	fixed, err := a.payterm.CreateLink(ctx, t, payterm.Link{
		Title: "Cupping class, one seat", Description: "Saturday at ten, with five coffees to taste.", Mode: payterm.ModeFixed, Currency: euro, Amount: cents(35_00),
	})
	if err != nil {
		return demo.Counter{}, err
	}
	topUp, err := a.payterm.CreateLink(ctx, t, payterm.Link{Title: "Top up your coffee card", Mode: payterm.ModeDeposit})
	if err != nil {
		return demo.Counter{}, err
	}
	button, err := a.payterm.CreateButton(ctx, t, payterm.Button{
		Name: "House blend, 2 kg", Description: "Brazil and Ethiopia, medium roast", Mode: payterm.ModeFixed, Currency: euro, Amount: cents(25_50),
		MinQuantity: 1, MaxQuantity: 10, Text: "Buy", Colour: "#6b4a36", SuccessURL: site.base + "/demo/sales/{ID}",
	})
	if err != nil {
		return demo.Counter{}, err
	}
	loader := payterm.Loader{Address: site.base + embed.Path, Integrity: embed.Integrity()}
	return demo.Counter{
		Till: "/t/" + till.Token, PIN: demoPIN, Link: "/l/" + link.Slug, Poster: "/l/" + link.Slug + "/poster?size=a4",
		Fixed: "/l/" + fixed.Slug, TopUp: "/l/" + topUp.Slug,
		Product: button.Name + ", by the piece.", Button: button.Snippets(site.base, paintOf(button), loader).Modal,
	}, nil
}

// counterSales lists what the counter sold, the newest first.
func (a *app) counterSales(ctx context.Context, m ident.ID) ([]demo.Sale, error) {
	t, err := merchant.Operator(m, ident.Test)
	if err != nil {
		return nil, err
	}
	ids, err := store.Invoices{DB: a.db}.Newest(ctx, t, 50)
	if err != nil {
		return nil, err
	}
	var list []demo.Sale
	for _, id := range ids {
		inv, err := a.invoices.Find(ctx, id)
		if err != nil {
			return nil, err
		}
		if inv.Source == "" {
			continue
		}
		list = append(list, demo.Sale{
			Invoice: string(inv.ID), ForeignID: inv.ForeignID, By: inv.Origin, Title: inv.Title, Price: inv.Price.String() + " " + inv.Price.Currency().Code,
		})
	}
	return list, nil
}

// counterAddresses lists the deposit addresses that can be played with, the newest first.
func (a *app) counterAddresses(ctx context.Context, m ident.ID) ([]demo.Address, error) {
	t, err := merchant.Operator(m, ident.Test)
	if err != nil {
		return nil, err
	}
	ids, err := store.Deposits{DB: a.db}.Newest(ctx, t, 50)
	if err != nil {
		return nil, err
	}
	var list []demo.Address
	for _, id := range ids {
		x, err := a.deposits.Find(ctx, id)
		if err != nil {
			return nil, err
		}
		if a.playedWith(x.Asset) == nil {
			continue
		}
		list = append(list, demo.Address{ID: string(x.ID), Number: x.Number, By: x.Origin, Received: x.Received().Plain() + " " + x.Currency.Code})
	}
	return list, nil
}
