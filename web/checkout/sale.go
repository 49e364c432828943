package checkout

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"checkout/fault"
	"checkout/ident"
	"checkout/invoice"
	"checkout/money"
	"checkout/payterm"
	"checkout/web/templates"
	"checkout/web/texts"
)

// sold finds the sale of a request: an invoice of this very terminal, as its own page would show it.
func (f *Face) sold(r *http.Request) (till, scene, error) {
	terminal, inv, err := f.Tills.TerminalSale(r.Context(), chi.URLParam(r, "token"), ident.ID(chi.URLParam(r, "id")))
	if err != nil {
		return till{}, scene{}, err
	}
	t, err := f.till(r, terminal)
	if err != nil {
		return till{}, scene{}, err
	}
	s, err := f.stage(r, inv)
	return t, s, err
}

func (f *Face) handleSale(w http.ResponseWriter, r *http.Request) {
	t, s, err := f.sold(r)
	if err != nil {
		f.fail(w, r, err)
		return
	}
	f.site.Render(w, t.withWords(r), http.StatusOK, templates.SalePage(f.sale(t, s)))
}

func (f *Face) handleSaleFragment(w http.ResponseWriter, r *http.Request) {
	if err := f.pollAllowed(r, ident.ID(chi.URLParam(r, "id")), f.Now()); err != nil {
		f.site.Error(w, r, err)
		return
	}
	t, s, err := f.sold(r)
	if err != nil {
		f.fail(w, r, err)
		return
	}
	f.site.Render(w, t.withWords(r), http.StatusOK, templates.SaleView(f.sale(t, s)))
}

// sale is the page of a sale: what the invoice's own page says, for somebody who stands at a counter.
func (f *Face) sale(t till, s scene) templates.Sale {
	inv := s.inv
	here := t.path("/sale/" + string(inv.ID))
	out := templates.Sale{
		Till: f.frame(t), Live: f.live(s), Action: t.path("/sale/" + string(inv.ID) + "/method"), Total: inv.Price.String(), Currency: inv.Price.Currency().Code,
		Note: inv.Description, Paid: s.view == ViewPaid || s.view == ViewPaidLate || s.view == ViewOverpaid,
	}
	out.Live.FragmentURL = "/t/" + t.Token + "/sale/" + string(inv.ID) + "/fragment"
	if inv.Tip.Sign() > 0 {
		out.Tip = t.lang.Isolated(inv.Tip.String() + " " + inv.Tip.Currency().Code)
	}
	if p, ok := f.payment(inv); ok && out.Live.Pay != nil { // as the invoice's own page draws it first
		s.query.qr = ""
		out.Live.Pay.QR = f.code(s, s.styled(p))
	}
	if len(inv.Methods) > 1 && inv.Choosable(s.now) == nil {
		for _, o := range f.options(s) {
			out.Coins = append(out.Coins, templates.SaleCoin{Value: o.Value, Coin: o.Coin, Network: o.Network, On: o.On, Amount: o.Amount, Current: o.Value == inv.Asset, Why: o.Why})
		}
	}
	if f.Base != "" { // when it is paid too: there is a receipt
		own := f.Base + "/i/" + string(inv.ID)
		code := f.codes.draw(own)
		out.Phone = templates.QR{Content: own, Size: code.Size, Path: code.Path}
	}
	out.Reload = templates.Reload{Offered: !s.view.Final(), Seconds: int(saleReload / time.Second), Next: here}
	return out
}

// saleReload is how often a sale's page without script looks again: somebody stands and waits.
const saleReload = 10 * time.Second

// handleSaleMethod chooses a coin at the counter.
func (f *Face) handleSaleMethod(w http.ResponseWriter, r *http.Request) {
	t, s, err := f.sold(r)
	if err != nil {
		f.fail(w, r, err)
		return
	}
	_, err = f.Invoices.Choose(r.Context(), s.inv.ID, invoice.Choice{Asset: r.PostForm.Get("method")})
	switch {
	case err == nil, errors.Is(err, invoice.ErrState), errors.Is(err, invoice.ErrRenewals), errors.Is(err, invoice.ErrMethod), errors.Is(err, invoice.ErrMinimum),
		fault.Of(err).Kind == fault.Unavailable: // the page says what can be chosen now
		f.seeOther(w, r, t.path("/sale/"+string(s.inv.ID)))
	default:
		f.fail(w, r, err)
	}
}

