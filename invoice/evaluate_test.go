package invoice

import (
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"checkout/chain"
	"checkout/ident"
	"checkout/money"
	"checkout/rate"
)

// How much is enough, and how much is too much. A satoshi is 0.0005 EUR.
func TestAmounts(t *testing.T) {
	for _, row := range []struct {
		name      string
		tolerance int64 // cents of 100 EUR
		paid      []int64
		want      AmountState
	}{
		{"nothing", 50, nil, None},
		{"exact", 50, []int64{due}, Exact},
		{"least with half a percent", 50, []int64{199_000}, Exact},
		{"just below it", 50, []int64{198_999}, Short},
		{"most with half a percent, and one satoshi of rounding", 50, []int64{201_001}, Exact},
		{"just above it", 50, []int64{201_002}, Over},
		{"no tolerance, exact", 0, []int64{due}, Exact},
		{"no tolerance, a satoshi short", 0, []int64{due - 1}, Short},
		{"no tolerance, a satoshi of rounding", 0, []int64{due + 1}, Exact},
		{"no tolerance, two satoshi more", 0, []int64{due + 2}, Over},
		{"no tolerance, a satoshi of rounding for each of two", 0, []int64{due / 2, due/2 + 2}, Exact},
		{"no tolerance, two parts and three satoshi more", 0, []int64{due / 2, due/2 + 3}, Over},
		{"five percent", 500, []int64{190_000}, Exact},
		{"less than five percent off", 500, []int64{189_999}, Short},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := start(t, script{terms: CoinsPaidTerms(cents(row.tolerance), false, false), coin: "btc"})
			for _, units := range row.paid {
				p.pay("btc", units)
			}
			if got := p.inv.Outcome.Amount; got != row.want {
				t.Errorf("%v of %d is %s, want %s", row.paid, due, got, row.want)
			}
		})
	}
}

// What is asked for is the least that pays: a step less would not, and it is never too much.
func TestDueIsTheLeastThatPays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		places := rapid.IntRange(0, 8).Draw(t, "places")
		price := money.Units(eur, rapid.Int64Range(1, 1_000_000_000).Draw(t, "price"))
		r, err := money.NewRate(btc, eur, big.NewRat(rapid.Int64Range(1, 1_000_000).Draw(t, "num"), rapid.Int64Range(1, 1_000).Draw(t, "den")))
		if err != nil {
			t.Fatal(err)
		}
		m := NewMethod(volatile, volatileNet, TermsCoinsPaid)
		m.Places = places
		inv := &Invoice{Price: price, Terms: CoinsPaidTerms(money.Zero(eur), false, false), Methods: []Method{m}, Created: noon, Asset: m.Asset}
		q, err := inv.lock(m, rate.Quote{ID: "q", Rate: r, At: noon, Until: noon.Add(time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		inv.Quotes = []Quote{q}
		paid := func(a money.Amount) AmountState {
			inv.Payments = []Payment{{ID: "p", Transfer: chain.Transfer{Asset: m.Asset, Amount: a}, Standing: Counted, Quote: q.ID, Status: Seen, FirstSeen: noon}}
			return Evaluate(inv.facts(Moment{Now: noon})).Amount
		}
		if got := paid(q.Due); got != Exact {
			t.Errorf("paying %s for %s at %s is %s", q.Due, price, r.Ratio(), got)
		}
		less, err := q.Due.Sub(money.Units(btc, 1).CeilTo(places))
		if err != nil {
			t.Fatal(err)
		}
		if got := paid(less); less.Sign() > 0 && got != Short {
			t.Errorf("paying %s for %s at %s is %s", less, price, r.Ratio(), got)
		}
	})
}

