package templates

import (
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"checkout/web/texts"
)

// say is a sentence in the page's language; see texts.Lang.Say.
func say(ctx context.Context, key string, fill ...string) string {
	return texts.From(ctx).Say(key, fill...)
}

// place is what goes into a place of a sentence: a part of the page, or, made by filled, a text.
type place struct {
	name string
	what templ.Component
}

func filled(name, text string) place { return place{name, templ.Raw(templ.EscapeString(text))} }

// rich is a sentence with bold stretches and with parts of the page in its places. It is written by hand because a template
// would put white space between the parts.
func rich(key string, places ...place) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		for _, p := range texts.From(ctx).Parts(key) {
			if err := drawPart(ctx, w, p, places); err != nil {
				return err
			}
		}
		return nil
	})
}

func drawPart(ctx context.Context, w io.Writer, p texts.Part, places []place) error {
	what := templ.Raw(templ.EscapeString(p.Text))
	for _, filling := range places {
		if p.Place == filling.name {
			what = filling.what
		}
	}
	if p.Bold {
		what = strongly(what)
	}
	return what.Render(ctx, w)
}

func digits(n int) string { return strconv.Itoa(n) }

// sum is an amount with its coin, kept in its own order wherever it stands.
func sum(t *texts.Lang, amount, coin string) string { return t.Isolated(amount + " " + coin) }

// Confirmations says how far a payment is.
func Confirmations(t *texts.Lang, have, need int) string {
	if have == 0 {
		return t.Say("story.none")
	}
	return t.Count("story.confirmations", need, "have", digits(have))
}

// Story is what happens to a payment between its first sighting and its end, oldest first. seen are the transactions,
// each filled in but for its words; minutes is the usual time between two blocks.
func Story(t *texts.Lang, seen []Step, have, need, minutes int, merchant string) []Step {
	steps := make([]Step, 0, len(seen)+2)
	for _, s := range seen {
		s.Tone, s.Title = "is-ok", t.Say("story.seen")
		if s.Href != "" {
			s.Link = t.Say("story.explorer")
		}
		steps = append(steps, s)
	}
	now := Step{Tone: "is-go", Title: t.Say("story.first")}
	if minutes > 0 {
		now.Detail = t.Count("story.block", minutes)
	}
	if have > 0 {
		now.Title, now.Detail = Confirmations(t, have, need), t.Say("story.each")
	}
	return append(steps, now, Step{Title: t.Say("story.paid"), Detail: t.Say("story.told", "merchant", merchant)})
}

// words writes an instant: with the names of months where we have them, else in figures.
func (w When) words(t *texts.Lang) string {
	if t.Tag == "en" {
		return w.Text
	}
	return w.Digits
}

// heading is the one h1 of a view.
func (l Live) heading(t *texts.Lang) string {
	s := l.Said
	switch l.State {
	case "confirming":
		return t.Say("confirming.heading", "have", digits(s.Have), "need", digits(s.Need))
	case "underpaid":
		return t.Say("underpaid.heading", "received", sum(t, s.Received, s.In), "due", sum(t, s.Due, s.Coin))
	case "overpaid":
		return t.Say("overpaid.heading", "extra", sum(t, s.Extra, s.Coin))
	case "wrong_asset":
		if l.Wrong != nil {
			return l.Wrong.Heading(t)
		}
	case "refunded":
		return t.Say("returned.heading", "amount", s.Refund)
	case "topup":
		return t.Say("topup.heading", "amount", s.Least)
	}
	return t.Say(l.key() + ".heading")
}

// key is what the sentences of a view are filed under.
func (l Live) key() string {
	switch l.State {
	case "waiting_expiring":
		return "expiring"
	case "expired_underpaid":
		return "incomplete"
	case "paid_late":
		return "paidlate"
	case "wrong_asset":
		return "wrong"
	case "refund_pending":
		return "returning"
	case "refunded":
		return "returned"
	}
	return l.State
}

// sentence is the line below the heading. Those of "expired" and "detected" have marked-up parts and are written in
// the template.
func (l Live) sentence(t *texts.Lang) string {
	s, merchant := l.Said, l.Merchant.Name
	switch l.State {
	case "choose":
		if l.Lock != nil {
			return t.Say("choose.locked")
		}
	case "waiting_expiring":
		if l.Requote == nil || l.Requote.Action == "" {
			return t.Say("expiring.sentence")
		}
		if l.Requote.Keep {
			return t.Say("expiring.keep")
		}
		return t.Say("expiring.new")
	case "confirming":
		switch {
		case s.Minutes >= 120:
			return t.Count("confirming.hours", (s.Minutes+30)/60)
		case s.Minutes > 0:
			return t.Count("confirming.minutes", s.Minutes)
		}
	case "paid", "paid_late":
		return t.Say("paid.sentence", "merchant", merchant)
	case "expired_underpaid":
		return t.Say("incomplete.sentence", "received", t.Isolated(s.Received), "asked", sum(t, s.Asked, s.In))
	case "unavailable":
		if l.Others != "" {
			return t.Say("unavailable.others")
		}
	case "underpaid":
		if s.Switched {
			return t.Say("underpaid.switched")
		}
	case "refund_pending":
		return t.Say("returning.sentence", "merchant", merchant, "amount", s.Refund)
	}
	return t.Say(l.key()+".sentence", "merchant", merchant)
}

