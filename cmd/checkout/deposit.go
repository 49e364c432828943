package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"checkout/deposit"
	"checkout/ident"
	"checkout/store"
)

// Deposit addresses are given out by faces; the command line shows them and what arrived there.
type (
	depositCmd struct {
		List depositListCmd `cmd:"" help:"List a merchant's newest deposit addresses."`
		Show depositShowCmd `cmd:"" help:"Show a deposit address with its payments."`
	}
	depositListCmd struct {
		Owner owner `embed:""`
		Limit int   `default:"20" help:"How many."`
	}
	depositShowCmd struct {
		ID string `arg:"" help:"Id or number of the address."`
	}
)

// depositView is a deposit address as the command line shows it.
type depositView struct {
	ID          ident.ID      `json:"id"`
	Number      int64         `json:"number"`
	URL         string        `json:"url"`
	Merchant    ident.ID      `json:"merchant_id"`
	Environment string        `json:"environment"`
	Origin      string        `json:"origin"`
	Asset       string        `json:"asset"`
	Coin        string        `json:"currency"`
	Address     string        `json:"address"`
	Tag         string        `json:"tag,omitempty"`
	Label       string        `json:"label"`
	Group       string        `json:"group,omitempty"`
	ConvertTo   string        `json:"convert_to,omitempty"`
	Minimum     string        `json:"minimum"`
	Received    string        `json:"received"`
	Created     string        `json:"created_at"`
	Payments    []paymentView `json:"payments,omitempty"`
}

func (a *app) depositView(x *deposit.Address) depositView {
	v := depositView{
		ID: x.ID, Number: x.Number, URL: a.address("/d/", string(x.ID)), Merchant: x.Merchant, Environment: string(x.Env), Origin: x.Origin, Asset: x.Asset,
		Coin: x.Currency.Code, Address: x.Shown(), Tag: x.Tag, Label: x.Label, Group: x.Group, ConvertTo: x.ConvertTo, Minimum: x.Minimum.Plain(),
		Received: x.Received().Plain(), Created: x.Created.Format(time.RFC3339),
	}
	for _, p := range x.Payments {
		v.Payments = append(v.Payments, paymentView{
			ID: p.ID, Number: p.Number, Amount: p.Transfer.Amount.Plain(), Coin: p.Transfer.Amount.Currency().Code, TxID: p.Transfer.TxID,
			Status: string(p.Status), Standing: string(p.Standing), Wrong: p.Crossed,
		})
	}
	return v
}

func (v depositView) line() string {
	return fmt.Sprintf("%s  %d  %14s %s  %s  %s", v.ID, v.Number, v.Received, v.Coin, v.Address, v.Label)
}

func (v depositView) text() string {
	text := v.line() + "\n" + v.URL + "\nfrom " + v.Minimum + " " + v.Coin + " on"
	if v.Group != "" {
		text += "\ngroup " + v.Group
	}
	if v.ConvertTo != "" {
		text += "\nto be converted to " + v.ConvertTo
	}
	for _, p := range v.Payments {
		text += "\n" + p.line()
	}
	return text
}

// depositNamed finds an address by what an operator calls it: its id, or its number.
func (a *app) depositNamed(ctx context.Context, name string) (*deposit.Address, error) {
	id := ident.ID(name)
	if n, err := strconv.ParseInt(name, 10, 64); err == nil && !ident.Valid(name) {
		if id, err = (store.Deposits{DB: a.db}).ByNumber(ctx, n); err != nil {
			return nil, err
		}
	}
	return a.deposits.Find(ctx, id)
}

// Run shows the address.
func (c depositShowCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		x, err := a.depositNamed(ctx, c.ID)
		if err != nil {
			return err
		}
		v := a.depositView(x)
		out.say(v, "%s", v.text())
		return nil
	})
}

// Run lists addresses.
func (c depositListCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		t, _, err := c.Owner.tenant(ctx, a)
		if err != nil {
			return err
		}
		if c.Limit < 1 || c.Limit > 1000 {
			return setting("--limit", "The limit is 1 to 1000.")
		}
		ids, err := store.Deposits{DB: a.db}.Newest(ctx, t, c.Limit)
		if err != nil {
			return err
		}
		views, text := []depositView{}, []string{}
		for _, id := range ids {
			x, err := a.deposits.Find(ctx, id)
			if err != nil {
				return err
			}
			v := a.depositView(x)
			views, text = append(views, v), append(text, v.line())
		}
		out.say(views, "%s", strings.Join(text, "\n"))
		return nil
	})
}
