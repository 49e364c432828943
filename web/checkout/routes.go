// Package checkout is the customer's face: the page of an invoice from the choice of a coin to the thank-you, its
// status for the script, and the QR codes.
//
// Whoever holds an invoice's address may see it: the id in it is the key. Nothing else is asked of a visitor, nothing
// is stored in their browser, and every page works without script.
package checkout

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"checkout/chain"
	"checkout/fault"
	"checkout/front"
	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
	"checkout/web"
)

// Invoices are what the pages show and what payers may do with them.
type Invoices interface {
	Find(ctx context.Context, id ident.ID) (*invoice.Invoice, error)
	// CheckAddress derives the address of the chosen coin again: one that is not the derived one is never shown.
	CheckAddress(ctx context.Context, inv *invoice.Invoice) error
	Choose(ctx context.Context, id ident.ID, c invoice.Choice) (*invoice.Invoice, error)
	Requote(ctx context.Context, id ident.ID) (*invoice.Invoice, error)
	RefundTo(ctx context.Context, id ident.ID, address string) (*invoice.Invoice, error)
	// PaidBy lists the invoices a transaction has paid to.
	PaidBy(ctx context.Context, network, txid string) ([]ident.ID, error)
}

// Merchants are who is paid.
type Merchants interface {
	Find(ctx context.Context, id ident.ID) (merchant.Merchant, error)
	// Logo is a merchant's picture by its name.
	Logo(ctx context.Context, id ident.ID, name string) ([]byte, error)
}

// Health says whether a network's node can be relied on.
type Health interface {
	Usable(network string) bool
	// Behind is how long ago all of the network had been seen.
	Behind(network string) time.Duration
}

// Deps are what the face needs.
type Deps struct {
	Site      *web.Site
	Invoices  Invoices
	Deposits  Deposits // nil: there are no deposit addresses
	Visits    Visits   // nil: there are no signed links to them
	Tills     Tills    // nil: there are no terminals
	Links     Links    // nil: there are no payment links
	Buttons   Buttons  // nil: there are no products
	Merchants Merchants
	Registry  *chain.Registry
	Health    Health // nil: every network is usable
	// Estimate is what a price would be in a coin now, rounded up to so many places. It binds nobody.
	Estimate func(coin money.Currency, price money.Amount, places int) (money.Amount, error)
	// Explorer names a page about a transaction; nil or an empty answer: there is none.
	Explorer func(network, tx string) string
	// Ancestors may frame the pages, as sources of a content policy; without any, nobody may.
	Ancestors []string
	// Base is the address the pages are reached at: "https://pay.example.com". Empty: no page names itself.
	Base string
	// TLS says that readers come over https.
	TLS bool
	// StatusMaxAge bounds the age of a kept status where other processes write to the same store; 0: none does.
	StatusMaxAge time.Duration
	Log          *slog.Logger
	Now          func() time.Time
}

// Face is the customer's face. It is a handler for everything under "/".
type Face struct {
	Deps
	site     *web.Site
	statuses *statuses
	topups   *statuses // of deposit addresses
	codes    *codes
	limits   limits
	brands   sync.Map      // of style sheets by colour
	plain    front.Headers // of answers that are not pages
	worker   []byte        // the script that keeps the keypads of terminals
	routes   http.Handler
}

// reportPath takes reports of what the content policy stopped.
const reportPath = "/csp"

// New makes the face.
func New(d Deps) *Face {
	page, plain := front.PageHeaders(d.TLS, reportPath, d.Ancestors...), front.DenyHeaders(d.TLS)
	f := &Face{Deps: d, plain: plain, site: d.Site, codes: newCodes(4096), limits: newLimits()}
	f.statuses = newStatuses(100_000, d.StatusMaxAge, d.Now, f.usable)
	f.worker = newWorker(d.Site.Files.Content("till-worker.js"), d.Site.Assets())
	f.topups = newStatuses(20_000, d.StatusMaxAge, d.Now, f.usable)

	r := chi.NewRouter()
	r.Use(headAsGet)
	r.NotFound(page.Wrap(http.HandlerFunc(f.handleNotFound)).ServeHTTP)
	r.MethodNotAllowed(page.Wrap(http.HandlerFunc(f.handleMethodNotAllowed)).ServeHTTP)
	r.Handle(web.FilesPrefix+"*", d.Site.Files)
	r.Get("/i/{id}/status", f.handleStatus)
	r.With(page.Wrap).Get("/m/{merchant}/{file}", f.handleBrand) // what is not there is a page
	r.With(plain.Wrap).Post(reportPath, f.handleReport)
	r.Group(func(r chi.Router) {
		r.Use(page.Wrap)
		r.Get("/i/{id}", f.handlePage)
		r.Get("/i/{id}/fragment", f.handleFragment)
		r.Get("/i/{id}/receipt", f.handleReceipt)
		r.Get("/i/{id}/qr.svg", f.handleSVG)
		r.Get("/i/{id}/qr.png", f.handlePNG)
		r.Get("/invoice/{id}", f.handleOldAddress)
		r.With(f.ownPagesOnly).Post("/i/{id}/method", f.handleMethod)
		r.With(f.ownPagesOnly).Post("/i/{id}/requote", f.handleRequote)
		r.With(f.ownPagesOnly).Post("/i/{id}/refund-address", f.handleRefundAddress)
		r.With(f.ownPagesOnly).Post("/i/{id}/hint", f.handleHint)
	})
	f.depositRoutes(r, page)
	f.tillRoutes(r)
	f.linkRoutes(r, page)
	f.buttonRoutes(r, page)
	f.routes = r
	return f
}