// handleHistory asks for the PIN, and answers it with the list: nothing is remembered in the browser.
func (f *Face) handleHistory(w http.ResponseWriter, r *http.Request) {
	t, ok := f.atTill(w, r)
	if !ok {
		return
	}
	if t.PIN == "" {
		f.fail(w, r, payterm.ErrTerminal)
		return
	}
	h := templates.History{Till: f.frame(t), Action: t.path("/history")}
	status := http.StatusOK
	if r.Method == http.MethodPost {
		list, err := f.Tills.History(r.Context(), t.Token, r.PostForm.Get("pin"))
		switch {
		case errors.Is(err, payterm.ErrPIN):
			h.Bad, status = true, http.StatusForbidden
		case err != nil:
			f.fail(w, r, err)
			return
		default:
			h.Shown = true
			for _, s := range list {
				h.Sold = append(h.Sold, soldRow(t.lang, s))
			}
		}
	}
	f.site.Render(w, t.withWords(r), status, templates.HistoryPage(h))
}

// soldRow is one sale in a list.
func soldRow(t *texts.Lang, s payterm.Sold) templates.SoldRow {
	text := func(a money.Amount) string { return a.String() + " " + a.Currency().Code }
	row := templates.SoldRow{At: templates.At(s.Created, templates.Both), Sum: text(s.Price), Note: s.Note, State: t.Say("till.waiting"), Tone: "is-idle"}
	if s.Tip.Sign() > 0 {
		row.Tip = t.Isolated(text(s.Tip))
	}
	switch s.State {
	case invoice.Settled:
		row.State, row.Tone = t.Say("till.paid"), "is-ok"
	case invoice.Detected:
		row.State, row.Tone = t.Say("title.seen"), "is-go"
	case invoice.Expired, invoice.Cancelled, invoice.Failed:
		row.State = t.Say("till.unpaid")
		if s.Amount != invoice.None { // money came all the same
			row.State, row.Tone = t.Say("till.check"), "is-warn"
		}
	}
	return row
}

// workerPath is where the script that keeps the keypad is: above all terminals, so that it may serve each.
const workerPath = "/t/sw.js"

// handleWorker serves that script, with the list of what it keeps: another release has another list, and so another script.
func (f *Face) handleWorker(w http.ResponseWriter, r *http.Request) {
	f.plain.Apply(w.Header())
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Service-Worker-Allowed", "/t/")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; connect-src 'self'; script-src 'self'")
	f.site.Answer(w, r, http.StatusOK, f.worker)
}

// newWorker is the script with its list.
func newWorker(script []byte, a templates.Assets) []byte {
	shell := []string{a.Style, a.Till, a.TillScript, a.FavWait, a.Icon192}
	return append([]byte("const NAME = "+strconv.Quote("till "+a.Till+" "+a.TillScript+" "+a.Style)+", SHELL = "+jsonText(shell)+"\n"), script...)
}

// handleAlive says whether the terminal can charge: 204.
func (f *Face) handleAlive(w http.ResponseWriter, r *http.Request) {
	if _, err := f.Tills.Terminal(r.Context(), chi.URLParam(r, "token")); err != nil {
		f.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// manifest is a web application's (W3C Web Application Manifest).
type manifest struct {
	ID         string         `json:"id"`
	Name       string         `json:"name"`
	ShortName  string         `json:"short_name"`
	Lang       string         `json:"lang"`
	Dir        string         `json:"dir"`
	StartURL   string         `json:"start_url"`
	Scope      string         `json:"scope"`
	Display    string         `json:"display"`
	Background string         `json:"background_color"`
	Theme      string         `json:"theme_color"`
	Icons      []manifestIcon `json:"icons"`
}

type manifestIcon struct {
	Src     string `json:"src"`
	Sizes   string `json:"sizes"`
	Type    string `json:"type"`
	Purpose string `json:"purpose,omitempty"`
}

// handleManifest makes the terminal an application of its own on whoever's device it is opened.
func (f *Face) handleManifest(w http.ResponseWriter, r *http.Request) {
	t, ok := f.atTill(w, r)
	if !ok {
		return
	}
	a, home := f.site.Assets(), "/t/"+t.Token
	body := jsonText(manifest{
		ID: home, Name: t.Name + " · " + t.merchant.Name, ShortName: t.Name, Lang: t.lang.Tag, Dir: t.lang.Dir, StartURL: home, Scope: home, Display: "standalone",
		Background: "#f5f6f8", Theme: "#f5f6f8",
		Icons: []manifestIcon{{a.Logo, "any", "image/svg+xml", "any"}, {a.Icon192, "192x192", "image/png", "any"}, {a.Icon512, "512x512", "image/png", "any"}},
	})
	w.Header().Set("Content-Type", "application/manifest+json")
	f.site.Answer(w, r, http.StatusOK, []byte(body))
}
