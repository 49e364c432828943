package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"checkout/chain"
	"checkout/chain/xrp/devnet"
)

// xrpShop is an installation beside a played XRP Ledger; its merchant takes 100 EUR as 40 XRP.
type xrpShop struct {
	*installation
	server *devnet.Server
}

const (
	xrpAccount = "rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf"
	xrpDue     = 40_000_000
)

func openXRP(t *testing.T, db string) *xrpShop {
	t.Helper()
	server, err := devnet.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	s := &xrpShop{server: server, installation: open(t, db, "", "CHECKOUT_RPC=xrp-dev="+server.URL())}
	if err := os.WriteFile(filepath.Join(s.dir, "rates.json"), []byte(`{"BTC/EUR":"50000","LTCT/EUR":"100","XRP/EUR":"2.5"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	account, _ := chain.ParseXRPAddress(xrpAccount)
	x, _ := chain.XAddress(account, "", false)
	var added struct {
		First []string `json:"first_addresses"`
	}
	s.cli(&added, "wallet", "add", "--merchant", string(s.m.ID), "--network", "xrp-dev", "--xpub", x)
	if len(added.First) != 3 || !strings.HasPrefix(added.First[0], xrpAccount+" with the tag ") || added.First[0] == added.First[1] {
		t.Errorf("the first addresses are %q", added.First)
	}
	s.serve()
	s.ready("XRP")
	return s
}

// tagged makes an invoice and gives its tag.
func (s *xrpShop) tagged(name string) (created, *uint32) {
	s.t.Helper()
	c := s.create(name, map[string]any{"sender_currency": "XRP"})
	if *c.Address != xrpAccount {
		s.t.Errorf("%s is to be paid to %s", name, *c.Address)
	}
	v := s.view(c, "waiting")
	if v.Tag == nil || v.Address != xrpAccount || v.PaymentURI != "ripple:"+xrpAccount+"?dt="+*v.Tag+"&amount=40" {
		s.t.Fatalf("%s: address %q, tag %v, payment_uri %q", name, v.Address, v.Tag, v.PaymentURI)
	}
	n, err := strconv.ParseUint(*v.Tag, 10, 32)
	if err != nil || n == 0 {
		s.t.Fatalf("the tag is %q", *v.Tag)
	}
	tag := uint32(n)
	return c, &tag
}

func (s *xrpShop) pay(p devnet.Payment) string {
	p.To = xrpAccount
	id := s.server.Pay(p)
	s.server.Close(1)
	return id
}

// TestXRPInvoice walks the main job on a ledger of shared addresses: tags, partial payments, and the inbox.
func TestXRPInvoice(t *testing.T) {
	onBoth(t, func(t *testing.T, db string) {
		s := openXRP(t, db)
		t.Run("exact, in parts, over", func(t *testing.T) { s.on(t, func() { s.pays(t) }) })
		t.Run("partial payments", func(t *testing.T) { s.on(t, func() { s.partial(t) }) })
		t.Run("no tag, and nobody's", func(t *testing.T) { s.on(t, func() { s.inbox(t) }) })
		t.Run("deposits", func(t *testing.T) { s.on(t, func() { s.deposits(t) }) })
		t.Run("while down", func(t *testing.T) { s.on(t, func() { s.down(t) }) })
		t.Run("late", func(t *testing.T) { s.on(t, func() { s.late(t) }) })
		s.audit()
		s.stop()
		s.audit()
	})
}

func (s *xrpShop) pays(t *testing.T) {
	exact, tag := s.tagged("exact")
	page := s.get(exact.path())
	if !strings.Contains(page, strconv.FormatUint(uint64(*tag), 10)) || !strings.Contains(page, xrpAccount[:4]) {
		t.Error("the page does not show tag and address")
	}
	s.pay(devnet.Payment{Tag: tag, Drops: xrpDue})
	s.view(exact, "paid")
	s.shop.hears(t, "exact", "confirmed 0.00000000")
	if told := s.last("exact"); !strings.Contains(told, `"tag":"`+strconv.FormatUint(uint64(*tag), 10)+`"`) || !strings.Contains(told, `"address":"`+xrpAccount+`"`) {
		t.Errorf("the shop is told %s", told)
	}

	parts, tag := s.tagged("parts")
	s.pay(devnet.Payment{Tag: tag, Drops: xrpDue / 4})
	s.view(parts, "underpaid")
	s.pay(devnet.Payment{Tag: tag, Drops: xrpDue / 4 * 3})
	s.view(parts, "paid")

	over, tag := s.tagged("over")
	s.pay(devnet.Payment{Tag: tag, Drops: xrpDue + 7_000_000})
	s.view(over, "overpaid")
}

// last is the newest callback of an order, as it was sent.
func (s *xrpShop) last(foreignID string) (body string) {
	s.shop.mu.Lock()
	defer s.shop.mu.Unlock()
	for _, c := range s.shop.heard {
		if c.ForeignID == foreignID {
			body = string(c.raw)
		}
	}
	return body
}

// partial: what a payment was to deliver means nothing.
func (s *xrpShop) partial(t *testing.T) {
	c, tag := s.tagged("partial")
	s.pay(devnet.Payment{Tag: tag, Drops: 1_000_000_000, Delivered: xrpDue / 4})
	if v := s.view(c, "underpaid"); v.Due != "30" {
		t.Errorf("after a quarter was delivered %s are due", v.Due)
	}
	for _, p := range []devnet.Payment{{Drops: xrpDue, Issued: true}, {Drops: xrpDue, Failed: true}, {Drops: xrpDue, Check: true}} {
		p.Tag = tag
		s.pay(p)
	}
	s.pay(devnet.Payment{Tag: tag, Drops: xrpDue / 4 * 3})
	s.view(c, "paid")
}

// inbox: what names nobody waits for a person, who gives it to the invoice it was meant for, once.
func (s *xrpShop) inbox(t *testing.T) {
	c, _ := s.tagged("forgot")
	other := s.create("open", map[string]any{"timer": false, "sender_currency": nil})
	nobody := uint32(1)
	bare, wrong := s.pay(devnet.Payment{Drops: xrpDue}), s.pay(devnet.Payment{Tag: &nobody, Drops: 5_000_000})
	s.pay(devnet.Payment{Drops: 9_999}) // dust
	last, tag := s.tagged("after")
	s.pay(devnet.Payment{Tag: tag, Drops: xrpDue})
	s.view(last, "paid") // all before it was looked at
	s.view(c, "waiting")
	var list []struct{ ID, TxID, Amount, Tag string }
	s.cli(&list, "unmatched", "list", "--merchant", string(s.m.ID))
	if len(list) != 2 || list[0].TxID != bare || list[0].Tag != "" || list[0].Amount != "40" || list[1].TxID != wrong || list[1].Tag != "1" {
		t.Fatalf("the inbox holds %+v", list)
	}
	refused := func(want string, args ...string) {
		t.Helper()
		out, err := s.command(append([]string{"unmatched", "assign"}, args...)...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("assign %v: %v, %s, want %s", args, err, out, want)
		}
	}
	refused("no such payment", "nothing", strings.TrimPrefix(c.path(), "/i/"))
	refused("never asked", list[0].ID, strings.TrimPrefix(other.path(), "/i/"))
	s.cli(nil, "unmatched", "assign", list[0].ID, strings.TrimPrefix(c.path(), "/i/"), "--by", "ada")
	s.view(c, "paid")
	s.shop.hears(t, "forgot", "confirmed 0.00000000")
	refused("already", list[0].ID, strings.TrimPrefix(last.path(), "/i/"))
	s.cli(&list, "unmatched", "list", "--merchant", string(s.m.ID))
	if len(list) != 1 || list[0].TxID != wrong {
		t.Errorf("after it was given away the inbox holds %+v", list)
	}
}

// deposits: two customers share the address and not the tag.
func (s *xrpShop) deposits(t *testing.T) {
	tags := map[string]uint32{}
	for _, customer := range []string{"cust-1", "cust-2"} {
		status, body := s.call("addresses/take", s.m.Live.CoinsPaid, map[string]any{"currency": "XRP", "foreign_id": customer})
		var answer struct{ Data struct{ Address, Tag string } }
		if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusCreated || answer.Data.Address != xrpAccount {
			t.Fatalf("%d %s", status, body)
		}
		n, err := strconv.ParseUint(answer.Data.Tag, 10, 32)
		if err != nil {
			t.Fatalf("%s", body)
		}
		tags[customer] = uint32(n)
	}
	if tags["cust-1"] == tags["cust-2"] {
		t.Fatal("two customers have one tag")
	}
	tag := tags["cust-2"]
	s.pay(devnet.Payment{Tag: &tag, Drops: 9_000_000})
	s.shop.hearsOf(t, "cust-2", "confirmed 9.00000000 1")
}

func (s *xrpShop) down(t *testing.T) {
	c, tag := s.tagged("down")
	s.stop()
	s.pay(devnet.Payment{Tag: tag, Drops: xrpDue})
	s.server.Close(40)
	s.serve()
	s.view(c, "paid")
	s.shop.hears(t, "down", "confirmed 0.00000000")
}

func (s *xrpShop) late(t *testing.T) {
	c, tag := s.tagged("late")
	s.pass(16 * time.Minute)
	s.view(c, "expired")
	s.pay(devnet.Payment{Tag: tag, Drops: xrpDue})
	s.view(c, "late")
}
