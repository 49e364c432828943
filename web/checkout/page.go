package checkout

import (
	"errors"
	"math/big"
	"net/url"
	"strconv"
	"strings"
	"time"

	"checkout/chain"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
	"checkout/web/templates"
	"checkout/web/texts"
)

// scene is everything a page is made of.
type scene struct {
	inv      *invoice.Invoice
	merchant merchant.Merchant
	view     View
	facts    Facts
	query    query
	lang     *texts.Lang
	theme    string // "light", "dark", or what the system wants
	now      time.Time
	form     *templates.Choose // with what the reader had filled in, if the form came back
	refund   *string           // what was typed as a refund address and is none
	found    *templates.Found  // what became of a transaction that was asked for
}

// answers says whether the page answers a form: it stays as it is until the reader goes on.
func (s scene) answers() bool { return s.form != nil || s.refund != nil || s.found != nil }

// payable says whether the page shows an address and an amount.
func (s scene) payable() bool { return s.facts.Payable() && s.view == s.facts.View() }

// reloadEvery is how often a page without script looks again.
const reloadEvery = 30 * time.Second

// instant is how instants are written for programs.
const instant = "2006-01-02T15:04:05.000Z"

// page is the whole page of a scene.
func (f *Face) page(s scene) templates.Page {
	here := s.here()
	p := templates.Page{
		Theme: s.theme, Assets: f.assets(s.merchant), Test: s.inv.Outcome.Flags.Test, Live: f.live(s),
		Reload: templates.Reload{
			Offered: !s.view.Final() && s.view != ViewChoose && !s.answers(), Seconds: int(reloadEvery / time.Second),
			Toggle: here.path(s.inv.ID, "", "r", "0"), Check: here.path(s.inv.ID, ""),
		},
	}
	if s.query.embed {
		p.Embed = &templates.Embed{Parent: parentOf(s.query, s.merchant), Channel: s.query.channel, Invoice: string(s.inv.ID), Full: s.outside().path(s.inv.ID, "")}
	}
	p.Finder = f.finder(s)
	if f.Base != "" {
		here := f.Base + "/i/" + string(s.inv.ID)
		code := f.codes.draw(here)
		p.Phone = templates.QR{Content: here, Size: code.Size, Path: code.Path}
	}
	for _, l := range texts.All() {
		other := here
		other.lang = l.Tag
		p.Languages = append(p.Languages, templates.Language{Tag: l.Tag, Name: l.Name, Href: other.path(s.inv.ID, ""), Current: l == s.lang})
	}
	p.Reload.Next = here.path(s.inv.ID, "", "r", strconv.Itoa(p.Reload.Seconds)) + "#status"
	if s.query.still {
		p.Reload.Toggle, p.Reload.Seconds = here.path(s.inv.ID, "", "r", strconv.Itoa(p.Reload.Seconds)), 0
	}
	return p
}

// here is the view state of this very page: on the method form, and after "Pay again", the wish that led here as well.
func (s scene) here() query {
	q := s.query
	q.keep = s.view == ViewChoose || (s.facts.PayAgain && s.facts.Replaced)
	return q
}

// outside is the view state without the frame.
func (s scene) outside() query {
	q := s.query
	q.embed = false
	return q
}

// parentOf is the one origin messages go to and are taken from: the one the loader names if the merchant lists it, else the
// only one the merchant lists, else none.
func parentOf(q query, m merchant.Merchant) string {
	look := m.Look
	if q.origin != "" && look.Embeds(q.origin) {
		return q.origin
	}
	if len(look.Origins) == 1 && merchant.Origin(look.Origins[0]) && q.origin == "" {
		return look.Origins[0]
	}
	return ""
}

