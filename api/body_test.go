package api_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"checkout/api"
	"checkout/fault"
)

const limit = 65_536

// counter counts what was read of a body.
type counter struct {
	io.Reader
	read int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read += n
	return n, err
}

// mustRequest makes a request whose body says how long it is, or, with -1, does not.
func mustRequest(t *testing.T, body io.Reader, length int64) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", body)
	r.ContentLength = length
	return r
}

func TestBody(t *testing.T) {
	text := strings.Repeat("x", limit)
	broken := iotest.ErrReader(errors.New("connection reset"))
	for _, tc := range []struct {
		name     string
		body     io.Reader
		length   int64
		err      error
		atMost   int // bytes that may be read
		received int
	}{
		{"nothing", strings.NewReader(""), 0, nil, 0, 0},
		{"all of the limit", strings.NewReader(text), limit, nil, limit, limit},
		{"all of the limit, of no stated length", strings.NewReader(text), -1, nil, limit, limit},
		{"one byte at a time", iotest.OneByteReader(strings.NewReader(text)), -1, nil, limit, limit},
		{"more than the limit, as stated", strings.NewReader(text + "x"), limit + 1, api.ErrTooLarge, 0, 0},
		{"more than the limit, of no stated length", strings.NewReader(text + text), -1, api.ErrTooLarge, limit + 1, 0},
		{"more, one byte at a time", iotest.OneByteReader(strings.NewReader(text + text)), -1, api.ErrTooLarge, limit + 1, 0},
		{"cut off", io.MultiReader(strings.NewReader("{"), broken), 100, api.ErrJSON, 1, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			body := &counter{Reader: tc.body}
			raw, err := api.Body(mustRequest(t, body, tc.length), limit)
			if !errors.Is(err, tc.err) || len(raw) != tc.received {
				t.Errorf("%d bytes, %v", len(raw), err)
			}
			if body.read > tc.atMost {
				t.Errorf("%d bytes were read", body.read)
			}
		})
	}
}

// TestBodyBelowAnotherLimit has the whole server's smaller limit strike first: it is the same fault.
func TestBodyBelowAnotherLimit(t *testing.T) {
	body := http.MaxBytesReader(httptest.NewRecorder(), io.NopCloser(strings.NewReader("0123456789")), 9)
	if _, err := api.Body(mustRequest(t, body, -1), limit); !errors.Is(err, api.ErrTooLarge) {
		t.Error(err)
	}
	body = http.MaxBytesReader(httptest.NewRecorder(), io.NopCloser(strings.NewReader("0123456789")), 1<<20)
	if raw, err := api.Body(mustRequest(t, body, -1), 9); !errors.Is(err, api.ErrTooLarge) {
		t.Errorf("%q, %v", raw, err)
	}
}

// TestBodyBytes wants the very bytes that were sent, whatever they are.
func TestBodyBytes(t *testing.T) {
	sent := []byte("\xef\xbb\xbf{\"a\" : \"\\/\x00\xff\"}\r\n")
	if raw, err := api.Body(mustRequest(t, bytes.NewReader(sent), int64(len(sent))), limit); err != nil || !bytes.Equal(raw, sent) {
		t.Errorf("%q, %v", raw, err)
	}
}

func TestUncoded(t *testing.T) {
	for _, coding := range []string{"gzip", "br", "zstd", "deflate", "identity", ""} {
		r := mustRequest(t, http.NoBody, 0)
		r.Header.Set("Content-Encoding", coding)
		if err := api.Uncoded(r); !errors.Is(err, api.ErrEncoding) || fault.Of(err).Kind != fault.Invalid {
			t.Errorf("%q: %v", coding, err)
		}
	}
	if err := api.Uncoded(mustRequest(t, http.NoBody, 0)); err != nil {
		t.Error(err)
	}
}
