package bitcoin_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"checkout/chain/bitcoin"
	"checkout/chain/rpc"
)

// mempoolScript is a node whose mempool has some ids.
func mempoolScript(ids ...string) script {
	return chainOf(5).with("getrawmempool", func([]any) any { return ids })
}

// rawTx is the coinbase of block 0, which is the same on all networks, and its id.
const (
	rawTx = "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d" +
		"65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e" +
		"6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f355" +
		"04e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000"
	txID = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"
)

// A transaction that left the mempool between the calls is not in what is given.
func TestVanished(t *testing.T) {
	gone := strings.Repeat("cd", 32)
	for name, ids := range map[string][]string{"alone": {gone}, "in a batch": {gone, txID}} {
		s := mempoolScript(ids...).with("getrawtransaction", func(params []any) any {
			if params[0] == gone {
				return refusal{Code: -5, Message: "No such mempool transaction"}
			}
			return rawTx
		})
		pool, err := adapterAt(t, rpc.Config{URL: serve(t, s)}).Mempool(t.Context(), everything)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, there := pool.IDs[gone]; there || len(pool.IDs) != len(ids)-1 || len(pool.Txs) != len(ids)-1 {
			t.Errorf("%s: %+v", name, pool)
		}
	}
}

// A transaction must be the one that was asked for.
func TestExchangedTransaction(t *testing.T) {
	for _, ids := range [][]string{{strings.Repeat("cd", 32)}, {txID, strings.Repeat("cd", 32)}} {
		s := mempoolScript(ids...).with("getrawtransaction", func([]any) any { return rawTx })
		_, err := adapterAt(t, rpc.Config{URL: serve(t, s)}).Mempool(t.Context(), everything)
		wantFault(t, "Mempool", err, rpc.ErrGarbage)
	}
}

// A node that refuses for another reason than that the transaction is gone has given no complete look.
func TestRefusedTransaction(t *testing.T) {
	for _, ids := range [][]string{{txID}, {txID, strings.Repeat("cd", 32)}} {
		s := mempoolScript(ids...).with("getrawtransaction", func([]any) any { return refusal{Code: -1, Message: "no"} })
		_, err := adapterAt(t, rpc.Config{URL: serve(t, s)}).Mempool(t.Context(), everything)
		wantFault(t, "Mempool", err, rpc.ErrRefused)
	}
}

// A look is taken anew when a block came in between, three times at most.
func TestMovingTip(t *testing.T) {
	for _, v := range []struct {
		moves, looks int32
		want         error
	}{{1, 2, nil}, {3, 3, nil}, {1000, 3, bitcoin.ErrUnsteady}} {
		var asked, looks atomic.Int32
		s := chainOf(5)
		s.with("getblockchaininfo", func([]any) any {
			height := min(asked.Add(1), v.moves+1)
			return map[string]any{"blocks": height, "headers": height, "bestblockhash": fmt.Sprintf("%064x", height)}
		})
		s.with("getrawmempool", func([]any) any { looks.Add(1); return []string{} })
		_, err := adapterAt(t, rpc.Config{URL: serve(t, s)}).Mempool(t.Context(), everything)
		if !errors.Is(err, v.want) || looks.Load() != v.looks {
			t.Errorf("%d blocks: %v after %d looks, want %v after %d", v.moves, err, looks.Load(), v.want, v.looks)
		}
	}
}

// batches answers like a node, but spoils the answers to batches.
func batches(s script, spoil func(answers []map[string]any) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var questions []question
		if json.Unmarshal(body, &questions) != nil {
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			s.ServeHTTP(w, r)
			return
		}
		var answers []map[string]any
		for _, q := range questions {
			answers = append(answers, s.reply(q))
		}
		_ = json.NewEncoder(w).Encode(spoil(answers))
	}
}

func TestBatches(t *testing.T) {
	node := func() script {
		return mempoolScript(txID, strings.Repeat("cd", 32), strings.Repeat("ef", 32)).
			with("getrawtransaction", func(params []any) any {
				if params[0] == txID {
					return rawTx
				}
				return refusal{Code: -5, Message: "gone"}
			})
	}
	for _, v := range []struct {
		name  string
		spoil func(answers []map[string]any) any
		want  error
	}{
		{"honest", func(a []map[string]any) any { return a }, nil},
		{"other order", func(a []map[string]any) any { a[0], a[2] = a[2], a[0]; return a }, nil},
		{"no batches here", func([]map[string]any) any {
			return map[string]any{"id": nil, "result": nil, "error": refusal{Code: -32600, Message: "Invalid Request"}}
		}, nil},
		{"one missing", func(a []map[string]any) any { return a[1:] }, rpc.ErrGarbage},
		{"one twice", func(a []map[string]any) any { return append(a, a[0]) }, rpc.ErrGarbage},
		{"one of another batch", func(a []map[string]any) any { a[0]["id"] = 999; return a }, rpc.ErrGarbage},
		{"none", func([]map[string]any) any { return []any{} }, rpc.ErrGarbage},
		{"null", func([]map[string]any) any { return nil }, rpc.ErrGarbage},
		{"numbers", func([]map[string]any) any { return []int{1, 2, 3} }, rpc.ErrGarbage},
	} {
		t.Run(v.name, func(t *testing.T) {
			n := adapterAt(t, rpc.Config{URL: serve(t, batches(node(), v.spoil))})
			pool, err := n.Mempool(t.Context(), everything)
			if !errors.Is(err, v.want) {
				t.Fatalf("got %v, want %v", err, v.want)
			}
			if v.want == nil && (len(pool.Txs) != 1 || pool.Txs[0].ID != txID || len(pool.IDs) != 1) {
				t.Errorf("the mempool is %+v", pool)
			}
		})
	}
}

// A batch whose answer is too large is asked for in smaller ones.
func TestLargeBatch(t *testing.T) {
	var ids []string
	for i := range 8 {
		ids = append(ids, fmt.Sprintf("%064x", i))
	}
	var mu sync.Mutex
	var sizes []int
	s := mempoolScript(ids...)
	s.with("getrawtransaction", func([]any) any { return refusal{Code: -5, Message: "gone"} })
	handler := batches(s, func(answers []map[string]any) any {
		mu.Lock()
		defer mu.Unlock()
		sizes = append(sizes, len(answers))
		if len(answers) > 2 {
			answers[0]["padding"] = strings.Repeat("a", 33<<20)
		}
		return answers
	})
	pool, err := adapterAt(t, rpc.Config{URL: serve(t, handler)}).Mempool(t.Context(), everything)
	if err != nil || len(pool.IDs) != 0 {
		t.Fatalf("%+v, %v", pool, err)
	}
	mu.Lock()
	defer mu.Unlock()
	if got, want := fmt.Sprint(sizes), "[8 4 2 2 4 2 2]"; got != want {
		t.Errorf("batches of %s, want %s", got, want)
	}
}
