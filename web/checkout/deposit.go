package checkout

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/a-h/templ"
	"github.com/go-chi/chi/v5"

	"checkout/chain"
	"checkout/deposit"
	"checkout/fault"
	"checkout/front"
	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/qr"
	"checkout/web/templates"
	"checkout/web/texts"
)

// Deposits are permanent addresses and what arrived there.
type Deposits interface {
	Find(ctx context.Context, id ident.ID) (*deposit.Address, error)
	// CheckAddress derives the address again: one that is not the derived one is never shown.
	CheckAddress(ctx context.Context, a *deposit.Address) error
}

// Visits opens the signed links of shops that send their customers to a payment terminal.
type Visits interface {
	Visit(ctx context.Context, data, signature string) (deposit.Visit, error)
}

// ViewTopUp is the view of a deposit address: any sum may be sent, again and again.
const ViewTopUp View = "topup"

// counter is everything a page of a deposit address is made of.
type counter struct {
	address  *deposit.Address
	merchant merchant.Merchant
	asset    chain.Asset
	network  chain.Network
	query    query
	lang     *texts.Lang
	theme    string
	now      time.Time
	visit    *deposit.Visit // the signed link the page was opened by; nil: by the address of the page itself
	signed   []string       // that link's parameters, which every link of the page carries on
}

// path is where the page is, with the reader's choices and more pairs of name and value.
func (c counter) path(more ...string) string {
	if c.visit != nil {
		return c.query.at("/", append(c.signed, more...)...)
	}
	return c.query.at(depositPath(c.address.ID), more...)
}

func depositPath(id ident.ID) string { return "/d/" + string(id) }

// depositRoutes are those of deposit addresses; all but the status are pages.
func (f *Face) depositRoutes(r chi.Router, page front.Headers) {
	if f.Deposits == nil {
		return
	}
	r.Get("/d/{id}/status", f.handleDepositStatus)
	r.Group(func(r chi.Router) {
		r.Use(page.Wrap)
		r.Get("/d/{id}", f.handleDeposit)
		r.Get("/d/{id}/fragment", f.handleDepositFragment)
		r.Get("/d/{id}/qr.svg", f.handleDepositSVG)
		r.Get("/d/{id}/qr.png", f.handleDepositPNG)
		if f.Visits != nil {
			r.Get("/", f.handleVisit)
		}
	})
}

// handleVisit opens a signed link: `/?data=…&signature=…`. Without its parameters there is nothing at this address.
func (f *Face) handleVisit(w http.ResponseWriter, r *http.Request) {
	values := r.URL.Query()
	if !values.Has("data") && !values.Has("signature") {
		f.fail(w, r, invoice.ErrNotFound)
		return
	}
	c, err := f.visited(r)
	if err != nil {
		f.fail(w, r, err)
		return
	}
	f.renderDeposit(w, r, c, templates.PageView(f.depositPage(c)))
}

// visited is the page of a signed link.
func (f *Face) visited(r *http.Request) (counter, error) {
	values := r.URL.Query()
	if ok, wait := f.limits.visits.Allow(front.Source(front.Client(r.Context())), f.Now()); !ok {
		return counter{}, front.ErrTooMany.In(wait)
	}
	v, err := f.Visits.Visit(r.Context(), values.Get("data"), values.Get("signature"))
	if err != nil {
		return counter{}, err
	}
	c, err := f.counter(r, v.Address)
	c.visit, c.signed = &v, []string{"data", values.Get("data"), "signature", values.Get("signature")}
	return c, err
}

// opened is the page of the address in the path: as a signed link shows it, if the page was opened by one.
func (f *Face) opened(r *http.Request) (counter, error) {
	id := ident.ID(chi.URLParam(r, "id"))
	a, err := f.Deposits.Find(r.Context(), id)
	if err != nil {
		return counter{}, err
	}
	if f.Visits != nil && r.URL.Query().Has("data") {
		c, err := f.visited(r)
		if err == nil && c.address.ID != id {
			err = deposit.ErrNotFound
		}
		return c, err
	}
	return f.counter(r, a)
}

// counter sets the scene of an address.
func (f *Face) counter(r *http.Request, a *deposit.Address) (counter, error) {
	m, err := f.Merchants.Find(r.Context(), a.Merchant)
	if err != nil {
		return counter{}, fault.ErrInternal.Because(err)
	}
	if err := f.Deposits.CheckAddress(r.Context(), a); err != nil {
		if errors.Is(err, deposit.ErrMismatch) {
			f.Log.Error("a stored address is not the derived one", "event", "address_mismatch", "deposit", a.ID.Short(), "cause", err.Error())
		}
		return counter{}, err
	}
	c := counter{address: a, merchant: m, query: queryOf(r), now: f.Now()}
	c.lang, c.theme = c.query.wishes(r, m)
	var known, found bool
	c.asset, known = f.Registry.Asset(a.Asset)
	c.network, found = f.Registry.Network(a.Network)
	if !known || !found {
		return c, deposit.ErrUnusable
	}
	return c, nil
}

