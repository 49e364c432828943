package main

import (
	"context"
	"strings"
	"time"

	"checkout/ident"
	"checkout/merchant"
	"checkout/money"
	"checkout/payterm"
	"checkout/store"
)

type (
	linkCmd struct {
		Create linkCreateCmd `cmd:"" help:"Make a payment link, with a poster of it."`
		List   linkListCmd   `cmd:"" help:"List a merchant's payment links."`
		Show   linkShowCmd   `cmd:"" help:"Show a payment link."`
		Revoke linkRevokeCmd `cmd:"" help:"Switch a payment link off for good."`
	}
	linkCreateCmd struct {
		Owner       owner    `embed:""`
		Title       string   `required:"" help:"What customers read above the amount."`
		Description string   `help:"More about it."`
		Currency    string   `help:"Currency of sums. Deposits need none." placeholder:"EUR"`
		Amount      string   `help:"The fixed sum, a plain decimal: 12.50. Without it the customer types the sum."`
		Min         string   `help:"The least sum a customer may type."`
		Max         string   `help:"The largest sum a customer may type."`
		Suggest     []string `help:"Sums offered where the customer types it, at most 4: 5,10" placeholder:"SUM"`
		Any         bool     `help:"Any sum, to a deposit address of the customer's own."`
		Stock       int64    `help:"How many payments it takes; 1: single use. Without it there is no limit." placeholder:"N"`
		Expires     string   `help:"When it ends: 2027-01-31T12:00:00Z, or after 72h." placeholder:"WHEN"`
		Message     string   `help:"What visitors read once it is over."`
		SuccessURL  string   `name:"success-url" help:"Where the customer goes on to; {ID} in it becomes the invoice's id." placeholder:"URL"`
		Field       []string `sep:"none" help:"Something the customer must say, at most 3 times; \"Name?\": if they want to." placeholder:"NAME"`
		Private     bool     `help:"Previews of the page name no sum."`
	}
	linkListCmd struct {
		Owner owner `embed:""`
	}
	linkShowCmd struct {
		Name string `arg:"" help:"Slug or id of the link."`
	}
	linkRevokeCmd struct {
		Name string `arg:"" help:"Slug or id of the link."`
	}
)

// linkView is a link as the command line shows it.
type linkView struct {
	ID       ident.ID     `json:"link_id"`
	Merchant ident.ID     `json:"merchant_id"`
	Env      string       `json:"environment"`
	Slug     string       `json:"slug"`
	URL      string       `json:"url"`
	Poster   string       `json:"poster_url"`
	Title    string       `json:"title"`
	Text     string       `json:"description,omitempty"`
	Mode     payterm.Mode `json:"mode"`
	sumsView
	Suggestions []string         `json:"suggestions,omitempty"`
	Stock       int64            `json:"stock,omitempty"`
	Standing    payterm.Standing `json:"standing"`
	Expires     string           `json:"expires_at,omitempty"`
	Message     string           `json:"message,omitempty"`
	SuccessURL  string           `json:"success_url,omitempty"`
	Fields      []payterm.Field  `json:"fields,omitempty"`
	Private     bool             `json:"private,omitempty"`
	Created     string           `json:"created_at"`
	Revoked     string           `json:"revoked_at,omitempty"`
}

func (a *app) linkView(ctx context.Context, x payterm.Link) (linkView, error) {
	v := linkView{
		ID: x.ID, Merchant: x.Merchant, Env: string(x.Env), Slug: x.Slug, URL: a.address("/l/", x.Slug), Poster: a.address("/l/", x.Slug+"/poster?size=a4"),
		Title: x.Title, Text: x.Description, Mode: x.Mode, sumsView: sumsOf(x.Currency, x.Amount, x.Min, x.Max), Stock: x.Stock, Expires: stamp(x.Expires),
		Message: x.Message, SuccessURL: x.SuccessURL, Fields: x.Fields, Private: x.Private, Created: stamp(x.Created), Revoked: stamp(x.Revoked),
	}
	for _, s := range x.Suggestions {
		v.Suggestions = append(v.Suggestions, s.String())
	}
	var err error
	_, v.Standing, err = a.payterm.Link(ctx, x.Slug)
	return v, err
}

