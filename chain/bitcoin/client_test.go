package bitcoin_test

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"checkout/chain"
	"checkout/chain/bitcoin"
	"checkout/chain/rpc"
)

// adapterAt is an adapter of the regression-test network at some address.
func adapterAt(t testing.TB, c rpc.Config) *bitcoin.Node {
	t.Helper()
	network, asset, _ := chain.Bitcoin("regtest")
	n, err := bitcoin.New(bitcoin.Config{RPC: c, Network: network, Asset: asset})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// genesis is block 0 of the regression-test network.
const genesis = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"

// refusal is an error a scripted node answers.
type refusal struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (r refusal) Error() string { return r.Message }

// script is a node that answers what it is told to: a result, a refusal, or any text at all as json.RawMessage.
type script map[string]func(params []any) any

// chainOf answers for a node at a height whose block hashes are of no block.
func chainOf(height int64) script {
	return script{
		"getblockhash": func(params []any) any {
			if params[0] == float64(0) {
				return genesis
			}
			return strings.Repeat("ab", 32)
		},
		"getblockchaininfo": func([]any) any {
			return map[string]any{"blocks": height, "headers": height, "bestblockhash": strings.Repeat("ab", 32), "initialblockdownload": true}
		},
		"getrawmempool": func([]any) any { return []string{} },
	}
}

func (s script) with(method string, answer func(params []any) any) script {
	s[method] = answer
	return s
}

type question struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params []any           `json:"params"`
}

func (s script) reply(q question) map[string]any {
	answer := map[string]any{"id": q.ID, "result": nil, "error": nil}
	f, ok := s[q.Method]
	if !ok {
		answer["error"] = refusal{Code: -32601, Message: "no such method"}
		return answer
	}
	switch result := f(q.Params).(type) {
	case refusal:
		answer["error"] = result
	default:
		answer["result"] = result
	}
	return answer
}

func (s script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if strings.HasPrefix(string(body), "[") {
		var questions []question
		if err := json.Unmarshal(body, &questions); err != nil {
			panic(err)
		}
		answers := []map[string]any{}
		for _, q := range questions {
			answers = append([]map[string]any{s.reply(q)}, answers...) // in another order
		}
		_ = json.NewEncoder(w).Encode(answers)
		return
	}
	var q question
	if err := json.Unmarshal(body, &q); err != nil {
		panic(err)
	}
	answer := s.reply(q)
	if answer["error"] != nil {
		w.WriteHeader(http.StatusInternalServerError) // as Bitcoin Core does
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func serve(t testing.TB, h http.Handler) (url string) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "http://", "http://name:s3cret@", 1)
}

