package main

import (
	"context"

	"checkout/fault"
	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
)

// Refunds of money in merchants' own wallets: approved here, sent by the merchant, and proven by the chain.
type (
	invoiceRefundCmd struct {
		decision
		Payment string `help:"Id, number or transaction of the payment, if there are several." placeholder:"PAYMENT"`
		Amount  string `help:"How much of it, in coins; all of it by default." placeholder:"AMOUNT"`
		To      string `help:"Where to, if the payer has left no address." placeholder:"ADDRESS"`
	}
	invoiceRefundSentCmd struct {
		ID     string   `arg:"" help:"Id or number of the invoice."`
		TxID   string   `arg:"" name:"txid" help:"The transaction that pays the refund."`
		Refund ident.ID `help:"Id of the refund, if several are open." placeholder:"REFUND"`
		Trust  bool     `help:"Record it though no node knows of it."`
		Actor  string   `help:"Who says so; the system's user by default." placeholder:"NAME"`
	}
	invoiceRefundRejectCmd struct {
		ID     string   `arg:"" help:"Id or number of the invoice."`
		Refund ident.ID `help:"Id of the refund, if several are open." placeholder:"REFUND"`
		Actor  string   `help:"Who says so; the system's user by default." placeholder:"NAME"`
	}
)

// refundAnswer is a refund as programs read it.
type refundAnswer struct {
	ID      ident.ID            `json:"refund_id"`
	Invoice ident.ID            `json:"invoice_id"`
	Payment ident.ID            `json:"payment_id"`
	State   invoice.RefundState `json:"state"`
	Amount  string              `json:"amount"`
	Coin    string              `json:"currency"`
	Network string              `json:"network"`
	Address string              `json:"address"`
	TxID    string              `json:"txid,omitempty"`
	Proven  bool                `json:"proven"`
}

func answerOf(of ident.ID, r invoice.Refund) refundAnswer {
	return refundAnswer{
		ID: r.ID, Invoice: of, Payment: r.Payment, State: r.State, Amount: r.Amount.Plain(), Coin: r.Amount.Currency().Code,
		Network: r.Network, Address: r.Address, TxID: r.TxID, Proven: r.Proven,
	}
}

// Run approves a refund and says what to send where.
func (c invoiceRefundCmd) Run(ctx context.Context, s *Settings, out *console) error {
	if !merchant.Presentable(c.Reason, 500) {
		return setting("--reason", "A reason has 1 to 500 characters and no control characters.")
	}
	actor, err := actorOf(c.Actor)
	if err != nil {
		return err
	}
	return with(ctx, s, out, func(a *app) error {
		inv, err := a.named(ctx, c.ID)
		if err != nil {
			return err
		}
		order := invoice.RefundOrder{Payment: c.Payment, Address: c.To, Actor: actor, Reason: c.Reason}
		if c.Amount != "" {
			amount, err := refundAmount(inv, c.Payment, c.Amount)
			if err != nil {
				return err
			}
			order.Amount = &amount
		}
		if inv, err = a.invoices.Refund(ctx, inv.ID, order); err != nil {
			return err
		}
		r := inv.Refunds[len(inv.Refunds)-1]
		out.say(answerOf(inv.ID, r), "refund %s approved\nSend %s %s on %s to %s, then:\n  checkout invoice refund-sent %d TXID", r.ID, r.Amount.Plain(),
			r.Amount.Currency().Code, r.Network, r.Address, inv.Number)
		return nil
	})
}

// refundAmount reads an amount in the coin of the payment that is to be refunded.
func refundAmount(inv *invoice.Invoice, payment, text string) (money.Amount, error) {
	p, err := inv.Returnable(payment)
	if err != nil {
		return money.Amount{}, err
	}
	amount, err := money.Parse(p.Transfer.Amount.Currency(), text)
	if err != nil {
		return money.Amount{}, setting("--amount", "The amount is a plain decimal of "+p.Transfer.Amount.Currency().Code+".")
	}
	return amount, nil
}

// Run records the transaction that paid a refund.
func (c invoiceRefundSentCmd) Run(ctx context.Context, s *Settings, out *console) error {
	if c.TxID == "" || len(c.TxID) > 128 || !merchant.Presentable(c.TxID, 128) {
		return fault.New(fault.Invalid, "txid", "A transaction id has at most 128 characters.").At("txid")
	}
	return endRefund(ctx, s, out, c.ID, c.Actor, func(a *app, inv *invoice.Invoice, actor string) (invoice.Refund, error) {
		return a.invoices.RefundSent(ctx, inv.ID, c.Refund, c.TxID, actor, c.Trust)
	})
}

// Run takes the approval of a refund back.
func (c invoiceRefundRejectCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return endRefund(ctx, s, out, c.ID, c.Actor, func(a *app, inv *invoice.Invoice, actor string) (invoice.Refund, error) {
		return a.invoices.RejectRefund(ctx, inv.ID, c.Refund, actor)
	})
}

// endRefund runs what ends a refund, and shows it.
func endRefund(ctx context.Context, s *Settings, out *console, name, who string, end func(*app, *invoice.Invoice, string) (invoice.Refund, error)) error {
	actor, err := actorOf(who)
	if err != nil {
		return err
	}
	return with(ctx, s, out, func(a *app) error {
		inv, err := a.named(ctx, name)
		if err != nil {
			return err
		}
		r, err := end(a, inv, actor)
		if err != nil {
			return err
		}
		out.say(answerOf(inv.ID, r), "refund %s %s", r.ID, r.State)
		return nil
	})
}
