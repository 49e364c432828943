package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"checkout/chain/chaintest"
)

// payerAddress is of a payer on a test network of Bitcoin's (the key of BIP 173's vectors).
const payerAddress = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"

// TestRefundOnTheChain gives money back by hand: approved, sent from the merchant's own wallet, proven by the node while the
// transaction is unconfirmed, and of another when it is in a block and the node has no index of it.
func TestRefundOnTheChain(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a node")
	}
	t.Parallel()
	node := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{})
	in := open(t, "", node.URL())
	in.serve()
	in.ready("BTC")

	over := in.create("too-much", nil)
	node.Pay(*over.Address, due+50_000)
	in.view(over, "detected")
	if _, said := in.fails("invoice", "refund", over.path()[3:], "--reason", "excess", "--to", payerAddress); !strings.Contains(said, "confirmed payment") {
		t.Errorf("an unconfirmed payment is refunded: %s", said)
	}
	node.Generate(1)
	in.view(over, "overpaid")
	for args, want := range map[string]string{
		"--to|" + *over.Address:                     "not one of yours",
		"--to|bc1qw508d6qejxtdg4y5r3zarvary0c5xw7k": "address",
		"--to|" + payerAddress + "|--amount|1":      "not more than",
		"--amount|0.0001":                           "left no address",
	} {
		if _, said := in.fails(append([]string{"invoice", "refund", over.path()[3:], "--reason", "excess"}, strings.Split(args, "|")...)...); !strings.Contains(said, want) {
			t.Errorf("%s: %s", args, said)
		}
	}
	in.post(over, "/refund-address", url.Values{"address": {payerAddress}})
	var r refundAnswer
	in.cli(&r, "invoice", "refund", over.path()[3:], "--reason", "excess", "--amount", "0.0005", "--actor", "ada")
	if r.State != "approved" || r.Amount != "0.0005" || r.Address != payerAddress {
		t.Errorf("approved: %+v", r)
	}
	in.view(over, "refund_pending")
	other := node.Pay(payerAddress, 49_999)
	sent := node.Pay(payerAddress, 50_000)
	for _, tx := range []string{other, sent, strings.Repeat("ab", 32), "nonsense"} { // none is in a block
		if _, said := in.fails("invoice", "refund-sent", over.path()[3:], tx); !strings.Contains(said, "knows no transaction") {
			t.Errorf("%s proves a refund: %s", tx, said)
		}
	}
	node.Generate(1)
	if _, said := in.fails("invoice", "refund-sent", over.path()[3:], other); !strings.Contains(said, "knows no transaction") {
		t.Errorf("less than the refund proves it: %s", said)
	}
	in.cli(&r, "invoice", "refund-sent", over.path()[3:], sent)
	if r.State != "paid" || !r.Proven || r.TxID != sent {
		t.Errorf("sent: %+v", r)
	}
	in.cli(&r, "invoice", "refund-sent", over.path()[3:], sent) // said again
	in.view(over, "refunded")
	if page := in.get(over.path() + "?lang=en"); !strings.Contains(page, "Refunded: 0.0005 BTC") || !strings.Contains(page, payerAddress) {
		t.Error("the page does not say what was refunded")
	}

	second := in.create("all-of-it", nil)
	node.Pay(*second.Address, due)
	node.Generate(1)
	in.view(second, "paid")
	in.cli(&r, "invoice", "refund", second.path()[3:], "--reason", "returned goods", "--to", payerAddress)
	sent = node.Pay(payerAddress, due)
	node.Generate(2)
	in.cli(&r, "invoice", "refund-sent", second.path()[3:], strings.ToUpper(sent))
	if !r.Proven {
		t.Errorf("in a block: %+v", r)
	}

	third := in.create("once-more", nil)
	node.Pay(*third.Address, due)
	node.Generate(1)
	in.view(third, "paid")
	in.cli(&r, "invoice", "refund", third.path()[3:], "--reason", "returned goods", "--to", payerAddress)
	if _, said := in.fails("invoice", "refund-sent", third.path()[3:], sent); !strings.Contains(said, "besides other refunds") {
		t.Errorf("one transaction proves two refunds: %s", said)
	}
	if _, said := in.fails("invoice", "refund", second.path()[3:], "--reason", "again", "--to", payerAddress); !strings.Contains(said, "not refunded yet") {
		t.Errorf("a payment is refunded twice: %s", said)
	}
	in.audit()
}

