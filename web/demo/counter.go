package demo

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
)

// Counter is what sells beside the shop, without a line of the shop's code.
type Counter struct {
	Till    string // path of the terminal
	PIN     string // of its history
	Link    string // path of the payment link
	Poster  string // path of its poster
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

// maxSales is how many sales the shop's page lists.
const maxSales = 8

// words says where a sale was made.
func (s Sale) words() string {
	return map[string]string{"terminal": "At the till", "link": "By the link", "button": "By the button"}[s.By]
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
			Base: "/demo/sales/" + x.Invoice, Name: x.words(), About: x.Title, Price: x.Price, Invoice: x.Invoice, Path: "/i/" + x.Invoice,
		}, x.ForeignID))
	}
	return out, nil
}

// sale finds one of them by the invoice in the path.
func (s *Shop) sale(r *http.Request) (orderView, bool) {
	list, err := s.sales(r.Context())
	if err != nil {
		s.Log.Error("demo sales not found", "event", "demo_failed", "err", err)
	}
	for _, v := range list {
		if v.Invoice == chi.URLParam(r, "invoice") {
			return v, true
		}
	}
	return orderView{}, false
}

// handleRecent is the lists of what was bought, for a page that stays open.
func (s *Shop) handleRecent(w http.ResponseWriter, r *http.Request) {
	orders, sales, err := s.recent(r.Context())
	if err != nil {
		s.Log.Error("demo sales not found", "event", "demo_failed", "err", err)
		http.Error(w, "The demo could not find its sales.", http.StatusInternalServerError)
		return
	}
	s.render(w, r, recentLists(orders, sales))
}

func (s *Shop) recent(ctx context.Context) (orders, sales []orderView, err error) {
	s.mu.Lock()
	for i := len(s.orders) - 1; i >= 0 && len(orders) < 5; i-- {
		orders = append(orders, s.view(s.orders[i]))
	}
	s.mu.Unlock()
	if sales, err = s.sales(ctx); len(sales) > maxSales {
		sales = sales[:maxSales]
	}
	return orders, sales, err
}
