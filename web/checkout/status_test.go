package checkout

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"checkout/fault"
	"checkout/ident"
	"checkout/invoice"
)

func TestStatusBody(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewConfirming)
	w := s.ask("GET", "/i/"+string(inv.ID)+"/status", "")
	want := `{"rev":17,"now":"2026-11-21T14:15:40.120Z","state":"confirming","final":false,` +
		`"lock_until":"2026-11-21T15:05:10.120Z","watch_until":"2026-11-28T15:20:40.120Z",` +
		`"asset":"btc","asked":"0.00044007","received":"0.00044007","due":"0","fiat":{"amount":"25.50","currency":"USD"},` +
		`"address":null,"tag":null,"payment_uri":null,"confirmations":{"have":2,"need":6},` +
		`"txs":[{"id":"` + testTx + `","amount":"0.00044007","conf":2,"seen_at":"2026-11-21T14:15:20.120Z"}],` +
		`"poll_ms":5000,"html":"/i/` + string(inv.ID) + `/fragment?rev=17"}`
	if got := w.Body.String(); got != want {
		t.Errorf("\n%s, want\n%s", got, want)
	}
	h := w.Header()
	if h.Get("ETag") != `"17"` || h.Get("Cache-Control") != "private, no-cache" || h.Get("Content-Type") != "application/json" || h.Get("Vary") != "" {
		t.Errorf("headers %v", h)
	}
	if w := s.ask("GET", "/i/"+string(inv.ID)+"/status", "", "Accept-Encoding", "gzip"); w.Header().Get("Content-Encoding") != "gzip" {
		t.Error("not compressed")
	}
}

func TestStatusOfEveryView(t *testing.T) {
	for _, v := range views() {
		s := openShop(t)
		inv := s.invoiceIn(t, v)
		w := s.ask("GET", "/i/"+string(inv.ID)+"/status", "")
		var body map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != 200 {
			t.Fatalf("%s: %d %v %s", v, w.Code, err, w.Body)
		}
		want := string(v)
		if v == ViewWaitingExpiring {
			want = "waiting" // the page knows the end of the lock
		}
		if body["state"] != want || body["final"] != v.Final() {
			t.Errorf("%s: %v, final %v", v, body["state"], body["final"])
		}
		if got := body["address"] != nil && body["payment_uri"] != nil; got != payable(v) {
			t.Errorf("%s: address %v, payment URI %v", v, body["address"], body["payment_uri"])
		}
		keys := make([]string, 0, len(body))
		for k := range body {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		if got := strings.Join(keys, " "); got != "address asked asset confirmations due fiat final html lock_until now payment_uri poll_ms received rev state tag txs watch_until" {
			t.Errorf("%s: keys %s", v, got)
		}
	}
}

// An unchanged poll is a few bytes on the wire and asks the store nothing.
func TestItem47UnchangedPoll(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewWaiting)
	server := httptest.NewServer(s.handler())
	defer server.Close()
	poll := func(etag string) *http.Response {
		t.Helper()
		r, _ := http.NewRequest("GET", server.URL+"/i/"+string(inv.ID)+"/status", nil)
		r.Header.Set("If-None-Match", etag)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = res.Body.Close() })
		return res
	}
	if res := poll(`"16"`); res.StatusCode != 200 || s.reads != 1 {
		t.Fatalf("%d after %d reads", res.StatusCode, s.reads)
	}
	for _, etag := range []string{`"17"`, `W/"17"`, `"1", "17"`, `*`} {
		res := poll(etag)
		var head bytes.Buffer
		if err := res.Header.Write(&head); err != nil {
			t.Fatal(err)
		}
		size := len("HTTP/1.1 304 Not Modified\r\n\r\n") + head.Len()
		if res.StatusCode != 304 || s.reads != 1 || size > 120 {
			t.Errorf("%s: %d after %d reads, %d bytes: %v", etag, res.StatusCode, s.reads, size, res.Header)
		}
		s.pass(time.Second)
	}
	// A change reaches the very next poll.
	if _, err := s.change(inv.ID, func(inv *invoice.Invoice) error { inv.Outcome.State = invoice.Cancelled; return nil }); err != nil {
		t.Fatal(err)
	}
	if res := poll(`"17"`); res.StatusCode != 200 || res.Header.Get("ETag") != `"18"` || s.reads != 2 {
		t.Errorf("after a change: %d %s, %d reads", res.StatusCode, res.Header.Get("ETag"), s.reads)
	}
	if res := poll(`"18"`); res.StatusCode != 304 || s.reads != 2 {
		t.Errorf("and then: %d, %d reads", res.StatusCode, s.reads)
	}
}

