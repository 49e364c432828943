package demo

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"
)

// Counter is what sells beside the shop, without a line of the shop's code.
type Counter struct {
	Till    string // path of the terminal
	PIN     string // of its history
	Link    string // path of the payment link
	Poster  string // path of its poster
	Fixed   string // path of a link with a price
	TopUp   string // path of a link that gives each visitor a deposit address
	Product string // what the button sells
	Button  string // the button's snippet, as merchants paste it
}

// Sale is an invoice that one of them made.
type Sale struct {
	Invoice   string // capability id
	ForeignID string // what callbacks call it
	By        string // "terminal", "link", "button"
	Title     string
	Price     string // "12.50 EUR"
}

// Address is a deposit address somebody was given.
type Address struct {
	ID       string // capability id
	Number   int64  // what callbacks call it
	By       string // "terminal", "link", or the dialect that asked for it
	Received string // "0.25 LTCT"
}

// depositsAt names in Shop.heard what callbacks tell of the deposits at an address: their foreign_id is a customer, who may have
// several.
func depositsAt(number int64) string { return "deposits at " + strconv.FormatInt(number, 10) }

// maxSales is how many sales the shop's page lists.
const maxSales = 8

// by says where something was sold or given out.
func by(origin string) string {
	if words, known := map[string]string{"terminal": "At the till", "link": "By the link", "button": "By the button"}[origin]; known {
		return words
	}
	return "By the shop"
}

// styles allows what the snippet brings along for its looks, and no other style written into a page.
func (c Counter) styles() string {
	_, rest, _ := strings.Cut(c.Button, "<style>")
	style, _, found := strings.Cut(rest, "</style>")
	if !found {
		return "'self'"
	}
	sum := sha256.Sum256([]byte(style))
	return "'self' 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// sales lists the newest sales with what was heard of each.
func (s *Shop) sales(ctx context.Context) ([]orderView, error) {
	if s.Sales == nil {
		return nil, nil
	}
	list, err := s.Sales(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []orderView
	for _, x := range list {
		out = append(out, s.heardOf(orderView{
			Base: "/demo/sales/" + x.Invoice, Name: by(x.By), About: x.Title, Price: x.Price, Invoice: x.Invoice, Path: "/i/" + x.Invoice,
		}, x.ForeignID))
	}
	return out, nil
}

// addresses lists the newest deposit addresses with what was heard of each.
func (s *Shop) addresses(ctx context.Context) ([]orderView, error) {
	if s.Addresses == nil {
		return nil, nil
	}
	list, err := s.Addresses(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []orderView
	for _, x := range list {
		out = append(out, s.heardOf(orderView{
			Base: "/demo/addresses/" + x.ID, Name: by(x.By), About: "Address " + strconv.FormatInt(x.Number, 10), Price: x.Received, Invoice: x.ID,
			Path: "/d/" + x.ID, Deposit: true,
		}, depositsAt(x.Number)))
	}
	return out, nil
}

// among finds one of a list by the capability id in the path.
func (s *Shop) among(list func(context.Context) ([]orderView, error)) func(*http.Request) (orderView, bool) {
	return func(r *http.Request) (orderView, bool) {
		views, err := list(r.Context())
		if err != nil {
			s.Log.Error("demo sales not found", "event", "demo_failed", "err", err)
		}
		for _, v := range views {
			if v.Invoice == chi.URLParam(r, "id") {
				return v, true
			}
		}
		return orderView{}, false
	}
}

// handleRecent is the lists of what was bought, for a page that stays open.
func (s *Shop) handleRecent(w http.ResponseWriter, r *http.Request) {
	lists, err := s.recent(r.Context())
	if err != nil {
		s.Log.Error("demo sales not found", "event", "demo_failed", "err", err)
		http.Error(w, "The demo could not find its sales.", http.StatusInternalServerError)
		return
	}
	s.render(w, r, recentLists(lists))
}

// recentView is what was bought and deposited, the newest of each.
type recentView struct{ Orders, Sales, Addresses []orderView }

func (s *Shop) recent(ctx context.Context) (v recentView, err error) {
	s.mu.Lock()
	for i := len(s.orders) - 1; i >= 0 && len(v.Orders) < 5; i-- {
		v.Orders = append(v.Orders, s.view(s.orders[i]))
	}
	s.mu.Unlock()
	if v.Sales, err = s.sales(ctx); err != nil {
		return v, err
	}
	v.Sales = v.Sales[:min(len(v.Sales), maxSales)]
	if v.Addresses, err = s.addresses(ctx); err != nil {
		return v, err
	}
	v.Addresses = v.Addresses[:min(len(v.Addresses), maxSales)]
	return v, nil
}
