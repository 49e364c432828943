package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"checkout/chain/chaintest"
)

// kills is how often the server is killed in one run.
const kills = 10

// TestKilledAtRandom kills the server without warning, again and again, while a shop creates invoices and a customer
// pays them on a real node. Afterwards nothing that was acknowledged is missing, nothing was done twice, every payment is
// credited once and every callback was heard.
func TestKilledAtRandom(t *testing.T) {
	onBoth(t, func(t *testing.T, db string) {
		node := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{})
		in := open(t, db, node.URL(), "CHECKOUT_CONFIRMATIONS=BTC=2", "CHECKOUT_TRUSTED_PROXIES=127.0.0.1")
		j := &journal{in: in, node: node, kept: map[string]created{}, unsure: map[string]bool{}, paid: map[string]string{}}
		in.serve()
		in.ready("BTC") // from now on the coin is offered at every start
		in.kill()
		rows := map[string]string{}
		for round := range kills {
			in.serve()
			stop := j.work(round)
			time.Sleep(200*time.Millisecond + rand.N(1800*time.Millisecond))
			in.kill()
			stop()
			rows = in.unchanged(rows)
		}
		in.serve()
		in.ready("BTC")
		j.retry()
		j.finish()
		in.unchanged(rows)
		in.audit()
		j.checkPayments()
	})
}

// journal is what the outside world knows: what was acknowledged, what was cut off, what was paid.
type journal struct {
	in   *installation
	node *chaintest.BitcoinNode

	mu     sync.Mutex
	kept   map[string]created // by foreign_id: answered 200
	unsure map[string]bool    // cut off, or refused as unavailable
	paid   map[string]string  // foreign_id → txid
}

// work creates invoices from two clients and pays each in the middle of it all, until the returned function is called.
func (j *journal) work(round int) (stop func()) {
	quit := make(chan struct{})
	var wg sync.WaitGroup
	unpaid := make(chan created, 1000)
	for client := range 2 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-quit:
					return
				default:
				}
				if c, ok := j.create(fmt.Sprintf("kill-%d-%d-%d", round, client, n)); ok {
					unpaid <- c
				}
				time.Sleep(30 * time.Millisecond)
			}
		})
	}
	wg.Go(func() {
		for n := 1; ; n++ {
			select {
			case <-quit:
				return
			case c := <-unpaid:
				if n%4 == 0 { // pay every fourth: the payer's coins are few
					j.pay(c)
				}
				if n%12 == 0 {
					j.node.Generate(1)
				}
			}
		}
	})
	return func() { close(quit); wg.Wait() }
}

// create makes an invoice and notes what became of it.
func (j *journal) create(foreignID string) (created, bool) {
	body, _ := json.Marshal(order(foreignID, nil))
	status, answer, err := j.in.try("invoices/create", j.in.m.Live.CoinsPaid, body)
	j.mu.Lock()
	defer j.mu.Unlock()
	var a struct{ Data created }
	switch {
	case err == nil && status == http.StatusOK && json.Unmarshal(answer, &a) == nil:
		j.kept[foreignID] = a.Data
		delete(j.unsure, foreignID)
		return a.Data, true
	case err == nil && status == http.StatusBadRequest && strings.Contains(string(answer), "already been taken"):
		delete(j.unsure, foreignID)
	default:
		j.unsure[foreignID] = true
	}
	return created{}, false
}

func (j *journal) pay(c created) {
	tx := j.node.Pay(*c.Address, due)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.paid[c.ForeignID] = tx
}

// retry repeats every call whose outcome is not known: each is answered, by a new invoice or as taken.
func (j *journal) retry() {
	j.in.t.Helper()
	for foreignID := range maps.Clone(j.unsure) {
		chaintest.Until(j.in.t, foreignID+" is answered", func() bool { j.create(foreignID); return !j.unsure[foreignID] })
	}
}

