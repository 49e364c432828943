package coinspaid_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"checkout/chain"
	"checkout/ident"
	"checkout/invoice"
	"checkout/merchant"
)

// The ends a history can come to.
const (
	unpaid    = " Timer expired. User not paid."
	paidLess  = " Timer expired. User paid less than requested."
	tooSlow   = " Timer expired. Transactions were in status processing too long."
	stolen    = " Transaction was double spent"
	cancelled = " Invoice cancelled."
)

// over is just beyond the 900 seconds of a price.
const over = 15*time.Minute + time.Second

// history is what happens to an invoice of 45 EUR, due 0.45 LTCT, and what the shop hears of it: see stage.lines.
type history struct {
	name      string
	tolerance string // percent; "": 0
	made      map[string]any
	does      func(s *stage, c created)
	hears     []string
}

var partial = map[string]any{"type": "good_until_expired"}

func histories() []history {
	return slices.Concat(payments(), ends(), reversals(), choices())
}

func payments() []history {
	return []history{
		{name: "exact", does: func(s *stage, c created) { s.clock.pass(time.Minute); s.pay(c, "0.45"); s.mine(3) }, hears: []string{
			"processing 0.00000000 24h1m0s 0.45@0", "confirmed 0.00000000 24h1m0s 0.45@3",
		}},
		{name: "two parts", does: func(s *stage, c created) { s.pay(c, "0.20"); s.wait(58 * time.Second); s.pay(c, "0.25"); s.mine(3) }, hears: []string{
			"pending 0.25000000 15m0s 0.20@0", "processing 0.00000000 24h0m58s 0.20@0 0.25@0", "confirmed 0.00000000 24h0m58s 0.20@3 0.25@3",
		}},
		{name: "three parts, the first confirmed before the last", does: func(s *stage, c created) { s.pay(c, "0.10"); s.mine(3); s.pay(c, "0.10"); s.pay(c, "0.25"); s.mine(3) }, hears: []string{
			"pending 0.35000000 15m0s 0.10@0", "pending 0.25000000 15m0s 0.10@3 0.10@0", "processing 0.00000000 24h0m0s 0.10@3 0.10@0 0.25@0",
			"confirmed 0.00000000 24h0m0s 0.10@3 0.10@3 0.25@3",
		}},
		{name: "over", does: func(s *stage, c created) { s.pay(c, "0.50"); s.mine(3) }, hears: []string{
			"processing 0.00000000 24h0m0s 0.50@0", "confirmed 0.00000000 24h0m0s 0.50@3",
		}},
		{name: "more once covered, and once settled", does: func(s *stage, c created) { s.pay(c, "0.45"); s.pay(c, "0.10"); s.mine(3); s.pay(c, "0.10"); s.mine(3) }, hears: []string{
			"processing 0.00000000 24h0m0s 0.45@0", "confirmed 0.00000000 24h0m0s 0.45@3 0.10@3",
		}},
		{name: "first seen deep enough", does: func(s *stage, c created) {
			s.must(s.invoices.Seen(s.Context(), c.capability(), s.deepSighting(c, "0.45", 3, "a coin")))
			s.step()
		}, hears: []string{"confirmed 0.00000000 24h0m0s 0.45@3"}},
		{name: "dust is no instalment", does: func(s *stage, c created) { s.pay(c, "0.00000999"); s.mine(3) }},
		{name: "one smallest unit short (D06)", made: map[string]any{"amount": 100}, does: func(s *stage, c created) {
			if *c.SenderAmount != "1.00000000" {
				s.Errorf("due %s", *c.SenderAmount)
			}
			s.pay(c, "0.99999999")
		}, hears: []string{"pending 0.00000001 15m0s 0.99@0"}},
		{name: "99.6 % with a tolerance of 0.5 %", tolerance: "0.5", does: func(s *stage, c created) { s.pay(c, "0.4482"); s.mine(3) }, hears: []string{
			"processing 0.00000000 24h0m0s 0.44@0", "confirmed 0.00000000 24h0m0s 0.44@3",
		}},
		{name: "99.6 % without tolerance", does: func(s *stage, c created) { s.pay(c, "0.4482"); s.mine(3) }, hears: []string{"pending 0.00180000 15m0s 0.44@0"}},
		{name: "covered before the end of the window, confirmed long after", does: func(s *stage, c created) {
			s.clock.pass(over - 2*time.Second)
			s.hold(c, "0.45")
			s.wait(20 * time.Hour)
			s.release()
			s.mine(3)
		}, hears: []string{"processing 0.00000000 24h14m59s 0.45@0", "confirmed 0.00000000 24h14m59s 0.45@3"}},
	}
}