// someFacts draws facts of any kind, also such as no change would make. Instants are distinct.
func someFacts(t *rapid.T) Facts {
	clock := noon
	next := func() time.Time {
		clock = clock.Add(time.Duration(rapid.Int64Range(1, int64(40*time.Minute)).Draw(t, "later")))
		return clock
	}
	terms := rapid.SampledFrom([]Terms{shop(), partly(), orders(), CoinsPaidTerms(money.Zero(eur), false, true)}).Draw(t, "terms")
	f := Facts{
		Price: cents(rapid.Int64Range(1, 20_000).Draw(t, "price")), Terms: terms, Created: noon, Evidence: map[string]time.Time{},
		Methods: []Method{NewMethod(volatile, volatileNet, terms.Name), NewMethod(stable, stableNet, terms.Name)},
		Asset:   rapid.SampledFrom([]string{"", "btc", "usd"}).Draw(t, "asset"),
		Settled: rapid.Bool().Draw(t, "settled"), Test: rapid.Bool().Draw(t, "test"), Lapsed: rapid.Bool().Draw(t, "lapsed"),
	}
	inv := &Invoice{Price: f.Price}
	for i := range rapid.IntRange(0, 4).Draw(t, "quotes") {
		m := f.Methods[rapid.IntRange(0, 1).Draw(t, "method")]
		r, err := money.NewRate(m.Currency, eur, big.NewRat(rapid.Int64Range(1, 100_000).Draw(t, "rate"), 3))
		if err != nil {
			t.Fatal(err)
		}
		at := next()
		q, err := inv.lock(m, rate.Quote{ID: id("q", i), Rate: r, At: at, Until: at.Add(rapid.SampledFrom([]time.Duration{0, 20 * time.Minute}).Draw(t, "window"))})
		if err != nil {
			t.Fatal(err)
		}
		q.Renewal = rapid.Bool().Draw(t, "renewal")
		f.Quotes = append(f.Quotes, q)
	}
	for i := range rapid.IntRange(0, 5).Draw(t, "payments") {
		m := f.Methods[rapid.IntRange(0, 1).Draw(t, "paid")]
		p := Payment{
			ID:       id("p", i),
			Transfer: chain.Transfer{Network: m.Network, Asset: m.Asset, Amount: money.Units(m.Currency, rapid.Int64Range(0, 1e12).Draw(t, "units"))},
			Status:   rapid.SampledFrom([]Status{Seen, Confirmed, Reverted, Dropped}).Draw(t, "status"),
			Standing: rapid.SampledFrom([]Standing{Counted, Counted, Late, Aside, DustAside, Unmatched, Quarantined}).Draw(t, "standing"),
			IsLate:   rapid.Bool().Draw(t, "late"), FirstSeen: next(), Conflict: rapid.SampledFrom([]string{"", "other"}).Draw(t, "conflict"),
			DoubleSpent: rapid.Bool().Draw(t, "double spent"), Quote: id("q", rapid.IntRange(0, 4).Draw(t, "quote")),
		}
		if p.Status == Reverted || p.DoubleSpent {
			p.RevertedAt = next()
		}
		f.Payments = append(f.Payments, p)
	}
	for range rapid.IntRange(0, 3).Draw(t, "marks") {
		f.Marks = append(f.Marks, Mark{
			Kind: rapid.SampledFrom([]MarkKind{MarkAccept, MarkInvalidate, MarkCancel, MarkReopen}).Draw(t, "mark"), At: next(), Until: clock.Add(time.Hour),
		})
	}
	if rapid.Bool().Draw(t, "ended") {
		f.Ended = &End{State: rapid.SampledFrom([]State{Expired, Failed}).Draw(t, "end"), At: next()}
	}
	f.Now = next()
	for _, n := range []string{volatileNet.ID, stableNet.ID} {
		f.Evidence[n] = f.Now.Add(-time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "behind")))
	}
	return f
}

func id(prefix string, n int) ident.ID { return ident.ID(fmt.Sprintf("%s%d", prefix, n)) }

