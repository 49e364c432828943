package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"checkout/store"
)

// Each benchmark measures a hot path and its limit in turns, A B A B A B, in one run on one machine, and reports the medians
// and their ratio. Only the ratio means anything elsewhere (performance.md).

const (
	rounds = 3
	turn   = 1500 * time.Millisecond
)

// perSecond counts how often f is done in one turn by so many clients.
func perSecond(b *testing.B, clients int, f func(client, n int) error) float64 {
	b.Helper()
	var done atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	began := time.Now()
	for client := range clients {
		wg.Go(func() {
			for n := 0; time.Since(began) < turn; n++ {
				if err := f(client, n); err != nil {
					failed.Store(&err)
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
	return float64(done.Load()) / time.Since(began).Seconds()
}

// compare runs both in turns and reports.
func compare(b *testing.B, ours, limit func() float64) {
	b.Helper()
	var a, l []float64
	for range rounds {
		a, l = append(a, ours()), append(l, limit())
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(a), "ours/s")
	b.ReportMetric(median(l), "limit/s")
	b.ReportMetric(median(a)/median(l), "ratio")
}

func median(list []float64) float64 {
	sort.Float64s(list)
	return list[len(list)/2]
}

// bench is the whole application in this process, on a SQLite file, served on loopback.
type bench struct {
	app    *app
	server *httptest.Server
	key    keyAnswer
	client *http.Client
	count  atomic.Int64
}

func openBench(b *testing.B) *bench {
	b.Helper()
	s := &Settings{
		DB: "sqlite:" + filepath.Join(b.TempDir(), "bench.db"), Listen: "127.0.0.1:0", InternalListen: "127.0.0.1:0", BitcoinNetwork: "regtest",
		MasterKey: strings.Repeat("00", 32), HideAfter: time.Hour, TrustedProxies: []string{"127.0.0.1"}, LogLevel: "error",
	}
	a, err := openApp(b.Context(), s, slog.New(slog.DiscardHandler), true)
	if err != nil {
		b.Fatal(err)
	}
	m, err := a.createMerchant(b.Context(), merchantCreateCmd{Name: "Bench", Tolerance: "0.5"})
	if err != nil {
		b.Fatal(err)
	}
	if err := a.rates.RunOnce(b.Context()); err != nil {
		b.Fatal(err)
	}
	for _, w := range a.watchers {
		if err := w.RunOnce(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	server.Listener = l
	server.Config.Handler = a.routes("http://"+l.Addr().String(), listeners{public: l, internal: l}).public()
	server.Start()
	b.Cleanup(func() { server.Close(); a.close() })
	return &bench{app: a, server: server, key: m.Test.CoinsPaid, client: newClient()}
}

func newClient() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}}
}

// create makes an invoice of type 3: a signature, a quote, an address, an invoice, its events, one durable commit.
func (x *bench) create() (created, error) {
	n := x.count.Add(1)
	body := []byte(`{"timer":true,"title":"Bench","currency":"EUR","sender_currency":"LTCT","amount":100,"foreign_id":"b-` + strconv.FormatInt(n, 10) +
		`","url_success":"https://shop.example/ok","url_failed":"https://shop.example/failed","email_user":"ada@shop.example"}`)
	req, err := http.NewRequest(http.MethodPost, x.server.URL+"/api/v2/invoices/create", bytes.NewReader(body))
	if err != nil {
		return created{}, err
	}
	req.Header.Set("X-Processing-Key", x.key.Key)
	req.Header.Set("X-Processing-Signature", signature(x.key.Secret, body))
	res, err := x.client.Do(req)
	if err != nil {
		return created{}, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return created{}, fmt.Errorf("create: %d %s %w", res.StatusCode, answer, err)
	}
	var a struct{ Data created }
	return a.Data, json.Unmarshal(answer, &a)
}

// BenchmarkStatusPolls: an unchanged poll of an open page, through the whole middleware, against a handler that only says
// 304.
func BenchmarkStatusPolls(b *testing.B) {
	x := openBench(b)
	c, err := x.create()
	if err != nil {
		b.Fatal(err)
	}
	res, err := http.Get(x.server.URL + c.path() + "/status")
	if err != nil {
		b.Fatal(err)
	}
	_ = res.Body.Close()
	etag := res.Header.Get("ETag")
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", etag)
		w.WriteHeader(http.StatusNotModified)
	}))
	defer bare.Close()
	poll := func(url string) func() float64 {
		return func() float64 {
			return perSecond(b, 64, func(client, n int) error {
				req, err := http.NewRequest(http.MethodGet, url, nil)
				if err != nil {
					return err
				}
				req.Header.Set("If-None-Match", etag)
				// every poll comes from another customer, or the limits would answer
				req.Header.Set("X-Forwarded-For", fmt.Sprintf("203.%d.%d.%d", client, n>>8&255, n&255))
				res, err := x.client.Do(req)
				if err != nil {
					return err
				}
				_, _ = io.Copy(io.Discard, res.Body)
				if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusNotModified {
					return fmt.Errorf("poll: %d %w", res.StatusCode, err)
				}
				return nil
			})
		}
	}
	compare(b, poll(x.server.URL+c.path()+"/status"), poll(bare.URL))
}

// BenchmarkCreates: signed creates over HTTP, durable when answered, against single rows through the same group commit.
func BenchmarkCreates(b *testing.B) {
	for _, clients := range []int{1, 32} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			x := openBench(b)
			var row atomic.Int64
			compare(b, func() float64 {
				return perSecond(b, clients, func(int, int) error { _, err := x.create(); return err })
			}, func() float64 {
				return perSecond(b, clients, func(int, int) error {
					lease := store.Lease{DB: x.app.db, Name: "bench " + strconv.FormatInt(row.Add(1), 10), Holder: "bench"}
					_, err := lease.Hold(b.Context())
					return err
				})
			})
		})
	}
}
