package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"checkout/chain"
	"checkout/chain/evm"
	"checkout/chain/rpc"
	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
	"checkout/money"
	"checkout/store"
	"checkout/wallet"
)

// busyNetworks are five networks with a token people pay with, as busy as Ethereum: so many transactions and token transfers stand
// in each block.
var busyNetworks = []string{"ethereum", "bsc", "polygon", "base", "arbitrum"}

const (
	busyTxs       = 150
	busyTransfers = 150
	busyInvoices  = 10_000 // on all networks together
	busySeconds   = 20
)

// busyNode plays a provider of a network: its blocks are made up, and made once.
type busyNode struct {
	*httptest.Server
	network chain.Network
	token   chain.Asset

	mu     sync.Mutex
	tip    int64
	paying map[int64]string
	blocks map[int64]string // height to JSON, with transactions
	logs   map[int64]string
	made   map[int64]time.Time
}

func newBusyNode(b *testing.B, id string) *busyNode {
	b.Helper()
	n := &busyNode{tip: -1, paying: map[int64]string{}, blocks: map[int64]string{}, logs: map[int64]string{}, made: map[int64]time.Time{}}
	n.network, _ = chain.Catalogue().Network(id)
	for _, a := range chain.Catalogue().Assets() {
		if a.Network == id && a.Contract != "" && n.token.ID == "" {
			n.token = a
		}
	}
	n.Server = httptest.NewServer(http.HandlerFunc(n.serve))
	b.Cleanup(n.Close)
	return n
}

func busyHash(kind string, network string, height int64, place int) string {
	return fmt.Sprintf("0x%08x%08x%016x%032x", len(kind)*7919+int(kind[0]), len(network)*104729+int(network[0]), height, place)
}

// mine makes the next block; a token payment of 100 to an address is in it, unless that is empty.
func (n *busyNode) mine(pay string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tip++
	h := n.tip
	n.paying[h], n.made[h] = pay, time.Now()
	var txs, logs []string
	block := busyHash("block", n.network.ID, h, 0)
	for i := range busyTxs {
		txs = append(txs, fmt.Sprintf(`{"blockHash":%q,"from":"0x%040x","to":"0x%040x","value":"0x%x","nonce":"0x%x","type":"0x2","hash":%q,"input":"0x","gas":"0x5208","r":"0x1","s":"0x1"}`,
			block, i+1, 1_000_000+int(h)*busyTxs+i, i+1, h, busyHash("tx", n.network.ID, h, i)))
	}
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n.token.Currency.Scale)), nil)
	for i := range busyTransfers {
		to := fmt.Sprintf("%040x", 2_000_000+int(h)*busyTransfers+i)
		if i == 0 && pay != "" {
			to = strings.ToLower(pay[2:])
		}
		logs = append(logs, n.log(block, busyHash("tx", n.network.ID, h, i%busyTxs), to, i, new(big.Int).Mul(big.NewInt(100), unit)))
	}
	n.logs[h] = strings.Join(logs, ",")
	n.blocks[h] = fmt.Sprintf(`{"number":"0x%x","hash":%q,"parentHash":%q,"timestamp":"0x%x","logsBloom":"0x%s","transactions":[%s]}`,
		h, block, busyHash("block", n.network.ID, max(h-1, 0), 0), time.Now().Unix(), strings.Repeat("ff", 256), strings.Join(txs, ","))
}

func (n *busyNode) log(block, tx, to string, place int, value *big.Int) string {
	return fmt.Sprintf(`{"address":%q,"topics":["0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef","0x%064x","0x%064s"],"data":"0x%064x","blockHash":%q,"transactionHash":%q,"logIndex":"0x%x","removed":false}`,
		strings.ToLower(n.token.Contract), 7, to, value, block, tx, place)
}

func (n *busyNode) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	type question struct {
		ID     json.RawMessage   `json:"id"`
		Method string            `json:"method"`
		Params []json.RawMessage `json:"params"`
	}
	answer := func(q question) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, q.ID, n.result(q.Method, q.Params))
	}
	var many []question
	if json.Unmarshal(body, &many) == nil {
		out := make([]string, len(many))
		for i, q := range many {
			out[i] = answer(q)
		}
		_, _ = io.WriteString(w, "["+strings.Join(out, ",")+"]")
		return
	}
	var one question
	_ = json.Unmarshal(body, &one)
	_, _ = io.WriteString(w, answer(one))
}

