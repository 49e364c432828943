package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"checkout/chain/bitcoin/regtest"
	"checkout/chain/chaintest"
)

// deposits lists the callbacks about a customer's deposits, as "status amount confirmations error".
func (s *shop) deposits(customer string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, c := range s.heard {
		if c.Type == "deposit" && c.CryptoAddress.ForeignID == customer {
			list = append(list, strings.TrimSpace(c.Status+" "+c.CurrencySent.Amount+" "+c.Transactions[0].Confirmations+" "+c.Error))
		}
	}
	return list
}

// hearsOf waits until the shop has heard exactly these callbacks about a customer's deposits, in any order: each deposit is a
// sequence of its own.
func (s *shop) hearsOf(t *testing.T, customer string, want ...string) {
	t.Helper()
	chaintest.Until(t, fmt.Sprintf("%s: %q (heard %q)", customer, want, s.deposits(customer)), func() bool { return len(s.deposits(customer)) >= len(want) })
	got := s.deposits(customer)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s: callbacks\n got %q\nwant %q", customer, got, want)
	}
}

// visit opens a payment terminal's link, signed with the live secret.
func (in *installation) visit(customer string, more string) (page string) {
	in.t.Helper()
	text := fmt.Sprintf(`{"client_id":%d,"currency":"BTC","foreign_id":%q%s}`, in.m.Live.CoinsPaid.ClientID, customer, more)
	link := "/?data=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(text))) + "&signature=" + signature(in.m.Live.CoinsPaid.Secret, []byte(text))
	return in.get(link)
}

var (
	shownAddress = regexp.MustCompile(`data-testid="address"[^>]*>(.*?)</bdi>`)
	depositPage  = regexp.MustCompile(`data-status-url="(/d/[0-9A-Z]{26})/status"`)
	tags         = regexp.MustCompile(`<[^>]*>`)
)

// deposit is the address a page shows, and where its own page is.
func (in *installation) deposit(page string) (address string, at created) {
	in.t.Helper()
	shown, path := shownAddress.FindStringSubmatch(page), depositPage.FindStringSubmatch(page)
	if shown == nil || path == nil {
		in.t.Fatalf("no address on the page: %.2000s", page)
	}
	return tags.ReplaceAllString(shown[1], ""), created{URL: "http://pay.example" + path[1], ForeignID: path[1]}
}

// TestDeposits walks a payment terminal's link on a real node: one address for ever, every payment a deposit of its own, and what
// the chain takes back and gives again.
func TestDeposits(t *testing.T) {
	onBoth(t, func(t *testing.T, db string) {
		node := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{})
		rival := chaintest.StartBitcoin(t, chaintest.BitcoinOptions{Empty: true})
		node.Join(rival)
		in := open(t, db, node.URL(), "CHECKOUT_CONFIRMATIONS=BTC=2")
		in.serve()
		in.ready("BTC")
		t.Run("two payments", func(t *testing.T) { in.on(t, func() { in.twoDeposits(t, node) }) })
		t.Run("replaced", func(t *testing.T) { in.on(t, func() { in.replacedDeposit(t, node) }) })
		t.Run("while down", func(t *testing.T) { in.on(t, func() { in.depositWhileDown(t, node) }) })
		t.Run("reorganised", func(t *testing.T) { in.on(t, func() { in.reorganisedDeposit(t, node, rival) }) })
		t.Run("double spent", func(t *testing.T) { in.on(t, func() { in.stolenDeposit(t, node, rival) }) })
		in.audit()
		in.stop()
		in.audit()
	})
}

func (in *installation) twoDeposits(t *testing.T, node *chaintest.BitcoinNode) {
	page := in.visit("cust-1", `,"amount":"0.5","url_back":"https://shop.example/back"`)
	address, at := in.deposit(page)
	for _, want := range []string{"0.50000000", "https://shop.example/back", `data-state="topup"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	node.Pay(address, 100_000)
	in.sees(at, "one payment", func(s status) bool { return s.State == "topup" && len(s.Txs) == 1 && s.Received == "0.001" })
	in.shop.hearsOf(t, "cust-1", "not_confirmed 0.00100000 0")
	node.Generate(2)
	in.shop.hearsOf(t, "cust-1", "not_confirmed 0.00100000 0", "confirmed 0.00100000 2")
	if again, _ := in.deposit(in.visit("cust-1", "")); again != address {
		t.Errorf("the next visit shows %s, the first %s", again, address)
	}
	if api := in.taken("cust-1"); api != address {
		t.Errorf("addresses/take gives %s", api)
	}
	node.Pay(address, 250_000)
	in.sees(at, "two payments", func(s status) bool { return len(s.Txs) == 2 && s.Received == "0.0035" })
	node.Generate(2)
	in.shop.hearsOf(t, "cust-1", "not_confirmed 0.00100000 0", "confirmed 0.00100000 2", "not_confirmed 0.00250000 0", "confirmed 0.00250000 2")
	if page := in.get(at.path()); !strings.Contains(page, "0.0025 BTC") || !strings.Contains(page, "0.001 BTC") {
		t.Error("the address's own page does not list both")
	}
	if other, _ := in.deposit(in.visit("cust-1", `,"convert_to":"EUR"`)); other == address {
		t.Error("another conversion has the same address")
	}

	small, _ := in.deposit(in.visit("small", ""))
	node.Pay(small, 9_999)
	node.Pay(small, 500) // dust is nobody's
	node.Generate(2)
	const below = " Transaction amount less than minimum deposit"
	in.shop.hearsOf(t, "small", "cancelled 0.00009999 0"+below, "cancelled 0.00009999 2"+below)
}

// taken asks the API for a customer's address.
func (in *installation) taken(customer string) string {
	in.t.Helper()
	code, body := in.call("addresses/take", in.m.Live.CoinsPaid, map[string]any{"currency": "BTC", "foreign_id": customer})
	m := regexp.MustCompile(`"address":"([^"]+)"`).FindSubmatch(body)
	if code != http.StatusCreated || m == nil {
		in.t.Fatalf("addresses/take: %d %s", code, body)
	}
	return string(m[1])
}

