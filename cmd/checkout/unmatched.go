package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"checkout/chain"
	"checkout/fault"
	"checkout/ident"
	"checkout/store"
	"checkout/watch"
)

type unmatchedCmd struct {
	List   unmatchedListCmd   `cmd:"" help:"List payments to a merchant's shared addresses whose tag is nobody's."`
	Assign unmatchedAssignCmd `cmd:"" help:"Give one to the invoice it was meant for."`
}

// unmatchedView is a payment of the inbox as the command line shows it.
type unmatchedView struct {
	ID         ident.ID `json:"id"`
	Network    string   `json:"network"`
	Amount     string   `json:"amount"`
	Coin       string   `json:"currency"`
	Address    string   `json:"address"`
	Tag        string   `json:"tag,omitempty"`
	TxID       string   `json:"txid"`
	Seen       string   `json:"seen"`
	AssignedTo ident.ID `json:"assigned_to,omitempty"`
	AssignedBy string   `json:"assigned_by,omitempty"`
}

func viewUnmatched(u watch.Unmatched) unmatchedView {
	address, tag := chain.Unshared(u.Transfer.Address)
	return unmatchedView{
		ID: u.ID, Network: u.Transfer.Network, Amount: u.Transfer.Amount.Plain(), Coin: u.Transfer.Amount.Currency().Code, Address: address, Tag: tag,
		TxID: u.Transfer.TxID, Seen: u.Seen.Format(time.RFC3339), AssignedTo: u.AssignedTo, AssignedBy: u.AssignedBy,
	}
}

func (v unmatchedView) line() string {
	tag := "no tag"
	if v.Tag != "" {
		tag = "tag " + v.Tag
	}
	line := fmt.Sprintf("%s  %s %s  %s, %s  %s  %s", v.ID, v.Amount, v.Coin, v.Address, tag, v.Seen, v.TxID)
	if v.AssignedTo != "" {
		line += "  given to " + string(v.AssignedTo) + " by " + v.AssignedBy
	}
	return line
}

type unmatchedListCmd struct {
	Merchant string `required:"" help:"Id of the merchant."`
	All      bool   `help:"Those that were given to invoices, too."`
	Limit    int    `default:"100" help:"How many."`
}

// Run lists the inbox.
func (c unmatchedListCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		if c.Limit < 1 || c.Limit > 1000 {
			return setting("--limit", "The limit is 1 to 1000.")
		}
		m, err := store.Merchants{DB: a.db}.Find(ctx, ident.ID(c.Merchant))
		if err != nil {
			return err
		}
		list, err := store.Chains{DB: a.db}.Unmatched(ctx, m.ID, c.All, c.Limit)
		if err != nil {
			return err
		}
		views, text := []unmatchedView{}, []string{}
		for _, u := range list {
			v := viewUnmatched(u)
			views, text = append(views, v), append(text, v.line())
		}
		if len(text) == 0 {
			text = []string{"The inbox is empty."}
		}
		out.say(views, "%s", strings.Join(text, "\n"))
		return nil
	})
}

type unmatchedAssignCmd struct {
	ID      string `arg:"" help:"Id of the payment, as the list shows it."`
	Invoice string `arg:"" help:"Id or number of the invoice."`
	By      string `default:"operator" help:"Who decides, for the record."`
}

// Assignments that make no sense.
var (
	errOtherMerchant = fault.New(fault.Invalid, "other_merchant", "The payment came to another merchant's address.")
	errNotAsked      = fault.New(fault.Invalid, "not_asked", "The invoice never asked for this coin: it has no address there.")
)

// Run credits the payment to the invoice, as seen when it was.
func (c unmatchedAssignCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		if err := a.rates.RunOnce(ctx); err != nil {
			return err
		}
		u, err := a.assign(ctx, ident.ID(c.ID), c.Invoice, c.By)
		if err != nil {
			return err
		}
		v := viewUnmatched(u)
		out.say(v, "%s", v.line())
		return nil
	})
}

// assign gives a payment of the inbox to an invoice of the same merchant that asked for its coin.
func (a *app) assign(ctx context.Context, id ident.ID, name, by string) (watch.Unmatched, error) {
	chains := store.Chains{DB: a.db}
	u, err := chains.FindUnmatched(ctx, id)
	if err != nil {
		return u, err
	}
	inv, err := a.named(ctx, name)
	if err != nil {
		return u, err
	}
	if inv.Merchant != u.Merchant {
		return u, errOtherMerchant
	}
	addr, asked := inv.Address(u.Transfer.Asset)
	if !asked || addr.Network != u.Transfer.Network {
		return u, errNotAsked
	}
	given := u.Transfer
	given.Address = addr.Text
	s := chain.Sighting{Tx: chain.Tx{ID: given.TxID, Outputs: []chain.Transfer{given}}, Transfer: given, Block: u.Block, At: u.Seen}
	s.Turned = true // a person says that it is for this invoice, whenever it came
	err = chains.Together(ctx, func(ctx context.Context) error {
		cursor, _, err := chains.Cursor(ctx, given.Network)
		if err != nil {
			return err
		}
		if err := chains.AssignUnmatched(ctx, u.ID, inv.ID, by); err != nil {
			return err
		}
		s.Tip = cursor.Tip.Height
		return a.invoices.Seen(ctx, inv.ID, s)
	})
	if err != nil {
		return u, err
	}
	return chains.FindUnmatched(ctx, u.ID)
}