func (f *Face) handleDeposit(w http.ResponseWriter, r *http.Request) {
	c, err := f.opened(r)
	if err != nil {
		f.fail(w, r, err)
		return
	}
	f.renderDeposit(w, r, c, templates.PageView(f.depositPage(c)))
}

// handleDepositFragment answers with the live part alone.
func (f *Face) handleDepositFragment(w http.ResponseWriter, r *http.Request) {
	if err := f.pollAllowed(r, ident.ID(chi.URLParam(r, "id")), f.Now()); err != nil {
		f.site.Error(w, r, err)
		return
	}
	c, err := f.opened(r)
	if err != nil {
		f.fail(w, r, err)
		return
	}
	f.renderDeposit(w, r, c, templates.LiveView(f.depositLive(c)))
}

// renderDeposit draws. The page of a signed link may be framed if the link says so, by those the merchant lists or, without a
// list, by anybody: the shop has signed for it (contracts/coinspaid.md 7.1). Without that word a signed link may not be framed.
func (f *Face) renderDeposit(w http.ResponseWriter, r *http.Request, c counter, page templ.Component) {
	ancestors := append(append([]string(nil), f.Ancestors...), c.merchant.Look.Origins...)
	switch {
	case c.visit != nil && !c.visit.Bare:
		ancestors = nil
	case c.visit != nil && len(c.merchant.Look.Origins) == 0:
		ancestors = []string{"*"}
	}
	front.PageHeaders(f.TLS, reportPath, ancestors...).Apply(w.Header())
	f.site.Render(w, r.WithContext(texts.With(r.Context(), c.lang)), http.StatusOK, page)
}

// depositPage is the whole page.
func (f *Face) depositPage(c counter) templates.Page {
	p := templates.Page{
		Theme: c.theme, Assets: f.assets(c.merchant), Test: c.address.Env == ident.Test, Live: f.depositLive(c),
		Reload: templates.Reload{Offered: true, Seconds: int(reloadEvery / time.Second), Toggle: c.path("r", "0"), Check: c.path()},
	}
	p.Reload.Next = c.path("r", strconv.Itoa(p.Reload.Seconds)) + "#status"
	if c.query.still {
		p.Reload.Toggle, p.Reload.Seconds = c.path("r", strconv.Itoa(p.Reload.Seconds)), 0
	}
	if bare := c.visit != nil && c.visit.Bare; bare || c.query.embed {
		p.Embed = &templates.Embed{Parent: parentOf(c.query, c.merchant), Channel: c.query.channel, Invoice: string(c.address.ID), Full: depositPath(c.address.ID)}
	}
	if f.Base != "" {
		here := f.Base + depositPath(c.address.ID)
		code := f.codes.draw(here)
		p.Phone = templates.QR{Content: here, Size: code.Size, Path: code.Path}
	}
	for _, l := range texts.All() {
		other := c
		other.query.lang = l.Tag
		p.Languages = append(p.Languages, templates.Language{Tag: l.Tag, Name: l.Name, Href: other.path(), Current: l == c.lang})
	}
	return p
}

// depositLive is the part that follows the payments.
func (f *Face) depositLive(c counter) templates.Live {
	a := c.address
	l := templates.Live{
		State: string(ViewTopUp), Polled: string(ViewTopUp), Revision: strconv.FormatInt(a.Version, 10), Now: c.now.UTC().Format(instant),
		StatusURL: depositPath(a.ID) + "/status", FragmentURL: depositPath(a.ID) + "/fragment", Favicon: f.site.Assets().Favicon(string(ViewTopUp)),
		Merchant: helpOf(c.merchant, c.lang.Say("error.reference", "id", a.ID.Short())), Short: a.ID.Short(), Asset: a.Asset, PaymentURI: c.payment().URI(),
		Said:   templates.Said{Coin: a.Currency.Code, Least: c.lang.Isolated(a.Minimum.Plain() + " " + a.Currency.Code)},
		Method: &templates.Method{Coin: a.Currency.Code, Name: c.asset.Name, Network: c.network.Name, On: c.network.ID},
		Pay:    f.depositPay(c), Payments: f.depositPayments(c), Embedded: c.query.embed,
	}
	l.Order = templates.Order{Label: c.lang.Say("received.sofar"), Total: a.Received().Plain(), Currency: a.Currency.Code}
	dress(&l.Merchant, c.merchant, ViewTopUp, c.lang.Tag)
	if c.visit == nil {
		return l
	}
	if c.visit.Amount != "" {
		l.Order = templates.Order{Label: c.lang.Say("pay.amount"), Total: c.visit.Amount, Currency: a.Currency.Code}
	}
	if c.visit.Bare {
		l.Embedded, l.Merchant.Plain = true, true
	} else if safeLink(c.visit.Back) {
		l.Return = c.visit.Back
	}
	return l
}

// payment is what the address asks for, as package qr wants to be told: any sum.
func (c counter) payment() qr.Payment {
	return qr.Payment{
		Network: c.network, Asset: c.asset, Address: c.address.Shown(), Tag: c.address.Tag,
		First: qr.Kind(c.merchant.Look.Codes[c.asset.ID]), Upper: c.merchant.Look.UpperCodes,
	}
}

