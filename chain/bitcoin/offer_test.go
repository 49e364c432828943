package bitcoin_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"checkout/chain"
	"checkout/chain/bitcoin"
	"checkout/chain/bitcoin/regtest"
	"checkout/chain/chaintest"
	"checkout/chain/rpc"
	"checkout/fault"
)

// However large a mempool is, the node says when single transactions came to it, and is asked for no others.
func TestArrivals(t *testing.T) {
	now := time.Now()
	at := map[string]int64{}
	for i, seconds := range []int64{now.Unix() - 60, now.Unix() - 3600, 0, -5, now.Unix() + 7200} {
		at[fmt.Sprintf("%064x", i)] = seconds
	}
	var mu sync.Mutex
	asked := map[string]int{}
	s := chainOf(5).with("getmempoolentry", func(params []any) any {
		id := params[0].(string)
		mu.Lock()
		defer mu.Unlock()
		asked[id]++
		if _, ok := at[id]; !ok {
			return refusal{Code: -5, Message: "Transaction not in mempool"}
		}
		return map[string]any{"vsize": 141, "time": at[id], "height": 5}
	}).with("getmempoolinfo", func([]any) any { return map[string]any{"size": 100_000} })
	var ids []string
	for i := range 250 { // more than one exchange takes
		ids = append(ids, fmt.Sprintf("%064x", i))
	}
	for _, list := range [][]string{ids, ids[:1]} {
		seen, err := adapterAt(t, rpc.Config{URL: serve(t, s)}).Arrivals(t.Context(), list)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range list {
			got, ok := seen[id]
			if possible := at[id] > 0 && at[id] < now.Unix()+3600; ok != possible || (ok && got.Unix() != at[id]) {
				t.Errorf("time %d is seen at %s, %v", at[id], got, ok)
			}
		}
	}
	if len(asked) != len(ids) {
		t.Errorf("asked for %d, wanted %d", len(asked), len(ids))
	}
}

// A node that does not say single times says all, unless they are too many.
func TestArrivalsOfOldNodes(t *testing.T) {
	for _, row := range []struct {
		name string
		size int
		no   refusal
		want bool
	}{
		{"Core of old, small", 2000, refusal{Code: -32601, Message: "Method not found"}, true},
		{"Core of old, large", 2001, refusal{Code: -32601, Message: "Method not found"}, false},
		{"btcd, small", 3, refusal{Code: -1, Message: "Command unimplemented"}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			tried := 0
			s := chainOf(5).with("getmempoolentry", func([]any) any { tried++; return row.no }).
				with("getmempoolinfo", func([]any) any { return map[string]any{"size": row.size, "bytes": 1} }).
				with("getrawmempool", func(params []any) any {
					if len(params) != 1 || params[0] != true {
						t.Errorf("asked for %v", params)
					}
					if row.size > 2000 {
						t.Error("a large mempool is asked for as a whole")
					}
					return map[string]any{txID: map[string]any{"time": 1_700_000_000}, strings.Repeat("cd", 32): map[string]any{"time": 1_700_000_001}}
				})
			n := adapterAt(t, rpc.Config{URL: serve(t, s)})
			for range 2 {
				seen, err := n.Arrivals(t.Context(), []string{txID})
				if err != nil || len(seen) > 1 || (len(seen) == 1) != row.want || (row.want && seen[txID].Unix() != 1_700_000_000) {
					t.Errorf("%v, %v", seen, err)
				}
			}
			if tried != 1 {
				t.Errorf("asked %d times for what it does not know", tried)
			}
		})
	}
	s := chainOf(5).with("getmempoolentry", func([]any) any { return refusal{Code: -28, Message: "Loading"} })
	_, err := adapterAt(t, rpc.Config{URL: serve(t, s)}).Arrivals(t.Context(), []string{txID})
	wantFault(t, "Arrivals", err, bitcoin.ErrSyncing)
}