// The same facts in any order have the same outcome.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := someFacts(t)
		want := fmt.Sprintf("%+v", Evaluate(f))
		shuffled := f
		shuffled.Payments = rapid.Permutation(f.Payments).Draw(t, "payments in order")
		shuffled.Quotes = rapid.Permutation(f.Quotes).Draw(t, "quotes in order")
		shuffled.Marks = rapid.Permutation(f.Marks).Draw(t, "marks in order")
		if got := fmt.Sprintf("%+v", Evaluate(shuffled)); got != want {
			t.Errorf("in another order\n%s, was\n%s", got, want)
		}
	})
}

// outcomes checks that facts amount to something, and to nothing that contradicts itself.
func outcomes(t *rapid.T) {
	f := someFacts(t)
	o := Evaluate(f)
	verdicts := map[State][]Fulfilment{
		Open: {Wait}, Awaiting: {Wait}, Detected: {Wait, Stop}, Settled: {Go}, Expired: {Review, Release}, Failed: {Stop}, Cancelled: {Review, Release},
	}
	if !slices.Contains(verdicts[o.State], o.Fulfilment) {
		t.Errorf("%s, but %q", o.State, o.Fulfilment)
	}
	if (o.Amount == None) != (o.Covered.IsZero() && o.CoveredAt.IsZero()) && !tiny(f) {
		t.Errorf("%s, but %s is covered", o.Amount, o.Covered)
	}
	if covered := o.Amount == Exact || o.Amount == Over; covered == o.CoveredAt.IsZero() && o.Amount != None {
		t.Errorf("%s, covered at %s", o.Amount, o.CoveredAt)
	}
	if more, err := o.Firm.Cmp(o.Covered); err != nil || more > 0 {
		t.Errorf("%s is firm of %s", o.Firm, o.Covered)
	}
	if o.Flags.Marked != (o.State == Cancelled) && o.State == Cancelled {
		t.Error("cancelled by nobody")
	}
	if !o.CoveredAt.IsZero() && !o.Remaining.IsZero() {
		t.Errorf("covered, and %s remains", o.Remaining)
	}
}

// tiny says whether payments may be worth less than a cent altogether.
func tiny(f Facts) bool {
	return slices.ContainsFunc(f.Payments, func(p Payment) bool { return p.Transfer.Amount.Units().Cmp(big.NewInt(1_000_000_000)) < 0 })
}

func TestEveryFactsHaveAnOutcome(t *testing.T) { rapid.Check(t, outcomes) }

func FuzzEvaluate(f *testing.F) { f.Fuzz(rapid.MakeFuzz(outcomes)) }

func TestFlagsAreWritten(t *testing.T) {
	for want, f := range map[string]Flags{
		"": {}, "late": {Late: true}, "renewed": {Renewed: 3}, "test": {Test: true},
		"late marked needs_review renewed reorged replaced test": {
			Late: true, Marked: true, Replaced: true, Reorged: true, NeedsReview: true, Test: true, Renewed: 1,
		},
	} {
		if got := f.String(); got != want {
			t.Errorf("%+v is %q, want %q", f, got, want)
		}
	}
}

// What the audit views and dialects call the moves of engine.md section 6, and no others.
func TestLegalMoves(t *testing.T) {
	all := []State{"", Open, Awaiting, Detected, Settled, Expired, Failed, Cancelled}
	want := map[State][]State{
		"": {Open, Awaiting}, Open: {Awaiting, Detected, Expired, Cancelled, Settled, Failed},
		Awaiting: {Detected, Settled, Expired, Cancelled, Failed, Open}, Detected: {Settled, Awaiting, Expired, Failed, Open},
		Settled: {Detected}, Expired: {Awaiting, Detected, Settled, Failed}, Failed: {Awaiting, Detected, Settled}, Cancelled: {Settled},
	}
	for _, from := range all {
		for _, to := range all {
			if got := Legal(from, to); got != slices.Contains(want[from], to) {
				t.Errorf("%q to %q: %v", from, to, got)
			}
		}
	}
}
