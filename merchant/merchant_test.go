package merchant

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"checkout/money"
)

func currency(code string) money.Currency {
	c, _ := money.FiatByCode(code)
	return c
}

func TestToleranceOn(t *testing.T) {
	btc := money.Currency{Code: "BTC", Scale: 8, Kind: money.Crypto}
	for _, row := range []struct {
		percent string
		price   money.Amount
		want    string
	}{
		{"0.5", money.Units(currency("EUR"), 100_00), "0.50"},
		{"0.5", money.Units(currency("EUR"), 1_000_00), "5.00"},
		{"0.5", money.Units(currency("EUR"), 45_00), "0.50"}, // the fixed part
		{"0.5", money.Units(currency("EUR"), 10_00), "0.50"},
		{"0.5", money.Units(currency("EUR"), 9_99), "0.49"}, // five percent of it, rounded down
		{"0.5", money.Units(currency("EUR"), 1_00), "0.05"},
		{"0.5", money.Units(currency("EUR"), 19), "0.00"},
		{"5", money.Units(currency("EUR"), 100_00), "5.00"},
		{"0.01", money.Units(currency("EUR"), 100_00), "0.50"},
		{"0", money.Units(currency("EUR"), 100_00), "0.00"}, // a merchant who wants all gets all
		{"0.000", money.Units(currency("EUR"), 100_00), "0.00"},
		{"0.5", money.Units(currency("KWD"), 10_000), "0.500"},
		{"0.5", money.Units(currency("JPY"), 1000), "5"},
		{"0.5", money.Units(btc, 100_000_000), "0.00500000"}, // no fixed part for coins
		{"0.5", money.Units(btc, 199), "0.00000000"},
	} {
		got, err := Merchant{Tolerance: row.percent}.ToleranceOn(row.price)
		if err != nil || got.String() != row.want || got.Currency() != row.price.Currency() {
			t.Errorf("%s %% of %s %s: %s, %v; want %s", row.percent, row.price, row.price.Currency(), got, err, row.want)
		}
	}
	for _, bad := range []string{"", "-1", "x", "1e-1"} {
		if _, err := (Merchant{Tolerance: bad}).ToleranceOn(money.Units(btc, 1)); !errors.Is(err, ErrPolicy) {
			t.Errorf("%q percent: %v", bad, err)
		}
	}
}

// Whatever the policy, nobody is let off more than five percent.
func TestToleranceIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Merchant{Tolerance: rapid.SampledFrom([]string{"0", "0.1", "0.5", "3.33", "5"}).Draw(t, "percent")}
		price := money.Units(currency(rapid.SampledFrom([]string{"EUR", "JPY", "KWD"}).Draw(t, "currency")), rapid.Int64Range(1, 1<<40).Draw(t, "price"))
		tolerance, err := m.ToleranceOn(price)
		if err != nil {
			t.Fatal(err)
		}
		if twenty := tolerance.Units().Int64() * 20; tolerance.Sign() < 0 || twenty > price.Units().Int64() {
			t.Errorf("%s of %s", tolerance, price)
		}
	})
}

func TestCheck(t *testing.T) {
	good := Merchant{Name: "Mugs & More", Tolerance: DefaultTolerance}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]error{
		"": ErrName, "   ": ErrName, strings.Repeat("x", 65): ErrName, "two\nlines": ErrName, "\xff\xfe": ErrName, strings.Repeat("é", 64): nil,
	} {
		m := good
		m.Name = name
		if err := m.Check(); !errors.Is(err, want) {
			t.Errorf("name %q: %v", name, err)
		}
	}
	for tolerance, want := range map[string]error{"0": nil, "5": nil, "4.99": nil, "5.01": ErrPolicy, "": ErrPolicy, "-1": ErrPolicy, "abc": ErrPolicy, "1e1": ErrPolicy} {
		m := good
		m.Tolerance = tolerance
		if err := m.Check(); !errors.Is(err, want) {
			t.Errorf("tolerance %q: %v", tolerance, err)
		}
	}
}

// Text shown to customers cannot make a page say something else.
func TestPresentable(t *testing.T) {
	for _, text := range []string{"Mugs", "Кружки и чай", "杯子", "مكان", "Ada’s “Shop” – 5 €", "👩‍🚀 space", "a"} {
		if !Presentable(text, 64) {
			t.Errorf("%q is refused", text)
		}
	}
	for name, text := range map[string]string{
		"empty": "", "blank": " \u3000", "null": "a\x00b", "tab": "a\tb", "newline": "a\nb", "escape": "a\x1b[31mb", "delete": "a\x7fb", "C1 control": "a\u0085b",
		"right-to-left override": "a\u202eb", "embedding": "a\u202ab", "isolate": "a\u2066b", "end of isolate": "a\u2069b", "zero width space": "a\u200bb",
		"byte order mark": "\ufeffab", "line separator": "a\u2028b", "paragraph separator": "a\u2029b", "broken": "a\xc3(",
	} {
		if Presentable(text, 64) {
			t.Errorf("%s: %q is accepted", name, text)
		}
	}
	if Presentable("abc", 2) || !Presentable("äöü", 3) {
		t.Error("the limit counts bytes")
	}
}