func (in *installation) replacedDeposit(t *testing.T, node *chaintest.BitcoinNode) {
	address := in.taken("replaced")
	first := node.PayReplaceable(address, 100_000)
	in.shop.hearsOf(t, "replaced", "not_confirmed 0.00100000 0")
	node.Replace(first, regtest.Output{Address: address, Sats: 120_000})
	const gone = "cancelled 0.00100000 0 Transaction was double spent"
	in.shop.hearsOf(t, "replaced", "not_confirmed 0.00100000 0", gone, "not_confirmed 0.00120000 0")
	node.Generate(2)
	in.shop.hearsOf(t, "replaced", "not_confirmed 0.00100000 0", gone, "not_confirmed 0.00120000 0", "confirmed 0.00120000 2")
}

func (in *installation) depositWhileDown(t *testing.T, node *chaintest.BitcoinNode) {
	address := in.taken("down")
	in.stop()
	node.Pay(address, 300_000)
	node.Generate(5)
	in.serve()
	in.shop.hearsOf(t, "down", "not_confirmed 0.00300000 0", "confirmed 0.00300000 2") // block by block, as it happened
}

// reorganisedDeposit takes a confirmed deposit back and gives it again: the shop was told it is there, and hears nothing new.
func (in *installation) reorganisedDeposit(t *testing.T, node, rival *chaintest.BitcoinNode) {
	address := in.taken("reorganised")
	_, at := in.deposit(in.visit("reorganised", ""))
	node.Disconnect(rival)
	node.Pay(address, 400_000)
	node.Generate(2)
	in.shop.hearsOf(t, "reorganised", "not_confirmed 0.00400000 0", "confirmed 0.00400000 2")
	rival.Generate(4)
	node.Join(rival)
	in.sees(at, "it unconfirmed", func(s status) bool {
		page := in.get(at.path())
		return len(s.Txs) == 1 && !strings.Contains(page, "confirmed</span>")
	})
	in.audit()
	node.Generate(2)
	in.sees(at, "it confirmed again", func(status) bool { return strings.Contains(in.get(at.path()), ">confirmed<") })
	in.audit()
	in.shop.hearsOf(t, "reorganised", "not_confirmed 0.00400000 0", "confirmed 0.00400000 2")
}

// stolenDeposit lets the other branch hold a transaction that spends the coins of a confirmed deposit elsewhere.
func (in *installation) stolenDeposit(t *testing.T, node, rival *chaintest.BitcoinNode) {
	address := in.taken("stolen")
	node.Disconnect(rival)
	paid := node.PayReplaceable(address, 500_000)
	node.Generate(2)
	in.shop.hearsOf(t, "stolen", "not_confirmed 0.00500000 0", "confirmed 0.00500000 2")
	rival.Replace(paid)
	rival.Generate(3)
	node.Join(rival)
	in.shop.hearsOf(t, "stolen", "not_confirmed 0.00500000 0", "confirmed 0.00500000 2", "cancelled 0.00500000 0 Transaction was double spent")
}

// payTo plays a customer who pays to a permanent address.
func (in *installation) payTo(address, query string, want int) {
	in.t.Helper()
	res, err := http.Post(in.inner+"/rehearsal/addresses/"+address+"/pay?"+query, "", nil)
	if err != nil {
		in.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != want {
		text, _ := io.ReadAll(res.Body)
		in.t.Errorf("%s: %d %s, want %d", query, res.StatusCode, text, want)
	}
}

// TestRehearsedDeposit: an integration tries deposits with a test key and a played coin.
func TestRehearsedDeposit(t *testing.T) {
	t.Parallel()
	in := open(t, "", "")
	in.serve()
	in.ready("LTCT")
	status, body := in.call("addresses/take", in.m.Test.CoinsPaid, map[string]any{"currency": "LTCT", "foreign_id": "cust-1"})
	var answer struct{ Data struct{ Address string } }
	if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusCreated {
		t.Fatalf("%d %s", status, body)
	}
	in.payTo(answer.Data.Address, "amount=0.25", http.StatusNoContent)
	chaintest.Until(t, "not_confirmed", func() bool { return len(in.shop.deposits("cust-1")) == 1 })
	in.payTo(answer.Data.Address, "amount=0.5&blocks=6", http.StatusNoContent)
	chaintest.Until(t, "both confirmed", func() bool {
		heard := in.shop.deposits("cust-1")
		return heard[0] == "not_confirmed 0.25000000 0" && slices.Contains(heard, "confirmed 0.25000000 3") && slices.Contains(heard, "confirmed 0.50000000 3")
	})
	for query, want := range map[string]int{"amount=0": 400, "amount=1e3": 400, "": 400, "amount=1&blocks=101": 400, "amount=1&coin=BTC": 409} {
		in.payTo(answer.Data.Address, query, want)
	}
	in.payTo("bcrt1qcr8te4kr609gcawutmrza0j4xv80jy8zeqchgx", "amount=1", 400)
	in.audit()
}