// ServeHTTP answers.
func (f *Face) ServeHTTP(w http.ResponseWriter, r *http.Request) { f.routes.ServeHTTP(w, r) }

// Changed is to be called after every commit that changed an invoice or a deposit address.
func (f *Face) Changed(id ident.ID, version int64) {
	f.statuses.changed(id, version)
	f.topups.changed(id, version)
}

// headAsGet routes a HEAD as the GET it asks about. chi's own GetHead asks the outermost router whether a path takes HEAD,
// and that one hands everything to this face.
func headAsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			chi.RouteContext(r.Context()).RouteMethod = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}

// Route names the route of an answered request for the log, without the id in it. It may be asked only after the
// answer, by a middleware that stands inside a chi router. Every face names its paths in full, so of the patterns that
// matched, one for each router on the way, the last is the whole route.
func Route(r *http.Request) string {
	if c := chi.RouteContext(r.Context()); c != nil && len(c.RoutePatterns) > 0 {
		return c.RoutePatterns[len(c.RoutePatterns)-1]
	}
	return "none"
}

func (f *Face) handleNotFound(w http.ResponseWriter, r *http.Request) {
	f.site.Error(w, r, invoice.ErrNotFound)
}

func (f *Face) handleMethodNotAllowed(w http.ResponseWriter, r *http.Request) {
	f.site.Status(w, r, http.StatusMethodNotAllowed)
}

// ErrForeignForm is the fault of a form that was not sent from our pages.
var ErrForeignForm = fault.New(fault.Forbidden, "foreign_form", "Please use the form on the payment page.")

// ownPagesOnly lets forms in that come from our own pages, or from a client that says nothing of where they come from.
// There is no token: a visitor has no standing here that another site could use behind their back.
func (f *Face) ownPagesOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if crossSite(r) {
			f.site.Error(w, r, ErrForeignForm)
			return
		}
		if ok, wait := f.limits.forms.Allow(front.Source(front.Client(r.Context())), f.Now()); !ok {
			f.site.Error(w, r, front.ErrTooMany.In(wait))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// crossSite says whether a form was sent from another site's page, as far as the client tells.
func crossSite(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return false
	}
	return true
}

// limits are how often one address may do what.
type limits struct {
	polls    *front.Limiter[netip.Addr] // status and fragments
	each     *front.Limiter[watcher]    // the same of one invoice
	unknown  *front.Limiter[netip.Addr] // invoices that do not exist
	forms    *front.Limiter[netip.Addr]
	reports  *front.Limiter[netip.Addr]
	pictures *front.Limiter[netip.Addr] // they cost the most to make
	tills    *front.Limiter[string]     // forms of one terminal
	counters *front.Limiter[netip.Addr] // forms of all terminals at one address
	offers   *front.Limiter[string]     // forms of one payment link or product
	buyers   *front.Limiter[netip.Addr] // forms of all of them from one address
	creates  *front.Limiter[struct{}]   // what anybody makes: shops' servers must not wait for it
	charges  *front.Limiter[struct{}]   // what tills make: strangers do not stop them
	visits   *front.Limiter[netip.Addr] // signed links: each may give an address away
}

type watcher struct {
	id     ident.ID
	source netip.Addr
}

func newLimits() limits {
	const size = 50_000
	return limits{
		polls:    front.NewLimiter[netip.Addr](10, 60, size),
		each:     front.NewLimiter[watcher](2, 6, size),
		unknown:  front.NewLimiter[netip.Addr](1, 60, size),
		forms:    front.NewLimiter[netip.Addr](1, 20, size),
		reports:  front.NewLimiter[netip.Addr](1, 10, size),
		pictures: front.NewLimiter[netip.Addr](5, 30, size),
		tills:    front.NewLimiter[string](1, 30, size),
		counters: front.NewLimiter[netip.Addr](2, 60, size),
		offers:   front.NewLimiter[string](2, 20, size),
		buyers:   front.NewLimiter[netip.Addr](0.1, 10, size),
		creates:  front.NewLimiter[struct{}](20, 100, 1),
		charges:  front.NewLimiter[struct{}](20, 100, 1),
		visits:   front.NewLimiter[netip.Addr](1, 30, size),
	}
}

// pollAllowed counts a poll: two a second of one invoice, ten a second of all.
func (f *Face) pollAllowed(r *http.Request, id ident.ID, now time.Time) error {
	source := front.Source(front.Client(r.Context()))
	if ok, wait := f.limits.polls.Allow(source, now); !ok {
		return front.ErrTooMany.In(wait)
	}
	if len(id) > ident.Length {
		return nil // no invoice, and no key worth remembering
	}
	if ok, wait := f.limits.each.Allow(watcher{id, source}, now); !ok {
		return front.ErrTooMany.In(wait)
	}
	return nil
}

// counted turns "no such invoice" into "too many" for who asks for one after the other.
func (f *Face) counted(r *http.Request, err error) error {
	if fault.Of(err).Kind != fault.NotFound && fault.Of(err).Kind != fault.Forbidden {
		return err
	}
	if ok, wait := f.limits.unknown.Allow(front.Source(front.Client(r.Context())), f.Now()); !ok {
		return front.ErrTooMany.In(wait)
	}
	return err
}

// fail answers with an error page.
func (f *Face) fail(w http.ResponseWriter, r *http.Request, err error) {
	f.site.Error(w, r, f.counted(r, err))
}
