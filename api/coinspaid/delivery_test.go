package coinspaid_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"checkout/api/coinspaid"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/store"
)

// TestRetries: only 200 is heard. Whatever else comes back, there are twelve more attempts at the minutes of section 6.1, each
// with the same bytes, and then the callback is dead; a person can still send it.
func TestRetries(t *testing.T) {
	s := openStage(t)
	s.shop.answers(http.StatusCreated)
	c := s.order(nil)
	s.decide(c, invoice.MarkCancel, "", time.Time{})
	answers := []int{500, 301, 204, 404}
	for i, wait := range coinspaid.Retries() {
		s.shop.answers(answers[i%len(answers)])
		s.clock.pass(wait - time.Second)
		s.dispatch()
		if got := len(s.shop.callbacks()); got != i+1 {
			t.Fatalf("%d attempts a second before retry %d", got, i+1)
		}
		s.clock.pass(2 * time.Second)
		s.dispatch()
		if got := len(s.shop.callbacks()); got != i+2 {
			t.Fatalf("%d attempts after retry %d", got, i+1)
		}
	}
	s.clock.pass(1000 * time.Hour)
	s.dispatch()
	all := s.shop.callbacks()
	for _, cb := range all {
		if cb.body != all[0].body || cb.header.Get("Webhook-Id") != all[0].header.Get("Webhook-Id") {
			t.Errorf("%s differs from %s", cb.body, all[0].body)
		}
	}
	tenant, err := merchant.Operator(s.key.Merchant, s.key.Env)
	s.must(err)
	outbox := store.Webhooks{DB: s.db}
	list, err := outbox.Deliveries(t.Context(), tenant, c.capability(), 10)
	s.must(err)
	dead := slices.IndexFunc(list, func(d store.Delivery) bool { return d.Attempts == 13 && d.State == "dead" })
	if len(all) != 13 || dead < 0 {
		t.Fatalf("%d attempts, %+v", len(all), list)
	}
	s.shop.answers(http.StatusOK)
	s.must(outbox.Resend(t.Context(), tenant, list[dead].ID))
	s.dispatch()
	if again := s.shop.callbacks(); len(again) != 14 || again[13].body != all[0].body {
		t.Errorf("%d attempts after it was sent again", len(again))
	}
}

// TestOldStatusIsDropped: a callback that fails holds its successor back for a minute at most, and is not sent again once the
// successor was heard.
func TestOldStatusIsDropped(t *testing.T) {
	s := openStage(t)
	const pending, processing = "pending 0.25000000 15m0s 0.20@0", "processing 0.00000000 24h0m59s 0.20@0 0.25@0"
	s.shop.answers(http.StatusBadGateway)
	c := s.order(nil)
	s.pay(c, "0.20")
	s.clock.pass(59 * time.Second)
	s.pay(c, "0.25")
	if got := s.lines(c); !slices.Equal(got, []string{pending}) {
		t.Fatalf("the second did not wait for the first: %q", got)
	}
	s.wait(2 * time.Second) // the first is tried again, and the second waits no longer
	got := s.lines(c)[1:]
	if slices.Sort(got); !slices.Equal(got, []string{pending, processing}) {
		t.Fatalf("after a minute: %q", got)
	}
	s.shop.answers(http.StatusOK)
	s.wait(time.Minute + time.Second) // the second's first retry; the first's next one is not due for five minutes
	s.wait(time.Hour)
	if got := s.lines(c)[3:]; !slices.Equal(got, []string{processing}) {
		t.Errorf("after the second was heard: %q", got)
	}
}

// TestSpelling reads a callback off the wire: some receivers index headers by exactly these names.
func TestSpelling(t *testing.T) {
	s := openStage(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	s.must(err)
	defer listener.Close()
	seen := make(chan []byte, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			close(seen)
			return
		}
		defer conn.Close()
		var raw bytes.Buffer
		if req, err := http.ReadRequest(bufio.NewReader(io.TeeReader(conn, &raw))); err == nil {
			_, _ = io.Copy(io.Discard, req.Body)
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		seen <- raw.Bytes()
	}()
	s = s.by(t, s.listen("K7", "0", "http://"+listener.Addr().String()+"/ipn"))
	s.decide(s.order(nil), invoice.MarkCancel, "", time.Time{})
	raw := string(<-seen)
	head, body, _ := strings.Cut(raw, "\r\n\r\n")
	for _, line := range []string{
		"POST /ipn HTTP/1.1", "\r\nX-Processing-Key: K7-test\r\n", "\r\nX-Processing-Signature: " + sign(liveSecret, body) + "\r\n",
		"\r\nContent-Type: application/json\r\n", "\r\nAccept-Encoding: identity\r\n", "\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n",
	} {
		if !strings.Contains(head+"\r\n", line) {
			t.Errorf("no %q in\n%s", line, raw)
		}
	}
}