// A server that is no node, or not a sane one. Every call ends in a fault, and none says the password.
func TestGarbage(t *testing.T) {
	text := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	for _, v := range []struct {
		name    string
		handler http.Handler
		want    error
	}{
		{"HTML", text(200, "<!doctype html><title>router</title>"), rpc.ErrGarbage},
		{"empty", text(200, ""), rpc.ErrGarbage},
		{"null", text(200, "null"), rpc.ErrGarbage},
		{"number", text(200, "7"), rpc.ErrGarbage},
		{"list", text(200, `[{"id":1,"result":"x"}]`), rpc.ErrGarbage},
		{"cut off", text(200, `{"id":1,"result":"0f91`), rpc.ErrGarbage},
		{"two answers", text(200, `{"id":1,"result":"x"}{"id":1,"result":"x"}`), rpc.ErrGarbage},
		{"null result", text(200, `{"id":1,"result":null,"error":null}`), rpc.ErrGarbage},
		{"no result", text(200, `{"id":1}`), rpc.ErrGarbage},
		{"result of another kind", text(200, `{"id":1,"result":{"a":[1,2]},"error":null}`), rpc.ErrGarbage},
		{"another id", text(200, `{"id":999,"result":"`+genesis+`","error":null}`), rpc.ErrGarbage},
		{"id as text", text(200, `{"id":"1","result":"`+genesis+`","error":null}`), rpc.ErrGarbage},
		{"no id", text(200, `{"result":"`+genesis+`","error":null}`), rpc.ErrGarbage},
		{"error of another kind", text(200, `{"id":1,"result":null,"error":"no"}`), rpc.ErrGarbage},
		{"error with a huge code", text(200, `{"id":1,"result":null,"error":{"code":1e400}}`), rpc.ErrGarbage},
		{"deep nesting", text(200, strings.Repeat("[", 1_000_000)), rpc.ErrGarbage},
		{"error", text(500, `{"id":1,"result":null,"error":{"code":-32603,"message":"broken"}}`), rpc.ErrRefused},
		{"starting", text(500, `{"id":1,"result":null,"error":{"code":-28,"message":"Loading block index"}}`), bitcoin.ErrSyncing},
		{"another chain", text(200, `{"id":1,"result":"`+strings.Repeat("00", 32)+`","error":null}`), bitcoin.ErrWrongNetwork},
		{"a hash with markup", text(200, `{"id":1,"result":"<script>","error":null}`), bitcoin.ErrWrongNetwork},
		{"not let in", text(401, "401 Unauthorized."), rpc.ErrUnreachable},
		{"forbidden", text(403, ""), rpc.ErrUnreachable},
		{"busy", text(503, "Work queue depth exceeded"), rpc.ErrUnreachable},
		{"redirect", http.RedirectHandler("http://192.0.2.1/", http.StatusTemporaryRedirect), rpc.ErrGarbage},
		{"hang up", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), rpc.ErrUnreachable},
	} {
		t.Run(v.name, func(t *testing.T) {
			n := adapterAt(t, rpc.Config{URL: serve(t, v.handler)})
			_, tip := n.Tip(t.Context())
			n = adapterAt(t, rpc.Config{URL: serve(t, v.handler)})
			_, pool := n.Mempool(t.Context(), everything)
			for _, err := range []error{tip, pool} {
				if !errors.Is(err, v.want) {
					t.Errorf("got %v, want %v", err, v.want)
				}
				if said := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(said, "s3cret") || strings.Contains(said, "name:") {
					t.Errorf("the password is in the error: %s", said)
				}
			}
		})
	}
}

// Answers that are of the right form, and not to be believed.
func TestLies(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	for _, v := range []struct {
		name   string
		method string
		answer any
		call   string
		want   error
	}{
		{"tip without a hash", "getblockchaininfo", map[string]any{"blocks": 5, "headers": 5}, "tip", rpc.ErrGarbage},
		{"tip below zero", "getblockchaininfo", map[string]any{"blocks": -5, "headers": 5, "bestblockhash": hash}, "tip", rpc.ErrGarbage},
		{"huge height", "getblockchaininfo", json.RawMessage(`{"blocks":1e30,"bestblockhash":"` + hash + `"}`), "tip", rpc.ErrGarbage},
		{"height in quotes", "getblockchaininfo", json.RawMessage(`{"blocks":"5"}`), "tip", rpc.ErrGarbage},
		{"behind its headers", "getblockchaininfo", map[string]any{"blocks": 5, "headers": 8, "bestblockhash": hash}, "tip", bitcoin.ErrSyncing},
		{"a little behind", "getblockchaininfo", map[string]any{"blocks": 5, "headers": 7, "bestblockhash": hash}, "tip", nil},
		{"hash in upper case", "getblockhash", strings.ToUpper(hash), "block", rpc.ErrGarbage},
		{"no hash", "getblockhash", "", "block", rpc.ErrGarbage},
		{"header of nothing", "getblockheader", "", "header", bitcoin.ErrBlockInvalid},
		{"header of another block", "getblockheader", strings.Repeat("00", 80), "header", bitcoin.ErrBlockInvalid},
		{"block of nothing", "getblock", "", "block", bitcoin.ErrBlockInvalid},
		{"block of another hash", "getblock", strings.Repeat("00", 81), "block", bitcoin.ErrBlockInvalid},
		{"block as an object", "getblock", map[string]any{"hash": hash}, "block", rpc.ErrGarbage},
		{"pruned block", "getblock", refusal{Code: -1, Message: "Block not available (pruned data)"}, "block", rpc.ErrRefused},
		{"no block, says Core", "getblockhash", refusal{Code: -8, Message: "Block height out of range"}, "block", bitcoin.ErrNoBlock},
		{"no block, says btcd", "getblockhash", refusal{Code: -1, Message: "Block number out of range"}, "header", bitcoin.ErrNoBlock},
		{"ids that are none", "getrawmempool", []string{"../../etc/passwd"}, "mempool", rpc.ErrGarbage},
		{"mempool as an object", "getrawmempool", map[string]any{}, "mempool", rpc.ErrGarbage},
	} {
		t.Run(v.name, func(t *testing.T) {
			s := chainOf(5)
			first := s["getblockhash"]
			s.with(v.method, func(params []any) any {
				if v.method == "getblockhash" && params[0] == float64(0) {
					return first(params) // it is the right network
				}
				return v.answer
			})
			n := adapterAt(t, rpc.Config{URL: serve(t, s)})
			err := call(t, n, v.call)
			if !errors.Is(err, v.want) {
				t.Errorf("got %v, want %v", err, v.want)
			}
		})
	}
}

