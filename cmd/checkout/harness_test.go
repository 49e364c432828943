package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"checkout/chain/chaintest"
)

// The tests of this package run the real command: this test binary starts itself again as "checkout", a process of its
// own with its own ports, that can be killed.

const (
	asProgram = "CHECKOUT_TEST_AS_PROGRAM"
	shiftFile = "CHECKOUT_TEST_SHIFT_FILE"
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(program())
	}
	os.Exit(m.Run())
}

// program is main, but for a clock that a file can shift.
func program() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if path := os.Getenv(shiftFile); path != "" {
		ctx = context.WithValue(ctx, shiftKey{}, func() time.Duration {
			text, _ := os.ReadFile(path)
			d, _ := time.ParseDuration(strings.TrimSpace(string(text)))
			return d
		})
	}
	return run(ctx, os.Args[1:], os.Stdout, os.Stderr)
}

// rates are those of the fixture of security.md section 6.0.
const rates = `{"BTC/EUR":"50000","LTCT/EUR":"100"}`

// accountKey is the account m/84'/1'/0' of the seed 00 01 02 … 1f: never fund it.
const accountKey = "tpubDDH1ndozCcuGXjVaXnB4NHUWbKfMTYfxH3wuU1GFvCXtEZZqsMY6NxBdgdaebExgDAVicckGNJDU8wVfRUWWMaov5jX4zPaDorqe75QwjAC"

// installation is a checkout with its database, a merchant and a shop that listens.
type installation struct {
	t     *testing.T
	dir   string
	env   []string
	shop  *shop
	m     merchantAnswer
	base  string // of the public listener
	inner string // of the internal listener

	cmd  *exec.Cmd
	logs *logBuffer
	done chan error
}

// open makes an installation on a database; node is the Bitcoin node's URL or empty. More settings are NAME=value.
func open(t *testing.T, db, node string, more ...string) *installation {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "rates.json"), []byte(rates), 0o600); err != nil {
		t.Fatal(err)
	}
	if db == "" {
		db = "sqlite:" + filepath.Join(dir, "checkout.db")
	}
	in := &installation{t: t, dir: dir, shop: newShop(t)}
	t.Cleanup(in.kill)
	in.env = append(os.Environ(), asProgram+"=1", shiftFile+"="+filepath.Join(dir, "shift"), "CHECKOUT_DB="+db,
		"CHECKOUT_MASTER_KEY=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "CHECKOUT_LISTEN=127.0.0.1:0",
		"CHECKOUT_INTERNAL_LISTEN=127.0.0.1:0", "CHECKOUT_RATES_FILE="+filepath.Join(dir, "rates.json"), "CHECKOUT_ALLOW_PRIVATE_WEBHOOKS=true",
		"CHECKOUT_BITCOIN_NETWORK=regtest", "CHECKOUT_JSON=true")
	if node != "" {
		in.env = append(in.env, "CHECKOUT_BITCOIN_RPC="+node)
	}
	in.env = append(in.env, more...)
	in.cli(&in.m, "merchant", "create", "--name", "Acme Coffee", "--callback-url", in.shop.URL, "--tolerance", "0")
	in.shop.secrets = map[string]string{in.m.Live.CoinsPaid.Key: in.m.Live.CoinsPaid.Secret, in.m.Test.CoinsPaid.Key: in.m.Test.CoinsPaid.Secret}
	var added struct {
		First []string `json:"first_addresses"`
	}
	in.cli(&added, "wallet", "add", "--merchant", string(in.m.ID), "--network", "bitcoin", "--xpub", accountKey)
	if len(added.First) != 3 {
		t.Fatalf("wallet add shows %d addresses", len(added.First))
	}
	return in
}

func (in *installation) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env, cmd.Dir = in.env, in.dir
	return cmd
}

// cli runs a command to its end and reads its JSON.
func (in *installation) cli(into any, args ...string) {
	in.t.Helper()
	cmd := in.command(args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		in.t.Fatalf("checkout %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	if into != nil {
		if err := json.Unmarshal(out, into); err != nil {
			in.t.Fatalf("checkout %s: %v in %q", strings.Join(args, " "), err, out)
		}
	}
}

// set changes a setting for the next start.
func (in *installation) set(name, value string) { in.env = append(in.env, name+"="+value) }

// serve starts the server and waits until it says where it listens.
func (in *installation) serve() {
	in.t.Helper()
	in.start("serve")
}

func (in *installation) start(command ...string) {
	in.t.Helper()
	cmd := in.command(command...)
	in.logs = &logBuffer{}
	cmd.Stderr = in.logs
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		in.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		in.t.Fatal(err)
	}
	in.cmd, in.done = cmd, make(chan error, 1)
	line := make(chan []byte, 1)
	go func() {
		r := bufio.NewReader(stdout)
		first, _ := r.ReadBytes('\n')
		line <- first
		_, _ = io.Copy(io.Discard, r)
		in.done <- cmd.Wait()
	}()
	var where struct{ Public, Internal string }
	select {
	case first := <-line:
		if err := json.Unmarshal(first, &where); err != nil {
			in.t.Fatalf("serve says %q: %v\n%s", first, err, in.logs)
		}
	case <-time.After(30 * time.Second):
		in.t.Fatalf("serve did not start\n%s", in.logs)
	}
	in.base, in.inner = where.Public, where.Internal
}

