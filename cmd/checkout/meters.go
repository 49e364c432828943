package main

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"checkout/store"
	"checkout/web/checkout"
)

// meters are what /metrics shows. No label ever holds an id.
type meters struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMeters(a *app) *meters {
	m := &meters{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "checkout_http_requests_total", Help: "Answered requests of the public listener."}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "checkout_http_request_seconds", Help: "Time to answer.", Buckets: []float64{.001, .005, .02, .1, .5, 2, 10},
		}, []string{"route"}),
	}
	m.registry.MustRegister(m.requests, m.seconds, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &chainMeters{app: a})
	return m
}

// wrap counts requests by their route.
func (m *meters) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		watched := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		next.ServeHTTP(watched, r)
		route := checkout.Route(r)
		m.requests.WithLabelValues(route, strconv.Itoa(watched.Status())).Inc()
		m.seconds.WithLabelValues(route).Observe(time.Since(began).Seconds())
	})
}

// chainMeters reads the state of the chains and of the outbox when it is asked.
type chainMeters struct{ app *app }

var (
	heightDesc = prometheus.NewDesc("checkout_chain_height", "Height the watcher stands at.", []string{"chain"}, nil)
	usableDesc = prometheus.NewDesc("checkout_chain_usable", "1 if the chain's coins are offered.", []string{"chain"}, nil)
	heldDesc   = prometheus.NewDesc("checkout_chain_held", "What happened on the chain and invoices could not take in.", []string{"chain"}, nil)
	outboxDesc = prometheus.NewDesc("checkout_outbox_messages", "Callbacks by state.", []string{"state"}, nil)
)

// Describe names the figures.
func (c *chainMeters) Describe(ch chan<- *prometheus.Desc) {
	ch <- heightDesc
	ch <- usableDesc
	ch <- heldDesc
	ch <- outboxDesc
}

// Collect reads them.
func (c *chainMeters) Collect(ch chan<- prometheus.Metric) {
	for _, w := range c.app.watchers {
		n := w.Source.Network()
		_, height := c.app.health.Status(n.ID)
		usable := 0.0
		if c.app.health.Usable(n.ID) {
			usable = 1
		}
		ch <- prometheus.MustNewConstMetric(heightDesc, prometheus.GaugeValue, float64(height), n.ID)
		ch <- prometheus.MustNewConstMetric(usableDesc, prometheus.GaugeValue, usable, n.ID)
		ch <- prometheus.MustNewConstMetric(heldDesc, prometheus.GaugeValue, float64(c.app.health.Held(n.ID)), n.ID)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	counts, err := store.Webhooks{DB: c.app.db}.Waiting(ctx)
	if err != nil {
		return // the store's trouble shows in /readyz
	}
	for state, n := range counts {
		ch <- prometheus.MustNewConstMetric(outboxDesc, prometheus.GaugeValue, float64(n), state)
	}
}
