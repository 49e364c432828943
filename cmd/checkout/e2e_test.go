package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"checkout/chain/bitcoin/regtest"
	"checkout/chain/chaintest"
	"checkout/store/pgtest"
)

// engines are the databases every end-to-end test runs on.
var engines = map[string]func(t *testing.T) string{
	"sqlite":   func(*testing.T) string { return "" },
	"postgres": func(t *testing.T) string { return pgtest.DSN(t) },
}

// onBoth runs a test on each of them, at the same time: most of what they do is wait.
func onBoth(t *testing.T, test func(t *testing.T, db string)) {
	t.Parallel()
	for name, dsn := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if testing.Short() {
				t.Skip("needs a node")
			}
			test(t, dsn(t))
		})
	}
}

// due is what 100 EUR are at 50000 EUR, in satoshi.
const due = 200_000

// TestPaidInvoice walks the main job: a signed call, the page, a coin, a real transaction, blocks, callbacks, the books.
func TestPaidInvoice(t *testing.T) {
	onBoth(t, func(t *testing.T, db string) {
		node := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{})
		in := open(t, db, node.URL(), "CHECKOUT_CONFIRMATIONS=BTC=2")
		in.serve()
		in.ready("BTC")

		t.Run("types", func(t *testing.T) { in.on(t, func() { in.types(t, node) }) })
		t.Run("two parts", func(t *testing.T) { in.on(t, func() { in.twoParts(t, node) }) })
		t.Run("over", func(t *testing.T) { in.on(t, func() { in.over(t, node) }) })
		t.Run("replaced", func(t *testing.T) { in.on(t, func() { in.replaced(t, node) }) })
		t.Run("while down", func(t *testing.T) { in.on(t, func() { in.whileDown(t, node) }) })
		t.Run("short then expired, and late", func(t *testing.T) { in.on(t, func() { in.deadline(t, node) }) })
		in.audit()
		in.stop()
		in.audit()
	})
}

// types pays an invoice of each type of the dialect exactly.
func (in *installation) types(t *testing.T, node *chaintest.BitcoinNode) {
	for kind, more := range map[string]map[string]any{
		"type-1": {"timer": false, "sender_currency": nil},
		"type-2": {"timer": true, "sender_currency": nil},
		"type-3": {},
	} {
		c := in.create(kind, more)
		want := map[string]string{"type-1": "created", "type-2": "pending", "type-3": "pending"}[kind]
		if c.Status != want {
			t.Errorf("%s is %q, want %q", kind, c.Status, want)
		}
		if kind != "type-3" {
			in.choose(c, "btc")
		}
		s := in.view(c, "waiting")
		if uri := fmt.Sprintf("bitcoin:%s?amount=0.002", s.Address); s.PaymentURI != uri || s.Due != "0.002" {
			t.Errorf("%s: payment_uri %q, due %q, want %q", kind, s.PaymentURI, s.Due, uri)
		}
		node.Pay(s.Address, due)
		in.view(c, "detected")
		node.Generate(1)
		if s := in.view(c, "confirming"); s.Confirmations.Have != 1 || s.Confirmations.Need != 2 {
			t.Errorf("%s: %d of %d confirmations", kind, s.Confirmations.Have, s.Confirmations.Need)
		}
		node.Generate(1)
		in.view(c, "paid")
		in.shop.hears(t, kind, "processing 0.00000000", "confirmed 0.00000000")
	}
}

func (in *installation) twoParts(t *testing.T, node *chaintest.BitcoinNode) {
	c := in.create("parts", nil)
	node.Pay(*c.Address, 50_000)
	if s := in.view(c, "underpaid"); s.Due != "0.0015" || !strings.HasSuffix(s.PaymentURI, "?amount=0.0015") {
		t.Errorf("due %q, payment_uri %q, want the remaining 0.0015", s.Due, s.PaymentURI)
	}
	node.Pay(*c.Address, 150_000)
	in.view(c, "detected")
	node.Generate(2)
	in.view(c, "paid")
	in.shop.hears(t, "parts", "pending 0.00150000", "processing 0.00000000", "confirmed 0.00000000")
}