// live is the part that follows the payment.
func (f *Face) live(s scene) templates.Live {
	inv, id := s.inv, s.inv.ID
	l := templates.Live{
		State: string(s.view), Polled: string(polled(s.facts.unasked().View())), Revision: strconv.FormatInt(inv.Version, 10), Final: s.view.Final(), Now: s.now.UTC().Format(instant),
		StatusURL: "/i/" + string(id) + "/status", FragmentURL: "/i/" + string(id) + "/fragment",
		Favicon: f.site.Assets().Favicon(string(s.view)), Merchant: merchantOf(s.lang, s.merchant, inv), Short: id.Short(),
		Order: orderOf(s.lang, inv), Said: f.said(s), Asset: inv.Asset,
	}
	dress(&l.Merchant, s.merchant, s.view, s.lang.Tag)
	if s.view == ViewChoose {
		if l.Choose = f.choose(s); inv.Outcome.State == invoice.Awaiting && inv.Asset == "" { // the prices of all coins are locked already
			showLock(&l, inv, s.now)
		}
		return l
	}
	l.Order.Details, l.Embedded = f.details(s.lang, inv), s.query.embed
	l.Return = returnTo(inv, s.view)
	l.Refund, l.Wrong = f.refund(s), f.wrong(s)
	switch s.view {
	case ViewWaiting, ViewWaitingExpiring, ViewUnderpaid:
		f.showPay(&l, s)
	case ViewWrongAsset:
		f.showWrong(&l, s)
	case ViewRefundPending, ViewRefunded:
		f.showRefund(&l, s)
	case ViewDetected, ViewConfirming:
		l.Method, l.Received = f.method(s), receivedOf(s.lang, inv, "received.label")
		l.Ring = &templates.Ring{Have: s.facts.Have, Need: s.facts.Need}
		l.Steps = templates.Story(s.lang, f.seen(inv), s.facts.Have, s.facts.Need, f.blockMinutes(inv), s.merchant.Name)
		l.Return = ""
	case ViewPaid, ViewPaidLate, ViewOverpaid:
		l.Received, l.Facts = paidOf(s.lang, inv), f.outcomeFacts(s)
		if len(inv.Payments) > 0 {
			l.Receipt = s.outside().path(id, "/receipt")
		}
	case ViewExpired, ViewExpiredUnderpaid:
		f.showExpired(&l, s)
	case ViewLate:
		l.Received, l.Payments, l.Return = lateOf(s.lang, inv), f.payments(s.lang, inv, templates.Clock), ""
	case ViewFailed:
		f.showFailed(&l, s)
	case ViewCancelled:
		l.Facts = orderFacts(s.lang, inv)
	case ViewUnavailable:
		l.Method, l.Return = f.method(s), ""
		if l.Method != nil && inv.Choosable(s.now) == nil && len(inv.Methods) > 1 {
			l.Others = s.query.path(id, "", "m", "")
		}
	}
	return l
}

// showPay shows what to send now, and where.
func (f *Face) showPay(l *templates.Live, s scene) {
	inv := s.inv
	p, ok := f.payment(inv)
	if !ok {
		return
	}
	rest := s.view == ViewUnderpaid
	l.Method, l.Return = f.method(s), ""
	l.PaymentURI = p.URI()
	l.Pay = &templates.Pay{
		Rest: rest, Switched: switched(inv), Coin: p.Asset.Currency.Code, Network: p.Network.Name, Approx: remainingPrice(s.lang, inv),
		Sub: subUnits(s.lang, p.Asset, p.Due), Address: p.Address, Shared: p.Network.Family == chain.FamilyEVM, Tag: tagOf(p),
		Fee: p.Network.Coin, ByHand: p.ByHand(), QR: f.code(s, s.styled(p)),
	}
	if a, ok := inv.Address(inv.Asset); ok {
		l.Pay.Exact = a.Exact()
	}
	if p.Due.Sign() > 0 {
		l.Pay.Amount = p.Due.Plain()
	}
	if inv.FromExchange && p.Due.Sign() > 0 {
		l.Pay.Arrives = s.lang.Isolated(p.Due.Plain() + " " + p.Asset.Currency.Code)
	}
	f.device(l.Pay, s, p)
	if rest {
		l.Rescue, l.Method = l.Method.Change, nil
		l.Progress, l.Payments = progressOf(inv), f.payments(s.lang, inv, templates.Clock)
	}
	showLock(l, inv, s.now)
	if s.view == ViewWaitingExpiring {
		l.Requote = f.requote(s, false)
	}
}

