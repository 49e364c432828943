package checkout

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"
	"github.com/go-chi/chi/v5"

	"checkout/fault"
	"checkout/front"
	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/web/templates"
	"checkout/web/texts"
)

// set loads everything a page of an invoice needs and decides what it shows.
func (f *Face) set(r *http.Request) (scene, error) {
	id := ident.ID(chi.URLParam(r, "id"))
	if !ident.Valid(string(id)) {
		return scene{}, invoice.ErrNotFound
	}
	inv, err := f.Invoices.Find(r.Context(), id)
	if err != nil {
		return scene{}, err
	}
	return f.stage(r, inv)
}

// stage is set for an invoice at hand.
func (f *Face) stage(r *http.Request, inv *invoice.Invoice) (scene, error) {
	m, err := f.Merchants.Find(r.Context(), inv.Merchant)
	if err != nil {
		return scene{}, fault.ErrInternal.Because(err)
	}
	s := scene{inv: inv, merchant: m, query: queryOf(r), now: inv.Clock(f.Now())}
	s.lang, s.theme = s.query.wishes(r, m)
	s.facts = factsOf(inv, s.now, f.usableFor(inv))
	s.facts.PayAgain = s.query.hasMethod && s.query.method == inv.Asset
	s.view = s.facts.View()
	if s.query.hasMethod && s.query.method != inv.Asset && s.view.mayChange() && inv.Choosable(s.now) == nil {
		s.view = ViewChoose
	}
	if s.payable() {
		if err := f.checkAddress(r.Context(), inv); err != nil {
			return scene{}, err
		}
	}
	return s, nil
}

// render draws in the scene's language. Whom the merchant lists may frame it, and nobody else.
func (f *Face) render(w http.ResponseWriter, r *http.Request, s scene, status int, c templ.Component) {
	if ancestors := append(slices.Clone(f.Ancestors), s.merchant.Look.Origins...); len(ancestors) > 0 {
		front.PageHeaders(f.TLS, reportPath, ancestors...).Apply(w.Header())
	}
	f.site.Render(w, r.WithContext(texts.With(r.Context(), s.lang)), status, c)
}

// mayChange says whether a reader of the view may go back to the method form.
func (v View) mayChange() bool {
	switch v {
	case ViewWaiting, ViewWaitingExpiring, ViewUnderpaid, ViewExpired, ViewExpiredUnderpaid, ViewUnavailable, ViewFailed, ViewWrongAsset:
		return true
	}
	return false
}

// checkAddress keeps an address from being shown that is not the one derived from the merchant's key: whoever could
// write into the store must not be able to send a customer's money elsewhere.
func (f *Face) checkAddress(ctx context.Context, inv *invoice.Invoice) error {
	err := f.Invoices.CheckAddress(ctx, inv)
	if errors.Is(err, invoice.ErrAddress) {
		f.Log.Error("a stored address is not the derived one", "event", "address_mismatch", "invoice", inv.ID.Short(), "cause", err.Error())
	}
	return err
}

func (f *Face) usable(network string) bool { return f.Health == nil || f.Health.Usable(network) }

func (f *Face) usableFor(inv *invoice.Invoice) bool {
	m, ok := inv.Method(inv.Asset)
	return !ok || f.usable(m.Network)
}

func (f *Face) handlePage(w http.ResponseWriter, r *http.Request) {
	s, err := f.set(r)
	if err != nil {
		f.fail(w, r, err)
		return
	}
	f.render(w, r, s, http.StatusOK, templates.PageView(f.page(s)))
}

// handleFragment answers with the live part alone.
func (f *Face) handleFragment(w http.ResponseWriter, r *http.Request) {
	if err := f.pollAllowed(r, ident.ID(chi.URLParam(r, "id")), f.Now()); err != nil {
		f.site.Error(w, r, err)
		return
	}
	s, err := f.set(r)
	if err != nil {
		f.fail(w, r, err)
		return
	}
	f.render(w, r, s, http.StatusOK, templates.LiveView(f.live(s)))
}

// setForm is the scene a form was sent to, with the form read. false: that was not possible, and has been answered.
func (f *Face) setForm(w http.ResponseWriter, r *http.Request) (scene, bool) {
	s, err := f.set(r)
	if err != nil {
		f.fail(w, r, err)
		return scene{}, false
	}
	if err := r.ParseForm(); err != nil {
		f.site.Status(w, r, http.StatusBadRequest)
		return scene{}, false
	}
	return s, true
}

