package checkout

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/go-chi/chi/v5"

	"checkout/chain"
	"checkout/deposit"
	"checkout/fault"
	"checkout/front"
	"checkout/ident"
	"checkout/invoice"
	"checkout/money"
	"checkout/payterm"
	"checkout/web/templates"
	"checkout/web/texts"
)

// Tills are terminals and what is sold at them.
type Tills interface {
	Terminal(ctx context.Context, token string) (payterm.Terminal, error)
	Charge(ctx context.Context, token string, c payterm.Charge) (*invoice.Invoice, error)
	TerminalSale(ctx context.Context, token string, id ident.ID) (payterm.Terminal, *invoice.Invoice, error)
	TerminalCoins(ctx context.Context, token string) ([]chain.Asset, error)
	TerminalDeposit(ctx context.Context, token, asset string) (*deposit.Address, error)
	History(ctx context.Context, token, pin string) ([]payterm.Sold, error)
}

// tillRoutes are those of terminals. What nobody has is not found, what was switched off is forbidden, on every one of them.
func (f *Face) tillRoutes(r chi.Router) {
	if f.Tills == nil {
		return
	}
	r.Get(workerPath, f.handleWorker)
	r.Group(func(r chi.Router) {
		r.Use(front.AppHeaders(f.TLS, reportPath).Wrap)
		r.Get("/t/{token}", f.handleTill)
		r.Get("/t/{token}/alive", f.handleAlive)
		r.Get("/t/{token}/app.webmanifest", f.handleManifest)
		r.Get("/t/{token}/history", f.handleHistory)
		r.Get("/t/{token}/sale/{id}", f.handleSale)
		r.Get("/t/{token}/sale/{id}/fragment", f.handleSaleFragment)
		r.With(f.tillForms).Post("/t/{token}/charge", f.handleCharge)
		r.With(f.tillForms).Post("/t/{token}/deposit", f.handleTillDeposit)
		r.With(f.tillForms).Post("/t/{token}/history", f.handleHistory)
		r.With(f.tillForms).Post("/t/{token}/sale/{id}/method", f.handleSaleMethod)
	})
}