// finish mines until everything that was paid is settled and told.
func (j *journal) finish() {
	t := j.in.t
	t.Helper()
	if len(j.kept) < kills || len(j.paid) == 0 {
		t.Fatalf("only %d invoices and %d payments: the test tested nothing", len(j.kept), len(j.paid))
	}
	for foreignID, txid := range j.paid {
		if !j.known(txid) {
			t.Errorf("the node has no payment of %s, %s", foreignID, txid)
		}
	}
	j.node.Generate(3)
	for _, txid := range j.node.Mempool() {
		t.Errorf("%s is left in the mempool", txid)
	}
	for foreignID := range j.paid {
		chaintest.Until(t, foreignID+" is confirmed, callbacks heard: "+strings.Join(j.in.shop.of(foreignID), ", "), func() bool {
			heard := j.in.shop.of(foreignID)
			return len(heard) > 0 && heard[len(heard)-1] == "confirmed 0.00000000"
		})
	}
	customers := 0
	for foreignID, c := range j.kept {
		customers++
		if status := j.visit(c, customers); status != http.StatusOK {
			t.Errorf("%s was acknowledged, its page answers %d", foreignID, status)
		}
	}
	t.Logf("%d invoices, %d paid", len(j.kept), len(j.paid))
}

// known says whether the node has a transaction, in its mempool or in a block.
func (j *journal) known(txid string) bool {
	var raw string
	return j.node.Process().Client().Call(j.in.t.Context(), &raw, "getrawtransaction", txid) == nil
}

// visit opens an invoice's page as a customer with an address of their own: one alone would be held up by the limits.
func (j *journal) visit(c created, customer int) int {
	j.in.t.Helper()
	req, err := http.NewRequest(http.MethodGet, j.in.base+c.path(), http.NoBody)
	if err != nil {
		j.in.t.Fatal(err)
	}
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("198.18.%d.%d", customer/256, customer%256))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		j.in.t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		j.in.t.Fatal(err)
	}
	return res.StatusCode
}

// checkPayments compares the books with the reference node: every payment is there once, confirmed, in the block the node
// says, and every acknowledged invoice exists once (I3, I4, I5, I14).
func (j *journal) checkPayments() {
	t, db := j.in.t, j.in.database()
	t.Helper()
	for foreignID, txid := range j.paid {
		var n int
		var state, hash string
		var height int64
		err := db.QueryRow(`SELECT COUNT(*), MIN(state), MIN(block_hash), CAST(MIN(block_height) AS BIGINT) FROM audit_payments WHERE txid = $1`, txid).
			Scan(&n, &state, &hash, &height)
		if err != nil || n != 1 || state != "confirmed" {
			t.Errorf("payment of %s: %d rows, %s: %v", foreignID, n, state, err)
			continue
		}
		if best := j.node.HashAt(height); best != hash {
			t.Errorf("payment of %s is in %s, the node has %s at %d", foreignID, hash, best, height)
		}
	}
	for foreignID, c := range j.kept {
		var n int
		if err := db.QueryRow("SELECT COUNT(*) FROM audit_invoices WHERE foreign_id = $1 AND number = $2", foreignID, c.ID).Scan(&n); err != nil || n != 1 {
			t.Errorf("%s was acknowledged and stands %d times: %v", foreignID, n, err)
		}
	}
}

// database opens the installation's database beside it, to read.
func (in *installation) database() *sql.DB {
	in.t.Helper()
	driver, dsn := "pgx", ""
	for _, setting := range in.env {
		if value, ok := strings.CutPrefix(setting, "CHECKOUT_DB="); ok {
			dsn = value
		}
	}
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		driver, dsn = "sqlite", "file:"+filepath.ToSlash(path)+"?_pragma=query_only(1)&_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		in.t.Fatal(err)
	}
	in.t.Cleanup(func() { _ = db.Close() })
	return db
}

// unchanged checks that every append-only row seen before is still there, byte for byte (I13), and returns all of now.
func (in *installation) unchanged(before map[string]string) map[string]string {
	in.t.Helper()
	db, now := in.database(), map[string]string{}
	for view, key := range map[string]string{
		"audit_entries": "entry_id", "audit_invoice_events": "invoice_id || '/' || CAST(seq AS TEXT)", "audit_events": "event_id",
		"audit_deliveries": "event_id || endpoint_id || CAST(attempt AS TEXT)",
	} {
		rows, err := db.Query("SELECT " + key + ", hash, prev_hash FROM " + view)
		if err != nil {
			in.t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var name, hash, prev string
			if err := rows.Scan(&name, &hash, &prev); err != nil {
				in.t.Fatal(err)
			}
			now[view+" "+name] = hash + prev
		}
		if err := rows.Err(); err != nil {
			in.t.Fatal(err)
		}
	}
	for name, hash := range before {
		if now[name] != hash {
			in.t.Errorf("%s was there, and is gone or changed", name)
		}
	}
	return now
}