func (in *installation) over(t *testing.T, node *chaintest.BitcoinNode) {
	c := in.create("over", nil)
	node.Pay(*c.Address, 250_000)
	in.view(c, "detected")
	node.Generate(2)
	in.view(c, "overpaid")
	in.shop.hears(t, "over", "processing 0.00000000", "confirmed 0.00000000")
}

// replaced takes a payment back before it confirms, then pays again.
func (in *installation) replaced(t *testing.T, node *chaintest.BitcoinNode) {
	c := in.create("replaced", nil)
	first := node.PayReplaceable(*c.Address, due)
	in.view(c, "detected")
	node.Replace(first)
	in.view(c, "failed")
	node.Pay(*c.Address, due)
	in.view(c, "detected")
	node.Generate(2)
	in.view(c, "paid")
	in.shop.hears(t, "replaced", "processing 0.00000000", "pending 0.00200000", "processing 0.00000000", "confirmed 0.00000000")

	again := in.create("bumped", nil)
	first = node.PayReplaceable(*again.Address, due)
	in.view(again, "detected")
	bumped := node.Replace(first, regtest.Output{Address: *again.Address, Sats: due})
	in.sees(again, "the replacement", func(s status) bool { return len(s.Txs) == 1 && s.Txs[0].ID == bumped.ID })
	node.Generate(2)
	in.view(again, "paid")
	in.shop.hears(t, "bumped", "processing 0.00000000", "confirmed 0.00000000")
}

// whileDown pays and mines while nobody watches.
func (in *installation) whileDown(t *testing.T, node *chaintest.BitcoinNode) {
	exact, pool := in.create("down", nil), in.create("down-pool", nil)
	in.stop()
	node.Pay(*exact.Address, due)
	node.Generate(5)
	node.Pay(*pool.Address, due)
	in.serve()
	in.view(exact, "paid")
	in.view(pool, "detected")
	node.Generate(2)
	in.view(pool, "paid")
	in.shop.hears(t, "down", "processing 0.00000000", "confirmed 0.00000000") // block by block, as it happened
	in.shop.hears(t, "down-pool", "processing 0.00000000", "confirmed 0.00000000")
}

// deadline lets the price window of 15 minutes pass.
func (in *installation) deadline(t *testing.T, node *chaintest.BitcoinNode) {
	short := in.create("short", nil)
	part := in.create("part", map[string]any{"type": "good_until_expired"})
	never := in.create("never", nil)
	open := in.create("open", map[string]any{"timer": false, "sender_currency": nil})
	slow := in.create("slow", nil)
	for _, c := range []created{short, part} {
		node.Pay(*c.Address, 199_999)
		in.view(c, "underpaid")
	}
	node.Pay(*slow.Address, due)
	in.view(slow, "detected")
	in.pass(16 * time.Minute)
	in.view(never, "expired")
	in.view(slow, "detected")
	if got := in.shop.of("short"); len(got) != 1 {
		t.Errorf("a short invoice ended before its part confirmed: %q", got)
	}
	node.Generate(2)
	in.view(short, "expired_underpaid")
	in.view(part, "paid")
	in.view(slow, "paid")
	in.view(open, "choose")
	in.shop.hears(t, "short", "pending 0.00000001", "failed 0.00000001 Timer expired. User paid less than requested.")
	in.shop.hears(t, "part", "pending 0.00000001", "confirmed 0.00000001")
	in.shop.hears(t, "never", "failed 0.00200000 Timer expired. User not paid.")
	in.shop.hears(t, "slow", "processing 0.00000000", "confirmed 0.00000000")

	node.Pay(*never.Address, due)
	in.view(never, "late")
	node.Generate(2)
	in.view(never, "late")
	if got := in.shop.of("never"); len(got) != 1 {
		t.Errorf("late money under review is told: %q", got)
	}
	if status, body := in.call("invoices/create", in.m.Live.CoinsPaid, order("never", nil)); status != http.StatusBadRequest || !strings.Contains(string(body), "has already been taken") {
		t.Errorf("a used foreign_id answers %d %s", status, body)
	}
}

