// Package demo is a small shop that takes orders through the real signed API, shows the real checkout, plays the customer
// on demand, and lists the callbacks it hears. It holds nothing back from anybody: it is for a machine of one's own.
package demo

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/a-h/templ"
	"github.com/go-chi/chi/v5"
)

//go:embed files
var files embed.FS

// Deps are what the shop needs.
type Deps struct {
	API    string // base of the merchant API, "http://127.0.0.1:8080"
	Key    string
	Secret string
	Real   []string // coins whose real nodes run beside
	// Play lets the customer or the chain do something about an invoice, by its capability id.
	Play    func(ctx context.Context, id, action string) error
	Counter Counter
	// Sales lists what the counter sold, the newest first; nil: there is no counter.
	Sales func(ctx context.Context) ([]Sale, error)
	// Addresses lists the deposit addresses that were given out, the newest first; nil: there are none. Play knows them, too.
	Addresses func(ctx context.Context) ([]Address, error)
	// Sentence turns a failure of Play into words.
	Sentence func(error) string
	Client   *http.Client
	Now      func() time.Time
	Log      *slog.Logger
}

// Shop is the demo's handler, for everything under /demo.
type Shop struct {
	Deps
	routes http.Handler

	mu     sync.Mutex
	taken  int // numbers given out, also to orders that failed
	orders []*order
	heard  map[string][]heard // by foreign_id, the oldest first
}

// order is one order with what went over the wire.
type order struct {
	Number    int
	Product   product
	ForeignID string
	Invoice   string // capability id
	URL       string
	Request   string
	Signature string
	Answer    string
}

// heard is one callback.
type heard struct {
	At        time.Time
	Status    string
	Amount    string
	Remaining string
	Deposit   bool
	Coin      string
	Error     string
	Verified  bool
	Body      string
	Signature string
}

// product is something the shop sells.
type product struct {
	ID    string
	Name  string
	About string
	Price string // in EUR
	Glyph string
}

var products = [...]product{
	{"blend", "House blend, 2 kg", "Brazil and Ethiopia, medium roast", "25.50", "bag"},
	{"mugs", "Two mugs", "Stoneware, made to be used", "45.00", "mug"},
	{"grinder", "Hand grinder", "Steel burrs, thirty clicks", "119.00", "grinder"},
}

// maxOrders and maxHeard bound the shop's memory.
const (
	maxOrders = 500
	maxHeard  = 1000 // orders and sales something was heard of
)

// New makes the shop.
func New(d Deps) *Shop {
	s := &Shop{Deps: d, heard: map[string][]heard{}}
	r := chi.NewRouter()
	r.Get("/demo", s.handleShop)
	r.Get("/demo/", s.handleShop)
	r.Get("/demo/files/{name}", s.handleFile)
	r.Get("/demo/recent", s.handleRecent)
	r.Post("/demo/orders", s.handleOrder)
	for path, find := range map[string]func(*http.Request) (orderView, bool){"/demo/orders/{n}": s.find, "/demo/sales/{id}": s.among(s.sales), "/demo/addresses/{id}": s.among(s.addresses)} {
		r.Get(path, s.handleShow(find))
		r.Get(path+"/heard", s.handleHeard(find))
		r.Post(path+"/play", s.handlePlay(find))
	}
	r.Post("/demo/callback", s.handleCallback)
	s.routes = headers(d.Counter.styles(), r)
	return s
}

// ServeHTTP answers.
func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.routes.ServeHTTP(w, r) }