func (n *busyNode) result(method string, params []json.RawMessage) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch method {
	case "eth_chainId":
		return fmt.Sprintf(`"0x%x"`, n.network.EVM.ChainID)
	case "eth_getBlockByNumber":
		var at string
		_ = json.Unmarshal(params[0], &at)
		height := n.tip
		if at != "latest" {
			height = hexNumber(at)
		}
		block, ok := n.blocks[height]
		switch {
		case !ok:
			return "null"
		case string(params[1]) == "true":
			return block
		}
		return block[:strings.Index(block, `,"transactions"`)] + "}"
	case "eth_getLogs":
		var f struct{ BlockHash, FromBlock, ToBlock string }
		_ = json.Unmarshal(params[0], &f)
		from, to := hexNumber(f.FromBlock), hexNumber(f.ToBlock)
		if f.BlockHash != "" {
			from = hexNumber("0x" + f.BlockHash[18:34])
			to = from
		}
		var list []string
		for h := from; h <= to; h++ {
			list = append(list, n.logs[h])
		}
		return "[" + strings.Join(list, ",") + "]"
	case "eth_getTransactionReceipt":
		var id string
		_ = json.Unmarshal(params[0], &id)
		h := hexNumber("0x" + id[18:34])
		unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n.token.Currency.Scale)), nil)
		block := busyHash("block", n.network.ID, h, 0)
		return fmt.Sprintf(`{"transactionHash":%q,"blockHash":%q,"status":"0x1","logs":[%s]}`, id, block,
			n.log(block, id, strings.ToLower(n.paying[h][2:]), 0, new(big.Int).Mul(big.NewInt(100), unit)))
	}
	return "null"
}

func hexNumber(text string) int64 {
	n, _ := new(big.Int).SetString(strings.TrimPrefix(text, "0x"), 16)
	if n == nil {
		return 0
	}
	return n.Int64()
}