func call(t *testing.T, n *bitcoin.Node, what string) (err error) {
	t.Helper()
	switch what {
	case "tip":
		_, err = n.Tip(t.Context())
	case "header":
		_, err = n.Header(t.Context(), 3)
	case "block":
		_, err = n.Block(t.Context(), 3)
	case "mempool":
		_, err = n.Mempool(t.Context(), everything)
	}
	return err
}

// On the main network old blocks mean that the node is syncing, even if it does not say so; Bitcoin Core says so.
func TestSyncingOnMain(t *testing.T) {
	network, asset, _ := chain.Bitcoin("mainnet")
	now := time.Unix(1_700_000_000, 0)
	for name, v := range map[string]struct {
		median  int64
		initial bool
		want    error
	}{
		"up to date":       {now.Unix() - 3600, false, nil},
		"old blocks":       {now.Unix() - 25*3600, false, bitcoin.ErrSyncing},
		"initial download": {now.Unix() - 3600, true, bitcoin.ErrSyncing},
	} {
		s := chainOf(800_000).with("getblockhash", blocks(network))
		s.with("getblockchaininfo", func([]any) any {
			return map[string]any{
				"blocks": 800_000, "headers": 800_000, "bestblockhash": strings.Repeat("ab", 32),
				"mediantime": v.median, "initialblockdownload": v.initial,
			}
		})
		n, err := bitcoin.New(bitcoin.Config{
			RPC: rpc.Config{URL: serve(t, s)}, Network: network, Asset: asset,
			Now: func() time.Time { return now },
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Tip(t.Context()); !errors.Is(err, v.want) {
			t.Errorf("%s: %v, want %v", name, err, v.want)
		}
	}
}

// After any trouble the node must name its genesis block again: something else may answer at its address by now.
func TestIdentifiesAgain(t *testing.T) {
	var asked atomic.Int32
	var broken atomic.Bool
	s := chainOf(5)
	s.with("getblockhash", func([]any) any {
		asked.Add(1)
		if broken.Load() {
			return strings.Repeat("cd", 32)
		}
		return genesis
	})
	info := s["getblockchaininfo"]
	s.with("getblockchaininfo", func(params []any) any {
		if broken.Load() {
			return "what?"
		}
		return info(params)
	})
	n := adapterAt(t, rpc.Config{URL: serve(t, s)})
	for range 3 {
		if _, err := n.Tip(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := asked.Load(); got != 1 {
		t.Errorf("the genesis block was asked for %d times", got)
	}
	broken.Store(true)
	_, err := n.Tip(t.Context())
	wantFault(t, "garbage", err, rpc.ErrGarbage)
	_, err = n.Tip(t.Context())
	wantFault(t, "another network", err, bitcoin.ErrWrongNetwork)
	broken.Store(false)
	if _, err := n.Tip(t.Context()); err != nil {
		t.Error(err)
	}
}

// An answer without end is read up to the limit.
func TestEndlessAnswer(t *testing.T) {
	var written atomic.Int64
	n := adapterAt(t, rpc.Config{URL: serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"id":1,"error":null,"result":"`)
		chunk := []byte(strings.Repeat("a", 1<<20))
		for range 1 << 10 { // a gigabyte
			if _, err := w.Write(chunk); err != nil {
				return
			}
			written.Add(int64(len(chunk)))
		}
	}))})
	_, err := n.Tip(t.Context())
	wantFault(t, "Tip", err, rpc.ErrGarbage)
	if got := written.Load(); got > 64<<20 {
		t.Errorf("%d MiB were taken", got>>20)
	}
}

func TestSlowNode(t *testing.T) {
	done := make(chan struct{})
	t.Cleanup(func() { close(done) })
	wait := func(http.ResponseWriter, *http.Request) { <-done }
	drip := func(w http.ResponseWriter, _ *http.Request) {
		for {
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
				if _, err := io.WriteString(w, " "); err != nil {
					return
				}
				w.(http.Flusher).Flush()
			}
		}
	}
	for name, handler := range map[string]http.HandlerFunc{"silent": wait, "dripping": drip} {
		server := httptest.NewServer(handler)
		n := adapterAt(t, rpc.Config{URL: server.URL, Timeout: 50 * time.Millisecond})
		begin := time.Now()
		_, err := n.Tip(t.Context())
		wantFault(t, name, err, rpc.ErrUnreachable)
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("%s: it took %s", name, took)
		}
		server.CloseClientConnections()
	}
}

