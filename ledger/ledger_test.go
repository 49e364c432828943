package ledger

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"checkout/ident"
	"checkout/money"
)

var (
	btc = money.Currency{Code: "BTC", Scale: 8, Kind: money.Crypto}
	usd = money.Currency{Code: "USDT", Scale: 6, Kind: money.Crypto}
)

func sat(n int64) money.Amount { return money.Units(btc, n) }

func entry(postings ...Posting) Entry {
	return Entry{CauseKind: "payment", CauseID: "P1", Kind: "credit", Stream: "merchant:M", Postings: postings}
}

func TestCheck(t *testing.T) {
	good := Posting{From: "a", To: "b", Asset: "btc", Amount: sat(1)}
	if err := entry(good).Check(); err != nil {
		t.Errorf("a sound entry: %v", err)
	}
	changed := func(change func(*Posting)) Entry { p := good; change(&p); return entry(good, p) }
	for name, e := range map[string]Entry{
		"no postings":  entry(),
		"nothing":      changed(func(p *Posting) { p.Amount = sat(0) }),
		"less":         changed(func(p *Posting) { p.Amount = sat(-1) }),
		"circle":       changed(func(p *Posting) { p.To = p.From }),
		"from nowhere": changed(func(p *Posting) { p.From = "" }),
		"to nowhere":   changed(func(p *Posting) { p.To = "" }),
		"no asset":     changed(func(p *Posting) { p.Asset = "" }),
		"no cause":     {CauseID: "P1", Kind: "credit", Stream: "s", Postings: []Posting{good}},
		"no cause id":  {CauseKind: "payment", Kind: "credit", Stream: "s", Postings: []Posting{good}},
		"no kind":      {CauseKind: "payment", CauseID: "P1", Stream: "s", Postings: []Posting{good}},
		"no stream":    {CauseKind: "payment", CauseID: "P1", Kind: "credit", Postings: []Posting{good}},
	} {
		if err := e.Check(); !errors.Is(err, ErrEntry) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAccounts(t *testing.T) {
	m := ident.ID("7K3M")
	for got, want := range map[Account]string{
		Own("bitcoin"): "chain:bitcoin:own", Dust("bitcoin"): "suspense:dust:bitcoin", Unmatched("bitcoin"): "suspense:unmatched:bitcoin",
		Merchant(m, ident.Live, PotOwn): "merchant:7K3M:own", Merchant(m, ident.Test, PotUnallocated): "merchant:7K3M:test:unallocated",
	} {
		if string(got) != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if !Merchant(m, ident.Test, PotOwn).IsMerchant() || Own("merchant:").IsMerchant() || Dust("x").IsMerchant() {
		t.Error("IsMerchant")
	}
}

// anyEntry draws an entry of a few postings between a few accounts.
func anyEntry(t *rapid.T) Entry {
	var postings []Posting
	for range rapid.IntRange(1, 4).Draw(t, "postings") {
		from := rapid.IntRange(0, 4).Draw(t, "from")
		p := Posting{From: account(from), To: account(from + 1), Asset: "btc", Amount: sat(rapid.Int64Range(1, 1<<40).Draw(t, "sat"))}
		if rapid.Bool().Draw(t, "usd") {
			p.Asset, p.Amount = "usd", money.Units(usd, p.Amount.Units().Int64())
		}
		postings = append(postings, p)
	}
	return entry(postings...)
}

func account(n int) Account { return Account(fmt.Sprintf("merchant:%d", n)) }

func TestEntriesBalance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sums := map[string]*big.Int{"btc": {}, "usd": {}}
		e := anyEntry(t)
		for _, leg := range e.Legs() {
			sums[leg.Asset].Add(sums[leg.Asset], leg.Amount.Units())
		}
		if sums["btc"].Sign() != 0 || sums["usd"].Sign() != 0 || e.Check() != nil {
			t.Errorf("%v: %v", sums, e.Check())
		}
	})
}

// An entry and its reverse leave every balance as it was.
func TestReverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anyEntry(t)
		back := Entry{CauseKind: e.CauseKind, CauseID: e.CauseID, Epoch: 3, Stream: e.Stream}.Reverse(e.Postings)
		if back.Kind != "reverse" || back.Epoch != 3 || back.CauseID != e.CauseID || back.Check() != nil {
			t.Errorf("%+v", back)
		}
		changes, err := Changes([]Entry{e, back})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			if !c.Delta.IsZero() {
				t.Errorf("%s keeps %s", c.Account, c.Delta)
			}
		}
	})
}

// Changes sums to one change for each balance, in the order balances are touched in.
func TestChanges(t *testing.T) {
	list, err := Changes([]Entry{
		entry(Posting{"b", "a", "usd", money.Units(usd, 5)}, Posting{"b", "a", "btc", sat(3)}), entry(Posting{"a", "c", "btc", sat(1)}),
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range list {
		got = append(got, fmt.Sprintf("%s %s %s", c.Account, c.Asset, c.Delta.Minor()))
	}
	if want := []string{"a btc 2", "a usd 5", "b btc -3", "b usd -5", "c btc 1"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	_, err = Changes([]Entry{entry(Posting{"a", "b", "btc", sat(1)}, Posting{"a", "b", "btc", money.Units(usd, 1)})})
	if !errors.Is(err, ErrEntry) || !errors.Is(err, money.ErrMismatch) {
		t.Errorf("one balance in two currencies: %v", err)
	}
}
