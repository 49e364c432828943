package money

import (
	"errors"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func mustRate(t testing.TB, from, to Currency, text string) Rate {
	t.Helper()
	r, err := ParseRatio(from, to, text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRatesArePositive(t *testing.T) {
	for _, text := range []string{"0", "0.00", "-1", "", "1/0", "1/", "/1", "1/-2", "1/2/3", "1e5", "1.5", "NaN"} {
		if r, err := ParseRatio(btc, eur, text); !errors.Is(err, ErrRate) {
			t.Errorf("ParseRatio(%q) is %s, %v", text, r.Ratio(), err)
		}
	}
	for _, value := range []*big.Rat{nil, new(big.Rat), big.NewRat(-1, 2)} {
		if _, err := NewRate(btc, eur, value); !errors.Is(err, ErrRate) {
			t.Errorf("NewRate(%v): %v", value, err)
		}
	}
	if _, err := ParseRate(btc, eur, "0.000"); !errors.Is(err, ErrRate) {
		t.Errorf("ParseRate of nothing: %v", err)
	}
	r, err := ParseRate(btc, eur, "50000.50")
	if err != nil || r.Ratio() != "100001/2" || r.Decimal(2) != "50000.50" || r.IsZero() {
		t.Errorf("50000.50 is %s, %s, %v", r.Ratio(), r.Decimal(2), err)
	}
	if !(Rate{}).IsZero() {
		t.Error("no rate is one")
	}
}

func TestConvert(t *testing.T) {
	for _, row := range []struct {
		rate     Rate
		amount   Amount
		down, up string
	}{
		{mustRate(t, btc, eur, "50000"), Units(btc, 72_000), "36.00", "36.00"},
		{mustRate(t, btc, eur, "50000"), Units(btc, 72_001), "36.00", "36.01"},
		{mustRate(t, btc, eur, "50000"), Units(btc, -72_001), "-36.01", "-36.00"},
		{mustRate(t, btc, eur, "50000").Invert(), Units(eur, 4500), "0.00090000", "0.00090000"},
		{mustRate(t, btc, eur, "3").Invert(), Units(eur, 100), "0.33333333", "0.33333334"},
		{mustRate(t, eth, jpy, "300000"), Units(eth, 1), "0", "1"},
		{One(eur), Units(eur, 1), "0.01", "0.01"},
	} {
		down, err1 := row.rate.Convert(row.amount, RoundDown)
		up, err2 := row.rate.Convert(row.amount, RoundUp)
		if err := errors.Join(err1, err2); err != nil || down.String() != row.down || up.String() != row.up {
			t.Errorf("%s at %s is %s or %s, %v; want %s or %s", row.amount, row.rate.Ratio(), down, up, err, row.down, row.up)
		}
	}
	if _, err := mustRate(t, btc, eur, "5").Convert(Units(eth, 1), RoundUp); !errors.Is(err, ErrMismatch) {
		t.Errorf("ether at a bitcoin rate: %v", err)
	}
}

func TestThrough(t *testing.T) {
	chained, err := mustRate(t, btc, eur, "50000").Through(mustRate(t, eur, jpy, "321/2"))
	if err != nil || chained.From != btc || chained.To != jpy || chained.Ratio() != "8025000" {
		t.Errorf("BTC in JPY is %s %s/%s, %v", chained.Ratio(), chained.From, chained.To, err)
	}
	if _, err := mustRate(t, btc, eur, "50000").Through(mustRate(t, btc, eur, "1")); !errors.Is(err, ErrMismatch) {
		t.Errorf("through nothing in common: %v", err)
	}
}

func anyRate(t *rapid.T, from, to Currency) Rate {
	r, err := NewRate(from, to, big.NewRat(rapid.Int64Range(1, 1<<50).Draw(t, "num"), rapid.Int64Range(1, 1<<30).Draw(t, "den")))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRatesAreKeptExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := anyRate(t, btc, eur)
		back, err := ParseRatio(btc, eur, r.Ratio())
		if err != nil || back.Rat().Cmp(r.Rat()) != 0 {
			t.Errorf("%s became %s, %v", r.Ratio(), back.Ratio(), err)
		}
		if twice := r.Invert().Invert(); twice.Rat().Cmp(r.Rat()) != 0 || twice.From != btc {
			t.Errorf("inverted twice, %s became %s", r.Ratio(), twice.Ratio())
		}
	})
}

// Rounding up is the least amount that is not less than exact; down the greatest that is not more. They differ by at most
// one smallest unit.
func TestRoundingBracketsTheExactValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, a := anyRate(t, btc, eur), anyAmount(t, btc, "a")
		exact, err := r.Exact(a)
		if err != nil {
			t.Fatal(err)
		}
		down, up := Round(eur, exact, RoundDown), Round(eur, exact, RoundUp)
		if new(big.Rat).SetInt(down.Units()).Cmp(exact) > 0 || new(big.Rat).SetInt(up.Units()).Cmp(exact) < 0 {
			t.Errorf("%s lies between %s and %s", exact, down, up)
		}
		gap, _ := up.Sub(down)
		if whole := exact.IsInt(); (whole && !gap.IsZero()) || (!whole && gap.Minor() != "1") {
			t.Errorf("%s is rounded to %s and %s", exact, down, up)
		}
	})
}

// What is due at a rate, rounded up, pays the price; one unit less does not.
func TestDueIsTheLeastThatPays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, price := anyRate(t, btc, eur), Units(eur, rapid.Int64Range(1, 1<<40).Draw(t, "price"))
		due, err := r.Invert().Convert(price, RoundUp)
		if err != nil {
			t.Fatal(err)
		}
		pays := func(a Amount) bool {
			value, err := r.Exact(a)
			if err != nil {
				t.Fatal(err)
			}
			return value.Cmp(new(big.Rat).SetInt(price.Units())) >= 0
		}
		less, _ := due.Sub(Units(btc, 1))
		if !pays(due) || pays(less) {
			t.Errorf("%s for %s at %s", due, price, r.Ratio())
		}
	})
}

func TestFiatCurrencies(t *testing.T) {
	for code, scale := range map[string]uint8{"EUR": 2, "JPY": 0, "KWD": 3} {
		c, ok := FiatByCode(code)
		if !ok || c.Scale != scale || c.Kind != Fiat || c.String() != code {
			t.Errorf("%s is %+v, %v", code, c, ok)
		}
	}
	for _, code := range []string{"", "eur", "BTC", "XXX"} {
		if _, ok := FiatByCode(code); ok {
			t.Errorf("%q is a fiat currency", code)
		}
	}
	list := Fiats()
	for i, c := range list[1:] {
		if list[i].Code >= c.Code {
			t.Errorf("%s stands before %s", list[i], c)
		}
	}
	if (Currency{}).IsZero() != true || list[0].IsZero() {
		t.Error("IsZero")
	}
}