// Bitcoin Core writes its password anew at each start.
func TestCookieFile(t *testing.T) {
	var password atomic.Value
	password.Store("first")
	s := chainOf(5)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, pass, _ := r.BasicAuth(); user != "__cookie__" || pass != password.Load() {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), ".cookie")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n := adapterAt(t, rpc.Config{URL: server.URL, CookieFile: file})
	_, err := n.Tip(t.Context())
	wantFault(t, "no file", err, rpc.ErrUnreachable)
	write("no colon")
	_, err = n.Tip(t.Context())
	wantFault(t, "no cookie", err, rpc.ErrUnreachable)
	write("__cookie__:first\n")
	if _, err := n.Tip(t.Context()); err != nil {
		t.Fatal(err)
	}
	password.Store("second")
	_, err = n.Tip(t.Context())
	wantFault(t, "old file", err, rpc.ErrUnreachable)
	write("__cookie__:second")
	if _, err := n.Tip(t.Context()); err != nil {
		t.Errorf("after the node's restart: %v", err)
	}
	if strings.Contains(fmt.Sprint(err), "first") {
		t.Errorf("the password is in the error: %v", err)
	}
}

// The node's own certificate is trusted when it is named, and only then.
func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(chainOf(5))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the refused handshake is meant
	server.StartTLS()
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "rpc.cert")
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := adapterAt(t, rpc.Config{URL: server.URL, CAFile: file}).Tip(t.Context()); err != nil {
		t.Error(err)
	}
	_, err := adapterAt(t, rpc.Config{URL: server.URL}).Tip(t.Context())
	wantFault(t, "unknown certificate", err, rpc.ErrUnreachable)
}

func TestConfigRefused(t *testing.T) {
	network, asset, _ := chain.Bitcoin("regtest")
	_, mainAsset, _ := chain.Bitcoin("mainnet")
	rehearsal, played := chain.Rehearsal()
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]bitcoin.Config{
		"no URL":              {Network: network, Asset: asset},
		"no scheme":           {RPC: rpc.Config{URL: "name:s3cret@127.0.0.1:8332"}, Network: network, Asset: asset},
		"another scheme":      {RPC: rpc.Config{URL: "ftp://name:s3cret@127.0.0.1"}, Network: network, Asset: asset},
		"malformed":           {RPC: rpc.Config{URL: "http://name:s3cret@[::1"}, Network: network, Asset: asset},
		"control character":   {RPC: rpc.Config{URL: "http://name:s3cret@host\x7f/"}, Network: network, Asset: asset},
		"password and cookie": {RPC: rpc.Config{URL: "http://name:s3cret@h", CookieFile: "x"}, Network: network, Asset: asset},
		"no certificate":      {RPC: rpc.Config{URL: "https://h", CAFile: empty}, Network: network, Asset: asset},
		"certificate missing": {RPC: rpc.Config{URL: "https://h", CAFile: empty + "x"}, Network: network, Asset: asset},
		"played network":      {RPC: rpc.Config{URL: "http://h"}, Network: rehearsal, Asset: played},
		"asset of another":    {RPC: rpc.Config{URL: "http://h"}, Network: network, Asset: mainAsset},
	} {
		_, err := bitcoin.New(c)
		if err == nil {
			t.Errorf("%s: taken", name)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the password is in the error: %v", name, err)
		}
	}
}

// Nothing listens there.
func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	n := adapterAt(t, rpc.Config{URL: "http://name:s3cret@127.0.0.1:" + strconv.Itoa(port)})
	_, err = n.Tip(t.Context())
	wantFault(t, "Tip", err, rpc.ErrUnreachable)
	if strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the password is in the error: %v", err)
	}
}