// showLock shows until when the price holds.
func showLock(l *templates.Live, inv *invoice.Invoice, now time.Time) {
	if until, locked := inv.LockEnd(); locked {
		l.LockUntil = until.UTC().Format(instant)
		l.Lock = &templates.Lock{Until: templates.At(until, templates.Clock), Minutes: int(max(0, until.Sub(now)) / time.Minute)}
	}
}

func (f *Face) method(s scene) *templates.Method {
	asset, ok := f.Registry.Asset(s.inv.Asset)
	if !ok {
		return nil
	}
	network, _ := f.Registry.Network(asset.Network)
	m := &templates.Method{Coin: asset.Currency.Code, Name: asset.Name, Network: network.Name, On: network.ID}
	if s.payable() && len(s.inv.Methods) > 1 && s.inv.Choosable(s.now) == nil {
		m.Change = s.query.path(s.inv.ID, "", "m", "")
	}
	return m
}

// requote offers a new price, or says that there is none to be had any more.
func (f *Face) requote(s scene, primary bool) *templates.Requote {
	switch err := s.inv.Renewable(s.now); {
	case err == nil:
		return &templates.Requote{Action: s.query.path(s.inv.ID, "/requote"), Keep: s.view == ViewWaitingExpiring && f.steady(s.inv), Primary: primary}
	case errors.Is(err, invoice.ErrRenewals):
		return &templates.Requote{}
	}
	return nil
}

// steady says whether a price taken now would be within one percent of the one that is locked.
func (f *Face) steady(inv *invoice.Invoice) bool {
	q, ok := inv.Quote(inv.Asset)
	m, offered := inv.Method(inv.Asset)
	if !ok || !offered {
		return false
	}
	fresh, err := f.Estimate(m.Currency, inv.Price, m.Places)
	if err != nil {
		return false
	}
	drift, err := fresh.Sub(q.Due)
	if err != nil {
		return false
	}
	hundredfold := new(big.Int).Mul(drift.Units(), big.NewInt(100))
	return hundredfold.CmpAbs(q.Due.Units()) <= 0
}

func (f *Face) showExpired(l *templates.Live, s scene) {
	inv := s.inv
	l.Requote = f.requote(s, true)
	watch := templates.At(inv.WatchEnd(), templates.Date)
	if q, ok := inv.Quote(inv.Asset); ok && inv.Asset != "" {
		l.Facts = append(l.Facts, templates.Fact{Label: s.lang.Say("fact.last"), Value: q.Due.Plain() + " " + q.Due.Currency().Code})
	}
	if len(inv.Addresses) > 0 {
		l.Facts = append(l.Facts, templates.Fact{Label: s.lang.Say("fact.watched"), Time: &watch})
	}
	l.Facts = append(l.Facts, templates.Fact{Label: s.lang.Say("fact.invoice"), Value: inv.ID.Short(), Mono: true})
	if s.view == ViewExpired {
		l.Method = f.method(s)
		return
	}
	l.Progress, l.Payments = progressOf(inv), f.payments(s.lang, inv, templates.Clock)
}

func (f *Face) showFailed(l *templates.Live, s scene) {
	inv := s.inv
	l.Method, l.Payments = f.method(s), f.payments(s.lang, inv, templates.Clock)
	if inv.Outcome.State != invoice.Awaiting {
		return
	}
	if s.facts.LockOpen {
		l.Again = s.query.path(inv.ID, "", "m", inv.Asset)
	} else {
		l.Requote = f.requote(s, true)
	}
}