// What nodes say of a transaction: the words are of Bitcoin Core's validation.cpp, policy/rbf.cpp and node/transaction.cpp,
// and of btcd's mempool.
func TestOfferRefused(t *testing.T) {
	for _, row := range []struct {
		no   refusal
		want *fault.Error
	}{
		{refusal{-25, "bad-txns-inputs-missingorspent"}, chain.ErrTxRefused},
		{refusal{-25, "Missing inputs"}, chain.ErrTxRefused},
		{refusal{-26, "txn-mempool-conflict"}, chain.ErrTxRefused},
		{refusal{-26, "insufficient fee, rejecting replacement " + txID + "; new feerate 0.00001 BTC/kvB <= old feerate 0.00002 BTC/kvB"}, chain.ErrTxRefused},
		{refusal{-26, "bad-txns-spends-conflicting-tx, " + txID + " spends conflicting transaction"}, chain.ErrTxRefused},
		{refusal{-25, "TX rejected: orphan transaction " + txID + " references outputs of unknown or fully-spent transaction " + txID}, chain.ErrTxRefused},
		{refusal{-26, "TX rejected: output already spent in mempool: output=" + txID + ":0, tx=" + txID}, chain.ErrTxRefused},
		{refusal{-26, "TX rejected: " + txID + ": replacement transaction has an insufficient fee rate: needs more than 2, has 1"}, chain.ErrTxRefused},

		{refusal{-26, "mempool full"}, chain.ErrTxUnwanted},
		{refusal{-26, "mempool min fee not met, 110 < 500"}, chain.ErrTxUnwanted},
		{refusal{-26, "min relay fee not met, 0 < 110"}, chain.ErrTxUnwanted},
		{refusal{-26, "too-long-mempool-chain, too many unconfirmed ancestors [limit: 25]"}, chain.ErrTxUnwanted},
		{refusal{-26, "non-BIP68-final"}, chain.ErrTxUnwanted},
		{refusal{-26, "dust"}, chain.ErrTxUnwanted},
		{refusal{-25, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)"}, chain.ErrTxUnwanted},
		{refusal{-26, "TX rejected: transaction " + txID + " has 1 fees which is under the required amount of 110"}, chain.ErrTxUnwanted},
		{refusal{-32601, "Method not found"}, chain.ErrTxUnwanted},

		{refusal{-27, "Transaction outputs already in utxo set"}, nil},
		{refusal{-26, "TX rejected: already have transaction in mempool " + txID}, nil},
		{refusal{-28, "Loading block index…"}, chain.ErrTxUnwanted},
	} {
		s := chainOf(5).with("sendrawtransaction", func(params []any) any {
			if params[0] != rawTx {
				t.Errorf("offered %v", params)
			}
			return row.no
		})
		raw, _ := hex.DecodeString(rawTx)
		err := adapterAt(t, rpc.Config{URL: serve(t, s)}).Offer(t.Context(), raw)
		if (row.want == nil && err != nil) || (row.want != nil && !errors.Is(err, row.want)) {
			t.Errorf("%q: %v, want %v", row.no.Message, err, row.want)
		}
	}
	err := adapterAt(t, rpc.Config{URL: "http://127.0.0.1:1"}).Offer(t.Context(), nil)
	wantFault(t, "Offer", err, rpc.ErrUnreachable)
}

// A btcd node that restarted takes a payment back, but not one whose coins are spent.
func TestOfferToNode(t *testing.T) {
	node := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{})
	a := node.Adapter()
	kept, replaced := node.PayReplaceable(recipients[0], 50_000), node.PayReplaceable(recipients[1], 50_000)
	began := time.Now()
	seen, err := a.Arrivals(t.Context(), []string{kept.ID, strings.Repeat("cd", 32)})
	if err != nil || len(seen) != 1 || seen[kept.ID].Before(began.Add(-time.Minute)) || seen[kept.ID].After(time.Now()) {
		t.Errorf("arrivals %v, %v", seen, err)
	}
	offer := func(tx regtest.Tx) error {
		raw, err := hex.DecodeString(tx.Raw)
		if err != nil {
			t.Fatal(err)
		}
		return a.Offer(t.Context(), raw)
	}
	node.Stop()
	wantFault(t, "Offer", offer(kept), rpc.ErrUnreachable)
	node.Start()
	if pool := node.Mempool(); len(pool) != 0 {
		t.Fatalf("the node keeps its mempool: %v; nothing is tested", pool)
	}
	for range 2 { // once more does no harm
		if err := offer(kept); err != nil {
			t.Error(err)
		}
	}
	if !slices.Contains(node.Mempool(), kept.ID) {
		t.Error("the node has not taken it")
	}
	node.Replace(replaced)
	if err := offer(replaced); !errors.Is(err, chain.ErrTxRefused) {
		t.Errorf("its coins are spent in the mempool: %v", err)
	}
	node.Generate(1)
	if err := offer(kept); err != nil {
		t.Errorf("it is in a block: %v", err)
	}
	if err := offer(replaced); !errors.Is(err, chain.ErrTxRefused) {
		t.Errorf("its coins are spent in a block: %v", err)
	}
}