func ends() []history {
	return []history{
		{name: "unpaid", does: func(s *stage, c created) { s.wait(over); s.wait(over) }, hears: []string{"failed 0.45000000 15m0s" + unpaid}},
		{name: "short, confirmed, expired", does: func(s *stage, c created) { s.pay(c, "0.20"); s.mine(3); s.wait(over) }, hears: []string{
			"pending 0.25000000 15m0s 0.20@0", "failed 0.25000000 15m0s 0.20@3" + paidLess,
		}},
		{name: "short, confirmed after the end of the window", does: func(s *stage, c created) { s.pay(c, "0.20"); s.wait(over); s.mine(2); s.wait(time.Hour); s.mine(1) }, hears: []string{
			"pending 0.25000000 15m0s 0.20@0", "failed 0.25000000 15m0s 0.20@3" + paidLess,
		}},
		{name: "short, never confirmed", does: func(s *stage, c created) { s.hold(c, "0.20"); s.wait(over); s.wait(24 * time.Hour) }, hears: []string{
			"pending 0.25000000 15m0s 0.20@0", "failed 0.25000000 15m0s 0.20@0" + tooSlow,
		}},
		{name: "covered, never confirmed", does: func(s *stage, c created) {
			s.hold(c, "0.45")
			s.wait(24*time.Hour - time.Second)
			s.wait(2 * time.Second)
		}, hears: []string{
			"processing 0.00000000 24h0m0s 0.45@0", "failed 0.00000000 24h0m0s 0.45@0" + tooSlow,
		}},
		{name: "good until expired, a part", made: partial, does: func(s *stage, c created) { s.pay(c, "0.20"); s.mine(3); s.wait(over) }, hears: []string{
			"pending 0.25000000 15m0s 0.20@0", "confirmed 0.25000000 15m0s 0.20@3",
		}},
		{name: "good until expired, all", made: partial, does: func(s *stage, c created) { s.pay(c, "0.20"); s.pay(c, "0.25"); s.mine(3); s.wait(over) }, hears: []string{
			"pending 0.25000000 15m0s 0.20@0", "processing 0.00000000 24h0m0s 0.20@0 0.25@0", "confirmed 0.00000000 24h0m0s 0.20@3 0.25@3",
		}},
		{name: "good until expired, nothing", made: partial, does: func(s *stage, c created) { s.wait(over) }, hears: []string{"failed 0.45000000 15m0s" + unpaid}},
		{name: "cancelled", does: func(s *stage, c created) { s.decide(c, invoice.MarkCancel, "", time.Time{}); s.wait(over) }, hears: []string{"failed 0.45000000 15m0s" + cancelled}},
		{name: "marked invalid", does: func(s *stage, c created) {
			s.pay(c, "0.20")
			s.decide(c, invoice.MarkInvalidate, "Not our customer", time.Time{})
		}, hears: []string{
			"pending 0.25000000 15m0s 0.20@0", "failed 0.25000000 15m0s 0.20@0 Not our customer",
		}},
		{name: "accepted though short", does: func(s *stage, c created) {
			s.pay(c, "0.20")
			s.mine(3)
			s.wait(over)
			s.decide(c, invoice.MarkAccept, "", time.Time{})
		}, hears: []string{
			"pending 0.25000000 15m0s 0.20@0", "failed 0.25000000 15m0s 0.20@3" + paidLess, "confirmed 0.00000000 15m0s 0.20@3",
		}},
		{name: "late money under review", does: func(s *stage, c created) { s.wait(over); s.pay(c, "0.45"); s.mine(3) }, hears: []string{"failed 0.45000000 15m0s" + unpaid}},
		{name: "late money accepted", does: func(s *stage, c created) {
			s.wait(over)
			s.pay(c, "0.45")
			s.mine(3)
			s.decide(c, invoice.MarkAccept, "", time.Time{})
		}, hears: []string{
			"failed 0.45000000 15m0s" + unpaid, "confirmed 0.00000000 15m0s 0.45@3",
		}},
		{name: "reopened", does: func(s *stage, c created) {
			s.wait(over)
			s.decide(c, invoice.MarkReopen, "", s.clock.Now().Add(time.Hour))
		}, hears: []string{"failed 0.45000000 15m0s" + unpaid}},
	}
}

