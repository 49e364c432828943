package rpc_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"checkout/chain/rpc"
	"checkout/fault"
)

// The key of a provider stands in the path of its address, as a password or in a header; none of them is ever in an error.
func TestKeysAreNotRepeated(t *testing.T) {
	const key = "hush-hush"
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	over := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over }))
	defer slow.Close()
	defer close(over)
	moved := httptest.NewServer(http.RedirectHandler("/"+key, http.StatusFound))
	defer moved.Close()
	for name, url := range map[string]string{
		"nobody listens": closed.URL + "/v3/" + key, "no answer": slow.URL + "/v3/" + key, "a redirect": moved.URL + "/v3/" + key + "?apikey=" + key,
		"no such host": "http://nowhere.invalid/" + key, "a password": strings.Replace(closed.URL, "//", "//user:"+key+"@", 1),
	} {
		c, err := rpc.New(rpc.Config{URL: url, Timeout: 200 * time.Millisecond, Headers: map[string]string{"X-Key": key}})
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{c.Call(t.Context(), nil, "eth_chainId"), c.Post(t.Context(), 1000, nil, "/wallet/getblock", nil)} {
			if err == nil || strings.Contains(err.Error(), key) || fault.Of(err).Kind != fault.Unavailable {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c, err := rpc.New(rpc.Config{URL: closed.URL})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Call(ctx, nil, "eth_chainId"); !errors.Is(err, context.Canceled) {
		t.Errorf("a call that was given up: %v", err)
	}
}

// Servers repeat the key they do not accept; what they wrote is not passed on before it is taken out.
func TestKeysAreHidden(t *testing.T) {
	c, err := rpc.New(rpc.Config{URL: "https://me:pass-word@nowhere.invalid/v3/0123abcd?apikey=4567efgh", Headers: map[string]string{"X-Key": "hush-hush"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Hide("v3/0123abcd, 4567efgh, hush-hush and pass-word are not known"); got != "v3/…, …, … and … are not known" {
		t.Errorf("what is left is %q", got)
	}
}

// A refusal by status can be told from a node that is away.
func TestStatus(t *testing.T) {
	for code, refused := range map[int]bool{401: true, 403: true, 429: true, 502: true, 503: true, 504: true, 200: false, 500: false} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }))
		c, err := rpc.New(rpc.Config{URL: server.URL})
		if err != nil {
			t.Fatal(err)
		}
		err = c.Post(t.Context(), 1000, nil, "/", nil)
		status, is := errors.AsType[*rpc.Status](err)
		if is != refused || (is && status.Code != code) || fault.Of(err).Kind != fault.Unavailable {
			t.Errorf("%d: %v", code, err)
		}
		server.Close()
	}
}

// A pool stays with who answers, and says what says most.
func TestPool(t *testing.T) {
	wrong := fault.New(fault.Unavailable, "wrong_network", "Another network.")
	down := errors.New("down")
	state := map[string]error{"a": down, "b": nil, "c": nil}
	p := rpc.NewPool([]string{"a", "b", "c"})
	asked := ""
	ask := func(name string) error { asked += name; return state[name] }
	for range 2 {
		if err := p.First(t.Context(), ask); err != nil {
			t.Error(err)
		}
	}
	if asked != "abb" {
		t.Errorf("they were asked in the order %q", asked)
	}
	state["b"], state["c"] = down, wrong
	if err := p.First(t.Context(), ask); !errors.Is(err, wrong) {
		t.Errorf("of all troubles it says %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	asked = ""
	if err := p.First(ctx, ask); !errors.Is(err, down) || len(asked) != 1 {
		t.Errorf("after it was given up it asked %q: %v", asked, err)
	}
}

// A server that repeats the key it does not accept does not bring it into our log.
func TestRepeatedKeysAreHidden(t *testing.T) {
	const key = "hush-hush-hush"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		answer := `{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"no such key: ` + key + `"}}`
		if strings.HasPrefix(string(body), "[") {
			answer = `[{"jsonrpc":"2.0","id":2,"error":{"code":-32000,"message":"no such key: ` + key + `"}}]`
		}
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	c, err := rpc.New(rpc.Config{URL: server.URL + "/v3/" + key})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Call(t.Context(), nil, "eth_chainId"); err == nil || strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), "no such key") {
		t.Errorf("a call: %v", err)
	}
	replies, err := c.Batch(t.Context(), 1000, []rpc.Question{{Method: "eth_chainId"}})
	if err != nil || len(replies) != 1 {
		t.Fatal(err)
	}
	if err := rpc.Read("eth_chainId", replies[0], nil); err == nil || strings.Contains(err.Error(), key) {
		t.Errorf("a batch: %v", err)
	}
}
