package checkout

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"checkout/chain"
	"checkout/invoice"
	"checkout/web/templates"
	"checkout/web/texts"
)

// searchFrom is how many methods a reader can be expected to look through.
const searchFrom = 9

// behindFrom is how far a network may be behind before the method form says so.
const behindFrom = time.Minute

// The answers to "I am paying from".
const (
	fromWallet   = "wallet"
	fromExchange = "exchange"
)

// choose is the method form: coins in the merchant's order, those on several networks in a group of their own. What a method
// would cost is unbinding: nothing is locked yet.
func (f *Face) choose(s scene) *templates.Choose {
	inv := s.inv
	c := &templates.Choose{
		Action: s.query.path(inv.ID, "/method"), AskMail: true, Mail: inv.Email,
		From: &templates.From{Wallet: fromWallet, Exchange: fromExchange, AtExchange: inv.FromExchange, Longer: inv.Terms.SlowPayer > 0},
	}
	if s.form != nil {
		c.Mail, c.Error, c.MailError = s.form.Mail, s.form.Error, s.form.MailError
		c.From.AtExchange = s.form.From != nil && s.form.From.AtExchange
	}
	options := f.options(s)
	if len(options) >= searchFrom {
		c.Search = &templates.Search{Action: "/i/" + string(inv.ID), Typed: s.query.find, All: s.query.path(inv.ID, "", "m", ""), Hidden: s.query.hidden("m", "")}
		options = matching(options, s.query.find)
		c.Search.None = len(options) == 0
	}
	wanted := s.query.method
	if _, offered := inv.Method(wanted); !offered {
		wanted = inv.Asset
	}
	preselect(options, wanted)
	c.Groups = grouped(options)
	return c
}

// options are the methods that are known, in the merchant's order.
func (f *Face) options(s scene) []templates.Option {
	var list []templates.Option
	for _, m := range s.inv.Methods {
		if o, ok := f.option(s.lang, s.inv, m); ok {
			list = append(list, o)
		}
	}
	return list
}

// matching are the options whose coin or network holds what was typed.
func matching(options []templates.Option, typed string) []templates.Option {
	typed = strings.ToLower(strings.TrimSpace(typed))
	return slices.DeleteFunc(slices.Clone(options), func(o templates.Option) bool {
		return !strings.Contains(strings.ToLower(o.Coin+" "+o.Name+" "+o.Network), typed)
	})
}

// preselect chooses for the reader: what they want, or for who has no wish the merchant's first that can be had.
func preselect(options []templates.Option, wanted string) {
	can := func(o templates.Option) bool { return o.Why == "" }
	at := slices.IndexFunc(options, func(o templates.Option) bool { return can(o) && o.Value == wanted })
	if at < 0 {
		at = slices.IndexFunc(options, can)
	}
	if at >= 0 {
		options[at].Chosen = true
	}
}

// grouped puts the networks of one coin together, where the first of them stands. A group of several is headed by the coin,
// and its options by their networks.
func grouped(options []templates.Option) []templates.Group {
	var groups []templates.Group
	for _, o := range options {
		at := slices.IndexFunc(groups, func(g templates.Group) bool { return g.Name == o.Name && g.Coin == o.Coin })
		if at < 0 {
			groups = append(groups, templates.Group{Name: o.Name, Coin: o.Coin})
			at = len(groups) - 1
		}
		groups[at].Options = append(groups[at].Options, o)
	}
	return groups
}

func (f *Face) option(t *texts.Lang, inv *invoice.Invoice, m invoice.Method) (templates.Option, bool) {
	asset, known := f.Registry.Asset(m.Asset)
	network, found := f.Registry.Network(m.Network)
	if !known || !found {
		return templates.Option{}, false
	}
	o := templates.Option{
		Value: m.Asset, Coin: m.Currency.Code, Name: asset.Name, Network: network.Name, On: network.ID, Starts: network.Starts,
		Minutes: minutes(time.Duration(m.Confirmations) * network.BlockTime),
	}
	rest, err := inv.Price.Sub(inv.Outcome.Covered)
	if err != nil {
		rest = inv.Price
	}
	o.Approx = amountText(t, rest)
	due, err := f.Estimate(m.Currency, rest, m.Places)
	if q, ok := inv.Holding(m.Asset, inv.Clock(f.Now())); ok { // already locked: this very amount
		due, err = inv.RestIn(m, q.Rate)
	}
	if err != nil || !f.usable(m.Network) {
		o.Why = t.Say("choose.unavailable")
		return o, true
	}
	if small, err := due.Cmp(m.Minimum); err == nil && small < 0 {
		o.Why = t.Say("choose.minimum", "coin", m.Currency.Code, "amount", t.Isolated(m.Minimum.Plain()+" "+m.Currency.Code))
		return o, true
	}
	o.Amount = due.Plain()
	if behind := f.behind(network); behind >= behindFrom {
		o.Note = t.Say("choose.behind", "n", strconv.Itoa(minutes(behind)))
	}
	return o, true
}

// behind is how far a network's node is behind the time.
func (f *Face) behind(n chain.Network) time.Duration {
	if f.Health == nil {
		return 0
	}
	return f.Health.Behind(n.ID)
}