// TestReorganisation lets two nodes compete: the branch with the payment loses to a longer one without it.
func TestReorganisation(t *testing.T) {
	onBoth(t, func(t *testing.T, db string) {
		node := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{})
		rival := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{Empty: true})
		node.Join(rival)
		in := open(t, db, node.URL(), "CHECKOUT_CONFIRMATIONS=BTC=8")
		in.serve()
		in.ready("BTC")
		for _, depth := range []int{1, 3, 6} {
			t.Run(fmt.Sprintf("%d before settlement", depth), func(t *testing.T) { in.on(t, func() { in.reorgBefore(t, node, rival, depth) }) })
		}
		in.stop()
		in.set("CHECKOUT_CONFIRMATIONS", "BTC=1")
		in.serve()
		in.ready("BTC")
		for _, depth := range []int{1, 3, 6} {
			t.Run(fmt.Sprintf("%d after settlement", depth), func(t *testing.T) { in.on(t, func() { in.reorgAfter(t, node, rival, depth) }) })
		}
		t.Run("double spend", func(t *testing.T) { in.on(t, func() { in.doubleSpend(t, node, rival) }) })
		in.audit()
	})
}

func (in *installation) reorgBefore(t *testing.T, node, rival *chaintest.BitcoinNode, depth int) {
	c := in.create(fmt.Sprintf("before-%d", depth), nil)
	node.Disconnect(rival)
	node.Pay(*c.Address, due)
	in.view(c, "detected")
	node.Generate(depth)
	in.sees(c, "its confirmations", func(s status) bool { return s.Confirmations.Have == depth })
	rival.Generate(depth + 1)
	node.Join(rival)
	in.sees(c, "the payment unconfirmed", func(s status) bool { return s.State == "detected" && s.Confirmations.Have == 0 })
	node.Generate(8)
	in.view(c, "paid")
	in.shop.hears(t, c.ForeignID, "processing 0.00000000", "confirmed 0.00000000")
}

func (in *installation) reorgAfter(t *testing.T, node, rival *chaintest.BitcoinNode, depth int) {
	c := in.create(fmt.Sprintf("after-%d", depth), nil)
	node.Disconnect(rival)
	node.Pay(*c.Address, due)
	in.view(c, "detected")
	node.Generate(depth)
	in.view(c, "paid")
	in.shop.hears(t, c.ForeignID, "processing 0.00000000", "confirmed 0.00000000")
	rival.Generate(depth + 1)
	node.Join(rival)
	in.view(c, "detected")
	in.shop.hears(t, c.ForeignID, "processing 0.00000000", "confirmed 0.00000000", "processing 0.00000000")
	node.Generate(1)
	in.view(c, "paid")
	in.shop.hears(t, c.ForeignID, "processing 0.00000000", "confirmed 0.00000000", "processing 0.00000000", "confirmed 0.00000000")
}

// doubleSpend lets the other branch hold a transaction that spends the same coins elsewhere.
func (in *installation) doubleSpend(t *testing.T, node, rival *chaintest.BitcoinNode) {
	c := in.create("double", nil)
	node.Disconnect(rival)
	paid := node.PayReplaceable(*c.Address, due)
	in.view(c, "detected")
	node.Generate(1)
	in.view(c, "paid")
	in.shop.hears(t, "double", "processing 0.00000000", "confirmed 0.00000000")
	rival.Replace(paid)
	rival.Generate(2)
	node.Join(rival)
	in.view(c, "failed")
	in.shop.hears(t, "double", "processing 0.00000000", "confirmed 0.00000000", "processing 0.00000000", "failed 0.00200000 Transaction was double spent")
}