// handleMethod takes the method form. What cannot be done is said at the form, with what was filled in.
func (f *Face) handleMethod(w http.ResponseWriter, r *http.Request) {
	s, ok := f.setForm(w, r)
	if !ok {
		return
	}
	method, mail := r.PostForm.Get("method"), strings.TrimSpace(r.PostForm.Get("email"))
	back := func(status int, c templates.Choose) {
		c.Mail, c.From = mail, &templates.From{AtExchange: r.PostForm.Get("from") == fromExchange}
		s.view, s.form, s.query.method, s.query.hasMethod = ViewChoose, &c, method, true
		f.render(w, r, s, status, templates.PageView(f.page(s)))
	}
	if s.inv.Choosable(s.now) != nil {
		f.seeOther(w, r, s.query.path(s.inv.ID, "")) // the page says what has happened meanwhile
		return
	}
	if method == "" {
		back(http.StatusBadRequest, templates.Choose{Error: s.lang.Say("choose.none")})
		return
	}
	if mail != "" && !merchant.Email(mail) {
		back(http.StatusBadRequest, templates.Choose{MailError: s.lang.Say("choose.email.bad")})
		return
	}
	choice := invoice.Choice{Asset: method} // a form without a field changes nothing
	if r.PostForm.Has("email") {
		choice.Email = &mail
	}
	if r.PostForm.Has("from") {
		exchange := r.PostForm.Get("from") == fromExchange
		choice.Exchange = &exchange
	}
	switch _, err := f.Invoices.Choose(r.Context(), s.inv.ID, choice); {
	case err == nil, errors.Is(err, invoice.ErrState), errors.Is(err, invoice.ErrRenewals):
		f.seeOther(w, r, s.query.path(s.inv.ID, ""))
	case errors.Is(err, invoice.ErrMethod), errors.Is(err, invoice.ErrMinimum):
		back(http.StatusBadRequest, templates.Choose{Error: s.lang.Say("choose.gone")})
	case fault.Of(err).Kind == fault.Unavailable:
		f.Log.Warn("a coin could not be chosen", "event", "choose_unavailable", "invoice", s.inv.ID.Short(), "asset", method, "cause", err.Error())
		back(http.StatusServiceUnavailable, templates.Choose{Error: s.lang.Say("choose.gone")})
	default:
		f.fail(w, r, err)
	}
}

// handleRequote locks a new price.
func (f *Face) handleRequote(w http.ResponseWriter, r *http.Request) {
	s, err := f.set(r)
	if err != nil {
		f.fail(w, r, err)
		return
	}
	switch _, err := f.Invoices.Requote(r.Context(), s.inv.ID); {
	case err == nil, errors.Is(err, invoice.ErrState), errors.Is(err, invoice.ErrRenewals):
		f.seeOther(w, r, s.query.path(s.inv.ID, ""))
	case fault.Of(err).Kind == fault.Unavailable:
		f.Log.Warn("no new price", "event", "requote_unavailable", "invoice", s.inv.ID.Short(), "cause", err.Error())
		s.view = ViewUnavailable
		f.render(w, r, s, http.StatusServiceUnavailable, templates.PageView(f.page(s)))
	default:
		f.fail(w, r, err)
	}
}

// handleOldAddress leads from the address the first dialect gives out to the page.
func (f *Face) handleOldAddress(w http.ResponseWriter, r *http.Request) {
	id := ident.ID(chi.URLParam(r, "id"))
	if !ident.Valid(string(id)) {
		f.fail(w, r, invoice.ErrNotFound)
		return
	}
	f.seeOther(w, r, queryOf(r).path(id, ""))
}

// seeOther leads to a path of this server. It is never anything a visitor sent.
func (f *Face) seeOther(w http.ResponseWriter, _ *http.Request, path string) {
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
}

// handleReport takes note of what the content policy stopped: a page of ours that breaks its own rules, or something
// that was put into it. Only names of rules and kinds of addresses are logged; addresses of pages are capabilities.
func (f *Face) handleReport(w http.ResponseWriter, r *http.Request) {
	defer w.WriteHeader(http.StatusNoContent)
	if ok, _ := f.limits.reports.Allow(front.Source(front.Client(r.Context())), f.Now()); !ok {
		return
	}
	for _, v := range violations(r) {
		f.Log.Warn("content policy", "event", "csp_violation", "directive", v.directive, "blocked", v.blocked)
	}
}
