package front

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"checkout/fault"
)

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestRequestIDsDiffer(t *testing.T) {
	seen := map[string]bool{}
	h := Identify(zeros{}, nil)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := RequestID(r.Context())
		if seen[id] || len(id) != len("00000000-00000001") {
			t.Errorf("id %q", id)
		}
		seen[id] = true
	}))
	for range 300 {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	}
	if RequestID(context.Background()) != "" || Client(context.Background()).IsValid() {
		t.Error("something outside a request")
	}
}

func TestClientAddress(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"peer", "203.0.113.9:4711", nil, "203.0.113.9"},
		{"an untrusted peer is not believed", "203.0.113.9:4711", []string{"198.51.100.1"}, "203.0.113.9"},
		{"a trusted proxy is", "10.1.2.3:80", []string{"198.51.100.1"}, "198.51.100.1"},
		{"what the client wrote before is not", "10.1.2.3:80", []string{"1.1.1.1, 198.51.100.1"}, "198.51.100.1"},
		{"two proxies", "10.1.2.3:80", []string{"1.1.1.1, 198.51.100.1, 10.9.9.9"}, "198.51.100.1"},
		{"two lines", "10.1.2.3:80", []string{"1.1.1.1", "198.51.100.1,10.9.9.9"}, "198.51.100.1"},
		{"only proxies", "10.1.2.3:80", []string{"10.0.0.7"}, "10.0.0.7"},
		{"rubbish", "10.1.2.3:80", []string{"unknown"}, "10.1.2.3"},
		{"none", "10.1.2.3:80", nil, "10.1.2.3"},
		{"with ports", "10.1.2.3:80", []string{"198.51.100.1:5555"}, "198.51.100.1"},
		{"IPv6", "[fd00::1]:80", []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		{"IPv4 in IPv6", "[::ffff:203.0.113.9]:80", nil, "203.0.113.9"},
		{"a zone is dropped", "[fe80::1%eth0]:80", nil, "fe80::1"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.peer
		r.Header["X-Forwarded-For"] = c.forwarded
		if got := clientOf(r, trusted).String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestSourceIsTheNetworkOfSix(t *testing.T) {
	for in, want := range map[string]string{
		"203.0.113.9": "203.0.113.9", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::", "2001:db8:1:2:ffff::1": "2001:db8:1:2::",
	} {
		if got := Source(netip.MustParseAddr(in)).String(); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
	if Source(netip.Addr{}).IsValid() {
		t.Error("an address out of nothing")
	}
}

func TestHosts(t *testing.T) {
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	server := httptest.NewServer(Hosts(Bare, "pay.example.com", "localhost:8080")(ok))
	defer server.Close()
	for request, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: pay.example.com\r\n":                    "204",
		"GET / HTTP/1.1\r\nHost: PAY.example.com:443\r\n":                "204",
		"GET / HTTP/1.1\r\nHost: localhost:8080\r\n":                     "204",
		"GET / HTTP/1.1\r\nHost: localhost\r\n":                          "421",
		"GET / HTTP/1.1\r\nHost: pay.example.com:8443\r\n":               "421",
		"GET / HTTP/1.1\r\nHost: pay.example.com.\r\n":                   "421",
		"GET / HTTP/1.1\r\nHost: evil.test\r\n":                          "421",
		"GET / HTTP/1.1\r\nHost: pay.example.com.evil.test\r\n":          "421",
		"GET / HTTP/1.1\r\nHost: evil.test@pay.example.com\r\n":          "400",
		"GET / HTTP/1.1\r\nHost: \r\n":                                   "421",
		"GET / HTTP/1.0\r\n":                                             "421",
		"GET / HTTP/1.1\r\nHost: pay.example.com\r\nHost: evil.test\r\n": "400",
		"GET http://evil.test/ HTTP/1.1\r\nHost: pay.example.com\r\n":    "400",
		"GET http://pay.example.com/ HTTP/1.1\r\nHost: evil.test\r\n":    "400",
	} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, request+"Connection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(answer)[8:], " "+want) {
			t.Errorf("%q: %.40q, want %s (%v)", request, answer, want, err)
		}
		_ = conn.Close()
	}
}

