package checkout

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"checkout/chain"
	"checkout/deposit"
	"checkout/fault"
	"checkout/front"
	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
	"checkout/payterm"
	"checkout/web/templates"
	"checkout/web/texts"
)

// Links are payment links.
type Links interface {
	Link(ctx context.Context, slug string) (payterm.Link, payterm.Standing, error)
	Start(ctx context.Context, slug string, s payterm.Start) (*invoice.Invoice, error)
	StartDeposit(ctx context.Context, slug, asset, once string) (*deposit.Address, error)
	LinkCoins(ctx context.Context, slug string) ([]chain.Asset, error)
}

// linkRoutes are those of payment links. Posters are printed in capitals, so the letter of the path is read either way.
func (f *Face) linkRoutes(r chi.Router, page front.Headers) {
	if f.Links == nil {
		return
	}
	for _, prefix := range [...]string{"/l/", "/L/"} {
		r.Group(func(r chi.Router) {
			r.Use(page.Wrap)
			r.Get(prefix+"{slug}", f.handleLink)
			r.Get(prefix+"{slug}/poster", f.handlePoster)
			r.Get(prefix+"{slug}/qr.svg", f.handleLinkSVG)
			r.Get(prefix+"{slug}/qr.png", f.handleLinkPNG)
			r.With(f.ownOnly, f.offerForms).Post(prefix+"{slug}", f.handleStart)
		})
	}
}

