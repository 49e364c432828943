// Package coinspaid speaks the CoinsPaid / CryptoProcessing v2 merchant API as its real clients expect it
// (contracts/coinspaid.md): an integration moves over by changing base URL, key and secret.
package coinspaid

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"checkout/api"
	"checkout/chain"
	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
)

// Invoices is what this face does with invoices.
type Invoices interface {
	Create(ctx context.Context, t merchant.Tenant, n invoice.New) (*invoice.Invoice, error)
}

// Merchants loads a merchant's policies.
type Merchants interface {
	Find(ctx context.Context, id ident.ID) (merchant.Merchant, error)
}

// Offers says which coins a merchant can take.
type Offers interface {
	Offers(ctx context.Context, t merchant.Tenant, asset chain.Asset) (bool, error)
}

// Health says whether a network's node can be relied on.
type Health interface {
	Usable(network string) bool
}

// Rates gives current prices.
type Rates interface {
	Price(from, to money.Currency) (money.Rate, error)
}

// Deps are what the face needs.
type Deps struct {
	Keys      api.Keys
	Merchants Merchants
	Invoices  Invoices
	Deposits  Deposits
	Clients   Clients
	Offers    Offers
	Health    Health // nil: every network is usable
	Rates     Rates
	Registry  *chain.Registry
	BaseURL   string // public base of links, without a slash at the end
	Now       func() time.Time
	Log       *slog.Logger
}

// Face is the dialect's handler.
type Face struct {
	Deps
	router chi.Router
}

// New makes the face. It serves everything below /api/v2 that carries this dialect's key header or names its paths.
func New(d Deps) *Face {
	f := &Face{Deps: d, router: chi.NewRouter()}
	f.routes(f.router)
	return f
}

// routes is the table of this dialect's calls.
func (f *Face) routes(r chi.Router) {
	r.NotFound(f.handleUnknownPath)
	r.MethodNotAllowed(f.handleWrongMethod)
	r.Get("/api/v2/ping", f.handlePing)
	r.Post("/api/v2/ping", f.handlePing)
	r.Head("/api/v2/ping", f.handlePing)
	r.Get("/api/v2/currencies/list", f.handleCurrencyList)
	r.Post("/api/v2/currencies/list", f.handleCurrencyList)
	r.Post("/api/v2/addresses/take", f.handleAddressTake)
	r.Post("/api/v2/invoices/create", f.handleInvoiceCreate)
}

// ServeHTTP collapses doubled slashes and drops one at the end, without a redirect (which would turn a POST into a GET):
// clients whose base URL ends in a slash double it.
func (f *Face) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if clean := collapse(r.URL.Path); clean != r.URL.Path {
		r2 := r.Clone(r.Context())
		r2.URL.Path, r2.URL.RawPath = clean, ""
		r = r2
	}
	f.router.ServeHTTP(w, r)
}

func collapse(path string) string {
	out := make([]byte, 0, len(path))
	for i := range len(path) {
		if path[i] != '/' || len(out) == 0 || out[len(out)-1] != '/' {
			out = append(out, path[i])
		}
	}
	if len(out) > 1 && out[len(out)-1] == '/' {
		out = out[:len(out)-1]
	}
	return string(out)
}

// handleUnknownPath answers in the form of the dialect whose key header is present; without one, as RFC 7807 has it.
func (f *Face) handleUnknownPath(w http.ResponseWriter, r *http.Request) {
	if len(r.Header.Values(headerKey)) > 0 {
		f.writeError(w, r, errNotFound)
		return
	}
	writeAs(w, "application/problem+json", http.StatusNotFound, problem{
		Type: f.BaseURL + "/problems/not_found", Title: "Not found", Status: http.StatusNotFound,
		Detail: "There is nothing at this path.", Instance: r.URL.Path, Code: "not_found",
	})
}

// handleWrongMethod names the methods that would do, as RFC 9110 asks. A method nobody knows reaches it whatever the path.
func (f *Face) handleWrongMethod(w http.ResponseWriter, r *http.Request) {
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		if f.router.Match(chi.NewRouteContext(), method, r.URL.Path) {
			w.Header().Add("Allow", method)
		}
	}
	if len(w.Header().Values("Allow")) == 0 {
		f.handleUnknownPath(w, r)
		return
	}
	f.writeError(w, r, errMethod)
}

// handlePing answers OK to everybody. "Only when both headers are present are they verified, and 403 is answered when
// wrong."
func (f *Face) handlePing(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get(headerKey) != "" && r.Header.Get(headerSignature) != "" {
		if _, _, err := f.authenticate(r); err != nil {
			f.writeError(w, r, err)
			return
		}
	}
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte("OK"))
}

// problem is an error in the form of RFC 7807.
type problem struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Instance string `json:"instance"`
	Code     string `json:"code"`
}

// writeJSON answers.
func writeJSON(w http.ResponseWriter, status int, v any) { writeAs(w, "application/json", status, v) }

// writeAs answers. An answer that cannot be written has no one left to hear of it.
func writeAs(w http.ResponseWriter, mediaType string, status int, v any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		status = http.StatusInternalServerError
		b.Reset()
		b.WriteString(`{"error":"Internal error","code":"internal_error"}`)
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(bytes.TrimRight(b.Bytes(), "\n"))
}

// data is the envelope of answers.
type data struct {
	Data any `json:"data"`
}
