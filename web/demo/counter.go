package demo

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/go-chi/chi/v5"
)

// Counter is what sells without the shop's server: a till, posters and a button. Addresses are paths below the shop's host.
type Counter struct {
	Till   string
	PIN    string // opens the till's history
	Link   string // pay what you like
	Poster string // of it
	Fixed  string // a link with a price
	TopUp  string // a link that gives every visitor a deposit address
	Form   string // the button's snippet, as it works on the shop's own page
	Source string // the same as another site would have it

	// Sales lists the newest invoices these have made, Addresses the newest deposit addresses.
	Sales     func(ctx context.Context, most int) ([]Sale, error)
	Addresses func(ctx context.Context, most int) ([]Address, error)
	// Send pays a little to a deposit address, by its capability id.
	Send func(ctx context.Context, id string) error
}

// Sale is an invoice a terminal, a link or a button has made.
type Sale struct {
	ID     string // capability id
	Number int64  // what callbacks name it by
	From   string // "Till 1"
	Title  string
	Price  string // "25.50 EUR"
	State  string
	Short  bool // part of it was seen
	Coin   string
	At     time.Time
}

// Address is a deposit address somebody was given.
type Address struct {
	ID       string
	Number   int64
	From     string
	Coin     string
	Received string
	At       time.Time
}

// Most of each that the counter shows, and of what was heard that it remembers.
const (
	maxSales     = 6
	maxAddresses = 3
	maxTold      = 500
)

// counterRoutes are those of the counter.
func (s *Shop) counterRoutes(r chi.Router) {
	if s.Counter == nil {
		return
	}
	r.Get("/demo/counter", s.handleCounter)
	r.Get("/demo/counter/sales", s.handleSales)
	r.Post("/demo/counter/play", s.handlePlaySale)
	r.Post("/demo/counter/send", s.handleSend)
}

// styleHash lets the one style of a snippet apply on a page that otherwise takes its styles from files: the source
// expression of its text, or nothing if it has none.
func styleHash(snippet string) string {
	_, rest, _ := strings.Cut(snippet, "<style>")
	text, _, found := strings.Cut(rest, "</style>")
	if !found {
		return ""
	}
	sum := sha256.Sum256([]byte(text))
	return " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// told is a callback about something the shop's server did not make.
type told struct {
	about about
	heard heard
}

// about names what a callback is about: an invoice, or the address of a deposit.
type about struct {
	deposit bool
	number  int64
}

// remember keeps a callback about the counter's sales; the oldest go.
func (s *Shop) remember(a about, h heard) {
	s.told = append(s.told, told{a, h})
	if extra := len(s.told) - maxTold; extra > 0 {
		s.told = slices.Delete(s.told, 0, extra)
	}
}

// heardOf lists what was heard about something, the newest first.
func (s *Shop) heardOf(a about) []heard {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []heard
	for _, x := range slices.Backward(s.told) {
		if x.about == a {
			list = append(list, x.heard)
		}
	}
	return list
}

// saleView is a sale with what was heard about it.
type saleView struct {
	Sale
	Heard []heard
}

// addressView is an address with what was heard about deposits there.
type addressView struct {
	Address
	Heard []heard
}

// counterView is what the counter shows.
type counterView struct {
	Sales     []saleView
	Addresses []addressView
	Bitcoin   bool
}

func (s *Shop) counterView(ctx context.Context) (counterView, error) {
	v := counterView{Bitcoin: s.Bitcoin}
	sales, err := s.Counter.Sales(ctx, maxSales)
	if err != nil {
		return v, err
	}
	for _, x := range sales {
		v.Sales = append(v.Sales, saleView{x, s.heardOf(about{number: x.Number})})
	}
	addresses, err := s.Counter.Addresses(ctx, maxAddresses)
	if err != nil {
		return v, err
	}
	for _, x := range addresses {
		v.Addresses = append(v.Addresses, addressView{x, s.heardOf(about{deposit: true, number: x.Number})})
	}
	return v, nil
}

func (s *Shop) handleCounter(w http.ResponseWriter, r *http.Request) {
	s.showCounter(w, r, func(v counterView) templ.Component { return counterPage(v, r.URL.Query().Get("said")) })
}

// handleSales is the part of the counter that changes.
func (s *Shop) handleSales(w http.ResponseWriter, r *http.Request) {
	s.showCounter(w, r, salesList)
}

func (s *Shop) showCounter(w http.ResponseWriter, r *http.Request, page func(counterView) templ.Component) {
	v, err := s.counterView(r.Context())
	if err != nil {
		s.unread(w, err)
		return
	}
	s.render(w, r, page(v))
}

func (s *Shop) unread(w http.ResponseWriter, err error) {
	s.Log.Error("demo counter not read", "event", "demo_failed", "err", err)
	http.Error(w, "The demo could not read what was sold.", http.StatusInternalServerError)
}

// handlePlaySale lets the customer, or the chain, do something about a sale the counter shows.
func (s *Shop) handlePlaySale(w http.ResponseWriter, r *http.Request) {
	sales, err := s.Counter.Sales(r.Context(), maxSales)
	if err != nil {
		s.unread(w, err)
		return
	}
	id := r.FormValue("of")
	if !slices.ContainsFunc(sales, func(x Sale) bool { return x.ID == id }) {
		http.NotFound(w, r)
		return
	}
	s.said(w, r, "/demo/counter", s.Play(r.Context(), id, r.FormValue("action")))
}

// handleSend lets the customer deposit something at an address the counter shows.
func (s *Shop) handleSend(w http.ResponseWriter, r *http.Request) {
	addresses, err := s.Counter.Addresses(r.Context(), maxAddresses)
	if err != nil {
		s.unread(w, err)
		return
	}
	id := r.FormValue("of")
	if !slices.ContainsFunc(addresses, func(x Address) bool { return x.ID == id }) {
		http.NotFound(w, r)
		return
	}
	s.said(w, r, "/demo/counter", s.Counter.Send(r.Context(), id))
}

// words says how a sale stands.
func (x Sale) words() string {
	switch {
	case x.State == "open":
		return "no coin chosen"
	case x.State == "awaiting":
		return "to be paid"
	case x.State == "detected" && x.Short:
		return "partly paid"
	case x.State == "detected":
		return "confirming"
	case x.State == "settled":
		return "paid"
	}
	return x.State
}

func (x Sale) tone() string {
	switch {
	case x.State == "settled":
		return "ok"
	case x.State == "detected" && x.Short:
		return "warn"
	case x.State == "open", x.State == "awaiting", x.State == "detected":
		return "busy"
	}
	return "bad"
}

// said answers what became of an action: to the script in JSON, to a browser without by its page.
func (s *Shop) said(w http.ResponseWriter, r *http.Request, page string, err error) {
	words := ""
	if err != nil {
		words = s.Sentence(err)
	}
	if r.Header.Get("Accept") == "application/json" {
		sayJSON(w, words)
		return
	}
	http.Redirect(w, r, page+"?said="+url.QueryEscape(words), http.StatusSeeOther)
}
