// Package rpc speaks to the nodes of block chains over HTTP: JSON-RPC, and plain JSON for those that have their own calls.
//
// The server is not believed: answers are bounded in size and time, redirects are not followed, an answer must carry its
// question's id, and a password never appears in an error.
package rpc

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"checkout/fault"
)

// The faults of talking to a node. All say that it has no answer now.
var (
	ErrUnreachable = fault.New(fault.Unavailable, "node_unreachable", "The node cannot be reached.")
	ErrGarbage     = fault.New(fault.Unavailable, "node_garbage", "The node gives answers that make no sense.")
	ErrRefused     = fault.New(fault.Unavailable, "node_refused", "The node refuses to answer.")
)

// Error is what a node answers instead of a result. Codes are those of JSON-RPC 2.0, or the node's own. Message is the
// node's text, shortened: for logs.
type Error struct {
	Code    int64
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("rpc error %d: %q", e.Code, e.Message) }

// Status is the cause when a server refuses a call without looking into it.
type Status struct {
	Code int    // of HTTP
	Why  string // what that means
}

func (s *Status) Error() string { return fmt.Sprintf("status %d: %s", s.Code, s.Why) }

// Limits of a call.
const (
	callTime     = 10 * time.Second // unless the configuration says otherwise
	messageLimit = 200              // bytes kept of an error's text
)

// AnswerLimit is how many bytes an answer may have, unless the caller knows better.
const AnswerLimit = 32 << 20

// ErrTooLarge is the cause when an answer is larger than its limit.
var ErrTooLarge = errors.New("the answer is too large")

// Config says where a node is and how to get in.
type Config struct {
	// URL is "http://user:password@host:port", or https. Name and password are taken off it and never appear in an
	// error.
	URL string
	// CookieFile holds "user:password", rewritten by the node at each of its starts (Bitcoin Core's .cookie). It is read
	// again when the node refuses what it said before. It takes the place of a name and password in the URL.
	CookieFile string
	// CAFile, PEM, is trusted for https instead of the system's authorities: the certificate of the node itself, usually.
	CAFile string
	// Headers are sent with every request: the key of a provider, for one. They are secret.
	Headers map[string]string
	// Timeout is how long a call may take, the reading of its answer included; 10 s if 0.
	Timeout time.Duration
	// HTTP replaces our client, for tests. Its redirects are switched off: they would carry the password elsewhere.
	HTTP *http.Client
}

// Client speaks JSON-RPC, version 2.0 with batches, to one node. It is safe for concurrent use.
type Client struct {
	endpoint string // without name and password
	cookie   string // path, or empty
	timeout  time.Duration
	http     *http.Client
	headers  map[string]string
	secrets  []string      // what lets us in, and must be in no error
	next     atomic.Uint64 // id of the last request

	mu             sync.Mutex
	user, password string
}

// New checks the configuration. It does not call the node.
func New(c Config) (*Client, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("the URL of the node is not of the form http://user:password@host:port") // not repeated: it may hold the password
	}
	client := &Client{cookie: c.CookieFile, timeout: c.Timeout, headers: c.Headers}
	if client.timeout == 0 {
		client.timeout = callTime
	}
	if u.User != nil {
		client.user = u.User.Username()
		client.password, _ = u.User.Password()
		if c.CookieFile != "" {
			return nil, errors.New("the node has both a password and a cookie file")
		}
	}
	u.User = nil
	client.endpoint = u.String()
	client.secrets = secretsOf(u, client.password, c.Headers)
	if client.http, err = httpClient(c); err != nil {
		return nil, err
	}
	return client, nil
}

// shortestKey is how long a text must be to be taken for a key: what is shorter stands in other words, too.
const shortestKey = 8

// secretsOf lists what lets us in: the password, headers, and whatever of the address may be a key.
func secretsOf(u *url.URL, password string, headers map[string]string) []string {
	parts := strings.Split(u.Path, "/")
	for _, values := range u.Query() {
		parts = append(parts, values...)
	}
	for _, value := range headers {
		parts = append(parts, value)
	}
	return slices.DeleteFunc(append(parts, password), func(s string) bool { return len(s) < shortestKey })
}