// headers are as strict as the checkout's own, but for the frame the checkout is shown in and the style of the snippet.
func headers(styles string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src "+styles+"; img-src 'self' data:; connect-src 'self'; "+
			"form-action 'self'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func (s *Shop) render(w http.ResponseWriter, r *http.Request, c templ.Component) {
	var page bytes.Buffer
	if err := c.Render(r.Context(), &page); err != nil {
		s.Log.Error("demo page not drawn", "event", "demo_failed", "err", err)
		http.Error(w, "The demo could not draw this page.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(page.Bytes())
}

func (s *Shop) handleShop(w http.ResponseWriter, r *http.Request) {
	lists, err := s.recent(r.Context())
	if err != nil { // the shop sells without the counter
		s.Log.Error("demo sales not found", "event", "demo_failed", "err", err)
	}
	s.render(w, r, shopPage(products[:], s.Counter, lists, s.Real))
}

func (s *Shop) handleFile(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, files, "files/"+chi.URLParam(r, "name")) //nolint:gosec // an embedded folder has no way out
}

// handleOrder is what a shop does when a customer clicks "Buy": one signed call, one redirect.
func (s *Shop) handleOrder(w http.ResponseWriter, r *http.Request) {
	for _, p := range products {
		if p.ID != r.FormValue("product") {
			continue
		}
		o, err := s.order(r.Context(), p)
		if err != nil {
			s.Log.Error("demo order failed", "event", "demo_failed", "err", err)
			http.Error(w, "The order could not be made: "+err.Error(), http.StatusBadGateway)
			return
		}
		http.Redirect(w, r, "/demo/orders/"+strconv.Itoa(o.Number), http.StatusSeeOther)
		return
	}
	http.NotFound(w, r)
}

// order creates the invoice by the API, exactly as a shop's server would.
func (s *Shop) order(ctx context.Context, p product) (*order, error) {
	number, err := s.number()
	if err != nil {
		return nil, err
	}
	o := &order{Number: number, Product: p, ForeignID: fmt.Sprintf("acme-demo-order-%d-%d", number, s.Now().UnixMilli())}
	body, err := json.Marshal(struct {
		Timer      bool   `json:"timer"`
		Title      string `json:"title"`
		Amount     string `json:"amount"`
		Currency   string `json:"currency"`
		ForeignID  string `json:"foreign_id"`
		URLSuccess string `json:"url_success"`
		URLFailed  string `json:"url_failed"`
		Email      string `json:"email_user"`
	}{true, fmt.Sprintf("Order #%d · %s", number, p.Name), p.Price, "EUR", o.ForeignID, s.back(number), s.back(number), "customer@shop.example"})
	if err != nil {
		return nil, err
	}
	o.Request, o.Signature = string(body), sign(s.Secret, body)
	if err := s.create(ctx, o, body); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders = append(s.orders, o)
	return o, nil
}

// number takes the next order's number: orders may be made at the same time.
func (s *Shop) number() (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken >= maxOrders {
		return 0, fmt.Errorf("this demo has had %d orders; start it again", maxOrders)
	}
	s.taken++
	return 1000 + s.taken, nil
}

func (s *Shop) back(number int) string { return s.API + "/demo/orders/" + strconv.Itoa(number) }

func (s *Shop) create(ctx context.Context, o *order, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.API+"/api/v2/invoices/create", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Processing-Key", s.Key)
	req.Header.Set("X-Processing-Signature", o.Signature)
	res, err := s.Client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	if err != nil {
		return err
	}
	var a struct {
		Data struct {
			URL string `json:"url"`
		} `json:"data"`
	}
	if err := json.Unmarshal(answer, &a); err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("the API answered %d: %s", res.StatusCode, answer)
	}
	o.Answer, o.URL = string(answer), a.Data.URL
	o.Invoice = a.Data.URL[strings.LastIndex(a.Data.URL, "/")+1:]
	return nil
}

func sign(secret string, body []byte) string {
	mac := hmac.New(sha512.New, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// find is an order by its number in the path.
func (s *Shop) find(r *http.Request) (orderView, bool) {
	n, err := strconv.Atoi(chi.URLParam(r, "n"))
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.orders {
		if err == nil && o.Number == n {
			return s.view(o), true
		}
	}
	return orderView{}, false
}

func (s *Shop) handleShow(find func(*http.Request) (orderView, bool)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, ok := find(r)
		if !ok {
			http.Redirect(w, r, "/demo", http.StatusSeeOther) // of an earlier start
			return
		}
		page := orderPage(v, s.Real, r.URL.Query().Get("said"))
		if v.Deposit {
			page = depositPage(v, r.URL.Query().Get("said"))
		}
		s.render(w, r, page)
	}
}

func (s *Shop) handleHeard(find func(*http.Request) (orderView, bool)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, ok := find(r)
		if !ok {
			http.NotFound(w, r)
			return
		}
		s.render(w, r, heardList(v))
	}
}

// handlePlay lets the customer, or the chain, do something.
func (s *Shop) handlePlay(find func(*http.Request) (orderView, bool)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, ok := find(r)
		if !ok {
			http.NotFound(w, r)
			return
		}
		said := ""
		if err := s.Play(r.Context(), v.Invoice, r.FormValue("action")); err != nil {
			said = s.Sentence(err)
		}
		if r.Header.Get("Accept") == "application/json" {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(map[string]string{"said": said})
			return
		}
		http.Redirect(w, r, v.Base+"?said="+url.QueryEscape(said), http.StatusSeeOther)
	}
}

// handleCallback is the shop's webhook receiver: the signature is checked over the raw bytes before anything is read.
func (s *Shop) handleCallback(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	if err != nil {
		http.Error(w, "unreadable", http.StatusBadRequest)
		return
	}
	given := r.Header.Get("X-Processing-Signature")
	h := heard{At: s.Now(), Body: string(body), Signature: given, Verified: hmac.Equal([]byte(sign(s.Secret, body)), []byte(given))}
	var c struct {
		Type      string `json:"type"`
		ForeignID string `json:"foreign_id"`
		Status    string `json:"status"`
		Error     string `json:"error"`
		Sent      struct {
			Currency  string `json:"currency"`
			Amount    string `json:"amount"`
			Remaining string `json:"remaining_amount"`
		} `json:"currency_sent"`
		Address struct {
			ID int64 `json:"id"`
		} `json:"crypto_address"`
	}
	if err := json.Unmarshal(body, &c); err != nil {
		http.Error(w, "not JSON", http.StatusBadRequest)
		return
	}
	h.Status, h.Error, h.Coin, h.Amount, h.Remaining = c.Status, c.Error, c.Sent.Currency, c.Sent.Amount, c.Sent.Remaining
	about := c.ForeignID
	if h.Deposit = c.Type == "deposit"; h.Deposit {
		about = depositsAt(c.Address.ID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.heard[about]; known || len(s.heard) < maxHeard {
		s.heard[about] = append(s.heard[about], h)
	}
	w.WriteHeader(http.StatusOK) // also for what nobody remembers: the delivery is done
}