func (v linkView) text() string {
	text := "link " + string(v.ID) + "  " + v.Title + "  " + v.line() + "  " + string(v.Standing) + "\n" + v.URL + "\nposter " + v.Poster
	if v.Expires != "" {
		text += "\nexpires " + v.Expires
	}
	return text
}

// link is what the flags describe.
func (c linkCreateCmd) link(now time.Time) (payterm.Link, error) {
	x := payterm.Link{
		Title: c.Title, Description: c.Description, Mode: payterm.ModeCustomer, Stock: c.Stock, Message: c.Message, SuccessURL: c.SuccessURL, Private: c.Private,
	}
	switch {
	case c.Any && (c.Amount != "" || c.Min != "" || c.Max != ""):
		return x, setting("--any", "Any sum is not this sum: --any stands alone.")
	case c.Any:
		x.Mode = payterm.ModeDeposit
	case c.Amount != "":
		x.Mode = payterm.ModeFixed
	}
	flags, into := map[string]string{"--amount": c.Amount, "--min": c.Min, "--max": c.Max}, map[string]*money.Amount{"--amount": &x.Amount, "--min": &x.Min, "--max": &x.Max}
	var err error
	if x.Currency, err = parsed(c.Currency, flags, into); err != nil {
		return x, err
	}
	for _, text := range c.Suggest {
		var sum money.Amount
		if _, err := parsed(c.Currency, map[string]string{"--suggest": text}, map[string]*money.Amount{"--suggest": &sum}); err != nil {
			return x, err
		}
		x.Suggestions = append(x.Suggestions, sum)
	}
	for _, name := range c.Field {
		asked, optional := strings.CutSuffix(name, "?")
		x.Fields = append(x.Fields, payterm.Field{Name: asked, Required: !optional})
	}
	x.Expires, err = ending(c.Expires, now)
	return x, err
}

// ending reads when something ends: an instant, or how long from now.
func ending(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(d), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, setting("--expires", "An end is an instant, 2027-01-31T12:00:00Z, or a time from now, 72h.")
	}
	return at, nil
}

// Run makes the link.
func (c linkCreateCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		t, _, err := c.Owner.tenant(ctx, a)
		if err != nil {
			return err
		}
		x, err := c.link(a.now())
		if err != nil {
			return err
		}
		if x, err = a.payterm.CreateLink(ctx, t, x); err != nil {
			return err
		}
		return a.sayLink(ctx, out, x)
	})
}

func (a *app) sayLink(ctx context.Context, out *console, x payterm.Link) error {
	v, err := a.linkView(ctx, x)
	if err != nil {
		return err
	}
	out.say(v, "%s", v.text())
	return nil
}

// Run lists links.
func (c linkListCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		t, _, err := c.Owner.tenant(ctx, a)
		if err != nil {
			return err
		}
		list, err := a.payterm.ListLinks(ctx, t)
		if err != nil {
			return err
		}
		var views []linkView
		for _, x := range list {
			v, err := a.linkView(ctx, x)
			if err != nil {
				return err
			}
			views = append(views, v)
		}
		say(out, views, func(v linkView) linkView { return v }, linkView.text)
		return nil
	})
}

// Run shows the link.
func (c linkShowCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		x, err := a.linkNamed(ctx, c.Name)
		if err != nil {
			return err
		}
		return a.sayLink(ctx, out, x)
	})
}

// linkNamed finds a link by its id, or by its slug however it is spelt.
func (a *app) linkNamed(ctx context.Context, name string) (payterm.Link, error) {
	if slug, ok := payterm.ParseSlug(name); ok {
		name = slug
	}
	return store.Payterms{DB: a.db}.Link(ctx, name)
}

// Run switches the link off.
func (c linkRevokeCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		x, err := a.linkNamed(ctx, c.Name)
		if err != nil {
			return err
		}
		t, err := merchant.Operator(x.Merchant, x.Env)
		if err != nil {
			return err
		}
		if x, err = a.payterm.RevokeLink(ctx, t, string(x.ID)); err != nil {
			return err
		}
		return a.sayLink(ctx, out, x)
	})
}
