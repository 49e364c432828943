package main

import (
	"context"
	"strconv"
	"strings"

	"checkout/ident"
	"checkout/merchant"
	"checkout/money"
	"checkout/payterm"
	"checkout/store"
	"checkout/web/brand"
	"checkout/web/embed"
)

type (
	buttonCmd struct {
		Create buttonCreateCmd `cmd:"" help:"Make a buy-now button: a product with a price, sold by a form on any page."`
		List   buttonListCmd   `cmd:"" help:"List a merchant's buttons."`
		Show   buttonShowCmd   `cmd:"" help:"Show a button, with its secret and its snippets."`
		Revoke buttonRevokeCmd `cmd:"" help:"Switch a button off for good."`
	}
	buttonCreateCmd struct {
		Owner       owner  `embed:""`
		Name        string `required:"" help:"Name of the product."`
		Description string `help:"More about it."`
		Currency    string `required:"" help:"Currency of the price." placeholder:"EUR"`
		Amount      string `help:"The price of one, a plain decimal: 12.50. Without it the customer types the sum."`
		Min         string `help:"The least sum a customer may type."`
		Max         string `help:"The largest sum a customer may type."`
		Quantity    string `help:"How many can be bought at once: 1-10" placeholder:"FROM-TO"`
		Stock       int64  `help:"How many there are, sold one by one. Without it there is no limit." placeholder:"N"`
		SuccessURL  string `name:"success-url" help:"Where the customer goes on to; {ID} in it becomes the invoice's id." placeholder:"URL"`
		FailureURL  string `name:"failure-url" help:"Where the customer goes back to." placeholder:"URL"`
		Text        string `default:"Buy now" help:"What the button says."`
		Color       string `help:"Its colour, #rrggbb. It is corrected until it can be read." placeholder:"COLOUR"`
	}
	buttonListCmd struct {
		Owner owner `embed:""`
	}
	buttonShowCmd struct {
		Name string `arg:"" help:"Slug or id of the button."`
	}
	buttonRevokeCmd struct {
		Name string `arg:"" help:"Slug or id of the button."`
	}
)

// buttonView is a button as the command line shows it.
type buttonView struct {
	ID       ident.ID     `json:"button_id"`
	Merchant ident.ID     `json:"merchant_id"`
	Env      string       `json:"environment"`
	Slug     string       `json:"slug"`
	URL      string       `json:"url"`
	Name     string       `json:"name"`
	Text     string       `json:"description,omitempty"`
	Mode     payterm.Mode `json:"mode"`
	sumsView
	MinQuantity int64            `json:"min_quantity"`
	MaxQuantity int64            `json:"max_quantity"`
	Stock       int64            `json:"stock,omitempty"`
	Secret      string           `json:"secret,omitempty"` // in lists it is left out
	SuccessURL  string           `json:"success_url,omitempty"`
	FailureURL  string           `json:"failure_url,omitempty"`
	Label       string           `json:"text"`
	Colour      string           `json:"color,omitempty"`
	Created     string           `json:"created_at"`
	Revoked     string           `json:"revoked_at,omitempty"`
	Snippets    payterm.Snippets `json:"snippets"`
}

// defaultPaint is the colours of a button nobody gave one.
var defaultPaint = payterm.Paint{Ground: "#0b5fff", Ink: "#ffffff"}

// paintOf is a button's colours, corrected until they can be read.
func paintOf(x payterm.Button) payterm.Paint {
	if p, err := brand.New(x.Colour); err == nil {
		return payterm.Paint{Ground: p.Light.Brand, Ink: p.Light.OnBrand}
	}
	return defaultPaint
}

func (a *app) buttonView(x payterm.Button) buttonView {
	return buttonView{
		ID: x.ID, Merchant: x.Merchant, Env: string(x.Env), Slug: x.Slug, URL: a.address("/b/", x.Slug), Name: x.Name, Text: x.Description, Mode: x.Mode,
		sumsView: sumsOf(x.Currency, x.Amount, x.Min, x.Max), MinQuantity: x.MinQuantity, MaxQuantity: x.MaxQuantity, Stock: x.Stock,
		SuccessURL: x.SuccessURL, FailureURL: x.FailureURL, Label: x.Text, Colour: x.Colour, Created: stamp(x.Created), Revoked: stamp(x.Revoked),
		Snippets: x.Snippets(a.address("", ""), paintOf(x), payterm.Loader{Address: a.address(embed.Path, ""), Integrity: embed.Integrity()}),
	}
}