// Hide takes out of a text the server wrote what lets us in: servers repeat the key they do not accept.
func (c *Client) Hide(text string) string {
	for _, secret := range c.secrets {
		text = strings.ReplaceAll(text, secret, "…")
	}
	return text
}

func httpClient(c Config) (*http.Client, error) {
	plain := http.Client{Transport: &http.Transport{
		DialContext:         (&net.Dialer{Timeout: callTime}).DialContext,
		MaxIdleConnsPerHost: 4,
		IdleConnTimeout:     time.Minute,
		DisableCompression:  true, // an answer must not unfold into more than was read
	}}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("certificate of the node: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("certificate of the node: no PEM certificate in %s", c.CAFile)
		}
		plain.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	if c.HTTP != nil {
		plain = *c.HTTP
	}
	plain.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &plain, nil
}

type request struct {
	Version string `json:"jsonrpc"`
	ID      uint64 `json:"id"`
	Method  string `json:"method"`
	Params  []any  `json:"params"`
}

// Reply is the answer to one question of a batch.
type Reply struct {
	ID     json.RawMessage `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    int64  `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// Call asks the node and reads the answer into result, unless that is nil. The error is an Error if the node gives one,
// else ErrUnreachable or ErrGarbage.
func (c *Client) Call(ctx context.Context, result any, method string, params ...any) error {
	return c.CallUpTo(ctx, AnswerLimit, result, method, params...)
}

// CallUpTo is Call with a limit of its own, in bytes, to the answer.
func (c *Client) CallUpTo(ctx context.Context, limit int64, result any, method string, params ...any) error {
	r := c.request(method, params)
	body, err := c.exchange(ctx, "", r, limit)
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	var answer Reply
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("%s: %w", method, ErrGarbage.Because(err))
	}
	if string(answer.ID) != strconv.FormatUint(r.ID, 10) {
		return fmt.Errorf("%s: %w", method, ErrGarbage.Because(errors.New("the answer to another question")))
	}
	c.hideIn(&answer)
	return Read(method, answer, result)
}

// hideIn takes what lets us in out of an error's text.
func (c *Client) hideIn(answer *Reply) {
	if answer.Error != nil {
		answer.Error.Message = c.Hide(answer.Error.Message)
	}
}

// Read takes the result, or the error, out of a reply.
func Read(method string, answer Reply, result any) error {
	if e := answer.Error; e != nil {
		return fmt.Errorf("%s: %w", method, &Error{Code: e.Code, Message: e.Message[:min(len(e.Message), messageLimit)]})
	}
	if result == nil {
		return nil
	}
	if raw, ok := result.(*json.RawMessage); ok { // who wants it as it is may be told of nothing
		*raw = answer.Result
		return nil
	}
	if len(answer.Result) == 0 || string(answer.Result) == "null" {
		return fmt.Errorf("%s: %w", method, ErrGarbage.Because(errors.New("neither a result nor an error")))
	}
	if err := json.Unmarshal(answer.Result, result); err != nil {
		return fmt.Errorf("%s: %w", method, ErrGarbage.Because(err))
	}
	return nil
}

// Question is one call of a batch.
type Question struct {
	Method string
	Params []any
}

// Batch asks several questions in one exchange. The answers are in the order of the questions, whatever order the node
// gives them in; every id must be there exactly once.
func (c *Client) Batch(ctx context.Context, limit int64, questions []Question) ([]Reply, error) {
	asked := make([]request, len(questions))
	place := make(map[string]int, len(questions))
	for i, q := range questions {
		asked[i] = c.request(q.Method, q.Params)
		place[strconv.FormatUint(asked[i].ID, 10)] = i
	}
	body, err := c.exchange(ctx, "", asked, limit)
	if err != nil {
		return nil, fmt.Errorf("batch: %w", err)
	}
	var answers []Reply
	if err := json.Unmarshal(body, &answers); err != nil {
		return nil, fmt.Errorf("batch: %w", ErrGarbage.Because(err))
	}
	sorted := make([]Reply, len(questions))
	for _, answer := range answers {
		i, ok := place[string(answer.ID)]
		if !ok {
			return nil, fmt.Errorf("batch: %w", ErrGarbage.Because(errors.New("the answer to another question")))
		}
		c.hideIn(&answer)
		sorted[i] = answer
		delete(place, string(answer.ID))
	}
	if len(place) > 0 {
		return nil, fmt.Errorf("batch: %w", ErrGarbage.Because(errors.New("not all questions are answered")))
	}
	return sorted, nil
}