// TestReturnsRehearsed plays what goes wrong between coins: the wrong one, an exchange, a rest in another coin, and money back.
func TestReturnsRehearsed(t *testing.T) {
	t.Parallel()
	for name, dsn := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := open(t, dsn(t), "")
			in.serve()
			in.ready("LTCT")
			t.Run("wrong coin, accepted", func(t *testing.T) { in.on(t, in.wrongAccepted) })
			t.Run("wrong coin, refunded, then paid", func(t *testing.T) { in.on(t, in.wrongRefunded) })
			t.Run("excess refunded", func(t *testing.T) { in.on(t, in.excessRefunded) })
			t.Run("the rest in another coin", func(t *testing.T) { in.on(t, in.restInAnotherCoin) })
			t.Run("from an exchange", func(t *testing.T) { in.on(t, in.fromExchange) })
			in.audit()
		})
	}
}

// played makes a test invoice; coin may be empty.
func (in *installation) played(foreignID, coin string) created {
	in.t.Helper()
	more := map[string]any{"sender_currency": coin}
	if coin == "" {
		more = map[string]any{"sender_currency": nil, "timer": false}
	}
	status, body := in.call("invoices/create", in.m.Test.CoinsPaid, order(foreignID, more))
	var answer struct{ Data created }
	if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusOK {
		in.t.Fatalf("%d %s", status, body)
	}
	return answer.Data
}

// play lets a rehearsal happen.
func (in *installation) play(c created, action string) {
	in.t.Helper()
	in.rehearse(in.t, c.path()[3:], action, http.StatusNoContent)
}

// post sends a form of the page, as a browser without script does.
func (in *installation) post(c created, what string, form url.Values) {
	in.t.Helper()
	res, err := http.PostForm(in.base+c.path()+what, form)
	if err != nil {
		in.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		in.t.Fatalf("%s: %d", what, res.StatusCode)
	}
}

func (in *installation) says(c created, want string) {
	in.t.Helper()
	if page := in.get(c.path() + "?lang=en"); !strings.Contains(page, want) {
		in.t.Errorf("%s does not say %q", c.ForeignID, want)
	}
}

func (in *installation) wrongAccepted() {
	c := in.played("wrong-accepted", "LTCT")
	in.play(c, "wrong?blocks=3")
	s := in.view(c, "wrong_asset")
	if s.Address == "" || s.Due != "1" {
		in.t.Errorf("the order cannot be paid any more: %+v", s)
	}
	in.says(c, "We received 100 RUSD on Rehearsal, but asked for LTCT on Rehearsal")
	in.cli(nil, "invoice", "accept", c.path()[3:], "--reason", "it is worth the same")
	in.view(c, "paid")
}

func (in *installation) wrongRefunded() {
	c := in.played("wrong-refunded", "LTCT")
	in.play(c, "wrong?blocks=3")
	in.view(c, "wrong_asset")
	in.play(c, "refund")
	in.view(c, "waiting") // what is on its way back does not stop the order
	in.play(c, "refund")
	in.play(c, "exact?blocks=3")
	in.view(c, "paid")
	in.says(c, "100 RUSD")
	in.shop.hears(in.t, "wrong-refunded", "processing 0.00000000", "confirmed 0.00000000")
}

func (in *installation) excessRefunded() {
	c := in.played("excess", "LTCT")
	in.play(c, "over?blocks=3")
	in.view(c, "overpaid")
	in.play(c, "refund")
	in.view(c, "refund_pending")
	in.play(c, "refund")
	in.view(c, "refunded")
	in.says(c, "Refunded: 0.25 LTCT")
	if receipt := in.get(c.path() + "/receipt?lang=en"); !strings.Contains(receipt, "0.25 LTCT") || !strings.Contains(receipt, "<dt>To</dt>") {
		in.t.Error("the receipt does not name the refund")
	}
}

// restInAnotherCoin pays a part in one coin and what is missing in the other.
func (in *installation) restInAnotherCoin() {
	c := in.played("rest", "")
	in.choose(c, "ltct")
	in.view(c, "waiting")
	in.play(c, "short?blocks=3")
	in.view(c, "underpaid")
	in.says(c, "Is the rest below your exchange’s minimum?")
	in.post(c, "/method", url.Values{"method": {"rusd"}})
	s := in.sees(c, "the rest in the other coin", func(s status) bool { return s.State == "underpaid" && s.Due == "5" })
	if s.PaymentURI != "" {
		in.t.Errorf("a token without a payment URI has %q", s.PaymentURI)
	}
	in.play(c, "exact?blocks=3")
	in.view(c, "paid")
}

func (in *installation) fromExchange() {
	c := in.played("exchange", "")
	in.post(c, "/method", url.Values{"method": {"ltct"}, "from": {"exchange"}})
	in.view(c, "waiting")
	in.says(c, "make sure 1 LTCT arrives")
	page := in.get(c.path())
	if strings.Contains(page, "data-tab") || strings.Contains(page, `data-qr-content="litecoin:`) {
		in.t.Error("the code of who pays from an exchange is not the bare address")
	}
}