func reversals() []history {
	settled := []string{"processing 0.00000000 24h0m0s 0.45@0", "confirmed 0.00000000 24h0m0s 0.45@3"}
	return []history{
		{name: "replaced, time left", does: func(s *stage, c created) {
			s.replace(s.pay(c, "0.45"), elsewhere, "0.45")
			s.pay(c, "0.45")
		}, hears: []string{"processing 0.00000000 24h0m0s 0.45@0", "pending 0.45000000 15m0s", "processing 0.00000000 24h0m0s 0.45@0"}},
		{name: "replaced by less", does: func(s *stage, c created) { s.replace(s.pay(c, "0.45"), s.address(c), "0.20") }, hears: []string{
			"processing 0.00000000 24h0m0s 0.45@0", "pending 0.25000000 15m0s 0.20@0",
		}},
		{name: "a part replaced by less", does: func(s *stage, c created) { s.replace(s.pay(c, "0.20"), s.address(c), "0.10") }, hears: []string{
			"pending 0.25000000 15m0s 0.20@0", "pending 0.35000000 15m0s 0.10@0",
		}},
		{name: "a part replaced by all", does: func(s *stage, c created) { s.replace(s.pay(c, "0.20"), s.address(c), "0.45"); s.mine(3) }, hears: []string{
			"pending 0.25000000 15m0s 0.20@0", "processing 0.00000000 24h0m0s 0.45@0", "confirmed 0.00000000 24h0m0s 0.45@3",
		}},
		{name: "a part replaced by a larger part", does: func(s *stage, c created) { s.replace(s.pay(c, "0.20"), s.address(c), "0.30") }, hears: []string{
			"pending 0.25000000 15m0s 0.20@0", "pending 0.15000000 15m0s 0.30@0",
		}},
		{name: "a part replaced by all, first seen deep enough", does: func(s *stage, c created) {
			tx, _, err := s.chain.Keeper.PlayedTx(s.Context(), s.hold(c, "0.20"))
			s.must(err)
			s.must(s.invoices.Seen(s.Context(), c.capability(), s.deepSighting(c, "0.45", 3, tx.Input)))
			s.step()
		}, hears: []string{"pending 0.25000000 15m0s 0.20@0", "confirmed 0.00000000 24h0m0s 0.45@3"}},
		{name: "replaced by as much", does: func(s *stage, c created) { s.replace(s.pay(c, "0.45"), s.address(c), "0.45"); s.mine(3) }, hears: settled},
		{name: "one of two parts replaced", does: func(s *stage, c created) { s.pay(c, "0.20"); s.replace(s.pay(c, "0.25"), elsewhere, "0.25") }, hears: []string{
			"pending 0.25000000 15m0s 0.20@0", "processing 0.00000000 24h0m0s 0.20@0 0.25@0", "pending 0.25000000 15m0s 0.20@0",
		}},
		{name: "one of two that each cover replaced", does: func(s *stage, c created) { s.pay(c, "0.45"); s.replace(s.pay(c, "0.45"), elsewhere, "0.45") }, hears: settled[:1]},
		{name: "money set aside replaced", does: func(s *stage, c created) {
			s.hold(c, "0.20")
			s.wait(over)
			s.replace(s.pay(c, "0.30"), elsewhere, "0.30")
		}, hears: []string{
			"pending 0.25000000 15m0s 0.20@0",
		}},
		{name: "replaced after the window", does: func(s *stage, c created) { id := s.hold(c, "0.45"); s.wait(over); s.replace(id, elsewhere, "0.45") }, hears: []string{
			"processing 0.00000000 24h0m0s 0.45@0", "failed 0.45000000 15m0s" + unpaid,
		}},
		{name: "gone from the mempool", does: func(s *stage, c created) {
			s.pay(c, "0.10")
			s.must(s.chain.Keeper.DropPlayedTx(s.Context(), s.pay(c, "0.20")))
			s.step()
			s.wait(10 * time.Minute)
		}, hears: []string{"pending 0.35000000 15m0s 0.10@0", "pending 0.15000000 15m0s 0.10@0 0.20@0", "pending 0.35000000 15m0s 0.10@0"}},
		{name: "reorganised before it was settled", does: func(s *stage, c created) { s.pay(c, "0.45"); s.mine(2); s.reorg(2); s.mine(3) }, hears: settled},
		{name: "reorganised after it was settled", does: func(s *stage, c created) { s.pay(c, "0.45"); s.mine(3); s.reorg(3); s.mine(3) }, hears: append(slices.Clone(settled),
			"processing 0.00000000 24h0m0s 0.45@0", "confirmed 0.00000000 24h0m0s 0.45@3")},
		{name: "one of two parts double spent", does: func(s *stage, c created) {
			s.pay(c, "0.20")
			s.clock.pass(time.Minute)
			id := s.pay(c, "0.25")
			s.mine(3)
			s.reorg(3, id)
		}, hears: []string{
			"pending 0.25000000 15m0s 0.20@0", "processing 0.00000000 24h1m0s 0.20@0 0.25@0", "confirmed 0.00000000 24h1m0s 0.20@3 0.25@3",
			"processing 0.00000000 24h1m0s 0.20@0 0.25@0", "failed 0.25000000 24h1m0s 0.20@0" + stolen,
		}},
		{name: "double spent", does: func(s *stage, c created) { id := s.pay(c, "0.45"); s.mine(3); s.reorg(3, id) }, hears: append(slices.Clone(settled),
			"processing 0.00000000 24h0m0s 0.45@0", "failed 0.45000000 24h0m0s"+stolen)},
	}
}