func TestSizes(t *testing.T) {
	h := Sizes(Bare, 10)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	}))
	for _, c := range []struct {
		target, body string
		want         int
	}{
		{"/", "0123456789", 200},
		{"/", "01234567890", 413},
		{"/?" + strings.Repeat("x", 8<<10-2), "", 200},
		{"/?" + strings.Repeat("x", 8<<10-1), "", 414},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", c.target, strings.NewReader(c.body)))
		if w.Code != c.want {
			t.Errorf("%d of target, %d of body: %d, want %d", len(c.target), len(c.body), w.Code, c.want)
		}
	}
}

func TestHeaders(t *testing.T) {
	common := map[string]string{"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Robots-Tag": "noindex", "X-Frame-Options": "DENY"}
	for name, c := range map[string]struct {
		headers Headers
		want    map[string]string
	}{
		"page": {PageHeaders(true, "/csp"), map[string]string{
			"Content-Security-Policy":   "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; report-to csp",
			"Reporting-Endpoints":       `csp="/csp"`,
			"Permissions-Policy":        "camera=(), microphone=(), geolocation=(), payment=(), clipboard-write=(self)",
			"Strict-Transport-Security": "max-age=31536000; includeSubDomains",
			"Cache-Control":             "private, no-store",
		}},
		"anything else": {DenyHeaders(false), map[string]string{
			"Content-Security-Policy":   "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
			"Strict-Transport-Security": "", "Cache-Control": "no-store", "Reporting-Endpoints": "",
		}},
	} {
		w := httptest.NewRecorder()
		c.headers.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		for _, list := range []map[string]string{common, c.want} {
			for header, want := range list {
				if got := w.Header().Get(header); got != want {
					t.Errorf("%s: %s: %q, want %q", name, header, got, want)
				}
			}
		}
		for _, never := range []string{"Set-Cookie", "Access-Control-Allow-Origin", "Server"} {
			if w.Header().Get(never) != "" {
				t.Errorf("%s: %s", name, never)
			}
		}
		if csp := w.Header().Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") {
			t.Errorf("%s: %s", name, csp)
		}
	}
}

// One answer's own header must not leak into the next.
func TestHeadersAreNotShared(t *testing.T) {
	h := PageHeaders(false, "/csp")
	first, second := http.Header{}, http.Header{}
	h.Apply(first)
	first.Set("Cache-Control", "public")
	first.Add("X-Robots-Tag", "all")
	h.Apply(second)
	if second.Get("Cache-Control") != "private, no-store" || len(second.Values("X-Robots-Tag")) != 1 {
		t.Errorf("%v", second)
	}
}

func TestRecover(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	w := httptest.NewRecorder()
	Recover(logger, Plain)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret reason") })).
		ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 500 || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "secret reason") || !strings.Contains(log.String(), "front_test.go") {
		t.Errorf("log: %s", log.String())
	}
	for name, h := range map[string]http.HandlerFunc{
		"given up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"half an answer": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half")
			panic("late")
		},
	} {
		func() {
			defer func() {
				if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
					t.Errorf("%s: %v", name, err)
				}
			}()
			Recover(discard(), Plain)(h).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		}()
	}
}

func TestPlainAndStatus(t *testing.T) {
	w := httptest.NewRecorder()
	Plain(w, nil, fault.New(fault.TooMany, "x", "Wait.").In(1500*time.Millisecond))
	if w.Code != 429 || w.Header().Get("Retry-After") != "2" || w.Body.String() != "Wait.\n" {
		t.Errorf("%d %v %q", w.Code, w.Header(), w.Body)
	}
	for kind, want := range map[fault.Kind]int{
		fault.Internal: 500, fault.Invalid: 400, fault.Unauthorized: 401, fault.Forbidden: 403, fault.NotFound: 404,
		fault.Conflict: 409, fault.Gone: 410, fault.TooMany: 429, fault.Unavailable: 503,
	} {
		if got := Status(kind); got != want {
			t.Errorf("%v: %d", kind, got)
		}
	}
	if RetryAfter(0) != "1" {
		t.Error("no time to wait at all")
	}
}