// openBusy is the application with five busy networks, and so many invoices on each; it gives their addresses by network.
func openBusy(b *testing.B, nodes map[string]*busyNode) (*app, map[string][]string) {
	b.Helper()
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "rates.json"), []byte(`{"BTC/EUR":"50000","USDT/EUR":"1","USDC/EUR":"1"}`), 0o600); err != nil {
		b.Fatal(err)
	}
	s := &Settings{
		DB: "sqlite:" + filepath.Join(dir, "bench.db"), Listen: "127.0.0.1:0", InternalListen: "127.0.0.1:0", BitcoinNetwork: "regtest", RPC: map[string]string{},
		MasterKey: strings.Repeat("00", 32), HideAfter: time.Hour, LogLevel: "error", RatesFile: filepath.Join(dir, "rates.json"),
	}
	for id, n := range nodes {
		s.RPC[id] = n.URL
	}
	a, err := openApp(b.Context(), s, slog.New(slog.DiscardHandler), true)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(a.close)
	m, err := a.createMerchant(b.Context(), merchantCreateCmd{Name: "Bench", Tolerance: "0.5"})
	if err != nil {
		b.Fatal(err)
	}
	for id, n := range nodes {
		account, err := wallet.NewAccount(a.played.Random, m.ID, n.network, evmAccount)
		if err == nil {
			err = store.Wallets{DB: a.db}.Insert(b.Context(), account)
		}
		if err != nil {
			b.Fatal(id, err)
		}
	}
	if err := a.rates.RunOnce(b.Context()); err != nil {
		b.Fatal(err)
	}
	for _, w := range a.watchers {
		w.Every = 200 * time.Millisecond
		if err := w.RunOnce(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	return a, a.busyOrders(b, m.ID, nodes)
}

// busyOrders makes the invoices.
func (a *app) busyOrders(b *testing.B, m ident.ID, nodes map[string]*busyNode) map[string][]string {
	b.Helper()
	t, err := merchant.Operator(m, ident.Live)
	if err != nil {
		b.Fatal(err)
	}
	eur, _ := money.FiatByCode("EUR")
	found := map[string][]string{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for id, n := range nodes {
		wg.Go(func() {
			for range busyInvoices / len(nodes) {
				inv, err := a.invoices.Create(b.Context(), t, invoice.New{
					Origin: "bench", Price: money.Units(eur, 100_00), Terms: invoice.CoinsPaidTerms(money.Zero(eur), false, false), Asset: n.token.ID,
				})
				if err != nil {
					b.Error(err)
					return
				}
				addr, _ := inv.Address(n.token.ID)
				mu.Lock()
				found[id] = append(found[id], addr.Text)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return found
}

func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkWatchFiveNetworks: 10,000 open invoices on five networks, of each a block every second with a payment in it. How far
// the watchers lag behind in the first half of the time and in the second, and what a watched address costs in memory.
func BenchmarkWatchFiveNetworks(b *testing.B) {
	nodes := map[string]*busyNode{}
	for _, id := range busyNetworks {
		nodes[id] = newBusyNode(b, id)
		for range 3 {
			nodes[id].mine("")
		}
	}
	empty := heap()
	a, addresses := openBusy(b, nodes)
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	for _, w := range a.watchers {
		wg.Go(func() { _ = w.Run(ctx) })
	}
	full := heap()
	before, began := cpu(), time.Now()
	lags := make(chan time.Duration, 10_000)
	for id, n := range nodes {
		wg.Go(func() { n.measure(ctx, a, addresses[id], lags) })
	}
	time.Sleep(busySeconds * time.Second)
	used, took := cpu()-before, time.Since(began)
	cancel()
	wg.Wait()
	close(lags)
	var halves [2][]float64
	all := []float64{}
	for l := range lags {
		all = append(all, float64(l.Milliseconds()))
	}
	halves[0], halves[1] = all[:len(all)/2], all[len(all)/2:]
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(halves[0]), "lag-ms-first")
	b.ReportMetric(median(halves[1]), "lag-ms-last")
	b.ReportMetric((full-empty)/busyInvoices, "heap-B/address")
	b.ReportMetric(used.Seconds()/took.Seconds(), "cores")
	b.ReportMetric(float64(len(all)), "blocks")
}

// measure mines a block a second and reports how long each took to be taken in.
func (n *busyNode) measure(ctx context.Context, a *app, addresses []string, lags chan<- time.Duration) {
	chains := store.Chains{DB: a.db}
	reached := n.tip
	next := time.Now()
	for ctx.Err() == nil {
		if time.Now().After(next) {
			n.mine(addresses[int(n.tip)%len(addresses)])
			next = next.Add(time.Second)
		}
		cursor, _, err := chains.Cursor(ctx, n.network.ID)
		for err == nil && reached < cursor.Tip.Height {
			reached++
			n.mu.Lock()
			lags <- time.Since(n.made[reached])
			n.mu.Unlock()
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// BenchmarkCatchUp: blocks a second after a restart, taken in durably with 10,000 invoices watched, against the same blocks only
// fetched and read. The target is 50 blocks a second.
func BenchmarkCatchUp(b *testing.B) {
	const blocks = 300
	n := newBusyNode(b, "ethereum")
	for range 3 {
		n.mine("")
	}
	a, addresses := openBusy(b, map[string]*busyNode{"ethereum": n})
	ours, limit := []float64{}, []float64{}
	for range rounds {
		from := n.tip
		for i := range blocks {
			n.mine(addresses["ethereum"][i])
		}
		began := time.Now()
		for _, w := range a.watchers {
			if w.Source.Network().ID == "ethereum" {
				if err := w.RunOnce(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		}
		ours = append(ours, blocks/time.Since(began).Seconds())
		reader, err := evm.New(evm.Config{RPC: []rpc.Config{{URL: n.URL}}, Network: n.network, Assets: []chain.Asset{n.token}})
		if err != nil {
			b.Fatal(err)
		}
		began = time.Now()
		if _, err := reader.Tip(b.Context()); err != nil {
			b.Fatal(err)
		}
		for h := from + 1; h <= n.tip; h++ {
			if _, err := reader.Block(b.Context(), h); err != nil {
				b.Fatal(err)
			}
		}
		limit = append(limit, blocks/time.Since(began).Seconds())
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(ours), "ours/s")
	b.ReportMetric(median(limit), "limit/s")
	b.ReportMetric(median(ours)/median(limit), "ratio")
}