func choices() []history {
	type1 := map[string]any{"timer": false, "sender_currency": nil}
	type2 := map[string]any{"timer": true, "sender_currency": nil}
	return []history{
		{name: "type 1, never chosen", made: type1, does: func(s *stage, c created) { s.wait(400 * 24 * time.Hour) }},
		{name: "type 1, chosen", made: type1, does: func(s *stage, c created) { s.wait(time.Hour); s.choose(c) }},
		{name: "type 1, chosen and paid", made: type1, does: func(s *stage, c created) {
			s.wait(time.Hour)
			s.choose(c)
			s.clock.pass(time.Minute)
			s.pay(c, "0.45")
			s.mine(3)
		}, hears: []string{
			"processing 0.00000000 24h1m0s 0.45@0", "confirmed 0.00000000 24h1m0s 0.45@3",
		}},
		{name: "type 1, chosen and not paid", made: type1, does: func(s *stage, c created) { s.wait(time.Hour); s.choose(c); s.wait(over) }, hears: []string{"failed 0.45000000 15m0s" + unpaid}},
		{name: "type 1, cancelled before a choice", made: type1, does: func(s *stage, c created) { s.decide(c, invoice.MarkCancel, "", time.Time{}) }, hears: []string{"failed 45.00000000 EUR" + cancelled}},
		{name: "type 2 without coin", made: type2, does: func(s *stage, c created) { s.wait(over) }, hears: []string{"failed 45.00000000 EUR 15m0s" + unpaid}},
		{name: "type 2, chosen at half time", made: type2, does: func(s *stage, c created) { s.wait(7 * time.Minute); s.choose(c); s.wait(over) }, hears: []string{"failed 0.45000000 15m0s" + unpaid}},
		{name: "type 2, chosen and paid", made: type2, does: func(s *stage, c created) { s.wait(7 * time.Minute); s.choose(c); s.pay(c, "0.45") }, hears: []string{"processing 0.00000000 24h7m0s 0.45@0"}},
	}
}

// TestCallbacks plays every history on a real database and a played chain, one after the other, and compares what the
// shop hears.
func TestCallbacks(t *testing.T) {
	all := openStage(t)
	keys := map[string]merchant.Key{"": all.key, "0.5": all.listen("K9", "0.5", all.server.URL)}
	for _, x := range histories() {
		t.Run(x.name, func(t *testing.T) {
			s := all.by(t, keys[x.tolerance])
			c := s.order(x.made)
			x.does(s, c)
			if got := s.lines(c); !slices.Equal(got, x.hears) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(x.hears, "\n"))
			}
		})
	}
}

// deepSighting is a transfer to the invoice, spending a coin, that nobody saw before it was so many blocks deep.
func (s *stage) deepSighting(c created, amount string, depth int64, coin string) chain.Sighting {
	s.Helper()
	tip, err := s.chain.Tip(s.Context())
	s.must(err)
	id := string(ident.New(s.random))
	out := chain.Transfer{Network: "rehearsal", TxID: id, Asset: "ltct", Address: s.address(c), Amount: s.amount(amount)}
	return chain.Sighting{
		Tx: chain.Tx{ID: id, Inputs: []string{coin}, Outputs: []chain.Transfer{out}}, Transfer: out,
		Block: chain.BlockRef{Height: tip.Height + 1, Hash: "block of " + id}, Tip: tip.Height + depth,
	}
}

// release lets miners have everything.
func (s *stage) release() {
	s.Helper()
	pool, err := s.chain.Keeper.PlayedPool(s.Context())
	s.must(err)
	for _, tx := range pool {
		s.must(s.chain.Release(s.Context(), tx.ID))
	}
}