func TestAccessLog(t *testing.T) {
	var log bytes.Buffer
	now := time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC)
	a := AccessLog{
		Log:     slog.New(slog.NewTextHandler(&log, nil)),
		Route:   func(r *http.Request) string { return strings.ReplaceAll(r.URL.Path, "SECRET", "{id}") },
		Sampled: func(route string) bool { return strings.HasSuffix(route, "/status") },
		Every:   10,
		Now:     func() time.Time { now = now.Add(time.Millisecond); return now },
	}
	h := Chain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("fail") {
			w.WriteHeader(500)
			return
		}
		_, _ = io.WriteString(w, "hello")
	}), Identify(zeros{}, nil), a.Wrap)
	ask := func(method, target string) {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, target, nil))
	}
	ask("GET", "/i/SECRET?m=x")
	line := log.String()
	for _, want := range []string{"request=00000000-00000001", "route=/i/{id} ", "status=200", "bytes=5", "client=192.0.2.1", "took=1ms"} {
		if !strings.Contains(line, want) {
			t.Errorf("%q lacks %q", line, want)
		}
	}
	if strings.Contains(line, "SECRET") {
		t.Errorf("a capability in the log: %s", line)
	}
	log.Reset()
	for range 100 {
		ask("GET", "/i/SECRET/status")
	}
	if got := strings.Count(log.String(), "\n"); got != 10 {
		t.Errorf("%d of 100 polls logged", got)
	}
	log.Reset()
	ask("GET", "/i/SECRET/status?fail")
	ask("PROPFIND-"+strings.Repeat("X", 50), "/")
	if !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), "method=other") {
		t.Errorf("%s", log.String())
	}
}

func TestLimiter(t *testing.T) {
	now := time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC)
	l := NewLimiter[string](2, 4, 1000)
	for i := range 4 {
		if ok, _ := l.Allow("a", now); !ok {
			t.Fatalf("request %d of the burst refused", i+1)
		}
	}
	ok, wait := l.Allow("a", now)
	if ok || wait != 500*time.Millisecond {
		t.Errorf("after the burst: %v, %v", ok, wait)
	}
	if ok, _ := l.Allow("b", now); !ok {
		t.Error("another key refused")
	}
	now = now.Add(wait)
	if ok, _ := l.Allow("a", now); !ok {
		t.Error("refused after the wait")
	}
	if ok, _ := l.Allow("a", now); ok {
		t.Error("two for one wait")
	}
	now = now.Add(time.Hour)
	for i := range 4 {
		if ok, _ := l.Allow("a", now); !ok {
			t.Errorf("request %d refused after a rest: rest gives the whole burst and no more", i+1)
		}
	}
	if ok, _ := l.Allow("a", now); ok {
		t.Error("rest gave more than the burst")
	}
}

func TestLimiterForgets(t *testing.T) {
	now := time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC)
	l := NewLimiter[int](1, 5, 1600)
	for key := range 100_000 {
		if ok, _ := l.Allow(key, now); !ok {
			t.Fatal("a new key refused")
		}
	}
	if l.Len() > 1600 {
		t.Errorf("%d keys", l.Len())
	}
}

func TestLimitCountsNetworks(t *testing.T) {
	now := time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC)
	h := Chain(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
		Identify(zeros{}, nil), Limit(NewLimiter[netip.Addr](1, 3, 100), func() time.Time { return now }, Plain))
	refused := 0
	for i := range 10 {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = "[2001:db8::" + string(rune('a'+i%6)) + "]:1234"
		r.Header.Set("X-Forwarded-For", "203.0.113."+string(rune('0'+i)))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code == 429 {
			refused++
			if w.Header().Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		}
	}
	if refused != 7 {
		t.Errorf("%d of 10 refused", refused)
	}
}

func BenchmarkIdentify(b *testing.B) {
	h := Chain(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), Identify(zeros{}, nil))
	r := httptest.NewRequest("GET", "/", nil)
	w := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
}
