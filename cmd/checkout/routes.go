package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"checkout/front"
	"checkout/web/checkout"
	"checkout/web/embed"
)

// sites is the site map: what is mounted where on the two listeners.
type sites struct {
	app       *app
	base      string // base of all links
	local     string // base on this machine, whatever customers use
	hosts     []string
	pages     http.Handler
	coinsPaid http.Handler
	meters    *meters
	extra     map[string]http.Handler // by the first path segment, for the demo
}

// routes builds the faces. Pages are served under the host of base and, where the listener takes calls from this very
// machine, under its names for itself.
func (a *app) routes(base string, ls listeners) *sites {
	address := ls.public.Addr().String()
	local := "http://" + reachable(address)
	dialect := a.coinsPaid(base)
	s := &sites{app: a, base: base, local: local, pages: a.pages(base, dialect), coinsPaid: dialect, meters: newMeters(a), extra: map[string]http.Handler{}}
	for _, b := range []string{base, local} {
		if u, err := url.Parse(b); err == nil {
			s.hosts = append(s.hosts, u.Host)
		}
	}
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && (ip.IsLoopback() || ip.IsUnspecified()) {
		for _, name := range []string{"127.0.0.1", "localhost", "::1"} {
			s.hosts = append(s.hosts, net.JoinHostPort(name, port))
		}
	}
	return s
}

// bodyLimit bounds every request body on the public listener; the faces have their own, smaller ones.
const bodyLimit = 1 << 20

// public is the listener of customers and shops.
func (s *sites) public() http.Handler {
	deny := front.DenyHeaders(strings.HasPrefix(s.base, "https://"))
	proxies, _ := s.app.settings.proxies() // checked at start
	access := front.AccessLog{
		Log: s.app.log, Route: checkout.Route, Sampled: func(route string) bool { return strings.HasSuffix(route, "/status") }, Every: 100, Now: time.Now,
	}
	r := chi.NewRouter()
	r.Use(front.Identify(rand.Reader, proxies), deny.Wrap, s.meters.wrap, access.Wrap, front.Recover(s.app.log, s.fail),
		front.Sizes(s.refuse, bodyLimit), front.Hosts(s.refuse, s.hosts...), squeeze)
	r.Handle("/api/*", s.coinsPaid)
	for prefix, h := range s.extra {
		r.Handle("/"+prefix, h)
		r.Handle("/"+prefix+"/*", h)
	}
	r.Handle(embed.Path, embed.Handler())
	r.Handle("/*", s.pages)
	return r
}

// refusals are what programs are told when no face is asked, as contracts/coinspaid.md 2.1 words it where it has a word.
var refusals = map[int]string{ //nolint:gochecknoglobals // a constant
	http.StatusBadRequest:            `{"error":"Bad request","code":"bad_request"}`,
	http.StatusRequestEntityTooLarge: `{"error":"Payload too large","code":"payload_too_large"}`,
	http.StatusRequestURITooLong:     `{"error":"URI too long","code":"uri_too_long"}`,
	http.StatusMisdirectedRequest:    `{"error":"Wrong host","code":"wrong_host"}`,
	http.StatusInternalServerError:   `{"error":"Internal error","code":"internal_error"}`,
}

// refuse answers what no face is asked about: people get a page, programs JSON.
func (s *sites) refuse(w http.ResponseWriter, r *http.Request, status int) {
	if !forPrograms(r) {
		s.app.site.Status(w, r, status)
		return
	}
	said, known := refusals[status]
	if !known {
		status, said = http.StatusInternalServerError, refusals[http.StatusInternalServerError]
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(said))
}

// fail answers for a handler that broke down, in the shape of the face it came by.
func (s *sites) fail(w http.ResponseWriter, r *http.Request, err error) {
	if forPrograms(r) {
		s.refuse(w, r, http.StatusInternalServerError)
		return
	}
	s.app.site.Error(w, r, err)
}

// forPrograms says whether a request is one of the API's, with doubled slashes or without.
func forPrograms(r *http.Request) bool {
	return strings.HasPrefix("/"+strings.TrimLeft(r.URL.Path, "/"), "/api/")
}

// squeeze collapses doubled slashes below /api before routing, without a redirect, which would turn a POST into a GET.
func squeeze(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "//") && forPrograms(r) {
			r.URL.Path, r.URL.RawPath = "/"+strings.TrimLeft(r.URL.Path, "/"), ""
		}
		next.ServeHTTP(w, r)
	})
}

// internal is the listener of operators; it is never reachable from outside.
func (s *sites) internal() http.Handler {
	r := chi.NewRouter()
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	r.Get("/readyz", s.handleReady)
	r.Handle("/metrics", promhttp.HandlerFor(s.meters.registry, promhttp.HandlerOpts{}))
	r.Post("/rehearsal/invoices/{id}/{action}", s.handleRehearsal)
	r.Post("/rehearsal/addresses/{address}/pay", s.handlePlayedPayment)
	return front.Chain(r, front.Identify(rand.Reader, nil), front.DenyHeaders(false).Wrap, front.Recover(s.app.log, front.Plain),
		front.Sizes(front.Bare, 4096))
}

// worst is the word for a node of which both are true.
func worst(a, b string) string {
	if a == "ok" {
		return b
	}
	return a
}

// handleReady says whether this node can serve, and how each chain is doing. A chain in trouble takes its coin off the
// list, not the node: the answer is 503 only when the database does not answer.
func (s *sites) handleReady(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	lines := []string{}
	word, status := "ok", http.StatusOK
	if err := s.app.db.Ping(ctx); err != nil {
		lines = append(lines, "db=unreachable")
		word, status = "unavailable", http.StatusServiceUnavailable
	} else {
		lines = append(lines, "db=ok")
	}
	if s.app.clock.Skewed() {
		lines = append(lines, "clock=skewed")
		word = worst(word, "degraded")
	}
	for _, watcher := range s.app.watchers {
		n := watcher.Source.Network()
		state, height := s.app.health.Status(n.ID)
		lines = append(lines, fmt.Sprintf("chain:%s=%s height=%d", s.app.coinOf(n), state, height))
		if state != "ok" {
			word = worst(word, "degraded")
		}
	}
	if wrong := s.app.contracts.lines(); len(wrong) > 0 {
		word, lines = worst(word, "degraded"), append(lines, wrong...)
	}
	word, lines = s.app.heldLine(word, lines)
	sort.Strings(lines)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, word+"\n"+strings.Join(lines, "\n"))
}