// tillForms lets the forms of our own pages in, as often as a till is used: several tills may share one address.
func (f *Face) tillForms(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now, token := f.Now(), chi.URLParam(r, "token")
		if crossSite(r) {
			f.site.Error(w, r, ErrForeignForm)
			return
		}
		if len(token) > ident.Length { // no token, and no key worth remembering
			f.fail(w, r, payterm.ErrTerminal)
			return
		}
		for _, allow := range []func() (bool, time.Duration){
			func() (bool, time.Duration) { return f.limits.tills.Allow(token, now) },
			func() (bool, time.Duration) {
				return f.limits.counters.Allow(front.Source(front.Client(r.Context())), now)
			},
		} {
			if ok, wait := allow(); !ok {
				f.site.Error(w, r, front.ErrTooMany.In(wait))
				return
			}
		}
		if err := r.ParseForm(); err != nil {
			f.site.Status(w, r, http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// till is everything a page of a terminal is made of.
type till struct {
	payterm.Terminal
	stall
}

func (t till) path(what string, more ...string) string {
	return t.query.at("/t/"+t.Token+what, more...)
}

// atTill finds the terminal of a request; false: it was answered.
func (f *Face) atTill(w http.ResponseWriter, r *http.Request) (till, bool) {
	terminal, err := f.Tills.Terminal(r.Context(), chi.URLParam(r, "token"))
	if err != nil {
		f.fail(w, r, err)
		return till{}, false
	}
	t, err := f.till(r, terminal)
	if err != nil {
		f.fail(w, r, err)
	}
	return t, err == nil
}

func (f *Face) till(r *http.Request, terminal payterm.Terminal) (till, error) {
	s, err := f.stall(r, terminal.Merchant)
	return till{terminal, s}, err
}

// frame is what all pages of a terminal share.
func (f *Face) frame(t till) templates.Till {
	out := templates.Till{
		Theme: t.theme, Assets: f.assets(t.merchant), Test: t.Env == ident.Test, Merchant: templates.Merchant{Name: t.merchant.Name}, Name: t.Name,
		Home: t.path(""), Manifest: t.path("/app.webmanifest"), Worker: workerPath,
	}
	dress(&out.Merchant, t.merchant, ViewChoose, t.lang.Tag)
	if t.PIN != "" {
		out.History = t.path("/history")
	}
	for _, l := range texts.All() {
		other := t
		other.query.lang = l.Tag
		out.Languages = append(out.Languages, templates.Language{Tag: l.Tag, Name: l.Name, Href: other.path(""), Current: l == t.lang})
	}
	return out
}

// withWords carries the language of a till's page.
func (t till) withWords(r *http.Request) *http.Request {
	return r.WithContext(texts.With(r.Context(), t.lang))
}

func (f *Face) handleTill(w http.ResponseWriter, r *http.Request) {
	t, ok := f.atTill(w, r)
	if !ok {
		return
	}
	if t.Mode == payterm.ModeDeposit {
		f.offerCoins(w, r, t)
		return
	}
	f.site.Render(w, t.withWords(r), http.StatusOK, templates.PadPage(f.pad(t)))
}

// pad is the keypad, empty.
func (f *Face) pad(t till) templates.Pad {
	p := templates.Pad{
		Till: f.frame(t), Action: t.path("/charge"), Once: string(ident.New(rand.Reader)), Currency: t.Currency.Code, Scale: int(t.Currency.Scale),
		Most: keypadDigits, Bounds: t.within(t.Min, t.Max), NoNote: t.Mode != payterm.ModeKeypad,
	}
	if t.Mode == payterm.ModeFixed {
		p.Fixed = t.Amount.String()
	}
	return p
}

// keypadDigits is how many digits of smallest units can be typed: payterm.MaxAmount is the largest number of so many.
const keypadDigits = 9

// typedAmount reads a sum as people type it: with a comma before the decimals, with spaces, in the digits of their script. "1.000" is
// no sum of euros: nobody shall pay one where they meant a thousand.
func typedAmount(c money.Currency, text string) (money.Amount, bool) {
	text = strings.Map(plainDigit, text)
	if strings.Count(text, ",") == 1 && !strings.Contains(text, ".") {
		text = strings.Replace(text, ",", ".", 1)
	}
	a, err := money.Parse(c, text)
	return a, err == nil
}

// plainDigit is a letter of a typed sum as programs write it; -1 leaves it out.
func plainDigit(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return -1
	case r >= '٠' && r <= '٩':
		return '0' + r - '٠'
	case r >= '۰' && r <= '۹':
		return '0' + r - '۰'
	case r >= '०' && r <= '९':
		return '0' + r - '०'
	case r == '٫':
		return '.'
	}
	return r
}

// handleCharge makes a sale of what was typed, after asking for a tip where the terminal does.
func (f *Face) handleCharge(w http.ResponseWriter, r *http.Request) {
	t, ok := f.atTill(w, r)
	if !ok {
		return
	}
	c := payterm.Charge{Note: strings.TrimSpace(r.PostForm.Get("note")), Once: r.PostForm.Get("once")}
	if c.Amount, ok = typedAmount(t.Currency, r.PostForm.Get("amount")); !ok && t.Mode != payterm.ModeFixed {
		f.padAgain(w, r, t, c, payterm.ErrAmount)
		return
	}
	sum, err := t.Sum(c.Amount)
	if err != nil {
		f.padAgain(w, r, t, c, err)
		return
	}
	if len(t.Tips) > 0 {
		tip, given := typedAmount(t.Currency, r.PostForm.Get("tip"))
		if !given {
			f.askTip(w, r, t, sum, c, r.PostForm.Has("tip"))
			return
		}
		c.Tip = tip
	}
	f.charge(w, r, t, sum, c)
}

// charge makes the sale and leads to it. With one coin to pay with there is nothing to choose.
func (f *Face) charge(w http.ResponseWriter, r *http.Request, t till, sum money.Amount, c payterm.Charge) {
	if ok, wait := f.limits.creates.Allow(struct{}{}, f.Now()); !ok {
		f.site.Error(w, r, front.ErrTooMany.In(wait))
		return
	}
	inv, err := f.Tills.Charge(r.Context(), t.Token, c)
	switch {
	case errors.Is(err, payterm.ErrTip):
		f.askTip(w, r, t, sum, c, true)
		return
	case err != nil && fault.Of(err).Kind == fault.Invalid:
		f.padAgain(w, r, t, c, err)
		return
	case err != nil:
		f.fail(w, r, err)
		return
	}
	if len(inv.Methods) == 1 && inv.Asset == "" && inv.Outcome.State == invoice.Open {
		if _, err := f.Invoices.Choose(r.Context(), inv.ID, invoice.Choice{Asset: inv.Methods[0].Asset}); err != nil {
			f.Log.Warn("a coin could not be chosen", "event", "choose_unavailable", "invoice", inv.ID.Short(), "cause", err.Error())
		}
	}
	f.seeOther(w, r, t.path("/sale/"+string(inv.ID)))
}

// padAgain shows the keypad with what was typed and why it cannot be charged.
func (f *Face) padAgain(w http.ResponseWriter, r *http.Request, t till, c payterm.Charge, err error) {
	p := f.pad(t)
	if p.Error = t.lang.Say("till.bad"); p.Bounds != "" && errors.Is(err, payterm.ErrBounds) {
		p.Error = p.Bounds
	}
	if errors.Is(err, payterm.ErrNote) {
		p.Error = t.lang.Say("till.bad.note")
	}
	p.Typed, p.Note = cut(r.PostForm.Get("amount"), 12), cut(c.Note, 200)
	f.site.Render(w, t.withWords(r), http.StatusBadRequest, templates.PadPage(p))
}

// cut is the beginning of a text somebody sent.
func cut(text string, limit int) string {
	runes := []rune(strings.ToValidUTF8(text, ""))
	return string(runes[:min(len(runes), limit)])
}

// askTip asks for a tip; bad says that what was typed is none.
func (f *Face) askTip(w http.ResponseWriter, r *http.Request, t till, sum money.Amount, c payterm.Charge, bad bool) {
	text := func(a money.Amount) string { return a.String() + " " + t.Currency.Code }
	p := templates.Tips{
		Till: f.frame(t), Action: t.path("/charge"), Once: c.Once, Amount: sum.String(), Note: c.Note, Sum: text(sum), Currency: t.Currency.Code,
		Choices: []templates.Tip{{Value: "0", Total: text(sum)}},
	}
	for _, percent := range t.Tips {
		tip := payterm.TipOf(sum, percent)
		if total, err := sum.Add(tip); err == nil {
			p.Choices = append(p.Choices, templates.Tip{Percent: strconv.Itoa(percent), Value: tip.String(), Tip: tip.String(), Total: text(total)})
		}
	}
	status := http.StatusOK
	if bad {
		status, p.Error, p.Other = http.StatusBadRequest, t.lang.Say("till.bad"), cut(r.PostForm.Get("tip"), 12)
	}
	f.site.Render(w, t.withWords(r), status, templates.TipPage(p))
}

// offerCoins leads to the one coin a terminal takes deposits in, or asks which.
func (f *Face) offerCoins(w http.ResponseWriter, r *http.Request, t till) {
	list, err := f.Tills.TerminalCoins(r.Context(), t.Token)
	switch {
	case err != nil:
		f.fail(w, r, err)
		return
	case len(list) == 0:
		f.fail(w, r, deposit.ErrUnusable)
		return
	case len(list) == 1:
		f.toDeposit(w, r, t, list[0].ID)
		return
	}
	p := templates.Coins{Till: f.frame(t), Action: t.path("/deposit"), List: f.saleCoins(list)}
	f.site.Render(w, t.withWords(r), http.StatusOK, templates.CoinsPage(p))
}

func (f *Face) handleTillDeposit(w http.ResponseWriter, r *http.Request) {
	if t, ok := f.atTill(w, r); ok {
		f.toDeposit(w, r, t, r.PostForm.Get("method"))
	}
}

// toDeposit leads to a terminal's deposit address of a coin.
func (f *Face) toDeposit(w http.ResponseWriter, r *http.Request, t till, asset string) {
	a, err := f.Tills.TerminalDeposit(r.Context(), t.Token, asset)
	if err != nil {
		f.fail(w, r, err)
		return
	}
	f.seeOther(w, r, t.query.at(depositPath(a.ID)))
}