// ownOnly lets the forms of our own pages in.
func (f *Face) ownOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if crossSite(r) {
			f.site.Error(w, r, ErrForeignForm)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// offerForms bounds how often one thing is bought, and by one address; what anybody makes here must not slow the shops'
// servers. It reads the form.
func (f *Face) offerForms(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		slug, known := payterm.ParseSlug(chi.URLParam(r, "slug"))
		if !known {
			f.fail(w, r, payterm.ErrLink)
			return
		}
		now := f.Now()
		ok, wait := f.limits.buyers.Allow(front.Source(front.Client(r.Context())), now)
		if ok {
			ok, wait = f.limits.offers.Allow(slug, now)
		}
		if ok {
			ok, wait = f.limits.creates.Allow(struct{}{}, now)
		}
		if !ok {
			f.site.Error(w, r, front.ErrTooMany.In(wait))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, offerBody)
		if err := r.ParseForm(); err != nil {
			f.site.Status(w, r, http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// offerBody is the most a form may carry, in bytes.
const offerBody = 16 << 10

// stall is whose offer a page shows, and how.
type stall struct {
	merchant merchant.Merchant
	query    query
	lang     *texts.Lang
	theme    string
}

func (f *Face) stall(r *http.Request, m ident.ID) (stall, error) {
	found, err := f.Merchants.Find(r.Context(), m)
	if err != nil {
		return stall{}, fault.ErrInternal.Because(err)
	}
	s := stall{merchant: found, query: queryOf(r)}
	s.lang, s.theme = s.query.wishes(r, found)
	return s, nil
}

// offer is what the pages of links and products share.
func (f *Face) offer(s stall, path, title, text string, env ident.Environment) templates.Offer {
	o := templates.Offer{
		Theme: s.theme, Assets: f.assets(s.merchant), Test: env == ident.Test, Merchant: helpOf(s.merchant, title), Title: title, Text: text,
		Action: s.query.at(path), Once: string(ident.New(rand.Reader)), Preview: title,
	}
	dress(&o.Merchant, s.merchant, ViewChoose, s.lang.Tag)
	for _, l := range texts.All() {
		other := s.query
		other.lang = l.Tag
		o.Languages = append(o.Languages, templates.Language{Tag: l.Tag, Name: l.Name, Href: other.at(path), Current: l == s.lang})
	}
	return o
}

// renderOffer draws.
func (f *Face) renderOffer(w http.ResponseWriter, r *http.Request, s stall, status int, o templates.Offer) {
	f.framable(w, s)
	f.site.Render(w, r.WithContext(texts.With(r.Context(), s.lang)), status, templates.OfferPage(o))
}

// framable lets those the merchant lists frame what is answered: a form that is refused is refused in the dialog it was sent to.
func (f *Face) framable(w http.ResponseWriter, s stall) {
	if ancestors := append(append([]string(nil), f.Ancestors...), s.merchant.Look.Origins...); len(ancestors) > 0 {
		front.PageHeaders(f.TLS, reportPath, ancestors...).Apply(w.Header())
	}
}

// over says why nothing is taken now.
func (s stall) over(o *templates.Offer, why payterm.Standing, message string) {
	o.Message = message
	switch why {
	case payterm.StandingExpired:
		o.Over = s.lang.Say("link.expired")
	case payterm.StandingSoldOut:
		o.Over = s.lang.Say("link.soldout")
	default:
		o.Over = s.lang.Say("link.off")
	}
}

// within says between what a sum has to be.
func (s stall) within(least, most money.Amount) string {
	text := func(a money.Amount) string { return s.lang.Isolated(amountText(s.lang, a)) }
	switch {
	case least.Sign() > 0 && most.Sign() > 0:
		return s.lang.Say("till.between", "min", text(least), "max", text(most))
	case least.Sign() > 0:
		return s.lang.Say("till.atleast", "amount", text(least))
	case most.Sign() > 0:
		return s.lang.Say("till.atmost", "amount", text(most))
	}
	return ""
}

// linkOf finds the link of a request; false: it was answered.
func (f *Face) linkOf(w http.ResponseWriter, r *http.Request) (payterm.Link, payterm.Standing, stall, bool) {
	l, standing, err := f.Links.Link(r.Context(), chi.URLParam(r, "slug"))
	if err != nil {
		f.fail(w, r, err)
		return l, standing, stall{}, false
	}
	s, err := f.stall(r, l.Merchant)
	if err != nil {
		f.fail(w, r, err)
	}
	return l, standing, s, err == nil
}

func linkPath(l payterm.Link) string { return "/l/" + l.Slug }

func (f *Face) handleLink(w http.ResponseWriter, r *http.Request) {
	l, standing, s, ok := f.linkOf(w, r)
	if !ok {
		return
	}
	o, err := f.linkOffer(r.Context(), l, standing, s)
	if err != nil {
		f.fail(w, r, err)
		return
	}
	f.renderOffer(w, r, s, offerStatus(standing), o)
}

// offerStatus is 410 for what is over.
func offerStatus(standing payterm.Standing) int {
	if standing == payterm.StandingOpen {
		return http.StatusOK
	}
	return http.StatusGone
}

// linkOffer is the page of a link.
func (f *Face) linkOffer(ctx context.Context, l payterm.Link, standing payterm.Standing, s stall) (templates.Offer, error) {
	o := f.offer(s, linkPath(l), l.Title, l.Description, l.Env)
	o.Currency = l.Currency.Code
	if f.Base != "" {
		o.Share = f.Base + linkPath(l)
	}
	if l.Mode == payterm.ModeFixed {
		if o.Sum = s.lang.Figure(l.Amount.String()); !l.Private {
			o.Preview += " · " + o.Sum + " " + o.Currency
		}
	}
	if standing != payterm.StandingOpen {
		s.over(&o, standing, l.Message)
		return o, nil
	}
	if l.Mode == payterm.ModeDeposit {
		list, err := f.Links.LinkCoins(ctx, l.Slug)
		if err == nil && len(list) == 0 {
			err = deposit.ErrUnusable
		}
		o.Coins = f.saleCoins(list)
		return o, err
	}
	o.Bounds = s.within(l.Min, l.Max)
	for _, a := range l.Suggestions {
		o.Suggestions = append(o.Suggestions, round(a))
	}
	for n, field := range l.Fields {
		o.Fields = append(o.Fields, templates.OfferField{Name: fieldName(n), Label: field.Name, Required: field.Required})
	}
	if len(l.Fields) > 0 {
		o.Suggestions = nil // what is asked goes along with the sum, in one form
	}
	return o, nil
}

// round is a sum without a fraction that is nothing: "10".
func round(a money.Amount) string {
	whole, fraction, _ := strings.Cut(a.String(), ".")
	if strings.Trim(fraction, "0") == "" {
		return whole
	}
	return a.String()
}

func fieldName(n int) string { return "field-" + strconv.Itoa(n+1) }

// saleCoins are coins as buttons.
func (f *Face) saleCoins(list []chain.Asset) []templates.SaleCoin {
	var out []templates.SaleCoin
	for _, a := range list {
		network, _ := f.Registry.Network(a.Network)
		out = append(out, templates.SaleCoin{Value: a.ID, Coin: a.Currency.Code, Network: network.Name, On: network.ID})
	}
	return out
}

// handleStart begins to pay: every start is an invoice of its own.
func (f *Face) handleStart(w http.ResponseWriter, r *http.Request) {
	l, standing, s, ok := f.linkOf(w, r)
	if !ok {
		return
	}
	if l.Mode == payterm.ModeDeposit {
		a, err := f.Links.StartDeposit(r.Context(), l.Slug, r.PostForm.Get("method"), r.PostForm.Get("once"))
		if err != nil {
			f.refuseStart(w, r, l, s, err)
			return
		}
		f.seeOther(w, r, s.query.at(depositPath(a.ID)))
		return
	}
	in := payterm.Start{Fields: map[string]string{}, Once: r.PostForm.Get("once")}
	for n, field := range l.Fields {
		in.Fields[field.Name] = strings.TrimSpace(r.PostForm.Get(fieldName(n)))
	}
	if typed := r.PostForm.Get("amount"); typed != "" || l.Mode == payterm.ModeCustomer {
		if in.Amount, ok = typedAmount(l.Currency, typed); !ok && standing == payterm.StandingOpen {
			f.refuseStart(w, r, l, s, payterm.ErrAmount)
			return
		}
	}
	inv, err := f.Links.Start(r.Context(), l.Slug, in)
	if err != nil {
		f.refuseStart(w, r, l, s, err)
		return
	}
	f.seeOther(w, r, s.query.path(inv.ID, ""))
}

// refuseStart says at the form what cannot be, with what was filled in, or that it is over.
func (f *Face) refuseStart(w http.ResponseWriter, r *http.Request, l payterm.Link, s stall, cause error) {
	kind := fault.Of(cause).Kind
	if kind != fault.Invalid && kind != fault.Gone {
		f.fail(w, r, cause)
		return
	}
	_, standing, err := f.Links.Link(r.Context(), l.Slug)
	o, drawn := f.linkOffer(r.Context(), l, standing, s)
	if err := errors.Join(err, drawn); err != nil {
		f.fail(w, r, err)
		return
	}
	if standing != payterm.StandingOpen || kind == fault.Gone {
		s.over(&o, standing, l.Message)
		f.renderOffer(w, r, s, http.StatusGone, o)
		return
	}
	o.Typed, o.Error = cut(r.PostForm.Get("amount"), 12), s.lang.Say("till.bad")
	if o.Bounds != "" && errors.Is(cause, payterm.ErrBounds) {
		o.Error = o.Bounds
	}
	for n := range o.Fields {
		o.Fields[n].Value = cut(r.PostForm.Get(fieldName(n)), 200)
		if errors.Is(cause, payterm.ErrField) {
			o.Fields[n].Bad, o.Error = fault.Of(cause).Field == o.Fields[n].Label, s.lang.Say("link.field.bad")
		}
	}
	f.renderOffer(w, r, s, http.StatusBadRequest, o)
}