// The end of a lock is told by the body even before the version moves.
func TestStatusAgesWithTheLock(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewUnderpaid)
	state := func() string {
		var body struct{ State string }
		if err := json.Unmarshal(s.ask("GET", "/i/"+string(inv.ID)+"/status", "").Body.Bytes(), &body); err != nil {
			t.Fatal(err)
		}
		return body.State
	}
	if got := state(); got != "underpaid" {
		t.Fatal(got)
	}
	s.pass(50 * time.Minute)
	if got := state(); got != "expired_underpaid" {
		t.Errorf("after the lock: %s", got)
	}
	reads := s.reads
	s.pass(time.Minute)
	if state(); s.reads != reads {
		t.Error("read again and again")
	}
}

func TestUnknownStatus(t *testing.T) {
	s := openShop(t)
	for range 5 {
		if w := s.ask("GET", "/i/00000000000000000000000000/status", ""); w.Code != 404 {
			t.Fatalf("%d", w.Code)
		}
		s.pass(time.Second)
	}
	if s.reads != 1 {
		t.Errorf("%d reads of what is not there", s.reads)
	}
	s.pass(missingFor)
	s.ask("GET", "/i/00000000000000000000000000/status", "")
	if s.reads != 2 {
		t.Errorf("%d reads after a while", s.reads)
	}
	if w := s.ask("GET", "/i/not-an-id/status", ""); w.Code != 404 || s.reads != 2 {
		t.Errorf("%d, %d reads", w.Code, s.reads)
	}
}

func TestPollLimits(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewWaiting)
	refused := 0
	for range 20 {
		if w := s.ask("GET", "/i/"+string(inv.ID)+"/status", ""); w.Code == 429 {
			refused++
			if w.Header().Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		}
	}
	if refused != 14 {
		t.Errorf("%d of 20 polls of one invoice at once refused", refused)
	}
	refused = 0
	for i := range 100 {
		id := fmt.Sprintf("%026d", i)
		if w := s.ask("GET", "/i/"+id+"/status", ""); w.Code == 429 {
			refused++
		}
	}
	if refused < 40 {
		t.Errorf("%d of 100 polls of many invoices refused", refused)
	}
	if w := s.ask("GET", "/i/"+string(inv.ID), ""); w.Code != 200 {
		t.Errorf("the page: %d", w.Code)
	}
}

// Whether the node can be relied on is no change of the invoice, and yet polls and the page say it at once, both ways.
func TestStatusFollowsTheNode(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewWaiting)
	etag := ""
	ask := func(down bool, wantCode int, want View) {
		t.Helper()
		s.mu.Lock()
		s.down = map[string]bool{"bitcoin": down}
		s.mu.Unlock()
		w := s.ask("GET", "/i/"+string(inv.ID)+"/status", "", "If-None-Match", etag)
		if w.Code != wantCode || (wantCode == 200 && !strings.Contains(w.Body.String(), `"state":"`+string(want)+`"`)) {
			t.Errorf("down %v: %d %s", down, w.Code, w.Body)
		}
		etag = w.Header().Get("ETag")
		if page := s.ask("GET", "/i/"+string(inv.ID), ""); !strings.Contains(page.Body.String(), `data-state="`+string(want)+`"`) {
			t.Errorf("down %v: the page says otherwise", down)
		}
	}
	ask(false, 200, ViewWaiting)
	ask(false, 304, ViewWaiting)
	ask(true, 200, ViewUnavailable)
	ask(true, 304, ViewUnavailable)
	ask(false, 200, ViewWaiting)
}

func newTestStatuses(now func() time.Time) *statuses { return newStatuses(6400, 0, now, nil) }

func fixed(at time.Time) func() time.Time { return func() time.Time { return at } }