// said are the figures of headings and sentences.
func (f *Face) said(s scene) templates.Said {
	inv := s.inv
	out := templates.Said{Have: s.facts.Have, Need: s.facts.Need, Watch: templates.At(inv.WatchEnd(), templates.Date)}
	if inv.Asset == "" {
		return out
	}
	m, _ := inv.Method(inv.Asset)
	out.Coin = m.Currency.Code
	sum := received(inv)
	out.Received, out.In, out.Due = sum.Plain(), sum.Currency().Code, inv.Outcome.Remaining.Plain()
	if q, ok := inv.Quote(inv.Asset); ok {
		out.Asked = q.Due.Plain()
	}
	if out.Switched = switched(inv); out.Switched {
		out.Received, out.In, out.Asked = inv.Outcome.Covered.Plain(), inv.Price.Currency().Code, inv.Price.Plain()
	}
	extra := surplus(inv)
	out.Extra = extra.Plain()
	if s.view == ViewOverpaid {
		out.Coin = extra.Currency().Code
	}
	for _, p := range inv.Payments {
		if inv.Counts(p) {
			out.Tx = shortTx(p.Transfer.TxID)
		}
	}
	if network, ok := f.Registry.Network(m.Network); ok {
		out.Minutes = minutes(time.Duration(s.facts.Need-s.facts.Have) * network.BlockTime)
	}
	return out
}

// remainingPrice is what is still missing of the price, in the invoice's currency.
func remainingPrice(t *texts.Lang, inv *invoice.Invoice) string {
	rest, err := inv.Price.Sub(inv.Outcome.Covered)
	if err != nil || inv.Price.Currency() == inv.Outcome.Remaining.Currency() {
		return ""
	}
	return amountText(t, rest)
}

// merchantOf is the merchant as customers see it, with a way to ask for help that says what it is about.
func merchantOf(t *texts.Lang, m merchant.Merchant, inv *invoice.Invoice) templates.Merchant {
	subject := t.Say("page.invoice", "id", inv.ID.Short())
	if label := orderLabel(t, inv); label != "" {
		subject = label + " (" + subject + ")"
	}
	return helpOf(m, subject)
}

// helpOf is a merchant as customers see them, with a way to ask for help that says what it is about.
func helpOf(m merchant.Merchant, subject string) templates.Merchant {
	out := templates.Merchant{Name: m.Name}
	switch {
	case m.Support == "":
	case safeLink(m.Support):
		out.SupportHref, out.SupportText = m.Support, strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(m.Support, "https://"), "http://"), "/")
	case merchant.Email(m.Support):
		out.SupportHref = "mailto:" + strings.Replace(url.QueryEscape(m.Support), "%40", "@", 1) + "?subject=" + strings.ReplaceAll(url.QueryEscape(subject), "+", "%20")
		out.SupportText = m.Support
	}
	return out
}

// safeLink says whether an address may stand in a link: https or http, a host, nobody's name in it.
func safeLink(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && u.Opaque == "" && merchant.Clean(text)
}

// returnTo is where the merchant wants the customer back. Only our public id goes with them: a claim that something
// is paid would be one a shop might trust.
func returnTo(inv *invoice.Invoice, v View) string {
	at := inv.SuccessURL
	if v != ViewPaid && v != ViewPaidLate && v != ViewOverpaid && inv.FailureURL != "" {
		at = inv.FailureURL
	}
	if at == "" || !safeLink(at) {
		return ""
	}
	u, err := url.Parse(at)
	if err != nil {
		return ""
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += "invoice=" + string(inv.ID)
	return u.String()
}

// amountText is an amount with its currency: fiat as people read it, coins as they are sent.
func amountText(t *texts.Lang, a money.Amount) string {
	if a.Currency().Kind == money.Fiat {
		return t.Figure(a.String()) + " " + a.Currency().Code
	}
	return a.Plain() + " " + a.Currency().Code
}