func (v buttonView) line() string {
	text := "button " + string(v.ID) + "  " + v.Name + "  " + v.sumsView.line() + "\n" + v.URL
	if v.Revoked != "" {
		text += "\nrevoked " + v.Revoked
	}
	return text
}

func (v buttonView) text() string {
	return v.line() + "\nsecret " + v.Secret + "\n\nA form, for any page:\n\n" + v.Snippets.Form + "\nThe same, with the payment in a dialog:\n\n" + v.Snippets.Modal +
		"\nA link, for letters:\n\n" + strings.TrimSuffix(v.Snippets.Link, "\n")
}

// button is what the flags describe.
func (c buttonCreateCmd) button() (payterm.Button, error) {
	x := payterm.Button{
		Name: c.Name, Description: c.Description, Mode: payterm.ModeCustomer, Stock: c.Stock, SuccessURL: c.SuccessURL, FailureURL: c.FailureURL, Text: c.Text,
		Colour: strings.ToLower(c.Color),
	}
	if c.Amount != "" {
		x.Mode = payterm.ModeFixed
	}
	var err error
	x.Currency, err = parsed(c.Currency, map[string]string{"--amount": c.Amount, "--min": c.Min, "--max": c.Max},
		map[string]*money.Amount{"--amount": &x.Amount, "--min": &x.Min, "--max": &x.Max})
	if err != nil || c.Quantity == "" {
		return x, err
	}
	from, to, found := strings.Cut(c.Quantity, "-")
	if !found {
		from, to = "1", from
	}
	var bad error
	x.MinQuantity, err = strconv.ParseInt(from, 10, 64)
	if x.MaxQuantity, bad = strconv.ParseInt(to, 10, 64); err != nil || bad != nil {
		return x, setting("--quantity", "A quantity is a range, 1-10, or the most, 10.")
	}
	return x, nil
}

// Run makes the button.
func (c buttonCreateCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		t, _, err := c.Owner.tenant(ctx, a)
		if err != nil {
			return err
		}
		x, err := c.button()
		if err != nil {
			return err
		}
		if x, err = a.payterm.CreateButton(ctx, t, x); err != nil {
			return err
		}
		a.sayButton(out, x)
		return nil
	})
}

// sayButton shows a button with its secret.
func (a *app) sayButton(out *console, x payterm.Button) {
	v := a.buttonView(x)
	v.Secret = x.Secret.Reveal()
	out.say(v, "%s", v.text())
}

// Run lists buttons.
func (c buttonListCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		t, _, err := c.Owner.tenant(ctx, a)
		if err != nil {
			return err
		}
		list, err := a.payterm.ListButtons(ctx, t)
		if err != nil {
			return err
		}
		say(out, list, a.buttonView, buttonView.line)
		return nil
	})
}

// Run shows the button.
func (c buttonShowCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		x, err := a.buttonNamed(ctx, c.Name)
		if err != nil {
			return err
		}
		a.sayButton(out, x)
		return nil
	})
}

// buttonNamed finds a button by its id, or by its slug however it is spelt.
func (a *app) buttonNamed(ctx context.Context, name string) (payterm.Button, error) {
	if slug, ok := payterm.ParseSlug(name); ok {
		name = slug
	}
	return store.Payterms{DB: a.db}.Button(ctx, name)
}

// Run switches the button off.
func (c buttonRevokeCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		x, err := a.buttonNamed(ctx, c.Name)
		if err != nil {
			return err
		}
		t, err := merchant.Operator(x.Merchant, x.Env)
		if err != nil {
			return err
		}
		if x, err = a.payterm.RevokeButton(ctx, t, string(x.ID)); err != nil {
			return err
		}
		v := a.buttonView(x)
		out.say(v, "%s", v.line())
		return nil
	})
}