// Heading says what came and what was asked for.
func (w Wrong) Heading(t *texts.Lang) string {
	return t.Say("wrong.heading", "amount", sum(t, w.Amount, w.Coin), "network", w.Network, "coin", w.AskedCoin, "asked", w.AskedNetwork)
}

// title is the document's title; the script adds the minutes that are left.
func (l Live) title(t *texts.Lang) string {
	var what string
	switch l.State {
	case "choose":
		what = t.Say("title.pay", "amount", sum(t, l.Order.Total, l.Order.Currency))
	case "waiting", "waiting_expiring":
		what = t.Say("title.pay", "amount", sum(t, l.Said.Due, l.Said.Coin))
	case "underpaid":
		what = t.Say("title.missing", "amount", sum(t, l.Said.Due, l.Said.Coin))
	case "detected", "confirming":
		what = t.Say("title.seen")
	case "paid", "paid_late", "overpaid":
		what = t.Say("title.paid")
	default:
		what = l.heading(t)
	}
	return what + " · " + l.Merchant.Name
}

// announced says whether a change of this view is read out: every view when it comes, of the confirmations only the
// first, the one at half and the last.
func (l Live) announced() bool {
	if l.State != "confirming" {
		return true
	}
	return l.Said.Have == 1 || l.Said.Have == (l.Said.Need+1)/2 || l.Said.Have == l.Said.Need-1
}

// facts of a coin in the method form: "BTC · about 10 min". A network that is not called like its coin is named, unless the
// title does, and by what its addresses begin with.
func (o Option) facts(t *texts.Lang, title string) string {
	coin := o.Coin
	switch {
	case title == o.Network && o.Starts != "" && title != o.Name:
		coin = t.Say("choose.starts", "start", t.Isolated(o.Starts))
	case o.Network != o.Name && o.Network != title:
		coin = t.Say("choose.on", "coin", o.Coin, "network", o.Network)
	}
	if o.Minutes < 1 {
		return coin + " · " + t.Say("choose.fast")
	}
	return coin + " · " + t.Count("choose.minutes", o.Minutes)
}

func (p Pay) label(t *texts.Lang) string {
	if p.Rest {
		return t.Say("pay.rest")
	}
	return t.Say("pay.amount")
}

func (p Pay) approx(t *texts.Lang) string {
	parts := make([]string, 0, 3)
	if p.Approx != "" {
		parts = append(parts, t.Isolated("≈ "+p.Approx))
	}
	if p.Sub != "" {
		parts = append(parts, t.Isolated(p.Sub))
	}
	if p.Rest && !p.Switched {
		parts = append(parts, t.Say("pay.original"))
	}
	return strings.Join(parts, " · ")
}

// addressLabel numbers the address where it is the second thing to copy.
func (p Pay) addressLabel(t *texts.Lang) string {
	if p.Tag != nil {
		return "2. " + t.Say("pay.address")
	}
	return t.Say("pay.address")
}

// fee says who pays the network, and what must be left of it.
func (p Pay) fee(t *texts.Lang, merchant string) string {
	text := t.Say("pay.fee", "coin", p.Fee)
	if p.Amount == "" {
		return text
	}
	return text + " " + t.Say("pay.receive", "merchant", merchant, "amount", sum(t, p.Amount, p.Coin))
}

// name is what wallets and exchanges call the tag.
func (g Tag) name(t *texts.Lang) string {
	if g.Memo {
		return t.Say("pay.memo")
	}
	return t.Say("pay.tag")
}

func (g Tag) copyLabel(t *texts.Lang) string {
	if g.Memo {
		return t.Say("pay.copy.memo")
	}
	return t.Say("pay.copy.tag")
}

func (q Tab) label(t *texts.Lang) string {
	switch {
	case q.Amount:
		return t.Say("qr.amount")
	case q.Tag:
		return t.Say("qr.tag")
	}
	return t.Say("qr.address")
}

// label is the accessible name of the code.
func (q QR) label(t *texts.Lang) string {
	if q.Name != "" {
		return t.Say("qr.code") + ": " + q.Name
	}
	return t.Say("qr.name")
}

func (r Requote) label(t *texts.Lang) string {
	if r.Keep {
		return t.Say("lock.keep")
	}
	return t.Say("lock.new")
}

// remaining is the no-script form of the countdown.
func (k Lock) remaining(t *texts.Lang) string {
	if k.Minutes < 1 {
		return t.Say("lock.less")
	}
	return t.Count("lock.minutes", k.Minutes)
}

// heading of an error page.
func (f Failure) heading(t *texts.Lang) string {
	switch f.Status {
	case 400, 403, 404, 409, 410, 421, 429, 503:
		return t.Say("error." + digits(f.Status))
	case 405:
		return t.Say("error.403")
	}
	return t.Say("error.500")
}

func (f Failure) sentence(t *texts.Lang) string {
	if f.Text != "" {
		return f.Text
	}
	switch f.Status {
	case 404, 421, 429, 503:
		return t.Say("error.text." + digits(f.Status))
	}
	return t.Say("error.text")
}

// reference is what the short form of an id is called.
func (l Live) reference() string {
	if l.State == "topup" {
		return "error.reference"
	}
	return "page.invoice"
}
