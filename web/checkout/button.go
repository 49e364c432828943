package checkout

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"checkout/fault"
	"checkout/front"
	"checkout/invoice"
	"checkout/payterm"
	"checkout/web/templates"
)

// Buttons are products that are sold by a form on anybody's page.
type Buttons interface {
	Button(ctx context.Context, slug string) (payterm.Button, error)
	Buy(ctx context.Context, slug string, f payterm.Form) (*invoice.Invoice, error)
}

// buttonRoutes are those of products. Their forms are meant for other sites' pages: what they may say is checked, and not where
// they come from.
func (f *Face) buttonRoutes(r chi.Router, page front.Headers) {
	if f.Buttons == nil {
		return
	}
	r.Group(func(r chi.Router) {
		r.Use(page.Wrap)
		r.Get("/b/{slug}", f.handleButton)
		r.With(f.offerForms).Post("/b/{slug}", f.handleBuy)
	})
}

// buttonOf finds the product of a request, and whether it is on sale; false: it was answered.
func (f *Face) buttonOf(w http.ResponseWriter, r *http.Request) (payterm.Button, payterm.Standing, stall, bool) {
	b, err := f.Buttons.Button(r.Context(), chi.URLParam(r, "slug"))
	standing, over := errors.AsType[payterm.Standing](err)
	switch {
	case err == nil:
		standing = payterm.StandingOpen
	case !over:
		f.fail(w, r, err)
		return b, "", stall{}, false
	}
	s, err := f.stall(r, b.Merchant)
	if err != nil {
		f.fail(w, r, err)
	}
	return b, standing, s, err == nil
}

// handleButton is the product's own page: for letters, and for pages that can have no forms.
func (f *Face) handleButton(w http.ResponseWriter, r *http.Request) {
	b, standing, s, ok := f.buttonOf(w, r)
	if !ok {
		return
	}
	f.renderOffer(w, r, s, offerStatus(standing), f.buttonOffer(b, standing, s))
}

func (f *Face) buttonOffer(b payterm.Button, standing payterm.Standing, s stall) templates.Offer {
	o := f.offer(s, "/b/"+b.Slug, b.Name, b.Description, b.Env)
	o.Currency = b.Currency.Code
	if b.Mode == payterm.ModeFixed {
		o.Sum = s.lang.Figure(b.Amount.String())
		o.Preview += " · " + o.Sum + " " + o.Currency
		if o.Each = b.MaxQuantity > 1; o.Each {
			o.Quantity = &templates.Quantity{Min: b.MinQuantity, Max: b.MaxQuantity, Value: strconv.FormatInt(b.MinQuantity, 10)}
		}
	}
	if o.Bounds = s.within(b.Min, b.Max); standing != payterm.StandingOpen {
		s.over(&o, standing, "")
	}
	return o
}

// handleBuy makes an invoice of a form, whoever's page it stood on, and leads to it: in the same frame, if it was in one.
func (f *Face) handleBuy(w http.ResponseWriter, r *http.Request) {
	slug := chi.URLParam(r, "slug")
	form := payterm.Form{
		Amount: r.PostForm.Get("amount"), Currency: r.PostForm.Get("currency"), Order: r.PostForm.Get("order"), Exp: r.PostForm.Get("exp"),
		Sig: r.PostForm.Get("sig"), Quantity: r.PostForm.Get("quantity"), Once: r.PostForm.Get("once"),
	}
	inv, err := f.Buttons.Buy(r.Context(), slug, form)
	if err == nil {
		f.seeOther(w, r, queryOf(r).path(inv.ID, ""))
		return
	}
	b, standing, s, ok := f.buttonOf(w, r)
	switch {
	case !ok:
	case standing != payterm.StandingOpen:
		f.renderOffer(w, r, s, http.StatusGone, f.buttonOffer(b, standing, s))
	case form.Sig == "" && form.Once != "" && fault.Of(err).Kind == fault.Invalid: // the form of the product's own page
		o := f.buttonOffer(b, standing, s)
		o.Error, o.Typed = s.lang.Say("till.bad"), cut(form.Amount, 12)
		if o.Bounds != "" && errors.Is(err, payterm.ErrBounds) {
			o.Error = o.Bounds
		}
		if o.Quantity != nil {
			o.Error = s.lang.Say("link.quantity.bad", "min", strconv.FormatInt(b.MinQuantity, 10), "max", strconv.FormatInt(b.MaxQuantity, 10))
			o.Quantity.Value = cut(form.Quantity, 6)
		}
		f.renderOffer(w, r, s, http.StatusBadRequest, o)
	default:
		f.framable(w, s)
		f.fail(w, r, err)
	}
}
