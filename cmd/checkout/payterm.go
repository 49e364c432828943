package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"checkout/ident"
	"checkout/merchant"
	"checkout/money"
	"checkout/payterm"
	"checkout/store"
)

// Terminals, payment links and buttons. They belong to a merchant in an environment; whoever has the command line manages
// everybody's, and names them by id, token or slug.
type (
	terminalCmd struct {
		Create terminalCreateCmd `cmd:"" help:"Make a terminal: a till in the browser."`
		List   terminalListCmd   `cmd:"" help:"List a merchant's terminals."`
		Show   terminalShowCmd   `cmd:"" help:"Show a terminal."`
		Revoke terminalRevokeCmd `cmd:"" help:"Switch a terminal off for good."`
	}
	terminalCreateCmd struct {
		Owner    owner  `embed:""`
		Name     string `required:"" help:"Name at the top of it: Till 1"`
		Mode     string `default:"keypad" enum:"keypad,fixed,customer,deposit" help:"keypad: staff type the sum. fixed: it stands. customer: the customer types it. deposit: any sum, to a deposit address."`
		Currency string `help:"Currency of sums. Deposits need none." placeholder:"EUR"`
		Amount   string `help:"The fixed sum, a plain decimal: 12.50"`
		Min      string `help:"The least sum that is taken."`
		Max      string `help:"The largest sum that is taken."`
		Tips     []int  `help:"Percentages offered as a tip, at most 4: 5,10,15" placeholder:"PERCENT"`
		PIN      string `name:"pin" help:"4 to 8 digits that open the history at the till; without it there is none."`
	}
	terminalListCmd struct {
		Owner owner `embed:""`
	}
	terminalShowCmd struct {
		Name string `arg:"" help:"Token or id of the terminal."`
	}
	terminalRevokeCmd struct {
		Name string `arg:"" help:"Token or id of the terminal."`
	}
)

// terminalView is a terminal as the command line shows it.
type terminalView struct {
	ID       ident.ID     `json:"terminal_id"`
	Merchant ident.ID     `json:"merchant_id"`
	Env      string       `json:"environment"`
	Token    string       `json:"token"`
	URL      string       `json:"url"`
	Name     string       `json:"name"`
	Mode     payterm.Mode `json:"mode"`
	sumsView
	Tips    []int  `json:"tips,omitempty"`
	PIN     bool   `json:"has_pin"`
	Created string `json:"created_at"`
	Revoked string `json:"revoked_at,omitempty"`
}

// sumsView is who names the sum.
type sumsView struct {
	Currency string `json:"currency,omitempty"`
	Amount   string `json:"amount,omitempty"`
	Min      string `json:"min,omitempty"`
	Max      string `json:"max,omitempty"`
}

func sumsOf(c money.Currency, amount, least, most money.Amount) sumsView {
	return sumsView{Currency: c.Code, Amount: plain(amount), Min: plain(least), Max: plain(most)}
}

// plain is a sum, or nothing if there is none.
func plain(a money.Amount) string {
	if a.IsZero() {
		return ""
	}
	return a.String()
}

// line says in words what is paid.
func (v sumsView) line() string {
	switch {
	case v.Amount != "":
		return v.Amount + " " + v.Currency
	case v.Min != "" || v.Max != "":
		return v.Min + "–" + v.Max + " " + v.Currency
	case v.Currency != "":
		return "any sum in " + v.Currency
	}
	return "any sum"
}

// stamp writes an instant; none is nothing.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

func (a *app) terminalView(x payterm.Terminal) terminalView {
	return terminalView{
		ID: x.ID, Merchant: x.Merchant, Env: string(x.Env), Token: x.Token, URL: a.address("/t/", x.Token), Name: x.Name, Mode: x.Mode,
		sumsView: sumsOf(x.Currency, x.Amount, x.Min, x.Max), Tips: x.Tips, PIN: x.PIN != "", Created: stamp(x.Created), Revoked: stamp(x.Revoked),
	}
}

