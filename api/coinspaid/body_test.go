package coinspaid_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"checkout/merchant"
)

// padded is JSON of exactly so many bytes.
func padded(size int) string { return `{"x":"` + strings.Repeat("x", size-8) + `"}` }

// TestBodies is section 1.4: what is a body at all.
func TestBodies(t *testing.T) {
	h := openHouse(t)
	for name, body := range map[string]string{
		"null": `null`, "object": `{}`, "empty list": `[]`, "blanks": " {\t}\r\n", "unknown keys": `{"visible":true,"__proto__":{"a":1},"constructor":[],"prototype":null}`,
		"exactly the limit": padded(65_536), "null for an optional field": `{"visible":null}`, "nothing for an optional field": `{"visible":""}`,
		"key in another case": `{"Visible":"no boolean"}`, "key with U+017F": `{"vi` + "\u017f" + `ible":"no boolean"}`,
	} {
		if a := h.call(h.live, "currencies/list", body); a.status != http.StatusOK {
			t.Errorf("%s: %d %.200s", name, a.status, a.body)
		}
	}
	for name, body := range map[string]string{
		"nothing": ``, "a text": `"x"`, "a number": `1`, "a boolean": `true`, "a list": `[1]`, "a list of nothing": `[null]`, "broken": `{x`,
		"duplicate key": `{"visible":true,"visible":true}`, "trailing data": `{} x`, "two values": `null null`, "invalid UTF-8": "{\"a\":\"\xff\"}", "NaN": `{"a":NaN}`,
		"comment": `{}/**/`, "single quotes": `{'a':1}`, "trailing comma": `{"a":1,}`, "Infinity": `{"a":-Infinity}`, "hexadecimal": `{"a":0x1}`,
		"65 levels": `{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, "deep lists": strings.Repeat("[", 10_000), "deep objects": strings.Repeat(`{"a":`, 10_000),
		"form": `visible=true`, "257 keys": manyKeys(257), "compressed": "\x1f\x8b\x08\x00",
	} {
		began := time.Now()
		h.refuses(name, h.call(h.live, "currencies/list", body), http.StatusBadRequest, badFormat)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
	h.refuses("65,537 bytes", h.call(h.live, "currencies/list", padded(65_537)), http.StatusRequestEntityTooLarge, tooLarge)
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"k%d":0`, i)
	}
	return "{" + b.String()[1:] + "}"
}

// TestTransport: nothing but the bytes matters, not what they are called, nor what stands in the query.
func TestTransport(t *testing.T) {
	h := openHouse(t)
	n := 0
	try := func(name string, change func(r *http.Request, body string)) answer {
		n++
		body := order(map[string]any{"foreign_id": fmt.Sprint("t-", n)})
		r := newRequest(h.live, http.MethodPost, "/api/v2/invoices/create", body)
		change(r, body)
		a := h.do(r)
		if a.status != http.StatusOK && !strings.HasPrefix(name, "refused") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		return a
	}
	for _, media := range []string{"application/json; charset=utf-8", "application/x-www-form-urlencoded", "text/plain", "multipart/form-data", "nonsense"} {
		try(media, func(r *http.Request, _ string) { r.Header.Set("Content-Type", media) })
	}
	try("no content type", func(r *http.Request, _ string) { r.Header.Del("Content-Type") })
	try("chunks of a byte", func(r *http.Request, body string) {
		r.Body, r.ContentLength = io.NopCloser(iotest.OneByteReader(strings.NewReader(body))), -1
	})
	a := try("query", func(r *http.Request, _ string) { r.URL.RawQuery = "amount=1&title=Query&foreign_id=&timer=0" })
	if !strings.Contains(a.body, `"title":"Order 7731"`) || !strings.Contains(a.body, `"amount":"45.00000000"`) {
		t.Errorf("the query was read: %s", a.body)
	}
	before := h.count(h.live)
	for _, coding := range []string{"gzip", "br", "zstd", "identity"} {
		a := try("refused "+coding, func(r *http.Request, _ string) { r.Header.Set("Content-Encoding", coding) })
		h.refuses(coding, a, http.StatusBadRequest, badFormat)
	}
	if h.count(h.live) != before {
		t.Error("an invoice was made of a body said to be compressed")
	}
}

// TestWire speaks HTTP by hand to a real server.
func TestWire(t *testing.T) {
	h := openHouse(t)
	server := httptest.NewServer(h.face)
	defer server.Close()
	say := func(t *testing.T, text string) (*http.Response, string) {
		t.Helper()
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, string(body)
	}
	head := func(method, path, proto string, key merchant.Key, body string, more ...string) string {
		var b bytes.Buffer
		fmt.Fprintf(&b, "%s %s HTTP/%s\r\nHost: pay.example.test\r\nx-processing-key: %s\r\nX-PROCESSING-SIGNATURE: %s\r\n", method, path, proto, key.Public, sign(key.Secret.Reveal(), body))
		for _, line := range more {
			b.WriteString(line + "\r\n")
		}
		return b.String() + "\r\n"
	}
	t.Run("HTTP/1.0", func(t *testing.T) {
		body := order(nil)
		res, text := say(t, head("POST", "/api/v2//invoices/create/", "1.0", h.live, body, "Content-Length: "+fmt.Sprint(len(body)))+body)
		if res.StatusCode != http.StatusOK || !strings.HasPrefix(text, `{"data":{"id":`) {
			t.Errorf("%d %s", res.StatusCode, text)
		}
		if res, text := say(t, head("POST", "/api/v2/currencies/list", "1.0", h.live, "null", "Content-Length: 4")+"null"); res.StatusCode != http.StatusOK || !strings.HasSuffix(text, "]}") {
			t.Errorf("%d %s", res.StatusCode, text)
		}
	})
	t.Run("chunks of a byte", func(t *testing.T) {
		body := order(map[string]any{"foreign_id": "chunked"})
		var chunks strings.Builder
		for i := range len(body) {
			chunks.WriteString("1\r\n" + body[i:i+1] + "\r\n")
		}
		res, text := say(t, head("POST", "/api/v2/invoices/create", "1.1", h.live, body, "Transfer-Encoding: chunked")+chunks.String()+"0\r\n\r\n")
		if res.StatusCode != http.StatusOK {
			t.Errorf("%d %s", res.StatusCode, text)
		}
	})
	t.Run("HEAD ping", func(t *testing.T) {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "HEAD /api/v2/ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(conn)
		if err != nil || !bytes.HasPrefix(text, []byte("HTTP/1.1 200 OK\r\n")) || !bytes.HasSuffix(text, []byte("\r\n\r\n")) {
			t.Errorf("%q %v", text, err)
		}
	})
	t.Run("too large a body that never comes", func(t *testing.T) {
		res, text := say(t, head("POST", "/api/v2/invoices/create", "1.1", h.live, "", "Content-Length: 200000")+"{")
		if res.StatusCode != http.StatusRequestEntityTooLarge || text != tooLarge || !res.Close {
			t.Errorf("%d %s", res.StatusCode, text)
		}
	})
	t.Run("too large a body in chunks that never ends", func(t *testing.T) {
		res, text := say(t, head("POST", "/api/v2/invoices/create", "1.1", h.live, "", "Transfer-Encoding: chunked")+"10001\r\n"+strings.Repeat("x", 0x10001)+"\r\n")
		if res.StatusCode != http.StatusRequestEntityTooLarge || text != tooLarge || !res.Close {
			t.Errorf("%d %s", res.StatusCode, text)
		}
	})
}