// Post sends a JSON body to a path below the node's URL and reads the JSON answer, for nodes whose calls have a path each.
func (c *Client) Post(ctx context.Context, limit int64, result any, path string, body any) error {
	text, err := c.exchange(ctx, path, body, limit)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := json.Unmarshal(text, result); err != nil {
		return fmt.Errorf("%s: %w", path, ErrGarbage.Because(err))
	}
	return nil
}

func (c *Client) request(method string, params []any) request {
	if params == nil {
		params = []any{} // btcd refuses null
	}
	return request{Version: "2.0", ID: c.next.Add(1), Method: method, Params: params}
}

// exchange posts one request or batch to a path and reads what comes back. A node that refuses the cookie it wrote earlier is
// asked a second time with the one it has written since.
func (c *Client) exchange(ctx context.Context, path string, ask any, limit int64) ([]byte, error) {
	payload, err := json.Marshal(ask)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	body, status, err := c.post(ctx, path, payload, limit)
	if status == http.StatusUnauthorized && c.cookie != "" {
		c.forget()
		body, status, err = c.post(ctx, path, payload, limit)
	}
	switch {
	case errors.Is(err, ErrTooLarge):
		return nil, ErrGarbage.Because(err)
	case err != nil:
		return nil, ErrUnreachable.Because(err)
	case status == http.StatusUnauthorized:
		return nil, ErrUnreachable.Because(&Status{status, "the node does not accept our name and password"})
	case status == http.StatusForbidden: // TronGrid says so to who makes too many calls, too
		return nil, ErrUnreachable.Because(&Status{status, "the node does not accept our name and password, or not so many calls"})
	case status == http.StatusTooManyRequests:
		return nil, ErrUnreachable.Because(&Status{status, "we ask more than the provider allows"})
	case status == http.StatusServiceUnavailable || status == http.StatusBadGateway || status == http.StatusGatewayTimeout:
		return nil, ErrUnreachable.Because(&Status{status, "the node is too busy"})
	}
	// Bitcoin Core answers errors of the call with 404 and 500, and says in the body which.
	return body, nil
}

func (c *Client) post(ctx context.Context, path string, payload []byte, limit int64) (body []byte, status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(c.endpoint, "/")+path, bytes.NewReader(payload))
	if err != nil {
		return nil, 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	for name, value := range c.headers {
		r.Header.Set(name, value)
	}
	user, password, err := c.credentials()
	if err != nil {
		return nil, 0, err
	}
	if user != "" {
		r.SetBasicAuth(user, password)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, 0, nameless(r, err)
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	body, err = io.ReadAll(io.LimitReader(answer.Body, limit+1))
	if err == nil && int64(len(body)) > limit {
		err = ErrTooLarge
	}
	return body, answer.StatusCode, err
}

// nameless takes the address out of an error of the exchange: providers have their customers' keys in its path. The host is left.
func nameless(r *http.Request, err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return fmt.Errorf("%s: %w", r.URL.Host, err)
}

func (c *Client) credentials() (user, password string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.user == "" && c.cookie != "" {
		text, err := os.ReadFile(c.cookie)
		if err != nil {
			return "", "", fmt.Errorf("cookie file: %w", err)
		}
		var ok bool
		if c.user, c.password, ok = strings.Cut(strings.TrimSpace(string(text)), ":"); !ok {
			c.user = ""
			return "", "", errors.New("cookie file: not of the form user:password")
		}
	}
	return c.user, c.password, nil
}

// forget drops what the cookie file said.
func (c *Client) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.user, c.password = "", ""
}