func TestStatusesLoadOnce(t *testing.T) {
	c := newTestStatuses(fixed(time.Unix(1e9, 0)))
	var reads atomic.Int32
	begin := make(chan struct{})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			<-begin
			_, err := c.load(t.Context(), "A", func(context.Context) (*status, error) {
				reads.Add(1)
				time.Sleep(20 * time.Millisecond)
				return &status{version: 1, head: []byte("x")}, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	close(begin)
	all.Wait()
	if reads.Load() != 1 {
		t.Errorf("%d reads for 50 who asked together", reads.Load())
	}
}

// What was read before a commit must not be kept after it.
func TestStatusesForgetWhatChangedMeanwhile(t *testing.T) {
	now := time.Unix(1e9, 0)
	c := newTestStatuses(fixed(now))
	_, err := c.load(t.Context(), "A", func(context.Context) (*status, error) {
		c.changed("A", 2) // a commit between our read and our return
		return &status{version: 1, head: []byte("old")}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if s, ok := c.get("A", now); ok {
		t.Errorf("version %d is kept", s.version)
	}
	s, err := c.load(t.Context(), "A", func(context.Context) (*status, error) { return &status{version: 2, head: []byte("new")}, nil })
	if err != nil || s.version != 2 {
		t.Fatal(s, err)
	}
	c.changed("A", 2) // told again, or late
	c.changed("A", 1)
	if s, ok := c.get("A", now); !ok || s.version != 2 {
		t.Error("a status was thrown away for an old change")
	}
	c.changed("B", 7)
	if c.len() != 1 {
		t.Error("a change nobody watches takes room")
	}
}

func TestStatusesKeepNoFailure(t *testing.T) {
	c := newTestStatuses(fixed(time.Unix(1e9, 0)))
	if _, err := c.load(t.Context(), "A", func(context.Context) (*status, error) { return nil, errBroken }); !errors.Is(err, errBroken) || c.len() != 0 {
		t.Errorf("%v, %d entries", err, c.len())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.load(ctx, "A", func(ctx context.Context) (*status, error) { return &status{version: 1, head: []byte("x")}, ctx.Err() })
	if err != nil {
		t.Errorf("whoever asked first went away: %v", err)
	}
}

func TestStatusesAreBounded(t *testing.T) {
	now := time.Unix(1e9, 0)
	c := newTestStatuses(func() time.Time { return now })
	keep := func(id ident.ID, s *status) {
		if _, err := c.load(t.Context(), id, func(context.Context) (*status, error) { return s, nil }); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 20_000 {
		keep(ident.ID(fmt.Sprint(i)), &status{version: 1, head: []byte("x")})
	}
	if got := c.len(); got > 6400 {
		t.Errorf("%d entries", got)
	}
	now = now.Add(closedFor + time.Second)
	keep("final", &status{version: 1, head: []byte("x"), final: true})
	now = now.Add(idleFor + time.Second)
	for i := range 3000 { // enough to come by every shard
		keep(ident.ID(fmt.Sprint("new", i)), &status{version: 1, head: []byte("x")})
	}
	if got := c.len(); got != 3000 {
		t.Errorf("%d entries, of which 3000 are in use", got)
	}
}

func TestStatusesOfOtherProcesses(t *testing.T) {
	now := time.Unix(1e9, 0)
	c := newStatuses(6400, time.Second, func() time.Time { return now }, nil)
	reads := 0
	for range 10 {
		if _, ok := c.get("A", now); !ok {
			_, err := c.load(t.Context(), "A", func(context.Context) (*status, error) {
				reads++
				return &status{version: 1, head: []byte("x")}, nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		now = now.Add(400 * time.Millisecond)
	}
	if reads != 4 {
		t.Errorf("%d reads in four seconds", reads)
	}
}

func TestStatusFailure(t *testing.T) {
	s := openShop(t)
	inv := s.invoiceIn(t, ViewWaiting)
	s.address = fault.ErrInternal.Because(errBroken)
	w := s.ask("GET", "/i/"+string(inv.ID)+"/status", "")
	if w.Code != 500 || strings.Contains(w.Body.String(), "disk") || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
	}
}

func BenchmarkUnchangedPoll(b *testing.B) {
	s := openShop(b)
	inv := s.invoiceIn(b, ViewWaiting)
	h := s.face
	r := httptest.NewRequest("GET", "/i/"+string(inv.ID)+"/status", nil)
	r.Header.Set("If-None-Match", `"17"`)
	b.ReportAllocs()
	for b.Loop() {
		s.now = s.now.Add(time.Second)
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
}

func BenchmarkPage(b *testing.B) {
	s := openShop(b)
	inv := s.invoiceIn(b, ViewWaiting)
	r := httptest.NewRequest("GET", "/i/"+string(inv.ID), nil)
	r.Header.Set("Accept-Encoding", "gzip")
	b.ReportAllocs()
	for b.Loop() {
		s.face.ServeHTTP(httptest.NewRecorder(), r)
	}
}