// kill ends the server without warning.
func (in *installation) kill() {
	if in.cmd == nil {
		return
	}
	_ = in.cmd.Process.Kill() // it may have ended
	<-in.done
	in.cmd = nil
}

// stop asks the server to end and wants it to end well.
func (in *installation) stop() {
	in.t.Helper()
	if err := in.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		in.t.Fatal(err)
	}
	select {
	case err := <-in.done:
		if err != nil {
			in.t.Errorf("serve ended with %v\n%s", err, in.logs)
		}
	case <-time.After(10 * time.Second):
		in.t.Error("serve did not drain within 10 s")
		in.kill()
		return
	}
	in.cmd = nil
}

// pass lets time pass for the server.
func (in *installation) pass(total time.Duration) {
	in.t.Helper()
	if err := os.WriteFile(filepath.Join(in.dir, "shift.new"), []byte(total.String()), 0o600); err != nil {
		in.t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(in.dir, "shift.new"), filepath.Join(in.dir, "shift")); err != nil {
		in.t.Fatal(err)
	}
}

// audit verifies the whole database and wants no problem.
func (in *installation) audit() {
	in.t.Helper()
	var r struct {
		Rows     int64
		Problems []string
	}
	in.cli(&r, "audit", "verify")
	if len(r.Problems) > 0 || r.Rows == 0 {
		in.t.Errorf("audit of %d rows: %q", r.Rows, r.Problems)
	}
}

// ready waits until the chain of a coin is followed.
func (in *installation) ready(coin string) {
	in.t.Helper()
	chaintest.Until(in.t, "chain:"+coin+"=ok", func() bool { return strings.Contains(in.readyz(), "chain:"+coin+"=ok") })
}

func (in *installation) readyz() string {
	res, err := http.Get(in.inner + "/readyz")
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return string(text)
}

// created is the part of an answer of invoices/create the tests look at.
type created struct {
	ID             int64
	URL            string
	ForeignID      string `json:"foreign_id"`
	Status         string
	Address        *string
	SenderAmount   *string `json:"sender_amount"`
	SenderCurrency *string `json:"sender_currency"`
	SecondsLeft    *int64  `json:"seconds_left"`
}

func (c created) path() string {
	u, err := url.Parse(c.URL)
	if err != nil {
		panic(err)
	}
	return u.Path
}

// create makes an invoice by a signed call of the live key. Members of more replace those of an order of 100 EUR.
func (in *installation) create(foreignID string, more map[string]any) created {
	in.t.Helper()
	status, body := in.call("invoices/create", in.m.Live.CoinsPaid, order(foreignID, more))
	var answer struct{ Data created }
	if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusOK {
		in.t.Fatalf("create %s: %d %s\n%s", foreignID, status, body, in.logs)
	}
	return answer.Data
}

func order(foreignID string, more map[string]any) map[string]any {
	o := map[string]any{
		"timer": true, "title": "Order " + foreignID, "currency": "EUR", "sender_currency": "BTC", "amount": 100, "foreign_id": foreignID,
		"url_success": "https://shop.example/ok", "url_failed": "https://shop.example/failed", "email_user": "ada@shop.example",
	}
	for name, value := range more {
		o[name] = value
	}
	return o
}

// call makes a signed call.
func (in *installation) call(path string, key keyAnswer, params any) (int, []byte) {
	in.t.Helper()
	body, err := json.Marshal(params)
	if err != nil {
		in.t.Fatal(err)
	}
	status, answer, err := in.try(path, key, body)
	if err != nil {
		in.t.Fatalf("%s: %v\n%s", path, err, in.logs)
	}
	return status, answer
}

