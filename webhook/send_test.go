package webhook

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func heard200(status int) bool { return status == http.StatusOK }

func post(t *testing.T, client *http.Client, url string) Attempt {
	t.Helper()
	return send(t.Context(), client, url, http.Header{"X-Processing-Key": {"k"}, "webhook-id": {"e1"}}, []byte(`{"id":1}`), heard200, time.Now)
}

// TestSendOutcomes: what a receiver does decides what the attempt is called; a redirect is never followed, and no more of
// an answer is kept than is shown.
func TestSendOutcomes(t *testing.T) {
	var elsewhere atomic.Int64
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer target.Close()
	for name, test := range map[string]struct {
		answer  http.HandlerFunc
		outcome string
		status  int
	}{
		"heard":   {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "thanks") }, "ok", 200},
		"created": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }, "http", 201},
		"broken":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, "http", 500},
		"moved": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, target.URL, http.StatusMovedPermanently)
		}, "redirect", 301},
		"see other": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, target.URL, http.StatusTemporaryRedirect)
		}, "redirect", 307},
		"hangs up":    {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "reset", 0},
		"never ends":  {endless, "ok", 200},
		"says secret": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("a\x00", 400)) }, "ok", 200},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(test.answer)
			defer server.Close()
			a := post(t, NewClient(true), server.URL+"/callback")
			if a.Outcome != test.outcome || a.Status != test.status {
				t.Errorf("%s %d, want %s %d", a.Outcome, a.Status, test.outcome, test.status)
			}
			if len(a.Answer) > keepAnswer || strings.Contains(a.Answer, "\x00") {
				t.Errorf("%d bytes of the answer are kept: %.40q", len(a.Answer), a.Answer)
			}
		})
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("a redirect was followed %d times", n)
	}
}

// endless answers until nobody listens any more.
func endless(w http.ResponseWriter, r *http.Request) {
	chunk := make([]byte, 1<<16)
	for r.Context().Err() == nil {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// TestSendTLS: a certificate nobody vouches for is a failure, never passed over.
func TestSendTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the body was sent") }))
	defer server.Close()
	server.Config.ErrorLog = nil
	if a := post(t, NewClient(true), server.URL); a.Outcome != "tls" {
		t.Errorf("an unknown authority: %s", a.Outcome)
	}
	if a := post(t, NewClient(true), strings.Replace(server.URL, "https", "http", 1)); a.Outcome == "ok" {
		t.Errorf("plain text to a TLS port: %s", a.Outcome)
	}
}

// TestSendTimeout: a receiver that does not answer in time has not heard.
func TestSendTimeout(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	client := NewClient(true)
	client.Timeout = 50 * time.Millisecond
	if a := post(t, client, server.URL); a.Outcome != "timeout" {
		t.Errorf("silence is called %s", a.Outcome)
	}
	if a := post(t, NewClient(true), "http://127.0.0.1:1/"); a.Outcome != "connect" {
		t.Errorf("nobody there is called %s", a.Outcome)
	}
}

// TestSendBlocked: without leave no packet reaches an address that is not a global one, however it is written; with it,
// private addresses are reached, but never those where clouds keep their secrets.
func TestSendBlocked(t *testing.T) {
	var knocks atomic.Int64
	var cfg net.ListenConfig
	canary, err := cfg.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer canary.Close()
	go func() {
		for {
			c, err := canary.Accept()
			if err != nil {
				return
			}
			knocks.Add(1)
			_ = c.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(canary.Addr().String())
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:"+port)
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:"+port)
	for _, host := range []string{
		"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.1.2.3",
		"192.0.0.8", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "[64:ff9b::a00:1]", "[2002:a00:1::]", "[fec0::1]", "[2001::1]", "[100::1]",
	} {
		for _, at := range []string{host + ":" + port, host} {
			if a := post(t, NewClient(false), "http://"+at+"/"); a.Outcome != "blocked" {
				t.Errorf("%s: %s", at, a.Outcome)
			}
		}
	}
	for _, url := range []string{"ftp://shop.example/", "file:///etc/passwd", "javascript:alert(1)", "http://user:pass@shop.example/", "//shop.example", "https://shop.example/\r\nX: y", `https://shop.example\@127.0.0.1/`, ""} {
		if a := post(t, NewClient(true), url); a.Outcome != "blocked" {
			t.Errorf("%q: %s", url, a.Outcome)
		}
	}
	if a := post(t, NewClient(true), "http://169.254.169.254/"); a.Outcome != "blocked" {
		t.Errorf("metadata with leave for private addresses: %s", a.Outcome)
	}
	if n := knocks.Load(); n != 0 {
		t.Errorf("%d connections reached the canary", n)
	}
}

// TestSpelling: headers go out as they were set.
func TestSpelling(t *testing.T) {
	var cfg net.ListenConfig
	l, err := cfg.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	raw := make(chan string, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		buf := make([]byte, 4096)
		n, _ := c.Read(buf)
		raw <- string(buf[:n])
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	}()
	if a := post(t, NewClient(true), "http://"+l.Addr().String()+"/cb"); a.Outcome != "ok" {
		t.Fatal(a.Outcome)
	}
	text := <-raw
	for _, line := range []string{"POST /cb HTTP/1.1\r\n", "\r\nX-Processing-Key: k\r\n", "\r\nwebhook-id: e1\r\n", "\r\nAccept-Encoding: identity\r\n"} {
		if !strings.Contains(text, line) {
			t.Errorf("no %q in %q", line, text)
		}
	}
}

func TestWants(t *testing.T) {
	e := Endpoint{Types: []string{"invoice.*", "payment.detected"}}
	for kind, want := range map[string]bool{"invoice.settled": true, "payment.detected": true, "payment.late": false, "quote.created": false, "invoices": false} {
		if e.Wants(kind) != want {
			t.Errorf("%s: %v", kind, !want)
		}
	}
}