func (f *Face) depositPay(c counter) *templates.Pay {
	p := c.payment()
	shown := p.Text(c.query.qr)
	drawing := f.codes.draw(shown.Content)
	file := func(name string) string {
		return depositPath(c.address.ID) + "/" + name + "?kind=" + string(shown.Kind)
	}
	pay := &templates.Pay{
		Coin: c.asset.Currency.Code, Network: c.network.Name, Address: p.Address, Shared: c.network.Family == chain.FamilyEVM, Tag: tagOf(p), Fee: c.network.Coin,
		QR: templates.QR{Content: shown.Content, Size: drawing.Size, Path: drawing.Path, Picture: file("qr.svg"), Save: file("qr.png")},
	}
	if !c.network.Played { // a wallet would take the played coin for the real one
		pay.Wallets.Open = p.Link(c.merchant.Name, "")
	}
	return pay
}

// mostShown is how many of the newest payments a page lists.
const mostShown = 50

// depositPayments are the newest transfers, the newest first, those included that did not go through.
func (f *Face) depositPayments(c counter) []templates.Payment {
	var list []templates.Payment
	for i := len(c.address.Payments) - 1; i >= 0 && len(list) < mostShown; i-- {
		p := c.address.Payments[i]
		if !p.Shown() {
			continue
		}
		t := p.Transfer
		list = append(list, templates.Payment{
			Amount: t.Amount.Plain(), Coin: t.Amount.Currency().Code, Tx: shortTx(t.TxID), TxID: t.TxID, Href: f.explorer(t.Network, t.TxID),
			State: depositState(c.lang, p), At: templates.At(p.FirstSeen, templates.Both),
		})
	}
	return list
}

// depositState says how far a payment is.
func depositState(t *texts.Lang, p deposit.Payment) string {
	switch {
	case p.Status == deposit.Dropped && p.Conflict != "":
		return t.Say("transfer.replaced")
	case p.Status == deposit.Dropped:
		return t.Say("transfer.dead")
	case p.Standing == deposit.Small:
		return t.Say("transfer.small")
	case p.Status == deposit.Confirmed:
		return t.Say("transfer.confirmed")
	}
	return templates.Confirmations(t, int(min(p.Depth, p.Need-1)), int(p.Need))
}

// handleDepositStatus answers polls of an address's page, in the form of an invoice's.
func (f *Face) handleDepositStatus(w http.ResponseWriter, r *http.Request) {
	f.answerStatus(w, r, f.topups, f.readDeposit)
}

// readDeposit makes an address's status from the store.
func (f *Face) readDeposit(ctx context.Context, id ident.ID) (*status, error) {
	a, err := f.Deposits.Find(ctx, id)
	if errors.Is(err, deposit.ErrNotFound) {
		return nil, invoice.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	if err := f.Deposits.CheckAddress(ctx, a); err != nil {
		return nil, err
	}
	asset, _ := f.Registry.Asset(a.Asset)
	network, _ := f.Registry.Network(a.Network)
	rev, shown := strconv.FormatInt(a.Version, 10), a.Shown()
	body := statusBody{
		State: string(ViewTopUp), Asset: &a.Asset, Received: plain(a.Received()), Address: &shown, Tag: given(a.Tag),
		PaymentURI:    given(qr.Payment{Network: network, Asset: asset, Address: shown, Tag: a.Tag}.URI()),
		Confirmations: statusProgress{Need: int(asset.Confirmations)}, Txs: []statusTx{}, PollMS: pollFast, HTML: depositPath(a.ID) + "/fragment?rev=" + rev,
	}
	for i := len(a.Payments) - 1; i >= 0 && len(body.Txs) < mostShown; i-- {
		if p := a.Payments[i]; p.Shown() && p.Live() {
			body.Txs = append(body.Txs, statusTx{p.Transfer.TxID, p.Transfer.Amount.Plain(), p.Depth, *timeText(p.FirstSeen)})
		}
	}
	return newStatus(a.Version, body)
}

// depositPicture finds what a picture is to encode.
func (f *Face) depositPicture(w http.ResponseWriter, r *http.Request) (content, name string, ok bool) {
	if ok, wait := f.limits.pictures.Allow(front.Source(front.Client(r.Context())), f.Now()); !ok {
		f.site.Error(w, r, front.ErrTooMany.In(wait))
		return "", "", false
	}
	c, err := f.opened(r)
	if err != nil {
		f.fail(w, r, err)
		return "", "", false
	}
	return c.payment().Text(qr.Kind(r.URL.Query().Get("kind"))).Content, c.address.ID.Short(), true
}

func (f *Face) handleDepositSVG(w http.ResponseWriter, r *http.Request) {
	if content, _, ok := f.depositPicture(w, r); ok {
		f.answerSVG(w, r, content)
	}
}

func (f *Face) handleDepositPNG(w http.ResponseWriter, r *http.Request) {
	if content, name, ok := f.depositPicture(w, r); ok {
		f.answerPNG(w, r, content, name)
	}
}