func (in *installation) try(path string, key keyAnswer, body []byte) (int, []byte, error) {
	req, err := http.NewRequest(http.MethodPost, in.base+"/api/v2/"+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Processing-Key", key.Key)
	req.Header.Set("X-Processing-Signature", signature(key.Secret, body))
	client := http.Client{Timeout: 10 * time.Second}
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

func signature(secret string, body []byte) string {
	mac := hmac.New(sha512.New, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// status is what the page's script polls.
type status struct {
	Rev           int64
	State         string
	Address       string
	Tag           *string
	Due           string
	Received      string
	PaymentURI    string `json:"payment_uri"`
	Confirmations struct{ Have, Need int }
	Txs           []struct{ ID string }
}

func (in *installation) status(c created) status {
	in.t.Helper()
	res, err := http.Get(in.base + c.path() + "/status")
	if err != nil {
		in.t.Fatal(err)
	}
	defer res.Body.Close()
	var s status
	if res.StatusCode == http.StatusTooManyRequests { // a page may ask twice a second
		return s
	}
	if err := json.NewDecoder(res.Body).Decode(&s); err != nil {
		in.t.Fatalf("status %d of %s: %v", res.StatusCode, c.ForeignID, err)
	}
	return s
}

// view waits until the page shows a view.
func (in *installation) view(c created, want string) status {
	in.t.Helper()
	return in.sees(c, want, func(s status) bool { return s.State == want })
}

// sees polls the status as often as a page may, until it is as wanted.
func (in *installation) sees(c created, what string, yes func(status) bool) status {
	in.t.Helper()
	var s status
	for range 60 {
		if s = in.status(c); yes(s) {
			return s
		}
		time.Sleep(520 * time.Millisecond)
	}
	in.t.Fatalf("%s does not show %s but %q, %d of %d\n%s", c.ForeignID, what, s.State, s.Confirmations.Have, s.Confirmations.Need, in.logs)
	return s
}

// on makes a subtest answer for what goes wrong.
func (in *installation) on(t *testing.T, f func()) {
	was := in.t
	in.t = t
	defer func() { in.t = was }()
	f()
}

// choose submits the page's form as a browser without script does.
func (in *installation) choose(c created, method string) {
	in.t.Helper()
	page := in.get(c.path())
	if !strings.Contains(page, `value="`+method+`"`) {
		in.t.Fatalf("the page does not offer %q", method)
	}
	res, err := http.PostForm(in.base+c.path()+"/method", url.Values{"method": {method}, "email": {"ada@shop.example"}})
	if err != nil {
		in.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		in.t.Fatalf("choosing %s: %d", method, res.StatusCode)
	}
}

func (in *installation) get(path string) string {
	in.t.Helper()
	res, err := http.Get(in.base + path)
	if err != nil {
		in.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		in.t.Fatalf("%s: %d %v", path, res.StatusCode, err)
	}
	return string(body)
}

// shop is a merchant's server: it keeps every callback whose signature is right and answers 200.
type shop struct {
	*httptest.Server
	secrets map[string]string

	mu     sync.Mutex
	heard  []callback
	wrong  []string
	bodies map[string]string // by event id
}

// callback is one callback as the shop read it.
type callback struct {
	ForeignID     string `json:"foreign_id"`
	CryptoAddress struct {
		ForeignID string `json:"foreign_id"`
	} `json:"crypto_address"`
	ID           int64
	Type         string
	Status       string
	Error        string
	CurrencySent struct {
		Amount    string
		Remaining string `json:"remaining_amount"`
	} `json:"currency_sent"`
	Transactions []struct {
		TxID          string
		Confirmations string
	}
	raw []byte
}

func newShop(t *testing.T) *shop {
	s := &shop{bodies: map[string]string{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.take))
	t.Cleanup(s.Close)
	t.Cleanup(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, w := range s.wrong {
			t.Error("callback:", w)
		}
	})
	return s
}

func (s *shop) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := callback{raw: body}
	secret := s.secrets[r.Header.Get("X-Processing-Key")]
	id := r.Header.Get("webhook-id")
	switch was, again := s.bodies[id]; {
	case err != nil:
		return // cut off: it will come again
	case secret == "" || !hmac.Equal([]byte(signature(secret, body)), []byte(r.Header.Get("X-Processing-Signature"))):
		s.wrong = append(s.wrong, fmt.Sprintf("signature of %s", body))
	case id == "" || r.Header.Get("webhook-subject") == "":
		s.wrong = append(s.wrong, "no webhook-id or webhook-subject")
	case again && was != string(body):
		s.wrong = append(s.wrong, fmt.Sprintf("id %s came with two bodies", id))
	case json.Unmarshal(body, &c) != nil:
		s.wrong = append(s.wrong, fmt.Sprintf("not JSON: %s", body))
	case !again:
		s.heard = append(s.heard, c)
	}
	s.bodies[id] = string(body)
	w.WriteHeader(http.StatusOK)
}

// of lists the callbacks of one order, as "status remaining".
func (s *shop) of(foreignID string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, c := range s.heard {
		if c.ForeignID == foreignID {
			list = append(list, strings.TrimSpace(c.Status+" "+c.CurrencySent.Remaining+" "+c.Error))
		}
	}
	return list
}

// hears waits until the shop has heard exactly these callbacks of an order, in this order.
func (s *shop) hears(t *testing.T, foreignID string, want ...string) {
	t.Helper()
	chaintest.Until(t, fmt.Sprintf("%s: callbacks %q (heard %q)", foreignID, want, s.of(foreignID)), func() bool {
		return len(s.of(foreignID)) >= len(want)
	})
	if got := s.of(foreignID); strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("%s: callbacks\n got %q\nwant %q", foreignID, got, want)
	}
}

// logBuffer keeps what a process logs.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

var noise = regexp.MustCompile(`(?m)^.*"msg":"request".*\n`)

// String is the log without the access log.
func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return noise.ReplaceAllString(b.text.String(), "")
}