// address is where customers find something.
func (a *app) address(path, name string) string {
	return a.settings.base(a.settings.Listen) + path + name
}

func (v terminalView) text() string {
	text := "terminal " + string(v.ID) + "  " + v.Name + "  " + string(v.Mode) + "  " + v.line() + "\n" + v.URL
	if len(v.Tips) > 0 {
		var tips []string
		for _, p := range v.Tips {
			tips = append(tips, strconv.Itoa(p)+" %")
		}
		text += "\ntips " + strings.Join(tips, ", ")
	}
	if v.Revoked != "" {
		text += "\nrevoked " + v.Revoked
	}
	return text
}

// parsed reads flags that are sums of a currency. The flags come in pairs: a name and its text.
func parsed(code string, flags map[string]string, into map[string]*money.Amount) (money.Currency, error) {
	if code == "" {
		for name, text := range flags {
			if text != "" {
				return money.Currency{}, setting(name, "A sum needs --currency.")
			}
		}
		return money.Currency{}, nil
	}
	c, ok := money.FiatByCode(strings.ToUpper(code))
	if !ok {
		return c, setting("--currency", "Sums are in a currency of ISO 4217: EUR, USD, JPY.")
	}
	for name, text := range flags {
		if text == "" {
			continue
		}
		a, err := money.Parse(c, money.TrimZeros(text))
		if err != nil || a.Sign() <= 0 {
			return c, setting(name, "A sum is a plain decimal above zero, with no more decimals than the currency has.")
		}
		*into[name] = a
	}
	return c, nil
}

// Run makes the terminal.
func (c terminalCreateCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		t, _, err := c.Owner.tenant(ctx, a)
		if err != nil {
			return err
		}
		x := payterm.Terminal{Name: c.Name, Mode: payterm.Mode(c.Mode), Tips: c.Tips, PIN: merchant.Secret(c.PIN)}
		x.Currency, err = parsed(c.Currency, map[string]string{"--amount": c.Amount, "--min": c.Min, "--max": c.Max},
			map[string]*money.Amount{"--amount": &x.Amount, "--min": &x.Min, "--max": &x.Max})
		if err != nil {
			return err
		}
		if x, err = a.payterm.CreateTerminal(ctx, t, x); err != nil {
			return err
		}
		v := a.terminalView(x)
		out.say(v, "%s", v.text())
		return nil
	})
}

// Run lists terminals.
func (c terminalListCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		t, _, err := c.Owner.tenant(ctx, a)
		if err != nil {
			return err
		}
		list, err := a.payterm.ListTerminals(ctx, t)
		if err != nil {
			return err
		}
		say(out, list, a.terminalView, terminalView.text)
		return nil
	})
}

// say shows a list, one thing after the other.
func say[T, V any](out *console, list []T, view func(T) V, text func(V) string) {
	views, texts := []V{}, []string{}
	for _, x := range list {
		v := view(x)
		views, texts = append(views, v), append(texts, text(v))
	}
	out.say(views, "%s", strings.Join(texts, "\n\n"))
}

// Run shows the terminal.
func (c terminalShowCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		x, err := (store.Payterms{DB: a.db}).TerminalNamed(ctx, c.Name)
		if err != nil {
			return err
		}
		v := a.terminalView(x)
		out.say(v, "%s", v.text())
		return nil
	})
}

// Run switches the terminal off.
func (c terminalRevokeCmd) Run(ctx context.Context, s *Settings, out *console) error {
	return with(ctx, s, out, func(a *app) error {
		x, err := (store.Payterms{DB: a.db}).TerminalNamed(ctx, c.Name)
		if err != nil {
			return err
		}
		t, err := merchant.Operator(x.Merchant, x.Env)
		if err != nil {
			return err
		}
		if x, err = a.payterm.RevokeTerminal(ctx, t, string(x.ID)); err != nil {
			return err
		}
		v := a.terminalView(x)
		out.say(v, "%s", v.text())
		return nil
	})
}
