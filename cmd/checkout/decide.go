package main

import (
	"context"
	"os/user"
	"time"

	"checkout/invoice"
	"checkout/merchant"
)

// A person's decision about an invoice. The reason is kept with who decided, and the shop is told what follows.
type decision struct {
	ID     string `arg:"" help:"Id or number of the invoice."`
	Reason string `required:"" help:"Why, for whoever reads the history later."`
	Actor  string `help:"Who decides; the system's user by default." placeholder:"NAME"`
}

type (
	invoiceAcceptCmd     struct{ decision }
	invoiceInvalidateCmd struct{ decision }
	invoiceCancelCmd     struct{ decision }
	invoiceReopenCmd     struct {
		decision
		For time.Duration `default:"1h" help:"How long it may be paid from now on."`
	}
)

// Run settles an invoice with what has come, or with what was paid by other means.
func (c invoiceAcceptCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return c.decide(ctx, s, out, invoice.Mark{Kind: invoice.MarkAccept})
}

// Run ends an invoice that shall not be paid any more, whatever has come.
func (c invoiceInvalidateCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return c.decide(ctx, s, out, invoice.Mark{Kind: invoice.MarkInvalidate})
}

// Run ends an invoice nothing was seen of.
func (c invoiceCancelCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return c.decide(ctx, s, out, invoice.Mark{Kind: invoice.MarkCancel})
}

// Run gives an invoice that ended unpaid another deadline.
func (c invoiceReopenCmd) Run(ctx context.Context, s *Settings, out *console) error {
	if c.For < time.Minute || c.For > 366*24*time.Hour {
		return setting("--for", "An invoice is reopened for a minute to a year.")
	}
	return c.decide(ctx, s, out, invoice.Mark{Kind: invoice.MarkReopen, Until: time.Now().Add(c.For)})
}

func (d decision) decide(ctx context.Context, s *Settings, out *console, m invoice.Mark) error {
	if m.Reason = d.Reason; !merchant.Presentable(m.Reason, 500) {
		return setting("--reason", "A reason has 1 to 500 characters and no control characters.")
	}
	var err error
	if m.Actor, err = actorOf(d.Actor); err != nil {
		return err
	}
	return with(ctx, s, out, func(a *app) error {
		inv, err := a.named(ctx, d.ID)
		if err != nil {
			return err
		}
		if inv, err = a.invoices.Decide(ctx, inv.ID, m); err != nil {
			return err
		}
		v := a.view(inv)
		out.say(v, "%s", v.line())
		return nil
	})
}

// actorOf is who decides: as named, else the system's user.
func actorOf(name string) (string, error) {
	if name == "" {
		name = "operator"
		if u, err := user.Current(); err == nil {
			name = u.Username
		}
	}
	if !merchant.Presentable(name, 100) {
		return "", setting("--actor", "A name has 1 to 100 characters and no control characters.")
	}
	return name, nil
}
